//! The engine: an ordered map of bytes with serializable transactions.
//!
//! An engine knows neither apps nor keys nor ciphers. It promises four things, and the contract
//! suite (`crates/store/tests/it/contract.rs`) holds every engine to them:
//!
//! 1. Transactions are serializable: those that commit have the effect of one order, and each saw
//!    everything committed before it began.
//! 2. A commit that returned `Ok` is durable, and what nobody may rely on yet is visible to nobody.
//! 3. A transaction that only writes never conflicts.
//! 4. A read outside a transaction sees one consistent snapshot.
//!
//! [`Embedded`] and [`Memory`] share one optimistic committer; an engine over a
//! database server brings its own.

mod committer;
mod embedded;
mod faults;
mod memory;
mod merge;
mod optimistic;
mod sequencer;
mod simulated;
mod span;
mod window;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

pub use embedded::{Embedded, EmbeddedOptions, OpenError};
pub use faults::{Crash, Faults};
pub use memory::Memory;
pub use simulated::{DiskFault, SimDisk, Simulated};
pub use span::{Direction, Span};
pub use window::fingerprint;

/// An ordered map from bytes to bytes. Keys are not empty and do not start with 0xFF.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// The engine's name, for logs and metrics.
    fn name(&self) -> &'static str;

    /// Begins a transaction on everything committed so far.
    ///
    /// # Errors
    /// [`EngineError`] when the engine is closed or cannot be reached.
    async fn begin(&self) -> Result<Box<dyn EngineTxn>, EngineError>;

    /// A consistent view of everything committed so far, for reading alone.
    ///
    /// # Errors
    /// [`EngineError`] when the engine is closed or cannot be reached.
    async fn snapshot(&self) -> Result<Box<dyn EngineRead>, EngineError>;

    /// Whether the engine takes writes.
    ///
    /// # Errors
    /// Why it does not.
    fn health(&self) -> Result<(), EngineError>;

    /// Takes no new work, finishes the commits that are waiting, and lets go of what the engine
    /// holds (files, locks, connections). Snapshots still held keep what they need. Harmless when
    /// repeated.
    ///
    /// # Errors
    /// [`EngineError`] when the last writes could not be made durable.
    async fn close(&self) -> Result<(), EngineError>;

    /// What the engine did since it was opened.
    fn stats(&self) -> EngineStats;
}

/// A transaction in the making. Dropping it abandons it.
#[async_trait]
pub trait EngineTxn: Send {
    /// The value at `key`, this transaction's own writes included.
    async fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, EngineError>;

    /// The first `limit` pairs of `span` in `direction`, this transaction's own writes included.
    async fn scan(
        &mut self,
        span: &Span,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, EngineError>;

    /// Writes `value` at `key` when the transaction commits.
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>);

    /// Removes `key` when the transaction commits.
    fn delete(&mut self, key: Vec<u8>);

    /// Makes the transaction's writes durable and visible, all or none.
    ///
    /// A caller that drops the future does not learn the outcome: the transaction may still commit.
    ///
    /// # Errors
    /// See [`CommitError`].
    async fn commit(self: Box<Self>) -> Result<(), CommitError>;
}

/// A consistent view.
#[async_trait]
pub trait EngineRead: Send + Sync {
    /// The value at `key`.
    async fn get(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError>;

    /// The first `limit` pairs of `span` in `direction`.
    async fn scan(
        &self,
        span: &Span,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, EngineError>;
}

/// Why an engine did not answer. Never the caller's fault.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// It was closed.
    #[error("the store is closed")]
    Closed,
    /// It refuses work, for instance since a write to the disk failed, or cannot be reached.
    #[error("the store is unavailable: {0}")]
    Unavailable(Arc<str>),
    /// What it reads back is not what was written.
    #[error("the store's files are damaged: {0}")]
    Damaged(Arc<str>),
}

/// Why a transaction did not commit, or may not have.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// Something that it read has changed since: nothing was written; run it again.
    #[error("another transaction changed what this one read")]
    Conflict {
        /// The [fingerprint] of the read that is out of date, where the engine knows it: of the
        /// key, or of the first key of the span that was scanned.
        over: Option<u64>,
    },
    /// Nothing was written.
    #[error(transparent)]
    Refused(#[from] EngineError),
    /// It may have been written or not: nothing may rest on either.
    #[error("the outcome of a commit is unknown: {0}")]
    Unknown(Arc<str>),
}

/// Counters since the engine was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// Transactions with writes that committed.
    pub commits: u64,
    /// Transactions that were refused because of a conflict.
    pub conflicts: u64,
    /// Keys written or removed.
    pub rows: u64,
    /// Batches in which commits were gathered.
    pub batches: u64,
    /// Batches that were made durable with a sync of their own.
    pub syncs: u64,
}
