//! How often one may call.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use stoa_core::limits;

use crate::lab::{Call, Lab};

#[tokio::test]
async fn an_app_has_its_calls_for_each_operation() {
    let lab = Lab::new();
    lab.users(&["alice"]).await;
    for _ in 0..limits::REST_CALLS_PER_SECOND {
        lab.admin(Method::GET, "/users/alice", Value::Null).await.done();
    }
    let answer = lab.admin(Method::GET, "/users/alice", Value::Null).await;
    assert_eq!(answer.refused(429), ("reach_limit", "This request has reached API limit."));
    assert_eq!(answer.header("retry-after"), "1");
    // Another user in the path is the same operation; another method or path is not.
    let other = lab.admin(Method::GET, "/users/bob", Value::Null).await;
    assert_eq!(other.refused(429).0, "reach_limit");
    lab.admin(Method::GET, "/users", Value::Null).await.done();
    lab.clock.advance(Duration::from_millis(10));
    lab.admin(Method::GET, "/users/alice", Value::Null).await.done();
}

#[tokio::test]
async fn strangers_do_not_use_up_an_apps_calls() {
    let lab = Lab::new();
    lab.users(&["alice"]).await;
    for _ in 0..2 * limits::REST_CALLS_PER_SECOND {
        let bad = Call::new(Method::GET, "/users/alice").token(&lab.forged_token());
        assert_eq!(lab.call(bad).await.refused(401).0, "auth_bad_access_token");
    }
    lab.admin(Method::GET, "/users/alice", Value::Null).await.done();
}

#[tokio::test]
async fn whoever_tries_passwords_is_slowed_down_at_that_address_only() {
    let lab = Lab::new();
    lab.users(&["alice"]).await;
    let try_at = |address: &str, secret: &str| {
        // Client secrets are compared like passwords, without the work of a password hash.
        let body = json!({
            "grant_type": "client_credentials",
            "client_id": lab.app.id.to_string(),
            "client_secret": secret,
        });
        lab.call(Call::new(Method::POST, "/token").json(body).from(address))
    };
    let mut tries = 0;
    let refused = loop {
        let answer = try_at("192.0.2.7", "wrong").await;
        if answer.status != 400 {
            break answer;
        }
        tries += 1;
    };
    assert_eq!((tries, refused.refused(429).0), (20, "reach_limit"));
    let right = lab.app.certificates[0].expose();
    assert_eq!(try_at("192.0.2.7", right).await.refused(429).0, "reach_limit");
    try_at("192.0.2.8", right).await.done();
    lab.clock.advance(Duration::from_secs(1));
    try_at("192.0.2.7", right).await.done();
}

#[tokio::test]
async fn a_proxy_on_the_same_machine_is_not_taken_for_one_client() {
    let lab = Lab::new();
    for _ in 0..50 {
        let body =
            json!({"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"});
        let call = Call::new(Method::POST, "/token").json(body).from("::ffff:127.0.0.1");
        assert_eq!(lab.call(call).await.refused(400).0, "invalid_grant");
    }
}
