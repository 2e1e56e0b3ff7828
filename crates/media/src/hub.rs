//! All rooms of one worker. No IO: datagrams and times go in, datagrams and the next deadline come out. Datagrams find
//! their connection by the name in a STUN request, and after that by where they come from.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use str0m::net::Transmit;

use crate::counters;
use crate::room::{Change, Input, PeerRef, Room, Shared};
use crate::stun;
use crate::types::{Offer, Refusal, Rights, RoomId, StreamId, StreamStats, Told, Watch, Why};

/// See the module.
pub(crate) struct Hub {
    shared: Arc<Shared>,
    rooms: HashMap<RoomId, Room>,
    names: HashMap<String, PeerRef>,
    addresses: HashMap<SocketAddr, PeerRef>,
    heap: BinaryHeap<Reverse<(Instant, RoomId)>>,
    /// For when a room is in the heap.
    scheduled: HashMap<RoomId, Instant>,
    /// Rooms that something came for.
    stirred: Vec<RoomId>,
    /// Datagrams to be sent.
    pub(crate) out: Vec<Transmit>,
    /// See [`Change`].
    pub(crate) changes: Vec<Change>,
}

impl Hub {
    pub(crate) fn new(shared: Arc<Shared>) -> Hub {
        Hub {
            shared,
            rooms: HashMap::new(),
            names: HashMap::new(),
            addresses: HashMap::new(),
            heap: BinaryHeap::new(),
            scheduled: HashMap::new(),
            stirred: Vec::new(),
            out: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// A room's new table of rights. Makes the room known.
    pub(crate) fn rights(&mut self, now: Instant, room: RoomId, rights: Rights) {
        if !self.rooms.contains_key(&room) {
            let rooms = self.shared.counters.rooms.load(std::sync::atomic::Ordering::Relaxed);
            if usize::try_from(rooms).unwrap_or(0) >= self.shared.limits.rooms {
                tracing::warn!("no media for another room: there are as many as there may be");
                return;
            }
        }
        let shared = &self.shared;
        let of = self.rooms.entry(room).or_insert_with(|| Room::new(room, shared.clone(), now));
        of.set_rights(rights);
        self.after(now, room);
    }

    pub(crate) fn offer(
        &mut self,
        now: Instant,
        room: RoomId,
        user: &str,
        offer: &Offer,
        told: Arc<dyn Told>,
    ) -> Result<String, Refusal> {
        let result = self.room(room).and_then(|r| r.offer(now, user, offer, told));
        self.answered(now, room, result)
    }

    pub(crate) fn watch(
        &mut self,
        now: Instant,
        room: RoomId,
        user: &str,
        slots: &BTreeMap<String, Option<Watch>>,
    ) -> Result<(), Refusal> {
        let result = self.room(room).and_then(|r| r.watch(now, user, slots));
        self.answered(now, room, result)
    }

    pub(crate) fn leave(&mut self, now: Instant, room: RoomId, user: &str, why: Why) {
        if let Some(of) = self.rooms.get_mut(&room) {
            of.leave(now, user, why);
            self.after(now, room);
        }
    }

    pub(crate) fn end(&mut self, now: Instant, room: RoomId) {
        if let Some(of) = self.rooms.get_mut(&room) {
            of.end(now);
            self.after(now, room);
            self.rooms.remove(&room);
            self.scheduled.remove(&room);
        }
    }

    /// Everything ends; who is connected is told.
    pub(crate) fn end_all(&mut self, now: Instant) {
        let rooms: Vec<RoomId> = self.rooms.keys().copied().collect();
        for room in rooms {
            self.end(now, room);
        }
    }

    /// All connections end, the rooms stay.
    pub(crate) fn disconnect_all(&mut self, now: Instant) {
        let rooms: Vec<RoomId> = self.rooms.keys().copied().collect();
        for room in rooms {
            if let Some(of) = self.rooms.get_mut(&room) {
                of.end(now);
                self.after(now, room);
            }
        }
    }

    pub(crate) fn stats(
        &self,
        room: RoomId,
        user: Option<&str>,
    ) -> BTreeMap<StreamId, StreamStats> {
        self.rooms.get(&room).map(|r| r.stats(user)).unwrap_or_default()
    }

    /// Takes a datagram. What was caused by it comes out after [`Hub::settle`].
    pub(crate) fn receive(&mut self, now: Instant, input: Input<'_>) {
        let named = if stun::is(input.bytes) {
            stun::user(input.bytes).and_then(|name| self.names.get(name))
        } else {
            None
        };
        let Some(at) = named.or_else(|| self.addresses.get(&input.source)).copied() else {
            return counters::add(&self.shared.counters.strangers, 1);
        };
        if let Some(room) = self.rooms.get_mut(&at.room) {
            room.receive(now, at, input);
            if self.stirred.last() != Some(&at.room) {
                self.stirred.push(at.room);
            }
            // A new address must be known before the next datagram.
            self.learn(at.room);
        }
    }

    /// After the datagrams of one moment.
    pub(crate) fn settle(&mut self, now: Instant) {
        let mut stirred = std::mem::take(&mut self.stirred);
        stirred.sort_unstable();
        stirred.dedup();
        for &room in &stirred {
            self.after(now, room);
        }
        stirred.clear();
        self.stirred = stirred;
    }

    /// Does what is due.
    pub(crate) fn timeout(&mut self, now: Instant) {
        while let Some(&Reverse((due, room))) = self.heap.peek() {
            if due > now {
                break;
            }
            self.heap.pop();
            if self.scheduled.get(&room) != Some(&due) {
                continue;
            }
            self.scheduled.remove(&room);
            if let Some(of) = self.rooms.get_mut(&room) {
                of.timeout(now);
                self.after(now, room);
            }
        }
    }

    /// When [`Hub::timeout`] wants to be called.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((due, _))| *due)
    }

    /// How many connections there are in all rooms.
    pub(crate) fn connections(&self) -> usize {
        self.rooms.values().map(Room::connections).sum()
    }

    /// How many names and addresses are known.
    #[cfg(test)]
    pub(crate) fn known(&self) -> (usize, usize) {
        (self.names.len(), self.addresses.len())
    }

    fn room(&mut self, room: RoomId) -> Result<&mut Room, Refusal> {
        self.rooms.get_mut(&room).ok_or_else(|| Refusal::new(404, "the room has no media"))
    }

    fn answered<T>(
        &mut self,
        now: Instant,
        room: RoomId,
        result: Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        if result.is_err() {
            counters::add(&self.shared.counters.refused, 1);
        }
        self.after(now, room);
        result
    }

    /// Takes what came out of a room.
    fn after(&mut self, now: Instant, room: RoomId) {
        let Some(of) = self.rooms.get_mut(&room) else {
            return;
        };
        of.settle(now);
        self.out.append(&mut of.out);
        if let Some(due) = of.deadline()
            && self.scheduled.get(&room).is_none_or(|known| due < *known)
        {
            self.scheduled.insert(room, due);
            self.heap.push(Reverse((due, room)));
        }
        self.learn(room);
    }

    fn learn(&mut self, room: RoomId) {
        let Some(of) = self.rooms.get_mut(&room) else {
            return;
        };
        for change in of.changes.drain(..) {
            match &change {
                Change::Named(name, at) => {
                    self.names.insert(name.clone(), *at);
                }
                Change::Unnamed(name) => {
                    self.names.remove(name);
                }
                Change::Bound(address, at) => {
                    self.addresses.insert(*address, *at);
                }
                // It may be another's by now.
                Change::Unbound(address, at) => {
                    if self.addresses.get(address) == Some(at) {
                        self.addresses.remove(address);
                    } else {
                        continue;
                    }
                }
            }
            self.changes.push(change);
        }
    }
}
