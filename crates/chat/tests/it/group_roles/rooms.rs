//! The same for chat rooms: every operation on a room by everybody who could try it.

use stoa_chat::{AttributeChange, Attributes, Error, GroupChange, NewRoom};
use stoa_core::{MucKind, Target, UserId};

use super::{Attempt, Changes, Operation, Place, Reads, allow, block, judge, only, user};
use crate::world::{APP, OTHER, World, draft};

/// Who tries: the columns of the table. `away` is an administrator who is not in the room, `super` a
/// super administrator who has nothing to do with it.
const ROLES: &[&str] = &[
    "owner",
    "admin",
    "member",
    "muted",
    "away",
    "blocked",
    "outsider",
    "super",
    "foreigner",
    "back-end",
    "foreign-back-end",
];

/// A world with one room in which everybody has a role.
async fn founded() -> Place {
    let world = World::new();
    let names = [
        "owner", "admin", "deputy", "member", "muted", "target", "white", "away", "blocked",
        "outsider", "super", "nobody",
    ];
    world.register(APP, &names).await;
    world.register(OTHER, &["owner"]).await;
    let back_end = world.back_end(APP).await;
    let chat = &world.chat;
    let new = NewRoom {
        owner: user("owner"),
        name: "Röle play".into(),
        description: String::new(),
        max_members: 200,
        members: names[1..9].iter().map(|name| user(name)).collect(),
    };
    let room = chat.create_room(&back_end, None, new).await.unwrap();
    for name in ["admin", "deputy", "away"] {
        chat.add_group_admin(&back_end, None, &room, &user(name)).await.unwrap();
    }
    chat.mute_in_group(&back_end, None, &room, vec![user("muted")], None).await.unwrap();
    only(chat.allow_in_group(&back_end, None, &room, vec![user("white")], true).await).unwrap();
    only(chat.block_in_group(&back_end, None, &room, vec![user("blocked")]).await).unwrap();
    chat.set_group_announcement(&back_end, None, &room, "old").await.unwrap();
    chat.add_super_admin(&back_end, &user("super")).await.unwrap();
    let values = Attributes::from([("theirs".to_owned(), "old".to_owned())]);
    let set = AttributeChange::Set { values, auto_delete: true };
    chat.change_room_attributes(&back_end, None, &room, &user("target"), set, false).await.unwrap();
    chat.leave_room(&world.caller(APP, Some("away")).await, &room).await.unwrap();
    let target = world.log_in(APP, "target", "web").await;
    let hello = draft("nobody", "hello", 1);
    let hello = stoa_chat::Draft { to: Target::Group(room.clone()), ..hello };
    let message = target.send_draft(hello).await.unwrap().id;
    (world, room, message)
}

/// A change of attributes for `me`; a key that is refused counts as a refusal by rank.
async fn attributes(
    a: &Attempt<'_>,
    me: &UserId,
    change: AttributeChange,
    forced: bool,
) -> Result<(), Error> {
    let (chat, device) = (&a.world.chat, Some(&a.device));
    let outcome =
        chat.change_room_attributes(&a.caller, device, &a.group, me, change, forced).await?;
    if outcome.refused.is_empty() { Ok(()) } else { Err(Error::Forbidden) }
}

fn set(key: &str) -> AttributeChange {
    let values = Attributes::from([(key.to_owned(), "new".to_owned())]);
    AttributeChange::Set { values, auto_delete: true }
}

async fn change(a: &Attempt<'_>, change: GroupChange) -> Result<(), Error> {
    a.world.chat.change_group(&a.caller, Some(&a.device), &a.group, change).await
}

async fn add(a: &Attempt<'_>, name: &str) -> Result<(), Error> {
    let (device, users) = (Some(&a.device), vec![user(name)]);
    a.world.chat.add_members(&a.caller, device, &a.group, users).await.map(drop)
}

#[tokio::test]
async fn every_operation_on_a_room_by_every_role() {
    let never = "123456789012345678".parse::<stoa_core::GroupId>().unwrap();
    let mut operations = of_the_room();
    operations.extend(of_members());
    operations.extend(of_standings());
    operations.extend(of_attributes());
    println!("{}", judge(ROLES, operations, founded, &never.with_kind(MucKind::Room)).await);
}

/// The operation of that name on a group, tried on a room: one call does both.
fn as_on_a_group(name: &str, outcomes: &'static str) -> Operation {
    let mut all = super::operations().into_iter();
    let operation = all.find(|operation| operation.name == name);
    let operation =
        operation.unwrap_or_else(|| panic!("no operation on a group is called {name:?}"));
    Operation { outcomes, ..operation }
}

// The columns:
//   owner admin member muted away blocked outsider super | foreigner back-end foreign-back-end
fn of_the_room() -> Vec<Operation> {
    vec![
        operation!(
            "make a room",
            Changes,
            "rank rank rank rank rank rank rank ok rank ok user",
            |a, me| {
                let new = NewRoom {
                    owner: me,
                    name: "mine".into(),
                    description: String::new(),
                    max_members: 10,
                    members: Vec::new(),
                };
                a.world.chat.create_room(&a.caller, Some(&a.device), new).await.map(drop)
            }
        ),
        operation!(
            "make a room for another",
            Changes,
            "self self self self self self self self self ok user",
            |a, me| {
                let new = NewRoom {
                    owner: user("nobody"),
                    name: "theirs".into(),
                    description: String::new(),
                    max_members: 10,
                    members: Vec::new(),
                };
                a.world.chat.create_room(&a.caller, Some(&a.device), new).await.map(drop)
            }
        ),
        operation!("list rooms", Reads, "ok ok ok ok ok ok ok ok ok ok ok", |a, me| {
            a.world.chat.rooms(&a.caller, 0, 10, None).await.map(drop)
        }),
        operation!("list my rooms", Reads, "ok ok ok ok ok ok ok ok ok ok user", |a, me| {
            a.world.chat.rooms_joined(&a.caller, &me, 0, 10).await.map(drop)
        }),
        operation!(
            "list another's rooms",
            Reads,
            "self self self self self self self self self ok user",
            |a, me| {
                a.world.chat.rooms_joined(&a.caller, &user("target"), 0, 10).await.map(drop)
            }
        ),
        operation!(
            "name a super administrator",
            Changes,
            "self self self self self self self self self ok user",
            |a, me| a.world.chat.add_super_admin(&a.caller, &user("target")).await
        ),
        operation!(
            "take a super administrator's right",
            Changes,
            "self self self self self self self self self ok user",
            |a, me| a.world.chat.remove_super_admin(&a.caller, &user("super")).await
        ),
        operation!(
            "list super administrators",
            Reads,
            "self self self self self self self self self ok ok",
            |a, me| a.world.chat.super_admins(&a.caller, 0, 10).await.map(drop)
        ),
        operation!("see the room", Reads, "ok ok ok ok ok ok ok ok gone ok gone", |a, me| {
            a.world.chat.groups(&a.caller, std::slice::from_ref(&a.group)).await.map(drop)
        }),
        as_on_a_group("rename", "ok rank rank rank rank out out out gone ok gone"),
        operation!(
            "change how many may come",
            Changes,
            "ok rank rank rank rank out out out gone ok gone",
            |a, me| change(a, GroupChange { max_members: Some(99), ..GroupChange::default() })
                .await
        ),
        operation!(
            "change what rooms do not have",
            Changes,
            "arg arg arg arg arg arg arg arg arg arg arg",
            |a, me| change(a, GroupChange { public: Some(false), ..GroupChange::default() }).await
        ),
        as_on_a_group("hand over to a member", "ok rank rank rank rank out out out gone ok gone"),
        as_on_a_group("dismiss", "ok rank rank rank rank out out out gone ok gone"),
        as_on_a_group("read the announcement", "ok ok ok ok ok out out out gone ok gone"),
        as_on_a_group("announce", "ok rank rank rank rank out out out gone ok gone"),
        as_on_a_group("send", "ok ok ok mute out out out out gone self self"),
        as_on_a_group("send while all are muted", "ok ok list mute out out out out gone self self"),
    ]
}

fn of_members() -> Vec<Operation> {
    vec![
        as_on_a_group("list members", "ok ok ok ok ok out out out gone ok gone"),
        as_on_a_group("list members by cursor", "ok ok ok ok ok out out out gone ok gone"),
        as_on_a_group("list roles", "ok ok ok ok ok out out out gone ok gone"),
        operation!("am I there", Reads, "ok ok ok ok ok ok ok ok gone ok gone", |a, me| {
            a.world.chat.is_in_group(&a.caller, &a.group, &me).await.map(drop)
        }),
        operation!("come in", Changes, "- - - - ok kept ok ok gone self self", |a, me| {
            let (chat, device) = (&a.world.chat, &a.device);
            chat.join_room(&a.caller, device, &a.group, "", false).await.map(drop)
        }),
        operation!("come in again", Reads, "ok ok ok ok - - - - - - -", |a, me| {
            let (chat, device) = (&a.world.chat, &a.device);
            chat.join_room(&a.caller, device, &a.group, "", false).await.map(drop)
        }),
        operation!("leave", Changes, "ok ok ok ok out out out out gone self self", |a, me| {
            a.world.chat.leave_room(&a.caller, &a.group).await
        }),
        operation!(
            "add a user",
            Changes,
            "ok ok rank rank ok out out out gone ok gone",
            |a, me| add(a, "nobody").await
        ),
        as_on_a_group("add the blocked", "kept kept rank rank kept out out out gone kept gone"),
        operation!(
            "add who is there",
            Changes,
            "in in rank rank in out out out gone in gone",
            |a, me| add(a, "target").await
        ),
        as_on_a_group("remove a member", "ok ok rank rank ok out out out gone ok gone"),
        as_on_a_group("remove an administrator", "ok rank rank rank rank out out out gone ok gone"),
        as_on_a_group(
            "remove the owner",
            "owner owner rank rank owner out out out gone owner gone",
        ),
        as_on_a_group("remove a stranger", "out out rank rank out out out out gone out gone"),
    ]
}

fn of_standings() -> Vec<Operation> {
    vec![
        as_on_a_group("list administrators", "ok ok ok ok ok ok ok ok gone ok gone"),
        as_on_a_group(
            "make a member administrator",
            "ok rank rank rank rank out out out gone ok gone",
        ),
        as_on_a_group(
            "make a stranger administrator",
            "out rank rank rank rank out out out gone out gone",
        ),
        operation!(
            "take the post of who is not there",
            Changes,
            "ok rank rank rank rank out out out gone ok gone",
            |a, me| {
                let device = Some(&a.device);
                a.world.chat.remove_group_admin(&a.caller, device, &a.group, &user("away")).await
            }
        ),
        as_on_a_group("mute a member", "ok ok rank rank ok out out out gone ok gone"),
        as_on_a_group("mute an administrator", "ok rank rank rank rank out out out gone ok gone"),
        as_on_a_group("mute the owner", "owner owner rank rank owner out out out gone owner gone"),
        as_on_a_group("mute a stranger", "out out rank rank out out out out gone out gone"),
        as_on_a_group("unmute", "ok ok rank rank ok out out out gone ok gone"),
        as_on_a_group("list the muted", "ok ok rank rank ok out out out gone ok gone"),
        as_on_a_group("am I muted", "ok ok ok ok ok out out out gone ok gone"),
        as_on_a_group("mute all", "ok ok rank rank ok out out out gone ok gone"),
        as_on_a_group("block a member", "ok ok rank rank ok out out out gone ok gone"),
        operation!(
            "block an administrator who is not there",
            Changes,
            "ok rank rank rank rank out out out gone ok gone",
            |a, me| block(a, "away").await
        ),
        as_on_a_group("block the owner", "owner owner rank rank owner out out out gone owner gone"),
        as_on_a_group("unblock", "ok ok rank rank ok out out out gone ok gone"),
        as_on_a_group("list the blocked", "ok ok rank rank ok out out out gone ok gone"),
        operation!(
            "put on the allow list",
            Changes,
            "ok ok rank rank ok out out out gone ok gone",
            |a, me| allow(a, "target", true).await
        ),
        as_on_a_group("take off the allow list", "ok ok rank rank ok out out out gone ok gone"),
        as_on_a_group("list the allowed", "ok ok rank rank ok out out out gone ok gone"),
        as_on_a_group("am I allowed", "ok ok ok ok ok out out out gone ok gone"),
    ]
}

fn of_attributes() -> Vec<Operation> {
    vec![
        operation!("read attributes", Reads, "ok ok ok ok ok out out out gone ok gone", |a, me| {
            a.world.chat.room_attributes(&a.caller, &a.group, &[]).await.map(drop)
        }),
        operation!(
            "set an attribute",
            Changes,
            "ok ok ok ok ok out out out gone ok gone",
            |a, me| attributes(a, &me, set("mine"), false).await
        ),
        operation!(
            "set another's attribute",
            Changes,
            // The back end acts for whoever has set it.
            "rank rank rank rank rank out out out gone ok gone",
            |a, me| attributes(a, &me, set("theirs"), false).await
        ),
        operation!(
            "set another's attribute by force",
            Changes,
            "ok ok ok ok ok out out out gone ok gone",
            |a, me| attributes(a, &me, set("theirs"), true).await
        ),
        operation!(
            "set an attribute for another",
            Changes,
            "self self self self self self self self self ok gone",
            |a, me| attributes(a, &user("target"), set("new"), false).await
        ),
        operation!(
            "remove another's attribute",
            Changes,
            "rank rank rank rank rank out out out gone ok gone",
            |a, me| attributes(a, &me, AttributeChange::Remove(vec!["theirs".into()]), false).await
        ),
        operation!(
            "remove another's attribute by force",
            Changes,
            "ok ok ok ok ok out out out gone ok gone",
            |a, me| attributes(a, &me, AttributeChange::Remove(vec!["theirs".into()]), true).await
        ),
    ]
}
