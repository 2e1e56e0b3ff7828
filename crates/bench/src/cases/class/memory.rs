//! What somebody in a lecture takes in memory, beyond a session that does nothing.

use std::time::Duration;

use tokio::time::sleep;

use super::{Hall, filled, students};
use crate::Error;
use crate::cases::Case;
use crate::crowd::aside;
use crate::plan::Plan;
use crate::report::{Figure, Sample};
use crate::stoa::{Stoa, names};

/// Until memory that is free has gone back to the system.
const HOLD: Duration = Duration::from_secs(10);

/// The case.
pub(in crate::cases) static CASE: Case = Case {
    name: "class-memory",
    about: "5,000 students in a lecture: memory for each beyond that of an idle session",
    figures: &[
        Figure::new("bytes", "server RSS per participant beyond the session", "bytes")
            .goal(4_000.0, 12_000.0),
        Figure::new("participant", "server RSS per participant, session included", "bytes"),
        Figure::new("session", "server RSS per idle session", "bytes"),
        Figure::new("students", "students", ""),
        Figure::new("rss", "server RSS with all of them", "MB"),
    ],
    deadline: |_| Duration::from_secs(360),
    run: |plan| Box::pin(run(plan)),
};

#[expect(clippy::cast_precision_loss, reason = "bytes with three digits")]
async fn run(plan: &Plan) -> Result<Vec<Sample>, Error> {
    let count = students(plan);
    let session = session(plan, count).await?;
    let stoa = Stoa::started(&plan.binary).await?;
    let before = stoa.rss();
    let Hall { mut stoa, crowd, .. } = filled(stoa, count).await?;
    let (crowd, ()) = aside(crowd, |crowd| crowd.listen(HOLD)).await?;
    let rss = stoa.rss();
    drop(crowd);
    stoa.stop().await?;
    let participant = (rss as f64 - before as f64) / count as f64;
    Ok(vec![Sample::stoa(vec![
        ("bytes", participant - session),
        ("participant", participant),
        ("session", session),
        ("students", count as f64),
        ("rss", rss as f64 / 1e6),
    ])])
}

/// Bytes of a session of chat that does nothing, on a server of its own.
#[expect(clippy::cast_precision_loss, reason = "bytes with three digits")]
async fn session(plan: &Plan, count: usize) -> Result<f64, Error> {
    let mut stoa = Stoa::started(&plan.binary).await?;
    let users = names("idle", count);
    stoa.register(&users).await?;
    stoa.restart().await?;
    let before = stoa.rss();
    let sessions = stoa.sessions(&users).await?;
    sleep(HOLD).await;
    let held = stoa.rss();
    drop(sessions);
    stoa.stop().await?;
    Ok((held as f64 - before as f64) / count as f64)
}
