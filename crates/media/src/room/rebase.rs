//! The numbers of what comes out of a slot.
//!
//! A slot is one RTP stream to its watcher, whatever stream or layer it shows: sequence numbers without holes where it
//! changed, timestamps that go on, VP8 picture ids that go on. They start low, because the upper part of a sequence number feeds
//! SRTP and a receiver starts at 0 (so the sender's own numbers can never be passed on).

use std::time::{Duration, Instant};

use str0m::rtp::{Vp8Descriptor, Vp8Patch};

/// The numbers of one packet that came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers {
    /// Sequence number, extended.
    pub(crate) seq: u64,
    /// RTP timestamp.
    pub(crate) time: u32,
    /// When it came.
    pub(crate) at: Instant,
}

/// The numbers of one packet that goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rebased {
    pub(crate) seq: u64,
    pub(crate) time: u32,
    pub(crate) vp8: Option<Vp8Patch>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Rebase {
    /// Ticks per second.
    clock: u32,
    /// Number of the packet with which the source began, and what it became.
    seq_in: u64,
    seq_out: u64,
    /// The highest that went.
    last_seq: u64,
    /// Added to timestamps.
    time_shift: u32,
    last_time: u32,
    last_at: Option<Instant>,
    picture_shift: u16,
    last_picture: u16,
    tl0_shift: u8,
    last_tl0: u8,
}

impl Rebase {
    pub(crate) fn new(clock: u32, first: u16) -> Rebase {
        Rebase {
            clock,
            seq_in: 0,
            seq_out: 0,
            last_seq: u64::from(first),
            time_shift: 0,
            last_time: 0,
            last_at: None,
            picture_shift: 0,
            last_picture: 0,
            tl0_shift: 0,
            last_tl0: 0,
        }
    }

    /// From this packet on another source is shown: it follows what went before.
    pub(crate) fn switch(&mut self, numbers: Numbers, vp8: Option<&Vp8Descriptor>) {
        self.seq_in = numbers.seq;
        self.seq_out = self.last_seq + 1;
        let time = match self.last_at {
            // As much later as it really is, and at least one tick: two pictures never have the same time.
            Some(at) => {
                let ticks = ticks(numbers.at.saturating_duration_since(at), self.clock);
                self.last_time.wrapping_add(ticks.max(1))
            }
            None => numbers.time,
        };
        self.time_shift = time.wrapping_sub(numbers.time);
        if let Some(vp8) = vp8 {
            if let Some(id) = vp8.picture_id() {
                self.picture_shift = self.last_picture.wrapping_add(1).wrapping_sub(id);
            }
            if let Some(tl0) = vp8.tl0_pic_idx() {
                self.tl0_shift = self.last_tl0.wrapping_add(1).wrapping_sub(tl0);
            }
        }
    }

    /// The numbers with which a packet goes on; none if it is from before the switch.
    pub(crate) fn apply(
        &mut self,
        numbers: Numbers,
        vp8: Option<&Vp8Descriptor>,
    ) -> Option<Rebased> {
        let since = numbers.seq.checked_sub(self.seq_in)?;
        let seq = self.seq_out + since;
        let time = numbers.time.wrapping_add(self.time_shift);
        let newest = seq > self.last_seq;
        if newest {
            self.last_seq = seq;
            self.last_time = time;
            self.last_at = Some(numbers.at);
        }
        let vp8 = vp8.and_then(|vp8| self.patch(vp8, newest));
        Some(Rebased { seq, time, vp8 })
    }

    fn patch(&mut self, vp8: &Vp8Descriptor, newest: bool) -> Option<Vp8Patch> {
        let mut patch = vp8.patch();
        if let Some(id) = vp8.picture_id() {
            let id = id.wrapping_add(self.picture_shift) & 0x7fff;
            patch = patch.picture_id(id);
            if newest {
                self.last_picture = id;
            }
        }
        if let Some(tl0) = vp8.tl0_pic_idx() {
            let tl0 = tl0.wrapping_add(self.tl0_shift);
            patch = patch.tl0_pic_idx(tl0);
            if newest {
                self.last_tl0 = tl0;
            }
        }
        match patch.build() {
            Ok(patch) => Some(patch),
            // Seven bits only: the low ones.
            Err(_) => {
                let mut patch = vp8.patch();
                if let Some(id) = vp8.picture_id() {
                    patch = patch.picture_id(id.wrapping_add(self.picture_shift) & 0x7f);
                }
                if let Some(tl0) = vp8.tl0_pic_idx() {
                    patch = patch.tl0_pic_idx(tl0.wrapping_add(self.tl0_shift));
                }
                patch.build().ok()
            }
        }
    }
}

fn ticks(time: Duration, clock: u32) -> u32 {
    let ticks = time.as_micros() * u128::from(clock) / 1_000_000;
    u32::try_from(ticks & u128::from(u32::MAX)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: Instant, ms: u64, seq: u64, time: u32) -> Numbers {
        Numbers { seq, time, at: start + Duration::from_millis(ms) }
    }

    #[test]
    fn a_switch_leaves_no_hole_and_late_packets_of_the_old_source_do_not_pass() {
        let start = Instant::now();
        let mut rebase = Rebase::new(90_000, 9);
        let first = at(start, 0, 70_000, 500);
        rebase.switch(first, None);
        let out = rebase.apply(first, None).unwrap();
        assert_eq!((out.seq, out.time), (10, 500));
        // A hole in what comes is a hole in what goes, so that the repaired packet has its place.
        assert_eq!(rebase.apply(at(start, 33, 70_002, 3500), None).unwrap().seq, 12);
        assert_eq!(rebase.apply(at(start, 50, 70_001, 3500), None).unwrap().seq, 11);
        let other = at(start, 133, 7, 0xffff_ff00);
        rebase.switch(other, None);
        let out = rebase.apply(other, None).unwrap();
        assert_eq!((out.seq, out.time), (13, 3500 + 9000));
        assert!(rebase.apply(at(start, 134, 6, 0xffff_ff00), None).is_none());
        assert_eq!(
            rebase.apply(at(start, 166, 8, 0x0000_0b00), None).unwrap().time,
            12_500 + 0x0c00
        );
    }

    #[test]
    fn picture_ids_go_on_over_a_switch_in_both_widths() {
        let start = Instant::now();
        let mut rebase = Rebase::new(90_000, 1);
        let long = |id: u16, tl0: u8| {
            let [hi, lo] = (0x8000 | id).to_be_bytes();
            vec![0x90, 0xe0, hi, lo, tl0, 0x20, 0x10, 0, 0]
        };
        let show = |rebase: &mut Rebase, payload: &[u8], n: u64, switch: bool| {
            let vp8 = Vp8Descriptor::parse(payload).unwrap();
            let numbers = at(start, n * 33, n, 0);
            if switch {
                rebase.switch(numbers, Some(&vp8));
            }
            rebase.apply(numbers, Some(&vp8)).unwrap().vp8.unwrap()
        };
        let expected = |payload: &[u8], id: u16, tl0: u8| {
            let vp8 = Vp8Descriptor::parse(payload).unwrap();
            vp8.patch().picture_id(id).tl0_pic_idx(tl0).build().unwrap()
        };
        let a = long(0x7fff, 255);
        assert_eq!(show(&mut rebase, &a, 5, true), expected(&a, 1, 1));
        let b = long(0, 0);
        assert_eq!(show(&mut rebase, &b, 6, false), expected(&b, 2, 2));
        let c = long(1234, 77);
        assert_eq!(show(&mut rebase, &c, 7, true), expected(&c, 3, 3));
        let short = [0x90, 0x80, 0x7e, 0x10, 0, 0];
        let vp8 = Vp8Descriptor::parse(&short).unwrap();
        let patch = show(&mut rebase, &short, 8, true);
        assert_eq!(patch, vp8.patch().picture_id(4).build().unwrap());
    }
}
