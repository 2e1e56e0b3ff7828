//! Tokens, headers, paths and the envelope (C007 to C024).

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use stoa_core::{App, AuthPolicy, ClassSettings, Clock};
use stoa_token::{Builder006, Builder007};

use super::school::{School, edu};
use crate::lab::{Call, Lab};

/// The status and code of looking at a room with these headers.
async fn looked(school: &School, headers: &[(&'static str, &str)]) -> (u16, u64) {
    let call = Call::new(Method::GET, &edu(&school.lab.app, "/v2/rooms/a/users/ann"));
    let call = headers.iter().fold(call, |call, (name, value)| call.header(name, value));
    school.lab.call(call).await.code()
}

async fn school() -> School {
    let school = School::new();
    school.class("a").await;
    school.enters("a", "ann", 1).await.data();
    school
}

#[tokio::test]
async fn c007_c008_the_token_stands_with_quotes_or_without() {
    let school = school().await;
    let token = school.back_end();
    for value in [format!("agora token={token}"), format!("agora token=\"{token}\"")] {
        assert_eq!(looked(&school, &[("authorization", &value)]).await, (200, 0));
    }
    let own = school.seat("a", "ann", 1);
    let both = [("x-agora-token", own.as_str()), ("x-agora-uid", "ann")];
    assert_eq!(looked(&school, &both).await, (200, 0));
    for value in [format!("Bearer {token}"), format!("agora {token}"), "agora token=".into()] {
        assert_eq!(looked(&school, &[("authorization", &value)]).await, (401, 401), "{value}");
    }
}

#[tokio::test]
async fn c009_a_signaling_token_is_refused_unless_the_app_takes_it() {
    for (accepts, accepts_006) in [(false, false), (true, false), (true, true)] {
        let school = School::changed(|app| App {
            class: ClassSettings { accepts_rtm_token: accepts, ..app.class },
            tokens: stoa_core::TokenPolicy { accepts_006, ..app.tokens },
            ..app
        });
        let app = &school.lab.app;
        let now = u32::try_from(school.lab.clock.now().as_secs()).unwrap();
        let token = school.builder(app, 3600).rtm("bob").build().unwrap();
        let certificate = app.certificates[0].expose();
        let old = Builder006::rtm(app.id.as_str(), certificate, "bob", 1, now + 86_000, now + 3600);
        for (token, taken) in [(token, accepts), (old.build().unwrap(), accepts && accepts_006)] {
            // What is the user's own is off, which is told to that user alone.
            let path = edu(app, "/v3/users/bob/resources/page");
            let look = async |named: &str| {
                let call = Call::new(Method::GET, &path).header("x-agora-token", &token);
                school.lab.call(call.header("x-agora-uid", named)).await.code().0
            };
            assert_eq!(look("bob").await, if taken { 403 } else { 401 });
            assert_eq!(look("cid").await, 401);
        }
    }
}

#[tokio::test]
async fn c010_all_headers_have_to_name_the_same_user() {
    let school = school().await;
    let (ann, bob) = (school.seat("a", "ann", 1), school.seat("a", "bob", 1));
    let header = format!("agora token=\"{ann}\"");
    for (token, named, expected) in [
        (&ann, Some("ann"), 200),
        (&ann, Some("bob"), 401),
        (&bob, None, 401),
        (&bob, Some("bob"), 401),
    ] {
        let mut headers = vec![("authorization", header.as_str()), ("x-agora-token", token)];
        headers.extend(named.map(|name| ("x-agora-uid", name)));
        assert_eq!(looked(&school, &headers).await.0, expected, "{named:?}");
    }
    // Another role is another, too.
    let student = school.seat("a", "ann", 2);
    let headers = [("authorization", header.as_str()), ("x-agora-token", &student)];
    assert_eq!(looked(&school, &headers).await.0, 401);
}

#[tokio::test]
async fn c011_nobody_comes_without_a_token() {
    let school = school().await;
    assert_eq!(looked(&school, &[]).await, (401, 401));
    assert_eq!(looked(&school, &[("x-agora-uid", "ann")]).await, (401, 401));
}

#[tokio::test]
async fn c013_a_token_of_another_room_user_or_role_is_refused() {
    let school = school().await;
    school.class("b").await;
    for (room, user, role, path) in [
        ("b", "ann", 1, "/v2/rooms/a/users/ann"),
        ("b", "ann", 1, "/v2/rooms/a/sequences"),
        ("b", "ann", 1, "/v2/rooms/nowhere/sequences"),
    ] {
        let answer = school.by((room, user, role), Method::GET, path, Value::Null).await;
        assert_eq!(answer.code(), (401, 401), "{path}");
    }
    for (user, role, asked_user, asked_role) in
        [("bob", 2, "cid", 2), ("bob", 2, "bob", 1), ("bob", 1, "bob", 2)]
    {
        for path in ["", "/entry"] {
            let path = format!("/v3/rooms/a/users/{asked_user}{path}");
            let body = json!({"role": asked_role, "userName": "x"});
            let answer = school.by(("a", user, role), Method::PUT, &path, body).await;
            assert_eq!(answer.code(), (401, 401), "{path}");
        }
    }
}

#[tokio::test]
async fn c014_a_token_of_another_app_or_with_a_wrong_signature_is_refused() {
    let school = school().await;
    let (app, other) = (&school.lab.app, &school.lab.other);
    let now = u32::try_from(school.lab.clock.now().as_secs()).unwrap();
    let wrong = Builder007::new(app.id.as_str(), other.certificates[0].expose(), now, 3600, 1);
    let tokens = [
        school.builder(other, 3600).education_app().build().unwrap(),
        school.builder(other, 3600).room_user("a", "ann", 1).build().unwrap(),
        wrong.education_app().build().unwrap(),
        // Those of chat are no good here.
        school.builder(app, 3600).chat_app().build().unwrap(),
        school.builder(app, 3600).chat_user("ann").build().unwrap(),
        "007garbage".into(),
    ];
    for token in tokens {
        let header = format!("agora token={token}");
        assert_eq!(looked(&school, &[("authorization", &header)]).await, (401, 401));
    }
    // An app that there is not.
    let path = "//eu/edu/apps/00000000000000000000000000000000/v2/rooms/a";
    let answer = school.call(&school.back_end(), Method::GET, path, Value::Null).await;
    assert_eq!(answer.code(), (401, 401));
}

#[tokio::test]
async fn c015_a_token_for_longer_than_a_day_ends_after_a_day() {
    let school = School::new();
    school.class("a").await;
    let token = school.builder(&school.lab.app, 172_800).education_app().build().unwrap();
    let header = format!("agora token={token}");
    let looks = async || {
        let call = Call::new(Method::GET, &edu(&school.lab.app, "/v2/rooms/a"));
        school.lab.call(call.header("authorization", &header)).await.code()
    };
    school.lab.clock.advance(Duration::from_secs(23 * 3600 + 59 * 60));
    assert_eq!(looks().await, (200, 0));
    school.lab.clock.advance(Duration::from_secs(120));
    assert_eq!(looks().await, (401, 401));
}

#[tokio::test]
async fn c019_back_end_rows_are_the_apps_and_a_students_are_its_own() {
    let school = school().await;
    school.enters("a", "bob", 2).await.data();
    let (put, get, post, delete) = (Method::PUT, Method::GET, Method::POST, Method::DELETE);
    let set = json!({"properties": {"x": 1}});
    let student = ("a", "bob", 2);
    for (method, path, body) in [
        (post.clone(), "/v2/rooms/a", json!({"roomName": "x", "roomType": 4})),
        (get.clone(), "/v2/rooms/a", Value::Null),
        (put.clone(), "/v2/rooms/a/states/1", Value::Null),
        (put.clone(), "/v2/rooms/a/properties", set.clone()),
        (delete.clone(), "/v2/rooms/a/properties", json!({"properties": ["x"]})),
        (get.clone(), "/v2/rooms/a/users/ann", Value::Null),
        (put.clone(), "/v2/rooms/a/users/ann/properties", set.clone()),
        (delete, "/v2/rooms/a/users/ann/properties", json!({"properties": ["x"]})),
        (post, "/v2/rooms/a/users/ann/exit", Value::Null),
        (get.clone(), "/v2/rooms/a/sequences?userUuid=ann", Value::Null),
        (get.clone(), "//eu/edu/polling/apps/{app}/v2/rooms/sequences", Value::Null),
    ] {
        let path = path.replace("{app}", school.lab.app.id.as_str());
        let answer = school.by(student, method, &path, body).await;
        assert_eq!(answer.code(), (403, 30_403_000), "{path}");
    }
    school.by(student, get.clone(), "/v2/rooms/a/users/bob", Value::Null).await.data();
    let own = school.by(student, get, "/v2/rooms/a/sequences", Value::Null).await;
    let own = own.data()["list"].as_array().unwrap().clone();
    assert_eq!(own.len(), 1);
    assert_eq!(own[0]["data"]["onlineUsers"][0]["userUuid"], "bob");
    // The teacher may do what the class needs.
    let teacher = ("a", "ann", 1);
    school.by(teacher, put.clone(), "/v2/rooms/a/properties", set).await.data();
    school.by(teacher, put, "/v2/rooms/a/states/1", Value::Null).await.data();
}

#[tokio::test]
async fn c022_every_answer_has_code_msg_and_ts_and_failures_too() {
    let school = school().await;
    let done = school.app(Method::GET, "/v2/rooms/a", Value::Null).await;
    assert!(done.data().is_object());
    for (method, path, expected) in [
        (Method::GET, "/v2/rooms/none", (404, 20_404_100)),
        (Method::GET, "/v2/no/such/path", (404, 404)),
        (Method::PATCH, "/v2/rooms/a", (405, 405)),
        (Method::POST, "/v2/rooms/a", (400, 400)),
    ] {
        let answer = school.app(method, path, Value::Null).await;
        assert_eq!(answer.code(), expected, "{path}");
    }
    // What is no JSON, twice the same key, too deep, too large.
    let deep = format!("{{\"properties\":{}1{}}}", "[".repeat(40), "]".repeat(40));
    let large = format!("{{\"properties\":{{\"x\":\"{}\"}}}}", "x".repeat(2_000_000));
    for (body, status) in
        [("{", 400), ("[]", 400), ("{\"properties\":1}", 400), (&deep, 400), (&large, 413)]
    {
        let path = edu(&school.lab.app, "/v2/rooms/a/properties");
        let header = format!("agora token={}", school.back_end());
        let call = Call::new(Method::PUT, &path).header("authorization", &header).text(body);
        assert_eq!(school.lab.call(call).await.code().0, status);
    }
}

#[tokio::test]
async fn c024_with_the_region_or_without_it_is_the_same_room() {
    let school = school().await;
    let id = &school.lab.app.id;
    let look = async |path: String| {
        school.call(&school.back_end(), Method::GET, &path, Value::Null).await.code()
    };
    assert_eq!(look(format!("//eu/edu/apps/{id}/v2/rooms/a")).await, (200, 0));
    assert_eq!(look(format!("//edu/apps/{id}/v2/rooms/a")).await, (200, 0));
    assert_eq!(look(format!("//xx/edu/apps/{id}/v2/rooms/a")).await, (404, 404));
    assert_eq!(look(format!("//EU/edu/apps/{id}/v2/rooms/a")).await, (404, 404));
    let frames = format!("scene/apps/{id}/v1/rooms/a/sequences");
    assert_eq!(look(format!("//eu/{frames}")).await, (200, 0));
    assert_eq!(look(format!("//{frames}")).await, (200, 0));
    let polling = format!("edu/polling/apps/{id}/v2/rooms/sequences");
    assert_eq!(look(format!("//eu/{polling}")).await, (200, 0));
    assert_eq!(look(format!("//{polling}")).await, (200, 0));
}

#[tokio::test]
async fn c003_c187_in_another_region_the_room_is_not_there() {
    let school = school().await;
    let id = &school.lab.app.id;
    let token = school.back_end();
    let mut bodies = Vec::new();
    for path in ["//na/edu/apps/{id}/v2/rooms/a", "//na/edu/apps/{id}/v2/rooms/none"] {
        let path = path.replace("{id}", id.as_str());
        let answer = school.call(&token, Method::GET, &path, Value::Null).await;
        assert_eq!(answer.code(), (404, 20_404_100));
        bodies.push(answer.bytes);
    }
    assert_eq!(bodies[0], bodies[1]);
}

#[tokio::test]
async fn an_earlier_entry_of_a_user_acts_no_more() {
    let school = school().await;
    let entered = async || {
        let answer = school.enters("a", "bob", 2).await;
        answer.data()["localUser"]["userToken"].as_str().unwrap().to_owned()
    };
    let looks = async |session: String| {
        let path = edu(&school.lab.app, "/v2/rooms/a/users/bob");
        let header = format!("agora token={}", school.seat("a", "bob", 2));
        let call = Call::new(Method::GET, &path).header("authorization", &header);
        school.lab.call(call.header("token", &session)).await.code()
    };
    let first = entered().await;
    assert_eq!(looks(first.clone()).await, (200, 0));
    let second = entered().await;
    assert_eq!(looks(first).await, (401, 401));
    assert_eq!(looks(second).await, (200, 0));
    assert_eq!(looks("no number".into()).await, (401, 401));
}

#[tokio::test]
async fn an_open_app_is_administered_with_a_token_all_the_same() {
    let lab = Lab::with(AuthPolicy::Open);
    let body = json!({"roomName": "A class", "roomType": 4});
    let call = Call::new(Method::POST, &edu(&lab.app, "/v2/rooms/a")).json(body);
    assert_eq!(lab.call(call).await.code(), (401, 401));
}
