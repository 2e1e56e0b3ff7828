//! Conversations, pins, deletion for oneself, recalls and reports.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use stoa_chat::entry::Kind;
use stoa_chat::{Appended, Draft};
use stoa_core::{Clock, Target};
use stoa_wire::{Content, Jid, Message, MessageBody};

use crate::lab::Lab;
use crate::transcript::Transcript;

/// Sends a text as a device writes it.
async fn say(lab: &Lab, from: &str, to: &str, text: &str, client_id: u64) -> Appended {
    let content = Content { kind: Some(0), text: Some(text.into()), ..Default::default() };
    let body = MessageBody {
        kind: Some(1),
        from: Some(Jid::named(from)),
        to: Some(Jid::named(to)),
        contents: vec![content],
        ..Default::default()
    };
    let caller = lab.caller(from).await;
    let (done, outcome) = tokio::sync::oneshot::channel();
    let draft = Draft {
        to: Target::User(to.parse().unwrap()),
        only_resource: None,
        only_users: Vec::new(),
        kind: Kind::Text,
        body: body.encode_to_vec().into(),
        ext: Bytes::new(),
        content_bytes: text.len(),
        client_id,
        online_only: false,
        receipts: false,
        priority: stoa_chat::entry::Priority::Normal,
    };
    let done = Box::new(move |appended| drop(done.send(appended)));
    lab.chat.send(&caller, &"web".parse().unwrap(), draft, done).await;
    outcome.await.unwrap().unwrap()
}

const LIST: &str = "/sdk/user/alice/user_channels/list?limit=20&cursor=&need_mark=true";

#[tokio::test]
async fn the_list_of_conversations() {
    let lab = Lab::new();
    lab.users(&["alice", "bob", "carol"]).await;
    say(&lab, "bob", "alice", "one", 1).await;
    say(&lab, "carol", "alice", "two", 1).await;
    let mut t = Transcript::new(&lab);
    t.user("alice", Method::GET, LIST, Value::Null).await;
    let top = "/sdk/user/alice/user_channel/top";
    let body = json!({ "type": "chat", "to": "bob" });
    t.user("alice", Method::POST, &format!("{top}?resource=web"), body).await;
    let mark = "/sdk/user/alice/user_channels/mark?resource=web";
    let targets = json!([{ "to": "bob", "type": "chat" }, { "to": "nobody", "type": "groupChat" }]);
    let body = json!({ "mark": "mark_3", "targets": targets });
    t.user("alice", Method::POST, mark, body).await;
    let targets = json!([{ "to": "bob", "type": "chat" }, { "to": "nobody", "type": "chat" }]);
    let body = json!({ "mark": "mark_3", "targets": targets });
    t.user("alice", Method::POST, mark, body.clone()).await;
    t.user("alice", Method::GET, &format!("{LIST}&is_top=true"), Value::Null).await;
    let marked = "/sdk/user/alice/user_channels/mark/search?limit=1&cursor=&mark=mark_3";
    t.user("alice", Method::GET, marked, Value::Null).await;
    t.user("alice", Method::DELETE, mark, body).await;
    let path = format!("{top}?type=chat&to=bob&resource=web");
    t.user("alice", Method::DELETE, &path, Value::Null).await;
    let body = json!({ "channel": "carol", "type": "chat", "delete_roam": true });
    t.user("alice", Method::DELETE, "/user/alice/user_channel?resource=web", body).await;
    t.user("alice", Method::GET, "/users/alice/user_channels", Value::Null).await;
    let path = "/users/alice/user_channels/page?pageNum=2&pageSize=1";
    t.user("alice", Method::GET, path, Value::Null).await;
    t.admin(Method::GET, "/user/alice/user_channels", Value::Null).await;
    let body = json!({ "channel": "bob", "type": "chat", "delete_roam": false });
    t.admin(Method::DELETE, "/users/alice/user_channel", body).await;
    insta::assert_snapshot!("conversations", t.text());
}

#[tokio::test]
async fn what_is_refused() {
    let lab = Lab::new();
    lab.users(&["alice", "bob"]).await;
    let refused = async |method: Method, path: &str, body: Value, status: u16| {
        let answer = lab.as_user("alice", method, path, body).await;
        answer.refused(status).1.to_owned()
    };
    let get = |path: &'static str, status| refused(Method::GET, path, Value::Null, status);
    let mark = "/sdk/user/alice/user_channels/mark";
    for text in ["mark_20", "mark_x", "3", "mark_03", "mark_"] {
        let targets = json!([{ "to": "bob", "type": "chat" }]);
        let body = json!({ "mark": text, "targets": targets });
        let said = refused(Method::POST, mark, body, 400).await;
        assert_eq!(said, "param mark illegal, please check it!", "{text}");
    }
    let body = json!({ "targets": [] });
    let said = refused(Method::POST, mark, body, 400).await;
    assert_eq!(said, "param mark must be not empty, please check!");
    let targets: Vec<Value> = (0..21).map(|_| json!({ "to": "bob", "type": "chat" })).collect();
    let body = json!({ "mark": "mark_1", "targets": targets });
    let said = refused(Method::POST, mark, body, 400).await;
    assert_eq!(said, "targets: must be a list of 1 to 20 objects of to and type");
    let said = get("/sdk/user/alice/user_channels/list?cursor=x", 400).await;
    assert_eq!(said, "cursor: must be empty, or the cursor of the page before");
    let said = get("/sdk/user/alice/user_channels/list?limit=51", 400).await;
    assert_eq!(said, "limit: must be a whole number from 1 to 50");
    get("/sdk/user/bob/user_channels/list", 401).await;
    let pin = "/sdk/user/alice/user_channel/pin";
    let body = json!({ "to": "bob", "type": "chat", "pin_msg_id": "x" });
    let said = refused(Method::POST, pin, body, 400).await;
    assert_eq!(said, "param pin_msg_id illegal, please check it!");
    let body = json!({ "to": "bob", "type": "chat", "pin_msg_id": "7" });
    let said = refused(Method::POST, pin, body, 404).await;
    assert_eq!(said, "user session pin message not exist");
    let body = json!({ "reportType": "abuse", "reportReason": "because" });
    let report = "/user/alice/moderation/report/message/7";
    let said = refused(Method::POST, report, body, 400).await;
    assert_eq!(said, "report failed, get message by id failed");
    let roaming = "/sdk/message/roaming/chat/user/alice";
    for (query, text) in [
        ("?userId=bob&msgIdList=1,x", "msgIdList: must be a comma list of 1 to 50 ids"),
        ("?msgIdList=1", "userId: is required in the query"),
        ("/time?userId=bob&delTime=soon", "delTime: must be milliseconds since 1970"),
    ] {
        let path = format!("{roaming}{query}");
        assert_eq!(refused(Method::DELETE, &path, Value::Null, 400).await, text);
    }
}

#[tokio::test]
async fn pins_recalls_deletions_and_reports() {
    let lab = Lab::new();
    lab.users(&["alice", "bob"]).await;
    let one = say(&lab, "alice", "bob", "one", 1).await;
    let two = say(&lab, "alice", "bob", "two", 2).await;
    let pin = "/sdk/user/bob/user_channel/pin";
    let body = json!({ "to": "alice", "type": "chat", "pin_msg_id": one.id.to_string() });
    lab.as_user("bob", Method::POST, &format!("{pin}?resource=web"), body.clone()).await.done();
    let list = format!("{pin}?to=alice&type=chat&limit=10&cursor=");
    let pins = lab.as_user("bob", Method::GET, &list, Value::Null).await;
    let info = &pins.done()["data"]["msg_infos"][0];
    assert_eq!(info["pin_operator"], "bob");
    assert_eq!(info["pin_opt_at"], lab.clock.now().as_millis());
    assert_eq!(info["message"]["id"], one.id.to_string());
    let payload: Value =
        serde_json::from_str(info["message"]["payload"].as_str().unwrap()).unwrap();
    assert_eq!(payload["bodies"], json!([{ "type": "txt", "msg": "one" }]));
    lab.as_user("bob", Method::DELETE, pin, body).await.done();

    let report = format!("/user/bob/moderation/report/message/{}", two.id);
    let body = json!({ "username": "bob", "reportType": "abuse", "reportReason": "rude" });
    lab.as_user("bob", Method::POST, &report, body).await.done();
    let reports = lab.admin(Method::GET, "/moderation/reports", Value::Null).await;
    let expected = json!([{
        "msg_id": two.id.to_string(),
        "reporter": "bob",
        "to": "alice",
        "chat_type": "chat",
        "report_type": "abuse",
        "report_reason": "rude",
        "timestamp": lab.clock.now().as_millis(),
    }]);
    assert_eq!(reports.done()["data"], expected);
    lab.as_user("bob", Method::GET, "/moderation/reports", Value::Null).await.refused(401);

    let recall = |id: String| json!({ "msg_id": id, "to": "bob", "chat_type": "chat" });
    let path = "/messages/msg_recall";
    let answer = lab.admin(Method::POST, path, recall(one.id.to_string())).await;
    assert_eq!(answer.done()["data"]["recalled"], "yes");
    for id in [one.id.to_string(), "7".to_owned(), "x".to_owned()] {
        let answer = lab.admin(Method::POST, path, recall(id.clone())).await;
        let data = &answer.done()["data"];
        assert_eq!(*data, json!({ "msgs": [{ "msg_id": id, "recalled": "not_found msg" }] }));
    }
    lab.as_user("alice", Method::POST, path, recall(two.id.to_string())).await.refused(401);

    let path = format!("/sdk/message/roaming/chat/user/bob?userId=alice&msgIdList={}", two.id);
    let deleted = lab.as_user("bob", Method::DELETE, &path, Value::Null).await;
    assert_eq!(deleted.done()["requestStatusCode"], "ok");
    let list = |user: &'static str| {
        let path = format!("/sdk/user/{user}/user_channels/list");
        let lab = &lab;
        async move {
            let answer = lab.as_user(user, Method::GET, &path, Value::Null).await;
            answer.done()["data"]["channel_infos"].as_array().unwrap().len()
        }
    };
    assert_eq!((list("bob").await, list("alice").await), (0, 1));
    let all = "/rest/message/roaming/user/alice/delete/all";
    lab.admin(Method::POST, all, Value::Null).await.done();
    assert_eq!(list("alice").await, 0);
}
