//! Who is connected at this moment, on which devices.
//!
//! A session attaches itself when it has logged in. Its [`Attachment`] holds both the subscription to
//! the user's events and the place in this register; dropping it gives both back on every way out. All
//! sessions of a user are in the chat rooms that the user is in: which these are stands here, too. That
//! something has changed is noted beside, for whoever tells subscribers of a user's presence.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use stoa_bus::{Subscriber, Subscription, Topic};
use stoa_core::{AppNumber, AppScope, Caller, Resource, Timestamp, TokenMark, UserId, limits};

use crate::entry::{Event, KickReason, Which};
use crate::log::Appender;
use crate::room::{Asking, RoomWork, Seat};
use crate::{Chat, Error, Shared};

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

/// A session in the register.
struct Session {
    device: OnlineDevice,
    to: Arc<dyn Subscriber<Event>>,
    /// From where it comes, if that is known.
    address: Option<IpAddr>,
    /// The tokens that let it in and renewed it.
    tokens: Vec<TokenMark>,
}

/// A user in the register.
#[derive(Default)]
struct Present {
    sessions: Vec<Session>,
    /// The chat rooms that the user is in, each by the one that appends to its log.
    rooms: Vec<Arc<Appender>>,
}

impl Present {
    /// Notes that the user is in a room.
    fn note(&mut self, room: &Arc<Appender>) {
        if !self.rooms.iter().any(|other| Arc::ptr_eq(other, room)) {
            self.rooms.push(room.clone());
            self.rooms.shrink_to_fit();
        }
    }

    /// What is to be put into a room's line so that a session is in it.
    fn seat(&self, user: &UserId, session: &Session, with_recent: bool) -> RoomWork {
        let seat = Seat {
            user: user.clone(),
            resource: session.device.info.resource.clone(),
            number: session.device.number,
            to: session.to.clone(),
        };
        RoomWork::Seat(Box::new(seat), with_recent)
    }
}

/// The register.
#[derive(Default)]
pub(crate) struct Online {
    users: Mutex<HashMap<Topic, Present>>,
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
pub struct Attachment {
    _subscription: Subscription<Event>,
    shared: Arc<Shared>,
    topic: Topic,
    caller: Caller,
    number: u64,
}

impl Attachment {
    /// The session's number, by which a [`Kick`](crate::entry::Kick) names it.
    pub const fn number(&self) -> u64 {
        self.number
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        let online = &self.shared.online;
        let mut users = online.users.lock();
        let mut rooms = None;
        if let Some(present) = users.get_mut(&self.topic) {
            present.sessions.retain(|session| session.device.number != self.number);
            for room in &present.rooms {
                room.submit_to_room(&self.shared, [RoomWork::Rise(self.number)]);
            }
            if present.sessions.is_empty() {
                rooms = users.remove(&self.topic).map(|present| present.rooms);
            }
        }
        drop(users);
        if let Some(rooms) = rooms {
            let now = self.shared.clock.now();
            self.shared.absences.note(now, self.topic.clone(), rooms);
        }
        online.changed(&self.caller, &self.topic);
    }
}

impl Online {
    /// Enters a session, and answers which others have to go: those of the same device, and where
    /// there are too many, the earliest of the platform or of all.
    fn enter(
        &self,
        topic: &Topic,
        info: DeviceInfo,
        token: TokenMark,
        (to, address): (Arc<dyn Subscriber<Event>>, Option<IpAddr>),
        now: Timestamp,
    ) -> (u64, Vec<u64>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut users = self.users.lock();
        // Mostly there is one.
        let new = || Present { sessions: Vec::with_capacity(1), rooms: Vec::new() };
        let list = &mut users.entry(topic.clone()).or_insert_with(new).sessions;
        let mut gone = Vec::new();
        // Ends the earliest of those that `which` picks until fewer than `limit` are left.
        let mut make_room = |limit: usize, which: &dyn Fn(&DeviceInfo) -> bool| loop {
            let staying = |device: &OnlineDevice| !device.leaving && which(&device.info);
            if list.iter().filter(|session| staying(&session.device)).count() < limit {
                break;
            }
            let earliest = list.iter_mut().find(|session| staying(&session.device));
            let Some(Session { device, .. }) = earliest else { break };
            device.leaving = true;
            gone.push(device.number);
        };
        make_room(1, &|other| other.resource == info.resource);
        make_room(limits::DEVICES_ONLINE_PER_PLATFORM, &|other| other.platform == info.platform);
        make_room(limits::DEVICES_ONLINE, &|_| true);
        list.push(Session {
            device: OnlineDevice { info, since: now, number, leaving: false },
            to,
            address,
            tokens: vec![token],
        });
        (number, gone)
    }

    /// Notes that the user of `topic` is in a room, or is no more.
    pub(crate) fn note_room(
        &self,
        shared: &Shared,
        topic: &Topic,
        room: &Arc<Appender>,
        is_in: bool,
    ) {
        let mut users = self.users.lock();
        match users.get_mut(topic) {
            Some(present) if is_in => present.note(room),
            Some(present) => present.rooms.retain(|other| !Arc::ptr_eq(other, room)),
            None if is_in => {
                drop(users);
                // Nobody is there: the time in which somebody has to come begins.
                let now = shared.clock.now();
                shared.absences.note(now, topic.clone(), vec![room.clone()]);
            }
            None => {}
        }
    }

    /// The sessions of the user of `topic`, who is in a room, are put into the room's line. Who `asked`
    /// is given what was said last.
    pub(crate) fn sit(
        &self,
        shared: &Arc<Shared>,
        topic: &Topic,
        room: &Arc<Appender>,
        asked: Option<&Asking>,
    ) {
        let mut users = self.users.lock();
        // Whoever went meanwhile was noted with this room.
        let Some(present) = users.get_mut(topic) else { return };
        present.note(room);
        let seats = present.sessions.iter().map(|session| {
            let with_recent = match asked {
                Some(Asking::Session(number)) => *number == session.device.number,
                Some(Asking::Device(device)) => *device == session.device.info.resource,
                None => false,
            };
            present.seat(&topic.user, session, with_recent)
        });
        room.submit_to_room(shared, seats);
    }

    /// The rooms that the user of `topic` is in, as far as it has sessions.
    pub(crate) fn rooms_of(&self, topic: &Topic) -> Vec<Arc<Appender>> {
        let users = self.users.lock();
        users.get(topic).map(|present| present.rooms.clone()).unwrap_or_default()
    }

    /// The sessions of the user of `topic` are no more in a room.
    pub(crate) fn stand_up(&self, shared: &Arc<Shared>, topic: &Topic, room: &Arc<Appender>) {
        let mut users = self.users.lock();
        if let Some(present) = users.get_mut(topic) {
            present.rooms.retain(|other| !Arc::ptr_eq(other, room));
            let sessions = present.sessions.iter().map(|session| session.device.number);
            room.submit_to_room(shared, [RoomWork::Leave(sessions.collect())]);
        }
    }
}

impl Online {
    /// The devices of a user that are online and were not told to end, each once.
    pub(crate) fn of(&self, topic: &Topic) -> Vec<OnlineDevice> {
        self.all_of(topic).into_iter().filter(|device| !device.leaving).collect()
    }

    /// The devices of a user that are online.
    fn all_of(&self, topic: &Topic) -> Vec<OnlineDevice> {
        let users = self.users.lock();
        let sessions = users.get(topic).into_iter().flat_map(|present| &present.sessions);
        sessions.map(|session| session.device.clone()).collect()
    }

    /// Notes that a token renews the sessions of a user. A session remembers all that did, as long as they can
    /// be revoked; one that has seen too many takes no further one.
    pub(crate) fn renew(&self, topic: &Topic, token: &TokenMark, now: Timestamp) {
        let mut users = self.users.lock();
        let sessions = users.get_mut(topic).into_iter().flat_map(|present| &mut present.sessions);
        for session in sessions {
            let tokens = &mut session.tokens;
            if tokens.iter().any(|known| known.id == token.id) {
                continue;
            }
            if tokens.len() >= limits::TOKENS_OF_A_SESSION {
                tokens.retain(|known| now < known.ends);
            }
            if tokens.len() < limits::TOKENS_OF_A_SESSION {
                tokens.push(token.clone());
            }
        }
    }

    /// The sessions of a user, by number, with their devices and the tokens that let them in and renewed them.
    pub(crate) fn tokens_of(&self, topic: &Topic) -> Vec<(u64, Resource, Vec<TokenMark>)> {
        let users = self.users.lock();
        let sessions = users.get(topic).into_iter().flat_map(|present| &present.sessions);
        sessions
            .map(|session| {
                let OnlineDevice { number, info, .. } = &session.device;
                (*number, info.resource.clone(), session.tokens.clone())
            })
            .collect()
    }

    /// The sessions of a user, by number, with where they come from.
    pub(crate) fn addresses_of(&self, topic: &Topic) -> Vec<(u64, Option<IpAddr>)> {
        let users = self.users.lock();
        let sessions = users.get(topic).into_iter().flat_map(|present| &present.sessions);
        sessions.map(|session| (session.device.number, session.address)).collect()
    }

    /// The users of an app who have a session.
    pub(crate) fn topics_of(&self, app: AppNumber) -> Vec<Topic> {
        self.users.lock().keys().filter(|topic| topic.app == app).cloned().collect()
    }

    /// Whether the user has a session.
    pub(crate) fn has(&self, topic: &Topic) -> bool {
        self.users.lock().contains_key(topic)
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
    /// it replaces are told to end, with `note` as the text from this device. `address` is where it comes from.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] when the caller is no user.
    pub fn attach(
        &self,
        caller: &Caller,
        device: DeviceInfo,
        note: &str,
        to: Arc<dyn Subscriber<Event>>,
        address: Option<IpAddr>,
    ) -> Result<Attachment, Error> {
        let user = caller.user().ok_or(Error::NotAllowed)?;
        let topic = Topic { app: caller.app().number, user: user.clone() };
        let online = &self.shared.online;
        let (number, gone) = online.enter(
            &topic,
            device,
            caller.mark().clone(),
            (to.clone(), address),
            self.shared.clock.now(),
        );
        let subscription = self.shared.bus.subscribe(topic.clone(), to);
        let attachment = Attachment {
            _subscription: subscription,
            shared: self.shared.clone(),
            topic: topic.clone(),
            caller: caller.clone(),
            number,
        };
        online.changed(caller, &topic);
        for number in gone {
            let which = Which::Session(number);
            self.shared.kick(topic.app, user, which, KickReason::AnotherDevice, note);
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
        Ok(self.shared.online.all_of(&topic))
    }

    /// Whether `user` is online. Any user of the app may ask of any other.
    pub fn is_online(&self, caller: &Caller, user: &UserId) -> bool {
        let topic = Topic { app: caller.app().number, user: user.clone() };
        self.shared.online.has(&topic)
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
        self.shared.kick(scope.app().number, user, which, reason, "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_core::{Certificate, Issuer, SeededEntropy, TokenMarkId};

    struct Nobody;

    impl Subscriber<Event> for Nobody {
        fn deliver(&self, _: &Arc<Event>) {}
    }

    fn mark(n: u8) -> TokenMark {
        let certificate = Certificate::random(&SeededEntropy::new(1), Timestamp::default());
        TokenMark {
            id: TokenMarkId([n; 16]),
            issued: Timestamp::default(),
            ends: Timestamp::from_secs(u64::from(n) + 1),
            issuer: Issuer::Server(certificate.fingerprint()),
        }
    }

    fn enter(online: &Online, resource: &str, platform: u32) -> (u64, Vec<u64>) {
        let topic = Topic { app: AppNumber(1), user: "alice".parse().unwrap() };
        let info = DeviceInfo {
            resource: resource.parse().unwrap(),
            uuid: String::new(),
            name: String::new(),
            platform,
        };
        let mark = mark(0);
        online.enter(&topic, info, mark, (Arc::new(Nobody), None), Timestamp::default())
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

    #[test]
    fn a_session_remembers_its_tokens_and_takes_no_more_than_it_can() {
        let online = Online::default();
        let (number, _) = enter(&online, "web", 1);
        let topic = Topic { app: AppNumber(1), user: "alice".parse().unwrap() };
        let known = || online.tokens_of(&topic)[0].2.iter().map(|t| t.id.0[0]).collect::<Vec<_>>();
        let most = u8::try_from(limits::TOKENS_OF_A_SESSION).unwrap();
        for n in (1..most).chain([1, 2]) {
            online.renew(&topic, &mark(n), Timestamp::default());
        }
        assert_eq!(online.tokens_of(&topic)[0].0, number);
        assert_eq!(known(), (0..most).collect::<Vec<_>>(), "each once, the first one too");
        online.renew(&topic, &mark(100), Timestamp::default());
        assert!(!known().contains(&100), "it would push out one that can still be revoked");
        online.renew(&topic, &mark(100), Timestamp::from_secs(4));
        assert_eq!(known(), (4..most).chain([100]).collect::<Vec<_>>(), "those that are over go");
    }
}
