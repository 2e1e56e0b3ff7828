//! Making a backup of one moment, while others write.

use bytes::Bytes;
use futures_util::TryStreamExt;
use stoa_blob::{BlobError, Blobs};
use stoa_core::{Entropy, Operator, Timestamp};
use stoa_store::Store;
use stoa_vault::Vault;

use crate::BackupError;
use crate::format::{CHUNK, HEADER, Header, Item, LAST, Totals, place, scope};

/// Rows that are read at a time.
const ROWS: usize = 512;

/// A small file that lies beside the store.
#[derive(Clone, PartialEq, Eq)]
pub struct BesideFile {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub bytes: Bytes,
}

/// A backup that is being made. What is to be written comes out piece by piece.
pub struct Writer<'a> {
    vault: &'a Vault,
    header: Header,
    encoded: [u8; HEADER],
    /// Items that are not sealed yet.
    items: Vec<u8>,
    chunk: u64,
    totals: Totals,
}

impl<'a> Writer<'a> {
    /// Begins a backup that opens with `vault`.
    pub fn new(vault: &'a Vault, now: Timestamp, entropy: &dyn Entropy) -> Self {
        let header = Header { vault: vault.id(), id: entropy.bytes(), created: now };
        let encoded = header.encode();
        Self { vault, header, encoded, items: Vec::new(), chunk: 0, totals: Totals::default() }
    }

    /// What stands at its beginning.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// How much it holds so far.
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// Writes a backup of all that is stored at this moment, and hands its bytes to `give` as they come.
    ///
    /// Rows are those of one moment. Files are taken after it: those that have a record are there, unless
    /// they were removed since, and others have none and are swept after they were brought back.
    ///
    /// # Errors
    /// [`BackupError::Vault`], [`BackupError::Store`], [`BackupError::Blob`], and what `give` says.
    pub async fn write<F>(
        mut self,
        operator: &Operator,
        store: &Store,
        blobs: &Blobs,
        beside: Vec<BesideFile>,
        mut give: impl FnMut(Bytes, Totals) -> F + Send,
    ) -> Result<Totals, BackupError>
    where
        F: Future<Output = Result<(), BackupError>> + Send,
    {
        let mut dump = store.dump(operator).await?;
        give(Bytes::copy_from_slice(&self.encoded), self.totals).await?;
        while let Some(rows) = dump.next(ROWS).await? {
            for (key, value) in rows {
                self.totals.rows += 1;
                self.totals.bytes += (key.len() + value.len()) as u64;
                Item::Row(key, value).encode(&mut self.items);
                if let Some(chunk) = self.full().await? {
                    give(chunk, self.totals).await?;
                }
            }
        }
        drop(dump);
        for file in blobs.all().await? {
            let mut bytes = match blobs.raw(file).await {
                // Its time was over meanwhile.
                Err(BlobError::Gone) => continue,
                bytes => Box::pin(bytes?),
            };
            self.totals.files += 1;
            Item::Blob(file.path()).encode(&mut self.items);
            while let Some(bytes) = bytes.try_next().await? {
                self.totals.bytes += bytes.len() as u64;
                Item::Bytes(bytes).encode(&mut self.items);
                if let Some(chunk) = self.full().await? {
                    give(chunk, self.totals).await?;
                }
            }
        }
        for BesideFile { name, bytes } in beside {
            self.totals.files += 1;
            self.totals.bytes += bytes.len() as u64;
            Item::Beside(name).encode(&mut self.items);
            Item::Bytes(bytes).encode(&mut self.items);
        }
        Item::End(self.totals).encode(&mut self.items);
        let last = self.seal(true).await?;
        give(last, self.totals).await?;
        Ok(self.totals)
    }

    /// The next chunk, if there is enough for it.
    async fn full(&mut self) -> Result<Option<Bytes>, BackupError> {
        if self.items.len() < CHUNK { Ok(None) } else { self.seal(false).await.map(Some) }
    }

    async fn seal(&mut self, last: bool) -> Result<Bytes, BackupError> {
        let place = place(&self.encoded, self.chunk, last);
        let sealed = self.vault.seal(scope(), &place, &self.items).await?;
        self.items.clear();
        self.chunk += 1;
        let length = u32::try_from(sealed.len()).ok().filter(|length| *length < LAST);
        let length = length.ok_or(BackupError::Malformed("a row of gigabytes"))?;
        let length = if last { length | LAST } else { length };
        Ok([&length.to_be_bytes()[..], &sealed].concat().into())
    }
}
