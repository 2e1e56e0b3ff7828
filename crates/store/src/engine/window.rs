//! What was written lately: the memory by which a conflict is recognised.
//!
//! A transaction read at some version; it may commit if nothing that it read was written after that
//! version. The window remembers, for each key written of late, the version that wrote it. It is
//! bounded: what it forgets raises its floor, and a transaction that began below the floor cannot
//! be judged and is refused.
//!
//! Keys are told apart by their [`fingerprint`]: two that share one make a transaction run again
//! without need, and nothing worse. A scan is compared with every write since it was made, which are
//! few unless the transaction took long.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

use bytes::Bytes;

use super::Span;

/// Counts the batches applied; a snapshot shows one version.
pub(crate) type Version = u64;

/// What a transaction has read.
#[derive(Debug, Default)]
pub(crate) struct ReadSet {
    /// Fingerprints of keys.
    pub(crate) keys: Vec<u64>,
    pub(crate) spans: Vec<SpanRead>,
}

/// A scan.
#[derive(Debug)]
pub(crate) struct SpanRead {
    /// The first key of the span that was asked for.
    pub(crate) asked: Bytes,
    /// The part of it that the answer depends on.
    pub(crate) seen: Span,
}

impl ReadSet {
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.spans.is_empty()
    }
}

/// A read that is out of date.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stale {
    /// The fingerprint of the read; none if what was written is forgotten.
    pub(crate) over: Option<u64>,
}

pub(crate) struct Window {
    /// By fingerprint of the key.
    latest: HashMap<u64, Version, BuildHasherDefault<AsItIs>>,
    /// Every entry ever made and not yet forgotten, oldest first.
    order: VecDeque<(Version, u64, Bytes)>,
    /// Writes of this version and below may have been forgotten.
    floor: Version,
    capacity: usize,
}

impl Window {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { latest: HashMap::default(), order: VecDeque::new(), floor: 0, capacity }
    }

    /// Whether what was read at version `seen` still holds.
    pub(crate) fn check(&self, seen: Version, reads: &ReadSet) -> Result<(), Stale> {
        if reads.is_empty() {
            return Ok(());
        }
        if seen < self.floor {
            return Err(Stale { over: None });
        }
        let is_later = |key: &u64| self.latest.get(key).is_some_and(|version| *version > seen);
        let key = reads.keys.iter().copied().find(is_later);
        let stale = key.or_else(|| {
            let first = self.order.partition_point(|(version, ..)| *version <= seen);
            let read = reads
                .spans
                .iter()
                .find(|read| self.order.range(first..).any(|(_, _, key)| read.seen.contains(key)));
            read.map(|read| fingerprint(&read.asked))
        });
        match stale {
            Some(over) => Err(Stale { over: Some(over) }),
            None => Ok(()),
        }
    }

    /// Remembers that `version` wrote `key`, and answers whether it may have written it before.
    /// Versions never fall.
    pub(crate) fn record(&mut self, version: Version, key: Bytes) -> bool {
        let hash = fingerprint(&key);
        self.order.push_back((version, hash, key));
        let before = self.latest.insert(hash, version);
        while self.order.len() > self.capacity {
            let Some((version, hash, _)) = self.order.pop_front() else { break };
            self.floor = version;
            if self.latest.get(&hash) == Some(&version) {
                self.latest.remove(&hash);
            }
        }
        before == Some(version)
    }
}

/// Takes a fingerprint, which is a hash already, for its hash.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only fingerprints are hashed")
    }

    fn write_u64(&mut self, fingerprint: u64) {
        self.0 = fingerprint;
    }
}

/// A number that tells keys apart, mostly. The same within a process, and not meant to be stored.
pub fn fingerprint(key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(keys: &[&'static str], spans: &[(&'static str, &'static str)]) -> ReadSet {
        ReadSet {
            keys: keys.iter().map(|key| fingerprint(key.as_bytes())).collect(),
            spans: spans
                .iter()
                .map(|(a, b)| SpanRead {
                    asked: Bytes::from_static(a.as_bytes()),
                    seen: Span::new(*a, *b),
                })
                .collect(),
        }
    }

    #[test]
    fn what_was_written_after_the_read_is_stale() {
        let mut window = Window::new(100);
        assert!(!window.record(5, Bytes::from_static(b"k")));
        assert!(window.record(5, Bytes::from_static(b"k")), "twice in one version");
        assert!(window.check(5, &read(&["k"], &[])).is_ok());
        assert!(window.check(4, &read(&["k"], &[])).is_err());
        assert!(window.check(4, &read(&["j"], &[("l", "z"), ("a", "k")])).is_ok());
        assert!(window.check(4, &read(&[], &[("a", "l")])).is_err());
        assert!(window.check(4, &read(&[], &[("z", "a")])).is_ok());
    }

    #[test]
    fn who_began_before_the_floor_cannot_be_judged() {
        let mut window = Window::new(2);
        for (version, key) in [(1, "a"), (2, "a"), (3, "b"), (3, "c")] {
            window.record(version, Bytes::from_static(key.as_bytes()));
        }
        assert_eq!(window.check(1, &read(&["z"], &[])), Err(Stale { over: None }));
        assert!(window.check(2, &read(&["z"], &[])).is_ok());
        assert!(window.check(2, &read(&["b"], &[])).is_err());
        assert!(window.check(0, &read(&[], &[])).is_ok(), "who read nothing is never stale");
        assert!(window.latest.len() <= 2);
    }
}
