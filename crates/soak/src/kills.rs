//! `kill -9` at random moments, while everybody writes to everybody.
//!
//! Users are in pairs. Each has a device that writes and reads in every life of the server, a second
//! one that only reads, and a third that is away the whole time; one more user is never there at all
//! and is written to by everybody. Back ends register users over REST meanwhile. After the last kill
//! everything that was acknowledged must be in the history and on every device, once and in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use crate::check::Tally;
use crate::demo::Demo;
use crate::device::{Device, Gone};
use crate::dice::Dice;
use crate::report::{Report, quantiles};
use crate::server::Place;
use crate::{Outcome, Run, rest};

const PAIRS: usize = 3;
/// Messages of one device that wait for their acknowledgement.
const IN_FLIGHT: usize = 8;
/// The longest load between two kills.
const LIFE: Duration = Duration::from_millis(1_500);
/// One kill of so many comes while the server starts.
const EARLY: u64 = 8;
/// What is said last, after everything else.
const LAST: &str = "that is all";
/// Written to, never there.
const AWAY: &str = "away";

pub(crate) async fn play(run: &Run, mut dice: Dice, report: &mut Report) -> Outcome<()> {
    let place = Place::new(&run.server)?;
    let users: Vec<_> = (0..2 * PAIRS).map(|number| format!("user{number}")).collect();
    let mut people = found(&place, &users).await?;
    let mut accounts = Vec::new();
    let mut early = 0;
    for kill in 0..run.kills {
        let mut server = place.spawn()?;
        if dice.below(EARLY) == 0 {
            early += 1;
            tokio::time::sleep(dice.within(Duration::from_millis(400))).await;
            server.kill()?;
            continue;
        }
        server.wait_until_ready()?;
        let demo = server.demo()?;
        let end = Arc::new(AtomicBool::new(false));
        let registered = tokio::spawn(register(demo.clone(), kill, Arc::clone(&end)));
        let working = people.into_iter().map(|person| {
            let (demo, dice) = (demo.clone(), dice.part(kill as u64));
            tokio::spawn(person.live(demo, dice, Arc::clone(&end)))
        });
        let working: Vec<_> = working.collect();
        tokio::time::sleep(dice.within(LIFE)).await;
        server.kill()?;
        end.store(true, Ordering::Relaxed);
        people = join_all(working).await.into_iter().collect::<Result<_, _>>().map_err(died)?;
        accounts.extend(registered.await.map_err(died)?);
    }
    report.row("kills", run.kills);
    report.row("of these while the server started", early);
    let server = place.start()?;
    let ready = Instant::now();
    let demo = server.demo()?;
    let verdict = settle(&demo, &users, &mut people, &accounts, report).await;
    report.row(
        "time until everybody had everything",
        format!("{:.1} s", ready.elapsed().as_secs_f64()),
    );
    server.end()?;
    verdict
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` wants")]
fn died(error: tokio::task::JoinError) -> String {
    format!("a client died: {error}")
}

/// One user with the devices that are there.
struct Person {
    writer: Device,
    reader: Device,
    peer: String,
}

/// The first life: makes the users, and lets the devices that will be away be known.
async fn found(place: &Place, users: &[String]) -> Outcome<Vec<Person>> {
    let server = place.start()?;
    let demo = server.demo()?;
    let everybody: Vec<_> = users.iter().cloned().chain([AWAY.to_owned()]).collect();
    rest::register(&demo, &everybody).await?;
    for user in &everybody {
        let mut device = Device::new(user, "late");
        device.connect(&demo).await.map_err(|error| error.to_string())?;
    }
    server.end()?;
    Ok(users
        .iter()
        .enumerate()
        .map(|(number, user)| Person {
            writer: Device::new(user, "writer"),
            reader: Device::new(user, "reader"),
            peer: users[number ^ 1].clone(),
        })
        .collect())
}

impl Person {
    /// One life of the server: what is open is sent again, then there is always something to say.
    async fn live(mut self, demo: Demo, mut dice: Dice, end: Arc<AtomicBool>) -> Self {
        let reader = async {
            // It reads by itself as long as there is a connection.
            let _ = self.reader.connect(&demo).await;
        };
        let writer = async {
            if self.writer.connect(&demo).await.is_err() || self.writer.send_again().is_err() {
                return;
            }
            while !end.load(Ordering::Relaxed) {
                if write(&mut self.writer, &self.peer, &mut dice).await.is_err() {
                    return;
                }
            }
        };
        tokio::join!(reader, writer);
        self
    }
}

async fn write(writer: &mut Device, peer: &str, dice: &mut Dice) -> Result<(), Gone> {
    while writer.open() < IN_FLIGHT {
        let to = if dice.below(10) == 0 { AWAY } else { peer };
        writer.send(to, "")?;
        if dice.below(20) == 0 {
            tokio::time::sleep(dice.within(Duration::from_millis(20))).await;
        }
    }
    writer.hear().await
}

/// A back end that registers users; the names that were acknowledged.
async fn register(demo: Demo, life: usize, end: Arc<AtomicBool>) -> Vec<String> {
    let mut taken = Vec::new();
    for number in 0.. {
        let name = format!("new{life}_{number}");
        if end.load(Ordering::Relaxed)
            || rest::register(&demo, std::slice::from_ref(&name)).await.is_err()
        {
            break;
        }
        taken.push(name);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    taken
}

/// Lets everybody receive everything, and compares.
async fn settle(
    demo: &Demo,
    users: &[String],
    people: &mut [Person],
    accounts: &[String],
    report: &mut Report,
) -> Outcome<()> {
    for person in people.iter_mut() {
        person.writer.connect(demo).await.map_err(|error| error.to_string())?;
        person.reader.connect(demo).await.map_err(|error| error.to_string())?;
        let finish = async {
            person.writer.send_again()?;
            person.writer.settle().await?;
            person.writer.say(&person.peer, LAST.into())?;
            person.writer.say(AWAY, LAST.into())?;
            person.writer.settle().await
        };
        finish.await.map_err(|Gone| "a writer cannot send to the last server")?;
    }
    let mut late = Vec::new();
    for user in users {
        let mut device = Device::new(user, "late");
        device.connect(demo).await.map_err(|error| error.to_string())?;
        late.push(device);
    }
    let mut away = Device::new(AWAY, "late");
    away.connect(demo).await.map_err(|error| error.to_string())?;
    away.wait_for(users, LAST).await?;
    for (person, late) in people.iter_mut().zip(&mut late) {
        for device in [&mut person.writer, &mut person.reader, late] {
            device.wait_for(std::slice::from_ref(&person.peer), LAST).await?;
        }
    }

    let mut tally = Tally::default();
    for (pair, late) in people.chunks(2).zip(late.chunks(2)) {
        let [one, other] = pair else { continue };
        let devices = [&one.writer, &one.reader, &late[0], &other.writer, &other.reader, &late[1]];
        tally.add(demo, (&one.writer.user, &other.writer.user), &devices).await?;
    }
    for (person, late) in people.iter().zip(&late) {
        let devices = [&person.writer, &person.reader, late, &away];
        tally.add(demo, (&person.writer.user, AWAY), &devices).await?;
    }
    let lost = missing(demo, accounts).await?;
    let sum = |count: fn(&Device) -> usize| people.iter().map(|p| count(&p.writer)).sum::<usize>();
    let times: Vec<_> = people.iter().flat_map(|p| p.writer.times.iter().copied()).collect();
    report.row("sent again, because their fate was unknown", sum(|device| device.again));
    report
        .row("users registered over REST / of these lost", format!("{} / {lost}", accounts.len()));
    report.row("acknowledged within (half / 99 of 100)", quantiles(&times));
    tally.verdict(report)?;
    match (lost, people.iter().find(|person| person.writer.refused > 0)) {
        (0, None) => Ok(()),
        (0, Some(person)) => Err(format!("a message was refused: {}", person.writer.refusal)),
        (lost, _) => Err(format!("{lost} accounts were lost")),
    }
}

/// How many of these accounts do not exist.
async fn missing(demo: &Demo, accounts: &[String]) -> Outcome<usize> {
    let token = demo.app_token()?;
    let mut missing = 0;
    for name in accounts {
        let path = format!("{}/users/{name}", demo.path);
        let answer = loop {
            let answer = rest::call(demo, "GET", &path, Some(&token), None).await?;
            if answer.status != 429 {
                break answer;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        if answer.body["entities"][0]["username"] != json!(name) {
            missing += 1;
        }
    }
    Ok(missing)
}
