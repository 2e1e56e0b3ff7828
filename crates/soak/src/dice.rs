//! Repeatable randomness.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A sequence of numbers that follows from its seed (splitmix64).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of their own for part `number` of the run.
    pub(crate) fn part(&mut self, number: u64) -> Self {
        Self(self.next() ^ number)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A time of up to `most`.
    pub(crate) fn within(&mut self, most: Duration) -> Duration {
        most.mul_f64(f64::from(u32::try_from(self.below(10_001)).unwrap_or(0)) / 10_000.0)
    }
}

/// A seed that differs from run to run.
pub(crate) fn from_the_time() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    elapsed.as_secs()
}
