//! What back ends say in chat rooms: R050 and R051.

use http::Method;
use serde_json::{Value, json};
use stoa_chat::HistoryQuery;
use stoa_core::{GroupId, MucKind, Target};
use stoa_wire::{Message, MessageBody};

use crate::lab::Lab;
use crate::transcript::Transcript;

async fn make(lab: &Lab, members: &[&str]) -> String {
    let body = json!({
        "name": "lounge", "description": "", "owner": "alice", "members": members,
    });
    let answer = lab.admin(Method::POST, "/chatrooms", body).await;
    answer.done()["data"]["id"].as_str().unwrap().to_owned()
}

/// The bodies that lie in the history of a room, the oldest first.
async fn said(lab: &Lab, room: &str) -> Vec<MessageBody> {
    let query = HistoryQuery {
        oldest_first: true,
        ..HistoryQuery::newest(Target::Group(GroupId::parse(MucKind::Room, room).unwrap()), 50)
    };
    let page = lab.chat.history(&lab.caller("alice").await, &query).await.unwrap();
    page.entries.iter().map(|entry| MessageBody::decode(&*entry.body).unwrap()).collect()
}

#[tokio::test]
async fn saying_something_in_rooms() {
    let lab = Lab::new();
    lab.users(&["alice", "bob"]).await;
    let (first, second) = (make(&lab, &["bob"]).await, make(&lab, &[]).await);
    let mut transcript = Transcript::new(&lab);
    let path = "/messages/chatrooms";
    let text = json!({"msg": "hello"});
    let to = json!([first, second]);
    let calls = [
        json!({"to": to, "type": "txt", "body": text, "from": "bob", "ext": {"a": 1, "b": [true]}}),
        json!({"to": to, "type": "txt", "body": text, "chatroom_msg_level": "high"}),
        json!({"to": [first, "77"], "type": "txt", "body": text}),
        json!({"to": ["lounge"], "type": "txt", "body": text}),
        json!({"to": [], "type": "txt", "body": text}),
        json!({"to": vec![&first; 11], "type": "txt", "body": text}),
        json!({"to": to, "type": "txt", "body": text, "from": ""}),
        json!({"to": to, "type": "txt", "body": text, "chatroom_msg_level": "urgent"}),
        json!({"to": to, "type": "txt", "body": text, "ext": "none"}),
        json!({"to": to, "type": "txt", "body": {"msg": "x".repeat(6_000)}}),
        json!({"to": to, "type": "txt"}),
        json!({"to": to, "type": "song", "body": text}),
    ];
    for body in calls {
        transcript.admin(Method::POST, path, body).await;
    }
    let body = json!({"to": to, "type": "txt", "body": text});
    transcript.user("alice", Method::POST, path, body).await;
    let broadcast = "/messages/chatrooms/broadcast";
    for body in [
        json!({"msg": {"type": "txt", "msg": "all of you"}, "chatroom_msg_level": "low"}),
        json!({"msg": {"type": "txt"}}),
        json!({"from": "bob"}),
    ] {
        transcript.admin(Method::POST, broadcast, body).await;
    }
    let rooms = [(&first, "[first]"), (&second, "[second]")];
    insta::assert_snapshot!(transcript.shown(&rooms.map(|(id, name)| (&**id, name))));
    for room in [&first, &second] {
        let said = said(&lab, room).await;
        let texts: Vec<_> =
            said.iter().map(|body| body.contents[0].text.clone().unwrap()).collect();
        assert_eq!(texts, ["hello", "hello", "all of you"]);
        let name = |jid: &Option<stoa_wire::Jid>| jid.clone().unwrap().name.unwrap();
        assert_eq!((name(&said[0].from), name(&said[1].from)), ("bob".into(), "admin".into()));
        assert!(said.iter().all(|body| name(&body.to) == **room));
        assert_eq!(said[0].ext.len(), 2);
    }
}

#[tokio::test]
async fn every_kind_of_content_is_composed_or_refused_by_field() {
    let lab = Lab::new();
    lab.users(&["alice"]).await;
    let room = make(&lab, &[]).await;
    let send = async |kind: &str, body: Value| {
        let body = json!({"to": [room], "type": kind, "body": body});
        lab.admin(Method::POST, "/messages/chatrooms", body).await
    };
    for (kind, body) in [
        ("img", json!({"url": "https://h/f", "secret": "s", "size": {"width": 4, "height": 3}})),
        ("audio", json!({"url": "https://h/f", "filename": "a.amr", "length": 10})),
        ("video", json!({"url": "https://h/f", "thumb": "https://h/t", "file_length": 58_103})),
        ("file", json!({"url": "https://h/f", "filename": "a.txt"})),
        ("loc", json!({"lat": "39.966", "lng": 116.3, "addr": "here"})),
        ("cmd", json!({"action": "wave"})),
        ("custom", json!({"customEvent": "gift", "customExts": {"k": "v"}})),
    ] {
        send(kind, body).await.done();
    }
    let said = said(&lab, &room).await;
    let content = |at: usize| said[at].contents[0].clone();
    // A command is no part of the history.
    assert_eq!(said.len(), 6);
    assert_eq!(content(0).size.unwrap().width, Some(4.0));
    assert_eq!(
        (content(1).duration, content(1).display_name.as_deref()),
        (Some(10), Some("a.amr"))
    );
    assert_eq!(content(2).thumbnail_remote_path.as_deref(), Some("https://h/t"));
    assert_eq!(content(3).display_name.as_deref(), Some("a.txt"));
    assert_eq!((content(4).latitude, content(4).longitude), (Some(39.966), Some(116.3)));
    assert_eq!(content(5).custom_exts.len(), 1);
    for (kind, body, words) in [
        ("img", json!({}), "body.url: is required"),
        ("file", json!({"url": "https://h/f"}), "body.filename: is required"),
        ("loc", json!({"lat": "100", "lng": "1", "addr": ""}), "body.lat: must be degrees"),
        ("loc", json!({"lat": true, "lng": "1", "addr": ""}), "body.lat: must be degrees"),
        ("custom", json!({"customEvent": "a b"}), "body.customEvent: 1 to 32"),
        ("custom", json!({"customEvent": "a", "customExts": {"k": 1}}), "its values must be"),
        ("audio", json!({"url": "u", "length": -1}), "body.length: must be a whole number"),
    ] {
        let refused = send(kind, body).await;
        let (_, text) = refused.refused(400);
        assert!(text.contains(words), "{text}");
    }
}
