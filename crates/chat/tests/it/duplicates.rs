//! Messages that a device sends again, whatever numbers its client gives them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use stoa_chat::Appended;
use stoa_core::{Clock, Entropy, SeededEntropy, Timestamp, limits};

use crate::world::{APP, Device, World, draft};

#[tokio::test]
async fn any_order_of_numbers_is_known_again_within_the_window_and_not_after_it() {
    const DEVICES: u32 = 3;
    let mut world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let random: &dyn Entropy = &SeededEntropy::new(11);
    let pick = |below: u32| u32::from_be_bytes(random.bytes()) % below;
    let mut devices: HashMap<u32, Device> = HashMap::new();
    let mut known: HashMap<(u32, u64), (Timestamp, Appended)> = HashMap::new();
    let mut again = 0;
    for _ in 0..2_000 {
        match pick(60) {
            0 => {
                devices.clear();
                world.restarted();
            }
            1 => world.clock.advance(Duration::from_secs(pick(400).into())),
            _ => {}
        }
        let number = pick(DEVICES);
        if let Entry::Vacant(place) = devices.entry(number) {
            let (user, resource) = (if number == 0 { "bob" } else { "alice" }, number.to_string());
            place.insert(world.log_in(APP, user, &resource).await);
        }
        let to = if number == 0 { "alice" } else { "bob" };
        let id = u64::from(pick(300)) + 1;
        let appended = devices[&number].send_draft(draft(to, "x", id)).await.unwrap();
        let now = world.clock.now();
        match known.get(&(number, id)) {
            Some((at, before)) if now.since(*at) < limits::DUPLICATE_WINDOW => {
                assert_eq!(appended, *before);
                again += 1;
            }
            _ => {
                assert!(known.values().all(|(_, other)| other.id < appended.id), "a new message");
                known.insert((number, id), (now, appended));
            }
        }
    }
    assert!(again > 200, "{again}");
}

#[tokio::test]
async fn more_devices_than_have_a_mark_are_known_again() {
    let mut world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let mut first = Vec::new();
    // Each begins lower than the one before.
    for number in 0..40_u64 {
        let device = world.log_in(APP, "alice", &format!("web-{number}")).await;
        first.push(device.send_draft(draft("bob", "x", 1_000 - number)).await.unwrap());
        world.clock.advance(Duration::from_millis(10));
    }
    for restart in [false, true] {
        if restart {
            world.restarted();
        }
        for number in 0..40_u64 {
            let device = world.log_in(APP, "alice", &format!("web-{number}")).await;
            let again = device.send_draft(draft("bob", "x", 1_000 - number)).await.unwrap();
            assert_eq!(again, first[usize::try_from(number).unwrap()]);
        }
    }
    let device = world.log_in(APP, "alice", "web-39").await;
    assert!(device.send_draft(draft("bob", "x", 1)).await.unwrap().id > first[39].id);
}

#[tokio::test]
async fn what_was_said_while_the_clock_was_set_back_hides_nothing_that_was_said_before() {
    let mut world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let began = world.clock.now();
    let first = alice.send_draft(draft("bob", "x", 7)).await.unwrap();
    world.clock.set(began.minus(Duration::from_secs(3600)));
    bob.send_draft(draft("alice", "y", 1)).await.unwrap();
    world.clock.set(began.plus(limits::DUPLICATE_WINDOW).minus(Duration::from_millis(1)));
    assert_eq!(alice.send_draft(draft("bob", "x", 7)).await.unwrap(), first);
    world.restarted();
    let alice = world.log_in(APP, "alice", "web").await;
    assert_eq!(alice.send_draft(draft("bob", "x", 7)).await.unwrap(), first);
    world.clock.set(began.plus(limits::DUPLICATE_WINDOW));
    assert!(alice.send_draft(draft("bob", "x", 7)).await.unwrap().id > first.id, "it is over");
}

#[tokio::test]
async fn the_same_number_handed_in_twice_at_once_is_one_message() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let sends = (0..20).map(|n| alice.send_draft(draft("bob", "x", 7 + n % 2)));
    let mut ids: Vec<_> = futures_util::future::join_all(sends)
        .await
        .into_iter()
        .map(|sent| sent.unwrap().id)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 2);
}

#[tokio::test]
async fn a_number_is_a_devices_own_within_one_conversation() {
    let world = World::new();
    world.register(APP, &["alice", "bob", "carol"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let to_bob = alice.send_draft(draft("bob", "x", 7)).await.unwrap();
    let to_carol = alice.send_draft(draft("carol", "y", 7)).await.unwrap();
    assert_ne!(to_bob.id, to_carol.id);
    assert_eq!(world.log_in(APP, "carol", "web").await.receive("alice").await, ["y"]);
}
