//! Coming into a room and leaving it over REST: R127 and R128. Nobody documents their bodies; the SDK
//! does both on its session.

use axum::extract::State;
use axum::routing::{delete, post};
use serde_json::json;
use stoa_core::Resource;

use crate::Rest;
use crate::auth::AnyCaller;
use crate::groups::GroupPath;
use crate::query::Acting;
use crate::reply::{Full, Outcome};
use crate::routes::Routes;

/// The routes.
pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/chatrooms/{room}/apply", post(come))
        .route("/chatrooms/{room}/quit", delete(leave))
}

/// `POST /{org}/{app}/chatrooms/{room}/apply?resource`: R127, the token's user comes into the room, with
/// all its sessions. Without a session it leaves again after two minutes.
///
/// Errors: 401 for an app token, 403 on the room's block list or full, 404.
async fn come(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(room): GroupPath,
    Acting(device): Acting,
) -> Outcome {
    let device = device.unwrap_or_else(Resource::none);
    rest.chat.join_room(&caller, &device, &room, "", false).await?;
    let user = caller.user().map(|user| user.as_str());
    let data = json!({ "action": "apply", "id": room.as_str(), "result": true, "user": user });
    Ok(Full::of(&*caller).data(data).into())
}

/// `DELETE /{org}/{app}/chatrooms/{room}/quit`: R128, the token's user leaves.
///
/// Errors: 400 for who is not there, 401 for an app token, 404.
async fn leave(State(rest): State<Rest>, caller: AnyCaller, GroupPath(room): GroupPath) -> Outcome {
    rest.chat.leave_room(&caller, &room).await?;
    Ok(Full::of(&*caller).data(json!({ "result": true })).into())
}
