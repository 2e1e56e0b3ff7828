//! Check-in and entry (C003, C063 to C066, C069, C120, C133, C134, C173).

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use stoa_core::Clock;

use super::school::School;

/// Checks in by row 20.
async fn checks_in(school: &School, room: &str, user: &str, role: i16, body: Value) -> Value {
    let path = format!("/v3/rooms/{room}/users/{user}");
    school.by((room, user, role), Method::PUT, &path, body).await.data().clone()
}

#[tokio::test]
async fn c063_c173_whoever_checks_in_first_makes_the_room_and_its_schedule() {
    let school = School::new();
    let start = school.lab.clock.now().as_millis() + 60_000;
    let said = |start: u64, duration: u64| {
        json!({
            "role": 2, "userName": "Bob", "roomName": "A class", "roomType": 4, "platform": 1,
            "startTime": start, "duration": duration,
        })
    };
    let first = checks_in(&school, "a", "bob", 2, said(start, 600)).await;
    for field in
        ["state", "startTime", "duration", "closeDelay", "rtcRegion", "rtmRegion", "vid", "rteRole"]
    {
        assert!(first.get(field).is_some(), "{field}");
    }
    assert_eq!((&first["startTime"], &first["duration"]), (&json!(start), &json!(600)));
    // Whoever says something else later is not heard.
    let later = checks_in(&school, "a", "cid", 2, said(start + 5_000, 60)).await;
    assert_eq!((&later["startTime"], &later["duration"]), (&json!(start), &json!(600)));
    // Without a type no room is made.
    let path = "/v3/rooms/b/users/bob";
    let body = json!({"role": 2, "userName": "Bob"});
    let answer = school.by(("b", "bob", 2), Method::PUT, path, body).await;
    assert_eq!(answer.code(), (404, 20_404_100));
}

#[tokio::test]
async fn c064_roles_have_their_names() {
    for (kind, student) in [(4, "audience"), (2, "audience"), (0, "broadcaster")] {
        let school = School::new();
        let body = json!({"roomName": "A class", "roomType": kind});
        school.app(Method::POST, "/v2/rooms/a", body).await.data();
        for (role, name) in
            [(1, "host"), (2, student), (3, "assistant"), (4, "observer"), (0, "invisible")]
        {
            let body = json!({"role": role, "userName": "x"});
            let user = format!("u{role}");
            let said = checks_in(&school, "a", &user, role, body).await;
            assert_eq!(said["rteRole"], name);
        }
    }
}

#[tokio::test]
async fn c065_who_may_not_come_in_is_told_why() {
    let school = School::new();
    let body = json!({"roomName": "A class", "roomType": 0});
    school.app(Method::POST, "/v2/rooms/a", body).await.data();
    school.enters("a", "ann", 1).await.data();
    school.enters("a", "bob", 2).await.data();
    let checks = async |user: &str, role: i16| {
        let path = format!("/v3/rooms/a/users/{user}");
        let body = json!({"role": role, "userName": user});
        school.by(("a", user, role), Method::PUT, &path, body).await.code()
    };
    assert_eq!(checks("cid", 2).await, (403, 20_403_001));
    assert_eq!(checks("ada", 3).await, (403, 20_403_002));
    let ban = json!({"dirty": {"state": 1, "duration": -1}});
    school.app(Method::POST, "/v2/rooms/a/users/bob/exit", ban).await.data();
    assert_eq!(checks("bob", 2).await, (403, 30_403_100));
    school.app(Method::PUT, "/v2/rooms/a/states/3", Value::Null).await.data();
    assert_eq!(checks("cid", 2).await, (410, 30_410_100));
}

/// What of an entry's answer is other in each run.
fn settled(mut entry: Value) -> Value {
    for field in ["userToken", "rtcToken", "streamUuid"] {
        entry["localUser"][field] = "…".into();
    }
    entry["localUser"]["streams"][0]["streamUuid"] = "…".into();
    entry["room"]["roomProperties"]["widgets"]["easemobIM"]["extra"]["chatRoomId"] = "…".into();
    for user in entry["remoteUsers"].as_array_mut().unwrap() {
        for stream in user["streams"].as_array_mut().unwrap() {
            stream["streamUuid"] = "…".into();
        }
    }
    entry
}

#[tokio::test]
async fn c066_c133_what_whoever_enters_is_told() {
    let school = School::new();
    school.class("a").await;
    school.enters("a", "ann", 1).await.data();
    let at_once = school.enters("a", "bob", 2).await;
    let local = &at_once.data()["localUser"];
    let stream: u32 = local["streamUuid"].as_str().unwrap().parse().unwrap();
    assert_ne!(stream, 0);
    let token = local["rtcToken"].as_str().unwrap();
    let stoa_token::Claims::V007(claims) = stoa_token::parse(token).unwrap().unauthenticated else {
        panic!()
    };
    assert!(matches!(
        &claims.services[0].fields,
        stoa_token::Fields::Rtc { channel, uid } if channel == "a" && *uid == stream.to_string()
    ));
    insta::assert_json_snapshot!("entry", settled(at_once.data().clone()));
    // By the other plane it is the same entry.
    let path = format!("//eu/scene/apps/{}/v2/rooms/a/users/bob/entry", school.lab.app.id);
    let body = json!({
        "userUuid": "bob", "roomUuid": "a", "userName": "bob", "role": "audience",
        "streamUuid": "0", "stream": {"videoSourceState": 0, "audioSourceState": 0},
        "sequenceVersion": 2,
    });
    let entered = school.by(("a", "bob", 2), Method::POST, &path, body).await;
    let again = entered.data();
    assert_eq!(again["localUser"]["streamUuid"], local["streamUuid"]);
    assert_ne!(again["localUser"]["userToken"], local["userToken"]);
    assert_eq!(again["room"]["roomInfo"], at_once.data()["room"]["roomInfo"]);
}

#[tokio::test]
async fn c134_in_a_lecture_whoever_enters_sees_who_teaches_and_the_stage() {
    let school = School::new();
    let body = json!({"roomName": "A class", "roomType": 2});
    school.app(Method::POST, "/v2/rooms/a", body).await.data();
    for (user, role) in [("ann", 1), ("ada", 3), ("bob", 2), ("cid", 2)] {
        school.enters("a", user, role).await.data();
    }
    let on = json!({"toUserUuid": "cid"});
    school.app(Method::POST, "/v2/rooms/a/processes/handsUp/acceptance", on).await.data();
    let entered = school.enters("a", "dan", 2).await;
    let remote = entered.data()["remoteUsers"].as_array().unwrap().iter();
    let remote: Vec<_> = remote.map(|user| user["userUuid"].as_str().unwrap()).collect();
    assert_eq!(remote, ["ada", "ann", "cid"]);
}

#[tokio::test]
async fn c069_a_student_starts_no_class() {
    let school = School::new();
    school.class("a").await;
    for (user, role, expected) in
        [("bob", 2, 30_403_000), ("ada", 3, 30_403_000), ("eve", 4, 30_403_000), ("ann", 1, 0)]
    {
        school.enters("a", user, role).await.data();
        let path = "/v2/rooms/a/states/1";
        let answer = school.by(("a", user, role), Method::PUT, path, Value::Null).await;
        assert_eq!(answer.code().1, expected, "{user}");
    }
}

#[tokio::test]
async fn c021_c120_a_group_is_entered_with_the_token_of_its_class() {
    let school = School::new();
    for room in ["a", "b"] {
        school.class(room).await;
        for (user, role) in [("ann", 1), ("bob", 2), ("cid", 2)] {
            school.enters(room, user, role).await.data();
        }
    }
    let groups = json!({"groups": [
        {"groupUuid": "g1", "groupName": "One", "users": [{"userUuid": "bob"}]},
        {"groupUuid": "g2", "users": [{"userUuid": "cid"}]},
    ]});
    school.app(Method::PUT, "/v2/rooms/a/groups/states/1", groups).await.data();
    let enters = async |room: &str, user: &str, role: i16| {
        let body = json!({"role": role, "userName": user, "roomType": 101});
        let path = format!("/v3/rooms/g1/users/{user}/entry");
        school.by((room, user, role), Method::PUT, &path, body).await.code()
    };
    assert_eq!(enters("a", "bob", 2).await, (200, 0));
    assert_eq!(enters("a", "ann", 1).await, (200, 0));
    assert_eq!(enters("a", "cid", 2).await, (403, 30_403_000));
    assert_eq!(enters("b", "bob", 2).await, (401, 401));
    assert_eq!(enters("b", "ann", 1).await, (401, 401));
    // Checking in first, as the vendor's client does; no group is made by that.
    let said = json!({"role": 2, "userName": "bob", "roomType": 101});
    let checks_in = async |room: &str| {
        let path = format!("/v3/rooms/{room}/users/bob");
        school.by(("a", "bob", 2), Method::PUT, &path, said.clone()).await.code()
    };
    assert_eq!(checks_in("g1").await, (200, 0));
    assert_eq!(checks_in("g2").await, (403, 30_403_000));
    let path = "/v3/rooms/none/users/bob";
    let answer = school.by(("none", "bob", 2), Method::PUT, path, said.clone()).await;
    assert_eq!(answer.code(), (404, 20_404_100));
}

#[tokio::test]
async fn c168_c169_a_start_and_an_end_by_hand_move_what_follows() {
    let school = School::new();
    let start = school.lab.clock.now().as_millis() + 3_600_000;
    let schedule = json!({"startTime": start, "duration": 600, "closeDelay": 60});
    let body = json!({"roomName": "x", "roomType": 4, "roomProperties": {"schedule": schedule}});
    school.app(Method::POST, "/v2/rooms/a", body).await.data();
    let state = async || {
        let answer = school.app(Method::GET, "/v2/rooms/a", Value::Null).await;
        answer.data()["state"].clone()
    };
    school.app(Method::PUT, "/v2/rooms/a/states/1", Value::Null).await.data();
    school.pass(Duration::from_secs(599)).await;
    assert_eq!(state().await, 1);
    school.app(Method::PUT, "/v2/rooms/a/states/2", Value::Null).await.data();
    school.pass(Duration::from_secs(59)).await;
    assert_eq!(state().await, 2);
    school.pass(Duration::from_secs(1)).await;
    assert_eq!(state().await, 3);
}
