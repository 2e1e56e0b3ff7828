//! A closed loop of texts between pairs, and what it costs the server.
//!
//! A delivery frees its sender for the next text. Texts carry the time at which they were sent and a
//! number, so that latencies need no shared state and a lost, doubled or disordered text ends the
//! run. Any server whose clients make a [`Pair`] can be driven; a group of them, by [`group`].

pub mod group;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::client::session::nanos;
use crate::proc::Usage;
use crate::stats::Histogram;
use crate::{Error, proc};

/// Bytes of each text.
pub const TEXT_BYTES: usize = 100;
/// Before anything is measured.
const WARM_UP: Duration = Duration::from_secs(2);

/// How much is measured, after the warm-up.
#[derive(Clone, Copy)]
pub enum Amount {
    /// So many seconds.
    Time(u64),
    /// So many messages.
    Messages(u64),
}

/// What a load of messages took.
pub struct Load {
    /// Messages delivered while it was measured.
    pub messages: u64,
    /// Messages delivered at all.
    pub messages_in_all: u64,
    /// For how long.
    pub time: Duration,
    /// From a message's sending to its arrival.
    pub latencies: Histogram,
    /// The server's time up to the last message, and what it did until it was quiet.
    pub cpu: Duration,
    /// Of this, what came after the last message.
    pub cpu_after: Duration,
    /// Our own time.
    pub own_cpu: Duration,
}

#[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
impl Load {
    /// Seconds of the server's time for a million messages.
    pub fn cpu_per_million(&self) -> f64 {
        self.cpu.as_secs_f64() / self.messages as f64 * 1e6
    }

    /// Messages per second.
    pub fn rate(&self) -> f64 {
        self.messages as f64 / self.time.as_secs_f64()
    }

    /// Cores that the server used while messages came.
    pub fn server_cores(&self) -> f64 {
        (self.cpu - self.cpu_after).as_secs_f64() / self.time.as_secs_f64()
    }

    /// Cores that we used.
    pub fn generator_cores(&self) -> f64 {
        self.own_cpu.as_secs_f64() / self.time.as_secs_f64()
    }
}

/// Two clients between whom texts go in a closed loop.
pub trait Pair: Send + 'static {
    /// Sends with `in_flight` on their way until `control` says that it is enough, and takes what is
    /// still on its way.
    fn run(
        self,
        control: Arc<Control>,
        in_flight: usize,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// What the clients and the one who measures share.
#[derive(Default)]
pub struct Control {
    measuring: AtomicBool,
    enough: AtomicBool,
    delivered: AtomicU64,
    latencies: Mutex<Histogram>,
}

/// What one pair keeps to itself until it ends.
pub struct Tally {
    control: Arc<Control>,
    latencies: Histogram,
    expected: u64,
    sent: u64,
}

impl Tally {
    /// Nothing was sent yet.
    pub fn new(control: Arc<Control>) -> Self {
        Self { control, latencies: Histogram::default(), expected: 0, sent: 0 }
    }

    /// The next text, if any more is to be sent.
    pub fn next_text(&mut self) -> Option<String> {
        if self.control.enough.load(Ordering::Relaxed) {
            return None;
        }
        let text = compose(self.sent, "");
        self.sent += 1;
        Some(text)
    }

    /// A text arrived.
    ///
    /// # Errors
    /// When it is not the one that must come next.
    pub fn arrived(&mut self, text: &str) -> Result<(), Error> {
        let (at, number) = read(&mut text.split(' '))?;
        if number != self.expected {
            let expected = self.expected;
            return Err(Error::protocol(format!("text {number} came instead of {expected}")));
        }
        self.expected += 1;
        self.control.delivered.fetch_add(1, Ordering::Relaxed);
        if self.control.measuring.load(Ordering::Relaxed) {
            self.latencies.record(nanos().saturating_sub(at));
        }
        Ok(())
    }

    /// Whether everything that was sent has arrived, and nothing more is to be sent.
    pub fn is_done(&self) -> bool {
        self.expected == self.sent && self.control.enough.load(Ordering::Relaxed)
    }
}

/// A text that says when it was sent, its number, and what `more` adds.
fn compose(number: u64, more: &str) -> String {
    let text = format!("{:020} {number:010} {more}", nanos());
    format!("{text:x<TEXT_BYTES$}")
}

/// When a text was sent, and its number.
fn read<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Result<(u64, u64), Error> {
    let mut next = || parts.next().and_then(|part| part.parse().ok());
    let (at, number) = (next(), next());
    at.zip(number).ok_or_else(|| Error::protocol("a text that was not sent"))
}

impl Control {
    /// Adds what a client kept to itself.
    fn add(&self, latencies: &Histogram) {
        self.latencies.lock().unwrap_or_else(PoisonError::into_inner).add(latencies);
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.control.add(&self.latencies);
    }
}

/// Lets pairs run and measures what that costs the server.
///
/// # Errors
/// When a pair fails.
pub async fn drive<P: Pair>(
    pairs: Vec<P>,
    in_flight: usize,
    amount: Amount,
    usage: &dyn Fn() -> Usage,
) -> Result<Load, Error> {
    let control = Arc::new(Control::default());
    let mut tasks = JoinSet::new();
    for pair in pairs {
        tasks.spawn(pair.run(Arc::clone(&control), in_flight));
    }
    measure(tasks, &control, amount, usage).await.map(|(load, _)| load)
}

/// Measures what clients cost the server that run by themselves until `control` says that it is enough.
/// Returns also what they leave behind.
async fn measure<T: 'static>(
    mut tasks: JoinSet<Result<T, Error>>,
    control: &Control,
    amount: Amount,
    usage: &dyn Fn() -> Usage,
) -> Result<(Load, Vec<T>), Error> {
    watched(&mut tasks, sleep(WARM_UP)).await?;
    let (before, own, started) = (usage(), proc::own_cpu(), Instant::now());
    let first = control.delivered.load(Ordering::Relaxed);
    control.measuring.store(true, Ordering::Relaxed);
    let delivered = || control.delivered.load(Ordering::Relaxed) - first;
    let enough = async {
        match amount {
            Amount::Time(seconds) => sleep(Duration::from_secs(seconds)).await,
            Amount::Messages(count) => {
                while delivered() < count {
                    sleep(Duration::from_millis(20)).await;
                }
            }
        }
    };
    watched(&mut tasks, enough).await?;
    control.enough.store(true, Ordering::Relaxed);
    let mut left = Vec::with_capacity(tasks.len());
    while let Some(ended) = tasks.join_next().await {
        left.push(ended.map_err(|error| Error::Server(format!("a client: {error}")))??);
    }
    let (time, own_cpu) = (started.elapsed(), proc::own_cpu() - own);
    let last = usage().cpu;
    quiet(usage).await;
    let end = usage().cpu;
    let latencies = control.latencies.lock().unwrap_or_else(PoisonError::into_inner);
    let load = Load {
        messages: delivered(),
        messages_in_all: control.delivered.load(Ordering::Relaxed),
        time,
        latencies: latencies.clone(),
        cpu: end - before.cpu,
        cpu_after: end - last,
        own_cpu,
    };
    Ok((load, left))
}

/// Waits for `time`, unless a client ends before.
async fn watched<T: 'static>(
    tasks: &mut JoinSet<Result<T, Error>>,
    time: impl Future<Output = ()>,
) -> Result<(), Error> {
    tokio::select! {
        () = time => Ok(()),
        Some(ended) = tasks.join_next() => {
            ended.map_err(|error| Error::Server(format!("a client: {error}")))??;
            Err(Error::Server("a client ended by itself".into()))
        }
    }
}

/// Waits until the server has nothing more to do, compaction for example; at most a minute.
async fn quiet(usage: &dyn Fn() -> Usage) {
    let mut last = usage().cpu;
    let mut calm = 0;
    for _ in 0..120 {
        sleep(Duration::from_millis(500)).await;
        let now = usage().cpu;
        calm = if now - last <= Duration::from_millis(10) { calm + 1 } else { 0 };
        if calm == 3 {
            return;
        }
        last = now;
    }
}
