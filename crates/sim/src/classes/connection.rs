//! Connections to a class: listening, reading what was missed, hearing what is said, and losing them.

use serde_json::{Value, json};
use stoa_classroom::{Error, HangUp, Heard, Joined, Refusal, Track};

use super::ask::{Answer, Asked, Failed};
use super::ear::Ear;
use super::mirror::text;
use super::people::{Person, Phase, user};
use crate::mutant::Mutant;
use crate::world::{World, note};

impl World {
    pub(super) fn listen_to_class(&mut self, person: usize) {
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
            self.hang_up_in_class(person, ear, HangUp::MayComeBack);
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
    pub(super) fn read_in_class(&mut self, person: usize) {
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
                self.lose_ear(person, Some(HangUp::MayComeBack));
                self.classes.people[person].phase = Phase::Entered(self.now);
                self.check_class_refusal(room, &refusal);
            }
            _ => {
                self.lose_ear(person, Some(HangUp::MayComeBack));
                self.classes.people[person].phase = Phase::Entered(self.now + 500);
            }
        }
    }

    /// Takes what the connection has heard, once all was read that had been told before.
    pub(super) fn hear_in_class(&mut self, person: usize) {
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
        self.lose_ear(person, None);
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

    /// The connection is gone for the client; the server hears `told` of it, or nothing.
    pub(super) fn lose_ear(&mut self, person: usize, told: Option<HangUp>) {
        self.classes.people[person].ask = None;
        self.classes.people[person].heard = None;
        let joining = self.classes.people[person].phase == Phase::Joining;
        let Some(ear) = self.classes.people[person].ear.take() else { return };
        // Whoever is being let in is let out again when that is answered.
        if let (Some(how), false) = (told, joining) {
            self.hang_up_in_class(person, &ear, how);
        }
    }

    fn hang_up_in_class(&mut self, person: usize, ear: &Ear, how: HangUp) {
        let Person { room, user: name, .. } = &self.classes.people[person];
        let (pass, id, user) = (self.pass_of(person), self.room_name(*room), user(name));
        let to = ear.listener();
        self.ask(Asked::HangUp, |classroom| async move {
            let hung_up = async {
                let caller = pass.show(&classroom)?;
                classroom.hang_up(&caller, &id, &user, &to, how).await;
                Ok::<_, Error>(())
            };
            Answer::Did(hung_up.await.map_err(Failed::from))
        });
    }
}
