//! The first request of a connection: a WebSocket session, or HTTP.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Paths on which sessions begin: the one we name, and the one that the SDK takes from the DNS
/// document; for those of class rooms with a further part.
const PATHS: [(&str, SessionKind); 4] = [
    ("/ws", SessionKind::Chat),
    ("/websocket", SessionKind::Chat),
    ("/ws/class", SessionKind::Class),
    ("/websocket/class", SessionKind::Class),
];
/// Header lines of a request, at the most.
pub(crate) const HEADERS: usize = 64;
/// RFC 6455, section 1.3.
const MAGIC: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What is spoken in a session, by the path on which it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionKind {
    /// MSYNC, in binary messages.
    Chat,
    /// The stream of a class room, in texts.
    Class,
}

/// What the bytes at the start of a connection are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum First {
    /// The start of something that may become a session.
    Incomplete,
    /// The wish for a session.
    Session {
        /// Of which kind.
        kind: SessionKind,
        /// Bytes of the request.
        len: usize,
        /// The answer to it.
        answer: String,
    },
    /// Anything else; HTTP may know an answer.
    Http,
}

/// Judges the bytes at the start of a connection. Sessions are taken under `hosts` only, and from
/// pages of these hosts only; without `hosts` under any.
pub(crate) fn judge(bytes: &[u8], hosts: Option<&[String]>) -> First {
    // Sessions begin with this; whatever does not is not read to the end of its head here.
    let prefix = b"GET /ws".iter().zip(bytes).take_while(|(a, b)| a == b).count();
    if prefix < bytes.len().min(6) {
        return First::Http;
    }
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let len = match request.parse(bytes) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) => return First::Incomplete,
        Err(_) => return First::Http,
    };
    let path = request.path.unwrap_or_default();
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let kind = PATHS.iter().find(|(known, _)| *known == path).map(|(_, kind)| *kind);
    let Some(kind) = kind else { return First::Http };
    if request.method != Some("GET") || request.version != Some(1) {
        return First::Http;
    }
    let values = |name: &'static str| {
        request
            .headers
            .iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name))
            .filter_map(|header| std::str::from_utf8(header.value).ok())
            .map(str::trim)
    };
    let lists = |name, wanted: &str| {
        values(name)
            .flat_map(|list| list.split(','))
            .any(|item| item.trim().eq_ignore_ascii_case(wanted))
    };
    let mut keys = values("sec-websocket-key");
    let (Some(key), None) = (keys.next(), keys.next()) else { return First::Http };
    let is_key = STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16);
    let is_version = values("sec-websocket-version").eq(["13"]);
    if !is_key || !is_version || !lists("upgrade", "websocket") || !lists("connection", "upgrade") {
        return First::Http;
    }
    if let Some(hosts) = hosts {
        let known = |host: &str| hosts.iter().any(|known| known.eq_ignore_ascii_case(host));
        let mut named = values("host");
        let under = matches!((named.next(), named.next()), (Some(host), None) if known(host));
        // Who is no browser names no origin.
        let from = values("origin").all(|page| page.strip_prefix("http://").is_some_and(known));
        if !under || !from {
            return First::Http;
        }
    }
    First::Session { kind, len, answer: answer(key) }
}

/// The answer that opens a session.
fn answer(key: &str) -> String {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[key.as_bytes(), MAGIC].concat());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\n\
         Connection: Upgrade\r\n\
         Upgrade: websocket\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        STANDARD.encode(hash)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455, section 1.2.
    const EXAMPLE: &str = "GET /ws HTTP/1.1\r\n\
        Host: server.example.com\r\n\
        Upgrade: websocket\r\n\
        Connection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Origin: http://example.com\r\n\
        Sec-WebSocket-Version: 13\r\n\r\n";

    #[test]
    fn the_example_of_the_rfc() {
        let First::Session { kind, len, answer } = judge(EXAMPLE.as_bytes(), None) else {
            panic!("no session")
        };
        assert_eq!(kind, SessionKind::Chat);
        assert_eq!(len, EXAMPLE.len());
        assert!(answer.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
        assert!(answer.starts_with("HTTP/1.1 101 ") && answer.ends_with("\r\n\r\n"));
    }

    #[test]
    fn every_start_of_it_is_incomplete() {
        for end in 0..EXAMPLE.len() {
            assert_eq!(judge(&EXAMPLE.as_bytes()[..end], None), First::Incomplete, "{end}");
        }
    }

    #[test]
    fn spellings_that_browsers_and_proxies_use() {
        for (from, to) in [
            ("/ws", "/websocket"),
            ("/ws", "/ws?x=/no"),
            ("Connection: Upgrade", "connection: keep-alive, upgrade"),
            ("Upgrade: websocket", "UPGRADE: WebSocket"),
        ] {
            let request = EXAMPLE.replace(from, to);
            assert!(matches!(judge(request.as_bytes(), None), First::Session { .. }), "{to}");
        }
        let more = [EXAMPLE.as_bytes(), b"early"].concat();
        assert!(matches!(judge(&more, None), First::Session { len, .. } if len == EXAMPLE.len()));
    }

    #[test]
    fn the_path_says_what_is_spoken() {
        for (path, expected) in [
            ("/websocket", SessionKind::Chat),
            ("/ws/class", SessionKind::Class),
            ("/websocket/class?x=/ws", SessionKind::Class),
        ] {
            let request = EXAMPLE.replacen("/ws", path, 1);
            let First::Session { kind, .. } = judge(request.as_bytes(), None) else {
                panic!("no session: {path}")
            };
            assert_eq!(kind, expected, "{path}");
        }
    }

    #[test]
    fn everything_else_is_http() {
        for (from, to) in [
            ("GET /ws", "POST /ws"),
            ("GET /ws", "GET /wsx"),
            ("GET /ws", "GET /ws/classes"),
            ("GET /ws", "GET /ws/class/"),
            ("GET /ws", "GET /"),
            ("GET /ws", "GET  /ws"),
            ("HTTP/1.1", "HTTP/1.0"),
            ("Upgrade: websocket", "Upgrade: h2c"),
            ("Connection: Upgrade", "Connection: close"),
            ("Version: 13", "Version: 8"),
            ("dGhlIHNhbXBsZSBub25jZQ==", "short"),
            ("Origin: http://example.com", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
            ("Origin: http://example.com", "bad header"),
        ] {
            let request = EXAMPLE.replacen(from, to, 1);
            assert_eq!(judge(request.as_bytes(), None), First::Http, "{to}");
        }
        let many =
            EXAMPLE.replace("Origin: x", "").replace("\r\n\r\n", &"\r\na: b".repeat(HEADERS));
        assert_eq!(judge(format!("{many}\r\n\r\n").as_bytes(), None), First::Http);
        assert_eq!(judge(b"POST", None), First::Http);
        assert_eq!(judge(&[0x16, 0x03, 0x01], None), First::Http);
    }

    #[test]
    fn where_hosts_are_named_others_get_no_session() {
        let hosts = ["localhost:8480".to_owned(), "[::1]:8480".to_owned()];
        let request = |host: &str, origin: &str| {
            EXAMPLE
                .replace("server.example.com", host)
                .replace("Origin: http://example.com\r\n", origin)
        };
        let is_session = |host: &str, origin: &str| {
            let request = request(host, origin);
            matches!(judge(request.as_bytes(), Some(&hosts)), First::Session { .. })
        };
        assert!(is_session("localhost:8480", "Origin: http://localhost:8480\r\n"));
        assert!(is_session("LOCALHOST:8480", "Origin: http://[::1]:8480\r\n"));
        assert!(is_session("[::1]:8480", ""), "no browser");
        for (host, origin) in [
            ("rebound.example:8480", "Origin: http://rebound.example:8480\r\n"),
            ("localhost:8480", "Origin: http://rebound.example:8480\r\n"),
            ("localhost:8480", "Origin: https://localhost:8480\r\n"),
            ("localhost:8480", "Origin: null\r\n"),
            ("localhost:8480", "Origin: http://localhost:8480\r\nOrigin: null\r\n"),
            ("localhost:8480", "Host: rebound.example\r\n"),
            ("localhost", ""),
        ] {
            assert!(!is_session(host, origin), "{host} {origin}");
            let request = request(host, origin);
            assert_eq!(judge(request.as_bytes(), Some(&hosts)), First::Http);
        }
    }
}
