//! The stage: invitations, seats, rights, and who is told.

use std::time::Duration;

use serde_json::{Value, json};
use stoa_classroom::Refusal;
use stoa_classroom::room::{AWAITED, By, NewRoom};
use stoa_core::{ClassRole, RoomType};

use crate::world::{STUDENT, World, by, name, names, new_room, refusal};

const ACCEPTED: &str = "/processes/handsUp/accepted";
const PROGRESS: &str = "/processes/handsUp/progress";

async fn put(world: &World, user: &'static str) -> Option<Refusal> {
    refusal(world.teach(move |turn| turn.accept_stage(Some(&name(user)))).await)
}

async fn invite(world: &World, user: &'static str, timeout: i64, again: bool) -> Option<Refusal> {
    let ask = move |turn: &mut stoa_classroom::room::Turn<'_>| {
        turn.ask_stage(Some(&name(user)), timeout, again, json!({"why": "x"}))
    };
    refusal(world.teach(ask).await)
}

#[tokio::test]
async fn c070_students_are_on_the_stage_at_entry_where_it_is_so_said() {
    let (world, _) = World::class(RoomType::Small, &["bob"]).await;
    let refused = world.learn("bob", |turn| turn.set_stage(true, true)).await;
    assert_eq!(refusal(refused), Some(Refusal::NotAllowed));
    world.teach(|turn| turn.set_stage(true, true)).await.unwrap();
    let hands_up = world.properties("room", false).await["processes"]["handsUp"].clone();
    assert_eq!(hands_up["defaultAcceptRole"], "audience");
    for user in ["cid", "dot", "eve", "fay", "gus", "hal", "ida"] {
        world.attend("room", user, STUDENT).await;
    }
    // There are six seats.
    assert_eq!(world.names(ACCEPTED).await, ["cid", "dot", "eve", "fay", "gus", "hal"]);
    world.teach(|turn| turn.set_stage(false, true)).await.unwrap();
    world.teach(|turn| turn.leave_stage(Some(&name("cid")))).await.unwrap();
    world.attend("room", "jim", STUDENT).await;
    assert_eq!(world.names(ACCEPTED).await.len(), 5);
    // Said when the room is made.
    let new = NewRoom { accepts_at_entry: true, max_accept: Some(1), ..new_room(RoomType::Small) };
    world.create("other", new).await.unwrap();
    for user in ["bob", "cid"] {
        world.attend("other", user, STUDENT).await;
    }
    let other = world.properties("other", false).await;
    assert_eq!(names(other.pointer(ACCEPTED).unwrap()), ["bob"]);
}

#[tokio::test]
async fn c071_an_invitation_is_told_and_times_out() {
    let (world, teacher) = World::class(RoomType::Small, &["bob"]).await;
    let student = world.attend("room", "cid", STUDENT).await;
    assert_eq!(invite(&world, "cid", 30, false).await, None);
    let frame = student.frames().last().unwrap().clone();
    assert_eq!(frame["data"]["cause"]["cmd"], 501);
    let data = &frame["data"]["cause"]["data"];
    assert_eq!(data["addProgress"], json!([{"userUuid": "cid", "payload": {"why": "x"}}]));
    assert_eq!((&data["actionType"], &data["processUuid"]), (&json!(1), &json!("handsUp")));
    assert_eq!(invite(&world, "cid", 30, false).await, Some(Refusal::Conflict));
    // A second one renews the first.
    world.pass(Duration::from_secs(20)).await;
    assert_eq!(invite(&world, "cid", 30, true).await, None);
    world.pass(Duration::from_millis(29_999)).await;
    assert_eq!(world.names(PROGRESS).await, ["cid"]);
    world.pass(Duration::from_millis(1)).await;
    assert_eq!(world.names(PROGRESS).await, Vec::<String>::new());
    assert_eq!(teacher.causes("handsUp"), [1, 1, 7]);
    // Forever, which ends with the student's answer.
    assert_eq!(invite(&world, "cid", -1, false).await, None);
    world.pass(Duration::from_secs(3000)).await;
    world.learn("cid", |turn| turn.accept_stage(None)).await.unwrap();
    assert_eq!((world.names(PROGRESS).await.len(), world.names(ACCEPTED).await.len()), (0, 1));
    for timeout in [0, -2, 3601] {
        assert!(matches!(invite(&world, "bob", timeout, false).await, Some(Refusal::Argument(_))));
    }
    // Who teaches is not invited, nor who is not there.
    assert!(matches!(invite(&world, "ann", 30, false).await, Some(Refusal::Argument(_))));
    assert_eq!(invite(&world, "zoe", 30, false).await, Some(Refusal::NoUser));
}

#[tokio::test]
async fn c072_an_invitation_is_declined_and_a_request_cancelled() {
    let (world, teacher) = World::class(RoomType::Lecture, &["bob", "cid"]).await;
    invite(&world, "bob", 30, false).await;
    let other = world.learn("cid", |turn| turn.withdraw_stage(Some(&name("bob")))).await;
    assert_eq!(refusal(other), Some(Refusal::NotAllowed));
    world.learn("bob", |turn| turn.withdraw_stage(None)).await.unwrap();
    let none = world.learn("bob", |turn| turn.withdraw_stage(None)).await;
    assert_eq!(refusal(none), Some(Refusal::NotAccepted));
    let ask = |again| world.learn("bob", move |turn| turn.ask_stage(None, 30, again, Value::Null));
    ask(false).await.unwrap();
    assert_eq!(refusal(ask(false).await), Some(Refusal::HandUp));
    ask(true).await.unwrap();
    world.learn("bob", |turn| turn.withdraw_stage(None)).await.unwrap();
    ask(false).await.unwrap();
    world.teach(|turn| turn.withdraw_stage(Some(&name("bob")))).await.unwrap();
    invite(&world, "bob", 30, false).await;
    world.teach(|turn| turn.withdraw_stage(Some(&name("bob")))).await.unwrap();
    assert_eq!(teacher.causes("handsUp"), [1, 3, 1, 1, 4, 1, 3, 1, 4]);
}

#[tokio::test]
async fn c073_seats_are_six_and_nobody_has_two() {
    let students = ["bob", "cid", "dot", "eve", "fay", "gus", "hal"];
    let (world, teacher) = World::class(RoomType::Small, &students).await;
    teacher.forget();
    assert_eq!(put(&world, "bob").await, None);
    assert_eq!(put(&world, "bob").await, Some(Refusal::Conflict));
    // The stage gives the right to publish.
    let main = world.user("bob").await.streams[0].clone();
    assert!(main.video && main.audio);
    let stream = &teacher.of(40)[0]["data"];
    assert_eq!((&stream["action"], &stream["videoState"]), (&json!(1), &json!(1)));
    assert_eq!(
        world.events(1501).await,
        [json!({
            "acceptedUsers": [{"userUuid": "bob"}],
            "addAcceptedUsers": [{"userUuid": "bob"}],
            "removeAcceptedUsers": [],
        })]
    );
    for user in &students[1..6] {
        assert_eq!(put(&world, user).await, None);
    }
    assert_eq!(put(&world, "hal").await, Some(Refusal::StageFull));
    // Who was invited stays so while the stage is full.
    invite(&world, "hal", 60, false).await;
    let full = world.learn("hal", |turn| turn.accept_stage(None)).await;
    assert_eq!(refusal(full), Some(Refusal::StageFull));
    world.teach(|turn| turn.leave_stage(Some(&name("cid")))).await.unwrap();
    world.learn("hal", |turn| turn.accept_stage(None)).await.unwrap();
}

#[tokio::test]
async fn c074_nobody_comes_on_the_stage_uninvited() {
    let (world, _) = World::class(RoomType::Small, &["bob", "cid"]).await;
    let own = world.learn("bob", |turn| turn.accept_stage(None)).await;
    assert_eq!(refusal(own), Some(Refusal::NotAccepted));
    // Whoever asks does not answer itself.
    world.learn("bob", |turn| turn.ask_stage(None, 30, false, Value::Null)).await.unwrap();
    let own = world.learn("bob", |turn| turn.accept_stage(Some(&name("bob")))).await;
    assert_eq!(refusal(own), Some(Refusal::NotAccepted));
    let other = world.learn("bob", |turn| turn.accept_stage(Some(&name("cid")))).await;
    assert_eq!(refusal(other), Some(Refusal::NotAllowed));
    for role in [ClassRole::Observer, ClassRole::Invisible] {
        let seen = world.act("room", by("bob", role), |turn| turn.accept_stage(None)).await;
        assert_eq!(refusal(seen), Some(Refusal::NotAllowed));
    }
    let nobody = world.act("room", By::App, |turn| turn.accept_stage(None)).await;
    assert!(matches!(refusal(nobody), Some(Refusal::Argument(_))));
    assert_eq!(put(&world, "bob").await, None);
}

#[tokio::test]
async fn c075_c076_whoever_leaves_the_stage_publishes_no_more() {
    let (world, teacher) = World::class(RoomType::Small, &["bob", "cid", "dot"]).await;
    for user in ["bob", "cid", "dot"] {
        put(&world, user).await;
    }
    teacher.forget();
    let other = world.learn("cid", |turn| turn.leave_stage(Some(&name("bob")))).await;
    assert_eq!(refusal(other), Some(Refusal::NotAllowed));
    world.learn("bob", |turn| turn.leave_stage(None)).await.unwrap();
    let again = world.learn("bob", |turn| turn.leave_stage(None)).await;
    assert_eq!(refusal(again), Some(Refusal::NotAccepted));
    let main = world.user("bob").await.streams[0].clone();
    assert!(!main.video && !main.audio);
    let stream = &teacher.of(40)[0]["data"];
    assert_eq!((&stream["action"], &stream["videoState"]), (&json!(3), &json!(0)));
    assert_eq!(teacher.causes("handsUp"), [6]);
    let all = world.learn("cid", |turn| turn.clear_stage()).await;
    assert_eq!(refusal(all), Some(Refusal::NotAllowed));
    teacher.forget();
    world.teach(|turn| turn.clear_stage()).await.unwrap();
    assert_eq!(world.names(ACCEPTED).await, Vec::<String>::new());
    // Of both in one frame.
    assert_eq!(teacher.of(41)[0]["data"]["streams"].as_array().unwrap().len(), 2);
    world.teach(|turn| turn.clear_stage()).await.unwrap();
    let left = world.events(1501).await.last().unwrap()["removeAcceptedUsers"].clone();
    assert_eq!(names(&left), ["cid", "dot"]);
}

#[tokio::test]
async fn c153_a_lecture_is_told_who_comes_on_the_stage() {
    let (world, _) = World::class(RoomType::Lecture, &["bob"]).await;
    let student = world.attend("room", "cid", STUDENT).await;
    let before = world.enter("room", "dot", STUDENT).await.unwrap().view;
    assert_eq!(names(&before["remoteUsers"]), ["ann"]);
    put(&world, "bob").await;
    let told = &student.of(24)[0]["data"]["users"][0];
    assert_eq!((&told["userUuid"], &told["subscribe"]), (&json!("bob"), &json!(1)));
    let entry = world.enter("room", "eve", STUDENT).await.unwrap().view;
    assert_eq!(names(&entry["remoteUsers"]), ["ann", "bob"]);
    assert_eq!(entry["remoteUsers"][1]["streams"][0]["videoState"], 1);
    world.teach(|turn| turn.clear_stage()).await.unwrap();
    let told = &student.of(24)[1]["data"]["users"][0];
    assert_eq!((&told["subscribe"], &told["streams"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn c156_a_seat_is_kept_until_somebody_has_left() {
    let (mut world, teacher) = World::class(RoomType::Small, &["bob"]).await;
    world.enter("room", "cid", STUDENT).await.unwrap();
    invite(&world, "bob", 600, false).await;
    put(&world, "cid").await;
    let stream = world.user("cid").await.stream_uuid();
    world.pass(AWAITED - Duration::from_millis(1)).await;
    world.enter("room", "cid", STUDENT).await.unwrap();
    assert_eq!(world.names(ACCEPTED).await, ["cid"]);
    assert_eq!(world.user("cid").await.stream_uuid(), stream);
    teacher.forget();
    world.pass(AWAITED).await;
    assert_eq!(world.names(ACCEPTED).await, Vec::<String>::new());
    assert_eq!(teacher.causes("handsUp"), [6]);
    // Leaves in the middle of an invitation: nobody is invited any more, and coming back does not renew it.
    world.restart().await;
    assert_eq!(world.names(PROGRESS).await, ["bob"]);
    world.pass(AWAITED).await;
    assert_eq!(world.names(PROGRESS).await, Vec::<String>::new());
    world.attend("room", "bob", STUDENT).await;
    let late = world.learn("bob", |turn| turn.accept_stage(None)).await;
    assert_eq!(refusal(late), Some(Refusal::NotAccepted));
}

#[tokio::test]
async fn two_teachers_who_disagree_are_heard_in_their_order() {
    let (world, teacher) = World::class(RoomType::Small, &["bob"]).await;
    world.attend("room", "amy", ClassRole::Assistant).await;
    let both = [by("ann", ClassRole::Teacher), by("amy", ClassRole::Assistant)];
    let [one, other] = both;
    let up = world.act("room", one, |turn| turn.accept_stage(Some(&name("bob"))));
    let down = world.act("room", other, |turn| turn.leave_stage(Some(&name("bob"))));
    let (up, down) = tokio::join!(up, down);
    up.unwrap();
    // Whoever was heard first, what is told is what is.
    let is_up = world.names(ACCEPTED).await == ["bob"];
    assert_eq!(is_up, down.is_err());
    let last = teacher
        .frames()
        .into_iter()
        .rfind(|frame| !frame["data"]["changeProperties"]["processes.handsUp.accepted"].is_null());
    let told = &last.unwrap()["data"]["changeProperties"]["processes.handsUp.accepted"];
    assert_eq!(names(told), world.names(ACCEPTED).await);
}

#[tokio::test]
async fn a_hidden_stage_is_empty_and_stays_so() {
    let (world, _) = World::class(RoomType::Small, &["bob", "cid"]).await;
    put(&world, "bob").await;
    let area = |area: u64| {
        world.teach(move |turn| {
            let set = json!({"area": area}).as_object().unwrap().clone();
            turn.edit_room_properties(stoa_classroom::tree::Edit::set(set), &Value::Null)
        })
    };
    area(3).await.unwrap();
    assert_eq!(world.names(ACCEPTED).await, ["bob"]);
    area(2).await.unwrap();
    assert_eq!(world.names(ACCEPTED).await, Vec::<String>::new());
    assert_eq!(put(&world, "bob").await, Some(Refusal::Conflict));
    area(1).await.unwrap();
    assert_eq!(put(&world, "bob").await, None);
}

#[tokio::test]
async fn another_role_has_the_rights_of_that_role_only() {
    let (world, _) = World::class(RoomType::Small, &["bob"]).await;
    put(&world, "bob").await;
    world.enter("room", "bob", ClassRole::Observer).await.unwrap();
    assert_eq!(world.names(ACCEPTED).await, Vec::<String>::new());
    let main = world.user("bob").await.streams[0].clone();
    assert!(!main.video && !main.audio);
    world.enter("room", "ann", STUDENT).await.unwrap();
    let main = world.user("ann").await.streams[0].clone();
    assert!(!main.video && !main.audio, "a student is not heard as the teacher was");
}

#[tokio::test]
async fn rooms_without_a_stage_say_so() {
    let (world, _) = World::class(RoomType::OneToOne, &["bob"]).await;
    assert!(matches!(put(&world, "bob").await, Some(Refusal::FeatureOff(_))));
    let hand = world.learn("bob", |turn| turn.raise_hand(3, true, Value::Null)).await;
    assert!(matches!(refusal(hand), Some(Refusal::FeatureOff(_))));
}
