//! Puts transactions in their one order: judges each against what was written since it began,
//! applies those that hold as one batch, and publishes the state that results.
//!
//! It has no thread and no queue: `process` is called by whoever owns it, one call at a time
//! ([`super::committer`] for an engine that waits for a disk).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use stoa_metrics::store::{BATCH_SIZE, SYNC_TIME, WRITES_FAILED};

use super::merge::Row;
use super::window::{ReadSet, Version, Window};
use super::{CommitError, Direction, EngineError, EngineStats, Span};

/// Writes that are remembered for judging. At 100,000 writes a second a transaction may take half a
/// second before it counts as too old; the memory is bounded by some 8 MB.
const REMEMBERED_WRITES: usize = 1 << 16;

/// Keys that a transaction writes or (with none) removes.
pub(crate) type Writes = BTreeMap<Bytes, Option<Bytes>>;

/// The writes of all transactions of a batch, each key once.
pub(crate) type Batch = Vec<(Bytes, Option<Bytes>)>;

/// Where an optimistic engine keeps its pairs. Owned by one sequencer, which alone writes.
pub(crate) trait Backing: Send + 'static {
    type View: View;

    /// Writes all of `writes` or nothing, durably if this storage is durable at all.
    ///
    /// # Errors
    /// After an error nothing is known of the batch, and no further call is made.
    fn apply(&mut self, writes: Batch) -> Result<(), Arc<str>>;

    /// A view of everything applied.
    fn view(&self) -> Self::View;

    /// Whether [`Self::apply`] waits for a sync.
    const SYNCS: bool;

    /// Ends orderly.
    fn close(self) -> Result<(), Arc<str>>;
}

/// A consistent view of a [`Backing`]. Reading it may wait for the disk, never for a lock that is
/// held over IO.
pub(crate) trait View: Send + Sync + 'static {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError>;
    fn scan(&self, span: &Span, direction: Direction) -> Box<dyn Iterator<Item = Row> + '_>;
}

/// A transaction that asks to be committed.
#[derive(Debug)]
pub(crate) struct Proposal {
    /// The version it read.
    pub(crate) seen: Version,
    pub(crate) reads: ReadSet,
    pub(crate) writes: Writes,
}

/// The state after a batch.
pub(crate) struct Published<V> {
    pub(crate) version: Version,
    pub(crate) view: V,
}

/// What a sequencer shows to everybody else.
pub(crate) struct Shared<V> {
    published: ArcSwapOption<Published<V>>,
    broken: OnceLock<Arc<str>>,
    commits: AtomicU64,
    conflicts: AtomicU64,
    rows: AtomicU64,
    batches: AtomicU64,
    syncs: AtomicU64,
}

impl<V> Shared<V> {
    /// The latest state, unless the engine was closed.
    pub(crate) fn latest(&self) -> Result<Arc<Published<V>>, EngineError> {
        self.published.load_full().ok_or(EngineError::Closed)
    }

    /// From now on nothing begins.
    pub(crate) fn close(&self) {
        self.published.store(None);
    }

    /// Whether writes are still taken.
    pub(crate) fn health(&self) -> Result<(), EngineError> {
        match self.broken.get() {
            Some(why) => Err(EngineError::Unavailable(why.clone())),
            None => Ok(()),
        }
    }

    pub(crate) fn stats(&self) -> EngineStats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        EngineStats {
            commits: of(&self.commits),
            conflicts: of(&self.conflicts),
            rows: of(&self.rows),
            batches: of(&self.batches),
            syncs: of(&self.syncs),
        }
    }
}

fn add(counter: &AtomicU64, n: usize) {
    counter.fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Ordering::Relaxed);
}

pub(crate) struct Sequencer<B: Backing> {
    backing: B,
    window: Window,
    version: Version,
    shared: Arc<Shared<B::View>>,
}

impl<B: Backing> Sequencer<B> {
    pub(crate) fn new(backing: B) -> Self {
        let published = Published { version: 0, view: backing.view() };
        let shared = Shared {
            published: ArcSwapOption::from_pointee(published),
            broken: OnceLock::new(),
            commits: AtomicU64::new(0),
            conflicts: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            batches: AtomicU64::new(0),
            syncs: AtomicU64::new(0),
        };
        let window = Window::new(REMEMBERED_WRITES);
        Self { backing, window, version: 0, shared: Arc::new(shared) }
    }

    pub(crate) fn shared(&self) -> Arc<Shared<B::View>> {
        self.shared.clone()
    }

    /// Commits what holds of `batch`, in its order, and answers in its order. When it returns, the
    /// new state is published: whoever learns of a commit also sees it.
    pub(crate) fn process(&mut self, batch: Vec<Proposal>) -> Vec<Result<(), CommitError>> {
        if let Err(error) = self.shared.health() {
            return batch.iter().map(|_| Err(error.clone().into())).collect();
        }
        let version = self.version + 1;
        let mut writes = Batch::with_capacity(batch.iter().map(|of| of.writes.len()).sum());
        let mut verdicts = Vec::with_capacity(batch.len());
        for proposal in batch {
            let verdict = self.window.check(proposal.seen, &proposal.reads);
            if verdict.is_ok() {
                for (key, value) in proposal.writes {
                    let again = self.window.record(version, key.clone());
                    // A later transaction of the batch overwrites an earlier one.
                    let earlier = || writes.iter().position(|(written, _)| *written == key);
                    match again.then(earlier).flatten() {
                        Some(index) => writes[index].1 = value,
                        None => writes.push((key, value)),
                    }
                }
            }
            verdicts.push(verdict.map_err(|stale| CommitError::Conflict { over: stale.over }));
        }
        let committed = verdicts.iter().filter(|verdict| verdict.is_ok()).count();
        add(&self.shared.conflicts, verdicts.len() - committed);
        if committed == 0 {
            return verdicts;
        }
        let rows = writes.len();
        BATCH_SIZE.observe_len(committed);
        let began = Instant::now();
        let applied = self.backing.apply(writes);
        if B::SYNCS {
            SYNC_TIME.observe_time(began.elapsed());
        }
        if let Err(why) = applied {
            WRITES_FAILED.inc();
            // The disk may hold the batch or not; only a restart can tell.
            tracing::error!(%why, "a write to the store failed; it takes no further ones");
            let _ = self.shared.broken.set(why.clone());
            for verdict in verdicts.iter_mut().filter(|verdict| verdict.is_ok()) {
                *verdict = Err(CommitError::Unknown(why.clone()));
            }
            return verdicts;
        }
        add(&self.shared.rows, rows);
        add(&self.shared.commits, committed);
        add(&self.shared.batches, 1);
        add(&self.shared.syncs, usize::from(B::SYNCS));
        self.version = version;
        self.publish();
        verdicts
    }

    fn publish(&self) {
        let next = Arc::new(Published { version: self.version, view: self.backing.view() });
        // Not over a `None`: once closed, nothing begins again.
        self.shared.published.rcu(|now| now.as_ref().map(|_| next.clone()));
    }

    /// Ends orderly.
    pub(crate) fn close(self) -> Result<(), EngineError> {
        self.shared.close();
        self.backing.close().map_err(EngineError::Unavailable)
    }
}
