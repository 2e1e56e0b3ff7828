//! What is done again and again.

use stoa_audit::{Act, Actor, Name, Refused};
use stoa_core::{Operator, limits};

use crate::world::{World, scope};

fn client(name: &str) -> Actor {
    Actor::TokenClient(name.into())
}

#[tokio::test]
async fn a_minute_of_acts_makes_one_entry_for_each_actor() {
    let world = World::new();
    world.records().await;
    for n in 0..1000 {
        let new = u64::from(n % 10 == 0);
        world.log.count(&world.app, client("shop"), Act::TokenMinted, &[("created", new)]);
    }
    world.log.count(&world.app, client("desk"), Act::TokenMinted, &[("created", 0)]);
    world.advance(59);
    world.log.tick();
    world.log.settle_notes().await;
    assert!(world.entries().await.is_empty(), "the minute is not over");
    world.advance(1);
    world.log.tick();
    world.log.settle_notes().await;
    let entries = world.entries().await;
    let told: Vec<_> = entries.iter().map(|e| (e.actor_name.clone(), e.count)).collect();
    let name = |name: &str| Some(Name::Name(name.into()));
    assert_eq!(told, [(name("shop"), 1000), (name("desk"), 1)]);
    assert_eq!(entries[0].details[0].name, "created");
    assert_eq!(entries[0].details[0].value, "100");
    world.advance(60);
    world.log.tick();
    world.log.settle().await;
    assert_eq!(world.entries().await.len(), 2, "of what was not done nothing is told");
}

#[tokio::test]
async fn more_actors_than_are_told_apart_share_an_entry_and_none_is_lost() {
    let world = World::new();
    world.records().await;
    for n in 0..(2 * limits::AUDIT_KINDS) {
        world.log.count(&world.app, client(&format!("client-{n}")), Act::TokenMinted, &[]);
    }
    world.log.settle().await;
    let entries = world.entries().await;
    assert_eq!(entries.len(), limits::AUDIT_KINDS + 1);
    let last = &entries[limits::AUDIT_KINDS];
    assert_eq!((last.actor.as_str(), last.count), ("several", limits::AUDIT_KINDS as u64));
    world.verify().await.unwrap();
}

#[tokio::test]
async fn a_refusal_that_concerns_no_app_stands_in_the_log_of_the_platform() {
    let world = World::new();
    for _ in 0..100 {
        let refused = Refused::new(Actor::Stranger, Act::MintingRefused, "unknown_client");
        let refused = refused.from("192.0.2.7".parse().unwrap());
        world.log.refused_platform(Operator::of_this_process(), refused);
    }
    world.log.settle().await;
    let platform = world.log.of_platform(&Operator::of_this_process()).await.unwrap();
    let entries = platform.page(&stoa_audit::Query { limit: 9, ..Default::default() }).await;
    let counts: Vec<_> = entries.unwrap().entries.iter().map(|e| e.count).collect();
    assert_eq!(counts, [99, 1]);
    assert!(world.log.of(&scope(1)).await.unwrap().verify().await.unwrap().unwrap().last == 0);
}
