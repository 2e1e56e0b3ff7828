//! What of a room must be true, once nobody does anything any more.

use std::collections::BTreeMap;

use serde_json::Value;

use super::ClassRoom;
use super::acts::{Act, Fate, Kind, Told, tells_of};
use super::ask::{Answer, Asked, Failed};
use super::look::{self, Found};
use super::people::Phase;
use crate::world::{World, note};

/// What the back end is told when the state of a class changes.
const STATE: u16 = 1;

impl World {
    /// Judges all rooms that are there.
    pub(super) fn judge_classes(&mut self) {
        for room in 0..self.classes.rooms.len() {
            if self.classes.rooms[room].gone {
                continue;
            }
            let pass = self.class_pass(self.classes.rooms[room].app, None);
            let id = self.room_name(room);
            self.ask(Asked::Audit(room), |classroom| async move {
                let found = look::audit(&classroom, &pass, &id).await;
                Answer::Audited(Box::new(found.map_err(Failed::from)))
            });
        }
        self.finish_class_calls();
    }

    /// Waits until every call is answered.
    pub(super) fn finish_class_calls(&mut self) {
        for _ in 0..2000 {
            if self.classes.asked.is_empty() || !self.model.wrong.is_empty() {
                return;
            }
            self.settle(3);
        }
        self.model.fail("calls about classes are not answered");
    }

    pub(super) fn judge_class(&mut self, room: usize, found: Result<Found, Failed>) {
        let id = self.classes.rooms[room].id.clone();
        let found = match found {
            Ok(found) => found,
            Err(Failed::Refused(refusal)) => return self.check_class_refusal(room, &refusal),
            Err(failed) => return self.model.fail(format!("class {id} is not read: {failed:?}")),
        };
        let frames = found.frames.len();
        note!(self, "class: {id} is {} with {frames} frames, {:?}", found.state, found.there);
        self.classes.rooms[room].snapshots.extend(found.snapshots.iter().cloned());
        let one = &self.classes.rooms[room];
        let mut wrong = one.judge_told(&found);
        wrong.extend(one.judge_snapshots(&found));
        wrong.extend(one.judge_acts(&found));
        let changes = found.events.iter().filter(|event| event.cmd == STATE);
        let changes: Vec<(u8, u64)> = changes
            .map(|event| {
                let state = event.data["state"].as_u64().unwrap_or(u64::MAX);
                (u8::try_from(state).unwrap_or(u8::MAX), event.at.as_millis())
            })
            .collect();
        wrong.extend(one.times.judge(&changes, found.state, &one.acts, found.at));
        wrong.extend(self.judge_there(room, &found));
        for event in &found.events {
            let key = (id.clone(), event.sequence);
            let fetched = self.classes.pollers[one.app].events.get(&key);
            if fetched.is_some_and(|fetched| *fetched != event.view(&id)) {
                wrong.push(format!("event {} was fetched as another", event.sequence));
            }
        }
        if !self.classes.pollers[one.app].has_all(&id, found.event_sequence) {
            wrong.push(format!("not all {} events were fetched", found.event_sequence));
        }
        for wrong in wrong {
            self.model.fail(format!("class {id}: {wrong}"));
        }
    }

    /// Who is connected is there, and nobody else.
    fn judge_there(&self, room: usize, found: &Found) -> Option<String> {
        let people = self.classes.people.iter().filter(|one| one.room == room);
        let connected = people.filter(|one| one.phase == Phase::Live && one.role.is_listed());
        let mut connected: Vec<&str> = connected.map(|one| one.user.as_str()).collect();
        connected.sort_unstable();
        (connected != found.there)
            .then(|| format!("{connected:?} are connected, {:?} are there", found.there))
    }
}

/// What is wrong with the numbers of some frames or events, which begin with 1.
fn numbered(what: &str, numbers: impl Iterator<Item = u64>, last: u64) -> Option<String> {
    let mut due = 1;
    for number in numbers {
        if number != due {
            return Some(format!("{what} {number} comes after {}", due - 1));
        }
        due += 1;
    }
    (due != last + 1).then(|| format!("the last {what} is {}, and was {last}", due - 1))
}

impl ClassRoom {
    /// What was told is what is stored, and numbered.
    fn judge_told(&self, found: &Found) -> Vec<String> {
        let mut wrong = Vec::new();
        let all = found.frames.iter().map(|frame| frame.sequence);
        wrong.extend(numbered("frame", all, found.snapshots[0].sequence));
        let all = found.events.iter().map(|event| event.sequence);
        wrong.extend(numbered("event", all, found.event_sequence));
        let stored = found.frames.iter().map(|frame| (frame.sequence, frame));
        let stored: BTreeMap<u64, _> = stored.collect();
        for ((sees_answers, number), told) in &self.told {
            let frame = stored.get(number).map(|frame| frame.view(*sees_answers));
            if frame.as_ref() != Some(told) {
                wrong.push(format!("{number} was told as {told}, and is {frame:?}"));
            }
        }
        for (name, frames) in &found.alone {
            let last = frames.last().map_or(0, |frame| frame.sequence);
            wrong.extend(numbered(name, frames.iter().map(|frame| frame.sequence), last));
        }
        for ((name, number), told) in &self.told_alone {
            let frames = found.alone.get(name).map_or(&[][..], Vec::as_slice);
            let frame = frames.iter().find(|frame| frame.sequence == *number);
            // The second form is of frames to all.
            if frame.map(|frame| frame.view(true)).as_ref() != Some(told) {
                wrong.push(format!("{number} to {name} was told as {told}, and is {frame:?}"));
            }
        }
        wrong
    }

    /// What was shown first, and what was told since, is what was shown later.
    fn judge_snapshots(&self, found: &Found) -> Vec<String> {
        let mut wrong = Vec::new();
        for sees_answers in [true, false] {
            let of = self.snapshots.iter().filter(|one| one.sees_answers == sees_answers);
            let mut shown: Vec<_> = of.collect();
            shown.sort_by_key(|one| one.sequence);
            let Some(first) = shown.iter().find(|one| one.own.is_none()) else { continue };
            let (mut mirror, mut at) = (first.is.clone(), first.sequence);
            for one in shown.iter().filter(|one| one.sequence >= first.sequence) {
                for frame in &found.frames {
                    if frame.sequence == at + 1 && at < one.sequence {
                        at = frame.sequence;
                        if let Err(what) = mirror.hear(&frame.view(sees_answers)) {
                            wrong.push(what);
                        }
                        wrong.extend(mirror.wrong_on_stage());
                    }
                }
                if let Some(what) = mirror.differs(&one.is, one.own.as_deref()) {
                    wrong.push(format!("at {}, shown to {:?}: {what}", one.sequence, one.own));
                    return wrong;
                }
            }
        }
        wrong
    }

    /// What was acknowledged is there, once; what was refused is not.
    fn judge_acts(&self, found: &Found) -> Vec<String> {
        let mut wrong = Vec::new();
        let frames: Vec<Value> = found.frames.iter().map(|frame| frame.view(true)).collect();
        for act in self.acts.iter().filter(|act| act.kind.told() != Told::Never) {
            let told = frames.iter().filter(|frame| tells_of(frame, act.number)).count();
            let may = match (act.fate, act.kind.told()) {
                (Fate::Refused, _) => told == 0,
                (Fate::Done, Told::Once) => told == 1,
                (Fate::Done, _) => told >= 1,
                (Fate::Asked | Fate::Unknown, Told::Once) => told <= 1,
                (Fate::Asked | Fate::Unknown, _) => true,
            };
            if !may {
                let Act { kind, number, fate, .. } = act;
                wrong.push(format!("#{number} {kind:?} is {fate:?}, and told {told} times"));
            }
        }
        let mut rewards: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        for act in &self.acts {
            let Kind::Reward(many) = act.kind else { continue };
            let (least, most) = rewards.entry(&act.whom).or_default();
            *least += if act.fate == Fate::Done { many } else { 0 };
            *most += if act.fate == Fate::Refused { 0 } else { many };
        }
        for (name, has) in &found.rewards {
            let (least, most) = rewards.remove(name.as_str()).unwrap_or_default();
            if !(least..=most).contains(has) {
                wrong.push(format!("{name} has {has} rewards, of {least} to {most}"));
            }
        }
        wrong
    }
}
