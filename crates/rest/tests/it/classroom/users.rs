//! Users of a room by the app's back end (C052 to C057, C068).

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use stoa_audit::{Act, Query};
use stoa_core::Operator;

use super::school::School;

async fn school() -> School {
    let school = School::new();
    school.class("a").await;
    school.enters("a", "bob", 2).await.data();
    school
}

#[tokio::test]
async fn c052_a_user_has_seven_fields() {
    let school = school().await;
    let answer = school.app(Method::GET, "/v2/rooms/a/users/bob", Value::Null).await;
    let user = answer.data().as_object().unwrap();
    let mut fields: Vec<_> = user.keys().map(String::as_str).collect();
    fields.sort_unstable();
    let expected =
        ["role", "state", "streamUuid", "updateTime", "userName", "userProperties", "userUuid"];
    assert_eq!(fields, expected);
    assert_eq!((&user["role"], &user["state"]), (&json!("2"), &json!(1)));
    for path in ["/v2/rooms/a/users/nobody", "/v2/rooms/b/users/bob"] {
        let answer = school.app(Method::GET, path, Value::Null).await;
        let code = if path.contains("/b/") { 20_404_100 } else { 20_404_200 };
        assert_eq!(answer.code(), (404, code));
    }
}

#[tokio::test]
async fn c053_c054_properties_of_a_user_are_set_removed_and_told() {
    let school = school().await;
    let path = "/v2/rooms/a/users/bob/properties";
    let body = json!({"properties": {"a": {"x": 1, "y": 2}}, "cause": {"cmd": 9}});
    school.app(Method::PUT, path, body).await.data();
    let told = school.frames("a").await.pop().unwrap();
    assert_eq!(told["cmd"], 22);
    assert_eq!(told["data"]["fromUser"]["userUuid"], "bob");
    assert_eq!(told["data"]["changeProperties"], json!({"flexProps.a": {"x": 1, "y": 2}}));
    assert_eq!(told["data"]["cause"], json!({"cmd": 9}));
    school.app(Method::DELETE, path, json!({"properties": ["a.x"]})).await.data();
    let told = school.frames("a").await.pop().unwrap();
    assert_eq!(
        (&told["cmd"], &told["data"]["changeProperties"]),
        (&json!(23), &json!({"flexProps.a.x": "deleted"}))
    );
    let user = school.app(Method::GET, "/v2/rooms/a/users/bob", Value::Null).await;
    assert_eq!(user.data()["userProperties"]["flexProps"], json!({"a": {"y": 2}}));
    for method in [Method::PUT, Method::DELETE] {
        let body = if method == Method::PUT {
            json!({"properties": {"a": 1}})
        } else {
            json!({"properties": ["a"]})
        };
        let answer = school.app(method, "/v2/rooms/a/users/nobody/properties", body).await;
        assert_eq!(answer.code(), (404, 20_404_200));
    }
}

async fn exit(school: &School, body: Value) {
    school.app(Method::POST, "/v2/rooms/a/users/bob/exit", body).await.data();
}

#[tokio::test]
async fn c055_who_is_put_out_may_come_back() {
    let school = school().await;
    exit(&school, Value::Null).await;
    let told = school.frames("a").await.pop().unwrap();
    assert_eq!(told["cmd"], 20);
    let gone = &told["data"]["offlineUsers"][0];
    assert_eq!((&gone["userUuid"], &gone["type"]), (&json!("bob"), &json!(2)));
    let event = school.events("a", "?cmd=20").await.pop().unwrap();
    assert_eq!(event["data"]["offlineUsers"][0]["type"], 2);
    let user = school.app(Method::GET, "/v2/rooms/a/users/bob", Value::Null).await;
    assert_eq!(user.data()["state"], 0);
    school.enters("a", "bob", 2).await.data();
    let answer = school.app(Method::POST, "/v2/rooms/a/users/nobody/exit", Value::Null).await;
    assert_eq!(answer.code(), (404, 20_404_200));
}

#[tokio::test]
async fn c056_a_ban_counts_from_the_kick() {
    let school = school().await;
    exit(&school, json!({"dirty": {"state": 1, "duration": 600}})).await;
    school.pass(Duration::from_secs(599)).await;
    assert_eq!(school.enters("a", "bob", 2).await.code(), (403, 30_403_100));
    school.pass(Duration::from_secs(1)).await;
    school.enters("a", "bob", 2).await.data();
}

#[tokio::test]
async fn c057_a_ban_for_ever_is_lifted_by_hand_alone() {
    let school = school().await;
    exit(&school, json!({"dirty": {"state": 1, "duration": -1}})).await;
    school.pass(Duration::from_secs(3000)).await;
    assert_eq!(school.enters("a", "bob", 2).await.code(), (403, 30_403_100));
    // Neither does a banned assistant help on with the token that it has.
    exit(&school, json!({"dirty": {"state": 0}})).await;
    school.enters("a", "bob", 2).await.data();
    for dirty in [
        json!({"state": 2}),
        json!({"duration": 5}),
        json!({"state": 1}),
        json!({"state": 1, "duration": 0}),
        json!({"state": 1, "duration": -2}),
        json!({"state": 1, "duration": 1.5}),
        json!({"state": 1, "duration": "x"}),
        json!(7),
    ] {
        let body = json!({"dirty": dirty});
        let answer = school.app(Method::POST, "/v2/rooms/a/users/bob/exit", body.clone()).await;
        assert_eq!(answer.code(), (400, 400), "{body}");
    }
}

#[tokio::test]
async fn who_is_banned_acts_no_more_with_the_token_that_it_has() {
    let school = school().await;
    school.enters("a", "ada", 3).await.data();
    let body = json!({"properties": {"a": 1}});
    let assistant = ("a", "ada", 3);
    let path = "/v2/rooms/a/properties";
    school.by(assistant, Method::PUT, path, body.clone()).await.data();
    let ban = json!({"dirty": {"state": 1, "duration": -1}});
    school.app(Method::POST, "/v2/rooms/a/users/ada/exit", ban).await.data();
    let answer = school.by(assistant, Method::PUT, path, body).await;
    assert_eq!(answer.code(), (403, 30_403_100));
}

#[tokio::test]
async fn c068_the_roster_is_read_by_page_role_and_name() {
    let school = school().await;
    for (user, role) in [("ann", 1), ("cid", 2), ("eve", 4), ("rec", 0), ("ada", 3)] {
        school.enters("a", user, role).await.data();
    }
    let list = async |query: &str| {
        let path = format!("/v2/rooms/a/users{query}");
        let answer = school.by(("a", "ann", 1), Method::GET, &path, Value::Null).await;
        let data = answer.data().clone();
        let users = data["list"].as_array().unwrap().iter();
        let users: Vec<_> = users.map(|user| user["userUuid"].as_str().unwrap()).collect();
        assert_eq!(data["count"], users.len());
        (users.join(","), data["nextId"].clone(), data["total"].clone())
    };
    assert_eq!(list("").await, ("ada,ann,bob,cid".into(), Value::Null, json!(4)));
    assert_eq!(list("?role=2").await.0, "bob,cid");
    assert_eq!(list("?role=audience&userName=i").await.0, "cid");
    assert_eq!(list("?role=4").await.0, "");
    let (first, next, total) = list("?count=3").await;
    assert_eq!((first.as_str(), &next, &total), ("ada,ann,bob", &json!("bob"), &json!(4)));
    assert_eq!(list("?count=3&nextId=bob").await, ("cid".into(), Value::Null, json!(4)));
    for query in ["?role=x", "?count=0", "?nextId=%2F"] {
        let path = format!("/v2/rooms/a/users{query}");
        let answer = school.app(Method::GET, &path, Value::Null).await;
        assert_eq!(answer.code(), (400, 400), "{query}");
    }
}

#[tokio::test]
async fn the_back_end_revokes_the_tokens_of_whomever_it_names_and_newer_ones_are_good() {
    let school = school().await;
    school.enters("a", "cid", 2).await.data();
    let [bob, cid, back_end] =
        [school.seat("a", "bob", 2), school.seat("a", "cid", 2), school.back_end()];
    let looks = async |token: &str, user: &str| {
        let path = format!("/v2/rooms/a/users/{user}");
        school.call(token, Method::GET, &path, Value::Null).await.status.as_u16()
    };
    assert_eq!((looks(&bob, "bob").await, looks(&cid, "cid").await), (200, 200));
    // Also of somebody who has come nowhere.
    for user in ["bob", "no%20body"] {
        let path = format!("/v2/users/{user}/token/invalid");
        school.call(&back_end, Method::POST, &path, Value::Null).await.data();
    }
    assert_eq!((looks(&bob, "bob").await, looks(&cid, "cid").await), (401, 200));
    let wrong = school.app(Method::POST, "/v2/users/%C3%A4/token/invalid", Value::Null).await;
    assert_eq!(wrong.code().0, 400);
    school.pass(Duration::from_secs(61)).await;
    school.enters("a", "bob", 2).await.data();
    assert_eq!(looks(&bob, "bob").await, 401, "never again");
    let scope = Operator::of_this_process().in_app(school.lab.app.clone());
    let query = Query { act: Some(Act::UserRevoked), limit: 10, ..Query::default() };
    let page = school.lab.audit.of(&scope).await.unwrap().page(&query).await.unwrap();
    assert_eq!(page.entries.len(), 2);
}
