//! What happened in a run: a fingerprint of all of it, and the last lines.

use std::collections::VecDeque;
use std::fmt;

/// Lines that are kept for a failure.
const KEPT: usize = 400;

/// The trace of a run.
#[derive(Debug)]
pub(crate) struct Trace {
    lines: VecDeque<String>,
    keep: usize,
    fingerprint: u64,
}

impl Trace {
    /// An empty trace that keeps the last `keep` lines; the usual number without.
    pub(crate) fn new(keep: Option<usize>) -> Self {
        let keep = keep.unwrap_or(KEPT);
        Self { lines: VecDeque::new(), keep, fingerprint: 0xCBF2_9CE4_8422_2325 }
    }

    /// Notes what happened at `ms` milliseconds after the start.
    pub(crate) fn note(&mut self, ms: u64, what: fmt::Arguments<'_>) {
        let line = format!("{:>7}.{:03} {what}", ms / 1000, ms % 1000);
        for byte in line.bytes().chain([b'\n']) {
            self.fingerprint = (self.fingerprint ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        if self.lines.len() >= self.keep {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// A number that differs if anything noted differs (FNV-1a over all lines).
    pub(crate) const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The last lines.
    pub(crate) fn tail(self) -> Vec<String> {
        self.lines.into()
    }
}
