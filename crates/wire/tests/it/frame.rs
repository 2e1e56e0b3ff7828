//! Frames in three parts, and reading within bounds.

use bytes::Bytes;
use proptest::prelude::*;
use stoa_wire::{
    CommNotice, CommSyncDl, Command, DecodeError, Frame, Jid, Limits, MSync, Message, Meta,
    SharedFrame, Status, decode_frame,
};

use crate::encoder::unhex;

const LIMITS: Limits = Limits { frame_bytes: 1024 };

#[test]
fn a_page_in_hex() {
    let queue = Jid::named("bob");
    let shared = SharedFrame::new(&queue, &[unhex("0801"), unhex("0802")], 300);
    let frame = shared.with_tail(Some(1 << 33), false);
    let parts = frame.parts().map(<[u8]>::to_vec);
    assert_eq!(parts[0], unhex("40 00  4a 1c"));
    assert_eq!(parts[1], unhex("0a 00  22 02 0801  22 02 0802  32 05 12 03 626f62  40 ac02"));
    assert_eq!(parts[2], unhex("28 80 80 80 80 20  38 00"));
    assert_eq!(frame.len(), parts.concat().len());
    assert_eq!(frame.to_bytes(), parts.concat());
    let last = shared.with_tail(None, true);
    assert_eq!(last.parts()[2], unhex("38 01"));
}

#[test]
fn recipients_share_the_body() {
    let shared = SharedFrame::new(&Jid::named("q"), &[vec![0; 500]], 1);
    let (one, two) = (shared.with_tail(Some(1), false), shared.with_tail(Some(u64::MAX), true));
    assert_eq!(one.parts()[1].as_ptr(), two.parts()[1].as_ptr());
    assert_eq!(one.clone().parts()[1].as_ptr(), one.parts()[1].as_ptr());
}

#[test]
fn frames_of_one_piece() {
    let notice = CommNotice { queue: Some(Jid::named("q")) };
    let frame = Frame::new(Command::Notice, &notice);
    let outer = MSync::decode(frame.to_bytes()).unwrap();
    assert_eq!(outer.command(), Command::Notice);
    assert_eq!(CommNotice::decode(outer.payload.clone().unwrap()).unwrap(), notice);
    assert_eq!(Frame::from_msync(&outer).to_bytes(), frame.to_bytes());
    assert_eq!(frame.to_bytes(), unhex("40 02  4a 05 0a 03 12 01 71"));
}

#[test]
fn a_frame_above_the_limit_is_not_read() {
    let frame = MSync { payload: Some(vec![0; 2000].into()), ..Default::default() }.encode_to_vec();
    let bytes = frame.len();
    assert_eq!(
        decode_frame(frame.into(), LIMITS),
        Err(DecodeError::TooLarge { bytes, limit: 1024 })
    );
}

#[test]
fn the_payload_is_a_part_of_the_frame() {
    let frame: Bytes =
        MSync { payload: Some(vec![7; 500].into()), ..Default::default() }.encode_to_vec().into();
    let payload = decode_frame(frame.clone(), LIMITS).unwrap().payload.unwrap();
    assert!(frame.as_ptr_range().contains(&payload.as_ptr()));
}

proptest! {
    #[test]
    fn a_page_reads_back(
        name in "[a-z]{0,40}",
        ids in prop::collection::vec(any::<u64>(), 0..5),
        payload in prop::collection::vec(any::<u8>(), 0..300),
        next_key in any::<Option<u64>>(),
        is_last: bool,
        timestamp: u64,
    ) {
        let queue = Jid::group("org#app", &name);
        let metas: Vec<Meta> = ids
            .iter()
            .map(|id| Meta {
                id: Some(*id),
                payload: Some(payload.clone().into()),
                ..Default::default()
            })
            .collect();
        let encoded: Vec<Vec<u8>> = metas.iter().map(Message::encode_to_vec).collect();
        let frame = SharedFrame::new(&queue, &encoded, timestamp).with_tail(next_key, is_last);
        prop_assert_eq!(frame.len(), frame.to_bytes().len());
        let outer = MSync::decode(frame.to_bytes()).unwrap();
        prop_assert_eq!(outer.command, Some(Command::Sync.into()));
        let page = CommSyncDl::decode(outer.payload.unwrap()).unwrap();
        prop_assert_eq!(page, CommSyncDl {
            status: Some(Status::OK),
            metas,
            next_key,
            queue: Some(queue),
            is_last: Some(is_last),
            timestamp: Some(timestamp),
            ..Default::default()
        });
    }
}
