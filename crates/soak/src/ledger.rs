//! What was promised against what is there.

use std::collections::HashMap;

/// A message as somebody knows it: the server's id, and the text.
pub(crate) type Known = (u64, String);

/// What differs between a list and what it should be.
#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
pub(crate) struct Difference {
    /// Promised, and not there.
    pub(crate) lost: usize,
    /// There more than once.
    pub(crate) doubled: usize,
    /// There, and promised to nobody.
    pub(crate) unknown: usize,
    /// Neighbours in the wrong order.
    pub(crate) disordered: usize,
}

impl Difference {
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            lost: self.lost + other.lost,
            doubled: self.doubled + other.doubled,
            unknown: self.unknown + other.unknown,
            disordered: self.disordered + other.disordered,
        }
    }
}

/// Compares what is there with what should be, in this order.
pub(crate) fn compare(expected: &[Known], found: &[Known]) -> Difference {
    let places: HashMap<&Known, usize> =
        expected.iter().enumerate().map(|(place, known)| (known, place)).collect();
    let mut seen = vec![0_usize; expected.len()];
    let mut difference = Difference::default();
    let mut before = None;
    for known in found {
        let Some(&place) = places.get(known) else {
            difference.unknown += 1;
            continue;
        };
        seen[place] += 1;
        if seen[place] > 1 {
            difference.doubled += 1;
            continue;
        }
        if before.is_some_and(|before| before > place) {
            difference.disordered += 1;
        }
        before = Some(place);
    }
    difference.lost = seen.iter().filter(|times| **times == 0).count();
    difference
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(ids: &[u64]) -> Vec<Known> {
        ids.iter().map(|id| (*id, format!("text {id}"))).collect()
    }

    #[test]
    fn the_same_is_the_same() {
        assert!(compare(&known(&[1, 2, 3]), &known(&[1, 2, 3])).is_none());
        assert!(compare(&[], &[]).is_none());
    }

    #[test]
    fn every_kind_of_difference_is_counted() {
        let found = compare(&known(&[1, 2, 3, 4]), &known(&[1, 3, 2, 3, 9]));
        assert_eq!(found, Difference { lost: 1, doubled: 1, unknown: 1, disordered: 1 });
        // The right id with another text is another message.
        let found = compare(&known(&[1]), &[(1, "else".into())]);
        assert_eq!(found, Difference { lost: 1, unknown: 1, ..Difference::default() });
    }
}
