//! Every operation on a group by everybody who could try it.
//!
//! The table says for each operation and role what comes of it. A refusal changes nothing: not one
//! stored row is other than before. And to another app the group is one that there is not: the answer
//! is that for an id which was never given.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use stoa_chat::{Attributes, Draft, Error, GroupChange, GroupReceipt, NewGroup, PerUser};
use stoa_core::{Caller, GroupId, MessageId, Refusal, Resource, Target, UserId};
use tokio::sync::oneshot;

use crate::world::{APP, OTHER, World, draft};

/// Who tries: the columns of the table. The user of the other app has the owner's name.
const ROLES: &[&str] = &[
    "owner",
    "admin",
    "member",
    "muted",
    "blocked",
    "invited",
    "applicant",
    "stranger",
    "foreigner",
    "back-end",
    "foreign-back-end",
];

/// A group, and a call on it.
struct Attempt<'w> {
    world: &'w World,
    caller: Caller,
    device: Resource,
    group: GroupId,
    message: MessageId,
}

type Outcome<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;

/// What an operation does to the store where it is allowed.
#[derive(Clone, Copy, PartialEq)]
enum Effect {
    Reads,
    Changes,
}
use Effect::{Changes, Reads};

struct Operation {
    name: &'static str,
    /// One word for each role, see [`expected`]; `-` where another row says it.
    outcomes: &'static str,
    effect: Effect,
    /// What the app's back end does before.
    before: Option<&'static str>,
    run: for<'a> fn(&'a Attempt<'a>) -> Outcome<'a>,
}

/// The refusal that a word of the table stands for.
fn expected(word: &str) -> Option<Refusal> {
    Some(match word {
        "ok" => return None,
        // Only the back end of another app or its users: the group does not exist for them.
        "none" => Refusal::UnknownGroup,
        "gone" => Refusal::UnknownRoom,
        "out" => Refusal::NotInGroup,
        "rank" => Refusal::Forbidden,
        "self" => Refusal::Unauthorized,
        "owner" => Refusal::IsOwner,
        "mute" => Refusal::Muted,
        "list" => Refusal::NotAllowListed,
        "off" => Refusal::GroupDisabled,
        "msg" => Refusal::UnknownMessage,
        "in" => Refusal::AlreadyInGroup,
        "kept" => Refusal::BlockedByGroup,
        "arg" => Refusal::IllegalArgument,
        "user" => Refusal::UnknownUser,
        _ => panic!("no such outcome: {word}"),
    })
}

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

/// The outcome of the only user that a call names.
fn only(outcomes: Result<PerUser, Error>) -> Result<(), Error> {
    let mut outcomes = outcomes?;
    assert_eq!(outcomes.len(), 1);
    outcomes.remove(0).1
}

async fn send(attempt: &Attempt<'_>, only_users: Vec<UserId>) -> Result<(), Error> {
    let (done, outcome) = oneshot::channel();
    let done = Box::new(move |result| drop(done.send(result)));
    let to = Target::Group(attempt.group.clone());
    let draft = Draft { to, only_users, ..draft("nobody", "hello", 77) };
    attempt.world.chat.send(&attempt.caller, &attempt.device, draft, done).await;
    outcome.await.unwrap().map(drop)
}

async fn receipt(attempt: &Attempt<'_>) -> Result<(), Error> {
    let (done, outcome) = oneshot::channel();
    let done = Box::new(move |result| drop(done.send(result)));
    let (group, message) = (attempt.group.clone(), attempt.message);
    let receipt = GroupReceipt { group, message, content: "seen".into() };
    let chat = &attempt.world.chat;
    chat.acknowledge_in_group(&attempt.caller, &attempt.device, receipt, done).await;
    outcome.await.unwrap().map(drop)
}

/// An operation: its name, whether it changes what is stored, what comes of it by role, the call.
macro_rules! operation {
    ($name:literal, $effect:ident, $outcomes:literal, |$a:ident, $me:ident| $call:expr) => {
        operation!($name, $effect, None, $outcomes, |$a, $me| $call)
    };
    ($name:literal, $effect:ident, $before:expr, $outcomes:literal, |$a:ident, $me:ident| $call:expr) => {
        Operation {
            name: $name,
            outcomes: $outcomes,
            effect: $effect,
            before: $before,
            run: |$a| {
                Box::pin(async move {
                    #[allow(unused_variables, reason = "most do not name who tries")]
                    let $me = $a.caller.user().cloned().unwrap_or_else(|| user("target"));
                    $call
                })
            },
        }
    };
}

fn operations() -> Vec<Operation> {
    let mut operations = lists::operations();
    operations.extend(of_messages());
    operations.extend(of_membership());
    operations.extend(of_the_whole());
    operations
}

mod lists;
mod rooms;

// The columns:
//   owner admin member muted blocked invited applicant stranger | foreigner back-end foreign-back-end
fn of_messages() -> Vec<Operation> {
    vec![
        operation!("shield", Changes, "owner ok ok ok out out out out none self self", |a, me| {
            a.world.chat.shield_group(&a.caller, Some(&a.device), &a.group, true).await
        }),
        operation!("unshield", Reads, "ok ok ok ok out out out out none self self", |a, me| {
            a.world.chat.shield_group(&a.caller, Some(&a.device), &a.group, false).await
        }),
        operation!("send", Changes, "ok ok ok mute out out out out none self self", |a, me| {
            send(a, Vec::new()).await
        }),
        operation!(
            "send to one member",
            Changes,
            "ok ok ok mute out out out out none self self",
            |a, me| send(a, vec![user("target")]).await
        ),
        operation!(
            "send while all are muted",
            Changes,
            Some("mute all"),
            "ok ok list mute out out out out none self self",
            |a, me| send(a, Vec::new()).await
        ),
        operation!(
            "send a receipt",
            Changes,
            "ok ok ok ok out out out out none self self",
            |a, me| receipt(a).await
        ),
        operation!(
            "list the readers of another's message",
            Reads,
            "rank rank rank rank out out out out none ok none",
            |a, me| {
                a.world
                    .chat
                    .group_readers(&a.caller, &a.group, a.message, 500, None)
                    .await
                    .map(drop)
            }
        ),
        operation!(
            "list the readers of no message",
            Reads,
            "msg msg msg msg out out out out none msg none",
            |a, me| {
                let message = MessageId(7);
                a.world.chat.group_readers(&a.caller, &a.group, message, 500, None).await.map(drop)
            }
        ),
    ]
}

/// What is done to the group as a whole, and what is asked of it.
fn of_the_whole() -> Vec<Operation> {
    vec![
        operation!("see the group", Reads, "ok ok ok ok ok ok ok ok none ok none", |a, me| {
            a.world.chat.groups(&a.caller, std::slice::from_ref(&a.group)).await.map(drop)
        }),
        operation!("list members", Reads, "ok ok ok ok out out out out none ok none", |a, me| {
            a.world.chat.group_members(&a.caller, &a.group, 0, 10).await.map(drop)
        }),
        operation!(
            "list members by cursor",
            Reads,
            "ok ok ok ok out out out out none ok none",
            |a, me| {
                a.world.chat.group_members_from(&a.caller, &a.group, None, 10).await.map(drop)
            }
        ),
        operation!("list roles", Reads, "ok ok ok ok out out out out none ok none", |a, me| {
            a.world.chat.group_managers(&a.caller, &a.group).await.map(drop)
        }),
        operation!("am I a member", Reads, "ok ok ok ok ok ok ok ok none ok none", |a, me| {
            a.world.chat.is_in_group(&a.caller, &a.group, &me).await.map(drop)
        }),
        operation!(
            "is another a member",
            Reads,
            "ok ok ok ok out out out out none ok none",
            |a, me| {
                a.world.chat.is_in_group(&a.caller, &a.group, &user("target")).await.map(drop)
            }
        ),
        operation!("rename", Changes, "ok ok rank rank out out out out none ok none", |a, me| {
            let change = GroupChange { name: Some("other".into()), ..GroupChange::default() };
            a.world.chat.change_group(&a.caller, Some(&a.device), &a.group, change).await
        }),
        operation!(
            "change settings",
            Changes,
            "ok rank rank rank out out out out none ok none",
            |a, me| {
                let change = GroupChange { public: Some(false), ..GroupChange::default() };
                a.world.chat.change_group(&a.caller, Some(&a.device), &a.group, change).await
            }
        ),
        operation!(
            "hand over to a member",
            Changes,
            "ok rank rank rank out out out out none ok none",
            |a, me| {
                let (device, new) = (Some(&a.device), user("target"));
                a.world.chat.transfer_group(&a.caller, device, &a.group, &new).await
            }
        ),
        operation!(
            "hand over to a stranger",
            Changes,
            "rank rank rank rank out out out out none rank none",
            |a, me| {
                let (device, new) = (Some(&a.device), user("nobody"));
                a.world.chat.transfer_group(&a.caller, device, &a.group, &new).await
            }
        ),
        operation!(
            "dismiss",
            Changes,
            "ok rank rank rank out out out out none ok none",
            |a, me| a.world.chat.dismiss_group(&a.caller, Some(&a.device), &a.group).await
        ),
        operation!(
            "switch off",
            Changes,
            "self self self self self self self self self ok none",
            |a, me| a.world.chat.set_group_disabled(&a.caller, &a.group, true).await
        ),
        operation!(
            "rename what is switched off",
            Changes,
            Some("switch off"),
            "off off rank rank out out out out none ok none",
            |a, me| {
                let change = GroupChange { name: Some("other".into()), ..GroupChange::default() };
                a.world.chat.change_group(&a.caller, Some(&a.device), &a.group, change).await
            }
        ),
        operation!(
            "send to what is switched off",
            Changes,
            Some("switch off"),
            "off off off off out out out out none self self",
            |a, me| send(a, Vec::new()).await
        ),
        operation!(
            "mute in what is switched off",
            Changes,
            Some("switch off"),
            "off off rank rank out out out out none ok none",
            |a, me| mute(a, "target").await
        ),
    ]
}

/// Coming and going.
fn of_membership() -> Vec<Operation> {
    vec![
        operation!("apply", Changes, "in in in in kept ok ok ok none in none", |a, me| {
            apply(a, &me).await
        }),
        operation!(
            "apply for another",
            Changes,
            "self self self self self self self self self ok none",
            |a, me| apply(a, &user("nobody")).await
        ),
        operation!(
            "accept an application",
            Changes,
            "ok ok rank rank out out out out none ok none",
            |a, me| answer(a, "applicant", true).await
        ),
        operation!(
            "decline an application",
            Changes,
            "ok ok rank rank out out out out none ok none",
            |a, me| answer(a, "applicant", false).await
        ),
        operation!(
            "accept whoever did not apply",
            Changes,
            "arg arg rank rank out out out out none arg none",
            |a, me| answer(a, "nobody", true).await
        ),
        operation!(
            "invite a stranger",
            Changes,
            "ok ok rank rank out out out out none ok none",
            |a, me| invite(a, "nobody").await
        ),
        operation!(
            "invite a member",
            Changes,
            "in in rank rank out out out out none in none",
            |a, me| invite(a, "target").await
        ),
        operation!(
            "invite the blocked",
            Changes,
            "kept kept rank rank out out out out none kept none",
            |a, me| invite(a, "blocked").await
        ),
        operation!(
            "accept my invitation",
            Changes,
            "in in in in arg ok arg arg none in none",
            |a, me| {
                a.world
                    .chat
                    .answer_invitation(&a.caller, Some(&a.device), &a.group, &me, true)
                    .await
            }
        ),
        operation!(
            "decline my invitation",
            Changes,
            "in in in in arg ok arg arg none in none",
            |a, me| {
                a.world
                    .chat
                    .answer_invitation(&a.caller, Some(&a.device), &a.group, &me, false)
                    .await
            }
        ),
        operation!(
            "accept another's invitation",
            Changes,
            "self self self self self ok self self self ok none",
            |a, me| {
                let (device, who) = (Some(&a.device), user("invited"));
                a.world.chat.answer_invitation(&a.caller, device, &a.group, &who, true).await
            }
        ),
        operation!(
            "add a stranger",
            Changes,
            "rank rank rank rank out out out out none ok none",
            |a, me| {
                let (device, users) = (Some(&a.device), vec![user("nobody")]);
                a.world.chat.add_members(&a.caller, device, &a.group, users).await.map(drop)
            }
        ),
        operation!(
            "add the blocked",
            Changes,
            "rank rank rank rank out out out out none kept none",
            |a, me| {
                let (device, users) = (Some(&a.device), vec![user("blocked")]);
                a.world.chat.add_members(&a.caller, device, &a.group, users).await.map(drop)
            }
        ),
        operation!(
            "remove a member",
            Changes,
            "ok ok rank rank out out out out none ok none",
            |a, me| remove(a, "target").await
        ),
        operation!(
            "remove an administrator",
            Changes,
            "ok rank rank rank out out out out none ok none",
            |a, me| remove(a, "deputy").await
        ),
        operation!(
            "remove the owner",
            Changes,
            "owner owner rank rank out out out out none owner none",
            |a, me| remove(a, "owner").await
        ),
        operation!(
            "remove a stranger",
            Changes,
            "out out rank rank out out out out none out none",
            |a, me| remove(a, "nobody").await
        ),
        operation!("leave", Changes, "owner ok ok ok out out out out none self self", |a, me| {
            a.world.chat.leave_group(&a.caller, Some(&a.device), &a.group).await
        }),
    ]
}

async fn apply(a: &Attempt<'_>, user: &UserId) -> Result<(), Error> {
    let device = Some(&a.device);
    a.world.chat.apply_to_group(&a.caller, device, &a.group, user, None).await.map(drop)
}

async fn answer(a: &Attempt<'_>, name: &str, accept: bool) -> Result<(), Error> {
    let (device, applicant) = (Some(&a.device), user(name));
    let chat = &a.world.chat;
    chat.answer_application(&a.caller, device, &a.group, &applicant, accept, None).await
}

async fn invite(a: &Attempt<'_>, name: &str) -> Result<(), Error> {
    let (device, users) = (Some(&a.device), vec![user(name)]);
    only(a.world.chat.invite_to_group(&a.caller, device, &a.group, users).await)
}

async fn remove(a: &Attempt<'_>, name: &str) -> Result<(), Error> {
    let (device, users) = (Some(&a.device), vec![user(name)]);
    only(a.world.chat.remove_members(&a.caller, device, &a.group, users).await)
}

async fn mute(a: &Attempt<'_>, name: &str) -> Result<(), Error> {
    let lasts = Some(Duration::from_secs(60));
    let (device, users) = (Some(&a.device), vec![user(name)]);
    a.world.chat.mute_in_group(&a.caller, device, &a.group, users, lasts).await.map(drop)
}

async fn block(a: &Attempt<'_>, name: &str) -> Result<(), Error> {
    let (device, users) = (Some(&a.device), vec![user(name)]);
    only(a.world.chat.block_in_group(&a.caller, device, &a.group, users).await)
}

async fn allow(a: &Attempt<'_>, name: &str, on: bool) -> Result<(), Error> {
    let (device, users) = (Some(&a.device), vec![user(name)]);
    only(a.world.chat.allow_in_group(&a.caller, device, &a.group, users, on).await)
}

async fn describe(a: &Attempt<'_>, user: &UserId) -> Result<(), Error> {
    let changes = Attributes::from([("nick".to_owned(), "N".to_owned())]);
    let device = Some(&a.device);
    a.world.chat.set_member_attributes(&a.caller, device, &a.group, user, changes).await
}

/// A world with one group in which everybody has a role.
async fn founded() -> Place {
    let world = World::new();
    let names = [
        "owner",
        "admin",
        "deputy",
        "member",
        "muted",
        "target",
        "white",
        "blocked",
        "invited",
        "applicant",
        "stranger",
        "nobody",
    ];
    world.register(APP, &names).await;
    world.register(OTHER, &["owner"]).await;
    let back_end = world.back_end(APP).await;
    let chat = &world.chat;
    let new = NewGroup {
        owner: user("owner"),
        name: "Röle play".into(),
        description: String::new(),
        avatar: String::new(),
        custom: String::new(),
        public: true,
        approval: true,
        member_invites: false,
        invite_confirm: true,
        max_members: 200,
        members: Vec::new(),
    };
    let group = chat.create_group(&back_end, None, new).await.unwrap();
    let members = names[1..8].iter().map(|name| user(name)).collect();
    chat.add_members(&back_end, None, &group, members).await.unwrap();
    for name in ["admin", "deputy"] {
        chat.add_group_admin(&back_end, None, &group, &user(name)).await.unwrap();
    }
    chat.mute_in_group(&back_end, None, &group, vec![user("muted")], None).await.unwrap();
    only(chat.allow_in_group(&back_end, None, &group, vec![user("white")], true).await).unwrap();
    only(chat.block_in_group(&back_end, None, &group, vec![user("blocked")]).await).unwrap();
    chat.set_group_announcement(&back_end, None, &group, "old").await.unwrap();
    let invited = vec![user("invited")];
    only(chat.invite_to_group(&back_end, None, &group, invited).await).unwrap();
    let applicant = world.caller(APP, Some("applicant")).await;
    let waits = chat.apply_to_group(&applicant, None, &group, &user("applicant"), None).await;
    assert!(!waits.unwrap());
    let target = world.log_in(APP, "target", "web").await;
    let draft = Draft {
        to: Target::Group(group.clone()),
        receipts: true,
        priority: stoa_chat::entry::Priority::Normal,
        ..draft("nobody", "who has read this?", 1)
    };
    let message = target.send_draft(draft).await.unwrap().id;
    (world, group, message)
}

async fn caller(world: &World, role: &str) -> Caller {
    match role {
        "back-end" => world.back_end(APP).await,
        "foreign-back-end" => world.back_end(OTHER).await,
        "foreigner" => world.caller(OTHER, Some("owner")).await,
        name => world.caller(APP, Some(name)).await,
    }
}

fn said(outcome: &Result<(), Error>) -> impl Debug + PartialEq + use<> {
    outcome.as_ref().err().map(|error| (error.refusal(), error.to_string()))
}

/// A world, the group or room in it that is tried on, and a message there.
type Place = (World, GroupId, MessageId);

/// Has everybody in `roles` try every operation, each in a world where nothing was changed before.
/// `never` is the id of what never was. Answers what is to be said of it.
///
/// # Panics
/// When something is other than the table says.
async fn judge(
    roles: &[&str],
    operations: Vec<Operation>,
    found: impl AsyncFn() -> Place,
    never: &GroupId,
) -> String {
    let (mut cells, mut refused, mut hidden) = (0, 0, 0);
    let mut wrong = Vec::new();
    // A world serves until something in it was changed.
    let mut place = found().await;
    for operation in operations {
        let words: Vec<_> = operation.outcomes.split_whitespace().collect();
        assert_eq!(words.len(), roles.len(), "{}", operation.name);
        for (role, word) in roles.iter().zip(words) {
            if word == "-" {
                continue;
            }
            let (world, group, message) = &place;
            if operation.before == Some("mute all") {
                let back_end = world.back_end(APP).await;
                world.chat.mute_all_in_group(&back_end, None, group, true).await.unwrap();
            }
            if operation.before == Some("switch off") {
                let back_end = world.back_end(APP).await;
                world.chat.set_group_disabled(&back_end, group, true).await.unwrap();
            }
            let before = world.everything().await;
            let mut attempt = Attempt {
                world,
                caller: caller(world, role).await,
                device: "tablet".parse().unwrap(),
                group: group.clone(),
                message: *message,
            };
            let outcome = (operation.run)(&attempt).await;
            let after = world.everything().await;
            cells += 1;
            let got = outcome.as_ref().err().map(Error::refusal);
            if got != expected(word) {
                wrong.push(format!("{} by {role}: {word} expected, not {got:?}", operation.name));
            }
            let changed = before != after;
            if outcome.is_err() {
                refused += 1;
                if changed {
                    wrong.push(format!(
                        "{} by {role} was refused, and changed something",
                        operation.name
                    ));
                }
            } else if changed != (operation.effect == Changes) {
                wrong.push(format!("{} by {role}: changed something: {changed}", operation.name));
            }
            if role.starts_with("foreign") {
                // The same call about a group that there never was.
                attempt.group = never.clone();
                attempt.message = MessageId(1);
                let never = (operation.run)(&attempt).await;
                hidden += 1;
                if said(&never) != said(&outcome) {
                    wrong.push(format!("{} tells {role} of the group", operation.name));
                }
            }
            if changed || operation.before.is_some() {
                place = found().await;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    format!("{cells} cells, of which {refused} refused; {hidden} told nothing of another app")
}

#[tokio::test]
async fn every_operation_by_every_role() {
    let never = "123456789012345678".parse().unwrap();
    println!("{}", judge(ROLES, operations(), founded, &never).await);
}
