//! One thread that owns all writes of an engine whose commits wait for a disk.
//!
//! While one batch is being synced, further transactions gather; the next batch takes all of them,
//! so that any number of clients share one sync. Tasks never wait for a lock that is held over IO:
//! they leave their proposal in a queue and await the answer.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::{oneshot, watch};

use super::sequencer::{Backing, Proposal, Sequencer};
use super::{CommitError, EngineError};

/// How long a batch waits for company.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gathering {
    /// So many transactions are worth a sync without further waiting.
    pub(crate) enough: usize,
    /// The longest wait. A sync costs 40 to 50 µs of processor time however small it is, so
    /// gathering pays while little is pending.
    pub(crate) patience: Duration,
    /// The most transactions in one batch.
    pub(crate) most: usize,
}

impl Default for Gathering {
    fn default() -> Self {
        Self { enough: 8, patience: Duration::from_millis(1), most: 1024 }
    }
}

type Answer = oneshot::Sender<Result<(), CommitError>>;

struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
}

struct State {
    waiting: Vec<(Proposal, Answer)>,
    /// Set when nothing further is taken.
    closed: bool,
}

impl Queue {
    /// The next batch: all that waits, and up to `expected` transactions if they come soon. None
    /// when the queue is closed and empty.
    fn next(&self, expected: usize, gathering: Gathering) -> Option<Vec<(Proposal, Answer)>> {
        let mut state = self.state.lock();
        while state.waiting.is_empty() {
            if state.closed {
                return None;
            }
            self.arrived.wait(&mut state);
        }
        let wanted = expected.min(gathering.enough);
        let deadline = Instant::now() + gathering.patience;
        while state.waiting.len() < wanted && !state.closed {
            if self.arrived.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        // Whoever was refused most often goes first: see `Engine::begin`.
        state.waiting.sort_by_key(|(proposal, _)| std::cmp::Reverse(proposal.attempt));
        let most = state.waiting.len().min(gathering.most);
        Some(state.waiting.drain(..most).collect())
    }

    fn close(&self) {
        self.state.lock().closed = true;
        self.arrived.notify_one();
    }
}

/// The handle to the thread. Dropping it closes the queue and waits for the thread to end.
pub(crate) struct Committer {
    queue: Arc<Queue>,
    ended: watch::Receiver<Option<Result<(), EngineError>>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Committer {
    /// Starts the thread over `sequencer`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start<B: Backing>(
        sequencer: Sequencer<B>,
        gathering: Gathering,
    ) -> std::io::Result<Self> {
        let queue = Arc::new(Queue {
            state: Mutex::new(State { waiting: Vec::new(), closed: false }),
            arrived: Condvar::new(),
        });
        let (end, ended) = watch::channel(None);
        let thread = thread::Builder::new().name("stoa-committer".into()).spawn({
            let queue = queue.clone();
            move || {
                let last = LastWords { queue, end };
                let result = run(sequencer, &last.queue, gathering);
                last.end.send_replace(Some(result));
            }
        })?;
        Ok(Self { queue, ended, thread: Some(thread) })
    }

    /// Commits `proposal` in the next batch.
    pub(crate) async fn commit(&self, proposal: Proposal) -> Result<(), CommitError> {
        let (answer, outcome) = oneshot::channel();
        {
            let mut state = self.queue.state.lock();
            if state.closed {
                return Err(EngineError::Closed.into());
            }
            state.waiting.push((proposal, answer));
        }
        self.queue.arrived.notify_one();
        outcome.await.unwrap_or_else(|_| Err(CommitError::Unknown("the committer died".into())))
    }

    /// Commits what is waiting, then ends the thread.
    pub(crate) async fn close(&self) -> Result<(), EngineError> {
        self.queue.close();
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(result) => result.clone().unwrap_or(Ok(())),
            Err(_) => Err(EngineError::Unavailable("the committer died".into())),
        }
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // A panic there was already told to everybody who waited for an answer.
            let _ = thread.join();
        }
    }
}

/// If the thread panics, those who wait learn it, and nobody waits in vain afterwards.
struct LastWords {
    queue: Arc<Queue>,
    end: watch::Sender<Option<Result<(), EngineError>>>,
}

impl Drop for LastWords {
    fn drop(&mut self) {
        let mut state = self.queue.state.lock();
        state.closed = true;
        state.waiting.clear();
    }
}

fn run<B: Backing>(
    mut sequencer: Sequencer<B>,
    queue: &Queue,
    gathering: Gathering,
) -> Result<(), EngineError> {
    let mut expected = 0;
    while let Some(batch) = queue.next(expected, gathering) {
        let (proposals, answers): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let verdicts = sequencer.process(proposals);
        // As many clients are active as had a part in this batch or came while it was written,
        // counted before the answers let them come again. One alone never waits for others.
        expected = answers.len() + queue.state.lock().waiting.len();
        for (answer, verdict) in answers.into_iter().zip(verdicts) {
            // Nobody listens when the caller has gone.
            let _ = answer.send(verdict);
        }
    }
    sequencer.close()
}
