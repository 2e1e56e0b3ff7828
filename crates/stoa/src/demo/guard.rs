//! Under which names the page's listener answers, and to whom.
//!
//! A page elsewhere on the web can have its own name resolve to 127.0.0.1 and then speak to
//! whatever listens here as if it were its own server (DNS rebinding). It cannot change what the
//! browser writes into `Host` and `Origin`, so these must name this listener. For sessions the
//! gateway checks the same (`NetLimits::session_hosts`), and hands what it refuses over to us, who
//! say why.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, HOST, ORIGIN};
use http::{HeaderMap, Method, StatusCode, Uri};

/// The port that a host without one means.
const HTTP: u16 = 80;

/// The hosts of the listener at `address`, as they stand in `Host`.
pub(super) fn hosts(address: SocketAddr) -> Arc<[String]> {
    let port = address.port();
    let own = match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    };
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".into(), "[::1]".into()];
    if !names.contains(&own) {
        names.push(own);
    }
    let mut hosts: Vec<_> = names.iter().map(|name| format!("{name}:{port}")).collect();
    if port == HTTP {
        hosts.append(&mut names);
    }
    hosts.into()
}

/// Refuses what was sent under another name or comes from another page.
pub(super) async fn guard(
    State(hosts): State<Arc<[String]>>,
    request: Request,
    next: Next,
) -> Response {
    match judge(&hosts, request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err((status, text)) => (status, [(CACHE_CONTROL, "no-store")], text).into_response(),
    }
}

type Refusal = (StatusCode, String);

fn judge(hosts: &[String], method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    let known = |host: &str| hosts.iter().any(|known| known.eq_ignore_ascii_case(host));
    let mut named = headers.get_all(HOST).iter().map(|host| host.to_str().unwrap_or_default());
    let under = matches!((named.next(), named.next()), (Some(host), None) if known(host))
        && uri.authority().is_none_or(|authority| known(authority.as_str()));
    if !under {
        let text = format!(
            "This server answers under its own names only: {}.\n",
            hosts.iter().map(|host| format!("http://{host}")).collect::<Vec<_>>().join(", ")
        );
        return Err((StatusCode::MISDIRECTED_REQUEST, text));
    }
    let page = |origin: &str| origin.strip_prefix("http://").is_some_and(known);
    let mut origins = headers.get_all(ORIGIN).iter();
    if !origins.all(|origin| origin.to_str().is_ok_and(page)) {
        let text = "Pages of other origins may not use the demo.\n".into();
        return Err((StatusCode::FORBIDDEN, text));
    }
    // What changes something for whoever holds the cookie is asked for by a page, which says so.
    let is_api = uri.path().starts_with("/demo/") && uri.path().split('/').count() == 3;
    if is_api && *method == Method::POST && !headers.contains_key(ORIGIN) {
        let text = "This is for the demo's own page, in a browser.\n".into();
        return Err((StatusCode::FORBIDDEN, text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(method: &str, uri: &str, headers: &[(&str, &str)]) -> Result<(), u16> {
        let hosts = hosts("127.0.0.1:8480".parse().unwrap());
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                value.parse().unwrap(),
            );
        }
        judge(&hosts, &method.parse().unwrap(), &uri.parse().unwrap(), &map)
            .map_err(|(status, _)| status.as_u16())
    }

    #[test]
    fn own_names_are_answered_others_are_not() {
        for host in ["localhost:8480", "LocalHost:8480", "127.0.0.1:8480", "[::1]:8480"] {
            assert_eq!(ask("GET", "/", &[("host", host)]), Ok(()), "{host}");
        }
        for host in ["", "localhost", "localhost:80", "evil.example:8480", "127.0.0.1.evil:8480"] {
            assert_eq!(ask("GET", "/", &[("host", host)]), Err(421), "{host}");
        }
        assert_eq!(ask("GET", "/", &[]), Err(421));
        let two = [("host", "localhost:8480"), ("host", "evil.example")];
        assert_eq!(ask("GET", "/", &two), Err(421));
        let absolute = ask("GET", "http://evil.example/", &[("host", "localhost:8480")]);
        assert_eq!(absolute, Err(421));
        assert!(hosts("127.0.0.1:80".parse().unwrap()).contains(&"localhost".to_owned()));
        assert!(hosts("127.0.0.9:81".parse().unwrap()).contains(&"127.0.0.9:81".to_owned()));
    }

    #[test]
    fn pages_of_other_origins_are_refused_everywhere() {
        let from = |uri: &str, origin: &str| {
            ask("POST", uri, &[("host", "localhost:8480"), ("origin", origin)])
        };
        for uri in ["/demo/session", "/demo/tokens", "/demo/stoa/token"] {
            assert_eq!(from(uri, "http://localhost:8480"), Ok(()), "{uri}");
            for origin in
                ["http://localhost:9999", "https://localhost:8480", "null", "http://evil.example"]
            {
                assert_eq!(from(uri, origin), Err(403), "{uri} {origin}");
            }
        }
    }

    #[test]
    fn the_pages_own_calls_name_their_origin() {
        let host = [("host", "localhost:8480")];
        assert_eq!(ask("POST", "/demo/tokens", &host), Err(403));
        assert_eq!(ask("POST", "/demo/stoa/token", &host), Ok(()), "REST for any client");
    }
}
