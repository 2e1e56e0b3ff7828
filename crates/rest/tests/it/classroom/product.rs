//! The chat product in a class, users without a token that says their role, and regions.

use http::Method;
use serde_json::{Value, json};
use stoa_core::{App, AuthPolicy, ClassSettings};

use super::school::{School, edu};
use crate::lab::{Call, Lab};

/// A call of the chat product's own interface.
async fn chat(lab: &Lab, token: &str, method: Method, path: &str, body: Value) -> (u16, Value) {
    let call = Call::new(method, path).token(token);
    let call = if body.is_null() { call } else { call.json(body) };
    let answer = lab.call(call).await;
    (answer.status.as_u16(), answer.body)
}

async fn chat_token(school: &School, user: &str, role: i16) -> String {
    let path = format!("/v2/rooms/class/widgets/easemobIM/users/{user}/token");
    let answer = school.by(("class", user, role), Method::GET, &path, Value::Null).await;
    answer.data()["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn c067_the_chat_token_reaches_the_chat_of_the_class() {
    let school = School::new();
    school.class("class").await;
    for (user, role) in [("tea", 1), ("bob", 2)] {
        school.enters("class", user, role).await.data();
    }
    let room = school.app(Method::GET, "/v2/rooms/class", Value::Null).await.data()
        ["roomProperties"]["widgets"]["easemobIM"]["extra"]["chatRoomId"]
        .as_str()
        .unwrap()
        .to_owned();
    let (tea, bob) = (chat_token(&school, "tea", 1).await, chat_token(&school, "bob", 2).await);
    let lab = &school.lab;
    let of = |path: &str| format!("/chatrooms/{room}{path}");
    for token in [&tea, &bob] {
        assert_eq!(chat(lab, token, Method::POST, &of("/apply"), json!({})).await.0, 200);
    }
    let (status, members) = chat(lab, &bob, Method::GET, &of("/users"), Value::Null).await;
    assert_eq!((status, members["data"].as_array().unwrap().len()), (200, 2));
    // Who teaches mutes; who learns does not.
    assert_eq!(chat(lab, &bob, Method::POST, &of("/ban"), Value::Null).await.0, 403);
    assert_eq!(chat(lab, &tea, Method::POST, &of("/ban"), Value::Null).await.0, 200);
    // What the class decides, nobody does here, also not who teaches.
    for (method, path) in [(Method::DELETE, ""), (Method::POST, "/users/alice"), (Method::PUT, "")]
    {
        let (status, told) = chat(lab, &tea, method, &of(path), json!({})).await;
        assert_eq!(status, 403, "{told}");
    }
    let app = lab.app_token();
    assert_eq!(chat(lab, &app, Method::GET, &of(""), Value::Null).await.0, 200);
    assert_eq!(chat(lab, &app, Method::DELETE, &of(""), Value::Null).await.0, 403);
    // Nothing else of the app.
    for path in ["/users", "/chatrooms", "/chatgroups", "/users/alice/contacts/users"] {
        assert_eq!(chat(lab, &bob, Method::GET, path, Value::Null).await.0, 403, "{path}");
    }
}

fn lax(app: App) -> App {
    let class = ClassSettings { accepts_rtm_token: true, ..app.class };
    App { class, ..app }
}

#[tokio::test]
async fn c009_without_a_role_in_the_token_one_is_a_student_unless_the_app_has_said_otherwise() {
    let school = School::changed(lax);
    school.class("class").await;
    let token = school.builder(&school.lab.app, 3600).rtm("ann").build().unwrap();
    let enter = |role: u8| {
        let body = json!({"role": role, "userName": "Ann"});
        school.call(&token, Method::PUT, "/v3/rooms/class/users/ann/entry", body)
    };
    for role in [1, 3] {
        assert_eq!(enter(role).await.code(), (403, 30_403_000), "{role}");
    }
    enter(2).await.data();
    let mute = || school.call(&token, Method::PUT, "/v2/rooms/class/mute", json!({"muteChat": 1}));
    assert_eq!(mute().await.code(), (403, 30_403_000));
    // Nobody else's name, and nobody but the app says it.
    let bobs = json!({"role": 2, "userName": "Bob"});
    let bob = school.call(&token, Method::PUT, "/v3/rooms/class/users/bob/entry", bobs).await;
    assert_eq!(bob.code(), (401, 401));
    let said = || json!({"role": 1});
    let own = school.call(&token, Method::PUT, "/v2/rooms/class/users/ann/role", said()).await;
    assert_eq!(own.code(), (403, 30_403_000));
    school.app(Method::PUT, "/v2/rooms/class/users/ann/role", said()).await.data();
    // What one came in as one stays, until one comes in anew.
    assert_eq!(mute().await.code(), (403, 30_403_000));
    enter(1).await.data();
    mute().await.data();
    let wrong = school.app(Method::PUT, "/v2/rooms/class/users/ann/role", json!({"role": 9})).await;
    assert_eq!(wrong.code().0, 400);
}

#[tokio::test]
async fn c189_c193_media_and_messages_stay_in_the_region_of_an_app_with_a_geofence() {
    let body = json!({"role": 2, "userName": "Bob"});
    let open = School::new();
    open.class("class").await;
    let path = "/v3/rooms/class/users/bob";
    let answer = open.by(("class", "bob", 2), Method::PUT, path, body).await;
    assert_eq!(answer.data()["rtcRegion"], "AREA_GLOBAL");
    let entry = open.enters("class", "bob", 2).await;
    let region = &entry.data()["room"]["roomProperties"]["region"];
    assert_eq!(*region, json!({"rtc": "AREA_GLOBAL", "rtm": "AREA_GLOBAL"}));
    // Behind a geofence, and from a place of which nothing is known: nobody.
    let fenced = School::changed(|mut app| {
        app.place.geofence = true;
        app
    });
    let answer = fenced.enters("class", "bob", 2).await;
    assert_eq!(answer.code(), (403, 30_403_900));
}

#[tokio::test]
async fn c003_c187_no_second_room_is_made_in_another_region_and_nobody_is_told_where_one_is() {
    let school = School::new();
    school.class("class").await;
    let elsewhere = |path: &str| format!("//na/edu/apps/{}{path}", school.lab.app.id);
    for room in ["class", "none"] {
        let path = elsewhere(&format!("/v3/rooms/{room}/users/bob"));
        let body = json!({"role": 2, "userName": "Bob", "roomType": 4, "roomName": "x"});
        let answer = school.by((room, "bob", 2), Method::PUT, &path, body).await;
        assert_eq!(answer.code(), (403, 30_403_900), "{room}");
        let path = elsewhere(&format!("/v2/rooms/{room}"));
        assert_eq!(school.app(Method::GET, &path, Value::Null).await.code(), (404, 20_404_100));
    }
}

#[tokio::test]
async fn a_room_lets_cross_no_more_than_it_says() {
    let school = School::new();
    let body = json!({
        "roomName": "x", "roomType": 4, "roomProperties": {"crossRegion": {"messages": false}},
    });
    school.app(Method::POST, "/v2/rooms/class", body).await.data();
    let view = school.app(Method::GET, "/v2/rooms/class", Value::Null).await;
    let crosses = &view.data()["roomProperties"]["crossRegion"];
    assert_eq!(*crosses, json!({"media": true, "messages": false}));
    let wrong = json!({
        "roomName": "x", "roomType": 4, "roomProperties": {"crossRegion": {"messages": 1}},
    });
    assert_eq!(school.app(Method::POST, "/v2/rooms/y", wrong).await.code().0, 400);
}

/// A call of whoever knows the App ID and nothing else.
async fn stranger(school: &School, method: Method, path: &str, body: Value) -> (u16, u64) {
    let call = Call::new(method, &edu(&school.lab.app, path)).json(body);
    school.lab.call(call).await.code()
}

#[tokio::test]
async fn c012_c218_the_app_id_alone_opens_classes_of_open_apps_only_and_there_as_a_student() {
    let body = |role: u8| json!({"role": role, "userName": "Bob", "roomType": 4, "roomName": "x"});
    let enter = "/v3/rooms/class/users/bob/entry";
    let closed = School::new();
    closed.class("class").await;
    for (method, path, said) in [
        (Method::PUT, enter, body(2)),
        (Method::PUT, "/v3/rooms/other/users/bob", body(2)),
        (Method::GET, "/v2/rooms/class", Value::Null),
        (Method::PUT, "/v2/rooms/class/states/1", Value::Null),
    ] {
        assert_eq!(stranger(&closed, method, path, said).await, (401, 401), "{path}");
    }
    let open = School { lab: Lab::with(AuthPolicy::Open) };
    open.class("class").await;
    assert_eq!(stranger(&open, Method::PUT, enter, body(1)).await, (403, 30_403_000));
    assert_eq!(stranger(&open, Method::PUT, enter, body(2)).await, (200, 0));
    let state = stranger(&open, Method::PUT, "/v2/rooms/class/states/1", Value::Null).await;
    assert_ne!(state.0, 200, "who teaches is vouched for by a token");
}
