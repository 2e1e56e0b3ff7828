//! Deleting a user leaves the chain whole and takes the name out of it.

use stoa_audit::export;
use stoa_audit::{Act, Actor, Entry, Name};

use crate::world::{World, set, user};

#[tokio::test]
async fn an_erased_user_leaves_the_chain_whole_and_no_name() {
    let world = World::new();
    let (alice, bob) = (world.register("alice").await, world.register("bob").await);
    let address = "192.0.2.7".parse().unwrap();
    world.record(Entry::new(Actor::Operator, Act::UserCreated).on(alice.clone())).await;
    world
        .record(Entry::new(Actor::User(alice.clone()), Act::TokenRevoked).on(bob).from(address))
        .await;
    let refused = Entry::new(Actor::Stranger, Act::PasswordRefused).refused("wrong");
    world.record(refused.on(alice.clone()).from(address)).await;

    let (alice_name, bob_name) = (Name::Name("alice".into()), Name::Name("bob".into()));
    let before = world.entries().await;
    assert_eq!(before[0].subject.as_ref(), Some(&alice_name));
    assert_eq!(before[1].actor_name.as_ref(), Some(&alice_name));
    assert_eq!(before[1].subject.as_ref(), Some(&bob_name));
    assert!(before[1..].iter().all(|entry| entry.site.as_deref() == Some("192.0.2.7")));
    let (whole, export) = (world.verify().await.unwrap(), world.export().await);

    world.erase("alice").await;
    // Mentioned once more, she gets no new key, and so no name that nobody would erase.
    world.record(Entry::new(Actor::Operator, Act::UserDeleted).on(alice)).await;
    let after = world.entries().await;
    assert_eq!(after[0].subject, Some(Name::Erased));
    assert_eq!(after[1].actor_name, Some(Name::Erased));
    assert_eq!(after[1].subject.as_ref(), Some(&bob_name), "the other one stays");
    assert_eq!(after[2].subject, Some(Name::Erased));
    assert!(after[1..3].iter().all(|entry| entry.site.is_none()), "and where she was");
    assert_eq!(after[3].subject, Some(Name::NotKept));
    assert!(
        after.iter().all(|entry| entry.act.contains('.') && entry.count == 1),
        "the rest stays"
    );

    let now = world.verify().await.unwrap();
    assert_eq!((now.first, now.last), (1, 4));
    // What was exported before is the beginning of what is exported now, but for what can be read.
    assert_eq!(export::verify(export.join("\n").as_bytes()).unwrap(), (1, whole));
    let again = world.export().await;
    assert_eq!(export::verify(again.join("\n").as_bytes()).unwrap(), (1, now));
    assert!(export[..3].iter().any(|line| line.contains("alice")));
    assert!(!again.iter().any(|line| line.contains("alice")));
    let world = world.restarted().await;
    assert_eq!(world.verify().await.unwrap(), now);
}

/// Whoever tries names that do not exist must not make keys for them, and is still seen.
#[tokio::test]
async fn who_does_not_exist_gets_no_key_and_no_name() {
    let world = World::new();
    world.record(set("x")).await;
    let keys = world.vault.keys().len();
    let refused = Entry::new(Actor::Stranger, Act::PasswordRefused).refused("wrong");
    world.record(refused.on(user("nobody")).from("192.0.2.7".parse().unwrap())).await;
    assert_eq!(world.vault.keys().len(), keys);
    let entry = world.entries().await.remove(1);
    assert_eq!((entry.subject, entry.site.as_deref()), (Some(Name::NotKept), Some("192.0.2.7")));
}
