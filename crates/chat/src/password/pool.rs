//! The threads that hash: few, slow on purpose, and none while nobody asks.
//!
//! A hash takes some 15 ms of a core and 19 MiB. It never runs on the runtime's threads, on which
//! messages are delivered. At most half of the cores hash at once, at a low priority, so that
//! what is delivered goes first wherever both want a core. The line before them is bounded. The
//! threads end, and give their memory back, when there was nothing to do for some seconds.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use argon2::Block;
use parking_lot::{Condvar, Mutex};
use stoa_metrics::logins::{
    PASSWORD_TIME, PASSWORDS, PASSWORDS_REFUSED, PASSWORDS_RUNNING, PASSWORDS_WAITING, Refused,
};
use tokio::sync::oneshot;

use crate::Error;

/// How many may stand in the line. At two hashes at once and 15 ms each, the last one waits two seconds.
pub(super) const WAITING: usize = 256;
/// Beyond this many threads more memory is used than is worth it.
const MOST_THREADS: usize = 4;
/// After so long without work a thread ends.
const IDLE: Duration = Duration::from_secs(5);
/// By how much a thread's priority is lowered: it gets a tenth of what others get who want the same
/// core. At 19, the lowest, it would get nothing to speak of on a machine that is never idle.
const NICENESS: i32 = 10;
/// How long somebody waits at the most, with a machine that is busy with other things: shorter than
/// clients do, so that they are told and not cut off.
const PATIENCE: Duration = Duration::from_secs(15);
/// Bytes from which on the system's allocator takes memory from the system and gives it back when it
/// is freed (32 MiB is the most that glibc lets this bound grow to). What is not used of it is not
/// resident.
const GIVEN_BACK: usize = 33 << 20;

/// The memory of one hash.
#[derive(Default)]
pub(super) struct Memory(Vec<Block>);

impl Memory {
    /// So many blocks.
    pub(super) fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.0.capacity() < count {
            self.0 = Vec::with_capacity(count.max(GIVEN_BACK / Block::SIZE));
        }
        self.0.resize(count, Block::new());
        &mut self.0
    }

    /// How many blocks were written to.
    #[cfg(test)]
    pub(super) fn filled(&self) -> usize {
        let written = |block: &&Block| block.as_ref().iter().any(|word: &u64| *word != 0);
        self.0.iter().filter(written).count()
    }
}

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// The pool.
pub(super) struct Pool {
    shared: Arc<Shared>,
    most: usize,
}

struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    line: VecDeque<Job>,
    threads: usize,
    idle: usize,
    closed: bool,
}

impl Pool {
    /// A pool for this machine.
    pub(super) fn for_this_machine() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::with_threads((cores / 2).clamp(1, MOST_THREADS))
    }

    /// A pool of at most so many threads.
    pub(super) fn with_threads(most: usize) -> Self {
        let shared = Shared { state: Mutex::default(), arrived: Condvar::new() };
        Self { shared: Arc::new(shared), most }
    }

    /// Does `work` when it is its turn; not at all if nobody waits for it any more by then.
    ///
    /// # Errors
    /// [`Error::Busy`] when the line is full, or does not move.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let since = Instant::now();
        let waiting = PASSWORDS_WAITING.hold();
        let job = move |memory: &mut Memory| {
            drop(waiting);
            if answer.is_closed() {
                return;
            }
            let _running = PASSWORDS_RUNNING.hold();
            let done = work(memory);
            PASSWORDS.inc();
            PASSWORD_TIME.observe_time(since.elapsed());
            // Nobody waits any more, which is as good.
            let _ = answer.send(done);
        };
        self.submit(Box::new(job))?;
        match tokio::time::timeout(PATIENCE, answered).await {
            // Without an answer the work panicked.
            Ok(answered) => answered.map_err(|_| Error::Internal),
            Err(_) => {
                PASSWORDS_REFUSED.of(Refused::Full).inc();
                Err(Error::Busy)
            }
        }
    }

    fn submit(&self, job: Job) -> Result<(), Error> {
        let mut state = self.shared.state.lock();
        if state.line.len() >= WAITING {
            PASSWORDS_REFUSED.of(Refused::Full).inc();
            return Err(Error::Busy);
        }
        state.line.push_back(job);
        if state.idle >= state.line.len() || state.threads == self.most {
            self.shared.arrived.notify_one();
            return Ok(());
        }
        let worker = Worker(self.shared.clone());
        let started =
            std::thread::Builder::new().name("stoa-password".into()).spawn(move || worker.run());
        match started {
            Ok(_) => state.threads += 1,
            // Those that run take it in time.
            Err(_) if state.threads > 0 => {}
            Err(error) => {
                tracing::error!(%error, "no thread can be started to check passwords");
                state.line.clear();
                return Err(Error::Internal);
            }
        }
        Ok(())
    }

    /// How many hash at once.
    #[cfg(test)]
    pub(super) const fn threads(&self) -> usize {
        self.most
    }

    /// How many stand in the line.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.shared.state.lock().line.len()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        state.closed = true;
        state.line.clear();
        self.shared.arrived.notify_all();
    }
}

/// One thread's part.
struct Worker(Arc<Shared>);

impl Worker {
    fn run(self) {
        // What cannot be lowered stays as it is; on Linux this is the thread's own priority.
        let _ = rustix::process::nice(NICENESS);
        let mut memory = Memory::default();
        while let Some(job) = self.next() {
            // Whoever waits for work that panicked learns it because the answer is dropped; those
            // behind it in the line are not to wait in vain.
            let worked = catch_unwind(AssertUnwindSafe(|| job(&mut memory)));
            if worked.is_err() {
                memory = Memory::default();
            }
        }
    }

    /// The next of the line; none when there was none for a while: then this thread counts no longer.
    fn next(&self) -> Option<Job> {
        let mut state = self.0.state.lock();
        loop {
            if let Some(job) = state.line.pop_front() {
                return Some(job);
            }
            state.idle += 1;
            let over = state.closed || self.0.arrived.wait_for(&mut state, IDLE).timed_out();
            state.idle -= 1;
            if over && state.line.is_empty() {
                // With the lock held: whoever comes next starts another one.
                state.threads -= 1;
                return None;
            }
        }
    }
}
