//! What is sent: pictures and sounds made up here, whose packets say where they come from and when they left.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use str0m::media::{MediaKind, Mid, Pt};
use str0m::rtp::RtpWrite;

/// Bytes of a packet of a picture.
const VIDEO_BYTES: usize = 1_100;
/// Bytes of a packet of sound: 32 kbit/s.
const AUDIO_BYTES: usize = 80;
/// Between one picture and the next.
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / FRAMES as u64);
const FRAMES: u32 = 30;
/// Between one packet of sound and the next.
const SOUND: Duration = Duration::from_millis(20);
/// The stamp at the end of each payload.
const STAMP_BYTES: usize = 20;

/// What one sends, on one m-line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sends {
    /// Whose it is; no two sources have the same.
    pub source: u32,
    /// Bits of video in a second; `None` is sound.
    pub video: Option<u32>,
}

impl Sends {
    /// What an m-line for it is.
    pub const fn kind(self) -> MediaKind {
        match self.video {
            Some(_) => MediaKind::Video,
            None => MediaKind::Audio,
        }
    }
}

/// The stamp of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Whose it is.
    pub source: u32,
    /// The how manieth of this source.
    pub number: u64,
    /// When it left, by [`wall`].
    pub at: u64,
}

impl Stamp {
    fn write(self, payload: &mut [u8]) {
        let end = payload.len() - STAMP_BYTES;
        let (source, rest) = payload[end..].split_at_mut(4);
        let (number, at) = rest.split_at_mut(8);
        source.copy_from_slice(&self.source.to_be_bytes());
        number.copy_from_slice(&self.number.to_be_bytes());
        at.copy_from_slice(&self.at.to_be_bytes());
    }

    /// That of a payload; `None` for what is too short to have one, as padding is.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let (rest, at) = payload.split_last_chunk::<8>()?;
        let (rest, number) = rest.split_last_chunk::<8>()?;
        let (_, source) = rest.split_last_chunk::<4>()?;
        Some(Self {
            source: u32::from_be_bytes(*source),
            number: u64::from_be_bytes(*number),
            at: u64::from_be_bytes(*at),
        })
    }
}

/// Nanoseconds of the clock by which the kernel stamps what it receives.
pub fn wall() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

/// A source that is being sent.
pub struct Voice {
    sends: Sends,
    /// Its m-line.
    pub mid: Mid,
    /// When the next picture or packet of sound is due.
    pub due: Instant,
    /// Somebody asks for a picture that needs no other.
    pub key: bool,
    began: Instant,
    packets: u64,
    pictures: u32,
    /// Bytes that are due and were not sent: pictures have whole packets.
    owed: usize,
}

impl Voice {
    /// Begins at `due`.
    pub const fn new(sends: Sends, mid: Mid, due: Instant) -> Self {
        Self { sends, mid, due, key: true, began: due, packets: 0, pictures: 0, owed: 0 }
    }

    /// Whose it is.
    pub const fn source(&self) -> u32 {
        self.sends.source
    }

    /// What it is.
    pub const fn kind(&self) -> MediaKind {
        self.sends.kind()
    }

    /// What leaves at the moment that is due, as a number of packets; the next moment is due then.
    pub fn turn(&mut self) -> Turn {
        let due = self.due;
        let Some(bitrate) = self.sends.video else {
            self.due += SOUND;
            return Turn { due, packets: 1, key: false };
        };
        self.due += FRAME;
        self.owed += (bitrate / 8 / FRAMES) as usize;
        let packets = (self.owed / VIDEO_BYTES).max(1);
        self.owed = self.owed.saturating_sub(packets * VIDEO_BYTES);
        self.pictures += 1;
        Turn { due, packets, key: std::mem::take(&mut self.key) }
    }

    /// Packet `at` of a turn, and its stamp.
    pub fn packet(&mut self, turn: &Turn, at: usize, pt: Pt, now: Instant) -> (RtpWrite, Stamp) {
        let mut payload = match self.sends.video {
            Some(_) => picture(self.pictures, turn.key, at == 0),
            None => vec![7; AUDIO_BYTES],
        };
        self.packets += 1;
        let stamp = Stamp { source: self.sends.source, number: self.packets, at: wall() };
        stamp.write(&mut payload);
        let clock = if self.sends.video.is_some() { 90_000 } else { 48_000 };
        let ticks = (turn.due - self.began).as_micros() * clock / 1_000_000;
        let time = u32::try_from(ticks & u128::from(u32::MAX)).unwrap_or_default();
        let write = RtpWrite::new(pt, self.packets.into(), time, now, payload);
        let video = self.sends.video.is_some();
        (write.marker(video && at + 1 == turn.packets).nackable(video), stamp)
    }
}

/// What leaves at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// The moment.
    pub due: Instant,
    /// How many packets.
    pub packets: usize,
    key: bool,
}

/// The payload of a packet: VP8's descriptor with picture id, TL0PICIDX and TID (RFC 7741), in the first one the
/// frame's tag (RFC 6386), and then nothing that anybody would look at.
fn picture(number: u32, key: bool, first: bool) -> Vec<u8> {
    let [.., high, low] = number.to_be_bytes();
    let start = if first { 0x10 } else { 0 };
    let mut bytes = Vec::with_capacity(VIDEO_BYTES);
    bytes.extend([0x80 | start, 0xe0, 0x80 | high, low, low, 0x20]);
    if first {
        // Of a key frame: start code, 640, 360.
        bytes.extend([u8::from(!key), 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01]);
    }
    bytes.resize(VIDEO_BYTES, 0x55);
    bytes
}

#[cfg(test)]
mod tests {
    use str0m::rtp::Vp8Descriptor;

    use super::*;

    fn voice(video: Option<u32>) -> Voice {
        Voice::new(Sends { source: 7, video }, Mid::from("0"), Instant::now())
    }

    #[test]
    fn stamps_are_read_as_they_were_written() {
        let stamp = Stamp { source: 7, number: 1 << 40, at: 1_800_000_000_123_456_789 };
        let mut payload = vec![0; 80];
        stamp.write(&mut payload);
        assert_eq!(Stamp::read(&payload), Some(stamp));
        assert_eq!(Stamp::read(&payload[..STAMP_BYTES - 1]), None);
    }

    #[test]
    fn bit_rates_come_out_in_packets() {
        for (bitrate, in_a_second) in [(1_200_000, 136), (300_000, 34)] {
            let mut voice = voice(Some(bitrate));
            let first = voice.due;
            let sent: usize = (0..300).map(|_| voice.turn().packets).sum();
            assert!(sent.abs_diff(in_a_second * 10) <= 4, "{bitrate}: {sent}");
            let took = voice.due - first;
            assert!(took.abs_diff(Duration::from_secs(10)) < Duration::from_millis(1), "{took:?}");
        }
        let mut sound = voice(None);
        let first = sound.due;
        assert_eq!((0..50).map(|_| sound.turn().packets).sum::<usize>(), 50);
        assert_eq!(sound.due - first, Duration::from_secs(1));
    }

    #[test]
    fn a_picture_is_a_key_frame_when_one_was_asked_for() {
        let begins = |payload: &[u8]| {
            assert_eq!(payload.len(), VIDEO_BYTES);
            Vp8Descriptor::parse(payload).unwrap().starts_keyframe(payload)
        };
        assert!(begins(&picture(70_000, true, true)));
        assert!(!begins(&picture(70_000, true, false)), "not its first packet");
        assert!(!begins(&picture(70_000, false, true)));
        let mut voice = voice(Some(300_000));
        assert!(voice.turn().key && !voice.turn().key);
        voice.key = true;
        assert!(voice.turn().key);
    }
}
