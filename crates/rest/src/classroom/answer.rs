//! The envelope of class rooms, for what was done and for what was refused (classroom specification, section 2.0).

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Map, Value, json};
use stoa_classroom::{Error, MediaError, Refusal};
use stoa_core::Timestamp;

use crate::error::Failure;
use crate::reply::Reply;

/// What a handler of class rooms returns.
pub(crate) type Outcome = Result<Reply, ClassFailure>;

/// What was done, with what is to be told of it.
pub(crate) fn done(at: Timestamp, data: Value) -> Reply {
    Reply::Bare(envelope(0, "Success", at, data))
}

/// As [`done`], with a field more beside `data`.
pub(crate) fn done_with(at: Timestamp, data: Value, more: Option<(&str, Value)>) -> Reply {
    let mut envelope = envelope(0, "Success", at, data);
    envelope.extend(more.map(|(name, value)| (name.to_owned(), value)));
    Reply::Bare(envelope)
}

fn envelope(code: u32, msg: &str, at: Timestamp, data: Value) -> Map<String, Value> {
    let fields =
        [("code", json!(code)), ("msg", json!(msg)), ("ts", json!(at.as_millis())), ("data", data)];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A call of class rooms that is refused.
#[derive(Clone)]
pub(crate) enum ClassFailure {
    /// By the rules of class rooms.
    Refused(Refusal),
    /// By what both kinds of calls share: bodies, rates, faults.
    Other(Box<Failure>),
    /// By the media server.
    Media(stoa_media::Refusal),
    /// A fault of the server.
    Fault(Error),
}

impl ClassFailure {
    /// The status and the body of the answer. What is wrong with the server is written to the log, once.
    pub(crate) fn answer(&self, at: Timestamp) -> (StatusCode, Vec<u8>) {
        let (status, code, text) = match self {
            Self::Refused(refusal) => (refusal.status(), refusal.code(), refusal.text()),
            Self::Media(refusal) => {
                (refusal.code, refusal.code.into(), refusal.msg.as_str().into())
            }
            Self::Other(failure) => {
                let status = failure.refusal().rest().status;
                (status, status.into(), failure.text())
            }
            Self::Fault(error) => {
                let error: &dyn std::error::Error = error;
                tracing::error!(error, "a call of class rooms failed");
                (500, 500, "internal server error".into())
            }
        };
        let body = Value::Object(envelope(code, &text, at, Value::Null));
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, body.to_string().into_bytes())
    }

    /// What both kinds of calls share, if it is that.
    pub(crate) fn shared(&self) -> Option<&Failure> {
        match self {
            Self::Other(failure) => Some(failure),
            _ => None,
        }
    }
}

impl From<Refusal> for ClassFailure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Failure> for ClassFailure {
    fn from(failure: Failure) -> Self {
        Self::Other(Box::new(failure))
    }
}

impl From<Error> for ClassFailure {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => Self::Refused(refusal),
            Error::Token(_) => Self::Refused(Refusal::NotForThis),
            Error::Chat(error) => Self::Other(Box::new(error.into())),
            other => Self::Fault(other),
        }
    }
}

impl From<MediaError> for ClassFailure {
    fn from(error: MediaError) -> Self {
        match error {
            MediaError::Room(error) => error.into(),
            MediaError::Media(refusal) => Self::Media(refusal),
        }
    }
}

impl IntoResponse for ClassFailure {
    /// Travels to the edge in the extensions of an empty answer.
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }
}
