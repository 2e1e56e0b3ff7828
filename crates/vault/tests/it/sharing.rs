//! Many tasks, one vault: shared syncs, one process, futures that can move between threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stoa_core::AppNumber;
use stoa_vault::{Opened, Vault, VaultError};

use crate::support::{AAD, Machine, day, run, seal};

/// Lets `tasks` all ask at once while syncs are held back, then lets them go.
fn at_once<F>(machine: &Machine, tasks: u32, ask: impl Fn(u32) -> F)
where
    F: Future<Output = ()> + 'static,
{
    let asked = Arc::new(AtomicUsize::new(0));
    machine.fs.pause_syncs();
    let local = tokio::task::LocalSet::new();
    run(local.run_until(async {
        let all: Vec<_> = (0..tasks)
            .map(|n| {
                let (asked, ask) = (Arc::clone(&asked), ask(n));
                tokio::task::spawn_local(async move {
                    // The request is sent in the first poll, which is this one.
                    asked.fetch_add(1, Ordering::SeqCst);
                    ask.await;
                })
            })
            .collect();
        while asked.load(Ordering::SeqCst) < all.len() {
            tokio::task::yield_now().await;
        }
        machine.fs.resume_syncs();
        for task in all {
            task.await.unwrap();
        }
    }));
}

#[test]
fn tasks_that_need_keys_at_once_share_the_sync() {
    for (machine, dirs) in [(Machine::new(1), 1), (Machine::mirrored(1), 2)] {
        let vault = Arc::new(machine.open());
        let before = machine.fs.syncs();
        at_once(&machine, 200, |n| {
            let vault = Arc::clone(&vault);
            async move {
                vault.seal(day(1, n), AAD, b"x").await.unwrap();
            }
        });
        assert_eq!(vault.keys().len(), 200);
        let syncs = machine.fs.syncs() - before;
        // The first may go alone; all others gather while it is synced.
        assert!(syncs <= 2 * dirs, "{syncs} syncs");
    }
}

#[test]
fn tasks_that_need_the_same_key_make_it_once() {
    let machine = Machine::new(2);
    let vault = Arc::new(machine.open());
    at_once(&machine, 50, |_| {
        let vault = Arc::clone(&vault);
        async move {
            vault.seal(day(1, 1), AAD, b"x").await.unwrap();
            vault.blind_key(AppNumber(1)).await.unwrap();
        }
    });
    assert_eq!(vault.keys().len(), 1);
}

#[test]
fn destructions_at_once_share_a_generation() {
    let machine = Machine::new(3);
    let vault = Arc::new(machine.open());
    let records: Vec<_> = (0..40).map(|n| seal(&vault, day(1, n), b"x")).collect();
    let generation = || {
        let names = machine.fs.all().into_iter().map(|(path, _)| path);
        let tables = names.filter_map(|p| p.to_str()?.strip_prefix("/keys/table.")?.parse().ok());
        tables.max().unwrap_or(0_u64)
    };
    let before = generation();
    at_once(&machine, 40, |n| {
        let vault = Arc::clone(&vault);
        async move {
            let destroyed = vault.destroy(move |scope| *scope == day(1, n)).await.unwrap();
            assert_eq!(destroyed.keys.len(), 1);
        }
    });
    assert!(generation() - before <= 2);
    assert!(records.iter().all(|r| vault.open_record(AAD, r) == Ok(Opened::Destroyed)));
}

#[test]
fn an_existing_key_works_while_a_sync_takes_long() {
    let machine = Machine::new(4);
    let vault = Arc::new(machine.open());
    let record = seal(&vault, day(1, 1), b"x");
    machine.fs.pause_syncs();
    let waiting = std::thread::spawn({
        let vault = Arc::clone(&vault);
        move || {
            run(vault.seal(day(1, 2), AAD, b"x")).unwrap();
            run(vault.destroy(|scope| *scope == day(1, 1))).unwrap();
        }
    });
    for _ in 0..100 {
        assert!(vault.seal_now(day(1, 1), AAD, b"y").is_some());
        assert_eq!(vault.open_record(AAD, &record), Ok(Opened::Plain(b"x".to_vec())));
        assert!(vault.seal_now(day(1, 2), AAD, b"y").is_none(), "not before it is durable");
    }
    machine.fs.resume_syncs();
    waiting.join().unwrap();
    assert_eq!(vault.open_record(AAD, &record), Ok(Opened::Destroyed));
}

#[test]
fn a_vault_is_open_once_at_a_time() {
    let machine = Machine::mirrored(5);
    let vault = machine.open();
    let refused = machine.try_open().err().unwrap();
    assert!(matches!(refused, VaultError::InUse { .. }));
    assert!(refused.to_string().contains("the vault /keys is in use by another process"));
    let mut mirror = machine.clone();
    (mirror.options.dir, mirror.options.mirrors) = ("/mirror/keys".into(), vec![]);
    assert!(matches!(mirror.try_open(), Err(VaultError::InUse { .. })));
    drop(vault);
    machine.open();
}

#[test]
fn what_is_open_to_others_is_refused_with_what_to_do() {
    let machine = Machine::new(6);
    drop(machine.open());
    let dir = machine.dirs()[0];
    for mode in [0o750, 0o705, 0o701] {
        machine.fs.set_mode(dir, mode);
        let message = machine.try_open().err().unwrap().to_string();
        assert!(message.ends_with("run: chmod 700 /keys"), "{message}");
    }
    machine.fs.set_mode(dir, 0o700);
    for (path, _) in machine.fs.all() {
        machine.fs.set_mode(&path, 0o640);
        let message = machine.try_open().err().unwrap().to_string();
        assert!(message.ends_with(&format!("run: chmod 600 {}", path.display())), "{message}");
        machine.fs.set_mode(&path, 0o600);
    }
    machine.open();
}

#[test]
fn futures_may_move_between_threads() {
    fn movable<T: Send>(_: &T) {}
    let vault = Vault::in_memory(
        Arc::new(stoa_core::ManualClock::default()),
        Arc::new(stoa_core::SeededEntropy::new(1)),
    );
    movable(&vault);
    movable(&vault.seal(day(1, 1), AAD, b"x"));
    movable(&vault.blind_key(AppNumber(1)));
    movable(&vault.destroy(|_| true));
    movable(&vault.prepare(&[]));
    assert!(size_of_val(&vault.seal(day(1, 1), AAD, b"x")) < 512);
    assert!(Duration::ZERO < stoa_vault::Tuning::default().destroy_interval);
}
