//! Posts events of class rooms to the addresses that apps' owners named.
//!
//! Each event is posted until the address takes it, in the order of its room. Who does not take them is asked again
//! after a second, two, four, and so on, up to five minutes; one hour after its room is gone an event is, too.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use stoa_core::{App, AppNumber, Crossing, Operator, Timestamp};
use stoa_egress::{Bounds, EgressError, Errand, Target, TargetError};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::node::Node;

/// How often it is looked whether there is something to post.
const LOOK: Duration = Duration::from_millis(500);
/// The longest time until somebody who takes no events is asked again.
const LONGEST: Duration = Duration::from_secs(300);

/// Why events were not taken.
#[derive(Debug, thiserror::Error)]
enum NotTaken {
    #[error(transparent)]
    Class(#[from] stoa_classroom::Error),
    #[error(transparent)]
    Egress(#[from] EgressError),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("the request cannot be made")]
    Request(#[from] http::Error),
    #[error("the address answers {0}")]
    Status(u16),
}

/// When an app's address is asked next, and how often in a row it has taken nothing.
#[derive(Default)]
struct Wait {
    until: Option<Instant>,
    failed: u32,
}

impl Wait {
    fn failed(&mut self, now: Instant) {
        let time = Duration::from_secs(1_u64 << self.failed.min(9)).min(LONGEST);
        (self.until, self.failed) = (Some(now + time), self.failed.saturating_add(1));
    }
}

/// Posts events of all apps that named an address, for ever.
pub(super) async fn post_events(node: Node) {
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut waits: HashMap<AppNumber, Wait> = HashMap::new();
    // Those that are being asked are not in the map.
    let mut asked: JoinSet<(AppNumber, Wait)> = JoinSet::new();
    let mut busy = std::collections::HashSet::new();
    loop {
        ticks.tick().await;
        while let Some(done) = asked.try_join_next() {
            let Ok((app, wait)) = done else { continue };
            busy.remove(&app);
            waits.insert(app, wait);
        }
        let now = Instant::now();
        for app in node.console.apps() {
            let due = waits.get(&app.number).and_then(|wait| wait.until).is_none_or(|at| at <= now);
            if app.class_callback.is_none() || !due || busy.contains(&app.number) {
                continue;
            }
            busy.insert(app.number);
            let mut wait = waits.remove(&app.number).unwrap_or_default();
            let node = node.clone();
            asked.spawn(async move {
                match post_all(&node, &app).await {
                    Ok(()) => wait = Wait::default(),
                    Err(error) => {
                        wait.failed(Instant::now());
                        let error: &dyn std::error::Error = &error;
                        tracing::warn!(error, "an app's address took no events of class rooms");
                    }
                }
                (app.number, wait)
            });
        }
    }
}

/// Posts until there is nothing left.
async fn post_all(node: &Node, app: &Arc<App>) -> Result<(), NotTaken> {
    let scope = Operator::of_this_process().in_app(app.clone());
    let post = async |events| post(node, app, events).await;
    while node.classroom.post_events(&scope, post).await? {}
    Ok(())
}

async fn post(node: &Node, app: &Arc<App>, events: Vec<Value>) -> Result<(), NotTaken> {
    let Some(url) = &app.class_callback else { return Ok(()) };
    let target: Target = url.parse()?;
    let body = json!({"appId": app.id.as_str(), "events": events}).to_string();
    let request = request(app, node.clock.now(), body)?;
    let errand = Errand::of_app(app.clone(), Crossing::Callbacks);
    let answer = node.egress.call(&errand, &target, request, None, Bounds::default()).await?;
    if answer.status.is_success() { Ok(()) } else { Err(NotTaken::Status(answer.status.as_u16())) }
}

/// The request, signed with the app's primary certificate: over the time, a dot and the body.
fn request(app: &App, at: Timestamp, body: String) -> Result<Request<Bytes>, http::Error> {
    let secret = app.certificates.first().map_or("", |certificate| certificate.expose());
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let time = at.as_millis().to_string();
    let tag = hmac::sign(&key, format!("{time}.{body}").as_bytes());
    let tag: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Request::post("/")
        .header("content-type", "application/json")
        .header("x-stoa-timestamp", time)
        .header("x-stoa-signature", tag)
        .body(body.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_nothing_is_asked_less_and_less_often() {
        let (mut wait, now) = (Wait::default(), Instant::now());
        let mut times = Vec::new();
        for _ in 0..12 {
            wait.failed(now);
            times.push((wait.until.unwrap() - now).as_secs());
        }
        assert_eq!(times, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    }
}
