//! Running a transaction again until it commits.
//!
//! Conflicts are rare and short, so the first retries are immediate. A transaction that meets a
//! second one is fighting over a hot record: it queues for its turn, first come first served. While
//! somebody has a turn at a record, nobody else who read that record commits, but queues as well. So
//! whoever has the turn can only lose to those who were already committing, and everybody makes
//! progress, however many there are.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, MutexGuard};

use crate::engine::CommitError;
use crate::txn::Txn;
use crate::{AppStore, StoreError};

/// After so many conflicts a transaction queues.
const PATIENCE: u32 = 2;
/// After so many it is given up.
const MOST: u32 = 64;
/// Records are told apart by hash: two in the same lane wait for each other without need.
const LANES: usize = 1024;

/// The queues for hot records.
pub(crate) struct Lanes {
    lanes: Vec<Lane>,
    /// How many turns are wanted or taken in all lanes. Mostly none.
    wanted: AtomicUsize,
}

#[derive(Default)]
struct Lane {
    turn: Mutex<()>,
    wanted: AtomicUsize,
}

impl Lanes {
    pub(crate) fn new() -> Self {
        let lanes = std::iter::repeat_with(Lane::default).take(LANES).collect();
        Self { lanes, wanted: AtomicUsize::new(0) }
    }

    fn of(fingerprint: u64) -> usize {
        usize::try_from(fingerprint % LANES as u64).expect("it is less than the number of lanes")
    }

    /// Waits for the turn at a lane.
    async fn turn(&self, index: usize) -> Turn<'_> {
        let lane = &self.lanes[index];
        let want = Want::new(&self.wanted, &lane.wanted);
        Turn { index, _guard: lane.turn.lock().await, _want: want }
    }
}

/// Keeps a lane marked as wanted, also when whoever waits gives up.
struct Want<'a>(&'a AtomicUsize, &'a AtomicUsize);

impl<'a> Want<'a> {
    fn new(all: &'a AtomicUsize, lane: &'a AtomicUsize) -> Self {
        lane.fetch_add(1, Ordering::SeqCst);
        all.fetch_add(1, Ordering::SeqCst);
        Self(all, lane)
    }
}

impl Drop for Want<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
        self.1.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Turn<'a> {
    index: usize,
    _guard: MutexGuard<'a, ()>,
    _want: Want<'a>,
}

/// The attempts of one transaction: see [`AppStore::attempts`].
pub struct Attempts<'a> {
    app: &'a AppStore,
    conflicts: u32,
    /// In the order of their lanes.
    turns: Vec<Turn<'a>>,
}

impl<'a> Attempts<'a> {
    pub(crate) const fn new(app: &'a AppStore) -> Self {
        Self { app, conflicts: 0, turns: Vec::new() }
    }

    /// Begins the next attempt.
    ///
    /// # Errors
    /// [`StoreError::Contended`] after many conflicts, or [`StoreError::Engine`].
    pub async fn begin(&mut self) -> Result<Txn, StoreError> {
        let store = &self.app.store;
        if self.conflicts >= MOST {
            store.contended.fetch_add(1, Ordering::Relaxed);
            return Err(StoreError::Contended);
        }
        if store.is_gone(self.app.number) {
            return Err(StoreError::Gone);
        }
        let engine = store.engine.begin().await?;
        Ok(Txn::new(self.app.clone(), engine))
    }

    /// Commits what `txn` wrote, durably. False if it must be run again.
    ///
    /// # Errors
    /// [`StoreError::Engine`] when nothing was written, [`StoreError::Unknown`] when that is not
    /// known.
    pub async fn commit(&mut self, txn: Txn) -> Result<bool, StoreError> {
        let first_read = txn.reads().first().copied();
        let hot = self.turns_of_others(&txn);
        let over = if hot.is_empty() {
            match txn.commit().await {
                Ok(()) => return Ok(true),
                Err(CommitError::Refused(error)) => return Err(error.into()),
                Err(CommitError::Unknown(why)) => return Err(StoreError::Unknown(why)),
                Err(CommitError::Conflict { over }) => {
                    self.conflicts += 1;
                    let over = over.or(first_read).filter(|_| self.conflicts >= PATIENCE);
                    over.map(Lanes::of).into_iter().collect()
                }
            }
        } else {
            drop(txn);
            hot
        };
        self.app.store.retries.fetch_add(1, Ordering::Relaxed);
        self.queue(over).await;
        Ok(false)
    }

    /// The lanes of what `txn` read in which somebody else has a turn or waits for one.
    fn turns_of_others(&self, txn: &Txn) -> Vec<usize> {
        let lanes = &self.app.store.lanes;
        if lanes.wanted.load(Ordering::SeqCst) == self.turns.len() || !txn.has_writes() {
            return Vec::new();
        }
        let read = txn.reads().iter().copied().map(Lanes::of);
        read.filter(|&lane| !self.has_turn(lane))
            .filter(|&lane| lanes.lanes[lane].wanted.load(Ordering::SeqCst) > 0)
            .collect()
    }

    fn has_turn(&self, lane: usize) -> bool {
        self.turns.iter().any(|turn| turn.index == lane)
    }

    /// Waits for the turn in these lanes besides those it has.
    async fn queue(&mut self, mut lanes: Vec<usize>) {
        lanes.retain(|&lane| !self.has_turn(lane));
        if lanes.is_empty() {
            return;
        }
        lanes.extend(self.turns.iter().map(|turn| turn.index));
        lanes.sort_unstable();
        lanes.dedup();
        // All anew and in order, so that nobody waits in a circle.
        self.turns.clear();
        for lane in lanes {
            self.turns.push(self.app.store.lanes.turn(lane).await);
        }
    }
}
