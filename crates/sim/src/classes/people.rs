//! People in a class: they come, act, lose their connection and come back, or stay away.

use std::sync::Arc;

use stoa_classroom::room::CheckIn;
use stoa_classroom::tree::Tree;
use stoa_classroom::{Entry, HangUp, Heard, Refusal};
use stoa_core::{ClassRole, RoomUuid, UserUuid};

use super::ask::{Answer, Asked, Failed};
use super::ear::Ear;
use super::look::Snapshot;
use super::mirror::Mirror;
use crate::client::ANSWER_MS;
use crate::world::{World, note};

/// Where somebody stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not in the class until then.
    Out(u64),
    /// The entry was asked for.
    Entering,
    /// In the class without a connection until then.
    Entered(u64),
    /// The connection was asked for.
    Joining,
    /// Reads what it missed.
    Reading,
    /// Hears what is said.
    Live,
    /// The class is over.
    Over,
}

/// Somebody in a class.
pub(crate) struct Person {
    pub(super) room: usize,
    pub(super) user: String,
    pub(super) role: ClassRole,
    pub(super) phase: Phase,
    /// Entries so far that were answered.
    pub(super) entries: u64,
    pub(super) session: u64,
    /// The last number that it knows of what is told to all, and of what is told to it alone.
    pub(super) at: u64,
    pub(super) at_alone: u64,
    pub(super) ear: Option<Ear>,
    pub(super) heard: Option<Heard>,
    /// The call whose answer it waits for, and until when.
    pub(super) ask: Option<(u64, u64)>,
}

impl Person {
    pub(super) const fn new(room: usize, user: String, role: ClassRole, at: u64) -> Self {
        let (phase, ear, heard, ask) = (Phase::Out(at), None, None, None);
        Self {
            room,
            user,
            role,
            phase,
            entries: 0,
            session: 0,
            at: 0,
            at_alone: 0,
            ear,
            heard,
            ask,
        }
    }

    pub(super) fn waits_for(&self, number: u64) -> bool {
        self.ask.is_some_and(|(asked, _)| asked == number)
    }
}

pub(super) fn user(name: &str) -> UserUuid {
    name.parse().expect("a name of the usual form")
}

impl World {
    /// Lets everybody in classes go on.
    pub(super) fn people_act(&mut self) {
        for person in 0..self.classes.people.len() {
            self.person_goes_on(person);
            if self.classes.quiet || self.classes.people[person].phase != Phase::Live {
                continue;
            }
            let mean = if self.peace { 8000 } else { self.classes.act_every_ms };
            // A turn takes some ten milliseconds.
            if self.classes.dice.below(mean) < 10 {
                self.act_in_class(person);
            }
            if self.classes.dice.chance(if self.peace { 0 } else { 2 }) {
                self.leave_class(person);
            }
        }
    }

    fn person_goes_on(&mut self, person: usize) {
        let now = self.now;
        if self.classes.rooms[self.classes.people[person].room].gone {
            self.classes.people[person].ear = None;
            self.classes.people[person].phase = Phase::Over;
            return;
        }
        self.hear_in_class(person);
        let Person { phase, ask, .. } = &self.classes.people[person];
        let phase = *phase;
        if let Some((_, until)) = ask {
            if now >= *until {
                note!(self, "class: {} has no answer", self.person_name(person));
                self.lose_ear(person, Some(HangUp::MayComeBack));
                self.classes.people[person].phase = match phase {
                    Phase::Entering => Phase::Out(now),
                    _ => Phase::Entered(now),
                };
            }
            return;
        }
        match phase {
            Phase::Out(until) if now >= until => self.enter_class(person),
            Phase::Entered(until) if now >= until => self.listen_to_class(person),
            Phase::Reading => self.read_in_class(person),
            _ => {}
        }
    }

    pub(super) fn person_name(&self, person: usize) -> String {
        let person = &self.classes.people[person];
        format!("{} of {}", person.user, self.classes.rooms[person.room].id)
    }

    pub(super) fn room_name(&self, room: usize) -> RoomUuid {
        self.classes.rooms[room].id.parse().expect("a name of the usual form")
    }

    pub(super) fn person_asks<F>(
        &mut self,
        person: usize,
        asked: Asked,
        call: impl FnOnce(Arc<stoa_classroom::Classroom>) -> F,
    ) -> bool
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let number = self.ask(asked, call);
        self.classes.people[person].ask = number.map(|number| (number, self.now + ANSWER_MS));
        number.is_some()
    }

    fn enter_class(&mut self, person: usize) {
        let pass = self.pass_of(person);
        let Person { room, user: name, role, .. } = &self.classes.people[person];
        let (id, user) = (self.room_name(*room), user(name));
        let role = *role;
        let who = CheckIn {
            name: name.clone(),
            role,
            flex: Tree::new(),
            video_source: 1,
            audio_source: 1,
        };
        let asks = self.person_asks(person, Asked::Enter(person), |classroom| async move {
            let entered = async {
                let caller = pass.show(&classroom)?;
                classroom.enter(&caller, &id, &user, who, None).await
            };
            Answer::Entered(entered.await.map(Box::new).map_err(Failed::from))
        });
        if asks {
            note!(self, "class: {} enters", self.person_name(person));
            self.classes.people[person].phase = Phase::Entering;
        }
    }

    pub(super) fn entered_class(
        &mut self,
        person: usize,
        number: u64,
        entered: Result<Box<Entry>, Failed>,
    ) {
        let late = !self.classes.people[person].waits_for(number);
        note!(self, "class: {} entered: {}", self.person_name(person), entered.is_ok());
        let room = self.classes.people[person].room;
        if let Ok(entry) = &entered {
            let one = &self.classes.people[person];
            let snapshot = Snapshot {
                sees_answers: one.role.sees_answers(),
                sequence: entry.view["room"]["sequence"].as_u64().unwrap_or(0),
                own: Some(one.user.clone()),
                is: Mirror::of_entry(&entry.view),
            };
            self.classes.rooms[room].snapshots.push(snapshot);
        }
        if late {
            return;
        }
        let now = self.now;
        let again = now + self.classes.dice.between(200, 3000);
        let person = &mut self.classes.people[person];
        person.ask = None;
        match entered {
            Ok(entry) => {
                person.entries += 1;
                person.session = entry.session;
                person.at = entry.view["room"]["sequence"].as_u64().unwrap_or(0);
                person.at_alone = entry.view["localUser"]["sequence"].as_u64().unwrap_or(0);
                person.phase = Phase::Entered(now);
            }
            Err(Failed::Refused(Refusal::RoomOver)) => person.phase = Phase::Over,
            Err(Failed::Refused(refusal)) => {
                person.phase = Phase::Out(again);
                self.check_class_refusal(room, &refusal);
            }
            Err(Failed::Token | Failed::Unknown) => person.phase = Phase::Out(again),
        }
    }

    /// Somebody loses the connection, or goes: for a moment, or for longer than one is awaited.
    fn leave_class(&mut self, person: usize) {
        let dice = &self.classes.dice;
        let away = dice.weighted(&[(6, 300), (4, 3000), (3, 24_000)]);
        let away = dice.between(away / 2, away * 3 / 2);
        let silent = dice.chance(300);
        let anew = dice.chance(200);
        // Only who comes as if for the first time says that it leaves.
        let how = if anew && dice.chance(500) { HangUp::Leaves } else { HangUp::MayComeBack };
        note!(self, "class: {} goes for {away} ms: {how:?}", self.person_name(person));
        self.lose_ear(person, (!silent).then_some(how));
        let back = self.now + away;
        // A page that was loaded anew comes as if for the first time.
        self.classes.people[person].phase =
            if anew { Phase::Out(back) } else { Phase::Entered(back) };
    }

    /// The process is gone, and with it all connections.
    pub(super) fn people_lose_server(&mut self) {
        for person in 0..self.classes.people.len() {
            let back = self.now + self.classes.dice.between(300, 2000);
            let one = &mut self.classes.people[person];
            (one.ask, one.ear, one.heard) = (None, None, None);
            one.phase = match one.phase {
                Phase::Out(until) => Phase::Out(until),
                Phase::Entered(until) => Phase::Entered(until),
                Phase::Entering => Phase::Out(back),
                Phase::Joining | Phase::Reading | Phase::Live => Phase::Entered(back),
                Phase::Over => Phase::Over,
            };
        }
    }
}
