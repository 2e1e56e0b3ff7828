//! Lists of conversations.

use axum::extract::State;
use serde_json::{Value, json};
use stoa_chat::{Conversation, ConversationQuery, Listed};
use stoa_core::{AppScope, Target, limits};
use stoa_wire::{GROUP_DOMAIN, USER_DOMAIN};

use super::kind_of;
use crate::auth::AnyCaller;
use crate::error::Failure;
use crate::path::UserPath;
use crate::query::Query;
use crate::reply::{Full, Outcome};
use crate::{Rest, users};

/// Conversations of a page when the caller names no number, as the SDK has it.
const PAGE_DEFAULT: usize = 20;

/// `GET /{org}/{app}/sdk/user/{user}/user_channels/list`: the user's conversations, the one with the
/// newest message first; with `is_top=true` those that are pinned, the last pinned first. Query:
/// `limit` (1 to 50, default 20), `cursor`.
///
/// Errors: 400 by field, 401 for another user's token.
pub(crate) async fn all(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    query: Query,
) -> Outcome {
    let listed = match query.get("is_top")? {
        None | Some("false") => Listed::All,
        Some("true") => Listed::Pinned,
        Some(_) => return Err(Failure::argument("is_top: must be true or false")),
    };
    page(&rest, &caller, &user, &query, listed).await
}

/// `GET /{org}/{app}/sdk/user/{user}/user_channels/mark/search`: those that have the mark `mark`, as
/// [`all`].
///
/// Errors: 400 by field, 401 for another user's token.
pub(crate) async fn marked(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    query: Query,
) -> Outcome {
    let Some(mark) = query.get("mark")? else {
        return Err(Failure::argument("param mark must be not empty, please check!"));
    };
    let listed = Listed::Marked(super::settings::read_mark(mark)?);
    page(&rest, &caller, &user, &query, listed).await
}

async fn page(
    rest: &Rest,
    caller: &AnyCaller,
    user: &str,
    query: &Query,
    listed: Listed,
) -> Outcome {
    let user = users::named(rest, caller, user).await?;
    let cursor = query.get("cursor")?.map(str::to_owned);
    let count = number(query, "limit", 1..=limits::CONVERSATION_PAGE)?.unwrap_or(PAGE_DEFAULT);
    let wanted = ConversationQuery { listed, cursor, skip: 0, count };
    let page = rest.chat.conversations(caller, &user, &wanted).await?;
    let infos: Vec<Value> = page.conversations.iter().map(info).collect();
    let data = json!({ "channel_infos": infos, "cursor": page.next.unwrap_or_default() });
    Ok(Full::of(&**caller).data(data).into())
}

/// `GET /{org}/{app}/users/{user}/user_channels`, the old list: up to 100 conversations; with `/page`
/// and `pageNum` (from 1 on) and `pageSize` (1 to 50, default 20) by page. R061 has `/user/` in front.
///
/// Errors: 400 by field, 401 for another user's token.
pub(crate) async fn old(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    query: Query,
) -> Outcome {
    let user = users::named(&rest, &caller, &user).await?;
    let size = number(&query, "pageSize", 1..=limits::CONVERSATION_PAGE)?;
    let page = number(&query, "pageNum", 0..=1_000_000)?;
    let count = match (size, page) {
        (None, None) => limits::CONVERSATION_LIST,
        (size, _) => size.unwrap_or(PAGE_DEFAULT),
    };
    let skip = page.unwrap_or(1).saturating_sub(1) * count;
    let wanted = ConversationQuery { listed: Listed::All, cursor: None, skip, count };
    let page = rest.chat.conversations(&caller, &user, &wanted).await?;
    let app_key = &caller.app().key;
    let infos = page.conversations.iter().map(|conversation| {
        let domain = match conversation.target {
            Target::User(_) => USER_DOMAIN,
            Target::Group(_) => GROUP_DOMAIN,
        };
        let id = format!("{app_key}_{}@{domain}", conversation.target.name());
        json!({
            "channel_id": id,
            "unread_num": conversation.unread,
            "meta": last(conversation),
        })
    });
    let data = json!({ "channel_infos": infos.collect::<Vec<Value>>() });
    Ok(Full::of(&*caller).data(data).into())
}

/// A whole number in the query.
pub(crate) fn number(
    query: &Query,
    name: &str,
    allowed: std::ops::RangeInclusive<usize>,
) -> Result<Option<usize>, Failure> {
    let Some(text) = query.get(name)? else { return Ok(None) };
    let number = text.parse().ok().filter(|number| allowed.contains(number));
    number.map(Some).ok_or_else(|| {
        let (least, most) = (allowed.start(), allowed.end());
        Failure::argument(format!("{name}: must be a whole number from {least} to {most}"))
    })
}

/// The last message; an empty object if the user sees none.
fn last(conversation: &Conversation) -> Value {
    conversation.last.as_ref().map_or_else(|| json!({}), |last| stoa_translate::json_message(last))
}

fn info(conversation: &Conversation) -> Value {
    let marks = conversation.marks.iter().map(|mark| Value::from(format!("mark_{mark}")));
    json!({
        "session_to": conversation.target.name(),
        "session_type": kind_of(&conversation.target),
        "is_top": conversation.pinned.is_some(),
        "update_top_status_time": conversation.pinned.map_or(0, |at| at.as_millis()),
        "unread_num": conversation.unread,
        "meta": last(conversation),
        "marks": marks.collect::<Vec<Value>>(),
    })
}
