//! Changes of a lecture that thousands hear: what a delivery costs. A change of the room is told as one of the stage
//! is: one frame to everybody.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;

use super::{Hall, filled, room_path, students};
use crate::Error;
use crate::cases::Case;
use crate::crowd::aside;
use crate::floor::send_floor;
use crate::plan::Plan;
use crate::proc::{self, Threads};
use crate::report::{Figure, Sample};
use crate::stoa::Stoa;

/// Between one change and the next.
const PAUSE: Duration = Duration::from_millis(250);
/// About what a change is on its way: the frame's text and what TLS adds.
const MESSAGE_BYTES: usize = 330;
/// How long the last may take to arrive.
const DRAIN: Duration = Duration::from_secs(10);
/// What a plain send took where the goals were set, in microseconds. A machine whose own send takes longer than the goal
/// can show them only as a proportion.
const SET_AT: f64 = 4.2;

/// The case.
pub(in crate::cases) static CASE: Case = Case {
    name: "class-stage",
    about: "changes of a lecture that 5,000 hear: CPU per million deliveries",
    figures: &[
        Figure::new("cpu", "server CPU per million deliveries", "s").goal(3.0, 8.0),
        Figure::new("floor", "plain send of as much to as many, CPU per million", "s"),
        Figure::new("ratio", "server CPU to that", "x").goal(3.0 / SET_AT, 8.0 / SET_AT),
        Figure::new("lost", "not delivered", "%"),
        Figure::new("listeners", "listeners", ""),
        Figure::new("changes", "changes", ""),
        Figure::new("server_cores", "server", "cores"),
    ],
    deadline: |_| Duration::from_secs(300),
    run: |plan| Box::pin(run(plan)),
};

#[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
async fn run(plan: &Plan) -> Result<Vec<Sample>, Error> {
    let count = students(plan);
    let changes = plan.pick(40, 100);
    let floor = send_floor(count, MESSAGE_BYTES, 20)?;
    let stoa = Stoa::started(&plan.binary).await?;
    let Hall { mut stoa, crowd, mut rest, .. } = filled(stoa, count).await?;
    // What came before is heard.
    let (crowd, ()) = aside(crowd, |crowd| crowd.drain(DRAIN)).await?;
    let heard = crowd.events();
    proc::settled(stoa.pid()).await;
    let (before, started) = (Threads::of(stoa.pid()), Instant::now());
    let path = room_path(&stoa, "/properties");
    let all = (count * changes) as u64;
    let listened = aside(crowd, move |crowd| {
        // A change takes its time, too.
        let most = PAUSE * 4 * u32::try_from(changes).unwrap_or(u32::MAX);
        let end = Instant::now() + most + DRAIN;
        while crowd.events() < heard + all && Instant::now() < end {
            crowd.look()?;
        }
        Ok(())
    });
    let changed = async {
        for number in 0..changes {
            let body = json!({"properties": {"stage.accepted": [format!("student-{number:05}")]}});
            rest.ask("PUT", &path, &body).await?;
            sleep(PAUSE).await;
        }
        Ok::<_, Error>(())
    };
    let ((crowd, ()), ()) = tokio::try_join!(listened, changed)?;
    let (cpu, time) = (Threads::of(stoa.pid()).since(&before), started.elapsed());
    let delivered = crowd.events() - heard;
    drop(crowd);
    stoa.stop().await?;
    let each = cpu.as_secs_f64() / delivered.max(1) as f64 * 1e6;
    Ok(vec![Sample::stoa(vec![
        ("cpu", each),
        ("floor", floor),
        ("ratio", each / floor),
        ("lost", all.saturating_sub(delivered) as f64 / all as f64 * 100.0),
        ("listeners", count as f64),
        ("changes", changes as f64),
        ("server_cores", cpu.as_secs_f64() / time.as_secs_f64()),
    ])])
}
