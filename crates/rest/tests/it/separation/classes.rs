//! The matrix of class rooms: every endpoint, by every kind of token.

mod rows;

use std::collections::BTreeSet;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use stoa_core::{App, Clock};
use stoa_token::Builder007;

use self::rows::{Row, rows};
use super::{Bench, print, report};
use crate::lab::{Answer, Call, Lab};

/// Who has a seat in the room, and in which role: the columns behind the app's back end.
const SEATS: [(&str, i16); 5] = [("ann", 1), ("ada", 3), ("bob", 2), ("cid", 2), ("eve", 4)];

fn builder<'a>(lab: &Lab, app: &'a App, expire: u32) -> Builder007<'a> {
    let issued = u32::try_from(lab.clock.now().as_secs()).unwrap();
    Builder007::new(app.id.as_str(), app.certificates[0].expose(), issued, expire, 3)
}

fn seat(lab: &Lab, app: &App, room: &str, (user, role): (&str, i16)) -> String {
    builder(lab, app, 3600).room_user(room, user, role).build().unwrap()
}

fn back_end(lab: &Lab, app: &App) -> String {
    builder(lab, app, 3600).education_app().build().unwrap()
}

async fn call(lab: &Lab, token: Option<&str>, method: Method, path: &str, body: &str) -> Answer {
    let call = Call::new(method, &format!("/{path}"));
    let header = token.map(|token| format!("agora token={token}"));
    let call = header.iter().fold(call, |call, value| call.header("authorization", value));
    lab.call(if body.is_empty() { call } else { call.text(body) }).await
}

/// A place of that name in an app: everybody is in two rooms.
async fn place(lab: &Lab, app: &App) {
    for room in ["class", "other"] {
        let path = format!("/eu/edu/apps/{}/v2/rooms/{room}", app.id);
        let body = r#"{"roomName":"A class","roomType":4}"#;
        let token = back_end(lab, app);
        assert_eq!(call(lab, Some(&token), Method::POST, &path, body).await.status, 200);
        for (user, role) in SEATS {
            let path = format!("/eu/edu/apps/{}/v3/rooms/{room}/users/{user}/entry", app.id);
            let body = json!({"role": role, "userName": user}).to_string();
            let token = seat(lab, app, room, (user, role));
            let answer = call(lab, Some(&token), Method::PUT, &path, &body).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    }
}

/// What came of what was done before, for placeholders: `{stream}`, `{made}`.
struct Facts {
    streams: Vec<(String, String)>,
    made: String,
    /// Another token for bob's seat.
    token: String,
}

impl Facts {
    fn fill(&self, text: &str) -> String {
        let filled = text.replace("<made>", &self.made).replace("<token of bob>", &self.token);
        let fill = |text: String, (user, stream): &(String, String)| {
            text.replace(&format!("<stream of {user}>"), stream)
        };
        self.streams.iter().fold(filled, fill)
    }
}

/// The first text in an answer whose field is called an id.
fn made(data: &Value) -> Option<String> {
    match data {
        Value::Object(fields) => fields.iter().find_map(|(name, value)| match value {
            Value::String(text) if name.ends_with("Id") || name.ends_with("groupUuid") => {
                Some(text.clone())
            }
            other => made(other),
        }),
        Value::Array(list) => list.iter().find_map(made),
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

async fn set_up(row: &Row) -> (Bench, Facts) {
    let bench = Bench::new();
    let lab = &bench.lab;
    // The same rooms and people are there in the other app, too.
    place(lab, &lab.other).await;
    place(lab, &lab.app).await;
    let app = &lab.app;
    let token = back_end(lab, app);
    let another = builder(lab, app, 1800).room_user("class", "bob", 2).build().unwrap();
    let mut facts = Facts { streams: Vec::new(), made: String::new(), token: another };
    for (user, _) in SEATS {
        let path = format!("/eu/edu/apps/{}/v2/rooms/class/users/{user}", app.id);
        let answer = call(lab, Some(&token), Method::GET, &path, "").await;
        let stream = answer.body["data"]["streamUuid"].as_str().unwrap().to_owned();
        facts.streams.push((user.to_owned(), stream));
    }
    for (who, method, path, body) in row.before {
        let token = match SEATS.iter().find(|(user, _)| user == who) {
            Some(seated) => seat(lab, app, "class", *seated),
            None => token.clone(),
        };
        let path = facts.fill(&format!("/eu/edu/apps/{}{path}", app.id));
        let method = method.parse().unwrap();
        let answer = call(lab, Some(&token), method, &path, &facts.fill(body)).await;
        assert_eq!(answer.status, 200, "before {}: {path} {}", row.path, answer.body);
        facts.made = made(&answer.body["data"]).unwrap_or(facts.made);
    }
    // The rooms of groups are told after the answer.
    lab.classroom.settled().await;
    (bench, facts)
}

/// Tokens that admit nobody to the room, whoever shows them.
fn strangers(lab: &Lab) -> Vec<(&'static str, Option<String>)> {
    let (app, other) = (&lab.app, &lab.other);
    let issued = u32::try_from(lab.clock.now().as_secs()).unwrap();
    let wrong = |app: &App, of: &App| {
        Builder007::new(app.id.as_str(), of.certificates[0].expose(), issued, 3600, 3)
            .room_user("class", "ann", 1)
            .build()
            .unwrap()
    };
    let old = |seconds: u32| {
        Builder007::new(app.id.as_str(), app.certificates[0].expose(), issued - 7200, seconds, 3)
    };
    let good = |token: Builder007<'_>| Some(token.build().unwrap());
    vec![
        ("no token", None),
        ("garbage", Some("007garbage".into())),
        ("forged", Some(wrong(app, other))),
        ("of another app: teacher", Some(seat(lab, other, "class", ("ann", 1)))),
        ("of another app: back end", Some(back_end(lab, other))),
        ("of another room: teacher", Some(seat(lab, app, "other", ("ann", 1)))),
        ("role that there is not", Some(seat(lab, app, "class", ("ann", 9)))),
        ("expired: teacher", good(old(3600).room_user("class", "ann", 1))),
        ("expired: back end", good(old(3600).education_app())),
        ("chat: user", good(builder(lab, app, 3600).chat_user("ann"))),
        ("chat: app", good(builder(lab, app, 3600).chat_app())),
        ("user in no room", good(builder(lab, app, 3600).education_user("ann"))),
        ("signaling", good(builder(lab, app, 3600).rtm("ann"))),
        ("media", good(builder(lab, app, 3600).rtc_user("class", "ann"))),
    ]
}

/// Media alone.
trait Media {
    fn rtc_user(self, room: &str, user: &str) -> Self;
}

impl Media for Builder007<'_> {
    fn rtc_user(self, room: &str, user: &str) -> Self {
        self.rtc(room, user, stoa_token::RtcRole::Publisher, 3600)
    }
}

/// The endpoints of rows, with the region before them and without.
pub(super) fn templates() -> BTreeSet<String> {
    let both = |row: &Row| {
        let (below, method) = (row.below(), row.method);
        [format!("{method} /{{region}}{below}"), format!("{method} {below}")]
    };
    rows().iter().flat_map(both).collect()
}

#[tokio::test]
async fn c002_every_endpoint_of_class_rooms_by_every_token() {
    let (mut wrong, mut cells, mut refused) = (Vec::new(), 0, 0);
    for row in rows() {
        let (bench, facts) = set_up(&row).await;
        let before = bench.everything().await;
        let columns = std::iter::once(("the back end", back_end(&bench.lab, &bench.lab.app)));
        let seats =
            SEATS.map(|seated| (seated.0, seat(&bench.lab, &bench.lab.app, "class", seated)));
        for ((name, token), expected) in columns.chain(seats).zip(row.told) {
            cells += 1;
            let cell = format!("{} {} with {name}", row.method, row.path);
            let make = async |bench: &Bench, facts: &Facts| {
                let path = facts.fill(&format!("/eu{}", row.at(&bench.lab.app)));
                let method = row.method.parse().unwrap();
                call(&bench.lab, Some(&token), method, &path, &facts.fill(row.body)).await
            };
            if expected == 200 {
                // What is done changes the place: each in one of its own.
                let (bench, facts) = set_up(&row).await;
                let answer = make(&bench, &facts).await;
                if answer.status != 200 {
                    wrong.push(format!("{cell}: {}", answer.body));
                }
                continue;
            }
            refused += 1;
            let answer = make(&bench, &facts).await;
            if answer.status != expected {
                wrong.push(format!("{cell}: {} instead of {expected}", answer.body));
            }
            if bench.everything().await != before {
                wrong.push(format!("{cell}: something that is stored is other than before"));
            }
        }
        let mut first = None;
        for (name, token) in strangers(&bench.lab) {
            // Where there is no room, a seat in another one is a seat like any.
            if !row.path.contains("{room") && name.starts_with("of another room") {
                continue;
            }
            (cells, refused) = (cells + 1, refused + 1);
            let cell = format!("{} {} with {name}", row.method, row.path);
            let path = facts.fill(&format!("/eu{}", row.at(&bench.lab.app)));
            let (method, body) = (row.method.parse().unwrap(), facts.fill(row.body));
            let answer = call(&bench.lab, token.as_deref(), method, &path, &body).await;
            let same = first.get_or_insert_with(|| answer.bytes.clone()) == &answer.bytes;
            if answer.status != 401 || !same {
                wrong.push(format!("{cell}: {}", answer.body));
            }
            if bench.everything().await != before {
                wrong.push(format!("{cell}: something that is stored is other than before"));
            }
        }
    }
    report(&wrong);
    print(&format!("separation of class rooms: {cells} cells, {refused} refused"));
}

/// An app's own back end reaches nothing of another app whose rooms have the same names.
#[tokio::test]
async fn c001_no_endpoint_of_class_rooms_reaches_another_apps_room_of_the_same_name() {
    let (mut wrong, mut cells) = (Vec::new(), 0);
    for row in rows() {
        let (bench, facts) = set_up(&row).await;
        let theirs = bench.rows_of(bench.lab.other.number).await;
        let seats = SEATS.map(|seated| seat(&bench.lab, &bench.lab.app, "class", seated));
        let tokens = std::iter::once(back_end(&bench.lab, &bench.lab.app)).chain(seats);
        for token in tokens {
            cells += 1;
            let path = facts.fill(&format!("/eu{}", row.at(&bench.lab.app)));
            let (method, body) = (row.method.parse().unwrap(), facts.fill(row.body));
            call(&bench.lab, Some(&token), method, &path, &body).await;
        }
        bench.lab.clock.advance(Duration::from_secs(1));
        bench.lab.classroom.tick().await;
        if bench.rows_of(bench.lab.other.number).await != theirs {
            wrong.push(format!("{} {}: the other app has other rows", row.method, row.path));
        }
    }
    report(&wrong);
    print(&format!("separation of class rooms of two apps: {cells} calls"));
}
