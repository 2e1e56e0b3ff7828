//! The media of live classes: an SFU that forwards what a room's rights allow.

mod codec;
mod config;
mod counters;
mod driver;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod hub;
mod outline;
mod room;
mod stun;
mod types;

#[cfg(test)]
mod tests;

pub use config::{Config, Limits, StartError};
pub use counters::Counters;
pub use driver::Media;
pub use types::{
    Flow, Kind, Offer, Refusal, Right, Rights, RoomId, SlotState, Source, StreamId, StreamStats,
    Tell, Told, TrackStats, Watch, Why,
};
