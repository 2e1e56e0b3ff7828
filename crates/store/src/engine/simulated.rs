//! An engine for the simulation: its disk outlives it, and it commits when it is told to.
//!
//! The rules are those of the embedded engine, by the same sequencer: proposals gather, a batch
//! becomes durable as a whole or not at all, and after a write that failed nothing is written until
//! the engine is opened again. What differs is who decides. There is no thread: [`Simulated::turn`]
//! writes the next batch, so a simulation chooses how many transactions it takes and what happens
//! before and after. And there is no disk: a [`SimDisk`] keeps what was durable, and fails on demand.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::memory::Map;
use super::optimistic::Optimistic;
use super::sequencer::{Backing, Batch};
use super::{Engine, EngineError, EngineRead, EngineStats, EngineTxn};

/// What the next write to a [`SimDisk`] comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DiskFault {
    /// It succeeds.
    #[default]
    None,
    /// It fails, and nothing of it is there afterwards.
    Lost,
    /// It fails, and all of it is there afterwards: the sync failed, not the write.
    Kept,
}

/// A disk in memory. Cloning it gives another handle to the same.
#[derive(Clone, Default)]
pub struct SimDisk(Arc<Mutex<DiskState>>);

#[derive(Default)]
struct DiskState {
    durable: Map,
    next: DiskFault,
    full: bool,
}

impl SimDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another disk, with what is durable on this one.
    #[must_use]
    pub fn copied(&self) -> Self {
        let durable = self.0.lock().durable.clone();
        Self(Arc::new(Mutex::new(DiskState { durable, ..DiskState::default() })))
    }

    /// What the next write comes to; those after it succeed.
    pub fn fail_next(&self, fault: DiskFault) {
        self.0.lock().next = fault;
    }

    /// Makes the disk full, or gives it room again. A write to a full disk fails and leaves nothing.
    pub fn set_full(&self, full: bool) {
        self.0.lock().full = full;
    }

    fn write(&self, writes: &Batch) -> Result<(), Arc<str>> {
        let mut state = self.0.lock();
        if state.full {
            return Err("no space left on the simulated disk".into());
        }
        let fault = std::mem::take(&mut state.next);
        if fault != DiskFault::Lost {
            state.durable.write(writes.clone());
        }
        match fault {
            DiskFault::None => Ok(()),
            DiskFault::Lost | DiskFault::Kept => Err("the simulated disk failed".into()),
        }
    }
}

/// The engine.
pub struct Simulated(Arc<Optimistic<OnDisk>>);

impl Simulated {
    /// Opens what is on `disk`, as a process that starts does.
    pub fn open(disk: &SimDisk) -> Self {
        let present = disk.0.lock().durable.clone();
        Self(Optimistic::waiting(OnDisk { present, disk: disk.clone() }))
    }

    /// How many transactions wait for [`Self::turn`].
    pub fn waiting(&self) -> usize {
        self.0.queued()
    }

    /// Writes the first `most` transactions that wait as one batch, and answers them.
    pub fn turn(&self, most: usize) {
        self.0.turn(most);
    }
}

struct OnDisk {
    present: Map,
    disk: SimDisk,
}

impl Backing for OnDisk {
    type View = Map;

    fn apply(&mut self, writes: Batch) -> Result<(), Arc<str>> {
        self.disk.write(&writes)?;
        self.present.write(writes);
        Ok(())
    }

    fn view(&self) -> Map {
        self.present.clone()
    }

    const SYNCS: bool = true;

    fn close(self) -> Result<(), Arc<str>> {
        Ok(())
    }
}

#[async_trait]
impl Engine for Simulated {
    fn name(&self) -> &'static str {
        "simulated"
    }

    async fn begin(&self) -> Result<Box<dyn EngineTxn>, EngineError> {
        self.0.begin()
    }

    async fn snapshot(&self) -> Result<Box<dyn EngineRead>, EngineError> {
        self.0.snapshot()
    }

    fn health(&self) -> Result<(), EngineError> {
        self.0.health()
    }

    async fn close(&self) -> Result<(), EngineError> {
        self.0.close().await
    }

    fn stats(&self) -> EngineStats {
        self.0.stats()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::CommitError;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// Begins to write `key`, and returns what became of it after the engine's turn.
    async fn put(engine: &Simulated, key: &str) -> Result<(), CommitError> {
        let mut txn = engine.begin().await.unwrap();
        txn.put(key.into(), b"v".to_vec());
        let mut commit = pin!(txn.commit());
        let mut context = Context::from_waker(Waker::noop());
        assert!(commit.as_mut().poll(&mut context).is_pending(), "it waits for the turn");
        engine.turn(1);
        match commit.poll(&mut context) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => panic!("answered by the turn"),
        }
    }

    async fn has(engine: &Simulated, key: &str) -> bool {
        engine.snapshot().await.unwrap().get(key.as_bytes()).await.unwrap().is_some()
    }

    #[tokio::test]
    async fn what_was_answered_is_there_after_a_crash_and_the_rest_is_not() {
        let disk = SimDisk::new();
        let engine = Simulated::open(&disk);
        put(&engine, "a").await.unwrap();
        let mut txn = engine.begin().await.unwrap();
        txn.put(b"b".to_vec(), b"v".to_vec());
        let mut commit = pin!(txn.commit());
        assert!(commit.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(engine.waiting(), 1);
        let engine = Simulated::open(&disk);
        assert!(has(&engine, "a").await && !has(&engine, "b").await);
    }

    #[tokio::test]
    async fn a_failed_write_is_unknown_and_stops_writing_until_reopened() {
        for (fault, kept) in [(DiskFault::Lost, false), (DiskFault::Kept, true)] {
            let disk = SimDisk::new();
            let engine = Simulated::open(&disk);
            disk.fail_next(fault);
            assert!(matches!(put(&engine, "a").await, Err(CommitError::Unknown(_))));
            assert!(matches!(put(&engine, "b").await, Err(CommitError::Refused(_))));
            assert!(!has(&engine, "a").await, "what nobody may rely on is visible to nobody");
            let engine = Simulated::open(&disk);
            assert_eq!(has(&engine, "a").await, kept);
            put(&engine, "b").await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_full_disk_takes_nothing_until_there_is_room() {
        let disk = SimDisk::new();
        disk.set_full(true);
        assert!(put(&Simulated::open(&disk), "a").await.is_err());
        assert!(put(&Simulated::open(&disk), "a").await.is_err());
        disk.set_full(false);
        put(&Simulated::open(&disk), "a").await.unwrap();
    }
}
