//! The end of a run for class rooms: everybody comes to rest, the server is started anew, the classes close, and an hour
//! later nothing of them is left.

use std::sync::Arc;

use parking_lot::Mutex;

use super::acts::Kind;
use super::ask::HOUR_MS;
use super::people::Phase;
use crate::world::{World, note};

/// Long enough for everybody who is away to be back, and for who is awaited to be given up.
const REST_MS: u64 = 75_000;
/// Everybody is back that soon after the server is, however few steps it takes in that time.
const BACK_MS: u64 = 15_000;
/// Rooms are destroyed that soon after their time is over.
const DESTROYED_MS: u64 = 20_000;

impl World {
    /// Lets classes go on.
    pub(crate) fn classes_act(&mut self) {
        if self.classes.are_there() {
            self.classes.latest = self.classes.latest.max(self.class_clock());
            self.class_back_ends_act();
            self.people_act();
        }
    }

    /// Goes through the end of all classes.
    pub(crate) fn end_classes(&mut self) {
        if !self.classes.are_there() {
            return;
        }
        note!(self, "classes: rest");
        self.classes.quiet = true;
        self.go_on(REST_MS);
        self.finish_and_judge_classes();
        self.restart_with_classes();
        self.finish_and_judge_classes();
        self.destroy_classes();
    }

    fn is_right(&self) -> bool {
        self.model.wrong.is_empty()
    }

    fn finish_and_judge_classes(&mut self) {
        if self.is_right() {
            self.fetch_all_class_events();
        }
        if self.is_right() {
            self.judge_classes();
        }
    }

    fn fetch_all_class_events(&mut self) {
        for app in 0..self.classes.pollers.len() {
            self.finish_class_calls();
            // The answer of the second asks for what came behind the first.
            for _ in 0..100 {
                self.poll_class_events(app);
                self.finish_class_calls();
                if self.classes.pollers[app].dry || !self.is_right() {
                    break;
                }
            }
        }
    }

    /// Whoever was connected is so again soon after a restart, without entering anew.
    fn restart_with_classes(&mut self) {
        if !self.is_right() {
            return;
        }
        note!(self, "classes: restart");
        let before: Vec<_> =
            self.classes.people.iter().map(|one| (one.phase, one.entries)).collect();
        self.end_server();
        self.start_server();
        self.go_on(BACK_MS);
        for (person, (phase, entries)) in before.into_iter().enumerate() {
            let now = &self.classes.people[person];
            let same = (now.phase, now.entries) == (phase, entries);
            if phase == Phase::Live && !same && now.phase != Phase::Over {
                let text =
                    format!("{} is {:?} after a restart", self.person_name(person), now.phase);
                self.model.fail(format!("class: {text}"));
            }
        }
    }

    /// Closes what is open, and lets an hour pass.
    fn destroy_classes(&mut self) {
        if !self.is_right() {
            return;
        }
        note!(self, "classes: close");
        for room in 0..self.classes.rooms.len() {
            if !self.classes.rooms[room].gone {
                self.back_end_acts_in_class(room, Some(Kind::SetState(3)));
            }
        }
        for (app, id) in self.classes.lost.clone() {
            self.close_lost_class(app, &id);
        }
        self.go_on(3000);
        self.finish_class_calls();
        self.fetch_all_class_events();
        if self.is_right() {
            self.judge_classes();
        }
        if !self.is_right() {
            return;
        }
        let copy = self.machine.disk.copied();
        let readable = self.readable_class_records(&copy);
        let there = self.classes.rooms.iter().any(|room| !room.gone);
        if there && readable == Some(0) {
            return self.model.fail("nothing of classes is stored that can be read");
        }
        note!(self, "classes: an hour later");
        // An hour after the latest time that the clock ever showed, whoever set it back since.
        let behind = self.classes.latest.saturating_sub(self.class_clock());
        self.skew += i64::try_from(behind + HOUR_MS).unwrap_or(0);
        self.set_clock();
        self.classes.latest = self.class_clock();
        self.go_on(DESTROYED_MS);
        self.fetch_all_class_events();
        // By the clock alone: nobody has asked for a room since.
        let left = self.readable_class_records(&copy);
        let disk = self.machine.disk.copied();
        let now = self.readable_class_records(&disk);
        note!(self, "classes: {readable:?} records could be read, {left:?} of the copy, {now:?}");
        if left != Some(0) || now != Some(0) {
            self.model.fail(format!("of classes that are over {left:?} records open, now {now:?}"));
        }
        for room in 0..self.classes.rooms.len() {
            if !self.classes.rooms[room].gone {
                self.look_at_class(room);
            }
        }
        self.finish_class_calls();
        for room in &self.classes.rooms {
            if !room.gone {
                let id = &room.id;
                self.model.wrong.push(format!("class {id} is there an hour after its end"));
            }
        }
    }

    /// How many records of class rooms on a disk the keys of the server open.
    fn readable_class_records(&mut self, disk: &stoa_store::engine::SimDisk) -> Option<usize> {
        let results = Arc::new(Mutex::new(Vec::new()));
        let server = self.server.as_ref()?;
        server.count_class_records(disk, &self.machine.apps, &results);
        for _ in 0..1000 {
            self.settle(3);
            if let Some(count) = results.lock().pop() {
                return count;
            }
        }
        None
    }
}
