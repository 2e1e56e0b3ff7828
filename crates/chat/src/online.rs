//! Who is connected at this moment, on which devices.
//!
//! A session attaches itself when it has logged in. Its [`Attachment`] holds both the subscription to
//! the user's events and the place in this register; dropping it gives both back on every way out. That
//! something has changed is noted beside, for whoever tells subscribers of a user's presence.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use stoa_bus::{Subscriber, Subscription, Topic};
use stoa_core::{AppScope, Caller, Resource, Timestamp, UserId, limits};

use crate::entry::{Event, Kick, KickReason, Which};
use crate::{Chat, Error};

/// A device as it presents itself at login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its name among the user's devices.
    pub resource: Resource,
    /// The identifier that the client keeps for the device; may be empty.
    pub uuid: String,
    /// A name for people; may be empty.
    pub name: String,
    /// The operating system as the client numbers it; the devices of one platform are limited.
    pub platform: u32,
}

/// A device that is online.
#[derive(Debug, Clone)]
pub struct OnlineDevice {
    /// The device.
    pub info: DeviceInfo,
    /// Since when.
    pub since: Timestamp,
    number: u64,
    /// It was told to end, and has not yet.
    leaving: bool,
}

/// The register.
#[derive(Debug, Default)]
pub(crate) struct Online {
    devices: Mutex<HashMap<Topic, Vec<OnlineDevice>>>,
    next: AtomicU64,
    changes: Mutex<HashMap<Topic, Change>>,
}

/// The presence of a user has changed and was not told yet.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// Through whom the app's records are reached.
    pub(crate) caller: Caller,
    /// When it was first seen by whoever tells it.
    seen: Option<Timestamp>,
}

/// A session's place in the register and its subscription to the user's events.
#[derive(Debug)]
pub struct Attachment {
    _subscription: Subscription<Event>,
    online: Arc<Online>,
    topic: Topic,
    caller: Caller,
    number: u64,
}

impl Attachment {
    /// The session's number, by which a [`Kick`] names it.
    pub const fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        let mut devices = self.online.devices.lock();
        if let Some(list) = devices.get_mut(&self.topic) {
            list.retain(|device| device.number != self.number);
            if list.is_empty() {
                devices.remove(&self.topic);
            }
        }
        drop(devices);
        self.online.changed(&self.caller, &self.topic);
    }
}

impl Online {
    /// Enters a session, and answers which others have to go: those of the same device, and where
    /// there are too many, the earliest of the platform or of all.
    fn enter(&self, topic: &Topic, info: DeviceInfo, now: Timestamp) -> (u64, Vec<u64>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut devices = self.devices.lock();
        // Mostly there is one.
        let list = devices.entry(topic.clone()).or_insert_with(|| Vec::with_capacity(1));
        let mut gone = Vec::new();
        // Ends the earliest of those that `which` picks until fewer than `limit` are left.
        let mut make_room = |limit: usize, which: &dyn Fn(&DeviceInfo) -> bool| loop {
            let staying = |device: &OnlineDevice| !device.leaving && which(&device.info);
            if list.iter().filter(|device| staying(device)).count() < limit {
                break;
            }
            let Some(earliest) = list.iter_mut().find(|device| staying(device)) else { break };
            earliest.leaving = true;
            gone.push(earliest.number);
        };
        make_room(1, &|other| other.resource == info.resource);
        make_room(limits::DEVICES_ONLINE_PER_PLATFORM, &|other| other.platform == info.platform);
        make_room(limits::DEVICES_ONLINE, &|_| true);
        list.push(OnlineDevice { info, since: now, number, leaving: false });
        (number, gone)
    }
}

impl Online {
    /// The devices of a user that are online and were not told to end, each once.
    pub(crate) fn of(&self, topic: &Topic) -> Vec<OnlineDevice> {
        let devices = self.devices.lock().get(topic).cloned().unwrap_or_default();
        devices.into_iter().filter(|device| !device.leaving).collect()
    }

    /// Whether the user has a session.
    pub(crate) fn has(&self, topic: &Topic) -> bool {
        self.devices.lock().contains_key(topic)
    }

    /// Notes that the presence of the user of `topic` has changed.
    pub(crate) fn changed(&self, caller: &Caller, topic: &Topic) {
        let change = || Change { caller: caller.clone(), seen: None };
        self.changes.lock().entry(topic.clone()).or_insert_with(change);
    }

    /// Takes the changes that have waited for [`limits::PRESENCE_DEBOUNCE`] since they were first seen
    /// here, in an order of their own; those that are new are seen now.
    pub(crate) fn take_changes(&self, now: Timestamp) -> Vec<(Topic, Change)> {
        let mut due = Vec::new();
        self.changes.lock().retain(|topic, change| {
            let seen = *change.seen.get_or_insert(now);
            // A clock that was set back does not make anybody wait.
            let waits = now >= seen && now.since(seen) < limits::PRESENCE_DEBOUNCE;
            if !waits {
                due.push((topic.clone(), change.clone()));
            }
            waits
        });
        due.sort_unstable_by(|(a, _), (b, _)| (a.app.0, &a.user).cmp(&(b.app.0, &b.user)));
        due
    }
}

impl Chat {
    /// Attaches a session of the caller on `device`: from now on its events go to `to`. Sessions that
    /// it replaces are told to end, with `note` as the text from this device.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] when the caller is no user.
    pub fn attach(
        &self,
        caller: &Caller,
        device: DeviceInfo,
        note: &str,
        to: Arc<dyn Subscriber<Event>>,
    ) -> Result<Attachment, Error> {
        let user = caller.user().ok_or(Error::NotAllowed)?;
        let topic = Topic { app: caller.app().number, user: user.clone() };
        let (number, gone) = self.online.enter(&topic, device, self.shared.clock.now());
        let subscription = self.shared.bus.subscribe(topic.clone(), to);
        let attachment = Attachment {
            _subscription: subscription,
            online: self.online.clone(),
            topic: topic.clone(),
            caller: caller.clone(),
            number,
        };
        self.online.changed(caller, &topic);
        for number in gone {
            let kick = Kick {
                which: Which::Session(number),
                reason: KickReason::AnotherDevice,
                note: note.into(),
            };
            self.shared.bus.publish(&topic, &Arc::new(Event::Kick(kick)));
        }
        Ok(attachment)
    }

    /// The devices on which `user` is online at present.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for that user.
    pub fn devices_online(
        &self,
        caller: &Caller,
        user: &UserId,
    ) -> Result<Vec<OnlineDevice>, Error> {
        if !caller.may_act_for(user) {
            return Err(Error::NotAllowed);
        }
        let topic = Topic { app: caller.app().number, user: user.clone() };
        Ok(self.online.devices.lock().get(&topic).cloned().unwrap_or_default())
    }

    /// Whether `user` is online. Any user of the app may ask of any other.
    pub fn is_online(&self, caller: &Caller, user: &UserId) -> bool {
        let topic = Topic { app: caller.app().number, user: user.clone() };
        self.online.devices.lock().contains_key(&topic)
    }

    /// Ends sessions of `user`: all of them, or those of one device. Answers whether there was one.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for that user.
    pub fn log_out(
        &self,
        caller: &Caller,
        user: &UserId,
        device: Option<Resource>,
    ) -> Result<bool, Error> {
        let devices = self.devices_online(caller, user)?;
        let which = device.map_or(Which::All, Which::Device);
        let any = match &which {
            Which::Device(resource) => devices.iter().any(|d| d.info.resource == *resource),
            _ => !devices.is_empty(),
        };
        self.kick(caller, user, which, KickReason::ByOtherDevice);
        Ok(any)
    }

    pub(crate) fn kick(
        &self,
        scope: &impl AppScope,
        user: &UserId,
        which: Which,
        reason: KickReason,
    ) {
        let topic = Topic { app: scope.app().number, user: user.clone() };
        let kick = Kick { which, reason, note: String::new() };
        self.shared.bus.publish(&topic, &Arc::new(Event::Kick(kick)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_core::AppNumber;

    fn enter(online: &Online, resource: &str, platform: u32) -> (u64, Vec<u64>) {
        let topic = Topic { app: AppNumber(1), user: "alice".parse().unwrap() };
        let info = DeviceInfo {
            resource: resource.parse().unwrap(),
            uuid: String::new(),
            name: String::new(),
            platform,
        };
        online.enter(&topic, info, Timestamp::default())
    }

    #[test]
    fn the_same_device_replaces_its_older_session() {
        let online = Online::default();
        let (first, gone) = enter(&online, "web", 1);
        assert!(gone.is_empty());
        let (_, gone) = enter(&online, "phone", 2);
        assert!(gone.is_empty());
        let (_, gone) = enter(&online, "web", 1);
        assert_eq!(gone, [first]);
    }

    #[test]
    fn one_device_too_many_replaces_the_earliest_of_its_platform() {
        let online = Online::default();
        enter(&online, "phone", 2);
        let first = enter(&online, "web-0", 1).0;
        for n in 1..limits::DEVICES_ONLINE_PER_PLATFORM {
            assert!(enter(&online, &format!("web-{n}"), 1).1.is_empty());
        }
        assert_eq!(enter(&online, "one-more", 1).1, [first]);
    }

    #[test]
    fn one_device_too_many_of_all_replaces_the_earliest() {
        let online = Online::default();
        for n in 0..limits::DEVICES_ONLINE {
            let platform = u32::try_from(n).unwrap();
            assert!(enter(&online, &format!("device-{n}"), platform).1.is_empty());
        }
        assert_eq!(enter(&online, "one-more", 99).1, [0]);
    }
}
