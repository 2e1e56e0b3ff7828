//! Where one session stands in each of its queues: what was acknowledged, what is on its way, and
//! whether the next entry may be pushed or must wait for the client's pull.
//!
//! A queue is *idle*, *pulled* (the client asked and answers page by page) or *pushed* (pages went
//! out unasked and are acknowledged in their turn). An entry is pushed only into a queue that is not
//! pulled, that has sent everything before it, and whose window is open; otherwise it lies in the log
//! until the client comes for it. The cursor moves by acknowledgements only (msync section 4;
//! `docs/decisions/0006-next-key.md` for the keys).

use std::collections::hash_map::Entry as Slot;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use stoa_chat::entry::Queue;
use stoa_core::{Seq, Timestamp, limits};

/// A page not acknowledged for so long is taken for lost: the client is told to come again.
pub(crate) const LOST_AFTER: Duration = Duration::from_secs(10);

/// Makes keys that never repeat for one SDK instance: the sequence in the high bits, the time of the
/// page in the low ones, strictly rising within the session.
#[derive(Debug, Default)]
pub(crate) struct PageKeys {
    last_ms: u64,
}

impl PageKeys {
    const TIME_BITS: u32 = 30;

    /// The key of a page that ends at `upto` and is sent `now`.
    pub(crate) fn next(&mut self, upto: Seq, now: Timestamp) -> u64 {
        self.last_ms = now.as_millis().max(self.last_ms + 1);
        (upto.0 << Self::TIME_BITS) | (self.last_ms & ((1 << Self::TIME_BITS) - 1))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Idle,
    Pulled,
    Pushed,
}

#[derive(Debug)]
struct Page {
    key: u64,
    upto: Seq,
    at: Timestamp,
}

#[derive(Debug)]
struct State {
    mode: Mode,
    /// The client has everything up to here.
    acked: Seq,
    /// Everything up to here was sent, or does not concern this device.
    sent: Seq,
    /// The last entry known to exist; none while the log's end is not known.
    head: Option<Seq>,
    on_the_way: VecDeque<Page>,
    /// A page is being read for the client: its answer is owed.
    reading: u32,
    noticed: Option<Timestamp>,
    /// When entries were last sent that were read from the log. Their events may still be coming.
    read: Option<Timestamp>,
}

impl State {
    fn at(position: Seq, head: Option<Seq>) -> Self {
        Self {
            mode: Mode::Idle,
            acked: position,
            sent: position,
            head,
            on_the_way: VecDeque::new(),
            reading: 0,
            noticed: None,
            read: None,
        }
    }

    /// Entries sent and not acknowledged.
    const fn under_way(&self) -> u64 {
        self.sent.0.saturating_sub(self.acked.0)
    }

    fn has_more(&self) -> bool {
        self.head.is_none_or(|head| head > self.sent)
    }

    /// With nothing on its way, what was passed over counts as received.
    fn settle(&mut self) {
        if self.on_the_way.is_empty() {
            self.acked = self.acked.max(self.sent);
        }
    }
}

/// What to do with an entry that just arrived.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Send it now as a page with this key.
    Push(u64),
    /// Nothing to send: it does not concern the device, or the client will come for it.
    Keep,
}

/// How to answer a client's SYNC that names a queue.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Read on after this position (or after the stored cursor) and answer with the page.
    Read(Option<Seq>),
    /// There is nothing that was not sent: an empty last page.
    Empty,
}

/// What to send of a page that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PageAnswer {
    /// The entries, under this key.
    Entries(u64),
    /// An empty last page.
    Empty,
    /// Nothing in it concerned the device: read on after this position.
    ReadOn(Seq),
}

/// All queues of a session.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    states: HashMap<Queue, State>,
    /// Moved since the cursors were last taken to be stored.
    dirty: Vec<Queue>,
    /// Over how many entries.
    unsaved: u64,
    /// Over how many entries the cursors moved that are being stored.
    saving: u64,
    /// Entries sent and not acknowledged, in all queues.
    under_way: u64,
    /// Entries that the page which is being read may bring.
    reserved: u64,
    /// Moved since that was last told.
    fresh: Vec<(Queue, Seq)>,
    keys: PageKeys,
}

impl Queues {
    /// Takes over where the client stood when it logged in: it has everything up to `cursor`, and
    /// something lies behind it. The client asks for the list by itself, so no NOTICE is due yet.
    pub(crate) fn unread_at_login(&mut self, queue: Queue, cursor: Seq, now: Timestamp) {
        let state = State { noticed: Some(now), ..State::at(cursor, None) };
        self.states.entry(queue).or_insert(state);
    }

    /// The queue is listed once more, because events were missed: there may be more than was seen.
    pub(crate) fn unread_again(&mut self, queue: Queue, cursor: Seq) {
        match self.states.entry(queue) {
            Slot::Occupied(slot) => slot.into_mut().head = None,
            Slot::Vacant(slot) => {
                slot.insert(State::at(cursor, None));
            }
        }
    }

    /// An entry was appended at `seq`. `concerns` says whether it is for this device, `may_push`
    /// whether the socket keeps up.
    pub(crate) fn arrived(
        &mut self,
        queue: &Queue,
        seq: Seq,
        concerns: bool,
        may_push: bool,
        now: Timestamp,
    ) -> Arrival {
        let has_room = self.has_room(1);
        // A queue that was not unread at login has been received up to the entry before.
        let before = Seq(seq.0.saturating_sub(1));
        let state = match self.states.entry(queue.clone()) {
            Slot::Occupied(slot) => slot.into_mut(),
            Slot::Vacant(slot) => slot.insert(State::at(before, Some(before))),
        };
        if seq <= state.sent {
            return Arrival::Keep;
        }
        let in_turn = state.sent == before && state.head.is_some_and(|head| head <= before);
        state.head = state.head.map(|head| head.max(seq));
        if !in_turn || state.mode == Mode::Pulled {
            return Arrival::Keep;
        }
        let under_way = state.under_way();
        if !concerns {
            let from = state.acked;
            state.sent = seq;
            state.settle();
            self.under_way = self.under_way + state.under_way() - under_way;
            self.moved(queue, from);
            return Arrival::Keep;
        }
        if !may_push || !has_room || state.on_the_way.len() >= limits::PUSH_WINDOW {
            return Arrival::Keep;
        }
        self.under_way += seq.0 - state.sent.0;
        let key = self.keys.next(seq, now);
        state.sent = seq;
        state.mode = Mode::Pushed;
        state.on_the_way.push_back(Page { key, upto: seq, at: now });
        Arrival::Push(key)
    }

    /// The client pulls `queue` from its start: from what it acknowledged. Pages on their way are
    /// taken for lost if they were sent long ago. Of those sent just now the client knew nothing when it
    /// asked: they come first, and their acknowledgement brings what follows. Were they sent again, more
    /// could come a third time after a crash than the client knows again.
    pub(crate) fn pulled(&mut self, queue: &Queue, now: Timestamp) -> Answer {
        let Some(state) = self.states.get_mut(queue) else { return Answer::Read(None) };
        if !state.on_the_way.is_empty() && !state.lost(now) {
            return Answer::Empty;
        }
        state.on_the_way.clear();
        self.under_way -= state.under_way();
        state.sent = state.acked;
        state.mode = Mode::Pulled;
        state.reading += 1;
        state.noticed = None;
        Answer::Read(Some(state.acked))
    }

    /// The client acknowledges the page `key` of `queue` and asks for what follows.
    pub(crate) fn acknowledged(&mut self, queue: &Queue, key: u64) -> Answer {
        let Some(state) = self.states.get_mut(queue) else { return Answer::Read(None) };
        // A key that is not on its way was acknowledged before or never sent: it moves nothing.
        let (from, under_way) = (state.acked, state.under_way());
        if let Some(index) = state.on_the_way.iter().position(|page| page.key == key) {
            for page in state.on_the_way.drain(..=index) {
                state.acked = state.acked.max(page.upto);
            }
        }
        state.settle();
        self.under_way = self.under_way + state.under_way() - under_way;
        // The next page is read once, when all that was sent is acknowledged: each of several
        // acknowledgements would bring the same page otherwise.
        let may_read = state.on_the_way.is_empty() && state.reading == 0;
        let answer = if may_read && state.has_more() {
            state.mode = Mode::Pulled;
            state.reading += 1;
            Answer::Read(Some(state.sent))
        } else {
            if state.reading == 0 {
                state.mode = if state.on_the_way.is_empty() { Mode::Idle } else { Mode::Pushed };
            }
            Answer::Empty
        };
        self.moved(queue, from);
        answer
    }

    /// A page was read for the client: it began after `start`, reaches to `end`, holds entries for
    /// the device if `entries`, and the log goes on if `more`.
    pub(crate) fn page_read(
        &mut self,
        queue: &Queue,
        start: Seq,
        end: Seq,
        entries: bool,
        more: bool,
        now: Timestamp,
    ) -> PageAnswer {
        let state = self.states.entry(queue.clone()).or_insert_with(|| {
            // The client pulled a queue that had nothing unread: `start` is its stored cursor.
            let mut state = State::at(start, None);
            state.mode = Mode::Pulled;
            state.reading = 1;
            state
        });
        let end = end.max(start);
        if !more {
            state.head = Some(state.head.map_or(end, |head| head.max(end)));
        }
        let under_way = state.under_way();
        state.sent = state.sent.max(end);
        self.under_way = self.under_way + state.under_way() - under_way;
        if entries {
            state.reading = state.reading.saturating_sub(1);
            let key = self.keys.next(end, now);
            state.on_the_way.push_back(Page { key, upto: end, at: now });
            state.read = Some(now);
            return PageAnswer::Entries(key);
        }
        if state.has_more() {
            return PageAnswer::ReadOn(state.sent);
        }
        state.reading = state.reading.saturating_sub(1);
        if state.reading == 0 {
            state.mode = if state.on_the_way.is_empty() { Mode::Idle } else { Mode::Pushed };
        }
        let (from, under_way) = (state.acked, state.under_way());
        state.settle();
        self.under_way = self.under_way + state.under_way() - under_way;
        self.moved(queue, from);
        if self.states.get(queue).is_some_and(|state| state.is_settled(now))
            && self.saving == 0
            && !self.dirty.contains(queue)
        {
            self.states.remove(queue);
        }
        PageAnswer::Empty
    }

    /// The queues that the client should come for: something was never sent, or was sent and not
    /// acknowledged for [`LOST_AFTER`].
    pub(crate) fn unread(&self, now: Timestamp) -> Vec<Queue> {
        let waiting = |state: &State| state.reading == 0 && (state.lost(now) || state.behind());
        let mut queues: Vec<_> = self
            .states
            .iter()
            .filter(|(_, state)| waiting(state))
            .map(|(queue, _)| queue.clone())
            .collect();
        // In an order of their own, so that a run can be repeated.
        queues.sort_unstable_by(|a, b| a.name().cmp(b.name()));
        queues
    }

    /// As [`Self::unread`], each queue at most once in [`LOST_AFTER`]: those to send a NOTICE for.
    pub(crate) fn due_notices(&mut self, now: Timestamp) -> Vec<Queue> {
        self.forget_settled(now);
        let mut queues = self.unread(now);
        queues.retain(|queue| {
            let Some(state) = self.states.get_mut(queue) else { return false };
            let due = state.noticed.is_none_or(|at| now.since(at) >= LOST_AFTER);
            if due {
                state.noticed = Some(now);
            }
            due
        });
        queues
    }

    /// When [`Self::due_notices`] is worth asking again.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        let due = self.states.values().filter(|state| state.reading == 0).filter_map(|state| {
            let noticed = state.noticed.map(|at| at.plus(LOST_AFTER));
            match state.on_the_way.front() {
                Some(page) => Some(page.at.plus(LOST_AFTER).max(noticed.unwrap_or_default())),
                None if state.has_more() => Some(noticed.unwrap_or_default()),
                // To be forgotten.
                None => state.read.map(|at| at.plus(LOST_AFTER)).filter(|_| self.saving == 0),
            }
        });
        due.min()
    }

    /// The cursors that moved since the last call.
    pub(crate) fn take_moved(&mut self) -> Vec<(Queue, Seq)> {
        self.saving += std::mem::take(&mut self.unsaved);
        let moved = std::mem::take(&mut self.dirty).into_iter();
        moved
            .filter_map(|queue| {
                self.states.get(&queue).map(|state| state.acked).map(|at| (queue, at))
            })
            .collect()
    }

    /// A queue of which the client has everything needs no state: the next entry that arrives, or the
    /// stored cursor, says all. So a session keeps nothing for conversations at rest, nor for names
    /// that a client only asks for.
    ///
    /// Not before the cursor is stored, though: what the client has would be read again.
    fn forget_settled(&mut self, now: Timestamp) {
        if self.saving == 0 {
            let dirty = &self.dirty;
            self.states.retain(|queue, state| !state.is_settled(now) || dirty.contains(queue));
        }
    }

    /// Whether a cursor moved since the last [`Self::take_moved`].
    pub(crate) fn has_moved(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// How many entries the cursors moved over since the last [`Self::take_moved`].
    pub(crate) const fn unsaved(&self) -> u64 {
        self.unsaved
    }

    /// The cursors that were taken last are stored.
    pub(crate) fn saved(&mut self, now: Timestamp) {
        self.saving = 0;
        self.forget_settled(now);
    }

    /// Whether so many more entries may be sent without more coming again after a crash than the
    /// client knows again.
    pub(crate) const fn has_room(&self, entries: usize) -> bool {
        let unstored = self.under_way + self.reserved + self.unsaved + self.saving;
        unstored + entries as u64 <= limits::REDELIVERED as u64
    }

    /// A page begins to be read: what is pushed meanwhile leaves it its room.
    pub(crate) const fn reserve_page(&mut self) {
        self.reserved = limits::QUEUE_PAGE as u64;
    }

    /// The page was read, or will not be.
    pub(crate) const fn release_page(&mut self) {
        self.reserved = 0;
    }

    /// The cursors that moved since the last call, as they moved.
    pub(crate) fn take_fresh(&mut self) -> Vec<(Queue, Seq)> {
        std::mem::take(&mut self.fresh)
    }

    /// Notes that a cursor may have moved, from `from` on.
    fn moved(&mut self, queue: &Queue, from: Seq) {
        let Some(acked) = self.states.get(queue).map(|state| state.acked) else { return };
        if acked <= from {
            return;
        }
        self.unsaved += acked.0 - from.0;
        self.fresh.push((queue.clone(), acked));
        if !self.dirty.contains(queue) {
            self.dirty.push(queue.clone());
        }
    }
}

impl State {
    fn is_settled(&self, now: Timestamp) -> bool {
        self.mode == Mode::Idle
            && self.read.is_none_or(|at| now.since(at) >= LOST_AFTER)
            && self.reading == 0
            && self.on_the_way.is_empty()
            && self.acked == self.sent
            && !self.has_more()
    }

    fn lost(&self, now: Timestamp) -> bool {
        self.on_the_way.front().is_some_and(|page| now.since(page.at) >= LOST_AFTER)
    }

    /// Something lies in the log that no answer on its way will bring.
    fn behind(&self) -> bool {
        self.has_more() && self.on_the_way.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_secs(1_800_000_000)
    }

    fn queue() -> Queue {
        Queue::With("bob".parse().unwrap())
    }

    fn push(queues: &mut Queues, seq: u64) -> Option<u64> {
        match queues.arrived(&queue(), Seq(seq), true, true, now()) {
            Arrival::Push(key) => Some(key),
            Arrival::Keep => None,
        }
    }

    #[test]
    fn pushes_in_turn_and_moves_the_cursor_by_acknowledgements() {
        let mut queues = Queues::default();
        let first = push(&mut queues, 5).unwrap();
        let second = push(&mut queues, 6).unwrap();
        assert_ne!(first, second);
        assert_eq!(queues.acknowledged(&queue(), first), Answer::Empty);
        assert_eq!(queues.take_moved(), [(queue(), Seq(5))]);
        assert_eq!(queues.acknowledged(&queue(), second), Answer::Empty);
        assert_eq!(queues.take_moved(), [(queue(), Seq(6))]);
        assert!(queues.take_moved().is_empty());
        assert!(!queues.has_moved());
    }

    #[test]
    fn a_queue_that_is_listed_again_may_hold_more_than_was_seen() {
        let mut queues = Queues::default();
        let key = push(&mut queues, 5).unwrap();
        assert_eq!(queues.acknowledged(&queue(), key), Answer::Empty);
        // The event of 6 was missed.
        queues.unread_again(queue(), Seq(5));
        assert_eq!(queues.unread(now()), [queue()]);
        assert_eq!(queues.pulled(&queue(), now()), Answer::Read(Some(Seq(5))));
    }

    #[test]
    fn an_entry_waits_while_a_pull_is_open() {
        let mut queues = Queues::default();
        queues.unread_at_login(queue(), Seq(2), now());
        assert_eq!(queues.pulled(&queue(), now()), Answer::Read(Some(Seq(2))));
        assert_eq!(push(&mut queues, 4), None);
        let PageAnswer::Entries(key) =
            queues.page_read(&queue(), Seq(2), Seq(3), true, false, now())
        else {
            panic!("the page has entries")
        };
        assert_eq!(push(&mut queues, 5), None, "a page is open");
        // The log's end was 3 when it was read, but 5 arrived since: the ack brings it.
        assert_eq!(queues.acknowledged(&queue(), key), Answer::Read(Some(Seq(3))));
        let PageAnswer::Entries(key) =
            queues.page_read(&queue(), Seq(3), Seq(5), true, false, now())
        else {
            panic!("the page has entries")
        };
        assert_eq!(queues.acknowledged(&queue(), key), Answer::Empty);
        assert!(push(&mut queues, 6).is_some(), "idle again");
    }

    #[test]
    fn keys_that_are_not_on_their_way_move_nothing() {
        let mut queues = Queues::default();
        let key = push(&mut queues, 1).unwrap();
        assert_eq!(queues.acknowledged(&queue(), key + 1), Answer::Empty);
        assert!(!queues.has_moved(), "an ack of a page not yet sent");
        assert_eq!(queues.acknowledged(&queue(), key), Answer::Empty);
        assert_eq!(queues.acknowledged(&queue(), key), Answer::Empty);
        assert_eq!(queues.take_moved(), [(queue(), Seq(1))], "a repeated key");
    }

    #[test]
    fn nothing_is_kept_of_a_queue_at_rest_or_only_asked_for() {
        let mut queues = Queues::default();
        let key = push(&mut queues, 1).unwrap();
        queues.acknowledged(&queue(), key);
        queues.take_moved();
        queues.saved(now());
        assert!(queues.states.is_empty());
        // The stored cursor answers what is asked now, and the next entry goes out as before.
        assert_eq!(queues.acknowledged(&queue(), key), Answer::Read(None));
        assert!(push(&mut queues, 2).is_some());
        for n in 0..100 {
            let name = Queue::With(format!("nobody-{n}").parse().unwrap());
            assert_eq!(queues.pulled(&name, now()), Answer::Read(None));
            queues.page_read(&name, Seq(0), Seq(0), false, false, now());
        }
        assert_eq!(queues.states.len(), 1);
    }

    #[test]
    fn what_was_read_before_its_event_came_is_not_sent_again() {
        let mut queues = Queues::default();
        queues.unread_at_login(queue(), Seq(4), now());
        assert_eq!(queues.pulled(&queue(), now()), Answer::Read(Some(Seq(4))));
        let PageAnswer::Entries(key) =
            queues.page_read(&queue(), Seq(4), Seq(6), true, false, now())
        else {
            panic!("the page has entries")
        };
        assert_eq!(queues.acknowledged(&queue(), key), Answer::Empty);
        assert_eq!(queues.take_moved(), [(queue(), Seq(6))]);
        queues.saved(now());
        assert_eq!(push(&mut queues, 6), None, "its event is late");
        // After that, nothing is kept.
        let later = now().plus(LOST_AFTER);
        assert_eq!(queues.deadline(), Some(later));
        assert!(queues.due_notices(later).is_empty());
        assert!(queues.states.is_empty() && queues.deadline().is_none());
    }

    #[test]
    fn while_a_place_is_being_stored_the_one_before_is_not_read_from() {
        let mut queues = Queues::default();
        let key = push(&mut queues, 5).unwrap();
        assert_eq!(queues.acknowledged(&queue(), key), Answer::Empty);
        assert_eq!(queues.take_moved(), [(queue(), Seq(5))]);
        assert_eq!(queues.acknowledged(&queue(), key), Answer::Empty);
        assert_eq!(queues.pulled(&queue(), now()), Answer::Read(Some(Seq(5))));
    }

    #[test]
    fn a_lost_page_comes_again_under_another_key() {
        let mut queues = Queues::default();
        let key = push(&mut queues, 1).unwrap();
        assert!(queues.unread(now()).is_empty());
        let later = now().plus(LOST_AFTER);
        assert_eq!(queues.unread(later), [queue()]);
        assert_eq!(queues.due_notices(later), [queue()]);
        assert!(queues.due_notices(later).is_empty(), "not twice at once");
        assert_eq!(queues.pulled(&queue(), later), Answer::Read(Some(Seq(0))));
        let PageAnswer::Entries(again) =
            queues.page_read(&queue(), Seq(0), Seq(1), true, false, later)
        else {
            panic!("the page has entries")
        };
        assert_ne!(key, again);
        assert_eq!(queues.acknowledged(&queue(), again), Answer::Empty);
        assert_eq!(queues.take_moved(), [(queue(), Seq(1))]);
    }

    #[test]
    fn the_window_bounds_what_is_on_its_way() {
        let mut queues = Queues::default();
        let mut keys = Vec::new();
        for seq in 1..=limits::PUSH_WINDOW as u64 + 10 {
            keys.extend(push(&mut queues, seq));
        }
        assert_eq!(keys.len(), limits::PUSH_WINDOW);
        // The last ack brings what was left out, as one page.
        let sent = Seq(limits::PUSH_WINDOW as u64);
        let (last, earlier) = keys.split_last().unwrap();
        for key in earlier {
            assert_eq!(queues.acknowledged(&queue(), *key), Answer::Empty);
        }
        assert_eq!(queues.acknowledged(&queue(), *last), Answer::Read(Some(sent)));
        // An ack that comes again while that page is read does not bring it twice.
        assert_eq!(queues.acknowledged(&queue(), *last), Answer::Empty);
        let end = Seq(sent.0 + 10);
        let PageAnswer::Entries(key) = queues.page_read(&queue(), sent, end, true, false, now())
        else {
            panic!("the page has entries")
        };
        assert_eq!(queues.acknowledged(&queue(), key), Answer::Empty);
    }

    #[test]
    fn a_pull_that_crosses_a_page_does_not_bring_it_twice() {
        let mut queues = Queues::default();
        queues.unread_at_login(queue(), Seq(0), now());
        assert_eq!(queues.pulled(&queue(), now()), Answer::Read(Some(Seq(0))));
        let PageAnswer::Entries(key) =
            queues.page_read(&queue(), Seq(0), Seq(40), true, true, now())
        else {
            panic!("the page has entries")
        };
        assert_eq!(queues.pulled(&queue(), now()), Answer::Empty, "it is on its way");
        assert!(!queues.has_room(limits::REDELIVERED - 39), "and counts");
        assert_eq!(queues.acknowledged(&queue(), key), Answer::Read(Some(Seq(40))));
    }

    #[test]
    fn what_is_pushed_leaves_room_for_the_page_that_is_being_read() {
        let mut queues = Queues::default();
        queues.reserve_page();
        let pushed = (0..limits::REDELIVERED).filter(|n| {
            let queue = Queue::With(format!("user-{n}").parse().unwrap());
            let arrival = queues.arrived(&queue, Seq(1), true, true, now());
            arrival != Arrival::Keep
        });
        assert_eq!(pushed.count(), limits::REDELIVERED - limits::QUEUE_PAGE);
        queues.release_page();
        assert!(queues.has_room(limits::QUEUE_PAGE));
    }

    #[test]
    fn own_messages_move_the_cursor_without_being_sent() {
        let mut queues = Queues::default();
        assert_eq!(queues.arrived(&queue(), Seq(1), false, true, now()), Arrival::Keep);
        assert_eq!(queues.take_moved(), [(queue(), Seq(1))]);
        let key = push(&mut queues, 2).unwrap();
        assert_eq!(queues.arrived(&queue(), Seq(3), false, true, now()), Arrival::Keep);
        assert!(!queues.has_moved(), "2 is still on its way");
        assert_eq!(queues.acknowledged(&queue(), key), Answer::Empty);
        assert_eq!(queues.take_moved(), [(queue(), Seq(3))]);
    }

    #[test]
    fn a_reader_that_falls_behind_is_told_to_come() {
        let mut queues = Queues::default();
        assert_eq!(queues.arrived(&queue(), Seq(1), true, false, now()), Arrival::Keep);
        assert_eq!(queues.unread(now()), [queue()]);
        assert_eq!(push(&mut queues, 2), None, "not out of turn");
        assert_eq!(queues.pulled(&queue(), now()), Answer::Read(Some(Seq(0))));
        assert!(queues.unread(now()).is_empty(), "its answer is being read");
    }

    #[test]
    fn a_pull_of_a_queue_without_news_is_answered_empty() {
        let mut queues = Queues::default();
        assert_eq!(queues.pulled(&queue(), now()), Answer::Read(None));
        let answer = queues.page_read(&queue(), Seq(9), Seq(9), false, false, now());
        assert_eq!(answer, PageAnswer::Empty);
        assert!(push(&mut queues, 10).is_some());
    }

    #[test]
    fn keys_differ_between_two_sessions_of_one_client() {
        let (mut first, mut second) = (PageKeys::default(), PageKeys::default());
        let a = first.next(Seq(7), now());
        let b = second.next(Seq(7), now().plus(Duration::from_secs(1)));
        assert_ne!(a, b);
        assert!(first.next(Seq::MAX, now()) < 1 << 63);
    }
}
