//! Being away and coming back: places of devices, pages, online devices.

use std::time::Duration;

use stoa_core::limits;

use crate::world::{APP, World, queue};

#[tokio::test]
async fn who_was_away_gets_everything_once_and_in_order() {
    let world = World::new();
    world.register(APP, &["alice", "bob", "carol"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    for n in 0..200 {
        alice.send("bob", &format!("message {n}")).await;
    }
    world.log_in(APP, "carol", "web").await.send("bob", "from carol").await;

    let bob = world.log_in(APP, "bob", "web").await;
    assert_eq!(bob.unread().await, ["alice", "carol"]);
    let expected: Vec<_> = (0..200).map(|n| format!("message {n}")).collect();
    assert_eq!(bob.receive("alice").await, expected);
    assert_eq!(bob.unread().await, ["carol"]);
    assert_eq!(bob.receive("carol").await, ["from carol"]);
    assert!(bob.unread().await.is_empty());
    assert!(bob.receive("alice").await.is_empty());
}

#[tokio::test]
async fn pages_are_bounded_in_number_and_bytes() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    for n in 0..limits::QUEUE_PAGE + 1 {
        alice.send("bob", &format!("{n}")).await;
    }
    let bob = world.log_in(APP, "bob", "web").await;
    let page = bob.page("alice", None).await;
    assert_eq!((page.entries.len(), page.more), (limits::QUEUE_PAGE, true));
    let page = bob.page("alice", Some(page.end.0)).await;
    assert_eq!((page.entries.len(), page.more), (1, false));

    world.register(APP, &["carol"]).await;
    let mut draft = crate::world::draft("carol", &"x".repeat(60_000), 5000);
    draft.content_bytes = 10;
    for client_id in 5000..5005 {
        alice.send_draft(stoa_chat::Draft { client_id, ..draft.clone() }).await.unwrap();
    }
    let carol = world.log_in(APP, "carol", "web").await;
    let page = carol.page("alice", None).await;
    assert!(page.more && page.entries.len() < 5);
    assert_eq!(carol.receive("alice").await.len(), 5);
}

#[tokio::test]
async fn a_new_device_starts_where_the_furthest_stands() {
    let world = World::new();
    world.register(APP, &["alice", "bob", "carol"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    alice.send("bob", "one").await;
    // A user who never logged in starts at the beginning.
    let web = world.log_in(APP, "bob", "web").await;
    assert_eq!(web.receive("alice").await, ["one"]);
    alice.send("bob", "two").await;

    let phone = world.log_in(APP, "bob", "phone").await;
    assert_eq!(phone.receive("alice").await, ["two"]);
    // A conversation that begins later is new to both, whoever is first.
    world.log_in(APP, "carol", "web").await.send("bob", "three").await;
    assert_eq!(web.receive("carol").await, ["three"]);
    assert_eq!(phone.receive("carol").await, ["three"]);
}

#[tokio::test]
async fn places_survive_a_restart_and_never_move_back() {
    let mut world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    for text in ["one", "two"] {
        alice.send("bob", text).await;
    }
    let bob = world.log_in(APP, "bob", "web").await;
    assert_eq!(bob.receive("alice").await, ["one", "two"]);
    let back = [(queue("alice"), stoa_core::Seq(1))];
    bob.chat.save_cursors(&bob.caller, &bob.resource, &back).await.unwrap();
    drop((alice, bob));
    world.restarted();
    world.log_in(APP, "alice", "web").await.send("bob", "three").await;
    assert_eq!(world.log_in(APP, "bob", "web").await.receive("alice").await, ["three"]);
}

#[tokio::test]
async fn who_takes_a_session_over_goes_on_where_the_client_stands() {
    let mut world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    for text in ["one", "two", "three"] {
        alice.send("bob", text).await;
    }
    let bob = world.log_in(APP, "bob", "web").await;
    // Acknowledged, and not stored yet.
    bob.chat.note_cursor(&bob.caller, &bob.resource, &queue("alice"), stoa_core::Seq(2));
    let again = world.log_in(APP, "bob", "web").await;
    assert_eq!(again.page("alice", None).await.entries.len(), 1);
    // Whoever asks what is unread stores what the older session left.
    assert_eq!(again.unread().await, ["alice"]);
    bob.chat.note_cursor(&bob.caller, &bob.resource, &queue("alice"), stoa_core::Seq(3));
    assert!(again.page("alice", None).await.entries.is_empty());
    assert_eq!(world.log_in(APP, "bob", "phone").await.unread().await, ["alice"]);
    // After a crash only what is stored counts.
    drop((alice, bob, again));
    world.restarted();
    let bob = world.log_in(APP, "bob", "web").await;
    assert_eq!(bob.receive("alice").await, ["three"]);
}

#[tokio::test]
async fn the_same_device_again_ends_the_older_session() {
    let world = World::new();
    world.register(APP, &["alice"]).await;
    let back_end = world.back_end(APP).await;
    let alice = "alice".parse().unwrap();
    assert!(!world.chat.is_online(&back_end, &alice));
    let first = world.log_in(APP, "alice", "web").await;
    let phone = world.log_in(APP, "alice", "phone").await;
    let second = world.log_in(APP, "alice", "web").await;
    assert_eq!(first.pushed(), ["kick AnotherDevice"]);
    drop(first);
    let devices = world.chat.devices_online(&back_end, &alice).unwrap();
    let names: Vec<_> = devices.iter().map(|d| d.info.resource.as_str()).collect();
    assert_eq!(names, ["phone", "web"]);
    assert!(
        world.chat.disconnect(&back_end, &alice, Some("phone".parse().unwrap())).await.unwrap()
    );
    assert!(phone.pushed().contains(&"kick ByOtherDevice".to_owned()));
    drop((phone, second));
    assert!(!world.chat.is_online(&back_end, &alice));
    assert!(!world.chat.disconnect(&back_end, &alice, None).await.unwrap());
}

#[tokio::test]
async fn what_is_over_is_not_delivered_any_more() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    world.log_in(APP, "alice", "web").await.send("bob", "old").await;
    world.clock.advance(Duration::from_secs(180 * 86_400));
    world.log_in(APP, "alice", "web").await.send("bob", "new").await;
    assert_eq!(world.log_in(APP, "bob", "web").await.receive("alice").await, ["new"]);
}
