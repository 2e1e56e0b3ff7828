//! The announcement of a group, R109 and R110, and of a room, R121 and R122.

use axum::extract::State;
use axum::routing::get;
use serde_json::json;

use super::GroupPath;
use crate::Rest;
use crate::auth::AnyCaller;
use crate::body::JsonObject;
use crate::query::Acting;
use crate::reply::{Full, Outcome};
use crate::routes::Routes;

/// The routes below a group or room.
pub(crate) fn routes(at: &str) -> Routes {
    Routes::new().route(&format!("{at}/announcement"), get(read).post(set))
}

/// `GET /{org}/{app}/chatgroups/{group}/announcement`: R109, empty if there is none.
///
/// Errors: 403, 404.
async fn read(State(rest): State<Rest>, caller: AnyCaller, GroupPath(group): GroupPath) -> Outcome {
    let announcement = rest.chat.group_announcement(&caller, &group).await?;
    Ok(Full::of(&*caller).data(json!({ "announcement": announcement })).into())
}

/// `POST /{org}/{app}/chatgroups/{group}/announcement?resource`: R110, body `announcement` (up to 512
/// characters; an empty one takes it away). Owner and administrators may, in a room its owner.
///
/// Errors: 400 by field, 403, 404.
async fn set(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    Acting(device): Acting,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let text = body.text("announcement")?;
    rest.chat.set_group_announcement(&caller, device.as_ref(), &group, &text).await?;
    let data = json!({ "id": group.as_str(), "result": true });
    Ok(Full::of(&*caller).data(data).into())
}
