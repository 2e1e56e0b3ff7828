//! Appending to logs: one appender for each log takes what is waiting into one transaction.
//!
//! A sequence number is given inside the transaction that makes the entry durable, by the one task
//! that appends to that log on this node, so numbers are dense and a reader's cursor cannot pass an
//! entry that was not yet visible. Another node that appended meanwhile is noticed because the next
//! number is taken; the head is then read anew. A busy conversation therefore batches and does not
//! conflict with itself.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use parking_lot::Mutex;
use prost::Message;
use stoa_bus::Topic;
use stoa_core::{App, AppNumber, MessageId, Resource, Seq, Timestamp, UserId, limits};
use stoa_metrics::messages::{ACCEPTED, Taken};
use stoa_store::{AppStore, Blind, Bucket, Direction, Key, Txn};

use stoa_store::spaces::{self, Space};

use crate::duplicates::Recent;
use crate::entry::{Delivery, Entry, Event, Kind, Log, Queue};
use crate::member;
use crate::records::{self, Head, Marks, StoredEntry};
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

impl NewEntry {
    /// Whether the same device sends the same again.
    fn is_same_as(&self, other: &Self) -> bool {
        self.client_id == other.client_id
            && self.from == other.from
            && self.from_resource == other.from_resource
    }

    /// The entry that it becomes.
    fn placed(&self, id: MessageId, at: Timestamp) -> Entry {
        Entry {
            id,
            at,
            kind: self.kind,
            from: self.from.clone(),
            from_resource: self.from_resource.clone(),
            to: self.to.clone(),
            only_resource: self.only_resource.clone(),
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
#[derive(Default)]
struct Known {
    head: Option<End>,
    members: bool,
    recent: Option<Recent>,
}

/// The end of a log.
#[derive(Debug, Default, Clone)]
struct End {
    seq: Seq,
    id: u64,
    countable: u64,
    marks: Marks,
}

/// An entry that got its place.
struct Placed<'a> {
    seq: Seq,
    entry: Arc<Entry>,
    countable: u64,
    new: &'a NewEntry,
}

/// What an append came to.
struct Append<'a> {
    end: End,
    /// The answers, in the order of what was asked.
    outcomes: Vec<Appended>,
    fresh: Vec<Placed<'a>>,
    /// What is known of recent numbers is still that of this log.
    in_step: bool,
    /// Marks were not enough to tell whether something is new.
    asked: bool,
    /// The log was searched for recent numbers.
    searched: Option<Recent>,
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
    async fn append<'a>(
        &self,
        shared: &Shared,
        new: &'a [NewEntry],
    ) -> Result<(Vec<Appended>, Vec<Placed<'a>>), Error> {
        // After an error nothing is known.
        let mut known = std::mem::take(&mut *self.known.lock());
        let before = &known;
        let done = self.store.transact(|mut txn| async move {
            let appended = self.append_in(shared, &mut txn, before, new).await?;
            Ok::<_, Error>(txn.done(appended))
        });
        let Append { end, outcomes, fresh, in_step, asked, searched } = done.await?;
        let now = shared.clock.now();
        known.recent = searched.or(known.recent.take().filter(|_| in_step));
        known.recent = known.recent.take().filter(|recent| asked || !recent.is_idle(now));
        if let Some(recent) = known.recent.as_mut() {
            fresh.iter().for_each(|placed| recent.note(placed.new, placed.seq, placed.entry.at));
            if asked {
                recent.touch(now);
            }
        }
        (known.head, known.members) = (Some(end), true);
        *self.known.lock() = known;
        Ok((outcomes, fresh))
    }

    async fn append_in<'a>(
        &self,
        shared: &Shared,
        txn: &mut Txn,
        known: &Known,
        new: &'a [NewEntry],
    ) -> Result<Append<'a>, Error> {
        let now = shared.clock.now();
        let head = match &known.head {
            Some(end) if !txn.exists(&self.key(end.seq.next())).await? => Some(end.clone()),
            _ => None,
        };
        let in_step = head.is_some();
        let mut end = match head {
            Some(end) => end,
            None => self.read_end(txn).await?,
        };
        if let (Log::Conversation(conversation), false) = (&self.log, known.members) {
            member::ensure(&self.store, txn, conversation, end.seq, now).await?;
        }
        let stored_end = end.seq;
        let mut outcomes = Vec::with_capacity(new.len());
        let mut fresh: Vec<Placed<'_>> = Vec::with_capacity(new.len());
        let (mut asked, mut searched) = (false, None);
        for new in new {
            if !end.marks.are_below(new, now) {
                let together = fresh.iter().find(|placed| placed.new.is_same_as(new));
                let before = match together {
                    Some(placed) => Some(Appended { id: placed.entry.id, at: placed.entry.at }),
                    None => {
                        asked = true;
                        let known = known.recent.as_ref().filter(|_| in_step);
                        if known.is_none() && searched.is_none() {
                            searched = Some(self.search(txn, stored_end, now).await?);
                        }
                        match known.or(searched.as_ref()) {
                            Some(recent) => self.find(txn, recent, new, now).await?,
                            None => None,
                        }
                    }
                };
                if let Some(before) = before {
                    outcomes.push(before);
                    continue;
                }
            }
            end.seq = end.seq.next();
            if end.seq > Seq::MAX {
                return Err(Error::argument("to", "the conversation is full"));
            }
            let id = shared.ids.next(now, Some(MessageId(end.id)));
            end.id = id.0;
            end.countable += u64::from(new.kind.is_countable());
            end.marks.note(new, now);
            outcomes.push(Appended { id, at: now });
            let (seq, countable) = (end.seq, end.countable);
            let entry = Arc::new(new.placed(id, now));
            fresh.push(Placed { seq, entry, countable, new });
        }
        let last = fresh.len().saturating_sub(1);
        for (index, Placed { seq, entry, countable, new }) in fresh.iter().enumerate() {
            let mut stored = StoredEntry::new(entry, *countable, new.client_id);
            stored.marks = (index == last).then(|| end.marks.clone());
            let day = Bucket::Day(now.day());
            txn.put(&self.key(*seq), day, &stored.encode_to_vec()).await?;
        }
        Ok(Append { end, outcomes, fresh, in_step, asked, searched })
    }

    // In boxes, as they are seldom needed and would make every append's future larger.
    fn search<'a>(
        &'a self,
        txn: &'a mut Txn,
        end: Seq,
        now: Timestamp,
    ) -> impl Future<Output = Result<Recent, Error>> + Send + 'a {
        Box::pin(Recent::search(&self.store, txn, &self.log, self.blind, end, now))
    }

    fn find<'a>(
        &'a self,
        txn: &'a mut Txn,
        recent: &'a Recent,
        new: &'a NewEntry,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Appended>, Error>> + Send + 'a {
        Box::pin(recent.find(&self.store, txn, &self.log, self.blind, new, now))
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
            let marks = entry.marks.unwrap_or_default();
            end = End { seq: Seq(key.number(1)), id: entry.id, countable: entry.countable, marks };
        }
        let floor = self.store.key(&spaces::CONVERSATIONS).blind(self.blind).done();
        if let Some(value) = txn.get(&floor).await? {
            let head: Head = records::decode(&value, spaces::CONVERSATIONS.name)?;
            if head.seq > end.seq.0 {
                let marks = Marks::default();
                end = End { seq: Seq(head.seq), id: head.id, countable: head.countable, marks };
            }
        }
        Ok(end)
    }

    fn publish(&self, shared: &Shared, fresh: &[Placed<'_>]) {
        for member in members(&self.log) {
            let topic = Topic { app: self.app.number, user: member };
            for Placed { seq, entry, .. } in fresh {
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
fn count(answered: usize, fresh: &[Placed<'_>]) {
    let messages = fresh.iter().filter(|placed| placed.entry.kind.is_message()).count();
    ACCEPTED.of(Taken::Message).add_len(messages);
    ACCEPTED.of(Taken::Receipt).add_len(fresh.len() - messages);
    ACCEPTED.of(Taken::Repeated).add_len(answered - fresh.len());
}
