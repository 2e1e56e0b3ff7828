//! Rewards, tags, and properties of several users at once.

use serde_json::{Value, json};
use stoa_classroom::Refusal;
use stoa_classroom::room::Turn;
use stoa_classroom::tree::{Edit, Tree};
use stoa_core::RoomType;

use crate::world::{World, name, refusal};

async fn give(world: &World, list: &[(&str, i64)], batched: bool) -> Option<Refusal> {
    let list: Vec<_> = list.iter().map(|(user, many)| (name(user), *many)).collect();
    refusal(world.teach(move |turn| turn.give_rewards(&list, batched)).await)
}

fn tree(value: &Value) -> Tree {
    value.as_object().unwrap().clone()
}

#[tokio::test]
async fn c083_c155_c162_rewards_add_up_and_are_told_with_their_cause() {
    let (world, teacher) = World::class(RoomType::Small, &["bob", "cid"]).await;
    teacher.forget();
    assert_eq!(give(&world, &[("bob", 1), ("cid", 2)], false).await, None);
    assert_eq!(give(&world, &[("bob", 3)], false).await, None);
    assert_eq!(give(&world, &[("cid", -9)], false).await, None);
    let view =
        |turn: &mut Turn<'_>| Ok(turn.room.user_properties_view(&turn.room.users[&name("bob")]));
    let bob = world.teach(view).await.unwrap();
    assert_eq!(bob["reward"], json!({"count": 4}));
    assert_eq!(world.user("cid").await.rewards, 0, "nobody has less than none");
    let frames = teacher.of(22);
    assert_eq!(frames.len(), 4);
    assert_eq!(frames[2]["data"]["cause"]["cmd"], 1101);
    assert_eq!(frames[2]["data"]["changeProperties"], json!({"reward.count": 4}));
    let told = world.events(1101).await;
    assert_eq!(
        told[1]["rewardDetails"],
        json!([{"userUuid": "bob", "changedReward": 3, "total": 4, "totalReward": 4}])
    );
    assert!(told[1]["updateTime"].is_u64());
    assert_eq!(told[2]["rewardDetails"][0]["changedReward"], -2);
}

#[tokio::test]
async fn c084_a_batch_is_told_in_one_frame() {
    let (world, teacher) = World::class(RoomType::Small, &["bob", "cid"]).await;
    teacher.forget();
    assert_eq!(give(&world, &[("bob", 1), ("cid", 2), ("bob", 1)], true).await, None);
    let frames = teacher.frames();
    assert_eq!(frames.len(), 1);
    let frame = &frames[0];
    assert_eq!((&frame["batch"]["total"], &frame["batch"]["progress"]), (&json!(2), &json!(2)));
    let list = frame["list"].as_array().unwrap();
    let counts: Vec<_> = list.iter().map(|one| &one["changeProperties"]["reward.count"]).collect();
    assert_eq!(counts, [&json!(2), &json!(2)]);
    assert_eq!(list[0]["fromUser"]["userUuid"], "bob");
    assert_eq!(world.user("bob").await.rewards, 2);
}

#[tokio::test]
async fn rewards_for_whom_there_are_none_change_nothing() {
    let (world, _) = World::class(RoomType::Small, &["bob"]).await;
    assert_eq!(give(&world, &[("bob", 1), ("zoe", 1)], false).await, Some(Refusal::NoUser));
    let many = vec![("bob", 1); 101];
    for list in [&[][..], &[("bob", 0)], &[("bob", 101)], &[("ann", 1)], &many] {
        assert!(matches!(give(&world, list, true).await, Some(Refusal::Argument(_))));
    }
    let own = world.learn("bob", |turn| turn.give_rewards(&[(name("bob"), 1)], true)).await;
    assert_eq!(refusal(own), Some(Refusal::NotAllowed));
    assert_eq!(world.user("bob").await.rewards, 0);
}

#[tokio::test]
async fn c086_c139_properties_of_several_users_are_told_in_one_frame() {
    let (world, teacher) = World::class(RoomType::Small, &["bob", "cid"]).await;
    teacher.forget();
    let set = |user: &str, value: Value| (name(user), Edit::set(tree(&value)), json!({"why": 1}));
    let edits = vec![
        set("bob", json!({"a.b": 1})),
        set("cid", json!({"a": {"b": 2}})),
        set("bob", json!({"a.c": 3})),
    ];
    world.teach(|turn| turn.edit_users_properties(edits)).await.unwrap();
    let frames = teacher.frames();
    assert_eq!((frames.len(), &frames[0]["cmd"]), (1, &json!(22)));
    assert_eq!(frames[0]["list"][1]["changeProperties"], json!({"flexProps.a": {"b": 2}}));
    assert_eq!(frames[0]["list"][0]["cause"], json!({"why": 1}));
    assert_eq!(Value::Object(world.user("bob").await.flex), json!({"a": {"b": 1, "c": 3}}));
    let gone = |user: &str| (name(user), Edit::remove(vec!["a.b".into()]), Value::Null);
    let both = vec![gone("bob"), gone("cid")];
    world.teach(|turn| turn.edit_users_properties(both)).await.unwrap();
    assert_eq!(teacher.frames()[1]["cmd"], 23);
    // A student changes its own, and together with others' not even those.
    let own = vec![set("bob", json!({"x": 1}))];
    world.learn("bob", |turn| turn.edit_users_properties(own)).await.unwrap();
    let before = world.user("bob").await;
    let others = vec![set("bob", json!({"y": 1})), set("cid", json!({"y": 1}))];
    let refused = world.learn("bob", |turn| turn.edit_users_properties(others)).await;
    assert_eq!(refusal(refused), Some(Refusal::NotAllowed));
    assert_eq!(world.user("bob").await, before);
}

#[tokio::test]
async fn c087_a_tag_is_set_and_told() {
    let (world, teacher) = World::class(RoomType::Small, &["bob"]).await;
    world.teach(|turn| turn.set_tag(&name("bob"), "level", json!({"is": 2}))).await.unwrap();
    let frame = teacher.frames().last().unwrap().clone();
    assert_eq!(frame["data"]["changeProperties"], json!({"tags.level": {"is": 2}}));
    assert_eq!(Value::Object(world.user("bob").await.tags), json!({"level": {"is": 2}}));
    let own = world.learn("bob", |turn| turn.set_tag(&name("bob"), "level", json!(1))).await;
    assert_eq!(refusal(own), Some(Refusal::NotAllowed));
    let dots = world.teach(|turn| turn.set_tag(&name("bob"), "a.b", json!(1))).await;
    assert!(matches!(refusal(dots), Some(Refusal::Argument(_))));
}
