//! Rights, devices, screens, and the gallery.

use serde_json::{Value, json};
use stoa_classroom::Refusal;
use stoa_classroom::room::{AWAITED, StreamChange, Turn};
use stoa_classroom::tree::Edit;
use stoa_core::{ClassRole, RoomType, UserUuid};

use crate::world::{World, by, name, refusal};

async fn stream(world: &World, user: &str) -> u32 {
    world.user(user).await.stream_uuid()
}

fn rights(on: bool) -> StreamChange {
    StreamChange { video: Some(on), audio: Some(on), ..StreamChange::default() }
}

fn devices(state: i8) -> StreamChange {
    StreamChange { video_source: Some(state), ..StreamChange::default() }
}

#[tokio::test]
async fn c140_c141_rights_are_the_teachers_and_devices_are_ones_own() {
    let (world, teacher) = World::class(RoomType::OneToOne, &["bob"]).await;
    teacher.forget();
    let bob = stream(&world, "bob").await;
    let change = |change| move |turn: &mut Turn<'_>| turn.change_stream(&name("bob"), bob, change);
    world.teach(change(rights(false))).await.unwrap();
    let frame = teacher.frames()[0].clone();
    assert_eq!((&frame["cmd"], &frame["data"]["action"]), (&json!(40), &json!(2)));
    assert_eq!(frame["operator"]["userUuid"], "ann");
    assert_eq!(frame["data"]["videoState"], 0);
    let own = world.learn("bob", change(rights(true))).await;
    assert_eq!(refusal(own), Some(Refusal::NotAllowed));
    world.learn("bob", change(devices(1))).await.unwrap();
    assert_eq!(refusal(world.teach(change(devices(0))).await), Some(Refusal::NotAllowed));
    assert!(matches!(
        refusal(world.learn("bob", change(devices(3))).await),
        Some(Refusal::Argument(_))
    ));
    let stranger = world.act("room", by("zoe", ClassRole::Student), change(devices(0))).await;
    assert_eq!(refusal(stranger), Some(Refusal::NotAllowed));
}

#[tokio::test]
async fn c140_who_is_not_on_the_stage_is_shown_while_it_may_publish() {
    let (world, teacher) = World::class(RoomType::Small, &["bob"]).await;
    teacher.forget();
    let bob = stream(&world, "bob").await;
    let change = |change| move |turn: &mut Turn<'_>| turn.change_stream(&name("bob"), bob, change);
    for on in [true, false] {
        world.teach(change(rights(on))).await.unwrap();
    }
    world.learn("bob", change(devices(1))).await.unwrap();
    let actions: Vec<_> =
        teacher.of(40).iter().map(|frame| frame["data"]["action"].clone()).collect();
    assert_eq!(actions, [1, 3]);
}

#[tokio::test]
async fn c142_a_stream_is_removed_and_comes_back_on_the_stage() {
    let (world, teacher) = World::class(RoomType::Small, &["bob"]).await;
    world.teach(|turn| turn.accept_stage(Some(&name("bob")))).await.unwrap();
    let bob = stream(&world, "bob").await;
    world.learn("bob", move |turn| turn.remove_stream(&name("bob"), bob)).await.unwrap();
    assert_eq!(teacher.frames().last().unwrap()["data"]["action"], 3);
    world.teach(|turn| turn.leave_stage(Some(&name("bob")))).await.unwrap();
    world.teach(|turn| turn.accept_stage(Some(&name("bob")))).await.unwrap();
    assert_ne!(stream(&world, "bob").await, 0);
}

#[tokio::test]
async fn c143_everybody_is_muted_in_one_frame() {
    let (world, teacher) = World::class(RoomType::Cloud, &["bob", "cid"]).await;
    teacher.forget();
    let mut list = Vec::new();
    for user in ["bob", "cid"] {
        let mute = StreamChange { audio: Some(false), ..StreamChange::default() };
        list.push((name(user), stream(&world, user).await, mute));
    }
    let all = list.clone();
    world.teach(move |turn| turn.change_streams(&all, &json!({"a": 1}))).await.unwrap();
    let frames = teacher.frames();
    assert_eq!((frames.len(), &frames[0]["cmd"]), (1, &json!(41)));
    assert_eq!(frames[0]["data"]["cause"], json!({"a": 1}));
    let streams = frames[0]["data"]["streams"].as_array().unwrap();
    assert!(streams.iter().all(|stream| stream["audioState"] == 0 && stream["videoState"] == 1));
    // With one that is not there nothing is done.
    for (_, _, change) in &mut list {
        *change = rights(true);
    }
    list[1].1 ^= 1;
    let none = world.teach(move |turn| turn.change_streams(&list, &Value::Null)).await;
    assert_eq!(refusal(none), Some(Refusal::NoUser));
    assert!(!world.user("bob").await.streams[0].audio);
}

#[tokio::test]
async fn c125_old_pages_tell_of_their_devices() {
    let (world, _) = World::class(RoomType::OneToOne, &["bob"]).await;
    let set = |turn: &mut Turn<'_>| turn.set_device(&name("bob"), Some(1), Some(-1));
    world.learn("bob", set).await.unwrap();
    let main = world.user("bob").await.streams[0].clone();
    assert_eq!((main.video_source, main.audio_source), (1, -1));
    assert_eq!(refusal(world.teach(set).await), Some(Refusal::NotAllowed));
}

#[tokio::test]
async fn c121_c122_one_screen_is_shared_at_a_time() {
    let (world, teacher) = World::class(RoomType::Small, &["bob"]).await;
    world.attend("room", "amy", ClassRole::Assistant).await;
    teacher.forget();
    let share =
        |user: &'static str| move |turn: &mut Turn<'_>| turn.start_screen(&name(user), true, 1);
    let screen = world.teach(share("ann")).await.unwrap();
    let id = screen.to_string();
    let view = world.properties("room", false).await["screen"].clone();
    assert_eq!(view, json!({"state": 1, "streamUuid": id, "userUuid": "ann"}));
    let added = &teacher.of(40)[0]["data"];
    assert_eq!((&added["action"], &added["videoSourceType"]), (&json!(1), &json!(2)));
    assert_eq!(world.teach(share("ann")).await.unwrap(), screen, "a second call is the same");
    let amy = by("amy", ClassRole::Assistant);
    let second = world.act("room", amy.clone(), share("amy")).await;
    assert_eq!(refusal(second), Some(Refusal::Conflict));
    let stop = |user: &'static str| move |turn: &mut Turn<'_>| turn.stop_screen(&name(user));
    assert_eq!(refusal(world.teach(stop("amy")).await), Some(Refusal::NoScreen));
    world.act("room", amy.clone(), stop("ann")).await.unwrap();
    assert_eq!(world.properties("room", false).await["screen"], json!({"state": 0}));
    assert_eq!(refusal(world.teach(stop("ann")).await), Some(Refusal::NoScreen));
    // Students share where the teacher lets them.
    assert_eq!(refusal(world.learn("bob", share("bob")).await), Some(Refusal::NotAllowed));
    let grant = json!({"screenGrants": {"bob": true}}).as_object().unwrap().clone();
    world.teach(|turn| turn.edit_room_properties(Edit::set(grant), &Value::Null)).await.unwrap();
    assert_eq!(refusal(world.teach(share("bob")).await), Some(Refusal::NotAllowed));
    world.learn("bob", share("bob")).await.unwrap();
    // Whoever leaves shares no more.
    world.teach(|turn| turn.put_out(&name("bob"), None)).await.unwrap();
    assert_eq!(world.properties("room", false).await["screen"], json!({"state": 0}));
    world.act("room", amy, share("amy")).await.unwrap();
    // And whose stream is removed.
    let id: u32 = world.user("amy").await.streams[1].id;
    world.teach(move |turn| turn.remove_stream(&name("amy"), id)).await.unwrap();
    assert_eq!(world.properties("room", false).await["screen"], json!({"state": 0}));
}

#[tokio::test]
async fn c085_who_is_in_the_gallery_may_publish() {
    let (world, _) = World::class(RoomType::Lecture, &["bob", "cid", "dot"]).await;
    world.teach(|turn| turn.accept_stage(Some(&name("dot")))).await.unwrap();
    let open = |users: &'static [&'static str]| {
        move |turn: &mut Turn<'_>| {
            let users: Vec<UserUuid> = users.iter().map(|user| name(user)).collect();
            turn.set_gallery(true, &users)
        }
    };
    let assistant = world.act("room", by("amy", ClassRole::Assistant), open(&[])).await;
    assert_eq!(refusal(assistant), Some(Refusal::NotAllowed));
    assert_eq!(refusal(world.teach(open(&["zoe"])).await), Some(Refusal::NoUser));
    world.teach(open(&["bob", "cid", "dot"])).await.unwrap();
    let may = |user: &'static str| {
        let user = world.user(user);
        async { user.await.streams[0].video }
    };
    assert!(may("bob").await && may("cid").await);
    world.teach(open(&["cid"])).await.unwrap();
    assert_eq!((may("bob").await, may("cid").await, may("dot").await), (false, true, true));
    let view = world.properties("room", false).await["expandedScope"].clone();
    assert_eq!(view, json!({"state": 1, "userUuids": ["cid"]}));
    world.teach(|turn| turn.set_gallery(false, &[])).await.unwrap();
    assert_eq!((may("cid").await, may("dot").await), (false, true));
    // Whoever is gone is not in it any more.
    world.teach(open(&["cid"])).await.unwrap();
    world.teach(|turn| turn.put_out(&name("cid"), None)).await.unwrap();
    world.pass(AWAITED).await;
    let view = world.properties("room", false).await["expandedScope"].clone();
    assert_eq!(view, json!({"state": 1, "userUuids": []}));
    assert!(!may("cid").await);
}

#[tokio::test]
async fn nothing_is_done_in_a_closed_room_nor_by_whom_is_banned() {
    let (world, _) = World::class(RoomType::Small, &["bob"]).await;
    world.attend("room", "amy", ClassRole::Assistant).await;
    let ban = Some(stoa_classroom::room::Ban::Ever);
    world.teach(move |turn| turn.put_out(&name("amy"), ban)).await.unwrap();
    let amy = by("amy", ClassRole::Assistant);
    let banned = world.act("room", amy, |turn| turn.accept_stage(Some(&name("bob")))).await;
    assert_eq!(refusal(banned), Some(Refusal::Banned));
    world.teach(|turn| turn.set_state(stoa_classroom::room::ClassState::Closed)).await.unwrap();
    let late = world.teach(|turn| turn.set_mute(true)).await;
    assert_eq!(refusal(late), Some(Refusal::RoomOver));
}
