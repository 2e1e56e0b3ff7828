//! A class behind a geofence, in one of two data centres: where it lies, and whom a permission lets in from the other
//! region.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustls::version::TLS13;
use serde_json::{Value, json};
use stoa::config::{self, Environment, Settings};
use stoa::node::Node;
use stoa_core::{Clock, Operator, Region, SystemClock};
use stoa_store::classes;
use stoa_store::spaces::Space;
use stoa_token::Builder007;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderName;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

use crate::command_line::json;
use crate::https::{self, Answer, Stream};
use crate::regions::{App, Centre};
use crate::retention::with_node;
use crate::server::text;

/// Where clients are, as each of the two data centres is told, and that this machine tells it of others.
const PLACES: &str = "geofence-ranges = ['127.0.0.0/8=DE', '9.0.0.0/8=US']\n\
                      trusted-proxies = ['127.0.0.0/8']\n";
const ABROAD: &str = "X-Forwarded-For: 9.1.1.1";
/// What nobody else writes: of the room, of who is in it, and of what is said.
const ROOM: &str = "room-7f3a91";
const BOB: &str = "bob-7f3a91";
const ANN: &str = "ann-7f3a91";
const SAID: &str = "said-7f3a91";
const NAMES: [&str; 4] = [ROOM, BOB, ANN, SAID];

struct Class<'a> {
    centre: &'a Centre,
    app: &'a App,
}

impl Class<'_> {
    fn token(&self, made: impl FnOnce(Builder007<'_>) -> Builder007<'_>) -> String {
        let now = u32::try_from(SystemClock.now().as_secs()).unwrap();
        made(Builder007::new(&self.app.id, &self.app.certificate, now, 3600, 7)).build().unwrap()
    }

    fn seat(&self, user: &str, role: i16) -> String {
        self.token(|token| token.room_user(ROOM, user, role))
    }

    fn connect(&self) -> Stream {
        let Centre { listen, .. } = self.centre;
        https::connect(&self.centre.ca(), *listen, &listen.ip().to_string(), &TLS13).unwrap()
    }

    fn ask(&self, method: &str, path: &str, headers: &[&str], body: &Value) -> Answer {
        let path = format!("/edu/apps/{}{path}", self.app.id);
        https::request(self.connect(), method, &path, headers, Some(body))
    }

    /// Somebody enters, from this machine or with a header of a proxy.
    fn enters(&self, user: &str, role: i16, from: &[&str]) -> Answer {
        let authorization = format!("Authorization: agora token={}", self.seat(user, role));
        let path = format!("/v3/rooms/{ROOM}/users/{user}/entry");
        let body = json!({"role": role, "userName": user});
        self.ask("PUT", &path, &[&[authorization.as_str()], from].concat(), &body)
    }

    /// Opens the stream of whoever has entered.
    fn listens(&self, entry: &Value, user: &str, role: i16, from: &str) -> WebSocket<Stream> {
        let mut request = "wss://localhost/ws/class".into_client_request().unwrap();
        let (name, value) = from.split_once(": ").unwrap();
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
        let stream = self.connect();
        stream.sock.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let (mut socket, _) = tungstenite::client(request, stream).unwrap();
        let hello = json!({
            "type": "hello", "appId": self.app.id, "roomUuid": ROOM, "userUuid": user,
            "token": self.seat(user, role), "userToken": entry["localUser"]["userToken"],
            "sequence": entry["room"]["sequence"], "peerSequence": entry["localUser"]["sequence"],
        });
        socket.send(Message::text(hello.to_string())).unwrap();
        socket
    }
}

/// What a stream says until one of its messages fits, which is the answer.
fn hears(socket: &mut WebSocket<Stream>, fits: impl Fn(&Value) -> bool) -> Value {
    loop {
        if let Message::Text(text) = socket.read().unwrap() {
            let told: Value = serde_json::from_str(&text).unwrap();
            if fits(&told) {
                return told;
            }
        }
    }
}

/// How many rows of apps lie in the data of a data centre that has ended: of class rooms, and of all.
fn rows(centre: &Centre, region: Region) -> (usize, usize) {
    let [data, keys] = ["data", "data.keys"].map(|name| centre.place.path(name));
    let file = centre.place.path("stoa.toml");
    fs::write(&file, format!("region = '{region}'\ndata = {data:?}\nkeys = {keys:?}\n")).unwrap();
    let config = config::load(Settings::default(), Some(&file), &Environment::of([])).unwrap();
    let (mut of_classes, mut of_apps) = (0, 0);
    with_node(&config, async |node: &Node| {
        let mut dump = node.store.dump(&Operator::of_this_process()).await.unwrap();
        while let Some(rows) = dump.next(1000).await.unwrap() {
            for (key, _) in rows.iter().filter(|(key, _)| key[1..5] != [0; 4]) {
                let class = Space::of_key(key).unwrap().class.number;
                of_apps += 1;
                of_classes += usize::from(class == classes::CLASS_ROOM.number);
            }
        }
    });
    (of_classes, of_apps)
}

/// Whether one of the names stands in a file below `directory`, or in the name of one.
fn holds_a_name(directory: &Path) -> bool {
    let holds = |bytes: &[u8]| {
        NAMES.iter().any(|name| bytes.windows(name.len()).any(|part| part == name.as_bytes()))
    };
    fs::read_dir(directory).unwrap().any(|entry| {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        holds(entry.file_name().as_encoded_bytes())
            || kind.is_dir() && holds_a_name(&entry.path())
            || kind.is_file() && holds(&fs::read(entry.path()).unwrap())
    })
}

#[test]
fn c188_c190_c191_c192_a_class_lies_in_its_region_alone_also_when_a_permission_lets_others_in() {
    let (mut eu, mut na) = (Centre::new(Region::Eu), Centre::new(Region::Na));
    let table = format!("{PLACES}{}{}", eu.table(eu.directory), na.table(na.directory));
    for centre in [&mut eu, &mut na] {
        centre.configure(&table);
        centre.start();
    }
    let app = eu.create("acme#school");
    na.waits_for(&app, 200);
    let operate = |command: &[&str]| {
        eu.place.run(&[command, &["--key", &app.key]].concat()).answer();
    };
    operate(&["app", "set", "geofence", "on"]);
    let class = Class { centre: &eu, app: &app };
    let back_end = class.token(|token| token.education_app());
    let back_end = format!("Authorization: agora token={back_end}");
    let new = json!({"roomName": SAID, "roomType": 4});
    let at = format!("/v2/rooms/{ROOM}");
    assert_eq!(class.ask("POST", &at, &[&back_end], &new).status, 200);
    assert_eq!(class.enters(ANN, 1, &[]).status, 200);

    let crossing = |act: &str, kind: &str| {
        let until: &[&str] = if act == "add" { &["--until", "2999-12-31"] } else { &[] };
        let which = ["app", "permit", act, "--kind", kind, "--from", "na", "--to", "eu"];
        operate(&[&which[..], until].concat());
    };
    let outside = || {
        let answer = class.enters(BOB, 2, &[ABROAD]);
        assert_eq!((answer.status, &answer.body["code"]), (403, &json!(30_403_900)));
    };
    outside();
    crossing("add", "media");
    outside();
    crossing("add", "messages");
    let entry = class.enters(BOB, 2, &[ABROAD]);
    assert_eq!(entry.status, 200, "{}", entry.body);
    let mut stream = class.listens(&entry.body["data"], BOB, 2, ABROAD);
    hears(&mut stream, |told| told["type"] == "live");
    let said = json!({"message": SAID, "type": 1});
    let path = format!("{at}/from/{ANN}/chat");
    let of_ann = format!("Authorization: agora token={}", class.seat(ANN, 1));
    assert_eq!(class.ask("POST", &path, &[&of_ann], &said).status, 200);
    hears(&mut stream, |told| told.to_string().contains(SAID));
    // The data centre of that region knows the app, and serves nothing of it.
    let there = Class { centre: &na, app: &app };
    assert_ne!(there.enters(BOB, 2, &[ABROAD]).status, 200);
    assert_ne!(there.ask("GET", &at, &[&back_end], &json!({})).status, 200);

    let report = json(eu.place.run(&["residency", "report", "--json"]).answer().trim());
    let report = &report["report"];
    assert_eq!((text(report, "region"), &report["foreign"]), ("eu", &json!(0)));
    let everywhere = report["classes"].as_array().unwrap().iter();
    let everywhere = everywhere.chain(report["places"].as_array().unwrap());
    assert!(everywhere.into_iter().all(|place| place["region"] == "eu"));
    let of_app = &report["apps"][0];
    assert_eq!((&of_app["geofence"], &of_app["hosts"]), (&json!(true), &json!([])));
    assert_eq!(of_app["permits"].as_array().unwrap().len(), 2);

    // It is taken back, and what it let in ends.
    let began = Instant::now();
    crossing("remove", "messages");
    let end = hears(&mut stream, |told| told["type"] == "end");
    assert_eq!(text(&end, "reason"), "outside");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    outside();
    let listed = eu.place.run(&["audit", "list", "--app", &app.key, "--json"]);
    let acts: Vec<Value> = listed.answer().lines().map(json).collect();
    let times = |act: &str| acts.iter().filter(|entry| entry["act"] == act).count();
    let crossed = ["permit.added", "permit.used", "permit.removed"].map(times);
    assert_eq!(crossed, [2, 1, 1], "{acts:?}");

    let log = eu.server.take().unwrap().end();
    assert!(!NAMES.iter().any(|name| log.contains(name)));
    let log = na.server.take().unwrap().end();
    assert!(!NAMES.iter().any(|name| log.contains(name)) && !log.contains(&app.id));
    assert!(!holds_a_name(&na.place.path(".")));
    let (of_classes, _) = rows(&eu, Region::Eu);
    assert!(of_classes > 10, "{of_classes}");
    assert_eq!(rows(&na, Region::Na), (0, 0), "nothing of any app lies in the other region");
}
