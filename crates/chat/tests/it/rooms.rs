//! Rooms: who is there hears what is said, and nobody else.

use std::time::Duration;

use prost::Message;
use stoa_chat::entry::{Audience, Entry, Event, Kind, Priority};
use stoa_chat::event::{GroupAct, GroupEvent};
use stoa_chat::{Asking, Draft, Error, HistoryQuery, NewRoom, Recall, RoomEntered};
use stoa_core::{AppScope, GroupId, Operator, Target, limits};

use crate::world::{APP, Device, OTHER, World, draft};

/// People of the app with a room that `owner` owns.
async fn world_with_room(names: &[&str]) -> (World, GroupId) {
    let world = World::new();
    world.register(APP, names).await;
    let room = make(&world, names[0], 100).await;
    (world, room)
}

async fn make(world: &World, owner: &str, max_members: u32) -> GroupId {
    let new = NewRoom {
        owner: owner.parse().unwrap(),
        name: "hall".into(),
        description: "where all meet".into(),
        max_members,
        members: Vec::new(),
    };
    world.chat.create_room(&world.back_end(APP).await, None, new).await.unwrap()
}

async fn enter(device: &Device, room: &GroupId) -> Result<RoomEntered, Error> {
    device.chat.join_room(&device.caller, &device.resource, room, "", false).await
}

/// A room that its owner is in, and which amy, ben and cat have just entered one after the other.
async fn room_of_four() -> (World, GroupId, [Device; 4]) {
    let (world, room) = world_with_room(&["owner", "amy", "ben", "cat"]).await;
    let owner = world.log_in(APP, "owner", "web").await;
    owner.unread().await;
    let amy = world.log_in(APP, "amy", "web").await;
    let ben = world.log_in(APP, "ben", "web").await;
    let cat = world.log_in(APP, "cat", "web").await;
    for device in [&amy, &ben, &cat] {
        enter(device, &room).await.unwrap();
    }
    (world, room, [owner, amy, ben, cat])
}

fn say(room: &GroupId, text: &str, id: u64) -> Draft {
    Draft { to: Target::Group(room.clone()), ..draft("unused", text, id) }
}

/// Moves the clock until the rooms' loops have done what they have to do: they are the only tasks, and
/// end then.
pub(crate) async fn settle() {
    let runtime = tokio::runtime::Handle::current().metrics();
    while runtime.num_alive_tasks() > 0 {
        tokio::time::advance(Duration::from_millis(10)).await;
    }
}

/// What a device has heard, in words.
async fn heard(device: &Device) -> Vec<String> {
    settle().await;
    device.pushed_entries().iter().map(|entry| words(entry)).collect()
}

fn words(entry: &Entry) -> String {
    if entry.kind != Kind::GroupEvent {
        return format!("{}: {}", entry.from.as_str(), String::from_utf8_lossy(&entry.body));
    }
    let event = GroupEvent::decode(&*entry.body).unwrap();
    assert!(event.is_room || entry.to.user().is_some());
    let act = GroupAct::try_from(event.act).unwrap();
    let mut words = format!("{act:?} {}", event.users.join(","));
    if let Some(members) = event.members {
        words += &format!(" of {members}");
    }
    if let Some(ext) = event.ext {
        words += &format!(" saying {ext}");
    }
    words
}

#[tokio::test(start_paused = true)]
async fn who_is_there_hears_what_is_said_and_the_sending_device_does_not() {
    let (world, room) = world_with_room(&["owner", "amy", "ben", "eve"]).await;
    let owner = world.log_in(APP, "owner", "web").await;
    let phone = world.log_in(APP, "amy", "phone").await;
    let web = world.log_in(APP, "amy", "web").await;
    let ben = world.log_in(APP, "ben", "web").await;
    let eve = world.log_in(APP, "eve", "web").await;
    // Who was made a member is there as soon as it is online.
    assert!(owner.unread().await.is_empty());
    let entered = enter(&phone, &room).await.unwrap();
    assert_eq!((entered.members, entered.allowed, entered.muted_until_ms), (2, false, None));
    assert_eq!(enter(&ben, &room).await.unwrap().members, 3);
    assert_eq!(enter(&ben, &room).await.unwrap().members, 3, "again is no error");
    assert_eq!(heard(&owner).await, ["Joined amy of 2", "Joined ben of 3"]);
    assert!(heard(&ben).await.is_empty(), "of itself nobody is told");
    assert_eq!(heard(&web).await, ["Joined ben of 3"], "all devices are there");

    phone.send_draft(say(&room, "hello", 7)).await.unwrap();
    assert_eq!(heard(&owner).await, ["amy: hello"]);
    assert_eq!(heard(&web).await, ["amy: hello"]);
    assert_eq!(heard(&ben).await, ["amy: hello"]);
    phone.pushed_entries();
    assert!(heard(&phone).await.is_empty());
    assert!(heard(&eve).await.is_empty());
    // It is in nobody's queues.
    assert!(ben.unread().await.is_empty() && eve.unread().await.is_empty());
    let refused = eve.send_draft(say(&room, "let me in", 8)).await;
    assert!(matches!(refused, Err(Error::NotInGroup)));

    world.chat.leave_room(&ben.caller, &room).await.unwrap();
    assert_eq!(heard(&owner).await, ["Left ben of 2"]);
    phone.send_draft(say(&room, "bye", 9)).await.unwrap();
    assert!(heard(&ben).await.is_empty());
    let left = world.chat.leave_room(&ben.caller, &room).await;
    assert!(matches!(left, Err(Error::NotInGroup)));
    let nowhere = GroupId::parse(stoa_core::MucKind::Room, "123").unwrap();
    assert!(matches!(enter(&ben, &nowhere).await, Err(Error::UnknownRoom)));
    // The room's number is no group's.
    let group = room.with_kind(stoa_core::MucKind::Group);
    let draft = Draft { to: Target::Group(group), ..say(&room, "hello", 10) };
    assert!(matches!(phone.send_draft(draft).await, Err(Error::UnknownGroup)));
}

#[tokio::test(start_paused = true)]
async fn another_app_has_no_such_room() {
    let (world, room) = world_with_room(&["owner"]).await;
    world.register(OTHER, &["owner"]).await;
    let other = world.log_in(OTHER, "owner", "web").await;
    assert!(matches!(enter(&other, &room).await, Err(Error::UnknownRoom)));
    let refused = other.send_draft(say(&room, "hello", 1)).await;
    assert!(matches!(refused, Err(Error::UnknownRoom)));
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_is_given_what_was_said_last_also_after_a_restart() {
    let (mut world, room) = world_with_room(&["owner", "amy", "ben", "cat"]).await;
    {
        let owner = world.log_in(APP, "owner", "web").await;
        assert!(owner.unread().await.is_empty());
        for n in 0..limits::ROOM_HISTORY + 5 {
            owner.send_draft(say(&room, &n.to_string(), u64::from(n) + 1)).await.unwrap();
        }
        let amy = world.log_in(APP, "amy", "web").await;
        enter(&amy, &room).await.unwrap();
        let last: Vec<_> = (5..15).map(|n| format!("owner: {n}")).collect();
        assert_eq!(heard(&amy).await, last);
        owner.send_draft(say(&room, "later", 90)).await.unwrap();
        assert_eq!(heard(&amy).await, ["owner: later"]);
        // For some alone: others do not find it among what was said.
        let to_amy = Draft { only_users: vec!["amy".parse().unwrap()], ..say(&room, "psst", 91) };
        owner.send_draft(to_amy).await.unwrap();
        assert_eq!(heard(&amy).await, ["owner: psst"]);
    }
    world.restarted();
    let ben = world.log_in(APP, "ben", "web").await;
    enter(&ben, &room).await.unwrap();
    let before = heard(&ben).await;
    assert_eq!(before.len(), 9, "{before:?}");
    assert_eq!(before[8], "owner: later");
    ben.send_draft(say(&room, "of my own", 5)).await.unwrap();
    let cat = world.log_in(APP, "cat", "web").await;
    enter(&cat, &room).await.unwrap();
    let before = heard(&cat).await;
    assert_eq!(before.last().unwrap(), "ben: of my own");
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_back_is_told_and_is_not_given_to_whoever_comes() {
    let (world, room) = world_with_room(&["owner", "amy", "ben"]).await;
    let amy = world.log_in(APP, "amy", "web").await;
    let owner = world.log_in(APP, "owner", "web").await;
    owner.unread().await;
    enter(&amy, &room).await.unwrap();
    let first = amy.send_draft(say(&room, "a slip", 1)).await.unwrap();
    amy.send_draft(say(&room, "better", 2)).await.unwrap();
    heard(&owner).await;
    // The SDK does not say that it is a room.
    let to = Target::Group(room.with_kind(stoa_core::MucKind::Group));
    let recall = Recall {
        to,
        message: first.id,
        body: bytes::Bytes::from_static(b"taken back"),
        ext: bytes::Bytes::new(),
        client_id: 3,
    };
    world.chat.recall(&amy.caller, &amy.resource, recall).await.unwrap();
    assert_eq!(heard(&owner).await, ["amy: taken back"]);
    let ben = world.log_in(APP, "ben", "web").await;
    enter(&ben, &room).await.unwrap();
    assert_eq!(heard(&ben).await, ["amy: better"]);
    let query = HistoryQuery::newest(Target::Group(room.with_kind(stoa_core::MucKind::Group)), 10);
    let page = world.chat.history(&ben.caller, &query).await.unwrap();
    assert_eq!(page.entries.iter().map(|entry| words(entry)).collect::<Vec<_>>(), ["amy: better"]);
    world.chat.leave_room(&ben.caller, &room).await.unwrap();
    let outside = world.chat.history(&ben.caller, &query).await;
    assert!(matches!(outside, Err(Error::NotInGroup)));
}

#[tokio::test(start_paused = true)]
async fn a_member_without_a_session_leaves_after_two_minutes_unless_it_may_stay() {
    let (world, room) = world_with_room(&["owner", "amy", "ben", "vip"]).await;
    let ben = world.log_in(APP, "ben", "web").await;
    enter(&ben, &room).await.unwrap();
    for name in ["amy", "vip"] {
        let device = world.log_in(APP, name, "web").await;
        enter(&device, &room).await.unwrap();
    }
    let back_end = world.back_end(APP).await;
    let vip = vec!["vip".parse().unwrap()];
    world.chat.allow_in_group(&back_end, None, &room, vip, true).await.unwrap();
    heard(&ben).await;
    world.clock.advance(limits::ROOM_ABSENCE - Duration::from_secs(1));
    assert_eq!(world.chat.leave_absent().await, 0);
    {
        // Back in time: heard again without coming in again.
        let amy = world.log_in(APP, "amy", "web").await;
        amy.unread().await;
        ben.send_draft(say(&room, "still here?", 1)).await.unwrap();
        assert_eq!(heard(&amy).await, ["ben: still here?"]);
    }
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.chat.leave_absent().await, 0, "the time began anew");
    world.clock.advance(limits::ROOM_ABSENCE);
    assert_eq!(world.chat.leave_absent().await, 1);
    assert_eq!(heard(&ben).await, ["Left amy of 3"], "owner and allow list stay");
    assert_eq!(world.chat.leave_absent().await, 0);
    let amy = world.log_in(APP, "amy", "web").await;
    amy.unread().await;
    ben.send_draft(say(&room, "gone", 2)).await.unwrap();
    assert!(heard(&amy).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_is_back_only_for_a_moment_leaves_later_all_the_same() {
    let (world, room) = world_with_room(&["owner", "amy"]).await;
    {
        let amy = world.log_in(APP, "amy", "web").await;
        enter(&amy, &room).await.unwrap();
        settle().await;
    }
    world.clock.advance(limits::ROOM_ABSENCE);
    {
        // Logged in, and gone again before it asked what is waiting.
        let _amy = world.log_in(APP, "amy", "web").await;
        assert_eq!(world.chat.leave_absent().await, 0);
    }
    world.clock.advance(limits::ROOM_ABSENCE);
    assert_eq!(world.chat.leave_absent().await, 1);
}

#[tokio::test(start_paused = true)]
async fn who_comes_again_misses_nothing_of_what_was_just_said() {
    let (world, room) = world_with_room(&["owner", "amy"]).await;
    let owner = world.log_in(APP, "owner", "web").await;
    let amy = world.log_in(APP, "amy", "web").await;
    enter(&amy, &room).await.unwrap();
    heard(&amy).await;
    // More than who comes is told anew, and all of it in one line.
    let all = (0..40).map(|n| format!("{n}")).collect::<Vec<_>>();
    for (text, id) in all.iter().zip(1..) {
        world
            .chat
            .send(&owner.caller, &owner.resource, say(&room, text, id), Box::new(|_| {}))
            .await;
    }
    enter(&amy, &room).await.unwrap();
    let heard = heard(&amy).await;
    for text in all {
        assert!(heard.contains(&format!("owner: {text}")), "{text} of {heard:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_session_asked_for_that_is_over_does_not_come_to_the_next_one_of_its_device() {
    let (world, room) = world_with_room(&["owner", "amy"]).await;
    let owner = world.log_in(APP, "owner", "web").await;
    owner.unread().await;
    let before = world.log_in(APP, "amy", "web").await;
    enter(&before, &room).await.unwrap();
    owner.send_draft(say(&room, "hello", 1)).await.unwrap();
    assert_eq!(heard(&before).await, ["owner: hello"]);
    // Its page asks once more, and is loaded anew before that is durable.
    let asking = Asking::Session(before.attachment.number());
    let caller = before.caller.clone();
    drop(before);
    let after = world.log_in(APP, "amy", "web").await;
    after.unread().await;
    let entered = world.chat.join_room(&caller, asking, &room, "", false).await;
    assert_eq!(entered.unwrap().members, 2);
    assert!(heard(&after).await.is_empty());
    owner.send_draft(say(&room, "later", 2)).await.unwrap();
    assert_eq!(heard(&after).await, ["owner: later"]);
    // A call beside the session names a device, and is for the session that this has.
    enter(&after, &room).await.unwrap();
    assert_eq!(heard(&after).await, ["owner: hello", "owner: later"]);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_members_have_two_minutes_to_come_back() {
    let (mut world, room) = world_with_room(&["owner", "amy", "ben"]).await;
    {
        let amy = world.log_in(APP, "amy", "web").await;
        let ben = world.log_in(APP, "ben", "web").await;
        enter(&amy, &room).await.unwrap();
        enter(&ben, &room).await.unwrap();
        settle().await;
    }
    world.restarted();
    let operator = Operator::of_this_process();
    let app = world.caller(APP, None).await.app().clone();
    assert_eq!(world.chat.expect_absent(&operator.in_app(app)).await.unwrap(), 2);
    let amy = world.log_in(APP, "amy", "web").await;
    amy.unread().await;
    world.clock.advance(limits::ROOM_ABSENCE);
    assert_eq!(world.chat.leave_absent().await, 1);
    assert_eq!(heard(&amy).await, ["Left ben of 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_standing_outlasts_a_visit() {
    let (world, room) = world_with_room(&["owner", "amy", "ben"]).await;
    let amy = world.log_in(APP, "amy", "web").await;
    let ben = world.log_in(APP, "ben", "web").await;
    enter(&amy, &room).await.unwrap();
    enter(&ben, &room).await.unwrap();
    let owner = world.log_in(APP, "owner", "web").await;
    let (amy_id, ben_id) = ("amy".parse().unwrap(), vec!["ben".parse().unwrap()]);
    world.chat.add_group_admin(&owner.caller, None, &room, &amy_id).await.unwrap();
    world.chat.mute_in_group(&amy.caller, None, &room, ben_id.clone(), None).await.unwrap();
    assert!(matches!(ben.send_draft(say(&room, "hm", 1)).await, Err(Error::Muted)));
    for device in [&amy, &ben] {
        world.chat.leave_room(&device.caller, &room).await.unwrap();
    }
    let entered = enter(&ben, &room).await.unwrap();
    assert_eq!((entered.members, entered.muted_until_ms), (2, Some(-1)));
    assert!(matches!(ben.send_draft(say(&room, "hm", 2)).await, Err(Error::Muted)));
    // An administrator who is not there still is one.
    world.chat.unmute_in_group(&amy.caller, None, &room, ben_id).await.unwrap();
    ben.send_draft(say(&room, "thanks", 3)).await.unwrap();
    // Who is removed is none any more.
    enter(&amy, &room).await.unwrap();
    let users = vec!["amy".parse().unwrap()];
    world.chat.remove_members(&owner.caller, None, &room, users).await.unwrap();
    let admins = world.chat.group_admins(&owner.caller, &room).await.unwrap();
    assert!(admins.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_leaves_the_others_is_in_one_room_alone() {
    let (world, room) = world_with_room(&["owner", "amy"]).await;
    let (second, third) = (make(&world, "owner", 10).await, make(&world, "owner", 10).await);
    let amy = world.log_in(APP, "amy", "web").await;
    enter(&amy, &room).await.unwrap();
    enter(&amy, &second).await.unwrap();
    let owner = world.log_in(APP, "owner", "web").await;
    owner.unread().await;
    heard(&owner).await;
    let chat = &world.chat;
    chat.join_room(&amy.caller, &amy.resource, &third, "with a bow", true).await.unwrap();
    let mut told = heard(&owner).await;
    told.sort();
    assert_eq!(told, ["Joined amy of 2 saying with a bow", "Left amy of 1", "Left amy of 1"]);
    owner.send_draft(say(&room, "anybody?", 1)).await.unwrap();
    owner.send_draft(say(&third, "welcome", 2)).await.unwrap();
    assert_eq!(heard(&amy).await, ["owner: welcome"]);
}

#[tokio::test(start_paused = true)]
async fn kicked_blocked_and_dismissed_are_told_to_whom_it_concerns() {
    let (world, room, [owner, amy, ben, cat]) = room_of_four().await;
    for device in [&owner, &amy, &ben, &cat] {
        heard(device).await;
    }
    let users = vec!["amy".parse().unwrap()];
    world.chat.remove_members(&owner.caller, Some(&owner.resource), &room, users).await.unwrap();
    assert_eq!(heard(&amy).await, ["Removed amy"]);
    assert_eq!(heard(&cat).await, ["Left amy of 3"]);
    assert_eq!(heard(&ben).await, ["Left amy of 3"]);
    let users = vec!["ben".parse().unwrap()];
    world.chat.block_in_group(&owner.caller, Some(&owner.resource), &room, users).await.unwrap();
    assert_eq!(heard(&ben).await, ["Removed ben"]);
    assert!(matches!(enter(&ben, &room).await, Err(Error::BlockedByGroup)));
    heard(&cat).await;
    world.chat.dismiss_group(&owner.caller, Some(&owner.resource), &room).await.unwrap();
    assert_eq!(heard(&cat).await, ["Dismissed "]);
    assert!(matches!(enter(&cat, &room).await, Err(Error::UnknownRoom)));
    assert!(matches!(cat.send_draft(say(&room, "?", 1)).await, Err(Error::UnknownRoom)));
}

#[tokio::test(start_paused = true)]
async fn a_full_room_lets_nobody_in() {
    let world = World::new();
    world.register(APP, &["owner", "amy", "ben"]).await;
    let room = make(&world, "owner", 2).await;
    let amy = world.log_in(APP, "amy", "web").await;
    let ben = world.log_in(APP, "ben", "web").await;
    enter(&amy, &room).await.unwrap();
    assert!(matches!(enter(&ben, &room).await, Err(Error::GroupFull)));
    world.chat.leave_room(&amy.caller, &room).await.unwrap();
    enter(&ben, &room).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_deleted_user_is_in_no_room_and_its_rooms_are_gone() {
    let (world, room) = world_with_room(&["owner", "amy", "ben"]).await;
    let mine = make(&world, "amy", 10).await;
    let ben = world.log_in(APP, "ben", "web").await;
    enter(&ben, &room).await.unwrap();
    enter(&ben, &mine).await.unwrap();
    {
        let amy = world.log_in(APP, "amy", "web").await;
        amy.unread().await;
        enter(&amy, &room).await.unwrap();
    }
    heard(&ben).await;
    world.chat.delete_user(&world.back_end(APP).await, &"amy".parse().unwrap()).await.unwrap();
    let mut told = heard(&ben).await;
    told.sort();
    assert_eq!(told, ["Dismissed ", "Left amy of 2"]);
    assert!(matches!(enter(&ben, &mine).await, Err(Error::UnknownRoom)));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_not_kept_is_heard_and_not_found_later() {
    let (world, room) = world_with_room(&["owner", "amy", "ben"]).await;
    let amy = world.log_in(APP, "amy", "web").await;
    let owner = world.log_in(APP, "owner", "web").await;
    owner.unread().await;
    enter(&amy, &room).await.unwrap();
    heard(&owner).await;
    let passing = Draft { online_only: true, ..say(&room, "now or never", 1) };
    amy.send_draft(passing).await.unwrap();
    assert_eq!(heard(&owner).await, ["amy: now or never"]);
    let ben = world.log_in(APP, "ben", "web").await;
    enter(&ben, &room).await.unwrap();
    assert!(heard(&ben).await.is_empty());
}

/// 5,000 come and go at once; what is told of it stays far below one event for each and everybody.
#[tokio::test(start_paused = true)]
async fn a_storm_of_coming_and_going_is_told_in_few_events() {
    const MANY: usize = 5_000;
    let world = World::new();
    world.register(APP, &["owner"]).await;
    let names: Vec<String> = (0..MANY).map(|n| format!("user-{n}")).collect();
    for names in names.chunks(limits::REGISTER_BATCH) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        world.register(APP, &names).await;
    }
    let room = make(&world, "owner", 10_000).await;
    let owner = world.log_in(APP, "owner", "web").await;
    owner.unread().await;
    let mut devices = Vec::with_capacity(MANY);
    for name in &names {
        devices.push(world.log_in(APP, name, "web").await);
    }
    for device in &devices {
        enter(device, &room).await.unwrap();
    }
    settle().await;
    let (mut events, mut came) = (0, 0);
    for entry in owner.pushed_entries() {
        let event = GroupEvent::decode(&*entry.body).unwrap();
        assert_eq!(event.act, GroupAct::Joined as i32);
        came += event.users.len();
        events += 1;
    }
    assert_eq!(came, MANY, "each is told of once");
    println!("{MANY} came: {events} events");
    owner.send_draft(say(&room, "all here?", 1)).await.unwrap();
    settle().await;
    for device in &devices {
        let heard = device.inbox.take();
        let texts = heard.iter().map(|event| match &**event {
            Event::Room(page) => page.entries.iter().filter(|e| e.kind == Kind::Text).count(),
            _ => 0,
        });
        assert_eq!(texts.sum::<usize>(), 1);
    }
    for device in &devices {
        world.chat.leave_room(&device.caller, &room).await.unwrap();
    }
    settle().await;
    let went = owner.pushed_entries();
    let gone: usize =
        went.iter().map(|entry| GroupEvent::decode(&*entry.body).unwrap().users.len()).sum();
    assert_eq!(gone, MANY);
    let last = GroupEvent::decode(&*went.last().unwrap().body).unwrap();
    assert_eq!(last.members, Some(1));
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_hears_of_those_who_come_later_and_of_no_others() {
    let (_world, _, [owner, amy, ben, cat]) = room_of_four().await;
    // The first is told of at once, the others together.
    assert_eq!(heard(&owner).await, ["Joined amy of 2", "Joined ben,cat of 4"]);
    assert_eq!(heard(&amy).await, ["Joined ben,cat of 4"]);
    assert_eq!(heard(&ben).await, ["Joined cat of 4"]);
    assert!(heard(&cat).await.is_empty());
}

/// Who comes and goes before others are told of it was not seen.
#[tokio::test(start_paused = true)]
async fn a_short_visit_is_not_told() {
    let (world, room) = world_with_room(&["owner", "amy", "ben"]).await;
    let owner = world.log_in(APP, "owner", "web").await;
    owner.unread().await;
    let amy = world.log_in(APP, "amy", "web").await;
    let ben = world.log_in(APP, "ben", "web").await;
    enter(&amy, &room).await.unwrap();
    tokio::task::yield_now().await;
    enter(&ben, &room).await.unwrap();
    world.chat.leave_room(&ben.caller, &room).await.unwrap();
    let told = heard(&owner).await;
    assert_eq!(told.first().map(String::as_str), Some("Joined amy of 2"), "{told:?}");
    assert!(told.len() == 1 || told.last().unwrap().starts_with("Left ben"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn priorities_are_passed_on() {
    let (world, room) = world_with_room(&["owner", "amy"]).await;
    let owner = world.log_in(APP, "owner", "web").await;
    owner.unread().await;
    let amy = world.log_in(APP, "amy", "web").await;
    enter(&amy, &room).await.unwrap();
    heard(&owner).await;
    let urgent = Draft { priority: Priority::High, ..say(&room, "fire", 1) };
    amy.send_draft(urgent).await.unwrap();
    settle().await;
    let events = owner.inbox.take();
    let Event::Room(page) = &**events.last().unwrap() else { panic!("a page") };
    assert_eq!(page.priority, Priority::High);
    assert_eq!(page.entries[0].audience, Audience::All);
}
