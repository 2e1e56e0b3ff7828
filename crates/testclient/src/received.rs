//! What a client received.

use bytes::Bytes;
use stoa_wire::{Message, MessageBody, Meta, NameSpace};

/// One meta that a server delivered and that the client did not drop as a double.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// The server's id.
    pub id: u64,
    /// What it is.
    pub ns: NameSpace,
    /// The sender's name in the envelope.
    pub from: String,
    /// The sender's device in the envelope, if named.
    pub from_resource: Option<String>,
    /// The recipient's name in the envelope.
    pub to: String,
    /// Milliseconds since 1970.
    pub timestamp: u64,
    /// The body's bytes.
    pub payload: Bytes,
    /// The name of the queue it came in.
    pub queue: String,
    /// The whole envelope.
    pub meta: Meta,
}

impl Received {
    pub(crate) fn new(meta: Meta, queue: &str) -> Self {
        let from = meta.from.clone().unwrap_or_default();
        Self {
            id: meta.id(),
            ns: meta.ns(),
            from: from.name.unwrap_or_default(),
            from_resource: from.client_resource,
            to: meta.to.as_ref().and_then(|to| to.name.clone()).unwrap_or_default(),
            timestamp: meta.timestamp(),
            payload: meta.payload.clone().unwrap_or_default(),
            queue: queue.to_owned(),
            meta,
        }
    }

    /// The body of a message, receipt, recall or edit.
    pub fn body(&self) -> Option<MessageBody> {
        (self.ns == NameSpace::Chat)
            .then(|| MessageBody::decode(self.payload.clone()).ok())
            .flatten()
    }

    /// The text of a text message.
    pub fn text(&self) -> Option<String> {
        self.body()?.contents.into_iter().next()?.text
    }
}
