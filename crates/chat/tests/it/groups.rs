//! What is done to groups, and who is told of it.

use std::sync::Arc;

use prost::Message;
use stoa_chat::entry::{Entry, Kind};
use stoa_chat::event::{GroupAct, GroupEvent};
use stoa_chat::{Draft, Error, GroupChange, NewGroup, Role};
use stoa_core::{Caller, GroupId, Target, UserId};

use crate::world::{APP, Device, FRIENDS, World, draft, queue};

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

fn users(names: &[&str]) -> Vec<UserId> {
    names.iter().map(|name| user(name)).collect()
}

/// A private group of `owner`, whose members are `members`.
fn group_of(owner: &str, members: &[&str]) -> NewGroup {
    NewGroup {
        owner: user(owner),
        name: "chess".into(),
        description: String::new(),
        avatar: String::new(),
        custom: String::new(),
        public: false,
        approval: false,
        member_invites: false,
        invite_confirm: false,
        max_members: 200,
        members: users(members),
    }
}

impl Device {
    async fn make(&self, new: NewGroup) -> GroupId {
        self.chat.create_group(&self.caller, Some(&self.resource), new).await.unwrap()
    }

    async fn invite(&self, id: &GroupId, names: &[&str]) -> Vec<String> {
        let (caller, device) = (&self.caller, Some(&self.resource));
        let outcomes = self.chat.invite_to_group(caller, device, id, users(names)).await.unwrap();
        let outcome = |(user, outcome): (UserId, Result<(), Error>)| match outcome {
            Ok(()) => format!("{} ok", user.as_str()),
            Err(error) => format!("{}: {error}", user.as_str()),
        };
        outcomes.into_iter().map(outcome).collect()
    }

    async fn apply(&self, id: &GroupId, text: &str) -> Result<bool, Error> {
        let me = self.caller.user().unwrap();
        let (caller, device) = (&self.caller, Some(&self.resource));
        self.chat.apply_to_group(caller, device, id, me, Some(text.into())).await
    }

    async fn answer_invitation(&self, id: &GroupId, accept: bool) -> Result<(), Error> {
        let me = self.caller.user().unwrap();
        let (caller, device) = (&self.caller, Some(&self.resource));
        self.chat.answer_invitation(caller, device, id, me, accept).await
    }

    async fn answer_application(&self, id: &GroupId, of: &str, yes: bool) -> Result<(), Error> {
        let (caller, device) = (&self.caller, Some(&self.resource));
        let reason = Some("because".into());
        self.chat.answer_application(caller, device, id, &user(of), yes, reason).await
    }

    async fn remove(&self, id: &GroupId, names: &[&str]) -> Result<Vec<String>, Error> {
        let (caller, device) = (&self.caller, Some(&self.resource));
        let outcomes = self.chat.remove_members(caller, device, id, users(names)).await?;
        Ok(outcomes
            .into_iter()
            .map(|(user, o)| format!("{} {}", user.as_str(), o.is_ok()))
            .collect())
    }

    async fn leave(&self, id: &GroupId) -> Result<(), Error> {
        self.chat.leave_group(&self.caller, Some(&self.resource), id).await
    }

    async fn change(&self, id: &GroupId, change: GroupChange) -> Result<(), Error> {
        self.chat.change_group(&self.caller, Some(&self.resource), id, change).await
    }

    async fn say(&self, id: &GroupId, text: &str) -> Result<(), Error> {
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(5_000_000);
        let client_id = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let to = Target::Group(id.clone());
        let draft = Draft { to, ..draft("nobody", text, client_id) };
        self.send_draft(draft).await.map(drop)
    }

    /// What was pushed since the last call.
    fn told(&self) -> Vec<String> {
        self.pushed_entries().iter().map(told).collect()
    }

    /// What the device has not received, of all its queues.
    async fn missed(&self) -> Vec<String> {
        let mut all = Vec::new();
        for name in self.unread().await {
            let mut after = None;
            loop {
                let page = self.page(&name, after).await;
                all.extend(page.entries.iter().map(|(_, entry)| told(entry)));
                after = Some(page.end.0);
                if !page.more {
                    let moved = [(queue(&name), page.end)];
                    self.chat.save_cursors(&self.caller, &self.resource, &moved).await.unwrap();
                    break;
                }
            }
        }
        all
    }
}

/// An event as `Act: actor → users`, or a message's text.
fn told(entry: &Arc<Entry>) -> String {
    if entry.kind != Kind::GroupEvent {
        return String::from_utf8(entry.body.to_vec()).unwrap();
    }
    let event = GroupEvent::decode(&*entry.body).unwrap();
    let mut text = format!("{:?}: {}", GroupAct::try_from(event.act).unwrap(), event.actor);
    if !event.users.is_empty() {
        text += &format!(" → {}", event.users.join(","));
    }
    if let Some(reason) = event.reason {
        text += &format!(" ({reason})");
    }
    if let Some(members) = event.members {
        text += &format!(" {members}");
    }
    text
}

async fn roster(world: &World, caller: &Caller, id: &GroupId) -> Vec<String> {
    let members = world.chat.group_members(caller, id, 0, 100).await.unwrap();
    members.iter().map(|member| format!("{} {:?}", member.user.as_str(), member.role)).collect()
}

#[tokio::test]
async fn who_is_told_of_members_that_come_and_go() {
    let world = World::new();
    world.register(APP, &["alice", "bob", "carol", "dave"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let phone = world.log_in(APP, "alice", "phone").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let carol = world.log_in(APP, "carol", "web").await;
    let id = alice.make(group_of("alice", &["bob"])).await;
    assert!(alice.told().is_empty(), "the device that acts is told nothing");
    assert_eq!(phone.told(), ["Created: alice"]);
    assert_eq!(bob.told(), ["DirectJoined: alice"]);

    assert_eq!(alice.invite(&id, &["carol"]).await, ["carol ok"]);
    assert!(alice.told().is_empty());
    assert_eq!(phone.told(), ["Joined: carol → carol 3"]);
    assert_eq!(bob.told(), ["Joined: carol → carol 3"]);
    assert_eq!(carol.told(), ["DirectJoined: alice"]);
    let answers = alice.invite(&id, &["carol", "dave", "nobody", "dave"]).await;
    let expected = ["carol: the user is in this group already", "dave ok", "nobody: no such user"];
    assert_eq!(answers, expected);
    assert_eq!(
        roster(&world, &bob.caller, &id).await,
        ["dave Member", "carol Member", "bob Member", "alice Owner"]
    );
    // Dave was away.
    let dave = world.log_in(APP, "dave", "web").await;
    assert_eq!(dave.missed().await, ["DirectJoined: alice"]);
    for device in [&phone, &bob, &carol] {
        assert_eq!(device.told(), ["Joined: dave → dave 4"]);
    }

    let tablet = world.log_in(APP, "carol", "tablet").await;
    carol.leave(&id).await.unwrap();
    assert!(carol.told().is_empty());
    assert_eq!(tablet.told(), ["Left: carol → carol 3"], "the own other device is told");
    assert_eq!(bob.told(), ["Left: carol → carol 3"]);
    assert!(matches!(alice.leave(&id).await, Err(Error::IsOwner)));
    assert!(matches!(carol.leave(&id).await, Err(Error::NotInGroup)));

    let removed = alice.remove(&id, &["bob", "dave", "carol", "alice"]).await.unwrap();
    assert_eq!(removed, ["bob true", "dave true", "carol false", "alice false"]);
    assert_eq!(bob.told(), ["Removed: alice → bob,dave"]);
    assert_eq!(phone.told().last().unwrap(), "Left: alice → bob,dave 1");
    assert!(matches!(bob.say(&id, "still here?").await, Err(Error::NotInGroup)));
    assert!(matches!(bob.remove(&id, &["alice"]).await, Err(Error::NotInGroup)));
}

#[tokio::test]
async fn whoever_is_invited_can_be_asked() {
    let world = World::new();
    world.register(APP, &["alice", "bob", "carol"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let new = NewGroup { invite_confirm: true, ..group_of("alice", &["bob"]) };
    let id = alice.make(new).await;
    assert_eq!(bob.told(), ["Invited: alice → bob"]);
    assert!(matches!(bob.say(&id, "not yet").await, Err(Error::NotInGroup)));
    assert_eq!(roster(&world, &alice.caller, &id).await, ["alice Owner"]);

    bob.answer_invitation(&id, true).await.unwrap();
    assert_eq!(alice.told(), ["Joined: bob → bob 2", "InvitationAccepted: bob → bob"]);
    assert!(matches!(bob.answer_invitation(&id, true).await, Err(Error::AlreadyInGroup)));
    // Members may not invite here, and nobody is added without being asked.
    let carol = users(&["carol"]);
    let refused = world.chat.invite_to_group(&bob.caller, None, &id, carol.clone()).await;
    assert!(matches!(refused, Err(Error::Forbidden)));
    let refused = world.chat.add_members(&alice.caller, None, &id, carol.clone()).await;
    assert!(matches!(refused, Err(Error::Forbidden)));

    // Carol is away, declines, is invited again and is added by the back end.
    alice.invite(&id, &["carol"]).await;
    let device = world.log_in(APP, "carol", "web").await;
    assert_eq!(device.missed().await, ["Invited: alice → carol"]);
    device.answer_invitation(&id, false).await.unwrap();
    assert_eq!(alice.told(), ["InvitationDeclined: carol → carol"]);
    assert!(matches!(device.answer_invitation(&id, true).await, Err(Error::Argument { .. })));
    let back_end = world.back_end(APP).await;
    let added = world.chat.add_members(&back_end, None, &id, carol).await.unwrap();
    assert_eq!(added, users(&["carol"]));
    assert_eq!(device.told(), ["DirectJoined: admin"]);
}

#[tokio::test]
async fn an_invitation_is_for_the_person_and_not_for_the_name() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let new = NewGroup { invite_confirm: true, ..group_of("alice", &["bob"]) };
    let id = alice.make(new).await;
    world.chat.delete_user(&world.back_end(APP).await, &user("bob")).await.unwrap();
    world.clock.advance(std::time::Duration::from_secs(5));
    world.register(APP, &["bob"]).await;
    let bob = world.log_in(APP, "bob", "web").await;
    assert!(matches!(bob.answer_invitation(&id, true).await, Err(Error::Argument { .. })));
}

#[tokio::test]
async fn public_groups_are_joined_freely_or_with_leave() {
    let world = World::new();
    world.register(APP, &["alice", "bob", "carol", "dave"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let phone = world.log_in(APP, "bob", "phone").await;
    let private = alice.make(group_of("alice", &[])).await;
    assert!(matches!(bob.apply(&private, "let me in").await, Err(Error::Forbidden)));
    let open = alice.make(NewGroup { public: true, ..group_of("alice", &[]) }).await;
    assert!(bob.apply(&open, "").await.unwrap());
    assert_eq!(alice.told(), ["Joined: bob → bob 2"]);
    assert!(bob.told().is_empty());
    assert_eq!(phone.told(), ["Joined: bob → bob 2"]);
    assert!(matches!(bob.apply(&open, "").await, Err(Error::AlreadyInGroup)));

    let new = NewGroup { public: true, approval: true, max_members: 2, ..group_of("alice", &[]) };
    let id = alice.make(new).await;
    assert!(!bob.apply(&id, "I play well").await.unwrap());
    assert_eq!(alice.told(), ["Applied: bob (I play well)"]);
    assert!(matches!(bob.answer_application(&id, "bob", true).await, Err(Error::NotInGroup)));
    alice.answer_application(&id, "bob", false).await.unwrap();
    assert_eq!(bob.told(), ["ApplicationDeclined: alice → bob (because)"]);
    let again = alice.answer_application(&id, "bob", true).await;
    assert!(matches!(again, Err(Error::Argument { .. })), "{again:?}");
    // Carol applies and goes away.
    let carol = world.log_in(APP, "carol", "web").await;
    carol.apply(&id, "me too").await.unwrap();
    drop(carol);
    bob.apply(&id, "please").await.unwrap();
    alice.answer_application(&id, "carol", true).await.unwrap();
    let carol = world.log_in(APP, "carol", "web").await;
    assert_eq!(carol.missed().await, ["ApplicationAccepted: alice → carol (because)"]);
    let full = alice.answer_application(&id, "bob", true).await;
    assert!(matches!(full, Err(Error::GroupFull)), "{full:?}");

    let page = world.chat.public_groups(&bob.caller, 1, None).await.unwrap();
    assert_eq!(page.groups.len(), 1);
    let rest = world.chat.public_groups(&bob.caller, 5, page.cursor.as_deref()).await.unwrap();
    assert_eq!((rest.groups.len(), rest.cursor), (1, None));
    let details = world.chat.groups(&bob.caller, std::slice::from_ref(&id)).await.unwrap();
    assert_eq!((details[0].count, details[0].members.len()), (2, 1), "only the owner is shown");
    let refused = world.chat.groups(&bob.caller, &[private]).await;
    assert!(matches!(refused, Err(Error::NotInGroup)));
    let refused = world.chat.group_members(&bob.caller, &id, 0, 10).await;
    assert!(matches!(refused, Err(Error::NotInGroup)));
}

#[tokio::test]
async fn who_comes_back_sees_what_was_said_while_it_was_there() {
    let mut world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let id = alice.make(group_of("alice", &[])).await;
    alice.say(&id, "before").await.unwrap();
    alice.invite(&id, &["bob"]).await;
    alice.say(&id, "first").await.unwrap();
    let bob = world.log_in(APP, "bob", "web").await;
    bob.leave(&id).await.unwrap();
    alice.say(&id, "between").await.unwrap();
    alice.invite(&id, &["bob"]).await;
    alice.say(&id, "second").await.unwrap();
    alice.remove(&id, &["bob"]).await.unwrap();
    alice.say(&id, "after").await.unwrap();
    let expected =
        ["DirectJoined: alice", "first", "DirectJoined: alice", "second", "Removed: alice → bob"];
    assert_eq!(bob.missed().await, expected);
    world.restarted();
    let query = stoa_chat::HistoryQuery {
        oldest_first: true,
        ..stoa_chat::HistoryQuery::newest(Target::Group(id), 50)
    };
    let page = world.chat.history(&bob.caller, &query).await.unwrap();
    let texts: Vec<String> = page.entries.iter().map(told).collect();
    assert_eq!(texts, ["first", "second"]);
}

#[tokio::test]
async fn settings_are_the_owners_and_the_name_is_the_managers() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let id = alice.make(group_of("alice", &["bob"])).await;
    bob.told();
    let name = |name: &str| GroupChange { name: Some(name.into()), ..GroupChange::default() };
    assert!(matches!(bob.change(&id, name("mine")).await, Err(Error::Forbidden)));
    alice.change(&id, name("ours")).await.unwrap();
    let entries = bob.pushed_entries();
    let event = GroupEvent::decode(&*entries[0].body).unwrap();
    let detail: serde_json::Value = serde_json::from_str(&event.detail.unwrap()).unwrap();
    assert_eq!(event.act, i32::from(GroupAct::Updated));
    assert_eq!((&detail["name"], &detail["members_only"]), (&"ours".into(), &false.into()));

    let too_few = GroupChange { max_members: Some(1), ..name("no") };
    assert!(matches!(alice.change(&id, too_few).await, Err(Error::NotPossible(_))));
    let too_long = name(&"x".repeat(129));
    assert!(matches!(alice.change(&id, too_long).await, Err(Error::Argument { .. })));
    let group = &world.chat.groups(&bob.caller, std::slice::from_ref(&id)).await.unwrap()[0];
    assert_eq!(group.info.name, "ours");

    let transfer = |to: &'static str| {
        let (world, alice, id) = (&world, &alice, &id);
        async move { world.chat.transfer_group(&alice.caller, None, id, &user(to)).await }
    };
    assert!(matches!(transfer("alice").await, Err(Error::NotPossible(_))));
    assert!(matches!(transfer("nobody").await, Err(Error::NotPossible(_))));
    transfer("bob").await.unwrap();
    assert_eq!(bob.told(), ["OwnerChanged: alice → bob"]);
    assert!(matches!(transfer("bob").await, Err(Error::Forbidden)));
    assert_eq!(roster(&world, &bob.caller, &id).await, ["bob Owner", "alice Member"]);
    let joined = world.chat.groups_joined(&bob.caller, &user("bob"), 0, 9, true).await.unwrap();
    assert_eq!((joined.len(), joined[0].role, joined[0].members), (1, Some(Role::Owner), 2));

    world.chat.set_group_disabled(&world.back_end(APP).await, &id, true).await.unwrap();
    assert_eq!(bob.told(), ["Disabled: admin"]);
    assert!(matches!(bob.say(&id, "hello").await, Err(Error::GroupDisabled)));
    assert!(matches!(bob.change(&id, name("x")).await, Err(Error::GroupDisabled)));
    world.chat.set_group_disabled(&world.back_end(APP).await, &id, false).await.unwrap();
    bob.say(&id, "hello").await.unwrap();
}

#[tokio::test]
async fn the_end_of_a_group_is_told_to_all_who_are_away() {
    let mut world = World::new();
    world.register(APP, &["alice", "bob", "carol"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let id = alice.make(group_of("alice", &["bob", "carol"])).await;
    alice.say(&id, "farewell").await.unwrap();
    let refused = world.chat.dismiss_group(&bob.caller, None, &id).await;
    assert!(matches!(refused, Err(Error::Forbidden)));
    world.chat.dismiss_group(&alice.caller, Some(&alice.resource), &id).await.unwrap();
    assert_eq!(bob.told(), ["DirectJoined: alice", "farewell", "Dismissed: alice"]);
    world.restarted();
    let carol = world.log_in(APP, "carol", "web").await;
    assert_eq!(carol.missed().await, ["DirectJoined: alice", "farewell", "Dismissed: alice"]);
    assert!(matches!(carol.say(&id, "wait").await, Err(Error::UnknownGroup)));
    assert_eq!(world.chat.count_groups_joined(&carol.caller, &user("carol")).await.unwrap(), 0);
    let gone = world.chat.groups(&carol.caller, std::slice::from_ref(&id)).await;
    assert!(matches!(gone, Err(Error::UnknownGroup)));
    let back_end = world.back_end(APP).await;
    assert!(world.chat.all_groups(&back_end, 10, None).await.unwrap().groups.is_empty());
    // The id stays taken: nobody is to find another's past under it.
    let name = stoa_chat::NewUser { username: user(id.as_str()), password: None, nickname: None };
    let registered = world.chat.register(&back_end, vec![name]).await.unwrap();
    assert_eq!(registered.taken.len(), 1);
}

#[tokio::test]
async fn a_deleted_user_is_in_no_group_and_its_own_are_gone() {
    let world = World::new();
    world.register(APP, &["alice", "bob", "carol"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let (hers, his) = (
        alice.make(group_of("alice", &["bob"])).await,
        bob.make(group_of("bob", &["alice", "carol"])).await,
    );
    bob.told();
    let back_end = world.back_end(APP).await;
    world.chat.delete_user(&back_end, &user("alice")).await.unwrap();
    let mut told = bob.told();
    told.sort();
    assert_eq!(told, ["Dismissed: alice", "Left: alice → alice 2"]);
    assert!(matches!(world.chat.groups(&back_end, &[hers]).await, Err(Error::UnknownGroup)));
    assert_eq!(roster(&world, &bob.caller, &his).await, ["carol Member", "bob Owner"]);
    world.clock.advance(std::time::Duration::from_secs(5));
    world.register(APP, &["alice"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    assert!(alice.missed().await.is_empty());
    assert!(matches!(alice.say(&his, "it is me").await, Err(Error::NotInGroup)));
}

#[tokio::test]
async fn plans_bound_groups() {
    let world = World::new();
    world.register(FRIENDS, &["alice", "bob"]).await;
    let alice = world.log_in(FRIENDS, "alice", "web").await;
    let new = |max_members| NewGroup { max_members, ..group_of("alice", &[]) };
    let refused = world.chat.create_group(&alice.caller, None, new(101)).await;
    assert!(matches!(refused, Err(Error::LimitReached(_))));
    for _ in 0..100 {
        alice.make(new(100)).await;
    }
    let refused = world.chat.create_group(&alice.caller, None, new(100)).await.unwrap_err();
    assert_eq!(refused.to_string(), "This appKey has created too many groups/chatrooms!");
    let joined = world.chat.count_groups_joined(&alice.caller, &user("alice")).await.unwrap();
    assert_eq!(joined, 100);
    let page = world.chat.groups_joined(&alice.caller, &user("alice"), 98, 5, false).await.unwrap();
    assert_eq!(page.len(), 2);
}

/// Names of the property test.
const NAMES: [&str; 6] = ["u0", "u1", "u2", "u3", "u4", "u5"];

/// Does the act `number` to the group, as the back end; refusals are part of it.
async fn act(world: &World, back_end: &Caller, id: &GroupId, number: u8, who: usize) {
    let (chat, name) = (&world.chat, user(NAMES[who]));
    let some = || vec![name.clone()];
    match number {
        0 => drop(chat.add_members(back_end, None, id, some()).await),
        1 => drop(chat.remove_members(back_end, None, id, some()).await),
        2 => drop(chat.invite_to_group(back_end, None, id, some()).await),
        3 => drop(chat.answer_invitation(back_end, None, id, &name, true).await),
        4 => drop(chat.answer_invitation(back_end, None, id, &name, false).await),
        5 => drop(chat.apply_to_group(back_end, None, id, &name, None).await),
        6 => drop(chat.answer_application(back_end, None, id, &name, true, None).await),
        7 => drop(chat.answer_application(back_end, None, id, &name, false, None).await),
        8 => drop(chat.transfer_group(back_end, None, id, &name).await),
        _ => {
            let invite_confirm = Some(who.is_multiple_of(2));
            let change = GroupChange { invite_confirm, ..GroupChange::default() };
            drop(chat.change_group(back_end, None, id, change).await);
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
    #[test]
    fn a_roster_is_stored_as_it_lies_in_memory(
        acts in proptest::collection::vec((0..10_u8, 0..6_usize), 1..40)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new();
            world.register(APP, &NAMES).await;
            let back_end = world.back_end(APP).await;
            let new = NewGroup { public: true, approval: true, ..group_of("u0", &["u1"]) };
            let id = world.chat.create_group(&back_end, None, new).await.unwrap();
            for (number, who) in acts {
                act(&world, &back_end, &id, number, who).await;
                world.clock.advance(std::time::Duration::from_millis(3));
            }
            let ids = std::slice::from_ref(&id);
            let before = world.chat.groups(&back_end, ids).await.unwrap().remove(0);
            world.restarted();
            let after = world.chat.groups(&back_end, ids).await.unwrap().remove(0);
            assert_eq!(before.info, after.info);
            assert_eq!(before.members, after.members);
            let listed = world.chat.all_groups(&back_end, 10, None).await.unwrap().groups.remove(0);
            assert_eq!((before.count, after.count), (listed.members, listed.members));
            assert_eq!(before.members.len(), listed.members as usize);
            // Each side of a membership says the same.
            for name in NAMES {
                let is_in = before.members.iter().any(|member| member.user.as_str() == name);
                let joined = world.chat.count_groups_joined(&back_end, &user(name)).await.unwrap();
                assert_eq!(joined, usize::from(is_in), "{name}");
            }
        });
    }
}

/// What a user of many groups must be able to do: list them, hear of what is new in each, write.
#[tokio::test]
async fn a_user_is_in_two_thousand_groups() {
    const GROUPS: usize = 2_000;
    let world = World::new();
    world.register(APP, &["olga", "mia"]).await;
    let olga = world.log_in(APP, "olga", "web").await;
    // A name of any characters, up to 128 of them.
    let name = "Ünï-日本語 👩‍🚀 \u{202e}abc".chars().cycle().take(128).collect::<String>();
    let mut groups = std::collections::BTreeSet::new();
    for _ in 0..GROUPS {
        groups
            .insert(olga.make(NewGroup { name: name.clone(), ..group_of("olga", &["mia"]) }).await);
    }
    assert_eq!(groups.len(), GROUPS);
    let mia = world.log_in(APP, "mia", "web").await;
    let me = user("mia");
    let mut listed = std::collections::BTreeSet::new();
    for page in 0..GROUPS / 500 {
        let page = world.chat.groups_joined(&mia.caller, &me, page * 500, 500, true).await.unwrap();
        assert!(page.iter().all(|group| group.info.name == name));
        listed.extend(page.into_iter().map(|group| group.info.id));
    }
    assert_eq!(listed, groups);
    assert_eq!(world.chat.count_groups_joined(&mia.caller, &me).await.unwrap(), GROUPS);
    // She was added to each, and has not heard of it yet.
    assert_eq!(mia.unread().await.len(), GROUPS);
    let last = groups.last().unwrap();
    mia.send_draft(Draft { to: Target::Group(last.clone()), ..draft("olga", "hello", 1) })
        .await
        .unwrap();
}

/// The largest of the vendor's groups: everybody is listed once, by place and by cursor, hears what is said, and
/// is out of it when it is dismissed.
#[tokio::test]
async fn a_group_has_five_thousand_members() {
    const MEMBERS: usize = 5_000;
    let world = World::new();
    let names: Vec<_> = (1..MEMBERS).map(|number| format!("member{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    world.register(APP, &["olga"]).await;
    world.register(APP, &names).await;
    let olga = world.log_in(APP, "olga", "web").await;
    let most = u32::try_from(MEMBERS).unwrap();
    let new = NewGroup { max_members: most, ..group_of("olga", &names) };
    let group = olga.make(new).await;
    let expected: std::collections::BTreeSet<_> =
        names.iter().copied().chain(["olga"]).map(user).collect();

    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let chat = &world.chat;
        let page = chat.group_members_from(&olga.caller, &group, cursor.as_deref(), 499);
        let page = page.await.unwrap();
        listed.extend(page.members.into_iter().map(|member| member.user));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed.len(), MEMBERS);
    assert_eq!(listed.into_iter().collect::<std::collections::BTreeSet<_>>(), expected);
    let last = world.chat.group_members(&olga.caller, &group, MEMBERS - 1, 10).await.unwrap();
    assert_eq!(last.len(), 1);

    // One more is one too many.
    world.register(APP, &["zoe"]).await;
    let device = Some(&olga.resource);
    let refused = world.chat.invite_to_group(&olga.caller, device, &group, users(&["zoe"])).await;
    assert!(matches!(refused, Err(Error::GroupFull)), "{refused:?}");

    let to = Target::Group(group.clone());
    olga.send_draft(Draft { to, ..draft("olga", "hello", 1) }).await.unwrap();
    for name in [names[0], names[MEMBERS / 2], names[MEMBERS - 2]] {
        let member = world.log_in(APP, name, "web").await;
        assert_eq!(member.unread().await.len(), 1, "{name}");
    }
    world.chat.dismiss_group(&olga.caller, Some(&olga.resource), &group).await.unwrap();
    for name in [names[0], names[MEMBERS / 2], names[MEMBERS - 2]] {
        let member = world.log_in(APP, name, "web").await;
        assert_eq!(world.chat.count_groups_joined(&member.caller, &user(name)).await.unwrap(), 0);
    }
}
