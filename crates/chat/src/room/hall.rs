//! Who is in a room, what was said there last, and what gathers to be said.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, OnceLock};

use stoa_core::{App, ChatSettings, ConversationId, GroupId, Resource, Target, Timestamp, UserId};
use stoa_metrics::rooms::{DELIVERED, DROPPED, Dropped, PAGES};
use tokio::time::Instant;

use super::cast::{RoomWork, Seat};
use crate::Shared;
use crate::entry::{Audience, Entry, Event, Kind, Log, Priority, RoomPage};
use crate::event::{self, GroupAct, GroupEvent};

/// Entries of one page, and bytes of their bodies.
const PAGE: usize = 64;
const PAGE_BYTES: usize = 32 * 1024;
/// Sessions that are told before other tasks have their turn.
const SLICE: usize = 64;
/// Names in one event of comings or goings.
const NAMES: usize = 200;

/// A session in the room.
struct Seated {
    seat: Seat,
    /// What stands before this is not for it.
    since: u64,
    /// A bit that stands for the user's name.
    bit: u64,
}

/// Something to be said.
struct Said {
    entry: Arc<Entry>,
    priority: Priority,
    number: u64,
    /// Of who came or went.
    moved: Option<Moved>,
}

/// Who came or went together. Whoever is among them hears of those who did after it came itself.
struct Moved {
    event: GroupEvent,
    /// The event's users, and when each did.
    users: Vec<(UserId, u64)>,
}

/// What became of a user since it was told of last.
struct Move {
    number: u64,
    came: bool,
    ext: Option<String>,
}

/// How much was said in a second.
#[derive(Default)]
struct Second {
    at: u64,
    said: u32,
}

/// A room's present.
pub(super) struct Hall {
    app: Arc<App>,
    app_key: Arc<str>,
    room: GroupId,
    /// By the sessions' numbers, which rise: who comes is mostly the last.
    seats: Vec<Seated>,
    names: RandomState,
    /// What was said last, as far as whoever comes is given it.
    recent: VecDeque<Arc<Entry>>,
    said: Vec<Said>,
    number: u64,
    moves: HashMap<UserId, Move>,
    members: u32,
    second: Second,
    /// When something was said last.
    pub(super) said_at: Option<Instant>,
    /// When comings and goings were told last.
    pub(super) moved_at: Option<Instant>,
}

impl Hall {
    pub(super) fn new(app: Arc<App>, room: GroupId) -> Self {
        Self {
            app_key: app.key.to_string().into(),
            app,
            room,
            seats: Vec::new(),
            names: RandomState::new(),
            recent: VecDeque::new(),
            said: Vec::new(),
            number: 0,
            moves: HashMap::new(),
            members: 0,
            second: Second::default(),
            said_at: None,
            moved_at: None,
        }
    }

    /// How many sessions are there.
    pub(super) fn sessions(&self) -> usize {
        self.seats.len()
    }

    /// Nothing gathers.
    pub(super) fn is_at_rest(&self) -> bool {
        self.said.is_empty() && self.moves.is_empty()
    }

    pub(super) fn has_said(&self) -> bool {
        !self.said.is_empty()
    }

    pub(super) fn has_moves(&self) -> bool {
        !self.moves.is_empty()
    }

    fn bit(&self, user: &UserId) -> u64 {
        1 << (self.names.hash_one(user) % 64)
    }

    /// Takes in one thing.
    pub(super) fn take(&mut self, work: RoomWork, shared: &Shared, settings: &ChatSettings) {
        match work {
            RoomWork::Say(entry, priority) => {
                self.remember(&entry, settings.room_history);
                self.take(RoomWork::Pass(entry, priority), shared, settings);
            }
            RoomWork::Pass(entry, priority) => {
                let second = shared.clock.now().as_secs();
                let rate = settings.room_rate;
                if entry.kind.is_message() && !self.second.takes(second, priority, rate) {
                    DROPPED.of(Dropped::Rate).inc();
                    return;
                }
                self.number += 1;
                let number = self.number;
                self.said.push(Said { entry, priority, number, moved: None });
            }
            RoomWork::Came(user, ext, members) => self.moves(user, true, ext, members),
            RoomWork::Went(user, members) => self.moves(user, false, None, members),
            RoomWork::Recall(entries) => self.recent = entries.into(),
            RoomWork::Seat(seat, with_recent) => {
                if with_recent {
                    let log = Log::Conversation(ConversationId::Group(self.room.clone()));
                    self.recall(&seat, shared.kept_in(&self.app, &log), settings.room_history);
                    self.sit(*seat);
                } else if !self.has(seat.number) {
                    self.sit(*seat);
                }
            }
            RoomWork::Stay(roster) => {
                self.seats.retain(|seated| {
                    roster.as_ref().is_some_and(|roster| roster.has(&seated.seat.user))
                });
            }
            RoomWork::Rise(number) => self.rise(number),
            RoomWork::Leave(numbers) => {
                numbers.into_iter().for_each(|number| self.rise(number));
            }
        }
    }

    /// Whether the session with that number is there.
    pub(super) fn has(&self, number: u64) -> bool {
        self.place(number).is_ok()
    }

    fn sit(&mut self, seat: Seat) {
        let (since, bit) = (self.number + 1, self.bit(&seat.user));
        match self.place(seat.number) {
            Ok(at) => self.seats[at].since = since,
            Err(at) => {
                if self.seats.len() == self.seats.capacity() {
                    // By an eighth: twice as many would mostly be too many.
                    self.seats.reserve_exact(self.seats.len() / 8 + 4);
                }
                self.seats.insert(at, Seated { seat, since, bit });
            }
        }
    }

    fn rise(&mut self, number: u64) {
        if let Ok(at) = self.place(number) {
            self.seats.remove(at);
        }
        if self.seats.is_empty() {
            self.seats = Vec::new();
        }
    }

    /// Where the session with that number sits, or would.
    fn place(&self, number: u64) -> Result<usize, usize> {
        self.seats.binary_search_by_key(&number, |seated| seated.seat.number)
    }

    /// Keeps what whoever comes is given.
    fn remember(&mut self, entry: &Arc<Entry>, most: u32) {
        if entry.kind.is_countable() {
            self.recent.push_back(entry.clone());
        }
        let surplus = self.recent.len().saturating_sub(most as usize);
        self.recent.drain(..surplus);
    }

    /// Gives a session what was said last.
    fn recall(&self, seat: &Seat, kept: Timestamp, most: u32) {
        let surplus = self.recent.len().saturating_sub(most as usize);
        let seen = |entry: &&Arc<Entry>| {
            entry.stored_at() > kept
                && entry.is_history_of(&seat.user)
                && entry.concerns(&seat.user, &seat.resource)
        };
        let entries: Vec<_> = self.recent.iter().skip(surplus).filter(seen).cloned().collect();
        let mut rest = &entries[..];
        while !rest.is_empty() {
            let (page, behind) = rest.split_at(fitting(rest.iter().map(|entry| &**entry)));
            seat.to.deliver(&self.page(page.to_vec(), Priority::High));
            rest = behind;
        }
    }

    fn moves(&mut self, user: UserId, came: bool, ext: Option<String>, members: u32) {
        self.members = members;
        self.number += 1;
        let number = self.number;
        match self.moves.get(&user) {
            // Who came and went meanwhile was never seen.
            Some(before) if before.came != came => drop(self.moves.remove(&user)),
            _ => drop(self.moves.insert(user, Move { number, came, ext })),
        }
    }

    /// Says who came and who went.
    pub(super) async fn tell_moves(&mut self, shared: &Shared) {
        let mut moves: Vec<_> = std::mem::take(&mut self.moves).into_iter().collect();
        moves.sort_unstable_by_key(|(_, moved)| moved.number);
        let (mut came, mut went, mut own) = (Vec::new(), Vec::new(), Vec::new());
        for (user, moved) in moves {
            match moved {
                Move { came: true, ext: Some(ext), number } => own.push((user, number, ext)),
                Move { came: true, number, .. } => came.push((user, number)),
                Move { number, .. } => went.push((user, number)),
            }
        }
        let mut events = Vec::new();
        for (act, users) in [(GroupAct::Left, went), (GroupAct::Joined, came)] {
            for users in users.chunks(NAMES) {
                events.extend(self.moved(shared, act, users, None));
            }
        }
        for (user, number, ext) in own {
            events.extend(self.moved(shared, GroupAct::Joined, &[(user, number)], Some(ext)));
        }
        for (entry, moved) in events {
            self.number += 1;
            let (number, moved) = (self.number, Some(moved));
            self.said.push(Said {
                entry: Arc::new(entry),
                priority: Priority::High,
                number,
                moved,
            });
        }
        self.say_all().await;
    }

    /// That `users` came or went, as an event and as the entry that brings it: it is not stored.
    fn moved(
        &self,
        shared: &Shared,
        act: GroupAct,
        users: &[(UserId, u64)],
        ext: Option<String>,
    ) -> Option<(Entry, Moved)> {
        let (first, _) = users.first()?;
        let event = GroupEvent {
            group: self.room.as_str().into(),
            act: act.into(),
            actor: first.as_str().into(),
            users: users.iter().map(|(user, _)| user.as_str().into()).collect(),
            members: Some(self.members),
            is_room: true,
            ext,
            ..GroupEvent::default()
        };
        let now = shared.clock.now();
        let entry = Entry {
            id: shared.ids.next(now, None),
            at: now,
            kind: Kind::GroupEvent,
            from: first.clone(),
            from_resource: Resource::none(),
            to: Target::Group(self.room.clone()),
            only_resource: None,
            audience: Audience::All,
            edit: None,
            body: event::body(&event),
            ext: bytes::Bytes::new(),
        };
        Some((entry, Moved { event, users: users.to_vec() }))
    }

    fn page(&self, entries: Vec<Arc<Entry>>, priority: Priority) -> Arc<Event> {
        let (app_key, room) = (self.app_key.clone(), self.room.clone());
        let encoded = OnceLock::new();
        Arc::new(Event::Room(RoomPage { app_key, room, entries, priority, encoded }))
    }

    /// Says what has gathered.
    pub(super) async fn say_all(&mut self) {
        let mut said = std::mem::take(&mut self.said);
        while !said.is_empty() {
            let rest = said.split_off(fitting(said.iter().map(|said| &*said.entry)));
            DELIVERED.add_len(self.say(&said).await);
            PAGES.inc();
            said = rest;
        }
    }

    /// Says one page: the same to all, except to whoever must not hear a part of it. Answers how many
    /// messages and events were delivered, each counted once for each session.
    async fn say(&self, said: &[Said]) -> usize {
        let common: Vec<_> = said
            .iter()
            .filter(|said| !matches!(said.entry.audience, Audience::Only(_)))
            .map(|said| said.entry.clone())
            .collect();
        let priority = said.iter().map(|said| said.priority).max().unwrap_or_default();
        let first = said.first().map_or(0, |said| said.number);
        let special = said.iter().fold(0, |bits, said| bits | self.special(said));
        let for_all = common.len();
        let common = self.page(common, priority);
        let mut delivered = 0;
        for (index, seated) in self.seats.iter().enumerate() {
            if index % SLICE == SLICE - 1 {
                tokio::task::yield_now().await;
            }
            if seated.since <= first && special & seated.bit == 0 {
                if for_all > 0 {
                    seated.seat.to.deliver(&common);
                    delivered += for_all;
                }
                continue;
            }
            let own: Vec<_> = said.iter().filter_map(|said| seated.hears(said)).collect();
            if !own.is_empty() {
                delivered += own.len();
                seated.seat.to.deliver(&self.page(own, priority));
            }
        }
        delivered
    }

    /// The bits of those who may not hear it as all others do.
    fn special(&self, said: &Said) -> u64 {
        let mut bits = self.bit(&said.entry.from);
        if let Audience::Only(users) | Audience::Except(users) = &said.entry.audience {
            bits = users.iter().fold(bits, |bits, user| bits | self.bit(user));
        }
        match &said.moved {
            Some(moved) => moved.users.iter().fold(bits, |bits, (user, _)| bits | self.bit(user)),
            None => bits,
        }
    }
}

impl Second {
    /// Whether one more message of that priority is passed on in the second `at`.
    fn takes(&mut self, at: u64, priority: Priority, rate: u32) -> bool {
        if rate == 0 {
            return true;
        }
        if self.at != at {
            *self = Self { at, said: 0 };
        }
        let most = match priority {
            Priority::Low => rate / 2,
            Priority::Normal => rate,
            Priority::High => rate.saturating_mul(2),
        };
        let takes = self.said < most;
        self.said += u32::from(takes);
        takes
    }
}

impl Seated {
    /// What this session hears of it, if anything.
    fn hears(&self, said: &Said) -> Option<Arc<Entry>> {
        let Seat { user, resource, .. } = &self.seat;
        if said.number < self.since || !said.entry.concerns(user, resource) {
            return None;
        }
        let Some(Moved { event, users }) = &said.moved else { return Some(said.entry.clone()) };
        if !users.iter().any(|(other, _)| other == user) {
            return Some(said.entry.clone());
        }
        let later = |(other, number): &&(UserId, u64)| other != user && *number >= self.since;
        let users: Vec<String> =
            users.iter().filter(later).map(|(other, _)| other.as_str().into()).collect();
        let actor = users.first()?.clone();
        let event = GroupEvent { users, actor, ..event.clone() };
        Some(Arc::new(Entry { body: event::body(&event), ..(*said.entry).clone() }))
    }
}

/// How many of these, which are some, make one page: one that does not fit with others goes alone.
fn fitting<'a>(entries: impl Iterator<Item = &'a Entry>) -> usize {
    let mut bytes = 0;
    let fits = entries.take(PAGE).take_while(|entry| {
        bytes += entry.body.len() + entry.ext.len();
        bytes <= PAGE_BYTES
    });
    fits.count().max(1)
}

#[cfg(test)]
mod tests {
    use stoa_bus::Subscriber;
    use stoa_core::{MucKind, SeededEntropy};

    use super::*;
    use crate::testing;

    struct Deaf;

    impl Subscriber<Event> for Deaf {
        fn deliver(&self, _: &Arc<Event>) {}
    }

    fn said(number: u64, audience: Audience, room: &GroupId) -> Said {
        let entry = Entry {
            id: stoa_core::MessageId(number),
            at: Timestamp::default(),
            kind: Kind::Text,
            from: "cat".parse().unwrap(),
            from_resource: Resource::none(),
            to: Target::Group(room.clone()),
            only_resource: None,
            audience,
            edit: None,
            body: bytes::Bytes::from_static(b"hello"),
            ext: bytes::Bytes::new(),
        };
        Said { entry: Arc::new(entry), priority: Priority::Normal, number, moved: None }
    }

    #[tokio::test]
    async fn only_what_is_handed_to_a_session_is_counted_as_delivered() {
        let app = testing::app(&SeededEntropy::new(7), Timestamp::default());
        let room = GroupId::parse(MucKind::Room, "7").unwrap();
        let mut hall = Hall::new(app, room.clone());
        for (number, name) in ["amy", "ben"].into_iter().enumerate() {
            let number = number as u64;
            let (user, resource) = (name.parse().unwrap(), Resource::none());
            hall.sit(Seat { user, resource, number, to: Arc::new(Deaf) });
        }
        let to_amy = Audience::Only(Arc::from(["amy".parse().unwrap()]));
        let page = [said(1, Audience::All, &room), said(2, to_amy, &room)];
        assert_eq!(hall.say(&page).await, 3, "both to amy, one to ben");
    }

    #[test]
    fn low_messages_are_dropped_before_normal_ones_and_high_ones_last() {
        let mut second = Second::default();
        let mut taken =
            |priority, count| (0..count).filter(|_| second.takes(7, priority, 10)).count();
        assert_eq!(taken(Priority::Low, 20), 5);
        assert_eq!(taken(Priority::Normal, 20), 5);
        assert_eq!(taken(Priority::Low, 1), 0);
        assert_eq!(taken(Priority::High, 20), 10);
        assert!(second.takes(8, Priority::Low, 10), "another second");
        assert!((0..1000).all(|_| second.takes(8, Priority::Low, 0)), "no bound");
    }
}
