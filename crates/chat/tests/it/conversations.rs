//! Conversations as a user has them: the list, what is unread, deleted, pinned and reported.

use std::collections::BTreeMap;
use std::time::Duration;

use stoa_chat::entry::Kind;
use stoa_chat::{ConversationQuery, Deletion, Draft, Error, Listed, Receipt};
use stoa_core::{Clock, MessageId, limits};

use crate::changes::{edit, group, history, recall, say, target};
use crate::world::{APP, Device, OTHER, World, draft};

/// The list as `name unread last`, by pages of `count`.
async fn list_by(device: &Device, listed: Listed, count: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut cursor = None;
    loop {
        let query = ConversationQuery { listed, cursor, skip: 0, count };
        let me = device.caller.user().unwrap();
        let page = device.chat.conversations(&device.caller, me, &query).await.unwrap();
        for found in page.conversations {
            let last = found.last.map(|last| String::from_utf8(last.body.to_vec()).unwrap());
            let name = found.target.name();
            lines.push(format!("{name} {} {}", found.unread, last.unwrap_or("-".into())));
        }
        cursor = page.next;
        if cursor.is_none() {
            return lines;
        }
    }
}

async fn list(device: &Device) -> Vec<String> {
    let all = list_by(device, Listed::All, 1).await;
    assert_eq!(list_by(device, Listed::All, 50).await, all, "in pages and at once");
    all
}

async fn read_all(device: &Device, of: &str) {
    device.chat.read_conversation(&device.caller, &target(of)).await.unwrap();
}

/// The notices in the own log, without what changes.
async fn notices(device: &Device) -> Vec<String> {
    let page = device.page("@log", None).await;
    let seq = page.end;
    let moved = [(crate::world::queue("@log"), seq)];
    device.chat.save_cursors(&device.caller, &device.resource, &moved).await.unwrap();
    let text = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
    page.entries.iter().map(|(_, entry)| text(&entry.body)).collect()
}

#[tokio::test]
async fn the_list_has_the_newest_first_and_says_what_is_unread() {
    let world = World::new();
    world.register(APP, &["alice", "bob", "carol"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let carol = world.log_in(APP, "carol", "web").await;
    assert!(list(&alice).await.is_empty());
    say(&bob, "alice", "one", 1).await;
    let two = say(&bob, "alice", "two", 2).await;
    say(&carol, "alice", "hi", 1).await;
    assert_eq!(list(&alice).await, ["carol 1 hi", "bob 2 two"]);
    assert_eq!(list(&bob).await, ["alice 0 two"]);
    recall(&bob, "alice", two.id, 3).await.unwrap();
    assert_eq!(list(&alice).await, ["carol 1 hi", "bob 1 one"]);
    read_all(&alice, "bob").await;
    assert_eq!(list(&alice).await, ["carol 1 hi", "bob 0 one"]);
    say(&bob, "alice", "three", 4).await;
    assert_eq!(list(&alice).await, ["bob 1 three", "carol 1 hi"]);
    // Whoever answers has read.
    say(&alice, "bob", "yes", 5).await;
    assert_eq!(list(&alice).await, ["bob 0 yes", "carol 1 hi"]);
    let command = Draft { kind: Kind::Command, ..draft("alice", "typing", 6) };
    bob.send_draft(command).await.unwrap();
    assert_eq!(list(&alice).await, ["bob 0 yes", "carol 1 hi"]);
    // The receipt of a whole conversation clears it, too.
    let receipt = Receipt {
        kind: Kind::ConversationReceipt,
        to: "carol".parse().unwrap(),
        body: "read".into(),
        client_id: 9,
    };
    alice.acknowledge(receipt).await.unwrap();
    assert_eq!(list(&alice).await, ["bob 0 yes", "carol 0 hi"]);
}

#[tokio::test]
async fn groups_are_listed_with_what_their_member_may_see() {
    let world = World::new();
    world.register(APP, &["alice", "bob", "carol"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let carol = world.log_in(APP, "carol", "web").await;
    let id = group(&alice, &["bob", "carol"]).await;
    let id = id.as_str();
    assert!(list(&bob).await.is_empty(), "events are no messages");
    say(&alice, id, "all", 1).await;
    let only = Draft {
        to: target(id),
        only_users: vec!["bob".parse().unwrap()],
        ..draft("nobody", "bob only", 2)
    };
    alice.send_draft(only).await.unwrap();
    assert_eq!(list(&bob).await, [format!("{id} 2 bob only")]);
    assert_eq!(list(&carol).await, [format!("{id} 1 all")]);
    assert_eq!(history(&carol, id).await, ["all"]);
    read_all(&bob, id).await;
    assert_eq!(list(&bob).await, [format!("{id} 0 bob only")]);
    assert_eq!(list(&carol).await, [format!("{id} 1 all")], "only the own number is cleared");
}

#[tokio::test]
async fn conversations_are_pinned_marked_and_taken_off() {
    let world = World::new();
    world.register(APP, &["alice", "bob", "carol"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let phone = world.log_in(APP, "alice", "phone").await;
    let bob = world.log_in(APP, "bob", "web").await;
    say(&bob, "alice", "one", 1).await;
    say(&alice, "carol", "two", 1).await;
    let chat = &world.chat;
    let (caller, web) = (&alice.caller, &alice.resource);
    notices(&phone).await;
    chat.pin_conversation(caller, web, &target("bob"), true).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    chat.pin_conversation(caller, web, &target("carol"), true).await.unwrap();
    assert_eq!(list_by(&alice, Listed::Pinned, 1).await, ["carol 0 two", "bob 1 one"]);
    chat.pin_conversation(caller, web, &target("carol"), false).await.unwrap();
    assert_eq!(list_by(&alice, Listed::Pinned, 1).await, ["bob 1 one"]);
    let nobody = chat.pin_conversation(caller, web, &target("nobody"), true).await;
    assert!(matches!(nobody, Err(Error::Argument { field: "to", .. })));

    let targets = [target("bob"), target("nobody")];
    let missing = chat.mark_conversations(caller, web, &targets, 3, true).await.unwrap();
    assert_eq!(missing, [target("nobody")]);
    assert_eq!(list_by(&alice, Listed::Marked(3), 9).await, ["bob 1 one"]);
    assert!(list_by(&alice, Listed::Marked(4), 9).await.is_empty());
    assert!(chat.mark_conversations(caller, web, &targets, 20, true).await.is_err());
    chat.mark_conversations(caller, web, &targets, 3, false).await.unwrap();
    assert!(list_by(&alice, Listed::Marked(3), 9).await.is_empty());

    let me = caller.user().unwrap();
    chat.delete_conversation(caller, me, web, &target("bob"), false).await.unwrap();
    assert_eq!(list(&alice).await, ["carol 0 two"]);
    assert_eq!(history(&alice, "bob").await, ["one"], "the messages stay");
    say(&bob, "alice", "again", 2).await;
    assert_eq!(list(&alice).await, ["bob 1 again", "carol 0 two"]);
    chat.delete_conversation(caller, me, web, &target("bob"), true).await.unwrap();
    assert!(history(&alice, "bob").await.is_empty());
    assert_eq!(history(&bob, "alice").await, ["one", "again"], "the other side keeps them");

    let told = notices(&phone).await;
    let ops: Vec<_> = told
        .iter()
        .map(|text| text.split("\"op\":\"").nth(1).unwrap().split('"').next().unwrap())
        .collect();
    assert_eq!(ops, ["top", "top", "not_top", "mark", "mark_delete", "del", "del"]);
    assert!(told.iter().all(|text| text.contains("\"res\":\"web\"")));
    assert!(notices(&alice).await.is_empty(), "not the device that did it");
}

#[tokio::test]
async fn no_more_conversations_are_pinned_than_allowed() {
    let world = World::new();
    let names: Vec<String> = (0..=limits::PINNED_CONVERSATIONS).map(|n| format!("u{n}")).collect();
    world.register(APP, &["alice"]).await;
    world.register(APP, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let mut last = Ok(world.clock.now());
    for (n, name) in names.iter().enumerate() {
        say(&alice, name, "hi", n as u64 + 1).await;
        let to = target(name);
        last = world.chat.pin_conversation(&alice.caller, &alice.resource, &to, true).await;
        assert_eq!(last.is_ok(), n < limits::PINNED_CONVERSATIONS);
    }
    assert!(matches!(last, Err(Error::LimitReached(_))));
}

#[tokio::test]
async fn what_a_user_deletes_is_gone_for_that_user_alone() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let phone = world.log_in(APP, "alice", "phone").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let mut sent = Vec::new();
    for n in 0..6 {
        sent.push(say(&bob, "alice", &format!("m{n}"), n + 1).await);
        world.clock.advance(Duration::from_secs(1));
    }
    let (chat, caller, web) = (&world.chat, &alice.caller, &alice.resource);
    let me = caller.user().unwrap();
    let to = target("bob");
    notices(&phone).await;
    let delete = |deletion: Deletion| {
        let to = &to;
        async move { chat.delete_messages(caller, me, web, to, &deletion, true).await }
    };
    delete(Deletion::Messages(vec![sent[5].id, sent[3].id, MessageId(1)])).await.unwrap();
    assert_eq!(history(&alice, "bob").await, ["m0", "m1", "m2", "m4"]);
    assert_eq!(list(&alice).await, ["bob 4 m4"]);
    assert_eq!(phone.receive("bob").await, ["m0", "m1", "m2", "m4"]);
    delete(Deletion::Before(sent[2].at)).await.unwrap();
    assert_eq!(history(&alice, "bob").await, ["m2", "m4"]);
    assert_eq!(list(&alice).await, ["bob 2 m4"]);
    assert_eq!(notices(&phone).await.len(), 2);
    chat.delete_all_messages(caller, me, web, true).await.unwrap();
    assert!(history(&alice, "bob").await.is_empty() && list(&alice).await.is_empty());
    assert_eq!(history(&bob, "alice").await.len(), 6);
    let told = notices(&phone).await;
    assert!(told.len() == 1 && told[0].contains("\"type\":\"roaming_delete\""), "{told:?}");
    let too_many = Deletion::Messages(vec![MessageId(1); limits::DELETED_AT_ONCE + 1]);
    assert!(matches!(delete(too_many).await, Err(Error::Argument { field: "msgIdList", .. })));
    let other = &bob.caller;
    let refused = chat.delete_messages(other, me, web, &to, &Deletion::All, true).await;
    assert!(matches!(refused, Err(Error::NotAllowed)));
}

async fn pins(device: &Device, of: &str, count: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let (chat, caller, to) = (&device.chat, &device.caller, target(of));
        let page = chat.pinned_messages(caller, &to, cursor.as_deref(), count).await.unwrap();
        for pin in page.pins {
            let text = String::from_utf8(pin.entry.body.to_vec()).unwrap();
            lines.push(format!("{text} by {}", pin.by.as_str()));
        }
        cursor = page.next;
        if cursor.is_none() {
            return lines;
        }
    }
}

#[tokio::test]
async fn messages_are_pinned_for_all_who_take_part() {
    let world = World::new();
    world.register(APP, &["alice", "bob", "carol"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let carol = world.log_in(APP, "carol", "web").await;
    let id = group(&alice, &["bob"]).await;
    for (with, back) in [("bob", "alice"), (id.as_str(), id.as_str())] {
        let one = say(&alice, with, "one", 1).await;
        let two = say(&alice, with, "two", 2).await;
        bob.receive(back).await;
        let pin = |device: &Device, to: &str, id, pinned| {
            let (chat, caller) = (device.chat.clone(), device.caller.clone());
            let (resource, to) = (device.resource.clone(), target(to));
            async move { chat.pin_message(&caller, &resource, &to, id, pinned).await }
        };
        pin(&alice, with, one.id, true).await.unwrap();
        let told = bob.receive(back).await;
        assert!(told.len() == 1 && told[0].contains("\"op\":\"pin\""), "{told:?}");
        assert!(told[0].contains(&format!("\"ext\":\"{}\"", one.id)), "{told:?}");
        pin(&bob, back, two.id, true).await.unwrap();
        assert_eq!(pins(&alice, with, 1).await, ["two by bob", "one by alice"]);
        pin(&bob, back, one.id, true).await.unwrap();
        assert_eq!(pins(&alice, with, 1).await, ["one by bob", "two by bob"], "pinned anew");
        let stranger = pin(&carol, with, one.id, true).await;
        assert!(matches!(stranger, Err(Error::UnknownMessage)));
        edit(&alice, with, two.id, "second", 3).await.unwrap();
        assert_eq!(pins(&bob, back, 9).await, ["one by bob", "second by bob"]);
        recall(&alice, with, one.id, 4).await.unwrap();
        assert_eq!(pins(&bob, back, 9).await, ["second by bob"], "taken back, and so taken down");
        pin(&alice, with, two.id, false).await.unwrap();
        assert!(pins(&bob, back, 9).await.is_empty());
        assert!(matches!(pin(&alice, with, two.id, false).await, Err(Error::UnknownMessage)));
        for n in 0..=limits::PINNED_MESSAGES {
            let sent = say(&alice, with, "more", 100 + n as u64).await;
            let outcome = pin(&alice, with, sent.id, true).await;
            assert_eq!(outcome.is_ok(), n < limits::PINNED_MESSAGES, "{n}");
        }
    }
}

#[tokio::test]
async fn reports_reach_the_apps_owner_and_nobody_else() {
    let world = World::new();
    world.register(APP, &["alice", "bob", "carol"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let carol = world.log_in(APP, "carol", "web").await;
    let sent = say(&alice, "bob", "rude", 1).await;
    let chat = &world.chat;
    chat.report_message(&bob.caller, sent.id, "abuse", "see for yourself").await.unwrap();
    for (caller, id) in [(&carol.caller, sent.id), (&bob.caller, MessageId(3))] {
        let refused = chat.report_message(caller, id, "abuse", "").await;
        assert!(matches!(refused, Err(Error::UnknownMessage)));
    }
    let long = "x".repeat(limits::REPORT_REASON_BYTES + 1);
    let refused = chat.report_message(&bob.caller, sent.id, "abuse", &long).await;
    assert!(matches!(refused, Err(Error::Argument { field: "reportReason", .. })));
    let second = say(&alice, "bob", "ruder", 2).await;
    world.clock.advance(Duration::from_secs(1));
    chat.report_message(&bob.caller, second.id, "abuse", "again").await.unwrap();
    let back_end = world.back_end(APP).await;
    let first = chat.reports(&back_end, None, 1).await.unwrap();
    let rest = chat.reports(&back_end, first.next.as_deref(), 1).await.unwrap();
    assert!(rest.next.is_none());
    let mut ids: Vec<_> = [&first.reports[0], &rest.reports[0]].map(|r| r.message).into();
    ids.sort();
    assert_eq!(ids, [sent.id, second.id]);
    assert_eq!(rest.reports[0].reporter.as_str(), "bob");
    assert_eq!(rest.reports[0].conversation, target("alice"));
    assert!(matches!(chat.reports(&bob.caller, None, 1).await, Err(Error::NotAllowed)));
    let elsewhere = world.back_end(OTHER).await;
    assert!(chat.reports(&elsewhere, None, 9).await.unwrap().reports.is_empty());
}

/// A message in the model.
struct Said {
    id: MessageId,
    by: usize,
    text: String,
    recalled: bool,
    edits: u32,
    deleted: [bool; 2],
}

/// What one device holds, from what it received.
#[derive(Default)]
struct Held(BTreeMap<u64, String>);

impl Held {
    async fn receive(&mut self, device: &Device, queue: &str) {
        let mut after = None;
        loop {
            let page = device.page(queue, after).await;
            for (_, entry) in &page.entries {
                let text = String::from_utf8_lossy(&entry.body).into_owned();
                match entry.kind {
                    Kind::Text => {
                        self.0.insert(entry.id.0, text);
                    }
                    Kind::Recall => {
                        self.0.remove(&text["recall ".len()..].parse().unwrap());
                    }
                    Kind::Edit => {
                        let (id, text) = text["edit ".len()..].split_once(' ').unwrap();
                        self.0.insert(id.parse().unwrap(), text.into());
                    }
                    _ => {}
                }
            }
            after = Some(page.end.0);
            if !page.more {
                let moved = [(crate::world::queue(queue), page.end)];
                let (chat, caller) = (&device.chat, &device.caller);
                return chat.save_cursors(caller, &device.resource, &moved).await.unwrap();
            }
        }
    }
}

/// Two users on two devices each do what they like; what each sees and counts is what a plain list
/// says.
#[tokio::test]
async fn random_acts_leave_what_the_model_says() {
    for seed in 0..12_u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(state >> 33).unwrap() % below
        };
        let mut world = World::new();
        world.register(APP, &["alice", "bob"]).await;
        let mut devices = Vec::new();
        for user in ["alice", "bob"] {
            for resource in ["web", "phone"] {
                devices.push(world.log_in(APP, user, resource).await);
            }
        }
        let group = (seed % 2 == 1).then_some(group(&devices[0], &["bob"]).await);
        let name = |user: usize| match &group {
            Some(id) => id.as_str().to_owned(),
            None => ["bob", "alice"][user].to_owned(),
        };
        let mut held = [const { Held(BTreeMap::new()) }; 4];
        let mut model: Vec<Said> = Vec::new();
        let mut read = [0_usize; 2];
        for step in 0..90_u64 {
            let device = random(4);
            let user = device / 2;
            let with = name(user);
            let acting = &devices[device];
            let any = if model.is_empty() { None } else { Some(random(model.len())) };
            match (random(12), any) {
                (0..=3, _) | (_, None) => {
                    let text = format!("text {step}");
                    let id = say(acting, &with, &text, step + 1).await.id;
                    held[device].0.insert(id.0, text.clone());
                    model.push(Said {
                        id,
                        by: user,
                        text,
                        recalled: false,
                        edits: 0,
                        deleted: [false; 2],
                    });
                }
                (4, Some(n)) => {
                    let said = &mut model[n];
                    // Of the group, alice is the owner.
                    let may = said.by == user || group.is_some() && user == 0;
                    let outcome = recall(acting, &with, said.id, 1_000 + step).await;
                    assert_eq!(outcome.is_ok(), may && !said.recalled, "{outcome:?}");
                    if outcome.is_ok() {
                        said.recalled = true;
                        held[device].0.remove(&said.id.0);
                    }
                }
                (5, Some(n)) => {
                    let said = &mut model[n];
                    let may = said.by == user || group.is_some() && user == 0;
                    let text = format!("edited {step}");
                    let outcome = edit(acting, &with, said.id, &text, 1_000 + step).await;
                    let left = said.edits < limits::MESSAGE_EDITS;
                    assert_eq!(outcome.is_ok(), may && !said.recalled && left, "{outcome:?}");
                    if outcome.is_ok() {
                        said.edits += 1;
                        said.text.clone_from(&text);
                        held[device].0.insert(said.id.0, text);
                    }
                }
                (6, Some(n)) => {
                    let ids = Deletion::Messages(vec![model[n].id]);
                    let (caller, resource) = (&acting.caller, &acting.resource);
                    let me = caller.user().unwrap();
                    let to = target(&with);
                    let deleted =
                        world.chat.delete_messages(caller, me, resource, &to, &ids, true).await;
                    deleted.unwrap();
                    model[n].deleted[user] = true;
                }
                (7, Some(_)) => {
                    read_all(acting, &with).await;
                    read[user] = model.len();
                }
                (8, Some(_)) if random(6) == 0 => {
                    let (caller, resource) = (&acting.caller, &acting.resource);
                    let me = caller.user().unwrap();
                    world.chat.delete_all_messages(caller, me, resource, true).await.unwrap();
                    model.iter_mut().for_each(|said| said.deleted[user] = true);
                }
                (9, Some(_)) if random(8) == 0 => {
                    world.restarted();
                    devices.clear();
                    for user in ["alice", "bob"] {
                        for resource in ["web", "phone"] {
                            devices.push(world.log_in(APP, user, resource).await);
                        }
                    }
                }
                _ => held[device].receive(acting, &with).await,
            }
            for user in 0..2 {
                let (device, with) = (&devices[user * 2], name(user));
                let seen: Vec<&Said> =
                    model.iter().filter(|said| !said.recalled && !said.deleted[user]).collect();
                let texts: Vec<_> = seen.iter().map(|said| said.text.clone()).collect();
                let from = texts.len().saturating_sub(50);
                let history = history(device, &with).await;
                assert_eq!(history, texts[..texts.len() - from], "seed {seed}, step {step}");
                let own = model.iter().rposition(|said| said.by == user).map_or(0, |at| at + 1);
                let floor = read[user].max(own);
                let unread = model[floor..]
                    .iter()
                    .filter(|said| said.by != user && !said.recalled && !said.deleted[user])
                    .count();
                let expected: Vec<_> = texts
                    .last()
                    .map(|last| format!("{with} {unread} {last}"))
                    .into_iter()
                    .collect();
                assert_eq!(list(device).await, expected, "seed {seed}, step {step}");
            }
        }
        for (device, held) in held.iter_mut().enumerate() {
            let user = device / 2;
            held.receive(&devices[device], &name(user)).await;
            held.receive(&devices[device], &name(user)).await;
            for said in model.iter().filter(|said| !said.deleted[user]) {
                let expected = (!said.recalled).then_some(&said.text);
                assert_eq!(held.0.get(&said.id.0), expected, "seed {seed}, device {device}");
            }
        }
    }
}
