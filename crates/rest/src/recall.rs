//! Taking messages back (chat-rest R056).

use axum::extract::State;
use axum::routing::post;
use serde_json::{Value, json};
use stoa_chat::{Error, Recall};
use stoa_core::{MessageId, UserId};
use stoa_wire::delivery;

use crate::Rest;
use crate::auth::AppCaller;
use crate::body::JsonObject;
use crate::conversations::{kind_of, place};
use crate::reply::{Full, Outcome};
use crate::routes::Routes;

/// The routes of this subject: the documentation has two names for one call (U05).
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route("/messages/msg_recall", post(recall))
        .route("/messages/recall", post(recall))
}

/// `POST /{org}/{app}/messages/msg_recall`: R056. Body: `msg_id`, `to`, `chat_type` (`chat`,
/// `groupchat` or `chatroom`), `from` (the app's back end by default), `force` (also one that is too old). As the
/// vendor has it (U28), a message that is not found or too old is a success that says so in
/// `data.msgs`.
///
/// Errors: 400 by field, 401 without an app token, 403 where messages cannot be taken back.
async fn recall(
    State(rest): State<Rest>,
    caller: AppCaller,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let id = body.text("msg_id")?;
    let message: Option<MessageId> = id.parse().ok();
    let (kind, to) = (body.text("chat_type")?, body.text("to")?);
    let target = place(("chat_type", &kind), ("to", &to))?;
    let from = body.optional_text("from")?.filter(|from| !from.is_empty());
    let from: Option<UserId> =
        from.map(|from| from.parse().map_err(|error| body.refuse("from", error))).transpose()?;
    let force = body.flag("force")?;
    let answer = |data: Value| Ok(Full::of(&*caller).data(data).into());
    let failed = |why: &str| answer(json!({ "msgs": [{ "msg_id": id, "recalled": why }] }));
    let Some(message) = message else { return failed("not_found msg") };
    // No name is shown as the app's own by the SDK (msync section 5.3).
    let as_whom = from.as_ref().map_or("", UserId::as_str);
    let body = delivery::recall(as_whom, target.name(), message.0);
    let recall =
        Recall { to: target.clone(), message, body, ext: bytes::Bytes::new(), client_id: 0 };
    match rest.chat.recall_for(&caller, from.as_ref(), recall, force).await {
        Ok(by) => answer(json!({
            "recalled": "yes",
            "chattype": kind_of(&target),
            "from": by.as_str(),
            "to": target.name(),
            "msg_id": message.to_string(),
        })),
        Err(Error::UnknownMessage | Error::UnknownGroup | Error::UnknownRoom) => {
            failed("not_found msg")
        }
        Err(Error::RecallTooLate) => failed("exceed recall time limit"),
        Err(error) => Err(error.into()),
    }
}
