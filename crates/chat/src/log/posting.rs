//! Transactions that change records and append to logs, all or nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use stoa_core::{App, UserId};
use stoa_store::{AppStore, Txn};

use super::batch::{End, Readers, Tail};
use super::{Appended, Appender, NewEntry};
use crate::entry::Log;
use crate::lifetime::Noted;
use crate::{Chat, Error, Shared};

/// A transaction, and what it is going to append to logs.
pub(crate) struct Posting {
    pub(crate) txn: Txn,
    entries: Vec<(Log, NewEntry)>,
}

/// A posting that is ready to commit, and what its work came to.
pub(crate) struct Ready<T> {
    posting: Posting,
    value: T,
}

impl Posting {
    /// Appends to the own log of `user`.
    pub(crate) fn post(&mut self, user: &UserId, entry: NewEntry) {
        self.append(Log::User(user.clone()), entry);
    }

    /// Appends to `log`, which is not a group's: those are their appender's alone.
    pub(crate) fn append(&mut self, log: Log, entry: NewEntry) {
        debug_assert!(
            !matches!(&log, Log::Conversation(stoa_core::ConversationId::Group(_))),
            "a group's log belongs to its appender"
        );
        self.entries.push((log, entry));
    }

    /// Ends the work with `value`.
    pub(crate) const fn done<T>(self, value: T) -> Ready<T> {
        Ready { posting: self, value }
    }
}

/// What was placed in logs, to be published when it is durable.
pub(crate) struct Posted(Vec<(Arc<Appender>, Tail, Option<Noted>)>);

impl Posted {
    /// What is answered for the first entry.
    fn first(&self) -> Option<Appended> {
        self.0.iter().find_map(|(_, tail, _)| tail.placed.first()).map(super::batch::Placed::answer)
    }

    /// Publishes it.
    pub(crate) fn publish(self, shared: &Shared) {
        for (appender, tail, noted) in self.0 {
            appender.note(noted);
            appender.publish(shared, tail.placed);
        }
    }
}

/// Places `entries` at the ends of their logs, within `txn`.
pub(crate) async fn place(
    shared: &Shared,
    app: &Arc<App>,
    store: &AppStore,
    txn: &mut Txn,
    entries: Vec<(Log, NewEntry)>,
) -> Result<Posted, Error> {
    if entries.is_empty() {
        return Ok(Posted(Vec::new()));
    }
    let now = shared.clock.now();
    // In an order of their own, so that a run can be repeated.
    let mut by_log: BTreeMap<String, (Log, Vec<NewEntry>)> = BTreeMap::new();
    for (log, entry) in entries {
        let name = match &log {
            Log::Conversation(conversation) => {
                let names: Vec<_> =
                    conversation.pair().iter().map(|user| user.as_str().to_owned()).collect();
                names.join(" ")
            }
            Log::User(user) => format!("@{}", user.as_str()),
        };
        by_log.entry(name).or_insert_with(|| (log, Vec::new())).1.push(entry);
    }
    let mut posted = Vec::with_capacity(by_log.len());
    for (log, entries) in by_log.into_values() {
        let appender = shared.appenders.of(app, store, &log);
        let end = End::read(store, txn, &log, appender.blind()).await?;
        appender.expect(end.seq);
        let mut tail = Tail::new(end);
        for entry in &entries {
            tail.add(shared, entry, Readers::Named, now)?;
        }
        let (blind, known) = (appender.blind(), appender.noted());
        let noted = tail.write(store, txn, &log, blind, now, None, known).await?;
        posted.push((appender, tail, noted));
    }
    Ok(Posted(posted))
}

impl Chat {
    /// Runs `work` in a transaction that may append to logs; what it appended is published when it
    /// is durable. As [`AppStore::transact`], it is run again on a conflict. Answers what `work` came
    /// to, and what the first entry was given.
    ///
    /// # Errors
    /// What `work` returns, or [`Error::Store`].
    pub(crate) async fn posting<T, F>(
        &self,
        app: &Arc<App>,
        store: &AppStore,
        mut work: impl FnMut(Posting) -> F,
    ) -> Result<(T, Option<Appended>), Error>
    where
        F: Future<Output = Result<Ready<T>, Error>>,
    {
        let mut attempts = store.attempts();
        loop {
            let txn = attempts.begin().await?;
            let Ready { posting, value } = work(Posting { txn, entries: Vec::new() }).await?;
            let Posting { mut txn, entries } = posting;
            let posted = place(&self.shared, app, store, &mut txn, entries).await?;
            if attempts.commit(txn).await? {
                let first = posted.first();
                posted.publish(&self.shared);
                return Ok((value, first));
            }
        }
    }
}
