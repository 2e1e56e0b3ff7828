//! Whatever comes, reading ends with a value or an error.

use proptest::prelude::*;
use stoa_wire::content::inspect;
use stoa_wire::fuzzing::exercise;
use stoa_wire::{
    CommSyncUl, Command, Content, ContentType, Jid, KeyValue, Limits, MSync, Message, MessageBody,
    MessageConfig, MessageType, Meta, NameSpace, Size, decode_frame,
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

#[test]
fn cut_anywhere() {
    for whole in [full_frame(), full_body().encode_to_vec()] {
        for end in 0..=whole.len() {
            exercise(&whole[..end]);
        }
    }
}

#[test]
fn every_bit_flipped() {
    for whole in [full_frame(), full_body().encode_to_vec()] {
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            exercise(&damaged);
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

#[test]
fn what_the_fuzzer_kept() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/msync");
    let inputs: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|input| input.unwrap()).collect();
    assert!(!inputs.is_empty());
    for input in inputs {
        exercise(&std::fs::read(input.path()).unwrap());
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        exercise(&bytes);
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
        exercise(&bytes);
    }
}
