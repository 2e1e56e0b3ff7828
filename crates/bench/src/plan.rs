//! What a run is to do.

use std::path::PathBuf;

/// How much of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// In minutes: the same loads, shorter and with fewer sessions.
    Quick,
    /// The figures that goals are set for.
    Full,
}

/// What all cases are told.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How much.
    pub scale: Scale,
    /// The server's release binary.
    pub binary: PathBuf,
    /// Whether other servers are measured beside it.
    pub peers: bool,
}

impl Plan {
    /// `quick` in a quick run, else `full`.
    pub fn pick<T>(&self, quick: T, full: T) -> T {
        match self.scale {
            Scale::Quick => quick,
            Scale::Full => full,
        }
    }
}
