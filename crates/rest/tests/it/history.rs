//! The history of a conversation.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};
use stoa_chat::entry::Kind;
use stoa_core::Clock;
use stoa_wire::{Message, Meta, NameSpace};

use crate::lab::{Answer, Lab};
use crate::transcript::Transcript;

const PATH: &str = "/users/alice/messageroaming";

/// What the SDK sends for the first page with `bob`, with `more` fields.
fn query(more: Value) -> Value {
    let mut query = json!({
        "queue": "bob@easemob.com", "start": -1, "pull_number": 20, "is_positive": false,
        "msgType": "", "end": -1, "startTime": null, "endTime": null, "userId": null,
    });
    for (name, value) in more.as_object().unwrap() {
        query[name] = value.clone();
    }
    query
}

fn metas(answer: &Answer) -> Vec<Meta> {
    let messages = answer.done()["data"]["msgs"].as_array().unwrap();
    let meta = |message: &Value| {
        let bytes = STANDARD.decode(message["msg"].as_str().unwrap()).unwrap();
        Meta::decode(&*bytes).unwrap()
    };
    messages.iter().map(meta).collect()
}

fn texts(answer: &Answer) -> Vec<String> {
    let text = |meta: Meta| String::from_utf8(meta.payload.unwrap().to_vec()).unwrap();
    metas(answer).into_iter().map(text).collect()
}

#[tokio::test]
async fn a_page_has_the_metas_that_a_session_would_get() {
    let lab = Lab::new();
    lab.users(&["alice", "bob"]).await;
    let sent = lab.say("alice", "bob", Kind::Text, "hello").await;
    for (reader, peer) in [("alice", "bob"), ("bob", "alice")] {
        let path = format!("/users/{reader}/messageroaming");
        let body = query(json!({"queue": format!("{peer}@easemob.com")}));
        let answer = lab.as_user(reader, Method::POST, &path, body).await;
        let [meta] = metas(&answer).try_into().unwrap();
        assert_eq!(meta.id, Some(sent.id.0));
        assert_eq!(meta.timestamp, Some(sent.at.as_millis()));
        assert_eq!(meta.ns, Some(NameSpace::Chat.into()));
        assert_eq!(meta.payload.as_deref(), Some(&b"hello"[..]));
        let (from, to) = (meta.from.unwrap(), meta.to.unwrap());
        assert_eq!(
            (from.app_key.as_deref(), from.name.as_deref()),
            (Some("demo#stoa"), Some("alice"))
        );
        assert_eq!(from.client_resource.as_deref(), Some("web"));
        assert_eq!((to.name.as_deref(), to.client_resource), (Some("bob"), None));
        assert_eq!(answer.body["data"]["is_last"], true);
        assert_eq!(answer.body["data"]["next_key"], sent.id.to_string());
    }
}

#[tokio::test]
async fn pages_follow_each_other_in_both_directions() {
    let lab = Lab::new();
    lab.users(&["alice", "bob"]).await;
    let all: Vec<String> = (0..23).map(|n| format!("message {n}")).collect();
    for text in &all {
        lab.say("alice", "bob", Kind::Text, text).await;
    }
    for oldest_first in [true, false] {
        let mut seen = Vec::new();
        let mut start = json!(-1);
        let pages = loop {
            let body =
                query(json!({"start": start, "pull_number": 10, "is_positive": oldest_first}));
            let answer = lab.as_user("alice", Method::POST, PATH, body).await;
            seen.push(texts(&answer));
            start = answer.body["data"]["next_key"].clone();
            if answer.body["data"]["is_last"] == true {
                break seen;
            }
        };
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 3]);
        let mut seen = pages.concat();
        if !oldest_first {
            seen.reverse();
        }
        assert_eq!(seen, all);
        // Behind the end is nothing, and the place stays.
        let body = query(json!({"start": start, "is_positive": oldest_first}));
        let answer = lab.as_user("alice", Method::POST, PATH, body).await;
        assert!(texts(&answer).is_empty());
        assert_eq!(answer.body["data"], json!({"msgs": [], "next_key": start, "is_last": true}));
    }
}

#[tokio::test]
async fn filters() {
    let lab = Lab::new();
    lab.users(&["alice", "bob"]).await;
    lab.say("alice", "bob", Kind::Text, "text").await;
    lab.clock.advance(Duration::from_secs(60));
    let middle = lab.clock.now().as_millis();
    lab.say("bob", "alice", Kind::Image, "image").await;
    lab.say("alice", "bob", Kind::Command, "command").await;
    lab.clock.advance(Duration::from_secs(60));
    lab.say("alice", "bob", Kind::Custom, "custom").await;
    let ask = async |more| {
        let answer = lab.as_user("alice", Method::POST, PATH, query(more)).await;
        texts(&answer)
    };
    assert_eq!(ask(json!({})).await, ["custom", "image", "text"]);
    assert_eq!(ask(json!({"msgType": "txt, custom"})).await, ["custom", "text"]);
    assert_eq!(ask(json!({"userId": "bob"})).await, ["image"]);
    assert_eq!(ask(json!({"startTime": middle})).await, ["custom", "image"]);
    assert_eq!(ask(json!({"endTime": middle})).await, ["image", "text"]);
    assert_eq!(ask(json!({"startTime": middle, "endTime": middle})).await, ["image"]);
    assert_eq!(ask(json!({"startTime": middle + 1, "endTime": middle})).await, [""; 0]);
}

#[tokio::test]
async fn refusals() {
    let lab = Lab::new();
    lab.users(&["alice", "bob"]).await;
    let mut transcript = Transcript::new(&lab);
    let t = &mut transcript;
    t.user("alice", Method::POST, PATH, query(json!({}))).await;
    t.user("alice", Method::POST, PATH, query(json!({"queue": "7@conference.easemob.com"}))).await;
    t.user("alice", Method::POST, PATH, query(json!({"start": "12"}))).await;
    t.user("alice", Method::POST, PATH, query(json!({"pull_number": 51}))).await;
    t.user("alice", Method::POST, PATH, json!({})).await;
    t.user("bob", Method::POST, PATH, query(json!({}))).await;
    t.admin(Method::POST, PATH, query(json!({}))).await;
    t.stranger(Method::POST, PATH, query(json!({}))).await;
    insta::assert_snapshot!(transcript.text());
}
