//! Deleting messages for one user alone (msync section 9.10, chat-rest R063 to R067).

use axum::extract::State;
use axum::routing::{delete, post};
use serde_json::{Map, Value};
use stoa_chat::Deletion;
use stoa_core::{MessageId, Target, Timestamp, limits};

use crate::auth::AnyCaller;
use crate::conversations::device;
use crate::error::Failure;
use crate::path::UserPath;
use crate::query::Query;
use crate::reply::{Outcome, Reply};
use crate::routes::Routes;
use crate::{Rest, users};

/// The routes of this subject: for the SDK, and the same for back ends.
pub(crate) fn routes() -> Routes {
    let mut routes = Routes::new();
    for door in ["sdk", "rest"] {
        let path = |rest: &str| format!("/{door}/message/roaming/{rest}");
        routes = routes
            .route(&path("chat/user/{user}"), delete(by_ids::<false>))
            .route(&path("group/user/{user}"), delete(by_ids::<true>))
            .route(&path("chat/user/{user}/time"), delete(by_time::<false>))
            .route(&path("group/user/{user}/time"), delete(by_time::<true>))
            .route(&path("user/{user}/delete/all"), post(all));
    }
    routes
}

/// The conversation that the query names: `userId` or `groupId`.
fn target(query: &Query, is_group: bool) -> Result<Target, Failure> {
    let name = if is_group { "groupId" } else { "userId" };
    let text = query.get(name)?;
    let text =
        text.ok_or_else(|| Failure::argument(format!("{name}: is required in the query")))?;
    let target = if is_group {
        text.parse().map(Target::Group).map_err(|error| error.to_string())
    } else {
        text.parse().map(Target::User).map_err(|error| error.to_string())
    };
    target.map_err(|error| Failure::argument(format!("{name}: {error}")))
}

/// Whether the user's other devices are told.
fn notify(query: &Query) -> Result<bool, Failure> {
    match query.get("isNotify")? {
        None | Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) => Err(Failure::argument("isNotify: must be true or false")),
    }
}

fn done(rest: &Rest) -> Outcome {
    let now = rest.chat.clock().now().as_millis();
    let fields = [("requestStatusCode", Value::from("ok")), ("timestamp", now.into())];
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
    Ok(Reply::Bare(Map::from_iter(fields)))
}

/// `DELETE /{org}/{app}/sdk/message/roaming/chat/user/{user}?userId=&msgIdList=` (R063), for groups
/// `group` and `groupId` (R064): deletes up to 50 messages. Ids that are none of the user's are passed
/// over.
///
/// Errors: 400 by field, 401 for another user's token.
async fn by_ids<const GROUP: bool>(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    query: Query,
) -> Outcome {
    let user = users::named(&rest, &caller, &user).await?;
    let target = target(&query, GROUP)?;
    let most = limits::DELETED_AT_ONCE;
    let rule = || Failure::argument(format!("msgIdList: must be a comma list of 1 to {most} ids"));
    let list = query.get("msgIdList")?.ok_or_else(rule)?;
    let ids: Option<Vec<MessageId>> = list.split(',').map(|id| id.trim().parse().ok()).collect();
    let ids = ids.filter(|ids| ids.len() <= most).ok_or_else(rule)?;
    let (device, notify) = (device(&query)?, notify(&query)?);
    let deletion = Deletion::Messages(ids);
    rest.chat.delete_messages(&caller, &user, &device, &target, &deletion, notify).await?;
    done(&rest)
}

/// `DELETE /{org}/{app}/sdk/message/roaming/chat/user/{user}/time?userId=&delTime=` (R065), for groups
/// `group` and `groupId` (R066): deletes what was sent before `delTime`, in milliseconds since 1970.
///
/// Errors: 400 by field, 401 for another user's token.
async fn by_time<const GROUP: bool>(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    query: Query,
) -> Outcome {
    let user = users::named(&rest, &caller, &user).await?;
    let target = target(&query, GROUP)?;
    let time = query.get("delTime")?.and_then(|text| text.parse().ok());
    let rule = "delTime: must be milliseconds since 1970";
    let time = time.map(Timestamp::from_millis).ok_or(Failure::argument(rule))?;
    let (device, notify) = (device(&query)?, notify(&query)?);
    let deletion = Deletion::Before(time);
    rest.chat.delete_messages(&caller, &user, &device, &target, &deletion, notify).await?;
    done(&rest)
}

/// `POST /{org}/{app}/sdk/message/roaming/user/{user}/delete/all` (R067): deletes everything, and with
/// it the user's list of conversations.
///
/// Errors: 401 for another user's token.
async fn all(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    query: Query,
) -> Outcome {
    let user = users::named(&rest, &caller, &user).await?;
    let (device, notify) = (device(&query)?, notify(&query)?);
    rest.chat.delete_all_messages(&caller, &user, &device, notify).await?;
    done(&rest)
}
