//! What a handler answers when it did what was asked.

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use serde_json::{Map, Value};
use stoa_chat::User;
use stoa_core::{App, AppScope};

use crate::error::Failure;

/// What every handler returns.
pub(crate) type Outcome = Result<Reply, Failure>;

/// A success. The [edge](crate::edge) makes it the success envelope (chat-rest section 1.5).
#[derive(Clone)]
pub(crate) enum Reply {
    /// The whole envelope.
    Full(Box<Full>),
    /// Action and times only.
    Brief {
        /// The envelope's `action`.
        action: &'static str,
    },
    /// A result and times only.
    Timed(Value),
    /// An object of its own, without envelope.
    Bare(Map<String, Value>),
    /// No JSON: bytes of a file, a description of media.
    File(FileReply),
}

/// An answer that is no JSON.
#[derive(Clone)]
pub(crate) struct FileReply {
    status: StatusCode,
    headers: HeaderMap,
    /// Taken once; in here, as what travels in extensions is shared.
    body: Arc<Mutex<Body>>,
}

impl FileReply {
    /// An answer with these headers and bytes.
    pub(crate) fn new(status: StatusCode, headers: HeaderMap, body: Body) -> Self {
        Self { status, headers, body: Arc::new(Mutex::new(body)) }
    }

    /// Makes `response` this answer.
    pub(crate) fn fill(self, response: &mut Response) {
        *response.status_mut() = self.status;
        *response.body_mut() = std::mem::take(&mut *self.body.lock());
        let headers = response.headers_mut();
        // That of the empty answer which stood in for this one.
        headers.remove(CONTENT_LENGTH);
        headers.extend(self.headers);
    }
}

/// What goes into the whole envelope.
#[derive(Clone)]
pub(crate) struct Full {
    pub(crate) app: Arc<App>,
    pub(crate) action: Option<&'static str>,
    pub(crate) entities: Vec<Value>,
    pub(crate) data: Option<Value>,
    pub(crate) count: Option<usize>,
    pub(crate) cursor: Option<String>,
    /// The path in the envelope, if it is not that of the call.
    pub(crate) path: Option<&'static str>,
}

impl Full {
    /// An envelope of the app of `scope`, with the method as its action.
    pub(crate) fn of(scope: &impl AppScope) -> Self {
        Self {
            app: scope.app().clone(),
            action: None,
            entities: Vec::new(),
            data: None,
            count: None,
            cursor: None,
            path: None,
        }
    }

    /// With a fixed text as the action.
    pub(crate) fn action(self, action: &'static str) -> Self {
        Self { action: Some(action), ..self }
    }

    /// With users as the entities.
    pub(crate) fn users<'a>(self, users: impl IntoIterator<Item = &'a User>) -> Self {
        Self { entities: users.into_iter().map(user_entity).collect(), ..self }
    }

    /// With these entities.
    pub(crate) fn entities(self, entities: Vec<Value>) -> Self {
        Self { entities, ..self }
    }

    /// With `path` below the app as the path, whatever was called.
    pub(crate) fn at(self, path: &'static str) -> Self {
        Self { path: Some(path), ..self }
    }

    /// With a result.
    pub(crate) fn data(self, data: Value) -> Self {
        Self { data: Some(data), ..self }
    }

    /// With the number of entries.
    pub(crate) fn count(self, count: usize) -> Self {
        Self { count: Some(count), ..self }
    }

    /// With the place of the next page; none on the last.
    pub(crate) fn cursor(self, cursor: Option<String>) -> Self {
        Self { cursor, ..self }
    }
}

impl From<Full> for Reply {
    fn from(full: Full) -> Self {
        Self::Full(Box::new(full))
    }
}

/// A user as the vendor writes it.
pub(crate) fn user_entity(user: &User) -> Value {
    let mut entity = serde_json::json!({
        "uuid": user.uuid.to_string(),
        "type": "user",
        "created": user.created.as_millis(),
        "modified": user.modified.as_millis(),
        "username": user.username.as_str(),
        "activated": user.activated,
    });
    if let Some(nickname) = &user.nickname {
        entity["nickname"] = nickname.as_str().into();
    }
    entity
}

impl IntoResponse for Reply {
    /// Travels to the edge in the extensions of an empty answer.
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }
}
