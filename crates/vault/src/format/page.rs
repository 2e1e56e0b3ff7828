//! A page: some keys, sealed under a page key that stands in the table.

use stoa_seal::{Cipher, KeyMaterial};
use zeroize::Zeroizing;

use super::codec::{Reader, Writer};
use super::{Malformed, PageRef, StoredKey, VaultId, bind};

const MAGIC: &[u8; 8] = b"STOAPAG\x01";

/// The name of the page's file.
pub(crate) fn page_name(number: u32, generation: u64) -> String {
    format!("page.{number}.{generation}")
}

fn header(number: u32, generation: u64) -> [u8; 20] {
    let mut header = [0; 20];
    header[..8].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&number.to_be_bytes());
    header[12..].copy_from_slice(&generation.to_be_bytes());
    header
}

/// The page's file. The page key must be new: it seals this one version of this page.
pub(crate) fn write_page<'a>(
    page: &PageRef<&[u8; KeyMaterial::LEN]>,
    vault: VaultId,
    keys: impl ExactSizeIterator<Item = StoredKey<&'a [u8; KeyMaterial::LEN]>>,
) -> Vec<u8> {
    let mut to = Writer::with_capacity(keys.len() * StoredKey::LEN);
    keys.for_each(|key| key.write(&mut to));
    let header = header(page.number, page.generation);
    let sealed = Cipher::new(page.key).seal_piece(0, &bind(&header, vault), to.as_slice());
    [&header, sealed.as_slice()].concat()
}

/// Reads the page's file.
///
/// # Errors
/// When it is not the page that the table means.
pub(crate) fn read_page(
    page: &PageRef,
    vault: VaultId,
    file: &[u8],
) -> Result<Vec<StoredKey>, Malformed> {
    let mut from = Reader::new(file);
    from.magic(MAGIC)?;
    if (from.u32()?, from.u64()?) != (page.number, page.generation) {
        return Err(Malformed::Layout);
    }
    let header = header(page.number, page.generation);
    let plain = Cipher::new(page.key.expose())
        .open_piece(0, &bind(&header, vault), from.rest())
        .map_err(|_| Malformed::Seal)?;
    let plain = Zeroizing::new(plain);
    let mut from = Reader::new(&plain);
    let mut keys = Vec::new();
    while !from.is_empty() {
        keys.push(StoredKey::read(&mut from)?);
    }
    if u32::try_from(keys.len()) != Ok(page.count) {
        return Err(Malformed::Layout);
    }
    Ok(keys)
}
