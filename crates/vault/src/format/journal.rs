//! The journal: what happened since the table was written.
//!
//! A file of `magic ‖ generation`, then one frame `length u32 ‖ crc32 of the length ‖ sealed batch`
//! for each sync. The n-th frame is sealed as the n-th piece under the journal's key. A journal is
//! appended to by one process only: the next one starts a new journal with a new key, so no piece
//! number is ever used twice. The checksum lets a length that was half written be told from a frame
//! that was damaged later.

use stoa_seal::{Cipher, Epoch, KeyId, KeyMaterial};
use zeroize::Zeroizing;

use super::codec::{Reader, Writer};
use super::{Malformed, StoredKey, VaultId, bind};

const MAGIC: &[u8; 8] = b"STOAJNL\x01";

/// One thing that happened.
pub(crate) enum Entry<K = StoredKey> {
    /// A key was made.
    Add(K),
    /// A key may seal more records.
    Grant { id: KeyId, upto: u64, epoch: Epoch },
    /// A new epoch of nonces began.
    Epoch(Epoch),
}

impl Entry<StoredKey<&[u8; KeyMaterial::LEN]>> {
    fn write(&self, to: &mut Writer) {
        match self {
            Self::Add(key) => {
                to.u8(1);
                key.write(to);
            }
            Self::Grant { id, upto, epoch } => {
                to.u8(2).u64(id.0).u64(*upto).u32(epoch.0);
            }
            Self::Epoch(epoch) => {
                to.u8(3).u32(epoch.0);
            }
        }
    }
}

impl Entry {
    const LONGEST: usize = 1 + StoredKey::LEN;

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match from.u8()? {
            1 => Self::Add(StoredKey::read(from)?),
            2 => {
                Self::Grant { id: KeyId(from.u64()?), upto: from.u64()?, epoch: Epoch(from.u32()?) }
            }
            3 => Self::Epoch(Epoch(from.u32()?)),
            _ => return Err(Malformed::Layout),
        })
    }
}

/// Writes a journal.
pub(crate) struct Journal {
    cipher: Cipher,
    bound: Vec<u8>,
    header: [u8; 16],
    generation: u64,
    frames: u64,
    entries: usize,
}

impl Journal {
    /// A new, empty journal. `key` must be new: it seals this one journal.
    pub(crate) fn new(key: &KeyMaterial, vault: VaultId, generation: u64) -> Self {
        let header = header(generation);
        let bound = bind(&header, vault);
        let cipher = Cipher::new(key.expose());
        Self { cipher, bound, header, generation, frames: 0, entries: 0 }
    }

    /// The name of the journal's file.
    pub(crate) fn name(generation: u64) -> String {
        format!("journal.{generation}")
    }

    /// The name of this journal's file.
    pub(crate) fn own_name(&self) -> String {
        Self::name(self.generation)
    }

    /// What its file begins with.
    pub(crate) const fn header(&self) -> &[u8; 16] {
        &self.header
    }

    /// How many entries were written to it.
    pub(crate) const fn entries(&self) -> usize {
        self.entries
    }

    /// The frame that is to be appended for these entries, which takes their number in the sequence:
    /// it must be appended, or nothing ever again.
    pub(crate) fn frame(
        &mut self,
        entries: &[Entry<StoredKey<&[u8; KeyMaterial::LEN]>>],
    ) -> Vec<u8> {
        let mut to = Writer::with_capacity(entries.len() * Entry::LONGEST);
        entries.iter().for_each(|entry| entry.write(&mut to));
        let sealed = self.cipher.seal_piece(self.frames, &self.bound, to.as_slice());
        self.frames += 1;
        self.entries += entries.len();
        let length = u32::try_from(sealed.len()).expect("a batch is far below 4 GiB").to_be_bytes();
        let checksum = crc32fast::hash(&length).to_be_bytes();
        [&length, &checksum, sealed.as_slice()].concat()
    }
}

fn header(generation: u64) -> [u8; 16] {
    let mut header = [0; 16];
    header[..8].copy_from_slice(MAGIC);
    header[8..].copy_from_slice(&generation.to_be_bytes());
    header
}

/// How a journal ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JournalEnd {
    /// After its last frame.
    Clean,
    /// In a frame that was being written when the process or the machine stopped.
    Torn,
    /// At a damaged frame that others follow: since each frame is synced before the next is written,
    /// this was once whole.
    Damaged,
}

/// Reads the frames of a journal: the entries of each good one from the start, and how they end.
///
/// # Errors
/// When it is not a journal of this generation, or a frame is authentic but cannot be understood.
pub(crate) fn read_journal(
    key: &KeyMaterial,
    vault: VaultId,
    generation: u64,
    file: &[u8],
) -> Result<(Vec<Vec<Entry>>, JournalEnd), Malformed> {
    let mut from = Reader::new(file);
    from.magic(MAGIC)?;
    if from.u64()? != generation {
        return Err(Malformed::Layout);
    }
    let bound = bind(&header(generation), vault);
    let cipher = Cipher::new(key.expose());
    let mut frames = Vec::new();
    let mut rest = from.rest();
    while !rest.is_empty() {
        let Some((sealed, after)) = split_frame(rest) else {
            return Ok((frames, JournalEnd::Torn));
        };
        let Ok(plain) = cipher.open_piece(frames.len() as u64, &bound, sealed) else {
            // A torn frame is the last one; zeros after it are room that was never filled.
            let followed = after.iter().any(|byte| *byte != 0);
            let end = if followed { JournalEnd::Damaged } else { JournalEnd::Torn };
            return Ok((frames, end));
        };
        let plain = Zeroizing::new(plain);
        let mut from = Reader::new(&plain);
        let mut entries = Vec::new();
        while !from.is_empty() {
            entries.push(Entry::read(&mut from)?);
        }
        frames.push(entries);
        rest = after;
    }
    Ok((frames, JournalEnd::Clean))
}

/// The first frame's sealed part and what follows it, if all of it is there.
fn split_frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, bytes) = bytes.split_first_chunk::<4>()?;
    let (checksum, bytes) = bytes.split_first_chunk()?;
    if u32::from_be_bytes(*checksum) != crc32fast::hash(length) {
        return None;
    }
    bytes.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}
