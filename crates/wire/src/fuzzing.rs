//! What the fuzz target runs, shared with tests that need no fuzzer: any bytes, as a frame, as the
//! message of each command, as a body, and as what a server puts around a body.

use bytes::Bytes;

use crate::content::{inspect, override_from_to};
use crate::delivery::{Address, Delivery};
use crate::{
    CommNotice, CommSyncDl, CommSyncUl, CommUnreadDl, CommUnreadUl, Command, Frame, Jid, KeyValue,
    Limits, MSync, Message, MessageBody, MessageType, Meta, MucBody, NameSpace, Provision,
    RosterBody, SharedFrame, StatisticsBody, Status, decode_frame,
};

const LIMITS: Limits = Limits { frame_bytes: 4096 };

/// Takes `data` for everything that can come from the other side.
///
/// # Panics
/// When the readers contradict each other, or what was read is written differently.
pub fn exercise(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    frame(&bytes);
    body(&bytes);
    for again in [
        again::<MSync>,
        again::<CommSyncUl>,
        again::<CommSyncDl>,
        again::<CommUnreadUl>,
        again::<CommUnreadDl>,
        again::<CommNotice>,
        again::<Provision>,
        again::<Meta>,
        again::<MessageBody>,
        again::<MucBody>,
        again::<RosterBody>,
        again::<StatisticsBody>,
        again::<Status>,
        again::<Jid>,
        again::<KeyValue>,
    ] {
        again(&bytes);
    }
    delivered(&bytes);
}

/// What is read can be written, and reads the same.
fn again<M: Message + Default>(bytes: &Bytes) {
    if let Ok(message) = M::decode(bytes.clone()) {
        let written = message.encode_to_vec();
        assert_eq!(written.len(), message.encoded_len());
        let read = M::decode(written.as_slice()).expect("what was written can be read");
        // Not the messages: a number that is none equals nothing.
        assert_eq!(read.encode_to_vec(), written);
    }
}

/// A frame, down to the body that it may carry.
fn frame(bytes: &Bytes) {
    let Ok(outer) = decode_frame(bytes.clone(), LIMITS) else { return };
    let framed = Frame::from_msync(&outer);
    assert_eq!(framed.len(), framed.to_bytes().len());
    let Some(payload) = outer.payload else { return };
    let Ok(sync) = CommSyncUl::decode(payload) else { return };
    if let Some(payload) = sync.meta.and_then(|meta| meta.payload) {
        body(&payload);
    }
}

/// A body that passes inspection is one for every decoder, before and after the names are put in.
fn body(bytes: &Bytes) {
    let seen = inspect(bytes);
    let named = override_from_to(bytes, "amy", "bob");
    let Ok(seen) = seen else { return };
    let decoded = MessageBody::decode(bytes.clone()).expect("inspected");
    assert_eq!(seen.message_type, MessageType::try_from(decoded.kind.unwrap_or(0)).ok());
    assert_eq!(seen.contents, decoded.contents.len());
    assert!(seen.counted_bytes <= bytes.len());
    let named = named.expect("what passes inspection is protobuf");
    assert_eq!(seen.names_are("amy", "bob"), named == bytes);
    let after = inspect(&named).expect("names do no harm");
    assert_eq!((after.kind, after.counted_bytes), (seen.kind, seen.counted_bytes));
    let decoded = MessageBody::decode(named).expect("names do no harm");
    let name = |jid: Option<Jid>| jid.and_then(|jid| jid.name);
    assert_eq!(name(decoded.from).as_deref(), Some("amy"));
    assert_eq!(name(decoded.to).as_deref(), Some("bob"));
}

/// What a recipient gets of a body is the body, whatever stands in it.
fn delivered(bytes: &Bytes) {
    let meta = Delivery {
        id: 7,
        app_key: "org#app",
        from: Address::Device { user: "amy", resource: "webim_1" },
        to: Address::User("bob"),
        timestamp: 1_800_000_000_000,
        ns: NameSpace::Chat,
        payload: bytes,
        ext: b"",
        meta: b"",
    }
    .encode();
    let page = SharedFrame::new(&Jid::named("amy"), &[&meta], 1).with_tail(Some(u64::MAX), false);
    let outer = decode_frame(page.to_bytes(), Limits { frame_bytes: usize::MAX });
    let outer = outer.expect("our own frame");
    assert_eq!(outer.command(), Command::Sync);
    let page = CommSyncDl::decode(outer.payload.unwrap_or_default()).expect("our own page");
    assert_eq!((page.next_key, page.metas.len()), (Some(u64::MAX), 1));
    assert_eq!(page.metas[0].payload.as_ref(), Some(bytes));
}
