//! The "JSON message" of conversation lists and pins (msync section 5.4).

use bytes::Bytes;
use serde_json::{Value, json};
use stoa_chat::entry::{Audience, EditMark, Entry, Kind};
use stoa_core::{MessageId, Target, Timestamp};
use stoa_translate::json_message;
use stoa_wire::{Content, Jid, KeyValue, Message, MessageBody, MessageConfig, Size};

pub(crate) fn entry(to: Target, body: &MessageBody) -> Entry {
    Entry {
        id: MessageId(77),
        at: Timestamp::from_millis(1_800_000_000_123),
        kind: Kind::Text,
        from: "alice".parse().unwrap(),
        from_resource: "web".parse().unwrap(),
        to,
        only_resource: None,
        audience: Audience::All,
        edit: None,
        body: body.encode_to_vec().into(),
        ext: Bytes::new(),
    }
}

pub(crate) fn bob() -> Target {
    Target::User("bob".parse().unwrap())
}

pub(crate) fn message(content: Content) -> MessageBody {
    MessageBody {
        kind: Some(1),
        from: Some(Jid::named("alice")),
        to: Some(Jid::named("bob")),
        contents: vec![content],
        ..Default::default()
    }
}

fn payload(entry: &Entry) -> Value {
    let message = json_message(entry);
    serde_json::from_str(message["payload"].as_str().unwrap()).unwrap()
}

fn body_of(content: Content) -> Value {
    payload(&entry(bob(), &message(content)))["bodies"][0].clone()
}

fn text(text: &str) -> Option<String> {
    Some(text.into())
}

#[test]
fn the_frame_around_a_text() {
    let content = Content { kind: Some(0), text: text("hi"), ..Default::default() };
    let body = MessageBody {
        ext: vec![
            KeyValue::bool("b", true),
            KeyValue::int("i", -3),
            KeyValue::double("d", 1.5),
            KeyValue::string("s", "x"),
            KeyValue::json("j", "{\"a\":[1]}".into()),
        ],
        msg_config: Some(MessageConfig { allow_group_ack: Some(true) }),
        meta: text("{\"thread\":{}}"),
        ..message(content)
    };
    let group = Target::Group("123".parse().unwrap());
    let mut entry = entry(group, &body);
    let message = json_message(&entry);
    assert_eq!(message["id"], "77");
    assert_eq!(message["from"], "alice");
    assert_eq!(message["to"], "123");
    assert_eq!(message["timestamp"], 1_800_000_000_123_u64);
    assert_eq!(
        payload(&entry),
        json!({
            "type": "groupchat",
            "from": "alice",
            "to": "123",
            "ext": { "b": true, "i": -3, "d": 1.5, "s": "x", "j": { "a": [1] } },
            "bodies": [{ "type": "txt", "msg": "hi" }],
            "meta": { "thread": {} },
            "msgConfig": { "allowGroupAck": true },
        })
    );
    let at = Timestamp::from_millis(5);
    entry.edit = Some(EditMark { count: 2, by: "carol".parse().unwrap(), at });
    assert_eq!(
        payload(&entry)["meta"],
        json!({
            "thread": {},
            "edit_msg": {
                "count": 2,
                "operator": "carol",
                "edit_time": 5,
                "sender": "alice",
                "send_time": 1_800_000_000_123_u64,
                "chat_type": "chat:group",
            },
        })
    );
}

#[test]
fn files_of_every_kind() {
    let file = Content {
        display_name: text("a.bin"),
        remote_path: text("https://x/1"),
        secret_key: text("s"),
        file_length: Some(9),
        duration: Some(4),
        size: Some(Size { width: Some(3.0), height: Some(2.5) }),
        thumbnail_remote_path: text("https://x/2"),
        thumbnail_secret_key: text("t"),
        ..Default::default()
    };
    let of = |kind| body_of(Content { kind: Some(kind), ..file.clone() });
    let base = |kind: &str| {
        json!({
            "type": kind, "url": "https://x/1", "secret": "s", "filename": "a.bin", "file_length": 9
        })
    };
    let with = |kind: &str, more: Value| {
        let mut all = base(kind);
        for (name, value) in more.as_object().unwrap() {
            all[name] = value.clone();
        }
        all
    };
    let size = json!({ "width": 3, "height": 2.5 });
    assert_eq!(of(1), with("img", json!({ "size": size })));
    assert_eq!(of(4), with("audio", json!({ "length": 4 })));
    assert_eq!(of(5), with("file", json!({ "length": 4 })));
    let thumb = json!({ "length": 4, "thumb": "https://x/2", "thumb_secret": "t", "size": size });
    assert_eq!(of(2), with("video", thumb));
    let gif = body_of(Content { kind: Some(1), sub_type: Some(1), ..file.clone() });
    assert_eq!(gif["subType"], "sub_gif");
    let combined = Content {
        kind: Some(0),
        sub_type: Some(0),
        text: text("see"),
        title: text("T"),
        summary: text("S"),
        combine_level: Some(1),
        ..file.clone()
    };
    let more = json!({
        "msg": "see", "subType": "sub_combine", "title": "T", "summary": "S", "combineLevel": 1
    });
    assert_eq!(body_of(combined), with("txt", more));
}

#[test]
fn places_commands_and_custom_messages() {
    let place = Content {
        kind: Some(3),
        latitude: Some(52.5),
        longitude: Some(13.0),
        address: text("here"),
        building_name: text("house"),
        ..Default::default()
    };
    assert_eq!(
        body_of(place),
        json!({ "type": "loc", "addr": "here", "lat": 52.5, "lng": 13.0, "buildingName": "house" })
    );
    let command = Content { kind: Some(6), action: text("go"), ..Default::default() };
    assert_eq!(body_of(command), json!({ "type": "cmd", "action": "go" }));
    let custom = Content {
        kind: Some(7),
        custom_event: text("gift"),
        custom_exts: vec![KeyValue::string("id", "1"), KeyValue::string("n", "2")],
        ..Default::default()
    };
    assert_eq!(
        body_of(custom),
        json!({ "type": "custom", "customEvent": "gift", "customExts": [{"id": "1"}, {"n": "2"}] })
    );
}

#[test]
fn what_is_no_body_gives_an_empty_message() {
    let mut entry = entry(bob(), &MessageBody::default());
    entry.body = Bytes::from_static(b"\xff\xff");
    assert_eq!(payload(&entry)["bodies"], json!([]));
    assert_eq!(payload(&entry)["ext"], json!({}));
}
