//! Layouts that stay, and damage that is noticed.

use proptest::prelude::*;
use stoa_core::{AppNumber, Day, Timestamp};
use stoa_seal::{Epoch, KeyId, KeyMaterial, RootKeyFingerprint};

use super::*;
use crate::scope::{ErasedPerson, Purpose};
use crate::{Bucket, KeyClass, KeyScope};

const VAULT: VaultId = VaultId([9; 16]);

fn material(byte: u8) -> KeyMaterial {
    KeyMaterial::copy_of(&[byte; 32])
}

/// What a stored key says, in a form that can be printed and compared.
type Said = (KeyId, Purpose, u64, Epoch, u64, [u8; 32]);

fn said(key: &StoredKey) -> Said {
    let StoredKey { id, purpose, created, epoch, upto, material } = key;
    (*id, *purpose, created.as_millis(), *epoch, *upto, *material.expose())
}

fn unsaid(&(id, purpose, created, epoch, upto, material): &Said) -> StoredKey {
    let created = Timestamp::from_millis(created);
    StoredKey { id, purpose, created, epoch, upto, material: KeyMaterial::copy_of(&material) }
}

fn borrowed(key: &StoredKey) -> StoredKey<&[u8; 32]> {
    StoredKey {
        id: key.id,
        purpose: key.purpose,
        created: key.created,
        epoch: key.epoch,
        upto: key.upto,
        material: key.material.expose(),
    }
}

prop_compose! {
    fn stored_key()(
        id in any::<u64>(),
        app in any::<u32>(),
        class in any::<u8>(),
        kind in 0..6_u8,
        field in any::<[u8; 16]>(),
        number in any::<u32>(),
        created in any::<u64>(),
        epoch in any::<u32>(),
        upto in any::<u64>(),
        bytes in any::<[u8; 32]>(),
    ) -> Said {
        let app = AppNumber(app);
        let bucket = match kind {
            0 => Bucket::Whole,
            1 => Bucket::Day(Day(number)),
            2 => Bucket::Month(number),
            _ => Bucket::Object(field),
        };
        let purpose = match kind {
            4 => Purpose::Blind(app),
            5 => {
                let keeps_messages = class > 127;
                Purpose::Erased(ErasedPerson { app, person: field, keeps_messages })
            }
            _ => Purpose::Seal(KeyScope { app, class: KeyClass(class), bucket }),
        };
        (KeyId(id), purpose, created, Epoch(epoch), upto, bytes)
    }
}

fn page_of(keys: &[StoredKey]) -> (PageRef, Vec<u8>) {
    let count = u32::try_from(keys.len()).unwrap();
    let page = PageRef { number: 3, generation: 8, count, key: material(5) };
    let key = page.key.expose();
    let reference = PageRef { number: 3, generation: 8, count, key };
    let file = write_page(&reference, VAULT, keys.iter().map(borrowed));
    (page, file)
}

fn table_file() -> Vec<u8> {
    let (journal, page) = (material(1), material(2));
    let table = Table {
        next_key: KeyId(77),
        epoch: Epoch(5),
        lives: vec![LifeTag(1), LifeTag(u64::MAX)],
        journal_key: journal.expose(),
        pages: vec![PageRef { number: 3, generation: 8, count: 2, key: page.expose() }],
    };
    write_table(&material(6), VAULT, 9, &table)
}

fn slots_file(generations: [Option<u64>; 2]) -> Vec<u8> {
    let mut file = Vec::new();
    for generation in generations {
        let slot = generation.map(|generation| Slot {
            generation,
            life: LifeTag(3),
            vault: VAULT,
            root: RootKeyFingerprint([4; 8]),
            secret: material(7),
        });
        match slot {
            Some(slot) => file.extend_from_slice(slot.write().as_slice()),
            None => file.resize(file.len() + Slot::LEN, 0),
        }
    }
    file
}

fn epochs(numbers: &[u32]) -> Vec<Entry<StoredKey<&'static [u8; 32]>>> {
    numbers.iter().map(|n| Entry::Epoch(Epoch(*n))).collect()
}

/// A journal with these batches, and where each frame ends.
fn journal_file(batches: &[Vec<u32>]) -> (Vec<u8>, Vec<usize>) {
    let mut journal = Journal::new(&material(1), VAULT, 9);
    let mut file = journal.header().to_vec();
    let mut ends = vec![file.len()];
    for batch in batches {
        file.extend(journal.frame(&epochs(batch)));
        ends.push(file.len());
    }
    (file, ends)
}

fn read_epochs(file: &[u8]) -> Result<(Vec<Vec<u32>>, JournalEnd), Malformed> {
    let (frames, end) = read_journal(&material(1), VAULT, 9, file)?;
    let number = |entry: &Entry| match entry {
        Entry::Epoch(Epoch(number)) => *number,
        _ => panic!("only epochs were written"),
    };
    Ok((frames.iter().map(|frame| frame.iter().map(number).collect()).collect(), end))
}

/// Vaults are kept for years: these layouts may be followed by others, never changed.
#[test]
fn the_layouts_of_version_1_stay() {
    let purpose = Purpose::Seal(KeyScope {
        app: AppNumber(1),
        class: KeyClass(2),
        bucket: Bucket::Day(Day(3)),
    });
    let keys = [purpose, Purpose::Blind(AppNumber(4))].map(|purpose| StoredKey {
        id: KeyId(5),
        purpose,
        created: Timestamp::from_millis(6),
        epoch: Epoch(7),
        upto: 8,
        material: material(9),
    });
    let mut journal = Journal::new(&material(1), VAULT, 9);
    let frame = journal.frame(&[
        Entry::Add(borrowed(&keys[0])),
        Entry::Grant { id: KeyId(1), upto: 2, epoch: Epoch(3) },
        Entry::Epoch(Epoch(4)),
    ]);
    let files = [slots_file([Some(1), None]), table_file(), page_of(&keys).1, frame];
    let lengths = files.each_ref().map(Vec::len);
    assert_eq!(
        lengths,
        [SLOTS_LEN, 16 + 52 + 16 + 48 + 16, 20 + 2 * StoredKey::LEN + 16, 8 + 84 + 21 + 5 + 16]
    );
    assert_eq!(
        files.map(|file| crc32fast::hash(&file)),
        [47_173_839, 2_369_360_962, 1_706_099_598, 1_991_028_755]
    );
}

#[test]
fn a_later_version_is_told_from_damage() {
    let mut table = table_file();
    table[7] += 1;
    assert_eq!(read_table(&material(6), VAULT, 9, &table).err(), Some(Malformed::Newer));
    let mut slots = slots_file([Some(1), None]);
    slots[7] += 1;
    assert_eq!(read_slots(&slots).err(), Some(Malformed::Newer));
}

#[test]
fn pieces_of_one_vault_do_not_pass_for_another_or_for_one_another() {
    let table = table_file();
    assert!(read_table(&material(6), VAULT, 9, &table).is_ok());
    assert!(read_table(&material(7), VAULT, 9, &table).is_err(), "another key");
    assert!(read_table(&material(6), VAULT, 8, &table).is_err(), "another generation");
    assert!(read_table(&material(6), VaultId([8; 16]), 9, &table).is_err(), "another vault");
    let (mut page, file) = page_of(&[]);
    assert!(read_page(&page, VAULT, &file).is_ok());
    assert!(read_page(&page, VaultId([8; 16]), &file).is_err(), "another vault");
    page.number = 4;
    assert!(read_page(&page, VAULT, &file).is_err(), "another page");
}

#[test]
fn a_journal_damaged_in_the_middle_is_told_from_a_torn_one() {
    let (file, ends) = journal_file(&[vec![1], vec![2, 3], vec![4]]);
    assert_eq!(read_epochs(&file), Ok((vec![vec![1], vec![2, 3], vec![4]], JournalEnd::Clean)));
    let mut damaged = file.clone();
    damaged[ends[2] - 1] ^= 1;
    assert_eq!(read_epochs(&damaged), Ok((vec![vec![1]], JournalEnd::Damaged)));
    let mut torn = file;
    torn[ends[3] - 1] ^= 1;
    assert_eq!(read_epochs(&torn), Ok((vec![vec![1], vec![2, 3]], JournalEnd::Torn)));
    torn.extend([0; 50]);
    assert_eq!(read_epochs(&torn).unwrap().1, JournalEnd::Torn, "room that was never filled");
}

proptest! {
    #[test]
    fn keys_keep_everything(keys in prop::collection::vec(stored_key(), 0..5)) {
        let (page, file) = page_of(&keys.iter().map(unsaid).collect::<Vec<_>>());
        let read = read_page(&page, VAULT, &file).unwrap();
        prop_assert!(read.iter().map(said).eq(keys));
    }

    #[test]
    fn an_altered_or_cut_page_or_table_is_refused(
        keys in prop::collection::vec(stored_key(), 0..3),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let (page, good) = page_of(&keys.iter().map(unsaid).collect::<Vec<_>>());
        for (is_page, mut file) in [(true, good), (false, table_file())] {
            let refused = |file: &[u8]| match is_page {
                true => read_page(&page, VAULT, file).is_err(),
                false => read_table(&material(6), VAULT, 9, file).is_err(),
            };
            prop_assert!(!refused(&file));
            let at = at.index(file.len());
            prop_assert!(refused(&file[..at]));
            file[at] ^= 1 << bit;
            prop_assert!(refused(&file));
        }
    }

    #[test]
    fn a_slot_is_whole_or_nothing(at in 0..SLOTS_LEN, bit in 0..8_u8, cut in 0..SLOTS_LEN) {
        let good = slots_file([Some(4), Some(5)]);
        let generations = |file: &[u8]| {
            read_slots(file).map(|slots| slots.map(|slot| slot.map(|s| s.generation)))
        };
        prop_assert_eq!(generations(&good), Ok([Some(4), Some(5)]));
        let mut altered = good.clone();
        altered[at] ^= 1 << bit;
        if let Ok([first, second]) = generations(&altered) {
            // The room after a slot does not matter.
            let hit = at % Slot::LEN < 84;
            prop_assert_eq!(first, (!hit || at >= Slot::LEN).then_some(4));
            prop_assert_eq!(second, (!hit || at < Slot::LEN).then_some(5));
        }
        let [first, second] = generations(&good[..cut]).unwrap();
        prop_assert_eq!(first, (cut >= 84).then_some(4));
        prop_assert_eq!(second, (cut >= Slot::LEN + 84).then_some(5));
    }

    #[test]
    fn a_cut_journal_gives_its_whole_frames(
        batches in prop::collection::vec(prop::collection::vec(any::<u32>(), 0..4), 0..5),
        cut in any::<prop::sample::Index>(),
    ) {
        let (file, ends) = journal_file(&batches);
        let cut = 16 + cut.index(file.len() - 15);
        let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
        let end = if ends.contains(&cut) { JournalEnd::Clean } else { JournalEnd::Torn };
        prop_assert_eq!(read_epochs(&file[..cut]), Ok((batches[..whole].to_vec(), end)));
    }

    #[test]
    fn an_altered_journal_gives_only_what_was_written(
        batches in prop::collection::vec(prop::collection::vec(any::<u32>(), 0..4), 1..5),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let (mut file, ends) = journal_file(&batches);
        let at = at.index(file.len());
        file[at] ^= 1 << bit;
        if let Ok((frames, end)) = read_epochs(&file) {
            let hit = ends.iter().filter(|end| **end <= at).count() - 1;
            prop_assert_eq!(&frames, &batches[..hit]);
            prop_assert_ne!(end, JournalEnd::Clean);
        } else {
            prop_assert!(at < 16, "only the header makes all of it unreadable");
        }
    }

    #[test]
    fn no_bytes_make_reading_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        magic in prop::sample::select(vec![&b""[..], b"STOASLT\x01", b"STOATBL\x01", b"STOAPAG\x01", b"STOAJNL\x01"]),
    ) {
        let file = [magic, &bytes].concat();
        let (page, _) = page_of(&[]);
        prop_assert!(read_page(&page, VAULT, &file).is_err());
        prop_assert!(read_table(&material(6), VAULT, 9, &file).is_err());
        let _ = (read_slots(&file), read_epochs(&file));
        // What is authentic but malformed was written by a defect; it is refused all the same.
        let _ = table::parse(&bytes);
        let _ = StoredKey::read(&mut codec::Reader::new(&bytes));
        let sealed = stoa_seal::Cipher::new(&[1; 32]);
        let header = &journal_file(&[]).0;
        let sealed = sealed.seal_piece(0, &bind(header, VAULT), &bytes);
        let length = u32::try_from(sealed.len()).unwrap().to_be_bytes();
        let checksum = crc32fast::hash(&length).to_be_bytes();
        let _ = read_journal(&material(1), VAULT, 9, &[header, &length[..], &checksum, &sealed].concat());
    }
}
