//! What the path names: the app, a user, a device.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OriginalUri, RawPathParams};
use http::request::Parts;
use stoa_chat::Error;
use stoa_core::{App, AppKey, Refusal, Resource};

use crate::Rest;
use crate::error::Failure;

/// Bytes of a path that an error repeats.
const SHOWN: usize = 200;

/// The text of the path's variable `name`, percent-decoded.
pub(crate) async fn variable(parts: &mut Parts, name: &str) -> Result<String, Failure> {
    let variables = RawPathParams::from_request_parts(parts, &())
        .await
        .map_err(|_| Failure::argument("the path is not percent-encoded UTF-8"))?;
    let value = variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
    value.ok_or(Failure::of(Refusal::UnknownPath))
}

/// The app that `/{org}/{app}/…` names.
pub(crate) struct AppPath(pub(crate) Arc<App>);

impl FromRequestParts<Rest> for AppPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, rest: &Rest) -> Result<Self, Failure> {
        let (org, app) = (variable(parts, "org").await?, variable(parts, "app").await?);
        let unknown = Failure::of(Refusal::UnknownApp);
        let Ok(key) = AppKey::new(&org, &app) else { return Err(unknown) };
        rest.chat.app(&key).map(Self).map_err(|error| {
            if let Error::Elsewhere(app) = error {
                return Failure::elsewhere(app);
            }
            let path = parts.extensions.get::<OriginalUri>().map_or("", |uri| uri.path());
            let path: String = path.trim_start_matches('/').chars().take(SHOWN).collect();
            unknown.saying(format!("Could not find application for {org}/{app} from URI: {path}"))
        })
    }
}

/// The text that stands for a user in the path: a name, or where the operation says so a uuid.
pub(crate) struct UserPath(pub(crate) String);

impl FromRequestParts<Rest> for UserPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Rest) -> Result<Self, Failure> {
        variable(parts, "user").await.map(Self)
    }
}

/// The text that stands for the other user in the path: the contact, the blocked one.
pub(crate) struct FriendPath(pub(crate) String);

impl FromRequestParts<Rest> for FriendPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Rest) -> Result<Self, Failure> {
        variable(parts, "friend").await.map(Self)
    }
}

/// The text that stands for a message in the path.
pub(crate) struct MessagePath(pub(crate) String);

impl FromRequestParts<Rest> for MessagePath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Rest) -> Result<Self, Failure> {
        variable(parts, "message").await.map(Self)
    }
}

/// The device in the path.
pub(crate) struct DevicePath(pub(crate) Resource);

impl FromRequestParts<Rest> for DevicePath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Rest) -> Result<Self, Failure> {
        let resource = variable(parts, "resource").await?;
        let resource = resource.parse();
        resource.map(Self).map_err(|error| Failure::argument(format!("resource: {error}")))
    }
}
