//! Block lists: what they keep away, from when on, and what they leave alone.

use stoa_chat::{Draft, Error};
use stoa_core::{UserId, limits};

use crate::world::{APP, Device, World, draft};

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

impl Device {
    async fn block(&self, names: &[&str]) -> Result<(), Error> {
        let users: Vec<_> = names.iter().map(|name| user(name)).collect();
        let me = self.caller.user().unwrap();
        self.chat.block_users(&self.caller, me, Some(&self.resource), &users).await
    }

    async fn unblock(&self, names: &[&str]) -> Result<(), Error> {
        let users: Vec<_> = names.iter().map(|name| user(name)).collect();
        let me = self.caller.user().unwrap();
        self.chat.unblock_users(&self.caller, me, Some(&self.resource), &users).await
    }

    async fn blocked(&self, limit: usize, cursor: Option<&str>) -> (Vec<String>, Option<String>) {
        let me = self.caller.user().unwrap();
        let page = self.chat.blocked_users(&self.caller, me, limit, cursor).await.unwrap();
        (page.users.iter().map(|user| user.as_str().to_owned()).collect(), page.cursor)
    }
}

#[tokio::test]
async fn from_the_answer_on_no_message_comes_in() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    for round in 0..3_u64 {
        let id = 100 * (round + 1);
        alice.send_draft(draft("bob", "before", id)).await.unwrap();
        bob.block(&["alice"]).await.unwrap();
        let refused = alice.send_draft(draft("bob", "blocked", id + 1)).await;
        assert!(matches!(refused, Err(Error::Blocked)));
        let passing = Draft { online_only: true, ..draft("bob", "passing", id + 2) };
        assert!(matches!(alice.send_draft(passing).await, Err(Error::Blocked)));
        // The other way is open.
        bob.send_draft(draft("alice", "still", id + 3)).await.unwrap();
        bob.unblock(&["alice"]).await.unwrap();
        alice.send_draft(draft("bob", "after", id + 4)).await.unwrap();
    }
    assert_eq!(bob.receive("alice").await, ["before", "after"].repeat(3));
    assert_eq!(alice.receive("bob").await, ["still"; 3]);
}

#[tokio::test]
async fn a_refusal_is_not_remembered_when_nothing_was_said_yet() {
    let mut world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let bob = world.log_in(APP, "bob", "web").await;
    let alice = world.log_in(APP, "alice", "web").await;
    bob.block(&["alice"]).await.unwrap();
    for id in 1..3 {
        let refused = alice.send_draft(draft("bob", "no", id)).await;
        assert!(matches!(refused, Err(Error::Blocked)));
    }
    bob.unblock(&["alice"]).await.unwrap();
    alice.send_draft(draft("bob", "one", 3)).await.unwrap();
    bob.block(&["alice"]).await.unwrap();
    drop((alice, bob));
    world.restarted();
    let alice = world.log_in(APP, "alice", "web").await;
    assert!(matches!(alice.send_draft(draft("bob", "no", 4)).await, Err(Error::Blocked)));
    let bob = world.log_in(APP, "bob", "web").await;
    assert_eq!(bob.receive("alice").await, ["one"]);
    let history = stoa_chat::HistoryQuery::newest(user("alice").into(), 10);
    let page = world.chat.history(&bob.caller, &history).await.unwrap();
    assert_eq!(page.entries.len(), 1, "marks are nothing to read");
}

#[tokio::test]
async fn messages_and_blocks_at_the_same_time_have_an_order() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    for round in 0..30_u64 {
        let sends = (0..5).map(|n| alice.send_draft(draft("bob", "x", 1000 + round * 10 + n)));
        let (outcomes, blocked) =
            tokio::join!(futures_util::future::join_all(sends), bob.block(&["alice"]));
        blocked.unwrap();
        // Once one is refused, all behind it are.
        let refused: Vec<bool> = outcomes.iter().map(Result::is_err).collect();
        assert!(refused.is_sorted(), "{refused:?}");
        let last = alice.send_draft(draft("bob", "x", 1000 + round * 10 + 9)).await;
        assert!(matches!(last, Err(Error::Blocked)));
        bob.unblock(&["alice"]).await.unwrap();
    }
}

#[tokio::test]
async fn who_is_blocked_cannot_invite_and_stays_a_contact() {
    let world = World::new();
    world.register(APP, &["alice", "bob", "carol"]).await;
    let back_end = world.back_end(APP).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    bob.block(&["alice"]).await.unwrap();
    let invite = |device: &Device, to: &'static str| {
        let (chat, caller) = (device.chat.clone(), device.caller.clone());
        async move {
            let me = caller.user().unwrap();
            chat.invite_contacts(&caller, me, None, &[user(to)], "").await
        }
    };
    assert!(matches!(invite(&alice, "bob").await, Err(Error::Blocked)));
    assert!(bob.pushed_entries().is_empty());
    // An invitation from before the block is not accepted against it.
    let carol = world.log_in(APP, "carol", "web").await;
    invite(&carol, "bob").await.unwrap();
    carol.block(&["bob"]).await.unwrap();
    let accepted = world.chat.accept_contact(&bob.caller, &user("bob"), None, &user("carol")).await;
    assert!(matches!(accepted, Err(Error::Blocked)));

    bob.unblock(&["alice"]).await.unwrap();
    world.chat.add_contact(&back_end, &user("alice"), &user("bob")).await.unwrap();
    bob.block(&["alice"]).await.unwrap();
    let contacts = world.chat.contacts(&bob.caller, &user("bob")).await.unwrap();
    assert_eq!(contacts.len(), 1, "for when the block ends");
}

#[tokio::test]
async fn the_list_is_bounded_and_read_by_page() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let names: Vec<String> = (0..=limits::BLOCKED).map(|n| format!("u{n:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.register(APP, &names).await;
    let alice = world.log_in(APP, "alice", "web").await;
    for refused in [&["alice"][..], &[], &names[..=limits::BLOCK_BATCH]] {
        assert!(matches!(alice.block(refused).await, Err(Error::Argument { .. })));
    }
    assert!(matches!(alice.block(&["bob", "nobody"]).await, Err(Error::UnknownUser)));
    assert_eq!(alice.blocked(50, None).await, (vec![], None), "all or none");
    for some in names[..limits::BLOCKED].chunks(limits::BLOCK_BATCH) {
        world.clock.advance(std::time::Duration::from_millis(1));
        alice.block(some).await.unwrap();
    }
    let more = alice.block(&names[limits::BLOCKED..]).await;
    assert!(matches!(more, Err(Error::LimitReached(_))));
    alice.block(&names[..2]).await.unwrap();
    let (all, cursor) = alice.blocked(limits::BLOCKED, None).await;
    assert_eq!((all.len(), cursor), (limits::BLOCKED, None));
    let (mut paged, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let (page, next) = alice.blocked(33, cursor.as_deref()).await;
        paged.extend(page);
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(paged, all);
    assert!(all[0].as_str() > "u449", "the newest first");
    let me = user("alice");
    let wrong = world.chat.blocked_users(&alice.caller, &me, 5, Some("x")).await;
    assert!(matches!(wrong, Err(Error::Argument { field: "cursor", .. })));
    let bob = world.log_in(APP, "bob", "web").await;
    let theirs = world.chat.blocked_users(&bob.caller, &me, 5, None).await;
    assert!(matches!(theirs, Err(Error::NotAllowed)));
}
