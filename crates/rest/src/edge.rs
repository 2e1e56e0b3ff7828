//! Around every call: from a handler's outcome to the answer's bytes, and what all answers carry.

use std::error::Error;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, EXPECT, LOCATION,
    RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, Method, StatusCode};
use stoa_core::{PublicHosts, Refusal, Timestamp};
use stoa_metrics::rest::{IN_FLIGHT, REQUESTS};
use stoa_metrics::store::{FAULTS, Place};

use crate::body::SharedBody;
use crate::classroom::ClassFailure;
use crate::envelope::{Call, object};
use crate::error::Failure;
use crate::reply::{Outcome, Reply};
use crate::{Rest, classroom, cors, hsts, query};

/// The layer around all routes.
pub(crate) async fn edge(State(rest): State<Rest>, request: Request, next: Next) -> Response {
    let by_tls_alone = (rest.encrypted)(request.extensions()) && hsts::is_for(&request);
    let mut response = if request.method() == Method::OPTIONS {
        cors::preflight()
    } else {
        answer(&rest, request, next).await
    };
    let headers = response.headers_mut();
    cors::allow_any_origin(headers);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Files say themselves how long they may be kept.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if by_tls_alone {
        hsts::tell(headers);
    }
    response
}

async fn answer(rest: &Rest, request: Request, next: Next) -> Response {
    let _in_flight = IN_FLIGHT.hold();
    let clock = rest.chat.clock();
    let began = clock.now();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let awaits_leave = request.headers().contains_key(EXPECT);

    let (parts, body) = request.into_parts();
    let body = SharedBody::new(body);
    let request = Request::from_parts(parts, Body::new(body.clone()));
    // A task of its own: whoever hangs up does not stop half-way what was begun, and what was made
    // durable is told to those whom it concerns.
    let mut response = tokio::spawn(next.run(request))
        .await
        .unwrap_or_else(|_| Failure::of(Refusal::Internal).into_response());
    let all_read = body.discard(awaits_leave).await;

    let params = query::fields(&uri);
    let now = clock.now();
    let call = Call { method: &method, uri: &uri, origin: &rest.origin, params, began, now };
    let bytes = match response.extensions_mut().remove::<Reply>() {
        Some(Reply::File(file)) => {
            file.fill(&mut response);
            None
        }
        Some(reply) => Some(call.success(&reply)),
        None if response.extensions().get::<ClassFailure>().is_some() => {
            let refused = response.extensions_mut().remove::<ClassFailure>();
            refused.map(|refused| refuse_in_class(&refused, now, &mut response))
        }
        None => {
            let failure = response.extensions_mut().remove::<Failure>();
            // Whatever does not come from a handler of this crate is refused as a path.
            let failure = failure.unwrap_or(Failure::of(Refusal::UnknownPath));
            if classroom::is_here(uri.path()) {
                Some(refuse_in_class(&failure.into(), now, &mut response))
            } else {
                Some(refuse(&call, &failure, route, &mut response))
            }
        }
    };
    let status = response.status();
    REQUESTS.answered(route, status.as_u16(), now.since(began));
    tracing::debug!(%method, route, status = status.as_u16(), "call");

    let headers = response.headers_mut();
    if bytes.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // The empty answer that stood in for this one had a length of its own.
        headers.remove(CONTENT_LENGTH);
    }
    if !all_read {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if method == Method::HEAD {
        *response.body_mut() = Body::empty();
    } else if let Some(bytes) = bytes {
        *response.body_mut() = bytes.into();
    }
    response
}

/// Sets what a refusal has besides its body, which it returns. A fault of the server is written to
/// the log, once and without anything that names a user.
fn refuse(call: &Call<'_>, failure: &Failure, route: &str, response: &mut Response) -> Vec<u8> {
    let row = failure.refusal().rest();
    if let Some(fault) = failure.fault() {
        FAULTS.of(Place::Rest).inc();
        let error: &dyn Error = fault;
        tracing::error!(method = %call.method, route, error, "call failed");
    }
    // The table has no status that is none (its tests see to it).
    *response.status_mut() =
        StatusCode::from_u16(row.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if row.status == StatusCode::UNAUTHORIZED.as_u16() {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(range) = failure.size().map(|size| format!("bytes */{size}"))
        && let Ok(range) = HeaderValue::try_from(range)
    {
        headers.insert(CONTENT_RANGE, range);
    }
    if let Some(seconds) = failure.retry_after_s() {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    let base = failure.place().and_then(|app| app.hosts.as_ref()).map(PublicHosts::rest_url);
    if let Some(base) = base.and_then(|base| HeaderValue::try_from(base).ok()) {
        headers.insert(LOCATION, base);
    }
    call.refusal(failure)
}

/// The same for what is refused in class rooms, in their envelope.
fn refuse_in_class(failure: &ClassFailure, now: Timestamp, response: &mut Response) -> Vec<u8> {
    let (status, body) = failure.answer(now);
    *response.status_mut() = status;
    if let Some(seconds) = failure.shared().and_then(Failure::retry_after_s) {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    body
}

/// `GET /healthz`: the process answers, and its store takes writes; otherwise 503.
pub(crate) async fn healthz(State(rest): State<Rest>) -> Outcome {
    rest.chat.health()?;
    Ok(Reply::Bare(object([("status", "ok".into())])))
}

/// Any path that is not served.
pub(crate) async fn unknown_path() -> Failure {
    Failure::of(Refusal::UnknownPath)
}

/// A served path with a method that it does not serve.
pub(crate) async fn method_not_allowed() -> Failure {
    Failure::of(Refusal::MethodNotAllowed)
}
