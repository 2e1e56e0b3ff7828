//! What comes on a layer: how much, how much is lost, how regular.

use std::time::{Duration, Instant};

/// After this time without a packet a layer is not live.
const SILENCE: Duration = Duration::from_millis(1500);

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    pub(crate) packets: u64,
    first_seq: Option<u64>,
    last_seq: u64,
    /// How many packets were due and how many had come at the last [`Meter::recent`].
    seen: (u64, u64),
    bytes: u64,
    since: Option<Instant>,
    rate: Option<u64>,
    last: Option<Instant>,
    /// Transit time of the last packet and jitter, in ticks (RFC 3550, A.8).
    transit: Option<f64>,
    jitter: f64,
    clock: f64,
}

impl Meter {
    pub(crate) fn packet(
        &mut self,
        seq: u64,
        time: u64,
        clock: f64,
        bytes: usize,
        start: Instant,
        now: Instant,
    ) {
        self.packets += 1;
        self.bytes += bytes as u64;
        self.last = Some(now);
        self.clock = clock;
        self.first_seq.get_or_insert(seq);
        if seq > self.last_seq {
            self.last_seq = seq;
            let transit = now.saturating_duration_since(start).as_secs_f64() * clock - time as f64;
            if let Some(before) = self.transit {
                self.jitter += ((transit - before).abs() - self.jitter) / 16.0;
            }
            self.transit = Some(transit);
        }
    }

    /// Works out the rate of the time since the last call.
    pub(crate) fn tick(&mut self, now: Instant) {
        let Some(since) = self.since.replace(now) else {
            self.bytes = 0;
            return;
        };
        let micros = now.saturating_duration_since(since).as_micros().max(1);
        let rate = u64::try_from(u128::from(self.bytes) * 8_000_000 / micros).unwrap_or(u64::MAX);
        self.bytes = 0;
        // Half of what was, half of what is: a key frame alone does not make a layer dear.
        self.rate = Some(self.rate.map_or(rate, |before| (before + rate) / 2));
    }

    /// Bits per second.
    pub(crate) fn rate(&self) -> Option<u64> {
        self.rate
    }

    pub(crate) fn live(&self, now: Instant) -> bool {
        self.last.is_some_and(|last| now.saturating_duration_since(last) < SILENCE)
    }

    pub(crate) fn lost(&self) -> u64 {
        self.expected().saturating_sub(self.packets)
    }

    /// How many packets there should be.
    fn expected(&self) -> u64 {
        self.first_seq.map_or(0, |first| (self.last_seq + 1).saturating_sub(first))
    }

    /// How many packets were due since the last call, and how many of them are missing. What comes late after that is
    /// taken for one of the next.
    pub(crate) fn recent(&mut self) -> (u64, u64) {
        let now = (self.expected(), self.packets);
        let before = std::mem::replace(&mut self.seen, now);
        let (due, came) = (now.0 - before.0, now.1 - before.1);
        (due, due.saturating_sub(came))
    }

    #[allow(clippy::cast_possible_truncation)]
    pub(crate) fn jitter_ms(&self) -> f32 {
        if self.clock > 0.0 { (self.jitter * 1000.0 / self.clock) as f32 } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lost_is_told_in_all_and_of_late() {
        let start = Instant::now();
        let mut meter = Meter::default();
        assert_eq!((meter.recent(), meter.lost()), ((0, 0), 0));
        let come = |meter: &mut Meter, seqs: &[u64]| {
            for &seq in seqs {
                let now = start + Duration::from_millis(20 * seq);
                meter.packet(seq, 960 * seq, 48_000.0, 80, start, now);
            }
        };
        come(&mut meter, &[10, 11, 13, 14]);
        assert_eq!((meter.recent(), meter.lost()), ((5, 1), 1));
        // One is repaired, two more are due and came.
        come(&mut meter, &[12, 15, 16]);
        assert_eq!((meter.recent(), meter.lost()), ((2, 0), 0));
        come(&mut meter, &[18, 20]);
        assert_eq!((meter.recent(), meter.lost()), ((4, 2), 2));
        assert!(meter.jitter_ms() < 0.001, "it came as it was made");
    }
}
