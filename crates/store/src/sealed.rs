//! A record as it lies in the engine, for whoever wants to see what is kept of something.
//!
//! Nothing is opened here: the bytes are those on disk, and the rest says under which key they were
//! sealed and whether that key still exists.

use bytes::Bytes;
use stoa_seal::RecordHeader;
use stoa_vault::KeySummary;

use crate::{Key, ReadTxn, StoreError};

/// A record that was not opened.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// What it is stored under: space, app number and parts, names among them blinded.
    pub stored_key: Bytes,
    /// The whole record: version, key id, nonce, ciphertext and tag.
    pub record: Bytes,
    /// The version of the record's layout.
    pub version: u8,
    /// The number of the key that sealed it.
    pub key_id: u64,
    /// The nonce that it was sealed with.
    pub nonce: [u8; 12],
    /// That key; none if it was destroyed, and nobody can open the record.
    pub key: Option<KeySummary>,
}

impl ReadTxn {
    /// The record at `key` as it lies in the engine.
    ///
    /// Looks through all keys of the vault, so it is for people who look, not for every request.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when what lies there is no sealed record; [`StoreError::Engine`].
    pub async fn sealed(&self, key: &Key) -> Result<Option<Sealed>, StoreError> {
        let Some(record) = self.raw(key).await? else { return Ok(None) };
        let Ok(header) = RecordHeader::parse(&record) else {
            return Err(StoreError::Corrupt { space: key.space().name });
        };
        Ok(Some(Sealed {
            stored_key: Bytes::copy_from_slice(key.as_bytes()),
            record,
            version: RecordHeader::VERSION,
            key_id: header.key.0,
            nonce: *header.nonce.as_bytes(),
            key: self.app().store.vault.keys().into_iter().find(|key| key.id == header.key),
        }))
    }
}
