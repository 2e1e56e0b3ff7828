//! Sealed records: what they hide, where they open, and when they are gone.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use stoa_core::{AppNumber, Day, Operator};
use stoa_store::engine::{Direction, Embedded, EmbeddedOptions, Engine, Memory, Span};
use stoa_store::{AppStore, Bucket, Key, KeyRange, Reader, Store, StoreError, classes, spaces};

use crate::world::{self, World, get, put, user};

const TODAY: Bucket = Bucket::Day(Day(20_000));
const TOMORROW: Bucket = Bucket::Day(Day(20_001));

fn messages(app: &AppStore) -> KeyRange {
    app.key(&spaces::MESSAGES).blind(app.blind("conversation", &[b"c"])).all()
}

fn message(app: &AppStore, seq: u64) -> Key {
    app.key(&spaces::MESSAGES).blind(app.blind("conversation", &[b"c"])).number(seq).done()
}

async fn scan(app: &AppStore, range: &KeyRange, direction: Direction, limit: usize) -> Vec<u64> {
    let mut read = app.read().await.unwrap();
    let rows = Reader::scan(&mut read, range, direction, limit).await.unwrap();
    rows.iter().map(|(key, _)| key.number(1)).collect()
}

/// Every stored pair, as whoever copies the files has it.
async fn stored(world: &World) -> Vec<(Vec<u8>, Vec<u8>)> {
    let view = world.engine().snapshot().await.unwrap();
    let rows = view.scan(&Span::all(), Direction::Forward, usize::MAX).await.unwrap();
    rows.into_iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

async fn store(world: &World, key: Vec<u8>, record: Vec<u8>) {
    let mut txn = world.engine().begin().await.unwrap();
    txn.put(key, record);
    txn.commit().await.unwrap();
}

#[tokio::test]
async fn what_was_put_is_read_back() {
    for world in [World::memory().await, World::embedded().await] {
        let app = &world.a;
        let (alice, bucket) = user(app, "alice");
        assert_eq!(get(app, &alice).await, None);
        put(app, &alice, bucket, b"hello").await;
        put(app, &alice, bucket, b"hello again").await;
        assert_eq!(get(app, &alice).await.unwrap(), b"hello again");
        for seq in 1..=5 {
            put(app, &message(app, seq), TODAY, b"").await;
        }
        let range = messages(app);
        assert_eq!(scan(app, &range, Direction::Forward, 9).await, [1, 2, 3, 4, 5]);
        assert_eq!(scan(app, &range, Direction::Backward, 2).await, [5, 4]);
        let rest = range.clone().below(&message(app, 4));
        assert_eq!(scan(app, &rest, Direction::Backward, 2).await, [3, 2]);
        let rest = range.clone().above(&message(app, 4));
        assert_eq!(scan(app, &rest, Direction::Forward, 2).await, [5]);
        assert_eq!(scan(app, &range, Direction::Forward, 0).await, [0; 0]);
        let alice = &alice;
        app.transact(|mut txn| async move {
            txn.delete(alice)?;
            assert!(!txn.exists(alice).await?);
            Ok::<_, StoreError>(txn.done(()))
        })
        .await
        .unwrap();
        assert_eq!(get(app, alice).await, None);
    }
}

#[tokio::test]
async fn an_app_sees_its_own_records_alone() {
    let world = World::memory().await;
    let (World { a, b, .. }, operator) = (&world, Operator::of_this_process());
    let ((of_a, bucket), (of_b, _)) = (user(a, "alice"), user(b, "alice"));
    assert_ne!(a.blind("user", &[b"alice"]), b.blind("user", &[b"alice"]));
    put(a, &of_a, bucket, b"a's").await;
    assert_eq!(get(b, &of_b).await, None);
    let everything_of_b = b.key(&spaces::USERS).all();
    let read = b.read().await.unwrap();
    assert!(read.scan(&everything_of_b, Direction::Forward, 9).await.unwrap().is_empty());
    // Even with a key that the other app's handle formed.
    assert!(matches!(read.get(&of_a).await, Err(StoreError::Misuse(_))));
    let range_of_a = a.key(&spaces::USERS).all();
    let foreign = read.scan(&range_of_a, Direction::Forward, 9).await;
    assert!(matches!(foreign, Err(StoreError::Misuse(_))));
    let platform = world.store.platform(&operator).await.unwrap();
    let read = platform.read().await.unwrap();
    assert!(matches!(read.get(&of_a).await, Err(StoreError::Misuse(_))));
}

#[tokio::test]
async fn nothing_is_stored_in_clear() {
    let world = World::memory().await;
    let (key, bucket) = user(&world.a, "alice-in-clear");
    put(&world.a, &key, bucket, b"alice-in-clear says hello").await;
    put(&world.a, &message(&world.a, 1), TODAY, b"alice-in-clear says hello").await;
    for (key, record) in stored(&world).await {
        for bytes in [key, record] {
            for word in [&b"alice"[..], b"hello", b"clear"] {
                assert!(!bytes.windows(word.len()).any(|window| window == word));
            }
        }
    }
}

#[tokio::test]
async fn the_same_text_is_never_the_same_record() {
    let world = World::memory().await;
    for seq in 1..=100 {
        put(&world.a, &message(&world.a, seq), TODAY, b"the same").await;
    }
    let mut records: Vec<_> = stored(&world).await.into_iter().map(|(_, record)| record).collect();
    let nonces = |record: &Vec<u8>| record[9..21].to_vec();
    records.sort_unstable_by_key(nonces);
    assert!(records.windows(2).all(|pair| nonces(&pair[0]) != nonces(&pair[1])));
}

#[tokio::test]
async fn a_record_opens_where_it_was_sealed_and_nowhere_else() {
    let world = World::memory().await;
    let (a, b) = (&world.a, &world.b);
    let conversation = a.blind("conversation", &[b"x"]);
    let id = |app: &AppStore| app.key(&spaces::MESSAGES).blind(conversation).number(7).done();
    put(a, &id(a), TODAY, b"secret").await;
    let (place, record) = stored(&world).await.pop().unwrap();
    let moved = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut place = place.clone();
        change(&mut place);
        place
    };
    // To another key of the same space.
    store(&world, moved(&|place| *place.last_mut().unwrap() = 8), record.clone()).await;
    let eight = a.key(&spaces::MESSAGES).blind(conversation).number(8).done();
    // To another conversation of the same app.
    let other = a.key(&spaces::MESSAGES).blind(a.blind("conversation", &[b"y"])).number(7).done();
    let here = place.windows(conversation.0.len()).position(|part| part == conversation.0).unwrap();
    let there = a.blind("conversation", &[b"y"]).0;
    let to_there = moved(&|place| place[here..here + there.len()].copy_from_slice(&there));
    store(&world, to_there, record.clone()).await;
    // To another app.
    store(&world, moved(&|place| place[4] = 2), record.clone()).await;
    // To another space with a key of the same form.
    store(&world, moved(&|place| place[0] = spaces::USER_LOG.code), record.clone()).await;
    let log = a.key(&spaces::USER_LOG).blind(conversation).number(7).done();

    assert_eq!(get(a, &id(a)).await.unwrap(), b"secret", "the original still opens");
    for (app, key) in [(a, eight), (a, other), (b, id(b)), (a, log)] {
        let refused = app.read().await.unwrap().get(&key).await;
        let space = key.space().name;
        assert!(matches!(refused, Err(StoreError::Corrupt { space: s }) if s == space), "{key:?}");
    }
    // A scan does not skip it in silence: the first is where it was sealed, the second not.
    let read = a.read().await.unwrap();
    let range = a.key(&spaces::MESSAGES).blind(conversation).all();
    assert_eq!(read.scan(&range, Direction::Forward, 1).await.unwrap().len(), 1);
    let refused = read.scan(&range, Direction::Forward, 9).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })));
}

#[tokio::test]
async fn a_record_that_was_altered_does_not_open() {
    let world = World::memory().await;
    let key = message(&world.a, 1);
    put(&world.a, &key, TODAY, b"secret").await;
    let (place, record) = stored(&world).await.pop().unwrap();
    for index in 0..record.len() {
        let mut altered = record.clone();
        altered[index] ^= 1;
        store(&world, place.clone(), altered).await;
        let refused = world.a.read().await.unwrap().get(&key).await;
        assert!(refused.is_err(), "byte {index} may be changed: {refused:?}");
    }
    for length in 0..record.len() {
        store(&world, place.clone(), record[..length].to_vec()).await;
        assert!(world.a.read().await.unwrap().get(&key).await.is_err());
    }
    store(&world, place, record).await;
    assert_eq!(get(&world.a, &key).await.unwrap(), b"secret");
}

#[tokio::test]
async fn a_destroyed_key_opens_nothing() {
    for world in [World::memory().await, World::embedded().await] {
        let app = &world.a;
        for seq in 1..=20 {
            let bucket = if seq % 5 == 0 { TOMORROW } else { TODAY };
            put(app, &message(app, seq), bucket, b"text").await;
        }
        put(&world.b, &message(&world.b, 1), TODAY, b"of another app").await;
        app.destroy(&classes::MESSAGE, TODAY).await.unwrap();
        assert_eq!(get(app, &message(app, 1)).await, None);
        assert!(!app.read().await.unwrap().exists(&message(app, 1)).await.unwrap());
        assert!(get(app, &message(app, 5)).await.is_some());
        assert!(get(&world.b, &message(&world.b, 1)).await.is_some());
        // Scans find the living ones wherever the dead lie, in pages too.
        let range = messages(app);
        assert_eq!(scan(app, &range, Direction::Forward, 9).await, [5, 10, 15, 20]);
        assert_eq!(scan(app, &range, Direction::Forward, 2).await, [5, 10]);
        assert_eq!(scan(app, &range, Direction::Backward, 1).await, [20]);
        assert_eq!(scan(app, &range, Direction::Backward, 3).await, [20, 15, 10]);
        // The place is free, and what comes there lives.
        put(app, &message(app, 1), TOMORROW, b"new").await;
        assert_eq!(get(app, &message(app, 1)).await.unwrap(), b"new");
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn nor_in_a_copy_of_the_data_that_was_taken_before() {
    let directory = tempfile::tempdir().unwrap();
    let (data, backup) = (directory.path().join("data"), directory.path().join("backup"));
    let vault = world::vault();
    let open = |path: &Path| -> Arc<dyn Engine> {
        Arc::new(Embedded::open(&EmbeddedOptions::new(path)).unwrap())
    };
    let engine = open(&data);
    let store = Store::open(engine, vault.clone());
    let app = world::app(&store, 1).await;
    put(&app, &message(&app, 1), TODAY, b"gone tomorrow").await;
    put(&app, &message(&app, 2), TOMORROW, b"here to stay").await;
    store.close().await.unwrap();
    copy(&data, &backup);
    world::destroy(&vault, |scope| scope.bucket == TODAY).await;
    for path in [&data, &backup] {
        let store = Store::open(open(path), vault.clone());
        let app = world::app(&store, 1).await;
        assert_eq!(get(&app, &message(&app, 1)).await, None);
        assert_eq!(get(&app, &message(&app, 2)).await.unwrap(), b"here to stay");
    }
}

#[tokio::test]
async fn a_bucket_that_the_class_does_not_have_is_refused() {
    let world = World::memory().await;
    let app = &world.a;
    let (alice, object) = user(app, "alice");
    for (key, bucket) in
        [(&message(app, 1), object), (&message(app, 1), Bucket::Whole), (&alice, TODAY)]
    {
        let refused = app
            .transact(|mut txn| async move {
                txn.put(key, bucket, b"x").await?;
                Ok::<_, StoreError>(txn.done(()))
            })
            .await;
        assert!(matches!(refused, Err(StoreError::Misuse(_))));
    }
    assert!(stored(&world).await.is_empty());
}

/// A simulated restart: the same pairs in a new engine, with the same vault.
#[tokio::test]
async fn an_engine_in_memory_can_be_taken_up_again() {
    let world = World::memory().await;
    put(&world.a, &message(&world.a, 1), TODAY, b"text").await;
    let view = world.engine().snapshot().await.unwrap();
    let engine = Memory::restored(&*view).await.unwrap();
    world.store.close().await.unwrap();
    let store = Store::open(Arc::new(engine), world.vault.clone());
    let app = world::app(&store, 1).await;
    assert_eq!(get(&app, &message(&app, 1)).await.unwrap(), b"text");
}

#[tokio::test]
async fn nothing_is_left_of_an_app_that_is_deleted_and_nothing_comes_after() {
    let world = World::memory().await;
    let (ours, other) = (world.a.clone(), world.b.clone());
    let everything = async || {
        let view = world.engine().snapshot().await.unwrap();
        view.scan(&Span::all(), Direction::Forward, usize::MAX).await.unwrap()
    };
    for app in [&ours, &other] {
        for name in ["alice", "bob"] {
            let (key, bucket) = user(app, name);
            put(app, &key, bucket, b"an account").await;
        }
    }
    let operator = Operator::of_this_process();
    let before = everything().await;
    assert!(world.store.purge_app(&operator, AppNumber(1)).await.is_err(), "keys come first");
    assert_eq!(everything().await, before);

    assert_eq!(world.store.destroy_app(&operator, AppNumber(1)).await.unwrap(), 3);
    let (key, bucket) = user(&ours, "alice");
    assert!(ours.read().await.unwrap().get(&key).await.unwrap().is_none(), "it opens no more");
    let late = ours.transact(|mut txn| {
        let key = key.clone();
        async move {
            txn.put(&key, bucket, b"late").await?;
            Ok::<_, StoreError>(txn.done(()))
        }
    });
    assert!(matches!(late.await, Err(StoreError::Gone)));
    assert!(matches!(world.store.app(&world::scope(1)).await, Err(StoreError::Gone)));

    assert_eq!(world.store.purge_app(&operator, AppNumber(1)).await.unwrap(), 2);
    let left = everything().await;
    assert_eq!(left.len(), before.len() - 2);
    assert!(before.iter().filter(|row| row.0[4] == 2).all(|row| left.contains(row)));
    let (key, _) = user(&other, "alice");
    assert!(other.read().await.unwrap().get(&key).await.unwrap().is_some());
    assert!(world.store.destroy_app(&operator, AppNumber::PLATFORM).await.is_err());
}

/// Between the destruction of a key and the removal of its rows, many lie between those that open.
#[tokio::test]
async fn scans_pass_over_whatever_many_rows_that_open_no_more() {
    let world = World::memory().await;
    let app = &world.a;
    app.transact(|mut txn| async move {
        for seq in 0..5_000 {
            let bucket = if seq % 1_700 == 3 { TOMORROW } else { TODAY };
            txn.put(&message(app, seq), bucket, b"x").await?;
        }
        Ok::<_, StoreError>(txn.done(()))
    })
    .await
    .unwrap();
    app.destroy(&classes::MESSAGE, TODAY).await.unwrap();
    let (range, alive) = (messages(app), [3, 1_703, 3_403]);
    for limit in [1, 2, 3, 4, 100] {
        let found = scan(app, &range, Direction::Forward, limit).await;
        assert_eq!(found, &alive[..limit.min(3)], "{limit}");
        let found = scan(app, &range, Direction::Backward, limit).await;
        let backward: Vec<_> = alive.iter().rev().copied().take(limit).collect();
        assert_eq!(found, backward, "{limit}");
        let range = &range;
        let in_txn = app.transact(|mut txn| async move {
            let rows = txn.scan(range, Direction::Forward, limit).await?;
            let found: Vec<_> = rows.iter().map(|(key, _)| key.number(1)).collect();
            Ok::<_, StoreError>(txn.done(found))
        });
        assert_eq!(in_txn.await.unwrap(), &alive[..limit.min(3)]);
    }
    let all = app.read().await.unwrap().scan_all(&range, Direction::Forward, usize::MAX).await;
    let all = all.unwrap();
    assert_eq!(all.len(), 5_000);
    assert_eq!(all.iter().filter(|(_, plain)| plain.is_some()).count(), 3);
    let read = app.read().await.unwrap();
    assert_eq!(read.look(&message(app, 4)).await.unwrap(), Some(None), "there, and dead");
    assert!(read.look(&message(app, 3)).await.unwrap().unwrap().is_some());
    assert_eq!(read.look(&message(app, 9_999)).await.unwrap(), None);
}
