//! Joining and leaving groups, and inviting into them (msync section 9.5; R090 to R094, whose bodies
//! are those of the SDK).

use axum::extract::State;
use axum::routing::{delete, post};
use serde_json::{Value, json};
use stoa_chat::Error;
use stoa_core::{Caller, GroupId, UserId, limits};

use super::GroupPath;
use super::members::{reason, users_of};
use crate::Rest;
use crate::auth::AnyCaller;
use crate::body::JsonObject;
use crate::error::Failure;
use crate::json::Object;
use crate::query::Acting;
use crate::reply::{Full, Outcome};
use crate::routes::Routes;

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/chatgroups/{group}/quit", delete(quit))
        .route("/chatgroups/{group}/invite", post(invite))
        .route("/chatgroups/{group}/invite_verify", post(answer_invitation))
        .route("/chatgroups/{group}/apply", post(apply))
        .route("/chatgroups/{group}/apply_verify", post(answer_application))
}

fn result(action: &str, group: &GroupId, user: &UserId) -> Value {
    json!({
        "action": action,
        "id": group.as_str(),
        "groupid": group.as_str(),
        "result": true,
        "user": user.as_str(),
    })
}

/// The user that the field names; without it the caller.
fn user_or_caller(body: &mut Object, name: &str, caller: &Caller) -> Result<UserId, Failure> {
    match (body.optional_text(name)?, caller.user()) {
        (Some(user), _) => user.parse().map_err(|error| body.refuse(name, error)),
        (None, Some(me)) => Ok(me.clone()),
        (None, None) => Err(body.refuse(name, "is required and must be a string")),
    }
}

/// `DELETE /{org}/{app}/chatgroups/{group}/quit`: R092, the token's user leaves.
///
/// Errors: 401 for an app token, 403 for the owner and for who is no member, 404.
async fn quit(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    Acting(device): Acting,
) -> Outcome {
    rest.chat.leave_group(&caller, device.as_ref(), &group).await?;
    Ok(Full::of(&*caller).data(json!({ "result": true })).into())
}

/// `POST /{org}/{app}/chatgroups/{group}/invite`: R093, body `usernames` (1 to 60). They are members at
/// once or, where the group asks whom it invites, asked; each has its own result.
///
/// Errors: 403 without the right, if all are members already or the group is full; 404.
async fn invite(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    Acting(device): Acting,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let users = users_of(&body.texts("usernames", 1..=limits::GROUP_BATCH)?, "usernames")?;
    let invited = rest.chat.invite_to_group(&caller, device.as_ref(), &group, users).await;
    let invited = invited.map_err(|error| match error {
        Error::AlreadyInGroup => {
            // The SDK looks for these words.
            let text = "invite users to join group failed, reason: all are already in group";
            Failure::from(error).saying(text)
        }
        error => error.into(),
    })?;
    let results = invited.into_iter().map(|(user, outcome)| {
        let mut one = result("invite", &group, &user);
        if let Err(error) = outcome {
            one["result"] = false.into();
            one["reason"] = reason(error, &user, &group).text().into();
        }
        one
    });
    let data: Vec<Value> = results.collect();
    Ok(Full::of(&*caller).data(data.into()).into())
}

/// `POST /{org}/{app}/chatgroups/{group}/invite_verify`: R094, body `invitee` (a user's token: that
/// user) and `verifyResult`.
///
/// Errors: 400 for who is not invited, 401 for another user, 403 already in group or full, 404.
async fn answer_invitation(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    Acting(device): Acting,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let user = user_or_caller(&mut body, "invitee", &caller)?;
    let accept = body.flag("verifyResult")?;
    let answered =
        rest.chat.answer_invitation(&caller, device.as_ref(), &group, &user, accept).await;
    answered.map_err(|error| reason(error, &user, &group))?;
    Ok(Full::of(&*caller).data(result("invite_verify", &group, &user)).into())
}

/// `POST /{org}/{app}/chatgroups/{group}/apply`: R090, body `message` (up to 512 characters) and, with an
/// app token, `username`. The user is a member at once, or waits for an answer.
///
/// Errors: 403 for a group that is not public, already in group, on its block list, full; 404.
async fn apply(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    Acting(device): Acting,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let user = user_or_caller(&mut body, "username", &caller)?;
    let message = body.optional_text("message")?;
    let applied = rest.chat.apply_to_group(&caller, device.as_ref(), &group, &user, message).await;
    applied.map_err(|error| reason(error, &user, &group))?;
    Ok(Full::of(&*caller).data(result("apply", &group, &user)).into())
}

/// `POST /{org}/{app}/chatgroups/{group}/apply_verify`: R091, body `applicant`, `verifyResult` and
/// `reason` (up to 512 characters). Owner and administrators may.
///
/// Errors: 400 for who has not applied, 403 already in group or full, 404.
async fn answer_application(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    Acting(device): Acting,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let name = body.text("applicant")?;
    let user: UserId = name.parse().map_err(|error| body.refuse("applicant", error))?;
    let (accept, text) = (body.flag("verifyResult")?, body.optional_text("reason")?);
    let answered =
        rest.chat.answer_application(&caller, device.as_ref(), &group, &user, accept, text).await;
    answered.map_err(|error| match error {
        Error::AlreadyInGroup => reason(error, &user, &group),
        error => error.into(),
    })?;
    Ok(Full::of(&*caller).data(result("apply_verify", &group, &user)).into())
}
