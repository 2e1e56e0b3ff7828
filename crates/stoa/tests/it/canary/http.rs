//! Calls of REST over one connection that stays open.

use std::io::{Read, Write};
use std::path::Path;

use serde_json::Value;

use crate::https::{Stream, address, connect};
use crate::server::text;

/// What goes with a call.
pub(super) enum Body<'a> {
    Json(&'a Value),
    /// JSON to the doors of class rooms, which have paths of their own and another header.
    Class(&'a Value),
    /// A file: its name, and what it holds.
    File(&'a str, &'a [u8]),
}

/// A connection.
pub(super) struct Http {
    stream: Stream,
    app: String,
}

const BOUNDARY: &str = "----boundary-of-the-canary";

impl Http {
    pub(super) fn open(demo: &Value) -> Self {
        let address = address(demo);
        let ca = Path::new(text(demo, "ca"));
        let version = &rustls::version::TLS13;
        let stream = connect(ca, address, &address.ip().to_string(), version).unwrap();
        stream.sock.set_nodelay(true).unwrap();
        let app = format!("/{}/{}", text(demo, "orgName"), text(demo, "appName"));
        Self { stream, app }
    }

    /// Calls an operation, which has to succeed.
    #[track_caller]
    pub(super) fn call(&mut self, method: &str, path: &str, token: &str, body: &Body<'_>) -> Value {
        let (kind, bytes) = match body {
            Body::Json(value) | Body::Class(value) => {
                ("application/json", value.to_string().into_bytes())
            }
            Body::File(name, bytes) => {
                let head = format!(
                    "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
                     Content-Type: text/plain\r\n\r\n"
                );
                let end = format!("\r\n--{BOUNDARY}--\r\n");
                ("form", [head.as_bytes(), bytes, end.as_bytes()].concat())
            }
        };
        let kind = match kind {
            "form" => format!("Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"),
            kind => format!("Content-Type: {kind}\r\n"),
        };
        let (above, proof) = match body {
            Body::Class(_) => ("", format!("agora token={token}")),
            _ => (&*self.app, format!("Bearer {token}")),
        };
        let head = format!(
            "{method} {above}{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {proof}\r\n{kind}Content-Length: {}\r\n\r\n",
            bytes.len()
        );
        self.stream.write_all(&[head.as_bytes(), &bytes].concat()).unwrap();
        self.stream.flush().unwrap();
        let (status, answer) = self.answer();
        assert_eq!(status, 200, "{method} {path}: {answer}");
        serde_json::from_str(&answer).unwrap_or(Value::Null)
    }

    fn answer(&mut self) -> (u16, String) {
        let mut read = Vec::new();
        let end = loop {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).unwrap();
            read.push(byte[0]);
            if read.ends_with(b"\r\n\r\n") {
                break String::from_utf8(read).unwrap();
            }
        };
        let status = end.split(' ').nth(1).unwrap().parse().unwrap();
        let length = end.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
        });
        let mut body = vec![0; length.unwrap_or(0)];
        self.stream.read_exact(&mut body).unwrap();
        (status, String::from_utf8_lossy(&body).into_owned())
    }
}
