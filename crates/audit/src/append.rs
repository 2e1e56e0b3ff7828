//! Appending to one chain: what is waiting goes into one transaction.
//!
//! One task at a time appends to a chain on this node, so a burst costs few writes and does not
//! conflict with itself. It begins when something comes and ends when nothing is left.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use prost::Message;
use stoa_core::{Timestamp, UserId, limits};
use stoa_store::classes::{AUDIT, USER_INFORMATION};
use stoa_store::{AppStore, Bucket, StoreError, Txn, spaces};
use tokio::sync::{oneshot, watch};

use crate::chain::{Person, Sealed};
use crate::read;
use crate::record::{
    self, ACTOR, BODY, Body, DetailRecord, EntryRecord, HeadRecord, PersonName, PersonRecord,
    SUBJECT,
};
use crate::{Actor, Entry};

/// An entry that waits, and who waits for it.
pub(crate) struct Item {
    pub(crate) time: Timestamp,
    pub(crate) entry: Entry,
    pub(crate) done: Option<oneshot::Sender<Result<(), StoreError>>>,
}

/// What waits for one chain.
pub(crate) struct Queue {
    /// Known from when the first entry is written.
    store: OnceLock<AppStore>,
    line: Mutex<Line>,
    idle: watch::Sender<bool>,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Item>,
    writing: bool,
    /// Entries that nobody waited for and that could not be written.
    missed: u64,
}

impl Queue {
    pub(crate) fn new() -> Self {
        let (idle, _) = watch::channel(true);
        Self { store: OnceLock::new(), line: Mutex::default(), idle }
    }

    /// Puts an entry into the line. One that nobody waits for is only counted when the line is long.
    pub(crate) fn push(&self, item: Item) {
        let mut line = self.line.lock();
        if item.done.is_none() && line.waiting.len() >= limits::AUDIT_WAITING {
            line.missed += 1;
        } else {
            line.waiting.push_back(item);
        }
    }

    /// Has the line written, by the way to the records that `store` leads to.
    pub(crate) fn wake(
        self: &Arc<Self>,
        store: impl Future<Output = Result<AppStore, StoreError>> + Send + 'static,
    ) {
        {
            let mut line = self.line.lock();
            if line.writing || line.waiting.is_empty() {
                return;
            }
            line.writing = true;
            self.idle.send_replace(false);
        }
        let writer = Writer { queue: Arc::clone(self), ended: false };
        tokio::spawn(async move {
            match store.await {
                Ok(store) => writer.write(&store).await,
                Err(error) => writer.give_up(&error),
            }
        });
    }

    /// As [`Self::wake`], where the way is known already.
    pub(crate) fn wake_known(self: &Arc<Self>) {
        if let Some(store) = self.store.get().cloned() {
            self.wake(async move { Ok(store) });
        }
    }

    /// Whether the way to the records is known.
    pub(crate) fn is_known(&self) -> bool {
        self.store.get().is_some()
    }

    /// Remembers the way to the records, for what is written by [`Self::wake_known`].
    pub(crate) fn know(&self, store: AppStore) {
        // The first one is as good as any.
        let _ = self.store.set(store);
    }

    /// Waits until nothing is being written.
    pub(crate) async fn settled(&self) {
        // It cannot be closed while this holds the other end.
        let _ = self.idle.subscribe().wait_for(|idle| *idle).await;
    }
}

/// The task that writes. If it is dropped, those who wait learn that nobody answers.
struct Writer {
    queue: Arc<Queue>,
    ended: bool,
}

impl Writer {
    async fn write(mut self, store: &AppStore) {
        let _ = self.queue.store.set(store.clone());
        loop {
            let (items, missed) = {
                let mut line = self.queue.line.lock();
                let some = line.waiting.len().min(limits::AUDIT_BATCH);
                if some == 0 {
                    self.ended = true;
                    line.writing = false;
                    self.queue.idle.send_replace(true);
                    return;
                }
                let items: Vec<_> = line.waiting.drain(..some).collect();
                (items, std::mem::take(&mut line.missed))
            };
            let outcome = append(store, &items, missed).await;
            self.answer(items, missed, &outcome);
        }
    }

    fn give_up(mut self, error: &StoreError) {
        self.ended = true;
        let items: Vec<_> = {
            let mut line = self.queue.line.lock();
            line.writing = false;
            self.queue.idle.send_replace(true);
            line.waiting.drain(..).collect()
        };
        self.answer(items, 0, &Err(error.clone()));
    }

    fn answer(&self, items: Vec<Item>, missed: u64, outcome: &Result<(), StoreError>) {
        let mut lost = 0;
        for item in items {
            match item.done {
                // Whoever asked may have gone.
                Some(done) => _ = done.send(outcome.clone()),
                None => lost += 1,
            }
        }
        if let Err(error) = outcome {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, lost, "entries of the audit log could not be written");
            self.queue.line.lock().missed += lost + missed;
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.ended {
            let mut line = self.queue.line.lock();
            line.writing = false;
            // Their senders go with them.
            line.waiting.clear();
            self.queue.idle.send_replace(true);
        }
    }
}

/// Appends `items` in this order; the first tells that `missed` could not be written before it.
async fn append(store: &AppStore, items: &[Item], missed: u64) -> Result<(), StoreError> {
    store
        .transact(|mut txn| async move {
            let key = record::head_key(store);
            let mut head = match txn.get(&key).await? {
                Some(value) => record::decode(&value, spaces::AUDIT_HEAD.name)?,
                None => HeadRecord::empty(store, first_month(items)),
            };
            let mut missed = missed;
            for item in items {
                put(&mut txn, &mut head, item, std::mem::take(&mut missed)).await?;
            }
            txn.put(&key, Bucket::Whole, &head.encode_to_vec()).await?;
            Ok(txn.done(()))
        })
        .await
}

fn first_month(items: &[Item]) -> u32 {
    items.first().map_or(0, |item| item.time.month())
}

/// Writes one entry after `head`, and makes it the head.
async fn put(
    txn: &mut Txn,
    head: &mut HeadRecord,
    item: &Item,
    missed: u64,
) -> Result<(), StoreError> {
    let store = txn.app().clone();
    let (entry, number) = (&item.entry, head.number + 1);
    let key = record::entry_key(&store, number);
    head.month = head.month.max(head.keys_from).max(item.time.month());
    let month = Bucket::Month(head.month);

    let mut body = body_of(entry, missed);
    let actor = match &entry.actor {
        Actor::User(user) => Some(user),
        _ => None,
    };
    let mut persons = Vec::new();
    // The place is the actor's; of a stranger it is kept with the one to whom it was done.
    let mut site = entry.site.map(|site| site.to_string()).unwrap_or_default();
    for (part, user) in [(ACTOR, actor), (SUBJECT, entry.subject.as_ref())] {
        let Some(user) = user else { continue };
        let name = PersonName { name: user.as_str().to_owned(), site: site.clone() };
        let bucket = Bucket::Object(user_blind(&store, user));
        let name = name.encode_to_vec();
        let sealed = store.seal_apart_if_keyed(&key, part, &USER_INFORMATION, bucket, &name);
        // Who is not known here, or not any more, leaves no name.
        if let Some(sealed) = sealed.await? {
            site.clear();
            persons.push(Person { part, sealed });
        }
    }
    body.site = site;
    let body = store.seal_apart(&key, BODY, &AUDIT, month, &body.encode_to_vec()).await?;

    let previous = record::hash(&head.hash)?;
    let mut sealed = Sealed { number, time: item.time, previous, hash: previous, body, persons };
    sealed.hash = sealed.hash_after(previous);
    head.number = number;
    head.hash = sealed.hash.0.to_vec();
    let persons = sealed.persons.into_iter();
    let stored = EntryRecord {
        time_ms: item.time.as_millis(),
        previous: previous.0.to_vec(),
        hash: head.hash.clone(),
        body: sealed.body,
        persons: persons
            .map(|Person { part, sealed }| PersonRecord { part: part.into(), sealed })
            .collect(),
    };
    txn.put(&key, month, &stored.encode_to_vec()).await
}

fn body_of(entry: &Entry, missed: u64) -> Body {
    let client = match &entry.actor {
        Actor::TokenClient(client) => client.clone(),
        _ => String::new(),
    };
    let (outcome, reason) = read::outcome_code(&entry.outcome);
    let details = entry.details.iter();
    Body {
        act: entry.act.code(),
        act_name: entry.act.name().to_owned(),
        actor: read::actor_code(&entry.actor),
        client,
        outcome,
        reason: reason.to_owned(),
        has_subject: entry.subject.is_some(),
        site: String::new(),
        details: details
            .map(|(name, value)| DetailRecord { name: name.clone(), value: value.clone() })
            .collect(),
        count: entry.count,
        missed,
    }
}

/// The object whose key a user's information is sealed under: that of the account, so that who deletes
/// the account destroys the name here too.
fn user_blind(store: &AppStore, user: &UserId) -> [u8; 16] {
    store.blind("user", &[user.as_str().as_bytes()]).0
}
