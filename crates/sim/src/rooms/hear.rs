//! What comes in rooms, judged as it comes.

use std::collections::BTreeMap;

use stoa_wire::{Meta, NameSpace};

use super::Rooms;
use crate::client::{Device, text_of};
use crate::model::{What, index};
use crate::net::Shared;
use crate::world::{World, note};

/// What one session was told in rooms.
#[derive(Debug)]
pub(crate) struct Hearing {
    pub(crate) device: usize,
    /// Since when it is in the rooms that its user is in: the first list of what is waiting was there.
    pub(crate) since: Option<u64>,
    /// Since when it is over.
    pub(crate) until: Option<u64>,
    /// Knows whether the client ever fell behind.
    pub(super) socket: Shared,
    /// By room, the ids of messages as they came, and when.
    pub(super) came: BTreeMap<usize, Vec<(u64, u64)>>,
    /// By room, how often an id came that is below the one before it.
    falls: BTreeMap<usize, u32>,
}

impl Rooms {
    /// A page connects.
    pub(crate) fn connected(&mut self, number: u64, device: usize, socket: Shared) {
        if self.are_there() {
            let (came, falls) = (BTreeMap::new(), BTreeMap::new());
            let hearing = Hearing { device, since: None, until: None, socket, came, falls };
            self.hearings.insert(number, hearing);
        }
    }

    /// Its session is in the rooms.
    pub(crate) fn is_in(&mut self, number: u64, now: u64) {
        if let Some(hearing) = self.hearings.get_mut(&number) {
            hearing.since.get_or_insert(now);
        }
    }

    /// Its connection is over.
    pub(crate) fn over(&mut self, number: u64, now: u64) {
        if let Some(hearing) = self.hearings.get_mut(&number) {
            hearing.until.get_or_insert(now);
        }
    }
}

impl World {
    /// A thing was acknowledged: if it was said in a room, its sender may have spoken there.
    pub(crate) fn said_in_room(&mut self, index: usize) {
        let sent = &self.model.sent[index];
        let (from, until) = (sent.first_ms, self.now);
        if sent.what == What::Room
            && !self.rooms.may_speak(sent.app, &sent.to, &sent.from, from, until)
        {
            let problem = "was taken from a user who is muted, not in the room, or it is gone";
            self.model.fail(format!("#{index} {problem}"));
        }
    }

    /// A page of a room, which holds these. What the SDK would drop as doubles is seen here.
    pub(crate) fn hear(&mut self, tab: usize, number: u64, room: &str, metas: &[Meta]) {
        let Device { app, user, resource, .. } = &self.devices[self.tabs[tab].device];
        let (app, user, resource) = (*app, user.clone(), resource.clone());
        let Some(place) = self.rooms.find(app, room) else {
            // Its maker was not told of it, but whoever is in it is.
            if metas.iter().any(|meta| meta.ns() == NameSpace::Chat) {
                self.model.fail(format!("tab {tab}: told something in room {room}, unknown here"));
            }
            return;
        };
        let joins = self.connections.get(&number).and_then(|c| c.pulls.get(room).copied());
        for meta in metas.iter().filter(|meta| meta.ns() == NameSpace::Chat) {
            let (id, now) = (meta.id(), self.now);
            let text = meta.payload.as_deref().and_then(text_of).unwrap_or_default();
            let known = index(&text).filter(|index| *index < self.model.sent.len());
            let Some(index) = known else {
                return self.model.fail(format!("tab {tab}: nobody said {text:?} in room {room}"));
            };
            note!(self, "tab {tab}: hears #{index} ({id}) in {room}");
            self.counts.heard += 1;
            let sent = &self.model.sent[index];
            let from = meta.from.as_ref().and_then(|from| from.client_resource.clone());
            let member = &self.rooms.all[place].members;
            let may_hear =
                member.get(&user).is_some_and(|member| member.may_be(true, sent.first_ms, now));
            let problem = if sent.what != What::Room || sent.app != app || sent.to != room {
                "it was not said there"
            } else if sent.must_not_exist() {
                "every attempt to say it was refused"
            } else if sent.from == user && from.as_deref() == Some(&*resource) {
                "it comes from this device"
            } else if !may_hear {
                "the user was not in the room at any time since it was said"
            } else {
                ""
            };
            if !problem.is_empty() {
                return self.model.fail(format!(
                    "tab {tab}: {user} heard #{index} ({id}) in room {room}: {problem}"
                ));
            }
            let Some(hearing) = self.rooms.hearings.get_mut(&number) else { return };
            let came = hearing.came.entry(place).or_default();
            let falls = hearing.falls.entry(place).or_default();
            *falls += u32::from(came.last().is_some_and(|(last, _)| *last > id));
            if *falls > joins.unwrap_or_default() {
                return self
                    .model
                    .fail(format!("tab {tab}: #{index} ({id}) in room {room} is out of order"));
            }
            came.push((id, now));
        }
    }
}
