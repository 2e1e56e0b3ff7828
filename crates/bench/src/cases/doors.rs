//! What a flood of logins by password does to messages.
//!
//! Ten pairs send a text every twenty milliseconds each, first by themselves and then while two hundred
//! clients log in by password over and over, as fast as the server lets them. Hashing a password costs
//! thousands of times what a message does; that it does not hold messages up is what this shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::Error;
use crate::cases::Case;
use crate::cases::p2p::text;
use crate::client::protocol::News;
use crate::client::session::nanos;
use crate::client::{Endpoint, Session};
use crate::load::{Amount, Control, Load, Pair, Tally, drive};
use crate::plan::Plan;
use crate::report::{Figure, Sample};
use crate::rest::Rest;
use crate::stats::Histogram;
use crate::stoa::{Stoa, names};

const PAIRS: usize = 10;
/// Between two texts of a pair.
const PACE: Duration = Duration::from_millis(20);
const LOGINS: usize = 200;
/// Users that log in by turns.
const USERS: usize = 50;
const PASSWORD: &str = "correct horse battery";
/// How long after the last login memory is looked at: longer than the server keeps it.
const RELEASED_AFTER: Duration = Duration::from_secs(8);

/// The case.
pub(super) static CASE: Case = Case {
    name: "doors",
    about: "500 texts a second between 10 pairs, alone and beside 200 parallel logins by password",
    figures: &[
        Figure::new("ratio", "sent to received p99, beside logins / alone", "×").goal(1.5, 2.0),
        Figure::new("quiet_p50", "sent to received p50, alone", "ms"),
        Figure::new("quiet_p99", "sent to received p99, alone", "ms"),
        Figure::new("busy_p50", "sent to received p50, beside logins", "ms"),
        Figure::new("busy_p99", "sent to received p99, beside logins", "ms"),
        Figure::new("logins", "logins by password", "1/s"),
        Figure::new("put_off", "logins told to come again", "1/s"),
        Figure::new("login_p50", "login by password p50", "ms"),
        Figure::new("login_p99", "login by password p99", "ms"),
        Figure::new("server_cores", "server beside logins", "cores"),
        Figure::new("rss_before", "server RSS before the first login", "MB"),
        Figure::new("rss_busy", "server RSS beside logins", "MB"),
        Figure::new("rss_after", "server RSS after the last", "MB"),
    ],
    deadline: |_| Duration::from_secs(180),
    run: |plan| Box::pin(run(plan)),
};

#[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
async fn run(plan: &Plan) -> Result<Vec<Sample>, Error> {
    let mut stoa = Stoa::started(&plan.binary).await?;
    let senders = names("doors", 2 * PAIRS);
    stoa.register(&senders).await?;
    let usage = || stoa.usage();
    let amount = Amount::Time(plan.pick(8, 20));
    let quiet = drive(pairs(&stoa, &senders).await?, 1, amount, &usage).await?;
    let before = stoa.usage().rss;

    let users = names("doors-by-password", USERS);
    register(&stoa, &users).await?;
    let flood = Flood::start(stoa.endpoint(), &users, &stoa.app_path());
    let (busy, rss_busy) = {
        let load = drive(pairs(&stoa, &senders).await?, 1, amount, &usage);
        let mut load = std::pin::pin!(load);
        let mut most = 0;
        let load = loop {
            tokio::select! {
                load = &mut load => break load?,
                () = sleep(Duration::from_millis(500)) => most = stoa.usage().rss.max(most),
            }
        };
        (load, most)
    };
    let flood = flood.stop().await?;
    sleep(RELEASED_AFTER).await;
    let after = stoa.usage().rss;
    stoa.stop().await?;

    let p99 = |load: &Load| load.latencies.quantile_ms(0.99);
    let seconds = flood.time.as_secs_f64();
    Ok(vec![Sample::stoa(vec![
        ("ratio", p99(&busy) / p99(&quiet)),
        ("quiet_p50", quiet.latencies.quantile_ms(0.5)),
        ("quiet_p99", p99(&quiet)),
        ("busy_p50", busy.latencies.quantile_ms(0.5)),
        ("busy_p99", p99(&busy)),
        ("logins", flood.done as f64 / seconds),
        ("put_off", flood.put_off as f64 / seconds),
        ("login_p50", flood.latencies.quantile_ms(0.5)),
        ("login_p99", flood.latencies.quantile_ms(0.99)),
        ("server_cores", busy.server_cores()),
        ("rss_before", before as f64 / 1e6),
        ("rss_busy", rss_busy as f64 / 1e6),
        ("rss_after", after as f64 / 1e6),
    ])])
}

async fn pairs(stoa: &Stoa, users: &[String]) -> Result<Vec<Paced>, Error> {
    let mut receivers = stoa.sessions(users).await?;
    let senders = receivers.split_off(PAIRS);
    Ok(senders.into_iter().zip(receivers).map(|(from, to)| Paced { from, to }).collect())
}

/// Registers users with a password, a few at a time: each costs the server a hash.
async fn register(stoa: &Stoa, users: &[String]) -> Result<(), Error> {
    let mut rest = Rest::connect(stoa.endpoint(), stoa.token(None)).await?;
    let path = format!("{}/users", stoa.app_path());
    for batch in users.chunks(10) {
        let user = |name: &String| json!({ "username": name, "password": PASSWORD });
        let body = batch.iter().map(user).collect();
        let (status, answer) = rest.call("POST", &path, &body).await?;
        if status != 200 {
            let answer = String::from_utf8_lossy(&answer);
            return Err(Error::protocol(format!("HTTP {status} to a registration: {answer}")));
        }
    }
    Ok(())
}

/// A pair that sends a text at every tick, whether the one before has arrived or not.
struct Paced {
    from: Session,
    to: Session,
}

impl Pair for Paced {
    async fn run(self, control: Arc<Control>, _: usize) -> Result<(), Error> {
        let Self { mut from, mut to } = self;
        let mut tally = Tally::new(control);
        let name = to.identity().user.clone();
        let mut ticks = interval(PACE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut unanswered = 0u64;
        while !(tally.is_done() && unanswered == 0) {
            tokio::select! {
                _ = ticks.tick() => {
                    if let Some(text) = tally.next_text() {
                        from.send_text(&name, text).await?;
                        unanswered += 1;
                    }
                }
                news = from.hear() => {
                    if let News::Ack(_) = news? {
                        unanswered -= 1;
                    }
                    from.answer().await?;
                }
                news = to.hear() => {
                    let news = news?;
                    to.answer().await?;
                    if let News::Page(metas) | News::Last(metas) = news {
                        for meta in metas {
                            tally.arrived(&text(meta)?)?;
                        }
                    }
                }
            }
        }
        from.close().await?;
        to.close().await
    }
}

/// Clients that log in by password until they are stopped.
struct Flood {
    shared: Arc<Shared>,
    clients: JoinSet<Result<Histogram, Error>>,
    since: u64,
}

#[derive(Default)]
struct Shared {
    enough: AtomicBool,
    done: AtomicU64,
    put_off: AtomicU64,
}

/// What a flood came to.
struct Flooded {
    done: u64,
    put_off: u64,
    time: Duration,
    latencies: Histogram,
}

impl Flood {
    fn start(endpoint: &Endpoint, users: &[String], path: &str) -> Self {
        let shared = Arc::new(Shared::default());
        let mut clients = JoinSet::new();
        for number in 0..LOGINS {
            let (endpoint, path) = (endpoint.clone(), format!("{path}/token"));
            let (user, shared) = (users[number % users.len()].clone(), shared.clone());
            clients.spawn(async move { log_in(&endpoint, &path, &user, &shared).await });
        }
        Self { shared, clients, since: nanos() }
    }

    async fn stop(mut self) -> Result<Flooded, Error> {
        let time = Duration::from_nanos(nanos() - self.since);
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (done, put_off) = (of(&self.shared.done), of(&self.shared.put_off));
        self.shared.enough.store(true, Ordering::Relaxed);
        let mut latencies = Histogram::default();
        while let Some(client) = self.clients.join_next().await {
            let client = client.map_err(|error| Error::Server(format!("a client: {error}")))??;
            latencies.add(&client);
        }
        Ok(Flooded { done, put_off, time, latencies })
    }
}

async fn log_in(
    endpoint: &Endpoint,
    path: &str,
    user: &str,
    shared: &Shared,
) -> Result<Histogram, Error> {
    let mut latencies = Histogram::default();
    let mut rest = Rest::connect(endpoint, String::new()).await?;
    let body: Value = json!({ "grant_type": "password", "username": user, "password": PASSWORD });
    while !shared.enough.load(Ordering::Relaxed) {
        let started = nanos();
        match rest.call("POST", path, &body).await? {
            (200, _) => {
                latencies.record(nanos() - started);
                shared.done.fetch_add(1, Ordering::Relaxed);
            }
            (429, _) => {
                shared.put_off.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_secs(1)).await;
            }
            (status, answer) => {
                let answer = String::from_utf8_lossy(&answer);
                return Err(Error::protocol(format!("HTTP {status} to a login: {answer}")));
            }
        }
    }
    Ok(latencies)
}
