//! The app's side of classes: it makes rooms, changes them, looks at them and fetches events.

use std::collections::BTreeMap;

use serde_json::Value;
use stoa_classroom::room::{By, ClassState, Crosses, NewRoom, Turn};
use stoa_classroom::tree::Tree;
use stoa_classroom::{HandedOut, Handout};
use stoa_core::{ClassRole, RoomType, Timestamp};

use super::ClassRoom;
use super::acts::{Act, Fate, Kind};
use super::ask::{Answer, Asked, Failed};
use super::look::{self, Snapshot};
use super::mirror::text;
use super::people::{Person, user};
use super::times::Times;
use crate::dice::Dice;
use crate::world::{World, note};

/// Who fetches an app's events.
pub(crate) struct Poller {
    /// Each comes until it is acknowledged; otherwise once at the most.
    acknowledges: bool,
    text: Option<String>,
    asking: bool,
    /// Answers that were lost, and with them what stood in them.
    lost: u64,
    /// What came, by room and number.
    pub(super) events: BTreeMap<(String, u64), Value>,
    /// By room, the number of the last, and how many answers were lost before it.
    last: BTreeMap<String, (u64, u64)>,
    /// The last answer held none.
    pub(super) dry: bool,
}

impl Poller {
    pub(super) fn new(dice: &Dice) -> Self {
        let (events, last) = (BTreeMap::new(), BTreeMap::new());
        let acknowledges = dice.chance(600);
        Self { acknowledges, text: None, asking: false, lost: 0, events, last, dry: false }
    }

    pub(super) const fn lost(&mut self) {
        self.asking = false;
        self.lost += 1;
    }

    /// Whether all events of a room up to this number came, as far as none can have been lost.
    pub(super) fn has_all(&self, room: &str, up_to: u64) -> bool {
        let (last, lost) = self.last.get(room).copied().unwrap_or_default();
        last == up_to || !self.acknowledges && lost < self.lost && last < up_to
    }

    /// Takes events. Answers what is wrong with them.
    fn take(&mut self, events: Vec<Value>) -> Option<String> {
        for event in events {
            let room = text(&event["roomUuid"]);
            let number = event["sequence"].as_u64().unwrap_or(0);
            let (last, lost) = self.last.entry(room.clone()).or_default();
            let is_next = number == *last + 1;
            // What was not acknowledged comes again; what comes once may have come in vain.
            let may = is_next
                || self.acknowledges && number <= *last
                || !self.acknowledges && *lost < self.lost && number > *last;
            if !may {
                return Some(format!("event {number} of class {room} comes after {last}"));
            }
            (*last, *lost) = (number.max(*last), self.lost);
            let before = self.events.entry((room, number)).or_insert_with(|| event.clone());
            if *before != event {
                return Some(format!("event {number} comes as another: {before}, {event}"));
            }
        }
        None
    }
}

impl World {
    /// Lets the back ends do something.
    pub(super) fn class_back_ends_act(&mut self) {
        let due = self.classes.to_make.iter().position(|(_, at)| self.now >= *at);
        if let Some(due) = due.filter(|_| self.takes_calls()) {
            let (app, _) = self.classes.to_make.remove(due);
            self.make_class(app);
        }
        for app in 0..self.classes.pollers.len() {
            if self.classes.dice.chance(if self.peace { 100 } else { 15 }) {
                self.poll_class_events(app);
            }
        }
        if self.classes.quiet {
            return;
        }
        for room in 0..self.classes.rooms.len() {
            if self.classes.dice.chance(4) {
                self.look_at_class(room);
            }
            if self.classes.dice.chance(4) {
                self.back_end_acts_in_class(room, None);
            }
        }
    }

    fn make_class(&mut self, app: usize) {
        let dice = &self.classes.dice;
        let clock = self.class_clock();
        let kind = dice.weighted(&[
            (5, RoomType::Small),
            (2, RoomType::Lecture),
            (1, RoomType::OneToOne),
            (2, RoomType::Cloud),
        ]);
        let scheduled = dice.chance(650);
        let start = scheduled.then(|| clock + dice.between(1000, 20_000));
        let lasts_s = dice.chance(800).then(|| dice.between(5, 40));
        let stays_s = dice.between(1, 20);
        let seats = dice.chance(600).then(|| u32::try_from(dice.between(1, 3)).unwrap_or(1));
        let at_entry = dice.chance(300);
        let short = |s: u64| u32::try_from(s).unwrap_or(1);
        let new = NewRoom {
            name: "A class".into(),
            kind,
            times: stoa_classroom::room::Times {
                start: start.map(Timestamp::from_millis),
                duration_s: lasts_s.map(short),
                close_delay_s: Some(short(stays_s)),
            },
            roles: BTreeMap::new(),
            flex: Tree::new(),
            widgets: Tree::new(),
            max_accept: seats,
            accepts_at_entry: at_entry,
            crosses: Crosses::default(),
        };
        let id = format!("class{}", self.classes.next);
        let room = ClassRoom {
            app,
            id: id.clone(),
            kind,
            times: Times::new(start, lasts_s.map(|s| s * 1000), stays_s * 1000),
            since: start.map_or(clock, |start| start.min(clock)),
            gone: false,
            acts: Vec::new(),
            told: BTreeMap::new(),
            told_alone: BTreeMap::new(),
            snapshots: Vec::new(),
        };
        note!(self, "class: {id} is made in app {app}: {kind:?} {:?}", room.times);
        let (pass, name) = (self.class_pass(app, None), id.parse().expect("a usual name"));
        self.ask(Asked::Make(Box::new(room)), |classroom| async move {
            let made = async {
                let caller = pass.show(&classroom)?;
                classroom.create(&caller, &name, new).await
            };
            Answer::Did(made.await.map_err(Failed::from))
        });
    }

    pub(super) fn class_made(&mut self, room: ClassRoom, made: &Result<(), Failed>) {
        note!(self, "class: {} made: {made:?}", room.id);
        if made.is_err() {
            // It is tried again with another name, as names are used once.
            let again = self.now + self.classes.dice.between(200, 2000);
            if *made == Err(Failed::Unknown) {
                self.classes.lost.push((room.app, room.id));
            }
            return self.classes.to_make.push((room.app, again));
        }
        let number = self.classes.rooms.len();
        let dice = &self.classes.dice;
        let mut people = vec![("ann".to_owned(), ClassRole::Teacher)];
        let students = if room.kind == RoomType::OneToOne { 1 } else { dice.between(1, 4) };
        people.extend((0..students).map(|n| (format!("student{n}"), ClassRole::Student)));
        if room.kind != RoomType::OneToOne && dice.chance(400) {
            people.push(("amy".to_owned(), ClassRole::Assistant));
            people.push(("oda".to_owned(), ClassRole::Observer));
        }
        for (name, role) in people {
            let at = self.now + self.classes.dice.between(0, 5000);
            self.classes.people.push(Person::new(number, name, role, at));
        }
        self.classes.rooms.push(room);
        self.look_at_class(number);
    }

    pub(super) fn look_at_class(&mut self, room: usize) {
        let pass = self.class_pass(self.classes.rooms[room].app, None);
        let id = self.room_name(room);
        self.ask(Asked::Look(room), |classroom| async move {
            Answer::Looked(look::look(&classroom, &pass, &id).await.map_err(Failed::from))
        });
    }

    pub(super) fn looked_at_class(&mut self, room: usize, looked: Result<[Snapshot; 2], Failed>) {
        match looked {
            Ok(snapshots) => self.classes.rooms[room].snapshots.extend(snapshots),
            Err(Failed::Refused(refusal)) => self.check_class_refusal(room, &refusal),
            Err(_) => {}
        }
    }

    /// Closes a room of which nobody knows whether it is there.
    pub(super) fn close_lost_class(&mut self, app: usize, id: &str) {
        let (pass, id) = (self.class_pass(app, None), id.parse().expect("a usual name"));
        self.ask(Asked::HangUp, |classroom| async move {
            let closed = async {
                let caller = pass.show(&classroom)?;
                let close = |turn: &mut Turn<'_>| turn.set_state(ClassState::Closed);
                classroom.turn(&caller, &id, By::App, close).await
            };
            Answer::Did(closed.await.map_err(Failed::from))
        });
    }

    /// A person does something.
    pub(super) fn act_in_class(&mut self, person: usize) {
        let (room, role) = (self.classes.people[person].room, self.classes.people[person].role);
        let kind = Kind::drawn(&self.classes.dice, role.is_teaching());
        self.do_in_class(room, Some(person), kind);
    }

    /// A back end does something, or what is given.
    pub(super) fn back_end_acts_in_class(&mut self, room: usize, kind: Option<Kind>) {
        let kind = kind.unwrap_or_else(|| {
            self.classes.dice.weighted(&[
                (8, Kind::SetRoom),
                (4, Kind::SetUser),
                (4, Kind::Kick),
                (4, Kind::Reward(3)),
                (4, Kind::Say),
                (3, Kind::SetState(1)),
                (2, Kind::SetState(2)),
                (1, Kind::SetState(3)),
            ])
        });
        self.do_in_class(room, None, kind);
    }

    fn do_in_class(&mut self, room: usize, person: Option<usize>, kind: Kind) {
        let there = self.classes.people.iter().filter(|one| one.room == room);
        let names: Vec<String> = there.map(|one| one.user.clone()).collect();
        if names.is_empty() || !self.takes_calls() {
            return;
        }
        let whom = self.classes.dice.pick(&names).clone();
        let number = self.classes.next;
        let mut act = Act::new(kind, number, self.class_clock());
        act.whom.clone_from(&whom);
        let of = person.map(|person| self.classes.people[person].user.clone());
        let name = self.classes.rooms[room].id.clone();
        note!(self, "class: {of:?} does #{number} {kind:?} {whom} in {name}");
        let pass = match person {
            Some(person) => self.pass_of(person),
            None => self.class_pass(self.classes.rooms[room].app, None),
        };
        let (id, whom) = (self.room_name(room), user(&whom));
        let acts = &mut self.classes.rooms[room].acts;
        acts.push(act);
        let asked = Asked::Act(room, acts.len() - 1);
        self.ask(asked, |classroom| async move {
            let done = async {
                let caller = pass.show(&classroom)?;
                let place = classroom.place(&caller, &id, None)?;
                let act = move |turn: &mut Turn<'_>| kind.act(turn, &whom, number);
                classroom.turn(&caller, &place.room, place.by, act).await
            };
            Answer::Did(done.await.map_err(Failed::from))
        });
    }

    pub(super) fn class_acted(&mut self, room: usize, act: usize, done: Result<(), Failed>) {
        let clock = self.class_clock();
        let act = &mut self.classes.rooms[room].acts[act];
        act.may_be_at(clock);
        act.fate = match &done {
            Ok(()) => Fate::Done,
            Err(Failed::Refused(_) | Failed::Token) => Fate::Refused,
            Err(Failed::Unknown) => Fate::Unknown,
        };
        let (number, fate) = (act.number, act.fate);
        note!(self, "class: #{number} {fate:?}");
        if let Err(Failed::Refused(refusal)) = done {
            self.check_class_refusal(room, &refusal);
        }
    }

    pub(super) fn poll_class_events(&mut self, app: usize) {
        let poller = &self.classes.pollers[app];
        if poller.asking {
            return;
        }
        let how = if poller.acknowledges {
            Handout::Acknowledged(poller.text.clone())
        } else {
            Handout::Once
        };
        let pass = self.class_pass(app, None);
        let number = self.ask(Asked::Poll(app), |classroom| async move {
            let polled = async {
                let caller = pass.show(&classroom)?;
                classroom.hand_out(&caller, how).await
            };
            Answer::Polled(polled.await.map_err(Failed::from))
        });
        self.classes.pollers[app].asking = number.is_some();
    }

    pub(super) fn class_polled(&mut self, app: usize, polled: Result<HandedOut, Failed>) {
        let poller = &mut self.classes.pollers[app];
        poller.asking = false;
        match polled {
            Ok(HandedOut { events, acknowledge }) => {
                poller.dry = events.is_empty();
                let many = events.len();
                poller.text = acknowledge;
                let wrong = poller.take(events);
                note!(self, "class: app {app} fetched {many} events");
                if let Some(wrong) = wrong {
                    self.model.fail(format!("app {app}: {wrong}"));
                }
            }
            Err(Failed::Unknown) => poller.lost += 1,
            Err(_) => {}
        }
    }
}
