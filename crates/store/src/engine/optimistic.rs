//! Transactions over a [`Backing`]: they read from one published state, remember what they read,
//! and ask the sequencer whether it still holds.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::committer::Committer;
use super::merge::merge;
use super::sequencer::{Backing, Proposal, Published, Sequencer, Shared, View, Writes};
use super::window::{ReadSet, SpanRead, fingerprint};
use super::{CommitError, Direction, EngineError, EngineRead, EngineStats, EngineTxn, Span};

/// Who calls the sequencer.
pub(crate) enum Driver<B: Backing> {
    /// The committing task itself, for storage that never waits. None once closed.
    Inline(Mutex<Option<Sequencer<B>>>),
    /// A thread that gathers.
    Thread(Committer),
    /// Whoever calls [`Optimistic::turn`]. None once closed.
    Turns(Mutex<Option<Turns<B>>>),
}

/// What waits for its turn.
pub(crate) struct Turns<B: Backing> {
    sequencer: Sequencer<B>,
    waiting: VecDeque<(Proposal, oneshot::Sender<Result<(), CommitError>>)>,
}

impl<B: Backing> Turns<B> {
    fn turn(&mut self, most: usize) {
        let most = most.min(self.waiting.len());
        let (batch, answers): (Vec<_>, Vec<_>) = self.waiting.drain(..most).unzip();
        for (answer, verdict) in answers.into_iter().zip(self.sequencer.process(batch)) {
            // Who stopped waiting needs no answer.
            let _ = answer.send(verdict);
        }
    }
}

/// The state that the transactions of one engine share.
pub(crate) struct Optimistic<B: Backing> {
    shared: Arc<Shared<B::View>>,
    driver: Driver<B>,
}

impl<B: Backing> Optimistic<B> {
    pub(crate) fn inline(backing: B) -> Arc<Self> {
        let sequencer = Sequencer::new(backing);
        let shared = sequencer.shared();
        Arc::new(Self { shared, driver: Driver::Inline(Mutex::new(Some(sequencer))) })
    }

    pub(crate) fn threaded(
        backing: B,
        gathering: super::committer::Gathering,
    ) -> std::io::Result<Arc<Self>> {
        let sequencer = Sequencer::new(backing);
        let shared = sequencer.shared();
        let driver = Driver::Thread(Committer::start(sequencer, gathering)?);
        Ok(Arc::new(Self { shared, driver }))
    }

    pub(crate) fn waiting(backing: B) -> Arc<Self> {
        let sequencer = Sequencer::new(backing);
        let shared = sequencer.shared();
        let turns = Turns { sequencer, waiting: VecDeque::new() };
        Arc::new(Self { shared, driver: Driver::Turns(Mutex::new(Some(turns))) })
    }

    /// How many proposals wait for [`Self::turn`].
    pub(crate) fn queued(&self) -> usize {
        let Driver::Turns(turns) = &self.driver else { return 0 };
        turns.lock().as_ref().map_or(0, |turns| turns.waiting.len())
    }

    /// Processes the first `most` proposals that wait as one batch.
    pub(crate) fn turn(&self, most: usize) {
        let Driver::Turns(turns) = &self.driver else { return };
        if let Some(turns) = turns.lock().as_mut() {
            turns.turn(most);
        }
    }

    pub(crate) fn begin(self: &Arc<Self>) -> Result<Box<dyn EngineTxn>, EngineError> {
        Ok(Box::new(OptimisticTxn {
            at: self.shared.latest()?,
            engine: self.clone(),
            reads: ReadSet::default(),
            writes: Writes::new(),
        }))
    }

    pub(crate) fn snapshot(&self) -> Result<Box<dyn EngineRead>, EngineError> {
        Ok(Box::new(Snapshot(self.shared.latest()?)))
    }

    pub(crate) fn health(&self) -> Result<(), EngineError> {
        self.shared.latest()?;
        self.shared.health()
    }

    pub(crate) fn stats(&self) -> EngineStats {
        self.shared.stats()
    }

    pub(crate) async fn close(&self) -> Result<(), EngineError> {
        self.shared.close();
        match &self.driver {
            Driver::Thread(committer) => committer.close().await,
            Driver::Inline(sequencer) => {
                let sequencer = sequencer.lock().take();
                sequencer.map_or(Ok(()), Sequencer::close)
            }
            Driver::Turns(turns) => {
                let Some(mut turns) = turns.lock().take() else { return Ok(()) };
                turns.turn(usize::MAX);
                turns.sequencer.close()
            }
        }
    }

    async fn commit(&self, proposal: Proposal) -> Result<(), CommitError> {
        match &self.driver {
            Driver::Thread(committer) => committer.commit(proposal).await,
            Driver::Inline(sequencer) => match sequencer.lock().as_mut() {
                Some(sequencer) => {
                    let mut verdicts = sequencer.process(vec![proposal]);
                    verdicts.pop().expect("one verdict for one proposal")
                }
                None => Err(EngineError::Closed.into()),
            },
            Driver::Turns(turns) => {
                let (answer, outcome) = oneshot::channel();
                match turns.lock().as_mut() {
                    Some(turns) => turns.waiting.push_back((proposal, answer)),
                    None => return Err(EngineError::Closed.into()),
                }
                outcome
                    .await
                    .unwrap_or_else(|_| Err(CommitError::Unknown("the engine is gone".into())))
            }
        }
    }
}

struct OptimisticTxn<B: Backing> {
    engine: Arc<Optimistic<B>>,
    at: Arc<Published<B::View>>,
    reads: ReadSet,
    writes: Writes,
}

#[async_trait]
impl<B: Backing> EngineTxn for OptimisticTxn<B> {
    async fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        if let Some(own) = self.writes.get(key) {
            return Ok(own.clone());
        }
        self.reads.keys.push(fingerprint(key));
        self.at.view.get(key)
    }

    async fn scan(
        &mut self,
        span: &Span,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, EngineError> {
        if span.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let base = self.at.view.scan(span, direction);
        let own = self.writes.range::<[u8], _>(span.bounds());
        let rows = match direction {
            Direction::Forward => merge(base, own, direction, limit),
            Direction::Backward => merge(base, own.rev(), direction, limit),
        }?;
        // A scan that was cut short depends on nothing beyond its last row.
        let seen = match rows.last() {
            Some((last, _)) if rows.len() == limit => span.clone().through(last, direction),
            _ => span.clone(),
        };
        self.reads.spans.push(SpanRead { asked: span.first(), seen });
        Ok(rows)
    }

    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        debug_assert!(key.first().is_some_and(|&first| first != 0xFF), "keys of this form only");
        self.writes.insert(key.into(), Some(value.into()));
    }

    fn delete(&mut self, key: Vec<u8>) {
        self.writes.insert(key.into(), None);
    }

    async fn commit(self: Box<Self>) -> Result<(), CommitError> {
        if self.writes.is_empty() {
            // It read one consistent state: it stands where that state stood.
            return Ok(());
        }
        let Self { engine, at, reads, writes } = *self;
        let proposal = Proposal { seen: at.version, reads, writes };
        // The old state is not held on to while the new one is written.
        drop(at);
        engine.commit(proposal).await
    }
}

struct Snapshot<V>(Arc<Published<V>>);

#[async_trait]
impl<V: View> EngineRead for Snapshot<V> {
    async fn get(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        self.0.view.get(key)
    }

    async fn scan(
        &self,
        span: &Span,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, EngineError> {
        if span.is_empty() {
            return Ok(Vec::new());
        }
        self.0.view.scan(span, direction).take(limit).collect()
    }
}
