//! Making, noting and ending contacts.

use axum::extract::State;
use stoa_core::limits;

use super::{entity, friend, usernames};
use crate::Rest;
use crate::auth::{AnyCaller, AppCaller};
use crate::body::JsonObject;
use crate::path::{FriendPath, UserPath};
use crate::query::Query;
use crate::reply::{Full, Outcome};
use crate::users::named;

/// `POST /{org}/{app}/users/{user}/contacts/apply?resource` (msync section 9.4): body `usernames` (1 to
/// 50) and `reason` (up to 512 characters). All are invited or none.
///
/// Errors: 400 by field, for oneself and for a contact; 401 for another user's token; 403 for who has
/// blocked the user and where a limit is reached; 404.
pub(crate) async fn invite(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    query: Query,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let resource = query.acting()?;
    let invited = usernames(&mut body, limits::CONTACT_BATCH)?;
    let reason = body.optional_text("reason")?.unwrap_or_default();
    let user = named(&rest, &caller, &user).await?;
    rest.chat.invite_contacts(&caller, &user, resource.as_ref(), &invited, &reason).await?;
    Ok(Full::of(&*caller).into())
}

/// `POST /{org}/{app}/users/{user}/contacts/accept/users/{friend}?resource`: R029.
///
/// Errors: 401 for another user's token; 403 for who has blocked the user and where a limit is
/// reached; 404 without an open invitation.
pub(crate) async fn accept(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    FriendPath(other): FriendPath,
    query: Query,
) -> Outcome {
    let resource = query.acting()?;
    let user = named(&rest, &caller, &user).await?;
    let other = friend(&rest, &caller, &other).await?;
    rest.chat.accept_contact(&caller, &user, resource.as_ref(), &other).await?;
    Ok(Full::of(&*caller).into())
}

/// `POST /{org}/{app}/users/{user}/contacts/decline/users/{friend}?resource`: R030.
///
/// Errors: 401 for another user's token; 404 without an open invitation.
pub(crate) async fn decline(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    FriendPath(other): FriendPath,
    query: Query,
) -> Outcome {
    let resource = query.acting()?;
    let user = named(&rest, &caller, &user).await?;
    let other = friend(&rest, &caller, &other).await?;
    rest.chat.decline_contact(&caller, &user, resource.as_ref(), &other).await?;
    Ok(Full::of(&*caller).into())
}

/// `POST /{org}/{app}/users/{user}/contacts/users/{friend}`: R025, contacts at once, without being asked.
///
/// Errors: 401 without an app token; 403 where a limit is reached; 404.
pub(crate) async fn add(
    State(rest): State<Rest>,
    caller: AppCaller,
    UserPath(user): UserPath,
    FriendPath(other): FriendPath,
) -> Outcome {
    let user = named(&rest, &caller, &user).await?;
    let other = friend(&rest, &caller, &other).await?;
    rest.chat.add_contact(&caller, &user, &other).await?;
    let mut reply = Full::of(&*caller);
    reply.entities = vec![entity(&rest, &caller, &other).await];
    Ok(reply.into())
}

/// `DELETE /{org}/{app}/users/{user}/contacts/users/{friend}?resource`: R026, at both sides.
///
/// Errors: 401 for another user's token; 404.
pub(crate) async fn remove(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    FriendPath(other): FriendPath,
    query: Query,
) -> Outcome {
    let resource = query.acting()?;
    let user = named(&rest, &caller, &user).await?;
    let other = friend(&rest, &caller, &other).await?;
    rest.chat.remove_contact(&caller, &user, resource.as_ref(), &other).await?;
    let mut reply = Full::of(&*caller);
    reply.entities = vec![entity(&rest, &caller, &other).await];
    Ok(reply.into())
}

/// `PUT /{org}/{app}/users/{user}/contacts/users/{friend}` (msync section 9.4): body `remark`, up to 100
/// characters; an empty one removes it.
///
/// Errors: 400 by field and for who is no contact; 401 for another user's token.
pub(crate) async fn remark(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    FriendPath(other): FriendPath,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let remark = body.text("remark")?;
    let user = named(&rest, &caller, &user).await?;
    let other = friend(&rest, &caller, &other).await?;
    rest.chat.set_remark(&caller, &user, &other, &remark).await?;
    Ok(Full::of(&*caller).into())
}
