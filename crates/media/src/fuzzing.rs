//! What the fuzz targets run, shared with tests that need no fuzzer: any bytes, as offers and as what comes over the network
//! to a room in which somebody sends to somebody.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpWrite};
use str0m::{Candidate, Output, Rtc};

use crate::config::Limits;
use crate::counters::Counters;
use crate::hub::Hub;
use crate::room::{Input, Shared};
use crate::types::{Kind, Offer, Right, Rights, RoomId, Source, StreamId, Tell, Told, Watch, Why};

const ROOM: RoomId = RoomId(1, 1);
const SENDER: StreamId = StreamId(7);

/// Takes `data` for an offer of somebody new, and of somebody who is connected.
///
/// # Panics
/// When an offer makes something panic, a refusal does not say what is wrong, or a connection is left over.
pub fn exercise_offer(data: &[u8]) {
    let sdp = String::from_utf8_lossy(data).into_owned();
    LIVE.with_borrow_mut(|live| {
        let live = live.get_or_insert_with(Live::new);
        let now = live.now;
        let tracks = |n: u8| BTreeMap::from([(n.to_string(), Source::Camera)]);
        for (user, fresh) in [("new", true), ("sender", false)] {
            for tracks in [BTreeMap::new(), tracks(0), tracks(1)] {
                let offer = Offer { fresh, sdp: sdp.clone(), tracks };
                let told: Arc<dyn Told> = Arc::new(Deaf);
                match live.hub.offer(now, ROOM, user, &offer, told) {
                    Ok(answer) => assert!(answer.contains("a=ice-lite"), "{answer}"),
                    Err(refusal) => {
                        assert!(matches!(refusal.code, 400 | 413 | 503), "{refusal:?}");
                        assert!(!refusal.msg.is_empty());
                    }
                }
            }
        }
        live.hub.leave(now, ROOM, "new", Why::Left);
        live.check();
    });
    renew();
}

/// Takes `data` for a list of what happens to a room with a sender and a watcher: datagrams of them, of strangers, changed ones,
/// payloads behind the sender's own keys, and time that passes.
///
/// # Panics
/// When something panics, or what is remembered grows.
pub fn exercise_datagrams(data: &[u8]) {
    LIVE.with_borrow_mut(|live| {
        let live = live.get_or_insert_with(Live::new);
        let mut rest = data;
        while let [kind, len, tail @ ..] = rest {
            let (bytes, after) = tail.split_at(tail.len().min(usize::from(*len)));
            rest = after;
            live.happens(*kind, bytes);
        }
        live.check();
    });
    renew();
}

/// A room is used again while its people are connected: a handshake for each input would be most of the work.
fn renew() {
    LIVE.with_borrow_mut(|live| {
        if let Some(used) = live
            && !used.goes_on()
        {
            *live = None;
        }
    });
}

thread_local! {
    static LIVE: RefCell<Option<Live>> = const { RefCell::new(None) };
}

/// Who hears nothing.
struct Deaf;

impl Told for Deaf {
    fn told(&self, _: Tell) {}
}

/// One end of the wire.
struct End {
    addr: SocketAddr,
    rtc: Rtc,
    mids: Vec<Mid>,
    seq: u64,
    last: Vec<u8>,
}

struct Live {
    now: Instant,
    hub: Hub,
    counters: Arc<Counters>,
    server: SocketAddr,
    ends: Vec<End>,
    used: u32,
}

impl Live {
    fn new() -> Live {
        let server = SocketAddr::from(([10, 0, 0, 1], 3478));
        static SECRETS: OnceLock<(str0m::config::DtlsCert, Arc<str0m::config::CryptoProvider>)> =
            OnceLock::new();
        let (certificate, provider) = SECRETS.get_or_init(|| {
            let provider = crate::dtls::provider();
            let certificate =
                provider.dtls_provider.generate_certificate().expect("a certificate can be made");
            (certificate, Arc::new(provider))
        });
        let counters = Arc::new(Counters::default());
        let shared = Shared {
            limits: Limits { sdp: 16 * 1024, ..Limits::default() },
            counters: counters.clone(),
            certificate: certificate.clone(),
            provider: provider.clone(),
            candidates: vec![(Protocol::Udp, server)],
        };
        let now = Instant::now();
        let mut live = Live {
            now,
            hub: Hub::new(Arc::new(shared)),
            counters,
            server,
            ends: Vec::new(),
            used: 0,
        };
        let right = Right { owner: "sender".to_owned(), screen: false, audio: true, video: true };
        live.hub.rights(now, ROOM, Rights(BTreeMap::from([(SENDER, right)])));
        live.join("sender", Direction::SendOnly);
        live.join("watcher", Direction::RecvOnly);
        let slots = [(0, Kind::Audio), (1, Kind::Video)].map(|(at, kind)| {
            (live.ends[1].mids[at].to_string(), Some(Watch { stream: SENDER, kind, height: 300 }))
        });
        live.hub.watch(now, ROOM, "watcher", &slots.into()).expect("the slots are there");
        live.run(Duration::from_secs(3));
        assert!(live.goes_on(), "both are connected");
        live
    }

    fn join(&mut self, user: &str, direction: Direction) {
        let addr =
            SocketAddr::from(([10, 1, 0, 1], 5000 + u16::try_from(self.ends.len()).expect("few")));
        let mut rtc = Rtc::builder().set_rtp_mode(true).build(self.now);
        rtc.add_local_candidate(Candidate::host(addr, "udp").expect("an address"));
        let mut api = rtc.sdp_api();
        let kinds = [MediaKind::Audio, MediaKind::Video];
        let mids: Vec<Mid> =
            kinds.map(|kind| api.add_media(kind, direction, None, None, None)).to_vec();
        let (offer, pending): (_, SdpPendingOffer) = api.apply().expect("two lines are offered");
        let sources = [Source::Microphone, Source::Camera];
        let tracks = mids
            .iter()
            .map(Mid::to_string)
            .zip(sources)
            .filter(|_| direction == Direction::SendOnly);
        let offer = Offer { fresh: true, sdp: offer.to_sdp_string(), tracks: tracks.collect() };
        let answer =
            self.hub.offer(self.now, ROOM, user, &offer, Arc::new(Deaf)).expect("a good offer");
        let answer = SdpAnswer::from_sdp_string(&answer).expect("a good answer");
        rtc.sdp_api().accept_answer(pending, answer).expect("the answer fits");
        self.ends.push(End { addr, rtc, mids, seq: 1, last: Vec::new() });
    }

    /// Lets time pass, with everything that is sent in it.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(20);
            self.exchange();
            self.hub.timeout(self.now);
        }
        self.exchange();
    }

    fn exchange(&mut self) {
        for _ in 0..50 {
            let mut busy = false;
            for at in 0..self.ends.len() {
                let _ = self.ends[at].rtc.handle_input(str0m::Input::Timeout(self.now));
                busy |= self.send(at);
            }
            self.hub.settle(self.now);
            for transmit in std::mem::take(&mut self.hub.out) {
                if let Some(end) = self.ends.iter_mut().find(|e| e.addr == transmit.destination)
                    && let Ok(receive) =
                        Receive::new(Protocol::Udp, self.server, end.addr, &transmit.contents)
                {
                    let _ = end.rtc.handle_input(str0m::Input::Receive(self.now, receive));
                    busy = true;
                }
            }
            self.hub.changes.clear();
            if !busy {
                return;
            }
        }
    }

    /// Takes what an end sends to the hub. Says whether it did.
    fn send(&mut self, at: usize) -> bool {
        let mut sent = false;
        for _ in 0..1000 {
            match self.ends[at].rtc.poll_output() {
                Ok(Output::Transmit(transmit)) => {
                    self.datagram(self.ends[at].addr, &transmit.contents);
                    self.ends[at].last = transmit.contents.to_vec();
                    sent = true;
                }
                Ok(Output::Event(_)) => {}
                _ => break,
            }
        }
        sent
    }

    fn datagram(&mut self, source: SocketAddr, bytes: &[u8]) {
        let input = Input { proto: Protocol::Udp, source, destination: self.server, bytes };
        self.hub.receive(self.now, input);
    }

    fn happens(&mut self, kind: u8, bytes: &[u8]) {
        let stranger = SocketAddr::from(([10, 66, 6, 6], 666));
        match kind % 8 {
            0 => self.datagram(self.ends[0].addr, bytes),
            1 => self.datagram(stranger, bytes),
            2 => self.datagram(self.ends[1].addr, bytes),
            // What was really sent, with some of its bytes changed, and cut.
            3 => {
                for source in [self.ends[0].addr, stranger] {
                    let mut last = self.ends[0].last.clone();
                    for (byte, change) in last.iter_mut().zip(bytes) {
                        *byte ^= change;
                    }
                    last.truncate(bytes.len().max(1) * 8);
                    self.datagram(source, &last);
                }
            }
            4 | 5 => self.media(usize::from(kind % 8 - 4), bytes),
            // A request for somebody who is here.
            6 => {
                let name = self.ends[0].rtc.direct_api().local_ice_credentials().ufrag;
                let mut request = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
                request.extend([9; 12]);
                request.extend([0, 6, 0, u8::try_from(name.len()).unwrap_or(0)]);
                request.extend(name.as_bytes());
                request.extend(bytes);
                self.datagram(stranger, &request);
            }
            _ => self.run(Duration::from_millis(u64::try_from(bytes.len()).unwrap_or(0) * 4)),
        }
        self.exchange();
    }

    /// A payload that the sender really sends: the first bytes choose its type and numbers.
    fn media(&mut self, line: usize, bytes: &[u8]) {
        let [choice, jump, payload @ ..] = bytes else { return };
        let codecs = match line {
            0 => [Codec::Opus; 4],
            _ => [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1],
        };
        let codec = codecs[usize::from(choice % 4)];
        let end = &mut self.ends[0];
        let Some(pt) = end.rtc.codec_config().find(|p| p.spec().codec == codec).map(|p| p.pt())
        else {
            return;
        };
        end.seq += 1 + u64::from(jump % 8);
        let level = i8::try_from(jump >> 1).unwrap_or(0);
        let exts = ExtensionValues { audio_level: Some(-level), ..ExtensionValues::default() };
        let time = u32::from(*jump) << 16 | u32::from(*choice);
        let write = RtpWrite::new(pt, end.seq.into(), time, self.now, payload)
            .marker(choice & 0x80 != 0)
            .nackable(true)
            .ext_vals(exts);
        let mid = end.mids[line];
        if let Some(stream) = end.rtc.direct_api().stream_tx_by_mid(mid, None) {
            stream.write_rtp(write);
        }
    }

    fn check(&mut self) {
        self.used += 1;
        assert_eq!(self.counters.panics.load(Ordering::Relaxed), 0, "something panicked inside");
        assert!(self.counters.participants.load(Ordering::Relaxed) <= 2);
        assert!(self.hub.out.len() < 10_000);
    }

    fn goes_on(&self) -> bool {
        self.used < 500
            && self.counters.participants.load(Ordering::Relaxed) == 2
            && self.counters.half_open.load(Ordering::Relaxed) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(name: &str) -> Vec<Vec<u8>> {
        let corpus = format!("{}/../../fuzz/corpus/{name}", env!("CARGO_MANIFEST_DIR"));
        let inputs = std::fs::read_dir(corpus).unwrap().map(Result::unwrap);
        inputs.map(|input| std::fs::read(input.path()).unwrap()).collect()
    }

    #[test]
    fn what_the_fuzzer_kept() {
        corpus("media_offer").iter().for_each(|input| exercise_offer(input));
        corpus("media").iter().for_each(|input| exercise_datagrams(input));
    }

    #[test]
    fn the_offer_of_a_browser_is_good() {
        let mut live = Live::new();
        for (name, lines) in [("browser", 3), ("sound", 1)] {
            let path =
                format!("{}/../../fuzz/corpus/media_offer/{name}", env!("CARGO_MANIFEST_DIR"));
            let sdp = std::fs::read_to_string(path).unwrap();
            let offer = Offer { fresh: true, sdp, tracks: BTreeMap::new() };
            let answer = live.hub.offer(live.now, ROOM, name, &offer, Arc::new(Deaf)).unwrap();
            assert_eq!(answer.matches("m=").count(), lines, "{answer}");
            assert_eq!(answer.contains("a=simulcast:recv l;h"), name == "browser", "{answer}");
        }
    }

    /// Inputs that were kept, changed here and there. `STOA_MEDIA_ROUNDS` makes it as long as one likes.
    #[test]
    fn what_was_kept_and_changed_does_no_harm() {
        let rounds = std::env::var("STOA_MEDIA_ROUNDS").map_or(150, |n| n.parse().unwrap());
        type Exercise = fn(&[u8]);
        let kinds: [(&str, Exercise); 2] =
            [("media", exercise_datagrams), ("media_offer", exercise_offer)];
        let mut x: u64 = 0x0bad_5eed_0bad_5eed;
        let mut random = |below: usize| {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            usize::try_from(x >> 16).unwrap() % below.max(1)
        };
        for _ in 0..rounds {
            for (name, exercise) in kinds {
                let inputs = corpus(name);
                let mut data = inputs[random(inputs.len())].clone();
                for _ in 0..=random(6) {
                    let at = random(data.len());
                    match random(4) {
                        0 => data[at] = u8::try_from(random(256)).unwrap(),
                        1 => data.truncate(at.max(1)),
                        2 => {
                            let other = &inputs[random(inputs.len())];
                            let from = random(other.len());
                            let to = from + random((other.len() - from).min(200));
                            data.splice(at..at, other[from..to].iter().copied());
                        }
                        _ => drop(data.drain(at..(at + random(40)).min(data.len()))),
                    }
                    if data.is_empty() {
                        data.push(0);
                    }
                }
                exercise(&data);
            }
        }
    }

    #[test]
    fn payloads_of_each_codec_reach_the_watcher() {
        LIVE.with_borrow_mut(|live| {
            let live = live.get_or_insert_with(Live::new);
            let before = live.counters.forwarded.load(Ordering::Relaxed);
            let keys: [&[u8]; 4] =
                [&[0x90, 0x80, 0x81, 2, 0x10, 0, 0, 1], &[0x88, 1, 0], &[0x67, 1], &[0x18, 1]];
            for (choice, key) in (0u8..).zip(keys) {
                let bytes: Vec<u8> = [choice, 0].iter().chain(key).copied().collect();
                live.happens(5, &bytes);
                live.happens(7, &[0; 100]);
            }
            live.happens(4, &[0, 40, 1, 2, 3]);
            live.happens(7, &[0; 100]);
            assert!(
                live.counters.forwarded.load(Ordering::Relaxed) >= before + 5,
                "{:?}",
                live.counters
            );
        });
    }

    #[test]
    fn noise_does_no_harm() {
        let mut x: u64 = 0x1234_5678_9abc_def1;
        for _ in 0..60 {
            let mut data = Vec::new();
            for _ in 0..120 {
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
                data.push(x.to_le_bytes()[2]);
            }
            exercise_datagrams(&data);
            exercise_offer(&data);
        }
    }
}
