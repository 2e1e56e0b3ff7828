//! Appending to logs: one appender for each log takes what is waiting into one transaction.
//!
//! A sequence number is given inside the transaction that makes the entry durable, by the one task
//! that appends to that log on this node, so numbers are dense and a reader's cursor cannot pass an
//! entry that was not yet visible. Another node that appended meanwhile is noticed because the next
//! number is taken; the head is then read anew. A busy conversation therefore batches and does not
//! conflict with itself.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use prost::Message;
use stoa_bus::Topic;
use stoa_core::{App, AppNumber, MessageId, Resource, Seq, Timestamp, UserId, limits};
use stoa_metrics::messages::{ACCEPTED, Taken};
use stoa_store::{AppStore, Blind, Bucket, Direction, Key, StoreError, Txn};

use stoa_store::spaces::{self, Space};

use crate::entry::{Delivery, Entry, Event, Kind, Log, Queue};
use crate::member;
use crate::records::{self, Acknowledged, Head, Place, StoredEntry};
use crate::{Error, Shared};

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
    pub(crate) to: UserId,
    pub(crate) only_resource: Option<Resource>,
    pub(crate) body: Bytes,
    pub(crate) ext: Bytes,
    /// The client's own number for it: what comes again under it is the same message.
    pub(crate) client_id: u64,
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
            map.retain(|_, appender| appender.is_busy());
        }
        let appender = Arc::new(Appender {
            app: app.clone(),
            blind: log_blind(store, log),
            store: store.clone(),
            log: log.clone(),
            waiting: Mutex::default(),
            known: Mutex::default(),
        });
        map.insert((app.number, log.clone()), appender.clone());
        appender
    }

    /// Forgets what is remembered of the logs that `user` takes part in.
    pub(crate) fn forget(&self, app: AppNumber, user: &UserId) {
        self.map
            .lock()
            .retain(|(of, log), _| *of != app || !members(log).iter().any(|member| member == user));
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
pub(crate) const fn log_space(log: &Log) -> &'static Space {
    match log {
        Log::Conversation(_) => &spaces::MESSAGES,
        Log::User(_) => &spaces::USER_LOG,
    }
}

/// The key of the entry at `seq`.
pub(crate) fn entry_key(store: &AppStore, log: &Log, blind: Blind, seq: Seq) -> Key {
    store.key(log_space(log)).blind(blind).number(seq.0).done()
}

fn members(log: &Log) -> Vec<UserId> {
    match log {
        Log::Conversation(conversation) => conversation.members(),
        Log::User(user) => vec![user.clone()],
    }
}

/// Appends to one log.
pub(crate) struct Appender {
    app: Arc<App>,
    store: AppStore,
    log: Log,
    blind: Blind,
    waiting: Mutex<Waiting>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Waiting {
    entries: VecDeque<(NewEntry, Done)>,
    running: bool,
}

/// What the last append left behind, so that the next need not read it.
#[derive(Default, Clone, Copy)]
struct Known {
    head: Option<End>,
    members: bool,
}

/// The end of a log.
#[derive(Debug, Default, Clone, Copy)]
struct End {
    seq: Seq,
    id: u64,
    countable: u64,
}

impl Appender {
    fn is_busy(&self) -> bool {
        let waiting = self.waiting.lock();
        waiting.running || !waiting.entries.is_empty()
    }

    /// Puts `entry` behind what is waiting; `done` learns the outcome. The order of calls is the
    /// order in the log.
    pub(crate) fn submit(self: &Arc<Self>, shared: &Arc<Shared>, entry: NewEntry, done: Done) {
        let mut waiting = self.waiting.lock();
        waiting.entries.push_back((entry, done));
        if !waiting.running {
            waiting.running = true;
            drop(waiting);
            let (appender, shared) = (self.clone(), shared.clone());
            tokio::spawn(async move { appender.run(&shared).await });
        }
    }

    async fn run(&self, shared: &Shared) {
        loop {
            let (entries, done): (Vec<_>, Vec<_>) = {
                let mut waiting = self.waiting.lock();
                let count = waiting.entries.len().min(limits::APPEND_BATCH);
                if count == 0 {
                    waiting.running = false;
                    return;
                }
                waiting.entries.drain(..count).unzip()
            };
            match self.append(shared, &entries).await {
                Ok((outcomes, fresh)) => {
                    count(outcomes.len(), &fresh);
                    for (done, outcome) in done.into_iter().zip(outcomes) {
                        done(Ok(outcome));
                    }
                    self.publish(shared, &fresh);
                }
                Err(error) => {
                    *self.known.lock() = Known::default();
                    if error.is_fault() {
                        stoa_metrics::store::FAULTS.of(stoa_metrics::store::Place::Append).inc();
                        tracing::error!(error = &error as &dyn std::error::Error, "append failed");
                    }
                    for done in done {
                        done(Err(error.clone()));
                    }
                }
            }
        }
    }

    /// Appends `new` in one transaction: the answers in their order, and the entries that are new.
    async fn append(
        &self,
        shared: &Shared,
        new: &[NewEntry],
    ) -> Result<(Vec<Appended>, Vec<(Seq, Arc<Entry>)>), Error> {
        let known = *self.known.lock();
        let (end, outcomes, fresh) = self
            .store
            .transact(|mut txn| async move {
                let appended = self.append_in(shared, &mut txn, known, new).await?;
                Ok::<_, Error>(txn.done(appended))
            })
            .await?;
        *self.known.lock() = Known { head: Some(end), members: true };
        Ok((outcomes, fresh))
    }

    async fn append_in(
        &self,
        shared: &Shared,
        txn: &mut Txn,
        known: Known,
        new: &[NewEntry],
    ) -> Result<(End, Vec<Appended>, Vec<(Seq, Arc<Entry>)>), Error> {
        let now = shared.clock.now();
        let mut end = match known.head {
            Some(end) if !txn.exists(&self.key(end.seq.next())).await? => end,
            _ => self.read_end(txn).await?,
        };
        if let (Log::Conversation(conversation), false) = (&self.log, known.members) {
            member::ensure(&self.store, txn, conversation, end.seq, now).await?;
        }
        let mut outcomes = Vec::with_capacity(new.len());
        let mut fresh = Vec::with_capacity(new.len());
        for entry in new {
            let duplicate = Duplicate::new(&self.store, entry);
            if let Some(before) = duplicate.find(&self.store, txn, now).await? {
                outcomes.push(before);
                continue;
            }
            end.seq = end.seq.next();
            if end.seq > Seq::MAX {
                return Err(Error::argument("to", "the conversation is full"));
            }
            let id = shared.ids.next(now, Some(MessageId(end.id)));
            end.id = id.0;
            end.countable += u64::from(entry.kind.is_countable());
            let entry = Entry {
                id,
                at: now,
                kind: entry.kind,
                from: entry.from.clone(),
                from_resource: entry.from_resource.clone(),
                to: entry.to.clone(),
                only_resource: entry.only_resource.clone(),
                body: entry.body.clone(),
                ext: entry.ext.clone(),
            };
            let stored = StoredEntry::new(&entry, end.countable).encode_to_vec();
            let day = Bucket::Day(now.day());
            txn.put(&self.key(end.seq), day, &stored).await?;
            if let Log::Conversation(conversation) = &self.log {
                let place = Place::new(conversation, end.seq).encode_to_vec();
                let key = self.store.key(&spaces::MESSAGE_IDS).number(id.0).done();
                txn.put(&key, day, &place).await?;
            }
            let outcome = Appended { id, at: now };
            duplicate.remember(&self.store, txn, outcome).await?;
            outcomes.push(outcome);
            fresh.push((end.seq, Arc::new(entry)));
        }
        Ok((end, outcomes, fresh))
    }

    fn key(&self, seq: Seq) -> Key {
        entry_key(&self.store, &self.log, self.blind, seq)
    }

    /// The end of the log as it is stored: its last entry, or where the sweep left the numbering.
    async fn read_end(&self, txn: &mut Txn) -> Result<End, Error> {
        let space = log_space(&self.log);
        let all = self.store.key(space).blind(self.blind).all();
        let mut end = End::default();
        if let Some((key, value)) = txn.scan(&all, Direction::Backward, 1).await?.into_iter().next()
        {
            let entry: StoredEntry = records::decode(&value, space.name)?;
            end = End { seq: Seq(key.number(1)), id: entry.id, countable: entry.countable };
        }
        let floor = self.store.key(&spaces::CONVERSATIONS).blind(self.blind).done();
        if let Some(value) = txn.get(&floor).await? {
            let head: Head = records::decode(&value, spaces::CONVERSATIONS.name)?;
            if head.seq > end.seq.0 {
                end = End { seq: Seq(head.seq), id: head.id, countable: head.countable };
            }
        }
        Ok(end)
    }

    fn publish(&self, shared: &Shared, fresh: &[(Seq, Arc<Entry>)]) {
        for member in members(&self.log) {
            let topic = Topic { app: self.app.number, user: member };
            for (seq, entry) in fresh {
                let delivery = Delivery {
                    app: self.app.number,
                    queue: Queue::of(&self.log, &topic.user),
                    seq: *seq,
                    entry: entry.clone(),
                    encoded: OnceLock::new(),
                };
                shared.bus.publish(&topic, &Arc::new(Event::Appended(delivery)));
            }
        }
    }
}

/// Counts what was taken: `answered` of them, of which `fresh` are new.
fn count(answered: usize, fresh: &[(Seq, Arc<Entry>)]) {
    let messages = fresh.iter().filter(|(_, entry)| entry.kind.is_message()).count();
    ACCEPTED.of(Taken::Message).add_len(messages);
    ACCEPTED.of(Taken::Receipt).add_len(fresh.len() - messages);
    ACCEPTED.of(Taken::Repeated).add_len(answered - fresh.len());
}

/// Recognises a message that a device sends again: the same user, device and client id within the
/// window, also across a restart. Rows stand in slots of time, two of which cover the window.
struct Duplicate {
    name: Blind,
}

impl Duplicate {
    const SLOT: Duration = limits::DUPLICATE_WINDOW;

    fn new(store: &AppStore, entry: &NewEntry) -> Self {
        let id = entry.client_id.to_be_bytes();
        let parts = [entry.from.as_str().as_bytes(), entry.from_resource.as_str().as_bytes(), &id];
        Self { name: store.blind("client id", &parts) }
    }

    fn slot(at: Timestamp) -> u64 {
        at.as_secs() / Self::SLOT.as_secs()
    }

    fn key(&self, store: &AppStore, slot: u64) -> Key {
        store.key(&spaces::DUPLICATES).number(slot).blind(self.name).done()
    }

    async fn find(
        &self,
        store: &AppStore,
        txn: &mut Txn,
        now: Timestamp,
    ) -> Result<Option<Appended>, StoreError> {
        let slot = Self::slot(now);
        for slot in [slot, slot.saturating_sub(1)] {
            let Some(value) = txn.get(&self.key(store, slot)).await? else { continue };
            let before: Acknowledged = records::decode(&value, spaces::DUPLICATES.name)?;
            let at = Timestamp::from_millis(before.at_ms);
            if now.since(at) < limits::DUPLICATE_WINDOW {
                return Ok(Some(Appended { id: MessageId(before.id), at }));
            }
        }
        Ok(None)
    }

    async fn remember(
        &self,
        store: &AppStore,
        txn: &mut Txn,
        outcome: Appended,
    ) -> Result<(), StoreError> {
        let value =
            Acknowledged { id: outcome.id.0, at_ms: outcome.at.as_millis() }.encode_to_vec();
        let key = self.key(store, Self::slot(outcome.at));
        txn.put(&key, Bucket::Day(outcome.at.day()), &value).await
    }
}
