//! The client's side of MSYNC without IO: frames in, frames and events out.

use std::collections::{HashMap, HashSet, VecDeque};

use bytes::Bytes;
use stoa_wire::{
    CommNotice, CommSyncDl, CommSyncUl, CommUnreadDl, Command, EncryptType, Jid, MSync, Message,
    MessageBody, Meta, NameSpace, OsType, Provision, StatisticsBody, StatisticsOperation,
    USER_DOMAIN, Version,
};

use crate::received::Received;

/// Ids among which the client drops doubles.
const REMEMBERED_IDS: usize = 100;

/// Who logs in.
#[derive(Clone)]
pub struct Identity {
    /// The app key, `org#app`.
    pub app_key: String,
    /// The user.
    pub user: String,
    /// The device.
    pub resource: String,
    /// The token, without prefix.
    pub token: String,
}

/// What a server said to a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// The device's name from now on.
    pub resource: String,
    /// When the token ends, in milliseconds since 1970.
    pub expires_at: Option<u64>,
}

/// The answer to something that was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Ack {
    /// The client's id of it.
    pub id: u64,
    /// The server's id of it; 0 when it gave none.
    pub server_id: u64,
    /// The message's time, in milliseconds since 1970.
    pub timestamp: u64,
    /// 0 when it was accepted, else an [`ErrorCode`](stoa_wire::ErrorCode)'s number.
    pub code: i32,
    /// Why it was not accepted.
    pub reason: String,
    /// What came with the answer.
    pub metas: Vec<Meta>,
}

/// What an app would be told.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// After the login something was waiting; it is now pulled.
    OfflineSyncStart,
    /// Everything that was waiting after the login is here.
    OfflineSyncFinish,
    /// Something came.
    Received(Box<Received>),
    /// The server forces the client out, and will close the connection.
    Kicked {
        /// Why.
        operation: StatisticsOperation,
        /// What the device that caused it had to say.
        reason: Option<String>,
    },
    /// The connection is over. Nothing follows.
    Closed {
        /// The WebSocket's code, if there was a closing at all.
        code: Option<u16>,
    },
}

/// What the machine wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Send this frame.
    Send(Bytes),
    /// The login succeeded.
    LoggedIn(Welcome),
    /// The login failed.
    Refused {
        /// An [`ErrorCode`](stoa_wire::ErrorCode)'s number.
        code: i32,
        /// The reason's text.
        reason: String,
    },
    /// An answer came.
    Answered(Ack),
    /// Tell the app.
    Event(Event),
    /// The server did what breaks the SDK.
    Violation(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    LoggingIn,
    /// The first answer to UNREAD has not come.
    LoggedIn,
    /// Pulling what was waiting.
    Syncing,
    Live,
}

/// A queue that is to be pulled, or is being pulled.
#[derive(Debug)]
struct Pending {
    queue: Jid,
    /// From a NOTICE: these are pulled one after another. Those of UNREAD are pulled at once.
    noticed: bool,
}

/// The state of one client, which outlives its connections.
pub struct Protocol {
    identity: Identity,
    resource: String,
    phase: Phase,
    pending: Vec<Pending>,
    /// Queues of the answer to the first UNREAD that are not at their end.
    offline: HashSet<String>,
    last_page: Option<(u64, String)>,
    last_keys: HashMap<String, u64>,
    seen: VecDeque<u64>,
    waiting: HashSet<u64>,
    outputs: Vec<Output>,
}

impl Protocol {
    /// The state of a client that was never connected.
    pub fn new(identity: Identity) -> Self {
        Self {
            resource: identity.resource.clone(),
            identity,
            phase: Phase::LoggingIn,
            pending: Vec::new(),
            offline: HashSet::new(),
            last_page: None,
            last_keys: HashMap::new(),
            seen: VecDeque::new(),
            waiting: HashSet::new(),
            outputs: Vec::new(),
        }
    }

    /// The next login is with this token; what the client remembers stays.
    pub fn renew(&mut self, token: String) {
        self.identity.token = token;
    }

    /// The login's frame, the first on a new connection. `now` is in milliseconds since 1970.
    ///
    /// What the client remembers against doubles (ids, keys of pages) stays from one connection to
    /// the next; what it was doing does not.
    pub fn login(&mut self, now: u64) -> Bytes {
        self.phase = Phase::LoggingIn;
        self.pending.clear();
        self.offline.clear();
        self.waiting.clear();
        login(&self.identity, now)
    }

    /// The frame that sends `meta`. An answer to it is expected if its namespace has answers.
    pub fn send(&mut self, meta: Meta) -> Bytes {
        if matches!(meta.ns(), NameSpace::Chat | NameSpace::Muc) {
            self.waiting.insert(meta.id());
        }
        sync(&CommSyncUl { meta: Some(meta), ..Default::default() })
    }

    /// The frame that asks what is waiting; also the heartbeat.
    pub fn unread() -> Bytes {
        frame(Command::Unread, None)
    }

    /// Takes a frame of the server.
    pub fn receive(&mut self, frame: Bytes, now: u64) -> Vec<Output> {
        match MSync::decode(frame) {
            Ok(outer) => self.dispatch(&outer, now),
            Err(error) => self.violation(format!("a frame that is not one: {error}")),
        }
        std::mem::take(&mut self.outputs)
    }

    fn dispatch(&mut self, outer: &MSync, now: u64) {
        let payload = outer.payload.clone().unwrap_or_default();
        let result = match outer.command() {
            Command::Provision => Provision::decode(payload).map(|dl| self.provision(dl, now)),
            Command::Unread => CommUnreadDl::decode(payload).map(|dl| self.unread_dl(dl, now)),
            Command::Notice => CommNotice::decode(payload).map(|dl| self.notice(dl)),
            Command::Sync => CommSyncDl::decode(payload).map(|dl| self.sync(dl)),
        };
        if let Err(error) = result {
            self.violation(format!("a payload that is not one: {error}"));
        }
    }

    fn provision(&mut self, dl: Provision, now: u64) {
        if self.phase != Phase::LoggingIn {
            return self.violation("PROVISION after the login");
        }
        let Some(status) = dl.status else { return self.violation("PROVISION without status") };
        if status.error_code.unwrap_or(0) != 0 {
            let (code, reason) =
                (status.error_code.unwrap_or(0), status.reason.unwrap_or_default());
            return self.outputs.push(Output::Refused { code, reason });
        }
        if dl.resource.is_none() {
            self.violation("PROVISION without resource");
        }
        self.resource = dl.resource.unwrap_or_default();
        let expires_at = dl.auth_token.as_deref().and_then(expires_in);
        if expires_at.is_some_and(|at| at <= now) {
            self.violation("expires_in is not a time to come: the SDK logs out at once");
        }
        self.phase = Phase::LoggedIn;
        let resource = self.resource.clone();
        self.outputs.push(Output::LoggedIn(Welcome { resource, expires_at }));
        self.outputs.push(Output::Send(Self::unread()));
        self.statistics(now);
    }

    fn unread_dl(&mut self, dl: CommUnreadDl, now: u64) {
        let first = self.phase == Phase::LoggedIn;
        if self.phase == Phase::LoggingIn {
            return self.violation("UNREAD before the login");
        }
        if first {
            self.phase = Phase::Live;
        }
        for listed in dl.unread {
            let Some(queue) = listed.queue else {
                self.violation("UNREAD without queue");
                continue;
            };
            if first {
                if self.phase != Phase::Syncing {
                    self.outputs.push(Output::Event(Event::OfflineSyncStart));
                    self.phase = Phase::Syncing;
                }
                self.offline.insert(queue.name().to_owned());
            }
            if !self.is_pending(queue.name()) {
                self.pending.push(Pending { queue: queue.clone(), noticed: false });
            }
            self.pull(queue, None);
        }
        self.statistics(now);
    }

    fn notice(&mut self, dl: CommNotice) {
        if self.phase == Phase::LoggingIn {
            return self.violation("NOTICE before the login");
        }
        let Some(queue) = dl.queue else { return self.violation("NOTICE without queue") };
        let own = queue.name() == self.identity.user
            && queue.client_resource.as_deref() == Some(&self.resource);
        if own || self.is_pending(queue.name()) {
            return;
        }
        self.pending.push(Pending { queue: queue.clone(), noticed: true });
        if self.pending.len() == 1 {
            self.pull(queue, None);
        }
    }

    fn sync(&mut self, dl: CommSyncDl) {
        if self.phase == Phase::LoggingIn {
            return self.violation("SYNC before the login");
        }
        if dl.status.is_none() {
            // A promise never settles, and metas of messages throw.
            return self.violation("SYNC without status");
        }
        if dl.meta_id() > 0 { self.answer(dl) } else { self.page(dl) }
    }

    fn answer(&mut self, dl: CommSyncDl) {
        let id = dl.meta_id();
        let status = dl.status.clone().unwrap_or_default();
        let code = status.error_code.unwrap_or(0);
        if !self.waiting.remove(&id) {
            if code != 0 {
                self.violation(format!("an error for {id}, which waits for no answer"));
            }
            return;
        }
        self.outputs.push(Output::Answered(Ack {
            id,
            server_id: dl.server_id(),
            timestamp: dl.timestamp(),
            code,
            reason: status.reason.unwrap_or_default(),
            metas: dl.metas,
        }));
    }

    fn page(&mut self, dl: CommSyncDl) {
        let Some(queue) = dl.queue.clone() else {
            // The frame is lost.
            return self.violation("SYNC with neither queue nor metaId");
        };
        let name = queue.name().to_owned();
        let (is_last, next_key) = (dl.is_last(), dl.next_key);
        let empty = dl.metas.is_empty();
        for meta in dl.metas {
            if !self.meta(meta, &name) {
                break;
            }
        }
        if is_last {
            return self.last_page(&name, empty);
        }
        let Some(next_key) = next_key else {
            return self.violation("a page with neither nextKey nor isLast");
        };
        if self.last_keys.insert(name.clone(), next_key) == Some(next_key) {
            self.violation(format!("nextKey {next_key} again in queue {name}"));
        }
        let page = (next_key, name);
        if self.last_page.as_ref() == Some(&page) {
            self.pending.retain(|pending| pending.queue.name() != page.1);
        } else {
            self.last_page = Some(page);
            self.pull(queue, Some(next_key));
        }
    }

    /// The end of a queue. What came in the last page is not acknowledged.
    fn last_page(&mut self, name: &str, empty: bool) {
        // A bug keeps a queue whose last page was not empty; its turn comes once more.
        if empty {
            self.pending.retain(|pending| pending.queue.name() != name);
        }
        if self.offline.remove(name) && self.offline.is_empty() && self.phase == Phase::Syncing {
            self.phase = Phase::Live;
            self.outputs.push(Output::Event(Event::OfflineSyncFinish));
        }
        let next = self.pending.first().filter(|next| next.noticed);
        if let Some(queue) = next.map(|next| next.queue.clone()) {
            self.pull(queue, None);
        }
    }

    /// Takes one meta; `false` when the SDK would throw and lose those behind it.
    fn meta(&mut self, meta: Meta, queue: &str) -> bool {
        let Some(from) = meta.from.clone() else {
            self.violation("a meta without from");
            return false;
        };
        let id = meta.id();
        if id == 0 {
            self.violation("a meta without id");
        }
        if self.seen.contains(&id) {
            return true;
        }
        if self.seen.len() == REMEMBERED_IDS {
            self.seen.pop_front();
        }
        self.seen.push_back(id);
        if meta.to.as_ref().is_some_and(|to| to.client_resource.is_some()) {
            self.violation(format!("meta {id} names the recipient's device"));
        }
        let notice = meta.payload.as_ref().filter(|_| meta.ns() == NameSpace::Notify);
        if meta.meta.iter().chain(notice).any(|json| json.iter().any(|byte| *byte < 0x10)) {
            self.violation(format!("meta {id} carries JSON with line breaks"));
        }
        if from.name() == self.identity.user
            && from.client_resource.as_deref() == Some(&self.resource)
            && meta.ns() == NameSpace::Chat
        {
            self.violation(format!("meta {id} comes back to the device that sent it"));
        }
        let payload = meta.payload.clone().unwrap_or_default();
        match meta.ns() {
            NameSpace::Chat => match MessageBody::decode(payload) {
                Ok(body) if body.from.is_none() || body.to.is_none() => {
                    self.violation(format!("message {id} without from or to in its body"));
                }
                Ok(_) => {}
                Err(error) => {
                    self.violation(format!("message {id} has no body: {error}"));
                    return true;
                }
            },
            NameSpace::Statistic => {
                if let Ok(body) = StatisticsBody::decode(payload)
                    && body.operation() != StatisticsOperation::Information
                {
                    let (operation, reason) = (body.operation(), body.reason);
                    self.outputs.push(Output::Event(Event::Kicked { operation, reason }));
                    return true;
                }
            }
            _ => {}
        }
        let received = Box::new(Received::new(meta, queue));
        self.outputs.push(Output::Event(Event::Received(received)));
        true
    }

    fn is_pending(&self, name: &str) -> bool {
        self.pending.iter().any(|pending| pending.queue.name() == name)
    }

    fn pull(&mut self, queue: Jid, key: Option<u64>) {
        let pull = CommSyncUl { queue: Some(queue), key, ..Default::default() };
        self.outputs.push(Output::Send(sync(&pull)));
    }

    /// Tells the server about the client, as the SDK does now and then.
    fn statistics(&mut self, now: u64) {
        let body = StatisticsBody {
            operation: Some(StatisticsOperation::Information.into()),
            os: Some(OsType::Other.into()),
            version: Some("1.4.0".into()),
            ..Default::default()
        };
        let meta = Meta {
            id: Some(now),
            to: Some(Jid { domain: Some(USER_DOMAIN.into()), ..Jid::default() }),
            ns: Some(NameSpace::Statistic.into()),
            payload: Some(body.encode_to_vec().into()),
            ..Default::default()
        };
        let frame = self.send(meta);
        self.outputs.push(Output::Send(frame));
    }

    fn violation(&mut self, what: impl Into<String>) {
        self.outputs.push(Output::Violation(what.into()));
    }
}

/// The end of the token's life in the JSON of a login's answer.
fn expires_in(json: &str) -> Option<u64> {
    serde_json::from_str::<serde_json::Value>(json).ok()?.get("expires_in")?.as_u64()
}

fn login(identity: &Identity, now: u64) -> Bytes {
    let token = format!("$t${}", identity.token);
    let provision = Provision {
        os_type: Some(OsType::Other.into()),
        version: Some("1.4.0".into()),
        compress_type: vec![0],
        encrypt_type: vec![0],
        device_uuid: Some(identity.resource.clone()),
        device_name: Some("webim".into()),
        resource: Some(identity.resource.clone()),
        action_version: Some("v5.1".into()),
        auth_token: Some(serde_json::json!({ "token": token }).to_string()),
        session_id: Some(format!("{now}:")),
        ..Default::default()
    };
    MSync {
        version: Some(Version::V1.into()),
        guid: Some(Jid::user(&identity.app_key, &identity.user).with_resource(&identity.resource)),
        auth: Some(token),
        command: Some(Command::Provision.into()),
        device_id: Some(0),
        encrypt_type: vec![EncryptType::None.into()],
        payload: Some(provision.encode_to_vec().into()),
        ..Default::default()
    }
    .encode_to_vec()
    .into()
}

fn sync(payload: &CommSyncUl) -> Bytes {
    frame(Command::Sync, Some(payload.encode_to_vec().into()))
}

fn frame(command: Command, payload: Option<Bytes>) -> Bytes {
    MSync {
        version: Some(Version::V1.into()),
        command: Some(command.into()),
        encrypt_type: vec![EncryptType::None.into()],
        payload,
        ..Default::default()
    }
    .encode_to_vec()
    .into()
}
