//! Nonces that never repeat: a counter under a prefix that no other source ever had.
//!
//! A counter costs a third of a random nonce. What makes it safe is the prefix: an [`Epoch`] that
//! the vault writes down durably before it hands it out, so that no process and no earlier life of
//! this process had it. Four random bytes beside it keep nonces apart with overwhelming likelihood
//! even if an old copy of the vault is brought back and counts its epochs again.

use std::sync::atomic::{AtomicU64, Ordering};

use stoa_core::Entropy;

/// The number of a nonce source; given out once, ever, in the life of a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

/// The 12 bytes that make two encryptions under one key differ.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce([u8; Self::LEN]);

impl Nonce {
    /// The length of a nonce, in bytes.
    pub const LEN: usize = 12;

    /// A nonce as it stands in a record.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// Its bytes, as they stand in a record.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The nonce of a numbered piece of a file that has a key of its own.
    pub(crate) fn of_piece(index: u64) -> Self {
        let mut bytes = [0; Self::LEN];
        bytes[4..].copy_from_slice(&index.to_be_bytes());
        Self(bytes)
    }

    pub(crate) fn into_aead(self) -> aws_lc_rs::aead::Nonce {
        aws_lc_rs::aead::Nonce::assume_unique_for_key(self.0)
    }
}

/// The source gave its last nonce; the vault has to start a new epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("all nonces of this epoch were used")]
pub struct Exhausted;

/// Gives 2^32 nonces: epoch (4 bytes) ‖ random (4 bytes) ‖ counter (4 bytes), big endian.
pub struct NonceSource {
    epoch: Epoch,
    prefix: [u8; 8],
    next: AtomicU64,
    end: u64,
}

impl NonceSource {
    /// How many nonces a source has.
    pub const NONCES: u64 = 1 << 32;

    /// The source of `epoch`, which must never have been given to another source.
    pub fn new(epoch: Epoch, entropy: &dyn Entropy) -> Self {
        Self::with_end(epoch, entropy, Self::NONCES)
    }

    /// As [`Self::new`], ending after `end` nonces (at most 2^32), for tests of what follows.
    pub fn with_end(epoch: Epoch, entropy: &dyn Entropy, end: u64) -> Self {
        let mut prefix = [0; 8];
        prefix[..4].copy_from_slice(&epoch.0.to_be_bytes());
        entropy.fill(&mut prefix[4..]);
        Self { epoch, prefix, next: AtomicU64::new(0), end: end.min(Self::NONCES) }
    }

    /// The epoch that this source stands for.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The next nonce. Lock-free; callable from any number of threads.
    ///
    /// # Errors
    /// When all were given.
    pub fn next(&self) -> Result<Nonce, Exhausted> {
        // Counting on after the end is harmless: 2^64 further calls do not happen.
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        if count >= self.end {
            return Err(Exhausted);
        }
        let count = u32::try_from(count).map_err(|_| Exhausted)?;
        let mut nonce = [0; Nonce::LEN];
        nonce[..8].copy_from_slice(&self.prefix);
        nonce[8..].copy_from_slice(&count.to_be_bytes());
        Ok(Nonce(nonce))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use stoa_core::SeededEntropy;

    #[test]
    fn nonces_differ_between_threads_until_the_source_is_exhausted() {
        let source = NonceSource::with_end(Epoch(9), &SeededEntropy::new(1), 4_000);
        let all: Vec<Nonce> = std::thread::scope(|scope| {
            let take = || std::iter::from_fn(|| source.next().ok()).collect::<Vec<_>>();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(all.len(), 4_000);
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 4_000);
        assert!(all.iter().all(|n| n.as_bytes()[..4] == [0, 0, 0, 9]));
        assert_eq!(source.next().err(), Some(Exhausted));
    }

    #[test]
    fn a_source_ends_before_its_counter_wraps() {
        let source = NonceSource::new(Epoch(1), &SeededEntropy::new(1));
        source.next.store(NonceSource::NONCES - 1, Ordering::Relaxed);
        assert_eq!(source.next().unwrap().as_bytes()[8..], [0xFF; 4]);
        assert_eq!(source.next().err(), Some(Exhausted));
    }

    #[test]
    fn an_epoch_counted_again_still_has_another_prefix() {
        let entropy = SeededEntropy::new(1);
        let (a, b) = (NonceSource::new(Epoch(1), &entropy), NonceSource::new(Epoch(1), &entropy));
        assert!(a.next().unwrap() != b.next().unwrap());
    }
}
