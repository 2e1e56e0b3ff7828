//! What an authenticated session costs that does nothing: resident memory of the server before and
//! with thousands of them.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::cases::Case;
use crate::client::Session;
use crate::client::protocol::News;
use crate::peers::ejabberd::{Archive, Ejabberd};
use crate::peers::xmpp::Xmpp;
use crate::plan::Plan;
use crate::report::{Figure, Sample};
use crate::stoa::{AT_ONCE, Stoa, names};
use crate::{Error, parallel};

/// How long they do nothing before memory is read.
const HOLD: Duration = Duration::from_secs(10);

/// The case.
pub(super) static CASE: Case = Case {
    name: "idle",
    about: "thousands of sessions that do nothing: memory of the server for each",
    figures: &[
        Figure::new("sessions", "sessions", ""),
        Figure::new("after_login", "server RSS per session, 10 s after the logins", "bytes"),
        Figure::new("after_beat", "server RSS per session, after one heartbeat each", "bytes")
            .goal(6_000.0, 14_000.0),
        Figure::new("after_message", "server RSS per session, after one message each", "bytes"),
        Figure::new("rss_before", "server RSS before", "MB"),
        Figure::new("rss_held", "server RSS with all sessions", "MB"),
        Figure::new("login_cpu", "server CPU per login, UNREAD included", "ms"),
        Figure::new("idle_cpu", "server CPU while they do nothing", "% of a core"),
    ],
    deadline: |_| Duration::from_secs(300),
    run: |plan| Box::pin(run(plan)),
};

async fn run(plan: &Plan) -> Result<Vec<Sample>, Error> {
    let count = plan.pick(2_000, 10_000);
    let mut stoa = Stoa::started(&plan.binary).await?;
    let mut users = names("idle", count + 1);
    stoa.register(&users).await?;
    // Memory of the registrations must not be there for sessions to move into.
    stoa.restart().await?;
    let warm = users.split_off(count);
    for session in stoa.sessions(&warm).await? {
        session.close().await?;
    }
    let before = stoa.usage();
    let sessions = stoa.sessions(&users).await?;
    let logged_in = stoa.usage();
    let held = Instant::now();
    sleep(HOLD).await;
    let after_login = stoa.usage();
    let idle = (after_login.cpu - logged_in.cpu).as_secs_f64() / held.elapsed().as_secs_f64();

    let sessions = parallel::each(sessions, AT_ONCE, |mut session: Session| async move {
        session.heartbeat().await.map(|()| session)
    })
    .await?;
    sleep(Duration::from_secs(1)).await;
    let after_beat = stoa.usage();

    let sessions = parallel::each(pairs(sessions), AT_ONCE, |(mut one, mut other)| async move {
        message(&mut one, &mut other).await?;
        message(&mut other, &mut one).await?;
        Ok((one, other))
    })
    .await?;
    sleep(Duration::from_secs(2)).await;
    let after_message = stoa.usage();
    drop(sessions);
    stoa.stop().await?;

    #[expect(clippy::cast_precision_loss, reason = "bytes with three digits")]
    let each = |rss: u64| (rss as f64 - before.rss as f64) / count as f64;
    #[expect(clippy::cast_precision_loss, reason = "bytes with three digits")]
    let megabytes = |rss: u64| rss as f64 / 1e6;
    #[expect(clippy::cast_precision_loss, reason = "some thousand")]
    let sessions = count as f64;
    let mut samples = vec![Sample::stoa(vec![
        ("sessions", sessions),
        ("after_login", each(after_login.rss)),
        ("after_beat", each(after_beat.rss)),
        ("after_message", each(after_message.rss)),
        ("rss_before", megabytes(before.rss)),
        ("rss_held", megabytes(after_login.rss)),
        ("login_cpu", (logged_in.cpu - before.cpu).as_secs_f64() / sessions * 1e3),
        ("idle_cpu", idle * 100.0),
    ])];
    if plan.peers {
        samples.push(ejabberd(&users).await?);
    }
    Ok(samples)
}

/// The same without presence, rosters and messages: less than a client of XMPP would have.
async fn ejabberd(users: &[String]) -> Result<Sample, Error> {
    let mut ejabberd = Ejabberd::started(Archive::None).await?;
    ejabberd.register(users).await?;
    ejabberd.restart().await?;
    for session in ejabberd.sessions(&users[..1], false).await? {
        session.close().await?;
    }
    let before = ejabberd.usage();
    let sessions = ejabberd.sessions(users, false).await?;
    let logged_in = ejabberd.usage();
    let held = Instant::now();
    sleep(HOLD).await;
    let after_login = ejabberd.usage();
    let idle = (after_login.cpu - logged_in.cpu).as_secs_f64() / held.elapsed().as_secs_f64();
    let sessions = parallel::each(sessions, AT_ONCE, |mut session: Xmpp| async move {
        session.ping().await.map(|()| session)
    })
    .await?;
    sleep(Duration::from_secs(1)).await;
    let after_beat = ejabberd.usage();
    drop(sessions);
    ejabberd.stop().await?;
    #[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
    let (count, before_rss) = (users.len() as f64, before.rss as f64);
    #[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
    let values = vec![
        ("sessions", count),
        ("after_login", (after_login.rss as f64 - before_rss) / count),
        ("after_beat", (after_beat.rss as f64 - before_rss) / count),
        ("rss_before", before_rss / 1e6),
        ("rss_held", after_login.rss as f64 / 1e6),
        ("login_cpu", (logged_in.cpu - before.cpu).as_secs_f64() / count * 1e3),
        ("idle_cpu", idle * 100.0),
    ];
    Ok(Sample { subject: "ejabberd".into(), values })
}

fn pairs(sessions: Vec<Session>) -> Vec<(Session, Session)> {
    let mut sessions = sessions.into_iter();
    let mut pairs = Vec::new();
    while let (Some(one), Some(other)) = (sessions.next(), sessions.next()) {
        pairs.push((one, other));
    }
    pairs
}

/// One text, taken and acknowledged on both sides.
async fn message(from: &mut Session, to: &mut Session) -> Result<(), Error> {
    let name = to.identity().user.clone();
    let id = from.send_text(&name, "tea?".into()).await?;
    from.until(|news| *news == News::Ack(id)).await?;
    to.until(|news| matches!(news, News::Page(metas) if !metas.is_empty())).await?;
    to.until(|news| matches!(news, News::Last(_))).await.map(|_| ())
}
