//! The chat room of a class room, from its making to its end.

use std::sync::Arc;

use prost::Message;
use stoa_core::{AppNumber, AppScope, ConversationId, GroupId, RoomUuid, UserId};
use stoa_store::{AppStore, Direction, Key, KeyRange, spaces};

use super::class_bucket;
use super::stored::ClassChat;
use crate::conversation::pins_of;
use crate::entry::{Audience, Log};
use crate::event::GroupAct;
use crate::group::{Group, GroupActor, GroupInfo, group_blind};
use crate::log::Batch;
use crate::records;
use crate::room::{RoomMessage, attributes};
use crate::{Chat, Error};

/// Rows that are removed at once.
const STEP: usize = 500;
/// Who may be in the room beyond those who are counted in the class: observers.
const UNCOUNTED: u32 = 100;
/// As whom the class acts, and to whom its chat room belongs. Nobody who has that name is in the room.
const THE_CLASS: &str = "admin";

/// The chat room of a class room.
#[derive(Debug, Clone)]
pub struct ClassChatRoom {
    /// The class room's number: none other of the app ever has it.
    pub number: u64,
    /// The class room.
    pub room: RoomUuid,
    /// Of a breakout group: the class room whose tokens reach it.
    pub of: Option<RoomUuid>,
    /// Its name.
    pub name: String,
    /// How many may be in the class.
    pub capacity: u32,
    /// All who learn are muted.
    pub muted: bool,
}

/// The key of the record that says which chat room is a class room's.
pub(super) fn chat_key(store: &AppStore, room: &RoomUuid) -> Key {
    let room = store.blind("class room", &[room.as_str().as_bytes()]);
    store.key(&spaces::CLASS_CHATS).blind(room).done()
}

/// The class itself, where it acts.
fn the_class() -> GroupActor {
    GroupActor::of(&THE_CLASS.parse::<UserId>().expect("it is one, by the rules of user names"))
}

fn log(number: u64) -> Log {
    Log::Conversation(ConversationId::Group(GroupId::of_class(number)))
}

impl Batch<'_> {
    /// Passes unless the room is a class's: who is in it, and how long there is one, is the class's to say.
    ///
    /// # Errors
    /// [`Error::ClassDecides`].
    pub(crate) fn must_not_be_of_class(&self) -> Result<(), Error> {
        match self.log.class_number() {
            Some(_) => Err(Error::ClassDecides),
            None => Ok(()),
        }
    }
}

impl Chat {
    /// Makes the chat room of a class room, if there is none yet.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn make_class_chat(
        &self,
        scope: &impl AppScope,
        new: ClassChatRoom,
    ) -> Result<GroupId, Error> {
        let id = GroupId::of_class(new.number);
        let now = self.shared.clock.now();
        let info = GroupInfo {
            id: id.clone(),
            name: new.name,
            description: String::new(),
            avatar: String::new(),
            custom: String::new(),
            announcement: String::new(),
            // Only who is in it looks into it; whether one may come in is the class's to say.
            public: false,
            approval: false,
            member_invites: false,
            invite_confirm: false,
            max_members: new.capacity.saturating_add(UNCOUNTED),
            owner: THE_CLASS.parse().map_err(|_| Error::Internal)?,
            created: now,
            modified: now,
            all_muted: new.muted,
            disabled: false,
            class: Some(new.of.unwrap_or_else(|| new.room.clone())),
        };
        let work = Arc::new((info, new.number, new.room));
        let caller = self.class_caller(scope)?;
        self.act_on_group(&caller, &id, move |batch| {
            let work = work.clone();
            Box::pin(async move {
                let (info, number, room) = &*work;
                if batch.group.is_some() {
                    return Ok(());
                }
                let (key, bucket) =
                    (chat_key(batch.store, room), class_bucket(batch.store, *number));
                batch.written += 1;
                let value = ClassChat { number: *number }.encode_to_vec();
                batch.txn.put(&key, bucket, &value).await?;
                batch.group = Some(Group::of_class(info.clone()));
                Ok(())
            })
        })
        .await?;
        Ok(id)
    }

    /// The number of the class room of that name, if it has a chat.
    pub(super) async fn class_number(
        &self,
        scope: &impl AppScope,
        room: &RoomUuid,
    ) -> Result<Option<u64>, Error> {
        let store = self.store.app(scope).await?;
        let Some(value) = store.read().await?.get(&chat_key(&store, room)).await? else {
            return Ok(None);
        };
        Ok(Some(records::decode::<ClassChat>(&value, spaces::CLASS_CHATS.name)?.number))
    }

    /// Mutes all who learn, or lets them speak again; those who teach always may.
    ///
    /// # Errors
    /// [`Error::UnknownRoom`], [`Error::Store`].
    pub async fn mute_class_chat(
        &self,
        scope: &impl AppScope,
        number: u64,
        on: bool,
    ) -> Result<(), Error> {
        let caller = self.class_caller(scope)?;
        self.act_on_group(&caller, &GroupId::of_class(number), move |batch| {
            Box::pin(async move {
                if batch.group()?.info.all_muted == on {
                    return Ok(());
                }
                let act = if on { GroupAct::AllMuted } else { GroupAct::AllUnmuted };
                let actor = the_class().actor();
                let event = batch.group()?.event(act, &actor.user);
                batch.group_mut()?.info_mut().all_muted = on;
                batch.tell(&actor, &event, Audience::All)
            })
        })
        .await
    }

    /// Has something said in the class room's chat, by `from` or by the class itself. Nobody asks whether that user may:
    /// the class has. Answers whether there is a chat.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn say_in_class_chat(
        &self,
        scope: &impl AppScope,
        number: u64,
        from: Option<&UserId>,
        message: impl Fn(&UserId, &GroupId) -> RoomMessage,
    ) -> Result<bool, Error> {
        let (caller, the_class) = (self.class_caller(scope)?, the_class().actor().user);
        let room = GroupId::of_class(number);
        let message = message(from.unwrap_or(&the_class), &room);
        match self.say_in_room(&caller, &room, message).await {
            Err(Error::UnknownRoom) => Ok(false),
            said => said.map(|_| true),
        }
    }

    /// The class is closed: everybody is out of its chat, and nothing is said there any more. It can still be read by
    /// the app's back end.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn close_class_chat(&self, scope: &impl AppScope, number: u64) -> Result<(), Error> {
        let caller = self.class_caller(scope)?;
        let id = GroupId::of_class(number);
        let closed = self.act_on_group(&caller, &id, |batch| {
            Box::pin(async move {
                let joined = batch.group()?.roster.joined();
                let joined: Vec<UserId> = joined.map(|(user, _)| user.clone()).collect();
                if !batch.group()?.info.disabled {
                    batch.group_mut()?.info_mut().disabled = true;
                }
                batch.expel(&the_class().actor(), &joined).await
            })
        });
        match closed.await {
            Err(Error::UnknownRoom) => Ok(()),
            closed => closed,
        }
    }

    /// The class room's time is over: from now on nothing is written in its chat. What was written is the key's to end.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn end_class_chat(&self, scope: &impl AppScope, number: u64) -> Result<(), Error> {
        let caller = self.class_caller(scope)?;
        let id = GroupId::of_class(number);
        let ended = self.act_on_group(&caller, &id, |batch| {
            Box::pin(async move {
                // Whoever is there is told to go; no row but the room's and its roster's is touched.
                batch.dismiss(&the_class().actor()).await
            })
        });
        match ended.await {
            Err(Error::UnknownRoom) => Ok(()),
            ended => ended,
        }
    }

    /// Removes the rows of the chat of a class room whose key is destroyed.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn forget_class_chat(
        &self,
        scope: &impl AppScope,
        number: u64,
        room: &RoomUuid,
    ) -> Result<(), Error> {
        let app = scope.app().number;
        self.forget_class_log(app, number);
        let store = &self.store.app(scope).await?;
        let (log, id) = (log(number), GroupId::of_class(number));
        let blind = group_blind(store, &id);
        let pins = pins_of(store, &log, blind).0;
        for range in [
            store.key(&spaces::CLASS_MESSAGES).blind(blind).all(),
            store.key(&spaces::CLASS_CHAT_ROSTERS).blind(blind).all(),
            attributes::all_of(store, &id).all(),
        ] {
            remove(store, range).await?;
        }
        let chat = &chat_key(store, room);
        let room = &store.key(&spaces::CLASS_CHAT_ROOMS).blind(blind).done();
        let removed = store.transact(|mut txn| {
            let pins = pins.clone();
            async move {
                txn.delete(&pins)?;
                txn.delete(room)?;
                // A room of the same name may have been made since; that one can be read.
                if txn.get(chat).await?.is_none() {
                    txn.delete(chat)?;
                }
                Ok::<_, Error>(txn.done(()))
            }
        });
        removed.await
    }

    fn forget_class_log(&self, app: AppNumber, number: u64) {
        self.shared.appenders.forget_log(app, &log(number));
    }
}

/// Removes all rows of a range, which nobody can open.
async fn remove(store: &AppStore, range: KeyRange) -> Result<(), Error> {
    loop {
        let rows = store.read().await?.scan_all(&range, Direction::Forward, STEP).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let rows = &rows;
        let removed = store.transact(|mut txn| async move {
            for row in rows {
                txn.delete(&row.0)?;
            }
            Ok::<_, Error>(txn.done(()))
        });
        removed.await?;
    }
}
