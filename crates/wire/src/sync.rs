//! Payloads of SYNC, UNREAD and NOTICE: sending, pulling and acknowledging.

use crate::{Jid, Meta, Status};

/// SYNC from the client: either something to send, or a pull that acknowledges.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CommSyncUl {
    /// The thing to send.
    #[prost(message, optional, tag = "1")]
    pub meta: Option<Meta>,
    /// Everything up to this key is received; absent at the start of a pull.
    #[prost(uint64, optional, tag = "2")]
    pub key: Option<u64>,
    /// The queue that is pulled.
    #[prost(message, optional, tag = "3")]
    pub queue: Option<Jid>,
    /// Never used.
    #[prost(bool, optional, tag = "4")]
    pub is_roam: Option<bool>,
    /// Never used.
    #[prost(uint64, optional, tag = "5")]
    pub last_full_roam_key: Option<u64>,
}

/// SYNC to the client: a page of a queue, or the answer to one [`Meta`] that it sent.
///
/// [`status`](Self::status) must be present always, [`queue`](Self::queue) whenever there are
/// metas that were not asked for by an answer.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CommSyncDl {
    /// How it went; an empty one means well.
    #[prost(message, optional, tag = "1")]
    pub status: Option<Status>,
    /// In an answer: the client's [`Meta::id`].
    #[prost(uint64, optional, tag = "2")]
    pub meta_id: Option<u64>,
    /// In an answer: the server's id of the message.
    #[prost(uint64, optional, tag = "3")]
    pub server_id: Option<u64>,
    /// What is delivered.
    #[prost(message, repeated, tag = "4")]
    pub metas: Vec<Meta>,
    /// What the client names when it acknowledges; never twice the same in one queue.
    #[prost(uint64, optional, tag = "5")]
    pub next_key: Option<u64>,
    /// The queue of the page.
    #[prost(message, optional, tag = "6")]
    pub queue: Option<Jid>,
    /// Nothing follows; a page with this mark is not acknowledged.
    #[prost(bool, optional, tag = "7")]
    pub is_last: Option<bool>,
    /// Milliseconds since 1970; in an answer it becomes the sent message's time.
    #[prost(uint64, optional, tag = "8")]
    pub timestamp: Option<u64>,
    /// Never used.
    #[prost(bool, optional, tag = "9")]
    pub is_roam: Option<bool>,
}

/// NOTICE: there is something new in a queue.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct CommNotice {
    /// The queue.
    #[prost(message, optional, tag = "1")]
    pub queue: Option<Jid>,
}

/// UNREAD from the client. Also its heartbeat.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct CommUnreadUl {}

/// UNREAD to the client: what waits for it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CommUnreadDl {
    /// Not read by the client.
    #[prost(message, optional, tag = "1")]
    pub status: Option<Status>,
    /// The queues with something in them; the client pulls each.
    #[prost(message, repeated, tag = "2")]
    pub unread: Vec<MetaQueue>,
    /// The server's clock in milliseconds since 1970; the client measures its token's life with it.
    #[prost(uint64, optional, tag = "3")]
    pub timestamp: Option<u64>,
}

/// One queue and how much is in it.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct MetaQueue {
    /// The queue.
    #[prost(message, optional, tag = "1")]
    pub queue: Option<Jid>,
    /// Entries in it; the client pulls at 0 too.
    #[prost(uint32, optional, tag = "2")]
    pub n: Option<u32>,
}
