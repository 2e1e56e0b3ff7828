//! The table of who is shown what, made anew when anything in it changes.

use std::collections::HashMap;

use super::Room;
use super::peer::{Feed, Watcher};
use crate::types::{Kind, StreamId};

impl Room {
    /// Finds each slot's track, and so each track's slots. Slots whose track changed begin anew with a key frame.
    pub(super) fn wire(&mut self) {
        let mut streams: HashMap<(StreamId, Kind), Feed> = HashMap::new();
        for place in 0..self.peers.len() {
            let Some(peer) = self.peers[place].as_ref() else {
                continue;
            };
            let found: Vec<Option<StreamId>> = peer
                .tracks
                .iter()
                .map(|t| t.source.and_then(|source| self.stream_of(&peer.user, source)))
                .collect();
            let Some(peer) = self.peers[place].as_mut() else {
                continue;
            };
            for (at, (track, stream)) in peer.tracks.iter_mut().zip(found).enumerate() {
                track.watchers.clear();
                track.allowed = stream;
                if let Some(stream) = stream {
                    let feed = Feed { peer: place, id: peer.id, track: at };
                    streams.entry((stream, track.kind)).or_insert(feed);
                }
            }
            super::report::sending(peer);
        }
        let mut watchers = Vec::new();
        for (place, peer) in self.peers.iter_mut().enumerate() {
            let Some(peer) = peer else { continue };
            for (at, slot) in peer.slots.iter_mut().enumerate() {
                let feed = slot.watch.and_then(|w| streams.get(&(w.stream, w.kind)).copied());
                if feed != slot.feed {
                    slot.feed = feed;
                    slot.types.clear();
                    slot.stop();
                }
                if let Some(feed) = feed {
                    watchers.push((feed, Watcher { peer: place, slot: at }));
                }
            }
        }
        for (feed, watcher) in watchers {
            if let Some(peer) = self.peers[feed.peer].as_mut() {
                peer.tracks[feed.track].watchers.push(watcher);
            }
        }
        for place in 0..self.peers.len() {
            self.allocate(place);
        }
        self.report_soon();
    }
}
