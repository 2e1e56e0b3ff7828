//! What one append transaction comes to.
//!
//! Numbers and ids are given as entries are added; everything lands together or not at all. A group's
//! state is worked on here as well, so that whoever comes next in the same transaction meets it as it
//! will be.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use stoa_core::{App, ConversationId, MessageId, Resource, Seq, Target, Timestamp, UserId};
use stoa_store::{AppStore, Blind, Direction, Txn};

use super::{Appended, NewEntry, entry_key, log_bucket, log_space};
use crate::contact::Relation;
use crate::entry::{Audience, Entry, Kind, Log, Priority};
use crate::event::{self, GroupEvent};
use crate::group::{Group, Roster, attributes};
use crate::lifetime::{Noted, floor_of, note};
use crate::records::{self, Marks, StoredEntry};
use crate::room::{RoomAct, RoomWork};
use crate::{Error, Shared, member};

/// The end of a log.
#[derive(Debug, Default, Clone)]
pub(crate) struct End {
    pub(crate) seq: Seq,
    pub(crate) id: u64,
    pub(crate) countable: u64,
    pub(crate) marks: Marks,
}

impl End {
    /// The end of the log as it is stored: its last entry, or where the sweep left the numbering.
    pub(crate) async fn read(
        store: &AppStore,
        txn: &mut Txn,
        log: &Log,
        blind: Blind,
    ) -> Result<Self, Error> {
        let space = log_space(log);
        let all = store.key(space).blind(blind).all();
        let mut end = Self::default();
        // The last one counts also when nobody can open it any more.
        let mut unread = Seq::START;
        let last = txn.scan_all(&all, Direction::Backward, 1).await?.into_iter().next();
        match last {
            Some((key, Some(value))) => {
                let entry: StoredEntry = records::decode(&value, space.name)?;
                let (seq, id, countable) = (Seq(key.number(1)), entry.id, entry.countable);
                end = Self { seq, id, countable, marks: entry.marks.unwrap_or_default() };
            }
            Some((key, None)) => unread = Seq(key.number(1)),
            None => {}
        }
        if let Some(head) = floor_of(store, txn, blind).await?
            && head.seq > end.seq.0
        {
            let marks = Marks::default();
            end = Self { seq: Seq(head.seq), id: head.id, countable: head.countable, marks };
        }
        if unread > end.seq {
            // It was not written down how many of them count; the number does not fall.
            end.countable += unread.0 - end.seq.0;
            end.seq = unread;
        }
        Ok(end)
    }
}

/// To whom an entry is published.
pub(crate) enum Readers {
    /// Those whose names make up the log.
    Named,
    /// The members of the group at that moment.
    Members(Roster),
    /// Whoever is in the chat room, whose own loop tells it.
    Room,
}

/// An entry that got its place.
pub(crate) struct Placed {
    pub(crate) seq: Seq,
    pub(crate) entry: Arc<Entry>,
    pub(crate) countable: u64,
    pub(crate) client_id: u64,
    /// Of an edit: where the edited message lies.
    pub(crate) about: Seq,
    pub(crate) readers: Readers,
    /// Readers in the group send receipts.
    pub(crate) receipts: bool,
}

impl Placed {
    /// Whether the same device sends the same again.
    pub(crate) fn is_same_as(&self, new: &NewEntry) -> bool {
        new.client_id != 0
            && self.client_id == new.client_id
            && self.entry.from == new.from
            && self.entry.from_resource == new.from_resource
    }

    /// What is answered for it.
    pub(crate) fn answer(&self) -> Appended {
        Appended { id: self.entry.id, at: self.entry.at }
    }
}

/// Entries at the end of one log.
pub(crate) struct Tail {
    pub(crate) end: End,
    pub(crate) placed: Vec<Placed>,
}

impl Tail {
    pub(crate) const fn new(end: End) -> Self {
        Self { end, placed: Vec::new() }
    }

    /// Adds an entry.
    pub(crate) fn add(
        &mut self,
        shared: &Shared,
        new: &NewEntry,
        readers: Readers,
        now: Timestamp,
    ) -> Result<&Placed, Error> {
        let seq = self.end.seq.next();
        if seq > Seq::MAX {
            return Err(Error::argument("to", "the conversation is full"));
        }
        let id = shared.ids.next(now, Some(MessageId(self.end.id)));
        self.end.seq = seq;
        self.end.id = id.0;
        self.end.countable += u64::from(new.counts());
        if new.client_id != 0 {
            self.end.marks.note(new, now);
        }
        self.placed.push(Placed {
            seq,
            entry: Arc::new(new.placed(id, now)),
            countable: self.end.countable,
            client_id: new.client_id,
            about: new.about,
            readers,
            receipts: new.receipts,
        });
        Ok(self.placed.last().expect("it was just added"))
    }

    /// Writes what was added, and in which log and from where on there is something of this day: `lowest` is where
    /// something was sealed anew. `known` is what the index was known to say; answers what it says now.
    #[expect(clippy::too_many_arguments, reason = "what a transaction and a log are made of")]
    pub(crate) async fn write(
        &self,
        store: &AppStore,
        txn: &mut Txn,
        log: &Log,
        blind: Blind,
        now: Timestamp,
        lowest: Option<Seq>,
        known: Option<Noted>,
    ) -> Result<Option<Noted>, Error> {
        let last = self.placed.len().saturating_sub(1);
        for (index, Placed { seq, entry, countable, client_id, about, .. }) in
            self.placed.iter().enumerate()
        {
            let mut stored = StoredEntry::new(entry, *countable, *client_id);
            stored.about_seq = about.0;
            stored.marks = (index == last).then(|| self.end.marks.clone());
            let key = entry_key(store, log, blind, *seq);
            let bucket = log_bucket(store, log, now.day());
            txn.put(&key, bucket, &stored.encode_to_vec()).await?;
        }
        // A class room's chat ends with its key, and has no days.
        if log.class_number().is_some() {
            return Ok(None);
        }
        let first = self.placed.first().map(|placed| placed.seq);
        let Some(from) = lowest.into_iter().chain(first).min() else { return Ok(known) };
        let class = log_space(log).class;
        Ok(Some(note(store, txn, class, blind, (now.day(), from), known).await?))
    }
}

/// A transaction that appends to a conversation's log, and works on its messages and its group.
///
/// Whoever works on it checks everything first and writes then: an error after a write abandons
/// what others wanted of the same transaction, too.
pub(crate) struct Batch<'t> {
    pub(crate) store: &'t AppStore,
    pub(crate) txn: &'t mut Txn,
    pub(crate) shared: &'t Shared,
    pub(crate) app: &'t App,
    pub(crate) now: Timestamp,
    /// The group as it is by now; none if there is none.
    pub(crate) group: Option<Group>,
    pub(crate) tail: Tail,
    /// What is to be told to users in their own logs.
    pub(crate) posts: Vec<(UserId, NewEntry)>,
    /// Records that were written beside the log.
    pub(crate) written: usize,
    /// The lowest position that something was sealed anew for.
    pub(crate) lowest: Option<Seq>,
    /// The log that is appended to, and its name in keys.
    pub(crate) log: &'t Log,
    pub(crate) blind: Blind,
    /// Of a conversation between two: how they stand to each other.
    pub(crate) relation: Option<&'t Relation>,
    /// Of a chat room: what becomes of it when this is durable.
    pub(crate) room_acts: Vec<RoomAct>,
    /// Of a chat room: its loop does not know what was said last.
    pub(crate) must_recall: bool,
}

/// Who acts, and on which device: the device that is not told of it.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    pub(crate) user: UserId,
    pub(crate) resource: Resource,
}

impl Actor {
    pub(crate) const fn parts(&self) -> (&UserId, &Resource) {
        (&self.user, &self.resource)
    }
}

impl Batch<'_> {
    /// What was stored up to this moment is over: of the app's messages.
    pub(crate) fn kept_since(&self) -> Timestamp {
        self.shared.kept_in(self.app, self.log)
    }

    /// What is said where there is no such group, or room.
    const fn unknown(&self) -> Error {
        if self.log_is_rooms() { Error::UnknownRoom } else { Error::UnknownGroup }
    }

    /// The group.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`], [`Error::UnknownRoom`].
    pub(crate) fn group(&self) -> Result<&Group, Error> {
        // What stands behind its dismissal in the same transaction meets none.
        self.group.as_ref().filter(|group| !group.is_gone()).ok_or(self.unknown())
    }

    /// The group, to be changed.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`], [`Error::UnknownRoom`].
    pub(crate) fn group_mut(&mut self) -> Result<&mut Group, Error> {
        let unknown = self.unknown();
        self.group.as_mut().filter(|group| !group.is_gone()).ok_or(unknown)
    }

    /// Tells `audience` among the group's members of `event`: in the group's log, once for all. Those of
    /// a chat room who are there are told at once, and nothing is stored.
    pub(crate) fn tell(
        &mut self,
        actor: &Actor,
        event: &GroupEvent,
        audience: Audience,
    ) -> Result<(), Error> {
        let group = self.group()?;
        let (to, members) = (Target::Group(group.id().clone()), group.roster.clone());
        let body = event::body(event);
        let entry = NewEntry::event(Kind::GroupEvent, actor.parts(), to, body);
        let entry = entry.for_audience(audience);
        if self.log_is_rooms() {
            let id = self.shared.ids.next(self.now, None);
            self.say(Arc::new(entry.placed(id, self.now)), entry.priority);
            return Ok(());
        }
        self.tail.add(self.shared, &entry, Readers::Members(members), self.now)?;
        Ok(())
    }

    /// Whether the log is a chat room's.
    pub(crate) const fn log_is_rooms(&self) -> bool {
        matches!(self.log, Log::Conversation(conversation) if conversation.room().is_some())
    }

    /// Has an entry said in the room.
    pub(crate) fn say(&mut self, entry: Arc<Entry>, priority: Priority) {
        self.room_acts.push(RoomWork::Say(entry, priority).into());
    }

    /// Tells `user`, who need not be a member, of `event`: in the user's own log.
    pub(crate) fn post(&mut self, actor: &Actor, user: &UserId, event: &GroupEvent) {
        let to = Target::User(user.clone());
        let entry = NewEntry::event(Kind::GroupEvent, actor.parts(), to, event::body(event));
        self.posts.push((user.clone(), entry));
    }

    /// The entry at `seq` as it is stored; none if there is none.
    pub(crate) async fn stored(&mut self, seq: Seq) -> Result<Option<StoredEntry>, Error> {
        let key = entry_key(self.store, self.log, self.blind, seq);
        match self.txn.get(&key).await? {
            Some(value) => Ok(Some(records::decode(&value, log_space(self.log).name)?)),
            None => Ok(None),
        }
    }

    /// Writes the entry at `seq` anew, under the key of this day.
    pub(crate) async fn rewrite(&mut self, seq: Seq, stored: &StoredEntry) -> Result<(), Error> {
        self.written += 1;
        self.sealed_anew(seq);
        let key = entry_key(self.store, self.log, self.blind, seq);
        let bucket = log_bucket(self.store, self.log, self.now.day());
        Ok(self.txn.put(&key, bucket, &stored.encode_to_vec()).await?)
    }

    /// Something is sealed for the entry at `seq` on this day.
    pub(crate) fn sealed_anew(&mut self, seq: Seq) {
        self.lowest = Some(self.lowest.map_or(seq, |lowest| lowest.min(seq)));
    }

    /// Takes from the entry at `seq` all that it says; it keeps its place. Position 0 is no entry's.
    pub(crate) async fn silence(&mut self, seq: Seq) -> Result<(), Error> {
        let mut placed = self.tail.placed.iter_mut();
        if let Some(placed) = placed.find(|placed| placed.seq == seq) {
            placed.entry = Arc::new(placed.entry.place_only());
            return Ok(());
        }
        if let Some(mut stored) = self.stored(seq).await? {
            stored.kind = Kind::Mark.into();
            (stored.body, stored.ext) = (Bytes::new(), Bytes::new());
            (stored.edit, stored.change) = (None, None);
            self.rewrite(seq, &stored).await?;
        }
        Ok(())
    }

    /// Appends `new`, for whoever reads the log now.
    pub(crate) fn append(&mut self, new: &NewEntry) -> Result<Appended, Error> {
        if self.log_is_rooms() {
            let placed = self.tail.add(self.shared, new, Readers::Room, self.now)?;
            let (answer, entry) = (placed.answer(), placed.entry.clone());
            self.say(entry, new.priority);
            return Ok(answer);
        }
        let readers = match self.log {
            Log::Conversation(ConversationId::Group(_)) => {
                Readers::Members(self.group()?.roster.clone())
            }
            _ => Readers::Named,
        };
        Ok(self.tail.add(self.shared, new, readers, self.now)?.answer())
    }

    /// Enters `user` as a member from the log's present end on.
    pub(crate) async fn enter(&mut self, user: &UserId, is_new: bool) -> Result<(), Error> {
        self.written += 1;
        let (id, end) = (self.group()?.id().clone(), self.tail.end.seq);
        if id.is_room() {
            // All its sessions hear what is said from now on.
            self.room_acts.push(RoomAct::Sit(user.clone(), None));
            return Ok(());
        }
        member::enter(self.store, self.txn, user, &id, end, self.now, is_new).await
    }

    /// Ends the membership of `user` at the log's present end.
    pub(crate) async fn leave(&mut self, user: &UserId) -> Result<(), Error> {
        self.written += 1;
        let (id, end) = (self.group()?.id().clone(), self.tail.end.seq);
        attributes::forget(self.store, self.txn, &id, user).await?;
        member::leave(self.store, self.txn, user, &id, end).await
    }
}
