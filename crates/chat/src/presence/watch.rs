//! Telling subscribers that a presence has changed.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use serde_json::json;
use stoa_bus::Topic;
use stoa_core::{Caller, Resource, Seq, Target, UserId};

use super::publish::{composed, load, save};
use super::subscribe::{remove, subscribers};
use super::{Presence, PresenceSubscription};
use crate::contact::blocked_by;
use crate::entry::{Audience, Delivery, Entry, Event, Kind, Queue};
use crate::event::{self, Notice};
use crate::{Chat, Error};

/// The presence as the SDK reads it (msync section 5.6): numbers as texts, times in seconds.
fn notice(presence: &Presence, subscription: &PresenceSubscription) -> Notice {
    let status: serde_json::Map<_, _> = presence
        .devices
        .iter()
        .map(|(device, status)| (device.clone(), status.to_string().into()))
        .collect();
    let value = json!({
        "uid": presence.user.as_str(),
        "last_time": presence.changed.as_secs().to_string(),
        "expiry": subscription.until.as_secs().to_string(),
        "ext": presence.ext,
        "status": status,
    });
    // The SDK mixes up the devices of several values, so there is one.
    Notice { json: json!({ "type": "presence", "data": { "values": [value] } }).to_string() }
}

impl Chat {
    /// Tells subscribers that are online of the presences that changed a second ago or earlier and were
    /// not told yet. To be called a few times a second; answers how many notices went out.
    pub async fn tell_presences(&self) -> usize {
        let mut told = 0;
        for (topic, change) in self.shared.online.take_changes(self.shared.clock.now()) {
            match self.tell_presence(&change.caller, &topic).await {
                Ok(notices) => told += notices,
                // The next change tells it; whoever asks is answered from the register.
                Err(error) if error.is_fault() => {
                    stoa_metrics::store::FAULTS.of(stoa_metrics::store::Place::Append).inc();
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(error, "a presence was not told");
                }
                Err(_) => {}
            }
        }
        told
    }

    async fn tell_presence(&self, caller: &Caller, topic: &Topic) -> Result<usize, Error> {
        let user = &topic.user;
        let store = &self.store.app(caller).await?;
        let mut read = store.read().await?;
        let all = subscribers(store, &mut read, user).await?;
        let stored = load(store, &mut read, user).await?;
        if all.is_empty() && stored.is_none() {
            return Ok(0);
        }
        let blocked = match all.is_empty() {
            true => HashSet::new(),
            false => {
                let blocked = blocked_by(store, &mut read, user).await?;
                blocked.into_iter().map(|(_, user)| user).collect::<HashSet<UserId>>()
            }
        };
        drop(read);
        let now = self.shared.clock.now();
        let (live, over): (Vec<_>, Vec<_>) = all.into_iter().partition(|s| now < s.until);
        let online = &self.shared.online.of(topic);
        let over = &over;
        let presence = store
            .transact(|mut txn| async move {
                for subscription in over {
                    remove(store, &mut txn, &subscription.user, user)?;
                }
                let mut row = load(store, &mut txn, user).await?.unwrap_or_default();
                for device in online {
                    row.device(device.info.resource.as_str());
                }
                row.changed_ms = now.as_millis();
                save(store, &mut txn, user, &row).await?;
                Ok::<_, Error>(txn.done(composed(user, &row, online)))
            })
            .await?;
        let mut told = 0;
        for subscription in live {
            let to = Topic { app: topic.app, user: subscription.user.clone() };
            if blocked.contains(&to.user) || !self.shared.online.has(&to) {
                continue;
            }
            let entry = Entry {
                id: self.shared.ids.next(now, None),
                at: now,
                kind: Kind::Notice,
                from: user.clone(),
                from_resource: Resource::none(),
                to: Target::User(to.user.clone()),
                only_resource: None,
                audience: Audience::All,
                edit: None,
                body: event::body(&notice(&presence, &subscription)),
                ext: bytes::Bytes::new(),
            };
            let delivery = Delivery {
                app: topic.app,
                queue: Queue::OwnLog,
                seq: Seq::START,
                entry: Arc::new(entry),
                countable: 0,
                encoded: OnceLock::new(),
            };
            self.shared.bus.publish(&to, &Arc::new(Event::Passing(delivery)));
            told += 1;
        }
        Ok(told)
    }
}
