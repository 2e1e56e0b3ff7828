//! Hands what is durable to the bus in the order of the log.
//!
//! A session takes an entry for granted up to which it has seen a later one, so no entry may be
//! published before the one in front of it. Two transactions that append to one log commit in the
//! order of their numbers, but whoever ran the first may be slower to tell: what comes too early is
//! held until the gap is filled.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use stoa_bus::Topic;
use stoa_core::{AppNumber, Seq, UserId};

use super::batch::{Placed, Readers};
use crate::Shared;
use crate::entry::{Audience, Delivery, Entry, Event, Log, Queue};

/// What was published of one log.
#[derive(Default)]
pub(crate) struct Publisher(Mutex<State>);

#[derive(Default)]
struct State {
    next: Option<Seq>,
    held: BTreeMap<Seq, Placed>,
}

impl Publisher {
    /// The log ends at `end`, as read by a transaction that is going to append: what is published
    /// first stands behind it.
    pub(crate) fn expect(&self, end: Seq) {
        self.0.lock().next.get_or_insert(end.next());
    }

    /// Whether something waits for an entry in front of it.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.0.lock().held.is_empty()
    }

    /// Begins anew: it is not known what was appended.
    pub(crate) fn reset(&self) {
        *self.0.lock() = State::default();
    }

    /// Publishes `placed`, which are durable.
    pub(crate) fn publish(&self, shared: &Shared, app: AppNumber, log: &Log, placed: Vec<Placed>) {
        if placed.is_empty() {
            return;
        }
        let mut state = self.0.lock();
        state.held.extend(placed.into_iter().map(|placed| (placed.seq, placed)));
        loop {
            let next = state.next;
            let Some(first) = state.held.first_entry() else { return };
            if next.is_some_and(|next| *first.key() > next) {
                return;
            }
            let placed = first.remove();
            state.next = Some(placed.seq.next());
            hand_over(shared, app, log, &placed);
        }
    }
}

/// Hands an entry to the topics of those who read it.
fn hand_over(shared: &Shared, app: AppNumber, log: &Log, placed: &Placed) {
    if !placed.entry.kind.is_delivered() {
        return;
    }
    let event_of = |user: &UserId, entry: &Arc<Entry>| {
        Arc::new(Event::Appended(Delivery {
            app,
            queue: Queue::of(log, user),
            seq: placed.seq,
            entry: entry.clone(),
            countable: placed.countable,
            encoded: OnceLock::new(),
        }))
    };
    let event = |user: &UserId| event_of(user, &placed.entry);
    let publish = |user: &UserId, event: &Arc<Event>| {
        shared.bus.publish(&Topic { app, user: user.clone() }, event);
    };
    match &placed.readers {
        Readers::Named => match log {
            Log::Conversation(conversation) => {
                conversation.pair().iter().for_each(|user| publish(user, &event(user)));
            }
            Log::User(user) => publish(user, &event(user)),
        },
        Readers::Room => {}
        // The group's queue has one name for all, so that its event is one.
        Readers::Members(members) => {
            let event = event(&placed.entry.from);
            // Who takes no messages of the group learns that there is one, to keep count.
            let mut withheld = None;
            for (user, line) in members.joined() {
                if line.shielded && placed.entry.is_shielded_from(user) {
                    let place = || event_of(user, &Arc::new(placed.entry.place_only()));
                    publish(user, withheld.get_or_insert_with(place));
                } else {
                    publish(user, &event);
                }
            }
            // Also to members whom it is not for: their sessions count what they have seen. And to
            // whom it is for and who is no member any more.
            if let Audience::Only(users) = &placed.entry.audience {
                users
                    .iter()
                    .filter(|user| !members.has(user))
                    .for_each(|user| publish(user, &event));
            }
        }
    }
}
