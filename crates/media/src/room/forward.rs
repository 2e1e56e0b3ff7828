//! The packet path: a packet that came goes to the slots that show its track.

use std::time::Instant;

use str0m::format::PayloadParams;
use str0m::media::Pt;
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite};

use super::peer::{Peer, Slot, Watcher};
use super::rebase::Numbers;
use super::{Room, speaker};
use crate::codec::{self, Seen};
use crate::counters;
use crate::types::Kind;

impl Room {
    pub(super) fn packet(&mut self, now: Instant, from: usize, packet: &RtpPacket) {
        let counters = self.shared.counters.clone();
        counters::add(&counters.packets, 1);
        let start = self.start;
        let Some(peer) = self.peers[from].as_mut() else {
            return;
        };
        let Some((at, layer_at)) = peer.source_of(packet.header.ssrc) else {
            return counters::add(&counters.malformed, 1);
        };
        let pt = packet.header.payload_type;
        let Some(params) = peer.params.iter().find(|p| p.pt() == pt).copied() else {
            return counters::add(&counters.malformed, 1);
        };
        let track = &mut peer.tracks[at];
        // The right is looked at here, for each packet: a client that goes on sending is sending to nobody.
        if track.allowed.is_none() {
            return counters::add(&counters.forbidden, 1);
        }
        if track.kind == Kind::Audio {
            speaker::hear(track, packet.header.ext_vals.audio_level);
        }
        let seen = codec::look(params.spec().codec, &packet.payload);
        let layer = &mut track.layers[layer_at];
        let clock = f64::from(params.spec().clock_rate.get());
        let numbers =
            Numbers { seq: *packet.seq_no, time: packet.header.timestamp, at: packet.timestamp };
        layer.meter.packet(
            numbers.seq,
            packet.time.numer(),
            clock,
            packet.payload.len(),
            start,
            now,
        );
        if !std::mem::replace(&mut layer.lives, true) {
            self.rewish = true;
        }
        if seen.key {
            layer.wanted = false;
            layer.height = seen.height.or(layer.height);
        }
        let watchers = std::mem::take(&mut track.watchers);
        let mut forwarded = 0;
        for &watcher in &watchers {
            if self.hand(watcher, layer_at, packet, numbers, &seen, &params) {
                forwarded += 1;
                self.touch(watcher.peer);
            }
        }
        counters::add(&counters.forwarded, forwarded);
        // Nobody comes or goes while a packet is handed on.
        if let Some(peer) = self.peers[from].as_mut() {
            peer.tracks[at].watchers = watchers;
        }
    }

    /// Writes a packet to one slot, if the slot shows its layer. Says whether it did.
    fn hand(
        &mut self,
        watcher: Watcher,
        layer: usize,
        packet: &RtpPacket,
        numbers: Numbers,
        seen: &Seen,
        params: &PayloadParams,
    ) -> bool {
        let Some(peer) = self.peers[watcher.peer].as_mut() else {
            return false;
        };
        if !peer.connected {
            return false;
        }
        let slot = &peer.slots[watcher.slot];
        if slot.current != Some(layer) && (slot.target != Some(layer) || !seen.key) {
            return false;
        }
        // What the watcher cannot decode is nothing that it is shown.
        let Some(pt) = payload_type(peer, watcher.slot, params) else {
            return false;
        };
        let slot = &mut peer.slots[watcher.slot];
        if slot.current != Some(layer) {
            slot.rebase.switch(numbers, seen.vp8.as_ref());
            slot.current = Some(layer);
            peer.report = true;
        }
        let Some(rebased) = slot.rebase.apply(numbers, seen.vp8.as_ref()) else {
            return false;
        };
        let slot = &peer.slots[watcher.slot];
        let mut write =
            RtpWrite::new(pt, rebased.seq.into(), rebased.time, numbers.at, packet.payload.clone())
                .marker(packet.header.marker)
                .ext_vals(passed_on(&packet.header.ext_vals))
                .nackable(slot.kind == Kind::Video);
        if let Some(patch) = rebased.vp8 {
            write = write.vp8_patch(patch);
        }
        let ssrc = slot.ssrc;
        match peer.rtc.direct_api().stream_tx(&ssrc) {
            Some(stream) => stream.write_rtp(write),
            None => return false,
        }
        true
    }
}

/// With which payload type a watcher gets what came with `params`; `None` if it cannot decode that.
fn payload_type(peer: &mut Peer, slot: usize, params: &PayloadParams) -> Option<Pt> {
    let Slot { types, mid, .. } = &peer.slots[slot];
    if let Some((_, known)) = types.iter().find(|(came, _)| *came == params.pt()) {
        return *known;
    }
    let found = peer.rtc.codec_config().match_params(*params).map(PayloadParams::pt);
    let found =
        found.filter(|pt| peer.rtc.media(*mid).is_some_and(|m| m.remote_pts().contains(pt)));
    peer.slots[slot].types.push((params.pt(), found));
    found
}

/// Of the header extensions only these mean something to a watcher; the others belong to the sender's own connection.
fn passed_on(came: &ExtensionValues) -> ExtensionValues {
    ExtensionValues {
        audio_level: came.audio_level,
        voice_activity: came.voice_activity,
        video_orientation: came.video_orientation,
        ..ExtensionValues::default()
    }
}
