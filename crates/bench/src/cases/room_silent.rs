//! A member of a busy room that reads nothing any more: what the others notice, and the server's memory.
//!
//! The same texts are said without such a member and with one, by turns. A kernel keeps megabytes for a
//! socket that nobody reads, which would hide what the server does for a minute; so the member has little
//! room to receive, and is sent texts that are for it alone until the kernel takes no more.

use std::time::Duration;

use tokio::time::sleep;

use crate::cases::Case;
use crate::cases::room::{MEMBERS, gathered, open};
use crate::client::Session;
use crate::crowd::{Crowd, Msync, Step, aside};
use crate::plan::Plan;
use crate::report::{Figure, Sample};
use crate::stats::Histogram;
use crate::stoa::{Stoa, names};
use crate::{Error, proc};

/// Texts a second.
const RATE: f64 = 300.0;
/// What the silent one's socket has room for.
const RECEIVE_BYTES: u32 = 4_096;
/// Texts for it alone before it is looked whether they were taken, of so many bytes.
const PIECE: usize = 20;
const PIECE_BYTES: usize = 4_000;
/// Pieces at the most.
const PIECES: usize = 120;
/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long what was late may take to arrive.
const DRAIN: Duration = Duration::from_secs(15);
/// Between what is said.
const CALM: Duration = Duration::from_secs(2);

/// The case.
pub(super) static CASE: Case = Case {
    name: "room-silent",
    about: "300 messages/s to a room of 1,000, one of whom does not read: p99 of the others, memory",
    figures: &[
        Figure::new("ratio", "due to received p99, with a silent one / without", "×")
            .wish(1.0, 1.1),
        Figure::new("growth", "growth of server RSS beyond that without", "MB").goal(1.0, 4.0),
        Figure::new("p50_without", "due to received p50, without", "ms"),
        Figure::new("p99_without", "due to received p99, without", "ms"),
        Figure::new("p50_with", "due to received p50, with a silent one", "ms"),
        Figure::new("p99_with", "due to received p99, with a silent one", "ms"),
        Figure::new("lost", "not delivered to the others", "%"),
        Figure::new("growth_without", "growth of server RSS, without", "MB"),
        Figure::new("growth_with", "growth of server RSS, with a silent one", "MB"),
        Figure::new("waiting", "in the kernel for the silent one", "kB"),
        Figure::new("waiting_growth", "of it meanwhile", "kB"),
        Figure::new("rss", "server RSS then", "MB"),
    ],
    deadline: |plan| plan.pick(Duration::from_secs(180), Duration::from_secs(300)),
    run: |plan| Box::pin(run(plan)),
};

async fn run(plan: &Plan) -> Result<Vec<Sample>, Error> {
    let rounds = plan.pick(1, 3);
    let time = Duration::from_secs(plan.pick(6, 10));
    let users = names("room", MEMBERS);
    let silent = names("silent", rounds);
    let mut stoa = Stoa::started(&plan.binary).await?;
    stoa.register(&users).await?;
    stoa.register(&silent).await?;
    let room = open(&stoa, &users).await?;
    let sessions = stoa.sessions(&users).await?;
    let crowd = gathered(sessions, |session: Session| Msync::new(session, &room))?;
    let (mut crowd, _) = aside(crowd, |crowd| {
        let times = crowd.enter()?;
        crowd.step(RATE, CALM)?;
        crowd.listen(CALM).map(|()| times)
    })
    .await?;
    let (mut without, mut with) = (Sum::default(), Sum::default());
    let (mut waiting, mut waiting_growth) = (0, 0);
    for name in &silent {
        crowd = without.add(&stoa, crowd, time).await?;
        let mut session = quiet(&stoa, name).await?;
        // The room's thousand listen while it enters.
        let entered = async {
            session.enter(&room).await?;
            Ok::<_, Error>(session)
        };
        let listened = aside(crowd, |crowd| crowd.listen(CALM));
        let ((listening, ()), session) = tokio::try_join!(listened, entered)?;
        let unsent = Unsent::of(&stoa, &session)?;
        crowd = filled(listening, name, unsent).await?;
        let before = unsent.bytes();
        crowd = with.add(&stoa, crowd, time).await?;
        let after = unsent.bytes();
        waiting = waiting.max(after);
        waiting_growth = waiting_growth.max(after.saturating_sub(before));
        drop(session);
        (crowd, ()) = aside(crowd, |crowd| crowd.listen(CALM)).await?;
    }
    let rss = stoa.usage().rss;
    drop(crowd);
    stoa.stop().await?;
    let megabytes = |bytes: f64| bytes / 1e6;
    let (p99_without, p99_with) =
        (without.latencies.quantile_ms(0.99), with.latencies.quantile_ms(0.99));
    #[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
    Ok(vec![Sample::stoa(vec![
        ("ratio", p99_with / p99_without.max(1e-9)),
        ("growth", megabytes((with.growth - without.growth).max(0.0))),
        ("p50_without", without.latencies.quantile_ms(0.5)),
        ("p99_without", p99_without),
        ("p50_with", with.latencies.quantile_ms(0.5)),
        ("p99_with", p99_with),
        ("lost", without.lost.max(with.lost)),
        ("growth_without", megabytes(without.growth)),
        ("growth_with", megabytes(with.growth)),
        ("waiting", waiting as f64 / 1e3),
        ("waiting_growth", waiting_growth as f64 / 1e3),
        ("rss", megabytes(rss as f64)),
    ])])
}

/// Logs somebody in whose socket has little room.
async fn quiet(stoa: &Stoa, name: &str) -> Result<Session, Error> {
    let endpoint = stoa.endpoint().clone().narrow(RECEIVE_BYTES);
    Session::start(&endpoint, stoa.identity(name)).await
}

/// What the server's kernel has not got rid of on one connection.
#[derive(Clone, Copy)]
struct Unsent {
    server: std::net::SocketAddr,
    client: std::net::SocketAddr,
}

impl Unsent {
    fn of(stoa: &Stoa, session: &Session) -> Result<Self, Error> {
        Ok(Self { server: stoa.endpoint().address, client: session.local_address()? })
    }

    fn bytes(self) -> u64 {
        proc::unsent(self.server, self.client).unwrap_or_default()
    }
}

/// Sends one member texts of its own until no more of them go into the kernel.
async fn filled(
    mut crowd: Crowd<Msync>,
    name: &str,
    unsent: Unsent,
) -> Result<Crowd<Msync>, Error> {
    let (mut last, mut unchanged) = (0, 0);
    for _ in 0..PIECES {
        let name = name.to_owned();
        (crowd, ()) = aside(crowd, move |crowd| {
            crowd.tell_one(&name, PIECE, PIECE_BYTES)?;
            crowd.listen(Duration::from_millis(50))
        })
        .await?;
        let now = unsent.bytes();
        unchanged = if now > last { 0 } else { unchanged + 1 };
        if unchanged == 3 {
            break;
        }
        last = now;
    }
    Ok(crowd)
}

/// What several rounds have in common.
#[derive(Default)]
struct Sum {
    latencies: Histogram,
    /// The most by which memory grew in a round, in bytes.
    growth: f64,
    /// The most that was not delivered, in percent.
    lost: f64,
}

impl Sum {
    /// One more round; memory is looked at all the time.
    async fn add(
        &mut self,
        stoa: &Stoa,
        crowd: Crowd<Msync>,
        time: Duration,
    ) -> Result<Crowd<Msync>, Error> {
        let before = stoa.rss();
        let mut most = before;
        let (crowd, step): (_, Step) = {
            let stepped = aside(crowd, move |crowd| crowd.step(RATE, time));
            let mut stepped = std::pin::pin!(stepped);
            loop {
                tokio::select! {
                    done = &mut stepped => break done?,
                    () = sleep(LOOK_EVERY) => most = most.max(stoa.rss()),
                }
            }
        };
        // What is late must not be in the way of what is measured next.
        let (crowd, ()) = aside(crowd, |crowd| crowd.drain(DRAIN)).await?;
        self.latencies.add(&step.latencies);
        self.lost = self.lost.max(step.lost());
        #[expect(clippy::cast_precision_loss, reason = "megabytes with three digits")]
        let growth = (most - before) as f64;
        self.growth = self.growth.max(growth);
        Ok(crowd)
    }
}
