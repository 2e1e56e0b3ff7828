//! The operations: mint a token, look a user up, delete a user.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::{Deserialize, Serialize};
use stoa_chat::{ExternalId, User};
use stoa_console::TokenClient;
use stoa_core::{AppDirectory, OperatorOf, limits, site};

use crate::Server;
use crate::refused::{Reason, Refused, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MintBody<'a> {
    #[serde(borrow)]
    user: Cow<'a, str>,
    ttl: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserBody<'a> {
    #[serde(borrow)]
    user: Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MintedBody<'a> {
    token: &'a str,
    username: &'a str,
    uuid: String,
    expires_in: u32,
    created: bool,
}

#[derive(Serialize)]
struct UserAnswer<'a> {
    username: &'a str,
    uuid: String,
}

/// `POST /v1/tokens`: a token for the user whom the app calls `user`.
pub(crate) async fn mint(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (call, body) = match server.admit(request).await {
        Ok(admitted) => admitted,
        Err(refused) => return refused.into_response(),
    };
    let minted = async {
        let MintBody { user, ttl } = parse(&body)?;
        if ttl == Some(0) {
            let message = "ttl: at least 1 second; leave it out for the longest life".to_owned();
            return Err(Refused::because(Reason::BadRequest, message));
        }
        let minted = server.parts.chat.mint(&call.app, &id(&user)?, ttl).await?;
        server.parts.last_minted.note(call.client.app, server.parts.chat.clock().now());
        server.parts.observer.minted(&call.client, minted.created);
        Ok(json(&MintedBody {
            token: minted.token.expose(),
            username: minted.user.username.as_str(),
            uuid: minted.user.uuid.to_string(),
            expires_in: minted.expires_in_s,
            created: minted.created,
        }))
    };
    server.answer(&call, minted.await)
}

/// `POST /v1/users/lookup`: the name of the user whom the app calls `user`.
pub(crate) async fn look_up(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (call, body) = match server.admit(request).await {
        Ok(admitted) => admitted,
        Err(refused) => return refused.into_response(),
    };
    let found = async {
        let UserBody { user } = parse(&body)?;
        let user = server.parts.chat.external_user(&call.app, &id(&user)?).await?;
        Ok(user_answer(&user))
    };
    server.answer(&call, found.await)
}

/// `POST /v1/users/delete`: deletes the user whom the app calls `user`.
pub(crate) async fn delete(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (call, body) = match server.admit(request).await {
        Ok(admitted) => admitted,
        Err(refused) => return refused.into_response(),
    };
    // A task of its own: whoever hangs up does not stop half-way what was begun.
    let task = tokio::spawn(async move {
        let deleted = async {
            let UserBody { user } = parse(&body)?;
            let user = server.parts.chat.delete_external_user(&call.app, &id(&user)?).await?;
            server.parts.observer.deleted(&call.client);
            Ok(user_answer(&user))
        };
        let deleted = deleted.await;
        server.answer(&call, deleted)
    });
    task.await.unwrap_or_else(|_| Refused::from(Reason::Internal).into_response())
}

/// Any other path.
pub(crate) async fn unknown_path() -> Response {
    Refused::from(Reason::UnknownPath).into_response()
}

/// A path with another method than POST.
pub(crate) async fn method_not_allowed() -> Response {
    Refused::from(Reason::Method).into_response()
}

/// A call of a client that may call.
pub(crate) struct Call {
    client: Arc<TokenClient>,
    app: OperatorOf,
    place: Option<IpAddr>,
}

impl Server {
    /// Finds out who calls, and reads the body.
    async fn admit(&self, request: Request) -> Result<(Call, Bytes), Refused> {
        let (head, body) = request.into_parts();
        let client = self.identify(&head)?;
        let place = (self.parts.address)(&head.extensions).map(site);
        let refuse = |reason: Reason| {
            self.parts.observer.refused(reason, Some(&client), place);
            Refused::from(reason)
        };
        // Another app may have the key by now.
        let app = self.parts.console.by_key(&client.app_key);
        let app = app.filter(|app| app.number == client.app);
        let app = app.ok_or_else(|| refuse(Reason::UnknownClient))?;
        let app = self.parts.operator.in_app(app);
        let body = Limited::new(body, limits::TOKEN_CALL_BYTES).collect().await;
        let body = body.map_err(|error| {
            refuse(if error.is::<LengthLimitError>() {
                Reason::TooLarge
            } else {
                Reason::BadRequest
            })
        })?;
        Ok((Call { client, app, place }, body.to_bytes()))
    }

    /// What is answered, and tells the observer of a refusal.
    fn answer(&self, call: &Call, outcome: Result<Response, Refused>) -> Response {
        outcome.unwrap_or_else(|refused| {
            self.parts.observer.refused(refused.reason, Some(&call.client), call.place);
            refused.into_response()
        })
    }
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| {
        let message = format!("{}: {error}", Reason::BadRequest.message());
        Refused::because(Reason::BadRequest, message)
    })
}

fn id(user: &str) -> Result<ExternalId, Refused> {
    user.parse::<ExternalId>()
        .map_err(|error| Refused::because(Reason::BadRequest, format!("user: {error}")))
}

fn user_answer(user: &User) -> Response {
    json(&UserAnswer { username: user.username.as_str(), uuid: user.uuid.to_string() })
}
