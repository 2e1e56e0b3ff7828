//! The end of messages and user logs: readable to the last moment, then through no door; in no copy either; and the
//! logs go on as if nothing had happened.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use stoa_chat::entry::Event;
use stoa_chat::lifetime::{CLASSES_OF_LOGS, Pace};
use stoa_chat::{
    Chat, ConversationQuery, Draft, Error, GroupReceipt, HistoryQuery, Listed, ReaderPage,
};
use stoa_core::{AppScope, Clock, Day, KeepMessages, MessageId, Operator, OperatorOf, Target};
use stoa_store::classes::{self, DataClass};
use stoa_store::engine::Faults;
use stoa_vault::Opened;
use tokio::sync::oneshot;

use crate::changes::{edit, group, recall, say, target};
use crate::world::{APP, Device, World, draft};

const DAY: Duration = Duration::from_secs(86_400);
const MILLI: Duration = Duration::from_millis(1);
/// How long messages are kept in these tests.
const KEPT: u32 = 10;
const PACE: Pace = Pace { rows: 3, pause: Duration::ZERO };

/// The spaces of what is kept by day: messages, user logs, receipts of groups.
const BY_DAY: [u8; 4] = [30, 40, 60, 61];
/// The index of days.
const LOG_DAYS: u8 = 41;

fn scope(world: &World) -> OperatorOf {
    Operator::of_this_process().in_app(world.app(APP))
}

fn keep(world: &World, days: u32) {
    let mut app = (*world.app(APP)).clone();
    app.chat.keep_messages = KeepMessages::Days(days);
    world.set_app(&std::sync::Arc::new(app));
}

async fn world_with(names: &[&str]) -> World {
    let world = World::new();
    keep(&world, KEPT);
    world.register(APP, names).await;
    world
}

/// Writes down the ends of what is due, and answers what that is.
async fn settle(world: &World, chat: &Chat) -> Result<Vec<(&'static DataClass, Day)>, Error> {
    let (operator, scope) = (Operator::of_this_process(), scope(world));
    let with_keys = world.store.days_with_keys(&operator);
    let mut due = Vec::new();
    for class in CLASSES_OF_LOGS {
        let Some(days) = with_keys.get(&(scope.app().number, class.number)) else { continue };
        let days = chat.days_over(&scope, class, days);
        chat.settle_logs(&scope, class, &days, PACE).await?;
        due.extend(days.into_iter().map(|day| (class, day)));
    }
    Ok(due)
}

async fn destroy(world: &World, due: &[(&'static DataClass, Day)]) -> usize {
    let number = scope(world).app().number;
    let due: Vec<_> = due.iter().map(|(class, day)| (number, *class, *day)).collect();
    world.store.destroy_days(&Operator::of_this_process(), &due).await.unwrap()
}

async fn remove(world: &World, chat: &Chat) -> Result<usize, Error> {
    let mut rows = 0;
    for class in CLASSES_OF_LOGS {
        rows += chat.remove_over(&scope(world), class, PACE).await?.rows;
    }
    Ok(rows)
}

/// What a server does each hour. Answers how many keys and rows went.
async fn sweep(world: &World) -> (usize, usize) {
    let due = settle(world, &world.chat).await.unwrap();
    let keys = destroy(world, &due).await;
    (keys, remove(world, &world.chat).await.unwrap())
}

/// Rows of these spaces.
async fn rows(world: &World, spaces: &[u8]) -> Vec<(Bytes, Bytes)> {
    let mut rows = world.everything().await;
    rows.retain(|(key, _)| spaces.contains(&key[0]));
    rows
}

async fn history(device: &Device, with: &str, oldest_first: bool) -> Vec<String> {
    let query = HistoryQuery { oldest_first, ..HistoryQuery::newest(target(with), 50) };
    let page = device.chat.history(&device.caller, &query).await.unwrap();
    page.entries.iter().map(|entry| String::from_utf8_lossy(&entry.body).into_owned()).collect()
}

async fn pins(device: &Device, of: &str) -> usize {
    let page = device.chat.pinned_messages(&device.caller, &target(of), None, 10).await;
    page.unwrap().pins.len()
}

async fn pin(device: &Device, of: &str, message: MessageId) -> Result<(), Error> {
    let target = target(of);
    device.chat.pin_message(&device.caller, &device.resource, &target, message, true).await
}

async fn receipt(device: &Device, group: &str, message: MessageId) -> Result<(), Error> {
    let (done, outcome) = oneshot::channel();
    let receipt = GroupReceipt { group: group.parse().unwrap(), message, content: String::new() };
    let done = Box::new(move |result| drop(done.send(result)));
    device.chat.acknowledge_in_group(&device.caller, &device.resource, receipt, done).await;
    outcome.await.unwrap().map(drop)
}

async fn readers(device: &Device, group: &str, message: MessageId) -> Result<ReaderPage, Error> {
    let group = group.parse().unwrap();
    device.chat.group_readers(&device.caller, &group, message, 10, None).await
}

async fn listed(device: &Device) -> Vec<(Target, usize, bool)> {
    let query = ConversationQuery { listed: Listed::All, cursor: None, skip: 0, count: 10 };
    let me = device.caller.user().unwrap().clone();
    let page = device.chat.conversations(&device.caller, &me, &query).await.unwrap();
    page.conversations.into_iter().map(|c| (c.target, c.unread, c.last.is_some())).collect()
}

/// The positions and counts of what was pushed to the device.
fn pushed_places(device: &Device) -> Vec<(u64, u64)> {
    let events = device.inbox.take();
    let places = events.iter().filter_map(|event| match &**event {
        Event::Appended(delivery) => Some((delivery.seq.0, delivery.countable)),
        _ => None,
    });
    places.collect()
}

async fn reports(world: &World) -> usize {
    let back_end = world.back_end(APP).await;
    world.chat.reports(&back_end, None, 10).await.unwrap().reports.len()
}

#[tokio::test]
async fn a_message_is_there_to_the_last_moment_and_then_behind_no_door() {
    let world = world_with(&["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let walkers = group(&alice, &["bob"]).await;
    let (of_group, sent_at) = (walkers.as_str(), world.clock.now());
    let hello = alice.send("bob", "hello").await.id;
    let asked = Draft { to: target(of_group), receipts: true, ..draft("x", "who reads?", 7) };
    let asked = alice.send_draft(asked).await.unwrap().id;
    receipt(&bob, of_group, asked).await.unwrap();
    pin(&bob, "alice", hello).await.unwrap();
    world.chat.report_message(&bob.caller, hello, "abuse", "see").await.unwrap();

    let over = sent_at.plus(KEPT * DAY);
    world.clock.set(over.minus(MILLI));
    // User logs and receipts have shorter lives of their own.
    sweep(&world).await;
    assert_eq!(history(&bob, "alice", true).await, ["hello"]);
    assert_eq!(history(&bob, of_group, false).await, ["who reads?"]);
    assert_eq!(bob.page("alice", None).await.entries.len(), 1);
    assert_eq!(bob.unread().await, [of_group, "alice"]);
    assert_eq!((pins(&bob, "alice").await, reports(&world).await), (1, 1));
    assert_eq!(readers(&alice, of_group, asked).await.unwrap().total, 1);
    assert_eq!(listed(&bob).await.len(), 2);

    let closed = async |when: &str| {
        for device in [&alice, &bob] {
            let with =
                if device.caller.user().unwrap().as_str() == "bob" { "alice" } else { "bob" };
            for oldest_first in [true, false] {
                assert!(history(device, with, oldest_first).await.is_empty(), "{when}");
                assert!(history(device, of_group, oldest_first).await.is_empty(), "{when}");
            }
            for name in [with, of_group] {
                let page = device.page(name, Some(0)).await;
                assert!(
                    !page.more && page.entries.iter().all(|(_, entry)| !entry.kind.is_message())
                );
                assert_eq!(pins(device, name).await, 0, "{when}");
            }
            assert!(listed(device).await.iter().all(|(_, unread, last)| *unread == 0 && !last));
        }
        let unknown = |outcome: Result<(), Error>| {
            assert!(matches!(outcome, Err(Error::UnknownMessage)), "{when}: {outcome:?}");
        };
        unknown(edit(&alice, "bob", hello, "hi", 20).await.map(drop));
        unknown(pin(&bob, "alice", hello).await);
        unknown(recall(&alice, "bob", hello, 21).await.map(drop));
        unknown(world.chat.report_message(&bob.caller, hello, "abuse", "again").await);
        unknown(readers(&alice, of_group, asked).await.map(drop));
        unknown(receipt(&bob, of_group, asked).await);
        assert_eq!(reports(&world).await, 0, "{when}");
        // Whoever pages through the history comes to its end, and is not told that there never was such a message.
        for oldest_first in [true, false] {
            let from_there = HistoryQuery {
                start: Some(hello),
                oldest_first,
                ..HistoryQuery::newest(target("alice"), 10)
            };
            let page = world.chat.history(&bob.caller, &from_there).await.unwrap();
            assert!(page.entries.is_empty() && page.is_last, "{when}");
        }
    };
    world.clock.set(over);
    closed("over, and not swept").await;
    assert_eq!(sweep(&world).await, (0, 0), "the day is not over");
    world.clock.set(sent_at.day().next().start().plus(KEPT * DAY));
    let due = settle(&world, &world.chat).await.unwrap();
    assert_eq!(destroy(&world, &due).await, 1);
    closed("destroyed").await;
    assert!(remove(&world, &world.chat).await.unwrap() > 0);
    closed("removed").await;
    assert!(bob.unread().await.is_empty());
    assert!(rows(&world, &BY_DAY).await.is_empty(), "no row is left");
    assert!(rows(&world, &[LOG_DAYS]).await.is_empty(), "nor in the index");
}

/// Whoever copied the data before, and has the vault of today.
#[tokio::test]
async fn a_copy_from_before_the_destruction_opens_nothing() {
    let world = world_with(&["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let walkers = group(&alice, &["bob"]).await;
    alice.send("bob", "hello").await;
    let asked = Draft { to: target(walkers.as_str()), receipts: true, ..draft("x", "?", 7) };
    let asked = alice.send_draft(asked).await.unwrap().id;
    receipt(&bob, walkers.as_str(), asked).await.unwrap();

    let copy = rows(&world, &BY_DAY).await;
    for space in BY_DAY {
        assert!(copy.iter().any(|(key, _)| key[0] == space), "space {space} is in the copy");
    }
    let opened = |(key, record): &(Bytes, Bytes)| world.vault.open_record(key, record).unwrap();
    assert!(copy.iter().all(|row| matches!(opened(row), Opened::Plain(_))));
    world.clock.advance((KEPT + 1) * DAY);
    let due = settle(&world, &world.chat).await.unwrap();
    destroy(&world, &due).await;
    assert!(copy.iter().all(|row| opened(row) == Opened::Destroyed));
}

/// Their rows are removed by sweeps of their own; here is the end of what a copy holds.
#[tokio::test]
async fn monitoring_and_revocations_end_with_their_days_too() {
    let world = world_with(&["alice"]).await;
    let (back_end, scope) = (world.back_end(APP).await, scope(&world));
    let token = world.token(APP, Some("alice"));
    world.user(APP, "alice").await;
    world.chat.revoke_token(&back_end, token.expose()).await.unwrap();
    world.chat.store_observations(&scope).await.unwrap();
    let day = world.clock.now().day();
    let cases: [(&'static DataClass, u8, u32); 2] =
        [(&classes::MONITORING, 90, 7), (&classes::REVOCATION, 67, 2)];
    for (class, space, kept) in cases {
        let copy = rows(&world, &[space]).await;
        assert_eq!(copy.len(), 1, "{}", class.name);
        let over = day.next().start().plus(kept * DAY);
        world.clock.set(over.minus(MILLI));
        assert!(world.chat.days_over(&scope, class, &[day]).is_empty(), "{}", class.name);
        let opened = |(key, record): &(Bytes, Bytes)| world.vault.open_record(key, record).unwrap();
        assert!(matches!(opened(&copy[0]), Opened::Plain(_)));
        world.clock.set(over);
        assert_eq!(world.chat.days_over(&scope, class, &[day]), [day], "{}", class.name);
        assert_eq!(destroy(&world, &[(class, day)]).await, 1);
        assert_eq!(opened(&copy[0]), Opened::Destroyed, "{}", class.name);
    }
}

#[tokio::test]
async fn a_user_log_ends_after_seven_days_whatever_messages_are_kept_for() {
    let world = world_with(&["alice", "bob"]).await;
    keep(&world, 3_650);
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let (name, invited) = ("alice".parse().unwrap(), ["bob".parse().unwrap()]);
    world.chat.invite_contacts(&alice.caller, &name, None, &invited, "friends?").await.unwrap();
    let at = world.clock.now();
    world.clock.set(at.plus(7 * DAY).minus(MILLI));
    assert_eq!(bob.page("@log", None).await.entries.len(), 1);
    world.clock.set(at.plus(7 * DAY));
    assert!(bob.page("@log", None).await.entries.is_empty());
    world.clock.set(at.day().next().start().plus(7 * DAY));
    assert_eq!(sweep(&world).await, (1, 1));
    assert!(bob.unread().await.is_empty());
    world.chat.invite_contacts(&alice.caller, &name, None, &invited, "again?").await.unwrap();
    assert_eq!(bob.unread().await, ["@log"]);
    assert_eq!(bob.page("@log", None).await.end.0, 2, "its numbers go on");
}

#[tokio::test]
async fn numbers_ids_and_counts_go_on_whatever_is_gone() {
    // In one service, which holds the end in memory, and in new ones, before and after the rows are gone.
    for restarts in [false, true] {
        let mut world = world_with(&["alice", "bob"]).await;
        let mut alice = world.log_in(APP, "alice", "web").await;
        let (mut last, mut seq, mut countable) = (MessageId(0), 0, 0);
        for step in 0..6 {
            if restarts {
                world.restarted();
                alice = world.log_in(APP, "alice", "web").await;
            }
            let bob = world.log_in(APP, "bob", "web").await;
            let sent = alice.send("bob", "message").await;
            assert!(sent.id > last, "step {step}");
            (last, seq, countable) = (sent.id, seq + 1, countable + 1);
            assert_eq!(pushed_places(&bob), [(seq, countable)], "step {step}, restarts {restarts}");
            let command = Draft { kind: stoa_chat::entry::Kind::Command, ..draft("bob", "x", seq) };
            alice.send_draft(command).await.unwrap();
            seq += 1;
            world.clock.advance((KEPT + 2) * DAY);
            match step {
                // Nobody was there to sweep; the keys alone are gone; and the rows as well.
                0 | 3 => {}
                1 | 4 => {
                    let due = settle(&world, &world.chat).await.unwrap();
                    assert!(destroy(&world, &due).await > 0);
                }
                _ => assert!(sweep(&world).await.1 > 0),
            }
        }
    }
}

/// Where a key goes without the end being written down first, as it must not, nothing is given twice either.
#[tokio::test]
async fn numbers_go_on_where_the_end_was_not_written_down() {
    for removed in [false, true] {
        let mut world = world_with(&["alice", "bob"]).await;
        let alice = world.log_in(APP, "alice", "web").await;
        for text in ["one", "two", "three"] {
            alice.send("bob", text).await;
        }
        let day = world.clock.now().day();
        world.clock.advance((KEPT + 1) * DAY);
        destroy(&world, &[(CLASSES_OF_LOGS[0], day)]).await;
        if removed {
            assert_eq!(remove(&world, &world.chat).await.unwrap(), 3);
        }
        world.restarted();
        let alice = world.log_in(APP, "alice", "web").await;
        let bob = world.log_in(APP, "bob", "web").await;
        alice.send("bob", "four").await;
        assert_eq!(pushed_places(&bob), [(4, 4)]);
        assert_eq!(bob.receive("alice").await, ["four"]);
    }
}

#[tokio::test]
async fn who_stands_before_what_is_gone_is_told_of_what_lies_behind_it() {
    for at in ["destroyed", "removed"] {
        let mut world = world_with(&["alice", "bob"]).await;
        let alice = world.log_in(APP, "alice", "web").await;
        let bob = world.log_in(APP, "bob", "web").await;
        alice.send("bob", "read").await;
        assert_eq!(bob.receive("alice").await, ["read"]);
        alice.send("bob", "missed").await;
        world.clock.advance(3 * DAY);
        alice.send("bob", "still there").await;
        world.clock.advance((KEPT - 1) * DAY);
        let due = settle(&world, &world.chat).await.unwrap();
        assert_eq!(destroy(&world, &due).await, 1, "the first day");
        if at == "removed" {
            assert_eq!(remove(&world, &world.chat).await.unwrap(), 2);
        }
        world.restarted();
        let bob = world.log_in(APP, "bob", "web").await;
        assert_eq!(bob.unread().await, ["alice"], "{at}");
        assert_eq!(bob.receive("alice").await, ["still there"]);
        assert!(bob.unread().await.is_empty());
        world.clock.advance(4 * DAY);
        assert!(sweep(&world).await.1 > 0);
        world.restarted();
        let phone = world.log_in(APP, "bob", "phone").await;
        assert!(phone.unread().await.is_empty(), "nothing is left to tell of");
    }
}

#[tokio::test]
async fn an_edit_begins_the_storage_time_anew_and_the_rest_of_its_day_goes() {
    let world = world_with(&["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let mut sent = Vec::new();
    for text in ["one", "two", "three", "four", "five"] {
        sent.push(say(&alice, "bob", text, sent.len() as u64 + 1).await.id);
    }
    world.clock.advance(6 * DAY);
    edit(&alice, "bob", sent[2], "three, better", 9).await.unwrap();
    let edited = world.clock.now();
    world.clock.advance(5 * DAY);
    assert_eq!(sweep(&world).await, (1, 4));
    assert_eq!(history(&bob, "alice", true).await, ["three, better"]);
    assert_eq!(bob.unread().await, ["alice"]);
    world.clock.set(edited.plus(KEPT * DAY).minus(MILLI));
    assert_eq!(history(&bob, "alice", true).await, ["three, better"]);
    world.clock.set(edited.plus(KEPT * DAY));
    assert!(history(&bob, "alice", true).await.is_empty());
    world.clock.advance(DAY);
    assert_eq!(sweep(&world).await, (1, 2), "the message and the word about its edit");
    assert!(rows(&world, &BY_DAY).await.is_empty());
}

#[tokio::test]
async fn what_was_written_before_there_was_an_index_ends_as_well() {
    let mut world = world_with(&["alice", "bob", "carol"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    for (to, text) in [("bob", "one"), ("carol", "two"), ("bob", "three"), ("bob", "four")] {
        alice.send(to, text).await;
    }
    world.clock.advance(DAY);
    alice.send("carol", "a day later").await;
    world.forget_rows(&[LOG_DAYS]).await;
    // The release with the index comes in the middle of a day.
    world.restarted();
    world.chat.begin_index(&Operator::of_this_process()).await.unwrap();
    world.chat.begin_index(&Operator::of_this_process()).await.unwrap();
    let alice = world.log_in(APP, "alice", "web").await;
    alice.send("bob", "on the same day").await;
    world.clock.advance(2 * DAY);
    alice.send("carol", "later").await;
    world.clock.advance((KEPT - 2) * DAY);
    assert_eq!(sweep(&world).await, (1, 4));
    assert_eq!(rows(&world, &[30]).await.len(), 3);
    world.clock.advance(DAY);
    assert_eq!(sweep(&world).await, (1, 2));
    assert_eq!(history(&alice, "carol", true).await, ["later"]);
    world.clock.advance(2 * DAY);
    assert_eq!(sweep(&world).await, (1, 1));
    assert!(rows(&world, &BY_DAY).await.is_empty());
    world.restarted();
    let (alice, bob) =
        (world.log_in(APP, "alice", "web").await, world.log_in(APP, "bob", "web").await);
    alice.send("bob", "and it goes on").await;
    assert_eq!(pushed_places(&bob), [(5, 5)]);
}

#[tokio::test]
async fn a_shorter_retention_holds_for_what_exists_from_its_time_on() {
    let world = world_with(&["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    alice.send("bob", "hello").await;
    world.clock.advance(5 * DAY);
    let now = world.clock.now();
    let mut app = (*world.app(APP)).clone();
    app.chat = app.chat.keeping(app.chat.plan, KeepMessages::Days(2), now);
    world.set_app(&std::sync::Arc::new(app.clone()));
    assert_eq!(history(&alice, "bob", true).await, ["hello"], "it waits");
    assert_eq!(sweep(&world).await, (0, 0));
    // Taken back, and said once more.
    let longer = app.chat.keeping(app.chat.plan, KeepMessages::Days(KEPT), now);
    app.chat = longer.keeping(app.chat.plan, KeepMessages::Days(2), now);
    world.set_app(&std::sync::Arc::new(app));
    world.clock.advance(DAY - MILLI);
    assert_eq!(sweep(&world).await, (0, 0));
    world.clock.advance(MILLI);
    assert!(history(&alice, "bob", true).await.is_empty());
    assert_eq!(sweep(&world).await, (1, 1));
}

/// Every commit of a sweep is lost, or written without an answer, now and then: the next sweep goes on with it, and in
/// the end there is what an undisturbed one leaves.
#[tokio::test]
async fn a_sweep_that_is_killed_anywhere_is_taken_up_by_the_next() {
    async fn beginning() -> World {
        let world = world_with(&["alice", "bob", "carol"]).await;
        let alice = world.log_in(APP, "alice", "web").await;
        for n in 0..10 {
            say(&alice, if n % 3 == 0 { "carol" } else { "bob" }, "old", n + 1).await;
        }
        let pinned = alice.send("bob", "pinned").await.id;
        pin(&alice, "bob", pinned).await.unwrap();
        world.clock.advance(2 * DAY);
        alice.send("bob", "new").await;
        world.clock.advance((KEPT - 1) * DAY);
        world
    }
    let world = beginning().await;
    assert_eq!(sweep(&world).await, (1, 12));
    let keys = |rows: Vec<(Bytes, Bytes)>| rows.into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    let undisturbed = keys(world.everything().await);
    for (fault, per_mille) in [("lost", 300), ("unanswered", 300), ("refused", 300)] {
        let mut world = beginning().await;
        let faults = match fault {
            "lost" => Faults { lost_commit: per_mille, ..Faults::default() },
            "unanswered" => Faults { after_commit: per_mille, ..Faults::default() },
            _ => Faults { before_commit: per_mille, ..Faults::default() },
        };
        let mut died = 0;
        loop {
            // A new life each time: what was in memory is gone.
            world.restarted_over(faults);
            let due = match settle(&world, &world.chat).await {
                Ok(due) => due,
                Err(_) => {
                    died += 1;
                    continue;
                }
            };
            destroy(&world, &due).await;
            match remove(&world, &world.chat).await {
                Ok(_) => break,
                Err(_) => died += 1,
            }
        }
        assert!(died > 0, "{fault}: something went wrong");
        world.restarted();
        assert_eq!(keys(world.everything().await), undisturbed, "{fault}");
        let bob = world.log_in(APP, "bob", "web").await;
        assert_eq!(history(&bob, "alice", true).await, ["new"]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is said, edited, taken back and swept in which order: what is kept is read, what is over is not, and
    /// numbers are dense.
    #[test]
    fn logs_go_on_while_they_are_swept(acts in prop::collection::vec((0_u8..8, 0_usize..40), 1..60)) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let mut world = world_with(&["alice", "bob"]).await;
            let mut alice = world.log_in(APP, "alice", "web").await;
            // Id, text, when its time began.
            let mut model: Vec<(MessageId, String, stoa_core::Timestamp)> = Vec::new();
            let (mut seq, mut client_id) = (0, 0);
            for (act, which) in acts {
                client_id += 1;
                let now = world.clock.now();
                let picked = if model.is_empty() { None } else { Some(which % model.len()) };
                match (act, picked) {
                    (0..=2, _) | (_, None) => {
                        let bob = world.log_in(APP, "bob", "web").await;
                        let text = format!("message {client_id}");
                        let sent = say(&alice, "bob", &text, client_id).await;
                        seq += 1;
                        let places = pushed_places(&bob);
                        assert_eq!(places.len(), 1);
                        assert_eq!(places[0].0, seq, "dense");
                        model.push((sent.id, text, now));
                    }
                    (3, Some(at)) => {
                        let text = format!("edit {client_id}");
                        let (id, _, since) = model[at].clone();
                        let edited = edit(&alice, "bob", id, &text, client_id).await;
                        let is_kept = since.plus(KEPT * DAY) > now;
                        if is_kept && !matches!(edited, Err(Error::EditLimit)) {
                            edited.unwrap();
                            seq += 1;
                            model[at] = (id, text, now);
                        } else {
                            assert!(edited.is_err());
                        }
                    }
                    (4, _) => world.clock.advance(DAY * u32::try_from(which % 5).unwrap()),
                    (5, _) => drop(sweep(&world).await),
                    (6, _) => {
                        let due = settle(&world, &world.chat).await.unwrap();
                        destroy(&world, &due).await;
                    }
                    (_, _) => {
                        world.restarted();
                        alice = world.log_in(APP, "alice", "web").await;
                    }
                }
                let now = world.clock.now();
                let kept = model.iter().filter(|(_, _, since)| since.plus(KEPT * DAY) > now);
                let kept: Vec<_> = kept.map(|(_, text, _)| text.clone()).rev().take(50).collect();
                let found = history(&alice, "bob", false).await;
                assert_eq!(found, kept);
            }
            world.clock.advance(2 * KEPT * DAY);
            sweep(&world).await;
            assert!(rows(&world, &BY_DAY).await.is_empty());
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_go_on_while_rows_are_removed() {
    let world = world_with(&["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    for n in 0..200 {
        say(&alice, "bob", "old", n + 1).await;
    }
    world.clock.advance((KEPT + 1) * DAY);
    let due = settle(&world, &world.chat).await.unwrap();
    destroy(&world, &due).await;
    let (removed, ()) = tokio::join!(remove(&world, &world.chat), async {
        for n in 0..100 {
            say(&alice, "bob", "new", n + 1_000).await;
        }
    });
    assert_eq!(removed.unwrap(), 200);
    let bob = world.log_in(APP, "bob", "phone").await;
    assert_eq!(bob.unread().await, ["alice"]);
    assert_eq!(bob.receive("alice").await, vec!["new"; 100]);
    assert_eq!(bob.page("alice", Some(299)).await.end.0, 300, "dense");
}

#[tokio::test]
async fn a_user_who_is_not_there_for_180_days_is_deleted_as_by_hand() {
    let mut world = world_with(&["alice", "bob", "carol"]).await;
    let delete = async |world: &World| {
        let pace = Pace { rows: 10, pause: Duration::ZERO };
        let deleted = world.chat.delete_unused(&scope(world), pace).await.unwrap();
        deleted.iter().map(|user| user.as_str().to_owned()).collect::<Vec<_>>()
    };
    let rows_of_users = async |world: &World| rows(world, &[11]).await;
    world.clock.advance(100 * DAY);
    drop(world.log_in(APP, "alice", "web").await);
    world.user(APP, "bob").await;
    world.chat.store_uses(&scope(&world)).await.unwrap();
    let written = rows_of_users(&world).await;
    // No second write on the same day, however often the user comes.
    for _ in 0..3 {
        world.restarted();
        drop(world.log_in(APP, "alice", "web").await);
        world.chat.store_uses(&scope(&world)).await.unwrap();
    }
    assert_eq!(rows_of_users(&world).await, written);

    world.clock.advance(80 * DAY);
    assert!(delete(&world).await.is_empty(), "the day on which carol was made is not over");
    world.clock.advance(DAY);
    let (app, now) = (world.app(APP), world.clock.now());
    let (id, certificate) = (app.id.as_str(), app.certificates[0].expose());
    let issued = u32::try_from(now.as_secs()).unwrap();
    let seat = stoa_token::Builder007::new(id, certificate, issued, 3600, 7);
    let seat = seat.room_user("room", "carol", 2).build().unwrap();
    let seat = stoa_core::ClassCaller::verify(&app, &seat, None, now).unwrap();
    assert_eq!(delete(&world).await, ["carol"]);
    let in_class = world.chat.check_class_token(&app, seat.user().unwrap(), seat.mark().unwrap());
    in_class.expect("whoever has the name in class rooms may be there every day");
    let back_end = world.back_end(APP).await;
    let gone = world.chat.user(&back_end, &"carol".parse().unwrap()).await;
    assert!(matches!(gone, Err(Error::UnknownUser)));
    world.clock.advance(50 * DAY);
    let bob = world.log_in(APP, "bob", "web").await;
    world.clock.advance(50 * DAY);
    assert_eq!(delete(&world).await, ["alice"]);
    // Who was met a moment ago is there, though that is not written down yet.
    world.clock.advance(131 * DAY);
    world.user(APP, "bob").await;
    assert!(delete(&world).await.is_empty());
    drop(bob);
}

/// What an earlier release has written says nothing of uses: the time begins with this one.
#[tokio::test]
async fn users_of_an_earlier_release_are_there_from_its_end_on() {
    let world = world_with(&["alice"]).await;
    world.clock.advance(400 * DAY);
    world.chat.begin_index(&Operator::of_this_process()).await.unwrap();
    world.clock.advance(180 * DAY);
    assert!(world.chat.delete_unused(&scope(&world), PACE).await.unwrap().is_empty());
    world.clock.advance(DAY);
    assert_eq!(world.chat.delete_unused(&scope(&world), PACE).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_clock_that_was_set_back_ends_nothing_and_a_day_that_had_ended_ends_again() {
    let world = world_with(&["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let first = alice.send("bob", "one").await.id;
    let before = world.clock.now();
    let copy = rows(&world, &[30]).await;
    world.clock.advance((KEPT + 2) * DAY);
    let ahead = world.clock.now();
    assert_eq!(sweep(&world).await, (1, 1));

    world.clock.set(before);
    let bob = world.log_in(APP, "bob", "web").await;
    let second = alice.send("bob", "two").await.id;
    assert!(second > first);
    assert_eq!(pushed_places(&bob), [(2, 2)]);
    assert_eq!(sweep(&world).await, (0, 0));
    assert_eq!(history(&bob, "alice", true).await, ["two"]);
    // The key that the day has got now opens nothing of what was sealed before.
    let opened = |(key, record): &(Bytes, Bytes)| world.vault.open_record(key, record).unwrap();
    assert!(copy.iter().all(|row| opened(row) == Opened::Destroyed));

    world.clock.set(ahead);
    assert!(history(&bob, "alice", true).await.is_empty(), "over at once");
    assert_eq!(sweep(&world).await, (1, 1));
    alice.send("bob", "three").await;
    assert_eq!(pushed_places(&bob), [(3, 3)]);
}
