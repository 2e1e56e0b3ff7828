//! One run against one server.

use std::time::{Duration, Instant};

use tokio::time::{sleep, sleep_until};

use super::clients::Clients;
use super::{Load, Target};
use crate::Error;
use crate::proc::{self, Threads};
use crate::report::Sample;

/// How long it may take until all get what they watch, when everything has been agreed on.
const PATIENCE: Duration = Duration::from_secs(20);
/// From then to the window.
const CALM: Duration = Duration::from_secs(3);
/// How late packets of the window may come.
const DRAIN: Duration = Duration::from_millis(1_500);

/// What one run says.
pub struct Run {
    /// The server, and the figures.
    pub sample: Sample,
    /// Seconds of its processor time for a million packets forwarded.
    pub cpu: f64,
    /// The p99 of the delay, in milliseconds.
    pub delay: f64,
}

/// Puts the load on a server that has just been started, and ends it.
///
/// # Errors
/// When a connection fails, nothing comes, or something comes to somebody who does not watch it.
#[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
pub async fn measure<T: Target>(
    mut target: T,
    load: &Load,
    at: std::net::IpAddr,
    window: Duration,
) -> Result<Run, Error> {
    let pid = target.pid();
    let rss = || proc::rss(pid).unwrap_or_default();
    let before = rss();
    let mut clients = Clients::start(at)?;
    target.connect(load, &mut clients).await?;
    clients.ready(PATIENCE).await?;
    sleep(CALM).await;
    let (busy, own) = (proc::machine_cpu(), proc::own_cpu());
    let (threads, began) = (Threads::of(pid), Instant::now());
    clients.open_window(window);
    sleep_until((began + window).into()).await;
    let after = Threads::of(pid);
    let (own, length) = (proc::own_cpu().saturating_sub(own), began.elapsed());
    let busy = proc::machine_cpu().saturating_sub(busy);
    let growth = rss().saturating_sub(before);
    sleep(DRAIN).await;
    target.alive()?;
    let connections = clients.count();
    let tally = clients.finish()?;
    let subject = target.subject();
    target.stop().await?;
    let due = tally.due();
    if tally.came == 0 || due == 0 {
        return Err(Error::Server(format!("{subject} forwards nothing ({due} packets were due)")));
    }
    if tally.astray > 0 {
        let astray = tally.astray;
        return Err(Error::protocol(format!("{astray} packets for somebody who watches others")));
    }
    let used = after.since(&threads);
    let cpu = used.as_secs_f64() / tally.came as f64 * 1e6;
    let delay = tally.delay.quantile_ms(0.99);
    let values = vec![
        ("cpu", cpu),
        ("packets", tally.came as f64 / window.as_secs_f64()),
        ("lost", due.saturating_sub(tally.came) as f64 / due as f64 * 100.0),
        ("p50", tally.delay.quantile_ms(0.5)),
        ("p99", delay),
        ("inside", tally.inside.quantile_ms(0.99)),
        ("late", tally.late.quantile_ms(0.99)),
        ("server_cores", used.as_secs_f64() / length.as_secs_f64()),
        ("client_cores", own.as_secs_f64() / length.as_secs_f64()),
        ("rss", growth as f64 / load.participants() as f64 / 1e3),
        ("busy", busy.as_secs_f64() / length.as_secs_f64()),
        ("connections", connections as f64),
        ("threads", after.count() as f64),
    ];
    Ok(Run { sample: Sample { subject, values }, cpu, delay })
}
