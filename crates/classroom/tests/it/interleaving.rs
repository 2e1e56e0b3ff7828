//! Acts by everybody in any order: what holds always, and a small model of the stage, the hands and the class.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use stoa_classroom::Refusal;
use stoa_classroom::room::{
    Ban, By, ClassState, Exit, GroupInfo, GroupPlan, GroupUsers, StreamChange, Turn,
};
use stoa_classroom::tree::{Edit, Tree};
use stoa_core::{ClassRole, RoomType, UserUuid};

use crate::pure::{PEOPLE, Pure};
use crate::world::name;

/// Somebody does something, a while after the last.
#[derive(Debug, Clone)]
struct Step {
    who: usize,
    what: u8,
    whom: usize,
    number: u64,
    wait_ms: u64,
}

/// How many kinds of acts there are.
const KINDS: u8 = 50;

fn steps(kinds: std::ops::Range<u8>, most: usize) -> impl Strategy<Value = Vec<Step>> {
    let wait = prop_oneof![6 => Just(0_u64), 3 => 1..4000_u64, 1 => 4000..40_000_u64];
    // Mostly the teacher and the students, and mostly about students.
    let who = prop_oneof![5 => Just(0), 1 => Just(1), 6 => 2..5_usize, 1 => 5..PEOPLE.len() + 1];
    let whom = prop_oneof![8 => 2..5_usize, 1 => 0..PEOPLE.len() + 1];
    let step = (who, kinds, whom, 0..6_u64, wait);
    let step = step.prop_map(|(who, what, whom, number, wait_ms)| Step {
        who,
        what,
        whom,
        number,
        wait_ms,
    });
    prop::collection::vec(step, most / 2..most)
}

fn actor(who: usize) -> By {
    PEOPLE.get(who).map_or(By::App, |(user, role)| By::User { id: name(user), role: *role })
}

/// Somebody of those who were there once, or nobody.
fn target(whom: usize) -> UserUuid {
    PEOPLE.get(whom).map_or_else(|| name("zoe"), |(user, _)| name(user))
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

fn group(number: u64) -> UserUuid {
    name(&format!("g{}", number % 3))
}

/// What an act of a step is.
fn act(turn: &mut Turn<'_>, step: &Step) -> Result<(), Refusal> {
    let (whom, number) = (target(step.whom), step.number);
    let odd = number % 2 == 1;
    let own = turn.by.user().cloned().unwrap_or_else(|| whom.clone());
    // Of two that are spoken of, mostly one that is there.
    let here = turn.room.groups.open.first().map_or_else(|| group(number), |one| one.id.clone());
    let there = if number < 4 { here } else { group(number) };
    let to = (number != 0).then_some(&whom);
    let wait = [-1, 3, 10, 60, 0, 3600][usize::try_from(number).unwrap()];
    match step.what {
        0 => turn.ask_stage(to, wait, odd, json!({"n": number})),
        1 => turn.withdraw_stage(to),
        2 => turn.accept_stage(to),
        3 => turn.leave_stage(to),
        4 => turn.clear_stage(),
        5 => turn.raise_hand(wait, odd, json!({"n": number})),
        6 => turn.lower_hand(to),
        // Few leave.
        7 if number > 0 => Err(Refusal::Conflict),
        7 => {
            let session = turn.room.users.get(&whom).map_or(0, |user| user.session);
            match step.wait_ms {
                0 => turn.takes_leave(&whom, session),
                _ => turn.leave(&whom, Exit::Kicked),
            }
            Ok(())
        }
        8 => {
            let state = ClassState::try_from(u8::try_from(number % 4).unwrap()).unwrap();
            // A class that is closed is over; mostly it goes on.
            if state == ClassState::Closed && step.wait_ms % 64 != 63 {
                return Err(Refusal::Conflict);
            }
            turn.set_state(state)
        }
        9 => turn.set_stage(odd, number > 2),
        10 => {
            let set = Edit::set(tree(json!({"area": u8::from(number != 0)})));
            turn.edit_room_properties(set, &json!({"c": 1}))
        }
        11 => {
            let role =
                if number == 5 && step.wait_ms > 0 { ClassRole::Observer } else { role_of(&whom) };
            let who = stoa_classroom::room::CheckIn {
                video_source: i8::from(odd),
                name: format!("{}{}", whom.as_str(), number % 2),
                ..crate::world::check_in("x", role)
            };
            turn.by = By::User { id: whom.clone(), role };
            let session = turn.enter(&whom, &who)?.session;
            if number == 4 { Ok(()) } else { turn.connected(&whom, session) }
        }
        12 => {
            let session = turn.room.users.get(&whom).map_or(0, |user| user.session);
            turn.connected(&whom, session)
        }
        13 => {
            let session = turn.room.users.get(&whom).map_or(0, |user| user.session);
            turn.disconnected(&whom, session);
            Ok(())
        }
        14 => turn.start_carousel(1 + number % 2, 1 + number / 2 % 2, 10, 1 + number),
        15 => turn.stop_carousel(),
        16 => {
            turn.give_rewards(&[(whom.clone(), 3 - i64::try_from(number).unwrap()), (whom, 2)], odd)
        }
        17 => turn.set_gallery(odd, &[whom, own]),
        18 => turn.set_tag(&whom, "k", json!(number)),
        19 => {
            let edit = if odd {
                Edit::set(tree(json!({"a.b": number, "c": {"d": 1}})))
            } else {
                Edit::remove(texts(&["a.b", "c"]))
            };
            turn.edit_users_properties(vec![(whom, edit, Value::Null)])
        }
        20 => turn.start_screen(&own, odd, 1).map(drop),
        21 => {
            let sharing = turn.room.screen.as_ref().map_or(whom, |screen| screen.user.clone());
            turn.stop_screen(&sharing)
        }
        22 => turn.edit_user_properties(&whom, Edit::set(tree(json!({"x.y": odd}))), &Value::Null),
        23 => {
            let id = turn.room.users.get(&whom).map_or(7, |user| user.stream_uuid());
            let change = StreamChange { audio: Some(odd), ..StreamChange::default() };
            turn.change_stream(&whom, id, change)
        }
        24 => {
            let all = turn.room.users.values();
            let id = all.filter(|user| user.id == whom).flat_map(|user| &user.streams).last();
            let id = id.map_or(7, |stream| stream.id);
            let change = match number {
                0 | 1 => StreamChange { video: Some(odd), ..StreamChange::default() },
                2 | 3 => StreamChange { audio_source: Some(1), ..StreamChange::default() },
                _ => return turn.remove_stream(&whom, id),
            };
            turn.change_streams(&[(whom, id, change)], &Value::Null)
        }
        25 => turn.set_device(&own, Some(i8::from(odd)), None),
        26 => {
            let record = match number {
                0 => json!({"state": 1, "ownerUserUuid": whom.as_str()}),
                1 => json!({"extra": {"a.b": 1, "c": {"d": 2}}}),
                2 => json!({"state": 0, "position": {"xaxis": 0.5}}),
                3 => json!({"extra": {"c": 1}}),
                _ => json!({"extra": {format!("grantedUsers.{}", whom.as_str()): odd}}),
            };
            let id = ["webView-1", "netlessBoard", "poll"][step.whom % 3];
            turn.set_widget(id, tree(record), &json!({"x": 1}))
        }
        27 => turn.remove_widget(["webView-1", "netlessBoard", "poll", "popupQuiz"][step.whom % 4]),
        28 => turn.remove_widget_extra("webView-1", &texts(&["a.b", "c"])),
        29 if step.wait_ms == 0 => turn.set_user_widget(&own, "w", tree(json!({"a.b": number}))),
        29 if odd => turn.set_user_widget(&whom, "w", tree(json!({"a.b": number}))),
        29 => turn.remove_user_widget(&whom, "w", &texts(&["a"])),
        // A lecture is told of answers a while later.
        30..=33 if turn.room.kind == RoomType::Lecture => Err(Refusal::Conflict),
        30 => turn.start_quiz(&texts(&["A", "B", "C"]), &texts(&["A"]), None).map(drop),
        31 => {
            let id = turn.room.quiz.as_ref().map_or_else(String::new, |quiz| quiz.id.clone());
            let chosen = texts(if odd { &["A"] } else { &["B", "C"] });
            if !turn.by.is_teaching() {
                return turn.answer_quiz(&id, &own, &chosen);
            }
            match number {
                0 => turn.stop_quiz(&id),
                1 => turn.set_quiz_correct(&id, &texts(&["B", "C"])),
                _ => turn.answer_quiz(&id, &whom, &chosen),
            }
        }
        32 => turn.start_poll(1 + number % 2, &texts(&["a", "b"]), "T", None).map(drop),
        33 => {
            let id = turn.room.poll.as_ref().map_or_else(String::new, |poll| poll.id.clone());
            if number == 0 {
                turn.stop_poll(&id)
            } else {
                turn.answer_poll(&id, &own, &[number % 2])
            }
        }
        34 => turn.start_countdown(number * 20, None).map(drop),
        35 => {
            let known = turn.room.countdown.as_ref();
            let id = known.map_or_else(String::new, |countdown| countdown.id.clone());
            match number % 3 {
                0 => turn.pause_countdown(&id),
                1 => turn.continue_countdown(&id),
                _ => turn.stop_countdown(&id),
            }
        }
        36 => turn.set_mute(odd),
        37 if odd => turn.say("hello", 1).map(drop),
        37 => turn.say_privately(&whom, "psst", 1).map(drop),
        38 => {
            let plans = (0..2).map(|at| GroupPlan {
                id: Some(group(number + at)),
                users: if at == 0 { vec![whom.clone()] } else { vec![] },
                ..GroupPlan::default()
            });
            turn.open_groups(plans.collect(), odd).map(drop)
        }
        39 if number == 0 => turn.close_groups(),
        39 => turn.remove_groups(&[there]),
        40 => {
            let (add, remove) =
                if number > 3 { (vec![], vec![whom]) } else { (vec![whom], vec![]) };
            turn.change_group_users(&[GroupUsers { id: there, add, remove }], odd)
        }
        41 if odd => turn.accept_group(&there, &[group(number + 1)]),
        41 => turn.decline_group(&there),
        42 => {
            let info = GroupInfo { id: there, name: Some("N".into()), sort: Some(1) };
            turn.change_group_info(&[info])
        }
        43 => {
            let ban = [None, Some(Ban::For(20)), Some(Ban::Lifted)][step.whom % 3];
            if odd { turn.put_out(&whom, ban) } else { turn.broadcast(number, None, "all") }
        }
        44 => {
            let first = turn.room.stage.accepted.first().cloned();
            turn.leave_stage(first.as_ref())
        }
        45 => {
            let first = turn.room.hands.progress.first().map(|one| one.user.clone());
            turn.lower_hand(first.as_ref())
        }
        46 => {
            let invited = turn.room.stage.progress.iter().find(|one| one.invited);
            let id = invited.map_or(whom, |one| one.user.clone());
            turn.by = By::User { role: role_of(&id), id };
            if number == 0 { turn.withdraw_stage(None) } else { turn.accept_stage(None) }
        }
        47 => {
            let mut groups = turn.room.groups.open.iter();
            let asked =
                groups.find_map(|one| Some((one.id.clone(), one.invited.first()?.user.clone())));
            let (group, id) = asked.unwrap_or((there, whom));
            turn.by = By::User { role: role_of(&id), id };
            if number == 0 { turn.decline_group(&group) } else { turn.accept_group(&group, &[]) }
        }
        48 => turn.set_gallery(false, &[]),
        49 => turn.accept_stage(Some(&whom)),
        other => panic!("{other} is no act"),
    }
}

fn role_of(user: &UserUuid) -> ClassRole {
    let known = PEOPLE.iter().find(|(name, _)| *name == user.as_str());
    known.map_or(ClassRole::Student, |(_, role)| *role)
}

fn run(mut pure: Pure, steps: &[Step]) {
    for step in steps {
        pure.pass(step.wait_ms);
        // Whether it is refused or not: what has to hold is looked at after each.
        let _ = pure.act(actor(step.who), |turn| act(turn, step));
    }
}

/// What of a room is modelled: who is there, who is on the stage, who waits for it and until when, whose hand is up.
#[derive(Debug, Default)]
struct Model {
    now: u64,
    state: u8,
    there: BTreeMap<String, ()>,
    stage: Vec<String>,
    waiting: BTreeMap<String, (bool, Option<u64>)>,
    hands: BTreeMap<String, Option<u64>>,
}

impl Model {
    fn new() -> Self {
        let there = PEOPLE.iter().map(|(user, _)| ((*user).to_owned(), ())).collect();
        Self { there, ..Self::default() }
    }

    fn pass(&mut self, ms: u64) {
        self.now += ms;
        let now = self.now;
        self.waiting.retain(|_, (_, until)| until.is_none_or(|until| until > now));
        self.hands.retain(|_, until| until.is_none_or(|until| until > now));
    }

    fn until(&self, wait: i64) -> Result<Option<u64>, ()> {
        match wait {
            -1 => Ok(None),
            1..=3600 => Ok(Some(self.now + 1000 * u64::try_from(wait).unwrap())),
            _ => Err(()),
        }
    }

    /// Whom a student or those who teach speak of.
    fn target(&self, step: &Step) -> Result<String, ()> {
        let own = PEOPLE.get(step.who).map(|(user, _)| (*user).to_owned());
        let whom = target(step.whom).as_str().to_owned();
        match (step.number, own) {
            (0, own) => own.ok_or(()),
            (_, own) if own.as_ref() == Some(&whom) || teaches(step.who) => Ok(whom),
            _ => Err(()),
        }
    }

    fn student(&self, user: &str) -> Result<(), ()> {
        let learns = role_of(&name(user)) == ClassRole::Student && user != "zoe";
        if learns && self.there.contains_key(user) { Ok(()) } else { Err(()) }
    }

    fn act(&mut self, step: &Step) -> Result<(), ()> {
        if self.state == 3 && step.what != 7 {
            return Err(());
        }
        let own = PEOPLE.get(step.who).map(|(user, _)| (*user).to_owned());
        let learns = PEOPLE.get(step.who).is_some_and(|(_, role)| *role == ClassRole::Student);
        let odd = step.number % 2 == 1;
        let wait = [-1, 3, 10, 60, 0, 3600][usize::try_from(step.number).unwrap()];
        match step.what {
            0 => {
                let user = self.target(step)?;
                let invited = own.as_ref() != Some(&user);
                self.student(&user)?;
                let until = self.until(wait)?;
                let before = self.waiting.get(&user).copied();
                if self.stage.contains(&user) || before.is_some() && !odd {
                    return Err(());
                }
                let invited = invited || before.is_some_and(|(invited, _)| invited);
                self.waiting.insert(user, (invited, until));
            }
            1 => {
                let user = self.target(step)?;
                self.waiting.remove(&user).ok_or(())?;
            }
            2 => {
                let user = self.target(step)?;
                if own.as_ref() == Some(&user) {
                    let waiting = self.waiting.get(&user);
                    if !learns || !waiting.is_some_and(|(invited, _)| *invited) {
                        return Err(());
                    }
                }
                self.student(&user)?;
                if self.stage.contains(&user) || self.stage.len() >= 2 {
                    return Err(());
                }
                self.waiting.remove(&user);
                self.stage.push(user);
            }
            3 => {
                let user = self.target(step)?;
                let at = self.stage.iter().position(|other| *other == user).ok_or(())?;
                self.stage.remove(at);
            }
            4 if teaches(step.who) => self.stage.clear(),
            5 => {
                let user = own.filter(|_| learns).ok_or(())?;
                self.student(&user)?;
                let until = self.until(wait)?;
                if self.hands.contains_key(&user) && !odd {
                    return Err(());
                }
                self.hands.insert(user, until);
            }
            6 => {
                let user = self.target(step)?;
                self.hands.remove(&user).ok_or(())?;
            }
            7 if step.number == 0 => self.leave(target(step.whom).as_str()),
            8 => {
                let state = u8::try_from(step.number % 4).unwrap();
                let may = matches!(step.who, 0) || step.who == PEOPLE.len();
                let closes = state == 3 && step.wait_ms % 64 != 63;
                if closes || !may || state <= self.state {
                    return Err(());
                }
                self.state = state;
                if state == 3 {
                    let there: Vec<String> = self.there.keys().cloned().collect();
                    there.iter().for_each(|user| self.leave(user));
                }
            }
            _ => return Err(()),
        }
        Ok(())
    }

    fn leave(&mut self, user: &str) {
        self.there.remove(user);
        self.stage.retain(|other| other != user);
        self.waiting.remove(user);
        self.hands.remove(user);
    }
}

/// The teacher, the assistant, the app.
fn teaches(who: usize) -> bool {
    who < 2 || who == PEOPLE.len()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn c150_what_is_told_stored_and_counted_is_what_is(
        kind in prop_oneof![
            6 => Just(RoomType::Small), 2 => Just(RoomType::Lecture), 2 => Just(RoomType::Cloud),
        ],
        steps in steps(0..KINDS, 160),
    ) {
        run(Pure::of(kind), &steps);
    }

    #[test]
    fn the_stage_the_hands_and_the_class_are_as_in_a_small_model(steps in steps(0..9, 80)) {
        let mut pure = Pure::of(RoomType::Small);
        pure.seats(2);
        let mut model = Model::new();
        for step in &steps {
            pure.pass(step.wait_ms);
            model.pass(step.wait_ms);
            let done = pure.act(actor(step.who), |turn| act(turn, step));
            let want = model.act(step);
            prop_assert_eq!(done.is_ok(), want.is_ok(), "{:?}: {:?}", step, done);
            let room = &pure.room;
            let stage: Vec<&str> = room.stage.accepted.iter().map(UserUuid::as_str).collect();
            prop_assert_eq!(&stage, &model.stage.iter().map(String::as_str).collect::<Vec<_>>());
            let waiting = room.stage.progress.iter();
            let waiting: BTreeMap<&str, bool> =
                waiting.map(|one| (one.user.as_str(), one.invited)).collect();
            let want = model.waiting.iter();
            let want: BTreeMap<&str, bool> =
                want.map(|(user, (invited, _))| (user.as_str(), *invited)).collect();
            prop_assert_eq!(waiting, want);
            let mut hands: Vec<&str> =
                room.hands.progress.iter().map(|one| one.user.as_str()).collect();
            hands.sort_unstable();
            let want: Vec<&str> = model.hands.keys().map(String::as_str).collect();
            prop_assert_eq!(hands, want);
            prop_assert_eq!(room.schedule.state as u8, model.state);
            // Of students only who is on the stage may be heard.
            for user in room.users.values().filter(|user| user.role == ClassRole::Student) {
                let heard = user.streams.iter().any(|stream| stream.audio);
                prop_assert_eq!(heard, room.is_on_stage(&user.id));
            }
        }
    }
}
