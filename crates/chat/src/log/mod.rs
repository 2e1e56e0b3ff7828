//! Logs: keys, what is appended, and the appenders of this node.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `appender` | takes what is waiting for one log into one transaction |
//! | `batch` | what such a transaction comes to: numbers, ids, what is to be published |
//! | `doubt` | what is told late, since nobody knew whether it is durable |
//! | `publisher` | hands what is durable to the bus, in the order of the log |
//! | `posting` | transactions that append to several logs, each entry all or nothing with the rest |

mod appender;
mod batch;
mod doubt;
mod posting;
mod publisher;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use stoa_core::{App, AppNumber, Day, MessageId, Resource, Seq, Target, Timestamp, UserId};
use stoa_store::{AppStore, Blind, Bucket, Key};

use stoa_store::spaces::{self, Space};

use crate::class::class_blind;
use crate::entry::{Audience, Entry, Kind, Log, Priority};
use crate::{Error, member};

pub(crate) use appender::{Acting, Appender};
pub(crate) use batch::{Actor, Batch, Placed, Readers};
pub(crate) use posting::Posting;

/// What was appended: the answer to whoever sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The id that it has now.
    pub id: MessageId,
    /// When the server took it.
    pub at: Timestamp,
}

/// Called once when the outcome is known.
pub type Done = Box<dyn FnOnce(Result<Appended, Error>) + Send>;

/// An entry that has no place yet.
#[derive(Debug, Clone)]
pub(crate) struct NewEntry {
    pub(crate) kind: Kind,
    pub(crate) from: UserId,
    pub(crate) from_resource: Resource,
    pub(crate) to: Target,
    pub(crate) only_resource: Option<Resource>,
    pub(crate) audience: Audience,
    pub(crate) body: Bytes,
    pub(crate) ext: Bytes,
    /// The client's own number for it: what comes again under it is the same message. 0 for what the
    /// server says by itself, which never comes again.
    pub(crate) client_id: u64,
    /// Only if the one that it is for has the sender among its contacts.
    pub(crate) contacts_only: bool,
    /// Of an edit: where the edited message lies.
    pub(crate) about: Seq,
    /// Readers in the group send receipts.
    pub(crate) receipts: bool,
    /// In a chat room: how soon it is dropped.
    pub(crate) priority: Priority,
    /// The app's back end says it, in whose name it likes: nobody asks whether that user may.
    pub(crate) by_back_end: bool,
}

impl NewEntry {
    /// What the server has to say on behalf of `from`, to `to`.
    pub(crate) fn event(kind: Kind, from: (&UserId, &Resource), to: Target, body: Bytes) -> Self {
        Self {
            kind,
            from: from.0.clone(),
            from_resource: from.1.clone(),
            to,
            only_resource: None,
            audience: Audience::All,
            body,
            ext: Bytes::new(),
            client_id: 0,
            contacts_only: false,
            about: Seq::START,
            receipts: false,
            priority: Priority::High,
            by_back_end: false,
        }
    }

    /// The same for some of the log's readers.
    pub(crate) fn for_audience(self, audience: Audience) -> Self {
        Self { audience, ..self }
    }

    /// Whether it counts in the log's counter of messages: whoever it is not for would count it too.
    pub(crate) fn counts(&self) -> bool {
        self.kind.is_countable() && self.audience == Audience::All
    }

    /// The entry that it becomes.
    pub(crate) fn placed(&self, id: MessageId, at: Timestamp) -> Entry {
        Entry {
            id,
            at,
            kind: self.kind,
            from: self.from.clone(),
            from_resource: self.from_resource.clone(),
            to: self.to.clone(),
            only_resource: self.only_resource.clone(),
            audience: self.audience.clone(),
            edit: None,
            body: self.body.clone(),
            ext: self.ext.clone(),
        }
    }
}

/// The appenders of this node.
#[derive(Default)]
pub(crate) struct Appenders {
    map: Mutex<HashMap<(AppNumber, Log), Arc<Appender>>>,
}

/// Appenders kept for the next message; beyond, those at rest are dropped.
const KEPT: usize = 50_000;

impl Appenders {
    /// The appender of `log`.
    pub(crate) fn of(&self, app: &Arc<App>, store: &AppStore, log: &Log) -> Arc<Appender> {
        let mut map = self.map.lock();
        if let Some(appender) = map.get(&(app.number, log.clone())) {
            return appender.clone();
        }
        if map.len() >= KEPT {
            // One that somebody else holds has something under way, and knows what is published.
            map.retain(|_, appender| Arc::strong_count(appender) > 1 || appender.is_busy());
        }
        let appender = Arc::new(Appender::new(app.clone(), store.clone(), log.clone()));
        map.insert((app.number, log.clone()), appender.clone());
        appender
    }

    /// The appender of `log`, if there is one.
    pub(crate) fn known(&self, app: AppNumber, log: &Log) -> Option<Arc<Appender>> {
        self.map.lock().get(&(app, log.clone())).cloned()
    }

    /// Forgets what is remembered of all logs of an app, whose entries somebody else has changed.
    pub(crate) fn forget_contents(&self, app: AppNumber) {
        let known: Vec<_> = {
            let map = self.map.lock();
            map.iter().filter(|((of, _), _)| *of == app).map(|(_, known)| known.clone()).collect()
        };
        known.iter().for_each(|appender| appender.forget_contents());
    }

    /// Forgets what the index of days is known to say of the app's logs: rows of it were removed.
    pub(crate) fn forget_noted(&self, app: AppNumber) {
        let map = self.map.lock();
        let of_app = map.iter().filter(|((of, _), _)| *of == app);
        of_app.for_each(|(_, appender)| appender.note(None));
    }

    /// Forgets a log that is gone.
    pub(crate) fn forget_log(&self, app: AppNumber, log: &Log) {
        self.map.lock().remove(&(app, log.clone()));
    }

    /// Forgets the logs of an app that is gone.
    pub(crate) fn forget_app(&self, app: AppNumber) {
        self.map.lock().retain(|(of, _), _| *of != app);
    }

    /// Forgets what is remembered of the logs that are named by `user`.
    pub(crate) fn forget(&self, app: AppNumber, user: &UserId) {
        self.map.lock().retain(|(of, log), appender| {
            let named = match log {
                Log::Conversation(conversation) => conversation.pair().contains(user),
                Log::User(owner) => owner == user,
            };
            *of != app || !named || appender.forget()
        });
    }
}

/// The blinded name of `log` in keys.
pub(crate) fn log_blind(store: &AppStore, log: &Log) -> Blind {
    match log {
        Log::Conversation(conversation) => member::conversation_blind(store, conversation),
        Log::User(user) => store.blind("user log", &[user.as_str().as_bytes()]),
    }
}

/// The key space of `log`.
pub(crate) fn log_space(log: &Log) -> &'static Space {
    match log {
        Log::Conversation(_) if log.class_number().is_some() => &spaces::CLASS_MESSAGES,
        Log::Conversation(_) => &spaces::MESSAGES,
        Log::User(_) => &spaces::USER_LOG,
    }
}

/// What is stored in `log` on a day is sealed under the key of that day, and what is said in the chat of a class room
/// under the class room's own.
pub(crate) fn log_bucket(store: &AppStore, log: &Log, day: Day) -> Bucket {
    match log.class_number() {
        Some(number) => Bucket::Object(class_blind(store, number).0),
        None => Bucket::Day(day),
    }
}

/// The key of the entry at `seq`.
pub(crate) fn entry_key(store: &AppStore, log: &Log, blind: Blind, seq: Seq) -> Key {
    store.key(log_space(log)).blind(blind).number(seq.0).done()
}
