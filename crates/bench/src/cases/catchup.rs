//! A user with 2,000 conversations comes back: what the server spends on PROVISION and UNREAD.
//!
//! The conversations are made by 2,000 users who send through the server. The device was there for
//! the first message of each and acknowledged it, went away, and missed one message a day in every
//! conversation. For this the server's clock is set back by a week and moved on day by day, with
//! libfaketime and a restart for each; where that is not installed all messages are of today, which
//! the figure `days` says.

use std::time::{Duration, Instant};

use crate::cases::Case;
use crate::client::Session;
use crate::client::protocol::News;
use crate::plan::Plan;
use crate::report::{Figure, Sample};
use crate::stats::Spread;
use crate::stoa::{AT_ONCE, Stoa, faketime, names};
use crate::{Error, parallel, proc};

const CONVERSATIONS: usize = 2_000;
/// Messages missed in each conversation, one a day.
const MISSED: u32 = 6;
/// Logins whose median is told.
const ROUNDS: usize = 20;

/// The case.
pub(super) static CASE: Case = Case {
    name: "catchup",
    about: "a user with 2,000 conversations comes back: PROVISION and UNREAD, then everything",
    figures: &[
        Figure::new("cpu", "server CPU for PROVISION and UNREAD, first after a start", "ms")
            .goal(20.0, 50.0),
        Figure::new("cpu_again", "server CPU for PROVISION and UNREAD, later", "ms"),
        Figure::new("wall", "until the answer to UNREAD, first after a start", "ms"),
        Figure::new("wall_again", "until the answer to UNREAD, later", "ms"),
        Figure::new("all_cpu", "server CPU for pulling all 12,000 messages", "ms"),
        Figure::new("all_wall", "until all 12,000 messages are there", "ms"),
        Figure::new("days", "days over which they were sent", ""),
    ],
    deadline: |_| Duration::from_secs(240),
    run: |plan| Box::pin(run(plan)),
};

async fn run(plan: &Plan) -> Result<Vec<Sample>, Error> {
    let mut stoa = Stoa::started(&plan.binary).await?;
    let senders = names("sender", CONVERSATIONS);
    let reader = names("reader", 2);
    stoa.register(&senders).await?;
    stoa.register(&reader).await?;
    let days = if faketime().is_some() { MISSED + 1 } else { 0 };
    for day in 0..=MISSED {
        stoa.restart_ago(days.saturating_sub(day)).await?;
        if day == 0 {
            meet(&stoa, &senders, &reader[0]).await?;
        } else {
            write(stoa.sessions(&senders).await?, &reader[0]).await?;
        }
    }

    stoa.restart_ago(0).await?;
    // A login of somebody else, so that the first of a process is not what is measured.
    Session::start(stoa.endpoint(), stoa.identity(&reader[1])).await?.close().await?;
    let (first, session) = come_back(&stoa, &reader[0]).await?;
    session.close().await?;
    let (mut cpu, mut wall) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (cost, session) = come_back(&stoa, &reader[0]).await?;
        cpu.push(cost.cpu);
        wall.push(cost.wall);
        session.close().await?;
    }
    let all = everything(&stoa, &reader[0]).await?;
    stoa.stop().await?;
    let median = |values: &[f64]| Spread::of(values).map_or(0.0, |spread| spread.median);
    Ok(vec![Sample::stoa(vec![
        ("cpu", first.cpu),
        ("cpu_again", median(&cpu)),
        ("wall", first.wall),
        ("wall_again", median(&wall)),
        ("all_cpu", all.cpu),
        ("all_wall", all.wall),
        ("days", days.into()),
    ])])
}

/// Everybody writes to the reader, who is there and takes it.
async fn meet(stoa: &Stoa, senders: &[String], reader: &str) -> Result<(), Error> {
    let sessions = stoa.sessions(senders).await?;
    let mut there = Session::start(stoa.endpoint(), stoa.identity(reader)).await?;
    let to = reader.to_owned();
    let greeting = tokio::spawn(async move { write(sessions, &to).await });
    let mut conversations = 0;
    while conversations < CONVERSATIONS {
        let news = there.hear().await?;
        there.answer().await?;
        if let News::Page(metas) | News::Last(metas) = news {
            conversations += metas.len();
        }
    }
    greeting.await.map_err(|error| Error::Server(format!("a worker: {error}")))??;
    // The places are stored when the device goes; its last acknowledgements are before that.
    there.close().await
}

/// Everybody sends a message and leaves.
async fn write(sessions: Vec<Session>, to: &str) -> Result<(), Error> {
    let to = to.to_owned();
    let work = move |mut session: Session| {
        let to = to.clone();
        async move {
            let id = session.send_text(&to, "tea ".repeat(25)).await?;
            session.until(|news| *news == News::Ack(id)).await?;
            session.close().await
        }
    };
    parallel::each(sessions, AT_ONCE, work).await.map(drop)
}

/// Milliseconds.
struct Cost {
    cpu: f64,
    wall: f64,
}

/// Logs in and waits for what UNREAD lists, without asking for it.
async fn come_back(stoa: &Stoa, reader: &str) -> Result<(Cost, Session), Error> {
    let mut session = Session::open(stoa.endpoint(), stoa.identity(reader)).await?;
    proc::settled(stoa.pid()).await;
    let (before, started) = (proc::exact_cpu(stoa.pid()), Instant::now());
    session.provision().await?;
    let News::Unread(listed) = session.hear().await? else {
        return Err(Error::protocol("no answer to UNREAD"));
    };
    let wall = started.elapsed().as_secs_f64() * 1e3;
    proc::settled(stoa.pid()).await;
    let cpu = (proc::exact_cpu(stoa.pid()) - before).as_secs_f64() * 1e3;
    if listed != CONVERSATIONS {
        return Err(Error::protocol(format!("{listed} conversations are listed as unread")));
    }
    Ok((Cost { cpu, wall }, session))
}

/// Logs in and takes everything.
async fn everything(stoa: &Stoa, reader: &str) -> Result<Cost, Error> {
    let (before, started) = (proc::exact_cpu(stoa.pid()), Instant::now());
    let mut session = Session::start(stoa.endpoint(), stoa.identity(reader)).await?;
    let mut received = 0;
    while received < CONVERSATIONS * MISSED as usize {
        let news = session.hear().await?;
        session.answer().await?;
        if let News::Page(metas) | News::Last(metas) = news {
            received += metas.len();
        }
    }
    let wall = started.elapsed().as_secs_f64() * 1e3;
    session.close().await?;
    proc::settled(stoa.pid()).await;
    Ok(Cost { cpu: (proc::exact_cpu(stoa.pid()) - before).as_secs_f64() * 1e3, wall })
}
