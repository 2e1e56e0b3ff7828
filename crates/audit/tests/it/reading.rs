//! Pages and filters.

use stoa_audit::{Act, Actor, Entry, Query};
use stoa_core::{Clock, Timestamp, limits};

use crate::world::{World, set};

async fn numbers(world: &World, query: Query) -> Vec<u64> {
    let trail = world.trail().await;
    let (mut query, mut all) = (query, Vec::new());
    loop {
        let page = trail.page(&query).await.unwrap();
        assert!(page.entries.len() <= query.limit);
        all.extend(page.entries.iter().map(|entry| entry.number));
        let Some(next) = page.next else { return all };
        if query.oldest_first {
            query.after = Some(next);
        } else {
            query.before = Some(next);
        }
    }
}

#[tokio::test]
async fn pages_come_in_both_orders_and_fit_the_query() {
    let world = World::new();
    let mut middle = Timestamp::default();
    for n in 1..=1500_u64 {
        if n == 700 {
            middle = world.clock.now();
        }
        if n % 100 == 0 {
            world.record(Entry::new(Actor::Operator, Act::DataKeysRenewed)).await;
        } else {
            world.log.note(&world.app, set("x"));
            if n % 50 == 0 {
                world.log.settle().await;
            }
        }
        world.advance(1);
    }
    world.log.settle().await;
    let query = |limit| Query { limit, ..Query::default() };
    assert!(numbers(&world, query(13)).await.into_iter().eq((1..=1500).rev()));
    let oldest_first = Query { oldest_first: true, ..query(limits::AUDIT_PAGE) };
    assert!(numbers(&world, oldest_first.clone()).await.into_iter().eq(1..=1500));
    // Few fit, and all are found, though they are far apart.
    let renewed = Query { act: Some(Act::DataKeysRenewed), ..query(4) };
    assert!(numbers(&world, renewed.clone()).await.into_iter().eq((1..=15).rev().map(|n| n * 100)));
    let late = Query { since: Some(middle), ..renewed.clone() };
    assert_eq!(numbers(&world, late).await.len(), 9, "700 and what follows");
    let early = Query { until: Some(middle), ..renewed };
    assert_eq!(numbers(&world, early).await.len(), 6);
    let between = Query { after: Some(10), before: Some(20), ..oldest_first };
    assert!(numbers(&world, between).await.into_iter().eq(11..20));
    assert!(numbers(&world, Query { before: Some(1), ..query(5) }).await.is_empty());
}

#[tokio::test]
async fn what_is_written_is_read() {
    let world = World::new();
    let alice = world.register("alice").await;
    let entry = Entry::new(Actor::TokenClient("billing".into()), Act::MintingRefused);
    world.record(entry.refused("rate").detail("for", "chat").times(3).on(alice)).await;
    let read = world.entries().await.remove(0);
    assert_eq!(
        serde_json::to_value(read).unwrap(),
        serde_json::json!({
            "number": 1, "time": 1_800_000_000_000_u64, "act": "token_server.refused",
            "actor": "token_client", "actorName": {"name": "billing"}, "outcome": "refused",
            "reason": "rate", "subject": {"name": "alice"},
            "details": [{"name": "for", "value": "chat"}], "count": 3,
        })
    );
}
