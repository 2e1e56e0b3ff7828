//! Class rooms: back ends that make them, people who come, act, lose their connection and come back, and what all of
//! them were told.
//!
//! `ask` is how calls reach the server, `people` are those in a class, `connection` how they listen by an `ear`, `acts`
//! what they do, `back_end` the app's side, `mirror` what a page knows, `times` when a class begins and ends, `look` reads a room,
//! `judge` compares all of it, and `end` closes and destroys the rooms when everything else is over.

mod acts;
mod ask;
mod back_end;
mod connection;
mod ear;
mod end;
mod judge;
mod look;
mod mirror;
mod people;
mod times;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use stoa_core::RoomType;

pub(crate) use ask::{Answer, Asked};

use crate::dice::Dice;
use acts::Act;
use back_end::Poller;
use look::Snapshot;
use people::Person;
use times::Times;

/// A class room that was made, as the simulation knows it.
pub(crate) struct ClassRoom {
    app: usize,
    id: String,
    kind: RoomType,
    /// What was said of its times when it was made.
    times: Times,
    /// The server's clock when it was asked for, or its beginning if that was earlier (ms).
    since: u64,
    /// It is gone, an hour after its end.
    gone: bool,
    acts: Vec<Act>,
    /// What was told to all, by whether right answers were seen, and by number.
    told: BTreeMap<(bool, u64), Value>,
    /// What was told to one alone.
    told_alone: BTreeMap<(String, u64), Value>,
    /// What was read of it, in the order of the reading.
    snapshots: Vec<Snapshot>,
}

/// All class rooms of a run. Chance in them is of its own, so that a run without them is as it was before there
/// were any.
pub(crate) struct Classes {
    pub(crate) dice: Dice,
    /// Rooms that each app's back end makes; none at all in most runs.
    per_app: usize,
    /// The mean time between two acts of one person, in milliseconds.
    act_every_ms: u64,
    /// Rooms that are still to be made: in which app, and when.
    to_make: Vec<(usize, u64)>,
    rooms: Vec<ClassRoom>,
    /// Rooms whose making had no answer, by app and name.
    lost: Vec<(usize, String)>,
    people: Vec<Person>,
    pollers: Vec<Poller>,
    /// Calls without an answer yet.
    asked: BTreeMap<u64, Asked>,
    answers: Arc<Mutex<Vec<(u64, Answer)>>>,
    next: u64,
    /// The latest that the server's clock ever showed (ms).
    latest: u64,
    /// Nobody does anything new.
    quiet: bool,
    /// Calls that were made.
    pub(crate) calls: u64,
    /// Frames that people were told.
    pub(crate) heard: u64,
}

impl Classes {
    pub(crate) fn new(seed: u64, apps: usize) -> Self {
        let dice = Dice::new(seed ^ 0x0063_6C61_7373);
        let per_app = *dice.pick(&[0, 0, 0, 0, 1, 2]);
        let mut to_make = Vec::new();
        for app in 0..apps {
            to_make.extend((0..per_app).map(|_| (app, dice.between(0, 6000))));
        }
        Self {
            per_app,
            act_every_ms: *dice.pick(&[200, 600, 1500]),
            pollers: (0..apps).map(|_| Poller::new(&dice)).collect(),
            dice,
            to_make,
            rooms: Vec::new(),
            lost: Vec::new(),
            people: Vec::new(),
            asked: BTreeMap::new(),
            answers: Arc::default(),
            next: 0,
            latest: 0,
            quiet: false,
            calls: 0,
            heard: 0,
        }
    }

    /// Whether there are class rooms in this run.
    pub(crate) const fn are_there(&self) -> bool {
        self.per_app > 0
    }

    /// The server's clock was set from one time to another (ms): what is under way may happen before or after that.
    pub(crate) fn clock_set(&mut self, from: u64, to: u64) {
        for asked in self.asked.values() {
            if let Asked::Act(room, act) = asked {
                self.rooms[*room].acts[*act].may_be_at(from);
                self.rooms[*room].acts[*act].may_be_at(to);
            }
        }
        self.latest = self.latest.max(from).max(to);
    }
}
