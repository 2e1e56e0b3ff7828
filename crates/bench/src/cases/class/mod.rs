//! Class rooms: a lecture of thousands.

pub(super) mod entry;
pub(super) mod memory;
pub(super) mod stage;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep_until;

use crate::class;
use crate::client::session::nanos;
use crate::client::socket::Socket;
use crate::crowd::{Crowd, InClass, aside};
use crate::plan::Plan;
use crate::proc::{self, Threads};
use crate::rest::Rest;
use crate::stats::Histogram;
use crate::stoa::{AT_ONCE, Stoa, names};
use crate::{Error, parallel};

const ROOM: &str = "hall";
/// Entries in a second: five thousand come within a minute, and the rate for an operation is a hundred.
const IN_A_SECOND: usize = 90;
/// How long those who are there answer the server, each second.
const ANSWERS: Duration = Duration::from_millis(50);
/// Connections over which they enter.
const WORKERS: usize = 6;

/// Students of a lecture.
fn students(plan: &Plan) -> usize {
    plan.pick(1_000, 5_000)
}

/// A lecture that goes on, and all who listen.
struct Hall {
    stoa: Stoa,
    crowd: Crowd<InClass>,
    /// The back end of the app.
    rest: Rest,
    /// What all entries took of the server's processor time: token, roster, first state.
    entering: Duration,
    /// What their connections took: TLS, WebSocket, hello.
    connecting: Duration,
    times: Histogram,
    /// From the first entry to the last.
    within: Duration,
}

/// The back end of the app.
async fn back_end(stoa: &Stoa) -> Result<Rest, Error> {
    let mut rest = Rest::connect(stoa.endpoint(), String::new()).await?;
    rest.in_class_as(&stoa.class_token(None));
    Ok(rest)
}

fn room_path(stoa: &Stoa, rest: &str) -> String {
    format!("/edu/apps/{}/v2/rooms/{ROOM}{rest}", stoa.app_id())
}

/// Lets so many students enter, second by second, each with its own token, and connect.
async fn filled(stoa: Stoa, count: usize) -> Result<Hall, Error> {
    let body = json!({"roomName": ROOM, "roomType": 2});
    back_end(&stoa).await?.ask("POST", &room_path(&stoa, ""), &body).await?;
    let mut workers = Vec::new();
    for _ in 0..WORKERS {
        workers.push(Rest::connect(stoa.endpoint(), String::new()).await?);
    }
    let mut crowd = Crowd::new(Vec::new())?;
    let (mut entering, mut connecting) = (Duration::ZERO, Duration::ZERO);
    let mut times = Histogram::default();
    let began = Instant::now();
    for (second, users) in names("student", count).chunks(IN_A_SECOND).enumerate() {
        let due = began + Duration::from_secs(second as u64);
        sleep_until(due.into()).await;
        let before = Threads::of(stoa.pid());
        let (entered, back) = entered(&stoa, workers, users, &mut times).await?;
        workers = back;
        proc::settled(stoa.pid()).await;
        let between = Threads::of(stoa.pid());
        entering += between.since(&before);
        let sockets = connected(&stoa, entered).await?;
        proc::settled(stoa.pid()).await;
        connecting += Threads::of(stoa.pid()).since(&between);
        let lines = sockets.into_iter().map(InClass::new).collect::<Result<_, _>>()?;
        // Those who are there are asked from time to time whether they still are.
        let answers = move |crowd: &mut Crowd<InClass>| {
            crowd.join(lines)?;
            crowd.listen(ANSWERS)
        };
        (crowd, ()) = aside(crowd, answers).await?;
    }
    let within = began.elapsed();
    // A connection that said nothing all the while would be closed by now.
    let rest = back_end(&stoa).await?;
    Ok(Hall { crowd, stoa, rest, entering, connecting, times, within })
}

/// Lets these enter; what each of them says hello with.
async fn entered(
    stoa: &Stoa,
    mut workers: Vec<Rest>,
    users: &[String],
    times: &mut Histogram,
) -> Result<(Vec<Value>, Vec<Rest>), Error> {
    let app = stoa.app_id().to_owned();
    let share = users.len().div_ceil(workers.len());
    let work: Vec<(Rest, Vec<(String, String)>)> = users
        .chunks(share)
        .map(|users| {
            let rest = workers.pop().expect("one for each share");
            let token = |user: &String| stoa.class_token(Some((ROOM, user, 2)));
            (rest, users.iter().map(|user| (user.clone(), token(user))).collect())
        })
        .collect();
    let parts = work.len();
    let done = parallel::each(work, parts, move |(mut rest, users)| {
        let app = app.clone();
        async move {
            let mut entered = Vec::with_capacity(users.len());
            for (user, token) in users {
                let started = nanos();
                let state = class::enter(&mut rest, &app, ROOM, &user, "audience", &token).await?;
                let took = nanos() - started;
                entered.push((state.hello, took));
            }
            Ok::<_, Error>((rest, entered))
        }
    });
    let mut hellos = Vec::with_capacity(users.len());
    for (rest, entered) in done.await? {
        workers.push(rest);
        for (hello, took) in entered {
            times.record(took);
            hellos.push(hello);
        }
    }
    Ok((hellos, workers))
}

/// Connects these, each until it hears what the room says.
async fn connected(stoa: &Stoa, hellos: Vec<Value>) -> Result<Vec<Socket>, Error> {
    let endpoint = stoa.endpoint().clone();
    parallel::each(hellos, AT_ONCE, move |hello| {
        let endpoint = endpoint.clone();
        async move { class::listen(&endpoint, &hello).await }
    })
    .await
}
