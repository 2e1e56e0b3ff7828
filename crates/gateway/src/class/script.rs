//! Scripts of sessions in a class: a transcript goes in, what the session really does is put beside each line, and the
//! two must be the same.
//!
//! | line | meaning |
//! | --- | --- |
//! | `> hello N M`, `> renew`, `> ping`, `> {…}` | the client's messages; it knows frames up to `N` of the room and `M` to itself |
//! | `= in N M SECS`, `= refused CODE`, `= room N…`, `= peer N…`, `= failed`, `= renewed SECS`, `= not-renewed CODE` | outcomes of calls |
//! | `* kicked`, `* lives SECS`, `* overrun` | what the room decides, and the outlet |
//! | `~ SECS`, `~ alive`, `~ shutdown`, `~ gone` | time, the socket, the server |
//! | `< …` | what the session sends, calls or does |

use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use stoa_classroom::frame::Frame;
use stoa_classroom::{Heard, Joined, Track};
use stoa_core::{Timestamp, limits};

use super::core::{Call, Effect, Input, Session};
use super::message::Refused;

/// When scripts begin.
pub(crate) const START: Timestamp = Timestamp::from_secs(1_800_000_000);

/// Runs the inputs of `script` and compares what comes of them with its `<` lines.
#[track_caller]
pub(crate) fn check(script: &str) {
    let lines: Vec<&str> = script.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut world = World { session: Session::new(START, limits::CLASS_QUIET), now: START };
    let mut actual = String::new();
    for line in lines.iter().filter(|line| !line.starts_with('<')) {
        writeln!(actual, "{line}").unwrap();
        for done in world.step(line) {
            writeln!(actual, "< {done}").unwrap();
        }
    }
    let expected = lines.join("\n") + "\n";
    assert_eq!(expected, actual, "\n--- what really happened ---\n{actual}");
}

struct World {
    session: Session,
    now: Timestamp,
}

/// A client's hello, which knows frames up to those numbers.
pub(crate) fn hello(sequence: u64, peer_sequence: u64) -> Value {
    json!({
        "type": "hello", "appId": "0123456789abcdef0123456789abcdef", "roomUuid": "room",
        "userUuid": "bob", "token": "007x", "userToken": "00000000000000ff",
        "sequence": sequence, "peerSequence": peer_sequence,
    })
}

impl World {
    fn step(&mut self, line: &str) -> Vec<String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let text = |value: Value| Input::Message(value.to_string().into());
        let number = |text: &str| text.parse::<u64>().unwrap();
        let refused = |code: &str| Refused { code: code.parse().unwrap(), text: "no".into() };
        let within = |secs: &str| START.plus(Duration::from_secs(number(secs)));
        let input = match words[..] {
            [">", "hello", room, peer] => text(hello(number(room), number(peer))),
            [">", "renew"] => text(json!({"type": "renew", "token": "007y"})),
            [">", "ping"] => text(json!({"type": "ping"})),
            [">", ..] => Input::Message(Bytes::copy_from_slice(&line.as_bytes()[2..])),
            ["=", "in", room, peer, secs] => Input::Joined(Ok(Joined {
                heard: Heard { sequence: number(room), peer_sequence: number(peer) },
                sees_answers: false,
                until: within(secs),
            })),
            ["=", "refused", code] => Input::Joined(Err(refused(code))),
            ["=", "room", ref numbers @ ..] => Input::Missed(Track::Room, Ok(frames(numbers))),
            ["=", "peer", ref numbers @ ..] => Input::Missed(Track::Peer, Ok(frames(numbers))),
            ["=", "failed"] => Input::Missed(Track::Room, Err(refused("500"))),
            ["=", "renewed", secs] => Input::Renewed(Ok(within(secs))),
            ["=", "not-renewed", code] => Input::Renewed(Err(refused(code))),
            ["*", "lives", secs] => Input::LivesUntil(within(secs)),
            ["*", "overrun"] => Input::Overrun,
            ["*", why] => Input::End(Box::leak(why.to_owned().into_boxed_str())),
            ["~", "alive"] => Input::Alive,
            ["~", "shutdown"] => Input::Shutdown,
            ["~", "gone"] => Input::Gone,
            ["~", secs] => {
                self.now = self.now.plus(Duration::from_secs(number(secs)));
                Input::Tick
            }
            _ => panic!("no such line: {line}"),
        };
        let mut effects = Vec::new();
        self.session.handle(self.now, input, &mut effects);
        effects.iter().map(say).collect()
    }
}

/// Frames with those numbers, each with a right answer that is not for everybody.
fn frames(numbers: &[&str]) -> Vec<Frame> {
    let frame = |number: &&str| Frame {
        cmd: 4,
        sequence: number.parse().unwrap(),
        at: START,
        operator: Value::Null,
        data: json!("answer"),
        reduced: Some(json!("-")),
        list: Vec::new(),
    };
    numbers.iter().map(frame).collect()
}

fn say(effect: &Effect) -> String {
    match effect {
        Effect::Send(text) => said(&serde_json::from_str(text).unwrap()),
        Effect::Call(Call::Join(hello)) => format!("call join {}", hello.user.as_str()),
        Effect::Call(Call::Missed(Track::Room, from)) => format!("call room {from}"),
        Effect::Call(Call::Missed(Track::Peer, from)) => format!("call peer {from}"),
        Effect::Call(Call::Renew(token)) => format!("call renew {}", token.expose()),
        Effect::Call(Call::Media(_)) => "call media".into(),
        Effect::Live => "goes live".into(),
        Effect::Ping => "asks".into(),
        Effect::Close(reason) => format!("closes {}", reason.close_frame().0),
    }
}

/// A message in short.
fn said(message: &Value) -> String {
    let seconds = |ms: &Value| ms.as_u64().map(|ms| ms / 1000 - START.as_secs());
    if let Some(list) = message["list"].as_array() {
        let frames: Vec<String> = list
            .iter()
            .map(|frame| format!("{}{}", frame["sequence"], frame["data"].as_str().unwrap()))
            .collect();
        assert_eq!(message["total"], list.len());
        assert_eq!(message["startSequence"], list[0]["sequence"]);
        let to = if message["peer"] == true { "peer" } else { "room" };
        return format!("{to} {}", frames.join(" "));
    }
    if message["cmd"] == "tokenWillExpire" {
        return format!("will expire {}", seconds(&message["data"]["expireTs"]).unwrap());
    }
    let kind = message["type"].as_str().unwrap();
    match kind {
        "welcome" => {
            let until = seconds(&message["expireTs"]).unwrap();
            format!("welcome {} {} {until}", message["sequence"], message["peerSequence"])
        }
        "refused" | "error" => format!("{kind} {}: {}", message["code"], message["msg"]),
        "end" => format!("end {}", message["reason"].as_str().unwrap()),
        "renewed" => format!("renewed {}", seconds(&message["expireTs"]).unwrap()),
        _ => kind.to_owned(),
    }
}
