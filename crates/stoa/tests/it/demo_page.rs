//! The demo page's door: who is let in, under which names, and what they are given.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use serde_json::{Value, json};

use crate::https::call;
use crate::msync::Client;
use crate::server::{Place, exists, text, user};

struct Answer {
    status: u16,
    head: String,
    body: String,
}

/// The page of a running demo server, as a browser speaks to it that shows the page.
struct Door {
    port: u16,
    code: String,
}

impl Door {
    fn of(demo: &Value) -> Self {
        let url = text(demo, "demoUrl");
        let (port, code) =
            url.strip_prefix("http://localhost:").unwrap().split_once("/#code=").unwrap();
        Self { port: port.parse().unwrap(), code: code.to_owned() }
    }

    fn ask(&self, method: &str, path: &str, headers: &[&str], body: Option<Value>) -> Answer {
        let own = [format!("Host: localhost:{}", self.port), self.origin()];
        let headers: Vec<_> =
            own.iter().map(String::as_str).chain(headers.iter().copied()).collect();
        self.ask_as(method, path, &headers, body)
    }

    fn ask_as(&self, method: &str, path: &str, headers: &[&str], body: Option<Value>) -> Answer {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_ascii_lowercase(), body: body.into() }
    }

    fn origin(&self) -> String {
        format!("Origin: http://localhost:{}", self.port)
    }

    /// Exchanges the code for the header that names the cookie.
    fn enter(&self) -> String {
        let answer = self.ask("POST", "/demo/session", &[], Some(json!({ "code": self.code })));
        assert_eq!(answer.status, 204, "{}", answer.body);
        let cookie = answer.head.split("set-cookie: ").nth(1).unwrap();
        format!("Cookie: {}", cookie.split(';').next().unwrap())
    }

    fn tokens(&self, cookie: &str) -> Value {
        let answer = self.ask("POST", "/demo/tokens", &[cookie], None);
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }
}

#[test]
fn a_code_is_exchanged_once_for_tokens_that_last_for_minutes() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let demo = place.demo();
    let door = Door::of(&demo);
    for cookie in ["X-Nothing: 1", "Cookie: a=b", "Cookie: stoa-demo-1=2.3"] {
        assert_eq!(door.ask("POST", "/demo/tokens", &[cookie], None).status, 401, "{cookie}");
        assert_eq!(door.ask("GET", "/demo/records/1", &[cookie], None).status, 401, "{cookie}");
    }
    let wrong = door.ask("POST", "/demo/session", &[], Some(json!({ "code": "wrong" })));
    assert_eq!(wrong.status, 403);
    let cookie = door.enter();
    let again = door.ask("POST", "/demo/session", &[], Some(json!({ "code": door.code })));
    assert_eq!(again.status, 403, "used");
    assert!(!again.head.contains("set-cookie"));

    let given = door.tokens(&cookie);
    assert_eq!(given["appKey"], demo["appKey"]);
    for (index, one) in given["users"].as_array().unwrap().iter().enumerate() {
        let (name, password) = user(&demo, index);
        assert_eq!(text(one, "username"), name);
        assert!(one["expiresInS"].as_u64().unwrap() <= 600);
        // It is that user's, and nobody's password or certificate is with it.
        Client::log_in(&demo, name, "web", text(one, "token")).unwrap();
        for secret in [password, text(&demo, "certificate")] {
            assert!(!given.to_string().contains(secret));
        }
    }
    assert_eq!(door.ask("GET", "/demo/records/1", &[&cookie], None).status, 404);
    assert_eq!(door.ask("GET", "/demo/records/x", &[&cookie], None).status, 400);

    // Another browser needs another code, which the file has by now.
    let next = Door::of(&place.demo());
    assert_ne!(next.code, door.code);
    next.enter();
    let log = server.end();
    let value = cookie.split_once('=').unwrap().1;
    for secret in [&door.code, &next.code, value] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn a_class_is_made_and_whoever_comes_gets_a_token_for_it_and_for_nothing_else() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let demo = place.demo();
    let door = Door::of(&demo);
    let start = format!("http://localhost:{}/classroom/demo#code={}", door.port, door.code);
    assert_eq!(text(&demo, "classDemoUrl"), start);
    let page = door.ask("GET", "/classroom/demo", &[], None);
    assert_eq!(page.status, 200);
    assert!(page.head.contains("permissions-policy: camera=(self), microphone=(self)"));
    assert!(page.head.contains("content-security-policy: default-src 'none'; script-src 'self';"));
    assert!(door.ask("GET", "/", &[], None).head.contains("permissions-policy: camera=()"));

    let small = json!({ "roomType": 4 });
    let comer = |user: &str, role: i64| json!({ "roomUuid": "r", "userUuid": user, "role": role });
    for (path, body) in [("/demo/classes", &small), ("/demo/class-tokens", &comer("ann", 1))] {
        let stranger = door.ask("POST", path, &[], Some(body.clone()));
        assert_eq!(stranger.status, 401, "{path}");
        let own = format!("Host: localhost:{}", door.port);
        let no_page = door.ask_as("POST", path, &[&own], Some(body.clone()));
        assert_eq!(no_page.status, 403, "{path}");
    }
    let cookie = door.enter();
    let ask = |path: &str, body: Value| door.ask("POST", path, &[&cookie], Some(body));
    for wrong in [json!({ "roomType": 101 }), json!({ "roomType": 3 })] {
        assert_eq!(ask("/demo/classes", wrong).status, 400);
    }
    for wrong in [comer("ann", 5), comer("ä", 1), comer("", 1)] {
        assert_eq!(ask("/demo/class-tokens", wrong).status, 400);
    }
    let made: Value = serde_json::from_str(&ask("/demo/classes", small.clone()).body).unwrap();
    let room = text(&made, "roomUuid");
    assert_eq!(made["appId"], demo["appId"]);
    let other: Value = serde_json::from_str(&ask("/demo/classes", small).body).unwrap();
    assert_ne!(other["roomUuid"], made["roomUuid"]);

    let token = |user: &str, role: i64| {
        let wanted = json!({ "roomUuid": room, "userUuid": user, "role": role });
        let given: Value = serde_json::from_str(&ask("/demo/class-tokens", wanted).body).unwrap();
        assert!(given["expiresInS"].as_u64().unwrap() <= 600);
        assert!(!given.to_string().contains(text(&demo, "certificate")));
        text(&given, "token").to_owned()
    };
    let (teacher, student) = (token("teacher", 1), token("sam", 2));
    let enter = |room: &str, user: &str, role: i64, token: &str| {
        let app = text(&demo, "appId");
        let path = format!("/edu/apps/{app}/v3/rooms/{room}/users/{user}/entry");
        let authorization = format!("Authorization: agora token={token}");
        let body = json!({ "role": role, "userName": user });
        call(&demo, "PUT", &path, &[&authorization], Some(&body)).status
    };
    assert_eq!(enter(room, "teacher", 1, &teacher), 200);
    assert_eq!(enter(room, "sam", 2, &student), 200);
    assert_eq!(enter(room, "sam", 1, &student), 401, "in no other role");
    assert_eq!(enter(room, "teacher", 1, &student), 401, "as nobody else");
    assert_eq!(enter(text(&other, "roomUuid"), "sam", 2, &student), 401, "in no other room");
    let log = server.end();
    for secret in [&teacher, &student] {
        assert!(!log.contains(secret.as_str()), "{log}");
    }
}

#[test]
fn a_browser_that_was_let_in_stays_in_when_the_server_starts_again() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let door = Door::of(&place.demo());
    let cookie = door.enter();
    server.kill();
    let listen = format!("127.0.0.1:{}", door.port);
    let server = place.serve_demo(&["--demo-listen", &listen]);
    let after = Door::of(&place.demo());
    assert_eq!(after.port, door.port);
    assert_ne!(after.code, door.code, "each start has its own");
    assert_eq!(after.tokens(&cookie)["users"].as_array().unwrap().len(), 2);
    server.end();
}

#[test]
fn a_browser_that_was_let_in_stays_in_while_the_server_certificate_is_exchanged() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let door = Door::of(&place.demo());
    let cookie = door.enter();
    let rotate = |options: &[&str]| {
        let command = ["app", "server-certificate", "rotate", "--key", "demo#stoa"];
        place.run(&[&command[..], options].concat()).answer();
    };
    rotate(&[]);
    for one in door.tokens(&cookie)["users"].as_array().unwrap() {
        Client::log_in(&place.demo(), text(one, "username"), "web", text(one, "token")).unwrap();
    }
    rotate(&["--overlap", "0"]);
    assert_eq!(door.ask("POST", "/demo/tokens", &[&cookie], None).status, 401);
    let again = Door::of(&place.demo()).enter();
    assert_eq!(door.tokens(&again)["users"].as_array().unwrap().len(), 2);
    server.end();
}

#[test]
fn the_listener_answers_under_its_own_names_and_to_its_own_pages() {
    let place = Place::new();
    let _server = place.serve_demo(&[]);
    let demo = place.demo();
    let door = Door::of(&demo);
    let own = format!("Host: localhost:{}", door.port);
    for path in ["/", "/healthz", "/demo/tokens"] {
        let refused = door.ask_as("GET", path, &["Host: rebound.example"], None);
        assert_eq!(refused.status, 421, "{path}");
        assert!(refused.body.contains("http://localhost:"), "{}", refused.body);
        let foreign = door.ask_as("GET", path, &[&own, "Origin: http://rebound.example"], None);
        assert_eq!(foreign.status, 403, "{path}");
    }
    let page = door.ask_as("GET", "/", &[&own], None);
    assert_eq!(page.status, 200);
    assert!(page.head.contains("content-security-policy: default-src 'none'; script-src 'self';"));
    assert!(page.head.contains("content-type: text/html"));
    assert!(page.body.contains("Stoa"), "the page, or that it was left out");
    // REST is there beside it; on the other listener there is no page.
    assert_eq!(door.ask("GET", "/healthz", &[], None).status, 200);
    assert_eq!(call(&demo, "GET", "/", &[], None).status, 404);
    assert_eq!(call(&demo, "POST", "/demo/tokens", &[], None).status, 404);
}

#[test]
fn sessions_are_taken_under_its_own_names_and_from_its_own_pages() {
    let place = Place::new();
    let _server = place.serve_demo(&[]);
    let door = Door::of(&place.demo());
    let open = |host: &str, origin: &str| {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, door.port)).unwrap();
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
             Origin: {origin}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        String::from_utf8(status.to_vec()).unwrap()
    };
    let own = format!("localhost:{}", door.port);
    assert_eq!(open(&own, &format!("http://{own}")), "HTTP/1.1 101");
    assert_eq!(open(&own, "http://rebound.example"), "HTTP/1.1 403");
    assert_eq!(open("rebound.example", "http://rebound.example"), "HTTP/1.1 421");
}

#[test]
fn it_listens_on_loopback_only_and_where_it_was_told() {
    let place = Place::new();
    let ended =
        place.run(&["serve", "--demo", "--listen", "127.0.0.1:0", "--demo-listen", "0.0.0.0:0"]);
    assert!(ended.refused(2).contains("0.0.0.0:0 is not a loopback address"), "{}", ended.stderr);
    assert!(!exists(&place.data()), "nothing was made");

    let held = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let taken = held.local_addr().unwrap().to_string();
    let ended = place.run(&["serve", "--demo", "--listen", "127.0.0.1:0", "--demo-listen", &taken]);
    assert!(ended.refused(4).contains("for the demo page"), "{}", ended.stderr);
    assert!(!exists(&place.data().join("demo.json")));
    drop(held);
}
