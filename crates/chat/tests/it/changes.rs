//! Messages that are taken back and edited.

use std::time::Duration;

use bytes::Bytes;
use stoa_chat::entry::Kind;
use stoa_chat::{
    Appended, Draft, Edit, Edited, Error, HistoryQuery, NewGroup, Recall, Rewrite, Rewritten,
};
use stoa_core::{GroupId, MessageId, Target, limits};

use crate::world::{APP, Device, OTHER, World, draft};

/// The conversation that `name` stands for; digits alone are a group.
pub(crate) fn target(name: &str) -> Target {
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        Target::Group(name.parse().unwrap())
    } else {
        Target::User(name.parse().unwrap())
    }
}

pub(crate) async fn group(device: &Device, members: &[&str]) -> GroupId {
    let new = NewGroup {
        owner: device.caller.user().unwrap().clone(),
        name: "friends".into(),
        description: String::new(),
        avatar: String::new(),
        custom: String::new(),
        public: false,
        approval: false,
        member_invites: false,
        invite_confirm: false,
        max_members: 100,
        members: members.iter().map(|name| name.parse().unwrap()).collect(),
    };
    device.chat.create_group(&device.caller, Some(&device.resource), new).await.unwrap()
}

pub(crate) async fn say(device: &Device, to: &str, text: &str, client_id: u64) -> Appended {
    let draft = Draft { to: target(to), ..draft("nobody", text, client_id) };
    device.send_draft(draft).await.unwrap()
}

pub(crate) async fn recall(
    device: &Device,
    to: &str,
    message: MessageId,
    client_id: u64,
) -> Result<Appended, Error> {
    let body = Bytes::from(format!("recall {message}"));
    let ext = Bytes::new();
    let recall = Recall { to: target(to), message, body, ext, client_id };
    device.chat.recall(&device.caller, &device.resource, recall).await
}

pub(crate) async fn edit(
    device: &Device,
    to: &str,
    message: MessageId,
    text: &str,
    client_id: u64,
) -> Result<Edited, Error> {
    let new = text.to_owned();
    let edit = Edit {
        to: target(to),
        message,
        kind: Kind::Text,
        content_bytes: text.len(),
        rewrite: Rewrite::new(move |entry, _| {
            let told = format!("edit {} {new}", entry.id).into();
            Some(Rewritten { body: new.clone().into(), told })
        }),
        client_id,
    };
    device.chat.edit(&device.caller, &device.resource, edit).await
}

pub(crate) async fn history(device: &Device, with: &str) -> Vec<String> {
    let query = HistoryQuery { oldest_first: true, ..HistoryQuery::newest(target(with), 50) };
    let page = device.chat.history(&device.caller, &query).await.unwrap();
    page.entries.iter().map(|e| String::from_utf8(e.body.to_vec()).unwrap()).collect()
}

fn refused<T>(outcome: Result<T, Error>) -> String {
    outcome.err().map(|error| error.refusal().msync().reason.to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_message_that_is_taken_back_is_gone_for_all() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let phone = world.log_in(APP, "alice", "phone").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let sent = say(&alice, "bob", "oops", 10).await;
    say(&alice, "bob", "next", 11).await;
    assert_eq!(bob.receive("alice").await, ["oops", "next"]);
    assert_eq!(
        refused(recall(&bob, "alice", sent.id, 1).await),
        "Sorry, You do not have permission"
    );
    let recalled = recall(&alice, "bob", sent.id, 12).await.unwrap();
    let again = recall(&alice, "bob", sent.id, 12).await.unwrap();
    assert_eq!(recalled, again, "the same call, made again");
    assert_eq!(refused(recall(&alice, "bob", sent.id, 13).await), "Sorry, message does not exist");
    let told = format!("recall {}", sent.id);
    assert_eq!(bob.receive("alice").await, [told.as_str()]);
    // Whoever was offline finds no more of it than that.
    assert_eq!(phone.receive("bob").await, ["next", told.as_str()]);
    assert_eq!(history(&alice, "bob").await, ["next"]);
    assert_eq!(history(&bob, "alice").await, ["next"]);
    // Sent again under its number, it does not come back.
    assert_eq!(say(&alice, "bob", "oops", 10).await, sent);
    assert_eq!(history(&bob, "alice").await, ["next"]);
}

#[tokio::test]
async fn recalls_have_their_time_and_their_kinds() {
    let mut world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let command = Draft { kind: Kind::Command, ..draft("bob", "typing", 1) };
    let command = alice.send_draft(command).await.unwrap();
    assert_eq!(
        refused(recall(&alice, "bob", command.id, 2).await),
        "Sorry, message does not exist"
    );
    let sent = say(&alice, "bob", "late", 3).await;
    world.clock.advance(Duration::from_secs(120));
    let other = say(&alice, "bob", "in time", 4).await;
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(refused(recall(&alice, "bob", sent.id, 5).await), "exceed recall time limit");
    world.restarted();
    let alice = world.log_in(APP, "alice", "web").await;
    recall(&alice, "bob", other.id, 6).await.unwrap();
    assert_eq!(history(&alice, "bob").await, ["late"]);

    // The back end is bound by the time, unless it insists.
    let back_end = world.back_end(APP).await;
    let by_back_end = |force| {
        let recall = Recall {
            to: target("bob"),
            message: sent.id,
            body: Bytes::from_static(b"recalled"),
            ext: Bytes::new(),
            client_id: 0,
        };
        world.chat.recall_for(&back_end, None, recall, force)
    };
    assert!(matches!(by_back_end(false).await, Err(Error::RecallTooLate)));
    assert_eq!(by_back_end(true).await.unwrap().as_str(), "admin");
    assert!(history(&alice, "bob").await.is_empty());
    // Another app's messages are none.
    let stranger = world.back_end(OTHER).await;
    let recall = Recall {
        to: target("bob"),
        message: other.id,
        body: Bytes::new(),
        ext: Bytes::new(),
        client_id: 0,
    };
    let refused = world.chat.recall_for(&stranger, None, recall, true).await;
    assert!(matches!(refused, Err(Error::UnknownMessage)));
}

#[tokio::test]
async fn a_groups_owner_takes_back_what_anybody_said() {
    let world = World::new();
    world.register(APP, &["alice", "bob", "carol", "dave"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let carol = world.log_in(APP, "carol", "web").await;
    let dave = world.log_in(APP, "dave", "web").await;
    let id = group(&alice, &["bob", "carol"]).await;
    let id = id.as_str();
    let said = say(&bob, id, "rude", 1).await;
    let kept = say(&bob, id, "kind", 2).await;
    for (device, reason) in
        [(&carol, "Sorry, You do not have permission"), (&dave, "Sorry, message does not exist")]
    {
        assert_eq!(refused(recall(device, id, said.id, 9).await), reason);
    }
    recall(&alice, id, said.id, 3).await.unwrap();
    recall(&bob, id, kept.id, 3).await.unwrap();
    assert!(history(&carol, id).await.is_empty());
    let told: Vec<_> =
        carol.receive(id).await.into_iter().filter(|t| t.starts_with("rec")).collect();
    assert_eq!(told, [format!("recall {}", said.id), format!("recall {}", kept.id)]);

    // What only some got, only they are told of.
    let only = Draft {
        to: target(id),
        only_users: vec!["alice".parse().unwrap()],
        ..draft("nobody", "for alice", 4)
    };
    let only = bob.send_draft(only).await.unwrap();
    alice.pushed();
    recall(&bob, id, only.id, 5).await.unwrap();
    assert!(carol.receive(id).await.is_empty());
    assert_eq!(alice.pushed(), [format!("recall {}", only.id)]);
}

#[tokio::test]
async fn an_edit_takes_the_place_of_what_was_said() {
    let world = World::new();
    world.register(APP, &["alice", "bob"]).await;
    let alice = world.log_in(APP, "alice", "web").await;
    let bob = world.log_in(APP, "bob", "web").await;
    let phone = world.log_in(APP, "bob", "phone").await;
    let sent = say(&alice, "bob", "helo", 1).await;
    assert_eq!(bob.receive("alice").await, ["helo"]);
    bob.pushed();
    assert_eq!(
        refused(edit(&bob, "alice", sent.id, "x", 1).await),
        "Sorry, You do not have permission"
    );
    let edited = edit(&alice, "bob", sent.id, "hello", 2).await.unwrap();
    assert_eq!((edited.mark.count, edited.mark.by.as_str()), (1, "alice"));
    assert_eq!((edited.entry.id, edited.entry.at), (sent.id, sent.at));
    let again = edit(&alice, "bob", sent.id, "hello", 2).await.unwrap();
    assert_eq!((again.mark.count, again.told), (1, edited.told), "the same call, made again");
    let told = format!("edit {} hello", sent.id);
    assert_eq!(bob.pushed(), [told.as_str()]);
    assert_eq!(bob.receive("alice").await, [told.as_str()]);
    assert_eq!(phone.receive("alice").await, ["hello"], "once, as it is by now");
    assert_eq!(history(&bob, "alice").await, ["hello"]);

    for n in 1..limits::MESSAGE_EDITS {
        let text = format!("hello {n}");
        edit(&alice, "bob", sent.id, &text, 10 + u64::from(n)).await.unwrap();
    }
    let more = edit(&alice, "bob", sent.id, "once more", 99).await;
    assert_eq!(refused(more), "Sorry, edit limit reached");
    let image = Draft { kind: Kind::Image, ..draft("bob", "picture", 200) };
    let image = alice.send_draft(image).await.unwrap();
    let wrong = edit(&alice, "bob", image.id, "text", 201).await;
    assert_eq!(refused(wrong), "Sorry, format is incorrect");
    // Whoever comes now is told the last word only, and nothing once it is taken back.
    let last = format!("edit {} hello {}", sent.id, limits::MESSAGE_EDITS - 1);
    assert_eq!(bob.receive("alice").await, [last.as_str(), "picture"]);
    let whole = bob.page("alice", Some(1)).await.entries;
    assert_eq!(whole.len(), 2, "the entries of earlier edits are empty");
    recall(&alice, "bob", sent.id, 202).await.unwrap();
    let rest = bob.page("alice", Some(0)).await.entries;
    let rest: Vec<_> = rest.iter().map(|(_, entry)| entry.kind).collect();
    assert_eq!(rest, [Kind::Image, Kind::Recall], "no word of it is left");
    let gone = edit(&alice, "bob", sent.id, "back", 203).await;
    assert_eq!(refused(gone), "Sorry, message does not exist");
    let none = edit(&alice, "bob", MessageId(7), "x", 204).await;
    assert_eq!(refused(none), "Sorry, message does not exist");
}
