//! Texts between pairs of users in a closed loop: what a stored and delivered message costs.
//!
//! Every message is acknowledged to its sender after it is durable, pushed to its recipient, and
//! acknowledged by that; a delivery frees the sender for the next. Messages carry the time at which
//! they were sent and a number, so that latencies need no shared state and a lost, doubled or
//! disordered message ends the run.

use std::sync::Arc;
use std::time::Duration;

use stoa_wire::{Message as _, MessageBody, Meta};

use crate::Error;
use crate::cases::Case;
use crate::client::Session;
use crate::client::protocol::News;
use crate::load::{Amount, Control, Load, Pair, Tally, drive};
use crate::peers::ejabberd::{Archive, Ejabberd};
use crate::plan::Plan;
use crate::report::{Figure, Sample};
use crate::stoa::{Stoa, names};

const PAIRS: usize = 100;
const IN_FLIGHT: usize = 8;
const LIGHT_PAIRS: usize = 10;
/// Messages of a full run: enough for the store to compact several times.
const FULL_MESSAGES: u64 = 3_000_000;

/// The case.
pub(super) static CASE: Case = Case {
    name: "p2p",
    about: "texts between 100 pairs, 8 in flight each, stored; and between 10 pairs, one by one",
    figures: &[
        Figure::new("cpu", "server CPU per million messages, 100 × 8", "s").goal(18.0, 40.0),
        Figure::new("messages", "messages, 100 × 8", ""),
        Figure::new("rate", "messages delivered, 100 × 8", "1/s"),
        Figure::new("p50", "sent to received p50, 100 × 8", "ms"),
        Figure::new("p99", "sent to received p99, 100 × 8", "ms"),
        Figure::new("server_cores", "server, 100 × 8", "cores"),
        Figure::new("generator_cores", "load generator, 100 × 8", "cores"),
        Figure::new("after_cpu", "of the CPU: after the last message", "s"),
        Figure::new("rss", "server RSS then", "MB"),
        Figure::new("disk", "data on disk per message", "bytes"),
        Figure::new("light_cpu", "server CPU per million messages, 10 × 1", "s"),
        Figure::new("light_rate", "messages delivered, 10 × 1", "1/s"),
        Figure::new("light_p50", "sent to received p50, 10 × 1", "ms"),
        Figure::new("light_p99", "sent to received p99, 10 × 1", "ms"),
    ],
    deadline: |plan| plan.pick(Duration::from_secs(180), Duration::from_secs(1_500)),
    run: |plan| Box::pin(run(plan)),
};

#[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
async fn run(plan: &Plan) -> Result<Vec<Sample>, Error> {
    let mut stoa = Stoa::started(&plan.binary).await?;
    stoa.register(&names("p2p", 2 * PAIRS)).await?;
    let usage = || stoa.usage();
    let light =
        drive(pairs(&stoa, LIGHT_PAIRS).await?, 1, Amount::Time(plan.pick(5, 8)), &usage).await?;
    let pairs = pairs(&stoa, PAIRS).await?;
    let disk = stoa.disk();
    let amount = plan.pick(Amount::Time(10), Amount::Messages(FULL_MESSAGES));
    let full = drive(pairs, IN_FLIGHT, amount, &usage).await?;
    let (rss, disk) = (stoa.usage().rss, stoa.disk().saturating_sub(disk));
    stoa.stop().await?;
    let mut values = figures(&full, &light);
    values.push(("rss", rss as f64 / 1e6));
    values.push(("disk", disk as f64 / full.messages_in_all as f64));
    let mut samples = vec![Sample::stoa(values)];
    if plan.peers {
        samples.push(ejabberd(Archive::Postgres, plan.pick(8, 30)).await?);
        samples.push(ejabberd(Archive::None, plan.pick(5, 15)).await?);
    }
    Ok(samples)
}

/// The same loads for so many seconds.
async fn ejabberd(archive: Archive, seconds: u64) -> Result<Sample, Error> {
    let ejabberd = Ejabberd::started(archive).await?;
    ejabberd.register(&names("p2p", 2 * PAIRS)).await?;
    let usage = || ejabberd.usage();
    let pairs = |count| {
        let ejabberd = &ejabberd;
        async move {
            let mut receivers = ejabberd.sessions(&names("p2p", 2 * count), true).await?;
            let senders = receivers.split_off(count);
            Ok::<_, Error>(senders.into_iter().zip(receivers).collect::<Vec<_>>())
        }
    };
    let light = drive(pairs(LIGHT_PAIRS).await?, 1, Amount::Time(5), &usage).await?;
    let full = drive(pairs(PAIRS).await?, IN_FLIGHT, Amount::Time(seconds), &usage).await?;
    let values = figures(&full, &light);
    ejabberd.stop().await?;
    Ok(Sample { subject: archive.subject().into(), values })
}

#[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
fn figures(full: &Load, light: &Load) -> Vec<(&'static str, f64)> {
    vec![
        ("cpu", full.cpu_per_million()),
        ("messages", full.messages as f64),
        ("rate", full.rate()),
        ("p50", full.latencies.quantile_ms(0.5)),
        ("p99", full.latencies.quantile_ms(0.99)),
        ("server_cores", full.server_cores()),
        ("generator_cores", full.generator_cores()),
        ("after_cpu", full.cpu_after.as_secs_f64()),
        ("light_cpu", light.cpu_per_million()),
        ("light_rate", light.rate()),
        ("light_p50", light.latencies.quantile_ms(0.5)),
        ("light_p99", light.latencies.quantile_ms(0.99)),
    ]
}

async fn pairs(stoa: &Stoa, count: usize) -> Result<Vec<(Session, Session)>, Error> {
    let mut receivers = stoa.sessions(&names("p2p", 2 * count)).await?;
    let senders = receivers.split_off(count);
    Ok(senders.into_iter().zip(receivers).collect())
}

impl Pair for (Session, Session) {
    async fn run(self, control: Arc<Control>, in_flight: usize) -> Result<(), Error> {
        let (mut from, mut to) = self;
        let mut tally = Tally::new(control);
        let name = to.identity().user.clone();
        let mut unanswered = 0u64;
        for _ in 0..in_flight {
            if let Some(text) = tally.next_text() {
                from.send_text(&name, text).await?;
                unanswered += 1;
            }
        }
        while !(tally.is_done() && unanswered == 0) {
            tokio::select! {
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
                            if let Some(text) = tally.next_text() {
                                from.send_text(&name, text).await?;
                                unanswered += 1;
                            }
                        }
                    }
                }
            }
        }
        from.close().await?;
        to.close().await
    }
}

/// The text of a message.
pub(super) fn text(meta: Meta) -> Result<String, Error> {
    let body = MessageBody::decode(meta.payload.unwrap_or_default())
        .map_err(|error| Error::protocol(format!("no message: {error}")))?;
    let text = body.contents.into_iter().next().and_then(|content| content.text);
    text.ok_or_else(|| Error::protocol("a message without text"))
}
