//! Reading a backup, chunk by chunk, and finding what was cut off or changed.

use std::io::{ErrorKind, Read};

use bytes::Bytes;
use stoa_vault::{OpenError, Opened, Vault};

use crate::BackupError;
use crate::format::{HEADER, Header, Item, LAST, LONGEST_CHUNK, Totals, place};

/// A backup that is being read. Blocks where `R` does.
pub struct Reader<'a, R> {
    from: R,
    vault: &'a Vault,
    header: Header,
    encoded: [u8; HEADER],
    /// Where the next chunk begins.
    at: u64,
    chunk: u64,
    items: Bytes,
    is_last: bool,
    seen: Totals,
    ended: bool,
}

impl<'a, R: Read> Reader<'a, R> {
    /// Begins to read.
    ///
    /// # Errors
    /// [`BackupError::Foreign`], [`BackupError::Newer`], [`BackupError::OtherVault`],
    /// [`BackupError::Io`].
    pub fn open(mut from: R, vault: &'a Vault) -> Result<Self, BackupError> {
        let mut encoded = [0; HEADER];
        match from.read_exact(&mut encoded) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                return Err(BackupError::Foreign);
            }
            read => read?,
        }
        let header = Header::decode(&encoded)?;
        if header.vault != vault.id() {
            return Err(BackupError::OtherVault { wanted: header.vault, given: vault.id() });
        }
        Ok(Self {
            from,
            vault,
            header,
            encoded,
            at: HEADER as u64,
            chunk: 0,
            items: Bytes::new(),
            is_last: false,
            seen: Totals::default(),
            ended: false,
        })
    }

    /// What stands at its beginning.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// How much was read so far.
    pub const fn seen(&self) -> Totals {
        self.seen
    }

    /// The next item; none after the end, which is the right one.
    ///
    /// # Errors
    /// [`BackupError::Cut`], [`BackupError::Damaged`], [`BackupError::Malformed`], [`BackupError::Io`].
    pub fn item(&mut self) -> Result<Option<Item>, BackupError> {
        loop {
            if self.ended {
                return Ok(None);
            }
            let Some(item) = Item::decode(&mut self.items)? else {
                if self.is_last {
                    return Err(BackupError::Malformed("no end"));
                }
                self.read_chunk()?;
                continue;
            };
            match &item {
                Item::Row(key, value) => {
                    self.seen.rows += 1;
                    self.seen.bytes += (key.len() + value.len()) as u64;
                }
                Item::Blob(_) | Item::Beside(_) => self.seen.files += 1,
                Item::Bytes(bytes) => self.seen.bytes += bytes.len() as u64,
                Item::End(totals) => {
                    if *totals != self.seen || !self.items.is_empty() || !self.is_last {
                        return Err(BackupError::Malformed("another number of rows or files"));
                    }
                    self.must_end()?;
                    self.ended = true;
                }
            }
            return Ok(Some(item));
        }
    }

    fn read_chunk(&mut self) -> Result<(), BackupError> {
        let mut length = [0; 4];
        self.read(&mut length)?;
        let length = u32::from_be_bytes(length);
        let last = length & LAST != 0;
        let length = usize::try_from(length & !LAST).unwrap_or(usize::MAX);
        if length > LONGEST_CHUNK {
            return Err(BackupError::Damaged(self.at));
        }
        let mut sealed = vec![0; length];
        self.read(&mut sealed)?;
        let place = place(&self.encoded, self.chunk, last);
        match self.vault.open_record(&place, &sealed) {
            Ok(Opened::Plain(items)) => self.items = items.into(),
            Ok(Opened::Destroyed) | Err(OpenError::UnknownKey(_)) => {
                return Err(BackupError::Malformed("its key is not in the vault any more"));
            }
            Err(OpenError::Format | OpenError::Tampered) => {
                return Err(BackupError::Damaged(self.at));
            }
        }
        self.at += 4 + length as u64;
        self.chunk += 1;
        self.is_last = last;
        Ok(())
    }

    fn read(&mut self, to: &mut [u8]) -> Result<(), BackupError> {
        match self.from.read_exact(to) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                Err(BackupError::Cut(self.at))
            }
            read => Ok(read?),
        }
    }

    /// That nothing stands behind the last chunk.
    fn must_end(&mut self) -> Result<(), BackupError> {
        match self.from.read_exact(&mut [0]) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(()),
            Err(error) => Err(error.into()),
            Ok(()) => Err(BackupError::Damaged(self.at)),
        }
    }
}
