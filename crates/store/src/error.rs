//! What can go wrong between a domain and its records.

use std::sync::Arc;

use stoa_vault::{KeyId, VaultError};

use crate::engine::EngineError;

/// Why the store did not do what was asked. None of it is the fault of whoever the request came
/// from.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The engine is closed, cannot be reached, or refuses work. Nothing was written.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Others changed what the transaction read each time it was tried. Nothing was written; it may
    /// be asked for again later.
    #[error("too many transactions changed the same records at once")]
    Contended,
    /// A commit may have happened or not: nothing may be told to anybody that rests on either.
    #[error("the outcome of a commit is unknown: {0}")]
    Unknown(Arc<str>),
    /// A stored record is not the one that was sealed for its place: altered, or moved there from
    /// another key, space or app.
    #[error("a stored record of {space} is not the one that was sealed for its place")]
    Corrupt {
        /// The space that it lies in.
        space: &'static str,
    },
    /// A stored record is sealed with a key that the vault never had: the vault is not the one that
    /// belongs to these data, or an older copy of it.
    #[error("a stored record of {space} is sealed with key {key}, which this vault never had")]
    UnknownKey {
        /// The space that it lies in.
        space: &'static str,
        /// The key.
        key: KeyId,
    },
    /// The app was deleted while something was under way for it. Nothing was written.
    #[error("the app was deleted")]
    Gone,
    /// The vault gave no key.
    #[error("failed to get a key from the vault")]
    Vault(#[source] Arc<VaultError>),
    /// The code asked for something that makes no sense, such as a record of one app in a
    /// transaction of another.
    #[error("the store was used wrongly: {0}")]
    Misuse(&'static str),
}

impl From<VaultError> for StoreError {
    fn from(error: VaultError) -> Self {
        Self::Vault(Arc::new(error))
    }
}
