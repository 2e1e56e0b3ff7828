//! Whatever comes, reading ends with a value or an error.

use bytes::Bytes;
use proptest::prelude::*;
use stoa_wire::content::{inspect, override_from_to};
use stoa_wire::{
    CommSyncUl, Command, Content, ContentType, Jid, KeyValue, Limits, MSync, Message, MessageBody,
    MessageConfig, MessageType, Meta, MucBody, NameSpace, Provision, Size, decode_frame,
};

const LIMITS: Limits = Limits { frame_bytes: 4096 };

fn full_body() -> MessageBody {
    MessageBody {
        kind: Some(MessageType::Chat.into()),
        from: Some(Jid::named("amy")),
        to: Some(Jid::named("bob")),
        contents: vec![Content {
            kind: Some(ContentType::Custom.into()),
            text: Some("tea?".into()),
            latitude: Some(1.0),
            params: vec![KeyValue::double("d", 1.0)],
            size: Some(Size { width: Some(1.0), height: Some(2.0) }),
            custom_exts: vec![KeyValue::string("k", "v")],
            sub_type: Some(0),
            ..Default::default()
        }],
        ext: vec![KeyValue::json("j", "{}".into())],
        ack_message_id: Some(1 << 40),
        msg_config: Some(MessageConfig { allow_group_ack: Some(true) }),
        meta: Some("{}".into()),
        ..Default::default()
    }
}

fn full_frame() -> Vec<u8> {
    let sync = CommSyncUl {
        meta: Some(Meta {
            id: Some(530_000_000_000),
            to: Some(Jid::user("org#app", "bob")),
            ns: Some(NameSpace::Chat.into()),
            payload: Some(full_body().encode_to_vec().into()),
            ext: vec![KeyValue::int("chatroom_msg_tag", 1)],
            directed_users: vec!["cat".into()],
            ..Default::default()
        }),
        ..Default::default()
    };
    MSync {
        version: Some(0),
        command: Some(Command::Sync.into()),
        payload: Some(sync.encode_to_vec().into()),
        encrypt_type: vec![0],
        ..Default::default()
    }
    .encode_to_vec()
}

/// Everything that the server reads of what a client sends.
fn read(frame: &Bytes) {
    look(frame);
    let Ok(outer) = decode_frame(frame.clone(), LIMITS) else { return };
    let Some(payload) = outer.payload else { return };
    let _ = Provision::decode(payload.clone());
    let Ok(sync) = CommSyncUl::decode(payload) else { return };
    let Some(body) = sync.meta.and_then(|meta| meta.payload) else { return };
    let _ = MucBody::decode(body.clone());
    look(&body);
}

/// A body that passes inspection is one for every decoder, before and after the names are put in.
fn look(body: &Bytes) {
    let seen = inspect(body).map(|seen| (seen.message_type, seen.contents));
    let out = override_from_to(body, "amy", "bob");
    if let Ok((kind, contents)) = seen {
        let decoded = MessageBody::decode(body.clone()).unwrap();
        assert_eq!(kind, MessageType::try_from(decoded.kind.unwrap_or(0)).ok());
        assert_eq!(contents, decoded.contents.len());
        let out = MessageBody::decode(out.unwrap()).unwrap();
        assert_eq!(out.from.unwrap().name.as_deref(), Some("amy"));
        assert_eq!(out.to.unwrap().name.as_deref(), Some("bob"));
    }
}

#[test]
fn cut_anywhere() {
    for whole in [full_frame(), full_body().encode_to_vec()] {
        let whole = Bytes::from(whole);
        for end in 0..=whole.len() {
            read(&whole.slice(..end));
        }
    }
}

#[test]
fn every_bit_flipped() {
    for whole in [full_frame(), full_body().encode_to_vec()] {
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            read(&damaged.into());
        }
    }
}

#[test]
fn deep_nesting_is_refused_without_deep_recursion() {
    // Groups within groups, in an unknown field: the one place where protobuf nests without bound.
    let mut nested = vec![0x7b_u8; 2000];
    nested.extend(vec![0x7c; 2000]);
    assert!(decode_frame(nested.clone().into(), LIMITS).is_err());
    assert!(inspect(&nested).is_err());
}

proptest! {
    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read(&bytes.into());
    }

    #[test]
    fn bytes_replaced(
        body: bool,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = if body { full_body().encode_to_vec() } else { full_frame() };
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        read(&bytes.into());
    }
}
