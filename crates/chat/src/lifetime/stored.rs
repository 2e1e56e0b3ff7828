//! What is stored of the end of things: numbers alone. Field numbers are for ever.

use prost::Message;

/// CONVERSATIONS: where numbering goes on when the last entries are gone.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Head {
    #[prost(uint64, tag = "1")]
    pub(crate) seq: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) id: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) countable: u64,
    /// The highest position that the sweep has removed.
    #[prost(uint64, tag = "4")]
    pub(crate) swept: u64,
}

/// LOG_DAYS: a log that was written to on a day.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct LogDay {
    /// Nothing below was sealed on that day.
    #[prost(uint64, tag = "1")]
    pub(crate) from: u64,
}

/// SWEEPS: how far the sweep has come.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Sweep {
    /// Of the platform: since when logs are found by their days.
    #[prost(uint64, tag = "1")]
    pub(crate) since_ms: u64,
    /// Of an app and class: all logs are to be walked for what was sealed before that day; 0: they are not.
    #[prost(uint64, tag = "2")]
    pub(crate) upto: u64,
    /// The log that was walked last.
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) at: Vec<u8>,
    /// Of the platform: since when uses of groups and rooms are written down.
    #[prost(uint64, tag = "4")]
    pub(crate) groups_since_ms: u64,
}
