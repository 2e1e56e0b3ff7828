//! Who has read a message of a group, and taking no messages of a group (msync section 9.5).

use axum::extract::FromRequestParts;
use axum::extract::State;
use axum::routing::{get, post};
use http::request::Parts;
use serde_json::json;
use stoa_core::{MessageId, Refusal, limits};

use super::{GroupPath, more};
use crate::Rest;
use crate::auth::AnyCaller;
use crate::error::Failure;
use crate::path::variable;
use crate::query::{Acting, Query};
use crate::reply::{Full, Outcome};
use crate::routes::Routes;

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route("/chatgroups/{group}/acks/{message}", get(readers))
        .route("/chatgroups/{group}/shield", post(shield).delete(unshield))
}

/// The SDK would take the usual words for a group that does not exist (msync section 9.0.1).
fn no_message() -> Failure {
    Failure::of(Refusal::UnknownMessage).saying("no message of that id asks for receipts")
}

/// The message in the path. What is no message's id is answered as one that there is not.
struct MessagePath(MessageId);

impl FromRequestParts<Rest> for MessagePath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Rest) -> Result<Self, Failure> {
        let message = variable(parts, "message").await?;
        let unknown = |_| no_message();
        message.parse().map(|id| Self(MessageId(id))).map_err(unknown)
    }
}

/// `GET /{org}/{app}/chatgroups/{group}/acks/{message}?limit&key`: who has read the message, up to 500
/// in a page. For the message's sender.
///
/// Errors: 400 by field, 403, 404.
async fn readers(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    MessagePath(message): MessagePath,
    query: Query,
) -> Outcome {
    let most = limits::GROUP_READERS_PAGE;
    let limit = query.whole("limit", 1..=most, most)?;
    let key = query.get("key")?;
    let page = rest.chat.group_readers(&caller, &group, message, limit, key).await;
    let page = page.map_err(|error| match error {
        stoa_chat::Error::UnknownMessage => no_message(),
        error => error.into(),
    })?;
    let data = json!({
        "ackmid": message.0.to_string(),
        "is_last": page.next.is_none(),
        "next_key": page.next.unwrap_or_default(),
        "timestamp": rest.chat.clock().now().as_millis(),
        "total": page.total,
        "userlist": more::names(&page.users),
    });
    Ok(Full::of(&*caller).data(data).into())
}

/// `POST /{org}/{app}/chatgroups/{group}/shield?resource`: the caller takes no messages of the group.
///
/// Errors: 401 for the app's back end, 403, 404.
async fn shield(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    Acting(device): Acting,
) -> Outcome {
    rest.chat.shield_group(&caller, device.as_ref(), &group, true).await?;
    Ok(Full::of(&*caller).data(json!({ "result": true, "groupid": group.as_str() })).into())
}

/// `DELETE /{org}/{app}/chatgroups/{group}/shield?resource`: the caller takes messages of it again.
///
/// Errors: as [`shield`].
async fn unshield(
    State(rest): State<Rest>,
    caller: AnyCaller,
    GroupPath(group): GroupPath,
    Acting(device): Acting,
) -> Outcome {
    rest.chat.shield_group(&caller, device.as_ref(), &group, false).await?;
    Ok(Full::of(&*caller).data(json!({ "result": true, "groupid": group.as_str() })).into())
}
