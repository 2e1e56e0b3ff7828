//! A room: its participants' connections, and who is shown what. No IO: datagrams, times, offers, watches and rights
//! go in; datagrams, what is told and the next deadline come out.
//!
//! Peers stand at places of a vector and know each other by place, so that a packet finds its watchers without a search. Whenever
//! somebody comes, goes, watches something else or the rights change, the whole table (track → slots) is made anew
//! ([`wiring`]); while packets flow it is only read.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::net::{Protocol, Transmit};
use str0m::{Candidate, Rtc};

mod allocate;
mod drive;
mod forward;
mod keys;
mod meter;
mod offer;
mod peer;
mod rebase;
mod report;
mod speaker;
mod wiring;

pub(crate) use drive::Input;
pub(crate) use peer::Peer;

use crate::config::Limits;
use crate::counters::{self, Counters};
use crate::types::{Kind, Refusal, Rights, RoomId, Source, StreamId, Tell, Watch, Why};

/// What all rooms of a process share.
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) counters: Arc<Counters>,
    pub(crate) certificate: str0m::config::DtlsCert,
    pub(crate) provider: Arc<str0m::config::CryptoProvider>,
    /// What clients are told to connect to.
    pub(crate) candidates: Vec<(Protocol, SocketAddr)>,
}

/// A peer, from outside its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PeerRef {
    pub(crate) room: RoomId,
    pub(crate) place: usize,
    pub(crate) id: u64,
}

/// What those who sort datagrams must know: under which names and addresses peers are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// A peer answers to this ICE user fragment.
    Named(String, PeerRef),
    /// Nobody does any more.
    Unnamed(String),
    /// A peer has proved that it is at this address.
    Bound(SocketAddr, PeerRef),
    /// It is not any more.
    Unbound(SocketAddr, PeerRef),
}

/// See the module.
pub(crate) struct Room {
    id: RoomId,
    shared: Arc<Shared>,
    /// What each owner may send: of camera and microphone, of the screen.
    rights: HashMap<String, [Option<Allowed>; 2]>,
    peers: Vec<Option<Peer>>,
    users: BTreeMap<Arc<str>, usize>,
    next_id: u64,
    /// Places of peers that something was written to.
    dirty: Vec<usize>,
    /// Places of peers that are to end.
    ending: Vec<usize>,
    heap: BinaryHeap<Reverse<(Instant, usize)>>,
    /// A key frame is wanted and was not asked for yet.
    ask_soon: bool,
    /// A layer came to life: what slots can have is not what it was.
    rewish: bool,
    /// When key frames, loudness, shares of the network and states are looked at next.
    tick: Option<Instant>,
    ticks: u64,
    start: Instant,
    speaker: speaker::Speaker,
    /// Datagrams to be sent.
    pub(crate) out: Vec<Transmit>,
    /// See [`Change`].
    pub(crate) changes: Vec<Change>,
}

/// What one stream may carry.
#[derive(Clone, Copy)]
struct Allowed {
    stream: StreamId,
    audio: bool,
    video: bool,
}

/// How often a connection says how long its round trips are.
const FIGURES: Duration = Duration::from_secs(2);

/// How often a room looks at what is not driven by packets.
const TICK: Duration = Duration::from_millis(100);

/// After so many of them it is counted how its streams do.
const SAMPLE: u64 = 100;

impl Room {
    pub(crate) fn new(id: RoomId, shared: Arc<Shared>, now: Instant) -> Room {
        counters::shift(&shared.counters.rooms, 1);
        Room {
            id,
            shared,
            rights: HashMap::new(),
            peers: Vec::new(),
            users: BTreeMap::new(),
            next_id: 1,
            dirty: Vec::new(),
            ending: Vec::new(),
            heap: BinaryHeap::new(),
            ask_soon: false,
            rewish: false,
            tick: None,
            ticks: 0,
            start: now,
            speaker: speaker::Speaker::default(),
            out: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// A new table of rights; it holds for the next packet.
    pub(crate) fn set_rights(&mut self, rights: Rights) {
        self.rights.clear();
        for (stream, right) in rights.0 {
            let of = self.rights.entry(right.owner).or_default();
            // Of two streams of one kind the first holds; a class has no two.
            of[usize::from(right.screen)].get_or_insert(Allowed {
                stream,
                audio: right.audio,
                video: right.video,
            });
        }
        self.wire();
    }

    /// What a participant's slots are to show.
    ///
    /// # Errors
    ///
    /// 404 without a connection or for a slot that is not there, 400 if the kind does not fit. Then nothing changes.
    pub(crate) fn watch(
        &mut self,
        now: Instant,
        user: &str,
        slots: &BTreeMap<String, Option<Watch>>,
    ) -> Result<(), Refusal> {
        let place = self.place(user)?;
        let Some(peer) = self.peers[place].as_mut() else {
            return Err(no_connection());
        };
        for (name, watch) in slots {
            let Some(slot) = peer.slots.iter().find(|s| s.name == *name) else {
                return Err(Refusal::new(404, format!("no receiving m-line has the mid {name:?}")));
            };
            if watch.is_some_and(|w| w.kind != slot.kind) {
                return Err(Refusal::new(
                    400,
                    format!("the slot {name:?} is for {}", word(slot.kind)),
                ));
            }
        }
        for slot in &mut peer.slots {
            if let Some(watch) = slots.get(&slot.name) {
                if slot.watch.map(|w| w.stream) != watch.map(|w| w.stream) {
                    slot.stop();
                }
                slot.watch = *watch;
            }
        }
        peer.report = true;
        self.wire();
        self.report(now, place);
        Ok(())
    }

    /// A participant goes.
    pub(crate) fn leave(&mut self, now: Instant, user: &str, why: Why) {
        if let Some(&place) = self.users.get(user) {
            self.end_peer(now, place, why);
            self.wire();
        }
    }

    /// All go.
    pub(crate) fn end(&mut self, now: Instant) {
        for place in 0..self.peers.len() {
            self.end_peer(now, place, Why::Left);
        }
        self.wire();
    }

    /// How many connections it has.
    pub(crate) fn connections(&self) -> usize {
        self.users.len()
    }

    fn place(&self, user: &str) -> Result<usize, Refusal> {
        self.users.get(user).copied().ok_or_else(no_connection)
    }

    /// Ends a connection: says goodbye, forgets its names, tells its owner.
    fn end_peer(&mut self, now: Instant, place: usize, why: Why) {
        let Some(mut peer) = self.peers[place].take() else {
            return;
        };
        self.users.remove(&peer.user);
        drive::goodbye(&mut peer, now, &mut self.out, &self.shared.counters);
        let at = PeerRef { room: self.id, place, id: peer.id };
        self.changes.extend(peer.names.drain(..).map(Change::Unnamed));
        self.changes.extend(peer.addresses.drain(..).map(|a| Change::Unbound(a, at)));
        let counters = &self.shared.counters;
        counters::shift(&counters.participants, -1);
        if !peer.connected {
            counters::shift(&counters.half_open, -1);
        }
        if matches!(why, Why::Failed | Why::Timeout) {
            counters::add(&counters.broken, 1);
        }
        peer.told.told(Tell::Closed(why));
    }

    /// The stream as which something is forwarded that a participant sends, if it may be.
    fn stream_of(&self, user: &str, source: Source) -> Option<StreamId> {
        let allowed = self.rights.get(user)?[usize::from(source.is_screen())]?;
        let may = match source.kind() {
            Kind::Audio => allowed.audio,
            Kind::Video => allowed.video,
        };
        may.then_some(allowed.stream)
    }

    /// An empty connection with what every one of this process has.
    fn new_rtc(&self, now: Instant) -> Rtc {
        let mut rtc = Rtc::builder()
            .set_rtp_mode(true)
            .set_ice_lite(true)
            .set_crypto_provider(self.shared.provider.clone())
            .set_dtls_cert(self.shared.certificate.clone())
            .enable_bwe(Some(allocate::START))
            .set_stats_interval(Some(FIGURES))
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .enable_vp9(true)
            .enable_h264(true)
            .enable_av1(true)
            .build(now);
        for &(proto, addr) in &self.shared.candidates {
            let candidate = match proto {
                Protocol::Udp => Candidate::host(addr, "udp"),
                _ => Candidate::builder()
                    .tcp()
                    .host(addr)
                    .tcptype(str0m::net::TcpType::Passive)
                    .build(),
            };
            if let Ok(candidate) = candidate {
                rtc.add_local_candidate(candidate);
            }
        }
        rtc
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        counters::shift(&self.shared.counters.rooms, -1);
        for peer in self.peers.iter().flatten() {
            counters::shift(&self.shared.counters.participants, -1);
            if !peer.connected {
                counters::shift(&self.shared.counters.half_open, -1);
            }
        }
    }
}

fn no_connection() -> Refusal {
    Refusal::new(404, "there is no connection: make an offer first")
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Audio => "audio",
        Kind::Video => "video",
    }
}
