//! A load of sound and pictures: participants with real ICE, DTLS and SRTP on `str0m`, all in one process on two threads,
//! against any server that one can be made to speak with ([`Target`]).
//!
//! Each packet says whose it is, its number and when it left ([`source`]). So what came is counted by what it says and not
//! by the numbers of RTP, which servers rewrite: packets of the window that reached somebody who watches their source,
//! each once ([`tally`]).

pub mod clients;
pub mod measure;
pub mod namespace;
pub mod ours;
pub mod peer;
pub mod source;
pub mod tally;
pub mod theirs;

use self::clients::Clients;
use self::source::Sends;
use crate::Error;

/// Who sends what to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Rooms.
    pub rooms: usize,
    /// Participants in each.
    pub members: usize,
    /// Whether all of them are seen and heard, or the first one is seen.
    pub all: bool,
    /// Bits of video in a second.
    pub video: u32,
}

impl Load {
    /// Participants of all rooms.
    pub const fn participants(&self) -> usize {
        self.rooms * self.members
    }

    /// What a member of a room sends.
    pub fn sends(&self, room: usize, member: usize) -> Vec<Sends> {
        let of = |kind| {
            let source = (room * self.members + member) * 2 + kind;
            u32::try_from(source).unwrap_or(u32::MAX)
        };
        let sound = Sends { source: of(0), video: None };
        let picture = Sends { source: of(1), video: Some(self.video) };
        match (self.all, member) {
            (true, _) => vec![sound, picture],
            (false, 0) => vec![picture],
            (false, _) => Vec::new(),
        }
    }

    /// The members of a room who send something, other than this one.
    pub fn others(&self, member: usize) -> impl Iterator<Item = usize> + use<> {
        let senders = if self.all { self.members } else { 1 };
        (0..senders).filter(move |other| *other != member)
    }

    /// The sources that a member of a room watches.
    pub fn watched(&self, room: usize, member: usize) -> Vec<Sends> {
        self.others(member).flat_map(|other| self.sends(room, other)).collect()
    }
}

/// A server that forwards media.
pub trait Target {
    /// What it is called in tables.
    fn subject(&self) -> String;

    /// Its process.
    fn pid(&self) -> u32;

    /// Lets all participants of a load come, send and watch. Their connections need not be up yet.
    fn connect(
        &mut self,
        load: &Load,
        clients: &mut Clients,
    ) -> impl Future<Output = Result<(), Error>>;

    /// Whether it has told nobody that a connection is lost.
    ///
    /// # Errors
    /// With what it has said.
    fn alive(&self) -> Result<(), Error>;

    /// Ends it.
    fn stop(self) -> impl Future<Output = Result<(), Error>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_watches_whoever_sends_and_nobody_themselves() {
        let fan = Load { rooms: 1, members: 101, all: false, video: 1 };
        assert!(fan.watched(0, 0).is_empty());
        assert_eq!(fan.watched(0, 100), fan.sends(0, 0));
        assert!(fan.sends(0, 1).is_empty());
        let mesh = Load { rooms: 10, members: 5, all: true, video: 1 };
        assert_eq!((mesh.watched(9, 2).len(), mesh.sends(9, 2).len()), (8, 2));
        let mut sources: Vec<u32> = (0..10)
            .flat_map(|room| (0..5).flat_map(move |member| mesh.sends(room, member)))
            .map(|sends| sends.source)
            .collect();
        sources.sort_unstable();
        sources.dedup();
        assert_eq!(sources.len(), 100);
    }
}
