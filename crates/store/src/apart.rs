//! What is sealed apart from the record that it is a part of: under another key, with a life of its
//! own.
//!
//! A record is sealed as a whole under the key of its bucket. Where a part of it belongs to somebody
//! else, as a name in the audit log belongs to the user, that part is sealed first, under that key,
//! for the key of its record and its place in it; it opens nowhere else.

use stoa_vault::{Bucket, OpenError, Opened};

use crate::classes::DataClass;
use crate::{AppStore, Key, StoreError};

/// A part of a record that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Apart {
    /// What was sealed.
    Plain(Vec<u8>),
    /// Its key was destroyed; nobody can open it any more.
    Destroyed,
}

impl AppStore {
    /// Seals `plain` under the key of `bucket` in `class`, for the place `part` in the record at `key`.
    /// A key is made if there is none.
    ///
    /// # Errors
    /// [`StoreError::Vault`] when the key cannot be had; [`StoreError::Misuse`] for a key of another
    /// app, or a bucket that the class does not have.
    pub async fn seal_apart(
        &self,
        key: &Key,
        part: u8,
        class: &DataClass,
        bucket: Bucket,
        plain: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        self.check(key.app())?;
        let scope = self.scope(class, bucket)?;
        Ok(self.store.vault.seal(scope, &place(key, part), plain).await?)
    }

    /// As [`Self::seal_apart`], but none where there is no such key, as after it was destroyed: who has
    /// been forgotten gets no new key by being mentioned once more.
    ///
    /// # Errors
    /// As [`Self::seal_apart`].
    pub async fn seal_apart_if_keyed(
        &self,
        key: &Key,
        part: u8,
        class: &DataClass,
        bucket: Bucket,
        plain: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.check(key.app())?;
        let scope = self.scope(class, bucket)?;
        Ok(self.store.vault.seal_if_keyed(scope, &place(key, part), plain).await?)
    }

    /// Opens what was sealed apart for the place `part` in the record at `key`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it was not sealed for that place, [`StoreError::UnknownKey`] when
    /// this vault never had the key.
    pub fn open_apart(&self, key: &Key, part: u8, sealed: &[u8]) -> Result<Apart, StoreError> {
        self.check(key.app())?;
        let space = key.space().name;
        match self.store.vault.open_record(&place(key, part), sealed) {
            Ok(Opened::Plain(plain)) => Ok(Apart::Plain(plain)),
            Ok(Opened::Destroyed) => Ok(Apart::Destroyed),
            Err(OpenError::UnknownKey(key)) => Err(StoreError::UnknownKey { space, key }),
            Err(OpenError::Format | OpenError::Tampered) => Err(StoreError::Corrupt { space }),
        }
    }
}

/// What a part is sealed for: longer by a byte than every key of its space, so that it is no record.
fn place(key: &Key, part: u8) -> Vec<u8> {
    [key.as_bytes(), &[part]].concat()
}
