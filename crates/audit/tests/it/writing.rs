//! Appending: dense numbers, few transactions, nobody held up.

use std::sync::Arc;

use stoa_audit::{Act, Actor, Entry, Query};
use stoa_core::{Operator, limits};
use tokio::task::JoinSet;

use crate::world::{World, scope, set};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_get_dense_numbers_in_few_transactions() {
    let world = Arc::new(World::new());
    world.record(set("first")).await;
    let before = world.store.stats().engine.commits;
    let mut tasks = JoinSet::new();
    for n in 0..1000 {
        let world = world.clone();
        tasks.spawn(async move { world.record(set(&n.to_string())).await });
    }
    tasks.join_all().await;
    let commits = world.store.stats().engine.commits - before;
    assert!(commits < 1000, "{commits} transactions for 1000 entries");
    let entries = world.entries().await;
    assert!(entries.iter().map(|entry| entry.number).eq(1..=1001));
    let mut seen: Vec<_> = entries.iter().skip(1).map(|entry| &entry.details[0].value).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 1000, "each once");
    assert_eq!(world.verify().await.unwrap().entries(), 1001);
}

/// The line is filled before anything can be written, as the test has one thread.
#[tokio::test]
async fn what_waits_beyond_the_bound_is_counted_and_told() {
    let world = World::new();
    world.records().await;
    for n in 0..limits::AUDIT_WAITING + 5 {
        world.log.note(&world.app, set(&n.to_string()));
    }
    world.log.settle().await;
    world.record(set("after")).await;
    let entries = world.entries().await;
    assert_eq!(entries.len(), limits::AUDIT_WAITING + 1);
    let missed: Vec<_> = entries.iter().filter(|entry| entry.missed > 0).collect();
    assert_eq!(missed.iter().map(|entry| entry.missed).collect::<Vec<_>>(), [5]);
    assert!(world.verify().await.is_ok());
}

#[tokio::test]
async fn a_note_is_written_also_where_the_app_was_never_met() {
    let world = World::new();
    world.log.note(&scope(9), set("x"));
    world.log.settle().await;
    let head = world.log.of(&scope(9)).await.unwrap().head().await.unwrap();
    assert_eq!((head.first, head.last), (1, 1));
}

#[tokio::test]
async fn whoever_stops_waiting_takes_nothing_back() {
    let world = World::new();
    world.records().await;
    {
        let mut recording = Box::pin(world.log.record(&world.app, set("x")));
        let waker = std::task::Waker::noop();
        let polled = recording.as_mut().poll(&mut std::task::Context::from_waker(waker));
        assert!(polled.is_pending());
    }
    world.log.settle().await;
    assert_eq!(world.entries().await.len(), 1);
}

#[tokio::test]
async fn each_app_and_the_platform_have_a_chain_of_their_own() {
    let world = World::new();
    let operator = Operator::of_this_process();
    world.record(set("a")).await;
    world.log.record(&scope(2), set("b")).await.unwrap();
    world.log.record(&scope(2), set("c")).await.unwrap();
    let created = Entry::new(Actor::Operator, Act::AppCreated).detail("app", "acme#support");
    world.log.record_platform(&operator, created).await.unwrap();
    let trails = [
        world.trail().await,
        world.log.of(&scope(2)).await.unwrap(),
        world.log.of_platform(&operator).await.unwrap(),
    ];
    let mut hashes = Vec::new();
    for (trail, expected) in trails.iter().zip([1, 2, 1]) {
        let whole = trail.verify().await.unwrap().unwrap();
        assert_eq!(whole.entries(), expected);
        hashes.push(whole.hash);
    }
    assert!(hashes[0] != hashes[1] && hashes[0] != hashes[2]);
    let page = trails[2].page(&Query { limit: 10, ..Query::default() }).await.unwrap();
    assert_eq!(page.entries[0].act, "app.created");
    assert_eq!(page.entries[0].details[0].value, "acme#support");
}
