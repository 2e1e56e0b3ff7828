//! Events to whoever is connected: published to a user, received by each of that user's subscribers.
//!
//! This is the bus of one process. A subscriber is called in the publisher's task and must not
//! block: it puts the event into its mailbox and wakes its owner. An event is shared, never copied,
//! however many receive it. What was published before a subscription began is not delivered; the
//! logs in the store are there for that.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
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
}

impl<E> Default for Bus<E> {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            hasher: RandomState::new(),
            next: AtomicU64::new(0),
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
        self.shard(&topic).write().entry(topic.clone()).or_default().push((number, to));
        Subscription { bus: self.clone(), topic, number }
    }

    /// Hands `event` to each subscriber of `topic`, in the order of their subscription. Answers how
    /// many there were.
    pub fn publish(&self, topic: &Topic, event: &Arc<E>) -> usize {
        let shard = self.shard(topic).read();
        let Some(subscribers) = shard.get(topic) else { return 0 };
        for (_, subscriber) in subscribers {
            subscriber.deliver(event);
        }
        subscribers.len()
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
    use parking_lot::Mutex;

    #[derive(Default)]
    struct Mailbox(Mutex<Vec<u32>>);

    impl Subscriber<u32> for Mailbox {
        fn deliver(&self, event: &Arc<u32>) {
            self.0.lock().push(**event);
        }
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
