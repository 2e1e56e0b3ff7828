//! The kill switch for a whole app: from the operator's word to the last socket that is closed.
//!
//! The operator's door is the control socket, as `stoa app revoke` uses it. A token that was made within the app's
//! tolerance for clocks after the cut is over as well, so every run has a store of its own.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::cases::Case;
use crate::client::Session;
use crate::client::session::nanos;
use crate::plan::Plan;
use crate::report::{Figure, Sample};
use crate::stats::Histogram;
use crate::stoa::{Stoa, names};
use crate::{Error, proc};

/// Sessions of the app.
const SESSIONS: usize = 10_000;

/// The case.
pub(super) static CASE: Case = Case {
    name: "revoke-app",
    about: "an app with 10,000 sessions is revoked: until the last one is closed",
    figures: &[
        Figure::new("closed", "until the last WebSocket is closed by the server", "ms")
            .goal(300.0, 1_000.0),
        Figure::new("closed_p50", "until half of them are", "ms"),
        Figure::new("ended", "until the last TCP connection has ended", "ms"),
        Figure::new("answer", "until the operator is answered", "ms"),
        Figure::new("cpu", "server CPU per session, the end of its connection included", "ms"),
        Figure::new("server_cores", "server, until the last has ended", "cores"),
        Figure::new("generator_cores", "load generator, until the last has ended", "cores"),
        Figure::new("sessions", "sessions", ""),
    ],
    deadline: |_| Duration::from_secs(240),
    run: |plan| Box::pin(run(plan)),
};

#[expect(clippy::cast_precision_loss, reason = "some thousand sessions, some hundred milliseconds")]
async fn run(plan: &Plan) -> Result<Vec<Sample>, Error> {
    let mut stoa = Stoa::started(&plan.binary).await?;
    let users = names("revoked", SESSIONS);
    stoa.register(&users).await?;
    let mut ends = JoinSet::new();
    for session in stoa.sessions(&users).await? {
        ends.spawn(end(session));
    }
    proc::settled(stoa.pid()).await;
    // Not before: the server hangs up on whoever says nothing for ten seconds.
    let mut operator = stoa.operator().await?;

    let (before, own, asked) = (stoa.usage().cpu, proc::own_cpu(), nanos());
    stoa.revoke_app(&mut operator).await?;
    let answered = nanos();
    let (mut closed, mut last_closed, mut last_ended) = (Histogram::default(), 0, 0);
    while let Some(end) = ends.join_next().await {
        let end = end.map_err(|error| Error::Server(format!("a client: {error}")))??;
        closed.record(end.closed.saturating_sub(asked));
        last_closed = last_closed.max(end.closed);
        last_ended = last_ended.max(end.ended);
    }
    let generator = (proc::own_cpu() - own).as_secs_f64();
    let server = (stoa.usage().cpu - before).as_secs_f64();
    stoa.stop().await?;
    let seconds = |at: u64| at.saturating_sub(asked) as f64 / 1e9;
    Ok(vec![Sample::stoa(vec![
        ("closed", seconds(last_closed) * 1e3),
        ("closed_p50", closed.quantile_ms(0.5)),
        ("ended", seconds(last_ended) * 1e3),
        ("answer", seconds(answered) * 1e3),
        ("cpu", server / SESSIONS as f64 * 1e3),
        ("server_cores", server / seconds(last_ended)),
        ("generator_cores", generator / seconds(last_ended)),
        ("sessions", closed.count() as f64),
    ])])
}

/// When a session was told that its WebSocket is closed, and when its connection had ended.
struct End {
    closed: u64,
    ended: u64,
}

/// Waits for a session's end, and takes part in it as a browser does.
async fn end(session: Session) -> Result<End, Error> {
    let (mut socket, ..) = session.into_parts();
    while socket.receive().await?.is_some() {}
    let closed = nanos();
    // A connection that is gone for good has ended, too.
    let _ = socket.close().await;
    Ok(End { closed, ended: nanos() })
}
