//! Calls of the server's functions, as the doors make them, and what they come to.

use std::sync::Arc;

use serde_json::Value;
use stoa_classroom::{Classroom, Entry, Error, HandedOut, Joined, Refusal, Track};
use stoa_core::{App, ClassCaller, ClassRole, Clock};

use super::ear::Ear;
use super::look::{Found, Snapshot};
use crate::world::World;

/// What was asked for.
pub(crate) enum Asked {
    /// That a room is made, of those that are prepared.
    Make(Box<super::ClassRoom>),
    /// Of a person.
    Enter(usize),
    Listen(usize, Ear),
    Missed(usize, Track),
    /// An act, by its room.
    Act(usize, usize),
    /// What a room is.
    Look(usize),
    /// Events of an app.
    Poll(usize),
    HangUp,
    /// Everything about a room.
    Audit(usize),
}

/// What came of it.
pub(crate) enum Answer {
    Did(Result<(), Failed>),
    Entered(Result<Box<Entry>, Failed>),
    Listens(Result<Joined, Failed>),
    Missed(Result<Vec<Value>, Failed>),
    Looked(Result<[Snapshot; 2], Failed>),
    Polled(Result<HandedOut, Failed>),
    Audited(Box<Result<Found, Failed>>),
}

/// Why a call has nothing to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failed {
    /// It was not done, and never will be.
    Refused(Refusal),
    /// The token is no good, perhaps by the clock that somebody set.
    Token,
    /// Nobody knows.
    Unknown,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => Self::Refused(refusal),
            Error::Token(_) => Self::Token,
            // Something may have been done before chat refused the rest.
            Error::Store(_) | Error::Chat(_) | Error::Unreadable | Error::Ending => Self::Unknown,
        }
    }
}

/// By what somebody is let in.
pub(super) struct Pass {
    app: Arc<App>,
    token: String,
}

impl Pass {
    pub(super) fn show(&self, classroom: &Classroom) -> Result<ClassCaller, Error> {
        classroom.authenticate(&self.app, Some(&self.token), None)
    }
}

impl World {
    /// A fresh token of somebody in a room, or of a back end.
    pub(super) fn class_pass(&self, app: usize, who: Option<(&str, &str, ClassRole)>) -> Pass {
        let salt = u32::try_from(self.classes.next % 1_000_000).unwrap_or(0);
        let (app, token) = self.machine.apps.class_token(app, who, &*self.machine.clock, salt);
        Pass { app, token }
    }

    /// The token of a person.
    pub(super) fn pass_of(&self, person: usize) -> Pass {
        let person = &self.classes.people[person];
        let room = &self.classes.rooms[person.room];
        self.class_pass(room.app, Some((&room.id, &person.user, person.role)))
    }

    /// Whether the server takes calls.
    pub(super) const fn takes_calls(&self) -> bool {
        self.server.is_some() && self.ending.is_none()
    }

    /// Calls the server. Answers the call's number, or nothing if it cannot be reached.
    pub(super) fn ask<F>(
        &mut self,
        asked: Asked,
        call: impl FnOnce(Arc<Classroom>) -> F,
    ) -> Option<u64>
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let server = self.server.as_ref().filter(|_| self.ending.is_none())?;
        let number = self.classes.next;
        let call = call(server.classroom.clone());
        server.call(&self.classes.answers, async move { (number, call.await) });
        self.classes.next += 1;
        self.classes.calls += 1;
        self.classes.asked.insert(number, asked);
        Some(number)
    }

    /// Takes what calls came to.
    pub(crate) fn take_class_answers(&mut self) {
        let answers = std::mem::take(&mut *self.classes.answers.lock());
        for (number, answer) in answers {
            let Some(asked) = self.classes.asked.remove(&number) else { continue };
            match (asked, answer) {
                (Asked::Make(room), Answer::Did(made)) => self.class_made(*room, &made),
                (Asked::Act(room, act), Answer::Did(done)) => self.class_acted(room, act, done),
                (Asked::Enter(person), Answer::Entered(entered)) => {
                    self.entered_class(person, number, entered);
                }
                (Asked::Listen(person, ear), Answer::Listens(joined)) => {
                    self.listens_to_class(person, number, &ear, joined);
                }
                (Asked::Missed(person, track), Answer::Missed(missed)) => {
                    self.missed_in_class(person, number, track, missed);
                }
                (Asked::Look(room), Answer::Looked(looked)) => self.looked_at_class(room, looked),
                (Asked::Poll(app), Answer::Polled(polled)) => self.class_polled(app, polled),
                (Asked::Audit(room), Answer::Audited(found)) => self.judge_class(room, *found),
                (Asked::HangUp, _) => {}
                _ => self.model.fail("an answer to another question"),
            }
        }
    }

    /// The process is gone: what had no answer may have been done or not.
    pub(crate) fn class_life_over(&mut self) {
        self.take_class_answers();
        let clock = self.class_clock();
        for (_, asked) in std::mem::take(&mut self.classes.asked) {
            match asked {
                Asked::Act(room, act) => {
                    let act = &mut self.classes.rooms[room].acts[act];
                    act.may_be_at(clock);
                    act.end_unknown();
                }
                Asked::Poll(app) => self.classes.pollers[app].lost(),
                Asked::Make(room) => self.class_made(*room, &Err(Failed::Unknown)),
                _ => {}
            }
        }
        self.people_lose_server();
    }

    /// The server's clock, in milliseconds.
    pub(super) fn class_clock(&self) -> u64 {
        self.machine.clock.now().as_millis()
    }

    /// A refusal of something about a room: that the room is not there has to be true.
    pub(super) fn check_class_refusal(&mut self, room: usize, refusal: &Refusal) {
        if *refusal != Refusal::NoRoom {
            return;
        }
        let latest = self.classes.latest.max(self.class_clock());
        let room = &mut self.classes.rooms[room];
        // Nothing is destroyed earlier than an hour after its end.
        if latest < room.since + HOUR_MS {
            let id = room.id.clone();
            return self.model.fail(format!("class {id} is denied"));
        }
        room.gone = true;
    }
}

/// How long a class room outlives its class.
pub(super) const HOUR_MS: u64 = 3_600_000;
