//! Faults on purpose, repeatable from a seed: what a disk, a network or another node may do to a
//! transaction, laid over any engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use stoa_core::Entropy;

use super::{
    CommitError, Direction, Engine, EngineError, EngineRead, EngineStats, EngineTxn, Span,
};

/// How often each fault happens, in thousandths of the calls it applies to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// A read is refused as unavailable.
    pub read: u16,
    /// A commit is refused as unavailable; nothing was written.
    pub before_commit: u16,
    /// A commit is written, but answered as unknown.
    pub after_commit: u16,
    /// A commit is not written, and answered as unknown.
    pub lost_commit: u16,
    /// A commit is refused as conflicting though it does not.
    pub conflict: u16,
    /// At most so many times a call lets other tasks run before it goes on.
    pub yields: u8,
    /// This commit, counted from 0, is written, but answered as unknown.
    pub unknown: Option<u64>,
    /// The commit at which everything ends.
    pub crash: Option<Crash>,
}

/// The end of a process, or of its disk: one commit has no answer, and whatever is asked after it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crash {
    /// Which commit, counted from 0.
    pub commit: u64,
    /// Whether it is written.
    pub written: bool,
}

impl Faults {
    /// No fault but a crash.
    pub fn crash(commit: u64, written: bool) -> Self {
        Self { crash: Some(Crash { commit, written }), ..Self::default() }
    }

    /// `engine` with these faults, chosen by `entropy`.
    pub fn over(self, engine: Arc<dyn Engine>, entropy: Arc<dyn Entropy>) -> Arc<dyn Engine> {
        let commits = Arc::default();
        Arc::new(Faulty { engine, dice: Dice { faults: self, entropy, commits } })
    }
}

#[derive(Clone)]
struct Dice {
    faults: Faults,
    entropy: Arc<dyn Entropy>,
    /// How many commits were asked for.
    commits: Arc<AtomicU64>,
}

impl Dice {
    /// Refuses what comes after a crash.
    fn live(&self) -> Result<(), EngineError> {
        match self.faults.crash {
            Some(Crash { commit, .. }) if self.commits.load(Ordering::SeqCst) > commit => {
                Err(EngineError::Unavailable("a crash on purpose".into()))
            }
            _ => Ok(()),
        }
    }

    fn falls(&self, thousandths: u16) -> bool {
        thousandths > 0 && u16::from_be_bytes(self.entropy.bytes()) % 1000 < thousandths
    }

    async fn dawdle(&self) {
        if self.faults.yields == 0 {
            return;
        }
        let [n] = self.entropy.bytes::<1>();
        for _ in 0..u16::from(n) % (u16::from(self.faults.yields) + 1) {
            tokio::task::yield_now().await;
        }
    }

    async fn read(&self) -> Result<(), EngineError> {
        self.dawdle().await;
        self.live()?;
        if self.falls(self.faults.read) {
            return Err(EngineError::Unavailable("a fault on purpose".into()));
        }
        Ok(())
    }
}

struct Faulty {
    engine: Arc<dyn Engine>,
    dice: Dice,
}

#[async_trait]
impl Engine for Faulty {
    fn name(&self) -> &'static str {
        self.engine.name()
    }

    async fn begin(&self) -> Result<Box<dyn EngineTxn>, EngineError> {
        self.dice.dawdle().await;
        self.dice.live()?;
        let txn = self.engine.begin().await?;
        Ok(Box::new(FaultyTxn { txn, dice: self.dice.clone() }))
    }

    async fn snapshot(&self) -> Result<Box<dyn EngineRead>, EngineError> {
        self.dice.dawdle().await;
        self.dice.live()?;
        let read = self.engine.snapshot().await?;
        Ok(Box::new(FaultyRead { read, dice: self.dice.clone() }))
    }

    fn health(&self) -> Result<(), EngineError> {
        self.engine.health()
    }

    async fn close(&self) -> Result<(), EngineError> {
        self.engine.close().await
    }

    fn stats(&self) -> EngineStats {
        self.engine.stats()
    }
}

struct FaultyTxn {
    txn: Box<dyn EngineTxn>,
    dice: Dice,
}

#[async_trait]
impl EngineTxn for FaultyTxn {
    async fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        self.dice.read().await?;
        self.txn.get(key).await
    }

    async fn scan(
        &mut self,
        span: &Span,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, EngineError> {
        self.dice.read().await?;
        self.txn.scan(span, direction, limit).await
    }

    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.txn.put(key, value);
    }

    fn delete(&mut self, key: Vec<u8>) {
        self.txn.delete(key);
    }

    async fn commit(self: Box<Self>) -> Result<(), CommitError> {
        let Self { txn, dice } = *self;
        let faults = dice.faults;
        dice.dawdle().await;
        dice.live()?;
        let number = dice.commits.fetch_add(1, Ordering::SeqCst);
        if let Some(crash) = faults.crash.filter(|crash| crash.commit == number) {
            if crash.written {
                txn.commit().await?;
            }
            return Err(CommitError::Unknown("a crash on purpose".into()));
        }
        if dice.falls(faults.conflict) {
            return Err(CommitError::Conflict { over: None });
        }
        if dice.falls(faults.before_commit) {
            return Err(EngineError::Unavailable("a fault on purpose".into()).into());
        }
        if dice.falls(faults.lost_commit) {
            return Err(CommitError::Unknown("a fault on purpose".into()));
        }
        txn.commit().await?;
        dice.dawdle().await;
        if faults.unknown == Some(number) || dice.falls(faults.after_commit) {
            return Err(CommitError::Unknown("a fault on purpose".into()));
        }
        Ok(())
    }
}

struct FaultyRead {
    read: Box<dyn EngineRead>,
    dice: Dice,
}

#[async_trait]
impl EngineRead for FaultyRead {
    async fn get(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        self.dice.read().await?;
        self.read.get(key).await
    }

    async fn scan(
        &self,
        span: &Span,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, EngineError> {
        self.dice.read().await?;
        self.read.scan(span, direction, limit).await
    }
}
