//! The log as those see it who have something to write down.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use stoa_core::{AppNumber, AppScope, Clock, Operator};
use stoa_store::{AppStore, Store, StoreError};
use tokio::sync::oneshot;

use crate::append::{Item, Queue};
use crate::patterns::{Patterns, Refused};
use crate::{Entry, Trail};

/// The audit log of all apps and of the platform. Needs a tokio runtime around it.
pub struct AuditLog {
    store: Store,
    clock: Arc<dyn Clock>,
    queues: Mutex<HashMap<AppNumber, Arc<Queue>>>,
    patterns: Mutex<Patterns>,
}

impl AuditLog {
    /// The log that lies in `store`.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, queues: Mutex::default(), patterns: Mutex::default() }
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

    /// Writes the numbers of refusals whose time is over. To be called each second.
    pub fn tick(&self) {
        let counted = self.patterns.lock().tick(self.clock.now());
        self.write_counted(counted);
    }

    /// Writes all numbers of refusals, and waits until everything is written that was noted. To be
    /// called before the store is closed.
    pub async fn settle(&self) {
        let counted = self.patterns.lock().end();
        self.write_counted(counted);
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

    fn write_counted(&self, counted: Vec<(AppNumber, Entry)>) {
        let time = self.clock.now();
        for (number, entry) in counted {
            let queue = self.queue(number);
            queue.push(Item { time, entry, done: None });
            // It is known since the first refusal was noted; if that failed, the next entry takes
            // this one along.
            queue.wake_known();
        }
    }
}
