//! Super administrators, who may make chat rooms: R123 to R125.

use axum::extract::State;
use axum::routing::{delete, get};
use serde_json::json;
use stoa_audit::Act;
use stoa_core::limits;

use crate::Rest;
use crate::auth::AppCaller;
use crate::body::JsonObject;
use crate::groups::{name, names};
use crate::path::UserPath;
use crate::query::Query;
use crate::reply::{Full, Outcome};
use crate::routes::Routes;

/// The routes. They win over those of a room, whose id is a number.
pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/chatrooms/super_admin", get(list).post(add))
        .route("/chatrooms/super_admin/{user}", delete(remove))
}

/// `GET /{org}/{app}/chatrooms/super_admin?pagenum&pagesize`: R125, `pagenum` from 1, `pagesize` 1 to
/// 100 (10).
///
/// Errors: 400.
async fn list(State(rest): State<Rest>, caller: AppCaller, query: Query) -> Outcome {
    let (skip, count) = query.page(limits::LIST_PAGE_DEFAULT, limits::LIST_PAGE)?;
    let users = rest.chat.super_admins(&caller, skip, count).await?;
    Ok(Full::of(&*caller).data(names(&users)).count(users.len()).into())
}

/// `POST /{org}/{app}/chatrooms/super_admin`: R123, body `superadmin`.
///
/// Errors: 400, 404.
async fn add(
    State(rest): State<Rest>,
    caller: AppCaller,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let user = name("superadmin", &body.text("superadmin")?)?;
    let added = rest.chat.add_super_admin(&caller, &user).await;
    rest.acted(caller.by(), Act::SuperAdminAdded, Some(&user), added).await?;
    Ok(Full::of(&*caller).data(json!({ "result": "success", "resource": "" })).into())
}

/// `DELETE /{org}/{app}/chatrooms/super_admin/{user}`: R124. The rooms that the user made stay its own.
///
/// Errors: 400, 404.
async fn remove(State(rest): State<Rest>, caller: AppCaller, UserPath(user): UserPath) -> Outcome {
    let user = name("superAdmin", &user)?;
    let removed = rest.chat.remove_super_admin(&caller, &user).await;
    rest.acted(caller.by(), Act::SuperAdminRemoved, Some(&user), removed).await?;
    Ok(Full::of(&*caller).data(json!({ "newSuperAdmin": user.as_str(), "resource": "" })).into())
}
