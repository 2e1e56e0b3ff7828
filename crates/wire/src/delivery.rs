//! What a recipient gets: the envelope around stored bytes, receipts and forced logout.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

use crate::fields::{bytes_len, put_bytes, put_varint, varint_len};
use crate::{
    Content, GROUP_DOMAIN, Jid, KeyValue, MessageBody, MessageConfig, MessageType, NameSpace,
    StatisticsBody, StatisticsOperation, USER_DOMAIN,
};

/// One end of a delivery, within the delivery's app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address<'a> {
    /// A user.
    User(&'a str),
    /// One device of a user. Senders only: a recipient's device would show in the name.
    Device {
        /// The user.
        user: &'a str,
        /// The device's resource.
        resource: &'a str,
    },
    /// A group, chat room or thread.
    Group(&'a str),
}

impl Address<'_> {
    /// The address as a message of its own.
    pub fn jid(&self, app_key: &str) -> Jid {
        match *self {
            Self::User(name) => Jid::user(app_key, name),
            Self::Device { user, resource } => Jid::user(app_key, user).with_resource(resource),
            Self::Group(name) => Jid::group(app_key, name),
        }
    }

    fn parts(&self) -> (&str, &str, Option<&str>) {
        match *self {
            Self::User(name) => (name, USER_DOMAIN, None),
            Self::Device { user, resource } => (user, USER_DOMAIN, Some(resource)),
            Self::Group(name) => (name, GROUP_DOMAIN, None),
        }
    }

    fn encoded_len(&self, app_key: &str) -> usize {
        let (name, domain, resource) = self.parts();
        bytes_len(app_key.len())
            + bytes_len(name.len())
            + bytes_len(domain.len())
            + resource.map_or(0, |resource| bytes_len(resource.len()))
    }

    /// Writes field `number` of a [`Meta`](crate::Meta).
    fn put(&self, number: u32, app_key: &str, out: &mut BytesMut) {
        let (name, domain, resource) = self.parts();
        prost::encoding::encode_key(number, prost::encoding::WireType::LengthDelimited, out);
        prost::encoding::encode_varint(self.encoded_len(app_key) as u64, out);
        put_bytes(1, app_key.as_bytes(), out);
        put_bytes(2, name.as_bytes(), out);
        put_bytes(3, domain.as_bytes(), out);
        if let Some(resource) = resource {
            put_bytes(4, resource.as_bytes(), out);
        }
    }
}

/// A [`Meta`](crate::Meta) towards a client, from what is stored.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// The id: unique in the app over all namespaces, not 0.
    pub id: u64,
    /// The app key, `org#app`.
    pub app_key: &'a str,
    /// The sender.
    pub from: Address<'a>,
    /// The recipient.
    pub to: Address<'a>,
    /// Milliseconds since 1970.
    pub timestamp: u64,
    /// What the payload is.
    pub ns: NameSpace,
    /// The body's bytes, untouched.
    pub payload: &'a [u8],
    /// The sender's `ext` as [`encode_ext`] wrote it; may be empty.
    pub ext: &'a [u8],
    /// Compact JSON of the server about this delivery; empty for none. No byte below 0x10 may
    /// stand in it, so no line breaks.
    pub meta: &'a [u8],
}

impl Delivery<'_> {
    /// The encoded [`Meta`](crate::Meta).
    pub fn encode(&self) -> Bytes {
        debug_assert!(self.meta.iter().all(|byte| *byte >= 0x10), "meta is compact JSON");
        let ns = u64::from(self.ns as u8);
        let len = varint_len(self.id)
            + bytes_len(self.from.encoded_len(self.app_key))
            + bytes_len(self.to.encoded_len(self.app_key))
            + varint_len(self.timestamp)
            + varint_len(ns)
            + bytes_len(self.payload.len())
            + self.ext.len()
            + if self.meta.is_empty() { 0 } else { bytes_len(self.meta.len()) };
        let mut out = BytesMut::with_capacity(len);
        put_varint(1, self.id, &mut out);
        self.from.put(2, self.app_key, &mut out);
        self.to.put(3, self.app_key, &mut out);
        put_varint(4, self.timestamp, &mut out);
        put_varint(5, ns, &mut out);
        put_bytes(6, self.payload, &mut out);
        out.put_slice(self.ext);
        if !self.meta.is_empty() {
            put_bytes(9, self.meta, &mut out);
        }
        debug_assert_eq!(out.len(), len);
        out.freeze()
    }
}

/// A sender's `Meta.ext` as the bytes that [`Delivery::ext`] wants: the fields behind each other,
/// each with its tag.
pub fn encode_ext(ext: &[KeyValue]) -> Bytes {
    let len: usize = ext.iter().map(|entry| bytes_len(entry.encoded_len())).sum();
    let mut out = BytesMut::with_capacity(len);
    for entry in ext {
        put_bytes(8, &entry.encode_to_vec(), &mut out);
    }
    out.freeze()
}

/// Body of a forced logout, for [`NameSpace::Statistic`]. `reason` is what the device that caused
/// it had to say. The connection must be closed after it.
pub fn kick(operation: StatisticsOperation, reason: Option<&str>) -> Bytes {
    encode(&StatisticsBody {
        operation: Some(operation.into()),
        reason: reason.map(str::to_owned),
        ..Default::default()
    })
}

/// Body that says: `from` has read message `id`, which came in the talk with `to`.
pub fn read_ack(from: &str, to: &str, id: u64) -> Bytes {
    encode(&about(MessageType::ReadAck, from, to, Some(id)))
}

/// Body that says: `from` has read message `id` of the group `to`, as `count` members now have.
/// `content` is what the reader adds.
pub fn group_read_ack(from: &str, to: &str, id: u64, count: u64, content: &str) -> Bytes {
    encode(&MessageBody {
        // The client takes the first entry's text for JSON, whatever its key.
        ext: vec![KeyValue::json("group_read_count", format!("{{\"{id}\":{count}}}"))],
        msg_config: Some(MessageConfig { allow_group_ack: Some(true) }),
        ack_content: Some(content.to_owned()),
        ..about(MessageType::ReadAck, from, to, Some(id))
    })
}

/// Body that says: message `id` reached a device of `from`.
pub fn delivery_ack(from: &str, to: &str, id: u64) -> Bytes {
    encode(&about(MessageType::DeliverAck, from, to, Some(id)))
}

/// Body that says: `from` has read everything in the conversation with `to`.
pub fn channel_ack(from: &str, to: &str) -> Bytes {
    encode(&about(MessageType::ChannelAck, from, to, None))
}

/// Body that says: message `id` is taken back.
pub fn recall(from: &str, to: &str, id: u64) -> Bytes {
    encode(&about(MessageType::Recall, from, to, Some(id)))
}

/// A body about a message: like those of clients, with one empty content.
fn about(kind: MessageType, from: &str, to: &str, id: Option<u64>) -> MessageBody {
    MessageBody {
        kind: Some(kind.into()),
        from: Some(Jid::named(from)),
        to: Some(Jid::named(to)),
        contents: vec![Content::default()],
        ack_message_id: id,
        ..Default::default()
    }
}

fn encode(body: &impl Message) -> Bytes {
    body.encode_to_vec().into()
}
