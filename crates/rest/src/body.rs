//! Reading a call's body: bounded in size, JSON only.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use parking_lot::Mutex;
use stoa_core::{Refusal, limits};

use crate::Rest;
use crate::error::Failure;
use crate::json::{Json, Object};

/// Bytes of a refused body that are read and thrown away, so that the client is done sending and
/// reads the answer; beyond, the connection is closed on it.
const DISCARDED_BYTES: usize = 16 * 1024 * 1024;
/// How long that may take.
const DISCARDING: Duration = Duration::from_secs(5);

/// The call's body as JSON of any kind.
pub(crate) struct JsonBody(pub(crate) Json);

/// The call's body as a JSON object.
pub(crate) struct JsonObject(pub(crate) Object);

impl FromRequest<Rest> for JsonBody {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &Rest) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let given = !body.is_end_stream();
        if given && !is_json(&parts.headers) {
            return Err(Failure::of(Refusal::MediaType)
                .saying("Unsupported Media Type. The body must be application/json."));
        }
        let bytes = read(body).await?;
        if bytes.is_empty() {
            return Err(Failure::argument("the body is empty, it must be JSON"));
        }
        Json::parse(&bytes).map(Self)
    }
}

impl FromRequest<Rest> for JsonObject {
    type Rejection = Failure;

    async fn from_request(request: Request, rest: &Rest) -> Result<Self, Failure> {
        let JsonBody(json) = JsonBody::from_request(request, rest).await?;
        json.into_object("").map(Self)
    }
}

pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    is_of_type(headers, "application/json")
}

/// Whether the body is said to be of the media type `wanted`.
pub(crate) fn is_of_type(headers: &HeaderMap, wanted: &str) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.map(|text| text.split(';').next().unwrap_or_default().trim());
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case(wanted))
}

pub(crate) async fn read(body: Body) -> Result<Bytes, Failure> {
    let too_large = || {
        let most = limits::REST_BODY_BYTES;
        Failure::of(Refusal::TooLarge).saying(format!("the body is larger than {most} bytes"))
    };
    if body.size_hint().lower() > limits::REST_BODY_BYTES as u64 {
        return Err(too_large());
    }
    match Limited::new(body, limits::REST_BODY_BYTES).collect().await {
        Ok(read) => Ok(read.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(Failure::argument("the body ends before its announced length")),
    }
}

/// A body that a handler may read, partly read or not touch, and whose rest is thrown away after it.
#[derive(Clone)]
pub(crate) struct SharedBody(Arc<Inner>);

struct Inner {
    body: Mutex<Body>,
    touched: AtomicBool,
}

impl SharedBody {
    pub(crate) fn new(body: Body) -> Self {
        Self(Arc::new(Inner { body: Mutex::new(body), touched: AtomicBool::new(false) }))
    }

    /// Reads what the handler left, within bounds; answers whether that was all. A client that waits
    /// for leave to send (`awaits_leave`) and was not given it sends nothing.
    pub(crate) async fn discard(mut self, awaits_leave: bool) -> bool {
        if self.is_end_stream() {
            return true;
        }
        if awaits_leave && !self.0.touched.load(Ordering::Relaxed) {
            return false;
        }
        let mut left = DISCARDED_BYTES;
        let all = async {
            while let Some(frame) = self.frame().await {
                let bytes = frame.ok().and_then(|frame| frame.into_data().ok());
                let Some(rest) = left.checked_sub(bytes.map_or(usize::MAX, |b| b.len())) else {
                    return false;
                };
                left = rest;
            }
            true
        };
        tokio::time::timeout(DISCARDING, all).await.unwrap_or(false)
    }
}

impl HttpBody for SharedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.0.touched.store(true, Ordering::Relaxed);
        Pin::new(&mut *self.0.body.lock()).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.body.lock().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.body.lock().size_hint()
    }
}
