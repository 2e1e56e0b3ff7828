//! One peer connection of a participant, on a UDP socket of its own.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt::ReceiveTimestampns};
use socket2::SockRef;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::config::DtlsCert;
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc};

use super::source::{Sends, Stamp, Voice};
use super::tally::{Seen, Tally, Watched, Window};
use crate::Error;

/// What a socket should hold that was not read: some pictures of all that are watched.
const RECEIVE_BUFFER: usize = 1 << 20;
/// What `str0m` may say in one turn; more is an endless loop.
const MOST_SAID: usize = 100_000;
/// Between the beginnings of two sources, so that not all pictures of a room leave at once.
const STEP: Duration = Duration::from_micros(7_919);

/// A connection.
pub struct Peer {
    rtc: Rtc,
    socket: UdpSocket,
    address: SocketAddr,
    /// What it will send as soon as it is up, and on which m-lines.
    sends: Vec<(Sends, Mid)>,
    voices: Vec<Voice>,
    watched: Watched,
    /// The sources of which nothing has come yet.
    waiting: HashSet<u32>,
    /// When it wants to be looked at.
    wake: Instant,
    connected: bool,
    /// When the kernel received what is being read.
    arrival: u64,
}

/// A connection that was offered, and waits for the answer.
pub struct Offered {
    peer: Peer,
    pending: SdpPendingOffer,
    /// The offer.
    pub sdp: String,
    /// The m-lines of what it sends.
    pub sending: Vec<Mid>,
    /// The m-lines on which it receives, as they were asked for.
    pub slots: Vec<Mid>,
}

/// What went wrong in `str0m`.
fn wrong(error: impl std::fmt::Display) -> Error {
    Error::protocol(format!("media: {error}"))
}

impl Offered {
    /// Offers a connection from this address that sends these and receives so many.
    ///
    /// # Errors
    /// When there is no socket, or nothing to offer.
    pub fn new(
        at: IpAddr,
        certificate: DtlsCert,
        sends: &[Sends],
        slots: &[MediaKind],
    ) -> Result<Self, Error> {
        let mut peer = Peer::new(at, certificate)?;
        let mut api = peer.rtc.sdp_api();
        let mut line = |kind, direction| api.add_media(kind, direction, None, None, None);
        let sending: Vec<Mid> =
            sends.iter().map(|sends| line(sends.kind(), Direction::SendOnly)).collect();
        let slots = slots.iter().map(|kind| line(*kind, Direction::RecvOnly)).collect();
        let (sdp, pending) = api.apply().ok_or_else(|| Error::protocol("an empty offer"))?;
        peer.sends = sends.iter().copied().zip(sending.iter().copied()).collect();
        Ok(Self { peer, pending, sdp: sdp.to_sdp_string(), sending, slots })
    }

    /// The connection, of which the sources are known that it is to get.
    ///
    /// # Errors
    /// When the answer does not fit.
    pub fn answered(self, sdp: &str, watched: &[u32]) -> Result<Peer, Error> {
        let Self { mut peer, pending, .. } = self;
        let answer = SdpAnswer::from_sdp_string(sdp).map_err(wrong)?;
        peer.rtc.sdp_api().accept_answer(pending, answer).map_err(wrong)?;
        peer.watch(watched);
        Ok(peer)
    }
}

impl Peer {
    fn new(at: IpAddr, certificate: DtlsCert) -> Result<Self, Error> {
        let open = || {
            let socket = UdpSocket::bind((at, 0))?;
            socket.set_nonblocking(true)?;
            SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER)?;
            setsockopt(&socket, ReceiveTimestampns, &true)?;
            Ok((socket.local_addr()?, socket))
        };
        let (address, socket) = open().map_err(Error::io("open a socket for media"))?;
        let now = Instant::now();
        let mut rtc = Rtc::builder()
            .set_rtp_mode(true)
            .set_dtls_cert(certificate)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .build(now);
        rtc.add_local_candidate(Candidate::host(address, "udp").map_err(wrong)?);
        Ok(Self {
            rtc,
            socket,
            address,
            sends: Vec::new(),
            voices: Vec::new(),
            watched: Watched::new(),
            waiting: HashSet::new(),
            wake: now,
            connected: false,
            arrival: 0,
        })
    }

    /// Accepts an offer of what this one is to get; says the answer, too.
    ///
    /// # Errors
    /// When the offer cannot be accepted.
    pub fn answering(
        at: IpAddr,
        certificate: DtlsCert,
        sdp: &str,
        watched: &[u32],
    ) -> Result<(Self, String), Error> {
        let mut peer = Self::new(at, certificate)?;
        let offer = SdpOffer::from_sdp_string(sdp).map_err(wrong)?;
        let answer = peer.rtc.sdp_api().accept_offer(offer).map_err(wrong)?;
        peer.watch(watched);
        Ok((peer, answer.to_sdp_string()))
    }

    fn watch(&mut self, sources: &[u32]) {
        self.watched = sources.iter().map(|source| (*source, Seen::default())).collect();
        self.waiting = sources.iter().copied().collect();
    }

    /// Its socket.
    pub const fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// The sources that it is to get.
    pub fn sources(&self) -> impl Iterator<Item = u32> {
        self.watched.keys().copied()
    }

    /// When it has something to do by itself.
    pub fn wake(&self) -> Instant {
        self.voices.iter().map(|voice| voice.due).fold(self.wake, Instant::min)
    }

    /// Whether it is up, and something has come of all that it watches.
    fn ready(&self) -> bool {
        self.connected && self.waiting.is_empty()
    }

    /// Takes a datagram that the kernel received at `arrival`. Says whether the connection is ready now and was not.
    ///
    /// # Errors
    /// When the connection fails.
    pub fn receive(
        &mut self,
        (source, bytes): (SocketAddr, &[u8]),
        arrival: u64,
        window: &Window,
        tally: &mut Tally,
    ) -> Result<bool, Error> {
        let was = self.ready();
        // What is no datagram of WebRTC is the server's affair.
        if let Ok(receive) = Receive::new(Protocol::Udp, source, self.address, bytes) {
            let now = Instant::now();
            self.arrival = arrival;
            self.rtc.handle_input(Input::Receive(now, receive)).map_err(wrong)?;
            self.drain(now, window, tally)?;
        }
        Ok(self.ready() && !was)
    }

    /// Does what is due. Says whether the connection is ready now and was not.
    ///
    /// # Errors
    /// When the connection fails.
    pub fn turn(&mut self, window: &Window, tally: &mut Tally) -> Result<bool, Error> {
        let was = self.ready();
        let now = Instant::now();
        if self.wake <= now {
            self.rtc.handle_input(Input::Timeout(now)).map_err(wrong)?;
            self.drain(now, window, tally)?;
        }
        for at in 0..self.voices.len() {
            while self.voices[at].due <= Instant::now() {
                self.speak(at, window, tally)?;
            }
        }
        Ok(self.ready() && !was)
    }

    /// Sends what is due of one source: a picture in one go, each packet by itself.
    fn speak(&mut self, at: usize, window: &Window, tally: &mut Tally) -> Result<(), Error> {
        let turn = self.voices[at].turn();
        let late = turn.due.elapsed().as_nanos();
        tally.late.record(u64::try_from(late).unwrap_or(u64::MAX));
        let Some(pt) = self.payload_type(self.voices[at].kind()) else {
            return Err(Error::protocol("media: neither VP8 nor Opus was agreed on"));
        };
        for number in 0..turn.packets {
            let now = Instant::now();
            let voice = &mut self.voices[at];
            let (write, stamp) = voice.packet(&turn, number, pt, now);
            let mid = voice.mid;
            let mut api = self.rtc.direct_api();
            let stream = api.stream_tx_by_mid(mid, None);
            stream.ok_or_else(|| Error::protocol("media: nothing can be sent"))?.write_rtp(write);
            tally.left(window, stamp);
            self.drain(now, window, tally)?;
        }
        Ok(())
    }

    fn payload_type(&self, kind: MediaKind) -> Option<Pt> {
        let codec = if kind == MediaKind::Video { Codec::Vp8 } else { Codec::Opus };
        let known = self.rtc.codec_config().params();
        known.iter().find(|known| known.spec().codec == codec).map(str0m::format::PayloadParams::pt)
    }

    /// Lets `str0m` say all that it has to say.
    fn drain(&mut self, now: Instant, window: &Window, tally: &mut Tally) -> Result<(), Error> {
        for _ in 0..MOST_SAID {
            match self.rtc.poll_output().map_err(wrong)? {
                Output::Timeout(due) if due <= now => {
                    self.rtc.handle_input(Input::Timeout(now)).map_err(wrong)?;
                }
                Output::Timeout(due) => {
                    self.wake = due;
                    return Ok(());
                }
                // What does not leave is lost as in any network, and counts as lost.
                Output::Transmit(transmit) => {
                    let _ = self.socket.send_to(&transmit.contents, transmit.destination);
                }
                Output::Event(event) => self.event(&event, window, tally)?,
            }
        }
        Err(Error::protocol("media: str0m goes round in circles"))
    }

    fn event(&mut self, event: &Event, window: &Window, tally: &mut Tally) -> Result<(), Error> {
        match event {
            Event::Connected if !self.connected => {
                self.connected = true;
                let now = Instant::now();
                let voices = self
                    .sends
                    .iter()
                    .map(|(sends, mid)| Voice::new(*sends, *mid, now + STEP * (sends.source % 4)));
                self.voices = voices.collect();
            }
            Event::KeyframeRequest(request) => {
                let asked = self.voices.iter_mut().filter(|voice| voice.mid == request.mid);
                asked.for_each(|voice| voice.key = true);
            }
            Event::RtpPacket(packet) => {
                if let Some(stamp) = Stamp::read(&packet.payload) {
                    self.waiting.remove(&stamp.source);
                    tally.arrived(window, &mut self.watched, stamp, self.arrival);
                }
            }
            Event::Closed => return Err(Error::Closed(" of media".into())),
            Event::IceConnectionStateChange(state) if state.is_disconnected() => {
                return Err(Error::Closed(" of media: nothing answers".into()));
            }
            _ => {}
        }
        Ok(())
    }
}
