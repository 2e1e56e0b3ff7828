//! The media of live classes: an SFU that forwards what a room's rights allow.
//!
//! A participant has one peer connection, and its client makes every offer. Sending m-lines are *tracks* (microphone, camera with layers,
//! screen); receiving m-lines are *slots*, which show whatever stream the client says, in the layer that its
//! height and the network ask for, without another offer. A track is a stream's sound or picture only if the room's [`Rights`] say so, which
//! is looked at for each packet. Why it is so: `docs/decisions/0034-media.md`.
//!
//! | part | what it does | IO |
//! | --- | --- | --- |
//! | `room` | a room: connections (`str0m`), who is shown what, layers, key frames, speaker | none; time is passed in |
//! | `hub` | the rooms of one worker; finds the connection of a datagram | none |
//! | `dtls` | the handshake, for clients with RSA certificates, too | none |
//! | `driver` | [`Media`]: sockets, threads, clock | UDP, TCP |
//!
//! # Use
//!
//! [`Media::start`] once; [`Media::rights`] makes a room known and is called again after each change; then [`Media::offer`] and
//! [`Media::watch`] for participants, [`Media::leave`] and [`Media::end`]. What participants are to know is told to the [`Told`] of
//! their offer: slots whose state changed (within 100 ms), tracks whose right changed, who speaks, that the connection is gone. A fresh offer with the
//! same `Told` replaces the connection silently, with another one the former hears [`Why::Replaced`].
//!
//! A connection ends with [`Why::Timeout`] if ICE and DTLS are not done after 15 s, or if nothing came from the client for about as long (a client checks
//! its path every few seconds, also while it sends nothing); until then an offer with new ICE credentials moves it to another path.

mod codec;
mod config;
mod counters;
mod driver;
mod dtls;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod hub;
mod outline;
mod room;
mod stun;
mod types;

#[cfg(test)]
mod trial;

pub use config::{Config, Limits, StartError};
pub use counters::Counters;
pub use driver::Media;
pub use outline::{Line, lines};
pub use types::{
    Flow, Kind, Offer, Refusal, Right, Rights, RoomId, SlotState, Source, StreamId, StreamStats,
    Tell, Told, TrackStats, Watch, Why,
};
