//! The one thread that owns the vault's files.
//!
//! Tasks send it what they need and wait for the answer. It takes all that is waiting at once, so that
//! everything that gathered during one sync shares the next. Destructions are gathered too: at most
//! one generation is written for them in each interval.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use stoa_core::Timestamp;
use stoa_metrics::vault::WRITES_FAILED;
use stoa_seal::{Epoch, KeyId, RootKey};
use tokio::sync::oneshot;

use crate::VaultError;
use crate::copy::Originals;
use crate::keeper::Keeper;
use crate::ring::Ring;
use crate::scope::Purpose;
use crate::status::VaultStatus;

/// What a task cannot go on without.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Need {
    /// A key, other than `instead_of`.
    Key { purpose: Purpose, instead_of: Option<KeyId> },
    /// That a key may seal more than `above` records.
    Grant { id: KeyId, above: u64 },
    /// Nonces of a later epoch.
    Epoch { after: Epoch },
}

/// What is to be done.
pub(crate) enum Request {
    Provide(Vec<Need>),
    Destroy(Vec<KeyId>),
    /// From now on the vault opens with this root key, and with no other.
    Rewrap(RootKey),
    /// To be answered there.
    Status(oneshot::Sender<VaultStatus>),
}

/// A request and who waits for it.
pub(crate) struct Command {
    pub(crate) request: Request,
    pub(crate) reply: Option<Reply>,
}

pub(crate) type Reply = oneshot::Sender<Result<(), VaultError>>;

pub(crate) struct Worker {
    keeper: Keeper,
    ring: Arc<RwLock<Ring>>,
    interval: Duration,
    last_destruction: Option<Instant>,
    doomed: BTreeSet<KeyId>,
    waiting_for_doom: Vec<Reply>,
    destroyed: Option<Timestamp>,
    stopped: Option<VaultError>,
}

/// The vault's work, for whoever does it: the vault's own thread, or a simulation step by step.
pub struct VaultWorker {
    worker: Worker,
    commands: Receiver<Command>,
}

impl VaultWorker {
    pub(crate) const fn new(worker: Worker, commands: Receiver<Command>) -> Self {
        Self { worker, commands }
    }

    /// Serves commands until nobody can send any more, and then completes what is left.
    pub(crate) fn run(mut self) {
        loop {
            let first = match self.worker.until_destruction() {
                None => self.commands.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(wait) => self.commands.recv_timeout(wait),
            };
            let over = matches!(first, Err(RecvTimeoutError::Disconnected));
            let batch = first.into_iter().chain(self.commands.try_iter()).collect();
            self.worker.serve(batch, over);
            if over {
                return;
            }
        }
    }

    /// Serves what is waiting, without waiting itself. Answers whether there was anything.
    pub fn turn(&mut self) -> bool {
        let batch: Vec<Command> = self.commands.try_iter().collect();
        if batch.is_empty() && self.worker.doomed.is_empty() {
            return false;
        }
        self.worker.serve(batch, false);
        true
    }
}

impl Worker {
    pub(crate) const fn new(keeper: Keeper, ring: Arc<RwLock<Ring>>, interval: Duration) -> Self {
        Self {
            keeper,
            ring,
            interval,
            last_destruction: None,
            doomed: BTreeSet::new(),
            waiting_for_doom: Vec::new(),
            destroyed: None,
            stopped: None,
        }
    }

    /// How long until the next destruction is due; none if there is nothing to destroy.
    fn until_destruction(&self) -> Option<Duration> {
        if self.doomed.is_empty() {
            return None;
        }
        let since = self.last_destruction.map_or(Duration::MAX, |last| last.elapsed());
        Some(self.interval.saturating_sub(since))
    }

    fn serve(&mut self, batch: Vec<Command>, over: bool) {
        let mut replies = Vec::new();
        let mut rewraps = Vec::new();
        let mut asked = Vec::new();
        let mut failed = self.stopped.clone();
        for Command { request, reply } in batch {
            match request {
                Request::Destroy(ids) => {
                    self.doomed.extend(ids);
                    self.waiting_for_doom.extend(reply);
                }
                Request::Provide(needs) => {
                    if failed.is_none() {
                        failed = needs.into_iter().find_map(|need| self.stage(need).err());
                    }
                    replies.extend(reply);
                }
                Request::Rewrap(root) => rewraps.push((root, reply)),
                Request::Status(to) => asked.push(to),
            }
        }
        let due = self.until_destruction().is_some_and(|wait| over || wait.is_zero());
        let result = failed.map_or_else(|| self.write(due), Err);
        if let Err(error) = &result {
            if self.stopped.is_none() {
                WRITES_FAILED.inc();
            }
            self.stopped = Some(error.clone().stopped());
            self.doomed.clear();
        }
        if due || result.is_err() {
            replies.append(&mut self.waiting_for_doom);
        }
        // Who stopped waiting needs no answer.
        for reply in replies {
            let _ = reply.send(result.clone());
        }
        if result.is_ok()
            && let Err(error) = self.fold()
        {
            tracing::error!(%error, "the vault's journal could not be folded into pages");
            self.stopped = Some(error.stopped());
        }
        for (root, reply) in rewraps {
            let result = self.rewrap(root);
            reply.into_iter().for_each(|reply| _ = reply.send(result.clone()));
        }
        for to in asked {
            let _ = to.send(self.status());
        }
    }

    /// Puts the vault under another root key, unless an earlier write failed.
    fn rewrap(&mut self, root: RootKey) -> Result<(), VaultError> {
        if let Some(error) = &self.stopped {
            return Err(error.clone());
        }
        let result = self.keeper.rewrap(root);
        if let Err(error) = &result {
            // Whether the old or the new key opens it is seen when it is opened again.
            self.stopped = Some(error.clone().stopped());
        }
        result
    }

    fn status(&self) -> VaultStatus {
        let stopped = self.stopped.as_ref().map(ToString::to_string);
        VaultStatus { last_destruction: self.destroyed, stopped, ..self.keeper.status() }
    }

    fn stage(&mut self, need: Need) -> Result<(), VaultError> {
        match need {
            Need::Key { purpose, instead_of } => self.keeper.stage_key(purpose, instead_of),
            Need::Grant { id, above } => self.keeper.stage_grant(id, above),
            Need::Epoch { after } => self.keeper.stage_epoch(after)?,
        }
        Ok(())
    }

    /// Makes all that is staged durable, and the destructions if they are due.
    fn write(&mut self, destroy: bool) -> Result<(), VaultError> {
        if destroy {
            let doomed = std::mem::take(&mut self.doomed);
            // Who asks for what another one's destruction took meanwhile has it at once.
            if self.keeper.has_staged() || doomed.iter().any(|id| self.keeper.has_key(*id)) {
                self.keeper.advance(&doomed, &Originals::new())?;
                self.destroyed = Some(self.keeper.now());
            }
            self.last_destruction = Some(Instant::now());
            let mut ring = self.ring.write();
            self.keeper.publish(&mut ring);
            doomed.into_iter().for_each(|id| ring.remove(id));
        } else if self.keeper.has_staged() {
            self.keeper.append()?;
            self.keeper.publish(&mut self.ring.write());
        }
        Ok(())
    }

    /// Folds the journal if it has grown long.
    fn fold(&mut self) -> Result<(), VaultError> {
        if self.keeper.wants_fold() {
            self.keeper.advance(&BTreeSet::new(), &Originals::new())?;
        }
        Ok(())
    }
}
