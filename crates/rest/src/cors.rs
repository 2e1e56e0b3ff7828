//! What browsers on other origins may do (msync section 1.3).
//!
//! Pages of any origin may call: who calls is told by a bearer token that the page itself holds, never
//! by a cookie, so another page can do nothing in its name.

use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW,
};
use http::{HeaderMap, HeaderValue, StatusCode};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE, OPTIONS");
/// The last three are those of class rooms (classroom section 2.0).
const HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Accept, restrict-access, share-secret, X-Requested-With, thumbnail, \
     thumbnail-width, thumbnail-height, Range, If-Range, If-None-Match, x-agora-token, x-agora-uid, token",
);
/// Headers of an answer that a page may read beside those that it always may.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "Retry-After, Content-Disposition, Content-Range, Accept-Ranges, ETag, Location",
);
/// Seconds for which a browser may keep the answer to a preflight; two hours is the most it does.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// The answer to `OPTIONS`, whatever the path: whether it exists is for the call itself to say.
pub(crate) fn preflight() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ALLOW, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    response
}

/// What every answer carries.
pub(crate) fn allow_any_origin(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
}
