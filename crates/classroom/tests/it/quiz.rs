//! Polls, quizzes and countdowns.

use std::time::Duration;

use serde_json::{Value, json};
use stoa_classroom::Refusal;
use stoa_classroom::room::{By, RecordList, Turn};
use stoa_core::{ClassRole, RoomType};

use crate::world::{STUDENT, World, by, name, refusal};

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

async fn start_quiz(world: &World, correct: &[&str]) -> Result<String, Option<Refusal>> {
    let (items, correct) = (texts(&["A", "B", "C"]), texts(correct));
    let started = world.teach(move |turn| turn.start_quiz(&items, &correct, None)).await;
    started.map_err(|error| refusal::<()>(Err(error)))
}

async fn select(world: &World, id: &str, user: &'static str, items: &[&str]) -> Option<Refusal> {
    let (id, items) = (id.to_owned(), texts(items));
    refusal(world.learn(user, move |turn| turn.answer_quiz(&id, &name(user), &items)).await)
}

async fn start_poll(
    world: &World,
    mode: u64,
    items: &[&str],
    title: &str,
) -> Result<String, Option<Refusal>> {
    let (items, title) = (texts(items), title.to_owned());
    let started = world.teach(move |turn| turn.start_poll(mode, &items, &title, None)).await;
    started.map_err(|error| refusal::<()>(Err(error)))
}

async fn vote(world: &World, id: &str, user: &'static str, chosen: &[u64]) -> Option<Refusal> {
    let (id, chosen) = (id.to_owned(), chosen.to_vec());
    refusal(world.learn(user, move |turn| turn.answer_poll(&id, &name(user), &chosen)).await)
}

async fn records(world: &World, list: RecordList) -> Vec<Value> {
    world.records("room", &list, None, false, 100).await.0
}

#[tokio::test]
async fn c094_c212_students_never_see_a_right_answer_before_the_end() {
    let (world, teacher) = World::class(RoomType::Small, &["cid"]).await;
    let student = world.attend("room", "bob", STUDENT).await;
    let observer = world.attend("room", "oda", ClassRole::Observer).await;
    let id = start_quiz(&world, &["B"]).await.unwrap();
    assert_eq!(select(&world, &id, "bob", &["B"]).await, None);
    assert_eq!(select(&world, &id, "cid", &["A"]).await, None);
    let anew = (id.clone(), texts(&["A", "C"]));
    world.teach(move |turn| turn.set_quiz_correct(&anew.0, &anew.1)).await.unwrap();
    let secrets = ["correctItems", "correctCount", "averageAccuracy", "isCorrect"];
    let holds = |text: &str| secrets.iter().any(|secret| text.contains(secret));
    let heard = Value::from(student.heard.lock().clone()).to_string();
    assert!(!holds(&heard), "{heard}");
    for ear in [&teacher, &observer] {
        assert!(holds(&Value::from(ear.heard.lock().clone()).to_string()));
    }
    let entry = world.enter("room", "dot", STUDENT).await.unwrap().view.to_string();
    assert!(!holds(&entry), "{entry}");
    let again = world.enter("room", "bob", STUDENT).await.unwrap().view;
    assert_eq!(
        again["localUser"]["userProperties"]["widgets"]["popupQuiz"]["selectedItems"],
        json!(["B"])
    );
    assert!(!holds(&again.to_string()));
    let frames = world.classroom.frames(&world.scope(), &name("room"), 1, 100).await.unwrap();
    assert!(frames.iter().all(|frame| !holds(&frame.view(false).to_string())));
    let extra = world.properties("room", true).await["widgets"]["popupQuiz"]["extra"].clone();
    assert_eq!((&extra["answerState"], &extra["correctItems"]), (&json!(1), &json!(["A", "C"])));
    assert_eq!(extra["popupQuizId"], json!(id));
}

#[tokio::test]
async fn c095_an_answer_is_counted_once_and_may_be_changed_until_the_end() {
    let (mut world, _) = World::class(RoomType::Small, &["bob", "cid", "dot"]).await;
    let id = start_quiz(&world, &["A", "B"]).await.unwrap();
    let stands = || async {
        let extra = world.properties("room", true).await["widgets"]["popupQuiz"]["extra"].clone();
        ["totalCount", "selectedCount", "correctCount"].map(|name| extra[name].as_u64().unwrap())
    };
    assert_eq!(select(&world, &id, "bob", &["B", "A"]).await, None);
    assert_eq!(select(&world, &id, "cid", &["A"]).await, None);
    assert_eq!(stands().await, [3, 2, 1]);
    assert_eq!(select(&world, &id, "bob", &["C"]).await, None);
    assert_eq!(stands().await, [3, 2, 0]);
    assert_eq!(select(&world, &id, "bob", &["A", "B"]).await, None);
    assert_eq!(select(&world, &id, "bob", &["A", "B"]).await, None);
    assert_eq!(stands().await, [3, 2, 1]);
    for bad in [&["D"][..], &["A", "A"], &[]] {
        assert!(matches!(select(&world, &id, "dot", bad).await, Some(Refusal::Argument(_))));
    }
    assert_eq!(select(&world, "other", "dot", &["A"]).await, Some(Refusal::NotAccepted));
    let for_another = (id.clone(), texts(&["A"]));
    let forged = world
        .learn("bob", move |turn| turn.answer_quiz(&for_another.0, &name("dot"), &for_another.1));
    assert_eq!(refusal(forged.await), Some(Refusal::NotAllowed));
    world.restart().await;
    let stop = id.clone();
    world.teach(move |turn| turn.stop_quiz(&stop)).await.unwrap();
    assert_eq!(select(&world, &id, "dot", &["A"]).await, Some(Refusal::Conflict));
}

#[tokio::test]
async fn c096_c097_other_right_answers_are_counted_anew_and_shown_at_the_end() {
    let (world, _) = World::class(RoomType::Small, &["cid", "dot"]).await;
    let student = world.attend("room", "bob", STUDENT).await;
    let id = start_quiz(&world, &["A"]).await.unwrap();
    assert_eq!(start_quiz(&world, &["A"]).await, Err(Some(Refusal::Conflict)));
    for (user, item) in [("bob", "B"), ("cid", "A"), ("dot", "A")] {
        assert_eq!(select(&world, &id, user, &[item]).await, None);
    }
    let accuracy = || async {
        let extra = world.properties("room", true).await["widgets"]["popupQuiz"]["extra"].clone();
        extra["averageAccuracy"].as_f64().unwrap()
    };
    assert!((accuracy().await - 2.0 / 3.0).abs() < 1e-9);
    let anew = id.clone();
    world.teach(move |turn| turn.set_quiz_correct(&anew, &texts(&["B"]))).await.unwrap();
    assert!((accuracy().await - 1.0 / 3.0).abs() < 1e-9);
    student.forget();
    let stop = id.clone();
    let refused = id.clone();
    let own = world.learn("bob", move |turn| turn.stop_quiz(&refused)).await;
    assert_eq!(refusal(own), Some(Refusal::NotAllowed));
    world.teach(move |turn| turn.stop_quiz(&stop)).await.unwrap();
    let extra = world.properties("room", false).await["widgets"]["popupQuiz"]["extra"].clone();
    assert_eq!((&extra["answerState"], &extra["correctItems"]), (&json!(0), &json!(["B"])));
    let told = student.of(4)[0]["data"]["changeProperties"].clone();
    assert_eq!(told["widgets.popupQuiz.extra.correctItems"], json!(["B"]));
    let own = student.of(22)[0]["data"]["changeProperties"].clone();
    assert_eq!(own, json!({"widgets.popupQuiz.isCorrect": true}));
    let entry = world.enter("room", "cid", STUDENT).await.unwrap().view;
    assert_eq!(entry["localUser"]["userProperties"]["widgets"]["popupQuiz"]["isCorrect"], false);
    // The next one begins anew.
    let next = start_quiz(&world, &["C"]).await.unwrap();
    assert_eq!(select(&world, &next, "bob", &["C"]).await, None);
    let extra = world.properties("room", true).await["widgets"]["popupQuiz"]["extra"].clone();
    assert_eq!((&extra["selectedCount"], &extra["correctCount"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn c098_answers_are_read_by_page_and_not_by_students() {
    let (world, _) = World::class(RoomType::Small, &["bob", "cid", "dot"]).await;
    let id = start_quiz(&world, &["A"]).await.unwrap();
    for user in ["dot", "bob"] {
        assert_eq!(select(&world, &id, user, &["A"]).await, None);
    }
    let page = |by: By, after: Option<&'static str>| {
        let id = id.clone();
        world.act("room", by, move |turn| turn.quiz_answers(&id, after.map(name).as_ref(), 1))
    };
    let observer = by("oda", ClassRole::Observer);
    let (list, next) = page(observer.clone(), None).await.unwrap();
    assert_eq!(
        (list.len(), list[0]["ownerUserUuid"].as_str(), next),
        (1, Some("bob"), Some(name("bob")))
    );
    assert_eq!(list[0]["isCorrect"], true);
    let (list, next) = page(observer, Some("bob")).await.unwrap();
    assert_eq!((list[0]["ownerUserUuid"].as_str(), next), (Some("dot"), None));
    assert_eq!(refusal(page(by("bob", STUDENT), None).await), Some(Refusal::NotAllowed));
}

#[tokio::test]
async fn c099_c100_c101_a_poll_is_answered_once() {
    let (world, teacher) = World::class(RoomType::Small, &["bob", "cid", "dot"]).await;
    for bad in [&["x"][..], &["a", "b", "c", "d", "e", "f"], &["a", "a"], &["a", ""]] {
        assert!(matches!(start_poll(&world, 1, bad, "T").await, Err(Some(Refusal::Argument(_)))));
    }
    assert!(matches!(
        start_poll(&world, 1, &["a", "b"], "").await,
        Err(Some(Refusal::Argument(_)))
    ));
    assert!(matches!(
        start_poll(&world, 3, &["a", "b"], "T").await,
        Err(Some(Refusal::Argument(_)))
    ));
    let id = start_poll(&world, 1, &["a", "b"], "T").await.unwrap();
    for bad in [&[0, 1][..], &[2], &[]] {
        assert!(matches!(vote(&world, &id, "bob", bad).await, Some(Refusal::Argument(_))));
    }
    assert_eq!(vote(&world, &id, "bob", &[0]).await, None);
    assert_eq!(vote(&world, &id, "bob", &[1]).await, Some(Refusal::Conflict));
    for user in ["cid", "dot"] {
        assert_eq!(vote(&world, &id, user, &[1]).await, None);
    }
    let extra = world.properties("room", false).await["widgets"]["poll"]["extra"].clone();
    assert_eq!((&extra["pollState"], &extra["pollId"]), (&json!(1), &json!(id)));
    assert_eq!(extra["pollDetails"]["0"]["num"], 1);
    assert_eq!(extra["pollDetails"]["1"], json!({"num": 2, "percentage": 2.0 / 3.0}));
    let told = teacher.last()["changeProperties"].clone();
    assert_eq!(told["widgets.poll.extra.pollDetails"], extra["pollDetails"]);
    let stop = |turn: &mut Turn<'_>| {
        let id = turn.room.poll.as_ref().unwrap().id.clone();
        turn.stop_poll(&id)
    };
    assert_eq!(refusal(world.learn("bob", stop).await), Some(Refusal::NotAllowed));
    world.teach(stop).await.unwrap();
    assert_eq!(refusal(world.teach(stop).await), Some(Refusal::Conflict));
    world.attend("room", "eve", STUDENT).await;
    assert_eq!(vote(&world, &id, "eve", &[0]).await, Some(Refusal::Conflict));
    let extra = world.properties("room", false).await["widgets"]["poll"]["extra"].clone();
    assert_eq!(extra["pollState"], 0);
    // Several may be chosen where it is so said.
    let id = start_poll(&world, 2, &["a", "b", "c"], "T").await.unwrap();
    assert_eq!(vote(&world, &id, "bob", &[0, 2]).await, None);
    assert!(matches!(vote(&world, &id, "cid", &[1, 1]).await, Some(Refusal::Argument(_))));
}

#[tokio::test]
async fn results_are_not_forged_by_the_record_of_the_widget() {
    let (world, _) = World::class(RoomType::Small, &["bob"]).await;
    start_poll(&world, 1, &["a", "b"], "T").await.unwrap();
    start_quiz(&world, &["A"]).await.unwrap();
    world.teach(|turn| turn.start_countdown(60, None)).await.unwrap();
    for (id, extra) in [
        ("poll", json!({"pollDetails": {"0": {"num": 9}}})),
        ("poll", json!({"pollDetails.0.num": 9})),
        ("popupQuiz", json!({"correctItems": ["B"]})),
        ("popupQuiz", json!({"answerState": 0})),
        ("countdownTimer", json!({"duration": 9})),
    ] {
        let record = json!({"extra": extra}).as_object().unwrap().clone();
        let forged = world.teach(move |turn| turn.set_widget(id, record, &Value::Null)).await;
        assert!(matches!(refusal(forged), Some(Refusal::Argument(_))), "{id}");
        let keys = vec!["pollDetails".to_owned()];
        let erased = world.teach(move |turn| turn.remove_widget_extra(id, &keys)).await;
        assert!(matches!(refusal(erased), Some(Refusal::Argument(_))), "{id}");
        let place = json!({"position": {"xaxis": 0.5}, "extra": {"zIndex": 2}});
        let place = place.as_object().unwrap().clone();
        world.teach(move |turn| turn.set_widget(id, place, &Value::Null)).await.unwrap();
    }
    // Who removes it ends it.
    world.teach(|turn| turn.remove_widget("popupQuiz")).await.unwrap();
    start_quiz(&world, &["B"]).await.unwrap();
}

#[tokio::test]
async fn c059_c060_what_happened_in_polls_and_quizzes_is_kept_for_the_back_end() {
    let (world, _) = World::class(RoomType::Small, &["bob"]).await;
    let poll = start_poll(&world, 1, &["a", "b"], "T").await.unwrap();
    vote(&world, &poll, "bob", &[1]).await;
    let stop = poll.clone();
    world.teach(move |turn| turn.stop_poll(&stop)).await.unwrap();
    let list = records(&world, RecordList::Poll).await;
    let actions: Vec<_> =
        list.iter().map(|record| record["cause"]["action"].as_u64().unwrap()).collect();
    assert_eq!(actions, [1, 3, 4, 2]);
    assert_eq!(list[1]["fromUser"]["userUuid"], "bob");
    assert_eq!(list[1]["changeProperties"], json!({"pollId": poll, "selectIndex": [1]}));
    assert_eq!(
        (&list[2]["operator"]["userUuid"], &list[2]["widgetUuid"]),
        (&json!("server"), &json!("poll"))
    );
    let quiz = start_quiz(&world, &["A"]).await.unwrap();
    select(&world, &quiz, "bob", &["A"]).await;
    let list = records(&world, RecordList::Quiz).await;
    assert_eq!(list[1]["changeProperties"]["isCorrect"], true);
    assert_eq!(list[1]["cause"], json!({"popQuizId": quiz, "popupQuizId": quiz, "action": 3}));
    let (page, next) = world.records("room", &RecordList::Poll, None, false, 2).await;
    let (rest, last) = world.records("room", &RecordList::Poll, next, false, 2).await;
    assert_eq!((page.len(), rest.len(), last), (2, 2, None));
}

#[tokio::test]
async fn a_lecture_is_told_of_answers_once_a_second() {
    let (world, teacher) = World::class(RoomType::Lecture, &["bob", "cid", "dot"]).await;
    let poll = start_poll(&world, 1, &["a", "b"], "T").await.unwrap();
    let quiz = start_quiz(&world, &["A"]).await.unwrap();
    teacher.forget();
    for user in ["bob", "cid", "dot"] {
        assert_eq!(vote(&world, &poll, user, &[1]).await, None);
        assert_eq!(select(&world, &quiz, user, &["A"]).await, None);
    }
    assert_eq!(teacher.frames().len(), 0);
    world.pass(Duration::from_secs(1)).await;
    let frames = teacher.frames();
    assert_eq!(frames.len(), 2);
    assert_eq!(
        frames[0]["data"]["changeProperties"]["widgets.poll.extra.pollDetails"]["1"]["num"],
        3
    );
}

#[tokio::test]
async fn c102_c103_a_countdown_keeps_its_time_while_it_is_held() {
    let (mut world, _) = World::class(RoomType::Small, &["bob"]).await;
    for bad in [0, 3601] {
        let refused = world.teach(move |turn| turn.start_countdown(bad, None)).await;
        assert!(matches!(refusal(refused), Some(Refusal::Argument(_))));
    }
    let refused = world.learn("bob", |turn| turn.start_countdown(60, None)).await;
    assert_eq!(refusal(refused), Some(Refusal::NotAllowed));
    let id = world.teach(|turn| turn.start_countdown(60, None)).await.unwrap();
    let other = world.teach(|turn| turn.pause_countdown("other")).await;
    assert_eq!(refusal(other), Some(Refusal::NotAccepted));
    let now = |world: &World| stoa_core::Clock::now(&*world.clock).as_millis();
    let extra = world.properties("room", false).await["widgets"]["countdownTimer"]["extra"].clone();
    assert_eq!(extra["countdownTimerId"], json!(id));
    assert_eq!((&extra["startTime"], &extra["totalDuration"]), (&json!(now(&world)), &json!(60)));
    world.pass(Duration::from_millis(20_400)).await;
    let again = id.clone();
    world.teach(move |turn| turn.pause_countdown(&again)).await.unwrap();
    world.restart().await;
    let extra = world.properties("room", false).await["widgets"]["countdownTimer"]["extra"].clone();
    assert_eq!((&extra["state"], &extra["duration"]), (&json!(0), &json!(40)));
    let again = id.clone();
    let twice = world.teach(move |turn| turn.pause_countdown(&again)).await;
    assert_eq!(refusal(twice), Some(Refusal::Conflict));
    world.pass(Duration::from_secs(500)).await;
    let again = id.clone();
    world.teach(move |turn| turn.continue_countdown(&again)).await.unwrap();
    let extra = world.properties("room", false).await["widgets"]["countdownTimer"]["extra"].clone();
    assert_eq!((&extra["state"], &extra["startTime"]), (&json!(1), &json!(now(&world))));
    world.pass(Duration::from_millis(39_000)).await;
    let again = id.clone();
    world.teach(move |turn| turn.pause_countdown(&again)).await.unwrap();
    let extra = world.properties("room", false).await["widgets"]["countdownTimer"]["extra"].clone();
    assert_eq!(extra["duration"], 1);
    world.teach(move |turn| turn.stop_countdown(&id)).await.unwrap();
    let extra = world.properties("room", false).await["widgets"]["countdownTimer"]["extra"].clone();
    assert_eq!((&extra["state"], &extra["duration"]), (&json!(0), &json!(0)));
}
