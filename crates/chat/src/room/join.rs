//! Coming into a room and going out of it.

use std::sync::Arc;

use stoa_bus::Topic;
use stoa_core::{AppScope, Caller, GroupId, MessageId, MucKind, Target, Timestamp, UserId, limits};
use stoa_store::{Direction, spaces};

use super::{Asking, RoomAct, RoomWork, attributes};
use crate::account::{self, account_key};
use crate::entry::Entry;
use crate::event::GroupAct;
use crate::group::{GroupActor, Standing};
use crate::log::{Batch, log_space};
use crate::member;
use crate::records::{self, Membership, StoredEntry};
use crate::{Chat, Error};

/// Rows that one step of a long walk reads.
const STEP: usize = 500;

/// What whoever comes into a room is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomEntered {
    /// All are muted but managers and those on the allow list.
    pub all_muted: bool,
    /// When the room was made.
    pub created: Timestamp,
    /// The user is on the allow list.
    pub allowed: bool,
    /// How many members there are, the user included.
    pub members: u32,
    /// An id for the answer.
    pub answer: MessageId,
    /// Until when the user is muted, in milliseconds since 1970; -1 for ever, none if it is not.
    pub muted_until_ms: Option<i64>,
}

impl Batch<'_> {
    /// `user`, a member of the room, is in it no more: what it set to go with it goes.
    pub(crate) async fn put_out_of_room(&mut self, user: &UserId) -> Result<(), Error> {
        let now = self.now;
        if !self.group()?.roster.has(user) {
            self.group_mut()?.remove(user);
            return Ok(());
        }
        let gone = attributes::forget_of(self, user).await?;
        self.group_mut()?.depart(user, now);
        self.room_acts.push(RoomAct::Out(user.clone()));
        if !gone.is_empty() {
            let actor = GroupActor::of(user).actor();
            let gone = gone.into_iter().map(|key| (key, String::new())).collect();
            self.tell_attributes(&actor, GroupAct::RoomAttributesDeleted, &gone, false)?;
        }
        Ok(())
    }

    /// Everybody is out of the room, and nothing is kept of who was something in it.
    pub(crate) async fn empty_room(&mut self) -> Result<(), Error> {
        attributes::forget_all(self).await?;
        let roster = self.group()?.roster.clone();
        self.room_acts.extend(roster.joined().map(|(user, _)| RoomAct::Out(user.clone())));
        Ok(())
    }

    /// Has the room's loop know what was said last, if it does not.
    async fn recall_room(&mut self) -> Result<(), Error> {
        if !std::mem::take(&mut self.must_recall) {
            return Ok(());
        }
        let most = self.shared.settings(self.app).room_history as usize;
        let space = spaces::MESSAGES.name;
        let all = self.store.key(log_space(self.log)).blind(self.blind).all();
        let mut recent = Vec::new();
        // Between messages lie recalls and the like.
        for (_, value) in self.txn.scan(&all, Direction::Backward, most * 2).await? {
            let entry = records::decode::<StoredEntry>(&value, space)?.into_entry(space)?;
            if entry.kind.is_countable() && recent.len() < most {
                recent.push(Arc::new(entry));
            }
        }
        recent.reverse();
        // What stands in front of it in this transaction is not stored yet.
        let said = self.tail.placed.iter().map(|placed| placed.entry.clone());
        recent.extend(said.filter(|entry: &Arc<Entry>| entry.kind.is_countable()));
        self.room_acts.push(RoomWork::Recall(recent).into());
        Ok(())
    }

    /// `user` comes into the room by its own will, as `asked`.
    async fn come_into_room(
        &mut self,
        user: &UserId,
        asked: &Asking,
        ext: Option<String>,
    ) -> Result<RoomEntered, Error> {
        let now = self.now;
        self.group()?;
        let role = self.role_in_class(user).await?;
        let group = self.group()?;
        if group.roster.get(user).is_some_and(|line| line.standing == Standing::Blocked) {
            return Err(Error::BlockedByGroup);
        }
        let is_new = !group.roster.has(user);
        if is_new {
            if !self.txn.exists(&account_key(self.store, user)).await? {
                return Err(Error::UnknownUser);
            }
            self.must_have_room(1)?;
        }
        self.recall_room().await?;
        if is_new {
            self.group_mut()?.arrive(user, now);
        }
        if let Some(role) = role {
            self.stand_in_class(user, role)?;
        }
        self.room_acts.push(RoomAct::Sit(user.clone(), Some(asked.clone())));
        let group = self.group()?;
        let members = group.roster.members();
        let line = group.roster.member(user).ok_or(Error::Internal)?;
        let muted = line.muted_until().filter(|_| line.is_muted(now));
        let entered = RoomEntered {
            all_muted: group.info.all_muted,
            created: group.info.created,
            allowed: line.allowed,
            members,
            answer: self.shared.ids.next(now, None),
            muted_until_ms: muted.map(|until| i64::try_from(until.as_millis()).unwrap_or(-1)),
        };
        if is_new {
            self.room_acts.push(RoomWork::Came(user.clone(), ext, members).into());
        }
        Ok(entered)
    }

    /// `user`, a member, goes: those who stay are told.
    pub(super) async fn go_out_of_room(&mut self, user: &UserId) -> Result<(), Error> {
        self.put_out_of_room(user).await?;
        let members = self.group()?.roster.members();
        self.room_acts.push(RoomWork::Went(user.clone(), members).into());
        Ok(())
    }
}

impl Chat {
    /// The calling user comes into a room, as `asking`; all its devices hear what is said there from then
    /// on, and the one that asked what was said last. Coming again is no error. The others are
    /// told, with `ext` (up to 1,024 bytes). With `leave_others` the user leaves all other rooms.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller is a user; [`Error::UnknownRoom`],
    /// [`Error::BlockedByGroup`], [`Error::GroupFull`], [`Error::NotPossible`] for one who is in too many
    /// rooms, [`Error::Argument`], [`Error::Store`].
    pub async fn join_room(
        &self,
        caller: &Caller,
        asking: impl Into<Asking>,
        room: &GroupId,
        ext: &str,
        leave_others: bool,
    ) -> Result<RoomEntered, Error> {
        let me = caller.user().ok_or(Error::NotAllowed)?;
        if ext.len() > limits::ROOM_JOIN_EXT_BYTES {
            let problem = format!("at most {} bytes", limits::ROOM_JOIN_EXT_BYTES);
            return Err(Error::argument("ext", problem));
        }
        self.check_rooms_joined(caller, me, room, leave_others).await?;
        let ext = Some(ext.to_owned()).filter(|ext| !ext.is_empty());
        let work = Arc::new((me.clone(), asking.into(), ext));
        let entered = self
            .act_on_group(caller, room, move |batch| {
                let work = work.clone();
                Box::pin(async move {
                    let (me, asking, ext) = &*work;
                    batch.come_into_room(me, asking, ext.clone()).await
                })
            })
            .await?;
        if leave_others {
            for other in self.all_rooms_of(caller, me).await? {
                if other != *room {
                    self.leave_room_if_in(caller, &other, me).await?;
                }
            }
        }
        Ok(entered)
    }

    /// The calling user leaves a room. What it is there, an administrator or muted, it stays.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller is a user; [`Error::UnknownRoom`], [`Error::NotInGroup`],
    /// [`Error::Store`].
    pub async fn leave_room(&self, caller: &Caller, room: &GroupId) -> Result<(), Error> {
        let me = caller.user().ok_or(Error::NotAllowed)?;
        let me = me.clone();
        self.act_on_group(caller, room, move |batch| {
            let me = me.clone();
            Box::pin(async move {
                batch.group()?.roster.member(&me).ok_or(Error::NotInGroup)?;
                batch.go_out_of_room(&me).await
            })
        })
        .await
    }

    async fn leave_room_if_in(
        &self,
        caller: &Caller,
        room: &GroupId,
        me: &UserId,
    ) -> Result<(), Error> {
        match self.leave_room(caller, room).await {
            Err(Error::UnknownRoom) => self.forget_room(caller, room, me).await,
            Err(Error::NotInGroup) => Ok(()),
            left => left,
        }
    }

    /// Removes what says that `me` is in a room that is gone.
    async fn forget_room(&self, caller: &Caller, room: &GroupId, me: &UserId) -> Result<(), Error> {
        let store = &self.store.app(caller).await?;
        let key = &member::key_of(store, me, &Target::Group(room.clone()));
        let forget = store.transact(|mut txn| async move {
            txn.delete(key)?;
            Ok::<_, Error>(txn.done(()))
        });
        forget.await
    }

    /// A session of the calling user has begun: it is in all rooms that the user is in.
    pub(crate) async fn enter_rooms(
        &self,
        caller: &Caller,
        rooms: &[GroupId],
    ) -> Result<(), Error> {
        let me = caller.user().ok_or(Error::NotAllowed)?;
        for room in rooms {
            let user = me.clone();
            let sat = self.act_on_group(caller, room, move |batch| {
                let user = user.clone();
                Box::pin(async move {
                    if batch.group()?.roster.has(&user) {
                        batch.room_acts.push(RoomAct::Sit(user, None));
                    }
                    Ok(())
                })
            });
            match sat.await {
                Ok(()) => {}
                Err(Error::UnknownRoom) => self.forget_room(caller, room, me).await?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The rooms that `user` is in, those that it came into last first; with when it came.
    pub(crate) async fn rooms_of(
        &self,
        caller: &Caller,
        user: &UserId,
    ) -> Result<Vec<(GroupId, Timestamp)>, Error> {
        let mut rooms = Vec::new();
        for room in self.all_rooms_of(caller, user).await? {
            match self.group_state(caller, &room).await {
                Ok(group) => {
                    rooms.extend(group.roster.member(user).map(|line| (room, line.since)));
                }
                Err(Error::UnknownRoom) => {}
                Err(error) => return Err(error),
            }
        }
        rooms.sort_unstable_by(|(a, since_a), (b, since_b)| (since_b, b).cmp(&(since_a, a)));
        Ok(rooms)
    }

    /// The rooms that `user` is in, or is something in; each once. It may have left some meanwhile.
    async fn all_rooms_of(&self, caller: &Caller, user: &UserId) -> Result<Vec<GroupId>, Error> {
        self.expect_absent(caller).await?;
        let rows = self.room_rows(caller, user).await?;
        let rows = rows.iter().filter_map(|row| GroupId::parse(MucKind::Room, &row.name).ok());
        let mut rooms: Vec<GroupId> = rows.collect();
        let topic = Topic { app: caller.app().number, user: user.clone() };
        rooms.extend(self.shared.rooms_of(&topic));
        rooms.sort_unstable();
        rooms.dedup();
        Ok(rooms)
    }

    /// What is kept of a user's part in rooms: of those in which it is something besides a member.
    async fn room_rows(&self, caller: &Caller, user: &UserId) -> Result<Vec<Membership>, Error> {
        let store = self.store.app(caller).await?;
        let mut rest =
            store.key(&spaces::MEMBERSHIPS).blind(account::user_blind(&store, user)).all();
        let read = store.read().await?;
        let mut found = Vec::new();
        loop {
            let rows = read.scan(&rest, Direction::Forward, STEP).await?;
            let full = rows.len() == STEP;
            for (key, value) in rows {
                let row: Membership = records::decode(&value, spaces::MEMBERSHIPS.name)?;
                found.extend(row.is_room.then_some(row));
                rest = rest.above(&key);
            }
            if !full {
                return Ok(found);
            }
        }
    }

    /// Whether `user` may come into one more room.
    async fn check_rooms_joined(
        &self,
        caller: &Caller,
        user: &UserId,
        room: &GroupId,
        leave_others: bool,
    ) -> Result<(), Error> {
        let most = self.settings(caller).plan.rooms_joined;
        if most == u32::MAX || leave_others {
            return Ok(());
        }
        let joined = self.rooms_of(caller, user).await?;
        if joined.len() >= most as usize && !joined.iter().any(|(other, _)| other == room) {
            let text = format!("user {} has joined too many chatrooms!", user.as_str());
            return Err(Error::NotPossible(text));
        }
        Ok(())
    }

    /// Takes a user who is to be deleted out of all rooms, and dismisses those that it owns.
    pub(crate) async fn leave_all_rooms(
        &self,
        caller: &Caller,
        user: &UserId,
    ) -> Result<(), Error> {
        for room in self.all_rooms_of(caller, user).await? {
            let leaving = user.clone();
            let left = self.act_on_group(caller, &room, move |batch| {
                let user = leaving.clone();
                Box::pin(async move {
                    let actor = GroupActor::of(&user).actor();
                    let group = batch.group()?;
                    if group.info.owner == user {
                        return batch.dismiss(&actor).await;
                    }
                    if group.roster.has(&user) {
                        batch.go_out_of_room(&user).await?;
                    }
                    // Nor is it anything there any more.
                    batch.put_out_of_room(&user).await
                })
            });
            match left.await {
                Ok(()) => {}
                Err(Error::UnknownRoom) => self.forget_room(caller, &room, user).await?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
