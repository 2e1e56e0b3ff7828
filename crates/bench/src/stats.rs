//! Latencies of millions of messages in little memory, and what several runs have in common.

/// Buckets for each doubling: a value is known to about 3 %.
const STEPS: u32 = 32;
const DOUBLINGS: u32 = 40;

/// Counts durations in nanoseconds by their size.
#[derive(Clone)]
pub struct Histogram {
    counts: Box<[u64]>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; (STEPS * DOUBLINGS) as usize].into(), total: 0 }
    }
}

impl Histogram {
    /// Counts one.
    pub fn record(&mut self, nanos: u64) {
        let last = self.counts.len() - 1;
        self.counts[bucket(nanos).min(last)] += 1;
        self.total += 1;
    }

    /// Adds what `other` counted.
    pub fn add(&mut self, other: &Self) {
        for (sum, count) in self.counts.iter_mut().zip(&other.counts) {
            *sum += count;
        }
        self.total += other.total;
    }

    /// How many were counted.
    pub const fn count(&self) -> u64 {
        self.total
    }

    /// The duration in milliseconds that a share `part` (0 to 1) of them did not exceed. 0 without
    /// any.
    #[expect(clippy::cast_precision_loss, reason = "a share of a count needs no more")]
    pub fn quantile_ms(&self, part: f64) -> f64 {
        let mut left = part * self.total as f64;
        for (index, count) in self.counts.iter().enumerate() {
            left -= *count as f64;
            if *count > 0 && left <= 0.0 {
                return upper_end(index) / 1e6;
            }
        }
        0.0
    }
}

/// Below 32 ns one for each nanosecond, then 32 for each doubling.
fn bucket(nanos: u64) -> usize {
    let doubling = (nanos | u64::from(STEPS)).ilog2() - STEPS.ilog2();
    let step = nanos >> doubling;
    let base = u64::from(doubling * STEPS);
    usize::try_from(base + step).unwrap_or(usize::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "ends of buckets are rounded anyway")]
fn upper_end(bucket: usize) -> f64 {
    let (index, steps) = (bucket as f64, f64::from(STEPS));
    if index < 2.0 * steps {
        return index + 1.0;
    }
    let doubling = (index / steps).floor() - 1.0;
    (index - doubling * steps + 1.0) * doubling.exp2()
}

/// Median, least and greatest of some values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The middle one; of an even number, the mean of the two in the middle.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// Of these values; `None` of none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        } else {
            sorted[middle]
        };
        Some(Self { median, min, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_a_few_percent() {
        let mut histogram = Histogram::default();
        for micros in 1..=1000u64 {
            histogram.record(micros * 1000);
        }
        for (part, ms) in [(0.5, 0.5), (0.99, 0.99), (1.0, 1.0)] {
            let got = histogram.quantile_ms(part);
            assert!((got / ms - 1.0).abs() < 0.04, "{part}: {got} for {ms}");
        }
        assert!(Histogram::default().quantile_ms(0.5) == 0.0);
    }

    #[test]
    fn buckets_follow_each_other_and_hold_what_falls_into_them() {
        let mut before = 0;
        for nanos in (0..4096).chain((12..60).map(|bits| 1 << bits)) {
            let index = bucket(nanos);
            assert!(index >= before, "{nanos}");
            before = index;
            #[expect(clippy::cast_precision_loss, reason = "far from the limit")]
            let value = nanos as f64;
            assert!(
                value < upper_end(index),
                "{nanos} in {index}, which ends at {}",
                upper_end(index)
            );
        }
    }

    #[test]
    fn histograms_add_up() {
        let (mut a, mut b) = (Histogram::default(), Histogram::default());
        a.record(10);
        b.record(1_000_000);
        a.add(&b);
        assert_eq!(a.count(), 2);
        assert!(a.quantile_ms(1.0) >= 1.0);
    }

    #[test]
    fn medians_of_odd_and_even_numbers() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(Spread::of(&[4.0, 1.0]).unwrap().median, 2.5);
        assert_eq!(Spread::of(&[]), None);
    }
}
