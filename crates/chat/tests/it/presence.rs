//! Presence: who is told of what, when, and until when.

use std::time::Duration;

use prost::Message;
use stoa_chat::Error;
use stoa_chat::entry::Kind;
use stoa_chat::event::Notice;
use stoa_core::{UserId, limits};

use crate::world::{APP, Device, OTHER, World};

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

/// What subscribers on this device were told: user, text, devices with their state.
fn told(device: &Device) -> Vec<String> {
    let entries = device.pushed_entries();
    let line = |entry: &std::sync::Arc<stoa_chat::entry::Entry>| {
        assert_eq!(entry.kind, Kind::Notice);
        let json = Notice::decode(&*entry.body).unwrap().json;
        assert!(json.bytes().all(|byte| byte >= 0x10));
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["type"], "presence");
        let values = value["data"]["values"].as_array().unwrap();
        assert_eq!(values.len(), 1, "one value in each notice");
        let presence = &values[0];
        for number in ["last_time", "expiry"] {
            presence[number].as_str().unwrap().parse::<u64>().unwrap();
        }
        format!(
            "{} '{}' {}",
            presence["uid"].as_str().unwrap(),
            presence["ext"].as_str().unwrap(),
            presence["status"]
        )
    };
    entries.iter().map(line).collect()
}

impl Device {
    async fn subscribe(&self, names: &[&str], seconds: u64) -> Result<Vec<String>, Error> {
        let users: Vec<_> = names.iter().map(|name| user(name)).collect();
        let me = self.caller.user().unwrap();
        let during = Duration::from_secs(seconds);
        let presences = self.chat.subscribe_presence(&self.caller, me, &users, during).await?;
        Ok(presences.iter().map(|p| format!("{} {:?}", p.user.as_str(), p.devices)).collect())
    }

    async fn publish(&self, status: u32, ext: &str) -> Result<(), Error> {
        let me = self.caller.user().unwrap();
        self.chat.publish_presence(&self.caller, me, &self.resource, status, ext).await
    }

    async fn ask(&self, name: &str) -> stoa_chat::Presence {
        let me = self.caller.user().unwrap();
        self.chat.presences(&self.caller, me, &[user(name)]).await.unwrap().remove(0)
    }
}

/// Lets what has changed be told, a second later.
async fn settle(world: &World) -> usize {
    let at_once = world.chat.tell_presences().await;
    world.clock.advance(limits::PRESENCE_DEBOUNCE);
    at_once + world.chat.tell_presences().await
}

#[tokio::test]
async fn several_changes_within_a_second_are_told_once_and_to_subscribers_alone() {
    let world = World::new();
    world.register(APP, &["alice", "bob", "carol"]).await;
    world.register(OTHER, &["bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let phone = world.log_in(APP, "alice", "phone").await;
    let carol = world.log_in(APP, "carol", "web").await;
    assert_eq!(alice.subscribe(&["bob"], 600).await.unwrap(), ["bob {}"]);
    settle(&world).await;
    assert!(told(&alice).is_empty());

    let bob = world.log_in(APP, "bob", "web").await;
    world.chat.tell_presences().await;
    for _ in 0..3 {
        world.clock.advance(Duration::from_millis(300));
        drop(world.log_in(APP, "bob", "tablet").await);
        assert_eq!(world.chat.tell_presences().await, 0, "it waits");
    }
    bob.publish(101, "busy").await.unwrap();
    assert_eq!(settle(&world).await, 1);
    for device in [&alice, &phone] {
        assert_eq!(told(device), [r#"bob 'busy' {"web":"101"}"#]);
    }
    assert_eq!(settle(&world).await, 0, "told once");
    drop(bob);
    settle(&world).await;
    assert_eq!(told(&alice), [r#"bob 'busy' {"web":"0"}"#]);
    // Nobody else, and no namesake of another app.
    let _other = world.log_in(OTHER, "bob", "web").await;
    assert_eq!(settle(&world).await, 0);
    assert!(told(&carol).is_empty() && told(&alice).is_empty());
}

#[tokio::test]
async fn what_was_published_and_who_subscribed_outlive_a_restart() {
    let mut world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let bob = world.log_in(APP, "bob", "web").await;
    let alice = world.log_in(APP, "alice", "web").await;
    alice.subscribe(&["bob"], 3600).await.unwrap();
    bob.publish(1, "here").await.unwrap();
    let at = stoa_core::Clock::now(&*world.clock).as_secs();
    settle(&world).await;
    drop((alice, bob));
    world.restarted();
    let alice = world.log_in(APP, "alice", "web").await;
    let presence = alice.ask("bob").await;
    assert_eq!((&*presence.ext, presence.devices["web"]), ("here", 0));
    assert!(presence.changed.as_secs() >= at && presence.until.is_some());
    let _bob = world.log_in(APP, "bob", "web").await;
    assert_eq!(alice.ask("bob").await.devices["web"], 1);
    settle(&world).await;
    assert_eq!(told(&alice), [r#"bob 'here' {"web":"1"}"#]);
    assert_eq!(alice.unread().await, Vec::<String>::new(), "nothing of it is stored");
}

#[tokio::test]
async fn subscriptions_end_by_the_clock_to_the_millisecond() {
    let world = World::new();
    world.register(APP, &["alice", "bob", "carol"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    alice.subscribe(&["bob", "carol"], 60).await.unwrap();
    alice.subscribe(&["carol"], 120).await.unwrap();
    alice.subscribe(&["carol"], 5).await.unwrap();
    let mine = async || {
        let all = world.chat.presence_subscriptions(&alice.caller, &user("alice")).await.unwrap();
        all.iter().map(|s| s.user.as_str().to_owned()).collect::<Vec<_>>()
    };
    settle(&world).await;
    told(&alice);
    world.clock.advance(Duration::from_millis(60_000 - 1_000 - 1));
    assert_eq!(mine().await, ["bob", "carol"]);
    assert!(alice.ask("bob").await.until.is_some());
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(mine().await, ["carol"], "the longer one counts");
    assert!(alice.ask("bob").await.until.is_none());
    bob.publish(1, "x").await.unwrap();
    assert_eq!(settle(&world).await, 0);
    assert!(told(&alice).is_empty());
    alice.subscribe(&["bob"], 60).await.unwrap();
    let whom = [user("bob"), user("nobody")];
    world.chat.unsubscribe_presence(&alice.caller, &user("alice"), &whom).await.unwrap();
    bob.publish(1, "y").await.unwrap();
    assert_eq!(settle(&world).await, 0);
}

#[tokio::test]
async fn who_is_blocked_sees_nothing() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    alice.subscribe(&["bob"], 600).await.unwrap();
    bob.publish(1, "secret").await.unwrap();
    let (me, whom) = (user("bob"), [user("alice")]);
    world.chat.block_users(&bob.caller, &me, None, &whom).await.unwrap();
    assert_eq!(settle(&world).await, 0);
    assert!(told(&alice).is_empty());
    let presence = alice.ask("bob").await;
    assert_eq!((&*presence.ext, presence.devices.len()), ("", 0));
    assert_eq!(alice.subscribe(&["bob"], 700).await.unwrap(), ["bob {}"]);
    world.chat.unblock_users(&bob.caller, &me, None, &whom).await.unwrap();
    bob.publish(1, "hello").await.unwrap();
    settle(&world).await;
    assert_eq!(told(&alice), [r#"bob 'hello' {"web":"1"}"#]);
}

#[tokio::test]
async fn bounds_and_refusals() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    assert!(matches!(alice.publish(1, &"ü".repeat(513)).await, Err(Error::PresenceTooBig)));
    alice.publish(1, &"ü".repeat(512)).await.unwrap();
    let (me, bob) = (user("alice"), user("bob"));
    let gone = "gone".parse().unwrap();
    let refused = world.chat.publish_presence(&alice.caller, &me, &gone, 1, "").await.unwrap_err();
    assert_eq!(refused.to_string(), "resource: resource not exist");
    let web = &alice.resource;
    let other = world.chat.publish_presence(&alice.caller, &bob, web, 1, "").await;
    assert!(matches!(other, Err(Error::NotAllowed)));
    for (names, seconds) in [(&["alice"][..], 60), (&["bob"], 0), (&["bob"], 2_592_001), (&[], 60)]
    {
        let refused = alice.subscribe(names, seconds).await;
        assert!(matches!(refused, Err(Error::Argument { .. })));
    }
    alice.subscribe(&["bob"], 2_592_000).await.unwrap();
    assert_eq!(alice.subscribe(&["nobody"], 60).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn one_user_has_so_many_subscriptions_and_over_ones_make_room() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let names: Vec<String> = (0..limits::PRESENCE_SUBSCRIPTIONS).map(|n| format!("u{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.register(APP, &names).await;
    let alice = world.log_in(APP, "alice", "web").await;
    for some in names.chunks(limits::PRESENCE_BATCH) {
        alice.subscribe(some, 60).await.unwrap();
    }
    assert!(matches!(alice.subscribe(&["bob"], 60).await, Err(Error::LimitReached(_))));
    alice.subscribe(&["u7"], 120).await.unwrap();
    world.clock.advance(Duration::from_secs(60));
    alice.subscribe(&["bob"], 60).await.unwrap();
    let mine = world.chat.presence_subscriptions(&alice.caller, &user("alice")).await.unwrap();
    assert_eq!(mine.len(), 2);
}
