//! Chance that follows from a seed.

use std::sync::Arc;

use parking_lot::Mutex;

/// A small generator (SplitMix64, public domain by Sebastiano Vigna): quick, and its whole state is
/// one number. Clones share that state.
#[derive(Debug, Clone)]
pub(crate) struct Dice(Arc<Mutex<u64>>);

impl Dice {
    /// The dice of `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed)))
    }

    /// The next number.
    pub(crate) fn next(&self) -> u64 {
        let mut state = self.0.lock();
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `sides`; 0 if there are none.
    pub(crate) fn below(&self, sides: u64) -> u64 {
        if sides == 0 { 0 } else { self.next() % sides }
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in so many of a thousand cases.
    pub(crate) fn chance(&self, thousandths: u64) -> bool {
        self.below(1000) < thousandths
    }

    /// An index into something with `len` elements.
    pub(crate) fn index(&self, len: usize) -> usize {
        let len = u64::try_from(len).unwrap_or(u64::MAX);
        usize::try_from(self.below(len)).unwrap_or(0)
    }

    /// One of `all`, which is not empty.
    pub(crate) fn pick<'a, T>(&self, all: &'a [T]) -> &'a T {
        &all[self.index(all.len())]
    }

    /// One of `all` by weight; the weights are not all 0.
    pub(crate) fn weighted<T: Copy>(&self, all: &[(u64, T)]) -> T {
        let sum = all.iter().map(|(weight, _)| weight).sum();
        let mut at = self.below(sum);
        for (weight, value) in all {
            if at < *weight {
                return *value;
            }
            at -= weight;
        }
        all[0].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_within_bounds() {
        let (a, b) = (Dice::new(7), Dice::new(7));
        for _ in 0..1000 {
            assert_eq!(a.next(), b.next());
        }
        assert!((0..1000).all(|_| (3..=5).contains(&a.between(3, 5))));
        assert!((0..1000).all(|_| a.weighted(&[(0, 'x'), (1, 'y')]) == 'y'));
        assert_ne!(Dice::new(1).next(), Dice::new(2).next());
    }
}
