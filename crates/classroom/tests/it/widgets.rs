//! Widgets whose records are kept unread.

use serde_json::{Value, json};
use stoa_classroom::Refusal;
use stoa_classroom::room::{AWAITED, Turn, USER_WIDGETS_BYTES, WINDOWS_BYTES};
use stoa_classroom::tree::Tree;
use stoa_core::{ClassRole, RoomType};

use crate::world::{World, by, name, refusal};

fn tree(value: &Value) -> Tree {
    value.as_object().unwrap().clone()
}

fn set(
    id: &'static str,
    record: Value,
) -> impl FnOnce(&mut Turn<'_>) -> Result<(), Refusal> + Send + 'static {
    move |turn| turn.set_widget(id, tree(&record), &Value::Null)
}

#[tokio::test]
async fn c088_c154_a_record_is_merged_and_told_with_its_cause() {
    let (world, teacher) = World::class(RoomType::Small, &["bob"]).await;
    let first = json!({"state": 1, "position": {"xaxis": 0.1}, "extra": {"a": {"x": 1}, "b": 2}});
    world.teach(set("webView-1", first)).await.unwrap();
    world.teach(set("webView-1", json!({"extra": {"a.y": 3, "c": {"d": 4}}}))).await.unwrap();
    world.teach(set("webView-1", json!({"position": {"yaxis": 0.2}}))).await.unwrap();
    let record = world.properties("room", false).await["widgets"]["webView-1"].clone();
    let want = json!({
        "state": 1,
        "position": {"yaxis": 0.2},
        "extra": {"a": {"x": 1, "y": 3}, "b": 2, "c": {"d": 4}},
    });
    assert_eq!(record, want);
    let frames = teacher.of(4);
    let cause = json!({"actionType": 1, "widgetUuid": "webView-1"});
    assert!(frames.iter().all(|frame| frame["data"]["cause"] == cause));
    assert_eq!(
        frames[1]["data"]["changeProperties"],
        json!({"widgets.webView-1.extra.a.y": 3, "widgets.webView-1.extra.c": {"d": 4}})
    );
    for bad in [
        json!({"state": 2}),
        json!({"extra": 1}),
        json!({"position": [1]}),
        json!({"ownerUserUuid": 1}),
    ] {
        assert!(matches!(
            refusal(world.teach(set("webView-1", bad)).await),
            Some(Refusal::Argument(_))
        ));
    }
    let dots = world.teach(set("web.view", json!({"state": 1}))).await;
    assert!(matches!(refusal(dots), Some(Refusal::Argument(_))));
    let large = world.teach(set("webView-2", json!({"extra": {"a": "x".repeat(1 << 20)}}))).await;
    assert!(matches!(refusal(large), Some(Refusal::Argument(_))));
}

#[tokio::test]
async fn c089_the_widget_of_somebody_who_leaves_is_switched_off() {
    let (world, teacher) = World::class(RoomType::Small, &["bob"]).await;
    world.attend("room", "amy", ClassRole::Assistant).await;
    let record = json!({"state": 1, "ownerUserUuid": "amy"});
    world.teach(set("mediaPlayer-1", record)).await.unwrap();
    world.teach(set("mediaPlayer-2", json!({"state": 1, "ownerUserUuid": "ann"}))).await.unwrap();
    world.teach(|turn| turn.put_out(&name("amy"), None)).await.unwrap();
    world.pass(AWAITED).await;
    let widgets = world.properties("room", false).await["widgets"].clone();
    assert_eq!(
        (&widgets["mediaPlayer-1"]["state"], &widgets["mediaPlayer-2"]["state"]),
        (&json!(0), &json!(1))
    );
    let off = teacher.of(4).last().unwrap()["data"].clone();
    assert_eq!(off["changeProperties"], json!({"widgets.mediaPlayer-1.state": 0}));
    assert_eq!(off["cause"]["widgetUuid"], "mediaPlayer-1");
}

#[tokio::test]
async fn c090_c091_widgets_and_keys_are_removed() {
    let (world, teacher) = World::class(RoomType::Small, &["bob"]).await;
    world.teach(set("webView-1", json!({"extra": {"a": {"x": 1}, "b": 2}}))).await.unwrap();
    let keys = vec!["a.x".to_owned(), "no".to_owned()];
    world.teach(move |turn| turn.remove_widget_extra("webView-1", &keys)).await.unwrap();
    let record = world.properties("room", false).await["widgets"]["webView-1"].clone();
    assert_eq!(record, json!({"extra": {"a": {}, "b": 2}}));
    world.teach(|turn| turn.remove_widget("webView-1")).await.unwrap();
    world.teach(|turn| turn.remove_widget("webView-1")).await.unwrap();
    let widgets = world.properties("room", false).await["widgets"].clone();
    assert!(widgets["webView-1"].is_null());
    let gone = teacher.of(5);
    assert_eq!(gone.len(), 2);
    assert_eq!(gone[1]["data"]["changeProperties"], json!({"widgets.webView-1": "deleted"}));
    assert_eq!(gone[1]["data"]["cause"], json!({"actionType": 2, "widgetUuid": "webView-1"}));
    let student = world.learn("bob", |turn| turn.remove_widget("x")).await;
    assert_eq!(refusal(student), Some(Refusal::NotAllowed));
    let student = world.learn("bob", |turn| turn.remove_widget_extra("x", &[])).await;
    assert_eq!(refusal(student), Some(Refusal::NotAllowed));
}

#[tokio::test]
async fn c092_a_users_record_is_its_own() {
    let (world, teacher) = World::class(RoomType::Small, &["bob", "cid"]).await;
    let write = |turn: &mut Turn<'_>| {
        turn.set_user_widget(&name("bob"), "netlessBoard", tree(&json!({"initial": true, "a": 1})))
    };
    world.learn("bob", write).await.unwrap();
    let frame = teacher.of(22)[0]["data"].clone();
    assert_eq!(frame["fromUser"]["userUuid"], "bob");
    assert_eq!(frame["cause"]["widgetUuid"], "netlessBoard");
    assert_eq!(refusal(world.learn("cid", write).await), Some(Refusal::NotAllowed));
    assert_eq!(refusal(world.teach(write).await), Some(Refusal::NotAllowed));
    let keys = vec!["a".to_owned()];
    let erase =
        move |turn: &mut Turn<'_>| turn.remove_user_widget(&name("bob"), "netlessBoard", &keys);
    assert_eq!(refusal(world.learn("cid", erase.clone()).await), Some(Refusal::NotAllowed));
    world.learn("bob", erase).await.unwrap();
    let kept = world.user("bob").await.widgets;
    assert_eq!(kept["netlessBoard"], json!({"initial": true}));
    let large = json!({"a": "x".repeat(USER_WIDGETS_BYTES)});
    let large = move |turn: &mut Turn<'_>| turn.set_user_widget(&name("bob"), "w", tree(&large));
    assert!(matches!(refusal(world.learn("bob", large).await), Some(Refusal::Argument(_))));
    // Answers are no records that a student writes.
    for id in ["poll", "popupQuiz"] {
        let forged = move |turn: &mut Turn<'_>| {
            turn.set_user_widget(&name("bob"), id, tree(&json!({"isCorrect": true})))
        };
        assert_eq!(refusal(world.learn("bob", forged).await), Some(Refusal::NotAllowed));
    }
}

#[tokio::test]
async fn c093_whoever_may_draw_moves_windows_and_gives_nothing_away() {
    let (world, _) = World::class(RoomType::Small, &["bob", "cid.x"]).await;
    world.teach(set("webView-1", json!({"state": 1}))).await.unwrap();
    let grant = |user: &str| {
        let mut extra = Tree::new();
        extra.insert(format!("grantedUsers.{user}"), json!(true));
        json!({"extra": extra})
    };
    let moved = || json!({"position": {"xaxis": 0.5}, "extra": {"zIndex": 3}});
    for user in ["bob", "cid.x"] {
        let own = world.learn(user, set("netlessBoard", grant(user))).await;
        assert_eq!(refusal(own), Some(Refusal::NotAllowed));
        let window = world.learn(user, set("webView-1", moved())).await;
        assert_eq!(refusal(window), Some(Refusal::NotAllowed));
        world.teach(set("netlessBoard", grant(user))).await.unwrap();
        world.learn(user, set("webView-1", moved())).await.unwrap();
        // Not more than to move: no other user, no other widget, not on and off, none that is not there.
        for (id, record) in [
            ("netlessBoard", grant("cid")),
            ("webView-1", json!({"state": 0})),
            ("webView-1", json!({"ownerUserUuid": "bob"})),
            ("webView-2", moved()),
            ("streamWindow-1", moved()),
            ("custom", moved()),
        ] {
            assert_eq!(
                refusal(world.learn(user, set(id, record)).await),
                Some(Refusal::NotAllowed)
            );
        }
    }
}

#[tokio::test]
async fn c104_the_board_keeps_its_windows() {
    let (mut world, _) = World::class(RoomType::Small, &["bob"]).await;
    let windows = json!({"apps": [{"id": 1, "x": 0.5}], "focus": null});
    let keep = windows.clone();
    world.teach(move |turn| turn.set_board_windows(keep)).await.unwrap();
    world.restart().await;
    let kept = world.learn("bob", |turn| Ok(turn.room.board_windows.clone())).await.unwrap();
    assert_eq!(kept, windows);
    let large = json!("x".repeat(WINDOWS_BYTES));
    let large = world.teach(move |turn| turn.set_board_windows(large)).await;
    assert!(matches!(refusal(large), Some(Refusal::Argument(_))));
    let student = world.learn("bob", |turn| turn.set_board_windows(json!({}))).await;
    assert_eq!(refusal(student), Some(Refusal::NotAllowed));
    let observer = world.act("room", by("oda", ClassRole::Observer), set("x", json!({}))).await;
    assert_eq!(refusal(observer), Some(Refusal::NotAllowed));
}
