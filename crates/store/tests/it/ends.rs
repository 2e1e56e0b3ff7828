//! What ends at a moment: readable to the last millisecond that its class keeps it, then gone with its key, in every copy.
//!
//! A class room stands for all of them. There is none yet, so the space of its rows is made here; the rest is the store's.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use stoa_core::{ChatSettings, ManualClock, Operator, SeededEntropy, Timestamp};
use stoa_store::classes::{CLASS_ROOM, MESSAGE, USER_INFORMATION};
use stoa_store::engine::{Direction, Engine, Faults, Span};
use stoa_store::receipts::{Act, Checker, Covered, Receipt};
use stoa_store::spaces::{Owner, Part, Space};
use stoa_store::{AppStore, Blind, Bucket, Key, Store, StoreError, spaces};
use stoa_vault::{Opened, Vault};

use crate::world::{World, app, get, put, user};

const NOW: u64 = 1_800_000_000_000;
const HOUR: Duration = Duration::from_secs(3600);
const MILLI: Duration = Duration::from_millis(1);

/// What is said in a class.
static SAID: Space = Space {
    code: 200,
    name: "said_in_class",
    class: &CLASS_ROOM,
    owner: Owner::App,
    layout: &[Part::Blind("room"), Part::Number("sequence")],
    value: "1: text",
    readers: "these tests",
};

fn at(later: Duration) -> Timestamp {
    Timestamp::from_millis(NOW).plus(later)
}

async fn keep(store: &Store) -> Result<usize, StoreError> {
    let clock = Arc::new(ManualClock::new(at(Duration::ZERO)));
    store.keep_receipts(&Operator::of_this_process(), clock, &SeededEntropy::new(7)).await
}

fn room(app: &AppStore, name: &str) -> Blind {
    app.blind("class room", &[name.as_bytes()])
}

fn said(app: &AppStore, room: Blind, seq: u64) -> Key {
    app.key(&SAID).blind(room).number(seq).done()
}

/// Says three things in a class room.
async fn teach(app: &AppStore, name: &str) -> Blind {
    let room = room(app, name);
    for seq in 0..3 {
        put(app, &said(app, room, seq), Bucket::Object(room.0), b"the answer is 42").await;
    }
    room
}

async fn end(app: &AppStore, room: Blind, moment: Timestamp) -> Result<bool, StoreError> {
    app.transact(|mut txn| async move {
        let noted = txn.end_object(&CLASS_ROOM, room, moment).await?;
        Ok::<_, StoreError>(txn.done(noted))
    })
    .await
}

async fn sweep(store: &Store, apps: &[&AppStore], now: Timestamp) -> Result<usize, StoreError> {
    let apps = apps.iter().map(|app| ((*app).clone(), ChatSettings::default())).collect::<Vec<_>>();
    store.end_objects(&apps, now).await
}

/// Whether whoever reads in the room at `now` is told that it is over.
async fn is_over(app: &AppStore, room: Blind, now: Timestamp) -> bool {
    let end = app.end_of(&mut app.read().await.unwrap(), &CLASS_ROOM, room).await.unwrap();
    end.is_some_and(|end| end.is_over(&CLASS_ROOM, &ChatSettings::default(), now))
}

async fn rows(engine: &dyn Engine) -> Vec<(Bytes, Bytes)> {
    let view = engine.snapshot().await.unwrap();
    view.scan(&Span::all(), Direction::Forward, usize::MAX).await.unwrap()
}

async fn copy(engine: &dyn Engine, space: &Space) -> Vec<(Bytes, Bytes)> {
    let mut rows = rows(engine).await;
    rows.retain(|(key, _)| key[0] == space.code);
    rows
}

fn opens(vault: &Vault, (key, record): &(Bytes, Bytes)) -> bool {
    matches!(vault.open_record(key, record).unwrap(), Opened::Plain(_))
}

/// The receipts, which are whole.
async fn receipts(store: &Store) -> Vec<Receipt> {
    let operator = Operator::of_this_process();
    let mut checker = Checker::new(store.receipts_key().unwrap());
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let page = store.receipts(&operator, after).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.receipt.number;
        page.iter().for_each(|signed| checker.take(signed).unwrap());
        all.extend(page.into_iter().map(|signed| signed.receipt));
    }
    checker.take(&store.receipts_end(&operator).await.unwrap()).unwrap();
    checker.finish().unwrap();
    all
}

#[tokio::test]
async fn a_class_room_is_there_for_an_hour_after_its_end_and_then_nowhere() {
    for world in [World::memory().await, World::embedded().await] {
        let (store, app) = (&world.store, &world.a);
        keep(store).await.unwrap();
        let (algebra, biology) = (teach(app, "algebra").await, teach(app, "biology").await);
        let copy = copy(world.engine(), &SAID).await;
        let ended = at(2 * HOUR);
        assert!(!is_over(app, algebra, at(100 * HOUR)).await, "nobody said when it ends");
        assert!(end(app, algebra, ended).await.unwrap());

        let last = ended.plus(HOUR).minus(MILLI);
        assert!(!is_over(app, algebra, last).await);
        assert_eq!(sweep(store, &[app, &world.b], last).await.unwrap(), 0);
        assert_eq!(get(app, &said(app, algebra, 0)).await.unwrap(), b"the answer is 42");

        let over = ended.plus(HOUR);
        assert!(is_over(app, algebra, over).await, "also before any sweep");
        assert_eq!(sweep(store, &[app, &world.b], over).await.unwrap(), 1);
        assert_eq!(get(app, &said(app, algebra, 0)).await, None);
        assert!(get(app, &said(app, biology, 0)).await.is_some(), "another one goes on");
        let opened = copy.iter().filter(|row| opens(&world.vault, row)).count();
        assert_eq!((copy.len(), opened), (6, 3), "a copy opens what is of the other one");

        let receipts = receipts(store).await;
        let [receipt] = &*receipts else { panic!("one receipt: {receipts:?}") };
        assert_eq!((receipt.act(), receipt.covered()), (Act::Destroyed, Covered::Object));
        assert_eq!((receipt.class, &*receipt.object), (8, &algebra.0[..]));
        assert_eq!((receipt.app, receipt.key_count, receipt.records), (1, 1, 3));
        let left = [&spaces::OBJECT_ENDS, &spaces::ENDS_BY_TIME];
        for space in left {
            let rows = self::copy(world.engine(), space).await;
            assert!(rows.is_empty(), "nothing is written down any more: {}", space.name);
        }
        assert_eq!(sweep(store, &[app, &world.b], at(1000 * HOUR)).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn an_end_that_was_put_off_counts_from_its_new_moment_and_one_that_is_over_stays() {
    let world = World::memory().await;
    let (store, app) = (&world.store, &world.a);
    let algebra = teach(app, "algebra").await;
    assert!(end(app, algebra, at(HOUR)).await.unwrap());
    assert!(end(app, algebra, at(5 * HOUR)).await.unwrap());
    assert_eq!(sweep(store, &[app], at(6 * HOUR).minus(MILLI)).await.unwrap(), 0);
    assert!(end(app, algebra, at(3 * HOUR)).await.unwrap(), "and sooner again");
    assert!(!is_over(app, algebra, at(4 * HOUR).minus(MILLI)).await);
    assert!(is_over(app, algebra, at(4 * HOUR)).await);
    assert_eq!(copy(world.engine(), &spaces::ENDS_BY_TIME).await.len(), 1);

    // Its key is being destroyed, and whoever does it dies before that is said: nobody puts it off any more.
    let faults = Faults { after_commit: 1000, ..Faults::default() };
    let faulty = faults.over(world.fixture.engine.clone(), Arc::new(SeededEntropy::new(1)));
    let dying = Store::open(faulty, world.vault.clone());
    let of_dying = self::app(&dying, 1).await;
    sweep(&dying, &[&of_dying], at(4 * HOUR)).await.unwrap_err();
    assert!(!end(app, algebra, at(50 * HOUR)).await.unwrap());
    assert!(is_over(app, algebra, at(Duration::ZERO)).await, "also with a clock that was set back");
    assert_eq!(sweep(store, &[app], at(4 * HOUR)).await.unwrap(), 1);
    assert_eq!(get(app, &said(app, algebra, 0)).await, None);
}

#[tokio::test]
async fn what_belongs_to_nobody_in_particular_has_no_end_of_its_own() {
    let world = World::memory().await;
    let app = &world.a;
    let room = room(app, "algebra");
    let refused = app.transact(|mut txn| async move {
        let noted = txn.end_object(&MESSAGE, room, at(HOUR)).await?;
        Ok::<_, StoreError>(txn.done(noted))
    });
    assert!(matches!(refused.await, Err(StoreError::Misuse(_))));
}

/// Hundreds end at once, in two apps, and several come to end them.
#[tokio::test]
async fn many_end_in_few_steps_with_one_receipt_for_each_whoever_asks() {
    let world = World::memory().await;
    let (store, a, b) = (&world.store, &world.a, &world.b);
    keep(store).await.unwrap();
    for n in 0..300 {
        for app in [a, b] {
            let room = room(app, &n.to_string());
            put(app, &said(app, room, 0), Bucket::Object(room.0), b"hello").await;
            end(app, room, at(Duration::from_millis(n))).await.unwrap();
        }
    }
    let over = at(2 * HOUR);
    let (all, of_a, of_b) = ([a, b], [a], [b]);
    let (one, two, three) = tokio::join!(
        sweep(store, &all, over),
        sweep(store, &of_b, over),
        sweep(store, &of_a, over)
    );
    assert_eq!(one.unwrap() + two.unwrap() + three.unwrap(), 600);
    let receipts = receipts(store).await;
    let mut objects: Vec<_> = receipts.iter().map(|one| (one.app, one.object.clone())).collect();
    objects.sort_unstable();
    objects.dedup();
    assert_eq!((receipts.len(), objects.len()), (600, 600));
    assert!(copy(world.engine(), &SAID).await.iter().all(|row| !opens(&world.vault, row)));
}

/// Every commit is lost, written without an answer, or refused, now and then: the next life goes on with it, and in the end
/// there is what an undisturbed one leaves.
#[tokio::test]
async fn whoever_dies_anywhere_in_it_leaves_it_to_the_next() {
    async fn beginning() -> (World, Vec<(Bytes, Bytes)>) {
        let world = World::memory().await;
        keep(&world.store).await.unwrap();
        for name in ["alice", "bob"] {
            let (key, bucket) = user(&world.a, name);
            put(&world.a, &key, bucket, name.as_bytes()).await;
            let blind = world.a.blind("user", &[name.as_bytes()]);
            let device = world.a.blind("device", &[b"phone"]);
            let key = world.a.key(&spaces::DEVICES).blind(blind).blind(device).done();
            put(&world.a, &key, bucket, b"a phone").await;
        }
        let copy = rows(world.engine()).await;
        let alice = world.a.blind("user", &[b"alice"]);
        let noted = world.a.transact(|mut txn| async move {
            txn.end_object(&USER_INFORMATION, alice, at(Duration::ZERO)).await?;
            Ok::<_, StoreError>(txn.done(()))
        });
        noted.await.unwrap();
        (world, copy)
    }
    let keys = |rows: Vec<(Bytes, Bytes)>| rows.into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    let (world, _) = beginning().await;
    assert_eq!(sweep(&world.store, &[&world.a], at(Duration::ZERO)).await.unwrap(), 1);
    let undisturbed = keys(rows(world.engine()).await);
    let of_users = |keys: &[Bytes]| {
        keys.iter()
            .filter(|key| [spaces::USERS.code, spaces::DEVICES.code].contains(&key[0]))
            .count()
    };
    assert_eq!(of_users(&undisturbed), 2, "the rows of the one are gone, and bob's are there");
    let mut died = 0;
    for seed in 0..30 {
        let (world, copy) = beginning().await;
        let faults = match seed % 3 {
            0 => Faults { lost_commit: 200, ..Faults::default() },
            1 => Faults { after_commit: 200, ..Faults::default() },
            _ => Faults { before_commit: 200, ..Faults::default() },
        };
        let entropy = Arc::new(SeededEntropy::new(seed));
        loop {
            let faulty = faults.over(world.fixture.engine.clone(), entropy.clone());
            let store = Store::open(faulty, world.vault.clone());
            if keep(&store).await.is_err() {
                continue;
            }
            let app = app(&store, 1).await;
            match sweep(&store, &[&app], at(Duration::ZERO)).await {
                Ok(_) => break,
                Err(_) => died += 1,
            }
        }
        let store = Store::open(world.fixture.engine.clone(), world.vault.clone());
        keep(&store).await.unwrap();
        assert_eq!(keys(rows(world.engine()).await), undisturbed, "seed {seed}");
        assert_eq!(receipts(&store).await.len(), 1, "seed {seed}");
        let opened = copy.iter().filter(|row| opens(&world.vault, row));
        let opened = opened.map(|(key, _)| key.clone()).collect::<Vec<_>>();
        assert_eq!(of_users(&opened), 2, "seed {seed}: bob's alone");
    }
    assert!(died > 15, "{died}");
}
