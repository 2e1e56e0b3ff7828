//! The scene plane (C135 to C138, C146 to C148, C151, C152), and what the app's back end is told of it (C157, C159).

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::school::School;
use crate::lab::Answer;

async fn school() -> School {
    let school = School::new();
    school.class("a").await;
    for (user, role) in [("ann", 1), ("bob", 2), ("cid", 2), ("eve", 4)] {
        school.enters("a", user, role).await.data();
    }
    school
}

/// A call of the scene plane by a user of the room.
async fn scene(
    school: &School,
    (user, role): (&str, i16),
    method: Method,
    path: &str,
    body: Value,
) -> Answer {
    let path = format!("//eu/scene/apps/{}{path}", school.lab.app.id);
    school.by(("a", user, role), method, &path, body).await
}

const ANN: (&str, i16) = ("ann", 1);
const BOB: (&str, i16) = ("bob", 2);

#[tokio::test]
async fn c135_messages_of_the_room_come_from_a_number_on_without_holes() {
    let school = school().await;
    for n in 0..120 {
        let body = json!({"properties": {"n": n}});
        scene(&school, ANN, Method::PUT, "/v1/rooms/a/properties", body).await.data();
    }
    let read = async |query: &str| {
        let path = format!("/v1/rooms/a/sequences{query}");
        let answer = scene(&school, BOB, Method::GET, &path, Value::Null).await;
        let data = answer.data().clone();
        let list = data["list"].as_array().unwrap().iter();
        let list: Vec<u64> = list.map(|one| one["sequence"].as_u64().unwrap()).collect();
        (list, data["nextId"].clone())
    };
    let (first, next) = read("").await;
    assert!(first.iter().copied().eq(1..=100));
    assert_eq!(next, "101");
    let (some, next) = read("?nextId=50&count=7").await;
    assert!(some.iter().copied().eq(50..57));
    assert_eq!(next, "57");
    let (rest, next) = read("?nextId=101").await;
    assert!(rest.iter().copied().eq(101..=u64::try_from(100 + rest.len()).unwrap()));
    assert_eq!(next, Value::Null);
}

#[tokio::test]
async fn c136_c147_messages_to_a_user_are_the_users_own() {
    let school = school().await;
    let path = "/v2/rooms/a/users/cid/messages/peer";
    let body = json!({"payload": {"cmd": "flexMsg", "data": {"x": 1}}, "waitForAck": false});
    scene(&school, BOB, Method::POST, path, body.clone()).await.data();
    let path_of = |user: &str| format!("/v1/rooms/a/users/{user}/sequences");
    let cid = ("cid", 2);
    let answer = scene(&school, cid, Method::GET, &path_of("cid"), Value::Null).await;
    let told = &answer.data()["list"][0];
    assert_eq!((&told["cmd"], &told["sequence"]), (&json!(99), &json!(1)));
    assert_eq!(told["data"]["fromUser"]["userUuid"], "bob");
    assert_eq!(told["data"]["payload"], body["payload"]);
    let other = scene(&school, BOB, Method::GET, &path_of("cid"), Value::Null).await;
    assert_eq!(other.code(), (401, 401));
    let own = scene(&school, BOB, Method::GET, &path_of("bob"), Value::Null).await;
    assert_eq!(own.data()["list"], json!([]));
    assert!(school.frames("a").await.iter().all(|frame| frame["cmd"] != 99));
    school.app(Method::POST, "/v2/rooms/a/users/cid/exit", Value::Null).await.data();
    let answer = scene(&school, BOB, Method::POST, path, body).await;
    assert_eq!(answer.code(), (410, 20_410_200));
    for payload in [json!(7), Value::Null, json!({"x": "x".repeat(20_000)})] {
        let body = json!({"payload": payload});
        let path = "/v1/rooms/a/message/channel";
        assert_eq!(scene(&school, BOB, Method::POST, path, body).await.code(), (400, 400));
    }
}

#[tokio::test]
async fn c137_c138_properties_are_set_by_who_may_and_told() {
    let school = school().await;
    let (put, delete) = (Method::PUT, Method::DELETE);
    let (set, remove) = (json!({"properties": {"x": 1}}), json!({"properties": ["x"]}));
    for (path, cmds) in
        [("/v1/rooms/a/properties", [4, 5]), ("/v1/rooms/a/users/cid/properties", [22, 23])]
    {
        for (method, body, cmd) in [(&put, &set, cmds[0]), (&delete, &remove, cmds[1])] {
            let refused = scene(&school, BOB, method.clone(), path, body.clone()).await;
            assert_eq!(refused.code(), (403, 30_403_000), "{path}");
            scene(&school, ANN, method.clone(), path, body.clone()).await.data();
            assert_eq!(school.frames("a").await.pop().unwrap()["cmd"], cmd);
        }
    }
    let own = "/v1/rooms/a/users/bob/properties";
    scene(&school, BOB, put, own, set).await.data();
}

#[tokio::test]
async fn c146_a_message_to_all_is_kept_or_is_not() {
    let school = school().await;
    let before = school.frames("a").await.len();
    let send = async |sync: bool| {
        let body = json!({"payload": {"cmd": "handsUp", "data": {"state": 1}}, "sync": sync});
        scene(&school, BOB, Method::POST, "/v1/rooms/a/message/channel", body).await.data();
        school.frames("a").await
    };
    assert_eq!(send(false).await.len(), before);
    let frames = send(true).await;
    assert_eq!(frames.len(), before + 1);
    let told = frames.last().unwrap();
    assert_eq!((&told["cmd"], &told["data"]["payload"]["cmd"]), (&json!(99), &json!("handsUp")));
}

#[tokio::test]
async fn c148_who_is_taken_for_gone_says_that_it_is_there() {
    let school = school().await;
    // Nobody has a connection: after a while all are taken for gone.
    school.pass(Duration::from_secs(60)).await;
    let state = async || {
        let answer = school.app(Method::GET, "/v2/rooms/a/users/bob", Value::Null).await;
        (answer.data()["state"].clone(), answer.data()["streamUuid"].clone())
    };
    let (gone, stream) = state().await;
    assert_eq!(gone, 0);
    let path = "/v1/rooms/a/users/bob/states/1";
    let other = scene(&school, ("cid", 2), Method::PUT, path, Value::Null).await;
    assert_eq!(other.code(), (403, 30_403_000));
    for _ in 0..2 {
        scene(&school, BOB, Method::PUT, path, Value::Null).await.data();
        assert_eq!(state().await, (json!(1), stream.clone()));
    }
    let told = school.frames("a").await.pop().unwrap();
    assert_eq!(
        (&told["cmd"], &told["data"]["onlineUsers"][0]["userUuid"]),
        (&json!(20), &json!("bob"))
    );
    let path = "/v1/rooms/a/users/bob/states/0";
    assert_eq!(scene(&school, BOB, Method::PUT, path, Value::Null).await.code(), (400, 400));
}

#[tokio::test]
async fn c151_c159_who_comes_and_goes_is_told_and_who_is_invisible_is_not() {
    let school = School::new();
    school.class("a").await;
    school.enters("a", "bob", 2).await.data();
    school.enters("a", "rec", 0).await.data();
    school.app(Method::POST, "/v2/rooms/a/users/bob/exit", Value::Null).await.data();
    school.enters("a", "bob", 2).await.data();
    school.pass(Duration::from_secs(60)).await;
    let told = |list: Vec<Value>| {
        let of = |one: &Value| {
            let users = |field: &str| one["data"][field].as_array().unwrap().clone();
            let (on, off) = (users("onlineUsers"), users("offlineUsers"));
            assert!(!on.iter().chain(&off).any(|user| user["userUuid"] == "rec"));
            let user = on.first().or_else(|| off.first()).unwrap().clone();
            (on.len(), user["type"].clone(), one["data"]["total"].clone())
        };
        let moves = list.iter().filter(|one| one["cmd"] == 20);
        moves.map(of).collect::<Vec<_>>()
    };
    let events = told(school.events("a", "").await);
    let (one, two) = (json!(1), json!(2));
    assert_eq!(
        events,
        [
            (1, one.clone(), one.clone()),
            (0, two.clone(), json!(0)),
            (1, two, one.clone()),
            (0, one, json!(0)),
        ]
    );
    let frames = told(school.frames("a").await);
    assert_eq!(frames.len(), 4);
}

#[tokio::test]
async fn c152_a_role_or_name_that_changes_is_told() {
    let school = school().await;
    let path = "/v3/rooms/a/users/bob/entry";
    let body = json!({"role": 3, "userName": "Robert"});
    school.by(("a", "bob", 3), Method::PUT, path, body).await.data();
    let frames = school.frames("a").await;
    let told = frames.iter().find(|frame| frame["cmd"] == 21).unwrap();
    let expected = json!({"userUuid": "bob", "userName": "Robert", "role": "assistant"});
    assert_eq!(told["data"], expected);
}

#[tokio::test]
async fn c157_every_change_of_the_class_is_an_event_once() {
    let school = School::new();
    let schedule = json!({"duration": 60, "closeDelay": 60});
    let body = json!({"roomName": "x", "roomType": 4, "roomProperties": {"schedule": schedule}});
    school.app(Method::POST, "/v2/rooms/a", body).await.data();
    school.app(Method::PUT, "/v2/rooms/a/states/1", Value::Null).await.data();
    school.pass(Duration::from_secs(130)).await;
    let states: Vec<_> = school.events("a", "?cmd=1").await;
    let states: Vec<_> = states.iter().map(|event| event["data"]["state"].clone()).collect();
    assert_eq!(states, [json!(1), json!(2), json!(3)]);
}
