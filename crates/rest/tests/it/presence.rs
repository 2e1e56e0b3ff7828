//! Presence.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::lab::Lab;
use crate::transcript::Transcript;

#[tokio::test]
async fn presence() {
    let lab = Lab::new();
    lab.users(&["alice", "bob", "carol"]).await;
    let online = lab.online("bob", "webim_1").await;
    let mut transcript = Transcript::new(&lab);
    let t = &mut transcript;
    let mine = "/users/alice/presence";
    t.user("alice", Method::POST, &format!("{mine}/3600"), json!({"usernames": ["bob", "nobody"]}))
        .await;
    lab.clock.advance(Duration::from_secs(5));
    let publish = "/users/bob/presence/webim_1/1";
    t.user("bob", Method::POST, publish, json!({"ext": "busy"})).await;
    t.user("alice", Method::POST, mine, json!({"usernames": ["bob", "carol", "nobody"]})).await;
    t.admin(Method::POST, "/users/bob/presence/webim_1/104", json!({})).await;
    t.user("carol", Method::POST, "/users/carol/presence", json!({"usernames": ["bob"]})).await;
    drop(online);
    t.user("alice", Method::POST, mine, json!({"usernames": ["bob"]})).await;
    t.user("alice", Method::GET, &format!("{mine}/sublist?pageNum=1&pageSize=20"), Value::Null)
        .await;
    t.user("alice", Method::DELETE, mine, json!(["bob"])).await;
    t.user("alice", Method::DELETE, mine, json!({"users": ["bob"]})).await;
    t.user("alice", Method::GET, &format!("{mine}/sublist"), Value::Null).await;
    insta::assert_snapshot!(transcript.text());
}

#[tokio::test]
async fn refusals_about_presence() {
    let lab = Lab::new();
    lab.users(&["alice", "bob"]).await;
    let _online = lab.online("alice", "webim_1").await;
    let mut transcript = Transcript::new(&lab);
    let t = &mut transcript;
    let mine = "/users/alice/presence";
    let publish = format!("{mine}/webim_1/1");
    t.user("alice", Method::POST, &publish, json!({"ext": "e".repeat(1025)})).await;
    t.user("alice", Method::POST, &publish, json!({"ext": 7})).await;
    t.user("bob", Method::POST, &publish, json!({})).await;
    t.user("alice", Method::POST, &format!("{mine}/ios_2/1"), json!({})).await;
    t.user("alice", Method::POST, &format!("{mine}/webim_1/away"), json!({})).await;
    t.user("alice", Method::POST, &format!("{mine}/webim_1/65536"), json!({})).await;
    let bob = || json!({"usernames": ["bob"]});
    for expiry in ["0", "2592001", "-1", "soon", "99999999999999999999"] {
        t.user("alice", Method::POST, &format!("{mine}/{expiry}"), bob()).await;
    }
    t.user("alice", Method::POST, &format!("{mine}/60"), json!({"usernames": ["alice"]})).await;
    let many = || json!({"usernames": vec!["bob"; 101]});
    t.user("alice", Method::POST, &format!("{mine}/60"), many()).await;
    t.user("alice", Method::POST, mine, many()).await;
    t.user("alice", Method::DELETE, mine, json!(vec!["bob"; 101])).await;
    t.user("alice", Method::DELETE, mine, json!(["bob", 7])).await;
    t.user("alice", Method::GET, &format!("{mine}/sublist?pageSize=501"), Value::Null).await;
    t.user("bob", Method::POST, mine, bob()).await;
    insta::assert_snapshot!(transcript.text());
}
