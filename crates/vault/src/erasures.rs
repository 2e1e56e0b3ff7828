//! The erasure ledger: who was erased, kept with the keys.
//!
//! Destroying a person's key ends what only that person has, in every copy. What the person said to others
//! lies under the keys of days, which live on; so whoever brings data back from before has to erase the
//! person again, and learns here whom. A line stands in the same pages as keys do: sealed, in every
//! directory, written before anything that rests on it, and carried over to another root key. It names
//! nobody: the id is blinded by the app's key. With the app's last key its lines go, too.

use stoa_core::Timestamp;

use crate::scope::Purpose;
use crate::worker::{Need, Request};
use crate::{ErasedPerson, OpenError, Vault, VaultError};
use stoa_seal::RecordHeader;

/// A line of the erasure ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erasure {
    /// Its number: rises with each, and no key has it.
    pub number: u64,
    /// Who.
    pub person: ErasedPerson,
    /// When it was begun.
    pub at: Timestamp,
}

impl Vault {
    /// Writes down that a person is to be erased. When this returns, it is durable in every directory.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn note_erasure(&self, person: ErasedPerson) -> Result<Erasure, VaultError> {
        let last = |erasures: Vec<Erasure>| {
            erasures.into_iter().rev().find(|erasure| erasure.person == person)
        };
        let before = last(self.erasures());
        let instead_of = before.map(|erasure| stoa_seal::KeyId(erasure.number));
        let need = Need::Key { purpose: Purpose::Erased(person), instead_of };
        self.request(Request::Provide(vec![need])).await?;
        last(self.erasures()).ok_or(VaultError::Closed)
    }

    /// All lines of the ledger, in the order in which they were written.
    pub fn erasures(&self) -> Vec<Erasure> {
        let ring = self.ring.read();
        let lines = ring.keys().filter_map(|key| match key.purpose() {
            Purpose::Erased(person) => Some(Erasure { number: key.id.0, person, at: key.created }),
            Purpose::Seal(_) | Purpose::Blind(_) => None,
        });
        let mut lines: Vec<_> = lines.collect();
        lines.sort_unstable_by_key(|erasure| erasure.number);
        lines
    }

    /// Whether nobody can open a record any more, because its key was destroyed. Nothing is opened.
    ///
    /// # Errors
    /// When it is no record, or its key is none that this vault ever had.
    pub fn is_destroyed(&self, record: &[u8]) -> Result<bool, OpenError> {
        let header = RecordHeader::parse(record)?;
        let ring = self.ring.read();
        if ring.get(header.key).is_some() {
            return Ok(false);
        }
        if ring.was_given(header.key) { Ok(true) } else { Err(OpenError::UnknownKey(header.key)) }
    }
}
