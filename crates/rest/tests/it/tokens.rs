//! `POST /token`, and when a token ends.

use http::Method;
use serde_json::{Value, json};
use stoa_core::AuthPolicy;

use crate::lab::{Call, Lab};
use crate::transcript::Transcript;

#[tokio::test]
async fn grants() {
    let lab = Lab::new();
    lab.users(&["alice"]).await;
    let (id, certificate) = (lab.app.id.to_string(), lab.app.certificates[1].expose());
    let mut transcript = Transcript::new(&lab);
    for body in [
        json!({"grant_type": "password", "username": "Alice", "password": "secret-alice", "timestamp": 1}),
        json!({"grant_type": "password", "username": "alice", "password": "secret-alice", "ttl": 600}),
        json!({"grant_type": "password", "username": "alice", "password": "secret-alice", "ttl": 1_000_000}),
        json!({"grant_type": "password", "username": "alice", "password": "wrong"}),
        json!({"grant_type": "password", "username": "carol", "password": "wrong"}),
        json!({"grant_type": "password", "username": "not a name", "password": "wrong"}),
        json!({"grant_type": "password", "username": "alice"}),
        json!({"grant_type": "password", "username": "alice", "password": "secret-alice", "ttl": -1}),
        json!({"grant_type": "client_credentials", "client_id": id, "client_secret": "f".repeat(32)}),
        json!({"grant_type": "client_credentials", "client_id": "x", "client_secret": "x"}),
        json!({"grant_type": "client_credentials", "client_id": "x"}),
        json!({"grant_type": "inherit", "username": "alice"}),
        json!({"grant_type": "refresh_token"}),
        json!({"grant_type": 7}),
        json!({}),
    ] {
        transcript.stranger(Method::POST, "/token", body).await;
    }
    for body in [
        json!({"grant_type": "inherit", "username": "alice", "ttl": 0}),
        json!({"grant_type": "inherit", "username": "dave"}),
        json!({"grant_type": "inherit", "username": "dave", "autoCreateUser": true}),
        json!({"grant_type": "inherit", "username": "dave", "autoCreateUser": "yes"}),
        json!({"grant_type": "inherit", "username": "da ve"}),
    ] {
        transcript.admin(Method::POST, "/token", body).await;
    }
    let body = json!({"grant_type": "inherit", "username": "alice"});
    transcript.user("alice", Method::POST, "/token", body).await;
    transcript.admin(Method::POST, "/users/alice/deactivate", Value::Null).await;
    let body = json!({"grant_type": "password", "username": "alice", "password": "secret-alice"});
    transcript.stranger(Method::POST, "/token", body).await;
    insta::assert_snapshot!(transcript.text());

    let body =
        json!({"grant_type": "client_credentials", "client_id": id, "client_secret": certificate});
    let answer = lab.call(Call::new(Method::POST, "/token").json(body)).await;
    assert_eq!(answer.done()["application"], "01010101-0101-0101-0101-010101010101");
    assert_eq!(answer.body["expires_in"], 86_400);
    let token = answer.body["access_token"].as_str().unwrap();
    lab.call(Call::new(Method::GET, "/users").token(token)).await.done();
}

#[tokio::test]
async fn a_granted_token_is_the_users() {
    let lab = Lab::new();
    lab.users(&["alice", "bob"]).await;
    let body = json!({"grant_type": "password", "username": "alice", "password": "secret-alice"});
    let answer = lab.call(Call::new(Method::POST, "/token").json(body)).await;
    let token = answer.done()["access_token"].as_str().unwrap();
    assert!(token.starts_with("007"));
    lab.call(Call::new(Method::GET, "/users/alice").token(token)).await.done();
    let bob = lab.call(Call::new(Method::GET, "/users/bob").token(token)).await;
    assert_eq!(bob.refused(401), ("unauthorized", "Unable to authenticate (OAuth)"));
}

#[tokio::test]
async fn an_app_that_takes_only_its_own_tokens_grants_none_to_strangers() {
    let lab = Lab::with(AuthPolicy::Token);
    lab.users(&["alice"]).await;
    let body = json!({"grant_type": "password", "username": "alice", "password": "secret-alice"});
    let answer = lab.call(Call::new(Method::POST, "/token").json(body)).await;
    assert_eq!(answer.refused(400).0, "invalid_grant");
    let body = json!({"grant_type": "inherit", "username": "alice"});
    lab.admin(Method::POST, "/token", body).await.done();
}

#[tokio::test]
async fn when_a_token_ends() {
    let lab = Lab::new();
    lab.users(&["alice", "bob"]).await;
    let path = "/sdk/users/alice/token/expires";
    let mut transcript = Transcript::new(&lab);
    transcript.user("alice", Method::GET, path, Value::Null).await;
    transcript.user("bob", Method::GET, path, Value::Null).await;
    transcript.admin(Method::GET, path, Value::Null).await;
    transcript.stranger(Method::GET, path, Value::Null).await;
    insta::assert_snapshot!(transcript.text());
}
