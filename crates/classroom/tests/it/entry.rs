//! Coming in and going out.

use std::time::Duration;

use serde_json::json;
use stoa_classroom::Refusal;
use stoa_classroom::room::{AWAITED, Ban, RoleRule};
use stoa_core::{ClassRole, RoomType};

use crate::world::{World, by, name, new_room, refusal};

const TEACHER: ClassRole = ClassRole::Teacher;
const STUDENT: ClassRole = ClassRole::Student;

#[tokio::test]
async fn those_who_enter_see_each_other_in_one_order() {
    let world = World::new().await;
    world.create("room", new_room(RoomType::Small)).await.unwrap();
    let exists = world.create("room", new_room(RoomType::Small)).await;
    assert_eq!(refusal(exists), Some(Refusal::RoomExists));
    let teacher = world.attend("room", "ann", TEACHER).await;
    let entry = world.enter("room", "bob", STUDENT).await.unwrap();
    assert_eq!(entry.view["remoteUsers"][0]["userUuid"], "ann");
    let snapshot = entry.view["room"]["sequence"].as_u64().unwrap();
    let frames = teacher.frames();
    let last = frames.last().unwrap();
    assert_eq!((last["cmd"].as_u64(), last["sequence"].as_u64()), (Some(20), Some(snapshot)));
    assert_eq!(last["data"]["onlineUsers"][0]["userUuid"], "bob");
    assert_eq!(last["data"]["total"], 2);
    let all = world.classroom.frames(&world.scope(), &name("room"), 1, 100).await.unwrap();
    let numbers: Vec<u64> = all.iter().map(|frame| frame.sequence).collect();
    assert_eq!(numbers, (1..=snapshot).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_second_device_displaces_the_first_and_keeps_what_the_user_has() {
    let world = World::new().await;
    world.create("room", new_room(RoomType::OneToOne)).await.unwrap();
    let first = world.attend("room", "bob", STUDENT).await;
    let stream = world.view("room").await.unwrap();
    let entry = world.enter("room", "bob", STUDENT).await.unwrap();
    assert_eq!(*first.ended.lock(), Some("displaced"));
    assert_eq!(entry.view["localUser"]["streams"].as_array().unwrap().len(), 1);
    assert_eq!(world.view("room").await.unwrap(), stream);
}

#[tokio::test]
async fn seats_are_counted_and_bans_end() {
    let world = World::new().await;
    let mut new = new_room(RoomType::Small);
    new.roles.insert(2, RoleRule { limit: Some(1), stream: None });
    world.create("room", new).await.unwrap();
    world.attend("room", "bob", STUDENT).await;
    let full = world.enter("room", "cid", STUDENT).await;
    assert_eq!(refusal(full), Some(Refusal::RoleFull));
    let teacher = by("ann", TEACHER);
    let out =
        |ban| move |turn: &mut stoa_classroom::room::Turn<'_>| turn.put_out(&name("bob"), ban);
    let own = world.act("room", by("cid", STUDENT), out(None)).await;
    assert_eq!(refusal(own), Some(Refusal::NotAllowed));
    world.act("room", teacher.clone(), out(Some(Ban::For(600)))).await.unwrap();
    assert_eq!(refusal(world.enter("room", "bob", STUDENT).await), Some(Refusal::Banned));
    world.pass(Duration::from_secs(599)).await;
    assert_eq!(refusal(world.enter("room", "bob", STUDENT).await), Some(Refusal::Banned));
    world.pass(Duration::from_secs(1)).await;
    world.enter("room", "bob", STUDENT).await.unwrap();
    world.act("room", teacher.clone(), out(Some(Ban::Ever))).await.unwrap();
    world.pass(Duration::from_secs(3000)).await;
    assert_eq!(refusal(world.enter("room", "bob", STUDENT).await), Some(Refusal::Banned));
    world.act("room", teacher, out(Some(Ban::Lifted))).await.unwrap();
    world.enter("room", "bob", STUDENT).await.unwrap();
}

#[tokio::test]
async fn who_does_not_come_back_in_time_has_left() {
    let mut world = World::new().await;
    world.create("room", new_room(RoomType::Small)).await.unwrap();
    let teacher = world.attend("room", "ann", TEACHER).await;
    world.enter("room", "bob", STUDENT).await.unwrap();
    world.pass(AWAITED - Duration::from_millis(1)).await;
    assert_eq!(teacher.frames().last().unwrap()["data"]["total"], 2);
    world.pass(Duration::from_millis(1)).await;
    let last = teacher.frames().last().unwrap().clone();
    assert_eq!(
        last["data"]["offlineUsers"],
        json!([{"userUuid": "bob", "userName": "bob", "role": "audience", "type": 1}])
    );
    // After a restart nobody is connected, and everybody is as it was.
    world.restart().await;
    let count = |turn: &mut stoa_classroom::room::Turn<'_>| Ok(turn.room.listed().count());
    let left = world.act("room", by("ann", TEACHER), count).await.unwrap();
    assert_eq!(left, 1, "the teacher may come back");
    let again = world.enter("room", "bob", STUDENT).await.unwrap();
    assert_eq!(again.view["room"]["roomState"]["total"], 2);
    world.pass(AWAITED).await;
    assert_eq!(world.act("room", by("ann", TEACHER), count).await.unwrap(), 0);
}
