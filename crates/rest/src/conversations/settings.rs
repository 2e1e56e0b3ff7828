//! What is done to a conversation in a user's list.

use axum::extract::State;
use serde_json::{Value, json};
use stoa_core::{Target, limits};

use super::{device, kind_of, target};
use crate::auth::AnyCaller;
use crate::body::JsonObject;
use crate::error::Failure;
use crate::json::{Json, Object};
use crate::path::UserPath;
use crate::query::Query;
use crate::reply::{Full, Outcome};
use crate::{Rest, users};

/// `DELETE /{org}/{app}/user/{user}/user_channel`, R060 with `/users/`: takes a conversation off the
/// user's list. Body: `channel`, `type` (`chat` or `groupchat`), `delete_roam` (the user's history of
/// it, too).
///
/// Errors: 400 by field, 401 for another user's token.
pub(crate) async fn delete(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    query: Query,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    let user = users::named(&rest, &caller, &user).await?;
    let (channel, kind) = (body.text("channel")?, body.text("type")?);
    let target = target(("type", &kind), ("channel", &channel))?;
    let messages = body.flag("delete_roam")?;
    let device = device(&query)?;
    rest.chat.delete_conversation(&caller, &user, &device, &target, messages).await?;
    Ok(Full::of(&*caller).data(json!({ "result": "ok" })).into())
}

/// `POST /{org}/{app}/sdk/user/{user}/user_channel/top`: pins a conversation. Body: `type`, `to`.
///
/// Errors: 400 by field, 401, 403 for one too many.
pub(crate) async fn pin(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    query: Query,
    JsonObject(mut body): JsonObject,
) -> Outcome {
    users::named(&rest, &caller, &user).await?;
    let (kind, to) = (body.text("type")?, body.text("to")?);
    set_pinned(&rest, &caller, &query, (&kind, &to), true).await
}

/// `DELETE /{org}/{app}/sdk/user/{user}/user_channel/top?type=&to=`: takes it down.
///
/// Errors: 400 by field, 401.
pub(crate) async fn unpin(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    query: Query,
) -> Outcome {
    users::named(&rest, &caller, &user).await?;
    let required = |name: &str| Failure::argument(format!("{name}: is required in the query"));
    let kind = query.get("type")?.ok_or_else(|| required("type"))?;
    let to = query.get("to")?.ok_or_else(|| required("to"))?;
    set_pinned(&rest, &caller, &query, (kind, to), false).await
}

async fn set_pinned(
    rest: &Rest,
    caller: &AnyCaller,
    query: &Query,
    (kind, to): (&str, &str),
    pinned: bool,
) -> Outcome {
    let target = target(("type", kind), ("to", to))?;
    let at = rest.chat.pin_conversation(caller, &device(query)?, &target, pinned).await?;
    let data = json!({ "is_top": pinned, "update_top_status_time": at.as_millis() });
    Ok(Full::of(&**caller).data(data).into())
}

/// `POST /{org}/{app}/sdk/user/{user}/user_channels/mark`: marks conversations. Body: `mark` (`mark_0`
/// to `mark_19`), `targets` (1 to 20 of `{to, type}`). The answer's `ignore` lists those that do not
/// exist.
///
/// Errors: 400 by field, 401.
pub(crate) async fn mark(
    rest: State<Rest>,
    caller: AnyCaller,
    user: UserPath,
    query: Query,
    body: JsonObject,
) -> Outcome {
    set_marked(rest, caller, user, query, body, true).await
}

/// `DELETE /{org}/{app}/sdk/user/{user}/user_channels/mark`: as [`mark`], takes the mark off.
///
/// Errors: 400 by field, 401.
pub(crate) async fn unmark(
    rest: State<Rest>,
    caller: AnyCaller,
    user: UserPath,
    query: Query,
    body: JsonObject,
) -> Outcome {
    set_marked(rest, caller, user, query, body, false).await
}

async fn set_marked(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    query: Query,
    JsonObject(mut body): JsonObject,
    marked: bool,
) -> Outcome {
    users::named(&rest, &caller, &user).await?;
    let mark = body.optional_text("mark")?.unwrap_or_default();
    if mark.is_empty() {
        return Err(Failure::argument("param mark must be not empty, please check!"));
    }
    let mark = read_mark(&mark)?;
    let targets = targets(&mut body)?;
    let device = device(&query)?;
    let missing = rest.chat.mark_conversations(&caller, &device, &targets, mark, marked).await?;
    let missing =
        missing.iter().map(|target| json!({ "to": target.name(), "type": kind_of(target) }));
    let data = json!({ "ignore": missing.collect::<Vec<Value>>() });
    Ok(Full::of(&*caller).data(data).into())
}

/// The number of a mark.
pub(super) fn read_mark(text: &str) -> Result<u32, Failure> {
    let number = text.strip_prefix("mark_").and_then(|number| number.parse().ok());
    number
        .filter(|number| *number < limits::CONVERSATION_MARKS && text == format!("mark_{number}"))
        .ok_or(Failure::argument("param mark illegal, please check it!"))
}

fn targets(body: &mut Object) -> Result<Vec<Target>, Failure> {
    let most = limits::MARKED_AT_ONCE;
    let rule = format!("must be a list of 1 to {most} objects of to and type");
    let list = match body.any("targets") {
        Some(Json::List(list)) if (1..=most).contains(&list.len()) => list,
        _ => return Err(body.refuse("targets", rule)),
    };
    let read = |(index, json): (usize, Json)| {
        let at = format!("targets[{index}]");
        let mut entry = json.into_object(&at)?;
        let (kind, to) = (entry.text("type")?, entry.text("to")?);
        target((&format!("{at}.type"), &kind), (&format!("{at}.to"), &to))
    };
    list.into_iter().enumerate().map(read).collect()
}
