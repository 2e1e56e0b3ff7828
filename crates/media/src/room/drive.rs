//! Driving the connections: one input, then everything that comes out of it, then the next (the contract of `str0m`).

use std::cmp::Reverse;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use str0m::bwe::BweKind;
use str0m::net::{Protocol, Receive, Transmit};
use str0m::{Event, IceConnectionState, Output};

use super::{Change, Peer, PeerRef, Room, TICK};
use crate::counters::{self, Counters};
use crate::types::{Tell, Why};

/// A datagram for a peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    pub(crate) proto: Protocol,
    pub(crate) source: SocketAddr,
    /// The candidate to which it was sent.
    pub(crate) destination: SocketAddr,
    pub(crate) bytes: &'a [u8],
}

/// Addresses that one peer may be at.
const ADDRESSES: usize = 8;

/// Turns of one connection at one moment, after which it has to wait.
const TURNS: usize = 4096;

/// And how long it waits.
const REPEAT: Duration = Duration::from_millis(1);

/// By so much a connection's time may be ahead of the clock. `str0m` lets one packet go for each microsecond that passes
/// (`pacer/leaky.rs`, `request_immediate_timeout`); a frame that shall leave at once cannot wait for the clock.
const AHEAD: Duration = Duration::from_millis(1);

impl Room {
    /// Takes a datagram for a peer. Whether it is really from there, `str0m` checks: an address becomes the peer's only after
    /// a STUN request with the right password.
    pub(crate) fn receive(&mut self, now: Instant, at: PeerRef, input: Input<'_>) {
        let counters = self.shared.counters.clone();
        let known =
            self.peers.get(at.place).and_then(Option::as_ref).is_some_and(|p| p.id == at.id);
        if !known {
            return counters::add(&counters.strangers, 1);
        }
        self.flush(now, at.place);
        let Some(peer) = self.peers[at.place].as_mut() else {
            return;
        };
        let Ok(receive) = Receive::new(input.proto, input.source, input.destination, input.bytes)
        else {
            return counters::add(&counters.malformed, 1);
        };
        let stun = input.bytes[0] < 2;
        let input_ = str0m::Input::Receive(now, receive);
        if stun || !peer.addresses.contains(&input.source) {
            if !peer.rtc.accepts(&input_) {
                return counters::add(&counters.strangers, 1);
            }
            if stun && !peer.addresses.contains(&input.source) && names_peer(peer, input.bytes) {
                if peer.addresses.len() >= ADDRESSES {
                    let old = peer.addresses.remove(0);
                    self.changes.push(Change::Unbound(old, at));
                }
                peer.addresses.push(input.source);
                self.changes.push(Change::Bound(input.source, at));
            }
        }
        self.guard(at.place, |room| {
            let Some(peer) = room.peers[at.place].as_mut() else {
                return;
            };
            // Anyone can send a bad record from a forged address: that must not end a connection.
            if peer.rtc.handle_input(input_).is_err() {
                counters::add(&counters.malformed, 1);
            }
            room.poll(now, at.place);
        });
    }

    /// After the datagrams of one moment: what was written to peers goes out, who is to end ends.
    pub(crate) fn settle(&mut self, now: Instant) {
        if std::mem::take(&mut self.rewish) {
            (0..self.peers.len()).for_each(|place| self.allocate(place));
        }
        if std::mem::take(&mut self.ask_soon) {
            self.ask_keys(now);
        }
        while let Some(place) = self.dirty.pop() {
            self.flush(now, place);
        }
        self.reap(now);
    }

    /// Does what is due.
    pub(crate) fn timeout(&mut self, now: Instant) {
        while let Some(&Reverse((due, place))) = self.heap.peek() {
            if due > now {
                break;
            }
            self.heap.pop();
            let Some(peer) = self.peers[place].as_mut() else {
                continue;
            };
            if peer.scheduled != Some(due) {
                continue;
            }
            peer.scheduled = None;
            if peer.deadline <= now {
                self.turn(now, place);
            } else {
                self.schedule(place);
            }
        }
        if self.tick.is_some_and(|tick| tick <= now) {
            self.ticks += 1;
            self.look(now);
            self.tick = (!self.users.is_empty()).then(|| now + TICK);
        }
        self.settle(now);
    }

    /// When [`Room::timeout`] wants to be called.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let first = self.heap.peek().map(|Reverse((due, _))| *due);
        match (first, self.tick) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Something was written to this peer.
    pub(super) fn touch(&mut self, place: usize) {
        if let Some(peer) = self.peers[place].as_mut()
            && !peer.dirty
        {
            peer.dirty = true;
            self.dirty.push(place);
        }
    }

    fn flush(&mut self, now: Instant, place: usize) {
        if let Some(peer) = self.peers[place].as_mut()
            && peer.dirty
        {
            self.turn(now, place);
        }
    }

    /// Tells a peer the time, and takes what comes of it.
    fn turn(&mut self, now: Instant, place: usize) {
        self.guard(place, |room| {
            if let Some(peer) = room.peers[place].as_mut() {
                peer.dirty = false;
                tell_time(peer, now);
            }
            room.poll(now, place);
        });
    }

    /// Takes everything that comes out of a connection, until it waits for something later than now.
    pub(super) fn drain(&mut self, now: Instant, place: usize) {
        self.guard(place, |room| room.poll(now, place));
    }

    /// Does something with a peer's connection. A fault inside ends that connection, and no other.
    fn guard(&mut self, place: usize, act: impl FnOnce(&mut Room)) {
        let done = catch_unwind(AssertUnwindSafe(|| act(self)));
        let Some(peer) = self.peers[place].as_mut() else {
            return;
        };
        if done.is_err() {
            counters::add(&self.shared.counters.panics, 1);
            peer.ends = Some(Why::Failed);
        }
        if peer.ends.is_some() {
            self.ending.push(place);
        }
    }

    fn poll(&mut self, now: Instant, place: usize) {
        for _ in 0..TURNS {
            let Some(peer) = self.peers[place].as_mut() else {
                return;
            };
            if peer.ends.is_some() {
                return;
            }
            match peer.rtc.poll_output() {
                Ok(Output::Transmit(transmit)) => self.out.push(transmit),
                Ok(Output::Event(event)) => self.event(now, place, event),
                Ok(Output::Timeout(due)) if due <= now + AHEAD => {
                    peer.dirty = false;
                    tell_time(peer, due.max(now));
                }
                Ok(Output::Timeout(due)) => {
                    if !peer.rtc.is_alive() {
                        peer.ends = Some(Why::Failed);
                    }
                    peer.deadline = due;
                    return self.schedule(place);
                }
                Err(error) => {
                    tracing::debug!(%error, "a media connection failed");
                    peer.ends = Some(Why::Failed);
                }
            }
        }
        if let Some(peer) = self.peers[place].as_mut() {
            peer.deadline = now + REPEAT;
            self.schedule(place);
        }
    }

    fn schedule(&mut self, place: usize) {
        if let Some(peer) = self.peers[place].as_mut()
            && peer.scheduled.is_none_or(|due| peer.deadline < due)
        {
            peer.scheduled = Some(peer.deadline);
            self.heap.push(Reverse((peer.deadline, place)));
        }
    }

    fn event(&mut self, now: Instant, place: usize, event: Event) {
        let Some(peer) = self.peers[place].as_mut() else {
            return;
        };
        match event {
            Event::RtpPacket(packet) => self.packet(now, place, &packet),
            Event::Connected if !peer.connected => {
                peer.connected = true;
                counters::shift(&self.shared.counters.half_open, -1);
                if let Some(stream) = self.speaker.stream() {
                    peer.told.told(Tell::Speaker(Some(stream)));
                }
                self.want_keys_for(place);
            }
            Event::KeyframeRequest(request) => {
                let feed = peer
                    .slots
                    .iter()
                    .find(|s| s.mid == request.mid)
                    .and_then(|slot| Some((slot.feed?, slot.current.or(slot.target)?)));
                if let Some((feed, layer)) = feed {
                    self.want_key(now, feed, layer);
                }
            }
            Event::EgressBitrateEstimate(BweKind::Twcc { estimate, can_probe }) => {
                peer.estimate = can_probe.then(|| estimate.as_u64());
                self.allocate(place);
            }
            Event::PeerStats(figures) => {
                peer.rtt_ms = figures.rtt.map(|rtt| rtt.as_secs_f32() * 1000.0).or(peer.rtt_ms);
            }
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                peer.ends = Some(Why::Timeout);
            }
            Event::Closed => peer.ends = Some(Why::Left),
            _ => {}
        }
    }

    fn reap(&mut self, now: Instant) {
        if self.ending.is_empty() {
            return;
        }
        while let Some(place) = self.ending.pop() {
            if let Some(why) = self.peers[place].as_ref().and_then(|p| p.ends) {
                self.end_peer(now, place, why);
            }
        }
        self.wire();
    }

    /// What is looked at from time to time.
    fn look(&mut self, now: Instant) {
        for (place, peer) in self.peers.iter_mut().enumerate() {
            let Some(peer) = peer else { continue };
            let age = now.saturating_duration_since(peer.born);
            if !peer.connected && age >= self.shared.limits.handshake {
                peer.ends = Some(Why::Timeout);
                self.ending.push(place);
            }
        }
        self.ask_keys(now);
        if self.ticks.is_multiple_of(5) {
            for layer in self
                .peers
                .iter_mut()
                .flatten()
                .flat_map(|p| &mut p.tracks)
                .flat_map(|t| &mut t.layers)
            {
                layer.meter.tick(now);
                layer.lives = layer.meter.live(now);
            }
            for place in 0..self.peers.len() {
                self.allocate(place);
            }
            self.speak(now);
            self.report_soon();
        }
        if self.ticks.is_multiple_of(super::SAMPLE) {
            self.sample();
        }
        for place in 0..self.peers.len() {
            self.report(now, place);
        }
    }
}

fn tell_time(peer: &mut Peer, now: Instant) {
    if peer.rtc.handle_input(str0m::Input::Timeout(now)).is_err() {
        peer.ends = Some(Why::Failed);
    }
}

/// Closes a connection and takes its last datagrams.
pub(super) fn goodbye(peer: &mut Peer, now: Instant, out: &mut Vec<Transmit>, counters: &Counters) {
    let last = catch_unwind(AssertUnwindSafe(|| {
        let mut last = Vec::new();
        if peer.connected && peer.rtc.close().is_ok() {
            let _ = peer.rtc.handle_input(str0m::Input::Timeout(now));
            for _ in 0..64 {
                match peer.rtc.poll_output() {
                    Ok(Output::Transmit(transmit)) => last.push(transmit),
                    Ok(Output::Event(_)) => {}
                    _ => break,
                }
            }
        }
        last
    }));
    match last {
        Ok(last) => out.extend(last),
        Err(_) => counters::add(&counters.panics, 1),
    }
}

/// Whether a STUN request names the peer. (`accepts` does not check requests from the address that is in use.)
fn names_peer(peer: &Peer, bytes: &[u8]) -> bool {
    crate::stun::user(bytes).is_some_and(|name| peer.names.iter().any(|n| n == name))
}
