//! From the schedule to the destruction, under a moved clock.

use std::time::Duration;

use stoa_classroom::Refusal;
use stoa_classroom::room::{By, ClassState, Times};
use stoa_core::{ClassRole, Clock, RoomType, Timestamp};
use stoa_store::engine::Faults;
use stoa_store::{Direction, classes, spaces};

use crate::world::{NOW_S, World, name, new_room, refusal};

fn scheduled(start: u64, duration: u32) -> stoa_classroom::room::NewRoom {
    let start = Some(Timestamp::from_secs(NOW_S + start));
    let times = Times { start, duration_s: Some(duration), close_delay_s: None };
    stoa_classroom::room::NewRoom { times, ..new_room(RoomType::Small) }
}

async fn state(world: &World) -> Option<u64> {
    world.view("room").await.ok().and_then(|view| view["state"].as_u64())
}

#[tokio::test]
async fn c163_c164_c165_c166_a_class_begins_ends_closes_and_is_destroyed_by_the_clock() {
    let world = World::new().await;
    world.create("room", scheduled(60, 600)).await.unwrap();
    let student = world.attend("room", "bob", ClassRole::Student).await;
    let second = Duration::from_secs(1);
    world.pass(59 * second).await;
    assert_eq!(state(&world).await, Some(0));
    world.pass(second).await;
    assert_eq!(state(&world).await, Some(1));
    world.pass(599 * second).await;
    assert_eq!(state(&world).await, Some(1));
    world.pass(second).await;
    assert_eq!(state(&world).await, Some(2));
    world.enter("room", "cid", ClassRole::Student).await.unwrap();
    world.pass(599 * second).await;
    assert_eq!(state(&world).await, Some(2));
    world.pass(second).await;
    assert_eq!(state(&world).await, Some(3));
    assert_eq!(*student.ended.lock(), Some("closed"));
    let late = world.enter("room", "cid", ClassRole::Student).await;
    assert_eq!(refusal(late), Some(Refusal::RoomOver));
    world.pass(3599 * second).await;
    assert_eq!(state(&world).await, Some(3));
    let key = world.store.app(&world.scope()).await.unwrap();
    let rows = |space| {
        let key = key.clone();
        async move {
            let all = key.key(space).all();
            key.read().await.unwrap().scan_all(&all, Direction::Forward, 100).await.unwrap().len()
        }
    };
    assert_ne!(rows(&spaces::CLASS_FRAMES).await, 0);
    world.pass(second).await;
    assert_eq!(state(&world).await, None);
    for space in
        [&spaces::CLASS_ROOMS, &spaces::CLASS_USERS, &spaces::CLASS_FRAMES, &spaces::CLASS_EVENTS]
    {
        assert_eq!(rows(space).await, 0, "{}", space.name);
    }
    // The same name is another room.
    world.create("room", new_room(RoomType::Small)).await.unwrap();
    assert_eq!(state(&world).await, Some(0));
    let events = world.classroom.events(&world.scope(), &name("room"), 1, 100).await.unwrap();
    assert!(events.is_empty());
    let _ = classes::CLASS_ROOM.number;
}

#[tokio::test]
async fn c172_what_came_due_while_the_server_was_off_is_done_at_its_moments() {
    let mut world = World::new().await;
    world.create("room", scheduled(60, 600)).await.unwrap();
    world.clock.set(world.clock.now().plus(Duration::from_secs(1300)));
    world.restart().await;
    let room = world.act("room", By::App, |turn| Ok(turn.room.clone())).await.unwrap();
    assert_eq!(room.schedule.state, ClassState::Closed);
    assert_eq!(room.schedule.closed, Some(Timestamp::from_secs(NOW_S + 1260)));
    let events = world.classroom.events(&world.scope(), &name("room"), 1, 100).await.unwrap();
    let states: Vec<_> = events.iter().map(|event| event.data["state"].as_u64().unwrap()).collect();
    assert_eq!(states, [1, 2, 3]);
    world.restart().await;
    let again = world.classroom.events(&world.scope(), &name("room"), 1, 100).await.unwrap();
    assert_eq!(again.len(), 3);
}

#[tokio::test]
async fn c171_a_room_that_nobody_entered_is_kept_for_five_days() {
    let world = World::new().await;
    world.create("room", new_room(RoomType::Small)).await.unwrap();
    world.pass(Duration::from_secs(5 * 86_400 - 1)).await;
    assert_eq!(state(&world).await, Some(0));
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(state(&world).await, None);
}

#[tokio::test]
async fn c170_a_room_without_a_schedule_goes_an_hour_after_the_last_one_left() {
    let world = World::new().await;
    world.create("room", new_room(RoomType::Small)).await.unwrap();
    world.enter("room", "bob", ClassRole::Student).await.unwrap();
    world.pass(Duration::from_secs(20 + 3599)).await;
    assert_eq!(state(&world).await, Some(0));
    world.enter("room", "bob", ClassRole::Student).await.unwrap();
    world.pass(Duration::from_secs(20 + 3599)).await;
    assert_eq!(state(&world).await, Some(0));
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(state(&world).await, None);
}

/// Found by the simulation: an act that came while the room was read was done at the moment when the reading began,
/// before the clock's own acts that were due since.
#[tokio::test]
async fn what_comes_while_a_room_is_read_is_not_done_at_an_earlier_moment() {
    for late in 0..12 {
        let mut world = World::new().await;
        world.create("room", scheduled(60, 600)).await.unwrap();
        // A process that has just begun, over a store that takes its time.
        world.restart_over(Faults { yields: 8, ..Faults::default() }, 1);
        world.classroom.wake_all(&world.app).await.unwrap();
        let came = world.clock.now().plus(Duration::from_secs(61));
        let act = async {
            for _ in 0..late {
                tokio::task::yield_now().await;
            }
            world.clock.set(came);
            let at = world.act("room", By::App, |turn| Ok((turn.at, turn.room.schedule.state)));
            at.await.unwrap()
        };
        let ((), (at, state)) = tokio::join!(world.classroom.tick(), act);
        assert_eq!((at, state), (came, ClassState::Started), "after {late} turns");
    }
}
