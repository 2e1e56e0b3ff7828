//! The log as those see it who have something to write down.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use stoa_core::{AppNumber, AppScope, Clock, Operator, Timestamp};
use stoa_store::{AppStore, Store, StoreError};
use tokio::sync::oneshot;

use crate::append::{Item, Queue};
use crate::patterns::{Patterns, Refused};
use crate::tally::Tallies;
use crate::{Act, Actor, Entry, Trail};

/// The audit log of all apps and of the platform. Needs a tokio runtime around it.
pub struct AuditLog {
    store: Store,
    clock: Arc<dyn Clock>,
    queues: Mutex<HashMap<AppNumber, Arc<Queue>>>,
    patterns: Mutex<Patterns>,
    tallies: Mutex<Tallies>,
}

impl AuditLog {
    /// The log that lies in `store`.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            queues: Mutex::default(),
            patterns: Mutex::default(),
            tallies: Mutex::default(),
        }
    }

    /// Writes an entry into the log of an app. It is durable when this returns. Whoever stops waiting
    /// for it does not take it back.
    ///
    /// # Errors
    /// [`StoreError`]; with [`StoreError::Unknown`] it may have been written or not.
    pub async fn record(&self, scope: &impl AppScope, entry: Entry) -> Result<(), StoreError> {
        self.record_in(self.store.app(scope).await?, entry).await
    }

    /// As [`Self::record`], into the log of the platform: what concerns no app, or outlives it.
    ///
    /// # Errors
    /// As [`Self::record`].
    pub async fn record_platform(
        &self,
        operator: &Operator,
        entry: Entry,
    ) -> Result<(), StoreError> {
        self.record_in(self.store.platform(operator).await?, entry).await
    }

    /// Writes an entry into the log of an app, without letting anybody wait for it. When many wait
    /// already, or it cannot be written, it is left out, and the next entry tells how many were.
    pub fn note<S>(&self, scope: &S, entry: Entry)
    where
        S: AppScope + Clone + Send + Sync + 'static,
    {
        let queue = self.queue(scope.app().number);
        queue.push(Item { time: self.clock.now(), entry, done: None });
        if let Some(known) = self.store.app_now(scope) {
            return queue.wake(async move { Ok(known) });
        }
        let (store, scope) = (self.store.clone(), scope.clone());
        queue.wake(async move { store.app(&scope).await });
    }

    /// Notes a refusal, as [`Self::note`] does, if it is the first of its kind within
    /// [`AUDIT_WINDOW`](stoa_core::limits::AUDIT_WINDOW); otherwise counts it, and [`Self::tick`]
    /// writes how many they were. So whoever is refused again and again fills no log.
    pub fn refused<S>(&self, scope: &S, refused: Refused)
    where
        S: AppScope + Clone + Send + Sync + 'static,
    {
        let first = self.patterns.lock().see(scope.app().number, refused, self.clock.now());
        if let Some(entry) = first {
            self.note(scope, entry);
        }
    }

    /// As [`Self::refused`], where it concerns no app.
    pub fn refused_platform(&self, operator: Operator, refused: Refused) {
        let number = AppNumber::PLATFORM;
        let Some(entry) = self.patterns.lock().see(number, refused, self.clock.now()) else {
            return;
        };
        let queue = self.queue(number);
        queue.push(Item { time: self.clock.now(), entry, done: None });
        let store = self.store.clone();
        queue.wake(async move { store.platform(&operator).await });
    }

    /// Counts an act that is done so often that only its number is written: by [`Self::tick`], one entry
    /// for the actor when [`AUDIT_WINDOW`](stoa_core::limits::AUDIT_WINDOW) is over, with the sums of
    /// `details`.
    pub fn count<S>(&self, scope: &S, actor: Actor, act: Act, details: &[(&'static str, u64)])
    where
        S: AppScope + Clone + Send + Sync + 'static,
    {
        let number = scope.app().number;
        self.tallies.lock().add(number, (act, actor), details, self.clock.now());
        let queue = self.queue(number);
        if queue.is_known() {
            return;
        }
        if let Some(known) = self.store.app_now(scope) {
            return queue.know(known);
        }
        let (store, scope) = (self.store.clone(), scope.clone());
        tokio::spawn(async move {
            match store.app(&scope).await {
                Ok(store) => queue.know(store),
                // The next one tries again.
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(error, "the audit log of an app could not be reached");
                }
            }
        });
    }

    /// Writes the numbers of refusals and acts whose time is over. To be called each second.
    pub fn tick(&self) {
        let now = self.clock.now();
        let counted = self.patterns.lock().tick(now);
        self.write_counted(counted, now);
        let counted = self.tallies.lock().tick(now);
        self.write_counted(counted, now);
    }

    /// Writes all numbers of refusals and acts, and waits until everything is written that was noted. To be
    /// called before the store is closed.
    pub async fn settle(&self) {
        let now = self.clock.now();
        let counted = self.patterns.lock().end();
        self.write_counted(counted, now);
        let counted = self.tallies.lock().end();
        self.write_counted(counted, now);
        self.settle_notes().await;
    }

    /// Waits until everything is written that was noted.
    pub async fn settle_notes(&self) {
        let queues: Vec<_> = self.queues.lock().values().cloned().collect();
        for queue in queues {
            queue.settled().await;
        }
    }

    /// The log of an app, for reading.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of(&self, scope: &impl AppScope) -> Result<Trail, StoreError> {
        Ok(Trail::new(self.store.app(scope).await?))
    }

    /// The log of the platform, for reading.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of_platform(&self, operator: &Operator) -> Result<Trail, StoreError> {
        Ok(Trail::new(self.store.platform(operator).await?))
    }

    async fn record_in(&self, store: AppStore, entry: Entry) -> Result<(), StoreError> {
        let queue = self.queue(store.number());
        let (done, answer) = oneshot::channel();
        queue.push(Item { time: self.clock.now(), entry, done: Some(done) });
        queue.wake(async move { Ok(store) });
        let gone = || StoreError::Unknown("the writer of the audit log ended".into());
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    fn queue(&self, number: AppNumber) -> Arc<Queue> {
        self.queues.lock().entry(number).or_insert_with(|| Arc::new(Queue::new())).clone()
    }

    fn write_counted(&self, counted: Vec<(AppNumber, Entry)>, time: Timestamp) {
        for (number, entry) in counted {
            let queue = self.queue(number);
            queue.push(Item { time, entry, done: None });
            // It is known since the first was noted or counted; if that failed, the next entry takes
            // this one along.
            queue.wake_known();
        }
    }
}
