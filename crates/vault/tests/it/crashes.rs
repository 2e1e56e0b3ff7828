//! The power fails, or the process dies, at every step of everything that the vault writes.

use std::sync::Arc;

use stoa_core::AppNumber;
use stoa_vault::{Blind, KeyScope, Opened, SimFs, Vault, VaultError};

use crate::support::{AAD, DIR, MIRROR, Machine, day, object, run};

/// What callers were told before everything stopped.
#[derive(Default)]
struct Told {
    records: Vec<(KeyScope, Vec<u8>)>,
    destroyed: Vec<KeyScope>,
    /// A destruction that did not return: all of it happened or nothing.
    in_doubt: Vec<KeyScope>,
    blind: Option<Blind>,
}

impl Told {
    fn seal(&mut self, vault: &Vault, scope: KeyScope) -> Result<(), VaultError> {
        let record = run(vault.seal(scope, AAD, format!("{scope:?}").as_bytes()))?;
        self.records.push((scope, record));
        Ok(())
    }

    fn destroy(&mut self, vault: &Vault, scopes: &[KeyScope]) -> Result<(), VaultError> {
        self.in_doubt = scopes.to_vec();
        run(vault.destroy(|scope| scopes.contains(scope)))?;
        self.in_doubt.clear();
        self.destroyed.extend(scopes);
        Ok(())
    }

    /// A vault's first two lives: keys made, two destructions, a journal folded.
    fn live(&mut self, machine: &Machine) -> Result<(), VaultError> {
        let vault = machine.try_open()?;
        for n in 0..5 {
            self.seal(&vault, day(1, n))?;
        }
        self.blind = Some(run(vault.blind_key(AppNumber(1)))?.blind("user", &[b"alice"]));
        self.destroy(&vault, &[day(1, 0), day(1, 3)])?;
        self.seal(&vault, object(1, 7))?;
        drop(vault);

        let vault = machine.try_open()?;
        self.seal(&vault, day(2, 5))?;
        self.destroy(&vault, &[day(1, 4), object(1, 7), day(2, 5)])?;
        for n in 10..14 {
            self.seal(&vault, day(1, n))?;
        }
        Ok(())
    }

    /// Checks that an opened vault agrees with what was told.
    fn check(&self, vault: &Vault, what: &str) {
        let mut doubtful = Vec::new();
        for (scope, record) in &self.records {
            let opened = vault.open_record(AAD, record);
            let alive = match opened {
                Ok(Opened::Plain(plain)) => {
                    assert_eq!(plain, format!("{scope:?}").as_bytes(), "{what}");
                    true
                }
                Ok(Opened::Destroyed) => false,
                Err(error) => panic!("{scope:?}, {what}: {error}"),
            };
            if self.in_doubt.contains(scope) {
                doubtful.push(alive);
            } else {
                assert_eq!(alive, !self.destroyed.contains(scope), "{scope:?}, {what}");
            }
        }
        assert!(doubtful.windows(2).all(|pair| pair[0] == pair[1]), "half destroyed, {what}");
        if let Some(blind) = self.blind {
            let key = run(vault.blind_key(AppNumber(1))).unwrap();
            assert_eq!(key.blind("user", &[b"alice"]), blind, "{what}");
        }
        run(vault.seal(day(9, 9), AAD, b"new")).unwrap_or_else(|e| panic!("{what}: {e}"));
    }
}

fn small_pages(mut machine: Machine) -> Machine {
    machine.options.tuning.keys_per_page = 3;
    machine.options.tuning.journal_entries = 3;
    machine
}

/// How many steps the script takes when nothing fails.
fn steps(machine: &Machine) -> u64 {
    let fs = SimFs::new();
    Told::default().live(&machine.with_files(fs.clone())).unwrap();
    fs.steps()
}

/// Runs the script until step `step` fails; what was told and what then lies on the medium.
fn stopped_at(machine: &Machine, step: u64) -> (Told, SimFs) {
    let fs = SimFs::new();
    fs.fail_at(step);
    let mut told = Told::default();
    assert!(told.live(&machine.with_files(fs.clone())).is_err(), "step {step} fails");
    (told, fs)
}

#[test]
fn a_crash_at_any_step_leaves_the_old_or_the_new_state() {
    for machine in [small_pages(Machine::new(1)), small_pages(Machine::mirrored(1))] {
        for step in 0..steps(&machine) {
            let (told, fs) = stopped_at(&machine, step);
            for seed in 0..6 {
                let fs = fs.copy();
                let what = format!("step {step}, seed {seed}, {} dirs", machine.dirs().len());
                // Seed 0 stands for a process that dies on a machine that goes on.
                if seed > 0 {
                    fs.lose_power(seed);
                }
                let vault = machine
                    .with_files(fs)
                    .try_open()
                    .unwrap_or_else(|error| panic!("{what}: {error}"));
                told.check(&vault, &what);
            }
        }
    }
}

/// Opens the vault on `fs` with each step of that failing once, and shows what lies on the medium
/// then, before any power loss.
fn stopped_recoveries(machine: &Machine, fs: &SimFs, mut show: impl FnMut(SimFs, u64)) {
    for further in 0.. {
        let fs = fs.copy();
        fs.fail_at(fs.steps() + further);
        let recovered = machine.with_files(fs.clone()).try_open().is_ok();
        show(fs, further);
        if recovered {
            break;
        }
    }
}

#[test]
fn a_crash_at_any_step_of_recovering_from_a_crash_does_not_harm() {
    for machine in [small_pages(Machine::new(2)), small_pages(Machine::mirrored(2))] {
        for step in (0..steps(&machine)).step_by(9) {
            let (told, fs) = stopped_at(&machine, step);
            fs.lose_power(step);
            stopped_recoveries(&machine, &fs, |fs, further| {
                fs.lose_power(further);
                let what = format!("step {step}, then step {further} of recovering");
                let vault = machine
                    .with_files(fs)
                    .try_open()
                    .unwrap_or_else(|error| panic!("{what}: {error}"));
                told.check(&vault, &what);
            });
        }
    }
}

/// The nastiest case: a process dies between writing a slot and its sync. The next one reads the new
/// secret, and must not build on it before it is on the medium.
#[test]
fn a_power_loss_after_the_death_of_a_process_does_not_harm() {
    let machine = small_pages(Machine::new(2));
    let slots = machine.dirs()[0].join("slots");
    let unsynced = (0..steps(&machine)).filter_map(|step| {
        let (told, fs) = stopped_at(&machine, step);
        fs.is_unsynced(&slots).then_some((step, told, fs))
    });
    let mut cases = 0;
    for (step, told, fs) in unsynced.step_by(3) {
        stopped_recoveries(&machine, &fs, |fs, further| {
            if !fs.is_unsynced(&slots) {
                return;
            }
            cases += 1;
            for seed in 0..60 {
                let fs = fs.copy();
                fs.lose_power(seed);
                let what = format!("step {step}, then step {further} of recovering, seed {seed}");
                let vault = machine
                    .with_files(fs)
                    .try_open()
                    .unwrap_or_else(|error| panic!("{what}: {error}"));
                told.check(&vault, &what);
            }
        });
    }
    assert!(cases >= 10, "{cases} cases");
}

#[test]
fn any_one_directory_is_enough_after_a_crash() {
    let machine = small_pages(Machine::mirrored(3));
    for step in 0..steps(&machine) {
        let (told, fs) = stopped_at(&machine, step);
        for lost in [DIR, MIRROR] {
            let fs = fs.copy();
            fs.lose_power(step);
            fs.take_all(lost.as_ref());
            let what = format!("step {step}, without {lost}");
            let vault =
                machine.with_files(fs).try_open().unwrap_or_else(|error| panic!("{what}: {error}"));
            told.check(&vault, &what);
        }
    }
}

#[test]
fn after_a_failed_write_existing_keys_work_and_changes_are_refused() {
    let machine = Machine::new(4);
    let vault = machine.open();
    let record = run(vault.seal(day(1, 1), AAD, b"x")).unwrap();
    machine.fs.fail_at(machine.fs.steps());
    assert!(matches!(run(vault.seal(day(1, 2), AAD, b"x")), Err(VaultError::Io { .. })));
    let refused = run(vault.destroy(|_| true)).unwrap_err();
    assert!(
        matches!(&refused, VaultError::Stopped(cause) if matches!(**cause, VaultError::Io { .. }))
    );
    assert!(refused.to_string().contains("before a restart"));
    assert!(run(vault.blind_key(AppNumber(1))).is_err());
    assert!(vault.seal_now(day(1, 1), AAD, b"y").is_some());
    assert_eq!(vault.open_record(AAD, &record), Ok(Opened::Plain(b"x".to_vec())));
    drop(vault);

    machine.fs.kill_process();
    let vault = machine.open();
    assert_eq!(vault.open_record(AAD, &record), Ok(Opened::Plain(b"x".to_vec())));
}

#[test]
fn a_destruction_that_waits_to_be_gathered_is_told_of_a_failure() {
    let mut machine = Machine::new(4);
    machine.options.tuning.destroy_interval = std::time::Duration::from_secs(3600);
    let vault = machine.open();
    run(vault.prepare(&[day(1, 0), day(1, 1)])).unwrap();
    run(vault.destroy(|scope| *scope == day(1, 0))).unwrap();
    run(async {
        let mut waiting = Box::pin(vault.destroy(|scope| *scope == day(1, 1)));
        assert!(poll_once(&mut waiting).await.is_none());
        machine.fs.fail_at(machine.fs.steps());
        assert!(vault.seal(day(1, 2), AAD, b"x").await.is_err());
        assert!(waiting.await.is_err());
    });
}

#[test]
fn old_files_with_the_present_slots_open_nothing_that_was_destroyed() {
    let machine = small_pages(Machine::new(5));
    let vault = machine.open();
    let records: Vec<_> = (0..8).map(|n| run(vault.seal(day(1, n), AAD, b"x")).unwrap()).collect();
    let backup = machine.fs.copy();
    run(vault.destroy(|scope| *scope == day(1, 4))).unwrap();
    drop(vault);
    let slots = machine.dirs()[0].join("slots");
    let present = machine.fs.content(&slots).unwrap();

    // The old files alone, and the old ones put back beside or over the present ones.
    backup.put(&slots, &present);
    assert!(machine.with_files(backup.copy()).try_open().is_err());
    let both = machine.fs.copy();
    for (path, bytes) in backup.all() {
        both.put(&path, &bytes);
    }
    let vault = machine.with_files(both).open();
    for (n, record) in records.iter().enumerate() {
        let wanted = if n == 4 { Opened::Destroyed } else { Opened::Plain(b"x".to_vec()) };
        assert_eq!(vault.open_record(AAD, record), Ok(wanted));
    }
}

#[test]
fn dropping_the_vault_completes_destructions_that_wait_to_be_gathered() {
    let mut machine = Machine::new(6);
    machine.options.tuning.destroy_interval = std::time::Duration::from_secs(3600);
    let vault = Arc::new(machine.open());
    let records: Vec<_> = (0..2).map(|n| run(vault.seal(day(1, n), AAD, b"x")).unwrap()).collect();
    run(vault.destroy(|scope| *scope == day(1, 0))).unwrap();
    run(async {
        let mut second = Box::pin(vault.destroy(|scope| *scope == day(1, 1)));
        // Asks, and does not wait for the hour to be over.
        assert!(poll_once(&mut second).await.is_none());
    });
    assert_eq!(vault.open_record(AAD, &records[1]), Ok(Opened::Plain(b"x".to_vec())));
    drop(vault);
    let vault = machine.open();
    assert!(records.iter().all(|record| vault.open_record(AAD, record) == Ok(Opened::Destroyed)));
}

/// Polls a future once.
async fn poll_once<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(cx) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
