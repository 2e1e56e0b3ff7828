//! How many frames or messages a client may send.

use stoa_core::{Timestamp, limits};

/// That of frames.
pub(crate) type FrameRate = Rate<{ limits::FRAMES_BURST }, { limits::FRAMES_PER_SECOND }>;

/// A token bucket: a burst, refilled steadily.
#[derive(Debug)]
pub(crate) struct Rate<const BURST: u32, const PER_SECOND: u32> {
    /// What is left, in thousandths.
    left: u64,
    refilled: Timestamp,
}

impl<const BURST: u32, const PER_SECOND: u32> Rate<BURST, PER_SECOND> {
    const FULL: u64 = BURST as u64 * 1000;

    pub(crate) const fn new(now: Timestamp) -> Self {
        Self { left: Self::FULL, refilled: now }
    }

    /// Whether one more frame is within the rate.
    pub(crate) fn take(&mut self, now: Timestamp) -> bool {
        let elapsed_ms = now.since(self.refilled).as_millis();
        let refill = elapsed_ms.saturating_mul(u128::from(PER_SECOND));
        self.left =
            self.left.saturating_add(u64::try_from(refill).unwrap_or(Self::FULL)).min(Self::FULL);
        self.refilled = now;
        let within = self.left >= 1000;
        if within {
            self.left -= 1000;
        }
        within
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_then_the_steady_rate() {
        let start = Timestamp::from_secs(1_800_000_000);
        let mut rate = FrameRate::new(start);
        let taken = (0..limits::FRAMES_BURST + 10).filter(|_| rate.take(start)).count();
        assert_eq!(taken, limits::FRAMES_BURST as usize);
        let later = start.plus(Duration::from_millis(100));
        let taken = (0..limits::FRAMES_BURST).filter(|_| rate.take(later)).count();
        assert_eq!(taken, limits::FRAMES_PER_SECOND as usize / 10);
        assert!(!rate.take(start), "a clock set back gives nothing");
    }
}
