//! Thousands enter a room one after the other, while those who are there are told: what an entry costs,
//! and what being there takes in memory beyond the session.

use std::time::Duration;

use crate::Error;
use crate::cases::Case;
use crate::cases::room::{gathered, open};
use crate::client::Session;
use crate::crowd::{Crowd, Dialect, Msync, aside};
use crate::peers::ejabberd::{Archive, Ejabberd};
use crate::plan::Plan;
use crate::proc::Usage;
use crate::report::{Figure, Sample};
use crate::stoa::{Stoa, names};

const MEMBERS: usize = 5_000;
/// Who enter another room before, so that what any first one makes is there.
const FIRST: usize = 50;
/// Until memory that is free has gone back to the system.
const HOLD: Duration = Duration::from_secs(10);
/// In which the last entries are told.
const TELLING: Duration = Duration::from_secs(2);

/// The case.
pub(super) static CASE: Case = Case {
    name: "room-join",
    about: "5,000 enter a room one after the other: CPU per entry, memory per member",
    figures: &[
        Figure::new("cpu", "server CPU per entry", "ms").goal(0.3, 1.0),
        Figure::new("bytes", "server RSS per member beyond the session", "bytes")
            .goal(200.0, 1_000.0),
        Figure::new("members", "members", ""),
        Figure::new("rate", "entries", "1/s"),
        Figure::new("p50", "entry p50", "ms"),
        Figure::new("p99", "entry p99", "ms"),
        Figure::new("told", "events heard per entry, by all together", ""),
        Figure::new("server_cores", "server", "cores"),
        Figure::new("rss", "server RSS with all of them", "MB"),
    ],
    deadline: |plan| plan.pick(Duration::from_secs(300), Duration::from_secs(480)),
    run: |plan| Box::pin(run(plan)),
};

async fn run(plan: &Plan) -> Result<Vec<Sample>, Error> {
    let users = names("hall", MEMBERS);
    let mut stoa = Stoa::started(&plan.binary).await?;
    stoa.register(&users).await?;
    // Memory of the registrations must not be there for members to move into.
    stoa.restart().await?;
    let small = open(&stoa, &users[..FIRST]).await?;
    let room = open(&stoa, &users).await?;
    let of =
        |room: &str, sessions| gathered(sessions, |session: Session| Msync::new(session, room));
    let first = of(&small, stoa.sessions(&users[..FIRST]).await?)?;
    drop(aside(first, Crowd::enter).await?);
    let crowd = of(&room, stoa.sessions(&users).await?)?;
    let values = entered(crowd, &|| stoa.usage()).await?;
    stoa.stop().await?;
    let mut samples = vec![Sample::stoa(values)];
    // Its entries take longer with each that is there.
    if plan.peers && plan.pick(false, true) {
        let ejabberd = Ejabberd::started(Archive::None).await?;
        ejabberd.register(&users).await?;
        let room = Ejabberd::room("hall");
        let sessions = ejabberd.sessions(&users, false).await?;
        let crowd = gathered(sessions, |session| session.occupant(&room))?;
        let values = entered(crowd, &|| ejabberd.usage()).await?;
        ejabberd.stop().await?;
        samples.push(Sample { subject: "ejabberd".into(), values });
    }
    Ok(samples)
}

/// Lets all of them enter.
#[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
async fn entered<D: Dialect>(
    crowd: Crowd<D>,
    usage: &dyn Fn() -> Usage,
) -> Result<Vec<(&'static str, f64)>, Error> {
    let (crowd, ()) = aside(crowd, |crowd| crowd.listen(HOLD)).await?;
    let (before, told) = (usage(), crowd.events());
    let started = std::time::Instant::now();
    let (crowd, times) = aside(crowd, Crowd::enter).await?;
    let (seconds, entering) = (started.elapsed().as_secs_f64(), usage().cpu - before.cpu);
    let (crowd, ()) = aside(crowd, |crowd| crowd.listen(TELLING)).await?;
    let (cpu, told) = (usage().cpu - before.cpu, crowd.events() - told);
    let (crowd, ()) = aside(crowd, |crowd| crowd.listen(HOLD)).await?;
    let rss = usage().rss;
    let members = crowd.len() as f64;
    drop(crowd);
    Ok(vec![
        ("cpu", cpu.as_secs_f64() / members * 1e3),
        ("bytes", (rss as f64 - before.rss as f64) / members),
        ("members", members),
        ("rate", members / seconds),
        ("p50", times.quantile_ms(0.5)),
        ("p99", times.quantile_ms(0.99)),
        ("told", told as f64 / members),
        ("server_cores", entering.as_secs_f64() / seconds),
        ("rss", rss as f64 / 1e6),
    ])
}
