//! A class goes on over kills of the server: everybody is back where it was, and nobody has missed or seen anything
//! twice.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use stoa_token::Builder007;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

use crate::https::{Answer, Stream, address, call, connect};
use crate::server::{Place, text};

/// Longer than anything takes; only so that a test that goes wrong ends.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long everybody may take to be back after a start.
const BACK: Duration = Duration::from_secs(5);
/// How many kills there are, and how many changes of the room before each.
const KILLS: usize = 3;
const CHANGES: usize = 8;

/// Somebody in the class.
struct Member {
    user: String,
    token: String,
    hello: Value,
    socket: Option<WebSocket<Stream>>,
    /// The frames that it knows.
    frames: Vec<Value>,
}

fn token(demo: &Value, make: impl FnOnce(Builder007<'_>) -> Builder007<'_>) -> String {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let issued = u32::try_from(now).unwrap();
    let (app, certificate) = (text(demo, "appId"), text(demo, "certificate"));
    make(Builder007::new(app, certificate, issued, 3600, 1)).build().unwrap()
}

fn ask(demo: &Value, method: &str, path: &str, token: &str, body: &Value) -> Answer {
    let path = path.replace("{app}", text(demo, "appId"));
    let authorization = format!("Authorization: agora token={token}");
    let answer = call(demo, method, &path, &[&authorization], Some(body));
    assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
    answer
}

impl Member {
    fn enter(demo: &Value, user: &str, role: i16) -> Self {
        let token = token(demo, |builder| builder.room_user("algebra", user, role));
        let path = format!("/scene/apps/{{app}}/v2/rooms/algebra/users/{user}/entry");
        let body = json!({"userName": user, "role": role.to_string()});
        let entry = ask(demo, "POST", &path, &token, &body).body["data"].clone();
        let hello = json!({
            "type": "hello", "appId": text(demo, "appId"), "roomUuid": "algebra",
            "userUuid": user, "token": token, "userToken": entry["localUser"]["userToken"],
            "sequence": entry["room"]["sequence"],
            "peerSequence": entry["localUser"]["sequence"],
        });
        let mut member = Self { user: user.into(), token, hello, socket: None, frames: Vec::new() };
        member.connect(demo);
        member
    }

    /// Connects and hears what it missed.
    fn connect(&mut self, demo: &Value) {
        let ca = Path::new(text(demo, "ca"));
        let stream = connect(ca, address(demo), "localhost", &rustls::version::TLS13).unwrap();
        stream.sock.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = "wss://localhost/ws/class".into_client_request().unwrap();
        let (socket, _) = tungstenite::client(request, stream).unwrap();
        self.socket = Some(socket);
        if let Some(last) = self.frames.last() {
            self.hello["sequence"] = last["sequence"].clone();
        }
        let hello = Message::text(self.hello.to_string());
        self.socket.as_mut().unwrap().send(hello).unwrap();
        while self.hear()["type"] != "live" {}
    }

    /// The next message; its frames are known from then on.
    fn hear(&mut self) -> Value {
        let told: Value = loop {
            match self.socket.as_mut().unwrap().read().unwrap() {
                Message::Text(text) => break serde_json::from_str(&text).unwrap(),
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        };
        assert!(told["type"] != "refused" && told["type"] != "end", "{told}");
        self.frames.extend(told["list"].as_array().cloned().unwrap_or_default());
        told
    }

    /// Hears until it knows the frame with that number.
    fn hear_until(&mut self, last: u64) {
        while self.frames.last().is_none_or(|frame| frame["sequence"].as_u64() < Some(last)) {
            self.hear();
        }
    }
}

/// The number of the last frame of the room.
fn last(demo: &Value, teacher: &Member) -> u64 {
    let path = "/scene/apps/{app}/v1/rooms/algebra/sequences?nextId=";
    let mut from = 1;
    loop {
        let page = ask(demo, "GET", &format!("{path}{from}"), &teacher.token, &json!({}));
        let list = page.body["data"]["list"].as_array().unwrap().clone();
        match list.last() {
            Some(last) => from = last["sequence"].as_u64().unwrap() + 1,
            None => return from - 1,
        }
    }
}

#[test]
fn c156_a_class_goes_on_over_kills_of_the_server() {
    let place = Place::new();
    let mut server = place.serve_demo(&[]);
    let demo = place.demo();
    let back_end = token(&demo, |builder| builder.education_app());
    let room = "/edu/apps/{app}/v2/rooms/algebra";
    ask(&demo, "POST", room, &back_end, &json!({"roomName": "Algebra", "roomType": 4}));
    let mut members: Vec<Member> = [("ann", 1), ("bob", 2), ("cid", 2), ("dan", 2)]
        .map(|(user, role)| Member::enter(&demo, user, role))
        .into();
    let mut changes = 0;
    for _ in 0..KILLS {
        // One has lost the connection and misses what comes.
        members[1].socket = None;
        let demo = place.demo();
        for _ in 0..CHANGES {
            changes += 1;
            let body = json!({"properties": {"page": changes}});
            ask(&demo, "PUT", &format!("{room}/properties"), &back_end, &body);
        }
        let before = ask(&demo, "GET", room, &back_end, &json!({})).body;
        let known = last(&demo, &members[0]);
        server.kill();
        server = place.serve_demo(&[]);
        let (started, demo) = (Instant::now(), place.demo());
        for member in &mut members {
            member.connect(&demo);
            member.hear_until(known);
        }
        let took = started.elapsed();
        assert!(took < BACK, "everybody was back after {took:?}");
        let after = ask(&demo, "GET", room, &back_end, &json!({})).body;
        assert_eq!(after["data"], before["data"]);
    }
    changes += 1;
    let body = json!({"properties": {"page": changes}});
    ask(&place.demo(), "PUT", &format!("{room}/properties"), &back_end, &body);
    let known = last(&place.demo(), &members[0]);
    let mut all: Vec<Value> = Vec::new();
    for member in &mut members {
        member.hear_until(known);
        let numbers: Vec<u64> =
            member.frames.iter().map(|frame| frame["sequence"].as_u64().unwrap()).collect();
        let first = numbers[0];
        assert_eq!(numbers, (first..=known).collect::<Vec<_>>(), "{}", member.user);
        if all.is_empty() {
            all.clone_from(&member.frames);
        }
        let same =
            all.iter().rev().zip(member.frames.iter().rev()).all(|(one, other)| one == other);
        assert!(same, "{} heard something else", member.user);
    }
    let pages =
        all.iter().filter_map(|frame| frame["data"]["changeProperties"].get("flexProps.page"));
    let pages: Vec<u64> = pages.map(|page| page.as_u64().unwrap()).collect();
    assert_eq!(pages, (1..=changes as u64).collect::<Vec<_>>(), "each change was told once");
    let left = all.iter().filter(|frame| frame["cmd"] == 20);
    let left: Vec<_> = left.filter(|frame| frame["data"]["offlineUsers"] != json!([])).collect();
    assert!(left.is_empty(), "nobody has left: {left:?}");
    server.end();
}

#[test]
fn whose_tokens_an_operator_revokes_is_out_of_the_class_at_once_and_after_a_restart() {
    let place = Place::new();
    let server = place.serve_demo(&[]);
    let demo = place.demo();
    let back_end = token(&demo, |builder| builder.education_app());
    let room = "/edu/apps/{app}/v2/rooms/algebra";
    ask(&demo, "POST", room, &back_end, &json!({"roomName": "Algebra", "roomType": 4}));
    let ann = Member::enter(&demo, "ann", 1);
    let mut bob = Member::enter(&demo, "Bob", 2);
    let revoke = |who: &[&str]| {
        place.run(&[&["user", "revoke", "--app", "demo#stoa", "--json"], who].concat())
    };
    for who in [&[][..], &["--user", "a", "--class-user", "b"], &["--class-user", "ä"]] {
        revoke(who).refused(2);
    }
    // Nobody in chat has that name, and case tells names in class apart.
    revoke(&["--user", "Bob"]).refused(1);
    revoke(&["--class-user", "bob"]).answer();
    let status = |demo: &Value, member: &Member| {
        let path =
            format!("/edu/apps/{}/v2/rooms/algebra/users/{}", text(demo, "appId"), member.user);
        let authorization = format!("Authorization: agora token={}", member.token);
        call(demo, "GET", &path, &[&authorization], None).status
    };
    assert_eq!((status(&demo, &ann), status(&demo, &bob)), (200, 200));
    revoke(&["--class-user", "Bob"]).answer();
    let socket = bob.socket.as_mut().unwrap();
    let end = loop {
        match socket.read().unwrap() {
            Message::Text(told) if told.contains("\"end\"") => break told,
            Message::Close(frame) => panic!("{frame:?}"),
            _ => {}
        }
    };
    assert!(end.contains("revoked"), "{end}");
    assert_eq!((status(&demo, &ann), status(&demo, &bob)), (200, 401));
    server.kill();
    let server = place.serve_demo(&[]);
    let demo = place.demo();
    assert_eq!((status(&demo, &ann), status(&demo, &bob)), (200, 401));
    let log =
        place.run(&["audit", "list", "--app", "demo#stoa", "--act", "user.revoked", "--json"]);
    assert_eq!(log.answer().lines().count(), 3, "{}", log.stdout);
    server.end();
}
