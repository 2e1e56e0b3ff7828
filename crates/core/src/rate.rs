//! How often a thing may be done: a bucket for each key.
//!
//! A bucket is one number, the moment at which it will be full again (the generic cell rate algorithm),
//! so nothing has to run to refill it.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use crate::Timestamp;

/// How much a bucket holds and how fast it fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Microseconds that refill one call.
    each_us: u64,
    /// Calls that a full bucket holds.
    burst: u32,
}

impl Quota {
    /// So many in a second (at least 1, and at most a million), of a bucket that holds `burst`.
    pub const fn per_second(calls: u32, burst: u32) -> Self {
        Self { each_us: 1_000_000 / calls as u64, burst }
    }

    /// So many (at least 1), however they are spread over an hour.
    pub fn per_hour(calls: u32) -> Self {
        Self { each_us: 3_600_000_000 / u64::from(calls.max(1)), burst: calls }
    }

    /// Microseconds that refill `calls`.
    const fn time(self, calls: u32) -> u64 {
        self.each_us * calls as u64
    }
}

/// Buckets by key, at most `most` of them.
#[derive(Debug)]
pub struct Buckets<K> {
    most: usize,
    /// When each is full again, in microseconds since 1970. One that is full need not be there.
    full_at: HashMap<K, u64>,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// No buckets yet; `most` of them are remembered.
    pub fn new(most: usize) -> Self {
        Self { most, full_at: HashMap::new() }
    }

    /// Takes one call.
    ///
    /// # Errors
    /// How long to wait for it.
    pub fn take(&mut self, key: &K, quota: Quota, now: Timestamp) -> Result<(), Duration> {
        let (now, empty) = self.bounds(quota, now);
        let before = self.full_at(key, now, empty);
        let full_at = before + quota.time(1);
        if full_at > empty {
            // Noted too where nothing is taken, so that a bucket of before the clock was set back
            // begins to fill now, and not when the clock is where it was.
            self.set(key, before, now);
            return Err(Duration::from_micros(full_at - empty));
        }
        self.set(key, full_at, now);
        Ok(())
    }

    /// Takes `calls`, or what is left.
    pub fn charge(&mut self, key: &K, quota: Quota, calls: u32, now: Timestamp) {
        let (now, empty) = self.bounds(quota, now);
        let full_at = self.full_at(key, now, empty) + quota.time(calls);
        self.set(key, full_at.min(empty), now);
    }

    /// The present moment, at which a bucket is full, and the moment that says it is empty.
    fn bounds(&self, quota: Quota, now: Timestamp) -> (u64, u64) {
        // Half the range is 290,000 years; so sums do not overflow.
        let now = now.as_millis().saturating_mul(1000).min(u64::MAX / 2);
        (now, now + quota.time(quota.burst))
    }

    /// A moment beyond the bounds was noted before the clock was set back, and counts as empty.
    fn full_at(&self, key: &K, now: u64, empty: u64) -> u64 {
        self.full_at.get(key).map_or(now, |full_at| (*full_at).clamp(now, empty))
    }

    fn set(&mut self, key: &K, full_at: u64, now: u64) {
        if let Some(known) = self.full_at.get_mut(key) {
            *known = full_at;
            return;
        }
        if self.full_at.len() >= self.most {
            self.full_at.retain(|_, full_at| *full_at > now);
        }
        if self.full_at.len() >= self.most {
            // All are in use: any of them makes room, which one cannot be foreseen.
            let any = self.full_at.keys().next().cloned();
            any.map(|any| self.full_at.remove(&any));
        }
        self.full_at.insert(key.clone(), full_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const QUOTA: Quota = Quota::per_second(100, 100);

    fn later(ms: u64) -> Timestamp {
        START.plus(Duration::from_millis(ms))
    }

    #[test]
    fn a_burst_then_the_steady_rate() {
        let mut buckets = Buckets::new(10);
        assert_eq!((0..150).filter(|_| buckets.take(&1, QUOTA, START).is_ok()).count(), 100);
        assert_eq!(buckets.take(&1, QUOTA, START), Err(Duration::from_millis(10)));
        assert!(buckets.take(&2, QUOTA, START).is_ok(), "another key has its own");
        assert_eq!((0..150).filter(|_| buckets.take(&1, QUOTA, later(250)).is_ok()).count(), 25);
        assert_eq!(
            (0..150).filter(|_| buckets.take(&1, QUOTA, later(60_000)).is_ok()).count(),
            100
        );
    }

    #[test]
    fn a_clock_set_back_costs_one_burst_at_the_most() {
        let mut buckets = Buckets::new(10);
        while buckets.take(&1, QUOTA, later(3_600_000)).is_ok() {}
        assert_eq!(buckets.take(&1, QUOTA, START), Err(Duration::from_millis(10)));
        assert!(buckets.take(&1, QUOTA, later(10)).is_ok(), "from then on it fills");
        assert!(buckets.take(&1, QUOTA, later(10)).is_err());
        assert!(buckets.take(&1, QUOTA, later(20)).is_ok());
    }

    proptest! {
        #[test]
        fn memory_is_bounded_and_nobody_gets_more_than_burst_and_rate(
            calls in proptest::collection::vec((0..30_u8, 0..50_u64), 1..400),
        ) {
            let mut buckets = Buckets::new(8);
            let (mut now, mut admitted) = (START, 0_u64);
            let mut alone = Buckets::new(8);
            for (key, pause) in calls {
                now = now.plus(Duration::from_millis(pause));
                let _ = buckets.take(&key, QUOTA, now);
                prop_assert!(buckets.full_at.len() <= 8);
                admitted += u64::from(alone.take(&0, QUOTA, now).is_ok());
            }
            let elapsed = u64::try_from(now.since(START).as_millis()).unwrap();
            prop_assert!(admitted <= 100 + elapsed / 10);
        }
    }
}
