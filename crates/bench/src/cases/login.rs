//! Logins over full TLS handshakes, 64 at a time: connect, upgrade, PROVISION with a 007 token, close.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::cases::Case;
use crate::client::Session;
use crate::client::session::nanos;
use crate::plan::Plan;
use crate::report::{Figure, Sample};
use crate::stats::Histogram;
use crate::stoa::{AT_ONCE, Stoa, names};
use crate::{Error, proc};

/// Users that log in by turns, each with a token of its own.
const USERS: usize = 1_000;

/// The case.
pub(super) static CASE: Case = Case {
    name: "login",
    about: "TCP, full TLS 1.3 handshake, WebSocket upgrade, PROVISION with a 007 token, close",
    figures: &[
        Figure::new("cpu", "server CPU per login", "ms").goal(0.30, 0.50),
        Figure::new("rate", "logins", "1/s"),
        Figure::new("p50", "login p50", "ms"),
        Figure::new("p99", "login p99", "ms"),
        Figure::new("server_cores", "server", "cores"),
        Figure::new("generator_cores", "load generator", "cores"),
    ],
    deadline: |_| Duration::from_secs(120),
    run: |plan| Box::pin(run(plan)),
};

async fn run(plan: &Plan) -> Result<Vec<Sample>, Error> {
    let mut stoa = Stoa::started(&plan.binary).await?;
    let users = names("login", USERS);
    stoa.register(&users).await?;
    let logins = Arc::new(Logins {
        endpoint: stoa.endpoint().clone(),
        identities: users.iter().map(|user| stoa.identity(user)).collect(),
        next: AtomicUsize::new(0),
    });
    // Every user once, so that what a user's first login ever makes is made.
    logins.clone().spread(USERS).await?;

    let count = plan.pick(10_000, 30_000);
    let (before, own, started) = (stoa.usage(), proc::own_cpu(), Instant::now());
    let latencies = logins.spread(count).await?;
    let seconds = started.elapsed().as_secs_f64();
    let server = (stoa.usage().cpu - before.cpu).as_secs_f64();
    let generator = (proc::own_cpu() - own).as_secs_f64();
    stoa.stop().await?;
    #[expect(clippy::cast_precision_loss, reason = "some ten thousand")]
    let count = count as f64;
    Ok(vec![Sample::stoa(vec![
        ("cpu", server / count * 1e3),
        ("rate", count / seconds),
        ("p50", latencies.quantile_ms(0.5)),
        ("p99", latencies.quantile_ms(0.99)),
        ("server_cores", server / seconds),
        ("generator_cores", generator / seconds),
    ])])
}

struct Logins {
    endpoint: crate::client::Endpoint,
    identities: Vec<crate::client::frames::Identity>,
    next: AtomicUsize,
}

impl Logins {
    /// Logs in and out `count` times, and says how long each login took.
    async fn spread(self: Arc<Self>, count: usize) -> Result<Histogram, Error> {
        let end = self.next.load(Ordering::Relaxed) + count;
        let mut workers = JoinSet::new();
        for _ in 0..AT_ONCE {
            let logins = Arc::clone(&self);
            workers.spawn(async move {
                let mut latencies = Histogram::default();
                loop {
                    let turn = logins.next.fetch_add(1, Ordering::Relaxed);
                    if turn >= end {
                        return Ok::<_, Error>(latencies);
                    }
                    let identity = logins.identities[turn % logins.identities.len()].clone();
                    let started = nanos();
                    let mut session = Session::open(&logins.endpoint, identity).await?;
                    session.login().await?;
                    latencies.record(nanos() - started);
                    session.close().await?;
                }
            });
        }
        let mut all = Histogram::default();
        while let Some(worker) = workers.join_next().await {
            all.add(&worker.map_err(|error| Error::Server(format!("a worker: {error}")))??);
        }
        self.next.store(end, Ordering::Relaxed);
        Ok(all)
    }
}
