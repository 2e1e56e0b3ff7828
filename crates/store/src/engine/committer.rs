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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use bytes::Bytes;
    use tokio::task::JoinHandle;

    use super::*;
    use crate::engine::merge::Row;
    use crate::engine::optimistic::Optimistic;
    use crate::engine::sequencer::{Batch, View};
    use crate::engine::{Direction, EngineStats, Span};

    /// Storage whose writes begin and end when the test says so.
    struct Gate {
        begun: mpsc::Sender<usize>,
        go: mpsc::Receiver<Result<(), &'static str>>,
    }

    struct Nothing;

    impl Backing for Gate {
        type View = Nothing;

        fn apply(&mut self, writes: Batch) -> Result<(), Arc<str>> {
            let _ = self.begun.send(writes.len());
            self.go.recv().unwrap_or(Ok(())).map_err(Into::into)
        }

        fn view(&self) -> Nothing {
            Nothing
        }

        const SYNCS: bool = true;

        fn close(self) -> Result<(), Arc<str>> {
            Ok(())
        }
    }

    impl View for Nothing {
        fn get(&self, _: &[u8]) -> Result<Option<Bytes>, EngineError> {
            Ok(None)
        }

        fn scan(&self, _: &Span, _: Direction) -> Box<dyn Iterator<Item = Row> + '_> {
            Box::new(std::iter::empty())
        }
    }

    struct Bench {
        engine: Arc<Optimistic<Gate>>,
        begun: mpsc::Receiver<usize>,
        go: mpsc::Sender<Result<(), &'static str>>,
        next: u32,
    }

    /// So long that a test that waits for it never ends.
    const FOREVER: Duration = Duration::from_secs(1 << 20);

    impl Bench {
        fn new(gathering: Gathering) -> Self {
            let (begin, begun) = mpsc::channel();
            let (go, gone) = mpsc::channel();
            let engine = Optimistic::threaded(Gate { begun: begin, go: gone }, gathering).unwrap();
            Self { engine, begun, go, next: 0 }
        }

        /// Proposes a transaction that writes one key, and returns when it stands in the queue.
        async fn propose(&mut self) -> JoinHandle<Result<(), CommitError>> {
            self.next += 1;
            let mut txn = self.engine.begin().unwrap();
            txn.put(self.next.to_be_bytes().to_vec(), Vec::new());
            let (asked, asking) = oneshot::channel();
            let commit = tokio::spawn(async move {
                let mut commit = txn.commit();
                let first =
                    std::future::poll_fn(|cx| std::task::Poll::Ready(commit.as_mut().poll(cx)));
                let first = first.await;
                let _ = asked.send(());
                match first {
                    std::task::Poll::Ready(result) => result,
                    std::task::Poll::Pending => commit.await,
                }
            });
            asking.await.unwrap();
            commit
        }

        fn begun(&self) -> usize {
            self.begun.recv().unwrap()
        }

        fn go(&self) {
            self.go.send(Ok(())).unwrap();
        }

        fn stats(&self) -> EngineStats {
            self.engine.stats()
        }
    }

    #[tokio::test]
    async fn what_comes_during_a_write_shares_the_next_one() {
        let mut bench = Bench::new(Gathering::default());
        let mut commits = vec![bench.propose().await];
        assert_eq!(bench.begun(), 1);
        for _ in 0..20 {
            commits.push(bench.propose().await);
        }
        bench.go();
        assert_eq!(bench.begun(), 20);
        bench.go();
        for commit in commits {
            commit.await.unwrap().unwrap();
        }
        let stats = bench.stats();
        assert_eq!((stats.commits, stats.batches, stats.syncs), (21, 2, 2));
    }

    #[tokio::test]
    async fn a_batch_has_a_limit() {
        let mut bench = Bench::new(Gathering { most: 4, ..Gathering::default() });
        let mut commits = vec![bench.propose().await];
        assert_eq!(bench.begun(), 1);
        for _ in 0..6 {
            commits.push(bench.propose().await);
        }
        for size in [4, 2] {
            bench.go();
            assert_eq!(bench.begun(), size);
        }
        bench.go();
        for commit in commits {
            commit.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn a_lone_writer_never_waits_for_company() {
        let mut bench = Bench::new(Gathering { patience: FOREVER, ..Gathering::default() });
        for _ in 0..5 {
            let commit = bench.propose().await;
            assert_eq!(bench.begun(), 1);
            bench.go();
            commit.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn two_active_writers_wait_for_each_other() {
        let mut bench = Bench::new(Gathering { patience: FOREVER, ..Gathering::default() });
        let first = bench.propose().await;
        assert_eq!(bench.begun(), 1);
        let second = bench.propose().await;
        bench.go();
        first.await.unwrap().unwrap();
        // The first writer comes again while the second one is held back for it.
        let again = bench.propose().await;
        assert_eq!(bench.begun(), 2);
        bench.go();
        second.await.unwrap().unwrap();
        again.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn patience_ends_without_company() {
        let mut bench = Bench::new(Gathering { patience: Duration::ZERO, ..Gathering::default() });
        let first = bench.propose().await;
        assert_eq!(bench.begun(), 1);
        let second = bench.propose().await;
        bench.go();
        first.await.unwrap().unwrap();
        assert_eq!(bench.begun(), 1);
        bench.go();
        second.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn after_a_failed_write_no_further_one_is_tried() {
        let mut bench = Bench::new(Gathering::default());
        let failing = bench.propose().await;
        assert_eq!(bench.begun(), 1);
        let waiting = bench.propose().await;
        bench.go.send(Err("the disk is gone")).unwrap();
        assert!(matches!(failing.await.unwrap(), Err(CommitError::Unknown(_))));
        assert!(matches!(
            waiting.await.unwrap(),
            Err(CommitError::Refused(EngineError::Unavailable(_)))
        ));
        assert!(matches!(bench.engine.health(), Err(EngineError::Unavailable(_))));
        assert!(bench.engine.snapshot().is_ok(), "what is there can still be read");
        assert_eq!(bench.stats().commits, 0);
    }

    #[tokio::test]
    async fn closing_commits_what_waits() {
        let mut bench = Bench::new(Gathering { patience: FOREVER, ..Gathering::default() });
        let mut commits = vec![bench.propose().await];
        assert_eq!(bench.begun(), 1);
        commits.push(bench.propose().await);
        commits.push(bench.propose().await);
        let engine = bench.engine.clone();
        let close = tokio::spawn(async move { engine.close().await });
        while bench.engine.health().is_ok() {
            tokio::task::yield_now().await;
        }
        bench.go();
        assert_eq!(bench.begun(), 2);
        bench.go();
        close.await.unwrap().unwrap();
        for commit in commits {
            commit.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn if_the_committer_dies_nobody_waits_in_vain() {
        struct Bomb;
        impl Backing for Bomb {
            type View = Nothing;
            fn apply(&mut self, _: Batch) -> Result<(), Arc<str>> {
                panic!("a bug, on purpose")
            }
            fn view(&self) -> Nothing {
                Nothing
            }
            const SYNCS: bool = true;
            fn close(self) -> Result<(), Arc<str>> {
                Ok(())
            }
        }
        let engine = Optimistic::threaded(Bomb, Gathering::default()).unwrap();
        let commit = async || {
            let mut txn = engine.begin().unwrap();
            txn.put(b"k".to_vec(), Vec::new());
            txn.commit().await
        };
        assert!(matches!(commit().await, Err(CommitError::Unknown(_))));
        assert!(commit().await.is_err());
        assert!(engine.close().await.is_err());
    }
}
