//! The history of a conversation (msync section 9.10).

use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use stoa_chat::HistoryQuery;
use stoa_chat::entry::Kind;
use stoa_core::{AppKey, AppScope, MessageId, Target, Timestamp, UserId, limits};
use stoa_wire::{GROUP_DOMAIN, USER_DOMAIN};

use crate::auth::AnyCaller;
use crate::body::JsonObject;
use crate::error::Failure;
use crate::json::{Json, Object};
use crate::path::UserPath;
use crate::reply::{Full, Outcome};
use crate::{Rest, users};

/// Messages of a page when the caller names no number, as the SDK has it.
const PAGE_DEFAULT: u64 = 20;

/// Message types by the names that the SDK filters with.
const KINDS: &[(&str, Kind)] = &[
    ("txt", Kind::Text),
    ("img", Kind::Image),
    ("audio", Kind::Voice),
    ("video", Kind::Video),
    ("loc", Kind::Location),
    ("file", Kind::File),
    ("custom", Kind::Custom),
    ("combine", Kind::Combined),
];

/// `POST /{org}/{app}/users/{user}/messageroaming`: a page of the calling user's history with another; for an app
/// token, of a chat room's, as that user sees it.
///
/// Body: `queue` (`{user}@easemob.com`), `start` (`next_key` of the page before; -1, null or nothing
/// for the first), `pull_number` (1 to 50, default 20), `is_positive` (oldest first), `msgType`
/// (comma list), `startTime` and `endTime` (milliseconds since 1970, both included), `userId` (the
/// sender). Answer: `data.msgs` of `{msg}`, each the base64 of an encoded `Meta` as it is delivered,
/// `data.next_key` and `data.is_last`.
///
/// Errors: 400 by field, 401 for another user's token, and for an app token where it is no chat room, 404 for a group.
pub(crate) async fn page(
    State(rest): State<Rest>,
    caller: AnyCaller,
    UserPath(user): UserPath,
    JsonObject(body): JsonObject,
) -> Outcome {
    let user = users::named(&rest, &caller, &user).await?;
    let app_key = &caller.app().key;
    let query = read_query(body, app_key)?;
    let page = match caller.is_app() {
        true => rest.chat.room_history(&caller, &user, &query).await?,
        false => rest.chat.history(&caller, &query).await?,
    };
    let app_key = app_key.to_string();
    let messages = page.entries.iter().map(|entry| {
        let meta = stoa_translate::meta(entry, &app_key);
        json!({ "msg": STANDARD.encode(meta) })
    });
    // Behind an empty page one stands where one stood.
    let next_key = page.next.or(query.start).map(|id| id.to_string()).unwrap_or_default();
    let data = json!({
        "msgs": messages.collect::<Vec<Value>>(),
        "next_key": next_key,
        "is_last": page.is_last,
    });
    Ok(Full::of(&*caller).data(data).into())
}

/// Reads the body of [`page`].
pub(crate) fn read_query(mut body: Object, app_key: &AppKey) -> Result<HistoryQuery, Failure> {
    let most = limits::HISTORY_PAGE as u64;
    let with = peer(&mut body, app_key)?;
    let start = start(&mut body)?;
    let count = body.optional_whole("pull_number", "messages", 1..=most)?.unwrap_or(PAGE_DEFAULT);
    let mut time = |name| {
        let time = body.optional_whole(name, "milliseconds since 1970", 0..=u64::MAX)?;
        Ok::<_, Failure>(time.map(Timestamp::from_millis))
    };
    let (since, until) = (time("startTime")?, time("endTime")?);
    Ok(HistoryQuery {
        with,
        start,
        count: usize::try_from(count).unwrap_or(limits::HISTORY_PAGE),
        oldest_first: body.flag("is_positive")?,
        kinds: kinds(&mut body)?,
        from: sender(&mut body)?,
        since,
        until,
    })
}

/// Who is at the other end of the queue. Older clients put `org#app_` in front.
fn peer(body: &mut Object, app_key: &AppKey) -> Result<Target, Failure> {
    let queue = body.text("queue")?;
    let (name, domain) = queue.rsplit_once('@').unwrap_or((&queue, ""));
    let prefix = format!("{app_key}_");
    let name = name.strip_prefix(&prefix).unwrap_or(name);
    let target = match domain {
        USER_DOMAIN => name.parse().map(Target::User).map_err(|error| error.to_string()),
        GROUP_DOMAIN => name.parse().map(Target::Group).map_err(|error| error.to_string()),
        _ => Err(format!(
            "must be a username and @{USER_DOMAIN}, or a group's id and @{GROUP_DOMAIN}"
        )),
    };
    target.map_err(|error| body.refuse("queue", error))
}

/// Where the page begins. The SDK sends -1 for the start.
fn start(body: &mut Object) -> Result<Option<MessageId>, Failure> {
    let id = match body.any("start") {
        None => return Ok(None),
        Some(Json::Number(-1.0)) => return Ok(None),
        Some(Json::Whole(id)) => Some(MessageId(id)),
        Some(Json::Text(text)) if matches!(&*text, "" | "-1" | "undefined" | "null") => {
            return Ok(None);
        }
        Some(Json::Text(text)) => text.parse().ok(),
        Some(_) => None,
    };
    let allowed = "must be -1, or next_key of an earlier page";
    id.map(Some).ok_or_else(|| body.refuse("start", allowed))
}

fn kinds(body: &mut Object) -> Result<Vec<Kind>, Failure> {
    let list = body.optional_text("msgType")?.unwrap_or_default();
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    let kind = |name| KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    names.map(kind).collect::<Option<_>>().ok_or_else(|| {
        let known: Vec<_> = KINDS.iter().map(|(name, _)| *name).collect();
        body.refuse("msgType", format_args!("must be a comma list of {}", known.join(", ")))
    })
}

fn sender(body: &mut Object) -> Result<Option<UserId>, Failure> {
    let name = body.optional_text("userId")?.filter(|name| !name.is_empty());
    name.map(|name| name.parse().map_err(|error| body.refuse("userId", error))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<HistoryQuery, String> {
        let body = Json::parse(text.as_bytes()).and_then(|json| json.into_object("")).unwrap();
        read_query(body, &"demo#stoa".parse().unwrap()).map_err(|failure| failure.text().into())
    }

    fn with(field: &str) -> Result<HistoryQuery, String> {
        read(&format!(r#"{{"queue":"bob@easemob.com",{field}}}"#))
    }

    #[test]
    fn the_sdks_call_is_read() {
        let query = with(
            r#""start":-1,"pull_number":50,"is_positive":true,"msgType":"txt,img","end":-1,
            "startTime":5,"endTime":null,"userId":null"#,
        );
        let query = query.unwrap();
        assert_eq!(query.with.name(), "bob");
        assert_eq!((query.start, query.count, query.oldest_first), (None, 50, true));
        assert_eq!(query.kinds, [Kind::Text, Kind::Image]);
        assert_eq!((query.since, query.until), (Some(Timestamp::from_millis(5)), None));
        assert!(query.from.is_none());
    }

    #[test]
    fn the_old_call_is_read() {
        let query =
            read(r#"{"queue":"demo#stoa_Bob_2@easemob.com","start":"77","end":-1}"#).unwrap();
        assert_eq!(query.with.name(), "bob_2");
        assert_eq!((query.start, query.count), (Some(MessageId(77)), 20));
        assert!(query.kinds.is_empty() && !query.oldest_first);
    }

    #[test]
    fn every_spelling_of_the_start_begins_at_the_end() {
        for start in ["-1", "null", "\"-1\"", "\"\"", "\"undefined\"", "\"null\""] {
            assert_eq!(with(&format!(r#""start":{start}"#)).unwrap().start, None, "{start}");
        }
        assert_eq!(with(r#""start":9007"#).unwrap().start, Some(MessageId(9007)));
    }

    #[test]
    fn nonsense_is_refused_by_field() {
        for (field, text) in [
            (r#""start":"not a cursor""#, "start: must be -1, or next_key of an earlier page"),
            (r#""start":-2"#, "start: must be -1, or next_key of an earlier page"),
            (r#""start":{}"#, "start: must be -1, or next_key of an earlier page"),
            (r#""pull_number":51"#, "pull_number: must be a whole number of messages from 1 to 50"),
            (
                r#""pull_number":"x""#,
                "pull_number: must be a whole number of messages from 1 to 50",
            ),
            (r#""is_positive":"maybe""#, "is_positive: must be true or false, not a string"),
            (r#""userId":"a b""#, "userId: a username consists of a-z, 0-9, '_', '-' and '.'"),
            (
                r#""msgType":"txt,cmd""#,
                "msgType: must be a comma list of txt, img, audio, video, loc, file, custom, combine",
            ),
        ] {
            assert_eq!(with(field).unwrap_err(), text);
        }
        let queue = |queue: &str| read(&format!(r#"{{"queue":{queue}}}"#)).unwrap_err();
        assert_eq!(queue("7"), "queue: must be a string, not a number");
        assert_eq!(
            queue("\"bob\""),
            "queue: must be a username and @easemob.com, or a group's id and @conference.easemob.com"
        );
        let group = queue("\"x@conference.easemob.com\"");
        assert_eq!(group, "queue: a group id consists of 1 to 20 digits");
    }
}
