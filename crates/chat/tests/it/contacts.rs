//! Contacts: invitations, who is told, lists, and what is left when somebody goes.

use std::time::Duration;

use proptest::prelude::*;
use prost::Message;
use stoa_chat::Error;
use stoa_chat::entry::{Entry, Kind};
use stoa_chat::event::{ContactAct, ContactEvent};
use stoa_core::{UserId, limits};

use crate::world::{APP, Device, FRIENDS, OTHER, World, draft};

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

fn told(entry: &Entry) -> String {
    assert_eq!(entry.kind, Kind::ContactEvent);
    let event = ContactEvent::decode(&*entry.body).unwrap();
    let act = ContactAct::try_from(event.act).unwrap();
    let reason = event.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!("{act:?} {}>{}{reason}", event.from, event.to)
}

/// What was pushed to the device about contacts.
fn pushed(device: &Device) -> Vec<String> {
    device.pushed_entries().iter().map(|entry| told(entry)).collect()
}

/// What lies in the user's own log for the device, from the beginning.
async fn logged(device: &Device) -> Vec<String> {
    let page = device.page("@log", Some(0)).await;
    page.entries.iter().map(|(_, entry)| told(entry)).collect()
}

impl Device {
    fn me(&self) -> UserId {
        self.caller.user().unwrap().clone()
    }

    async fn invite_contact(&self, names: &[&str], reason: &str) -> Result<(), Error> {
        let users: Vec<_> = names.iter().map(|name| user(name)).collect();
        let (me, on) = (self.me(), Some(&self.resource));
        self.chat.invite_contacts(&self.caller, &me, on, &users, reason).await
    }

    async fn accept(&self, from: &str) -> Result<(), Error> {
        let (me, on) = (self.me(), Some(&self.resource));
        self.chat.accept_contact(&self.caller, &me, on, &user(from)).await
    }

    async fn decline(&self, from: &str) -> Result<(), Error> {
        let (me, on) = (self.me(), Some(&self.resource));
        self.chat.decline_contact(&self.caller, &me, on, &user(from)).await
    }

    async fn remove_contact(&self, contact: &str) -> Result<(), Error> {
        let (me, on) = (self.me(), Some(&self.resource));
        self.chat.remove_contact(&self.caller, &me, on, &user(contact)).await
    }

    async fn contacts(&self) -> Vec<String> {
        let contacts = self.chat.contacts(&self.caller, &self.me()).await.unwrap();
        contacts.iter().map(|contact| contact.user.as_str().to_owned()).collect()
    }
}

#[tokio::test]
async fn an_invitation_is_accepted_and_exactly_those_concerned_are_told() {
    let world = World::new();
    world.register(APP, &["alice", "bob", "carol"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let phone = world.log_in(APP, "alice", "phone").await;
    let carol = world.log_in(APP, "carol", "web").await;
    alice.invite_contact(&["bob"], "hello").await.unwrap();
    assert!(pushed(&alice).is_empty() && pushed(&phone).is_empty());

    // Bob was offline.
    let bob = world.log_in(APP, "bob", "web").await;
    let tablet = world.log_in(APP, "bob", "tablet").await;
    assert_eq!(bob.unread().await, ["@log"]);
    assert_eq!(logged(&bob).await, ["Invited alice>bob (hello)"]);
    bob.accept("alice").await.unwrap();
    for device in [&alice, &phone] {
        assert_eq!(pushed(device), ["AcceptedByOther bob>alice", "Added bob>alice"]);
    }
    assert_eq!(pushed(&bob), ["Added alice>bob"], "the device that accepts has a contact");
    assert_eq!(pushed(&tablet), ["Added bob>alice"], "from itself: done on another device");
    assert!(pushed(&carol).is_empty());
    assert_eq!(
        (bob.contacts().await, alice.contacts().await),
        (vec!["alice".into()], vec!["bob".into()])
    );
    assert!(matches!(bob.accept("alice").await, Err(Error::NoInvitation)), "it was answered");

    tablet.remove_contact("alice").await.unwrap();
    assert_eq!(pushed(&bob), ["Removed bob>alice"]);
    assert!(pushed(&tablet).is_empty());
    assert_eq!(pushed(&phone), ["Removed bob>alice"]);
    assert!(alice.contacts().await.is_empty() && bob.contacts().await.is_empty());
    tablet.remove_contact("alice").await.unwrap();
    assert!(pushed(&phone).is_empty(), "nothing changed, nobody is told");
}

#[tokio::test]
async fn an_invitation_is_declined() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let tablet = world.log_in(APP, "bob", "tablet").await;
    assert!(matches!(bob.decline("alice").await, Err(Error::NoInvitation)));
    alice.invite_contact(&["bob"], "").await.unwrap();
    pushed(&bob);
    pushed(&tablet);
    bob.decline("alice").await.unwrap();
    assert_eq!(pushed(&alice), ["DeclinedByOther bob>alice"]);
    assert_eq!(pushed(&tablet), ["Declined bob>alice"]);
    assert!(pushed(&bob).is_empty());
    assert!(matches!(bob.accept("alice").await, Err(Error::NoInvitation)));
    assert!(alice.contacts().await.is_empty());
}

#[tokio::test]
async fn who_invited_each_other_have_one_answer() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    alice.invite_contact(&["bob"], "").await.unwrap();
    bob.invite_contact(&["alice"], "").await.unwrap();
    alice.accept("bob").await.unwrap();
    assert!(matches!(bob.accept("alice").await, Err(Error::NoInvitation)));
    assert!(matches!(bob.decline("alice").await, Err(Error::NoInvitation)));
    assert_eq!(bob.contacts().await, ["alice"]);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let world = World::new();
    world.register(APP, &["alice", "bob", "carol"]).await;
    world.register(OTHER, &["zoe"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let zoe = world.log_in(OTHER, "zoe", "web").await;
    for names in [&["alice"][..], &["bob", "alice"], &[]] {
        let refused = alice.invite_contact(names, "").await.unwrap_err();
        assert!(matches!(refused, Error::Argument { field: "usernames", .. }), "{refused}");
    }
    let many: Vec<String> = (0..=limits::CONTACT_BATCH).map(|n| format!("u{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(matches!(alice.invite_contact(&many, "").await, Err(Error::Argument { .. })));
    let long = "x".repeat(limits::REASON_CHARS + 1);
    assert!(matches!(alice.invite_contact(&["bob"], &long).await, Err(Error::Argument { .. })));
    // All or none, and who is in another app is nobody.
    for nobody in ["zoe", "nobody"] {
        let refused = alice.invite_contact(&["bob", nobody], "").await;
        assert!(matches!(refused, Err(Error::UnknownUser)));
    }
    assert!(pushed(&bob).is_empty() && pushed(&zoe).is_empty());
    assert!(matches!(bob.accept("alice").await, Err(Error::NoInvitation)));

    alice.invite_contact(&["bob"], "").await.unwrap();
    bob.accept("alice").await.unwrap();
    for (who, whom) in [(&alice, "bob"), (&bob, "alice")] {
        let refused = who.invite_contact(&[whom], "").await.unwrap_err();
        assert!(refused.to_string().contains("a contact already"), "{refused}");
    }
    // For nobody but oneself.
    let carol = user("carol");
    let on = Some(&alice.resource);
    let as_carol = alice.chat.invite_contacts(&alice.caller, &carol, on, &[user("bob")], "").await;
    assert!(matches!(as_carol, Err(Error::NotAllowed)));
    let direct = alice.chat.add_contact(&alice.caller, &user("alice"), &carol).await;
    assert!(matches!(direct, Err(Error::NotAllowed)), "a user cannot skip the question");
    assert!(matches!(alice.chat.contacts(&alice.caller, &carol).await, Err(Error::NotAllowed)));
}

#[tokio::test]
async fn invitations_have_an_end() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    world.log_in(APP, "alice", "web").await.invite_contact(&["bob"], "").await.unwrap();
    world.clock.advance(limits::INVITATION_LIFE - Duration::from_millis(1));
    let bob = world.log_in(APP, "bob", "web").await;
    world.clock.advance(Duration::from_millis(1));
    assert!(matches!(bob.accept("alice").await, Err(Error::NoInvitation)));
    world.log_in(APP, "alice", "web").await.invite_contact(&["bob"], "").await.unwrap();
    world.clock.advance(limits::INVITATION_LIFE - Duration::from_millis(1));
    world.log_in(APP, "bob", "web").await.accept("alice").await.unwrap();
}

#[tokio::test]
async fn a_plan_bounds_the_contacts_of_either_side() {
    let world = World::new();
    let names: Vec<String> = (0..100).map(|n| format!("friend{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.register(FRIENDS, &["alice", "bob", "carol"]).await;
    world.register(FRIENDS, &names).await;
    let back_end = world.back_end(FRIENDS).await;
    let alice = world.log_in(FRIENDS, "alice", "web").await;
    let bob = world.log_in(FRIENDS, "bob", "web").await;
    alice.invite_contact(&["bob"], "").await.unwrap();
    bob.invite_contact(&["carol"], "").await.unwrap();
    for name in &names {
        world.chat.add_contact(&back_end, &user("alice"), &user(name)).await.unwrap();
    }
    let text = |refused: Result<(), Error>| match refused.unwrap_err() {
        Error::LimitReached(text) => text,
        other => panic!("{other}"),
    };
    let (inviter, invitee) =
        ("Inviter's contact max count is 100", "Invitee's contact max count is 100");
    assert_eq!(text(alice.invite_contact(&["carol"], "").await), inviter);
    assert_eq!(text(bob.accept("alice").await), inviter);
    assert_eq!(text(bob.invite_contact(&["alice"], "").await), invitee);
    let added = world.chat.add_contact(&back_end, &user("carol"), &user("alice")).await;
    assert_eq!(text(added), invitee);
    assert_eq!(alice.contacts().await.len(), 100);
    // The same again is no more; one less makes room.
    world.chat.add_contact(&back_end, &user("alice"), &user("friend7")).await.unwrap();
    alice.remove_contact("friend7").await.unwrap();
    bob.accept("alice").await.unwrap();
    assert!(matches!(alice.remove_contact("nobody").await, Err(Error::UnknownUser)));
    assert_eq!(alice.contacts().await.len(), 100);
}

#[tokio::test]
async fn only_contacts_may_write_where_the_app_says_so() {
    let world = World::new();
    world.register(FRIENDS, &["alice", "bob"]).await;
    let alice = world.log_in(FRIENDS, "alice", "web").await;
    let bob = world.log_in(FRIENDS, "bob", "web").await;
    let mut id = 0;
    let mut next = || {
        id += 1;
        id
    };
    let refused = alice.send_draft(draft("bob", "before", next())).await;
    assert!(matches!(refused, Err(Error::NotContacts)));
    alice.invite_contact(&["bob"], "").await.unwrap();
    assert!(matches!(
        alice.send_draft(draft("bob", "asked", next())).await,
        Err(Error::NotContacts)
    ));
    bob.accept("alice").await.unwrap();
    alice.send_draft(draft("bob", "now", next())).await.unwrap();
    bob.send_draft(draft("alice", "too", next())).await.unwrap();
    // Right behind the answer.
    bob.remove_contact("alice").await.unwrap();
    for (from, to) in [(&alice, "bob"), (&bob, "alice")] {
        let refused = from.send_draft(draft(to, "after", next())).await;
        assert!(matches!(refused, Err(Error::NotContacts)));
    }
    let passing = stoa_chat::Draft { online_only: true, ..draft("bob", "passing", next()) };
    assert!(matches!(alice.send_draft(passing).await, Err(Error::NotContacts)));
    let back_end = world.back_end(FRIENDS).await;
    world.chat.add_contact(&back_end, &user("alice"), &user("bob")).await.unwrap();
    alice.send_draft(draft("bob", "again", next())).await.unwrap();
    assert_eq!(bob.receive("alice").await, ["now", "again"]);
}

#[tokio::test]
async fn the_back_end_makes_contacts_without_asking() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let back_end = world.back_end(APP).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let (alice, bob) = (&alice, &bob);
    let (a, b) = (user("alice"), user("bob"));
    let add = || world.chat.add_contact(&back_end, &a, &b);
    add().await.unwrap();
    assert_eq!(
        (pushed(alice), pushed(bob)),
        (vec!["Added bob>alice".into()], vec!["Added alice>bob".into()])
    );
    add().await.unwrap();
    assert!(pushed(alice).is_empty() && pushed(bob).is_empty());
    world.chat.remove_contact(&back_end, &user("alice"), None, &user("bob")).await.unwrap();
    assert_eq!(pushed(bob), ["Removed alice>bob"]);
    assert_eq!(pushed(alice), ["Removed alice>bob"], "no device of alice's did it");
    let own = world.chat.add_contact(&back_end, &user("bob"), &user("bob")).await;
    assert!(matches!(own, Err(Error::Argument { .. })));
    let nobody = world.chat.add_contact(&back_end, &user("bob"), &user("nobody")).await;
    assert!(matches!(nobody, Err(Error::UnknownUser)));
}

#[tokio::test]
async fn remarks_are_for_contacts_and_their_owner_alone() {
    let mut world = World::new();
    world.register(APP, &["alice", "bob", "carol"]).await;
    let back_end = world.back_end(APP).await;
    world.chat.add_contact(&back_end, &user("alice"), &user("bob")).await.unwrap();
    let alice = world.log_in(APP, "alice", "web").await;
    let set = |friend: &'static str, remark: String| {
        let chat = alice.chat.clone();
        let caller = alice.caller.clone();
        async move { chat.set_remark(&caller, &user("alice"), &user(friend), &remark).await }
    };
    assert!(matches!(set("carol", "x".into()).await, Err(Error::NotFriends)));
    assert!(matches!(set("nobody", "x".into()).await, Err(Error::NotFriends)));
    let long = set("bob", "ü".repeat(101)).await.unwrap_err().to_string();
    assert!(long.contains("remark length must less"), "{long}");
    let remark = "ü😀".repeat(50);
    set("bob", remark.clone()).await.unwrap();
    drop(alice);
    world.restarted();
    let alice = world.log_in(APP, "alice", "web").await;
    let page = world.chat.contact_page(&alice.caller, &user("alice"), 10, None).await.unwrap();
    assert_eq!(page.contacts[0].remark.as_deref(), Some(&*remark));
    let bob = world.log_in(APP, "bob", "web").await;
    let theirs = world.chat.contacts(&bob.caller, &user("bob")).await.unwrap();
    assert_eq!(theirs[0].remark, None);
    world.chat.set_remark(&alice.caller, &user("alice"), &user("bob"), "").await.unwrap();
    let mine = world.chat.contacts(&alice.caller, &user("alice")).await.unwrap();
    assert_eq!(mine[0].remark, None);
}

#[tokio::test]
async fn a_name_that_is_registered_again_is_another_person() {
    let world = World::new();
    world.register(FRIENDS, &["alice", "bob", "carol"]).await;
    let back_end = world.back_end(FRIENDS).await;
    world.chat.add_contact(&back_end, &user("alice"), &user("bob")).await.unwrap();
    let bob = world.log_in(FRIENDS, "bob", "web").await;
    bob.invite_contact(&["carol"], "").await.unwrap();
    drop(bob);
    let alice = world.log_in(FRIENDS, "alice", "web").await;
    world.chat.delete_user(&back_end, &user("bob")).await.unwrap();
    assert_eq!(pushed(&alice), ["Removed bob>alice"]);
    assert!(alice.contacts().await.is_empty());
    world.clock.advance(Duration::from_secs(1));
    world.register(FRIENDS, &["bob"]).await;
    let bob = world.log_in(FRIENDS, "bob", "web").await;
    assert!(bob.contacts().await.is_empty());
    assert!(matches!(bob.send_draft(draft("alice", "hi", 1)).await, Err(Error::NotContacts)));
    let carol = world.log_in(FRIENDS, "carol", "web").await;
    assert!(matches!(carol.accept("bob").await, Err(Error::NoInvitation)));
}

/// One step of an app that adds and removes contacts while somebody reads page by page.
#[derive(Debug, Clone)]
enum Step {
    Add(usize),
    Remove(usize),
    Wait(u64),
    Page(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..12_usize).prop_map(Step::Add),
        2 => (0..12_usize).prop_map(Step::Remove),
        2 => (0..3_u64).prop_map(Step::Wait),
        3 => (1..5_usize).prop_map(Step::Page),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever stays a contact while the pages are read is met once and in order; whoever is none at
    /// any time is never met.
    #[test]
    fn pages_hold_each_contact_once_and_the_newest_first(steps in proptest::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async move {
            let world = World::new();
            let names: Vec<String> = (0..12).map(|n| format!("f{n}")).collect();
            let refs: Vec<&str> = names.iter().map(String::as_str).collect();
            world.register(APP, &["alice"]).await;
            world.register(APP, &refs).await;
            let back_end = world.back_end(APP).await;
            let alice = user("alice");
            // The model: since when each is a contact.
            let mut model: std::collections::BTreeMap<usize, u64> = std::collections::BTreeMap::new();
            let mut cursor: Option<String> = None;
            // Who was a contact all the time since the first page, and who was met.
            let mut staying: Vec<usize> = Vec::new();
            let mut met: Vec<(u64, usize)> = Vec::new();
            let mut reading = false;
            let mut now = 0;
            for step in steps {
                match step {
                    Step::Add(n) => {
                        world.chat.add_contact(&back_end, &alice, &user(&names[n])).await.unwrap();
                        model.entry(n).or_insert(now);
                    }
                    Step::Remove(n) => {
                        world.chat.remove_contact(&back_end, &alice, None, &user(&names[n])).await.unwrap();
                        model.remove(&n);
                        staying.retain(|stays| *stays != n);
                    }
                    Step::Wait(ms) => {
                        now += ms;
                        world.clock.advance(Duration::from_millis(ms));
                    }
                    Step::Page(limit) => {
                        if !reading {
                            staying = model.keys().copied().collect();
                            met.clear();
                            cursor = None;
                            reading = true;
                        }
                        let page = world.chat.contact_page(&back_end, &alice, limit, cursor.as_deref()).await.unwrap();
                        assert!(page.contacts.len() <= limit);
                        for contact in &page.contacts {
                            let n: usize = contact.user.as_str()[1..].parse().unwrap();
                            assert!(model.contains_key(&n), "f{n} is no contact");
                            let since = contact.since.as_millis();
                            assert!(met.iter().all(|(before, other)| *before >= since && *other != n), "out of turn or twice");
                            met.push((since, n));
                        }
                        cursor = page.cursor;
                        if cursor.is_none() {
                            assert!(staying.iter().all(|n| met.iter().any(|(_, m)| m == n)), "somebody was left out");
                            reading = false;
                        }
                    }
                }
            }
            let all = world.chat.contacts(&back_end, &alice).await.unwrap();
            let mut listed: Vec<usize> = all.iter().map(|c| c.user.as_str()[1..].parse().unwrap()).collect();
            assert!(all.is_sorted_by(|a, b| a.since >= b.since));
            listed.sort_unstable();
            assert_eq!(listed, model.keys().copied().collect::<Vec<_>>());
            let wrong = world.chat.contact_page(&back_end, &alice, 3, Some("nonsense")).await;
            assert!(matches!(wrong, Err(Error::Argument { field: "cursor", .. })));
        });
    }
}
