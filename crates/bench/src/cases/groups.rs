//! Groups over REST: what it costs to make one with 500 members, and to list one of 5,000.
//!
//! Nobody is online. The back end makes groups with its app token; a member lists one with its own.
//! Processor time is read to the nanosecond for each call, up to where the server is quiet again.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cases::Case;
use crate::plan::Plan;
use crate::report::{Figure, Sample};
use crate::rest::Rest;
use crate::stats::Spread;
use crate::stoa::{Stoa, names};
use crate::{Error, proc};

const MADE_WITH: usize = 500;
const LISTED: usize = 5_000;
/// Members on a page.
const PAGE: usize = 100;

/// The case.
pub(super) static CASE: Case = Case {
    name: "groups",
    about: "REST: make a group with 500 members; list the first page of one with 5,000",
    figures: &[
        Figure::new("create_cpu", "server CPU for making a group with 500 members", "ms")
            .goal(5.0, 20.0),
        Figure::new("create_cpu_mean", "of all of them the mean, compaction included", "ms"),
        Figure::new("create_wall", "until the answer", "ms"),
        Figure::new("created", "groups made", ""),
        Figure::new("list_cpu", "server CPU for listing 5,000 members, first page", "ms")
            .goal(2.0, 10.0),
        Figure::new("list_cpu_first", "the same, first after a start", "ms"),
        Figure::new("list_cpu_cursor", "the same by cursor", "ms"),
        Figure::new("list_wall", "until the answer to the first page", "ms"),
        Figure::new("list_wall_first", "until the answer, first after a start", "ms"),
        Figure::new("add_cpu", "server CPU per member added, 60 in a call", "ms"),
        Figure::new("rss", "server RSS then", "MB"),
    ],
    deadline: |_| Duration::from_secs(240),
    run: |plan| Box::pin(run(plan)),
};

#[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
async fn run(plan: &Plan) -> Result<Vec<Sample>, Error> {
    let mut stoa = Stoa::started(&plan.binary).await?;
    let users = names("groups", LISTED);
    stoa.register(&users).await?;
    let mut rest = Rest::connect(stoa.endpoint(), stoa.token(None)).await?;
    // The first of a process is not what is measured.
    let small = stoa.group(&mut rest, "first", &users[..MADE_WITH]).await?;
    let made = make(&stoa, &mut rest, &users, plan.pick(10, 40)).await?;
    let before = stoa.usage().cpu;
    let large = stoa.group(&mut rest, "five thousand", &users).await?;
    proc::settled(stoa.pid()).await;
    let added = (stoa.usage().cpu - before).as_secs_f64() * 1e3 / (LISTED - 1) as f64;

    // Again nothing is in memory, but for what any call brings there.
    stoa.restart().await?;
    let mut rest = Rest::connect(stoa.endpoint(), stoa.token(Some(&users[1]))).await?;
    let groups = format!("{}/chatgroups", stoa.app_path());
    let page = |group: &str| format!("{groups}/{group}/users?pagenum=1&pagesize={PAGE}");
    list(&stoa, &mut rest, &page(&small)).await?;
    let first = list(&stoa, &mut rest, &page(&large)).await?;
    let rounds = plan.pick(20, 50);
    let again = repeat(&stoa, &mut rest, &page(&large), rounds).await?;
    let cursor = format!("{groups}/{large}/users?limit={PAGE}&cursor=");
    let by_cursor = repeat(&stoa, &mut rest, &cursor, rounds).await?;
    let rss = stoa.usage().rss;
    stoa.stop().await?;
    Ok(vec![Sample::stoa(vec![
        ("create_cpu", median(&made.costs, |cost| cost.cpu)),
        ("create_cpu_mean", made.cpu_of_all / made.costs.len() as f64),
        ("create_wall", median(&made.costs, |cost| cost.wall)),
        ("created", made.costs.len() as f64),
        ("list_cpu", median(&again, |cost| cost.cpu)),
        ("list_cpu_first", first.cpu),
        ("list_cpu_cursor", median(&by_cursor, |cost| cost.cpu)),
        ("list_wall", median(&again, |cost| cost.wall)),
        ("list_wall_first", first.wall),
        ("add_cpu", added),
        ("rss", rss as f64 / 1e6),
    ])])
}

/// Milliseconds.
struct Cost {
    cpu: f64,
    wall: f64,
}

/// Groups that were made.
struct Made {
    costs: Vec<Cost>,
    /// Milliseconds from the first to where the server was quiet after the last.
    cpu_of_all: f64,
}

/// Makes groups one after the other, each with other members.
async fn make(stoa: &Stoa, rest: &mut Rest, users: &[String], count: usize) -> Result<Made, Error> {
    let before = stoa.usage().cpu;
    let mut costs = Vec::new();
    for number in 0..count {
        // Every user is in about as many groups as every other.
        let start = number * MADE_WITH % users.len();
        let members: Vec<_> = users.iter().cycle().skip(start).take(MADE_WITH).cloned().collect();
        let name = format!("group {number}");
        let (_, cost) = timed(stoa, stoa.group(rest, &name, &members)).await?;
        costs.push(cost);
    }
    Ok(Made { costs, cpu_of_all: (stoa.usage().cpu - before).as_secs_f64() * 1e3 })
}

async fn repeat(
    stoa: &Stoa,
    rest: &mut Rest,
    path: &str,
    rounds: usize,
) -> Result<Vec<Cost>, Error> {
    let mut costs = Vec::new();
    for _ in 0..rounds {
        costs.push(list(stoa, rest, path).await?);
    }
    Ok(costs)
}

/// Lists a page of members.
async fn list(stoa: &Stoa, rest: &mut Rest, path: &str) -> Result<Cost, Error> {
    let (answer, cost) = timed(stoa, rest.ask("GET", path, &Value::Null)).await?;
    full_page(&answer)?;
    Ok(cost)
}

/// Whether `answer` is a page with as many members as were asked for.
fn full_page(answer: &Value) -> Result<(), Error> {
    let members = answer["data"].as_array().map_or(&[][..], Vec::as_slice);
    let is_member = |member: &&Value| member["member"].is_string() || member["owner"].is_string();
    let count = members.iter().filter(is_member).count();
    if count != PAGE || members.len() != PAGE {
        return Err(Error::protocol(format!("a page of {count} members instead of {PAGE}")));
    }
    Ok(())
}

/// What something costs the server from when it is quiet until it is quiet again.
async fn timed<T>(
    stoa: &Stoa,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<(T, Cost), Error> {
    proc::settled(stoa.pid()).await;
    let (before, started) = (proc::exact_cpu(stoa.pid()), Instant::now());
    let done = work.await?;
    let wall = started.elapsed().as_secs_f64() * 1e3;
    proc::settled(stoa.pid()).await;
    let cpu = proc::exact_cpu(stoa.pid()).saturating_sub(before).as_secs_f64() * 1e3;
    Ok((done, Cost { cpu, wall }))
}

fn median(costs: &[Cost], of: impl Fn(&Cost) -> f64) -> f64 {
    let values: Vec<f64> = costs.iter().map(of).collect();
    Spread::of(&values).map_or(0.0, |spread| spread.median)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_has_as_many_members_as_were_asked_for() {
        let page = |count: usize| {
            let members = (1..count).map(|number| json!({ "member": format!("m{number}") }));
            let owner = json!({ "owner": "o" });
            json!({ "data": std::iter::once(owner).chain(members).collect::<Vec<_>>() })
        };
        assert!(full_page(&page(PAGE)).is_ok());
        assert!(full_page(&page(PAGE - 1)).is_err());
        assert!(full_page(&page(PAGE + 1)).is_err());
        assert!(full_page(&json!({ "data": vec![json!({}); PAGE] })).is_err());
        assert!(full_page(&json!({})).is_err());
    }
}
