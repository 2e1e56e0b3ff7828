//! Receipts: each destruction leaves one, whatever happens in between, and nobody changes or leaves out one unnoticed.

use std::sync::Arc;

use stoa_core::{AppNumber, Day, ManualClock, Operator, SeededEntropy, Timestamp};
use stoa_store::engine::{Engine, Faults};
use stoa_store::receipts::{Act, Broken, Checker, Covered, Receipt, Signed, Whole};
use stoa_store::{Bucket, Store, StoreError, classes, spaces};
use stoa_vault::Vault;

use crate::world::{World, app, put, scope, user};

const NOW: u64 = 1_800_000_000_000;

async fn keep(store: &Store) -> Result<usize, StoreError> {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(NOW)));
    store.keep_receipts(&Operator::of_this_process(), clock, &SeededEntropy::new(7)).await
}

async fn all(store: &Store) -> Vec<Signed> {
    let operator = Operator::of_this_process();
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let page = store.receipts(&operator, after).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.receipt.number;
        all.extend(page);
    }
    all.push(store.receipts_end(&operator).await.unwrap());
    all
}

fn check(store: &Store, receipts: &[Signed]) -> Result<Whole, Broken> {
    let mut checker = Checker::new(store.receipts_key().unwrap());
    receipts.iter().try_for_each(|receipt| checker.take(receipt))?;
    checker.finish()
}

/// Messages of five days, two users and the audit log of a month.
async fn fill(store: &Store) {
    let app = app(store, 1).await;
    for day in 0..5 {
        for seq in 0..=u64::from(day) {
            let log = app.key(&spaces::MESSAGES).blind(app.blind("c", &[b"c"]));
            let key = log.number(u64::from(day) * 10 + seq).done();
            put(&app, &key, Bucket::Day(Day(day)), b"hello").await;
        }
    }
    for name in ["alice", "bob"] {
        let (key, bucket) = user(&app, name);
        put(&app, &key, bucket, name.as_bytes()).await;
    }
    put(&app, &app.key(&spaces::AUDIT_ENTRIES).number(1).done(), Bucket::Month(600), b"x").await;
}

fn days(range: std::ops::Range<u32>) -> Vec<(AppNumber, &'static classes::DataClass, Day)> {
    range.map(|day| (AppNumber(1), &classes::MESSAGE, Day(day))).collect()
}

#[tokio::test]
async fn every_destruction_leaves_a_signed_receipt_that_names_nobody() {
    let operator = Operator::of_this_process();
    for world in [World::memory().await, World::embedded().await] {
        let store = &world.store;
        keep(store).await.unwrap();
        fill(store).await;
        let app = app(store, 1).await;
        assert_eq!(store.destroy_days(&operator, &days(0..2)).await.unwrap(), 2);
        assert_eq!(store.destroy_days(&operator, &days(0..2)).await.unwrap(), 0, "they are gone");
        let (_, alice) = user(&app, "alice");
        app.destroy(&classes::USER_INFORMATION, alice).await.unwrap();
        app.destroy(&classes::AUDIT, Bucket::Month(600)).await.unwrap();
        store.removed(AppNumber(1), &classes::MESSAGE, Day(1), 3).await.unwrap();
        assert_eq!(store.destroy_app(&operator, AppNumber(1)).await.unwrap(), 5);

        let receipts = all(store).await;
        let whole = Whole { first: 1, last: 6, ended: Some(Timestamp::from_millis(NOW)) };
        assert_eq!(check(store, &receipts), Ok(whole));
        let told: Vec<_> = receipts
            .iter()
            .map(|Signed { receipt: r, .. }| {
                (r.act(), r.covered(), r.bucket, r.key_count, r.records)
            })
            .collect();
        let expected = [
            (Act::Destroyed, Covered::Day, 0, 1, 1),
            (Act::Destroyed, Covered::Day, 1, 1, 2),
            (Act::Destroyed, Covered::Object, 0, 1, 1),
            (Act::Destroyed, Covered::Month, 600, 1, 1),
            (Act::Removed, Covered::Day, 1, 0, 3),
            (Act::Destroyed, Covered::App, 0, 4, 13),
            (Act::End, Covered::Unknown, 0, 0, 0),
        ];
        assert_eq!(told, expected);
        let Bucket::Object(blind) = alice else { unreachable!() };
        assert_eq!(receipts[2].receipt.object, blind);
        assert!(receipts[..6].iter().all(|r| r.receipt.app == 1 && r.receipt.at_ms == NOW));
        // The same after a restart, with nothing left to complete.
        let again = Store::open(world.fixture.engine.clone(), world.vault.clone());
        assert_eq!(keep(&again).await.unwrap(), 0);
        assert_eq!(all(&again).await, receipts);
    }
}

#[tokio::test]
async fn what_is_changed_moved_or_left_out_is_found() {
    let operator = Operator::of_this_process();
    let world = World::memory().await;
    let store = &world.store;
    keep(store).await.unwrap();
    fill(store).await;
    store.destroy_days(&operator, &days(0..4)).await.unwrap();
    let receipts = all(store).await;
    assert!(check(store, &receipts).is_ok());

    let with = |change: &dyn Fn(&mut Vec<Signed>)| {
        let mut changed = receipts.clone();
        change(&mut changed);
        check(store, &changed).unwrap_err()
    };
    type Change = fn(&mut Receipt);
    let changes: [Change; 9] = [
        |r| r.at_ms += 1,
        |r| r.act = Act::Removed.into(),
        |r| r.app = 2,
        |r| r.class = 2,
        |r| r.covered = Covered::Month.into(),
        |r| r.bucket += 1,
        |r| r.keys.clear(),
        |r| r.key_count += 1,
        |r| r.records += 1,
    ];
    for change in changes {
        assert_eq!(with(&|all| change(&mut all[1].receipt)), Broken::Signature(2));
    }
    let missing = |expected, found| Broken::Missing { expected, found };
    assert_eq!(with(&|all| drop(all.remove(0))), missing(1, 2));
    assert_eq!(with(&|all| drop(all.remove(2))), missing(3, 4));
    assert_eq!(with(&|all| all.swap(1, 2)), missing(2, 3));
    assert!(matches!(with(&|all| drop(all.remove(3))), Broken::End(_)), "the last one");
    assert!(matches!(with(&|all| drop(all.pop())), Broken::End(_)), "the end");
    assert!(matches!(with(&|all| all.push(all[0].clone())), Broken::End(_)), "more behind it");

    // Another data centre's are not ours, though each of them is sound.
    let other = World::memory().await;
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(NOW)));
    other.store.keep_receipts(&operator, clock, &SeededEntropy::new(8)).await.unwrap();
    assert_eq!(check(&other.store, &receipts), Err(Broken::Signature(1)));
}

/// A commit is lost, or written without an answer, or the process is gone between two steps: after the next start each
/// key that is gone has one receipt, and each key that is there has none.
#[tokio::test]
async fn whoever_dies_between_destruction_and_receipt_writes_it_at_the_next_start() {
    let operator = Operator::of_this_process();
    let (mut failed, mut completed) = (0, 0);
    for seed in 0..40 {
        let world = World::memory().await;
        keep(&world.store).await.unwrap();
        fill(&world.store).await;
        let faults = Faults { lost_commit: 250, after_commit: 250, ..Faults::default() };
        let entropy = Arc::new(SeededEntropy::new(seed));
        let faulty = faults.over(world.fixture.engine.clone(), entropy);
        let store = Store::open(faulty as Arc<dyn Engine>, world.vault.clone());
        while keep(&store).await.is_err() {}
        let victim = app(&store, 1).await;
        failed += usize::from(store.destroy_days(&operator, &days(0..3)).await.is_err());
        let (_, alice) = user(&victim, "alice");
        failed += usize::from(victim.destroy(&classes::USER_INFORMATION, alice).await.is_err());
        drop((victim, store));

        let store = Store::open(world.fixture.engine.clone(), world.vault.clone());
        completed += keep(&store).await.unwrap();
        let receipts = all(&store).await;
        check(&store, &receipts).unwrap();
        let named: Vec<u64> =
            receipts.iter().flat_map(|signed| signed.receipt.keys.clone()).collect();
        let mut once = named.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), named.len(), "seed {seed}: one receipt for each");
        assert!(named.iter().all(|id| !exists(&world.vault, *id)), "seed {seed}");
        let app = scope(1);
        assert_eq!(8 - named.len(), keys_of(&world.vault, &app), "seed {seed}: none is missing");
    }
    assert!(failed > 10 && completed > 5, "{failed} failed, {completed} were completed");
}

fn exists(vault: &Vault, id: u64) -> bool {
    vault.keys().iter().any(|key| key.id.0 == id)
}

fn keys_of(vault: &Vault, scope: &impl stoa_core::AppScope) -> usize {
    vault.keys().iter().filter(|key| key.scope.app == scope.app().number).count()
}

/// The vault's lock is free when nobody has the store any more.
#[tokio::test]
async fn a_store_that_keeps_receipts_is_dropped_with_its_last_owner() {
    let World { store, vault, a, b, fixture } = World::memory().await;
    keep(&store).await.unwrap();
    drop((store, a, b, fixture));
    assert!(Arc::into_inner(vault).is_some());
}
