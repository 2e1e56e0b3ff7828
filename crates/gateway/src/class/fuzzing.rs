//! Made-up clients of a class.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use stoa_classroom::frame::Frame;
use stoa_classroom::{Heard, Joined, Track};
use stoa_core::{Timestamp, limits};

use super::core::{Call, Effect, Input, Session};
use super::message::Refused;

/// The last numbers of the room and of the user.
const HEARD: Heard = Heard { sequence: 40, peer_sequence: 3 };

/// Runs a session over lines of input: those that begin with `!` are what the server answers and time, all others
/// are messages of the client.
pub(crate) fn exercise(data: &[u8]) {
    let mut now = Timestamp::from_secs(1_800_000_000);
    let until = now.plus(Duration::from_secs(300));
    let mut session = Session::new(now, limits::CLASS_QUIET);
    let (mut joined, mut live, mut over) = (false, false, false);
    for line in data.split(|byte| *byte == b'\n') {
        let input = match line {
            [b'!', b'j', ..] => {
                joined = true;
                Input::Joined(Ok(Joined { heard: HEARD, sees_answers: false, until }))
            }
            [b'!', b'n', ..] => Input::Joined(Err(Refused { code: 401, text: "no".into() })),
            [b'!', b'm', from, count, ..] => {
                Input::Missed(Track::Room, Ok(frames((*from).into(), (*count).into(), now)))
            }
            [b'!', b'p', from, count, ..] => {
                Input::Missed(Track::Peer, Ok(frames((*from).into(), (*count).into(), now)))
            }
            [b'!', b't', seconds, ..] => {
                now = now.plus(Duration::from_secs((*seconds).into()));
                Input::Tick
            }
            [b'!', b'e', ..] => Input::End("kicked"),
            [b'!', ..] => Input::Alive,
            message => Input::Message(Bytes::copy_from_slice(message)),
        };
        let mut effects = Vec::new();
        session.handle(now, input, &mut effects);
        for effect in effects {
            assert!(!over, "a session that has ended does nothing");
            match effect {
                Effect::Send(text) => {
                    let said: Value = serde_json::from_str(&text).expect("what is said is JSON");
                    assert!(said.is_object() && text.len() < 100_000);
                }
                Effect::Live => {
                    assert!(joined && !live, "only who was let in hears the room, from once on");
                    live = true;
                }
                Effect::Call(Call::Join(hello)) => assert!(!hello.room.as_str().is_empty()),
                Effect::Call(Call::Missed(track, from)) => {
                    let last = match track {
                        Track::Room => HEARD.sequence,
                        Track::Peer => HEARD.peer_sequence,
                    };
                    assert!(joined && (1..=last).contains(&from));
                }
                Effect::Call(Call::Renew(_)) => assert!(joined),
                Effect::Call(Call::Media(_)) => assert!(live, "media are for who is in the room"),
                Effect::Ping => {}
                Effect::Close(reason) => {
                    over = true;
                    assert!(reason.close_frame().0 >= 1000);
                }
            }
        }
        assert_eq!(session.deadline().is_none(), over, "a session that lives has a deadline");
    }
}

fn frames(from: u64, count: u64, at: Timestamp) -> Vec<Frame> {
    let frame = |sequence| Frame {
        cmd: 4,
        sequence,
        at,
        operator: Value::Null,
        data: Value::Null,
        reduced: None,
        list: Vec::new(),
    };
    (from..from + count.min(100)).map(frame).collect()
}
