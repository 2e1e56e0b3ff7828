//! Who may do what: every act by every role.

use serde_json::{Value, json};
use stoa_classroom::Refusal;
use stoa_classroom::room::{
    Ban, By, ClassState, GroupInfo, GroupPlan, GroupUsers, StreamChange, Turn,
};
use stoa_classroom::tree::{Edit, Tree};
use stoa_core::{ClassRole, RoomType};

use crate::pure::Pure;
use crate::world::{by, name};

type Act = fn(&mut Turn<'_>) -> Result<(), Refusal>;

/// What comes before, by the teacher, or by `bob` himself.
enum Before {
    Nothing,
    Teacher(Act),
    Bob(Act),
}

/// Those who act: the app (P), the teacher, an assistant, the student who is spoken of (S), another student (s), an
/// observer, the page that records (I).
fn actors() -> [(char, By); 7] {
    [
        ('P', By::App),
        ('T', by("ann", ClassRole::Teacher)),
        ('A', by("amy", ClassRole::Assistant)),
        ('S', by("bob", ClassRole::Student)),
        ('s', by("cid", ClassRole::Student)),
        ('O', by("oda", ClassRole::Observer)),
        ('I', by("rec", ClassRole::Invisible)),
    ]
}

fn tree(value: Value) -> Tree {
    match value {
        Value::Object(tree) => tree,
        _ => Tree::new(),
    }
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn main_stream(turn: &Turn<'_>) -> u32 {
    turn.room.users[&name("bob")].stream_uuid()
}

fn group(in_progress: bool) -> Act {
    if in_progress {
        |turn| {
            let plan = GroupPlan {
                id: Some(name("g1")),
                users: vec![name("bob")],
                ..GroupPlan::default()
            };
            turn.open_groups(vec![plan], true).map(drop)
        }
    } else {
        |turn| {
            let plan = GroupPlan {
                id: Some(name("g1")),
                users: vec![name("bob")],
                ..GroupPlan::default()
            };
            turn.open_groups(vec![plan], false).map(drop)
        }
    }
}

fn quiz_id(turn: &Turn<'_>) -> String {
    turn.room.quiz.as_ref().map(|quiz| quiz.id.clone()).unwrap_or_default()
}

fn poll_id(turn: &Turn<'_>) -> String {
    turn.room.poll.as_ref().map(|poll| poll.id.clone()).unwrap_or_default()
}

fn countdown_id(turn: &Turn<'_>) -> String {
    turn.room.countdown.as_ref().map(|countdown| countdown.id.clone()).unwrap_or_default()
}

const START_QUIZ: Act = |turn| turn.start_quiz(&texts(&["A", "B"]), &texts(&["A"]), None).map(drop);
const START_POLL: Act = |turn| turn.start_poll(1, &texts(&["a", "b"]), "T", None).map(drop);
const START_COUNTDOWN: Act = |turn| turn.start_countdown(60, None).map(drop);
const ON_STAGE: Act = |turn| turn.accept_stage(Some(&name("bob")));
const INVITED: Act = |turn| turn.ask_stage(Some(&name("bob")), 60, true, Value::Null);
const ASKED: Act = |turn| turn.ask_stage(None, 60, true, Value::Null);
const GRANTED: Act = |turn| {
    let board = tree(json!({"extra": {"grantedUsers": {"bob": true}}}));
    turn.set_widget("netlessBoard", board, &Value::Null)?;
    turn.set_widget("webView-1", tree(json!({"state": 1})), &Value::Null)?;
    let grant = tree(json!({"screenGrants": {"bob": true}}));
    turn.edit_room_properties(Edit::set(grant), &Value::Null)
};

#[rustfmt::skip]
fn table() -> Vec<(&'static str, Before, Act, &'static str)> {
    use Before::{Bob, Nothing, Teacher};
    vec![
        ("start the class", Nothing, |t| t.set_state(ClassState::Started), "PT"),
        ("put out", Nothing, |t| t.put_out(&name("bob"), None), "PTA"),
        ("ban", Nothing, |t| t.put_out(&name("bob"), Some(Ban::Ever)), "PTA"),
        ("put the teacher out", Nothing, |t| t.put_out(&name("ann"), None), "PT"),
        ("stage at entry", Nothing, |t| t.set_stage(true, true), "PTA"),
        ("invite or ask", Nothing, |t| t.ask_stage(Some(&name("bob")), 60, false, Value::Null), "PTAS"),
        ("withdraw", Bob(ASKED), |t| t.withdraw_stage(Some(&name("bob"))), "PTAS"),
        ("decline", Teacher(INVITED), |t| t.withdraw_stage(Some(&name("bob"))), "PTAS"),
        ("put on the stage", Nothing, ON_STAGE, "PTA"),
        ("accept an invitation", Teacher(INVITED), ON_STAGE, "PTAS"),
        ("answer a request", Bob(ASKED), ON_STAGE, "PTA"),
        ("off the stage", Teacher(ON_STAGE), |t| t.leave_stage(Some(&name("bob"))), "PTAS"),
        ("all off the stage", Teacher(ON_STAGE), |t| t.clear_stage(), "PTA"),
        ("raise a hand", Nothing, |t| t.raise_hand(3, true, Value::Null), "Ss"),
        ("lower a hand", Bob(|t| t.raise_hand(-1, true, Value::Null)), |t| t.lower_hand(Some(&name("bob"))), "PTAS"),
        ("start the carousel", Nothing, |t| t.start_carousel(1, 1, 10, 2), "PTA"),
        ("stop the carousel", Teacher(|t| t.start_carousel(1, 1, 10, 2)), |t| t.stop_carousel(), "PTA"),
        ("reward", Nothing, |t| t.give_rewards(&[(name("bob"), 1)], true), "PTA"),
        ("gallery", Nothing, |t| t.set_gallery(true, &[name("bob")]), "PT"),
        ("room properties", Nothing, |t| t.edit_room_properties(Edit::set(tree(json!({"a": 1}))), &Value::Null), "PTA"),
        ("user properties", Nothing, |t| t.edit_user_properties(&name("bob"), Edit::set(tree(json!({"a": 1}))), &Value::Null), "PTAS"),
        ("properties of users", Nothing, |t| t.edit_users_properties(vec![(name("bob"), Edit::set(tree(json!({"a": 1}))), Value::Null)]), "PTAS"),
        ("tag", Nothing, |t| t.set_tag(&name("bob"), "k", json!(1)), "PTA"),
        ("make a widget", Nothing, |t| t.set_widget("webView-2", tree(json!({"state": 1})), &Value::Null), "PTA"),
        ("move a window", Teacher(GRANTED), |t| t.set_widget("webView-1", tree(json!({"size": {"width": 1}})), &Value::Null), "PTAS"),
        ("grant the board", Teacher(GRANTED), |t| t.set_widget("netlessBoard", tree(json!({"extra": {"grantedUsers.cid": true}})), &Value::Null), "PTA"),
        ("remove a widget", Teacher(GRANTED), |t| t.remove_widget("webView-1"), "PTA"),
        ("remove of a widget", Teacher(GRANTED), |t| t.remove_widget_extra("netlessBoard", &texts(&["grantedUsers"])), "PTA"),
        ("own widget record", Nothing, |t| t.set_user_widget(&name("bob"), "w", tree(json!({"a": 1}))), "PS"),
        ("erase own record", Nothing, |t| t.remove_user_widget(&name("bob"), "w", &texts(&["a"])), "PS"),
        ("board windows", Nothing, |t| t.set_board_windows(json!({})), "PTA"),
        ("start a quiz", Nothing, START_QUIZ, "PTA"),
        ("answer a quiz", Teacher(START_QUIZ), |t| { let id = quiz_id(t); t.answer_quiz(&id, &name("bob"), &texts(&["A"])) }, "PS"),
        ("change what is right", Teacher(START_QUIZ), |t| { let id = quiz_id(t); t.set_quiz_correct(&id, &texts(&["B"])) }, "PTA"),
        ("stop a quiz", Teacher(START_QUIZ), |t| { let id = quiz_id(t); t.stop_quiz(&id) }, "PTA"),
        ("read answers", Teacher(START_QUIZ), |t| { let id = quiz_id(t); t.quiz_answers(&id, None, 9).map(drop) }, "PTAO"),
        ("start a poll", Nothing, START_POLL, "PTA"),
        ("answer a poll", Teacher(START_POLL), |t| { let id = poll_id(t); t.answer_poll(&id, &name("bob"), &[0]) }, "PS"),
        ("stop a poll", Teacher(START_POLL), |t| { let id = poll_id(t); t.stop_poll(&id) }, "PTA"),
        ("start a countdown", Nothing, START_COUNTDOWN, "PTA"),
        ("hold a countdown", Teacher(START_COUNTDOWN), |t| { let id = countdown_id(t); t.pause_countdown(&id) }, "PTA"),
        ("go on", Teacher(|t| { START_COUNTDOWN(t)?; let id = countdown_id(t); t.pause_countdown(&id) }), |t| { let id = countdown_id(t); t.continue_countdown(&id) }, "PTA"),
        ("stop a countdown", Teacher(START_COUNTDOWN), |t| { let id = countdown_id(t); t.stop_countdown(&id) }, "PTA"),
        ("give rights", Nothing, |t| { let id = main_stream(t); t.change_stream(&name("bob"), id, StreamChange { audio: Some(true), ..StreamChange::default() }) }, "PTA"),
        ("own device", Nothing, |t| { let id = main_stream(t); t.change_stream(&name("bob"), id, StreamChange { audio_source: Some(1), ..StreamChange::default() }) }, "PS"),
        ("mute all", Nothing, |t| { let id = main_stream(t); t.change_streams(&[(name("bob"), id, StreamChange { audio: Some(false), ..StreamChange::default() })], &Value::Null) }, "PTA"),
        ("old device", Nothing, |t| t.set_device(&name("bob"), Some(1), Some(0)), "PS"),
        ("remove a stream", Nothing, |t| { let id = main_stream(t); t.remove_stream(&name("bob"), id) }, "PTAS"),
        ("share a screen", Teacher(GRANTED), |t| t.start_screen(&name("bob"), true, 1).map(drop), "PS"),
        ("share a screen ungranted", Nothing, |t| t.start_screen(&name("bob"), true, 1).map(drop), ""),
        ("mute the chat", Nothing, |t| t.set_mute(true), "PTA"),
        ("say", Nothing, |t| t.say("x", 1).map(drop), "PTASs"),
        ("say while muted", Teacher(|t| t.set_mute(true)), |t| t.say("x", 1).map(drop), "PTA"),
        ("say privately", Nothing, |t| t.say_privately(&name("bob"), "x", 1).map(drop), "PTAS"),
        ("read privately", Nothing, |t| t.may_read_conversation(&name("bob")), "PTAS"),
        ("list conversations", Nothing, |t| t.conversations(None, 9).map(drop), "PTA"),
        ("open groups", Nothing, group(false), "PT"),
        ("add a group", Nothing, |t| t.add_groups(vec![GroupPlan::default()], false).map(drop), "PT"),
        ("close groups", Teacher(group(false)), |t| t.close_groups(), "PT"),
        ("close a group", Teacher(group(false)), |t| t.remove_groups(&[name("g1")]), "PT"),
        ("rename a group", Teacher(group(false)), |t| t.change_group_info(&[GroupInfo { id: name("g1"), name: Some("x".into()), sort: None }]), "PTA"),
        ("move into a group", Teacher(group(false)), |t| t.change_group_users(&[GroupUsers { id: name("g1"), add: vec![name("cid")], remove: vec![] }], false), "PTA"),
        ("ask for help", Teacher(group(false)), |t| t.change_group_users(&[GroupUsers { id: name("g1"), add: vec![name("ann")], remove: vec![] }], true), "PTAS"),
        ("accept a group", Teacher(group(true)), |t| t.accept_group(&name("g1"), &[]), "S"),
        ("decline a group", Teacher(group(true)), |t| t.decline_group(&name("g1")), "S"),
        ("broadcast", Teacher(group(false)), |t| t.broadcast(3, None, "x"), "PTA"),
    ]
}

#[test]
fn c069_c137_every_act_is_done_by_those_who_may_and_by_nobody_else() {
    for (what, before, act, may) in table() {
        for (letter, actor) in actors() {
            let mut pure = Pure::of(RoomType::Small);
            match before {
                Before::Nothing => {}
                Before::Teacher(act) => pure.act(by("ann", ClassRole::Teacher), act).unwrap(),
                Before::Bob(act) => pure.act(by("bob", ClassRole::Student), act).unwrap(),
            }
            let done = pure.act(actor, act);
            assert_eq!(done.is_ok(), may.contains(letter), "{what} by {letter}: {done:?}");
        }
    }
}

#[test]
fn nobody_does_anything_in_a_room_that_is_closed() {
    for (what, before, act, _) in table() {
        for (letter, actor) in actors() {
            let mut pure = Pure::of(RoomType::Small);
            if let Before::Teacher(act) = before {
                pure.act(by("ann", ClassRole::Teacher), act).unwrap();
            }
            pure.act(By::App, |turn| turn.set_state(ClassState::Closed)).unwrap();
            if !matches!(what, "put out" | "ban" | "put the teacher out") {
                assert!(pure.act(actor, act).is_err(), "{what} by {letter}");
            }
        }
    }
}
