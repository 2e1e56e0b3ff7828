//! People in a class: they come, listen, act, lose their connection, ask for what they missed, and stay away.

use std::sync::Arc;

use serde_json::{Value, json};
use stoa_classroom::room::CheckIn;
use stoa_classroom::tree::Tree;
use stoa_classroom::{Entry, Error, Heard, Joined, Refusal, Track};
use stoa_core::{ClassRole, RoomUuid, UserUuid};

use super::ask::{Answer, Asked, Failed};
use super::ear::Ear;
use super::look::Snapshot;
use super::mirror::{Mirror, text};
use crate::client::ANSWER_MS;
use crate::mutant::Mutant;
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
    session: u64,
    /// The last number that it knows of what is told to all, and of what is told to it alone.
    at: u64,
    at_alone: u64,
    ear: Option<Ear>,
    heard: Option<Heard>,
    /// The call whose answer it waits for, and until when.
    ask: Option<(u64, u64)>,
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

    fn waits_for(&self, number: u64) -> bool {
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
                self.lose_ear(person, true);
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

    fn person_asks<F>(
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

    fn listen_to_class(&mut self, person: usize) {
        let pass = self.pass_of(person);
        let Person { room, user: name, session, .. } = &self.classes.people[person];
        let (id, user, session) = (self.room_name(*room), user(name), *session);
        let ear = Ear::new(self.mutant == Some(Mutant::DeafListener));
        let to = ear.listener();
        let asked = Asked::Listen(person, ear.clone());
        let asks = self.person_asks(person, asked, |classroom| async move {
            let joined = async {
                let caller = pass.show(&classroom)?;
                classroom.listen(&caller, &id, &user, session, None, to).await
            };
            Answer::Listens(joined.await.map_err(Failed::from))
        });
        if asks {
            note!(self, "class: {} connects", self.person_name(person));
            self.classes.people[person].phase = Phase::Joining;
            self.classes.people[person].ear = Some(ear);
        }
    }

    pub(super) fn listens_to_class(
        &mut self,
        person: usize,
        number: u64,
        ear: &Ear,
        joined: Result<Joined, Failed>,
    ) {
        note!(self, "class: {} connected: {joined:?}", self.person_name(person));
        if !self.classes.people[person].waits_for(number) {
            // The client is gone by now, and its door says so.
            self.hang_up_in_class(person, ear);
            return;
        }
        let (now, room) = (self.now, self.classes.people[person].room);
        let person = &mut self.classes.people[person];
        person.ask = None;
        match joined {
            Ok(joined) => {
                person.heard = Some(joined.heard);
                person.phase = Phase::Reading;
                let Heard { sequence, peer_sequence } = joined.heard;
                if sequence < person.at || peer_sequence < person.at_alone {
                    let (at, alone) = (person.at, person.at_alone);
                    let text = format!("knows {at} and {alone}, the server {:?}", joined.heard);
                    let name = person.user.clone();
                    self.model.fail(format!("class: {name} {text}"));
                }
            }
            Err(failed) => {
                person.ear = None;
                person.phase = match &failed {
                    Failed::Refused(Refusal::RoomOver) => Phase::Over,
                    Failed::Refused(_) => Phase::Out(now),
                    // It may listen all the same.
                    Failed::Token | Failed::Unknown => Phase::Entered(now + 1000),
                };
                if let Failed::Refused(refusal) = failed {
                    self.check_class_refusal(room, &refusal);
                }
            }
        }
    }

    /// Reads what was told before the connection was there.
    fn read_in_class(&mut self, person: usize) {
        let one = &self.classes.people[person];
        let Some(heard) = one.heard else { return };
        let (track, from) = if one.at < heard.sequence {
            (Track::Room, one.at + 1)
        } else if one.at_alone < heard.peer_sequence {
            (Track::Peer, one.at_alone + 1)
        } else {
            note!(self, "class: {} is up to date", self.person_name(person));
            self.classes.people[person].phase = Phase::Live;
            return;
        };
        let (pass, id, name) = (self.pass_of(person), self.room_name(one.room), user(&one.user));
        let sees_answers = one.role.sees_answers();
        self.person_asks(person, Asked::Missed(person, track), |classroom| async move {
            let missed = async {
                let caller = pass.show(&classroom)?;
                classroom.missed(&caller, &id, &name, track, from).await
            };
            let view = |frame: &stoa_classroom::frame::Frame| frame.view(sees_answers);
            let views = missed.await.map(|frames| frames.iter().map(view).collect());
            Answer::Missed(views.map_err(Failed::from))
        });
    }

    pub(super) fn missed_in_class(
        &mut self,
        person: usize,
        number: u64,
        track: Track,
        missed: Result<Vec<Value>, Failed>,
    ) {
        let one = &mut self.classes.people[person];
        if !one.waits_for(number) {
            return;
        }
        one.ask = None;
        let room = one.room;
        match (missed, one.heard) {
            (Ok(views), Some(heard)) => {
                let (at, last) = match track {
                    Track::Room => (one.at, heard.sequence),
                    Track::Peer => (one.at_alone, heard.peer_sequence),
                };
                // What was said since is heard.
                let views =
                    views.into_iter().filter(|view| view["sequence"].as_u64() <= Some(last));
                let views: Vec<Value> = views.collect();
                if views.is_empty() {
                    let name = self.person_name(person);
                    return self.model.fail(format!("class: {name} is not told {at} to {last}"));
                }
                self.take_frames(person, track, views);
            }
            (Err(Failed::Refused(refusal)), _) => {
                self.lose_ear(person, true);
                self.classes.people[person].phase = Phase::Entered(self.now);
                self.check_class_refusal(room, &refusal);
            }
            _ => {
                self.lose_ear(person, true);
                self.classes.people[person].phase = Phase::Entered(self.now + 500);
            }
        }
    }

    /// Takes what the connection has heard, once all was read that had been told before.
    fn hear_in_class(&mut self, person: usize) {
        let Some(ear) = self.classes.people[person].ear.clone() else { return };
        if self.classes.people[person].phase == Phase::Live {
            while let Some(bytes) = ear.next() {
                let Ok(Value::Object(mut message)) = serde_json::from_slice(&bytes) else {
                    return self.model.fail("class: a message is no JSON");
                };
                // What is neither numbered nor kept has no list.
                let Some(Value::Array(frames)) = message.remove("list") else { continue };
                let alone = message.get("peer") == Some(&json!(true));
                let track = if alone { Track::Peer } else { Track::Room };
                self.take_frames(person, track, frames);
            }
        }
        let Some(why) = ear.ended() else { return };
        note!(self, "class: {} is told to end: {why}", self.person_name(person));
        let (now, again) = (self.now, self.classes.dice.between(500, 6000));
        self.lose_ear(person, false);
        self.classes.people[person].phase = match why {
            "closed" => Phase::Over,
            "kicked" | "banned" => Phase::Out(now + again),
            // By a clock that was set, or by an entry of its own that had no answer.
            _ => Phase::Out(now),
        };
    }

    fn take_frames(&mut self, person: usize, track: Track, frames: Vec<Value>) {
        for frame in frames {
            let one = &mut self.classes.people[person];
            let sees_answers = one.role.sees_answers();
            let room = &mut self.classes.rooms[one.room];
            let number = frame["sequence"].as_u64().unwrap_or(0);
            let at = match track {
                Track::Room => &mut one.at,
                Track::Peer => &mut one.at_alone,
            };
            *at += 1;
            let (due, user) = (*at, one.user.clone());
            let same = match track {
                Track::Room => {
                    let told = room.told.entry((sees_answers, number));
                    *told.or_insert_with(|| frame.clone()) == frame
                }
                Track::Peer => {
                    let told = room.told_alone.entry((user.clone(), number));
                    *told.or_insert_with(|| frame.clone()) == frame
                }
            };
            self.classes.heard += 1;
            note!(self, "class: {user} hears {track:?} {number}, {}", frame["cmd"]);
            if number != due {
                let name = self.person_name(person);
                return self
                    .model
                    .fail(format!("class: {name} is told {number} after {}", due - 1));
            }
            if !same {
                let name = self.person_name(person);
                return self.model.fail(format!("class: {name} is told another {number}"));
            }
            if text(&frame["data"]["message"]).is_empty() && frame["cmd"] == 3 {
                return self.model.fail("class: a message says nothing");
            }
        }
    }

    /// The connection is gone for the client; the server hears of it, or does not.
    fn lose_ear(&mut self, person: usize, tell: bool) {
        self.classes.people[person].ask = None;
        self.classes.people[person].heard = None;
        let joining = self.classes.people[person].phase == Phase::Joining;
        let Some(ear) = self.classes.people[person].ear.take() else { return };
        // Whoever is being let in is let out again when that is answered.
        if tell && !joining {
            self.hang_up_in_class(person, &ear);
        }
    }

    fn hang_up_in_class(&mut self, person: usize, ear: &Ear) {
        let Person { room, user: name, .. } = &self.classes.people[person];
        let (pass, id, user) = (self.pass_of(person), self.room_name(*room), user(name));
        let to = ear.listener();
        self.ask(Asked::HangUp, |classroom| async move {
            let hung_up = async {
                let caller = pass.show(&classroom)?;
                classroom.hang_up(&caller, &id, &user, &to).await;
                Ok::<_, Error>(())
            };
            Answer::Did(hung_up.await.map_err(Failed::from))
        });
    }

    /// Somebody loses the connection, or goes: for a moment, or for longer than one is awaited.
    fn leave_class(&mut self, person: usize) {
        let dice = &self.classes.dice;
        let away = dice.weighted(&[(6, 300), (4, 3000), (3, 24_000)]);
        let away = dice.between(away / 2, away * 3 / 2);
        let silent = dice.chance(300);
        let (heard, anew) = (!silent, dice.chance(200));
        note!(self, "class: {} goes for {away} ms", self.person_name(person));
        self.lose_ear(person, heard);
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
