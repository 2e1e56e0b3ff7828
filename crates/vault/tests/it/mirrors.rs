//! Several directories that hold one vault.

use stoa_vault::{Opened, RootKey, SimFs, Vault, VaultError, VaultWarning};

use crate::support::{AAD, DIR, MIRROR, Machine, day, run, seal};

fn opens(vault: &Vault, record: &[u8]) -> bool {
    vault.open_record(AAD, record).unwrap() != Opened::Destroyed
}

/// The files of one directory, without the path.
fn content(fs: &SimFs, dir: &str) -> Vec<(String, Vec<u8>)> {
    let own = fs.all().into_iter().filter(|(path, _)| path.parent() == Some(dir.as_ref()));
    own.map(|(path, bytes)| (path.file_name().unwrap().to_str().unwrap().to_owned(), bytes))
        .collect()
}

/// Whether both directories hold the same. Which of its two places a secret has may differ.
fn same(fs: &SimFs) -> bool {
    let of = |dir| {
        let mut files = content(fs, dir);
        let slots = files.iter_mut().filter(|(name, _)| name == "slots");
        slots.for_each(|(_, bytes)| bytes.retain(|byte| *byte != 0));
        files
    };
    of(DIR) == of(MIRROR)
}

#[test]
fn every_change_is_in_every_directory() {
    let machine = Machine::mirrored(1);
    let vault = machine.open();
    assert!(vault.created() && vault.warnings().is_empty());
    for n in 0..3 {
        seal(&vault, day(1, n), b"x");
        assert!(same(&machine.fs));
    }
    run(vault.destroy(|scope| *scope == day(1, 1))).unwrap();
    assert!(same(&machine.fs));
}

#[test]
fn a_missing_copy_is_made_again_with_a_warning() {
    for lost in [DIR, MIRROR] {
        let machine = Machine::mirrored(2);
        let record = seal(&machine.open(), day(1, 1), b"x");
        machine.fs.take_all(lost.as_ref());
        let vault = machine.open();
        assert!(!vault.created());
        let from = if lost == DIR { MIRROR } else { DIR };
        let warning = VaultWarning::Recreated { dir: lost.into(), from: from.into() };
        assert_eq!(vault.warnings(), [warning]);
        assert!(opens(&vault, &record));
        assert!(same(&machine.fs));
        drop(vault);
        assert!(machine.open().warnings().is_empty());
    }
}

#[test]
fn a_lagging_copy_is_brought_up_to_date_and_its_old_secret_is_erased() {
    let machine = Machine::mirrored(3);
    let vault = machine.open();
    let (old, doomed) = (seal(&vault, day(1, 1), b"x"), seal(&vault, day(1, 2), b"x"));
    drop(vault);
    let before: Vec<_> = content(&machine.fs, MIRROR);
    let vault = machine.open();
    run(vault.destroy(|scope| *scope == day(1, 2))).unwrap();
    let new = seal(&vault, day(1, 3), b"x");
    drop(vault);
    // The mirror was not there meanwhile.
    machine.fs.take_all(MIRROR.as_ref());
    before.iter().for_each(|(name, bytes)| machine.fs.put(&machine.dirs()[1].join(name), bytes));
    let old_slots = machine.fs.content(&machine.dirs()[1].join("slots")).unwrap();
    let old_secret = old_slots.windows(32).find(|w| w.iter().all(|byte| *byte != 0)).unwrap();

    let vault = machine.open();
    let warning = VaultWarning::Updated { dir: MIRROR.into(), from: DIR.into() };
    assert_eq!(vault.warnings(), [warning]);
    assert!(opens(&vault, &old) && opens(&vault, &new) && !opens(&vault, &doomed));
    drop(vault);
    let slots = machine.fs.content(&machine.dirs()[1].join("slots")).unwrap();
    assert!(!slots.windows(32).any(|window| window == old_secret));
    assert!(same(&machine.fs));
}

#[test]
fn a_lagging_copy_serves_alone_but_a_second_line_is_never_overwritten() {
    let machine = Machine::mirrored(4);
    let first = seal(&machine.open(), day(1, 1), b"x");
    let main = content(&machine.fs, DIR);
    let mut mirror_alone = machine.clone();
    (mirror_alone.options.dir, mirror_alone.options.mirrors) = (MIRROR.into(), vec![]);
    let vault = mirror_alone.open();
    assert!(opens(&vault, &first));
    seal(&vault, day(1, 2), b"x");
    drop(vault);
    // Only the mirror went on: the other is an earlier state of the same line.
    let ahead = machine.with_files(machine.fs.copy());
    assert!(matches!(ahead.open().warnings(), [VaultWarning::Updated { .. }]));

    // Now the other directory goes on alone as well.
    let mut main_alone = machine.clone();
    main_alone.options.mirrors.clear();
    for lives in 0..4 {
        machine.fs.take_all(DIR.as_ref());
        main.iter().for_each(|(name, bytes)| machine.fs.put(&machine.dirs()[0].join(name), bytes));
        for _ in 0..=lives {
            seal(&main_alone.open(), day(1, 3), b"x");
        }
        let refused = machine.try_open().err().unwrap();
        assert!(matches!(refused, VaultError::Diverged { .. }), "{refused}");
        assert!(refused.to_string().contains("keep the one that was used last"));
    }
}

#[test]
fn damaged_files_are_restored_from_the_other_directory() {
    let mut machine = Machine::mirrored(5);
    machine.options.tuning.keys_per_page = 2;
    let vault = machine.open();
    let records: Vec<_> = (0..7).map(|n| seal(&vault, day(1, n), b"x")).collect();
    drop(vault);
    drop(machine.open());
    let names: Vec<_> = content(&machine.fs, DIR).into_iter().map(|(name, _)| name).collect();
    assert!(names.len() >= 7, "slots, table, journal and four pages: {names:?}");
    for dir in [DIR, MIRROR] {
        for name in &names {
            for remove in [false, true] {
                let damaged = machine.with_files(machine.fs.copy());
                let path = std::path::Path::new(dir).join(name);
                if remove {
                    damaged.fs.take(&path);
                } else {
                    let mut bytes = damaged.fs.content(&path).unwrap();
                    // In what is sealed; the journal has only its header, and of the slots all.
                    let at = if name.starts_with("journal") { 8 } else { 40 };
                    bytes.iter_mut().skip(at).for_each(|byte| *byte ^= 0x55);
                    damaged.fs.put(&path, &bytes);
                }
                let what = format!("{}, removed: {remove}", path.display());
                let vault = damaged.try_open().unwrap_or_else(|e| panic!("{what}: {e}"));
                assert!(records.iter().all(|record| opens(&vault, record)), "{what}");
                assert_eq!(vault.warnings().len(), 1, "{what}: {:?}", vault.warnings());
                assert!(same(&damaged.fs), "{what}");
            }
        }
    }
}

#[test]
fn damage_without_a_good_copy_is_an_error_that_names_the_file() {
    let mut machine = Machine::new(6);
    machine.options.tuning.keys_per_page = 2;
    let vault = machine.open();
    (0..3).for_each(|n| drop(seal(&vault, day(1, n), b"x")));
    drop(vault);
    drop(machine.open());
    for (name, bytes) in content(&machine.fs, DIR) {
        let path = machine.dirs()[0].join(&name);
        for remove in [false, true] {
            let damaged = machine.with_files(machine.fs.copy());
            if remove {
                damaged.fs.take(&path);
            } else {
                let mut bytes = bytes.clone();
                bytes.iter_mut().skip(8).for_each(|byte| *byte ^= 0x55);
                damaged.fs.put(&path, &bytes);
            }
            let error = damaged.try_open().err().unwrap_or_else(|| panic!("{name} is needed"));
            assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
            let before = damaged.fs.all();
            assert!(damaged.try_open().is_err());
            assert!(damaged.fs.all() == before, "nothing was changed");
        }
    }
}

#[test]
fn a_directory_of_another_vault_is_refused() {
    let (ours, theirs) = (Machine::new(7), Machine::new(8));
    drop((ours.open(), theirs.open()));
    for (name, bytes) in content(&theirs.fs, DIR) {
        ours.fs.put(&std::path::Path::new(MIRROR).join(name), &bytes);
    }
    let mut both = ours;
    both.options = both.options.mirror(MIRROR);
    let refused = both.try_open().err().unwrap();
    assert!(matches!(refused, VaultError::OtherVault { .. }), "{refused}");
}

#[test]
fn a_wrong_root_key_is_told_from_damage() {
    let machine = Machine::new(9);
    drop(machine.open());
    let other = RootKey::parse(&"ab".repeat(32)).unwrap();
    let fingerprint = other.fingerprint().to_string();
    let refused = Vault::open_on(
        std::sync::Arc::new(machine.fs.clone()),
        machine.options.clone(),
        other,
        std::sync::Arc::new(stoa_core::ManualClock::default()),
        machine.entropy.clone(),
    );
    let message = refused.err().unwrap().to_string();
    assert!(message.contains("the root key is not the one of the vault /keys"), "{message}");
    assert!(message.contains(&fingerprint), "{message}");
    machine.open();
}
