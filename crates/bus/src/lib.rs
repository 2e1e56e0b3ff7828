//! Events to whoever is connected: published to a user, received by each of that user's subscribers.
//!
//! This is the bus of one process. A subscriber is called in the publisher's task and must not
//! block: it puts the event into its mailbox and wakes its owner. An event is shared, never copied,
//! however many receive it. What was published before a subscription began is not delivered; the
//! logs in the store are there for that.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};
use stoa_core::{AppNumber, UserId};

/// What events are published to: all connections of one user of one app.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Topic {
    /// The user's app.
    pub app: AppNumber,
    /// The user.
    pub user: UserId,
}

/// Receives the events of a topic.
pub trait Subscriber<E>: Send + Sync {
    /// Takes an event. Called in the publisher's task: must not block.
    fn deliver(&self, event: &Arc<E>);

    /// Events did not arrive: what they told of is to be looked up. Called before the next event, or
    /// when the loss is noticed; must not block.
    fn missed(&self) {}
}

type Subscribers<E> = Vec<(u64, Arc<dyn Subscriber<E>>)>;
type Shard<E> = RwLock<HashMap<Topic, Subscribers<E>>>;

/// Enough that publishers of different users seldom wait for each other.
const SHARDS: usize = 64;

/// The bus of one process.
pub struct Bus<E> {
    shards: Box<[Shard<E>]>,
    hasher: RandomState,
    next: AtomicU64,
    losing: OnceLock<Losing<E>>,
}

/// Which events do not arrive, and which subscriptions have not been told.
struct Losing<E> {
    which: Box<dyn Fn(&E) -> bool + Send + Sync>,
    untold: Mutex<BTreeSet<u64>>,
}

impl<E> Default for Bus<E> {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            hasher: RandomState::new(),
            next: AtomicU64::new(0),
            losing: OnceLock::new(),
        }
    }
}

impl<E> Bus<E> {
    fn shard(&self, topic: &Topic) -> &Shard<E> {
        // The hash only spreads; which bits are taken does not matter.
        let hash = self.hasher.hash_one(topic);
        &self.shards[usize::try_from(hash % SHARDS as u64).unwrap_or_default()]
    }

    /// Subscribes until the returned guard is dropped.
    pub fn subscribe(
        self: &Arc<Self>,
        topic: Topic,
        to: Arc<dyn Subscriber<E>>,
    ) -> Subscription<E> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        // Mostly there is one.
        let mut shard = self.shard(&topic).write();
        shard.entry(topic.clone()).or_insert_with(|| Vec::with_capacity(1)).push((number, to));
        drop(shard);
        Subscription { bus: self.clone(), topic, number }
    }

    /// Hands `event` to each subscriber of `topic`, in the order of their subscription. Answers how
    /// many there were.
    pub fn publish(&self, topic: &Topic, event: &Arc<E>) -> usize {
        let shard = self.shard(topic).read();
        let Some(subscribers) = shard.get(topic) else { return 0 };
        for (number, subscriber) in subscribers {
            if let Some(losing) = self.losing.get()
                && losing.takes(*number, subscriber, event)
            {
                continue;
            }
            subscriber.deliver(event);
        }
        subscribers.len()
    }

    /// Tells each subscriber of `topic` that events may not have arrived.
    pub fn missed(&self, topic: &Topic) {
        let shard = self.shard(topic).read();
        let subscribers = shard.get(topic).into_iter().flatten();
        subscribers.for_each(|(_, subscriber)| subscriber.missed());
    }

    /// From now on events that `which` picks do not arrive, each subscriber being asked for on its own:
    /// for the simulation of a bus that numbers its events, and so notices what is lost, doubled or
    /// out of turn. Only the first call counts.
    pub fn lose(&self, which: impl Fn(&E) -> bool + Send + Sync + 'static) {
        let losing = Losing { which: Box::new(which), untold: Mutex::default() };
        // The first one stays.
        let _ = self.losing.set(losing);
    }

    /// Tells every subscriber that missed something and has not been told, as such a bus does after a
    /// while without events.
    pub fn tell_losses(&self) {
        let Some(losing) = self.losing.get() else { return };
        let untold = std::mem::take(&mut *losing.untold.lock());
        let mut told: Vec<(u64, Arc<dyn Subscriber<E>>)> = Vec::new();
        for shard in &self.shards {
            let all = shard.read();
            let missed = all.values().flatten().filter(|(number, _)| untold.contains(number));
            told.extend(missed.map(|(number, subscriber)| (*number, subscriber.clone())));
        }
        // In the order of their subscription, so that a simulation can be repeated.
        told.sort_unstable_by_key(|(number, _)| *number);
        told.iter().for_each(|(_, subscriber)| subscriber.missed());
    }
}

impl<E> Losing<E> {
    /// Whether the event is lost to this subscriber. If it is not, but an earlier one was, that is told.
    fn takes(&self, number: u64, subscriber: &Arc<dyn Subscriber<E>>, event: &E) -> bool {
        if (self.which)(event) {
            self.untold.lock().insert(number);
            return true;
        }
        if self.untold.lock().remove(&number) {
            subscriber.missed();
        }
        false
    }
}

impl<E> fmt::Debug for Bus<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus").finish_non_exhaustive()
    }
}

/// A subscription; ends when dropped, on every way out.
#[derive(Debug)]
pub struct Subscription<E> {
    bus: Arc<Bus<E>>,
    topic: Topic,
    number: u64,
}

impl<E> Drop for Subscription<E> {
    fn drop(&mut self) {
        let mut shard = self.bus.shard(&self.topic).write();
        if let Entry::Occupied(mut entry) = shard.entry(self.topic.clone()) {
            entry.get_mut().retain(|(number, _)| *number != self.number);
            if entry.get().is_empty() {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Mailbox(Mutex<Vec<u32>>);

    impl Subscriber<u32> for Mailbox {
        fn deliver(&self, event: &Arc<u32>) {
            self.0.lock().push(**event);
        }

        fn missed(&self) {
            self.0.lock().push(MISSED);
        }
    }

    const MISSED: u32 = u32::MAX;

    #[test]
    fn a_loss_is_told_before_the_next_event_or_when_it_is_noticed() {
        let bus = Arc::new(Bus::default());
        let mailbox = Arc::new(Mailbox::default());
        let _subscription = bus.subscribe(topic(1, "alice"), mailbox.clone());
        bus.lose(|event| *event >= 10);
        for event in [1, 10, 2, 3, 11] {
            bus.publish(&topic(1, "alice"), &Arc::new(event));
        }
        assert_eq!(*mailbox.0.lock(), [1, MISSED, 2, 3]);
        bus.tell_losses();
        bus.tell_losses();
        assert_eq!(*mailbox.0.lock(), [1, MISSED, 2, 3, MISSED]);
    }

    fn topic(app: u32, user: &str) -> Topic {
        Topic { app: AppNumber(app), user: user.parse().unwrap() }
    }

    #[test]
    fn each_subscriber_of_the_topic_receives_and_no_other() {
        let bus = Arc::new(Bus::default());
        let (first, second, other) = (Arc::new(Mailbox::default()), Arc::default(), Arc::default());
        let _first = bus.subscribe(topic(1, "alice"), first.clone());
        let second_subscription = bus.subscribe(topic(1, "alice"), Arc::<Mailbox>::clone(&second));
        let _other = bus.subscribe(topic(2, "alice"), Arc::<Mailbox>::clone(&other));

        assert_eq!(bus.publish(&topic(1, "alice"), &Arc::new(7)), 2);
        drop(second_subscription);
        assert_eq!(bus.publish(&topic(1, "alice"), &Arc::new(8)), 1);
        assert_eq!(bus.publish(&topic(1, "bob"), &Arc::new(9)), 0);

        assert_eq!(*first.0.lock(), [7, 8]);
        assert_eq!(*second.0.lock(), [7]);
        assert!(other.0.lock().is_empty(), "the same name in another app is another user");
    }

    #[test]
    fn nothing_is_kept_of_a_topic_without_subscribers() {
        let bus = Arc::new(Bus::default());
        drop(bus.subscribe(topic(1, "alice"), Arc::new(Mailbox::default())));
        assert!(bus.shards.iter().all(|shard| shard.read().is_empty()));
    }
}
