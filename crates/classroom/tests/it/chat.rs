//! The chat of a class over its own stream.

use serde_json::json;
use stoa_classroom::Refusal;
use stoa_classroom::room::{By, CHAT_CHARS, RecordList};
use stoa_core::{ClassRole, RoomType};

use crate::world::{STUDENT, World, by, name, refusal};

async fn page(
    world: &World,
    list: RecordList,
    after: Option<u64>,
    last_first: bool,
    most: usize,
) -> (Vec<String>, Option<u64>) {
    let (page, next) = world.records("room", &list, after, last_first, most).await;
    (page.into_iter().map(|value| value["message"].as_str().unwrap().to_owned()).collect(), next)
}

#[tokio::test]
async fn c106_c145_c158_everybody_hears_what_is_said_and_the_back_end_too() {
    let (world, teacher) = World::class(RoomType::Small, &["bob"]).await;
    let id = world.learn("bob", |turn| turn.say("hi", 1)).await.unwrap();
    let data = teacher.of(3)[0]["data"].clone();
    assert_eq!((&data["message"], &data["messageId"]), (&json!("hi"), &json!(id)));
    assert_eq!(data["fromUser"], json!({"userUuid": "bob", "userName": "bob", "role": "audience"}));
    assert_eq!(data["ext"]["range"], 1);
    let from = data["fromUser"].clone();
    assert_eq!(world.events(3).await, [json!({"fromUser": from, "message": "hi", "type": 1})]);
    for bad in [String::new(), "é".repeat(CHAT_CHARS + 1)] {
        let refused = world.learn("bob", move |turn| turn.say(&bad, 1)).await;
        assert!(matches!(refusal(refused), Some(Refusal::Argument(_))));
    }
    world.learn("bob", |turn| turn.say(&"é".repeat(CHAT_CHARS), 1)).await.unwrap();
    let refused = world.learn("bob", |turn| turn.say("x", 2)).await;
    assert!(matches!(refusal(refused), Some(Refusal::Argument(_))));
    for role in [ClassRole::Observer, ClassRole::Invisible] {
        world.attend("room", "oda", role).await;
        let refused = world.act("room", by("oda", role), |turn| turn.say("x", 1)).await;
        assert_eq!(refusal(refused), Some(Refusal::NotAllowed));
    }
    let absent = world.learn("zoe", |turn| turn.say("x", 1)).await;
    assert_eq!(refusal(absent), Some(Refusal::NoUser));
    world.act("room", By::App, |turn| turn.say("from the app", 1)).await.unwrap();
}

#[tokio::test]
async fn c107_the_history_is_read_by_page_in_both_directions() {
    let (mut world, _) = World::class(RoomType::Small, &["bob"]).await;
    for text in ["1", "2", "3"] {
        world.learn("bob", move |turn| turn.say(text, 1)).await.unwrap();
    }
    world.restart().await;
    let (first, next) = page(&world, RecordList::Chat, None, false, 2).await;
    assert_eq!(first, ["1", "2"]);
    assert_eq!(page(&world, RecordList::Chat, next, false, 2).await, (vec!["3".into()], None));
    let (last, next) = page(&world, RecordList::Chat, None, true, 2).await;
    assert_eq!(last, ["3", "2"]);
    assert_eq!(page(&world, RecordList::Chat, next, true, 2).await, (vec!["1".into()], None));
}

#[tokio::test]
async fn c108_students_are_muted_and_the_teacher_is_not() {
    let (world, teacher) = World::class(RoomType::Small, &["bob"]).await;
    let own = world.learn("bob", |turn| turn.set_mute(false)).await;
    assert_eq!(refusal(own), Some(Refusal::NotAllowed));
    world.teach(|turn| turn.set_mute(true)).await.unwrap();
    assert_eq!(world.properties("room", false).await["muteChat"], 1);
    assert_eq!(teacher.of(4)[0]["data"]["changeProperties"], json!({"muteChat": 1}));
    let muted = world.learn("bob", |turn| turn.say("x", 1)).await;
    assert_eq!(refusal(muted), Some(Refusal::Muted));
    world.teach(|turn| turn.say("listen", 1)).await.unwrap();
    world.teach(|turn| turn.set_mute(false)).await.unwrap();
    world.learn("bob", |turn| turn.say("x", 1)).await.unwrap();
}

#[tokio::test]
async fn c109_c110_a_conversation_is_of_a_student_and_those_who_teach() {
    let (world, teacher) = World::class(RoomType::Small, &[]).await;
    let assistant = world.attend("room", "amy", ClassRole::Assistant).await;
    let bob = world.attend("room", "bob", STUDENT).await;
    let cid = world.attend("room", "cid", STUDENT).await;
    for ear in [&teacher, &assistant, &bob, &cid] {
        ear.forget();
    }
    let say = |text: &'static str| {
        move |turn: &mut stoa_classroom::room::Turn<'_>| turn.say_privately(&name("bob"), text, 1)
    };
    world.learn("bob", say("help")).await.unwrap();
    world.teach(say("yes")).await.unwrap();
    let heard = |ear: &crate::world::Ear| {
        let heard = ear.heard.lock().clone();
        assert!(heard.iter().all(|one| one["cmd"] == 1 && one["startSequence"].is_null()));
        heard
            .iter()
            .map(|one| one["data"]["message"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(heard(&teacher), ["help"]);
    assert_eq!(heard(&assistant), ["help", "yes"]);
    assert_eq!(heard(&bob), ["yes"]);
    assert_eq!(heard(&cid), Vec::<String>::new());
    let third = world.learn("cid", say("x")).await;
    assert_eq!(refusal(third), Some(Refusal::NotAllowed));
    let read = world.learn("cid", |turn| turn.may_read_conversation(&name("bob"))).await;
    assert_eq!(refusal(read), Some(Refusal::NotAllowed));
    world.learn("bob", |turn| turn.may_read_conversation(&name("bob"))).await.unwrap();
    let observer = world.act("room", by("oda", ClassRole::Observer), say("x")).await;
    assert_eq!(refusal(observer), Some(Refusal::NotAllowed));
    let list = RecordList::Conversation(name("bob"));
    assert_eq!(page(&world, list, None, false, 50).await.0, ["help", "yes"]);
    let list = RecordList::Conversation(name("cid"));
    assert_eq!(page(&world, list, None, false, 50).await.0, Vec::<String>::new());
    assert_eq!(page(&world, RecordList::Chat, None, false, 50).await.0, Vec::<String>::new());
    let (list, next) = world.teach(|turn| turn.conversations(None, 50)).await.unwrap();
    assert_eq!((list.len(), &list[0]["userUuid"], next), (1, &json!("bob"), None));
    assert!(list[0]["lastMessageTs"].is_u64());
    let refused = world.learn("bob", |turn| turn.conversations(None, 50)).await;
    assert_eq!(refusal(refused), Some(Refusal::NotAllowed));
    let frames = world.classroom.frames(&world.scope(), &name("room"), 1, 100).await.unwrap();
    assert!(
        frames.iter().all(|frame| frame.cmd != 3 && frame.data.to_string().find("help").is_none())
    );
}
