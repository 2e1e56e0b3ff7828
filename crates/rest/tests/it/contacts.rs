//! Contacts and block lists.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::lab::Lab;
use crate::transcript::Transcript;

#[tokio::test]
async fn from_an_invitation_to_its_end() {
    let lab = Lab::new();
    lab.users(&["alice", "bob", "carol"]).await;
    let mut transcript = Transcript::new(&lab);
    let t = &mut transcript;
    let apply = "/users/alice/contacts/apply?resource=webim_1";
    t.user("alice", Method::POST, apply, json!({"usernames": ["bob"], "reason": "hi"})).await;
    let accept = "/users/bob/contacts/accept/users/alice?resource=webim_2";
    t.user("bob", Method::POST, accept, Value::Null).await;
    t.user("bob", Method::POST, accept, Value::Null).await;
    t.user("bob", Method::GET, "/users/bob/contacts/users?_v=1", Value::Null).await;
    let remark = "/users/bob/contacts/users/alice?resource=webim_2";
    t.user("bob", Method::PUT, remark, json!({"remark": "Alice A."})).await;
    t.user("bob", Method::GET, "/users/bob/contacts/users?needReturnRemark=true", Value::Null)
        .await;
    t.user("bob", Method::DELETE, remark, Value::Null).await;
    t.user("alice", Method::GET, "/users/alice/contacts/users", Value::Null).await;
    t.user("alice", Method::POST, apply, json!({"usernames": ["bob"]})).await;
    let decline = "/users/bob/contacts/decline/users/alice";
    t.user("bob", Method::POST, decline, Value::Null).await;
    t.user("bob", Method::POST, decline, Value::Null).await;
    insta::assert_snapshot!(transcript.text());
}

#[tokio::test]
async fn refusals_about_contacts() {
    let lab = Lab::new();
    lab.users(&["alice", "bob", "carol"]).await;
    let mut transcript = Transcript::new(&lab);
    let t = &mut transcript;
    let apply = "/users/alice/contacts/apply";
    for body in [
        json!({"usernames": ["alice"]}),
        json!({"usernames": ["nobody"]}),
        json!({"usernames": ["no body"]}),
        json!({"usernames": []}),
        json!({"usernames": "bob"}),
        json!({"usernames": ["bob"], "reason": "r".repeat(513)}),
        json!({}),
    ] {
        t.user("alice", Method::POST, apply, body).await;
    }
    let body = || json!({"usernames": ["bob"]});
    t.user("bob", Method::POST, apply, body()).await;
    t.user("alice", Method::POST, &format!("{apply}?resource=a%20b"), body()).await;
    t.call("another app", Some(lab.foreign_token()), Method::POST, apply, body()).await;
    let friend = "/users/alice/contacts/users/bob";
    t.user("alice", Method::POST, friend, Value::Null).await;
    t.user("alice", Method::PUT, friend, json!({"remark": "x"})).await;
    t.user("alice", Method::PUT, friend, json!({"remark": "x".repeat(101)})).await;
    t.user("alice", Method::PUT, friend, json!({})).await;
    t.user("alice", Method::DELETE, "/users/alice/contacts/users/nobody", Value::Null).await;
    t.user("bob", Method::GET, "/users/alice/contacts", Value::Null).await;
    for query in ["limit=51", "limit=0", "cursor=x", "needReturnRemark=maybe"] {
        let path = format!("/users/alice/contacts?{query}");
        t.user("alice", Method::GET, &path, Value::Null).await;
    }
    t.admin(Method::POST, "/users/nobody/contacts/users/bob", Value::Null).await;
    t.admin(Method::POST, "/users/bob/contacts/users/nobody", Value::Null).await;
    insta::assert_snapshot!(transcript.text());
}

#[tokio::test]
async fn contacts_by_page_under_both_spellings() {
    let lab = Lab::new();
    lab.users(&["alice", "bob", "carol", "dave"]).await;
    for friend in ["bob", "carol", "dave"] {
        let path = format!("/users/alice/contacts/users/{friend}");
        lab.admin(Method::POST, &path, Value::Null).await.done();
        lab.clock.advance(Duration::from_secs(1));
    }
    let mut transcript = Transcript::new(&lab);
    let t = &mut transcript;
    let first = "/users/alice/contacts?needReturnRemark=true&limit=2&cursor=undefined";
    let page = t.user("alice", Method::GET, first, Value::Null).await;
    let cursor = page.body["data"]["cursor"].as_str().unwrap().to_owned();
    assert_eq!(page.body["cursor"], json!(cursor));
    let next = lab
        .as_user(
            "alice",
            Method::GET,
            &format!("/user/alice/contacts?limit=2&cursor={cursor}"),
            Value::Null,
        )
        .await;
    let data = json!({"contacts": [{"username": "bob", "remark": null}], "cursor": ""});
    assert_eq!(next.done()["data"], data);
    assert!(next.body.get("cursor").is_none(), "none on the last page");
    t.admin(Method::GET, "/user/alice/contacts", Value::Null).await;
    t.admin(Method::DELETE, "/users/alice/contacts/users/bob", Value::Null).await;
    t.admin(Method::GET, "/users/alice/rosters", Value::Null).await;
    insta::assert_snapshot!(transcript.text());
}

#[tokio::test]
async fn block_lists() {
    let lab = Lab::new();
    lab.users(&["alice", "bob", "carol", "dave"]).await;
    let mut transcript = Transcript::new(&lab);
    let t = &mut transcript;
    let sdk = "/sdk/user/alice/blocks?resource=webim_1";
    t.user("alice", Method::POST, sdk, json!({"usernames": ["bob", "carol"]})).await;
    lab.clock.advance(Duration::from_secs(1));
    let rest = "/users/alice/blocks/users";
    t.admin(Method::POST, rest, json!({"usernames": ["dave"]})).await;
    t.user("alice", Method::GET, rest, Value::Null).await;
    let page = t.user("alice", Method::GET, &format!("{rest}?pageSize=1"), Value::Null).await;
    let cursor = page.body["cursor"].as_str().unwrap();
    let path = format!("{rest}?pageSize=50&cursor={cursor}");
    let page = lab.as_user("alice", Method::GET, &path, Value::Null).await;
    assert_eq!(page.done()["count"], 2);
    let apply = json!({"usernames": ["alice"]});
    t.user("bob", Method::POST, "/users/bob/contacts/apply", apply).await;
    t.user("alice", Method::DELETE, sdk, json!({"usernames": ["bob", "nobody"]})).await;
    t.user("alice", Method::DELETE, &format!("{rest}/carol"), Value::Null).await;
    t.user("alice", Method::GET, rest, Value::Null).await;
    for body in [
        json!({"usernames": ["alice"]}),
        json!({"usernames": ["bob", "nobody"]}),
        json!({"usernames": vec!["bob"; 51]}),
        json!({}),
    ] {
        t.user("alice", Method::POST, sdk, body).await;
    }
    t.user("bob", Method::GET, rest, Value::Null).await;
    t.user("bob", Method::POST, sdk, json!({"usernames": ["bob"]})).await;
    insta::assert_snapshot!(transcript.text());
}
