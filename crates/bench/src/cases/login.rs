//! Logins over full TLS handshakes, 64 at a time: connect, upgrade, PROVISION with a 007 token, close.

use std::time::{Duration, Instant};

use crate::cases::Case;
use crate::client::Session;
use crate::client::session::nanos;
use crate::peers::ejabberd::{Archive, Ejabberd};
use crate::peers::xmpp::Xmpp;
use crate::plan::Plan;
use crate::proc::Usage;
use crate::report::{Figure, Sample};
use crate::stats::Histogram;
use crate::stoa::{AT_ONCE, Stoa, names};
use crate::{Error, parallel, proc};

/// Users that log in by turns, each with a token of its own.
const USERS: usize = 1_000;

/// The case.
pub(super) static CASE: Case = Case {
    name: "login",
    about: "TCP, full TLS 1.3 handshake, WebSocket upgrade, PROVISION with a 007 token, close",
    figures: &[
        Figure::new("cpu", "server CPU per login", "ms").goal(0.30, 0.50),
        Figure::new("rate", "logins", "1/s"),
        Figure::new("p50", "login p50", "ms"),
        Figure::new("p99", "login p99", "ms"),
        Figure::new("server_cores", "server", "cores"),
        Figure::new("generator_cores", "load generator", "cores"),
    ],
    deadline: |_| Duration::from_secs(240),
    run: |plan| Box::pin(run(plan)),
};

async fn run(plan: &Plan) -> Result<Vec<Sample>, Error> {
    let mut stoa = Stoa::started(&plan.binary).await?;
    let users = names("login", USERS);
    stoa.register(&users).await?;
    let endpoint = stoa.endpoint().clone();
    let identities: Vec<_> = users.iter().map(|user| stoa.identity(user)).collect();
    let login = move |turn: usize| {
        let (endpoint, identity) = (endpoint.clone(), identities[turn % USERS].clone());
        async move {
            let started = nanos();
            let mut session = Session::open(&endpoint, identity).await?;
            session.login().await?;
            let took = nanos() - started;
            session.close().await.map(|()| took)
        }
    };
    let count = plan.pick(10_000, 30_000);
    let mut samples = vec![Sample::stoa(measure(login, count, &|| stoa.usage()).await?)];
    stoa.stop().await?;
    if plan.peers {
        samples.push(ejabberd(&users, plan.pick(5_000, 15_000)).await?);
    }
    Ok(samples)
}

/// SASL PLAIN and the binding of a resource, where we have PROVISION.
async fn ejabberd(users: &[String], count: usize) -> Result<Sample, Error> {
    let ejabberd = Ejabberd::started(Archive::None).await?;
    ejabberd.register(users).await?;
    let (endpoint, users) = (ejabberd.endpoint().clone(), users.to_vec());
    let login = move |turn: usize| {
        let (endpoint, user) = (endpoint.clone(), users[turn % USERS].clone());
        async move {
            let started = nanos();
            let session = Xmpp::login(&endpoint, &user).await?;
            let took = nanos() - started;
            session.close().await.map(|()| took)
        }
    };
    let values = measure(login, count, &|| ejabberd.usage()).await?;
    ejabberd.stop().await?;
    Ok(Sample { subject: "ejabberd".into(), values })
}

/// Logs in and out `count` times, after every user did once, so that what a user's first login ever
/// makes is made. `login` is given its number and says how many nanoseconds it took.
async fn measure<L, F>(
    login: L,
    count: usize,
    usage: &dyn Fn() -> Usage,
) -> Result<Vec<(&'static str, f64)>, Error>
where
    L: Fn(usize) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<u64, Error>> + Send + 'static,
{
    parallel::each((0..USERS).collect(), AT_ONCE, login.clone()).await?;
    let (before, own, started) = (usage(), proc::own_cpu(), Instant::now());
    let times = parallel::each((0..count).collect(), AT_ONCE, login).await?;
    let seconds = started.elapsed().as_secs_f64();
    let server = (usage().cpu - before.cpu).as_secs_f64();
    let generator = (proc::own_cpu() - own).as_secs_f64();
    let mut latencies = Histogram::default();
    for time in times {
        latencies.record(time);
    }
    #[expect(clippy::cast_precision_loss, reason = "some ten thousand")]
    let count = count as f64;
    Ok(vec![
        ("cpu", server / count * 1e3),
        ("rate", count / seconds),
        ("p50", latencies.quantile_ms(0.5)),
        ("p99", latencies.quantile_ms(0.99)),
        ("server_cores", server / seconds),
        ("generator_cores", generator / seconds),
    ])
}
