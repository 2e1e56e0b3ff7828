//! What clients in a class send, and what they are told besides frames (`docs/classroom-stream.md`).

use std::time::Duration;

use serde_json::{Map, Value, json};
use stoa_classroom::{Error, Joined, Refusal};
use stoa_core::{AppId, RoomUuid, Secret, Timestamp, UserUuid};

use super::close::CloseReason;
use super::media::{self, MediaMessage};

/// A message of a client.
#[derive(Debug)]
pub(crate) enum ClientMessage {
    /// Who it is, and what it knows. The first message, and once.
    Hello(Box<Hello>),
    /// A further token.
    Renew(Secret),
    /// Whether the server is there.
    Ping,
    /// Something about sound and pictures.
    Media(Box<MediaMessage>),
    /// It goes, and is not to be awaited.
    Leave,
}

/// Who a client is, and what it knows.
#[derive(Debug)]
pub(crate) struct Hello {
    /// Its app.
    pub(crate) app: AppId,
    /// The room that it has entered.
    pub(crate) room: RoomUuid,
    /// As whom.
    pub(crate) user: UserUuid,
    /// The token; none where the app is open.
    pub(crate) token: Option<Secret>,
    /// The session that its entry gave.
    pub(crate) session: u64,
    /// The number of the last frame of the room that it knows.
    pub(crate) sequence: u64,
    /// The number of the last frame to the user that it knows.
    pub(crate) peer_sequence: u64,
}

/// Reads a client's message. What cannot be understood is said in words.
pub(crate) fn read(text: &[u8]) -> Result<ClientMessage, String> {
    let value: Value = serde_json::from_slice(text).map_err(|_| "it is no JSON")?;
    let Value::Object(fields) = value else { return Err("it must be an object".into()) };
    match fields.get("type").and_then(Value::as_str) {
        Some("hello") => hello(&fields).map(|hello| ClientMessage::Hello(Box::new(hello))),
        Some("renew") => Ok(ClientMessage::Renew(Secret::new(required(&fields, "token")?))),
        Some("ping") => Ok(ClientMessage::Ping),
        Some("media") => {
            media::read(&fields).map(|message| ClientMessage::Media(Box::new(message)))
        }
        Some("leave") => Ok(ClientMessage::Leave),
        _ => {
            Err("type: must be hello, renew, ping, media or leave; a room is changed over REST"
                .into())
        }
    }
}

pub(super) fn required<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    let text = fields.get(name).and_then(Value::as_str);
    text.ok_or_else(|| format!("{name}: is required and must be a text"))
}

fn number(fields: &Map<String, Value>, name: &str) -> Result<u64, String> {
    let number = fields.get(name).and_then(Value::as_u64);
    number.ok_or_else(|| format!("{name}: is required and must be a number, 0 or more"))
}

fn hello(fields: &Map<String, Value>) -> Result<Hello, String> {
    let named = |name: &str| {
        let text = required(fields, name)?;
        text.parse::<UserUuid>().map_err(|error| format!("{name} {error}"))
    };
    let app = required(fields, "appId")?.parse();
    let token = match fields.get("token") {
        None | Some(Value::Null) => None,
        Some(Value::String(token)) if token.is_empty() => None,
        Some(Value::String(token)) => Some(Secret::new(token.as_str())),
        Some(_) => return Err("token: must be a text".into()),
    };
    let session = u64::from_str_radix(required(fields, "userToken")?, 16);
    Ok(Hello {
        app: app.map_err(|_| "appId: must have 32 hexadecimal digits")?,
        room: named("roomUuid")?,
        user: named("userUuid")?,
        token,
        session: session.map_err(|_| "userToken: must be the one that the entry gave")?,
        sequence: number(fields, "sequence")?,
        peer_sequence: number(fields, "peerSequence")?,
    })
}

/// A refusal, as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The number `SSHHHDDD` (classroom specification, section 2.7).
    pub(crate) code: u32,
    /// In words.
    pub(crate) text: String,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { code: refusal.code(), text: refusal.text().into_owned() }
    }
}

impl From<&Error> for Refused {
    /// What went wrong in the server is told to nobody.
    fn from(error: &Error) -> Self {
        match error {
            Error::Refused(refusal) => refusal.clone().into(),
            Error::Token(_) => Refusal::NotForThis.into(),
            Error::Chat(stoa_chat::Error::Outside { .. }) => Refusal::Region.into(),
            Error::Chat(error) if !error.is_fault() => Refusal::NotForThis.into(),
            _ => Self { code: 500, text: "internal server error".into() },
        }
    }
}

impl Refused {
    fn told(&self, kind: &str) -> String {
        json!({"type": kind, "code": self.code, "msg": self.text}).to_string()
    }
}

/// The client is not let in.
pub(crate) fn refused(refused: &Refused) -> String {
    refused.told("refused")
}

/// What the client sent is not done.
pub(crate) fn error(refused: &Refused) -> String {
    refused.told("error")
}

/// The client is let in; what it missed follows.
pub(crate) fn welcome(joined: &Joined, quiet: Duration, now: Timestamp) -> String {
    json!({
        "type": "welcome",
        "sequence": joined.heard.sequence,
        "peerSequence": joined.heard.peer_sequence,
        "ts": now.as_millis(),
        "expireTs": expires(joined.until),
        "quiet": u64::try_from(quiet.as_millis()).unwrap_or(u64::MAX),
    })
    .to_string()
}

/// All that was missed is told; what follows is said from now on.
pub(crate) fn live() -> String {
    json!({"type": "live"}).to_string()
}

/// The answer to a ping.
pub(crate) fn pong(now: Timestamp) -> String {
    json!({"type": "pong", "ts": now.as_millis()}).to_string()
}

/// The token was renewed.
pub(crate) fn renewed(until: Timestamp) -> String {
    json!({"type": "renewed", "expireTs": expires(until)}).to_string()
}

/// The token will end (classroom specification, section 3).
pub(crate) fn will_expire(until: Timestamp) -> String {
    json!({"cmd": "tokenWillExpire", "data": {"expireTs": until.as_millis()}}).to_string()
}

/// What is said before the connection is closed; none: nothing.
pub(crate) fn ending(reason: CloseReason) -> Option<String> {
    if reason == CloseReason::Resync {
        return Some(json!({"type": "resync"}).to_string());
    }
    reason.word().map(|word| json!({"type": "end", "reason": word}).to_string())
}

/// A moment that may be never.
fn expires(until: Timestamp) -> Option<u64> {
    Some(until.as_millis()).filter(|ms| *ms != u64::MAX)
}
