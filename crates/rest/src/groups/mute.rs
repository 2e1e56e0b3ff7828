//! Muting members of a group, and all of them, R095 to R099, and of a room, R137 to R141.

use std::time::Duration;

use axum::extract::State;
use axum::routing::{delete, get, post};
use serde_json::{Value, json};

use super::{GroupPath, more};
use crate::Rest;
use crate::auth::AnyCaller;
use crate::body::JsonObject;
use crate::error::Failure;
use crate::json::{Json, Object};
use crate::path::UserPath;
use crate::query::Acting;
use crate::reply::{Full, Outcome};
use crate::routes::Routes;

/// The routes below a group or room.
pub(crate) fn routes(at: &str) -> Routes {
    Routes::new()
        .route(&format!("{at}/mute"), get(list).post(mute))
        .route(&format!("{at}/mute/{{user}}"), delete(unmute))
        .route(&format!("/sdk{at}/mute/{{user}}"), get(is_muted))
        .route(&format!("{at}/ban"), post(mute_all).delete(unmute_all))
}

/// How long a mute lasts: none for ever.
fn duration(body: &mut Object) -> Result<Option<Duration>, Failure> {
    match body.any("mute_duration") {
        Some(Json::Whole(ms)) if ms > 0 => Ok(Some(Duration::from_millis(ms))),
        // The number's exact value is in question, not a sum.
        Some(Json::Number(number)) if number.to_bits() == (-1.0_f64).to_bits() => Ok(None),
        _ => {
            let allowed = "must be a whole number of milliseconds from 1 on, or -1 for ever";
            Err(body.refuse("mute_duration", allowed))
        }
    }
}

/// `POST /{org}/{app}/chatgroups/{group}/mute?resource`: R095, body `usernames` (1 to 60 members) and
/// `mute_duration` (milliseconds, -1 for ever). `expire` is the end in milliseconds since 1970, -1 for
/// none. Owner and administrators may.
///
/// Errors: 400 by field, 403, 404; then nobody is muted.
async fn mute(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    Acting(device): Acting,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let (lasts, users) = (duration(&mut body)?, more::body_names(&mut body)?);
    let muted = rest.chat.mute_in_group(&caller, device.as_ref(), &group, users, lasts).await?;
    let row = |member: &stoa_chat::MutedMember| json!({ "result": true, "expire": member.until_ms(), "user": member.user.as_str() });
    Ok(Full::of(&*caller).data(muted.iter().map(row).collect()).into())
}

/// `DELETE /{org}/{app}/chatgroups/{group}/mute/{user}?resource`: R096, one name or several separated
/// by commas.
///
/// Errors: 400, 403, 404; then nobody is unmuted.
async fn unmute(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    UserPath(users): UserPath,
    Acting(device): Acting,
) -> Outcome {
    let users = more::path_names(&users)?;
    let users = rest.chat.unmute_in_group(&caller, device.as_ref(), &group, users).await?;
    let row = |user: &stoa_core::UserId| json!({ "result": true, "user": user.as_str() });
    Ok(Full::of(&*caller).data(users.iter().map(row).collect()).into())
}

/// `GET /{org}/{app}/chatgroups/{group}/mute`: R097, for owner and administrators.
///
/// Errors: 403, 404.
async fn list(State(rest): State<Rest>, caller: AnyCaller, GroupPath(group): GroupPath) -> Outcome {
    let muted = rest.chat.muted_in_group(&caller, &group).await?;
    let row = |member: &stoa_chat::MutedMember| json!({ "expire": member.until_ms(), "user": member.user.as_str() });
    let data = muted.iter().map(row).collect();
    Ok(Full::of(&*caller).data(data).count(muted.len()).into())
}

/// `GET /{org}/{app}/sdk/chatgroups/{group}/mute/{user}` (msync section 9.5): whether the user is on
/// the list of the muted.
///
/// Errors: 401 for another user's token, 403, 404.
async fn is_muted(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    UserPath(user): UserPath,
) -> Outcome {
    let user = more::name("username", &user)?;
    let muted = rest.chat.is_muted_in_group(&caller, &group, &user).await?;
    Ok(Full::of(&*caller).data(Value::Bool(muted)).into())
}

/// `POST /{org}/{app}/chatgroups/{group}/ban?resource`: R098. All but owner, administrators and the
/// allow list are mute until it is ended.
///
/// Errors: 403, 404.
async fn mute_all(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    Acting(device): Acting,
) -> Outcome {
    rest.chat.mute_all_in_group(&caller, device.as_ref(), &group, true).await?;
    Ok(Full::of(&*caller).action("put").data(json!({ "mute": true })).into())
}

/// `DELETE /{org}/{app}/chatgroups/{group}/ban?resource`: R099.
///
/// Errors: 403, 404.
async fn unmute_all(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    Acting(device): Acting,
) -> Outcome {
    rest.chat.mute_all_in_group(&caller, device.as_ref(), &group, false).await?;
    Ok(Full::of(&*caller).action("put").data(json!({ "mute": false })).into())
}
