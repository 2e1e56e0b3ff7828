//! Events are handed out once, or until they are acknowledged, and outlive their room by an hour.

use std::time::Duration;

use serde_json::Value;
use stoa_classroom::room::{By, ClassState};
use stoa_classroom::{Error, EventFilter, Handout, Refusal};
use stoa_core::{App, ClassRole, Clock, RoomType};
use stoa_store::engine::Faults;
use stoa_store::{Direction, spaces};

use crate::world::{World, name, new_room};

async fn fetch(world: &World, how: Handout) -> (Vec<(String, u64)>, Option<String>) {
    let out = world.classroom.hand_out(&world.scope(), how).await.unwrap();
    let name = |event: &Value| {
        (event["roomUuid"].as_str().unwrap().to_owned(), event["sequence"].as_u64().unwrap())
    };
    (out.events.iter().map(name).collect(), out.acknowledge)
}

async fn once(world: &World) -> Vec<(String, u64)> {
    fetch(world, Handout::Once).await.0
}

async fn rows(world: &World) -> usize {
    let store = world.store.app(&world.scope()).await.unwrap();
    let view = store.read().await.unwrap();
    let mut rows = 0;
    for space in [&spaces::CLASS_OUTBOX, &spaces::CLASS_MARKS] {
        rows +=
            view.scan_all(&store.key(space).all(), Direction::Forward, 500).await.unwrap().len();
    }
    rows
}

/// A room whose class has begun: one event.
async fn begun(world: &World, room: &str) {
    world.create(room, new_room(RoomType::Small)).await.unwrap();
    world.act(room, By::App, |turn| turn.set_state(ClassState::Started)).await.unwrap();
}

#[tokio::test]
async fn c061_each_event_is_handed_out_once_in_the_order_of_its_room() {
    let mut world = World::new().await;
    assert!(once(&world).await.is_empty());
    begun(&world, "a").await;
    begun(&world, "b").await;
    world.enter("b", "bob", ClassRole::Student).await.unwrap();
    let mut told = once(&world).await;
    told.sort();
    assert_eq!(told, [("a".into(), 1), ("b".into(), 1), ("b".into(), 2)]);
    assert!(once(&world).await.is_empty());
    world.enter("a", "ann", ClassRole::Teacher).await.unwrap();
    // A restart forgets nothing and repeats nothing.
    world.restart().await;
    assert_eq!(once(&world).await, [("a".into(), 2)]);
    assert!(once(&world).await.is_empty());
}

#[tokio::test]
async fn c061_at_most_a_hundred_are_handed_out_and_every_room_has_its_turn() {
    let world = World::new().await;
    for room in ["a", "b"] {
        world.create(room, new_room(RoomType::Lecture)).await.unwrap();
        for user in 0..70 {
            world.enter(room, &format!("u{user}"), ClassRole::Student).await.unwrap();
        }
    }
    let first = once(&world).await;
    assert_eq!(first.len(), 100);
    let second = once(&world).await;
    assert_eq!(second.len(), 40);
    assert!(once(&world).await.is_empty());
    for room in ["a", "b"] {
        let all = first.iter().chain(&second).filter(|(of, _)| of == room);
        assert!(all.map(|(_, sequence)| *sequence).eq(1..=70));
    }
}

#[tokio::test]
async fn c062_what_is_not_acknowledged_comes_again() {
    let mut world = World::new().await;
    begun(&world, "a").await;
    let (first, text) = fetch(&world, Handout::Acknowledged(None)).await;
    let text = text.unwrap();
    assert_eq!(first, [("a".into(), 1)]);
    world.enter("a", "ann", ClassRole::Teacher).await.unwrap();
    // Not acknowledged, or with something else: the same again.
    for how in [None, Some("0123".to_owned())] {
        let (again, same) = fetch(&world, Handout::Acknowledged(how)).await;
        assert_eq!((again, same.as_ref()), (first.clone(), Some(&text)));
    }
    let (second, next) = fetch(&world, Handout::Acknowledged(Some(text))).await;
    assert_eq!(second, [("a".into(), 2)]);
    // A restart forgets what was handed out, not what was acknowledged.
    world.restart().await;
    let (again, new) = fetch(&world, Handout::Acknowledged(next)).await;
    assert_eq!(again, [("a".into(), 2)]);
    let (none, nothing) = fetch(&world, Handout::Acknowledged(new)).await;
    assert_eq!((none, nothing), (vec![], None));
}

async fn destroy(world: &World) {
    world.act("a", By::App, |turn| turn.set_state(ClassState::Closed)).await.unwrap();
    world.pass(Duration::from_secs(3600)).await;
    assert!(world.view("a").await.is_err());
}

#[tokio::test]
async fn c196_what_was_not_handed_out_outlives_its_room_by_an_hour() {
    for restarts in [false, true] {
        let mut world = World::new().await;
        begun(&world, "a").await;
        assert_eq!(once(&world).await.len(), 1);
        destroy(&world).await;
        assert_eq!(rows(&world).await, 2);
        world.pass(Duration::from_secs(3599)).await;
        if restarts {
            world.restart().await;
        }
        assert_eq!(once(&world).await, [("a".into(), 2)]);
        // All is handed out: nothing is left.
        assert!(once(&world).await.is_empty());
        assert_eq!(rows(&world).await, 0);

        begun(&world, "a").await;
        destroy(&world).await;
        assert_ne!(rows(&world).await, 0);
        if restarts {
            world.restart().await;
        }
        world.pass(Duration::from_secs(3600)).await;
        assert!(once(&world).await.is_empty());
        assert_eq!(rows(&world).await, 0);
    }
}

#[tokio::test]
async fn c196_a_later_room_of_the_same_name_has_events_of_its_own() {
    let world = World::new().await;
    begun(&world, "a").await;
    destroy(&world).await;
    begun(&world, "a").await;
    let mut told = once(&world).await;
    told.sort();
    assert_eq!(told, [("a".into(), 1), ("a".into(), 1), ("a".into(), 2)]);
}

#[tokio::test]
async fn c058_events_are_found_by_what_they_tell_and_whom_they_concern() {
    let world = World::new().await;
    begun(&world, "a").await;
    for user in ["bob", "cid"] {
        world.enter("a", user, ClassRole::Student).await.unwrap();
    }
    let find = async |from, most, filter: EventFilter| {
        let (scope, room) = (world.scope(), name("a"));
        let page = world.classroom.find_events(&scope, &room, from, most, &filter).await.unwrap();
        let numbers = page.list.iter().map(|event| event["sequence"].as_u64().unwrap());
        (numbers.collect::<Vec<_>>(), page.next, page.total)
    };
    assert_eq!(find(1, 100, EventFilter::default()).await, (vec![1, 2, 3], None, 3));
    let entries = EventFilter { cmd: Some(20), ..EventFilter::default() };
    assert_eq!(find(1, 1, entries.clone()).await, (vec![2], Some(3), 3));
    assert_eq!(find(3, 1, entries).await, (vec![3], None, 3));
    let of_cid = EventFilter { user: Some("cid".into()), ..EventFilter::default() };
    assert_eq!(find(1, 100, of_cid).await.0, [3]);
    let cause = EventFilter { cause: vec![("x".into(), "1".into())], ..EventFilter::default() };
    assert!(find(1, 100, cause).await.0.is_empty());
}

/// Posts what there is to somebody who takes it or does not. Answers what came, and whether there was anything.
async fn posted(world: &World, is_taken: bool) -> (Vec<u64>, Result<bool, Error>) {
    let mut came = Vec::new();
    let post = async |events: Vec<Value>| {
        came.extend(events.iter().map(|event| event["sequence"].as_u64().unwrap()));
        if is_taken { Ok(()) } else { Err(Error::from(Refusal::TooMany)) }
    };
    let done = world.classroom.post_events(&world.scope(), post).await;
    (came, done)
}

#[tokio::test]
async fn events_are_posted_until_they_are_taken_whether_or_not_they_are_fetched() {
    let mut world = World::new().await;
    let class_callback = Some("https://school.example/".to_owned());
    world.app = std::sync::Arc::new(App { class_callback, ..(*world.app).clone() });
    world.restart().await;
    begun(&world, "a").await;
    for _ in 0..2 {
        let (came, done) = posted(&world, false).await;
        assert_eq!(came, [1]);
        assert!(done.is_err());
    }
    assert!(matches!(posted(&world, true).await, (came, Ok(true)) if came == [1]));
    assert!(matches!(posted(&world, true).await, (came, Ok(false)) if came.is_empty()));
    world.restart().await;
    assert!(matches!(posted(&world, true).await, (_, Ok(false))));
    assert_eq!(once(&world).await, [("a".into(), 1)]);
    // What outlives its room goes when both have it.
    destroy(&world).await;
    assert_eq!(once(&world).await, [("a".into(), 2)]);
    assert!(once(&world).await.is_empty());
    assert_ne!(rows(&world).await, 0);
    assert!(matches!(posted(&world, true).await, (came, Ok(true)) if came == [2]));
    assert!(matches!(posted(&world, true).await, (_, Ok(false))));
    assert_eq!(rows(&world).await, 0);
}

/// A room whose class is over, and whose events were all handed out.
async fn over(world: &World, room: &str) {
    begun(world, room).await;
    world.act(room, By::App, |turn| turn.set_state(ClassState::Closed)).await.unwrap();
    assert_eq!(once(world).await.len(), 2);
}

/// Found by the simulation: the clock and somebody who asks found at the same time that the room's hour was over.
#[tokio::test]
async fn what_was_handed_out_does_not_come_again_when_two_destroy_the_room_at_once() {
    for late in 0..40 {
        let mut world = World::new().await;
        over(&world, "a").await;
        world.restart_over(Faults { yields: 4, ..Faults::default() }, late);
        world.classroom.wake_all(&world.app).await.unwrap();
        world.clock.set(world.clock.now().plus(Duration::from_secs(3601)));
        let asks = async {
            for _ in 0..late {
                tokio::task::yield_now().await;
            }
            world.view("a").await
        };
        let ((), view) = tokio::join!(world.classroom.tick(), asks);
        assert!(view.is_err());
        world.classroom.settled().await;
        assert_eq!(once(&world).await, [], "after {late} turns");
        assert_eq!(rows(&world).await, 0, "after {late} turns");
    }
}

/// Found by the simulation: a process that ended while it destroyed the room had forgotten already up to where events
/// were handed out.
#[tokio::test]
async fn what_was_handed_out_does_not_come_again_after_the_end_of_the_room_was_interrupted() {
    for commit in 0..24 {
        let mut world = World::new().await;
        over(&world, "a").await;
        world.restart_over(Faults::crash(commit / 2, commit % 2 == 0), 1);
        world.clock.set(world.clock.now().plus(Duration::from_secs(3601)));
        if world.classroom.wake_all(&world.app).await.is_ok() {
            world.classroom.tick().await;
        }
        world.restart_over(Faults::default(), 2);
        world.classroom.wake_all(&world.app).await.unwrap();
        world.classroom.tick().await;
        assert_eq!(once(&world).await, [], "at commit {commit}");
        // What is left for an hour is the note that nothing is.
        world.pass(Duration::from_secs(3600)).await;
        assert_eq!(rows(&world).await, 0, "at commit {commit}");
    }
}
