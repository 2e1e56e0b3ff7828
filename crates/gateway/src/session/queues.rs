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
    /// The last entry known to exist.
    head: Seq,
    /// Nothing is known to lie behind `head`; until the log was read to its end, something may.
    is_end: bool,
    /// What was known to exist when the page that is being read was asked for.
    asked: Seq,
    on_the_way: VecDeque<Page>,
    /// A page is being read for the client: its answer is owed.
    reading: u32,
    noticed: Option<Timestamp>,
    /// When entries were last sent that were read from the log. Their events may still be coming.
    read: Option<Timestamp>,
}

impl State {
    /// The client has everything up to `position`, and there is no more if `is_end`.
    fn at(position: Seq, is_end: bool) -> Self {
        Self {
            mode: Mode::Idle,
            acked: position,
            sent: position,
            head: position,
            is_end,
            asked: position,
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
        !self.is_end || self.head > self.sent
    }

    /// A page is to be read.
    fn begin_to_read(&mut self) {
        // Of several the first one decides: it may be read before what is known by now was there.
        if self.reading == 0 {
            self.asked = self.head;
        }
        self.reading += 1;
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
        let state = State { noticed: Some(now), ..State::at(cursor, false) };
        self.states.entry(queue).or_insert(state);
    }

    /// The queue is listed once more, because events were missed: there may be more than was seen.
    pub(crate) fn unread_again(&mut self, queue: Queue, cursor: Seq) {
        match self.states.entry(queue) {
            Slot::Occupied(slot) => slot.into_mut().is_end = false,
            Slot::Vacant(slot) => {
                slot.insert(State::at(cursor, false));
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
            Slot::Vacant(slot) => slot.insert(State::at(before, true)),
        };
        if seq <= state.sent {
            return Arrival::Keep;
        }
        let in_turn = state.sent == before && !state.has_more();
        // Also while a page is read: it may have been read before this was there.
        state.head = state.head.max(seq);
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
        state.begin_to_read();
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
            state.begin_to_read();
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
            let mut state = State::at(start, false);
            state.mode = Mode::Pulled;
            state.reading = 1;
            state
        });
        let end = end.max(start);
        let under_way = state.under_way();
        state.head = state.head.max(end);
        state.sent = state.sent.max(end);
        if !more {
            state.is_end = true;
            // What was there when the page was asked for, and is not in it, can be read no more.
            if state.head <= state.asked {
                state.sent = state.head;
            }
        }
        self.under_way = self.under_way + state.under_way() - under_way;
        if entries {
            state.reading = state.reading.saturating_sub(1);
            let key = self.keys.next(end, now);
            state.on_the_way.push_back(Page { key, upto: end, at: now });
            state.read = Some(now);
            return PageAnswer::Entries(key);
        }
        if state.has_more() {
            state.asked = state.head;
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
mod tests;
