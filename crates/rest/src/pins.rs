//! Pinned messages (msync section 9.12).

use axum::extract::State;
use axum::routing::post;
use serde_json::{Value, json};
use stoa_core::{MessageId, Refusal, limits};

use crate::auth::AnyCaller;
use crate::body::JsonObject;
use crate::conversations::{device, list_number, place};
use crate::error::Failure;
use crate::path::UserPath;
use crate::query::Query;
use crate::reply::{Full, Outcome};
use crate::routes::Routes;
use crate::{Rest, users};

/// Pins of a page when the caller names no number.
const PAGE_DEFAULT: usize = 10;

/// The routes of this subject.
pub(crate) fn routes() -> Routes {
    Routes::new().route("/sdk/user/{user}/user_channel/pin", post(pin).delete(unpin).get(list))
}

/// `POST /{org}/{app}/sdk/user/{user}/user_channel/pin`: pins a message for all who take part. Body:
/// `to`, `type` (`chat`, `groupchat` or `chatroom`), `pin_msg_id`.
///
/// Errors: 400 by field, 401, 403 for one too many and for who is not in the group, 404.
async fn pin(
    rest: State<Rest>,
    caller: AnyCaller,
    user: UserPath,
    query: Query,
    body: JsonObject,
) -> Outcome {
    set(rest, caller, user, query, body, true).await
}

/// `DELETE /{org}/{app}/sdk/user/{user}/user_channel/pin`: as [`pin`], takes it down.
///
/// Errors: 400 by field, 401, 403, 404 for one that is not pinned.
async fn unpin(
    rest: State<Rest>,
    caller: AnyCaller,
    user: UserPath,
    query: Query,
    body: JsonObject,
) -> Outcome {
    set(rest, caller, user, query, body, false).await
}

async fn set(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    query: Query,
    JsonObject(mut body): JsonObject,
    pinned: bool,
) -> Outcome {
    users::named(&rest, &caller, &user).await?;
    let (kind, to) = (body.text("type")?, body.text("to")?);
    let target = place(("type", &kind), ("to", &to))?;
    let illegal = || Failure::argument("param pin_msg_id illegal, please check it!");
    let message: MessageId =
        body.optional_text("pin_msg_id")?.and_then(|id| id.parse().ok()).ok_or_else(illegal)?;
    let done = rest.chat.pin_message(&caller, &device(&query)?, &target, message, pinned).await;
    done.map_err(|error| match error {
        stoa_chat::Error::UnknownMessage => {
            Failure::of(Refusal::UnknownMessage).saying("user session pin message not exist")
        }
        error => error.into(),
    })?;
    Ok(Full::of(&*caller).data(json!({ "result": "ok" })).into())
}

/// `GET /{org}/{app}/sdk/user/{user}/user_channel/pin?to=&type=&limit=&cursor=`: the pinned messages,
/// the last pinned first. `limit` is 1 to 20, 10 by default.
///
/// Errors: 400 by field, 401, 403 for who is not in the group.
async fn list(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    query: Query,
) -> Outcome {
    users::named(&rest, &caller, &user).await?;
    let required = |name: &str| Failure::argument(format!("{name}: is required in the query"));
    let kind = query.get("type")?.ok_or_else(|| required("type"))?;
    let to = query.get("to")?.ok_or_else(|| required("to"))?;
    let target = place(("type", kind), ("to", to))?;
    let count = list_number(&query, "limit", 1..=limits::PINNED_MESSAGES)?.unwrap_or(PAGE_DEFAULT);
    let page = rest.chat.pinned_messages(&caller, &target, query.get("cursor")?, count).await?;
    let infos = page.pins.iter().map(|pin| {
        json!({
            "pin_opt_at": pin.at.as_millis(),
            "pin_operator": pin.by.as_str(),
            "message": stoa_translate::json_message(&pin.entry),
        })
    });
    let infos: Vec<Value> = infos.collect();
    let data = json!({ "msg_infos": infos, "cursor": page.next.unwrap_or_default() });
    Ok(Full::of(&*caller).data(data).into())
}
