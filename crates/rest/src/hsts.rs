//! Tells browsers to come by TLS alone (HTTP Strict Transport Security, RFC 6797).
//!
//! A browser keeps this for a host name, for all of its ports. So it is told what concerns this server
//! and nothing more: nothing about names below its own, which may belong to other servers, and nothing
//! at all under `localhost`, a name that every program of the machine shares: one visit to a test server
//! would make the browser refuse all that serve there without TLS. Under an IP address the header means
//! nothing (section 8.1.1), and it means nothing where the browser does not trust the certificate.

use std::net::IpAddr;

use axum::extract::Request;
use http::HeaderMap;
use http::HeaderValue;
use http::header::{HOST, STRICT_TRANSPORT_SECURITY};
use http::uri::Authority;

/// For two years from each answer on, what Mozilla asks for.
const POLICY: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// Whether the host that a request names is one to say it for.
pub(crate) fn is_for(request: &Request) -> bool {
    let named = || request.headers().get(HOST)?.to_str().ok()?.parse::<Authority>().ok();
    let authority = request.uri().authority().cloned().or_else(named);
    authority.is_some_and(|authority| is_own_name(authority.host()))
}

/// Whether `host`, as it stands in a URL, is a name that belongs to one server: neither an address nor
/// `localhost` nor below it (RFC 6761, section 6.3).
fn is_own_name(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or_default();
    !host.is_empty()
        && !host.starts_with('[')
        && host.parse::<IpAddr>().is_err()
        && !last.eq_ignore_ascii_case("localhost")
}

/// Says it.
pub(crate) fn tell(headers: &mut HeaderMap) {
    headers.insert(STRICT_TRANSPORT_SECURITY, POLICY);
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn asked(uri: &str, host: Option<&str>) -> bool {
        let mut request = Request::builder().uri(uri);
        if let Some(host) = host {
            request = request.header(HOST, host);
        }
        is_for(&request.body(Body::empty()).unwrap())
    }

    #[test]
    fn names_that_belong_to_one_server_and_no_others() {
        for host in ["chat.example.org", "chat.example.org:8443", "CHAT", "localhost.example.org."]
        {
            assert!(asked("/", Some(host)), "{host}");
        }
        for host in [
            "localhost",
            "LocalHost:8443",
            "localhost.",
            "app.localhost:1",
            "127.0.0.1:8443",
            "10.0.0.1",
            "[::1]:8443",
            "[2001:db8::1]",
            "",
            ":8443",
            ".",
            "no host",
        ] {
            assert!(!asked("/", Some(host)), "{host}");
        }
        assert!(!asked("/", None));
    }

    #[test]
    fn a_host_in_the_address_counts_before_the_header() {
        assert!(asked("https://chat.example.org/", Some("localhost")));
        assert!(!asked("https://localhost/", Some("chat.example.org")));
    }
}
