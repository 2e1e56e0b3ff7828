//! How far something is that takes long: one line on standard error, for people alone.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::admin::Piece;

/// No more often than this.
const EVERY: Duration = Duration::from_millis(200);

/// A line that is written over; nothing where nobody looks.
pub(super) struct Progress {
    what: &'static str,
    shown: Option<Instant>,
    on: bool,
}

impl Progress {
    /// Of so many of `what`.
    pub(super) fn new(what: &'static str) -> Self {
        Self { what, shown: None, on: io::stderr().is_terminal() }
    }

    /// Shows what a piece tells of how far it is.
    pub(super) fn show(&mut self, piece: &Piece) {
        if let Piece::Progress(done) = piece {
            self.tell(*done);
        }
    }

    /// Shows that so much is done.
    pub(super) fn tell(&mut self, done: u64) {
        if self.on && self.shown.is_none_or(|shown| shown.elapsed() >= EVERY) {
            self.shown = Some(Instant::now());
            // Nobody is hurt who does not see it.
            let _ = write!(io::stderr(), "\r{done} {}   ", self.what);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = writeln!(io::stderr());
        }
    }
}
