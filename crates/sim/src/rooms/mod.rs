//! Chat rooms: what is known of who is in which, and what sessions were told in them.
//!
//! `fact` is what can be known of a membership, `acts` what clients and back ends do in rooms, `hear`
//! looks at what comes from them, `end` is the last round of a run in peace, and `judge` compares all
//! with the store.

mod acts;
mod end;
mod fact;
mod hear;
mod judge;

use std::collections::BTreeMap;

pub(crate) use acts::RoomOutcome;
pub(crate) use hear::Hearing;

use crate::dice::Dice;
use crate::world::user_name;
use fact::{End, Fact};

/// How far ahead the server's clock has to be set for somebody to be taken for absent.
const JUMP_MS: i64 = 55_000;
/// How long after that somebody may be put out of a room.
const PUT_OUT_MS: u64 = 75_000;

/// A room as the simulation knows it.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) app: usize,
    pub(crate) id: String,
    /// By user.
    members: BTreeMap<String, Fact>,
    muted: BTreeMap<String, Fact>,
    /// It was dismissed.
    gone: Fact,
}

/// Which fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Member,
    Muted,
    Gone,
}

/// Something that was asked for and may turn a fact.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    room: usize,
    which: Which,
    user: String,
    number: usize,
    /// What it is to become.
    to: bool,
    /// By the user itself: it is told when the room is gone.
    by_user: bool,
}

/// All rooms of a run. Chance in rooms is of its own, so that a run without rooms is as it was before
/// there were any.
#[derive(Debug)]
pub(crate) struct Rooms {
    pub(crate) dice: Dice,
    /// Rooms of each app at the beginning; none at all in some runs.
    pub(crate) per_app: usize,
    /// The mean time between two acts of one client in rooms, in milliseconds.
    pub(crate) act_every_ms: u64,
    pub(crate) all: Vec<Room>,
    /// By connection, what came in rooms.
    pub(crate) hearings: BTreeMap<u64, Hearing>,
    pub(crate) asked: u64,
}

impl Rooms {
    pub(crate) fn new(seed: u64) -> Self {
        let dice = Dice::new(seed ^ 0x726F_6F6D);
        Self {
            per_app: *dice.pick(&[0, 0, 1, 1, 2, 3]),
            act_every_ms: *dice.pick(&[150, 400, 1000]),
            dice,
            all: Vec::new(),
            hearings: BTreeMap::new(),
            asked: 0,
        }
    }

    /// Whether there are rooms in this run.
    pub(crate) const fn are_there(&self) -> bool {
        self.per_app > 0
    }

    /// The number of the room `id` of `app`.
    fn find(&self, app: usize, id: &str) -> Option<usize> {
        self.all.iter().position(|room| room.app == app && room.id == id)
    }

    /// Whether a queue is a room's.
    pub(crate) fn is_room(&self, queue: &str) -> bool {
        self.all.iter().any(|room| room.id == queue)
    }

    /// The rooms of `app`.
    fn of(&self, app: usize) -> Vec<usize> {
        (0..self.all.len()).filter(|room| self.all[*room].app == app).collect()
    }

    fn fact(&mut self, room: usize, which: Which, user: &str) -> &mut Fact {
        let room = &mut self.all[room];
        match which {
            Which::Member => room.members.entry(user.to_owned()).or_insert_with(Fact::untrue),
            Which::Muted => room.muted.entry(user.to_owned()).or_insert_with(Fact::untrue),
            Which::Gone => &mut room.gone,
        }
    }

    fn begin(&mut self, room: usize, which: Which, user: &str, to: bool, now: u64) -> Asked {
        self.asked += 1;
        let number = self.fact(room, which, user).begin(to, now);
        Asked { room, which, user: user.to_owned(), number, to, by_user: false }
    }

    fn end(&mut self, asked: &Asked, now: u64, end: End) {
        self.fact(asked.room, asked.which, &asked.user).end(asked.number, now, end);
    }

    /// The life of the server is over: what it did not do is not done.
    pub(crate) fn life_over(&mut self, now: u64) {
        for room in &mut self.all {
            room.gone.give_up(now);
            room.members.values_mut().for_each(|fact| fact.give_up(now));
            room.muted.values_mut().for_each(|fact| fact.give_up(now));
        }
        for hearing in self.hearings.values_mut() {
            hearing.until.get_or_insert(now);
        }
    }

    /// The server's clock was set: whoever is without a session at that moment may be put out.
    pub(crate) fn clock_set(&mut self, by: i64, now: u64) {
        if by < JUMP_MS {
            return;
        }
        let owner = user_name(OWNER);
        for room in &mut self.all {
            for (_, member) in room.members.iter_mut().filter(|(user, _)| **user != owner) {
                member.may_become(false, now, now + PUT_OUT_MS);
            }
        }
    }

    /// A user is being deleted, or was.
    pub(crate) fn user_deleted(
        &mut self,
        app: usize,
        user: &str,
        done_since: Option<u64>,
        now: u64,
    ) {
        for room in self.all.iter_mut().filter(|room| room.app == app) {
            let member = room.members.entry(user.to_owned()).or_insert_with(Fact::untrue);
            match done_since {
                None => member.may_become(false, now, u64::MAX),
                Some(since) => member.was(false, since, now),
            }
        }
    }

    /// Whether what `user` says in that room may be taken at some moment of that time.
    pub(crate) fn may_speak(
        &self,
        app: usize,
        id: &str,
        user: &str,
        from: u64,
        until: u64,
    ) -> bool {
        let Some(room) = self.find(app, id).map(|room| &self.all[room]) else { return false };
        let may = |fact: Option<&Fact>, value: bool| {
            fact.map_or(!value, |fact| fact.may_be(value, from, until))
        };
        may(room.members.get(user), true)
            && may(room.muted.get(user), false)
            && room.gone.may_be(false, from, until)
    }
}

/// To this user all rooms belong: the one that is never deleted, and that no absence puts out.
pub(crate) const OWNER: usize = 0;
