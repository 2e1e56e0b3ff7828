//! Tokens by the token server, over mutual TLS on connections that stay open.
//!
//! Eight clients with certificates of their own have four connections each; on each, one call follows the
//! other. Tokens are asked for a thousand ids by turns, for all of which a user was registered before.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::cases::Case;
use crate::client::session::nanos;
use crate::plan::Plan;
use crate::report::{Figure, Sample};
use crate::rest::Rest;
use crate::stats::Histogram;
use crate::stoa::Stoa;
use crate::{Error, proc};

/// As many as are needed so that none comes near the calls that one client has.
const CLIENTS: usize = 8;
const CONNECTIONS: usize = 4;
/// People whom the app has.
const USERS: usize = 1_000;

/// The case.
pub(super) static CASE: Case = Case {
    name: "token-server",
    about: "user tokens minted over mutual TLS, 32 connections that stay open",
    figures: &[
        Figure::new("per_core", "tokens per second of server CPU", "1/s").least(20_000.0, 8_000.0),
        Figure::new("rate", "tokens", "1/s"),
        Figure::new("p50", "token p50", "ms"),
        Figure::new("p99", "token p99", "ms"),
        Figure::new("first", "server CPU per first token of a user", "ms"),
        Figure::new("server_cores", "server", "cores"),
        Figure::new("generator_cores", "load generator", "cores"),
    ],
    deadline: |_| Duration::from_secs(120),
    run: |plan| Box::pin(run(plan)),
};

#[expect(clippy::cast_precision_loss, reason = "some hundred thousand")]
async fn run(plan: &Plan) -> Result<Vec<Sample>, Error> {
    let mut stoa = Stoa::minting(&plan.binary).await?;
    let mut connections = Vec::new();
    for client in 0..CLIENTS {
        let endpoint = stoa.token_client(&format!("client-{client}"))?;
        for _ in 0..CONNECTIONS {
            connections.push(Rest::connect(&endpoint, String::new()).await?);
        }
    }
    let all = connections.len();

    // Each user's first token registers it.
    let before = stoa.usage().cpu;
    let (connections, _) = mint(connections, USERS / all + 1).await?;
    let first = (stoa.usage().cpu - before).as_secs_f64() / ((USERS / all + 1) * all) as f64;
    // And some more, so that everything is warm.
    let (connections, _) = mint(connections, 100).await?;

    let each = plan.pick(2_000, 8_000);
    let (before, own, started) = (stoa.usage(), proc::own_cpu(), Instant::now());
    let (connections, latencies) = mint(connections, each).await?;
    let seconds = started.elapsed().as_secs_f64();
    let server = (stoa.usage().cpu - before.cpu).as_secs_f64();
    let generator = (proc::own_cpu() - own).as_secs_f64();
    drop(connections);
    stoa.stop().await?;
    let count = (each * all) as f64;
    Ok(vec![Sample::stoa(vec![
        ("per_core", count / server),
        ("rate", count / seconds),
        ("p50", latencies.quantile_ms(0.5)),
        ("p99", latencies.quantile_ms(0.99)),
        ("first", first * 1e3),
        ("server_cores", server / seconds),
        ("generator_cores", generator / seconds),
    ])])
}

/// Asks for `each` tokens on every connection, one after the other, and gives the connections back.
async fn mint(connections: Vec<Rest>, each: usize) -> Result<(Vec<Rest>, Histogram), Error> {
    let all = connections.len();
    let mut workers = JoinSet::new();
    for (place, mut connection) in connections.into_iter().enumerate() {
        workers.spawn(async move {
            let mut times = Vec::with_capacity(each);
            for turn in 0..each {
                let user = (turn * all + place) % USERS;
                let body = json!({ "user": format!("person-{user}@example.org") });
                let asked = nanos();
                let (status, answer) = connection.call("POST", "/v1/tokens", &body).await?;
                times.push(nanos() - asked);
                if status != 200 || !answer.starts_with(br#"{"token":"007"#) {
                    let answer = String::from_utf8_lossy(&answer);
                    return Err(Error::protocol(format!("HTTP {status}: {answer}")));
                }
            }
            Ok((connection, times))
        });
    }
    let (mut back, mut latencies) = (Vec::with_capacity(all), Histogram::default());
    while let Some(worker) = workers.join_next().await {
        let (connection, times) =
            worker.map_err(|error| Error::Server(format!("a worker: {error}")))??;
        back.push(connection);
        times.into_iter().for_each(|time| latencies.record(time));
    }
    Ok((back, latencies))
}
