//! The erasure ledger of an app: who was erased, kept with the keys and not with the data.

use stoa_seal::Blind;
use stoa_vault::ErasedPerson;

use crate::{AppStore, StoreError};

/// A person of an app who was, or is to be, erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erasure {
    /// Its number: rises with each.
    pub number: u64,
    /// Who, blinded.
    pub person: Blind,
    /// Whether what the person said to others stays, under another name.
    pub keeps_messages: bool,
}

impl From<stoa_vault::Erasure> for Erasure {
    fn from(line: stoa_vault::Erasure) -> Self {
        let ErasedPerson { person, keeps_messages, .. } = line.person;
        Self { number: line.number, person: Blind(person), keeps_messages }
    }
}

impl AppStore {
    /// Writes down that a person of this app is to be erased. It is durable when this returns, before
    /// anything is destroyed that cannot be brought back.
    ///
    /// # Errors
    /// [`StoreError::Vault`] when it cannot be written.
    pub async fn note_erasure(
        &self,
        person: Blind,
        keeps_messages: bool,
    ) -> Result<Erasure, StoreError> {
        let person = ErasedPerson { app: self.number(), person: person.0, keeps_messages };
        Ok(self.store.vault.note_erasure(person).await?.into())
    }

    /// All persons of this app who were ever to be erased, in the order in which that was asked for.
    pub fn erasures(&self) -> Vec<Erasure> {
        let lines = self.store.vault.erasures().into_iter();
        lines.filter(|line| line.person.app == self.number()).map(Erasure::from).collect()
    }
}
