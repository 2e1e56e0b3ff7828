//! The generator sends what the vendor's SDK sent in a recorded session, frame by frame.
//!
//! `conformance/record.js` makes such recordings. The server's frames and the app's wishes of it are
//! played to the generator's protocol; each frame that it sends must be the next one that the SDK
//! sent. Compared are all fields at every level, with their presence; the SDK writes fields of a
//! frame in another order, which is not compared. These may differ: the ids of metas and the mark
//! of the session, both of which are times.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;
use stoa_bench::client::frames::{self, Identity};
use stoa_bench::client::protocol::Protocol;
use stoa_wire::{
    CommSyncUl, Command, MSync, Message, MessageBody, NameSpace, Provision, StatisticsBody,
};

/// Texts from and to two other users, and the heartbeat.
const USERS: &str = include_str!("../fixtures/sdk-session.json");
/// Texts of a group: its queue has the group's own address. In this one the server's frames were made
/// by a script.
const GROUP: &str = include_str!("../fixtures/sdk-group.json");

/// Decodes, and makes sure that nothing was left out: what is encoded again is as long as it was.
fn whole<M: Message + Default>(bytes: &Bytes) -> M {
    let message = M::decode(bytes.clone()).expect("a frame of the recording");
    assert_eq!(message.encoded_len(), bytes.len(), "there are fields that we do not know");
    message
}

/// A frame with its fields in one order, and without what may differ.
fn comparable(frame: &[u8]) -> (Command, Vec<u8>, String) {
    let mut outer: MSync = whole(&Bytes::copy_from_slice(frame));
    let command = outer.command();
    let payload = outer.payload.take();
    let inner = match (command, payload) {
        (Command::Provision, Some(payload)) => {
            let mut provision: Provision = whole(&payload);
            let mark = provision.session_id.take().expect("every login has one");
            assert!(mark.ends_with(':') && mark.len() == 14, "{mark}");
            // Its `Debug` shows no secrets, hence too little: compared as bytes.
            format!("{:?}", provision.encode_to_vec())
        }
        (Command::Sync, Some(payload)) => {
            let mut sync: CommSyncUl = whole(&payload);
            let mut body = String::new();
            if let Some(meta) = &mut sync.meta {
                assert!(meta.id.take().is_some_and(|id| id > 0));
                let payload = meta.payload.take().expect("every meta has one");
                body = match meta.ns() {
                    NameSpace::Chat => format!("{:?}", whole::<MessageBody>(&payload)),
                    _ => format!("{:?}", whole::<StatisticsBody>(&payload)),
                };
            }
            format!("{sync:?} {body}")
        }
        (_, payload) => format!("{payload:?}"),
    };
    (command, outer.encode_to_vec(), inner)
}

/// Plays a recording to the generator; how many frames it sent, and how many it heard.
fn play(recording: &str) -> (u32, u32) {
    let recording: Value = serde_json::from_str(recording).expect("JSON");
    let about = |name: &str| recording["about"][name].as_str().expect("a text").to_owned();
    let identity = Identity {
        app_key: about("appKey"),
        user: about("user"),
        resource: about("resource"),
        token: about("token"),
    };
    let bytes = |value: &Value| STANDARD.decode(value.as_str().expect("base64")).expect("base64");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut protocol = Protocol::default();
    let mut due = vec![frames::provision(&identity, 1_800_000_000_000)];
    let (mut sent, mut heard) = (0, 0);
    for event in recording["events"].as_array().expect("a list") {
        let now = 1_800_000_000_000 + event["ms"].as_u64().expect("a number");
        if !event["server"].is_null() {
            let frame = Bytes::from(bytes(&event["server"]));
            protocol.hear(frame, now, &mut due).expect("a server's frame that we understand");
            heard += 1;
        } else if event["app"] == "send" {
            due.push(frames::text(&identity, &text(&event["to"]), now, text(&event["text"])));
        } else if event["app"] == "send to group" {
            due.push(frames::group_text(&identity, &text(&event["to"]), now, text(&event["text"])));
        } else if event["app"] == "silence" {
            Protocol::heartbeat(now, &mut due);
        } else {
            let theirs = bytes(&event["client"]);
            // The answer to a heartbeat may come before the second frame of it is out.
            assert!(!due.is_empty(), "the SDK sent something at {now} that we would not");
            assert_eq!(comparable(&due.remove(0)), comparable(&theirs), "at {now}");
            sent += 1;
        }
    }
    assert!(due.is_empty(), "{} frames that the SDK did not send", due.len());
    (sent, heard)
}

#[test]
fn the_generator_sends_what_the_sdk_sent() {
    assert_eq!(play(USERS), (14, 12), "the whole recording");
}

#[test]
fn the_generator_sends_what_the_sdk_sent_in_a_group() {
    assert_eq!(play(GROUP), (9, 9), "the whole recording");
}

#[test]
fn the_recordings_hold_no_token() {
    for recording in [USERS, GROUP] {
        let recording: Value = serde_json::from_str(recording).expect("JSON");
        let token = recording["about"]["token"].as_str().expect("a text");
        assert!(token.len() > 100 && token.bytes().all(|byte| byte == b'0'), "overwritten");
        for event in recording["events"].as_array().expect("a list") {
            let frame = event["client"].as_str().or(event["server"].as_str()).unwrap_or_default();
            let frame = STANDARD.decode(frame).expect("base64");
            let text = String::from_utf8_lossy(&frame);
            for (at, _) in text.match_indices("$t$") {
                assert!(text[at + 3..].starts_with(token), "a token at {at}");
            }
        }
    }
}
