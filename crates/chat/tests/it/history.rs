//! History in pages, both ways.

use std::time::Duration;

use stoa_chat::entry::Kind;
use stoa_chat::{Draft, Error, HistoryQuery};
use stoa_core::{Clock, MessageId, Target};

use crate::world::{APP, Device, FRIENDS, World, draft};

fn query(with: &str) -> HistoryQuery {
    HistoryQuery::newest(Target::User(with.parse().unwrap()), 10)
}

/// All texts of a history, page by page.
async fn read(device: &Device, mut query: HistoryQuery) -> Vec<String> {
    let mut texts = Vec::new();
    loop {
        let page = device.chat.history(&device.caller, &query).await.unwrap();
        assert!(page.entries.len() <= query.count);
        texts.extend(page.entries.iter().map(|e| String::from_utf8(e.body.to_vec()).unwrap()));
        if page.is_last {
            return texts;
        }
        query.start = page.next;
    }
}

#[tokio::test]
async fn both_directions_give_everything_once() {
    let world = World::new();
    world.register(APP, &["alice", "bob", "carol"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let mut all = Vec::new();
    for n in 0..25 {
        let text = format!("message {n}");
        if n % 2 == 0 {
            alice.send("bob", &text).await
        } else {
            bob.send("alice", &text).await
        };
        all.push(text);
    }
    alice.send_draft(Draft { kind: Kind::Command, ..draft("bob", "typing", 900) }).await.unwrap();
    for (device, with) in [(&alice, "bob"), (&bob, "alice")] {
        for count in [1, 5, 10, 25, 50] {
            let forward = HistoryQuery { oldest_first: true, count, ..query(with) };
            assert_eq!(read(device, forward).await, all, "oldest first, {count} a page");
            let mut backward = read(device, HistoryQuery { count, ..query(with) }).await;
            backward.reverse();
            assert_eq!(backward, all, "newest first, {count} a page");
        }
    }
    assert!(read(&world.log_in(APP, "carol", "web").await, query("bob")).await.is_empty());
}

#[tokio::test]
async fn filters_by_kind_sender_and_time() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    alice.send("bob", "early").await;
    world.clock.advance(Duration::from_secs(60));
    let middle = world.clock.now();
    let image = Draft { kind: Kind::Image, ..draft("alice", "picture", 1) };
    bob.send_draft(image).await.unwrap();
    world.clock.advance(Duration::from_secs(60));
    alice.send("bob", "late").await;

    let of = |change: fn(&mut HistoryQuery)| {
        let mut query = query("bob");
        change(&mut query);
        query
    };
    assert_eq!(read(&alice, of(|q| q.kinds = vec![Kind::Image])).await, ["picture"]);
    assert_eq!(read(&alice, of(|q| q.from = "alice".parse().ok())).await, ["late", "early"]);
    let since = HistoryQuery { since: Some(middle), ..query("bob") };
    assert_eq!(read(&alice, since).await, ["late", "picture"]);
    let until = HistoryQuery { until: Some(middle), oldest_first: true, ..query("bob") };
    assert_eq!(read(&alice, until).await, ["early", "picture"]);
}

#[tokio::test]
async fn a_start_of_another_conversation_is_refused() {
    let world = World::new();
    world.register(APP, &["alice", "bob", "carol"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    alice.send("bob", "one").await;
    let elsewhere = alice.send("carol", "two").await;
    for start in [elsewhere.id, MessageId(1)] {
        let wrong = HistoryQuery { start: Some(start), ..query("bob") };
        let refused = alice.chat.history(&alice.caller, &wrong).await;
        assert!(matches!(refused, Err(Error::Argument { field: "start", .. })));
    }
}

#[tokio::test]
async fn a_name_that_was_deleted_and_registered_again_is_another_person() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    alice.send("bob", "for the first bob").await;
    let back_end = world.back_end(APP).await;
    world.chat.delete_user(&back_end, &"bob".parse().unwrap()).await.unwrap();
    assert_eq!(
        alice.send_draft(draft("bob", "x", 77)).await.err().map(|e| e.to_string()),
        Some("the recipient does not exist".to_owned())
    );

    world.register(APP, &["bob"]).await;
    let token = world.token(APP, Some("bob"));
    let old = world.chat.authenticate(&APP.parse().unwrap(), token.expose()).await;
    assert!(matches!(old, Err(Error::Token(_))), "nor do the first one's tokens let in the second");
    world.clock.advance(Duration::from_secs(1));
    let bob = world.log_in(APP, "bob", "web").await;
    assert!(bob.unread().await.is_empty());
    assert!(read(&bob, query("alice")).await.is_empty());
    alice.send("bob", "for the second bob").await;
    assert_eq!(bob.receive("alice").await, ["for the second bob"]);
    assert_eq!(read(&bob, query("alice")).await, ["for the second bob"]);
    assert_eq!(read(&alice, query("bob")).await, ["for the second bob", "for the first bob"]);
}

#[tokio::test]
async fn messages_are_kept_as_long_as_the_plan_says() {
    let world = World::new();
    world.register(FRIENDS, &["alice", "bob"]).await;
    let back_end = world.back_end(FRIENDS).await;
    let (a, b) = ("alice".parse().unwrap(), "bob".parse().unwrap());
    world.chat.add_contact(&back_end, &a, &b).await.unwrap();
    let alice = world.log_in(FRIENDS, "alice", "web").await;
    let bob = world.log_in(FRIENDS, "bob", "web").await;
    let sent = alice.send("bob", "for a week").await;
    let seen = async || {
        let history = world.chat.history(&bob.caller, &query("alice")).await.unwrap();
        let page = bob.page("alice", Some(0)).await;
        (history.entries.len(), page.entries.len())
    };
    // The plan `free`: seven days, to the millisecond.
    world.clock.advance(Duration::from_secs(7 * 86_400) - Duration::from_millis(1));
    assert_eq!(seen().await, (1, 1));
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(seen().await, (0, 0));
    let (with, device) = (Target::User(a), &bob.resource);
    let pinned = world.chat.pin_message(&bob.caller, device, &with, sent.id, true).await;
    assert!(matches!(pinned, Err(Error::UnknownMessage)), "{pinned:?}");
}
