//! Offers: a connection is made, or an existing one gets more m-lines or new ICE credentials.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use str0m::Rtc;
use str0m::change::SdpOffer;
use str0m::media::{Mid, Rid};

use super::meter::Meter;
use super::peer::{Layer, Slot, Track};
use super::rebase::Rebase;
use super::{Change, Peer, PeerRef, Room};
use crate::counters::{self, Counters};
use crate::outline::{self, Line};
use crate::types::{Kind, Offer, Refusal, Tell, Told, Why};

/// How many packets of a picture are kept for repair, and for how long. The payloads are shared by all watchers.
const REPAIR: usize = 1024;
const REPAIR_TIME: std::time::Duration = std::time::Duration::from_secs(1);

impl Room {
    /// Takes an offer and gives the answer.
    ///
    /// # Errors
    ///
    /// See [`outline::read`]; 400 also if `str0m` cannot read it or a track does not fit its m-line, 409 if it is not
    /// `fresh` and there is no connection, 503 at a limit. Then a connection that there was goes on as it was.
    pub(crate) fn offer(
        &mut self,
        now: Instant,
        user: &str,
        offer: &Offer,
        told: Arc<dyn Told>,
    ) -> Result<String, Refusal> {
        let lines = outline::read(&offer.sdp, &self.shared.limits)?;
        check_tracks(&lines, offer)?;
        let sdp = SdpOffer::from_sdp_string(&offer.sdp)
            .map_err(|e| Refusal::new(400, format!("the offer cannot be read: {}", said(&e))))?;
        if offer.fresh {
            self.fresh(now, user, &lines, offer, sdp, told)
        } else {
            self.more(now, user, &lines, offer, sdp, told)
        }
    }

    fn fresh(
        &mut self,
        now: Instant,
        user: &str,
        lines: &[Line],
        offer: &Offer,
        sdp: SdpOffer,
        told: Arc<dyn Told>,
    ) -> Result<String, Refusal> {
        self.check_limits(user)?;
        let mut rtc = self.new_rtc(now);
        let answer = accept(&mut rtc, sdp, &self.shared.counters)?;
        if let Some(&place) = self.users.get(user) {
            // The same client is not told of what it did itself.
            let why = match &self.peers[place] {
                Some(old) if Arc::ptr_eq(&old.told, &told) => None,
                _ => Some(Why::Replaced),
            };
            if why.is_none()
                && let Some(old) = self.peers[place].as_mut()
            {
                old.told = Arc::new(Nobody);
            }
            self.end_peer(now, place, Why::Replaced);
        }
        let id = self.next_id;
        self.next_id += 1;
        let user: Arc<str> = user.into();
        let peer = Peer {
            id,
            user: user.clone(),
            rtc,
            told,
            born: now,
            connected: false,
            deadline: now,
            scheduled: None,
            dirty: false,
            ends: None,
            tracks: Vec::new(),
            slots: Vec::new(),
            sources: HashMap::new(),
            params: Vec::new(),
            estimate: None,
            aim: (0, false),
            addresses: Vec::new(),
            names: Vec::new(),
            report: true,
            rtt_ms: None,
        };
        let place = match self.peers.iter().position(Option::is_none) {
            Some(place) => {
                self.peers[place] = Some(peer);
                place
            }
            None => {
                self.peers.push(Some(peer));
                self.peers.len() - 1
            }
        };
        self.users.insert(user, place);
        let counters = &self.shared.counters;
        counters::add(&counters.connections, 1);
        counters::shift(&counters.participants, 1);
        counters::shift(&counters.half_open, 1);
        self.tick.get_or_insert(now + super::TICK);
        self.accepted(now, place, lines, offer);
        Ok(answer)
    }

    fn more(
        &mut self,
        now: Instant,
        user: &str,
        lines: &[Line],
        offer: &Offer,
        sdp: SdpOffer,
        told: Arc<dyn Told>,
    ) -> Result<String, Refusal> {
        let speaker = self.speaker.stream();
        let place = self.users.get(user).copied();
        let Some((place, peer)) = place.and_then(|p| Some((p, self.peers[p].as_mut()?))) else {
            return Err(Refusal::new(409, "there is no connection to change: offer with fresh"));
        };
        // str0m changes the connection bit by bit, so what it would refuse later is refused here first.
        let same = |old: &str, kind: Kind| lines.iter().any(|l| l.mid == old && l.kind == kind);
        let kept = peer.tracks.iter().all(|t| same(&t.name, t.kind))
            && peer.slots.iter().all(|s| same(&s.name, s.kind));
        if !kept {
            return Err(Refusal::new(
                400,
                "an offer that is not fresh keeps the m-lines that there were, with their mids",
            ));
        }
        let answer = accept(&mut peer.rtc, sdp, &self.shared.counters)?;
        // Who comes back over another stream of the class is told there, and anew how things are.
        if !Arc::ptr_eq(&peer.told, &told) {
            peer.told = told;
            peer.slots.iter_mut().for_each(|slot| slot.told = None);
            peer.report = true;
            if let Some(stream) = speaker.filter(|_| peer.connected) {
                peer.told.told(Tell::Speaker(Some(stream)));
            }
        }
        self.accepted(now, place, lines, offer);
        Ok(answer)
    }

    fn check_limits(&self, user: &str) -> Result<(), Refusal> {
        let limits = &self.shared.limits;
        if !self.users.contains_key(user) && self.users.len() >= limits.participants {
            return Err(Refusal::new(
                503,
                format!(
                    "the room has {} connections, and that is all it may have",
                    limits.participants
                ),
            ));
        }
        let half_open = self.shared.counters.half_open.load(std::sync::atomic::Ordering::Relaxed);
        if usize::try_from(half_open).unwrap_or(0) >= limits.half_open {
            return Err(Refusal::new(
                503,
                "too many connections are being made: try again in a while",
            ));
        }
        Ok(())
    }

    /// What follows from an offer that was accepted: tracks, slots, the name for ICE.
    fn accepted(&mut self, now: Instant, place: usize, lines: &[Line], offer: &Offer) {
        self.drain(now, place);
        let Some(peer) = self.peers[place].as_mut() else {
            return;
        };
        peer.params = peer.rtc.codec_config().params().to_vec();
        peer.sources.clear();
        for line in lines {
            let mid = Mid::from(line.mid.as_str());
            let Some(media) = peer.rtc.media(mid) else {
                continue;
            };
            if media.disabled() {
                continue;
            }
            if line.sends {
                let source = offer.tracks.get(&line.mid).copied();
                match peer.tracks.iter_mut().find(|t| t.mid == mid) {
                    Some(track) => track.source = source,
                    None => peer.tracks.push(new_track(mid, line, source)),
                }
            } else if let Some(track) = peer.tracks.iter_mut().find(|t| t.mid == mid) {
                track.source = None;
            }
            if line.receives && peer.slots.iter().all(|s| s.mid != mid) {
                let mut api = peer.rtc.direct_api();
                let Some(stream) = api.stream_tx_by_mid(mid, None) else {
                    continue;
                };
                let ssrc = stream.ssrc();
                // Senders have paced their packets already, and a frame that leaves at once needs few system calls.
                // A pacer here would hold back even the smallest layer when a lossy network makes the estimate small.
                stream.set_unpaced(true);
                if line.kind == Kind::Video {
                    stream.set_rtx_cache(REPAIR, REPAIR_TIME, None);
                }
                peer.slots.push(new_slot(mid, line, ssrc));
            }
        }
        for track in &mut peer.tracks {
            track.told = None;
        }
        let name = peer.rtc.direct_api().local_ice_credentials().ufrag;
        if !peer.names.contains(&name) {
            // After a restart the old name stays good for what is still on its way.
            if peer.names.len() > 1 {
                self.changes.push(Change::Unnamed(peer.names.remove(0)));
            }
            peer.names.push(name.clone());
            let at = PeerRef { room: self.id, place, id: peer.id };
            self.changes.push(Change::Named(name, at));
        }
        self.touch(place);
        self.wire();
    }
}

fn new_track(mid: Mid, line: &Line, source: Option<crate::types::Source>) -> Track {
    let mut rids: Vec<&String> = line.rids.iter().collect();
    rids.sort_by_key(|rid| rank(rid));
    let layer = |rid: Option<&str>| Layer {
        rid: rid.map(Rid::from),
        name: rid.unwrap_or_default().to_owned(),
        ssrc: None,
        meter: Meter::default(),
        lives: false,
        height: None,
        asked: None,
        wanted: false,
    };
    let mut layers: Vec<Layer> = rids.iter().map(|rid| layer(Some(rid))).collect();
    if layers.is_empty() {
        layers.push(layer(None));
    }
    Track {
        mid,
        name: line.mid.clone(),
        kind: line.kind,
        source,
        allowed: None,
        layers,
        watchers: Vec::new(),
        told: None,
        loudness: 0.0,
    }
}

fn new_slot(mid: Mid, line: &Line, ssrc: str0m::rtp::Ssrc) -> Slot {
    let clock = if line.kind == Kind::Audio { 48_000 } else { 90_000 };
    Slot {
        mid,
        name: line.mid.clone(),
        kind: line.kind,
        ssrc,
        watch: None,
        feed: None,
        current: None,
        target: None,
        withheld: false,
        rebase: Rebase::new(clock, 1000),
        types: Vec::new(),
        told: None,
    }
}

/// Layers by their names, small first: `l`, `m`, `h`, or `q`, `h`, `f`. Others stand as they were offered.
fn rank(rid: &str) -> u8 {
    match rid {
        "q" => 0,
        "l" => 1,
        "m" => 2,
        "h" => 3,
        "f" => 4,
        _ => 2,
    }
}

fn accept(rtc: &mut Rtc, sdp: SdpOffer, counters: &Counters) -> Result<String, Refusal> {
    match catch_unwind(AssertUnwindSafe(|| rtc.sdp_api().accept_offer(sdp))) {
        Ok(Ok(answer)) => Ok(answer.to_sdp_string()),
        Ok(Err(error)) => {
            Err(Refusal::new(400, format!("the offer cannot be accepted: {}", said(&error))))
        }
        Err(_) => {
            counters::add(&counters.panics, 1);
            Err(Refusal::new(400, "the offer cannot be accepted"))
        }
    }
}

/// What is wrong, without where in memory it was found.
fn said(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("unknown").trim().to_owned()
}

/// Each named track is a sending m-line of its kind.
fn check_tracks(lines: &[Line], offer: &Offer) -> Result<(), Refusal> {
    for (mid, source) in &offer.tracks {
        let fits = lines.iter().any(|l| l.mid == *mid && l.sends && l.kind == source.kind());
        if !fits {
            return Err(Refusal::new(
                400,
                format!(
                    "tracks names the mid {mid:?}, which is no sending m-line for {}",
                    super::word(source.kind())
                ),
            ));
        }
    }
    Ok(())
}

/// Who is not told.
struct Nobody;

impl Told for Nobody {
    fn told(&self, _: Tell) {}
}
