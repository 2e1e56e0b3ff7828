//! What is stored of presence.

use prost::Message;

/// PRESENCES: what a user publishes, and when it changed.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredPresence {
    #[prost(string, tag = "1")]
    pub(crate) ext: String,
    /// When it last changed; 0: never.
    #[prost(uint64, tag = "2")]
    pub(crate) changed_ms: u64,
    /// The devices that published something or were online, the latest last.
    #[prost(message, repeated, tag = "3")]
    pub(crate) devices: Vec<StoredDevice>,
    /// Not fewer than there are subscribers; counted anew when it reaches the limit.
    #[prost(uint32, tag = "4")]
    pub(crate) subscribers: u32,
}

/// A device.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredDevice {
    #[prost(string, tag = "1")]
    pub(crate) resource: String,
    /// What it published; none: online is online.
    #[prost(uint32, optional, tag = "2")]
    pub(crate) status: Option<u32>,
}

/// PRESENCE_SUBSCRIPTIONS and PRESENCE_SUBSCRIBERS: the one at the other side, and until when.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredSubscription {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(uint64, tag = "2")]
    pub(crate) until_ms: u64,
}
