//! Accounts: look up, list, change, remove.

use axum::extract::State;
use stoa_audit::Act;
use stoa_core::{Refusal, Secret};

use super::named;
use crate::Rest;
use crate::auth::{AnyCaller, AppCaller};
use crate::body::JsonObject;
use crate::error::Failure;
use crate::path::UserPath;
use crate::query::Query;
use crate::reply::{Full, Outcome, Reply};

/// `GET /{org}/{app}/users/{user}`: R008, by name or uuid.
///
/// Errors: 404 `service_resource_not_found`; 401 for another user's token.
pub(crate) async fn get(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
) -> Outcome {
    let user = named(&rest, &caller, &user).await?;
    let user = rest.chat.user(&caller, &user).await?;
    Ok(Full::of(&*caller).users([&user]).count(1).into())
}

/// `GET /{org}/{app}/users?limit&cursor`: R009, `limit` 1 to 100 (10) in the order of registration;
/// no `cursor` on the last page.
///
/// Errors: 400 for a limit out of range or a cursor that is none.
pub(crate) async fn list(State(rest): State<Rest>, caller: AppCaller, query: Query) -> Outcome {
    let (limit, cursor) = (query.limit()?, query.get("cursor")?);
    let page = rest.chat.users(&caller, limit, cursor).await?;
    let count = page.users.len();
    Ok(Full::of(&*caller).users(&page.users).count(count).cursor(page.cursor).into())
}

/// `DELETE /{org}/{app}/users/{user}`: R010, by name or uuid. The user's sessions end.
///
/// Errors: 404.
pub(crate) async fn delete(
    State(rest): State<Rest>,
    caller: AppCaller,
    UserPath(user): UserPath,
) -> Outcome {
    let named = rest.object(&caller, Act::UserDeleted, &user).await?;
    let user = rest.chat.delete_user(&caller, &named).await;
    let user = rest.acted(caller.by(), Act::UserDeleted, Some(&named), user).await?;
    Ok(Full::of(&*caller).users([&user]).into())
}

/// `PUT /{org}/{app}/users/{user}/password`: R012, body `newpassword` (1 to 64 bytes). The user's
/// sessions end.
///
/// Errors: 400 by field, 404.
pub(crate) async fn set_password(
    State(rest): State<Rest>,
    caller: AppCaller,
    UserPath(user): UserPath,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let password = Secret::new(body.text("newpassword")?);
    let user = rest.object(&caller, Act::PasswordSet, &user).await?;
    let set = rest.chat.set_password(&caller, &user, &password).await;
    rest.acted(caller.by(), Act::PasswordSet, Some(&user), set).await?;
    Ok(Reply::Brief { action: "set user password" })
}

/// `POST /{org}/{app}/users/{user}/deactivate`: R013. Sessions end, and no login succeeds.
///
/// Errors: 404.
pub(crate) async fn deactivate(
    State(rest): State<Rest>,
    caller: AppCaller,
    UserPath(user): UserPath,
) -> Outcome {
    let named = rest.object(&caller, Act::UserDeactivated, &user).await?;
    let user = rest.chat.set_activated(&caller, &named, false).await;
    let user = rest.acted(caller.by(), Act::UserDeactivated, Some(&named), user).await?;
    Ok(Full::of(&*caller).action("Deactivate user").users([&user]).into())
}

/// `POST /{org}/{app}/users/{user}/activate`: R014.
///
/// Errors: 404.
pub(crate) async fn activate(
    State(rest): State<Rest>,
    caller: AppCaller,
    UserPath(user): UserPath,
) -> Outcome {
    let user = rest.object(&caller, Act::UserActivated, &user).await?;
    let activated = rest.chat.set_activated(&caller, &user, true).await;
    rest.acted(caller.by(), Act::UserActivated, Some(&user), activated).await?;
    Ok(Reply::Brief { action: "activate user" })
}

/// What the SDK and back ends set at the same address and this server does not keep.
const NOT_KEPT: &[&str] =
    &["device_token", "device_id", "notifier_name", "notification_display_style", "entities"];

/// `PUT /{org}/{app}/users/{user}` (msync section 9.2): body `nickname`, up to 100 characters; an
/// empty one removes it.
///
/// Errors: 400 by field, and `unsupported_service_operation` for push settings; 401 for another user's
/// token; 404.
pub(crate) async fn update(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let user = named(&rest, &caller, &user).await?;
    if let Some(name) = NOT_KEPT.iter().find(|name| body.has(name)) {
        return Err(Failure::of(Refusal::Unsupported).saying(format!(
            "{name}: push notifications are not supported, only nickname can be set"
        )));
    }
    let nickname = body.text("nickname")?;
    let user = rest.chat.set_nickname(&caller, &user, &nickname).await?;
    Ok(Full::of(&*caller).users([&user]).into())
}
