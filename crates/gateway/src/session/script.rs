//! Scripts of frames: a transcript goes in, what the session really says is put beside each line,
//! and the two must be the same.
//!
//! | line | meaning |
//! | --- | --- |
//! | `> login`, `> unread`, `> pull Q`, `> ack Q K`, `> send ID USER TEXT`, `> read ID USER MID`, `> recall ID USER MID`, `> edit ID USER MID TEXT`, `> read-group ID GROUP` | the client's frames; `K` is a key by its order of appearance |
//! | `= in`, `= refused WHY`, `= unread Q N…`, `= page Q START [SEQ…] end END (more)`, `= done ID ok/unknown/WHY`, `= edited ID ok/WHY`, `= saved` | outcomes of calls |
//! | `* bob N`, `* own N`, `* passing`, `* kick`, `* kick-other`, `* renewed SECS`, `* other-renewed SECS`, `* missed` | events: an entry of bob's, an own one from this device, … |
//! | `~ SECS`, `~ full`, `~ drained`, `~ shutdown` | time, the socket, the server |
//! | `< …` | what the session sends, calls or does |

use std::fmt::Write;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use stoa_chat::entry::{
    Audience, Delivery, EditMark, Entry, Event, Kick, KickReason, Kind, Queue, Which,
};
use stoa_chat::{Appended, Edited, Error, Page, Unread};
use stoa_core::{AppNumber, MessageId, Seq, Target, Timestamp, TokenRefusal};
use stoa_store::StoreError;
use stoa_wire::{
    CommNotice, CommSyncDl, CommSyncUl, CommUnreadDl, Command, Content, Jid, MSync, Message,
    MessageBody, MessageType, Meta, NameSpace, Provision, StatisticsBody, delivery,
};

use super::core::{Call, Effect, Input, LoggedIn, Outcome, Session};

const APP_KEY: &str = "demo#stoa";

/// Runs the inputs of `script` and compares what comes of them with its `<` lines.
#[track_caller]
pub(crate) fn check(script: &str) {
    let lines: Vec<&str> = script.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut world = World::new();
    let mut actual = String::new();
    for line in lines.iter().filter(|line| !line.starts_with('<')) {
        writeln!(actual, "{line}").unwrap();
        for said in world.step(line) {
            writeln!(actual, "< {said}").unwrap();
        }
    }
    let expected = lines.join("\n") + "\n";
    assert_eq!(expected, actual, "\n--- what really happened ---\n{actual}");
}

/// The session with all that is around it.
pub(crate) struct World {
    pub(crate) session: Session,
    pub(crate) now: Timestamp,
    keys: Vec<u64>,
}

impl World {
    pub(crate) fn new() -> Self {
        let now = Timestamp::from_secs(1_800_000_000);
        Self { session: Session::new(now), now, keys: Vec::new() }
    }

    /// Logs in, with nothing unread.
    pub(crate) fn open(&mut self) {
        for line in ["> login", "= in", "= unread"] {
            self.step(line);
        }
    }

    /// Hands an input to the session and says in words what comes of it.
    pub(crate) fn feed(&mut self, input: Input) -> Vec<String> {
        let mut effects = Vec::new();
        self.session.handle(self.now, input, &mut effects);
        effects.iter().filter_map(|effect| self.say(effect)).collect()
    }

    fn step(&mut self, line: &str) -> Vec<String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let input = match words[..] {
            [">", ref frame @ ..] => Input::Frame(self.frame(frame)),
            ["=", ref outcome @ ..] => Input::Outcome(outcome_of(outcome, self.now)),
            ["*", "missed"] => Input::Missed,
            ["*", ref event @ ..] => Input::Event(Arc::new(event_of(event, self.now))),
            ["~", "full"] => Input::Pressure(true),
            ["~", "drained"] => Input::Pressure(false),
            ["~", "shutdown"] => Input::Shutdown,
            ["~", secs] => {
                self.now = self.now.plus(Duration::from_secs(secs.parse().unwrap()));
                Input::Tick
            }
            _ => panic!("no such line: {line}"),
        };
        self.feed(input)
    }

    fn frame(&self, words: &[&str]) -> Bytes {
        let sync = |sync: CommSyncUl| frame(Command::Sync, &sync.encode_to_vec());
        let queue = |name: &str| Some(Jid::user(APP_KEY, name));
        let body = |kind: MessageType, to: &str, text: &str, about: Option<u64>| MessageBody {
            kind: Some(kind as i32),
            from: Some(Jid::named("alice")),
            to: Some(Jid::named(to)),
            contents: vec![Content {
                kind: Some(0),
                text: Some(text.into()),
                ..Default::default()
            }],
            ack_message_id: about,
            ..Default::default()
        };
        let meta = |id: &str, to: &str, body: MessageBody| CommSyncUl {
            meta: Some(Meta {
                id: id.parse().ok(),
                to: queue(to),
                ns: Some(NameSpace::Chat as i32),
                payload: Some(body.encode_to_vec().into()),
                ..Default::default()
            }),
            ..Default::default()
        };
        match *words {
            ["login"] => login(Some("token")),
            ["login-without-token"] => login(None),
            ["unread"] => frame(Command::Unread, &[]),
            ["pull", name] => sync(CommSyncUl { queue: queue(name), ..Default::default() }),
            ["ack", name, key] => {
                let index: usize = key.trim_start_matches('k').parse().unwrap();
                // A key that was never given: one that no session makes.
                let key = self.keys.get(index - 1).copied().unwrap_or(12_345);
                sync(CommSyncUl { queue: queue(name), key: Some(key), ..Default::default() })
            }
            ["send", id, to, text] => sync(meta(id, to, body(MessageType::Chat, to, text, None))),
            ["read", id, to, about] => {
                let about = about.parse().ok();
                sync(meta(id, to, body(MessageType::ReadAck, to, "", about)))
            }
            ["read-in-group", id, to, about, content] => {
                let mut read = body(MessageType::ReadAck, to, "", about.parse().ok());
                read.ack_content = Some(content.to_owned());
                let mut sync_ul = meta(id, to, read);
                sync_ul.meta.as_mut().unwrap().to = Some(Jid::group(APP_KEY, to));
                sync(sync_ul)
            }
            ["recall", id, to, about] => {
                let about = about.parse().ok();
                sync(meta(id, to, body(MessageType::Recall, to, "", about)))
            }
            ["edit", id, to, about, text] => {
                let edit = MessageBody {
                    edit_message_id: about.parse().ok(),
                    edit_scope: Some(1),
                    ..body(MessageType::Edit, to, text, None)
                };
                sync(meta(id, to, edit))
            }
            ["read-group", id, to] => {
                let mut sync_ul = meta(id, to, body(MessageType::ChannelAck, to, "", None));
                sync_ul.meta.as_mut().unwrap().to = Some(Jid::group(APP_KEY, to));
                sync(sync_ul)
            }
            ["to-group", id, to] => sync(meta(id, to, body(MessageType::GroupChat, to, "", None))),
            ["to-other-app", id, to] => {
                let mut sync_ul = meta(id, to, body(MessageType::Chat, to, "", None));
                sync_ul.meta.as_mut().unwrap().to = Some(Jid::user("demo#other", to));
                sync(sync_ul)
            }
            ["no-body", id] => sync(CommSyncUl {
                meta: Some(Meta {
                    id: id.parse().ok(),
                    to: queue("bob"),
                    ns: Some(NameSpace::Chat as i32),
                    ..Default::default()
                }),
                ..Default::default()
            }),
            ["notice"] => frame(Command::Notice, &[]),
            ["garbage"] => Bytes::from_static(b"\xff\xff\xff\xff\xff"),
            _ => panic!("no such frame: {words:?}"),
        }
    }

    /// In words, and remembering the keys. That a cursor moved shows when it is stored.
    fn say(&mut self, effect: &Effect) -> Option<String> {
        Some(match effect {
            Effect::Moved(..) => return None,
            Effect::Call(call) => match call {
                Call::Login { request, .. } => format!("call login {}", request.user),
                Call::Unread => "call unread".into(),
                Call::Page { queue, after } => match after {
                    Some(after) => format!("call page {} after {}", queue.name(), after.0),
                    None => format!("call page {} after its cursor", queue.name()),
                },
                Call::Send { id, draft } => format!("call send {id} {}", draft.to.name()),
                Call::Acknowledge { id, receipt } => {
                    format!("call {:?} {id} {}", receipt.kind, receipt.to.as_str())
                }
                Call::Read { id, target } => format!("call read {id} {}", target.name()),
                Call::Recall { id, recall } => {
                    format!("call recall {id} {} {}", recall.to.name(), recall.message)
                }
                Call::Edit { id, edit } => {
                    format!("call edit {id} {} {}", edit.to.name(), edit.message)
                }
                Call::AcknowledgeInGroup { id, receipt } => {
                    let (group, message) = (receipt.group.as_str(), receipt.message.0);
                    format!("call read-in-group {id} {group} {message} {:?}", receipt.content)
                }
                Call::EnterRoom { id, room, ext, leave_others } => {
                    format!("call enter {id} {} {ext:?} {leave_others}", room.as_str())
                }
                Call::LeaveRoom { id, room } => format!("call leave {id} {}", room.as_str()),
                Call::Save(moved) => {
                    let mut text = "call save".to_owned();
                    for (queue, seq) in moved {
                        write!(text, " {} {}", queue.name(), seq.0).unwrap();
                    }
                    text
                }
            },
            Effect::Close(reason) => format!("close {reason:?}"),
            Effect::Send(frame) => self.say_frame(&frame.to_bytes()),
        })
    }

    fn say_frame(&mut self, frame: &[u8]) -> String {
        let frame = MSync::decode(frame).unwrap();
        let payload = frame.payload.unwrap();
        match Command::try_from(frame.command.unwrap_or_default()).unwrap() {
            Command::Provision => {
                let provision = Provision::decode(payload).unwrap();
                let status = provision.status.expect("a Provision has a status");
                let resource = provision.resource.expect("a Provision has a resource");
                match status.error_code.unwrap_or_default() {
                    0 => format!("provision {resource} {}", provision.auth_token.unwrap()),
                    code => format!("refused {code} {}", status.reason.unwrap()),
                }
            }
            Command::Unread => {
                let unread = CommUnreadDl::decode(payload).unwrap();
                let mut names: Vec<_> =
                    unread.unread.into_iter().map(|q| q.queue.unwrap().name.unwrap()).collect();
                names.sort();
                assert_eq!(unread.timestamp, Some(self.now.as_millis()));
                format!("unread [{}]", names.join(" "))
            }
            Command::Notice => {
                let notice = CommNotice::decode(payload).unwrap();
                format!("notice {}", notice.queue.unwrap().name.unwrap())
            }
            Command::Sync => self.say_sync(CommSyncDl::decode(payload).unwrap()),
        }
    }

    fn say_sync(&mut self, dl: CommSyncDl) -> String {
        let status = dl.status.expect("a CommSyncDL always has a status");
        if let Some(id) = dl.meta_id {
            let code = status.error_code.unwrap_or_default();
            return match code {
                0 if dl.metas.is_empty() => format!("answer {id} ok {}", dl.server_id.unwrap()),
                0 => {
                    let said = dl.metas[0].payload.clone().unwrap();
                    let said = String::from_utf8(said.to_vec()).unwrap();
                    format!("answer {id} ok {} {said}", dl.server_id.unwrap())
                }
                _ => format!("answer {id} {code} {}", status.reason.unwrap()),
            };
        }
        let Some(queue) = dl.queue else {
            assert!(dl.metas.is_empty(), "metas never come without a queue");
            return format!("status {} without a number", status.error_code.unwrap_or_default());
        };
        let mut text = format!("page {} [", queue.name.unwrap());
        for (index, meta) in dl.metas.iter().enumerate() {
            assert!(meta.from.is_some() && meta.id.is_some_and(|id| id > 0), "{meta:?}");
            if index > 0 {
                text.push(' ');
            }
            if meta.ns == Some(NameSpace::Statistic as i32) {
                let body = StatisticsBody::decode(meta.payload.clone().unwrap()).unwrap();
                write!(text, "operation {}", body.operation.unwrap()).unwrap();
            } else {
                write!(text, "m{}", meta.id.unwrap()).unwrap();
            }
        }
        text.push(']');
        if let Some(key) = dl.next_key {
            assert!(!self.keys.contains(&key), "a key was given twice");
            self.keys.push(key);
            write!(text, " k{}", self.keys.len()).unwrap();
        }
        if dl.is_last == Some(true) {
            text.push_str(" last");
        }
        text
    }
}

fn frame(command: Command, payload: &[u8]) -> Bytes {
    let frame = MSync {
        version: Some(0),
        command: Some(command as i32),
        payload: Some(payload.to_vec().into()),
        ..Default::default()
    };
    frame.encode_to_vec().into()
}

fn login(token: Option<&str>) -> Bytes {
    let provision = Provision {
        os_type: Some(16),
        resource: Some("web".into()),
        action_version: Some("v5.1".into()),
        ..Default::default()
    };
    MSync {
        command: Some(Command::Provision as i32),
        guid: Some(Jid::user(APP_KEY, "alice").with_resource("web")),
        auth: token.map(|token| format!("$t${token}")),
        payload: Some(provision.encode_to_vec().into()),
        ..Default::default()
    }
    .encode_to_vec()
    .into()
}

fn queue(name: &str) -> Queue {
    Queue::from_name(name, name.bytes().all(|byte| byte.is_ascii_digit())).unwrap()
}

/// An entry whose id is its sequence number.
fn entry(seq: u64, own: bool, now: Timestamp) -> Arc<Entry> {
    let (from, from_resource) = if own { ("alice", "web") } else { ("bob", "phone") };
    Arc::new(Entry {
        id: MessageId(seq),
        at: now,
        kind: Kind::Text,
        from: from.parse().unwrap(),
        from_resource: from_resource.parse().unwrap(),
        to: Target::User(if own { "bob" } else { "alice" }.parse().unwrap()),
        only_resource: None,
        audience: Audience::All,
        edit: None,
        body: delivery::channel_ack("bob", "alice"),
        ext: Bytes::new(),
    })
}

fn outcome_of(words: &[&str], now: Timestamp) -> Outcome {
    let seq = |text: &str| Seq(text.parse().unwrap());
    match *words {
        ["in"] => Outcome::Login(Ok(LoggedIn {
            user: "alice".parse().unwrap(),
            app_key: APP_KEY.into(),
            number: 1,
            expires: now.plus(Duration::from_secs(3600)),
            notice_id: MessageId(999),
        })),
        ["refused", "expired"] => Outcome::Login(Err(TokenRefusal::Expired.into())),
        ["refused", "unknown-user"] => Outcome::Login(Err(Error::UnknownUser)),
        ["refused", "deactivated"] => Outcome::Login(Err(Error::Deactivated)),
        ["refused", "bad"] => Outcome::Login(Err(TokenRefusal::Invalid("bad_signature").into())),
        ["unread", ref rest @ ..] => {
            let list =
                rest.chunks(2).map(|pair| Unread { queue: queue(pair[0]), cursor: seq(pair[1]) });
            Outcome::Unread(Ok(list.collect()))
        }
        ["page", name, start, ref rest @ ..] => {
            let mut entries = Vec::new();
            let mut words = rest.iter().map(|word| word.trim_matches(['[', ']']));
            for word in words.by_ref().take_while(|word| *word != "end").filter(|w| !w.is_empty()) {
                entries.push((seq(word), entry(word.parse().unwrap(), false, now)));
            }
            let end = seq(words.next().unwrap());
            let more = words.next() == Some("more");
            Outcome::Page(queue(name), Ok(Page { start: seq(start), entries, end, more }))
        }
        ["done", id, result] => {
            let result = match result {
                "ok" => Ok(Appended { id: MessageId(500), at: now }),
                "unknown" => Err(StoreError::Unknown("power cut".into()).into()),
                "too-large" => Err(Error::TooLarge { got: 2, limit: 1 }),
                "no-recipient" => Err(Error::UnknownRecipient),
                "late" => Err(Error::RecallTooLate),
                _ => panic!("no such result"),
            };
            Outcome::Done(id.parse().unwrap(), result)
        }
        ["edited", id, "ok"] => {
            let by = "alice".parse().unwrap();
            let at = Timestamp::from_millis(9);
            Outcome::Edited(
                id.parse().unwrap(),
                Box::new(Ok(Edited {
                    entry: entry(500, true, Timestamp::from_millis(7)),
                    mark: EditMark { count: 1, by, at },
                    told: MessageId(501),
                })),
            )
        }
        ["edited", id, why] => {
            let error = match why {
                "limit" => Error::EditLimit,
                "unknown" => StoreError::Unknown("power cut".into()).into(),
                _ => panic!("no such result"),
            };
            Outcome::Edited(id.parse().unwrap(), Box::new(Err(error)))
        }
        ["saved"] => Outcome::Saved(Ok(())),
        ["unsaved"] => Outcome::Saved(Err(())),
        ["failed"] => Outcome::Unread(Err(Error::Internal)),
        _ => panic!("no such outcome: {words:?}"),
    }
}

fn event_of(words: &[&str], now: Timestamp) -> Event {
    let delivery = |seq: u64, own| Delivery {
        countable: seq,
        app: AppNumber(1),
        queue: queue("bob"),
        seq: Seq(seq),
        entry: entry(seq.max(1), own, now),
        encoded: OnceLock::new(),
    };
    let kick = |which, reason| Event::Kick(Kick { which, reason, note: String::new() });
    match *words {
        ["bob", seq] => Event::Appended(delivery(seq.parse().unwrap(), false)),
        ["own", seq] => Event::Appended(delivery(seq.parse().unwrap(), true)),
        ["passing"] => Event::Passing(delivery(0, false)),
        ["kick"] => kick(Which::All, KickReason::PasswordChanged),
        ["kick-this"] => kick(Which::Session(1), KickReason::AnotherDevice),
        ["kick-other"] => kick(Which::Session(2), KickReason::AnotherDevice),
        ["kick-device", name] => {
            kick(Which::Device(name.parse().unwrap()), KickReason::ByOtherDevice)
        }
        ["renewed", secs] => {
            let until = now.plus(Duration::from_secs(secs.parse().unwrap()));
            Event::LivesUntil { session: 1, until }
        }
        ["other-renewed", secs] => {
            let until = now.plus(Duration::from_secs(secs.parse().unwrap()));
            Event::LivesUntil { session: 2, until }
        }
        _ => panic!("no such event: {words:?}"),
    }
}
