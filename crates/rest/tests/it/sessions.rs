//! Who is online, and ending sessions.

use http::Method;
use serde_json::{Value, json};

use crate::lab::Lab;
use crate::transcript::Transcript;

#[tokio::test]
async fn online_users() {
    let lab = Lab::new();
    lab.users(&["alice", "bob"]).await;
    let _web = lab.online("alice", "webim_1").await;
    let _phone = lab.online("alice", "ios_2").await;
    let mut transcript = Transcript::new(&lab);
    let t = &mut transcript;
    t.admin(Method::GET, "/users/alice/status", Value::Null).await;
    t.user("bob", Method::GET, "/users/bob/status", Value::Null).await;
    t.user("bob", Method::GET, "/users/alice/status", Value::Null).await;
    t.admin(Method::GET, "/users/nobody/status", Value::Null).await;
    t.user("alice", Method::GET, "/users/alice/resources", Value::Null).await;
    t.admin(Method::GET, "/users/bob/resources", Value::Null).await;
    t.user("bob", Method::GET, "/users/alice/resources", Value::Null).await;
    for body in [
        json!({"usernames": ["bob", "Alice", "nobody", "not a name"]}),
        json!({"usernames": []}),
        json!({"usernames": "alice"}),
        json!({"usernames": ["alice", 7]}),
        json!({"usernames": vec!["alice"; 101]}),
        json!({}),
    ] {
        t.admin(Method::POST, "/users/batch/status", body).await;
    }
    t.user("bob", Method::POST, "/users/batch/status", json!({"usernames": ["bob"]})).await;
    insta::assert_snapshot!(transcript.text());
}

#[tokio::test]
async fn forced_logout() {
    let lab = Lab::new();
    lab.users(&["alice"]).await;
    let _web = lab.online("alice", "webim_1").await;
    let mut transcript = Transcript::new(&lab);
    let t = &mut transcript;
    t.admin(Method::GET, "/users/alice/disconnect", Value::Null).await;
    t.admin(Method::POST, "/users/alice/disconnect", Value::Null).await;
    t.admin(Method::POST, "/users/nobody/disconnect", Value::Null).await;
    t.admin(Method::DELETE, "/users/alice/disconnect/webim_1", Value::Null).await;
    t.admin(Method::DELETE, "/users/alice/disconnect/ios_2", Value::Null).await;
    t.admin(Method::DELETE, "/users/alice/disconnect/a%20b", Value::Null).await;
    t.admin(Method::DELETE, "/users/nobody/disconnect/ios_2", Value::Null).await;
    t.user("alice", Method::POST, "/users/alice/disconnect", Value::Null).await;
    insta::assert_snapshot!(transcript.text());
}
