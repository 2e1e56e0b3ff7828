//! The last round in rooms, when there is peace: who enters and leaves is sure then, and so is who must
//! hear what is said. Some go away for longer than a member may, some for less.

use super::{OWNER, Which};
use crate::client::Phase;
use crate::model::What;
use crate::world::{World, note, user_name};

/// Long enough for answers, and for what was said to be heard.
const ROUND_MS: u64 = 15_000;
/// A member may be away for so long.
const SHORT_MS: u64 = 60_000;
/// Not for so long: the two minutes, in which nobody notices, and some more.
const LONG_MS: u64 = 150_000;

impl World {
    /// Goes through the last round.
    pub(crate) fn last_round(&mut self) {
        if !self.rooms.are_there() {
            return;
        }
        note!(self, "rooms: the last round");
        // Whatever was asked for has happened by now, or never will.
        let now = self.now;
        for room in &mut self.rooms.all {
            room.gone.give_up(now);
            room.members.values_mut().for_each(|fact| fact.give_up(now));
            room.muted.values_mut().for_each(|fact| fact.give_up(now));
        }
        for room in 0..self.rooms.all.len() {
            if self.rooms.dice.chance(100) {
                self.by_back_end(room, Which::Gone, "", true);
            }
        }
        self.go_on(1000);
        self.all_enter_or_leave(700);
        self.all_speak();
        if self.rooms.dice.chance(300) {
            self.some_go_away();
            self.all_speak();
        }
        self.all_enter_or_leave(500);
        self.all_speak();
    }

    /// Every user enters each room or leaves it.
    fn all_enter_or_leave(&mut self, enter: u64) {
        for tab in 0..self.tabs.len() {
            let device = &self.devices[self.tabs[tab].device];
            let rooms = self.rooms.of(device.app);
            // One device speaks for the user, so that the last word is known.
            let first = self.tabs.iter().position(|other| {
                let other = (other.phase, &self.devices[other.device]);
                other.0 == Phase::Live && (other.1.app, &other.1.user) == (device.app, &device.user)
            });
            if first == Some(tab) {
                for room in rooms {
                    let enter = self.rooms.dice.chance(enter);
                    self.enter_or_leave(tab, room, enter);
                }
            }
        }
        self.go_on(ROUND_MS);
    }

    /// Everybody says something, several things quickly.
    fn all_speak(&mut self) {
        for device in 0..self.devices.len() {
            if self.devices[device].gone {
                continue;
            }
            for room in self.rooms.of(self.devices[device].app) {
                let id = self.rooms.all[room].id.clone();
                for _ in 0..self.rooms.dice.between(1, 6) {
                    self.compose(device, What::Room, &id);
                }
            }
        }
        self.go_on(ROUND_MS);
    }

    /// Some users have no session for a while. Whoever has none for long is put out.
    fn some_go_away(&mut self) {
        let gone_at = self.now;
        let mut long = Vec::new();
        for app in 0..self.plan.apps {
            for user in (0..self.plan.users).map(user_name) {
                let away = *self.rooms.dice.pick(&[0, SHORT_MS, LONG_MS]);
                note!(self, "{user} of app {app} goes away for {away} ms");
                let mine = |device: &crate::client::Device| {
                    device.app == app && device.user == user && !device.gone
                };
                if away == 0 || !self.devices.iter().any(mine) {
                    continue;
                }
                for tab in 0..self.tabs.len() {
                    let device = self.tabs[tab].device;
                    if mine(&self.devices[device]) {
                        self.devices[device].away_until = gone_at + away;
                        self.drop_connection(tab);
                    }
                }
                if away == LONG_MS && user != user_name(OWNER) {
                    long.push((app, user));
                }
            }
        }
        // A new life begins the time anew, so it has to come early.
        if self.rooms.dice.chance(500) {
            self.go_on(2000);
            self.begin_end();
        }
        self.go_on(SHORT_MS);
        self.all_speak();
        self.go_on((gone_at + LONG_MS).saturating_sub(self.now));
        let now = self.now;
        for (app, user) in long {
            for room in self.rooms.of(app) {
                self.rooms.fact(room, Which::Member, &user).was(false, gone_at, now);
            }
        }
        self.go_on(ROUND_MS);
    }
}
