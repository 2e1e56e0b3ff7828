//! One participant's connection: its `Rtc`, what it sends (tracks with layers) and what it is shown (slots).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use str0m::Rtc;
use str0m::format::PayloadParams;
use str0m::media::{Mid, Pt, Rid};
use str0m::rtp::Ssrc;

use super::meter::Meter;
use super::rebase::Rebase;
use crate::types::{Flow, Kind, SlotState, Source, StreamId, Told, Watch, Why};

/// What a participant sends on one m-line.
pub(crate) struct Track {
    pub(crate) mid: Mid,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// What the client says that it is; nothing that is not named is forwarded.
    pub(crate) source: Option<Source>,
    /// The stream that it is now, if the rights allow it. Looked at for each packet.
    pub(crate) allowed: Option<StreamId>,
    /// From the smallest to the largest; one without a rid if the client sends no simulcast.
    pub(crate) layers: Vec<Layer>,
    /// The slots that show it or are to show it.
    pub(crate) watchers: Vec<Watcher>,
    /// What was told of `allowed`.
    pub(crate) told: Option<bool>,
    /// How loud it is, for sound.
    pub(crate) loudness: f32,
}

/// One encoding of a track.
pub(crate) struct Layer {
    pub(crate) rid: Option<Rid>,
    pub(crate) name: String,
    pub(crate) ssrc: Option<Ssrc>,
    pub(crate) meter: Meter,
    /// Packets come. Looked at from time to time, and set by the first.
    pub(crate) lives: bool,
    /// The height of its pictures, once seen.
    pub(crate) height: Option<u32>,
    /// When a key frame was last asked for.
    pub(crate) asked: Option<Instant>,
    /// Somebody waits for a key frame.
    pub(crate) wanted: bool,
}

/// A slot of a peer, by their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Watcher {
    pub(crate) peer: usize,
    pub(crate) slot: usize,
}

/// Where a slot's packets come from: a track of a peer, by their places. `id` tells a peer from a later one in the
/// same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Feed {
    pub(crate) peer: usize,
    pub(crate) id: u64,
    pub(crate) track: usize,
}

/// An m-line on which a participant is shown something.
pub(crate) struct Slot {
    pub(crate) mid: Mid,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) ssrc: Ssrc,
    pub(crate) watch: Option<Watch>,
    pub(crate) feed: Option<Feed>,
    /// The layer that is shown.
    pub(crate) current: Option<usize>,
    /// The layer that is to be shown, from its next key frame on.
    pub(crate) target: Option<usize>,
    pub(crate) withheld: bool,
    pub(crate) rebase: Rebase,
    /// Payload types that came, and with which they go.
    pub(crate) types: Vec<(Pt, Option<Pt>)>,
    pub(crate) told: Option<SlotState>,
}

impl Slot {
    /// Nothing is shown until a key frame of what is to be shown comes.
    pub(crate) fn stop(&mut self) {
        self.current = None;
        self.target = None;
    }

    pub(crate) fn state(&self, live: bool, layer: &str) -> Option<SlotState> {
        let watch = self.watch?;
        let flow = match self.current {
            Some(_) if live => Flow::Live,
            _ if self.withheld => Flow::Withheld,
            _ => Flow::Waiting,
        };
        Some(SlotState {
            stream: watch.stream,
            layer: if flow == Flow::Live { layer.to_owned() } else { String::new() },
            flow,
        })
    }
}

/// See the module.
pub(crate) struct Peer {
    /// Differs from that of every other peer, also of one that was in the same place.
    pub(crate) id: u64,
    pub(crate) user: Arc<str>,
    pub(crate) rtc: Rtc,
    pub(crate) told: Arc<dyn Told>,
    pub(crate) born: Instant,
    pub(crate) connected: bool,
    /// When `rtc` wants to be driven.
    pub(crate) deadline: Instant,
    /// For when it is in the room's heap.
    pub(crate) scheduled: Option<Instant>,
    /// Something was written to `rtc` that has not been polled.
    pub(crate) dirty: bool,
    /// It is to end.
    pub(crate) ends: Option<Why>,
    pub(crate) tracks: Vec<Track>,
    pub(crate) slots: Vec<Slot>,
    /// The tracks and layers of SSRCs; `None`: not one of ours.
    pub(crate) sources: HashMap<Ssrc, Option<(usize, usize)>>,
    pub(crate) params: Vec<PayloadParams>,
    /// What the network carries to the participant, in bits per second.
    pub(crate) estimate: Option<u64>,
    /// What the estimator was told to aim at, and whether to fill up with padding.
    pub(crate) aim: (u64, bool),
    /// Where it is.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Its ICE user fragments: the newest, and the one before.
    pub(crate) names: Vec<String>,
    /// Slots may have another state than was told.
    pub(crate) report: bool,
    /// Its last round trip, in milliseconds.
    pub(crate) rtt_ms: Option<f32>,
}

/// SSRCs that are remembered for a peer.
const SOURCES: usize = 128;

impl Peer {
    /// The track and layer of an SSRC.
    pub(crate) fn source_of(&mut self, ssrc: Ssrc) -> Option<(usize, usize)> {
        if let Some(known) = self.sources.get(&ssrc) {
            return *known;
        }
        let (mid, rid) = {
            let mut api = self.rtc.direct_api();
            let stream = api.stream_rx(&ssrc)?;
            (stream.mid(), stream.rid())
        };
        let found = self.tracks.iter().position(|t| t.mid == mid).and_then(|track| {
            let layer = self.tracks[track].layers.iter().position(|l| l.rid == rid)?;
            Some((track, layer))
        });
        if let Some((track, layer)) = found {
            self.tracks[track].layers[layer].ssrc = Some(ssrc);
        }
        if self.sources.len() >= SOURCES {
            self.sources.clear();
        }
        self.sources.insert(ssrc, found);
        found
    }
}
