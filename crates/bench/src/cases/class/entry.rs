//! Thousands enter a lecture within a minute: what an entry costs.

use std::time::Duration;

use super::{Hall, filled, students};
use crate::Error;
use crate::cases::Case;
use crate::plan::Plan;
use crate::report::{Figure, Sample};
use crate::stoa::Stoa;

/// The case.
pub(in crate::cases) static CASE: Case = Case {
    name: "class-entry",
    about: "5,000 students enter a lecture within a minute: CPU per entry (token, roster, first state)",
    figures: &[
        Figure::new("cpu", "server CPU per entry", "ms").goal(1.0, 3.0),
        Figure::new("students", "students", ""),
        Figure::new("within", "all of them within", "s"),
        Figure::new("p50", "entry p50", "ms"),
        Figure::new("p99", "entry p99", "ms"),
        Figure::new("connect_cpu", "server CPU per connection: TLS, WebSocket, hello", "ms"),
    ],
    deadline: |_| Duration::from_secs(240),
    run: |plan| Box::pin(run(plan)),
};

async fn run(plan: &Plan) -> Result<Vec<Sample>, Error> {
    let count = students(plan);
    let stoa = Stoa::started(&plan.binary).await?;
    let hall = filled(stoa, count).await?;
    let Hall { mut stoa, crowd, entering, connecting, times, within, .. } = hall;
    drop(crowd);
    stoa.stop().await?;
    #[expect(clippy::cast_precision_loss, reason = "some thousand")]
    let count = count as f64;
    Ok(vec![Sample::stoa(vec![
        ("cpu", entering.as_secs_f64() / count * 1e3),
        ("students", count),
        ("within", within.as_secs_f64()),
        ("p50", times.quantile_ms(0.5)),
        ("p99", times.quantile_ms(0.99)),
        ("connect_cpu", connecting.as_secs_f64() / count * 1e3),
    ])])
}
