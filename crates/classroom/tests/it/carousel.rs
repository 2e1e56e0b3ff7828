//! The carousel.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use stoa_classroom::Refusal;
use stoa_classroom::room::{CheckIn, GroupPlan};
use stoa_core::RoomType;

use crate::world::{STUDENT, World, check_in, name, refusal};

const ACCEPTED: &str = "/processes/handsUp/accepted";
const TEN: Duration = Duration::from_secs(10);

async fn start(
    world: &World,
    range: u64,
    order: u64,
    interval: u64,
    count: u64,
) -> Option<Refusal> {
    let start = move |turn: &mut stoa_classroom::room::Turn<'_>| {
        turn.start_carousel(range, order, interval, count)
    };
    refusal(world.teach(start).await)
}

#[tokio::test]
async fn c081_the_next_students_come_every_interval_in_order() {
    let (mut world, teacher) =
        World::class(RoomType::Small, &["bob", "cid", "dot", "eve", "fay"]).await;
    assert_eq!(start(&world, 1, 1, 10, 2).await, None);
    let mut seen = vec![world.names(ACCEPTED).await];
    for _ in 0..3 {
        world.pass(TEN).await;
        seen.push(world.names(ACCEPTED).await);
    }
    // The order on the stage is that of coming.
    seen.iter_mut().for_each(|two| two.sort());
    assert_eq!(seen, [["bob", "cid"], ["dot", "eve"], ["bob", "fay"], ["cid", "dot"]]);
    assert!(teacher.causes("handsUp").iter().all(|action| *action == 10));
    let view = world.properties("room", true).await["carousel"].clone();
    let want = json!({"state": 1, "range": 1, "type": 1, "interval": 10, "count": 2});
    assert_eq!(view, want);
    // The clock goes on in another process, from where it was.
    world.restart().await;
    world.pass(TEN - Duration::from_millis(1)).await;
    let mut now = world.names(ACCEPTED).await;
    now.sort();
    assert_eq!(now, ["cid", "dot"]);
}

#[tokio::test]
async fn c081_only_those_with_a_device_and_by_chance() {
    let (world, _) = World::class(RoomType::Small, &["bob", "cid", "dot", "eve"]).await;
    for (user, camera) in [("cid", 1), ("eve", 1), ("dot", -1)] {
        let set = move |turn: &mut stoa_classroom::room::Turn<'_>| {
            turn.set_device(&name(user), Some(camera), None)
        };
        world.learn(user, set).await.unwrap();
    }
    assert_eq!(start(&world, 2, 1, 10, 6).await, None);
    assert_eq!(world.names(ACCEPTED).await, ["cid", "eve"]);
    let who = CheckIn { audio_source: 1, ..check_in("bob", STUDENT) };
    let caller = world.caller("room", "bob", STUDENT);
    world.classroom.enter(&caller, &name("room"), &name("bob"), who, None).await.unwrap();
    world.pass(TEN).await;
    assert_eq!(world.names(ACCEPTED).await.len(), 3);
    // By chance: in the long run everybody comes.
    assert_eq!(start(&world, 1, 2, 10, 1).await, None);
    let mut seen = BTreeSet::new();
    for _ in 0..40 {
        seen.extend(world.names(ACCEPTED).await);
        assert_eq!(world.names(ACCEPTED).await.len(), 1);
        for user in ["bob", "cid", "dot", "eve"] {
            world.attend("room", user, STUDENT).await;
        }
        world.pass(TEN).await;
    }
    assert_eq!(seen.len(), 4);
}

#[tokio::test]
async fn c082_it_stops_by_hand_when_the_stage_is_hidden_and_when_groups_open() {
    let (world, _) = World::class(RoomType::Small, &["bob", "cid", "dot"]).await;
    let on = || async { world.properties("room", true).await["carousel"]["state"].clone() };
    assert_eq!(start(&world, 1, 1, 10, 1).await, None);
    let refused = world.learn("bob", |turn| turn.stop_carousel()).await;
    assert_eq!(refusal(refused), Some(Refusal::NotAllowed));
    world.teach(|turn| turn.stop_carousel()).await.unwrap();
    assert_eq!(on().await, 0);
    let before = world.names(ACCEPTED).await;
    world.pass(TEN).await;
    assert_eq!(world.names(ACCEPTED).await, before);
    let area = |area: u64| {
        world.teach(move |turn| {
            let set = json!({"area": area}).as_object().unwrap().clone();
            turn.edit_room_properties(stoa_classroom::tree::Edit::set(set), &Value::Null)
        })
    };
    assert_eq!(start(&world, 1, 1, 10, 1).await, None);
    area(0).await.unwrap();
    assert_eq!((on().await, world.names(ACCEPTED).await), (json!(0), vec![]));
    assert_eq!(start(&world, 1, 1, 10, 1).await, Some(Refusal::Conflict));
    area(1).await.unwrap();
    assert_eq!(start(&world, 1, 1, 10, 1).await, None);
    world.teach(|turn| turn.open_groups(vec![GroupPlan::default()], false)).await.unwrap();
    assert_eq!(on().await, 0);
    assert_eq!(start(&world, 1, 1, 10, 1).await, Some(Refusal::Conflict));
}

#[tokio::test]
async fn numbers_out_of_range_are_named() {
    let (world, _) = World::class(RoomType::Small, &["bob"]).await;
    for (range, order, interval, count) in [
        (0, 1, 10, 6),
        (3, 1, 10, 6),
        (1, 3, 10, 6),
        (1, 1, 9, 6),
        (1, 1, 100, 6),
        (1, 1, 10, 0),
        (1, 1, 10, 7),
    ] {
        let refused = start(&world, range, order, interval, count).await;
        assert!(
            matches!(refused, Some(Refusal::Argument(_))),
            "{range} {order} {interval} {count}"
        );
    }
    let refused = world.learn("bob", |turn| turn.start_carousel(1, 1, 10, 6)).await;
    assert_eq!(refusal(refused), Some(Refusal::NotAllowed));
}
