//! The orderly end: nobody new, every answer that is owed, and no longer than it may take.
//!
//! What sessions lose or do not lose by an end under load is tested in `crash`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::https::{Stream, address, connect};
use crate::metrics::{Figures, get, listener, until};
use crate::msync::Client;
use crate::server::{Place, Server, grant, text, user};

/// A minute to end in, so that no test depends on how fast a machine is.
fn start(place: &Place) -> Server {
    place.serve_demo(&["--metrics-listen", "127.0.0.1:0", "--log-format", "json", "--drain", "120"])
}

/// A call whose body comes later.
struct HalfACall {
    stream: Stream,
    rest: String,
}

impl HalfACall {
    fn begin(demo: &Value) -> Self {
        let (name, password) = user(demo, 0);
        let body = json!({ "grant_type": "password", "username": name, "password": password });
        let body = body.to_string();
        let ca = Path::new(text(demo, "ca"));
        let stream = connect(ca, address(demo), "localhost", &rustls::version::TLS13);
        let mut call = Self { stream: stream.unwrap(), rest: body };
        let head = format!(
            "POST /demo/stoa/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            call.rest.len()
        );
        call.stream.write_all(head.as_bytes()).unwrap();
        call.stream.flush().unwrap();
        call
    }

    /// Sends the rest and reads the answer's status, up to the end of the connection.
    fn finish(mut self) -> u16 {
        self.stream.write_all(self.rest.as_bytes()).unwrap();
        self.stream.flush().unwrap();
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("access_token"), "{answer}");
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

#[test]
fn calls_that_were_begun_are_answered_and_nobody_new_comes_in() {
    let place = Place::new();
    let server = start(&place);
    let demo = place.demo();
    let calls: Vec<_> = (0..8).map(|_| HalfACall::begin(&demo)).collect();
    until("all calls are under way", || {
        Figures::of(&server).get("stoa_rest_requests_in_progress") > 7.5
    });
    assert_eq!(get(listener(&server), "/healthz").0, 200);

    server.signal(Signal::TERM);
    until("the server says that it drains", || get(listener(&server), "/healthz").0 == 503);
    assert_eq!(get(listener(&server), "/healthz").1, "{\"status\":\"draining\"}");
    assert!(Figures::of(&server).get("stoa_draining") > 0.5);
    until("nobody new comes in", || TcpStream::connect(address(&demo)).is_err());
    for call in calls {
        assert_eq!(call.finish(), 200);
    }
    let log = server.ended();
    assert!(!log.contains("were still open"), "{log}");
}

#[test]
fn calls_are_answered_or_not_taken_when_the_end_comes_in_their_midst() {
    let place = Place::new();
    let server = start(&place);
    let demo = place.demo();
    let (name, password) = user(&demo, 0);
    let token = text(&grant(&demo, name, password).body, "access_token").to_owned();
    let path = format!("/demo/stoa/users/{name}");
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    let (tell, told) = std::sync::mpsc::channel();
    let work = || {
        let (demo, request, tell) = (demo.clone(), request.clone(), tell.clone());
        std::thread::spawn(move || {
            let ca = Path::new(text(&demo, "ca")).to_owned();
            loop {
                // Who is not let in any more was not taken; who was let in is answered.
                let stream = connect(&ca, address(&demo), "localhost", &rustls::version::TLS13);
                let Ok(mut stream) = stream else { return };
                stream.write_all(request.as_bytes()).unwrap();
                stream.flush().unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).unwrap();
                assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
                let _ = tell.send(());
            }
        })
    };
    let callers: Vec<_> = (0..4).map(|_| work()).collect();
    assert_eq!(told.iter().take(40).count(), 40);
    server.signal(Signal::TERM);
    for caller in callers {
        caller.join().unwrap();
    }
    server.ended();
}

#[test]
fn a_second_signal_does_not_wait() {
    let place = Place::new();
    let server = start(&place);
    let demo = place.demo();
    let held = HalfACall::begin(&demo);
    until("the call is under way", || {
        Figures::of(&server).get("stoa_rest_requests_in_progress") > 0.5
    });
    server.signal(Signal::TERM);
    until("the server says that it drains", || get(listener(&server), "/healthz").0 == 503);
    server.signal(Signal::TERM);
    let log = server.ended();
    assert!(log.contains("connections are cut"), "{log}");
    drop(held);
}

#[test]
fn sessions_are_told_to_come_again() {
    let place = Place::new();
    let server = place.serve_demo(&["--drain", "1"]);
    let demo = place.demo();
    let ((name, password), to) = (user(&demo, 0), user(&demo, 1).0);
    let token = text(&grant(&demo, name, password).body, "access_token").to_owned();
    let mut session = Client::log_in(&demo, name, "web", &token).unwrap();
    session.send_text(to, 1, "before the end").unwrap();
    session.acknowledged().unwrap();
    server.signal(Signal::TERM);
    assert_eq!(session.closed(), Some(1001), "going away");
    server.ended();
}
