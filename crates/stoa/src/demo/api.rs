//! What the page asks for: to be let in, tokens for the two people, and a record as it lies on disk.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, COOKIE, SET_COOKIE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use stoa_chat::{Chat, Error, MessageAtRest};
use stoa_classroom::Classroom;
use stoa_core::{
    App, AppKey, Caller, Clock, ConversationId, Day, Entropy, MessageId, Timestamp, UserId,
    issue_token,
};
use stoa_store::classes::CLASSES;
use stoa_store::spaces::SPACES;
use stoa_store::{Bucket, KeySummary};

use super::USERS;
use super::admission::{Admission, hex};

/// How long the tokens of the page last. It asks for new ones long before.
pub(super) const TOKEN: Duration = Duration::from_secs(10 * 60);

/// What the page's calls need.
pub(super) struct Api {
    pub(super) app: AppKey,
    pub(super) chat: Arc<Chat>,
    pub(super) classroom: Arc<Classroom>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) admission: Admission,
    /// Called when another code counts.
    pub(super) on_new_code: Box<dyn Fn() + Send + Sync>,
}

/// Why the page does not get what it asked for: a status, a word for programs, a sentence for people.
pub(super) struct Refusal(pub(super) StatusCode, pub(super) &'static str, pub(super) &'static str);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, error, message) = self;
        (status, no_store(), Json(serde_json::json!({ "error": error, "message": message })))
            .into_response()
    }
}

const NOT_ADMITTED: Refusal =
    Refusal(StatusCode::UNAUTHORIZED, "not_admitted", "this browser was not let in");
const WRONG_CODE: Refusal =
    Refusal(StatusCode::FORBIDDEN, "wrong_code", "the code was used already, or never was one");

pub(super) fn no_store() -> [(http::HeaderName, &'static str); 2] {
    [(CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")]
}

#[derive(Deserialize)]
pub(super) struct Code {
    code: String,
}

/// `POST /demo/session`: exchanges the code for a cookie.
pub(super) async fn session(
    State(api): State<Arc<Api>>,
    Json(Code { code }): Json<Code>,
) -> Result<Response, Refusal> {
    let (app, now) = (api.app()?, api.clock.now());
    let cookie = api.admission.redeem(&code, &app, now, &*api.entropy).ok_or(WRONG_CODE)?;
    (api.on_new_code)();
    Ok((StatusCode::NO_CONTENT, no_store(), [(SET_COOKIE, cookie)]).into_response())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tokens {
    app_key: String,
    users: Vec<UserToken>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserToken {
    username: String,
    token: String,
    expires_in_s: u32,
}

/// `POST /demo/tokens`: fresh tokens for both people.
pub(super) async fn tokens(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let owner = api.owner(&headers).await?;
    let mut users = Vec::new();
    for name in USERS {
        let user: UserId = name.parse().expect("a constant that is a user name");
        let issued = api.chat.grant_for(&owner, &user, false, Some(TOKEN.as_secs())).await;
        let issued = issued.map_err(refused)?;
        users.push(UserToken {
            username: name.into(),
            token: issued.token.expose().into(),
            expires_in_s: issued.expires_in_s,
        });
    }
    Ok((no_store(), Json(Tokens { app_key: api.app.to_string(), users })).into_response())
}

/// `GET /demo/records/{message id}`: what lies on disk of a message.
pub(super) async fn record(
    State(api): State<Arc<Api>>,
    Path(id): Path<u64>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let owner = api.owner(&headers).await?;
    let [first, second] = USERS.map(|name| name.parse().expect("a constant that is a user name"));
    let conversation = ConversationId::one_to_one(&first, &second);
    let at_rest = api.chat.message_at_rest(&owner, &conversation, MessageId(id));
    let at_rest = at_rest.await.map_err(refused)?;
    Ok((no_store(), Json(Record::new(&at_rest))).into_response())
}

impl Api {
    /// The app's owner, as whom the page's calls are carried out, if the browser was let in.
    async fn owner(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        /// The token never leaves this process.
        const SECONDS: u32 = 60;
        let (app, now) = (self.admitted(headers)?, self.clock.now());
        let token = issue_token(&app, None, app.next_issue(now), SECONDS, &*self.entropy);
        self.chat.authenticate(&self.app, token.expose()).await.map_err(refused)
    }

    /// The demo's app, if the browser was let in.
    pub(super) fn admitted(&self, headers: &HeaderMap) -> Result<Arc<App>, Refusal> {
        let (app, now) = (self.app()?, self.clock.now());
        let mut cookies = headers.get_all(COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
        let admitted = cookies.any(|cookie| self.admission.admits(cookie, &app, now));
        if admitted { Ok(app) } else { Err(NOT_ADMITTED) }
    }

    /// The demo's app as it is by now: its owner may have revoked its tokens or exchanged its certificates.
    fn app(&self) -> Result<Arc<App>, Refusal> {
        self.chat.app(&self.app).map_err(refused)
    }
}

fn refused(error: Error) -> Refusal {
    match error {
        Error::UnknownMessage => {
            Refusal(StatusCode::NOT_FOUND, "unknown_message", "there is no such message")
        }
        Error::UnknownUser | Error::Deactivated => Refusal(
            StatusCode::CONFLICT,
            "no_user",
            "a demo user was deleted or deactivated; start the server again",
        ),
        error => {
            if error.is_fault() {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the demo page's call failed"
                );
            }
            Refusal(StatusCode::SERVICE_UNAVAILABLE, "failed", "the server could not do it")
        }
    }
}

/// A record for the page: bytes in hexadecimal digits, times in milliseconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    sequence: u64,
    taken_at: u64,
    kept_until: u64,
    stored_key: StoredKey,
    record: String,
    length: usize,
    version: u8,
    key_id: String,
    nonce: String,
    key: Option<SealingKey>,
}

/// What the record is stored under, in its parts.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StoredKey {
    bytes: String,
    space: Option<&'static str>,
    parts: Vec<KeyPart>,
}

#[derive(Serialize)]
struct KeyPart {
    name: &'static str,
    bytes: String,
    blinded: bool,
}

/// The key that sealed it, without its material.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SealingKey {
    app: u32,
    class: Option<&'static str>,
    bucket: String,
    made_at: u64,
}

impl Record {
    fn new(at_rest: &MessageAtRest) -> Self {
        let MessageAtRest { sealed, seq, at, until } = at_rest;
        Self {
            sequence: seq.0,
            taken_at: at.as_millis(),
            kept_until: until.as_millis(),
            stored_key: StoredKey::new(&sealed.stored_key),
            record: hex(&sealed.record),
            length: sealed.record.len(),
            version: sealed.version,
            key_id: sealed.key_id.to_string(),
            nonce: hex(&sealed.nonce),
            key: sealed.key.as_ref().map(SealingKey::new),
        }
    }
}

impl StoredKey {
    /// `space u8 ‖ app number u32 ‖ parts`, as `stoa-store` lays keys out.
    fn new(bytes: &[u8]) -> Self {
        use stoa_store::spaces::Part;
        let space = SPACES.iter().find(|space| bytes.first() == Some(&space.code));
        let mut parts = Vec::new();
        let mut rest = bytes;
        let mut take = |name, length: usize, blinded| {
            let (part, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            rest = behind;
            parts.push(KeyPart { name, bytes: hex(part), blinded });
        };
        take("space", 1, false);
        take("app number", 4, false);
        for part in space.map_or(&[][..], |space| space.layout) {
            take(part.name(), part.size(), matches!(part, Part::Blind(_)));
        }
        Self { bytes: hex(bytes), space: space.map(|space| space.name), parts }
    }
}

impl SealingKey {
    fn new(key: &KeySummary) -> Self {
        let class = CLASSES.iter().find(|class| class.number == key.scope.class.0);
        Self {
            app: key.scope.app.0,
            class: class.map(|class| class.name),
            bucket: match key.scope.bucket {
                Bucket::Whole => "everything".into(),
                Bucket::Day(day) => format!("the day {} (UTC)", date(day)),
                Bucket::Month(month) => format!("month {month} since January 1970"),
                Bucket::Object(name) => format!("the object {}", hex(&name)),
            },
            made_at: key.created.as_millis(),
        }
    }
}

/// A day as people write it, `2026-11-21`.
fn date(day: Day) -> String {
    let start: Timestamp = day.start();
    let millis = i64::try_from(start.as_millis()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis)
        .map_or_else(|_| "?".into(), |at| at.to_string().chars().take(10).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_key_is_shown_in_its_parts() {
        let bytes = [&[30][..], &[0, 0, 0, 2], &[0xAB; 16], &[0, 0, 0, 0, 0, 0, 0, 9]].concat();
        let key = StoredKey::new(&bytes);
        assert_eq!(key.space, Some("messages"));
        let parts: Vec<_> =
            key.parts.iter().map(|part| (part.name, part.bytes.len() / 2, part.blinded)).collect();
        assert_eq!(
            parts,
            [
                ("space", 1, false),
                ("app number", 4, false),
                ("conversation", 16, true),
                ("sequence", 8, false)
            ]
        );
        assert_eq!(key.parts.iter().map(|part| part.bytes.as_str()).collect::<String>(), key.bytes);
    }

    #[test]
    fn days_are_written_as_people_do() {
        assert_eq!(date(Day(0)), "1970-01-01");
        assert_eq!(date(Timestamp::from_secs(1_795_208_151).day()), "2026-11-20");
    }
}
