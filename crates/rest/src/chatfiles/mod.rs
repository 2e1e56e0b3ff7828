//! Files that users send: msync section 9.15, chat-rest section 2.8 (R045 to R047) and U40.
//!
//! An upload's refusal is never 400: the SDK does not survive that here, and takes any other status for
//! what it is. Downloads are the only answers that are not JSON.

mod disposition;
mod download;
mod form;
mod parts;
mod range;
mod upload;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use serde_json::{Value, json};
use stoa_chat::attachment::{Target, UploadedFile};
use stoa_core::{AppScope, Refusal, Uuid};

pub(crate) use disposition::disposition;
pub(crate) use download::{answer, download};
pub(crate) use form::{Form, receive_file};
pub(crate) use parts::{abort, begin, complete, part};
pub(crate) use range::{Asked, asked};
pub(crate) use upload::upload;

use crate::Rest;
use crate::error::Failure;
use crate::path;
use crate::query::Query;
use crate::reply::{Full, Reply};

/// What is taken from an upload's head, with refusals that the SDK survives.
pub(crate) struct Gently<T>(pub(crate) T);

impl<T: FromRequestParts<Rest, Rejection = Failure>> FromRequestParts<Rest> for Gently<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, rest: &Rest) -> Result<Self, Failure> {
        T::from_request_parts(parts, rest).await.map(Self).map_err(Failure::gently)
    }
}

/// The file, or the upload, in the path.
pub(crate) struct FilePath(pub(crate) Uuid);

impl FromRequestParts<Rest> for FilePath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Rest) -> Result<Self, Failure> {
        let id = path::variable(parts, "file").await?;
        // What is no id is the id of no file.
        id.parse().map(Self).map_err(|_| Failure::of(Refusal::FileExpired))
    }
}

/// The value of a field that may stand in the query or, by the same name, in a header.
fn said<'a>(
    query: &'a Query,
    headers: &'a HeaderMap,
    name: &'static str,
) -> Result<Option<&'a str>, Failure> {
    if let Some(value) = query.get(name)? {
        return Ok(Some(value));
    }
    let Some(value) = headers.get(name) else { return Ok(None) };
    let value = value.to_str().map(str::trim);
    let value = value.map_err(|_| Failure::argument(format!("{name}: must be plain text")))?;
    Ok(Some(value).filter(|value| !matches!(*value, "" | "undefined" | "null")))
}

/// Whether such a field says yes.
fn flag(query: &Query, headers: &HeaderMap, name: &'static str) -> Result<bool, Failure> {
    match said(query, headers, name)? {
        None => Ok(false),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(_) => Err(Failure::argument(format!("{name}: must be true or false"))),
    }
}

/// The conversation that a file is sent to, as the SDK says it.
fn target(query: &Query) -> Result<Option<Target>, Failure> {
    match (query.get("chat-type")?, query.get("chat-target")?) {
        (None, _) | (_, None) => Ok(None),
        (Some(kind), Some(name)) => Ok(Some(Target::read(kind, name)?)),
    }
}

/// The answer to an upload that is complete.
fn uploaded(scope: &impl AppScope, file: &UploadedFile) -> Reply {
    let entity: Value = json!({
        "uuid": file.id.to_string(),
        "type": "chatfile",
        "share-secret": file.secret.expose(),
        "file-metadata": { "content-length": file.size, "content-type": file.content_type },
    });
    // The SDK makes the file's address of `uri` and `uuid`, whichever call answered.
    Full::of(scope).entities(vec![entity]).at("/chatfiles").into()
}
