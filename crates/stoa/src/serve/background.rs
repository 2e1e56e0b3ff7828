//! What a node does by itself while it serves.

use std::sync::Arc;
use std::time::Duration;

use stoa_audit::AuditLog;
use stoa_chat::Chat;
use stoa_chat::attachment::Swept;
use stoa_chat::lifetime::Pace;
use stoa_core::App;
use stoa_geo::Whereabouts;
use tokio::task::JoinSet;

use crate::lifetime::Ended;
use crate::node::Node;

/// How often it is looked for what is over.
const SWEEP: Duration = Duration::from_secs(3600);

/// Begins all of it. It ends with `background`.
pub(super) fn start(node: &Node, background: &mut JoinSet<()>) {
    background.spawn(keep_swept(node.clone()));
    background.spawn(tell_presences(node.chat.clone()));
    background.spawn(keep_observations(node.clone()));
    background.spawn(keep_audit(node.audit.clone()));
    background.spawn(keep_rooms(node.clone()));
    background.spawn(keep_classes(node.clone()));
    background.spawn(super::callbacks::post_events(node.clone()));
    background.spawn(keep_fences(node.clone()));
    background.spawn(keep_used(node.clone()));
    background.spawn(keep_ended(node.clone()));
}

/// How often it is looked whether numbers of refusals are to be written into the audit log.
const AUDIT_TICK: Duration = Duration::from_secs(1);

/// Writes into the audit log how many refusals there were.
async fn keep_audit(audit: Arc<AuditLog>) {
    let mut ticks = tokio::time::interval(AUDIT_TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        audit.tick();
    }
}

/// Removes files and entries of the audit log whose time is over, now and every hour.
async fn keep_swept(node: Node) {
    let mut hours = tokio::time::interval(SWEEP);
    hours.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        hours.tick().await;
        match node.sweep().await {
            Ok(swept) if swept == Swept::default() => {}
            Ok(Swept { days, files }) => {
                tracing::info!(days, files, "removed files that were over")
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(
                    error,
                    "files that are over could not be removed; it is tried again in an hour"
                );
            }
        }
        match node.end_days(Pace::SERVING).await {
            Ok(ended) if ended == Ended::default() => {}
            Ok(Ended { days, rows }) => tracing::info!(days, rows, "ended days that were over"),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(
                    error,
                    "days that are over could not be ended; it is tried again in an hour"
                );
            }
        }
        match node.expire_audit().await {
            Ok(0) => {}
            Ok(entries) => tracing::info!(entries, "removed entries of the audit log"),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(
                    error,
                    "entries of the audit log could not be removed; it is tried again in an hour"
                );
            }
        }
    }
}

/// Reads anew in which country addresses are.
pub(super) fn reload(whereabouts: &Whereabouts) {
    match whereabouts.reload() {
        Ok(true) => tracing::info!("the geo-database was read again"),
        Ok(false) => {}
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "the geo-database stays as it was");
        }
    }
}

/// How often it is looked for users who were not there, and groups that were not used, for too long.
const UNUSED: Duration = Duration::from_secs(24 * 3600);

/// Deletes users who were not there for too long, and dismisses groups and rooms that nobody used, now and every day.
async fn keep_used(node: Node) {
    let mut days = tokio::time::interval(UNUSED);
    days.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        days.tick().await;
        match node.delete_unused(Pace::SERVING).await {
            Ok(0) => {}
            Ok(users) => tracing::info!(users, "deleted users who were not there for too long"),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(
                    error,
                    "users who were not there for too long could not be deleted; it is tried again in a day"
                );
            }
        }
        match node.dismiss_unused(Pace::SERVING).await {
            Ok(0) => {}
            Ok(groups) => tracing::info!(groups, "dismissed groups and rooms without use"),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(
                    error,
                    "groups and rooms without use could not be dismissed; it is tried again in a day"
                );
            }
        }
    }
}

/// How often it is looked for what has ended and is over.
const ENDED: Duration = Duration::from_secs(60);

/// Destroys the keys of what has ended and is over, every minute.
async fn keep_ended(node: Node) {
    let mut minutes = tokio::time::interval(ENDED);
    minutes.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        minutes.tick().await;
        match node.end_objects().await {
            Ok(0) => {}
            Ok(ended) => tracing::info!(ended, "destroyed keys of what had ended"),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(
                    error,
                    "keys of what has ended could not be destroyed; it is tried again in a minute"
                );
            }
        }
    }
}

/// How often it is looked whether somebody is outside a geofence by now.
const FENCE_TICK: Duration = Duration::from_millis(500);

/// Ends sessions that are outside a geofence by now.
async fn keep_fences(node: Node) {
    let mut ticks = tokio::time::interval(FENCE_TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        node.chat.keep_fences(&node.console.apps());
    }
}

/// How often it is looked who has been away from chat rooms for too long.
const ABSENCE_TICK: Duration = Duration::from_secs(1);

/// Lets those leave chat rooms who are away, and stores how many are in them.
async fn keep_rooms(node: Node) {
    if let Err(error) = node.expect_absent().await {
        let error: &dyn std::error::Error = &error;
        tracing::error!(
            error,
            "who is in chat rooms could not be read; whoever is away stays in them"
        );
    }
    let mut ticks = tokio::time::interval(ABSENCE_TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        node.chat.leave_absent().await;
        node.chat.store_room_counts().await;
    }
}

/// How often it is looked whether the clock has something to do in a class room.
const CLASS_TICK: Duration = Duration::from_millis(100);
/// After which it is tried again to read the class rooms that were there before the start.
const CLASS_RETRY: Duration = Duration::from_secs(10);

/// Begins, ends, closes and destroys class rooms by the clock; first what came due while the server was off.
async fn keep_classes(node: Node) {
    let mut asleep = node.console.apps();
    let mut tries = tokio::time::interval(CLASS_RETRY);
    let mut ticks = tokio::time::interval(CLASS_TICK);
    for interval in [&mut tries, &mut ticks] {
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    }
    loop {
        tokio::select! {
            biased;
            _ = tries.tick(), if !asleep.is_empty() => asleep = wake_classes(&node, asleep).await,
            _ = ticks.tick() => node.classroom.tick().await,
        }
    }
}

/// Lets the clock go on in the class rooms of these apps. Answers those whose rooms could not be read.
async fn wake_classes(node: &Node, apps: Vec<Arc<App>>) -> Vec<Arc<App>> {
    let mut asleep = Vec::new();
    for app in apps {
        if let Err(error) = node.classroom.wake_all(&app).await {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "class rooms could not be read; it is tried again");
            asleep.push(app);
        }
    }
    asleep
}

/// How often it is looked whether the presence of a user is to be told.
const PRESENCE_TICK: Duration = Duration::from_millis(250);

/// Tells subscribers of presences that changed.
async fn tell_presences(chat: Arc<Chat>) {
    let mut ticks = tokio::time::interval(PRESENCE_TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        chat.tell_presences().await;
    }
}

/// How often what was observed is stored.
const OBSERVATION_TICK: Duration = Duration::from_secs(10);

/// Stores what was observed of apps, which hosts were contacted, and who was there.
async fn keep_observations(node: Node) {
    let mut ticks = tokio::time::interval(OBSERVATION_TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        node.store_observations().await;
        node.store_contacts().await;
        node.store_uses().await;
    }
}
