//! The records of a room.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use stoa_chat::class::class_blind;
use stoa_core::{RoomUuid, UserUuid};
use stoa_store::{AppStore, Blind, Bucket, Direction, Key, KeyRange, ReadTxn, Txn, spaces};

use crate::Error;
use crate::frame::{Event, Frame};
use crate::outbox::Mark;
use crate::room::{Outcome, Participant, RecordList, Room};

/// Rows that are read or removed at once.
const STEP: usize = 500;

/// The keys of one room of an app.
#[derive(Clone)]
pub(crate) struct RoomKeys<'a> {
    store: &'a AppStore,
    one: Blind,
    outbox: Blind,
}

/// The key of the record by which a room is found.
pub(crate) fn room_key(store: &AppStore, room: &RoomUuid) -> Key {
    let blind = store.blind("class room", &[room.as_str().as_bytes()]);
    store.key(&spaces::CLASS_ROOMS).blind(blind).done()
}

impl<'a> RoomKeys<'a> {
    /// Those of the room that was made as `instance`.
    pub(crate) fn new(store: &'a AppStore, room: &RoomUuid, instance: u64) -> Self {
        let parts = [room.as_str().as_bytes(), &instance.to_be_bytes()];
        let outbox = store.blind("class outbox", &parts);
        Self { store, one: class_blind(store, instance), outbox }
    }

    /// What its records are sealed under.
    pub(crate) const fn bucket(&self) -> Bucket {
        Bucket::Object(self.one.0)
    }

    /// What is sealed that outlives the room.
    pub(crate) const fn outbox_bucket(&self) -> Bucket {
        Bucket::Object(self.outbox.0)
    }

    fn user_blind(&self, user: &UserUuid) -> Blind {
        self.store.blind("class user", &[user.as_str().as_bytes()])
    }

    fn user(&self, user: &UserUuid) -> Key {
        let key = self.store.key(&spaces::CLASS_USERS).blind(self.one);
        key.blind(self.user_blind(user)).done()
    }

    fn frame(&self, sequence: u64) -> Key {
        self.store.key(&spaces::CLASS_FRAMES).blind(self.one).number(sequence).done()
    }

    fn peer_frame(&self, user: &UserUuid, sequence: u64) -> Key {
        let key = self.store.key(&spaces::CLASS_PEER_FRAMES).blind(self.one);
        key.blind(self.user_blind(user)).number(sequence).done()
    }

    fn event(&self, sequence: u64) -> Key {
        self.store.key(&spaces::CLASS_EVENTS).blind(self.one).number(sequence).done()
    }

    /// All that lies apart from the record by which the room is found.
    fn ranges(&self) -> [KeyRange; 5] {
        let all = [
            &spaces::CLASS_USERS,
            &spaces::CLASS_FRAMES,
            &spaces::CLASS_PEER_FRAMES,
            &spaces::CLASS_EVENTS,
            &spaces::CLASS_RECORDS,
        ];
        all.map(|space| self.store.key(space).blind(self.one).all())
    }

    /// Frames from number `from` on, `most` of them.
    pub(crate) async fn frames(&self, from: u64, most: usize) -> Result<Vec<Frame>, Error> {
        let range = self.store.key(&spaces::CLASS_FRAMES).blind(self.one).numbers(from..);
        read(&self.store.read().await?, &range, Direction::Forward, most).await
    }

    /// Frames to one user from number `from` on, `most` of them.
    pub(crate) async fn peer_frames(
        &self,
        user: &UserUuid,
        from: u64,
        most: usize,
    ) -> Result<Vec<Frame>, Error> {
        let key = self.store.key(&spaces::CLASS_PEER_FRAMES).blind(self.one);
        let range = key.blind(self.user_blind(user)).numbers(from..);
        read(&self.store.read().await?, &range, Direction::Forward, most).await
    }

    /// Events from number `from` on, `most` of them.
    pub(crate) async fn events(&self, from: u64, most: usize) -> Result<Vec<Event>, Error> {
        let range = self.store.key(&spaces::CLASS_EVENTS).blind(self.one).numbers(from..);
        read(&self.store.read().await?, &range, Direction::Forward, most).await
    }

    fn list(&self, list: &RecordList) -> Blind {
        self.store.blind("class list", &list.parts())
    }

    /// Records of a list behind number `after`, or before it where the last ones come first, `most` of them, each
    /// with its number.
    pub(crate) async fn records(
        &self,
        list: &RecordList,
        after: Option<u64>,
        last_first: bool,
        most: usize,
    ) -> Result<Vec<(u64, Value)>, Error> {
        let key = self.store.key(&spaces::CLASS_RECORDS).blind(self.one).blind(self.list(list));
        let (range, direction) = match (after, last_first) {
            (after, false) => {
                (key.numbers(after.map_or(0, |at| at.saturating_add(1))..), Direction::Forward)
            }
            (None, true) => (key.numbers(0..), Direction::Backward),
            (Some(after), true) => (key.numbers(0..after), Direction::Backward),
        };
        read(&self.store.read().await?, &range, direction, most).await
    }

    fn mark_key(&self) -> Key {
        self.store.key(&spaces::CLASS_MARKS).blind(self.one).done()
    }

    /// Up to where events were handed out, if any were.
    pub(crate) async fn mark(&self, read: &ReadTxn) -> Result<Option<Mark>, Error> {
        read.get(&self.mark_key()).await?.map(|value| decode(&value)).transpose()
    }

    /// As [`Self::mark`], in a transaction.
    pub(crate) async fn mark_in(&self, txn: &mut Txn) -> Result<Option<Mark>, Error> {
        txn.get(&self.mark_key()).await?.map(|value| decode(&value)).transpose()
    }

    /// Writes up to where events were handed out.
    pub(crate) async fn put_mark(&self, txn: &mut Txn, mark: &Mark) -> Result<(), Error> {
        Ok(txn.put(&self.mark_key(), self.outbox_bucket(), &encode(mark)?).await?)
    }

    /// Events from number `from` on that were not handed out, of a room that is destroyed or not.
    pub(crate) async fn unread(
        &self,
        is_destroyed: bool,
        from: u64,
        most: usize,
    ) -> Result<Vec<Event>, Error> {
        if !is_destroyed {
            return self.events(from, most).await;
        }
        let range = self.store.key(&spaces::CLASS_OUTBOX).blind(self.one).numbers(from..);
        read(&self.store.read().await?, &range, Direction::Forward, most).await
    }

    /// Seals events from number `from` on anew, `most` of them. Answers the number of the last.
    pub(crate) async fn copy_events(
        &self,
        txn: &mut Txn,
        from: u64,
        most: usize,
    ) -> Result<Option<u64>, Error> {
        let range = self.store.key(&spaces::CLASS_EVENTS).blind(self.one).numbers(from..);
        let mut last = None;
        for (_, value) in txn.scan(&range, Direction::Forward, most).await? {
            let event: Event = decode(&value)?;
            let key = self.store.key(&spaces::CLASS_OUTBOX).blind(self.one).number(event.sequence);
            txn.put(&key.done(), self.outbox_bucket(), &value).await?;
            last = Some(event.sequence);
        }
        Ok(last)
    }

    /// Removes what outlived the room, whose second key is gone.
    pub(crate) async fn remove_outbox(&self) -> Result<(), Error> {
        self.remove_range(&self.store.key(&spaces::CLASS_OUTBOX).blind(self.one).all()).await?;
        self.remove_range(&self.store.key(&spaces::CLASS_MARKS).blind(self.one).all()).await
    }

    /// Writes what came of acts.
    pub(crate) async fn put(
        &self,
        txn: &mut Txn,
        room: &Room,
        outcome: &Outcome,
    ) -> Result<(), Error> {
        let bucket = self.bucket();
        if outcome.touched.room {
            txn.put(&room_key(self.store, &room.id), bucket, &encode(room)?).await?;
        }
        for user in &outcome.touched.users {
            if let Some(participant) = room.users.get(user) {
                txn.put(&self.user(user), bucket, &encode(participant)?).await?;
            }
        }
        for frame in &outcome.frames {
            txn.put(&self.frame(frame.sequence), bucket, &encode(frame)?).await?;
        }
        for peer in &outcome.peers {
            let key = self.peer_frame(&peer.user, peer.frame.sequence);
            txn.put(&key, bucket, &encode(&peer.frame)?).await?;
        }
        for event in &outcome.events {
            txn.put(&self.event(event.sequence), bucket, &encode(event)?).await?;
        }
        for record in &outcome.records {
            let key = self.store.key(&spaces::CLASS_RECORDS).blind(self.one);
            let key = key.blind(self.list(&record.list)).number(record.number).done();
            let value = encode(&(record.number, &record.value))?;
            txn.put(&key, bucket, &value).await?;
        }
        Ok(())
    }

    /// Removes rows of a room whose key is gone, and then the record by which it was found.
    pub(crate) async fn remove(&self, room: &RoomUuid) -> Result<(), Error> {
        for range in self.ranges() {
            self.remove_range(&range).await?;
        }
        let key = &room_key(self.store, room);
        let removed = self.store.transact(|mut txn| async move {
            // A room of the same name may have been made since; that one can be read.
            if txn.get(key).await?.is_none() {
                txn.delete(key)?;
            }
            Ok::<_, Error>(txn.done(()))
        });
        removed.await
    }

    async fn remove_range(&self, range: &KeyRange) -> Result<(), Error> {
        loop {
            let rows = self.store.read().await?.scan_all(range, Direction::Forward, STEP).await?;
            if rows.is_empty() {
                return Ok(());
            }
            let rows = &rows;
            let removed = self.store.transact(|mut txn| async move {
                for row in rows {
                    txn.delete(&row.0)?;
                }
                Ok::<_, Error>(txn.done(()))
            });
            removed.await?;
        }
    }
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|_| Error::Unreadable)
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|_| Error::Unreadable)
}

async fn read<T: DeserializeOwned>(
    read: &ReadTxn,
    range: &KeyRange,
    direction: Direction,
    most: usize,
) -> Result<Vec<T>, Error> {
    let rows = read.scan(range, direction, most).await?;
    rows.iter().map(|(_, value)| decode(value)).collect()
}

/// Reads a room with all who are or were in it; none if it does not exist.
pub(crate) async fn load(store: &AppStore, room: &RoomUuid) -> Result<Option<Room>, Error> {
    let view = store.read().await?;
    let Some(value) = view.get(&room_key(store, room)).await? else { return Ok(None) };
    let mut room: Room = decode(&value)?;
    let keys = RoomKeys::new(store, &room.id, room.instance);
    let [users, frames, _, events, _] = keys.ranges();
    let mut rest = users;
    loop {
        let rows = view.scan(&rest, Direction::Forward, STEP).await?;
        let Some((last, _)) = rows.last() else { break };
        rest = rest.above(last);
        for (_, value) in &rows {
            let user: Participant = decode(value)?;
            room.users.insert(user.id.clone(), user);
        }
    }
    room.count_all();
    let last: Vec<Frame> = read(&view, &frames, Direction::Backward, 1).await?;
    room.sequence = last.first().map_or(0, |frame| frame.sequence);
    let last: Vec<Event> = read(&view, &events, Direction::Backward, 1).await?;
    room.event_sequence = last.first().map_or(0, |event| event.sequence);
    Ok(Some(room))
}

/// The rooms of an app, without their users.
pub(crate) async fn all(store: &AppStore) -> Result<Vec<Room>, Error> {
    records(store, store.key(&spaces::CLASS_ROOMS).all()).await
}

/// All records of a range.
async fn records<T: DeserializeOwned>(
    store: &AppStore,
    mut rest: KeyRange,
) -> Result<Vec<T>, Error> {
    let view = store.read().await?;
    let mut records = Vec::new();
    loop {
        let rows = view.scan(&rest, Direction::Forward, STEP).await?;
        let Some((last, _)) = rows.last() else { break };
        rest = rest.above(last);
        for (_, value) in &rows {
            records.push(decode(value)?);
        }
    }
    Ok(records)
}

/// Up to where the events of the rooms of an app were handed out.
pub(crate) async fn marks(store: &AppStore) -> Result<Vec<Mark>, Error> {
    records(store, store.key(&spaces::CLASS_MARKS).all()).await
}
