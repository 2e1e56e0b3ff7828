//! Transactions of an app: that they are run again until they commit, and what becomes of them when
//! things go wrong.

use std::sync::Arc;

use stoa_core::{Day, SeededEntropy};
use stoa_store::engine::{Direction, Faults};
use stoa_store::{AppStore, Bucket, Key, Reader, StoreError, spaces};

use crate::engines;
use crate::world::{World, get, put, user};

const TODAY: Bucket = Bucket::Day(Day(20_000));

/// A domain's error, with the store's inside.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("no")]
    No,
    #[error(transparent)]
    Store(#[from] StoreError),
}

async fn number(from: &mut impl Reader, key: &Key) -> Result<u64, StoreError> {
    let plain = from.get(key).await?;
    Ok(plain.map_or(0, |plain| u64::from_be_bytes(plain[..].try_into().unwrap())))
}

/// Adds one to a counter, the way a domain crate does it: borrowing from its surroundings.
async fn increment(app: &AppStore, key: &Key, bucket: Bucket) -> Result<u64, Error> {
    app.transact(|mut txn| async move {
        let next = number(&mut txn, key).await? + 1;
        txn.put(key, bucket, &next.to_be_bytes()).await?;
        Ok(txn.done(next))
    })
    .await
}

/// Appends to a log: the next sequence number is one more than the last entry's.
async fn append(app: &AppStore, log: &str, plain: &[u8]) -> Result<u64, Error> {
    let log = app.key(&spaces::MESSAGES).blind(app.blind("conversation", &[log.as_bytes()]));
    let log = &log;
    app.transact(|mut txn| async move {
        let last = txn.scan(&log.clone().all(), Direction::Backward, 1).await?;
        let seq = last.first().map_or(0, |(key, _)| key.number(1)) + 1;
        txn.put(&log.clone().number(seq).done(), TODAY, plain).await?;
        Ok(txn.done(seq))
    })
    .await
}

async fn entries(app: &AppStore, log: &str) -> Vec<(u64, Vec<u8>)> {
    let log = app.key(&spaces::MESSAGES).blind(app.blind("conversation", &[log.as_bytes()])).all();
    let read = app.read().await.unwrap();
    let rows = read.scan(&log, Direction::Forward, usize::MAX).await.unwrap();
    rows.into_iter().map(|(key, plain)| (key.number(1), plain.to_vec())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_writers_of_one_record_all_make_progress() {
    for world in [World::memory().await, World::embedded().await] {
        let writers: Vec<_> = (0..64)
            .map(|_| {
                let app = world.a.clone();
                tokio::spawn(async move {
                    let (key, bucket) = user(&app, "counter");
                    for _ in 0..4 {
                        increment(&app, &key, bucket).await.unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        let (key, _) = user(&world.a, "counter");
        let mut read = world.a.read().await.unwrap();
        assert_eq!(number(&mut read, &key).await.unwrap(), 256);
        let stats = world.store.stats();
        assert_eq!((stats.engine.commits, stats.contended), (256, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_appends_by_sixty_four_tasks_leave_no_gap() {
    for world in [World::memory().await, World::embedded().await] {
        let tasks: Vec<_> = (0..64)
            .map(|task| {
                let app = world.a.clone();
                let appends = 1000 / 64 + usize::from(task < 1000 % 64);
                tokio::spawn(async move {
                    let mut given = Vec::new();
                    for n in 0..appends {
                        let text = format!("{task}/{n}");
                        given.push((append(&app, "log", text.as_bytes()).await.unwrap(), text));
                    }
                    given
                })
            })
            .collect();
        let mut given = Vec::new();
        for task in tasks {
            let of_task = task.await.unwrap();
            assert!(of_task.is_sorted_by_key(|(seq, _)| *seq), "a task's own appends rise");
            given.extend(of_task);
        }
        given.sort_unstable();
        let given: Vec<_> = given.into_iter().map(|(seq, text)| (seq, text.into_bytes())).collect();
        let stored = entries(&world.a, "log").await;
        assert!(stored.iter().map(|(seq, _)| *seq).eq(1..=1000));
        assert_eq!(stored, given, "each entry stands under the number that its task was told");
    }
}

#[tokio::test]
async fn an_error_abandons_the_transaction() {
    let world = World::memory().await;
    let (key, bucket) = user(&world.a, "alice");
    let key = &key;
    let refused: Result<(), Error> = world
        .a
        .transact(|mut txn| async move {
            txn.put(key, bucket, b"x").await?;
            if txn.exists(key).await? {
                return Err(Error::No);
            }
            Ok(txn.done(()))
        })
        .await;
    assert!(matches!(refused, Err(Error::No)));
    assert_eq!(get(&world.a, key).await, None);
}

/// The loop written out, where a closure is in the way.
#[tokio::test]
async fn attempts_may_change_what_surrounds_them() {
    let world = World::memory().await;
    let (app, mut tries) = (&world.a, Vec::new());
    let (key, bucket) = user(app, "alice");
    let mut attempts = app.attempts();
    loop {
        let mut txn = attempts.begin().await.unwrap();
        tries.push(number(&mut txn, &key).await.unwrap());
        if tries.len() < 4 {
            let quicker = tries.len() as u64;
            put(app, &key, bucket, &quicker.to_be_bytes()).await;
        }
        txn.put(&key, bucket, &100_u64.to_be_bytes()).await.unwrap();
        if attempts.commit(txn).await.unwrap() {
            break;
        }
    }
    assert_eq!(tries, [0, 1, 2, 3]);
    assert_eq!(world.store.stats().retries, 3);
}

#[tokio::test]
async fn whoever_never_wins_is_given_up() {
    let world = World::memory().await;
    let (app, (key, bucket)) = (&world.a, user(&world.a, "alice"));
    let mut attempts = app.attempts();
    let given_up = loop {
        let mut txn = match attempts.begin().await {
            Ok(txn) => txn,
            Err(error) => break error,
        };
        number(&mut txn, &key).await.unwrap();
        put(app, &key, bucket, &1_u64.to_be_bytes()).await;
        txn.put(&key, bucket, b"never").await.unwrap();
        assert!(!attempts.commit(txn).await.unwrap());
    };
    assert!(matches!(given_up, StoreError::Contended));
    assert_eq!(world.store.stats().contended, 1);
}

#[tokio::test]
async fn a_closed_store_refuses_work() {
    let world = World::embedded().await;
    let (key, bucket) = user(&world.a, "alice");
    put(&world.a, &key, bucket, b"x").await;
    world.store.health().unwrap();
    world.store.close().await.unwrap();
    assert!(world.store.health().is_err());
    assert!(matches!(world.a.read().await, Err(StoreError::Engine(_))));
    let refused = increment(&world.a, &key, bucket).await;
    assert!(matches!(refused, Err(Error::Store(StoreError::Engine(_)))));
}

/// With every fault there is: what was acknowledged is there, under its number and once; what was
/// refused is not there; what is unknown may be.
#[tokio::test]
async fn faults_lose_and_double_nothing() {
    for seed in 0..40 {
        let faults = Faults {
            read: 20,
            before_commit: 50,
            after_commit: 50,
            lost_commit: 50,
            conflict: 100,
            yields: 3,
            unknown: None,
            crash: None,
        };
        let entropy = Arc::new(SeededEntropy::new(seed));
        let fixture = engines::memory().seen_through(|engine| faults.over(engine, entropy));
        let world = World::over(fixture).await;
        let tasks: Vec<_> = (0..8)
            .map(|task| {
                let app = world.a.clone();
                tokio::spawn(async move {
                    let (mut told, mut refused, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
                    for n in 0..8 {
                        let text = format!("{task}/{n}").into_bytes();
                        match append(&app, "log", &text).await {
                            Ok(seq) => told.push((seq, text)),
                            Err(Error::Store(StoreError::Unknown(_))) => unknown.push(text),
                            Err(_) => refused.push(text),
                        }
                    }
                    (told, refused, unknown)
                })
            })
            .collect();
        let (mut told, mut refused, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        for task in tasks {
            let outcome = task.await.unwrap();
            told.extend(outcome.0);
            refused.extend(outcome.1);
            unknown.extend(outcome.2);
        }
        let rows = loop {
            // Reads fail on purpose too.
            let log = world.a.blind("conversation", &[b"log"]);
            let log = world.a.key(&spaces::MESSAGES).blind(log).all();
            let read = world.a.read().await.unwrap();
            if let Ok(rows) = read.scan(&log, Direction::Forward, usize::MAX).await {
                break rows;
            }
        };
        let stored: Vec<_> =
            rows.into_iter().map(|(key, plain)| (key.number(1), plain.to_vec())).collect();
        assert!(stored.iter().map(|(seq, _)| *seq).eq(1..=stored.len() as u64), "seed {seed}");
        for entry in &told {
            assert!(stored.contains(entry), "seed {seed}: lost {entry:?}");
        }
        for text in &refused {
            assert!(!stored.iter().any(|(_, stored)| stored == text), "seed {seed}: not refused");
        }
        let possible = told.len() + unknown.len();
        assert!((told.len()..=possible).contains(&stored.len()), "seed {seed}: doubled");
    }
}

/// Request tasks are many: what they keep while they wait is small.
#[tokio::test]
async fn futures_are_small() {
    let world = World::memory().await;
    let (key, bucket) = user(&world.a, "alice");
    let size = size_of_val(&increment(&world.a, &key, bucket));
    assert!(size <= 1024, "a transaction's future takes {size} bytes");
    let read = world.a.read().await.unwrap();
    let size = size_of_val(&read.get(&key));
    assert!(size <= 128, "a read's future takes {size} bytes");
}
