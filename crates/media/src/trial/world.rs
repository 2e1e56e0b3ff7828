//! The world: one hub, clients, a network with loss and jitter from a seed, and the time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::media::MediaKind;
use str0m::net::Protocol;

use super::client::Client;
use crate::config::Limits;
use crate::counters::Counters;
use crate::hub::Hub;
use crate::room::{Input, Shared};
use crate::types::{Kind, Offer, Refusal, Right, Rights, RoomId, Source, StreamId, Tell, Watch};

pub(super) const ROOM: RoomId = RoomId(1, 2);

type Packet = (Instant, u64, SocketAddr, SocketAddr, Vec<u8>);

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) hub: Hub,
    pub(super) counters: Arc<Counters>,
    pub(super) clients: Vec<Client>,
    pub(super) rights: Rights,
    pub(super) server: SocketAddr,
    /// Of 1000 packets so many are lost.
    pub(super) loss: u64,
    pub(super) delay: Duration,
    pub(super) jitter: Duration,
    /// A client's downlink carries so many bits per second, by place.
    pub(super) downlink: BTreeMap<usize, u64>,
    /// What comes to the server, if that is looked at.
    pub(super) tapped: Option<Vec<(SocketAddr, Vec<u8>)>>,
    busy: BTreeMap<usize, Instant>,
    flying: BinaryHeap<Reverse<Packet>>,
    order: u64,
    seed: u64,
}

impl World {
    pub(super) fn new(seed: u64) -> World {
        World::with(seed, Limits::default())
    }

    pub(super) fn with(seed: u64, limits: Limits) -> World {
        let server: SocketAddr = "10.0.0.1:3478".parse().unwrap();
        let counters = Arc::new(Counters::default());
        let provider = Arc::new(crate::dtls::provider());
        let certificate = provider.dtls_provider.generate_certificate().unwrap();
        let shared = Shared {
            limits,
            counters: counters.clone(),
            certificate,
            provider,
            candidates: vec![(Protocol::Udp, server)],
        };
        World {
            now: Instant::now(),
            hub: Hub::new(Arc::new(shared)),
            counters,
            clients: Vec::new(),
            rights: Rights::default(),
            server,
            loss: 0,
            delay: Duration::from_millis(10),
            jitter: Duration::ZERO,
            downlink: BTreeMap::new(),
            tapped: None,
            busy: BTreeMap::new(),
            flying: BinaryHeap::new(),
            order: 0,
            seed: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        }
    }

    pub(super) fn random(&mut self) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed
    }

    /// The stream of a client's camera and microphone, and that of its screen.
    pub(super) fn stream(at: usize, screen: bool) -> StreamId {
        StreamId(u32::try_from(at).unwrap() * 10 + u32::from(screen))
    }

    /// A client who may send everything. It is not connected yet.
    pub(super) fn client(&mut self) -> usize {
        let at = self.clients.len();
        let name = format!("user{at}");
        let addr = SocketAddr::from(([10, 1, 1, 1], u16::try_from(5000 + at).unwrap()));
        self.clients.push(Client::new(&name, addr, self.now));
        for screen in [false, true] {
            let right = Right { owner: name.clone(), screen, audio: true, video: true };
            self.rights.0.insert(World::stream(at, screen), right);
        }
        self.hub.rights(self.now, ROOM, self.rights.clone());
        at
    }

    /// A client who sends and has slots, with its offer made and answered.
    pub(super) fn join(
        &mut self,
        sources: &[(Source, &[&'static str])],
        slots: &[MediaKind],
    ) -> usize {
        let at = self.client();
        let offer = self.clients[at].offer(sources, slots);
        self.send_offer(at, &offer).expect("the offer is good");
        at
    }

    pub(super) fn send_offer(&mut self, at: usize, offer: &Offer) -> Result<(), Refusal> {
        let (name, heard) = (self.clients[at].name.clone(), self.clients[at].heard.clone());
        let answer = self.hub.offer(self.now, ROOM, &name, offer, heard)?;
        self.clients[at].answered(self.now, &answer);
        self.collect();
        Ok(())
    }

    pub(super) fn watch(&mut self, at: usize, slot: usize, watch: Option<Watch>) {
        let name = self.clients[at].name.clone();
        let mid = self.clients[at].slots[slot].to_string();
        self.hub
            .watch(self.now, ROOM, &name, &BTreeMap::from([(mid, watch)]))
            .expect("the slot is there");
    }

    pub(super) fn set_rights(&mut self, change: impl FnOnce(&mut Rights)) {
        change(&mut self.rights);
        self.hub.rights(self.now, ROOM, self.rights.clone());
    }

    /// Sends a datagram to the server as if from `source`.
    pub(super) fn inject(&mut self, source: SocketAddr, bytes: &[u8]) {
        let input = Input { proto: Protocol::Udp, source, destination: self.server, bytes };
        self.hub.receive(self.now, input);
        self.hub.settle(self.now);
        self.collect();
    }

    /// Takes what everybody sends and puts it on its way.
    fn collect(&mut self) {
        let mut out: Vec<_> = self.hub.out.drain(..).collect();
        for client in &mut self.clients {
            out.append(&mut client.out);
        }
        for transmit in out {
            if self.random() % 1000 < self.loss {
                continue;
            }
            let jitter = u64::try_from(self.jitter.as_micros()).unwrap();
            let more = if jitter > 0 { self.random() % jitter } else { 0 };
            let mut at = self.now + self.delay + Duration::from_micros(more);
            let to = self.clients.iter().position(|c| c.addr == transmit.destination);
            if let Some((place, rate)) = to.and_then(|t| Some((t, *self.downlink.get(&t)?))) {
                let busy = self.busy.entry(place).or_insert(self.now);
                let begin = (*busy).max(self.now);
                // A queue of 300 ms; what does not fit is lost.
                if begin - self.now > Duration::from_millis(300) {
                    continue;
                }
                *busy = begin
                    + Duration::from_micros(transmit.contents.len() as u64 * 8_000_000 / rate);
                at = *busy + self.delay;
            }
            self.order += 1;
            self.flying.push(Reverse((
                at,
                self.order,
                transmit.source,
                transmit.destination,
                transmit.contents.to_vec(),
            )));
        }
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.collect();
            let mut next = end;
            if let Some(Reverse((at, ..))) = self.flying.peek() {
                next = next.min(*at);
            }
            if let Some(due) = self.hub.deadline() {
                next = next.min(due);
            }
            for client in self.clients.iter().filter(|c| !c.dead) {
                next = next.min(client.next());
            }
            self.now = self.now.max(next);
            while self.flying.peek().is_some_and(|Reverse((at, ..))| *at <= self.now) {
                let Reverse((_, _, source, destination, bytes)) = self.flying.pop().unwrap();
                if destination == self.server {
                    if let Some(tapped) = &mut self.tapped {
                        tapped.push((source, bytes.clone()));
                    }
                    let input = Input { proto: Protocol::Udp, source, destination, bytes: &bytes };
                    self.hub.receive(self.now, input);
                } else if let Some(client) =
                    self.clients.iter_mut().find(|c| c.addr == destination && !c.dead)
                {
                    client.receive(self.now, source, &bytes);
                }
            }
            self.hub.settle(self.now);
            self.hub.timeout(self.now);
            for client in self.clients.iter_mut().filter(|c| !c.dead) {
                if client.next() <= self.now {
                    client.timeout(self.now);
                }
            }
            if self.now >= end {
                self.collect();
                return;
            }
        }
    }

    /// Frames of both layers that a client has decoded in a slot.
    pub(super) fn decoded(&self, at: usize, slot: usize) -> [u64; 2] {
        let client = &self.clients[at];
        client.decoders.get(&client.slots[slot]).map_or([0, 0], |d| d.decoded)
    }

    pub(super) fn sounds(&self, at: usize, slot: usize) -> u64 {
        let client = &self.clients[at];
        client.sounds.get(&client.slots[slot]).copied().unwrap_or(0)
    }

    pub(super) fn told(&self, at: usize) -> Vec<Tell> {
        self.clients[at].heard.0.lock().clone()
    }

    /// No decoder has seen what no network can do.
    pub(super) fn check(&self) {
        for client in &self.clients {
            for (mid, decoder) in &client.decoders {
                assert!(decoder.faults.is_empty(), "{} {mid}: {:?}", client.name, decoder.faults);
            }
        }
        assert_eq!(self.counters.panics.load(std::sync::atomic::Ordering::Relaxed), 0);
    }
}

pub(super) fn video(at: usize, height: u32) -> Option<Watch> {
    Some(Watch { stream: World::stream(at, false), kind: Kind::Video, height })
}

pub(super) fn audio(at: usize) -> Option<Watch> {
    Some(Watch { stream: World::stream(at, false), kind: Kind::Audio, height: 0 })
}
