//! Groups' administrators, mutes, lists, announcement, attributes and readers.

use http::Method;
use serde_json::{Value, json};
use stoa_chat::NewGroup;
use stoa_core::{GroupId, UserId};

use crate::lab::Lab;
use crate::transcript::Transcript;

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

/// A group of `owner` with `amy` and `bob`. Its id is drawn, but the lab always draws the same.
async fn group(lab: &Lab) -> GroupId {
    lab.users(&["owner", "amy", "bob", "carl"]).await;
    let new = NewGroup {
        owner: user("owner"),
        name: "Group".into(),
        description: String::new(),
        avatar: String::new(),
        custom: String::new(),
        public: false,
        approval: false,
        member_invites: false,
        invite_confirm: false,
        max_members: 200,
        members: vec![user("amy"), user("bob")],
    };
    let owner = lab.caller("owner").await;
    lab.chat.create_group(&owner, None, new).await.unwrap()
}

#[tokio::test]
async fn administrators_and_mutes() {
    let lab = Lab::new();
    let group = group(&lab).await;
    let at = |rest: &str| format!("/chatgroups/{}{rest}", group.as_str());
    let mut transcript = Transcript::new(&lab);
    let mute = |ms: Value, names: Value| json!({"mute_duration": ms, "usernames": names});
    let bob = || json!(["bob"]);
    let mine = format!("/sdk{}", at("/mute/bob"));
    for (who, method, path, body) in [
        ("owner", Method::POST, at("/admin"), json!({"newadmin": "amy"})),
        ("amy", Method::POST, at("/admin"), json!({"newadmin": "bob"})),
        ("owner", Method::POST, at("/admin"), json!({"newadmin": "carl"})),
        ("owner", Method::POST, at("/admin"), json!({"newadmin": 7})),
        ("bob", Method::GET, at("/admin"), Value::Null),
        ("carl", Method::GET, at("/admin"), Value::Null),
        ("amy", Method::POST, at("/mute?resource=web"), mute(json!(60_000), bob())),
        ("amy", Method::POST, at("/mute"), mute(json!(-1), bob())),
        ("amy", Method::POST, at("/mute"), mute(json!(0), bob())),
        ("amy", Method::POST, at("/mute"), mute(json!(-2), bob())),
        ("amy", Method::POST, at("/mute"), mute(json!(1.5), bob())),
        ("amy", Method::POST, at("/mute"), mute(json!("60"), bob())),
        ("amy", Method::POST, at("/mute"), mute(json!(u64::MAX), bob())),
        ("amy", Method::POST, at("/mute"), mute(Value::Null, bob())),
        ("amy", Method::POST, at("/mute"), mute(json!(1), json!([]))),
        ("amy", Method::POST, at("/mute"), mute(json!(1), json!(["owner"]))),
        ("amy", Method::POST, at("/mute"), mute(json!(1), json!(["carl", "bob"]))),
        ("amy", Method::GET, at("/mute"), Value::Null),
        ("bob", Method::GET, mine.clone(), Value::Null),
        ("carl", Method::GET, mine, Value::Null),
        ("amy", Method::DELETE, at("/mute/bob"), Value::Null),
        ("amy", Method::POST, at("/ban"), Value::Null),
        ("amy", Method::DELETE, at("/ban"), Value::Null),
        ("bob", Method::POST, at("/ban"), Value::Null),
        ("owner", Method::DELETE, at("/admin/amy"), Value::Null),
    ] {
        transcript.user(who, method, &path, body).await;
    }
    insta::assert_snapshot!(transcript.text());
}

#[tokio::test]
async fn block_and_allow_lists() {
    let lab = Lab::new();
    let group = group(&lab).await;
    let at = |rest: &str| format!("/chatgroups/{}{rest}", group.as_str());
    let mut transcript = Transcript::new(&lab);
    for (method, path, body) in [
        (Method::POST, at("/white/users/amy"), Value::Null),
        (Method::POST, at("/white/users/carl"), Value::Null),
        (Method::POST, at("/white/users"), json!({"usernames": ["bob", "carl"]})),
        (Method::GET, at("/white/users"), Value::Null),
        (Method::GET, at("/white/users/amy"), Value::Null),
        (Method::DELETE, at("/white/users/amy"), Value::Null),
        (Method::POST, at("/blocks/users/amy"), Value::Null),
        (Method::POST, at("/blocks/users/owner"), Value::Null),
        (Method::POST, at("/blocks/users"), json!({"usernames": ["bob", "carl", "owner"]})),
        (Method::GET, at("/blocks/users"), Value::Null),
        (Method::GET, at("/blocks/users?pageSize=1"), Value::Null),
        (Method::GET, at("/blocks/users?pageSize=51"), Value::Null),
        (Method::GET, at("/blocks/users?cursor=x"), Value::Null),
        (Method::DELETE, at("/blocks/users/amy"), Value::Null),
        (Method::DELETE, at("/blocks/users/amy%2Cbob"), Value::Null),
        (Method::DELETE, at("/blocks/users/not%20a%20name"), Value::Null),
    ] {
        transcript.admin(method, &path, body).await;
    }
    insta::assert_snapshot!(transcript.text());
}

#[tokio::test]
async fn announcement_attributes_and_readers() {
    let lab = Lab::new();
    let group = group(&lab).await;
    let id = group.as_str();
    let at = |rest: &str| format!("/chatgroups/{id}{rest}");
    let of = |name: &str| format!("/sdk/metadata/chatgroup/{id}/user/{name}");
    let many = format!("/metadata/chatgroup/{id}/get");
    let mut transcript = Transcript::new(&lab);
    for (who, method, path, body) in [
        ("owner", Method::POST, at("/announcement"), json!({"announcement": "Grüße"})),
        ("amy", Method::GET, at("/announcement"), Value::Null),
        ("amy", Method::POST, at("/announcement"), json!({"announcement": "no"})),
        ("owner", Method::POST, at("/announcement"), json!({"announcement": "n".repeat(513)})),
        ("carl", Method::GET, at("/announcement"), Value::Null),
        ("owner", Method::POST, at("/announcement"), json!({"announcement": ""})),
        ("amy", Method::PUT, of("amy"), json!({"metaData": {"nick": "Ä", "rank": "1"}})),
        ("amy", Method::PUT, of("amy"), json!({"metaData": {"rank": ""}})),
        ("amy", Method::PUT, of("bob"), json!({"metaData": {"nick": "B"}})),
        ("amy", Method::PUT, of("amy"), json!({"metaData": {"not a key": "B"}})),
        ("amy", Method::PUT, of("amy"), json!({"metaData": {"nick": 7}})),
        ("amy", Method::PUT, of("amy"), json!({"metaData": []})),
        ("amy", Method::PUT, of("amy"), json!({"metaData": {"nick": "v".repeat(513)}})),
        ("bob", Method::GET, of("amy"), Value::Null),
        ("bob", Method::POST, many.clone(), json!({"targets": ["amy", "carl"], "properties": []})),
        ("bob", Method::POST, many, json!({"targets": ["amy"], "properties": ["rank"]})),
        ("bob", Method::GET, at("/acks/123?limit=500&key=undefined"), Value::Null),
        ("bob", Method::GET, at("/acks/x"), Value::Null),
        ("bob", Method::POST, at("/shield?version=v3&resource=web"), Value::Null),
        ("bob", Method::DELETE, at("/shield?version=v3&resource=web"), Value::Null),
        ("owner", Method::POST, at("/shield"), Value::Null),
        ("owner", Method::GET, "/chatgroups/none/admin".into(), Value::Null),
    ] {
        transcript.user(who, method, &path, body).await;
    }
    insta::assert_snapshot!(transcript.text());
}
