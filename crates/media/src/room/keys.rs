//! Key frames: who wants one, and when the sender is asked. Two hundred who join ask once.

use std::time::{Duration, Instant};

use str0m::media::KeyframeRequestKind;

use super::Room;
use super::peer::{Feed, Layer};
use crate::counters;
use crate::types::Kind;

/// A layer is not asked more often.
const PAUSE: Duration = Duration::from_millis(300);

impl Room {
    /// A slot needs a key frame of a layer.
    pub(super) fn want_key(&mut self, now: Instant, feed: Feed, layer: usize) {
        if let Some(layer) = self.layer_mut(feed, layer) {
            layer.wanted = true;
            self.ask(now, feed.peer);
        }
    }

    /// A peer can be shown something now: what its slots are to show must begin.
    pub(super) fn want_keys_for(&mut self, place: usize) {
        let keys: Vec<(Feed, usize)> = self.peers[place]
            .iter()
            .flat_map(|p| &p.slots)
            .filter_map(|s| Some((s.feed?, s.target?)))
            .collect();
        for (feed, layer) in keys {
            self.want_key_soon(feed, layer);
        }
    }

    /// A slot needs a key frame of a layer; it is asked for when this moment is settled.
    pub(super) fn want_key_soon(&mut self, feed: Feed, layer: usize) {
        if let Some(layer) = self.layer_mut(feed, layer) {
            layer.wanted = true;
            self.ask_soon = true;
        }
    }

    fn layer_mut(&mut self, feed: Feed, layer: usize) -> Option<&mut Layer> {
        let peer = self.peers[feed.peer].as_mut().filter(|p| p.id == feed.id)?;
        peer.tracks.get_mut(feed.track)?.layers.get_mut(layer)
    }

    /// Asks for what is wanted and may be asked for now; the rest waits for the next tick.
    pub(super) fn ask_keys(&mut self, now: Instant) {
        for place in 0..self.peers.len() {
            self.ask(now, place);
        }
    }

    fn ask(&mut self, now: Instant, place: usize) {
        let Some(peer) = self.peers[place].as_mut() else {
            return;
        };
        let mut asked = 0;
        for track in peer.tracks.iter_mut().filter(|t| t.kind == Kind::Video && t.allowed.is_some())
        {
            for layer in track.layers.iter_mut().filter(|l| l.wanted) {
                let may = layer.asked.is_none_or(|at| now.saturating_duration_since(at) >= PAUSE);
                let Some(ssrc) = layer.ssrc.filter(|_| may) else {
                    continue;
                };
                if let Some(stream) = peer.rtc.direct_api().stream_rx(&ssrc) {
                    stream.request_keyframe(KeyframeRequestKind::Pli);
                    layer.asked = Some(now);
                    asked += 1;
                }
            }
        }
        if asked > 0 {
            counters::add(&self.shared.counters.key_frames_asked, asked);
            self.touch(place);
        }
    }
}
