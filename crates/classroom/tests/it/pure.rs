//! A room without store and clock, with what has to hold after every act.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stoa_classroom::Refusal;
use stoa_classroom::frame::Frame;
use stoa_classroom::room::{By, Outcome, Participant, Room, Touched, Turn};
use stoa_classroom::tree::{Edit, Tree};
use stoa_core::{ClassRole, ReleaseAnchor, RoomType, SeededEntropy, Timestamp, UserUuid};

use crate::world::{NOW_S, check_in, name, new_room};

/// What a page knows: the snapshot, and what it was told since.
#[derive(Debug, Clone, PartialEq)]
struct Mirror {
    sees_answers: bool,
    properties: Tree,
    users: BTreeMap<String, Seen>,
}

/// What a page knows of a user.
#[derive(Debug, Clone, Default, PartialEq)]
struct Seen {
    properties: Tree,
    streams: BTreeMap<String, Tree>,
}

/// A room, and what has to be the same.
pub(crate) struct Pure {
    pub(crate) room: Room,
    pub(crate) at: Timestamp,
    entropy: SeededEntropy,
    stored: Value,
    stored_users: BTreeMap<UserUuid, Value>,
    mirrors: [Mirror; 2],
    sequences: (u64, u64, BTreeMap<UserUuid, u64>),
}

fn tree(value: &Value) -> Tree {
    value.as_object().cloned().unwrap_or_default()
}

fn user_of(value: &Value) -> String {
    value["userUuid"].as_str().unwrap().to_owned()
}

/// Applies what a frame says that changed.
fn apply(to: &mut Tree, changed: &Tree) {
    let mut edit = Edit::default();
    for (path, value) in changed {
        if value == "deleted" {
            edit.remove.push(path.clone());
        } else {
            edit.set.insert(path.clone(), value.clone());
        }
    }
    *to = edit.apply(to).unwrap().0;
}

const STREAM: [&str; 8] = [
    "streamUuid",
    "streamName",
    "videoSourceType",
    "audioSourceType",
    "videoState",
    "audioState",
    "videoSourceState",
    "audioSourceState",
];

impl Mirror {
    fn hear(&mut self, frame: &Frame) {
        let view = frame.view(self.sees_answers);
        let data = &view["data"];
        let many = view["list"].as_array().cloned();
        match frame.cmd {
            4 | 5 => apply(&mut self.properties, &tree(&data["changeProperties"])),
            20 => {
                for user in data["onlineUsers"].as_array().unwrap() {
                    let streams = user["streams"].as_array().unwrap().iter();
                    let streams = streams.map(|one| (stream_of(one), tree(one)));
                    let properties = tree(&user["userProperties"]);
                    let seen = Seen { properties, streams: streams.collect() };
                    self.users.insert(user_of(user), seen);
                }
                for user in data["offlineUsers"].as_array().unwrap() {
                    self.users.remove(&user_of(user));
                }
            }
            22 | 23 => {
                for data in many.unwrap_or_else(|| vec![data.clone()]) {
                    if let Some(user) = self.users.get_mut(&user_of(&data["fromUser"])) {
                        apply(&mut user.properties, &tree(&data["changeProperties"]));
                    }
                }
            }
            40 => self.stream(data),
            41 => data["streams"].as_array().unwrap().iter().for_each(|one| self.stream(one)),
            3 | 21 => {}
            other => panic!("frame {other} is not known"),
        }
    }

    fn stream(&mut self, data: &Value) {
        let Some(user) = self.users.get_mut(&user_of(&data["fromUser"])) else { return };
        let fields = STREAM.map(|field| (field.to_owned(), data[field].clone()));
        match data["action"].as_u64() {
            Some(1 | 2) => drop(user.streams.insert(stream_of(data), fields.into_iter().collect())),
            Some(3) => drop(user.streams.remove(&stream_of(data))),
            other => panic!("action {other:?} is not known"),
        }
    }

    fn of(room: &Room, sees_answers: bool) -> Self {
        let seen = |user: &Participant| {
            let shown = user.streams.iter().filter(|stream| room.is_shown(user, stream));
            let streams = shown.map(|one| (one.id.to_string(), one.view())).collect();
            let properties = room.user_properties_view(user);
            (user.id.as_str().to_owned(), Seen { properties, streams })
        };
        let users = room.listed().map(seen).collect();
        Self { sees_answers, properties: room.properties(sees_answers), users }
    }
}

fn stream_of(value: &Value) -> String {
    value["streamUuid"].as_str().unwrap().to_owned()
}

impl Pure {
    /// A room with the teacher `ann`, the assistant `amy`, the students `bob`, `cid` and `dot`, an observer and a page
    /// that records.
    pub(crate) fn new(kind: RoomType, seed: u64) -> Self {
        let at = Timestamp::from_secs(NOW_S);
        let room = Room::new(name("room"), 1, new_room(kind), at).unwrap();
        let mirrors = [true, false].map(|sees| Mirror::of(&room, sees));
        let stored = serde_json::to_value(&room).unwrap();
        let entropy = SeededEntropy::new(seed);
        let (stored_users, sequences) = (BTreeMap::new(), (0, 0, BTreeMap::new()));
        let mut pure = Self { room, at, entropy, stored, stored_users, mirrors, sequences };
        for (user, role) in PEOPLE {
            pure.enter(user, role, user).unwrap();
            pure.act(By::Server, |turn| {
                let session = turn.room.users[&name(user)].session;
                turn.connected(&name(user), session)
            })
            .unwrap();
        }
        pure
    }

    pub(crate) fn enter(
        &mut self,
        user: &str,
        role: ClassRole,
        shown: &str,
    ) -> Result<(), Refusal> {
        let who = stoa_classroom::room::CheckIn { name: shown.into(), ..check_in(user, role) };
        let by = By::User { id: name(user), role };
        self.act(by, |turn| turn.enter(&name(user), &who).map(drop))
    }

    /// An act. One that is refused has changed nothing; after any other all hold the same.
    pub(crate) fn act<T>(
        &mut self,
        by: By,
        act: impl FnOnce(&mut Turn<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let before = self.room.clone();
        let mut out = Outcome::default();
        let (at, entropy) = (self.at, &self.entropy);
        let done = act(&mut Turn { room: &mut self.room, by, at, entropy, out: &mut out });
        if done.is_err() {
            assert_eq!(self.room, before, "a refused act has changed the room");
            assert!(is_empty(&out), "a refused act has said something");
        }
        self.settle(&out);
        done
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, ms: u64) {
        self.at = self.at.plus(std::time::Duration::from_millis(ms));
        let mut out = Outcome::default();
        self.room.catch_up(self.at, &self.entropy, &mut out);
        self.settle(&out);
        let due = self.room.next_due(ReleaseAnchor::Close);
        assert!(
            due.is_none_or(|at| at > self.at)
                || self.room.is_released(ReleaseAnchor::Close, self.at),
            "the clock has done what was due"
        );
    }

    fn settle(&mut self, out: &Outcome) {
        // What is stored is what is.
        let room = serde_json::to_value(&self.room).unwrap();
        if out.touched.room {
            self.stored = room.clone();
        }
        assert_eq!(self.stored, room, "the room was changed and not stored");
        for user in &out.touched.users {
            if let Some(found) = self.room.users.get(user) {
                self.stored_users.insert(user.clone(), serde_json::to_value(found).unwrap());
            }
        }
        let users = self.room.users.iter();
        let users: BTreeMap<_, _> =
            users.map(|(id, user)| (id.clone(), serde_json::to_value(user).unwrap())).collect();
        assert_eq!(self.stored_users, users, "a user was changed and not stored");
        let mut again: Room = serde_json::from_value(room).unwrap();
        for (id, user) in &users {
            again.users.insert(id.clone(), serde_json::from_value(user.clone()).unwrap());
        }
        (again.sequence, again.event_sequence) = (self.room.sequence, self.room.event_sequence);
        assert_eq!(again, self.room, "what was stored is read as another room");
        // Numbers rise by one.
        for frame in &out.frames {
            self.sequences.0 += 1;
            assert_eq!(frame.sequence, self.sequences.0);
        }
        for event in &out.events {
            self.sequences.1 += 1;
            assert_eq!(event.sequence, self.sequences.1);
        }
        for peer in &out.peers {
            let last = self.sequences.2.entry(peer.user.clone()).or_default();
            *last += 1;
            assert_eq!(peer.frame.sequence, *last);
        }
        // The snapshot and what was told since are what is.
        for mirror in &mut self.mirrors {
            out.frames.iter().for_each(|frame| mirror.hear(frame));
            let is = Mirror::of(&self.room, mirror.sees_answers);
            assert_eq!(Value::from(mirror.properties.clone()), Value::from(is.properties.clone()));
            assert_eq!(mirror.users, is.users);
        }
        assert!(self.room.stage.accepted.len() <= self.room.stage.seats as usize);
        // Whoever is shown to publish is there, and takes part.
        let publishes = self.room.users.values().filter(|user| {
            user.online && user.streams.iter().any(|stream| stream.video || stream.audio)
        });
        publishes.for_each(|user| assert!(user.role.is_listed()));
        if self.room.quiz.as_ref().is_some_and(|quiz| quiz.running) {
            let seen = json!(self.mirrors[1].properties).to_string();
            assert!(!seen.contains("correct") && !seen.contains("averageAccuracy"));
        }
    }
}

/// Who is there.
pub(crate) const PEOPLE: [(&str, ClassRole); 7] = [
    ("ann", ClassRole::Teacher),
    ("amy", ClassRole::Assistant),
    ("bob", ClassRole::Student),
    ("cid", ClassRole::Student),
    ("dot", ClassRole::Student),
    ("oda", ClassRole::Observer),
    ("rec", ClassRole::Invisible),
];

fn is_empty(out: &Outcome) -> bool {
    out.touched == Touched::default()
        && out.frames.is_empty()
        && out.peers.is_empty()
        && out.told.is_empty()
        && out.announced.is_empty()
        && out.events.is_empty()
        && out.ended.is_empty()
        && out.records.is_empty()
        && out.groups.is_empty()
}
