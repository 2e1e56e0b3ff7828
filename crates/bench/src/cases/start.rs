//! From the start of the process on an empty store to the first answer.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cases::Case;
use crate::peers::ejabberd::{Archive, Ejabberd};
use crate::plan::Plan;
use crate::proc::Usage;
use crate::report::{Figure, Sample};
use crate::rest::Rest;
use crate::stoa::Stoa;
use crate::{Error, proc};

/// The case.
pub(super) static CASE: Case = Case {
    name: "start",
    about: "start to ready on a store with one app and nothing else, and memory then",
    figures: &[
        Figure::new("seconds", "start to ready", "s").wish(0.3, 1.0),
        Figure::new("cpu", "server CPU for it", "s").goal(0.3, 1.0),
        Figure::new("rss", "server RSS then", "MB").goal(30.0, 50.0),
    ],
    deadline: |_| Duration::from_secs(120),
    run: |plan| Box::pin(run(plan)),
};

async fn run(plan: &Plan) -> Result<Vec<Sample>, Error> {
    let mut stoa = Stoa::found(&plan.binary)?;
    let started = Instant::now();
    stoa.start().await?;
    let mut rest = Rest::connect(stoa.endpoint(), stoa.token(None)).await?;
    let (status, _) = rest.call("GET", "/healthz", &Value::Null).await?;
    let seconds = started.elapsed().as_secs_f64();
    if status != 200 {
        return Err(Error::protocol(format!("HTTP {status} to GET /healthz")));
    }
    let cpu = proc::exact_cpu(stoa.pid()).as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "megabytes with three digits")]
    let rss = stoa.usage().rss as f64 / 1e6;
    stoa.stop().await?;
    let mut samples = vec![Sample::stoa(vec![("seconds", seconds), ("cpu", cpu), ("rss", rss)])];
    if plan.peers {
        samples.push(ejabberd().await?);
    }
    Ok(samples)
}

async fn ejabberd() -> Result<Sample, Error> {
    // The first start makes its tables; what an operator sees is the second.
    let mut ejabberd = Ejabberd::started(Archive::None).await?;
    ejabberd.end().await?;
    let seconds = ejabberd.start().await?.as_secs_f64();
    let Usage { cpu, rss } = ejabberd.usage();
    ejabberd.stop().await?;
    #[expect(clippy::cast_precision_loss, reason = "megabytes with three digits")]
    let values = vec![("seconds", seconds), ("cpu", cpu.as_secs_f64()), ("rss", rss as f64 / 1e6)];
    Ok(Sample { subject: "ejabberd".into(), values })
}
