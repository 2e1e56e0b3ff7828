//! Sound and pictures of class rooms, from one to many and from all to all, with Janus in the same run.

use std::net::IpAddr;
use std::time::Duration;

use crate::Error;
use crate::cases::{Case, Run};
use crate::media::Load;
use crate::media::measure::{self, measure};
use crate::media::namespace::{Need, inside};
use crate::media::ours::Ours;
use crate::media::theirs::Theirs;
use crate::plan::Plan;
use crate::report::{Figure, Sample};

const VIDEO: u32 = 1_200_000;
const SMALL_VIDEO: u32 = 300_000;
/// The event loops of Janus that it is compared with.
const LOOPS: u32 = 2;

/// The memory that each takes.
const RSS: Figure = Figure::new("rss", "server RSS per participant", "kB");

/// What each case says; `aim` is the share of Janus' processor time.
const fn figures(aim: f64, rss: Figure) -> [Figure; 15] {
    [
        Figure::new("cpu", "server CPU per million packets forwarded", "s"),
        Figure::new("ratio", "the same against Janus' with 2 event loops", "×").goal(aim, 1.0),
        Figure::new("delay", "delay p99 against Janus' with 2 event loops", "×").goal(1.0, 1.5),
        rss,
        Figure::new("packets", "packets forwarded", "1/s"),
        Figure::new("lost", "lost", "%").goal(0.1, 1.0),
        Figure::new("p50", "sent to received p50", "ms"),
        Figure::new("p99", "sent to received p99", "ms"),
        Figure::new("inside", "sent to decrypted p99", "ms"),
        Figure::new("late", "due to sent p99", "ms"),
        Figure::new("server_cores", "server", "cores"),
        Figure::new("client_cores", "load generator", "cores"),
        Figure::new("busy", "the machine, all that runs on it", "cores"),
        Figure::new("connections", "peer connections", ""),
        Figure::new("threads", "threads of the server", ""),
    ]
}

/// The case from one to a hundred.
pub(super) static FAN_100: Case = Case {
    name: "media-fan-100",
    about: "a picture of 1.2 Mbit/s for 100 who watch: CPU per million packets forwarded",
    figures: &const { figures(0.65, RSS) },
    deadline,
    run: |plan| run(plan, fan(100)),
};

/// The case from one to two hundred.
pub(super) static FAN_200: Case = Case {
    name: "media-fan-200",
    about: "the same for 200: CPU, and memory for each participant",
    figures: &const { figures(0.65, RSS.goal(300.0, 600.0)) },
    deadline,
    run: |plan| run(plan, fan(200)),
};

/// The case of many small rooms.
pub(super) static MESH_10X5: Case = Case {
    name: "media-mesh-10x5",
    about: "10 rooms of 5 who see and hear each other, 300 kbit/s: CPU per million packets",
    figures: &const { figures(0.55, RSS) },
    deadline,
    run: |plan| run(plan, mesh(10, 5)),
};

/// The case of fewer larger ones.
pub(super) static MESH_5X10: Case = Case {
    name: "media-mesh-5x10",
    about: "5 rooms of 10 who see and hear each other, 300 kbit/s: CPU per million packets",
    figures: &const { figures(0.55, RSS) },
    deadline,
    run: |plan| run(plan, mesh(5, 10)),
};

const fn fan(watchers: usize) -> Load {
    Load { rooms: 1, members: 1 + watchers, all: false, video: VIDEO }
}

const fn mesh(rooms: usize, members: usize) -> Load {
    Load { rooms, members, all: true, video: SMALL_VIDEO }
}

const fn deadline(_: &Plan) -> Duration {
    Duration::from_secs(240)
}

fn run(plan: &Plan, load: Load) -> Run<'_> {
    let need = if plan.peers { Need::Always } else { Need::IfAllowed };
    let plan = plan.clone();
    Box::pin(inside(need, move |at| async move { compared(&plan, &load, at).await }))
}

async fn compared(plan: &Plan, load: &Load, at: IpAddr) -> Result<Vec<Sample>, Error> {
    let window = Duration::from_secs(plan.pick(4, 12));
    let measure::Run { sample: mut ours, cpu, delay } =
        measure(Ours::started(&plan.binary, at).await?, load, at, window).await?;
    if !plan.peers {
        return Ok(vec![ours]);
    }
    let theirs = measure(Theirs::started(at, Some(LOOPS)).await?, load, at, window).await?;
    ours.values.push(("ratio", cpu / theirs.cpu));
    ours.values.push(("delay", delay / theirs.delay));
    let threads = measure(Theirs::started(at, None).await?, load, at, window).await?;
    Ok(vec![ours, theirs.sample, threads.sample])
}
