//! A user's part in conversations, and how far each of the user's devices has received.
//!
//! A place is kept for each device and conversation. A device that logs in for the first time starts
//! where the furthest of the user's devices stands; a user who never received anything starts at the
//! beginning.

use std::collections::HashMap;

use prost::Message;
use stoa_bus::Topic;
use stoa_core::{
    AppScope, Caller, ConversationId, GroupId, MucKind, Resource, Seq, Target, Timestamp, UserId,
    limits,
};
use stoa_store::{AppStore, Blind, Bucket, Direction, Key, ReadTxn, Txn, spaces};

use crate::contact::Relation;
use crate::entry::{Log, Queue};
use crate::group::name_key;
use crate::lifetime::swept_up_to;
use crate::log::{entry_key, log_blind, log_space};
use crate::records::{self, Cursors, Device, DeviceCursor, Membership, Name, Span};
use crate::{Chat, Error, account};

/// Rows that one step of a long walk reads.
const STEP: usize = 500;

/// The blinded name of a conversation in keys.
pub(crate) fn conversation_blind(store: &AppStore, conversation: &ConversationId) -> Blind {
    match conversation {
        ConversationId::OneToOne(a, b) => {
            store.blind("one-to-one", &[a.as_str().as_bytes(), b.as_str().as_bytes()])
        }
        ConversationId::Group(group) => {
            let label = if group.is_room() { "room" } else { "group" };
            store.blind(label, &[group.as_str().as_bytes()])
        }
    }
}

fn membership_key(store: &AppStore, user: Blind, conversation: Blind) -> Key {
    store.key(&spaces::MEMBERSHIPS).blind(user).blind(conversation).done()
}

fn own_log_key(store: &AppStore, user: Blind) -> Key {
    store.key(&spaces::USER_LOG_CURSORS).blind(user).done()
}

/// The key of a device that logged in.
pub(crate) fn device_key(store: &AppStore, user: Blind, resource: &Resource) -> Key {
    let device = store.blind("device", &[resource.as_str().as_bytes()]);
    store.key(&spaces::DEVICES).blind(user).blind(device).done()
}

/// Enters the two of `conversation` as its members, if they are not yet, and answers how they stand to
/// each other. Whoever is new sees what lies behind `end`.
///
/// # Errors
/// [`Error::UnknownRecipient`] when one of them does not exist.
pub(crate) async fn ensure(
    store: &AppStore,
    txn: &mut Txn,
    conversation: &ConversationId,
    end: Seq,
    now: Timestamp,
) -> Result<Relation, Error> {
    let blind = conversation_blind(store, conversation);
    let pair = conversation.pair();
    for member in &pair {
        let user = account::user_blind(store, member);
        let key = membership_key(store, user, blind);
        if txn.get(&key).await?.is_some() {
            continue;
        }
        if !txn.exists(&account::account_key(store, member)).await? {
            return Err(Error::UnknownRecipient);
        }
        let membership = Membership {
            name: conversation.seen_by(member).name().into(),
            since_ms: now.as_millis(),
            since_seq: end.0,
            ..Membership::default()
        };
        txn.put(&key, Bucket::Object(user.0), &membership.encode_to_vec()).await?;
    }
    let (Some(first), Some(last)) = (pair.first(), pair.last()) else {
        return Err(Error::Internal);
    };
    Relation::load(store, txn, first, last).await
}

/// The key of a user's membership in the conversation with `target`.
pub(crate) fn key_of(store: &AppStore, me: &UserId, target: &Target) -> Key {
    let conversation = conversation_blind(store, &target.conversation(me));
    membership_key(store, account::user_blind(store, me), conversation)
}

/// Enters `user` as a member of a group: it sees what lies behind `end`. `is_new` says that the group
/// has just been made, so that there is nothing to look up.
pub(crate) async fn enter(
    store: &AppStore,
    txn: &mut Txn,
    user: &UserId,
    group: &GroupId,
    end: Seq,
    now: Timestamp,
    is_new: bool,
) -> Result<(), Error> {
    let key = key_of(store, user, &Target::Group(group.clone()));
    let before = if is_new { None } else { txn.get(&key).await? };
    let mut row = match before {
        Some(value) => records::decode::<Membership>(&value, spaces::MEMBERSHIPS.name)?,
        None => Membership::default(),
    };
    if let Some(until) = row.until_seq.take() {
        row.earlier.push(Span { since: row.since_seq, until });
        let surplus = row.earlier.len().saturating_sub(limits::MEMBERSHIPS_REMEMBERED);
        row.earlier.drain(..surplus);
    }
    row.name = group.as_str().into();
    row.is_group = true;
    (row.since_ms, row.since_seq) = (now.as_millis(), end.0);
    save(store, txn, user, &key, &row).await
}

/// Ends the membership of `user` in a group: it sees nothing behind `end`.
pub(crate) async fn leave(
    store: &AppStore,
    txn: &mut Txn,
    user: &UserId,
    group: &GroupId,
    end: Seq,
) -> Result<(), Error> {
    let key = key_of(store, user, &Target::Group(group.clone()));
    let Some(value) = txn.get(&key).await? else { return Ok(()) };
    let mut row: Membership = records::decode(&value, spaces::MEMBERSHIPS.name)?;
    end_place(&mut row, end);
    save(store, txn, user, &key, &row).await
}

/// Whoever has this place sees nothing behind `end`, and the group stands on no list any more.
pub(crate) fn end_place(row: &mut Membership, end: Seq) {
    row.until_seq = Some(end.0);
    row.pinned_ms = None;
    row.marks.clear();
    row.set_shielded(false, end);
}

/// Writes down that `user` is something in a chat room besides a member: since when, and whether it is
/// away; or that it is nothing there. Of ordinary members nothing is written: they are found in the
/// room's roster, and their rooms among the sessions and [`Absences`](crate::room::Absences).
pub(crate) async fn write_room(
    store: &AppStore,
    txn: &mut Txn,
    user: &UserId,
    room: &GroupId,
    part: Option<(Timestamp, bool)>,
) -> Result<(), Error> {
    let key = key_of(store, user, &Target::Group(room.clone()));
    let Some((since, is_away)) = part else { return Ok(txn.delete(&key)?) };
    let (name, since_ms) = (room.as_str().into(), since.as_millis());
    let row = Membership { name, since_ms, is_room: true, is_away, ..Membership::default() };
    save(store, txn, user, &key, &row).await
}

/// Notes that `user` takes no messages of a group behind `end` any more, or takes them again.
pub(crate) async fn shield(
    store: &AppStore,
    txn: &mut Txn,
    user: &UserId,
    group: &GroupId,
    end: Seq,
    on: bool,
) -> Result<(), Error> {
    let key = key_of(store, user, &Target::Group(group.clone()));
    let Some(value) = txn.get(&key).await? else { return Ok(()) };
    let mut row: Membership = records::decode(&value, spaces::MEMBERSHIPS.name)?;
    row.set_shielded(on, end);
    save(store, txn, user, &key, &row).await
}

/// Writes a membership of `user`.
pub(crate) async fn save(
    store: &AppStore,
    txn: &mut Txn,
    user: &UserId,
    key: &Key,
    row: &Membership,
) -> Result<(), Error> {
    let bucket = Bucket::Object(account::user_blind(store, user).0);
    Ok(txn.put(key, bucket, &row.encode_to_vec()).await?)
}

impl Membership {
    /// Where `resource` stands: never before the user became a member.
    fn cursor(&self, resource: &Resource) -> Seq {
        let cursor = self.cursors.as_ref().map_or(Seq::START, |cursors| cursors.of(resource));
        cursor.max(self.first())
    }

    /// The user was no member up to here.
    pub(crate) fn first(&self) -> Seq {
        Seq(self.earlier.first().map_or(self.since_seq, |span| span.since))
    }

    /// Whether the user was a member when the entry at `seq` was appended.
    pub(crate) fn sees(&self, seq: Seq) -> bool {
        let now = seq.0 > self.since_seq && self.until_seq.is_none_or(|until| seq.0 <= until);
        now || self.earlier.iter().any(|span| seq.0 > span.since && seq.0 <= span.until)
    }

    /// Takes no messages behind `end`, or takes them again.
    fn set_shielded(&mut self, on: bool, end: Seq) {
        self.shielded = on;
        if on {
            self.shielded_since.get_or_insert(end.0);
        } else if let Some(since) = self.shielded_since.take() {
            self.shields.push(Span { since, until: end.0 });
            let surplus = self.shields.len().saturating_sub(limits::MEMBERSHIPS_REMEMBERED);
            self.shields.drain(..surplus);
        }
    }

    /// Whether the user took no messages when the entry at `seq` was appended.
    pub(crate) fn is_shielded_from(&self, seq: Seq) -> bool {
        self.shielded_since.is_some_and(|since| seq.0 > since)
            || self.shields.iter().any(|span| seq.0 > span.since && seq.0 <= span.until)
    }

    /// Nothing behind this position is for the user; none while it is a member.
    pub(crate) fn last(&self) -> Option<Seq> {
        self.until_seq.map(Seq)
    }

    /// What the user's devices call the conversation; none if it is a chat room's, which has no
    /// queue and stands in no list.
    pub(crate) fn target(&self) -> Option<Target> {
        if self.is_room { None } else { records::target(&self.name, self.is_group, false) }
    }

    /// The chat room that the user is in, if it is one's.
    pub(crate) fn room(&self) -> Option<GroupId> {
        let is_in = self.is_room && !self.is_away;
        is_in.then(|| GroupId::parse(MucKind::Room, &self.name).ok()).flatten()
    }
}

impl Cursors {
    /// Where `resource` stands.
    fn of(&self, resource: &Resource) -> Seq {
        match self.devices.iter().find(|d| d.resource == resource.as_str()) {
            Some(device) => Seq(device.seq),
            // A known device without a place has received nothing here, unless places were dropped.
            None if self.devices.len() < limits::DEVICES_REMEMBERED => Seq::START,
            None => Seq(self.highest),
        }
    }

    /// Moves `resource` forward to `seq`; answers whether that changed anything.
    fn advance(&mut self, resource: &Resource, seq: Seq, now: Timestamp) -> bool {
        let at_ms = now.as_millis();
        match self.devices.iter_mut().find(|d| d.resource == resource.as_str()) {
            Some(device) if device.seq >= seq.0 => return false,
            Some(device) => (device.seq, device.at_ms) = (seq.0, at_ms),
            None => {
                if self.devices.len() >= limits::DEVICES_REMEMBERED {
                    let oldest = self.devices.iter().enumerate().min_by_key(|(_, d)| d.at_ms);
                    oldest.map(|(index, _)| index).map(|index| self.devices.swap_remove(index));
                }
                let resource = resource.as_str().into();
                self.devices.push(DeviceCursor { resource, seq: seq.0, at_ms });
            }
        }
        self.highest = self.highest.max(seq.0);
        true
    }
}

/// A queue with something that a device has not received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The queue.
    pub queue: Queue,
    /// The device has everything up to here.
    pub cursor: Seq,
}

impl Chat {
    /// Remembers the device and, when it is new, lets it start where the furthest of the user's
    /// devices stands.
    pub(crate) async fn remember_device(
        &self,
        store: &AppStore,
        user: &UserId,
        info: &crate::DeviceInfo,
    ) -> Result<(), Error> {
        let now = self.shared.clock.now();
        let blind = account::user_blind(store, user);
        let key = device_key(store, blind, &info.resource);
        if let Some(value) = store.read().await?.get(&key).await? {
            let device: Device = records::decode(&value, spaces::DEVICES.name)?;
            // The last login orders devices by use; to the hour is enough for that.
            if now.since(Timestamp::from_millis(device.last_login_ms)).as_secs() < 3600 {
                return Ok(());
            }
        } else {
            self.start_device(store, blind, &info.resource).await?;
        }
        let device = Device {
            resource: info.resource.as_str().into(),
            uuid: info.uuid.clone(),
            name: info.name.clone(),
            last_login_ms: now.as_millis(),
        };
        let (key, device) = (&key, &device);
        store
            .transact(|mut txn| async move {
                let all = store.key(&spaces::DEVICES).blind(blind).all();
                let mut known = Vec::new();
                for (key, value) in txn.scan(&all, Direction::Forward, STEP).await? {
                    let device: Device = records::decode(&value, spaces::DEVICES.name)?;
                    known.push((device.last_login_ms, key));
                }
                known.retain(|(_, other)| other != key);
                known.sort_by_key(|(last_login, _)| *last_login);
                let surplus = (known.len() + 1).saturating_sub(limits::DEVICES_REMEMBERED);
                for (_, forgotten) in known.drain(..surplus) {
                    txn.delete(&forgotten)?;
                }
                txn.put(key, Bucket::Object(blind.0), &device.encode_to_vec()).await?;
                Ok::<_, Error>(txn.done(()))
            })
            .await
    }

    /// Sets a new device's place in each of the user's queues to the furthest.
    async fn start_device(
        &self,
        store: &AppStore,
        user: Blind,
        resource: &Resource,
    ) -> Result<(), Error> {
        let now = self.shared.clock.now();
        let mut from = None;
        loop {
            let rows = {
                let all = store.key(&spaces::MEMBERSHIPS).blind(user).all();
                let all = from.as_ref().map_or(all.clone(), |key| all.clone().above(key));
                store.read().await?.scan(&all, Direction::Forward, STEP).await?
            };
            let Some((last, _)) = rows.last() else { break };
            from = Some(last.clone());
            let keys: Vec<Key> = rows.into_iter().map(|(key, _)| key).collect();
            let keys = &keys;
            store
                .transact(|mut txn| async move {
                    for key in keys {
                        let Some(value) = txn.get(key).await? else { continue };
                        let mut row: Membership =
                            records::decode(&value, spaces::MEMBERSHIPS.name)?;
                        let cursors = row.cursors.get_or_insert_default();
                        let highest = Seq(cursors.highest);
                        if highest > Seq::START && cursors.advance(resource, highest, now) {
                            txn.put(key, Bucket::Object(user.0), &row.encode_to_vec()).await?;
                        }
                    }
                    Ok::<_, Error>(txn.done(()))
                })
                .await?;
        }
        let key = &own_log_key(store, user);
        store
            .transact(|mut txn| async move {
                let Some(value) = txn.get(key).await? else { return Ok(txn.done(())) };
                let mut cursors: Cursors = records::decode(&value, spaces::USER_LOG_CURSORS.name)?;
                let highest = Seq(cursors.highest);
                if cursors.advance(resource, highest, now) {
                    txn.put(key, Bucket::Object(user.0), &cursors.encode_to_vec()).await?;
                }
                Ok::<_, Error>(txn.done(()))
            })
            .await
    }

    /// The queues in which `resource` of the calling user has something to receive. Found by asking
    /// whether an entry lies behind the device's place, so no count is kept for it. The session is in
    /// the user's chat rooms from then on.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] when the caller is no user; [`Error::Store`].
    pub async fn unread(&self, caller: &Caller, resource: &Resource) -> Result<Vec<Unread>, Error> {
        let me = caller.user().ok_or(Error::NotAllowed)?;
        if caller.class().is_some() {
            return self.unread_in_class(caller, me).await;
        }
        let store = self.store.app(caller).await?;
        let user = account::user_blind(&store, me);
        // Before the view is taken: what is stored meanwhile is in one of the two.
        let moved = self.places.of(caller, me, resource);
        self.store_places(caller, resource, &moved).await?;
        let read = store.read().await?;
        let (mut unread, mut rooms) = (Vec::new(), Vec::new());
        let mut queues =
            vec![(Queue::OwnLog, self.cursor(caller, resource, &Queue::OwnLog).await?)];
        let mut from = None;
        loop {
            let all = store.key(&spaces::MEMBERSHIPS).blind(user).all();
            let all = from.as_ref().map_or(all.clone(), |key| all.clone().above(key));
            let rows = read.scan(&all, Direction::Forward, STEP).await?;
            let full = rows.len() == STEP;
            for (key, value) in rows {
                let row: Membership = records::decode(&value, spaces::MEMBERSHIPS.name)?;
                rooms.extend(row.room());
                let cursor = row.cursor(resource);
                if let Some(target) = row.target()
                    && row.last().is_none_or(|last| cursor < last)
                {
                    queues.push((Queue::of_target(&target), cursor));
                }
                from = Some(key);
            }
            for (queue, cursor) in queues.drain(..) {
                let cursor = moved.get(&queue).map_or(cursor, |moved| cursor.max(*moved));
                let log = queue.log(me);
                if self.goes_on(&store, &read, &log, cursor).await? {
                    unread.push(Unread { queue, cursor });
                }
            }
            if !full {
                let topic = Topic { app: caller.app().number, user: me.clone() };
                rooms.extend(self.shared.rooms_of(&topic));
                rooms.sort_unstable();
                rooms.dedup();
                self.enter_rooms(caller, &rooms).await?;
                return Ok(unread);
            }
        }
    }

    /// Whether there is an entry behind `cursor` that can still be read. Mostly the very next one says so, or that there
    /// is none; only where entries were over, and the cursor stands before them, is looked for one behind them.
    async fn goes_on(
        &self,
        store: &AppStore,
        read: &ReadTxn,
        log: &Log,
        cursor: Seq,
    ) -> Result<bool, Error> {
        let blind = log_blind(store, log);
        let over = match read.look(&entry_key(store, log, blind, cursor.next())).await? {
            Some(Some(_)) => return Ok(true),
            // It is over, and not removed yet.
            Some(None) => true,
            None => {
                self.shared.floors.any(store, read).await?
                    && swept_up_to(store, read, blind).await? > cursor
            }
        };
        let behind = store.key(log_space(log)).blind(blind).numbers(cursor.0 + 1..);
        Ok(over && !read.scan(&behind, Direction::Forward, 1).await?.is_empty())
    }

    /// Stores what an older session of the device left unstored. A session counts what would come again
    /// after a crash from its beginning, so nothing of an older one may be open then.
    async fn store_places(
        &self,
        caller: &Caller,
        resource: &Resource,
        moved: &HashMap<Queue, Seq>,
    ) -> Result<(), Error> {
        if moved.is_empty() {
            return Ok(());
        }
        let mut moved: Vec<_> = moved.iter().map(|(queue, seq)| (queue.clone(), *seq)).collect();
        moved.sort_unstable_by(|(a, _), (b, _)| a.name().cmp(b.name()));
        self.save_cursors(caller, resource, &moved).await
    }

    /// Where `resource` of the calling user stands in `queue`.
    pub(crate) async fn cursor(
        &self,
        caller: &Caller,
        resource: &Resource,
        queue: &Queue,
    ) -> Result<Seq, Error> {
        let me = caller.user().ok_or(Error::NotAllowed)?;
        let store = self.store.app(caller).await?;
        let moved = self.places.of(caller, me, resource).get(queue).copied().unwrap_or_default();
        let key = cursors_key(&store, me, queue);
        let Some(value) = store.read().await?.get(&key).await? else { return Ok(moved) };
        Ok(moved.max(match queue {
            Queue::OwnLog => {
                records::decode::<Cursors>(&value, spaces::USER_LOG_CURSORS.name)?.of(resource)
            }
            Queue::With(_) | Queue::Group(_) => {
                records::decode::<Membership>(&value, spaces::MEMBERSHIPS.name)?.cursor(resource)
            }
        }))
    }

    /// What `target` is: where the SDK names a group or a chat room without saying which, the one that
    /// there is.
    pub(crate) async fn as_named(&self, caller: &Caller, target: &Target) -> Result<Target, Error> {
        let Target::Group(id) = target else { return Ok(target.clone()) };
        if id.is_room() {
            return Ok(target.clone());
        }
        let room = id.with_kind(MucKind::Room);
        if room.class_number().is_some() {
            return Ok(Target::Group(room));
        }
        let store = self.store.app(caller).await?;
        let Some(value) = store.read().await?.get(&name_key(&store, id)).await? else {
            return Ok(target.clone());
        };
        let name: Name = records::decode(&value, spaces::NAMES.name)?;
        let kind = if name.kind == Name::ROOM { MucKind::Room } else { MucKind::Group };
        Ok(Target::Group(id.with_kind(kind)))
    }

    /// The calling user's part in the conversation with `target`; none if it never had one.
    pub(crate) async fn membership(
        &self,
        caller: &Caller,
        me: &UserId,
        target: &Target,
    ) -> Result<Option<Membership>, Error> {
        if let Target::Group(room) = target
            && room.is_room()
        {
            // Who is in a room sees the whole of its history.
            let line = match self.group_state(caller, room).await {
                Ok(group) => group.roster.member(me).map(|line| line.since),
                Err(Error::UnknownRoom) => None,
                Err(error) => return Err(error),
            };
            let name: String = room.as_str().into();
            let row = |since: Timestamp| Membership {
                name,
                since_ms: since.as_millis(),
                is_room: true,
                ..Membership::default()
            };
            return Ok(line.map(row));
        }
        let store = self.store.app(caller).await?;
        let value = store.read().await?.get(&key_of(&store, me, target)).await?;
        let row = value.map(|value| records::decode(&value, spaces::MEMBERSHIPS.name));
        Ok(row.transpose()?)
    }

    /// Notes how far `resource` of the calling user has received, so that a session that takes this one
    /// over goes on from there. [`Self::save_cursors`] stores it.
    pub fn note_cursor(&self, caller: &Caller, resource: &Resource, queue: &Queue, seq: Seq) {
        if let Some(me) = caller.user() {
            self.places.note(caller, me, resource, queue, seq);
        }
    }

    /// Stores how far `resource` of the calling user has received. Places only move forward.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] when the caller is no user; [`Error::Store`].
    pub async fn save_cursors(
        &self,
        caller: &Caller,
        resource: &Resource,
        moved: &[(Queue, Seq)],
    ) -> Result<(), Error> {
        let me = caller.user().ok_or(Error::NotAllowed)?;
        let store = self.store.app(caller).await?;
        let bucket = Bucket::Object(account::user_blind(&store, me).0);
        let now = self.shared.clock.now();
        let store = &store;
        store
            .transact(|mut txn| async move {
                for (queue, seq) in moved {
                    let key = cursors_key(store, me, queue);
                    let value = txn.get(&key).await?;
                    let changed = match (queue, value) {
                        (Queue::OwnLog, value) => {
                            let space = spaces::USER_LOG_CURSORS.name;
                            let mut cursors: Cursors = match value {
                                Some(value) => records::decode(&value, space)?,
                                None => Cursors::default(),
                            };
                            cursors.advance(resource, *seq, now).then(|| cursors.encode_to_vec())
                        }
                        (_, Some(value)) => {
                            let mut row: Membership =
                                records::decode(&value, spaces::MEMBERSHIPS.name)?;
                            let cursors = row.cursors.get_or_insert_default();
                            cursors.advance(resource, *seq, now).then(|| row.encode_to_vec())
                        }
                        // The user was deleted, or the conversation never began.
                        (_, None) => None,
                    };
                    if let Some(value) = changed {
                        txn.put(&key, bucket, &value).await?;
                    }
                }
                Ok::<_, Error>(txn.done(()))
            })
            .await?;
        self.places.stored(caller, me, resource, moved);
        Ok(())
    }
}

fn cursors_key(store: &AppStore, me: &UserId, queue: &Queue) -> Key {
    match queue {
        Queue::OwnLog => own_log_key(store, account::user_blind(store, me)),
        Queue::With(peer) => key_of(store, me, &Target::User(peer.clone())),
        Queue::Group(group) => key_of(store, me, &Target::Group(group.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_move_forward_only_and_the_oldest_makes_room() {
        let resource = |n: usize| format!("web-{n}").parse::<Resource>().unwrap();
        let at = |n: usize| Timestamp::from_secs(n as u64);
        let mut cursors = Cursors::default();
        assert_eq!(cursors.of(&resource(0)), Seq::START);
        assert!(cursors.advance(&resource(0), Seq(5), at(1)));
        assert!(!cursors.advance(&resource(0), Seq(4), at(2)));
        assert_eq!(cursors.of(&resource(0)), Seq(5));
        for n in 1..=limits::DEVICES_REMEMBERED {
            cursors.advance(&resource(n), Seq(3), at(n + 5));
        }
        assert_eq!(cursors.devices.len(), limits::DEVICES_REMEMBERED);
        assert_eq!(cursors.highest, 5);
        assert_eq!(cursors.of(&resource(0)), Seq(5), "dropped: it starts at the furthest");
        assert_eq!(cursors.of(&resource(1)), Seq(3));
    }
}
