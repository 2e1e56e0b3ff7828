//! Another root key for the same vault, and further keys for the same scopes.

use std::path::{Path, PathBuf};

use stoa_vault::{Opened, RootKey, SimFs, Survey, Vault, VaultError};

use crate::support::{AAD, DIR, MIRROR, Machine, ROOT_HEX, day, object, run, seal};

const NEW_HEX: &str = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";

fn small_pages(mut machine: Machine) -> Machine {
    machine.options.tuning.keys_per_page = 2;
    machine
}

fn rotate(vault: &Vault) -> Result<(), VaultError> {
    run(vault.rotate_root(RootKey::parse(NEW_HEX).unwrap()))
}

fn survey(machine: &Machine, dir: &str) -> Survey {
    Survey::on(&machine.fs, Path::new(dir)).unwrap()
}

/// A vault with keys in pages and in the journal, and what they sealed.
fn with_records(machine: &Machine) -> (Vault, Vec<Vec<u8>>) {
    let vault = machine.open();
    let mut records: Vec<_> = (0..5).map(|n| seal(&vault, day(1, n), b"x")).collect();
    drop(vault);
    let vault = machine.open();
    records.push(seal(&vault, object(1, 7), b"x"));
    (vault, records)
}

fn opens_all(vault: &Vault, records: &[Vec<u8>]) -> bool {
    records.iter().all(|record| vault.open_record(AAD, record) == Ok(Opened::Plain(b"x".to_vec())))
}

#[test]
fn the_new_root_key_opens_everything_and_the_old_one_nothing() {
    let machine = small_pages(Machine::mirrored(1));
    let (vault, mut records) = with_records(&machine);
    let before = run(vault.status()).unwrap();
    rotate(&vault).unwrap();
    // It goes on without a restart.
    assert!(opens_all(&vault, &records));
    records.push(seal(&vault, day(2, 1), b"x"));
    let after = run(vault.status()).unwrap();
    assert_eq!(after.generation, before.generation + 1);
    assert_ne!(after.root, before.root);
    assert_eq!(after.stopped, None);
    drop(vault);

    let refused = machine.try_open().err().unwrap();
    let VaultError::WrongRootKey { given, wanted, .. } = refused else { panic!("{refused}") };
    assert_eq!((given, wanted), (before.root, after.root));
    for dir in [DIR, MIRROR] {
        assert_eq!(survey(&machine, dir).newest.unwrap().root, after.root);
    }
    assert_eq!(survey(&machine, DIR).difference(&survey(&machine, MIRROR)), None);
    assert!(opens_all(&machine.try_open_with(NEW_HEX).unwrap(), &records));
}

/// The slots say which key it is, whatever became of the rotation, and that one opens everything.
#[test]
fn a_crash_at_any_step_leaves_the_old_or_the_new_root_key() {
    let prints = [ROOT_HEX, NEW_HEX].map(|hex| RootKey::parse(hex).unwrap().fingerprint());
    for machine in [small_pages(Machine::new(2)), small_pages(Machine::mirrored(2))] {
        let (vault, records) = with_records(&machine);
        drop(vault);
        let start = machine.fs.copy();
        let (mut old, mut new) = (0, 0);
        for step in 0.. {
            let machine = machine.with_files(start.copy());
            let vault = machine.open();
            machine.fs.fail_at(machine.fs.steps() + step);
            let outcome = rotate(&vault);
            if outcome.is_err() {
                let again = rotate(&vault).unwrap_err();
                assert!(matches!(again, VaultError::Stopped(_)), "{again}");
                assert!(run(vault.status()).unwrap().stopped.is_some());
                assert!(opens_all(&vault, &records), "what is in memory goes on");
            }
            let left = machine.fs.copy();
            drop(vault);
            for seed in 0..4 {
                let machine = machine.with_files(left.copy());
                if seed == 0 {
                    machine.fs.kill_process();
                } else {
                    machine.fs.lose_power(seed);
                }
                let what = format!("step {step}, seed {seed}, {} dirs", machine.dirs().len());
                let surveys = machine
                    .dirs()
                    .into_iter()
                    .map(|dir| Survey::on(&machine.fs, dir).unwrap().newest);
                let newest = surveys.flatten().max_by_key(|slot| slot.generation).unwrap();
                let is_new = newest.root == prints[1];
                let (right, wrong) = if is_new { (NEW_HEX, ROOT_HEX) } else { (ROOT_HEX, NEW_HEX) };
                if is_new {
                    new += 1
                } else {
                    old += 1
                }
                let refused = machine.try_open_with(wrong).err().unwrap();
                assert!(matches!(refused, VaultError::WrongRootKey { .. }), "{what}: {refused}");
                let vault = machine.try_open_with(right);
                let vault = vault.unwrap_or_else(|error| panic!("{what}: {error}"));
                assert!(opens_all(&vault, &records), "{what}");
                if outcome.is_ok() {
                    assert!(is_new, "what was told to be done is done: {what}");
                }
            }
            if outcome.is_ok() {
                break;
            }
        }
        assert!(old > 0 && new > 0, "{old} old, {new} new");
    }
}

#[test]
fn after_a_crash_of_a_rotation_any_one_directory_is_enough() {
    let machine = small_pages(Machine::mirrored(3));
    let (vault, records) = with_records(&machine);
    drop(vault);
    let start = machine.fs.copy();
    for step in 0.. {
        let machine = machine.with_files(start.copy());
        let vault = machine.open();
        machine.fs.fail_at(machine.fs.steps() + step);
        let done = rotate(&vault).is_ok();
        let left = machine.fs.copy();
        drop(vault);
        for lost in [DIR, MIRROR] {
            let machine = machine.with_files(left.copy());
            machine.fs.lose_power(step);
            machine.fs.take_all(lost.as_ref());
            let opened = [ROOT_HEX, NEW_HEX].map(|root| machine.try_open_with(root).ok());
            let vault = opened.into_iter().flatten().next();
            assert!(vault.is_some_and(|vault| opens_all(&vault, &records)), "step {step}, {lost}");
        }
        if done {
            break;
        }
    }
}

#[test]
fn the_old_root_key_opens_no_old_file_either() {
    let machine = small_pages(Machine::new(4));
    let (vault, _) = with_records(&machine);
    let slots = machine.dirs()[0].join("slots");
    let backup = machine.fs.copy();
    rotate(&vault).unwrap();
    drop(vault);
    // The files of before, which anybody may have kept, with the slots as they are now.
    backup.put(&slots, &machine.fs.content(&slots).unwrap());
    assert!(machine.with_files(backup).try_open().is_err());
}

#[test]
fn renewed_scopes_seal_with_further_keys_and_the_earlier_ones_still_open() {
    let machine = Machine::new(5);
    let (vault, mut records) = with_records(&machine);
    let before = vault.keys().len();
    let renewed = run(vault.renew(|scope| *scope == day(1, 2) || *scope == object(1, 7))).unwrap();
    assert_eq!((renewed, vault.keys().len()), (2, before + 2));
    records.push(seal(&vault, day(1, 2), b"x"));
    assert!(opens_all(&vault, &records));
    // What ends the scope ends both.
    run(vault.destroy(|scope| *scope == day(1, 2))).unwrap();
    assert_eq!(vault.open_record(AAD, &records[2]), Ok(Opened::Destroyed));
    assert_eq!(vault.open_record(AAD, records.last().unwrap()), Ok(Opened::Destroyed));
    assert_eq!(run(vault.renew(|_| false)).unwrap(), 0);
    let counts: usize = vault.keys_by_class().values().sum();
    assert_eq!(counts, vault.keys().len());
    assert!(run(vault.status()).unwrap().last_destruction.is_some());
}

#[test]
fn a_survey_sees_what_is_wrong_without_opening() {
    let machine = Machine::mirrored(6);
    assert_eq!(survey(&machine, DIR).newest, None);
    let (vault, _) = with_records(&machine);
    assert_eq!(survey(&machine, DIR).difference(&survey(&machine, MIRROR)), None);
    drop(vault);
    let start = machine.fs.copy();
    let after = |change: &dyn Fn(&SimFs)| {
        let machine = machine.with_files(start.copy());
        change(&machine.fs);
        survey(&machine, DIR).difference(&survey(&machine, MIRROR))
    };
    assert_eq!(after(&|fs| fs.take_all(MIRROR.as_ref())), Some("one of them holds no vault"));
    let is_page = |path: &PathBuf| {
        path.starts_with(MIRROR) && path.file_name().unwrap().to_str().unwrap().starts_with("page.")
    };
    let page = start.all().into_iter().map(|(path, _)| path).find(is_page).unwrap();
    assert_eq!(after(&|fs| fs.put(&page, b"damaged")), Some("their files differ"));
    let mut alone = machine.with_files(start.copy());
    alone.options.mirrors.clear();
    drop(alone.open());
    let lag = survey(&alone, DIR).difference(&survey(&alone, MIRROR));
    assert_eq!(lag, Some("one lags behind"));
}
