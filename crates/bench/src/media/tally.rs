//! What is counted of packets that were sent and came.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::source::{Stamp, wall};
use crate::stats::Histogram;

/// The time of which packets count, by when they left.
#[derive(Default)]
pub struct Window {
    from: AtomicU64,
    to: AtomicU64,
}

impl Window {
    /// From now on, so long.
    pub fn open(&self, length: Duration) {
        let now = wall();
        let length = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
        self.to.store(now.saturating_add(length), Ordering::Relaxed);
        // Last: until then nothing counts.
        self.from.store(now, Ordering::Release);
    }

    fn has(&self, at: u64) -> bool {
        let from = self.from.load(Ordering::Acquire);
        from != 0 && (from..self.to.load(Ordering::Relaxed)).contains(&at)
    }
}

/// Which packets of one source have come to one who watches it.
#[derive(Debug, Default)]
pub struct Seen {
    first: Option<u64>,
    bits: Vec<u64>,
}

impl Seen {
    /// Whether a packet comes for the first time.
    fn is_new(&mut self, number: u64) -> bool {
        // Those before the first that came are few: the network may have changed the order.
        let first = *self.first.get_or_insert_with(|| number.saturating_sub(64));
        let Some(at) = number.checked_sub(first) else { return false };
        let (Ok(word), bit) = (usize::try_from(at / 64), at % 64) else { return false };
        if word >= self.bits.len() {
            self.bits.resize(word + 1, 0);
        }
        let new = self.bits[word] & (1 << bit) == 0;
        self.bits[word] |= 1 << bit;
        new
    }
}

/// The sources that one watches.
pub type Watched = HashMap<u32, Seen>;

/// What one thread has counted.
#[derive(Default)]
pub struct Tally {
    /// Packets that left, by source.
    pub sent: HashMap<u32, u64>,
    /// Those who watch, by source.
    pub watchers: HashMap<u32, u64>,
    /// Packets that came, each once for each who watches.
    pub came: u64,
    /// Packets that came to somebody who watches something else.
    pub astray: u64,
    /// From the stamp to the kernel that received it.
    pub delay: Histogram,
    /// From the stamp to a payload that is decrypted.
    pub inside: Histogram,
    /// How much later than due pictures and sounds left.
    pub late: Histogram,
}

impl Tally {
    /// A packet leaves.
    pub fn left(&mut self, window: &Window, stamp: Stamp) {
        if window.has(stamp.at) {
            *self.sent.entry(stamp.source).or_default() += 1;
        }
    }

    /// A packet has come, at that moment, to somebody who watches these.
    pub fn arrived(&mut self, window: &Window, watched: &mut Watched, stamp: Stamp, at: u64) {
        let Some(seen) = watched.get_mut(&stamp.source) else {
            self.astray += 1;
            return;
        };
        if window.has(stamp.at) && seen.is_new(stamp.number) {
            self.came += 1;
            self.delay.record(at.saturating_sub(stamp.at));
            self.inside.record(wall().saturating_sub(stamp.at));
        }
    }

    /// Adds what another thread has counted.
    pub fn add(&mut self, other: &Self) {
        for (source, count) in &other.sent {
            *self.sent.entry(*source).or_default() += count;
        }
        for (source, count) in &other.watchers {
            *self.watchers.entry(*source).or_default() += count;
        }
        self.came += other.came;
        self.astray += other.astray;
        self.delay.add(&other.delay);
        self.inside.add(&other.inside);
        self.late.add(&other.late);
    }

    /// Packets that should have come: each to all who watch its source.
    pub fn due(&self) -> u64 {
        let to = |source| self.watchers.get(source).copied().unwrap_or_default();
        self.sent.iter().map(|(source, count)| count * to(source)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(source: u32, number: u64) -> Stamp {
        Stamp { source, number, at: wall() }
    }

    #[test]
    fn a_packet_counts_once_in_the_window_and_where_it_is_watched() {
        let (window, mut tally) = (Window::default(), Tally::default());
        let mut watched = Watched::from([(1, Seen::default())]);
        tally.arrived(&window, &mut watched, stamp(1, 900), wall());
        tally.left(&window, stamp(1, 900));
        assert_eq!((tally.came, tally.sent.len()), (0, 0), "nothing counts yet");
        window.open(Duration::from_secs(60));
        tally.watchers.insert(1, 2);
        for number in [901, 903, 902, 903, 1_100] {
            tally.left(&window, stamp(1, number));
            tally.arrived(&window, &mut watched, stamp(1, number), wall());
        }
        tally.arrived(&window, &mut watched, stamp(2, 1), wall());
        assert_eq!((tally.came, tally.astray, tally.due()), (4, 1, 10));
        let mut both = Tally::default();
        both.add(&tally);
        both.add(&tally);
        assert_eq!((both.came, both.due(), both.delay.count()), (8, 40, 8));
        window.open(Duration::ZERO);
        tally.arrived(&window, &mut watched, stamp(1, 2_000), wall());
        assert_eq!(tally.came, 4);
    }
}
