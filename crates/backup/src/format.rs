//! The layout of a backup. All numbers are big endian.
//!
//! In clear stand only the header (magic, vault, a random number of its own, time) and the lengths of
//! chunks. Each chunk is a sealed record, bound to the whole header, to its place, and to whether it is the
//! last: none can be exchanged, left out or added. Opened, chunks hold *items*, one after the other: rows,
//! files and, at the very end, how much there was.

use bytes::Bytes;
use stoa_core::{AppNumber, Timestamp};
use stoa_store::classes;
use stoa_vault::{Bucket, KeyClass, KeyScope, VaultId};

use crate::BackupError;

/// The bytes of a header.
pub const HEADER: usize = MAGIC.len() + 1 + 16 + 16 + 8;
const MAGIC: &[u8; 7] = b"STOABAK";
const VERSION: u8 = 1;

/// Bytes of items that are gathered before a chunk is sealed.
pub(crate) const CHUNK: usize = 256 << 10;
/// A chunk is never longer: a row is far shorter.
pub(crate) const LONGEST_CHUNK: usize = 64 << 20;
/// In the length of a chunk: it is the last.
pub(crate) const LAST: u32 = 1 << 31;

/// What stands at the beginning, in clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The vault whose keys open it.
    pub vault: VaultId,
    /// A random number: chunks of two backups cannot be exchanged.
    pub id: [u8; 16],
    /// The moment of which it is.
    pub created: Timestamp,
}

impl Header {
    /// As it is written.
    pub fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let parts: [&[u8]; 5] =
            [MAGIC, &[VERSION], &self.vault.0, &self.id, &self.created.as_millis().to_be_bytes()];
        let mut at = 0;
        for part in parts {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        bytes
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`BackupError::Foreign`], [`BackupError::Newer`].
    pub fn decode(bytes: &[u8; HEADER]) -> Result<Self, BackupError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(BackupError::Foreign)?;
        let (version, rest) = rest.split_first().ok_or(BackupError::Foreign)?;
        if *version != VERSION {
            return Err(BackupError::Newer(*version));
        }
        let (vault, rest) = rest.split_first_chunk().ok_or(BackupError::Foreign)?;
        let (id, rest) = rest.split_first_chunk().ok_or(BackupError::Foreign)?;
        let created = rest.try_into().map(u64::from_be_bytes).map_err(|_| BackupError::Foreign)?;
        Ok(Self { vault: VaultId(*vault), id: *id, created: Timestamp::from_millis(created) })
    }
}

/// What the chunk `number` of the backup with that header is sealed for.
pub(crate) fn place(header: &[u8; HEADER], number: u64, last: bool) -> Vec<u8> {
    [&b"stoa backup chunk"[..], header, &number.to_be_bytes(), &[last.into()]].concat()
}

/// The key that seals backups: one of the platform's own.
pub(crate) fn scope() -> KeyScope {
    let class = KeyClass(classes::CONSOLE.number);
    KeyScope { app: AppNumber::PLATFORM, class, bucket: Bucket::Whole }
}

/// How much there is in a backup.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Rows of the store.
    pub rows: u64,
    /// Files.
    pub files: u64,
    /// Bytes of rows and files, sealed as they lie there.
    pub bytes: u64,
}

/// A piece of what a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A row of the store, its value sealed.
    Row(Bytes, Bytes),
    /// A file of users begins, at this place.
    Blob(String),
    /// A file of the data directory that lies beside the store begins, of this name.
    Beside(String),
    /// Bytes of the file that began last.
    Bytes(Bytes),
    /// That is all.
    End(Totals),
}

const ROW: u8 = 1;
const BLOB: u8 = 2;
const BESIDE: u8 = 3;
const BYTES: u8 = 4;
const END: u8 = 5;

impl Item {
    /// Adds it to the items of a chunk.
    pub(crate) fn encode(&self, to: &mut Vec<u8>) {
        to.push(match self {
            Self::Row(..) => ROW,
            Self::Blob(_) => BLOB,
            Self::Beside(_) => BESIDE,
            Self::Bytes(_) => BYTES,
            Self::End(_) => END,
        });
        let mut part = |bytes: &[u8]| {
            // Nothing that is held in memory is longer.
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            to.extend_from_slice(&length.to_be_bytes());
            to.extend_from_slice(bytes);
        };
        match self {
            Self::Row(key, value) => {
                part(key);
                part(value);
            }
            Self::Blob(name) | Self::Beside(name) => part(name.as_bytes()),
            Self::Bytes(bytes) => part(bytes),
            Self::End(Totals { rows, files, bytes }) => {
                [rows, files, bytes].iter().for_each(|n| part(&n.to_be_bytes()));
            }
        }
    }

    /// Takes the next item off `from`; none at the end.
    ///
    /// # Errors
    /// [`BackupError::Malformed`].
    pub(crate) fn decode(from: &mut Bytes) -> Result<Option<Self>, BackupError> {
        if from.is_empty() {
            return Ok(None);
        }
        let tag = from.split_to(1);
        let item = match tag.as_ref() {
            [ROW] => Self::Row(part(from)?, part(from)?),
            [BLOB] => Self::Blob(text(from)?),
            [BESIDE] => Self::Beside(text(from)?),
            [BYTES] => Self::Bytes(part(from)?),
            [END] => Self::End(Totals {
                rows: number(from)?,
                files: number(from)?,
                bytes: number(from)?,
            }),
            _ => return Err(BackupError::Malformed("an item of an unknown kind")),
        };
        Ok(Some(item))
    }
}

fn part(from: &mut Bytes) -> Result<Bytes, BackupError> {
    let short = BackupError::Malformed("an item that ends before its end");
    let length = from.first_chunk().map(|length| u32::from_be_bytes(*length));
    let length = length.and_then(|length| usize::try_from(length).ok()).ok_or(short.clone())?;
    if from.len() - 4 < length {
        return Err(short);
    }
    let _ = from.split_to(4);
    Ok(from.split_to(length))
}

fn text(from: &mut Bytes) -> Result<String, BackupError> {
    let name = String::from_utf8(part(from)?.to_vec());
    name.map_err(|_| BackupError::Malformed("a name that is no text"))
}

fn number(from: &mut Bytes) -> Result<u64, BackupError> {
    let number = part(from)?;
    let number = number.as_ref().try_into().map(u64::from_be_bytes);
    number.map_err(|_| BackupError::Malformed("a number of another length"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_bytes_of_version_1() {
        let header =
            Header { vault: VaultId([1; 16]), id: [2; 16], created: Timestamp::from_millis(3) };
        let bytes = header.encode();
        let expected =
            [&b"STOABAK\x01"[..], &[1; 16], &[2; 16], &[0, 0, 0, 0, 0, 0, 0, 3]].concat();
        assert_eq!(bytes[..], expected);
        assert_eq!(Header::decode(&bytes).unwrap(), header);
        let mut later = bytes;
        later[7] = 2;
        assert!(matches!(Header::decode(&later), Err(BackupError::Newer(2))));
        assert!(matches!(Header::decode(&[0; HEADER]), Err(BackupError::Foreign)));
        let mut items = Vec::new();
        Item::Row(Bytes::from_static(b"k"), Bytes::from_static(b"va")).encode(&mut items);
        assert_eq!(items, [1, 0, 0, 0, 1, b'k', 0, 0, 0, 2, b'v', b'a']);
    }

    fn items() -> impl Strategy<Value = Vec<Item>> {
        let bytes = || proptest::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from);
        let item = prop_oneof![
            (bytes(), bytes()).prop_map(|(key, value)| Item::Row(key, value)),
            "[a-z/]{0,20}".prop_map(Item::Blob),
            "[a-z]{0,20}".prop_map(Item::Beside),
            bytes().prop_map(Item::Bytes),
            any::<(u64, u64, u64)>().prop_map(|(rows, files, bytes)| Item::End(Totals {
                rows,
                files,
                bytes
            })),
        ];
        proptest::collection::vec(item, 0..8)
    }

    proptest! {
        #[test]
        fn items_are_read_as_they_were_written(items in items()) {
            let mut bytes = Vec::new();
            items.iter().for_each(|item| item.encode(&mut bytes));
            let mut bytes = Bytes::from(bytes);
            for item in items {
                prop_assert_eq!(Item::decode(&mut bytes).unwrap(), Some(item));
            }
            prop_assert!(Item::decode(&mut bytes).unwrap().is_none());
        }

        #[test]
        fn strange_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            crate::fuzzing::exercise(&bytes);
        }
    }
}
