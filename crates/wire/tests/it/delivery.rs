//! The envelope and the bodies that the server writes.

use bytes::Bytes;
use proptest::prelude::*;
use stoa_wire::content::inspect;
use stoa_wire::delivery::{
    Address, Delivery, channel_ack, delivery_ack, encode_ext, group_read_ack, kick, read_ack,
    recall,
};
use stoa_wire::{
    Content, Jid, KeyValue, Message, MessageBody, MessageType, Meta, NameSpace, StatisticsBody,
    StatisticsOperation,
};

use crate::encoder::{bytes, message, number};

#[test]
fn an_envelope_byte_for_byte() {
    let ext = encode_ext(&[KeyValue::int("chatroom_msg_tag", 0)]);
    let delivery = Delivery {
        id: 300,
        app_key: "o#a",
        from: Address::Device { user: "amy", resource: "web_1" },
        to: Address::Group("g1"),
        timestamp: 7,
        ns: NameSpace::Chat,
        payload: b"body",
        ext: &ext,
        meta: br#"{"is_online":1}"#,
    };
    let expected = [
        number(1, 300),
        message(2, &[bytes(1, "o#a"), bytes(2, "amy"), bytes(3, "easemob.com"), bytes(4, "web_1")]),
        message(3, &[bytes(1, "o#a"), bytes(2, "g1"), bytes(3, "conference.easemob.com")]),
        number(4, 7),
        number(5, 1),
        bytes(6, "body"),
        message(8, &[bytes(1, "chatroom_msg_tag"), number(2, 2), number(3, 0)]),
        bytes(9, r#"{"is_online":1}"#),
    ];
    assert_eq!(delivery.encode(), expected.concat());
}

#[test]
fn receipts_and_recalls() {
    for (bytes, kind, id) in [
        (read_ack("amy", "bob", 9), MessageType::ReadAck, Some(9)),
        (delivery_ack("amy", "bob", 9), MessageType::DeliverAck, Some(9)),
        (channel_ack("amy", "bob"), MessageType::ChannelAck, None),
        (recall("amy", "bob", 9), MessageType::Recall, Some(9)),
    ] {
        assert!(inspect(&bytes).unwrap().names_are("amy", "bob"));
        let body = MessageBody::decode(bytes).unwrap();
        assert_eq!(body.kind(), kind);
        assert_eq!(body.ack_message_id, id);
        assert_eq!(body.contents, [Content::default()]);
        assert!(body.ext.is_empty() && body.msg_config.is_none());
    }
}

#[test]
fn a_groups_receipt_has_its_count_first() {
    let body = MessageBody::decode(group_read_ack("amy", "g1", 9, 3, "seen")).unwrap();
    assert_eq!(body.kind(), MessageType::ReadAck);
    assert_eq!(body.ack_content.as_deref(), Some("seen"));
    assert_eq!(body.msg_config.unwrap().allow_group_ack, Some(true));
    assert_eq!(body.ext[0], KeyValue::json("group_read_count", r#"{"9":3}"#.into()));
}

#[test]
fn kicks() {
    assert_eq!(
        kick(StatisticsOperation::UserLoginAnotherDevice, Some("tablet")),
        [number(1, 2), bytes(10, "tablet")].concat()
    );
    let body = StatisticsBody::decode(kick(StatisticsOperation::UserRemoved, None)).unwrap();
    assert_eq!((body.operation(), body.reason), (StatisticsOperation::UserRemoved, None));
}

proptest! {
    #[test]
    fn an_envelope_reads_back(
        id: u64, timestamp: u64,
        user in "[a-z0-9]{1,64}", resource in "[a-z0-9_]{0,200}",
        payload in prop::collection::vec(any::<u8>(), 0..300),
        keys in prop::collection::vec("[a-z]{0,200}", 0..3),
        meta in prop_oneof![Just(""), Just("{}")],
    ) {
        let entries: Vec<KeyValue> = keys.iter().map(|key| KeyValue::bool(key, true)).collect();
        let ext = encode_ext(&entries);
        let delivery = Delivery {
            id,
            app_key: "org#app",
            from: Address::Device { user: &user, resource: &resource },
            to: Address::User("bob"),
            timestamp,
            ns: NameSpace::Notify,
            payload: &payload,
            ext: &ext,
            meta: meta.as_bytes(),
        };
        let expected = Meta {
            id: Some(id),
            from: Some(delivery.from.jid("org#app")),
            to: Some(Jid::user("org#app", "bob")),
            timestamp: Some(timestamp),
            ns: Some(NameSpace::Notify.into()),
            payload: Some(payload.clone().into()),
            ext: entries,
            meta: (!meta.is_empty()).then(|| Bytes::from_static(meta.as_bytes())),
            ..Default::default()
        };
        prop_assert_eq!(Meta::decode(delivery.encode()).unwrap(), expected);
    }
}
