//! The envelope of everything that is sent and delivered.

use bytes::Bytes;

use crate::{Jid, KeyValue};

/// In the [`ext`](Meta::ext) of a chat room's message: how soon it is dropped where there is too much,
/// 0 last, 1 as most, 2 first (msync section 5.1).
pub const PRIORITY_TAG: &str = "chatroom_msg_tag";

/// One message, event or notice.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Meta {
    /// From the client: made by it. To the client: the server's id, unique over all namespaces.
    #[prost(uint64, optional, tag = "1")]
    pub id: Option<u64>,
    /// The sender. Never absent towards a client.
    #[prost(message, optional, tag = "2")]
    pub from: Option<Jid>,
    /// The recipient, without device.
    #[prost(message, optional, tag = "3")]
    pub to: Option<Jid>,
    /// Milliseconds since 1970; shown as the message's time.
    #[prost(uint64, optional, tag = "4")]
    pub timestamp: Option<u64>,
    /// What the payload is, a [`NameSpace`].
    #[prost(enumeration = "NameSpace", optional, tag = "5")]
    pub ns: Option<i32>,
    /// The bytes of the namespace's body.
    #[prost(bytes = "bytes", optional, tag = "6")]
    pub payload: Option<Bytes>,
    /// To whom it may go, a [`RouteType`].
    #[prost(enumeration = "RouteType", optional, tag = "7")]
    pub routetype: Option<i32>,
    /// Side data such as a room message's priority.
    #[prost(message, repeated, tag = "8")]
    pub ext: Vec<KeyValue>,
    /// Compact JSON of the server about the delivery.
    #[prost(bytes = "bytes", optional, tag = "9")]
    pub meta: Option<Bytes>,
    /// With [`RouteType::Direct`]: the only members that get it.
    #[prost(string, repeated, tag = "10")]
    pub directed_users: Vec<String>,
}

/// What the payload of a [`Meta`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum NameSpace {
    /// [`StatisticsBody`](crate::StatisticsBody): facts about the client, and forced logout.
    Statistic = 0,
    /// [`MessageBody`](crate::MessageBody): messages, receipts, recalls, edits.
    Chat = 1,
    /// [`MucBody`](crate::MucBody): events of groups, rooms and threads.
    Muc = 2,
    /// [`RosterBody`](crate::RosterBody): contacts.
    Roster = 3,
    /// Calls; the bytes are the app's own affair.
    Conference = 4,
    /// Compact JSON: presence, reactions, threads, conversations.
    Notify = 5,
    /// Not used.
    Query = 6,
}

/// To whom a [`Meta`] may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum RouteType {
    /// Everyone, stored for those who are away.
    All = 0,
    /// Those who are online now.
    Online = 1,
    /// Those named in [`Meta::directed_users`].
    Direct = 2,
}
