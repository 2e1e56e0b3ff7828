//! A client: a full ICE agent on `str0m` that sends pictures and sounds made up here and looks at what it is shown.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid, Rid, Simulcast, SimulcastLayer};
use str0m::net::{Protocol, Receive, Transmit};
use str0m::rtp::{ExtensionValues, RtpWrite, Ssrc};
use str0m::{Candidate, Event, Input, Output, Rtc};

use super::decoder::Decoder;
use crate::types::{Offer, Source, Tell, Told};

/// What a participant was told.
#[derive(Default)]
pub(super) struct Heard(pub(super) Mutex<Vec<Tell>>);

impl Told for Heard {
    fn told(&self, tell: Tell) {
        self.0.lock().push(tell);
    }
}

/// A picture or sound that is sent.
pub(super) struct Sent {
    pub(super) mid: Mid,
    pub(super) source: Source,
    pub(super) rids: Vec<&'static str>,
    /// Packets of a picture, by layer.
    pub(super) packets: Vec<usize>,
    seq: Vec<u64>,
    frame: Vec<u32>,
    key: Vec<bool>,
    /// Level of a sound.
    pub(super) level: i8,
    pub(super) on: bool,
}

pub(super) struct Client {
    pub(super) name: String,
    pub(super) addr: SocketAddr,
    pub(super) proto: Protocol,
    pub(super) rtc: Rtc,
    pub(super) heard: Arc<Heard>,
    pub(super) sent: Vec<Sent>,
    pub(super) slots: Vec<Mid>,
    pub(super) decoders: BTreeMap<Mid, Decoder>,
    /// Sounds that came, by slot.
    pub(super) sounds: BTreeMap<Mid, u64>,
    pub(super) connected: bool,
    pub(super) dead: bool,
    pub(super) out: Vec<Transmit>,
    pub(super) deadline: Instant,
    pub(super) key_requests: u64,
    next_frame: Instant,
    next_sound: Instant,
    start: Instant,
    pending: Option<SdpPendingOffer>,
    offered: bool,
}

const FRAME: Duration = Duration::from_millis(33);
const SOUND: Duration = Duration::from_millis(20);

impl Client {
    pub(super) fn new(name: &str, addr: SocketAddr, now: Instant) -> Client {
        Client::over(name, Candidate::host(addr, "udp").unwrap(), now)
    }

    /// A client with this candidate.
    pub(super) fn over(name: &str, candidate: Candidate, now: Instant) -> Client {
        Client::with(name, candidate, Rtc::builder(), now)
    }

    /// A client with this candidate and these codecs.
    pub(super) fn with(
        name: &str,
        candidate: Candidate,
        config: str0m::RtcConfig,
        now: Instant,
    ) -> Client {
        let mut rtc = config.set_rtp_mode(true).build(now);
        let (addr, proto) = (candidate.addr(), candidate.proto());
        rtc.add_local_candidate(candidate);
        Client {
            name: name.to_owned(),
            addr,
            proto,
            rtc,
            heard: Arc::default(),
            sent: Vec::new(),
            slots: Vec::new(),
            decoders: BTreeMap::new(),
            sounds: BTreeMap::new(),
            connected: false,
            dead: false,
            out: Vec::new(),
            deadline: now,
            key_requests: 0,
            next_frame: now,
            next_sound: now,
            start: now,
            pending: None,
            offered: false,
        }
    }

    /// An offer with these tracks and slots more than before.
    pub(super) fn offer(
        &mut self,
        sources: &[(Source, &[&'static str])],
        slots: &[MediaKind],
    ) -> Offer {
        let mut api = self.rtc.sdp_api();
        for (source, rids) in sources {
            let kind = match source {
                Source::Microphone | Source::ScreenAudio => MediaKind::Audio,
                _ => MediaKind::Video,
            };
            let simulcast = (!rids.is_empty()).then(|| {
                let mut simulcast = Simulcast::new();
                rids.iter().for_each(|rid| simulcast.add_send_layer(SimulcastLayer::new(rid)));
                simulcast
            });
            let mid = api.add_media(kind, Direction::SendOnly, None, None, simulcast);
            let layers = rids.len().max(1);
            self.sent.push(Sent {
                mid,
                source: *source,
                rids: rids.to_vec(),
                packets: (0..layers).map(|l| 1 + l * 3).collect(),
                seq: vec![65_400; layers],
                frame: vec![0; layers],
                key: vec![true; layers],
                level: -30,
                on: true,
            });
        }
        for kind in slots {
            let mid = api.add_media(*kind, Direction::RecvOnly, None, None, None);
            self.slots.push(mid);
        }
        let fresh = !std::mem::replace(&mut self.offered, true);
        let (sdp, pending) = api.apply().expect("something is offered");
        self.pending = Some(pending);
        self.made(fresh, sdp.to_sdp_string())
    }

    /// An offer that starts ICE anew.
    pub(super) fn restart(&mut self) -> Offer {
        let mut api = self.rtc.sdp_api();
        api.ice_restart(true);
        let (sdp, pending) = api.apply().expect("a restart is a change");
        self.pending = Some(pending);
        self.made(false, sdp.to_sdp_string())
    }

    /// It is at another address now.
    pub(super) fn move_to(&mut self, addr: SocketAddr) {
        let old = Candidate::host(self.addr, "udp").unwrap();
        self.rtc.direct_api().invalidate_candidate(&old);
        self.addr = addr;
        self.rtc.add_local_candidate(Candidate::host(addr, "udp").unwrap());
    }

    fn made(&self, fresh: bool, sdp: String) -> Offer {
        let tracks = self.sent.iter().map(|s| (s.mid.to_string(), s.source)).collect();
        Offer { fresh, sdp, tracks }
    }

    pub(super) fn answered(&mut self, now: Instant, answer: &str) {
        let answer = SdpAnswer::from_sdp_string(answer).expect("the answer is SDP");
        let pending = self.pending.take().expect("there was an offer");
        self.rtc.sdp_api().accept_answer(pending, answer).expect("the answer fits");
        self.drain(now);
    }

    pub(super) fn receive(&mut self, now: Instant, source: SocketAddr, bytes: &[u8]) {
        if let Ok(receive) = Receive::new(self.proto, source, self.addr, bytes) {
            let _ = self.rtc.handle_input(Input::Receive(now, receive));
            self.drain(now);
        }
    }

    pub(super) fn timeout(&mut self, now: Instant) {
        self.rtc.handle_input(Input::Timeout(now)).expect("time is no error");
        self.drain(now);
        if self.connected {
            // A machine that stood still does not make up for it.
            if now - self.next_frame.min(now) > Duration::from_secs(1) {
                (self.next_frame, self.next_sound) = (now, now);
            }
            while self.next_frame <= now {
                self.next_frame += FRAME;
                (0..self.sent.len()).for_each(|at| self.picture(now, at));
            }
            while self.next_sound <= now {
                self.next_sound += SOUND;
                (0..self.sent.len()).for_each(|at| self.sound(now, at));
            }
            self.rtc.handle_input(Input::Timeout(now)).expect("time is no error");
            self.drain(now);
            for mid in self
                .decoders
                .iter_mut()
                .filter_map(|(mid, d)| d.wants_key(now).then_some(*mid))
                .collect::<Vec<_>>()
            {
                if let Some(stream) = self.rtc.direct_api().stream_rx_by_mid(mid, None) {
                    stream.request_keyframe(str0m::media::KeyframeRequestKind::Pli);
                }
                self.drain(now);
            }
        }
    }

    pub(super) fn next(&self) -> Instant {
        if self.connected {
            self.deadline.min(self.next_frame).min(self.next_sound)
        } else {
            self.deadline
        }
    }

    fn drain(&mut self, now: Instant) {
        for _ in 0..10_000 {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(due)) if due <= now => {
                    self.rtc.handle_input(Input::Timeout(now)).expect("time is no error");
                }
                Ok(Output::Timeout(due)) => {
                    self.deadline = due;
                    return;
                }
                Ok(Output::Transmit(transmit)) => self.out.push(transmit),
                Ok(Output::Event(event)) => self.event(now, event),
                Err(_) => {
                    self.dead = true;
                    return;
                }
            }
        }
        panic!("a client goes round in circles");
    }

    fn event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Connected => {
                self.connected = true;
                self.next_frame = now;
                self.next_sound = now;
            }
            Event::Closed => self.dead = true,
            Event::KeyframeRequest(request) => {
                self.key_requests += 1;
                for sent in self.sent.iter_mut().filter(|s| s.mid == request.mid) {
                    for (layer, key) in sent.key.iter_mut().enumerate() {
                        let rid = sent.rids.get(layer).map(|r| Rid::from(*r));
                        *key |= rid == request.rid;
                    }
                }
            }
            Event::RtpPacket(packet) => {
                let ssrc: Ssrc = packet.header.ssrc;
                let Some(mid) = self.rtc.direct_api().stream_rx(&ssrc).map(|s| s.mid()) else {
                    return;
                };
                let video = self.rtc.media(mid).is_some_and(|m| m.kind() == MediaKind::Video);
                if video {
                    self.decoders.entry(mid).or_default().packet(now, &packet);
                } else {
                    *self.sounds.entry(mid).or_default() += 1;
                }
            }
            _ => {}
        }
    }

    /// One picture of each layer of a track.
    fn picture(&mut self, now: Instant, at: usize) {
        let sent = &mut self.sent[at];
        if sent.source.kind() == crate::types::Kind::Audio || !sent.on {
            return;
        }
        let Some(pt) =
            self.rtc.codec_config().find(|p| p.spec().codec == Codec::Vp8).map(|p| p.pt())
        else {
            return;
        };
        let time = u32::try_from((now - self.start).as_millis() * 90).unwrap();
        for layer in 0..sent.packets.len() {
            let rid = sent.rids.get(layer).map(|r| Rid::from(*r));
            let key = std::mem::take(&mut sent.key[layer]);
            sent.frame[layer] += 1;
            let count = if key { sent.packets[layer] * 3 } else { sent.packets[layer] };
            for n in 0..count {
                let payload = super::decoder::payload(sent.frame[layer], layer, key, n);
                sent.seq[layer] += 1;
                let write = RtpWrite::new(
                    pt,
                    sent.seq[layer].into(),
                    time + u32::try_from(layer).unwrap() * 1000,
                    now,
                    payload,
                )
                .marker(n + 1 == count)
                .nackable(true);
                if let Some(stream) = self.rtc.direct_api().stream_tx_by_mid(sent.mid, rid) {
                    stream.write_rtp(write);
                }
            }
        }
    }

    fn sound(&mut self, now: Instant, at: usize) {
        let sent = &mut self.sent[at];
        if sent.source.kind() == crate::types::Kind::Video || !sent.on {
            return;
        }
        let Some(pt) =
            self.rtc.codec_config().find(|p| p.spec().codec == Codec::Opus).map(|p| p.pt())
        else {
            return;
        };
        let time = u32::try_from((now - self.start).as_millis() * 48).unwrap();
        sent.seq[0] += 1;
        let exts = ExtensionValues {
            audio_level: Some(sent.level),
            voice_activity: Some(sent.level > -50),
            ..Default::default()
        };
        let write = RtpWrite::new(pt, sent.seq[0].into(), time, now, vec![7u8; 80]).ext_vals(exts);
        if let Some(stream) = self.rtc.direct_api().stream_tx_by_mid(sent.mid, None) {
            stream.write_rtp(write);
        }
    }
}
