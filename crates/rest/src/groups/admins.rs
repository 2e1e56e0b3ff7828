//! Administrators of a group, R082 to R084, and of a room, R134 to R136.

use axum::extract::State;
use axum::routing::{delete, get};
use serde_json::json;

use super::{GroupPath, more};
use crate::Rest;
use crate::auth::AnyCaller;
use crate::body::JsonObject;
use crate::path::UserPath;
use crate::query::Acting;
use crate::reply::{Full, Outcome};
use crate::routes::Routes;

/// The routes below a group or room.
pub(crate) fn routes(at: &str) -> Routes {
    Routes::new()
        .route(&format!("{at}/admin"), get(list).post(add))
        .route(&format!("{at}/admin/{{user}}"), delete(remove))
}

/// `GET /{org}/{app}/chatgroups/{group}/admin`: R082.
///
/// Errors: 403 for who is not in a private group, 404.
async fn list(State(rest): State<Rest>, caller: AnyCaller, GroupPath(group): GroupPath) -> Outcome {
    let admins = rest.chat.group_admins(&caller, &group).await?;
    Ok(Full::of(&*caller).data(more::names(&admins)).count(admins.len()).into())
}

/// `POST /{org}/{app}/chatgroups/{group}/admin?resource`: R083, body `newadmin`, a member. The owner
/// may.
///
/// Errors: 400 by field, 403, 404.
async fn add(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    Acting(device): Acting,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let user = more::name("newadmin", &body.text("newadmin")?)?;
    rest.chat.add_group_admin(&caller, device.as_ref(), &group, &user).await?;
    let data = json!({ "result": "success", "newadmin": user.as_str() });
    Ok(Full::of(&*caller).data(data).into())
}

/// `DELETE /{org}/{app}/chatgroups/{group}/admin/{user}?resource`: R084. The owner may.
///
/// Errors: 400, 403, 404.
async fn remove(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    UserPath(user): UserPath,
    Acting(device): Acting,
) -> Outcome {
    let user = more::name("username", &user)?;
    rest.chat.remove_group_admin(&caller, device.as_ref(), &group, &user).await?;
    let data = json!({ "result": "success", "oldadmin": user.as_str() });
    Ok(Full::of(&*caller).data(data).into())
}
