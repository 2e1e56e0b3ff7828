//! Hands that are up.

use std::time::Duration;

use serde_json::{Value, json};
use stoa_classroom::Refusal;
use stoa_classroom::room::{AWAITED, By};
use stoa_core::{ClassRole, RoomType};

use crate::world::{STUDENT, World, by, name, refusal};

const UP: &str = "/processes/waveArm/progress";

async fn raise(world: &World, user: &str, timeout: i64, again: bool) -> Option<Refusal> {
    let payload = json!({"userName": user});
    refusal(world.learn(user, move |turn| turn.raise_hand(timeout, again, payload)).await)
}

#[tokio::test]
async fn c077_a_hand_falls_three_seconds_after_the_last_call() {
    let (world, teacher) = World::class(RoomType::Lecture, &["bob"]).await;
    teacher.forget();
    for _ in 0..3 {
        assert_eq!(raise(&world, "bob", 3, true).await, None);
        world.pass(Duration::from_millis(2999)).await;
        assert_eq!(world.names(UP).await, ["bob"]);
    }
    assert_eq!(raise(&world, "bob", 3, true).await, None);
    world.pass(Duration::from_millis(2999)).await;
    assert_eq!(world.names(UP).await, ["bob"]);
    world.pass(Duration::from_millis(1)).await;
    assert_eq!(world.names(UP).await, Vec::<String>::new());
    // Whoever keeps it up is told of once.
    assert_eq!(teacher.causes("waveArm"), [1, 7]);
    let one = json!({"userUuid": "bob", "payload": {"userName": "bob"}});
    assert_eq!(
        world.events(1502).await,
        [
            json!({"progressUsers": [one], "addProgressUsers": [one], "removeProgressUsers": []}),
            json!({"progressUsers": [], "addProgressUsers": [], "removeProgressUsers": [one]}),
        ]
    );
}

#[tokio::test]
async fn c078_a_hand_that_is_up_is_raised_again_only_where_it_is_so_said() {
    let (world, _) = World::class(RoomType::Small, &["bob"]).await;
    assert_eq!(raise(&world, "bob", 3, false).await, None);
    assert_eq!(raise(&world, "bob", 3, false).await, Some(Refusal::HandUp));
    assert_eq!(raise(&world, "bob", 3, true).await, None);
}

#[tokio::test]
async fn c079_c080_a_hand_without_a_time_stays_up_until_it_is_lowered() {
    let (mut world, teacher) = World::class(RoomType::Small, &["bob", "cid"]).await;
    for user in ["bob", "cid"] {
        assert_eq!(raise(&world, user, -1, false).await, None);
    }
    world.pass(Duration::from_secs(5000)).await;
    assert_eq!(world.names(UP).await, ["bob", "cid"]);
    let other = world.learn("bob", |turn| turn.lower_hand(Some(&name("cid")))).await;
    assert_eq!(refusal(other), Some(Refusal::NotAllowed));
    world.learn("bob", |turn| turn.lower_hand(None)).await.unwrap();
    let again = world.learn("bob", |turn| turn.lower_hand(None)).await;
    assert_eq!(refusal(again), Some(Refusal::NotAccepted));
    world.teach(|turn| turn.lower_hand(Some(&name("cid")))).await.unwrap();
    assert_eq!(teacher.causes("waveArm"), [1, 1, 4, 3]);
    assert_eq!(world.events(1502).await.len(), 4);
    // Whoever leaves takes the hand down.
    raise(&world, "bob", -1, false).await;
    world.restart().await;
    assert_eq!(world.names(UP).await, ["bob"]);
    world.pass(AWAITED).await;
    assert_eq!(world.names(UP).await, Vec::<String>::new());
}

#[tokio::test]
async fn ten_hands_are_up_at_once_and_only_students_raise_one() {
    let students = ["b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let (world, _) = World::class(RoomType::Lecture, &students).await;
    for user in &students[..10] {
        assert_eq!(raise(&world, user, 60, false).await, None);
    }
    assert_eq!(raise(&world, "l", 60, false).await, Some(Refusal::TooMany));
    for by in [
        By::App,
        by("ann", ClassRole::Teacher),
        by("amy", ClassRole::Assistant),
        by("oda", ClassRole::Observer),
        by("rec", ClassRole::Invisible),
    ] {
        let up = world.act("room", by, |turn| turn.raise_hand(3, true, Value::Null)).await;
        assert_eq!(refusal(up), Some(Refusal::NotAllowed));
    }
    // Not from outside, and not with a long speech.
    let absent = world.learn("zoe", |turn| turn.raise_hand(3, true, Value::Null)).await;
    assert_eq!(refusal(absent), Some(Refusal::NoUser));
    world.attend("room", "m", STUDENT).await;
    let long = json!("x".repeat(5000));
    let long = world.learn("m", |turn| turn.raise_hand(3, true, long)).await;
    assert!(matches!(refusal(long), Some(Refusal::Argument(_))));
}
