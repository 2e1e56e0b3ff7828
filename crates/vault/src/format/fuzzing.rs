//! What the fuzz targets run, shared with a test that needs no fuzzer: any bytes, as the vault's
//! files, and as what is behind their seals and behind that of a stored record.

use stoa_seal::{Cipher, KeyId, KeyMaterial, RecordHeader, open_record, seal_record};

use super::codec::Reader;
use super::journal::Entry;
use super::{
    Journal, JournalEnd, PageRef, StoredKey, Table, VaultId, bind, read_journal, read_page,
    read_slots, read_table, write_page, write_table,
};

const VAULT: VaultId = VaultId([9; 16]);
const GENERATION: u64 = 8;
const PAGE: u32 = 3;
/// No secret: it seals nothing but what the fuzzer makes up.
const KEY: [u8; 32] = [5; 32];

/// Takes `data` for each file of a vault, and for what such a file seals.
///
/// # Panics
/// When what was read is written differently, or a torn journal is not read up to the tear.
pub fn exercise_vault(data: &[u8]) {
    slots(data);
    let key = KeyMaterial::copy_of(&KEY);
    let _ = read_table(&key, VAULT, GENERATION, data);
    let _ = read_page(&page(0), VAULT, data);
    let _ = read_journal(&key, VAULT, GENERATION, data);
    behind_the_tables_seal(data);
    behind_the_pages_seal(data);
    behind_the_journals_seal(data);
}

/// Takes `data` for a stored record, and for what a genuine one seals.
///
/// # Panics
/// When a record opens that was not sealed, or one that was does not.
pub fn exercise_record(data: &[u8]) {
    let cipher = Cipher::new(&KEY);
    if let Ok(header) = RecordHeader::parse(data) {
        assert!(data.len() >= RecordHeader::OVERHEAD);
        assert!(open_record(&header, &cipher, b"place", data).is_err());
        let sealed = seal_record(KeyId(7), &cipher, header.nonce, b"place", data);
        let header = RecordHeader::parse(&sealed).expect("our own record");
        assert_eq!(header.key, KeyId(7));
        assert_eq!(open_record(&header, &cipher, b"place", &sealed).as_deref(), Ok(data));
    }
}

fn slots(data: &[u8]) {
    let Ok(slots) = read_slots(data) else { return };
    for slot in slots.into_iter().flatten() {
        let file = slot.write();
        let [read, _] = read_slots(file.as_slice()).expect("what was written can be read");
        let read = read.expect("what was a slot stays one");
        assert_eq!(
            (read.generation, read.life, read.vault),
            (slot.generation, slot.life, slot.vault)
        );
        assert_eq!(read.secret.expose(), slot.secret.expose());
    }
}

fn page(count: u32) -> PageRef {
    PageRef { number: PAGE, generation: GENERATION, count, key: KeyMaterial::copy_of(&KEY) }
}

/// `header` as the start of a file that seals `content`.
fn sealed(header: &[u8], piece: u64, content: &[u8]) -> Vec<u8> {
    Cipher::new(&KEY).seal_piece(piece, &bind(header, VAULT), content)
}

fn behind_the_tables_seal(data: &[u8]) {
    let key = KeyMaterial::copy_of(&KEY);
    let empty = Table {
        next_key: KeyId(1),
        epoch: stoa_seal::Epoch(1),
        lives: Vec::new(),
        journal_key: &KEY,
        pages: Vec::new(),
    };
    let mut file = write_table(&key, VAULT, GENERATION, &empty);
    file.truncate(16);
    file.extend(sealed(&file, 0, data));
    let Ok(table) = read_table(&key, VAULT, GENERATION, &file) else { return };
    let Table { next_key, epoch, lives, journal_key, pages } = &table;
    let pages = pages.iter().map(|page| {
        let PageRef { number, generation, count, key } = page;
        PageRef { number: *number, generation: *generation, count: *count, key: key.expose() }
    });
    let again = Table {
        next_key: *next_key,
        epoch: *epoch,
        lives: lives.clone(),
        journal_key: journal_key.expose(),
        pages: pages.collect(),
    };
    assert_eq!(write_table(&key, VAULT, GENERATION, &again), file);
}

fn borrowed(key: &StoredKey) -> StoredKey<&[u8; KeyMaterial::LEN]> {
    let StoredKey { id, purpose, created, epoch, upto, material } = key;
    StoredKey {
        id: *id,
        purpose: *purpose,
        created: *created,
        epoch: *epoch,
        upto: *upto,
        material: material.expose(),
    }
}

fn behind_the_pages_seal(data: &[u8]) {
    let key = PageRef { number: PAGE, generation: GENERATION, count: 0, key: &KEY };
    let mut file = write_page(&key, VAULT, std::iter::empty());
    file.truncate(20);
    file.extend(sealed(&file, 0, data));
    let count = u32::try_from(data.len() / StoredKey::LEN).expect("inputs are small");
    let Ok(keys) = read_page(&page(count), VAULT, &file) else { return };
    let key = PageRef { number: PAGE, generation: GENERATION, count, key: &KEY };
    assert_eq!(write_page(&key, VAULT, keys.iter().map(borrowed)), file);
}

/// The first byte says into how many frames the rest goes, the second how much of the end is torn.
fn behind_the_journals_seal(data: &[u8]) {
    let [frames, torn, content @ ..] = data else { return };
    let key = KeyMaterial::copy_of(&KEY);
    let mut journal = Journal::new(&key, VAULT, GENERATION);
    let mut file = journal.header().to_vec();
    let pieces = content.chunks(content.len().div_ceil(usize::from(frames % 4) + 1).max(1));
    for (number, content) in pieces.enumerate() {
        let frame = sealed(&file[..16], number as u64, content);
        let length = u32::try_from(frame.len()).expect("inputs are small").to_be_bytes();
        file.extend(length);
        file.extend(crc32fast::hash(&length).to_be_bytes());
        file.extend(frame);
    }
    let Ok((whole, end)) = read_journal(&key, VAULT, GENERATION, &file) else { return };
    assert_eq!(end, JournalEnd::Clean);
    let mut again = journal.header().to_vec();
    for entries in &whole {
        let entries: Vec<_> = entries.iter().map(borrowed_entry).collect();
        again.extend(journal.frame(&entries));
    }
    assert_eq!(again, file);
    let cut = file.len() - usize::from(*torn).min(file.len() - 16);
    let (rest, end) = read_journal(&key, VAULT, GENERATION, &file[..cut]).expect("a journal");
    assert!(rest.len() <= whole.len());
    assert!(cut < file.len() || end == JournalEnd::Clean);
    assert_ne!(end, JournalEnd::Damaged);
    let _ = StoredKey::read(&mut Reader::new(content));
}

fn borrowed_entry(entry: &Entry) -> Entry<StoredKey<&[u8; KeyMaterial::LEN]>> {
    match entry {
        Entry::Add(key) => Entry::Add(borrowed(key)),
        Entry::Grant { id, upto, epoch } => Entry::Grant { id: *id, upto: *upto, epoch: *epoch },
        Entry::Epoch(epoch) => Entry::Epoch(*epoch),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_the_fuzzer_kept() {
        for (target, exercise) in
            [("vault", exercise_vault as fn(&[u8])), ("record", exercise_record)]
        {
            let corpus = format!("{}/../../fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
            let inputs: Vec<_> = std::fs::read_dir(corpus).unwrap().map(Result::unwrap).collect();
            assert!(!inputs.is_empty(), "{target}");
            inputs.iter().for_each(|input| exercise(&std::fs::read(input.path()).unwrap()));
        }
    }

    proptest! {
        #[test]
        fn any_bytes(data in prop::collection::vec(any::<u8>(), 0..200)) {
            exercise_vault(&data);
            exercise_record(&data);
        }
    }
}
