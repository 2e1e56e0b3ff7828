//! The machine's clock jumps under the running server: an hour ahead and back, an hour behind and
//! back, and over midnight, where the keys of messages change.
//!
//! The clock is moved by libfaketime, which the real binary is started under; time that only passes
//! (timeouts) goes on as it did, as when an operator sets a machine's clock.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use stoa_testclient::{Client, ConnectOptions};

use crate::check::Tally;
use crate::demo::Demo;
use crate::device::Device;
use crate::dice::Dice;
use crate::report::Report;
use crate::server::Place;
use crate::{Outcome, Run, rest};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// Messages of each writer between two jumps.
const MESSAGES: u64 = 40;
/// Before midnight, in seconds.
const BEFORE_MIDNIGHT: i64 = 3;
const LAST: &str = "that is all";
const PASSWORD: &str = "correct horse";

/// A file that says by how many seconds the server's clock is wrong.
struct Offset {
    file: PathBuf,
    library: PathBuf,
}

impl Offset {
    /// In one step: nobody reads half a file.
    fn set(&self, seconds: i64) -> Outcome<()> {
        let new = self.file.with_extension("new");
        std::fs::write(&new, format!("{seconds:+}\n"))
            .and_then(|()| std::fs::rename(&new, &self.file))
            .map_err(|error| error.to_string())
    }

    fn environment(&self) -> Vec<(String, String)> {
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        [
            ("LD_PRELOAD", text(&self.library)),
            ("FAKETIME_TIMESTAMP_FILE", text(&self.file)),
            ("FAKETIME_NO_CACHE", "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
            ("DONT_FAKE_MONOTONIC", "1".into()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

pub(crate) async fn play(run: &Run, mut dice: Dice, report: &mut Report) -> Outcome<()> {
    let Some(library) = run.faketime.clone() else {
        report.row("not run", "libfaketime is not here");
        return Ok(());
    };
    let mut place = Place::new(&run.server)?;
    let offset = Offset { file: place.path().join("offset"), library };
    offset.set(0)?;
    place.environment = offset.environment();
    let server = place.start()?;
    let demo = server.demo()?;
    for name in ["amy", "bob"] {
        let user = json!({ "username": name, "password": PASSWORD });
        let path = format!("{}/users", demo.path);
        rest::call(&demo, "POST", &path, Some(&demo.app_token()?), Some(&user)).await?;
    }
    // A device is sent what came while it was away only if it was known before.
    let mut late = Device::new("bob", "late");
    late.connect(&demo).await.map_err(|error| error.to_string())?;
    drop(late);
    let mut amy = Device::new("amy", "phone");
    let mut bob = Device::new("bob", "phone");
    amy.connect(&demo).await.map_err(|error| error.to_string())?;
    bob.connect(&demo).await.map_err(|error| error.to_string())?;

    let jumps = [
        ("right", 0),
        ("an hour ahead", HOUR),
        ("right again", 0),
        ("an hour behind", -HOUR),
        ("right again", 0),
        ("just before midnight", until_midnight()),
        ("an hour before midnight", until_midnight() - HOUR),
        ("over midnight", until_midnight() + 2 * BEFORE_MIDNIGHT),
    ];
    let mut ended = 0;
    for (name, seconds) in jumps {
        offset.set(seconds)?;
        // Sessions that end come back with what a token server with the same clock would give them.
        let by_its_clock = demo.ahead(seconds);
        // One message sees to it that the server has looked at its clock.
        let messages = 1 + dice.below(MESSAGES) + MESSAGES;
        for _ in 0..messages {
            for (writer, to) in [(&mut amy, "bob"), (&mut bob, "amy")] {
                ended += usize::from(insist(writer, to, &by_its_clock).await?);
            }
        }
        let by_password = log_in_by_password(&demo).await;
        // Made by a clock that is right, unless midnight is further away than a token lives.
        let demo = if seconds > HOUR { by_its_clock } else { demo.clone() };
        let by_token = Device::new("amy", "tablet").connect(&demo).await;
        let told = |outcome: Result<(), String>| outcome.map_or_else(|why| why, |()| "yes".into());
        report.row(
            format!("the clock is {name} ({seconds:+} s): login by password / by an app's token"),
            format!("{} / {}", told(by_password), told(by_token.map_err(|e| e.to_string()))),
        );
    }
    report.row("sessions that ended because of it", ended);
    for (writer, to) in [(&mut amy, "bob"), (&mut bob, "amy")] {
        writer.say(to, LAST.into()).map_err(|_| "a message was refused")?;
        writer.settle().await.map_err(|_| "a message was refused")?;
    }
    amy.wait_for(&["bob".into()], LAST).await?;
    bob.wait_for(&["amy".into()], LAST).await?;
    // On the disk, with a clock that is right again, a day before the last messages.
    server.kill()?;
    offset.set(0)?;
    let server = place.start()?;
    let demo = server.demo()?;
    let mut late = Device::new("bob", "late");
    late.connect(&demo).await.map_err(|error| error.to_string())?;
    late.wait_for(&["amy".into()], LAST).await?;
    let mut tally = Tally::default();
    tally.add(&demo, ("amy", "bob"), &[&amy, &bob, &late]).await?;
    server.end()?;
    tally.verdict(report)
}

/// Seconds until shortly before the next midnight in UTC.
fn until_midnight() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(elapsed.as_secs()).unwrap_or_default();
    DAY - now % DAY - BEFORE_MIDNIGHT
}

/// Sends a message, with a new session if the old one was ended; whether it was.
async fn insist(writer: &mut Device, to: &str, demo: &Demo) -> Outcome<bool> {
    if writer.send(to, "").is_ok() && writer.settle().await.is_ok() {
        return Ok(false);
    }
    if writer.refused > 0 {
        return Err(format!("a message was refused: {}", writer.refusal));
    }
    let patience = tokio::time::Instant::now() + Duration::from_secs(10);
    while let Err(error) = writer.connect(demo).await {
        if tokio::time::Instant::now() > patience {
            return Err(format!("{} cannot come back: {error}", writer.name()));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    writer.send_again().map_err(|_| "cut again")?;
    writer.settle().await.map_err(|_| format!("refused: {}", writer.refusal))?;
    Ok(true)
}

/// A login with a token that the server itself issues by its clock.
async fn log_in_by_password(demo: &Demo) -> Outcome<()> {
    let body = json!({ "grant_type": "password", "username": "amy", "password": PASSWORD });
    let path = format!("{}/token", demo.path);
    let mut tries = 0;
    let answer = loop {
        let answer = rest::call(demo, "POST", &path, None, Some(&body)).await?;
        tries += 1;
        if answer.status != 429 || tries == 10 {
            break answer;
        }
        // What was counted by the other time is over within a second.
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let Some(token) = answer.body["access_token"].as_str() else {
        return Err(format!(
            "{} {}",
            answer.status,
            Value::clone(&answer.body["error_description"])
        ));
    };
    let options = ConnectOptions { token: token.into(), ..demo.options("amy", "laptop")? };
    Client::connect(options).await.map(drop).map_err(|error| error.to_string())
}
