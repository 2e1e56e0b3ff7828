//! The page's files, with the headers that keep it to itself.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HOST, IF_NONE_MATCH,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use stoa_pages::File;

use super::page::STARTS;

/// What the page of classes may use, in its own name; no other page may.
const CLASS: &str = "camera=(self), microphone=(self), display-capture=(self), geolocation=()";
const NOTHING: &str = "camera=(), microphone=(), display-capture=(), geolocation=()";

/// The file that the request's path names; the substitute where the pages were left out.
pub(super) async fn file(request: Request) -> Response {
    let found = stoa_pages::file(request.uri().path());
    let mut response = match found {
        Some(file) => answer(file, request.headers()),
        None if STARTS.contains(&request.uri().path()) => {
            ([(CONTENT_TYPE, "text/html; charset=utf-8")], stoa_pages::LEFT_OUT).into_response()
        }
        None => (StatusCode::NOT_FOUND, "There is no such page.\n").into_response(),
    };
    let devices = if request.uri().path().starts_with("/classroom/") { CLASS } else { NOTHING };
    protect(response.headers_mut(), request.headers(), devices);
    response
}

fn answer(file: &'static File, asked: &HeaderMap) -> Response {
    let kept = if file.is_immutable() { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [(CONTENT_TYPE, file.content_type()), (ETAG, file.etag), (CACHE_CONTROL, kept)];
    let has_it = |known: &HeaderValue| {
        known.to_str().is_ok_and(|list| {
            list.split(',').any(|tag| tag.trim().trim_start_matches("W/") == file.etag)
        })
    };
    if asked.get_all(IF_NONE_MATCH).iter().any(has_it) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, file.bytes).into_response()
}

/// What a browser is told to allow: our own files and connections, and nothing else.
fn protect(headers: &mut HeaderMap, asked: &HeaderMap, devices: &'static str) {
    // The guard has seen that it is one of ours. Sessions are named beside 'self', which not every
    // browser takes to include them.
    let host = asked.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self' ws://{host}; frame-ancestors 'none'; base-uri 'none'; \
         form-action 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), devices),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: File = File { path: "/assets/a-1.js", etag: "\"1\"", bytes: b"let a" };
    static PAGE: File = File { path: "/index.html", etag: "\"2\"", bytes: b"<p>" };
    static SCRIPT: File = FILE;

    fn asked(known: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("localhost:8480"));
        headers.insert(IF_NONE_MATCH, known.parse().unwrap());
        headers
    }

    #[test]
    fn files_say_what_they_are_and_how_long_they_are_kept() {
        let script = answer(&SCRIPT, &HeaderMap::new());
        assert_eq!(script.status(), StatusCode::OK);
        assert_eq!(script.headers()[CONTENT_TYPE], "text/javascript; charset=utf-8");
        assert_eq!(script.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
        let page = answer(&PAGE, &HeaderMap::new());
        assert_eq!(page.headers()[CACHE_CONTROL], "no-cache");
        assert_eq!(page.headers()[ETAG], "\"2\"");
    }

    #[test]
    fn what_the_browser_has_is_not_sent_again() {
        for known in ["\"2\"", "W/\"2\"", "\"1\", \"2\""] {
            assert_eq!(answer(&PAGE, &asked(known)).status(), StatusCode::NOT_MODIFIED, "{known}");
        }
        assert_eq!(answer(&PAGE, &asked("\"3\"")).status(), StatusCode::OK);
    }

    #[test]
    fn the_policy_allows_nothing_that_is_not_ours() {
        let mut headers = HeaderMap::new();
        protect(&mut headers, &asked("\"0\""), NOTHING);
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("connect-src 'self' ws://localhost:8480;"), "{policy}");
        for weak in ["unsafe", "*", "http:", "https:", "data:"] {
            assert!(!policy.contains(weak), "{weak} in {policy}");
        }
    }
}
