//! Numbers that order things: sequence numbers in a log, message ids in an app, and UUIDs.

use std::fmt;
use std::str::FromStr;

use parking_lot::Mutex;

use crate::{Entropy, Timestamp};

/// A position in a log: dense, from 1, given at commit. 0 stands before the first entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub u64);

impl Seq {
    /// Before the first entry.
    pub const START: Self = Self(0);
    /// The highest sequence number: 33 bits, so that a session's page key has room beside it.
    pub const MAX: Self = Self((1 << 33) - 1);

    /// The position after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A message's id: 63 bits, ordered by time, unique in the app over all kinds of things that a
/// client can receive. Decimal text in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u64);

impl MessageId {
    /// The moment that stands in it: when it was made, or later where the clock was set back.
    pub const fn made_at(self) -> Timestamp {
        Timestamp::from_millis((self.0 >> IdGenerator::TIME_SHIFT) + IdGenerator::EPOCH_MS)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for MessageId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Makes message ids: milliseconds since 2020 (41 bits), the process's life (10 bits), a counter
/// (12 bits).
///
/// The life number differs between a process and its recent predecessors, so ids stay unique when
/// the clock was set back between them. Within a life, ids only rise.
#[derive(Debug)]
pub struct IdGenerator {
    life: u64,
    last: Mutex<u64>,
}

impl IdGenerator {
    const EPOCH_MS: u64 = 1_577_836_800_000; // 2020-01-01T00:00:00Z
    const COUNTER_BITS: u32 = 12;
    const LIFE_BITS: u32 = 10;
    const TIME_SHIFT: u32 = Self::COUNTER_BITS + Self::LIFE_BITS;

    /// A generator for the life `life` of the process (its low 10 bits count).
    pub fn new(life: u64) -> Self {
        Self { life: life & ((1 << Self::LIFE_BITS) - 1), last: Mutex::new(0) }
    }

    /// The next id, above `floor` and every id made before.
    pub fn next(&self, now: Timestamp, floor: Option<MessageId>) -> MessageId {
        let shift = Self::TIME_SHIFT;
        let start = |ms: u64| (ms << shift) | (self.life << Self::COUNTER_BITS);
        let ms = now.as_millis().saturating_sub(Self::EPOCH_MS) & ((1 << 41) - 1);
        let mut last = self.last.lock();
        let above = (*last).max(floor.map_or(0, |id| id.0));
        let mut id = start(ms);
        if id <= above {
            // Same millisecond, or the clock went back: count on from what was given last.
            let counter_full =
                above & ((1 << Self::COUNTER_BITS) - 1) == (1 << Self::COUNTER_BITS) - 1;
            let of_this_life =
                (above >> Self::COUNTER_BITS) & ((1 << Self::LIFE_BITS) - 1) == self.life;
            id =
                if of_this_life && !counter_full { above + 1 } else { start((above >> shift) + 1) };
        }
        *last = id;
        MessageId(id)
    }
}

/// A universally unique identifier in its usual 36-character form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(uuid::Uuid);

impl Uuid {
    /// A random (version 4) UUID.
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(uuid::Builder::from_random_bytes(entropy.bytes()).into_uuid())
    }

    /// The UUID of these 16 bytes, as stored.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(uuid::Uuid::from_bytes(bytes))
    }

    /// Its 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for Uuid {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        uuid::Uuid::try_parse(text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn ids_rise_within_a_millisecond_and_over_a_clock_set_back() {
        let ids = IdGenerator::new(7);
        let now = Timestamp::from_secs(1_800_000_000);
        let mut last = MessageId(0);
        for i in 0..10_000_u64 {
            let id = ids.next(Timestamp::from_millis(now.as_millis() - i), None);
            assert!(id > last, "{id:?} after {last:?}");
            assert!(id.0 < 1 << 63);
            assert!(id.made_at() >= now && id.made_at() < now.plus(Duration::from_secs(1)));
            last = id;
        }
        let floor = MessageId(last.0 + 5_000_000_000);
        assert!(ids.next(now, Some(floor)) > floor);
    }

    #[test]
    fn lives_do_not_collide() {
        let now = Timestamp::from_secs(1_800_000_000);
        let (a, b) = (IdGenerator::new(1), IdGenerator::new(2));
        let of = |g: &IdGenerator| (0..9000).map(|_| g.next(now, None).0).collect::<Vec<_>>();
        let first = of(&a);
        assert!(of(&b).iter().all(|id| first.binary_search(id).is_err()));
    }
}
