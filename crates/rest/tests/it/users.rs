//! Registration and accounts.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use stoa_core::AuthPolicy;

use crate::lab::{Call, Lab};
use crate::transcript::Transcript;

#[tokio::test]
async fn register() {
    let lab = Lab::new();
    let mut transcript = Transcript::new(&lab);
    for body in [
        json!({"username": "alice", "password": "pw", "nickname": "Ünï 😀"}),
        json!({"username": "ALICE"}),
        json!([{"username": "bob"}, {"username": "alice"}, {"username": "carol"}, {"username": "bob"}]),
        json!({"username": "has space"}),
        json!({"username": "n".repeat(65)}),
        json!({"username": "123e4567-e89b-12d3-a456-426614174000"}),
        json!({"password": "pw"}),
        json!({"username": 7}),
        json!({"username": "dave", "password": ""}),
        json!({"username": "dave", "password": "p".repeat(65)}),
        json!({"username": "dave", "nickname": "n".repeat(101)}),
        json!([{"username": "dave"}, {"username": "erin", "password": 7}]),
        json!([{"username": "dave"}, "not an object"]),
        json!([]),
        json!("dave"),
    ] {
        transcript.admin(Method::POST, "/users", body).await;
    }
    let sixty_one: Vec<Value> = (0..61).map(|n| json!({"username": format!("u{n}")})).collect();
    let answer = lab.admin(Method::POST, "/users", sixty_one.into()).await;
    assert_eq!(answer.refused(400).1, "the list must have 1 to 60 users, not 61");
    let dave = lab.admin(Method::GET, "/users/dave", Value::Null).await;
    assert_eq!(dave.refused(404).0, "service_resource_not_found", "refused lists change nothing");
    insta::assert_snapshot!(transcript.text());
}

#[tokio::test]
async fn who_may_register() {
    let lab = Lab::new();
    lab.users(&["alice"]).await;
    let mut transcript = Transcript::new(&lab);
    let body = || json!({"username": "bob", "password": "pw"});
    transcript.stranger(Method::POST, "/users", body()).await;
    transcript.stranger(Method::POST, "/users", json!("not read")).await;
    transcript.user("alice", Method::POST, "/users", body()).await;
    let forged = Some(lab.forged_token());
    transcript.call("forged", forged, Method::POST, "/users", body()).await;
    insta::assert_snapshot!(transcript.text());
}

#[tokio::test]
async fn an_open_app_lets_anybody_register() {
    let lab = Lab::with(AuthPolicy::Open);
    let mut transcript = Transcript::new(&lab);
    for body in [
        json!({"username": "alice", "password": "pw", "nickname": ""}),
        json!({"username": "alice", "password": "pw"}),
        json!({"username": "bob"}),
        json!([{"username": "bob", "password": "pw"}]),
    ] {
        transcript.stranger(Method::POST, "/users", body).await;
    }
    insta::assert_snapshot!(transcript.text());
}

#[tokio::test]
async fn one_user() {
    let lab = Lab::new();
    lab.users(&["alice", "bob", "carl"]).await;
    let uuid =
        lab.admin(Method::GET, "/users/alice", Value::Null).await.body["entities"][0]["uuid"]
            .as_str()
            .unwrap()
            .to_owned();
    lab.clock.advance(Duration::from_secs(60));
    let mut transcript = Transcript::new(&lab);
    let t = &mut transcript;
    t.admin(Method::GET, "/users/alice?_v=1", Value::Null).await;
    t.user("alice", Method::GET, "/users/Alice", Value::Null).await;
    t.user("alice", Method::GET, "/users/bob", Value::Null).await;
    t.user("alice", Method::GET, "/users/nobody", Value::Null).await;
    t.admin(Method::GET, "/users/nobody", Value::Null).await;
    t.admin(Method::GET, "/users/no%20body", Value::Null).await;
    t.user("alice", Method::PUT, "/users/alice", json!({"nickname": "Al"})).await;
    t.admin(Method::PUT, "/users/alice", json!({"nickname": ""})).await;
    t.user("alice", Method::PUT, "/users/bob", json!({"nickname": "Bo"})).await;
    t.user("alice", Method::PUT, "/users/alice", json!({"nickname": "n".repeat(101)})).await;
    t.user("alice", Method::PUT, "/users/alice", json!({})).await;
    let push = json!({"device_id": "1", "device_token": "2", "notifier_name": "3"});
    t.user("alice", Method::PUT, "/users/alice", push).await;
    t.admin(Method::POST, "/users/carl/deactivate", Value::Null).await;
    t.admin(Method::POST, "/users/carl/activate", Value::Null).await;
    t.admin(Method::POST, "/users/nobody/activate", Value::Null).await;
    t.user("alice", Method::POST, "/users/alice/activate", Value::Null).await;
    t.admin(Method::DELETE, "/users/bob", Value::Null).await;
    t.admin(Method::DELETE, "/users/bob", Value::Null).await;
    t.user("alice", Method::DELETE, "/users/alice", Value::Null).await;
    insta::assert_snapshot!(transcript.text());

    for token in [lab.app_token(), lab.user_token("alice"), lab.user_token(&uuid)] {
        let call = Call::new(Method::GET, &format!("/users/{uuid}")).token(&token);
        assert_eq!(lab.call(call).await.done()["entities"][0]["username"], "alice");
    }
    let gone = lab.admin(Method::DELETE, &format!("/users/{uuid}"), Value::Null).await;
    assert_eq!(gone.done()["entities"][0]["uuid"], uuid);
}

#[tokio::test]
async fn a_new_password() {
    let lab = Lab::new();
    lab.users(&["alice"]).await;
    let mut transcript = Transcript::new(&lab);
    let (put, path) = (Method::PUT, "/users/alice/password");
    let before = lab.user_token("alice");
    transcript.user("alice", put.clone(), path, json!({"newpassword": "mine"})).await;
    for body in [
        json!({"newpassword": "new"}),
        json!({"newpassword": ""}),
        json!({"newpassword": "p".repeat(65)}),
        json!({"newpassword": null}),
        json!({}),
    ] {
        transcript.admin(put.clone(), path, body).await;
    }
    transcript.admin(put, "/users/nobody/password", json!({"newpassword": "new"})).await;
    let before = Some(before);
    transcript.call("a token from before", before, Method::GET, "/users/alice", Value::Null).await;
    for password in ["secret-alice", "mine", "new"] {
        let body = json!({"grant_type": "password", "username": "alice", "password": password});
        transcript.stranger(Method::POST, "/token", body).await;
    }
    insta::assert_snapshot!(transcript.text());
}

#[tokio::test]
async fn the_list_of_users() {
    let lab = Lab::new();
    let names = ["zoe", "adam", "mia", "bob", "carol"];
    for name in names {
        lab.users(&[name]).await;
        lab.clock.advance(Duration::from_secs(1));
    }
    let mut transcript = Transcript::new(&lab);
    let page = transcript.admin(Method::GET, "/users?limit=2&cursor=undefined", Value::Null).await;
    let mut seen = Vec::new();
    let mut page = page.body;
    loop {
        let entities = page["entities"].as_array().unwrap();
        seen.extend(entities.iter().map(|user| user["username"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["cursor"].as_str() else { break };
        let path = format!("/users?limit=2&cursor={cursor}");
        page = lab.admin(Method::GET, &path, Value::Null).await.body;
    }
    assert_eq!(seen, names);
    assert_eq!(page["count"], 1);
    for query in ["limit=0", "limit=many", "limit=1&limit=2", "cursor=%00nonsense"] {
        transcript.admin(Method::GET, &format!("/users?{query}"), Value::Null).await;
    }
    transcript.user("zoe", Method::GET, "/users", Value::Null).await;
    insta::assert_snapshot!(transcript.text());
}

#[tokio::test]
async fn a_user_may_be_called_batch() {
    let lab = Lab::new();
    lab.users(&["batch", "alice"]).await;
    let status = lab.admin(Method::GET, "/users/batch/status", Value::Null).await;
    assert_eq!(status.done()["data"], json!({"batch": "offline"}));
    let body = json!({"usernames": ["batch"]});
    lab.admin(Method::POST, "/users/batch/status", body.clone()).await.done();
    let other = lab.admin(Method::POST, "/users/alice/status", body).await;
    assert_eq!(other.refused(405).0, "web_application");
}
