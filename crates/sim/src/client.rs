//! Clients: devices, and the pages on them that run the SDK.
//!
//! The SDK itself is `stoa-testclient`'s state machine. Around it stands what an app and a browser
//! do: connect and come back, wait for answers as long as the SDK does, send again what has no
//! answer, and note what was shown.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use stoa_testclient::protocol::{Identity, Protocol};
use stoa_wire::{
    CommSyncDl, CommSyncUl, CommUnreadDl, Command, Content, ContentType, GROUP_DOMAIN, Jid, MSync,
    Message, MessageBody, MessageType, Meta, NameSpace,
};

use crate::model::{View, What};
use crate::net::{Line, Shared};
use crate::rooms::Asked;

/// How long the SDK waits for the answer to its login.
pub(crate) const LOGIN_MS: u64 = 10_000;
/// How long the SDK waits for the answer to what it sent.
pub(crate) const ANSWER_MS: u64 = 15_000;
/// Silence after which the SDK sends a heartbeat.
pub(crate) const BEAT_MS: u64 = 30_000;
/// Silence after which the network under the SDK gives the connection up.
pub(crate) const SILENCE_MS: u64 = 75_000;

/// A device of a user: what stays when a page is loaded anew.
pub(crate) struct Device {
    pub(crate) app: usize,
    pub(crate) user: String,
    pub(crate) resource: String,
    pub(crate) view: View,
    /// Things to send when there is a session: composed offline, or without an answer.
    pub(crate) outbox: VecDeque<usize>,
    pub(crate) last_client_id: u64,
    /// Client ids that were sent twice at once.
    pub(crate) doubled: BTreeSet<u64>,
    /// What it was shown last: who said it, and its id.
    pub(crate) last_shown: Option<(String, u64)>,
    /// The user was deleted.
    pub(crate) gone: bool,
    /// It does not connect until then.
    pub(crate) away_until: u64,
}

/// Where a page stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Without a connection until then.
    Offline { until: u64 },
    /// The login was sent.
    LoggingIn { until: u64 },
    /// In a session.
    Live,
    /// Never again: replaced, or its user is gone.
    Over,
}

/// One page: an SDK instance with its memory.
pub(crate) struct Tab {
    pub(crate) device: usize,
    pub(crate) protocol: Protocol,
    pub(crate) phase: Phase,
    pub(crate) connection: Option<u64>,
    /// By client id, what waits for its answer, and until when.
    pub(crate) unanswered: BTreeMap<u64, (usize, u64)>,
    /// The same of entering and leaving rooms.
    pub(crate) asked: BTreeMap<u64, (Asked, u64)>,
    /// All that this page showed, and in which session first; and the last of each queue.
    pub(crate) shown: BTreeMap<u64, u64>,
    pub(crate) last: BTreeMap<String, u64>,
    pub(crate) heard: u64,
    pub(crate) beaten: u64,
}

impl Tab {
    pub(crate) fn new(device: usize, identity: Identity, now: u64) -> Self {
        Self {
            device,
            protocol: Protocol::new(identity),
            phase: Phase::Offline { until: now },
            connection: None,
            unanswered: BTreeMap::new(),
            asked: BTreeMap::new(),
            shown: BTreeMap::new(),
            last: BTreeMap::new(),
            heard: now,
            beaten: now,
        }
    }
}

/// A connection as the client and the network see it.
pub(crate) struct Connection {
    pub(crate) tab: usize,
    pub(crate) socket: Shared,
    pub(crate) up: Line,
    pub(crate) down: Line,
    /// Arrived at the client's machine, not yet read by the client.
    pub(crate) there: VecDeque<u8>,
    /// Read, up to the frame that is not whole.
    pub(crate) inbox: VecDeque<u8>,
    /// How long the network takes each way, at the most.
    pub(crate) delay: u64,
    /// How many bytes the client reads in a turn, if it is slow, and until when.
    pub(crate) slow: Option<(usize, u64)>,
    /// Both ways lead nowhere.
    pub(crate) swallowed: bool,
    /// It was cut: nothing travels any more.
    pub(crate) severed: bool,
    /// The client closed it.
    pub(crate) closed: bool,
    /// How often each entry came, by id, and how often a queue was pulled from its start, or a room
    /// entered.
    pub(crate) came: BTreeMap<u64, u32>,
    pub(crate) pulls: BTreeMap<String, u32>,
    /// How many entries came that the page had shown first in an earlier session, for each of those.
    pub(crate) again: BTreeMap<u64, usize>,
}

/// A frame of the server, looked into beside the SDK.
pub(crate) enum Seen {
    /// The queue and what it carries. What is said in a room has a group's queue.
    Page { queue: String, is_room: bool, metas: Vec<Meta> },
    /// The list of what is waiting.
    Unread,
    /// Something else.
    Other,
}

/// Looks into a frame of the server.
pub(crate) fn seen(frame: &Bytes) -> Seen {
    look(frame).unwrap_or(Seen::Other)
}

fn look(frame: &Bytes) -> Option<Seen> {
    let outer = MSync::decode(frame.clone()).ok()?;
    match outer.command() {
        Command::Sync => {
            let page = CommSyncDl::decode(outer.payload?).ok()?;
            let queue = page.queue?;
            let is_room = queue.domain.as_deref() == Some(GROUP_DOMAIN);
            Some(Seen::Page { queue: queue.name?, is_room, metas: page.metas })
        }
        Command::Unread => {
            let status = CommUnreadDl::decode(outer.payload?).ok()?.status?;
            (status.error_code.unwrap_or_default() == 0).then_some(Seen::Unread)
        }
        _ => None,
    }
}

/// The queue that a frame of the client pulls from its start.
pub(crate) fn pull_of(frame: &Bytes) -> Option<String> {
    let outer = MSync::decode(frame.clone()).ok()?;
    if outer.command() != Command::Sync {
        return None;
    }
    let pull = CommSyncUl::decode(outer.payload?).ok()?;
    if pull.key.is_some() { None } else { pull.queue?.name }
}

/// The body of a thing that is sent.
pub(crate) fn body(what: What, from: &str, to: &str, text: String, about: u64) -> MessageBody {
    let named = |name: &str| Some(Jid::named(name));
    if what == What::Receipt {
        return MessageBody {
            kind: Some(MessageType::ReadAck.into()),
            from: named(from),
            to: named(to),
            ack_message_id: Some(about),
            ack_content: Some(text),
            ..Default::default()
        };
    }
    let kind = if what == What::Room { MessageType::ChatRoom } else { MessageType::Chat };
    MessageBody {
        kind: Some(kind.into()),
        from: named(from),
        to: named(to),
        contents: vec![Content {
            kind: Some(ContentType::Text.into()),
            text: Some(text),
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// The text by which a received body names what was sent.
pub(crate) fn text_of(body: &[u8]) -> Option<String> {
    let body = MessageBody::decode(body).ok()?;
    body.ack_content.clone().or_else(|| body.contents.into_iter().next()?.text)
}

/// The envelope of a thing that is sent.
pub(crate) fn envelope(
    app_key: &str,
    what: What,
    to: &str,
    client_id: u64,
    body: &MessageBody,
) -> Meta {
    Meta {
        id: Some(client_id),
        to: Some(match what {
            What::Room => Jid::group(app_key, to),
            _ => Jid::user(app_key, to),
        }),
        ns: Some(NameSpace::Chat.into()),
        payload: Some(body.encode_to_vec().into()),
        routetype: (what == What::Passing).then_some(1),
        ..Default::default()
    }
}
