//! Streams of class rooms over real sockets, the room in memory.

mod lab;
mod media;
mod places;
mod separation;

use std::time::Duration;

use serde_json::json;
use stoa_chat::NewUser;
use stoa_classroom::room::{AWAITED, Ban, ClassState, Turn};
use stoa_core::{App, ClassRole, RoomType, Secret, Timestamp};

use self::lab::{Heard, Lab, name, sequences};

const TEACHER: ClassRole = ClassRole::Teacher;
const STUDENT: ClassRole = ClassRole::Student;

#[tokio::test]
async fn c150_frames_have_no_hole_however_often_a_client_comes_back() {
    let lab = Lab::start().await;
    let ticket = lab.enter("room", "bob", STUDENT).await;
    let mut known = ticket.hello["sequence"].as_u64().unwrap();
    let mut ticket = ticket;
    let acts = async {
        for n in 0..400 {
            lab.mark("room", json!(n)).await;
            tokio::task::yield_now().await;
        }
    };
    let client = async {
        let mut heard = Vec::new();
        while known < 401 {
            let mut client = lab.say_hello(&ticket).await;
            heard.extend(client.is_live().await);
            // A few messages, and the connection is lost.
            for _ in 0..3 {
                if heard.last() == Some(&401) {
                    break;
                }
                heard.extend(sequences(&client.told().await));
            }
            known = heard.last().copied().unwrap_or(known);
            ticket = ticket.knowing(known);
        }
        heard
    };
    let ((), heard) = tokio::join!(acts, client);
    assert_eq!(heard, (2..=401).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_comes_through_a_proxy_is_asked_sooner_because_the_kernel_sees_the_proxy_only() {
    let lab = Lab::behind_a_proxy().await;
    for (client, quiet) in [("192.0.2.7", 15_000), ("127.0.0.1", 60_000)] {
        let ticket = lab.enter("room", "bob", STUDENT).await;
        let mut connection = lab.connect_for(client).await;
        connection.say(&ticket.hello).await;
        assert_eq!(connection.told().await["quiet"], quiet, "{client}");
    }
    let lab = Lab::start().await;
    let ticket = lab.enter("room", "bob", STUDENT).await;
    assert_eq!(lab.say_hello(&ticket).await.told().await["quiet"], 60_000);
}

#[tokio::test]
async fn c025_a_second_login_displaces_the_first_and_keeps_what_the_user_has() {
    let lab = Lab::start().await;
    let first = lab.enter("room", "bob", STUDENT).await;
    let mut old = lab.say_hello(&first).await;
    old.is_live().await;
    let streams = |turn: &mut Turn<'_>| Ok(turn.room.users[&name("bob")].streams.clone());
    let before = lab.act("room", streams).await;
    let mut new = lab.attend("room", "bob", STUDENT).await;
    assert_eq!(old.ending().await, ("displaced".into(), 4001));
    assert_eq!(lab.act("room", streams).await, before);
    // What the earlier entry gave opens nothing any more.
    assert_eq!(lab.answer(&first.hello).await, "401");
    lab.mark("room", json!(1)).await;
    assert_eq!(new.told().await["list"][0]["data"]["changeProperties"]["flexProps.mark"], 1);
}

#[tokio::test]
async fn c149_a_frame_that_a_client_sends_reaches_nobody() {
    let lab = Lab::start().await;
    let mut teacher = lab.attend("room", "ann", TEACHER).await;
    let mut student = lab.attend("room", "bob", STUDENT).await;
    let came = teacher.told().await;
    let last = sequences(&came)[0];
    let everything = |turn: &mut Turn<'_>| Ok(turn.room.clone());
    let before = lab.act("room", everything).await;
    let forged = json!({"startSequence": last + 1, "total": 1, "list": [
        {"cmd": 4, "sequence": last + 1, "data": {"changeProperties": {"state": 2}}}]});
    student.say(&forged).await;
    assert_eq!(student.told().await["code"], 400);
    assert_eq!(lab.act("room", everything).await, before);
    lab.mark("room", json!("next")).await;
    assert_eq!(sequences(&teacher.told().await), [last + 1]);
    assert_eq!(sequences(&student.told().await), [last + 1]);
}

#[tokio::test]
async fn c156_a_lost_connection_is_awaited_and_then_the_user_has_left() {
    let lab = Lab::start().await;
    let mut teacher = lab.attend("room", "ann", TEACHER).await;
    let student = lab.enter("room", "bob", STUDENT).await;
    let mut first = lab.say_hello(&student).await;
    first.is_live().await;
    let streams = |turn: &mut Turn<'_>| Ok(turn.room.users[&name("bob")].streams.clone());
    let before = lab.act("room", streams).await;
    drop(first);
    lab.is_awaited("room", "bob").await;
    lab.pass(AWAITED - Duration::from_millis(1)).await;
    // Back in time: nobody has noticed, and the user has what it had.
    let mut second = lab.say_hello(&student).await;
    second.is_live().await;
    lab.pass(AWAITED).await;
    assert_eq!(lab.act("room", streams).await, before);
    drop(second);
    lab.is_awaited("room", "bob").await;
    lab.pass(AWAITED).await;
    let [came, left] = [teacher.told().await, teacher.told().await];
    assert_eq!(came["list"][0]["data"]["onlineUsers"][0]["userUuid"], "bob");
    let gone = &left["list"][0]["data"]["offlineUsers"][0];
    assert_eq!((&gone["userUuid"], &gone["type"]), (&json!("bob"), &json!(1)));
    // It has to enter again.
    assert_eq!(lab.answer(&student.hello).await, "401");
}

#[tokio::test]
async fn c156_who_enters_and_does_not_connect_has_left_after_a_while() {
    let lab = Lab::start().await;
    lab.enter("room", "bob", STUDENT).await;
    let online = |turn: &mut Turn<'_>| Ok(turn.room.users[&name("bob")].online);
    lab.pass(AWAITED - Duration::from_millis(1)).await;
    assert!(lab.act("room", online).await);
    lab.pass(Duration::from_millis(1)).await;
    assert!(!lab.act("room", online).await);
}

#[tokio::test]
async fn who_says_so_has_left_at_once() {
    let lab = Lab::start().await;
    let mut teacher = lab.attend("room", "ann", TEACHER).await;
    let student = lab.enter("room", "bob", STUDENT).await;
    let mut client = lab.say_hello(&student).await;
    client.is_live().await;
    client.say(&json!({"type": "leave"})).await;
    assert_eq!(client.ending().await, ("left".into(), 1000));
    // No time has passed.
    let [_, left] = [teacher.told().await, teacher.told().await];
    let gone = &left["list"][0]["data"]["offlineUsers"][0];
    assert_eq!((&gone["userUuid"], &gone["type"]), (&json!("bob"), &json!(1)));
    assert_eq!(lab.answer(&student.hello).await, "401");
    // Whoever has entered elsewhere meanwhile is there with that.
    let mut old = lab.attend("room", "bob", STUDENT).await;
    let mut new = lab.attend("room", "bob", STUDENT).await;
    assert_eq!(old.ending().await, ("displaced".into(), 4001));
    lab.mark("room", json!(1)).await;
    assert_eq!(new.told().await["list"][0]["data"]["changeProperties"]["flexProps.mark"], 1);
}

#[tokio::test]
async fn whoever_is_put_out_is_told_so() {
    let lab = Lab::start().await;
    let out = |ban| move |turn: &mut Turn<'_>| turn.put_out(&name("bob"), ban);
    let mut client = lab.attend("room", "bob", STUDENT).await;
    lab.act("room", out(None)).await;
    assert_eq!(client.ending().await, ("kicked".into(), 4002));
    let mut client = lab.attend("room", "bob", STUDENT).await;
    lab.act("room", out(Some(Ban::For(60)))).await;
    assert_eq!(client.ending().await, ("banned".into(), 4003));
    let mut client = lab.attend("room", "ann", TEACHER).await;
    lab.act("room", |turn| turn.set_state(ClassState::Closed)).await;
    let Heard::Said(last) = client.hear().await else { panic!("closed before the last frame") };
    assert_eq!(last["list"][0]["data"]["changeProperties"]["state"], 3);
    assert_eq!(client.ending().await, ("closed".into(), 4004));
}

#[tokio::test]
async fn tokens_that_are_taken_back_end_what_they_let_in() {
    let lab = Lab::start().await;
    let ticket = lab.enter("room", "bob", STUDENT).await;
    let mut one = lab.say_hello(&ticket).await;
    one.is_live().await;
    let mut other = lab.attend("room", "ann", TEACHER).await;
    // One token.
    let key = lab.app().key.clone();
    let admin = lab.token(|builder| builder.chat_app());
    let back_end = lab.classroom.chat().authenticate(&key, &admin).await.unwrap();
    let token = ticket.hello["token"].as_str().unwrap();
    lab.classroom.chat().revoke_token(&back_end, token).await.unwrap();
    lab.classroom.tick().await;
    assert_eq!(one.ending().await, ("revoked".into(), 4006));
    assert_eq!(lab.answer(&ticket.hello).await, "401");
    lab.mark("room", json!(1)).await;
    assert!(other.told().await["list"].is_array());
    // All of the app: those made before a moment.
    lab.change(|app| App { revoked: Timestamp::from_secs(1_800_000_100), ..app });
    assert_eq!(other.ending().await, ("revoked".into(), 4006));
}

#[tokio::test]
async fn whose_tokens_are_revoked_is_out_of_its_classes_until_newer_ones_are_made() {
    let lab = Lab::start().await;
    let chat = lab.classroom.chat();
    let admin = lab.token(|builder| builder.chat_app());
    let back_end = chat.authenticate(&lab.app().key, &admin).await.unwrap();
    let new =
        |name: &str| NewUser { username: name.parse().unwrap(), password: None, nickname: None };
    chat.register(&back_end, vec![new("bob"), new("cid"), new("dan"), new("eve")]).await.unwrap();
    // Whoever has checked in has a name in chat, too. Case tells names apart in classes alone.
    let chat_name = name("Fay").chat_user();
    let mut others = Vec::new();
    for user in ["ann", "Bob"] {
        others.push(lab.attend("room", user, STUDENT).await);
    }
    let mut inside = Vec::new();
    for user in ["bob", "cid", "dan", "eve", "Fay", "Gil"] {
        let ticket = lab.enter("room", user, STUDENT).await;
        let mut client = lab.say_hello(&ticket).await;
        client.is_live().await;
        inside.push((ticket, client));
    }
    let [bob, cid, dan] = ["bob", "cid", "dan"].map(|name| name.parse().unwrap());
    chat.revoke_user(&back_end, &bob).await.unwrap();
    chat.set_activated(&back_end, &cid, false).await.unwrap();
    chat.delete_user(&back_end, &dan).await.unwrap();
    let password = Secret::new("of chat alone".to_owned());
    chat.set_password(&back_end, &"eve".parse().unwrap(), &password).await.unwrap();
    chat.revoke_user(&back_end, &chat_name).await.unwrap();
    chat.revoke_class_user(&back_end, &name("Gil")).await.unwrap();
    // Nobody of that name is here, and the token is there all the same.
    let away = lab.room_token("room", "Hal", STUDENT);
    chat.revoke_class_user(&back_end, &name("Hal")).await.unwrap();
    lab.classroom.tick().await;
    for (ticket, client) in &mut inside {
        let user = ticket.hello["userUuid"].as_str().unwrap().to_owned();
        if user == "eve" {
            assert_eq!(lab.answer(&ticket.hello).await, "welcome", "a password opens no class");
            continue;
        }
        assert_eq!(client.ending().await, ("revoked".into(), 4006), "{user}");
        assert_eq!(lab.answer(&ticket.hello).await, "401", "{user}");
    }
    let enters = |token: &str| lab.classroom.authenticate(&lab.app(), Some(token), None).is_ok();
    assert!(!enters(&away) && enters(&lab.room_token("room", "hal", STUDENT)));
    lab.mark("room", json!(1)).await;
    for client in &mut others {
        assert_eq!(sequences(&client.told().await).len(), 1, "nobody else");
    }
    // What a back end makes counts as of that time for a minute, since its clock may be ahead.
    assert!(!enters(&lab.room_token("room", "Hal", STUDENT)));
    lab.pass(Duration::from_secs(61)).await;
    for user in ["bob", "cid", "dan", "Fay", "Gil", "Hal"] {
        let _back = lab.attend("room", user, STUDENT).await;
    }
    assert!(!enters(&away), "never again");
}

#[tokio::test]
async fn a_certificate_that_leaked_ends_also_whom_a_later_token_keeps() {
    let lab = Lab::start().await;
    let mut client = lab.attend("room", "bob", STUDENT).await;
    let leaked = lab.app().certificates[0].fingerprint();
    lab.classroom.app_changed(&lab.app(), Some(leaked));
    assert_eq!(client.ending().await, ("revoked".into(), 4006));
}

#[tokio::test]
async fn c017_a_further_token_is_taken_over_the_stream_and_over_rest() {
    let lab = Lab::start().await;
    let mut client = lab.attend("room", "bob", STUDENT).await;
    lab.pass(Duration::from_secs(3600)).await;
    let renew = |token: String| json!({"type": "renew", "token": token});
    client.say(&renew(lab.room_token("room", "bob", STUDENT))).await;
    let renewed = client.told().await;
    let until = 1_800_000_000_000 + (3600 + 86_400) * 1000_u64;
    assert_eq!(renewed, json!({"type": "renewed", "expireTs": until}));
    for (room, user, role) in
        [("room", "bob", TEACHER), ("room", "cid", STUDENT), ("other", "bob", STUDENT)]
    {
        client.say(&renew(lab.room_token(room, user, role))).await;
        assert_eq!(client.told().await["code"], 401, "{room} {user}");
    }
    // By another door; the app's cap now cuts the first token and not the second.
    let (room, user) = (name("room"), name("bob"));
    lab.pass(Duration::from_secs(3600)).await;
    let token = lab.room_token("room", "bob", STUDENT);
    lab.classroom.renew(&lab.scope(), &room, &user, &token).await.unwrap();
    lab.change(|app| App { revoked: Timestamp::from_secs(1_800_000_000 + 7000), ..app });
    lab.mark("room", json!(1)).await;
    assert!(client.told().await["list"].is_array(), "the last token is good");
    lab.change(|app| App { revoked: Timestamp::from_secs(1_800_000_000 + 8000), ..app });
    assert_eq!(client.ending().await, ("revoked".into(), 4006));
}

#[tokio::test]
async fn who_does_not_read_is_told_to_read_the_room_anew() {
    let lab = Lab::patient().await;
    let mut slow = lab.attend("room", "bob", STUDENT).await;
    // More than the bound and what sockets hold in between.
    let large = "x".repeat(256 * 1024);
    for _ in 0..80 {
        lab.mark("room", json!(large)).await;
    }
    assert_eq!(slow.ending().await, ("resync".into(), 4008));
}

#[tokio::test]
async fn the_end_of_the_server_is_told_and_nobody_has_left() {
    let lab = Lab::start().await;
    let mut client = lab.attend("room", "bob", STUDENT).await;
    let scope = lab.scope();
    let classroom = lab.end().await;
    assert_eq!(client.ending().await, ("restart".into(), 1001));
    let server = stoa_classroom::room::By::Server;
    let awaited = |turn: &mut Turn<'_>| {
        let user = &turn.room.users[&name("bob")];
        Ok((user.online, user.awaited_until))
    };
    let found = classroom.turn(&scope, &name("room"), server, awaited).await.unwrap();
    assert_eq!(found, (true, None), "it is awaited from the next start on");
}

#[tokio::test]
async fn in_a_lecture_students_hear_what_concerns_all_and_not_who_comes() {
    let lab = Lab::start().await;
    lab.create("hall", RoomType::Lecture).await;
    let mut bob = lab.attend("hall", "bob", STUDENT).await;
    let _cid = lab.attend("hall", "cid", STUDENT).await;
    let mut ann = lab.attend("hall", "ann", TEACHER).await;
    let came = bob.told().await;
    assert_eq!(came["list"][0]["data"]["onlineUsers"][0]["userUuid"], "ann");
    lab.mark("hall", json!(1)).await;
    assert_eq!(sequences(&bob.told().await), sequences(&ann.told().await));
}
