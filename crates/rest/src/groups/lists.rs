//! Block list and allow list of a group, R100 to R108, and of a room, R142 to R150. Owner and
//! administrators may.
//!
//! The block list answers with an object where one user is named, the allow list with a list except
//! where one is put on it by the path (chat-rest U13).

use axum::extract::State;
use axum::routing::{get, post};
use serde_json::json;
use stoa_core::limits;

use super::{GroupPath, more};
use crate::Rest;
use crate::auth::AnyCaller;
use crate::body::JsonObject;
use crate::path::UserPath;
use crate::query::{Acting, Query};
use crate::reply::{Full, Outcome};
use crate::routes::Routes;

/// The routes below a group or room.
pub(crate) fn routes(at: &str) -> Routes {
    Routes::new()
        .route(&format!("{at}/blocks/users"), get(blocked).post(block))
        .route(&format!("{at}/blocks/users/{{user}}"), post(block_one).delete(unblock))
        .route(&format!("{at}/white/users"), get(allowed).post(allow))
        .route(
            &format!("{at}/white/users/{{user}}"),
            get(is_allowed).post(allow_one).delete(disallow),
        )
}

/// `GET /{org}/{app}/chatgroups/{group}/blocks/users?pageSize&cursor`: R100, the last blocked first:
/// without paging the first 500, otherwise `pageSize` (1 to 50) of them.
///
/// Errors: 400 by field, 403, 404.
async fn blocked(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    query: Query,
) -> Outcome {
    let size = query.optional_whole("pageSize", 1..=limits::GROUP_BLOCKED_PAGE)?;
    let cursor = query.get("cursor")?;
    let page = rest.chat.blocked_in_group(&caller, &group, size, cursor).await?;
    let reply = Full::of(&*caller).data(more::names(&page.users)).count(page.users.len());
    Ok(reply.cursor(page.cursor).into())
}

/// `POST /{org}/{app}/chatgroups/{group}/blocks/users/{user}?resource`: R101. The member is removed
/// and cannot come back.
///
/// Errors: 400, 403, 404.
async fn block_one(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    UserPath(user): UserPath,
    Acting(device): Acting,
) -> Outcome {
    let user = more::name("username", &user)?;
    let users = vec![user];
    let outcomes = rest.chat.block_in_group(&caller, device.as_ref(), &group, users).await?;
    let data = more::only_row(&group, "add_blocks", outcomes)?;
    Ok(Full::of(&*caller).data(data).into())
}

/// `POST /{org}/{app}/chatgroups/{group}/blocks/users?resource`: R102, body `usernames` (1 to 60), each
/// with a result of its own.
///
/// Errors: 400 by field, 403, 404.
async fn block(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    Acting(device): Acting,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let users = more::body_names(&mut body)?;
    let outcomes = rest.chat.block_in_group(&caller, device.as_ref(), &group, users).await?;
    Ok(Full::of(&*caller).data(more::rows(&group, "add_blocks", outcomes)).into())
}

/// `DELETE /{org}/{app}/chatgroups/{group}/blocks/users/{user}?resource`: R103, and R104 for several
/// names separated by commas. Nobody becomes a member by it.
///
/// Errors: 400, 403, 404.
async fn unblock(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    UserPath(users): UserPath,
    Acting(device): Acting,
) -> Outcome {
    let named = more::path_names(&users)?;
    let outcomes = rest.chat.unblock_in_group(&caller, device.as_ref(), &group, named).await?;
    let data = match users.contains(',') {
        true => more::rows(&group, "remove_blocks", outcomes),
        false => more::only_row(&group, "remove_blocks", outcomes)?,
    };
    Ok(Full::of(&*caller).data(data).into())
}

/// `GET /{org}/{app}/chatgroups/{group}/white/users`: R105.
///
/// Errors: 403, 404.
async fn allowed(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
) -> Outcome {
    let users = rest.chat.allowed_in_group(&caller, &group).await?;
    Ok(Full::of(&*caller).data(more::names(&users)).count(users.len()).into())
}

/// `POST /{org}/{app}/chatgroups/{group}/white/users/{user}?resource`: R106.
///
/// Errors: 400, 403, 404.
async fn allow_one(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    UserPath(user): UserPath,
    Acting(device): Acting,
) -> Outcome {
    let users = vec![more::name("username", &user)?];
    let outcomes = rest.chat.allow_in_group(&caller, device.as_ref(), &group, users, true).await?;
    let data = more::only_row(&group, "add_user_whitelist", outcomes)?;
    Ok(Full::of(&*caller).data(data).into())
}

/// `POST /{org}/{app}/chatgroups/{group}/white/users?resource`: R107, body `usernames` (1 to 60), each
/// with a result of its own.
///
/// Errors: 400 by field, 403, 404.
async fn allow(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    Acting(device): Acting,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let users = more::body_names(&mut body)?;
    let outcomes = rest.chat.allow_in_group(&caller, device.as_ref(), &group, users, true).await?;
    Ok(Full::of(&*caller).data(more::rows(&group, "add_user_whitelist", outcomes)).into())
}

/// `DELETE /{org}/{app}/chatgroups/{group}/white/users/{user}?resource`: R108, one name or several
/// separated by commas, each with a result of its own.
///
/// Errors: 400, 403, 404.
async fn disallow(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    UserPath(users): UserPath,
    Acting(device): Acting,
) -> Outcome {
    let users = more::path_names(&users)?;
    let outcomes = rest.chat.allow_in_group(&caller, device.as_ref(), &group, users, false).await?;
    Ok(Full::of(&*caller).data(more::rows(&group, "remove_user_whitelist", outcomes)).into())
}

/// `GET /{org}/{app}/chatgroups/{group}/white/users/{user}` (msync section 9.5): whether the user is on
/// the allow list. A member may ask that of itself.
///
/// Errors: 403, 404.
async fn is_allowed(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    UserPath(user): UserPath,
) -> Outcome {
    let user = more::name("username", &user)?;
    let white = rest.chat.is_allowed_in_group(&caller, &group, &user).await?;
    let data = json!({ "white": white, "member": user.as_str() });
    Ok(Full::of(&*caller).data(data).into())
}
