//! Sending: order, duplicates, sizes, who gets what.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use stoa_chat::entry::Kind;
use stoa_chat::{Draft, Error, Receipt};
use stoa_core::Clock;

use crate::world::{APP, OTHER, World, draft};

#[tokio::test]
async fn a_message_reaches_all_devices_of_both_sides_but_the_one_that_sent_it() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let phone = world.log_in(APP, "alice", "phone").await;
    let bob = world.log_in(APP, "bob", "web").await;

    let sent = alice.send("bob", "hello").await;
    assert_eq!(sent.at, world.clock.now());
    assert_eq!(bob.pushed(), ["hello"]);
    assert_eq!(phone.pushed(), ["hello"]);
    assert!(alice.pushed().is_empty());
    assert_eq!(bob.receive("alice").await, ["hello"]);
    assert_eq!(phone.receive("bob").await, ["hello"]);
    assert!(alice.receive("bob").await.is_empty());
}

#[tokio::test]
async fn many_at_once_get_dense_numbers_and_rising_ids() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let mut sends = tokio::task::JoinSet::new();
    for device in 0..8 {
        let alice = world.log_in(APP, "alice", &format!("web-{device}")).await;
        sends.spawn(async move {
            for n in 0..50 {
                alice.send("bob", &format!("{device}:{n}")).await;
            }
        });
    }
    sends.join_all().await;

    let bob = world.log_in(APP, "bob", "web").await;
    let (mut after, mut seqs, mut ids, mut texts) = (None, Vec::new(), Vec::new(), Vec::new());
    loop {
        let page = bob.page("alice", after).await;
        for (seq, entry) in &page.entries {
            seqs.push(seq.0);
            ids.push(entry.id);
            texts.push(entry.body.clone());
        }
        after = Some(page.end.0);
        if !page.more {
            break;
        }
    }
    assert_eq!(seqs, (1..=400).collect::<Vec<_>>());
    assert!(ids.is_sorted_by(|a, b| a < b));
    assert_eq!(texts.iter().collect::<HashSet<_>>().len(), 400);
    for device in 0..8 {
        let of_device: Vec<_> = texts.iter().filter(|t| t.starts_with(&[b'0' + device])).collect();
        let expected: Vec<_> = (0..50).map(|n| Bytes::from(format!("{device}:{n}"))).collect();
        assert_eq!(of_device, expected.iter().collect::<Vec<_>>(), "a device's order is kept");
    }
}

#[tokio::test]
async fn what_is_sent_again_is_the_same_message_also_after_a_restart() {
    let mut world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let first = alice.send_draft(draft("bob", "once", 42)).await.unwrap();
    let again = alice.send_draft(draft("bob", "once", 42)).await.unwrap();
    assert_eq!(first, again);

    drop(alice);
    world.restarted();
    world.clock.advance(Duration::from_secs(599));
    let alice = world.log_in(APP, "alice", "web").await;
    assert_eq!(alice.send_draft(draft("bob", "once", 42)).await.unwrap(), first);
    // Another device may use the same number, and so may this one when the window is over.
    let phone = world.log_in(APP, "alice", "phone").await;
    assert_ne!(phone.send_draft(draft("bob", "twice", 42)).await.unwrap().id, first.id);
    world.clock.advance(Duration::from_secs(2));
    let later = alice.send_draft(draft("bob", "thrice", 42)).await.unwrap();
    assert!(later.id > first.id);

    let bob = world.log_in(APP, "bob", "web").await;
    assert_eq!(bob.receive("alice").await, ["once", "twice", "thrice"]);
}

#[tokio::test]
async fn what_is_sent_again_is_the_same_message_also_when_the_clock_was_set_back() {
    let mut world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let first = alice.send_draft(draft("bob", "once", 42)).await.unwrap();
    drop(alice);
    world.restarted();
    world.clock.set(world.clock.now().minus(Duration::from_secs(3600)));
    let alice = world.log_in(APP, "alice", "web").await;
    assert_eq!(alice.send_draft(draft("bob", "once", 42)).await.unwrap(), first);
    let second = alice.send_draft(draft("bob", "twice", 43)).await.unwrap();
    assert_ne!(second.id, first.id);
    assert_eq!(alice.send_draft(draft("bob", "twice", 43)).await.unwrap(), second);
}

#[tokio::test]
async fn ids_rise_when_the_clock_is_set_back() {
    let mut world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let first = world.log_in(APP, "alice", "web").await.send("bob", "a").await;
    world.restarted();
    world.clock.set(world.clock.now().minus(Duration::from_secs(3600)));
    let second = world.log_in(APP, "alice", "phone").await.send("bob", "b").await;
    assert!(second.id > first.id);
}

#[tokio::test]
async fn what_cannot_be_sent_says_why_and_leaves_nothing() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let unknown = alice.send_draft(draft("nobody", "hello", 1)).await;
    assert!(matches!(unknown, Err(Error::UnknownRecipient)));
    let large = Draft { content_bytes: 5121, ..draft("bob", "hello", 2) };
    let refused = alice.send_draft(large).await;
    assert!(matches!(refused, Err(Error::TooLarge { got: 5121, limit: 5120 })));
    let receipt = Draft { kind: Kind::ReadReceipt, ..draft("bob", "hello", 3) };
    assert!(matches!(alice.send_draft(receipt).await, Err(Error::Argument { .. })));
    assert!(world.log_in(APP, "bob", "web").await.unread().await.is_empty());
}

#[tokio::test]
async fn the_same_names_in_another_app_are_other_people() {
    let world = World::new();
    for app in [APP, OTHER] {
        world.register(app, &["alice", "bob"]).await;
    }
    world.log_in(APP, "alice", "web").await.send("bob", "for this app").await;
    let stranger = world.log_in(OTHER, "bob", "web").await;
    assert!(stranger.unread().await.is_empty());
    assert!(stranger.receive("alice").await.is_empty());
    assert!(stranger.pushed().is_empty());
    let token = world.token(APP, Some("bob"));
    let foreign = world.chat.authenticate(&OTHER.parse().unwrap(), token.expose()).await;
    assert!(matches!(foreign, Err(Error::Token(_))));
}

#[tokio::test]
async fn an_online_only_message_is_for_those_who_are_there() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let passing = Draft { online_only: true, ..draft("bob", "now", 1) };
    alice.send_draft(passing).await.unwrap();
    assert_eq!(bob.pushed(), ["now"]);
    assert!(bob.unread().await.is_empty());
    let nobody = Draft { online_only: true, ..draft("nobody", "now", 2) };
    assert!(matches!(alice.send_draft(nobody).await, Err(Error::UnknownRecipient)));
}

#[tokio::test]
async fn a_message_for_one_device_goes_to_that_device() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let web = world.log_in(APP, "bob", "web").await;
    let phone = world.log_in(APP, "bob", "phone").await;
    let only_resource = Some("phone".parse().unwrap());
    alice.send_draft(Draft { only_resource, ..draft("bob", "psst", 1) }).await.unwrap();
    assert_eq!(phone.receive("alice").await, ["psst"]);
    assert!(web.receive("alice").await.is_empty());

    // To an own device: only that one gets it.
    let tablet = world.log_in(APP, "alice", "tablet").await;
    let other = world.log_in(APP, "alice", "other").await;
    let only_resource = Some("tablet".parse().unwrap());
    alice.send_draft(Draft { only_resource, ..draft("alice", "note", 2) }).await.unwrap();
    assert_eq!(tablet.receive("alice").await, ["note"]);
    assert!(other.receive("alice").await.is_empty());
}

#[tokio::test]
async fn receipts_reach_the_other_side_and_the_own_other_devices() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let phone = world.log_in(APP, "bob", "phone").await;
    alice.send("bob", "hello").await;
    let receipt = |kind, text: &str, client_id| Receipt {
        kind,
        to: "alice".parse().unwrap(),
        body: Bytes::copy_from_slice(text.as_bytes()),
        client_id,
    };
    bob.acknowledge(receipt(Kind::ReadReceipt, "read", 10)).await.unwrap();
    bob.acknowledge(receipt(Kind::ConversationReceipt, "all read", 11)).await.unwrap();
    bob.acknowledge(receipt(Kind::DeliveryReceipt, "delivered", 12)).await.unwrap();

    assert_eq!(alice.pushed(), ["read", "all read", "delivered"]);
    assert_eq!(alice.receive("@log").await, ["read", "all read", "delivered"]);
    assert_eq!(phone.receive("@log").await, ["read", "all read"], "not what a device received");
    assert!(bob.receive("@log").await.is_empty(), "not to the device that said it");
    assert!(alice.receive("bob").await.is_empty(), "receipts are no messages");

    let nobody = Receipt { to: "nobody".parse().unwrap(), ..receipt(Kind::ReadReceipt, "x", 13) };
    assert!(matches!(bob.acknowledge(nobody).await, Err(Error::UnknownRecipient)));
}

#[tokio::test]
async fn a_store_that_takes_no_writes_is_told_and_refuses_messages() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    assert!(world.chat.health().is_ok());
    world.store.close().await.unwrap();
    assert!(matches!(world.chat.health(), Err(Error::Store(_))));
    assert!(matches!(alice.send_draft(draft("bob", "x", 1)).await, Err(Error::Store(_))));
}
