//! What the server sees in a body, and that it leaves the rest alone.

use bytes::Bytes;
use proptest::prelude::*;
use stoa_wire::content::{edit_told, inspect, json_about, override_from_to, replaced};
use stoa_wire::{
    Content, ContentSubType, ContentType, EditScope, Jid, KeyValue, Message, MessageBody,
    MessageConfig, MessageType,
};

use crate::encoder::{bytes, message, number};

fn body(content: Content) -> Vec<u8> {
    MessageBody {
        kind: Some(MessageType::Chat.into()),
        from: Some(Jid::named("amy")),
        to: Some(Jid::named("bob")),
        contents: vec![content],
        ..Default::default()
    }
    .encode_to_vec()
}

fn of_kind(kind: ContentType, sub_type: Option<ContentSubType>) -> Content {
    Content { kind: Some(kind.into()), sub_type: sub_type.map(Into::into), ..Default::default() }
}

#[test]
fn kinds() {
    use ContentType::{Combine, Command, Custom, File, Image, Location, Text, Video, Voice};
    for kind in [Text, Image, Video, Location, Voice, File, Command, Custom, Combine] {
        assert_eq!(inspect(&body(of_kind(kind, None))).unwrap().kind, Some(kind));
    }
    let combine = |kind| body(of_kind(kind, Some(ContentSubType::Combine)));
    assert_eq!(inspect(&combine(Text)).unwrap().kind, Some(Combine));
    assert_eq!(inspect(&combine(File)).unwrap().kind, Some(File));
    let gif = body(of_kind(Image, Some(ContentSubType::Gif)));
    assert_eq!(inspect(&gif).unwrap().kind, Some(Image));
    assert_eq!(inspect(&body(Content::default())).unwrap().kind, Some(Text), "0 may be left out");
    assert_eq!(inspect(&[]).unwrap().kind, None);
    assert_eq!(inspect(&message(4, &[number(1, 99)])).unwrap().kind, None);
}

#[test]
fn only_the_first_content_gives_the_kind() {
    let two = [message(4, &[number(1, 5)]), message(4, &[number(1, 6), bytes(10, "act")])].concat();
    let seen = inspect(&two).unwrap();
    assert_eq!((seen.kind, seen.contents, seen.counted_bytes), (Some(ContentType::File), 2, 3));
}

#[test]
fn types_and_what_they_mean() {
    let seen = inspect(&[]).unwrap();
    assert_eq!(seen.message_type, Some(MessageType::Normal));
    assert_eq!(inspect(&number(1, 77)).unwrap().message_type, None);
    let edit = MessageBody {
        kind: Some(MessageType::Edit.into()),
        edit_message_id: Some(u64::MAX),
        edit_scope: Some(EditScope::Body.into()),
        ..Default::default()
    };
    let edit = edit.encode_to_vec();
    let seen = inspect(&edit).unwrap();
    assert_eq!(seen.message_type, Some(MessageType::Edit));
    assert_eq!((seen.edit_message_id, seen.edit_scope), (Some(u64::MAX), Some(EditScope::Body)));
    let ack = MessageBody {
        kind: Some(MessageType::ReadAck.into()),
        ack_message_id: Some(5),
        msg_config: Some(MessageConfig { allow_group_ack: Some(true) }),
        ..Default::default()
    };
    let ack = ack.encode_to_vec();
    let seen = inspect(&ack).unwrap();
    assert_eq!((seen.ack_message_id, seen.allow_group_ack), (Some(5), true));
    // Of a number that stands twice the last counts.
    let twice = [number(1, 1), number(1, 6), number(6, 1), number(6, 2)].concat();
    let seen = inspect(&twice).unwrap();
    assert_eq!((seen.message_type, seen.ack_message_id), (Some(MessageType::Recall), Some(2)));
}

#[test]
fn texts_and_parameters_count_and_files_do_not() {
    let entry = KeyValue::string("key", "value");
    let entry_len = 5 + 2 + 7; // key, type and value, each with tag and length
    let count = |content: Content| inspect(&body(content)).unwrap().counted_bytes;
    let text = |value: &str| Some(value.to_owned());
    assert_eq!(count(Content { text: text("grüße"), ..Default::default() }), 7);
    assert_eq!(count(Content { action: text("act"), ..Default::default() }), 3);
    assert_eq!(
        count(Content {
            custom_event: text("event"),
            custom_exts: vec![entry.clone(), entry.clone()],
            ..Default::default()
        }),
        5 + 2 * entry_len
    );
    assert_eq!(
        count(Content {
            kind: Some(ContentType::File.into()),
            display_name: text("name.txt"),
            remote_path: text("https://chat.example.org/org/app/chatfiles/1"),
            secret_key: text("secret"),
            file_length: Some(99),
            ..Default::default()
        }),
        0
    );
    let with_ext = MessageBody {
        contents: vec![Content { text: text("hi"), ..Default::default() }],
        ext: vec![entry.clone(), entry],
        ..Default::default()
    };
    assert_eq!(inspect(&with_ext.encode_to_vec()).unwrap().counted_bytes, 2 + 2 * entry_len);
}

#[test]
fn right_names_leave_the_same_bytes() {
    let original = Bytes::from(body(Content::default()));
    assert!(inspect(&original).unwrap().names_are("amy", "bob"));
    let same = override_from_to(&original, "amy", "bob").unwrap();
    assert_eq!(same.as_ptr(), original.as_ptr());
    assert_eq!(same, original);
}

#[test]
fn wrong_names_are_overridden_at_the_end() {
    let original = Bytes::from(body(Content::default()));
    let out = override_from_to(&original, "eve", "bob").unwrap();
    assert_eq!(out, [original.to_vec(), message(2, &[bytes(2, "eve")])].concat());
    let out = override_from_to(&Bytes::new(), "a", "b").unwrap();
    assert_eq!(out, [message(2, &[bytes(2, "a")]), message(3, &[bytes(2, "b")])].concat());
}

/// What a decoder reads that keeps the last of a repeated message.
fn last_name(body: &[u8], field: u8) -> Option<String> {
    let mut rest = body;
    let mut last = None;
    // Bodies of these tests have short fields with lengths only.
    while let [key, len, tail @ ..] = rest {
        let (value, tail) = tail.split_at(usize::from(*len));
        if *key == field * 8 + 2 {
            last = Jid::decode(value).unwrap().name;
        }
        rest = tail;
    }
    last
}

#[test]
fn names_that_decoders_read_differently_are_overridden() {
    let amy = message(2, &[bytes(2, "amy")]);
    let bob = message(3, &[bytes(2, "bob")]);
    for disguise in [
        // Merged it is still amy, replaced it is nobody.
        message(2, &[]),
        // Twice amy, but with a device the first time.
        message(2, &[bytes(2, "amy"), bytes(4, "device")]),
        message(2, &[bytes(2, "eve")]),
    ] {
        for order in [[disguise.clone(), amy.clone()], [amy.clone(), disguise]] {
            let original = Bytes::from([order.concat(), bob.clone()].concat());
            assert!(!inspect(&original).unwrap().names_are("amy", "bob"));
            let out = override_from_to(&original, "amy", "bob").unwrap();
            assert_eq!(last_name(&out, 2).as_deref(), Some("amy"));
            assert_eq!(last_name(&out, 3).as_deref(), Some("bob"));
            let merged = MessageBody::decode(out).unwrap();
            assert_eq!(merged.from.unwrap().name.as_deref(), Some("amy"));
        }
    }
}

#[test]
fn unknown_fields_survive() {
    let unknown = [number(99, 1), bytes(100, "new"), message(4, &[bytes(77, "newer")])].concat();
    let original = Bytes::from([unknown, body(Content::default())].concat());
    assert!(inspect(&original).is_ok());
    let out = override_from_to(&original, "eve", "mallory").unwrap();
    assert!(out.starts_with(&original));
}

#[test]
fn bodies_that_break_clients_are_refused() {
    for broken in [
        bytes(1, "x"),                                // a type that is a text
        number(2, 1),                                 // a sender that is a number
        message(4, &[number(2, 1)]),                  // a text that is a number
        message(4, &[message(13, &[number(1, 1)])]),  // a width that is not a double
        message(4, &[message(20, &[bytes(3, "x")])]), // a number that is a text
        message(5, &[bytes(1, [0xff, 0xfe])]),        // a key that is not UTF-8
        message(7, &[bytes(1, "x")]),                 // a boolean that is a text
        message(4, &[vec![0x12, 5, b'a']]),           // a length beyond the end
        vec![0x0b, 0x0c],                             // a group
        vec![0x00, 0x00],                             // field 0
        vec![0x08, 0xff],                             // a number without end
    ] {
        assert!(inspect(&broken).is_err(), "{broken:02x?}");
    }
}

#[test]
fn a_hostile_body_costs_little_and_is_seen() {
    let many = vec![bytes(4, ""); 30_000].concat();
    assert_eq!(inspect(&many).unwrap().contents, 30_000);
}

proptest! {
    #[test]
    fn overriding_gives_the_names_and_keeps_everything_else(
        from in "[a-z]{0,8}", to in "[a-z]{0,8}",
        true_from in "[a-z]{1,200}", true_to in "[a-z]{1,8}",
        text in ".{0,50}", sub_type in prop::option::of(0..3i32),
    ) {
        let before = MessageBody {
            from: Some(Jid::named(&from)),
            to: Some(Jid::named(&to)),
            contents: vec![Content { text: Some(text), sub_type, ..Default::default() }],
            ..Default::default()
        };
        let original = Bytes::from(before.encode_to_vec());
        let out = override_from_to(&original, &true_from, &true_to).unwrap();
        prop_assert!(out.starts_with(&original));
        let after = MessageBody::decode(out).unwrap();
        prop_assert_eq!(after, MessageBody {
            from: Some(Jid::named(&true_from)),
            to: Some(Jid::named(&true_to)),
            ..before
        });
    }
}

proptest! {
    #[test]
    fn an_edit_replaces_its_part_and_nothing_else(
        old in "[a-z]{0,30}", new in "[a-z]{0,30}", meta in prop::option::of("[a-z]{0,9}"),
        old_ext in prop::collection::vec("[a-z]{1,5}", 0..3),
        new_ext in prop::collection::vec("[a-z]{1,5}", 0..3),
        both in any::<bool>(), id in 1..u64::MAX,
    ) {
        let ext = |keys: &[String]| keys.iter().map(|key| KeyValue::int(key, 1)).collect::<Vec<_>>();
        let content = |text: &str| Content { text: Some(text.into()), ..Default::default() };
        let message = MessageBody {
            kind: Some(MessageType::Chat as i32),
            from: Some(Jid::named("alice")),
            to: Some(Jid::named("bob")),
            contents: vec![content(&old)],
            ext: ext(&old_ext),
            meta,
            ..Default::default()
        };
        let edit = MessageBody {
            kind: Some(MessageType::Edit as i32),
            from: Some(Jid::named("mallory")),
            contents: vec![content(&new)],
            ext: ext(&new_ext),
            edit_message_id: Some(id),
            edit_scope: Some(1),
            ..Default::default()
        };
        let scope = if both { EditScope::BodyAndExt } else { EditScope::Body };
        let body = replaced(&message.encode_to_vec(), &edit.encode_to_vec(), scope).unwrap();
        let expected = MessageBody {
            contents: vec![content(&new)],
            ext: ext(if both { &new_ext } else { &old_ext }),
            ..message
        };
        prop_assert_eq!(&MessageBody::decode(&*body).unwrap(), &expected);
        prop_assert_eq!(json_about(&body).map(str::to_owned), expected.meta);
        let told = edit_told(&body, id, scope, "{}").unwrap();
        prop_assert_eq!(MessageBody::decode(told).unwrap(), MessageBody {
            kind: Some(MessageType::Edit as i32),
            meta: Some("{}".into()),
            edit_message_id: Some(id),
            edit_scope: Some(scope as i32),
            ..expected
        });
    }

    #[test]
    fn edits_of_any_bytes_do_not_panic(old: Vec<u8>, new: Vec<u8>, meta in ".{0,20}") {
        for scope in [EditScope::Body, EditScope::BodyAndExt] {
            let _ = replaced(&old, &new, scope);
            let _ = edit_told(&old, 7, scope, &meta);
        }
        let _ = json_about(&old);
    }
}
