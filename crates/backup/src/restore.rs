//! Writing what a backup holds into an empty store.

use bytes::Bytes;
use stoa_blob::{Blobs, RawFile, RawWriter};
use stoa_core::Operator;
use stoa_store::Store;
use stoa_store::spaces::Space;
use stoa_vault::{OpenError, Vault};

use crate::{BackupError, BesideFile, Item};

/// Rows, and bytes of them, that are written together.
const ROWS: usize = 4096;
const BYTES: usize = 4 << 20;
/// Bytes of a file beside the store at the most.
const BESIDE: usize = 1 << 20;

/// What was brought back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restored {
    /// Rows that were written.
    pub rows: u64,
    /// Files that were written.
    pub files: u64,
    /// Rows and files that were left out, since their keys were destroyed after the backup was made.
    pub dropped: u64,
}

/// A store into which a backup is being brought back.
pub struct Restoring<'a> {
    operator: &'a Operator,
    store: &'a Store,
    blobs: &'a Blobs,
    vault: &'a Vault,
    rows: Vec<(Vec<u8>, Vec<u8>)>,
    bytes: usize,
    file: File,
    restored: Restored,
}

/// The file that bytes belong to.
enum File {
    None,
    /// Its first bytes say by which key it was sealed.
    Named(RawFile),
    Blob(RawWriter),
    /// Its key was destroyed.
    Dropped,
    Beside(String, Vec<u8>),
}

impl<'a> Restoring<'a> {
    /// Begins to write into a store that holds nothing.
    ///
    /// # Errors
    /// [`BackupError::NotEmpty`].
    pub async fn begin(
        operator: &'a Operator,
        store: &'a Store,
        blobs: &'a Blobs,
        vault: &'a Vault,
    ) -> Result<Self, BackupError> {
        if !store.is_empty(operator).await? || !blobs.all().await?.is_empty() {
            return Err(BackupError::NotEmpty);
        }
        let (rows, restored) = (Vec::new(), Restored::default());
        Ok(Self { operator, store, blobs, vault, rows, bytes: 0, file: File::None, restored })
    }

    /// What was brought back so far.
    pub const fn restored(&self) -> Restored {
        self.restored
    }

    /// Writes an item. Answers a file that lies beside the store, when it is whole, for the caller to write.
    ///
    /// # Errors
    /// [`BackupError::Store`], [`BackupError::Blob`]; [`BackupError::Malformed`] for an item that makes no
    /// sense there.
    pub async fn take(&mut self, item: Item) -> Result<Option<BesideFile>, BackupError> {
        match item {
            Item::Row(key, value) => self.row(key, value).await.map(|()| None),
            Item::Blob(path) => {
                let before = self.end_file().await?;
                let file = RawFile::read(&path);
                self.file = File::Named(file.ok_or(BackupError::Malformed("a place of no file"))?);
                Ok(before)
            }
            Item::Beside(name) => {
                let before = self.end_file().await?;
                self.file = File::Beside(name, Vec::new());
                Ok(before)
            }
            Item::Bytes(bytes) => self.file_bytes(bytes).await.map(|()| None),
            Item::End(_) => {
                let before = self.end_file().await?;
                self.write().await?;
                Ok(before)
            }
        }
    }

    async fn row(&mut self, key: Bytes, value: Bytes) -> Result<(), BackupError> {
        // Where a log goes on after entries that are over says the sweep, which then removes them: without them it
        // would begin anew, below the places up to which its readers have read.
        let is_numbered = Space::of_key(&key).is_some_and(Space::is_log);
        if self.is_dead(&value)? && !is_numbered {
            self.restored.dropped += 1;
            return Ok(());
        }
        self.restored.rows += 1;
        self.bytes += key.len() + value.len();
        self.rows.push((key.into(), value.into()));
        if self.rows.len() >= ROWS || self.bytes >= BYTES {
            self.write().await?;
        }
        Ok(())
    }

    /// Whether nobody can open the record any more.
    fn is_dead(&self, record: &[u8]) -> Result<bool, BackupError> {
        self.vault.is_destroyed(record).map_err(|error| match error {
            OpenError::UnknownKey(_) => BackupError::Malformed(
                "a record under a key that this vault never had: its vault is an older copy",
            ),
            OpenError::Format | OpenError::Tampered => {
                BackupError::Malformed("a row that is no sealed record")
            }
        })
    }

    async fn write(&mut self) -> Result<(), BackupError> {
        self.bytes = 0;
        let rows = std::mem::take(&mut self.rows);
        if !rows.is_empty() {
            self.store.fill(self.operator, rows).await?;
        }
        Ok(())
    }

    async fn file_bytes(&mut self, bytes: Bytes) -> Result<(), BackupError> {
        match &mut self.file {
            File::Named(file) => {
                let file = *file;
                if self.is_dead(&bytes)? {
                    self.restored.dropped += 1;
                    self.file = File::Dropped;
                } else {
                    let mut writer = self.blobs.put_raw(file).await?;
                    writer.push(bytes).await?;
                    self.file = File::Blob(writer);
                }
            }
            File::Blob(writer) => writer.push(bytes).await?,
            File::Dropped => {}
            File::Beside(_, all) if all.len() + bytes.len() <= BESIDE => {
                all.extend_from_slice(&bytes);
            }
            File::Beside(..) => return Err(BackupError::Malformed("a long file beside the store")),
            File::None => return Err(BackupError::Malformed("bytes of no file")),
        }
        Ok(())
    }

    async fn end_file(&mut self) -> Result<Option<BesideFile>, BackupError> {
        match std::mem::replace(&mut self.file, File::None) {
            File::None | File::Dropped => Ok(None),
            File::Named(_) => Err(BackupError::Malformed("a file without a byte")),
            File::Blob(writer) => {
                writer.finish().await?;
                self.restored.files += 1;
                Ok(None)
            }
            File::Beside(name, bytes) => {
                self.restored.files += 1;
                Ok(Some(BesideFile { name, bytes: bytes.into() }))
            }
        }
    }
}
