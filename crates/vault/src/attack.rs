//! What an attacker finds who has the root key, the slots as they are now, and every version of every
//! other file that ever was.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use stoa_core::{AppNumber, Day, ManualClock, SeededEntropy};
use stoa_seal::{KeyId, KeyMaterial, RootKey, derive};

use crate::format::{
    Entry, PageRef, SLOTS_FILE, StoredKey, VaultId, read_journal, read_page, read_table,
};
use crate::keeper::TABLE_KEY;
use crate::{Bucket, KeyClass, KeyScope, SimFs, Vault, VaultOptions};

const ROOT: [u8; 32] = [0x2A; 32];

/// The keys that can be reached, with their material.
fn reach(slots: &[u8], files: &[(PathBuf, Vec<u8>)], vault: VaultId) -> BTreeMap<KeyId, [u8; 32]> {
    reach_with(&root(), slots, files, vault)
}

/// As [`reach`], with another root key.
fn reach_with(
    root: &RootKey,
    slots: &[u8],
    files: &[(PathBuf, Vec<u8>)],
    vault: VaultId,
) -> BTreeMap<KeyId, [u8; 32]> {
    let number = |bytes: &[u8], at: usize| {
        bytes.get(at..at + 8).map(|b| u64::from_be_bytes(b.try_into().unwrap()))
    };
    // Whatever stands in the slots, at any place, may be a secret; and from tables follow keys that
    // may open anything.
    let windows = slots.windows(32).filter(|window| window.iter().any(|byte| *byte != 0));
    let mut secrets: Vec<[u8; 32]> = windows.map(|window| window.try_into().unwrap()).collect();
    secrets.sort_unstable();
    secrets.dedup();
    let mut piece_keys: Vec<[u8; 32]> = Vec::new();
    for secret in &secrets {
        let key = derive(root, &KeyMaterial::copy_of(secret), TABLE_KEY);
        for (_, bytes) in files.iter().filter(|(_, bytes)| bytes.starts_with(b"STOATBL")) {
            let Some(generation) = number(bytes, 8) else { continue };
            if let Ok(table) = read_table(&key, vault, generation, bytes) {
                piece_keys.push(*table.journal_key.expose());
                piece_keys.extend(table.pages.iter().map(|page| *page.key.expose()));
            }
        }
    }
    let mut found = BTreeMap::new();
    let mut note = |key: &StoredKey| {
        found.insert(key.id, *key.material.expose());
    };
    for key in piece_keys.iter().map(KeyMaterial::copy_of) {
        for (_, bytes) in files {
            if bytes.starts_with(b"STOAPAG") && bytes.len() >= 36 {
                let page = u32::from_be_bytes(bytes[8..12].try_into().unwrap());
                let generation = number(bytes, 12).unwrap();
                let count = u32::try_from((bytes.len() - 36) / StoredKey::LEN).unwrap();
                let key = KeyMaterial::copy_of(key.expose());
                let reference = PageRef { number: page, generation, count, key };
                read_page(&reference, vault, bytes).iter().flatten().for_each(&mut note);
            }
            if let Some(generation) = number(bytes, 8)
                && let Ok((frames, _)) = read_journal(&key, vault, generation, bytes)
            {
                for entry in frames.iter().flatten() {
                    if let Entry::Add(key) = entry {
                        note(key);
                    }
                }
            }
        }
    }
    found
}

fn root() -> RootKey {
    RootKey::parse(&ROOT.map(|byte| format!("{byte:02x}")).concat()).ok().unwrap()
}

fn scope(day: u32) -> KeyScope {
    KeyScope { app: AppNumber(1), class: KeyClass(1), bucket: Bucket::Day(Day(day)) }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn nothing_that_ever_was_leads_to_a_destroyed_key() {
    let fs = SimFs::new();
    fs.keep_history();
    let mut options = VaultOptions::new("/keys").mirror("/mirror");
    options.tuning.destroy_interval = Duration::ZERO;
    options.tuning.keys_per_page = 4;
    options.tuning.journal_entries = 6;
    let open = || {
        let clock = Arc::new(ManualClock::default());
        let entropy = Arc::new(SeededEntropy::new(fs.steps()));
        Vault::open_on(Arc::new(fs.clone()), options.clone(), root(), clock, entropy).unwrap()
    };
    let slots = |dir: &str| fs.content(&PathBuf::from(dir).join(SLOTS_FILE)).unwrap();
    let files = || {
        let mut files = fs.history();
        files.retain(|(path, _)| !path.ends_with(SLOTS_FILE) && !path.ends_with("slots.new"));
        files
    };

    let mut vault = open();
    let mut dead = Vec::new();
    for round in 0..5_u32 {
        for day in 0..9 {
            run(vault.seal(scope(round * 100 + day), b"", b"x")).unwrap();
        }
        if round % 2 == 0 {
            drop(vault);
            vault = open();
        }
        // Some in pages of long ago, some in the journal.
        let doomed = [scope(round * 100), scope(round * 100 + 8), scope((round / 2) * 100 + 3)];
        let before = slots("/keys");
        let destroyed = run(vault.destroy(|scope| doomed.contains(scope))).unwrap().keys;
        assert!(!destroyed.is_empty());
        let files = files();
        let could = reach(&before, &files, vault.id());
        assert!(destroyed.iter().all(|id| could.contains_key(id)), "the attack works in time");
        dead.extend(destroyed.iter().map(|id| (*id, could[id])));

        let alive: Vec<_> = vault.keys().iter().map(|key| key.id).collect();
        for dir in ["/keys", "/mirror"] {
            let found = reach(&slots(dir), &files, vault.id());
            assert!(found.keys().eq(&alive), "exactly the living keys");
            for (id, material) in &dead {
                assert!(!found.contains_key(id));
                assert!(!found.values().any(|found| found == material));
            }
        }
    }
    // And no key ever stood in a file in clear.
    for (path, bytes) in fs.history() {
        for (id, material) in &dead {
            let clear = bytes.windows(32).any(|window| window == material);
            assert!(!clear, "key {id} in {}", path.display());
        }
    }
}

/// Whoever has the earlier root key, the slots as they are now and every file that ever was.
#[test]
fn an_earlier_root_key_reaches_nothing() {
    let fs = SimFs::new();
    fs.keep_history();
    let mut options = VaultOptions::new("/keys");
    options.tuning.keys_per_page = 2;
    let clock = Arc::new(ManualClock::new(stoa_core::Timestamp::from_secs(1_800_000_000)));
    let entropy = Arc::new(SeededEntropy::new(8));
    let vault = Vault::open_on(Arc::new(fs.clone()), options, root(), clock, entropy).unwrap();
    for day in 0..7 {
        run(vault.seal(scope(day), b"", b"x")).unwrap();
    }
    let slots = || fs.content(&PathBuf::from("/keys").join(SLOTS_FILE)).unwrap();
    let alive: Vec<_> = vault.keys().iter().map(|key| key.id).collect();
    assert!(
        reach(&slots(), &fs.history(), vault.id()).keys().eq(&alive),
        "the attack works before"
    );

    let new = [0x5C; 32].map(|byte| format!("{byte:02x}")).concat();
    run(vault.rotate_root(RootKey::parse(&new).unwrap())).unwrap();
    run(vault.seal(scope(8), b"", b"x")).unwrap();
    let alive: Vec<_> = vault.keys().iter().map(|key| key.id).collect();
    assert!(reach(&slots(), &fs.history(), vault.id()).is_empty());
    let new = RootKey::parse(&new).unwrap();
    assert!(reach_with(&new, &slots(), &fs.history(), vault.id()).keys().eq(&alive));
}
