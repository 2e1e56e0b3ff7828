//! Rooms by the app's back end (C026 to C042).

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};

use super::school::School;

#[tokio::test]
async fn c026_c033_a_room_is_made_with_defaults_and_looked_at() {
    let school = School::new();
    school.class("a").await;
    let answer = school.app(Method::GET, "/v2/rooms/a", Value::Null).await;
    let room = answer.data();
    for field in [
        "roomUuid",
        "roomName",
        "createTime",
        "scenario",
        "roomTemplate",
        "roleConfig",
        "state",
        "muteChat",
        "muteVideo",
        "muteAudio",
        "checkState",
        "roomProperties",
    ] {
        assert!(room.get(field).is_some(), "{field}");
    }
    assert_eq!((&room["state"], &room["scenario"]), (&json!(0), &json!("education")));
    let properties = &room["roomProperties"];
    assert_eq!(properties["roomType"], 4);
    assert_eq!(properties["state"], properties["schedule"]["state"]);
    assert_eq!(properties["schedule"]["closeDelay"], 600);
    let answer = school.app(Method::GET, "/v2/rooms/b", Value::Null).await;
    assert_eq!(answer.code(), (404, 20_404_100));
}

#[tokio::test]
async fn c027_a_room_is_made_once() {
    let school = School::new();
    school.class("a").await;
    let body = json!({"roomName": "Another", "roomType": 2});
    let answer = school.app(Method::POST, "/v2/rooms/a", body).await;
    assert_eq!(answer.code(), (409, 20_409_100));
    let room = school.app(Method::GET, "/v2/rooms/a", Value::Null).await;
    assert_eq!(room.data()["roomName"], "A class");
}

#[tokio::test]
async fn c028_a_room_needs_a_name_and_a_type_and_lasts_a_day_at_most() {
    let school = School::new();
    let scheduled = |schedule: Value| json!({"roomName": "x", "roomType": 4, "roomProperties": {"schedule": schedule}});
    let of_type = |kind: Value| json!({"roomName": "x", "roomType": kind});
    for (body, field) in [
        (json!({"roomType": 4}), "roomName"),
        (json!({"roomName": "", "roomType": 4}), "roomName"),
        (json!({"roomName": "x".repeat(64), "roomType": 4}), "roomName"),
        (json!({"roomName": "x"}), "roomType"),
        (of_type(json!(3)), "roomType"),
        (of_type(json!(101)), "roomType"),
        (of_type(json!("four")), "roomType"),
        (scheduled(json!({"duration": 86_401})), "duration"),
        (scheduled(json!({"closeDelay": 86_401})), "closeDelay"),
        (scheduled(json!({"startTime": "soon"})), "startTime"),
        (scheduled(json!(7)), "schedule"),
    ] {
        let answer = school.app(Method::POST, "/v2/rooms/a", body.clone()).await;
        assert_eq!(answer.code(), (400, 400), "{body}");
        let text = answer.body["msg"].as_str().unwrap();
        assert!(text.contains(field), "{body}: {text}");
    }
    let answer = school.app(Method::GET, "/v2/rooms/a", Value::Null).await;
    assert_eq!(answer.code(), (404, 20_404_100));
}

#[tokio::test]
async fn c029_the_type_stands_as_a_number_or_as_text() {
    let school = School::new();
    let mut rooms = Vec::new();
    for (room, kind) in [("a", json!(4)), ("b", json!("4"))] {
        let body = json!({"roomName": "x", "roomType": kind});
        school.app(Method::POST, &format!("/v2/rooms/{room}"), body).await.data();
        let answer = school.app(Method::GET, &format!("/v2/rooms/{room}"), Value::Null).await;
        rooms.push(answer.data()["roomProperties"].clone());
    }
    assert_eq!(rooms[0]["roomType"], rooms[1]["roomType"]);
}

#[tokio::test]
async fn c030_a_role_has_so_many_seats() {
    let school = School::new();
    let body = json!({"roomName": "x", "roomType": 4, "roleConfig": {"2": {"limit": 1}}});
    school.app(Method::POST, "/v2/rooms/a", body).await.data();
    school.enters("a", "bob", 2).await.data();
    assert_eq!(school.enters("a", "cid", 2).await.code(), (403, 20_403_001));
    school.enters("a", "bob", 2).await.data();
    school.enters("a", "ann", 1).await.data();
}

#[tokio::test]
async fn c031_a_stream_at_entry_is_as_the_room_says() {
    let school = School::new();
    let stream = json!({"state": 1, "videoState": 1, "audioState": 0});
    let body =
        json!({"roomName": "x", "roomType": 4, "roleConfig": {"2": {"defaultStream": stream}}});
    school.app(Method::POST, "/v2/rooms/a", body).await.data();
    let answer = school.enters("a", "bob", 2).await;
    let stream = &answer.data()["localUser"]["streams"][0];
    assert_eq!((&stream["videoState"], &stream["audioState"]), (&json!(1), &json!(0)));
    let room = school.app(Method::GET, "/v2/rooms/a", Value::Null).await;
    assert_eq!(room.data()["roleConfig"]["2"]["defaultStream"]["audioState"], 0);
}

#[tokio::test]
async fn c032_a_board_that_is_off_is_off_at_entry() {
    let school = School::new();
    let widgets = json!({"netlessBoard": {"state": 0}});
    let body = json!({"roomName": "x", "roomType": 4, "roomProperties": {"widgets": widgets}});
    school.app(Method::POST, "/v2/rooms/a", body).await.data();
    let answer = school.enters("a", "bob", 2).await;
    let room = &answer.data()["room"]["roomProperties"];
    assert_eq!(room["widgets"]["netlessBoard"]["state"], 0);
}

/// The data of the room's last event.
async fn last(school: &School) -> Value {
    school.events("a", "?cmd=1").await.pop().unwrap()["data"].clone()
}

#[tokio::test]
async fn c034_c035_c036_c037_the_states_of_a_class_by_hand() {
    let school = School::new();
    school.class("a").await;
    school.enters("a", "bob", 2).await.data();
    let put = async |state: &str| {
        school.app(Method::PUT, &format!("/v2/rooms/a/states/{state}"), Value::Null).await
    };
    put("1").await.data();
    let told = last(&school).await;
    assert_eq!(told["state"], 1);
    assert!(told["startTime"].is_u64() && told.get("endTime").is_none());
    assert_eq!(put("1").await.code(), (409, 30_409_100));
    assert_eq!(put("0").await.code(), (409, 30_409_100));
    put("2").await.data();
    assert!(last(&school).await["endTime"].is_u64());
    for state in ["0", "1", "2"] {
        assert_eq!(put(state).await.code(), (409, 30_409_101), "{state}");
    }
    put("3").await.data();
    assert!(last(&school).await["closeTime"].is_u64());
    for state in ["0", "1", "2", "3"] {
        assert_eq!(put(state).await.code(), (409, 30_409_101), "{state}");
    }
    let bob = school.app(Method::GET, "/v2/rooms/a/users/bob", Value::Null).await;
    assert_eq!(bob.data()["state"], 0);
    assert_eq!(school.enters("a", "bob", 2).await.code(), (410, 30_410_100));
}

#[tokio::test]
async fn c038_there_are_four_states_and_only_of_rooms_that_exist() {
    let school = School::new();
    school.class("a").await;
    for state in ["4", "-1", "x", "99999999999999999999"] {
        let path = format!("/v2/rooms/a/states/{state}");
        let answer = school.app(Method::PUT, &path, Value::Null).await;
        assert_eq!(answer.code(), (400, 400), "{state}");
    }
    let answer = school.app(Method::PUT, "/v2/rooms/b/states/1", Value::Null).await;
    assert_eq!(answer.code(), (404, 20_404_100));
}

async fn flex(school: &School) -> Value {
    let answer = school.app(Method::GET, "/v2/rooms/a", Value::Null).await;
    answer.data()["roomProperties"]["flexProps"].clone()
}

#[tokio::test]
async fn c039_c040_properties_of_the_room_are_set_and_told_with_their_cause() {
    let school = School::new();
    school.class("a").await;
    let put = async |body: Value| {
        school.app(Method::PUT, "/v2/rooms/a/properties", body).await.data();
    };
    let cause = json!({"cmd": 7, "data": {"any": ["thing"]}});
    put(json!({"properties": {"a": {"x": 1, "y": 2}}, "cause": cause})).await;
    let told = school.frames("a").await.pop().unwrap();
    assert_eq!((&told["cmd"], &told["data"]["cause"]), (&json!(4), &cause));
    assert_eq!(told["data"]["changeProperties"], json!({"flexProps.a": {"x": 1, "y": 2}}));
    put(json!({"properties": {"a.x": 3}})).await;
    assert_eq!(flex(&school).await, json!({"a": {"x": 3, "y": 2}}));
    put(json!({"properties": {"a": {"z": 4}}})).await;
    assert_eq!(flex(&school).await, json!({"a": {"z": 4}}));
    for body in [json!({}), json!({"properties": {}}), json!({"properties": {"a..b": 1}})] {
        let answer = school.app(Method::PUT, "/v2/rooms/a/properties", body).await;
        assert_eq!(answer.code(), (400, 400));
    }
    let absent = school.app(Method::PUT, "/v2/rooms/b/properties", json!({"properties": {"a": 1}}));
    assert_eq!(absent.await.code(), (404, 20_404_100));
}

#[tokio::test]
async fn c041_a_hundred_who_add_at_once_add_up() {
    let school = School::new();
    school.class("a").await;
    let body = json!({"increments": {"a.n": 1}});
    let calls = (0..100).map(|_| school.app(Method::PUT, "/v2/rooms/a/properties", body.clone()));
    for answer in join_all(calls).await {
        answer.data();
    }
    assert_eq!(flex(&school).await, json!({"a": {"n": 100}}));
}

#[tokio::test]
async fn c042_properties_of_the_room_are_removed_by_path() {
    let school = School::new();
    school.class("a").await;
    let set = json!({"properties": {"a": {"x": 1, "y": 2}, "b": 1}});
    school.app(Method::PUT, "/v2/rooms/a/properties", set).await.data();
    let body = json!({"properties": ["a.x", "b", "no.such"], "cause": {"cmd": 1}});
    school.app(Method::DELETE, "/v2/rooms/a/properties", body).await.data();
    assert_eq!(flex(&school).await, json!({"a": {"y": 2}}));
    let told = school.frames("a").await.pop().unwrap();
    let changed = json!({"flexProps.a.x": "deleted", "flexProps.b": "deleted"});
    assert_eq!((&told["cmd"], &told["data"]["changeProperties"]), (&json!(5), &changed));
}
