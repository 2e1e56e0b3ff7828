//! What participants are told of their slots and tracks, when it changed; and the figures of streams.

use std::collections::BTreeMap;
use std::time::Instant;

use stoa_metrics::media as metrics;

use super::Room;
use super::peer::{Peer, Track};
use crate::types::{Kind, StreamId, StreamStats, Tell, TrackStats};

impl Room {
    /// States are looked at again at the next tick.
    pub(super) fn report_soon(&mut self) {
        for peer in self.peers.iter_mut().flatten() {
            peer.report = true;
        }
    }

    /// Tells a peer of slots whose state is not what was told last.
    pub(super) fn report(&mut self, now: Instant, place: usize) {
        let Some(peer) = self.peers[place].as_ref().filter(|p| p.report) else {
            return;
        };
        let mut changed = Vec::new();
        for (at, slot) in peer.slots.iter().enumerate() {
            let track = slot.feed.and_then(|f| self.peers[f.peer].as_ref()?.tracks.get(f.track));
            let layer = track.zip(slot.current).and_then(|(t, layer)| t.layers.get(layer));
            let live = layer.is_some_and(|l| l.meter.live(now));
            let state = slot.state(live, layer.map_or("", |l| l.name.as_str()));
            if state != slot.told {
                changed.push((at, state));
            }
        }
        let Some(peer) = self.peers[place].as_mut() else {
            return;
        };
        peer.report = false;
        if changed.is_empty() {
            return;
        }
        let mut slots = BTreeMap::new();
        for (at, state) in changed {
            let slot = &mut peer.slots[at];
            slot.told.clone_from(&state);
            slots.insert(slot.name.clone(), state);
        }
        peer.told.told(Tell::Slots(slots));
    }

    /// Counts how each stream does.
    pub(super) fn sample(&mut self) {
        for peer in self.peers.iter_mut().flatten() {
            let coming = |track: &&mut Track| {
                track.allowed.is_some() && track.layers.iter().any(|l| l.lives)
            };
            for track in peer.tracks.iter_mut().filter(coming) {
                let (mut rate, mut due, mut lost, mut jitter) = (0, 0, 0, 0.0_f32);
                for layer in track.layers.iter_mut().filter(|layer| layer.lives) {
                    let (more, missing) = layer.meter.recent();
                    (due, lost) = (due + more, lost + missing);
                    rate += layer.meter.rate().unwrap_or(0);
                    jitter = jitter.max(layer.meter.jitter_ms());
                }
                metrics::STREAM_BITS.observe(rate);
                metrics::STREAM_LOSS.observe((lost * 1000).div_ceil(due.max(1)));
                metrics::STREAM_JITTER.observe(whole(jitter));
                if let Some(rtt) = peer.rtt_ms {
                    metrics::STREAM_ROUND_TRIP.observe(whole(rtt));
                }
            }
        }
    }

    /// The figures of the streams, of all or of one participant.
    pub(crate) fn stats(&self, user: Option<&str>) -> BTreeMap<StreamId, StreamStats> {
        let mut streams: BTreeMap<StreamId, StreamStats> = BTreeMap::new();
        for peer in self.peers.iter().flatten() {
            if user.is_some_and(|user| *peer.user != *user) {
                continue;
            }
            for track in &peer.tracks {
                let Some(stream) = track.allowed else { continue };
                let of = streams.entry(stream).or_default();
                of.rtt_ms = peer.rtt_ms;
                match track.kind {
                    Kind::Audio => of.audio = Some(figures(track)),
                    Kind::Video => of.video = Some(figures(track)),
                }
            }
        }
        streams
    }
}

/// Milliseconds, rounded up.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(ms: f32) -> u64 {
    ms.max(0.0).ceil() as u64
}

fn figures(track: &Track) -> TrackStats {
    let mut of = TrackStats {
        watchers: u32::try_from(track.watchers.len()).unwrap_or(u32::MAX),
        ..TrackStats::default()
    };
    for layer in &track.layers {
        let rate = layer.meter.rate().unwrap_or(0);
        of.bitrate += rate;
        of.packets += layer.meter.packets;
        of.lost += layer.meter.lost();
        of.jitter_ms = of.jitter_ms.max(layer.meter.jitter_ms());
        if !layer.name.is_empty() {
            of.layers.insert(layer.name.clone(), rate);
        }
    }
    of
}

/// Tells a peer which of its tracks are forwarded, if that changed.
pub(super) fn sending(peer: &mut Peer) {
    let mut changed = BTreeMap::new();
    for track in peer.tracks.iter_mut().filter(|t| t.source.is_some()) {
        let allowed = track.allowed.is_some();
        if track.told != Some(allowed) {
            track.told = Some(allowed);
            changed.insert(track.name.clone(), allowed);
        }
    }
    if !changed.is_empty() {
        peer.told.told(Tell::Sending(changed));
    }
}
