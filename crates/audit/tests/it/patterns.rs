//! Refusals that come again and again.

use std::net::{IpAddr, Ipv4Addr};

use stoa_audit::{Act, Actor, Name, Refused};
use stoa_core::limits;

use crate::world::{World, scope};

fn wrong(address: &str) -> Refused {
    let refused = Refused::new(Actor::Stranger, Act::PasswordRefused, "wrong");
    refused.from(address.parse().unwrap())
}

#[tokio::test]
async fn the_first_is_told_at_once_and_the_others_by_number() {
    let world = World::new();
    let alice = world.register("alice").await;
    for _ in 0..5000 {
        world.log.refused(&world.app, wrong("192.0.2.7").on(alice.clone()));
    }
    world.log.refused(&world.app, wrong("192.0.2.8"));
    world.log.tick();
    world.log.note(&world.app, crate::world::set("something else"));
    world.log.settle_notes().await;
    assert_eq!(world.entries().await.len(), 3, "the first of each, and something else");

    world.advance(59);
    world.log.tick();
    world.log.settle_notes().await;
    assert_eq!(world.entries().await.len(), 3, "the minute is not over");
    world.advance(1);
    world.log.tick();
    world.log.settle_notes().await;
    let entries = world.entries().await;
    assert_eq!(entries.len(), 4, "of a single one nothing more is told");
    let [first, others] = [&entries[0], &entries[3]];
    assert_eq!((first.count, others.count), (1, 4999));
    for entry in [first, others] {
        assert_eq!((entry.act.as_str(), entry.outcome.as_str()), ("password.refused", "refused"));
        assert_eq!((entry.reason.as_str(), entry.site.as_deref()), ("wrong", Some("192.0.2.7")));
        assert_eq!(entry.subject, Some(Name::Name("alice".into())));
    }
    // The next minute begins with the next refusal.
    world.log.refused(&world.app, wrong("192.0.2.7"));
    world.log.settle().await;
    assert_eq!(world.entries().await.len(), 5);
}

#[tokio::test]
async fn of_several_users_none_is_named() {
    let world = World::new();
    for name in ["alice", "bob", "alice"] {
        let user = world.register(name).await;
        world.log.refused(&world.app, wrong("192.0.2.7").on(user));
    }
    world.log.settle().await;
    let entries = world.entries().await;
    assert_eq!(entries[0].subject, Some(Name::Name("alice".into())));
    assert_eq!((entries[1].count, &entries[1].subject), (2, &None));
}

#[tokio::test]
async fn a_flood_from_everywhere_makes_few_entries() {
    let world = World::new();
    let places = 3_000_u32;
    for n in 0..30_000_u32 {
        let address = IpAddr::from(Ipv4Addr::from(0x0a00_0000 + n % places)).to_string();
        world.log.refused(&world.app, wrong(&address));
    }
    // Another app is not concerned.
    world.log.refused(&scope(2), wrong("192.0.2.7"));
    world.advance(60);
    world.log.tick();
    world.log.settle().await;
    let entries = world.entries().await;
    assert_eq!(entries.len(), 2 * limits::AUDIT_KINDS + 1);
    assert_eq!(entries.iter().map(|entry| entry.count).sum::<u64>(), 30_000, "all are told");
    let more: Vec<_> = entries.iter().filter(|e| e.act == "audit.more_refused").collect();
    assert_eq!(more.len(), 1);
    let others = u64::from(places) - limits::AUDIT_KINDS as u64;
    assert_eq!((more[0].count, &*more[0].details[0].value), (others * 10, &*others.to_string()));
    let other = world.log.of(&scope(2)).await.unwrap().head().await.unwrap();
    assert_eq!(other.last, 1);
}

#[tokio::test]
async fn what_is_remembered_of_all_apps_is_bounded() {
    let world = World::new();
    for n in 0..25_000_u32 {
        let address = IpAddr::from(Ipv4Addr::from(0x0a00_0000 + n)).to_string();
        world.log.refused(&world.app, wrong(&address));
    }
    // There is no room for a kind of its own, but it is counted.
    world.log.refused(&scope(2), wrong("192.0.2.7"));
    world.log.settle().await;
    let last = world.entries().await.pop().unwrap();
    assert_eq!(last.count, 25_000 - limits::AUDIT_KINDS as u64);
    let remembered = limits::AUDIT_KINDS_OF_ALL - limits::AUDIT_KINDS;
    assert_eq!(last.details[0].value, format!("{remembered} or more"));
    // The room is there again.
    world.log.refused(&scope(2), wrong("192.0.2.7"));
    world.log.settle().await;
    let other = world.log.of(&scope(2)).await.unwrap().head().await.unwrap();
    assert_eq!(other.last, 2);
}

/// At the end of the process nothing is left untold, though no minute is over.
#[tokio::test]
async fn the_end_tells_what_was_counted() {
    let world = World::new();
    for _ in 0..3 {
        world.log.refused(&world.app, wrong("192.0.2.7"));
    }
    world.log.settle().await;
    let counts: Vec<_> = world.entries().await.iter().map(|entry| entry.count).collect();
    assert_eq!(counts, [1, 2]);
}
