//! Block lists.

use axum::extract::State;
use serde_json::Value;
use stoa_core::{UserId, limits};

use super::{entity, friend, usernames};
use crate::Rest;
use crate::auth::AnyCaller;
use crate::body::JsonObject;
use crate::path::{FriendPath, UserPath};
use crate::query::Query;
use crate::reply::{Full, Outcome};
use crate::users::named;

fn names(users: &[UserId]) -> Value {
    users.iter().map(UserId::as_str).collect()
}

/// `GET /{org}/{app}/users/{user}/blocks/users?pageSize&cursor`: R033, the newest first: all without
/// `pageSize` (1 to 50).
///
/// Errors: 400 for a size out of range or a cursor that is none; 401 for another user's token; 404.
pub(crate) async fn list(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    query: Query,
) -> Outcome {
    let limit = query.whole("pageSize", 1..=limits::CONTACT_PAGE, limits::BLOCKED)?;
    let user = named(&rest, &caller, &user).await?;
    let page = rest.chat.blocked_users(&caller, &user, limit, query.get("cursor")?).await?;
    let (data, count) = (names(&page.users), page.users.len());
    Ok(Full::of(&*caller).data(data).count(count).cursor(page.cursor).into())
}

/// `POST /{org}/{app}/users/{user}/blocks/users` and `POST /{org}/{app}/sdk/user/{user}/blocks?resource`:
/// R032, body `usernames` (1 to 50). All are blocked or none; `data` are those that were named.
///
/// Errors: 400 by field and for oneself; 401 for another user's token; 403 beyond 500; 404.
pub(crate) async fn block(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    query: Query,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let resource = query.acting()?;
    let users = usernames(&mut body, limits::BLOCK_BATCH)?;
    let user = named(&rest, &caller, &user).await?;
    rest.chat.block_users(&caller, &user, resource.as_ref(), &users).await?;
    Ok(Full::of(&*caller).data(names(&users)).into())
}

/// `DELETE /{org}/{app}/sdk/user/{user}/blocks?resource`: body `usernames` (1 to 50). Who is not on the
/// list is passed over.
///
/// Errors: 400 by field; 401 for another user's token; 404.
pub(crate) async fn unblock(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    query: Query,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let resource = query.acting()?;
    let users = usernames(&mut body, limits::BLOCK_BATCH)?;
    let user = named(&rest, &caller, &user).await?;
    rest.chat.unblock_users(&caller, &user, resource.as_ref(), &users).await?;
    Ok(Full::of(&*caller).data(names(&users)).into())
}

/// `DELETE /{org}/{app}/users/{user}/blocks/users/{friend}`: R034.
///
/// Errors: 401 for another user's token; 404.
pub(crate) async fn unblock_one(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    FriendPath(other): FriendPath,
    query: Query,
) -> Outcome {
    let resource = query.acting()?;
    let user = named(&rest, &caller, &user).await?;
    let other = friend(&rest, &caller, &other).await?;
    rest.chat
        .unblock_users(&caller, &user, resource.as_ref(), std::slice::from_ref(&other))
        .await?;
    let mut reply = Full::of(&*caller);
    reply.entities = vec![entity(&rest, &caller, &other).await];
    Ok(reply.into())
}
