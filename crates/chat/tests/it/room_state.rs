//! What is kept of chat rooms: attributes, standings of those who are not there, lists, and who may
//! make them.

use stoa_chat::{AttributeChange, Attributes, Error, GroupChange, NewRoom};
use stoa_core::{Caller, GroupId, UserId, limits};

use crate::world::{APP, FRIENDS, World};

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

fn room_of(owner: &str, members: &[&str]) -> NewRoom {
    NewRoom {
        owner: user(owner),
        name: "lounge".into(),
        description: String::new(),
        max_members: 20,
        members: members.iter().map(|name| user(name)).collect(),
    }
}

const NAMES: &[&str] = &["owner", "amy", "bob", "carl"];

/// A world with a room in which all are.
async fn founded() -> (World, Caller, GroupId) {
    let world = World::new();
    world.register(APP, NAMES).await;
    let back_end = world.back_end(APP).await;
    let room = world.chat.create_room(&back_end, None, room_of("owner", &NAMES[1..])).await;
    let room = room.unwrap();
    (world, back_end, room)
}

async fn come(world: &World, name: &str, room: &GroupId) {
    let caller = world.caller(APP, Some(name)).await;
    world.chat.join_room(&caller, &"web".parse().unwrap(), room, "", false).await.unwrap();
}

async fn leave(world: &World, name: &str, room: &GroupId) {
    let caller = world.caller(APP, Some(name)).await;
    world.chat.leave_room(&caller, room).await.unwrap();
}

/// Sets `keys` for `name`, to the name.
async fn set(world: &World, room: &GroupId, name: &str, keys: &[&str], auto_delete: bool) {
    let caller = world.caller(APP, Some(name)).await;
    let values: Attributes = keys.iter().map(|key| ((*key).into(), name.to_owned())).collect();
    let change = AttributeChange::Set { values, auto_delete };
    let chat = &world.chat;
    let outcome =
        chat.change_room_attributes(&caller, None, room, &user(name), change, false).await;
    assert!(outcome.unwrap().refused.is_empty());
}

async fn keys(world: &World, room: &GroupId) -> String {
    let back_end = world.back_end(APP).await;
    let found = world.chat.room_attributes(&back_end, room, &[]).await.unwrap();
    found.into_keys().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn attributes_go_with_who_set_them_where_that_was_asked_for() {
    let (mut world, back_end, room) = founded().await;
    set(&world, &room, "amy", &["mic", "seat"], true).await;
    set(&world, &room, "amy", &["score"], false).await;
    set(&world, &room, "bob", &["hat"], true).await;
    assert_eq!(keys(&world, &room).await, "hat mic score seat");
    // A key that was set anew goes, or stays, as it was asked for the last time.
    set(&world, &room, "amy", &["seat"], false).await;
    world.restarted();
    leave(&world, "amy", &room).await;
    assert_eq!(keys(&world, &room).await, "hat score seat");
    let removed = world.chat.remove_members(&back_end, None, &room, vec![user("bob")]).await;
    assert!(removed.unwrap()[0].1.is_ok());
    assert_eq!(keys(&world, &room).await, "score seat");
    // Another key is free again.
    set(&world, &room, "carl", &["mic"], true).await;
    world.chat.delete_user(&back_end, &user("carl")).await.unwrap();
    assert_eq!(keys(&world, &room).await, "score seat");
}

#[tokio::test]
async fn nothing_is_left_of_a_room_that_is_dismissed() {
    let world = World::new();
    world.register(APP, NAMES).await;
    let back_end = world.back_end(APP).await;
    let new = || room_of("owner", &NAMES[1..]);
    // What every room leaves: its id stays taken.
    let mut rows = Vec::new();
    for with_attributes in [false, true] {
        let room = world.chat.create_room(&back_end, None, new()).await.unwrap();
        if with_attributes {
            set(&world, &room, "amy", &["mic", "seat"], true).await;
            set(&world, &room, "bob", &["score"], false).await;
            world
                .chat
                .mute_in_group(&back_end, None, &room, vec![user("amy")], None)
                .await
                .unwrap();
            leave(&world, "amy", &room).await;
        }
        world.chat.dismiss_group(&back_end, None, &room).await.unwrap();
        rows.push(world.everything().await.len());
        for name in NAMES {
            let rooms = world.chat.rooms_joined(&back_end, &user(name), 0, 10).await.unwrap();
            assert!(rooms.is_empty());
        }
    }
    assert_eq!(rows[1] - rows[0], 1);
}

#[tokio::test]
async fn a_standing_outlasts_a_visit_until_it_is_ended() {
    let (mut world, back_end, room) = founded().await;
    let chat = world.chat.clone();
    chat.add_group_admin(&back_end, None, &room, &user("amy")).await.unwrap();
    chat.mute_in_group(&back_end, None, &room, vec![user("bob")], None).await.unwrap();
    let allowed = vec![user("carl")];
    chat.allow_in_group(&back_end, None, &room, allowed.clone(), true).await.unwrap();
    for name in &NAMES[1..] {
        leave(&world, name, &room).await;
    }
    world.restarted();
    let chat = world.chat.clone();
    assert_eq!(chat.group_members(&back_end, &room, 0, 9).await.unwrap().len(), 1);
    assert_eq!(chat.group_admins(&back_end, &room).await.unwrap(), [user("amy")]);
    assert_eq!(chat.group_managers(&back_end, &room).await.unwrap().len(), 2);
    assert_eq!(chat.muted_in_group(&back_end, &room).await.unwrap()[0].user, user("bob"));
    assert_eq!(chat.allowed_in_group(&back_end, &room).await.unwrap(), allowed);
    assert!(!chat.is_in_group(&back_end, &room, &user("amy")).await.unwrap());
    // From outside an administrator still manages.
    let amy = world.caller(APP, Some("amy")).await;
    chat.unmute_in_group(&amy, None, &room, vec![user("bob")]).await.unwrap();
    chat.allow_in_group(&amy, None, &room, allowed.clone(), false).await.unwrap();
    chat.remove_group_admin(&back_end, None, &room, &user("amy")).await.unwrap();
    let refused = chat.unmute_in_group(&amy, None, &room, vec![user("bob")]).await;
    assert!(matches!(refused, Err(Error::NotInGroup)));
    // Who is nothing there any more is not known there.
    for name in &NAMES[1..] {
        let again = chat.mute_in_group(&back_end, None, &room, vec![user(name)], None).await;
        assert!(matches!(again, Err(Error::NotInGroup)), "{name}");
        come(&world, name, &room).await;
    }
    assert!(chat.group_admins(&back_end, &room).await.unwrap().is_empty());
    assert!(chat.muted_in_group(&back_end, &room).await.unwrap().is_empty());
    assert!(chat.allowed_in_group(&back_end, &room).await.unwrap().is_empty());
}

#[tokio::test]
async fn who_is_blocked_while_away_is_out_for_good() {
    let (world, back_end, room) = founded().await;
    let chat = &world.chat;
    chat.add_group_admin(&back_end, None, &room, &user("amy")).await.unwrap();
    leave(&world, "amy", &room).await;
    let blocked = chat.block_in_group(&back_end, None, &room, vec![user("amy")]).await.unwrap();
    assert!(blocked[0].1.is_ok());
    let amy = world.caller(APP, Some("amy")).await;
    let refused = chat.join_room(&amy, &"web".parse().unwrap(), &room, "", false).await;
    assert!(matches!(refused, Err(Error::BlockedByGroup)));
    assert!(chat.group_admins(&back_end, &room).await.unwrap().is_empty());
    chat.unblock_in_group(&back_end, None, &room, vec![user("amy")]).await.unwrap();
    come(&world, "amy", &room).await;
    assert!(chat.group_admins(&back_end, &room).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_room_has_as_many_members_as_it_may() {
    let (world, back_end, room) = founded().await;
    let chat = &world.chat;
    let change = |max_members| GroupChange { max_members, ..GroupChange::default() };
    let fewer = chat.change_group(&back_end, None, &room, change(Some(3))).await;
    assert!(matches!(fewer, Err(Error::NotPossible(_))));
    leave(&world, "amy", &room).await;
    chat.change_group(&back_end, None, &room, change(Some(3))).await.unwrap();
    let full = chat.add_members(&back_end, None, &room, vec![user("amy")]).await;
    assert!(matches!(full, Err(Error::GroupFull)));
}

#[tokio::test]
async fn plans_bound_rooms() {
    let world = World::new();
    world.register(FRIENDS, &["owner"]).await;
    let back_end = world.back_end(FRIENDS).await;
    let chat = &world.chat;
    let plan = world.app(FRIENDS).chat.plan;
    let large = NewRoom { max_members: plan.room_members + 1, ..room_of("owner", &[]) };
    let refused = chat.create_room(&back_end, None, large).await;
    assert!(matches!(refused, Err(Error::LimitReached(_))));
    for _ in 0..plan.rooms {
        chat.create_room(&back_end, None, room_of("owner", &[])).await.unwrap();
    }
    let refused = chat.create_room(&back_end, None, room_of("owner", &[])).await;
    assert!(matches!(refused, Err(Error::NotPossible(_))));
    // The owner is in all of them, and others may be in as many.
    let joined = chat.rooms_joined(&back_end, &user("owner"), 0, limits::ROOM_PAGE).await.unwrap();
    assert_eq!(joined.len(), plan.rooms_joined as usize);
}

#[tokio::test]
async fn the_list_of_rooms_goes_on_where_it_ended() {
    let world = World::new();
    world.register(APP, &["owner"]).await;
    let back_end = world.back_end(APP).await;
    for number in 0..7 {
        let new = NewRoom { name: number.to_string(), ..room_of("owner", &[]) };
        world.chat.create_room(&back_end, None, new).await.unwrap();
        world.clock.advance(std::time::Duration::from_secs(1));
    }
    let (mut names, mut cursor) = (Vec::new(), None);
    loop {
        let page = world.chat.rooms(&back_end, 0, 3, cursor.as_deref()).await.unwrap();
        names.extend(page.groups.into_iter().map(|room| room.info.name));
        let Some(next) = page.cursor else { break };
        cursor = Some(next);
    }
    assert_eq!(names.join(" "), "6 5 4 3 2 1 0");
    let page = world.chat.rooms(&back_end, 5, 3, None).await.unwrap();
    let names: Vec<_> = page.groups.iter().map(|room| &*room.info.name).collect();
    assert_eq!((names, page.cursor), (vec!["1", "0"], None));
    // A cursor of the list of groups is none of this one, and the other way round.
    assert!(world.chat.all_groups(&back_end, 10, None).await.unwrap().groups.is_empty());
}

#[tokio::test]
async fn the_right_to_make_rooms_ends_with_its_user() {
    let world = World::new();
    world.register(APP, &["amy", "bob", "carl"]).await;
    let back_end = world.back_end(APP).await;
    let chat = &world.chat;
    for name in ["amy", "bob", "carl", "amy"] {
        chat.add_super_admin(&back_end, &user(name)).await.unwrap();
    }
    let mut all = chat.super_admins(&back_end, 0, 2).await.unwrap();
    all.extend(chat.super_admins(&back_end, 2, 2).await.unwrap());
    all.sort();
    assert_eq!(all, [user("amy"), user("bob"), user("carl")]);
    let amy = world.caller(APP, Some("amy")).await;
    chat.create_room(&amy, None, room_of("amy", &[])).await.unwrap();
    chat.delete_user(&back_end, &user("amy")).await.unwrap();
    world.register(APP, &["amy"]).await;
    world.clock.advance(std::time::Duration::from_secs(1));
    let amy = world.caller(APP, Some("amy")).await;
    let refused = chat.create_room(&amy, None, room_of("amy", &[])).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.refusal(), stoa_core::Refusal::Forbidden);
    assert!(refused.to_string().contains("only super administrators"), "{refused}");
    assert_eq!(chat.super_admins(&back_end, 0, 9).await.unwrap().len(), 2);
    let unknown = chat.add_super_admin(&back_end, &user("nobody")).await;
    assert!(matches!(unknown, Err(Error::UnknownUser)));
}
