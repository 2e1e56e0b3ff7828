//! The table: the counters of the vault and the keys of its pages and of its journal.

use stoa_seal::{Cipher, Epoch, KeyId, KeyMaterial};

use super::codec::{Reader, Writer};
use super::{LifeTag, Malformed, VaultId, bind};

const MAGIC: &[u8; 8] = b"STOATBL\x01";

/// What the table says of one page.
pub(crate) struct PageRef<M = KeyMaterial> {
    pub(crate) number: u32,
    /// The generation in which the page's file was written.
    pub(crate) generation: u64,
    /// How many keys it has.
    pub(crate) count: u32,
    pub(crate) key: M,
}

pub(crate) struct Table<M = KeyMaterial> {
    pub(crate) next_key: KeyId,
    pub(crate) epoch: Epoch,
    /// The lives that led to this table, oldest first; the oldest of very many are left out.
    pub(crate) lives: Vec<LifeTag>,
    pub(crate) journal_key: M,
    pub(crate) pages: Vec<PageRef<M>>,
}

/// The name of the table's file.
pub(crate) fn table_name(generation: u64) -> String {
    format!("table.{generation}")
}

fn header(generation: u64) -> [u8; 16] {
    let mut header = [0; 16];
    header[..8].copy_from_slice(MAGIC);
    header[8..].copy_from_slice(&generation.to_be_bytes());
    header
}

/// The table's file. `key` must be new: it seals this one table.
pub(crate) fn write_table(
    key: &KeyMaterial,
    vault: VaultId,
    generation: u64,
    table: &Table<&[u8; KeyMaterial::LEN]>,
) -> Vec<u8> {
    const PAGE: usize = 4 + 8 + 4 + KeyMaterial::LEN;
    let fixed = 8 + 4 + KeyMaterial::LEN + 4 + 4;
    let mut to = Writer::with_capacity(fixed + table.lives.len() * 8 + table.pages.len() * PAGE);
    let count = |length| u32::try_from(length).expect("page numbers have 32 bits, lives are few");
    to.u64(table.next_key.0).u32(table.epoch.0).bytes(table.journal_key);
    to.u32(count(table.lives.len()));
    for life in &table.lives {
        to.u64(life.0);
    }
    to.u32(count(table.pages.len()));
    for page in &table.pages {
        to.u32(page.number).u64(page.generation).u32(page.count).bytes(page.key);
    }
    let header = header(generation);
    let sealed = Cipher::new(key.expose()).seal_piece(0, &bind(&header, vault), to.as_slice());
    [&header, sealed.as_slice()].concat()
}

/// Reads the table's file.
///
/// # Errors
/// When it is not the table of this generation of this vault, sealed under `key`.
pub(crate) fn read_table(
    key: &KeyMaterial,
    vault: VaultId,
    generation: u64,
    file: &[u8],
) -> Result<Table, Malformed> {
    let mut from = Reader::new(file);
    from.magic(MAGIC)?;
    if from.u64()? != generation {
        return Err(Malformed::Layout);
    }
    let plain = Cipher::new(key.expose())
        .open_piece(0, &bind(&header(generation), vault), from.rest())
        .map_err(|_| Malformed::Seal)?;
    let plain = zeroize::Zeroizing::new(plain);
    parse(&plain)
}

pub(super) fn parse(plain: &[u8]) -> Result<Table, Malformed> {
    let mut from = Reader::new(plain);
    let next_key = KeyId(from.u64()?);
    let epoch = Epoch(from.u32()?);
    let journal_key = KeyMaterial::copy_of(from.array()?);
    let mut lives = Vec::new();
    for _ in 0..from.u32()? {
        lives.push(LifeTag(from.u64()?));
    }
    let mut pages = Vec::new();
    for _ in 0..from.u32()? {
        pages.push(PageRef {
            number: from.u32()?,
            generation: from.u64()?,
            count: from.u32()?,
            key: KeyMaterial::copy_of(from.array()?),
        });
    }
    from.end()?;
    Ok(Table { next_key, epoch, lives, journal_key, pages })
}
