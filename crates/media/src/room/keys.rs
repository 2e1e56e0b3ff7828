//! Key frames: who wants one, and when the sender is asked. Two hundred who join ask once.

use std::time::{Duration, Instant};

use str0m::media::KeyframeRequestKind;

use super::Room;
use super::peer::Feed;
use crate::counters;
use crate::types::Kind;

/// A layer is not asked more often.
const PAUSE: Duration = Duration::from_millis(300);

impl Room {
    /// A slot needs a key frame of a layer.
    pub(super) fn want_key(&mut self, now: Instant, feed: Feed, layer: usize) {
        let Some(peer) = self.peers[feed.peer].as_mut().filter(|p| p.id == feed.id) else {
            return;
        };
        let Some(layer) = peer.tracks.get_mut(feed.track).and_then(|t| t.layers.get_mut(layer))
        else {
            return;
        };
        layer.wanted = true;
        self.ask(now, feed.peer);
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
