//! Texts to a room whose members are all there, faster and faster: what it costs to hand one to one of
//! them, and how many can be handed on at all.
//!
//! Some of the members send at a fixed rate, whatever the server does; the rate goes up until it does not
//! keep up any more. The figures that count are those at the highest rate that held, and those at a
//! rate that is low enough for every text to be a write of its own.

use std::time::Duration;

use crate::cases::Case;
use crate::client::Session;
use crate::crowd::ramp::{Costed, Ramped, climb, measure};
use crate::crowd::{Crowd, Dialect, Line, Msync, aside};
use crate::peers::ejabberd::{Archive, Ejabberd};
use crate::peers::nats::{Client, Nats};
use crate::plan::Plan;
use crate::proc::Usage;
use crate::report::{Figure, Sample};
use crate::rest::Rest;
use crate::stoa::{AT_ONCE, Stoa, names};
use crate::{Error, parallel};

pub(super) const MEMBERS: usize = 1_000;
/// Texts a second at which there is nothing to gather.
const LIGHT: f64 = 30.0;
/// Before anything is measured.
const WARM_UP: Duration = Duration::from_secs(2);

/// The case.
pub(super) static CASE: Case = Case {
    name: "room",
    about: "texts to a room of 1,000, faster and faster; beside ejabberd's room and a subject of NATS",
    figures: &[
        Figure::new("cpu", "server CPU per million deliveries, highest rate", "s").goal(2.0, 5.0),
        Figure::new("light_cpu", "server CPU per million deliveries, 30 messages/s", "s")
            .goal(6.0, 11.0),
        Figure::new("deliveries", "deliveries, highest rate", "1/s").hope(400_000.0),
        Figure::new("times", "deliveries against ejabberd's", "×").least(4.0, 4.0),
        Figure::new("rate", "messages, highest rate with p99 ≤ 1 s", "1/s"),
        Figure::new("p50", "due to received p50, highest rate", "ms"),
        Figure::new("p99", "due to received p99, highest rate", "ms"),
        Figure::new("server_cores", "server, highest rate", "cores"),
        Figure::new("generator_cores", "load generator, highest rate", "cores"),
        Figure::new("light_p50", "due to received p50, 30 messages/s", "ms"),
        Figure::new("light_p99", "due to received p99, 30 messages/s", "ms"),
        Figure::new("light_generator", "load generator, 30 messages/s", "cores"),
        Figure::new("next_p99", "due to received p99, next rate", "ms"),
        Figure::new("next_lost", "not delivered, next rate", "%"),
        Figure::new("rss", "server RSS then", "MB"),
    ],
    deadline: |plan| plan.pick(Duration::from_secs(300), Duration::from_secs(480)),
    run: |plan| Box::pin(run(plan)),
};

async fn run(plan: &Plan) -> Result<Vec<Sample>, Error> {
    let users = names("room", MEMBERS);
    let mut stoa = Stoa::started(&plan.binary).await?;
    stoa.register(&users).await?;
    let room = open(&stoa, &users).await?;
    let crowd =
        gathered(stoa.sessions(&users).await?, |session: Session| Msync::new(session, &room))?;
    let measured = measured(plan, crowd, 30.0, &|| stoa.usage()).await?;
    stoa.stop().await?;
    let mut ours = figures(&measured);
    if !plan.peers {
        return Ok(vec![Sample::stoa(ours)]);
    }
    let (ejabberd, most) = ejabberd(plan, &users).await?;
    ours.push(("times", measured.ramped.best.step.deliveries() / most.max(1e-9)));
    Ok(vec![Sample::stoa(ours), ejabberd, nats(plan).await?])
}

/// Makes a room over REST, whose owner is the first of these, and returns its id.
pub(super) async fn open(stoa: &Stoa, users: &[String]) -> Result<String, Error> {
    let mut rest = Rest::connect(stoa.endpoint(), stoa.token(None)).await?;
    stoa.room(&mut rest, "a hall", users).await
}

/// All of them in one crowd.
pub(super) fn gathered<S, D: Dialect>(
    sessions: Vec<S>,
    line: impl Fn(S) -> Result<(Line, D), Error>,
) -> Result<Crowd<D>, Error> {
    Crowd::new(sessions.into_iter().map(line).collect::<Result<_, _>>()?)
}

/// A room of ejabberd's, which tells the sender, too, what it sent. Also its deliveries per second.
async fn ejabberd(plan: &Plan, users: &[String]) -> Result<(Sample, f64), Error> {
    let ejabberd = Ejabberd::started(Archive::None).await?;
    ejabberd.register(users).await?;
    let room = Ejabberd::room("hall");
    let sessions = ejabberd.sessions(users, false).await?;
    let crowd = gathered(sessions, |session| session.occupant(&room))?;
    let measured = measured(plan, crowd, 10.0, &|| ejabberd.usage()).await?;
    ejabberd.stop().await?;
    let sample = Sample { subject: "ejabberd".into(), values: figures(&measured) };
    Ok((sample, measured.ramped.best.step.deliveries()))
}

/// A subject with as many who listen.
async fn nats(plan: &Plan) -> Result<Sample, Error> {
    let nats = Nats::started().await?;
    let endpoint = nats.endpoint().clone();
    let clients = parallel::each(vec![(); MEMBERS], AT_ONCE, move |()| {
        let endpoint = endpoint.clone();
        async move { Client::open(&endpoint).await }
    })
    .await?;
    let crowd = gathered(clients, |client| client.listener("hall"))?;
    let measured = measured(plan, crowd, 150.0, &|| nats.usage()).await?;
    nats.stop().await?;
    Ok(Sample { subject: "NATS".into(), values: figures(&measured) })
}

/// What was measured of one server.
struct Measured {
    light: Costed,
    ramped: Ramped,
    rss: u64,
}

/// Lets all enter; then little is said, then more and more, from `first` texts a second on.
async fn measured<D: Dialect>(
    plan: &Plan,
    crowd: Crowd<D>,
    first: f64,
    usage: &dyn Fn() -> Usage,
) -> Result<Measured, Error> {
    let (crowd, ()) = aside(crowd, |crowd| {
        crowd.enter()?;
        // What is told of the last who entered is no part of what follows.
        crowd.drain(Duration::from_secs(5))?;
        crowd.step(LIGHT, WARM_UP).map(drop)
    })
    .await?;
    let seconds = |quick, full| Duration::from_secs(plan.pick(quick, full));
    let (crowd, light) = measure(crowd, LIGHT, seconds(4, 10), usage).await?;
    let (crowd, ramped) = climb(crowd, first, seconds(2, 3), usage).await?;
    let rss = usage().rss;
    drop(crowd);
    Ok(Measured { light, ramped, rss })
}

#[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
fn figures(
    Measured { light, ramped: Ramped { best, failed }, rss }: &Measured,
) -> Vec<(&'static str, f64)> {
    let mut values = vec![
        ("cpu", best.cpu_per_million()),
        ("light_cpu", light.cpu_per_million()),
        ("deliveries", best.step.deliveries()),
        ("rate", best.step.rate),
        ("p50", best.quantile_ms(0.5)),
        ("p99", best.quantile_ms(0.99)),
        ("server_cores", best.server_cores()),
        ("generator_cores", best.generator_cores()),
        ("light_p50", light.quantile_ms(0.5)),
        ("light_p99", light.quantile_ms(0.99)),
        ("light_generator", light.generator_cores()),
        ("rss", *rss as f64 / 1e6),
    ];
    if let Some(failed) = failed {
        values.push(("next_p99", failed.quantile_ms(0.99)));
        values.push(("next_lost", failed.step.lost()));
    }
    values
}
