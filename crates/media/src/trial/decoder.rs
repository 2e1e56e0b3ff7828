//! What a decoder would make of a slot: pictures are made up so that it can be seen whether one was shown that could not be decoded.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use str0m::rtp::{RtpPacket, Vp8Descriptor};

/// Bytes of one packet's payload.
pub(super) const PAYLOAD: usize = 1000;

/// The payload of packet `n` of a picture: VP8's descriptor and frame tag, then what was sent.
pub(super) fn payload(frame: u32, layer: usize, key: bool, n: usize) -> Vec<u8> {
    let layer = u8::try_from(layer).unwrap();
    let id = frame & 0x7fff;
    let start = if n == 0 { 0x10 } else { 0 };
    let mut bytes = vec![
        0x80 | start,
        0xe0,
        0x80 | (id >> 8) as u8,
        (id & 0xff) as u8,
        (frame & 0xff) as u8,
        0x20,
    ];
    bytes.extend([u8::from(!key), 0, 0, 0x9d, 0x01, 0x2a, 0x40, 1]);
    let height: u16 = if layer == 0 { 240 } else { 480 };
    bytes.extend(height.to_le_bytes());
    bytes.extend([layer, u8::from(key)]);
    bytes.extend(frame.to_be_bytes());
    bytes.resize(PAYLOAD, 0);
    bytes
}

struct Came {
    at: Instant,
    time: u32,
    marker: bool,
    starts: bool,
    key: bool,
    layer: u8,
    frame: u32,
    picture: u16,
}

/// See the module.
#[derive(Default)]
pub(super) struct Decoder {
    waiting: BTreeMap<u64, Came>,
    next: Option<u64>,
    /// The last picture that was decoded: its layer, the sender's number, the number in the slot, the timestamp.
    last: Option<(u8, u32, u16, u32)>,
    broken: bool,
    after_cut: bool,
    asked: Option<Instant>,
    /// Pictures decoded, by layer.
    pub(super) decoded: [u64; 2],
    pub(super) last_at: Option<Instant>,
    pub(super) last_layer: Option<u8>,
    pub(super) packets: u64,
    /// The longest between the first and the last packet of one picture.
    pub(super) spread: Duration,
    /// Faults that no network makes: numbers that do not go on.
    pub(super) faults: Vec<String>,
}

/// How long a hole is waited for.
const PATIENCE: Duration = Duration::from_millis(700);

impl Decoder {
    pub(super) fn packet(&mut self, now: Instant, packet: &RtpPacket) {
        self.packets += 1;
        let seq = *packet.seq_no;
        if seq > 0xffff_ffff {
            self.faults.push(format!("sequence number {seq}"));
        }
        let Ok(vp8) = Vp8Descriptor::parse(&packet.payload) else {
            return self.faults.push("no VP8".into());
        };
        let bytes = &packet.payload;
        let came = Came {
            at: now,
            time: packet.header.timestamp,
            marker: packet.header.marker,
            starts: bytes[0] & 0x10 != 0,
            key: bytes[17] == 1,
            layer: bytes[16],
            frame: u32::from_be_bytes([bytes[18], bytes[19], bytes[20], bytes[21]]),
            picture: vp8.picture_id().unwrap_or(0),
        };
        if self.next.is_none_or(|next| seq >= next) {
            self.waiting.insert(seq, came);
        }
        self.decode(now);
    }

    /// Whether a key frame must be asked for now.
    pub(super) fn wants_key(&mut self, now: Instant) -> bool {
        self.decode(now);
        let due = self.asked.is_none_or(|at| now - at > Duration::from_millis(300));
        if self.broken && due {
            self.asked = Some(now);
        }
        self.broken && due
    }

    fn decode(&mut self, now: Instant) {
        loop {
            let Some((&first, came)) = self.waiting.first_key_value() else { return };
            let old = now - came.at > PATIENCE;
            if let Some(key) = self.cut(first).filter(|_| self.next == Some(first)) {
                // A layer ends in the middle of a picture when the other begins. Decoders drop such a picture.
                self.waiting = self.waiting.split_off(&key);
                self.next = Some(key);
                self.after_cut = true;
                continue;
            }
            let whole = self.whole(first);
            match (self.next, whole) {
                (next, Some(end)) if next.is_none_or(|n| n == first) => self.show(now, first, end),
                // There is a hole, and it has been there for long: go on with the next key frame.
                _ if old || self.next.is_none() => {
                    self.broken = true;
                    let key = self
                        .waiting
                        .iter()
                        .skip(1)
                        .find(|(_, c)| c.key && c.starts)
                        .map(|(s, _)| *s);
                    match key {
                        Some(seq) => {
                            self.waiting = self.waiting.split_off(&seq);
                            self.next = Some(seq);
                            if self.whole(seq).is_none() {
                                return;
                            }
                        }
                        None => return,
                    }
                }
                _ => return,
            }
        }
    }

    /// Where another picture begins before the one at `first` has ended, if there is no hole before it.
    fn cut(&mut self, first: u64) -> Option<u64> {
        for (seq, (&at, came)) in (first..).zip(&self.waiting) {
            if at != seq || (came.marker && !came.starts) {
                return None;
            }
            if came.starts && at != first {
                if !came.key {
                    self.faults
                        .push(format!("picture {} cuts another and is no key frame", came.frame));
                }
                return Some(at);
            }
            if came.marker {
                return None;
            }
        }
        None
    }

    /// The end of the picture that starts at `first`, if it is all there.
    fn whole(&self, first: u64) -> Option<u64> {
        let start = self.waiting.get(&first)?;
        if !start.starts {
            return None;
        }
        let mut seq = first;
        loop {
            let came = self.waiting.get(&seq)?;
            if came.marker {
                return Some(seq);
            }
            seq += 1;
        }
    }

    fn show(&mut self, now: Instant, first: u64, end: u64) {
        let ended = self.waiting[&end].at;
        let came = self.waiting.remove(&first).unwrap();
        self.spread = self.spread.max(ended.saturating_duration_since(came.at));
        self.waiting = self.waiting.split_off(&(end + 1));
        self.next = Some(end + 1);
        if self.broken && !came.key {
            return;
        }
        let follows = self
            .last
            .is_some_and(|(layer, frame, ..)| layer == came.layer && frame + 1 == came.frame);
        if !came.key && !follows {
            self.faults.push(format!(
                "picture {} of layer {} does not follow {:?}",
                came.frame, came.layer, self.last
            ));
        }
        if let Some((_, _, picture, time)) = self.last.filter(|_| !self.broken) {
            let skipped = u16::from(std::mem::take(&mut self.after_cut));
            if came.picture != (picture + 1 + skipped) & 0x7fff {
                self.faults.push(format!("picture id {} after {picture}", came.picture));
            }
            let passed = came.time.wrapping_sub(time);
            if passed == 0 || passed > 90_000 * 120 {
                self.faults.push(format!("timestamp {} after {time}", came.time));
            }
        }
        self.broken = false;
        self.last = Some((came.layer, came.frame, came.picture, came.time));
        self.decoded[usize::from(came.layer)] += 1;
        self.last_at = Some(now);
        self.last_layer = Some(came.layer);
    }
}
