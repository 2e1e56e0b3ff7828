//! Who may call of a class, by where its network is (classroom specification, section 6).

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use stoa_audit::{Act, Query};
use stoa_core::{Clock, Crossing, Operator, Permit, PlaceSettings, Region};

use super::school::{School, edu};
use crate::lab::{Answer, Call};

const HERE: &str = "1.0.0.1";
const ABROAD: &str = "2.0.0.1";
const OUTSIDE: (u16, u64) = (403, 30_403_900);
const HOUR: Duration = Duration::from_secs(3600);

/// A school with a geofence, and permissions from North America for an hour.
fn decide(school: &School, kinds: &[Crossing]) {
    let (from, to, until) = (Region::Na, Region::Eu, school.lab.clock.now().plus(HOUR));
    let permits = kinds.iter().map(|kind| Permit { kind: *kind, from, to, until }).collect();
    school.lab.decide(PlaceSettings { geofence: true, service_area: None, permits });
}

async fn call(
    school: &School,
    from: &str,
    token: &str,
    (method, path): (Method, &str),
    body: Value,
) -> Answer {
    let call = Call::new(method, &edu(&school.lab.app, path)).from(from).json(body);
    school.lab.call(call.header("authorization", &format!("agora token={token}"))).await
}

/// Bob enters from there.
async fn enters(school: &School, from: &str, room: &str, of: &str) -> Answer {
    let path = format!("/v3/rooms/{room}/users/bob/entry");
    let body = json!({"role": 2, "userName": "Bob"});
    call(school, from, &school.seat(of, "bob", 2), (Method::PUT, &path), body).await
}

async fn says(school: &School, from: &str, room: &str) -> Answer {
    let (path, body) =
        (format!("/v2/rooms/{room}/from/bob/chat"), json!({"message": "x", "type": 1}));
    call(school, from, &school.seat(room, "bob", 2), (Method::POST, &path), body).await
}

#[tokio::test]
async fn c190_a_permission_for_media_takes_no_message_over_and_one_for_messages_does_where_the_room_lets_it()
 {
    let school = School::new();
    school.class("class").await;
    let body = json!({
        "roomName": "x", "roomType": 4, "roomProperties": {"crossRegion": {"messages": false}},
    });
    school.app(Method::POST, "/v2/rooms/home", body).await.data();
    for room in ["class", "home"] {
        for (user, role) in [("ann", 1), ("bob", 2)] {
            school.enters(room, user, role).await.data();
        }
        let groups = json!({"groups": [
            {"groupUuid": format!("group of {room}"), "users": [{"userUuid": "bob"}]}, {"users": []},
        ]});
        let path = format!("/v2/rooms/{room}/groups/states/1");
        school.app(Method::PUT, &path, groups).await.data();
    }
    school.lab.classroom.settled().await;
    let group = |room: &str| format!("group%20of%20{room}");
    for kinds in [&[][..], &[Crossing::Media], &[Crossing::Media, Crossing::Callbacks]] {
        decide(&school, kinds);
        for room in ["class", "home"] {
            assert_eq!(enters(&school, ABROAD, room, room).await.code(), OUTSIDE, "{kinds:?}");
            assert_eq!(says(&school, ABROAD, room).await.code(), OUTSIDE, "{kinds:?}");
            enters(&school, HERE, room, room).await.data();
            says(&school, HERE, room).await.data();
        }
    }
    decide(&school, &[Crossing::Messages]);
    enters(&school, ABROAD, "class", "class").await.data();
    says(&school, ABROAD, "class").await.data();
    enters(&school, ABROAD, &group("class"), "class").await.data();
    // The room narrows it, and so for its groups.
    assert_eq!(enters(&school, ABROAD, "home", "home").await.code(), OUTSIDE);
    assert_eq!(says(&school, ABROAD, "home").await.code(), OUTSIDE);
    assert_eq!(enters(&school, ABROAD, &group("home"), "home").await.code(), OUTSIDE);
    enters(&school, HERE, &group("home"), "home").await.data();
}

#[tokio::test]
async fn c191_the_first_use_of_a_permission_is_written_down_and_its_end_is_the_end_of_what_it_let_in()
 {
    let school = School::new();
    school.class("class").await;
    decide(&school, &[Crossing::Messages]);
    let uses = async || {
        school.lab.audit.settle().await;
        let scope = Operator::of_this_process().in_app(school.lab.app.clone());
        let query = Query { act: Some(Act::PermitUsed), limit: 10, ..Query::default() };
        school.lab.audit.of(&scope).await.unwrap().page(&query).await.unwrap().entries.len()
    };
    enters(&school, HERE, "class", "class").await.data();
    assert_eq!(uses().await, 0);
    enters(&school, ABROAD, "class", "class").await.data();
    says(&school, ABROAD, "class").await.data();
    assert_eq!(uses().await, 1);
    school.pass(HOUR.saturating_sub(Duration::from_secs(1))).await;
    enters(&school, ABROAD, "class", "class").await.data();
    says(&school, ABROAD, "class").await.data();
    school.pass(Duration::from_secs(1)).await;
    assert_eq!(says(&school, ABROAD, "class").await.code(), OUTSIDE, "it is over");
    decide(&school, &[Crossing::Messages]);
    says(&school, ABROAD, "class").await.data();
    assert_eq!(uses().await, 2, "another permission");
    decide(&school, &[]);
    assert_eq!(says(&school, ABROAD, "class").await.code(), OUTSIDE, "it was removed");
    says(&school, HERE, "class").await.data();
}
