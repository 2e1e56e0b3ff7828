//! Who comes into a class room has a user in its chat.

use prost::Message;
use stoa_bus::Topic;
use stoa_core::{AppScope, Caller, ClassRole, GroupId, Target, UserId, UserUuid};
use stoa_store::{AppStore, Direction, Key, spaces};

use super::stored::ClassChatUser;
use super::{class_blind, class_bucket};
use crate::account::{self, Removal, account_key, user_blind};
use crate::group::{GroupActor, Line, Standing};
use crate::log::Batch;
use crate::observation::NameOf;
use crate::records::{self, Account};
use crate::{Chat, Error, Unread};

/// Rows that one step of a walk reads.
const STEP: usize = 500;

/// Somebody who comes into a class room.
#[derive(Debug, Clone)]
pub struct ClassMember {
    /// The name in class rooms.
    pub user: UserUuid,
    /// The name that is shown to people.
    pub name: String,
    /// The role in the class room.
    pub role: ClassRole,
}

/// The key of the record of a user in a class room.
pub(super) fn member_key(store: &AppStore, user: &UserId, number: u64) -> Key {
    let key = store.key(&spaces::CLASS_CHAT_USERS).blind(user_blind(store, user));
    key.blind(class_blind(store, number)).done()
}

fn decode(value: &[u8]) -> Result<ClassChatUser, Error> {
    Ok(records::decode(value, spaces::CLASS_CHAT_USERS.name)?)
}

impl ClassChatUser {
    /// The role in the class room.
    pub(super) fn role(&self) -> ClassRole {
        ClassRole::of_number(self.role.into()).unwrap_or(ClassRole::Invisible)
    }
}

impl Batch<'_> {
    /// What the class says of `user`, who wants to come into its chat; none in other rooms, into which everybody may.
    ///
    /// # Errors
    /// [`Error::OutsideClass`] for one who has not come into the class, or was put out of it;
    /// [`Error::GroupDisabled`] when the class is closed.
    pub(crate) async fn role_in_class(
        &mut self,
        user: &UserId,
    ) -> Result<Option<ClassRole>, Error> {
        let Some(number) = self.log.class_number() else { return Ok(None) };
        if self.group()?.info.disabled {
            return Err(Error::GroupDisabled);
        }
        let value = self.txn.get(&member_key(self.store, user, number)).await?;
        let row = value.map(|value| decode(&value)).transpose()?.filter(|row| !row.is_out);
        let role = row.map(|row| row.role()).filter(|role| *role != ClassRole::Invisible);
        Ok(Some(role.ok_or(Error::OutsideClass)?))
    }

    /// Makes `user`, who has come into the chat of its class, what it is there: those who teach manage it, and whoever
    /// only watches does not speak.
    pub(crate) fn stand_in_class(&mut self, user: &UserId, role: ClassRole) -> Result<(), Error> {
        let now = self.now;
        let group = self.group_mut()?;
        let standing = if role.is_teaching() { Standing::Admin } else { Standing::Member };
        if group.roster.member(user).is_some_and(|line| line.standing != standing) {
            group.set(user, standing, now);
        }
        if role == ClassRole::Observer {
            group.change(user, |line| line.mute(Some(Line::FOR_EVER)));
        }
        Ok(())
    }
}

impl Chat {
    /// Somebody has checked in to a class room, or come into it: there is a user in chat whom its token names, and who
    /// may come into the class's chat room. Answers the user's name there.
    ///
    /// # Errors
    /// [`Error::NameTaken`] where a user of that name was registered in another way; [`Error::Store`].
    pub async fn check_in_to_class(
        &self,
        scope: &impl AppScope,
        number: u64,
        member: &ClassMember,
    ) -> Result<UserId, Error> {
        let username = member.user.chat_user();
        let store = &self.store.app(scope).await?;
        let _making = self.shared.class_users.read().await;
        if self.shared.erasing.has(store.number(), user_blind(store, &username)) {
            return Err(Error::NameTaken);
        }
        let key = &member_key(store, &username, number);
        let bucket = class_bucket(store, number);
        let now = self.shared.clock.now();
        let new = Account {
            nickname: member.name.clone(),
            is_of_classes: true,
            ..self.new_account(store, &username)
        };
        let role = member.role.number().into();
        let row = ClassChatUser { username: username.as_str().into(), role, is_out: false };
        let (name, new, row) = (&username, &new, &row);
        let entered = store.transact(|mut txn| async move {
            let known = txn.get(&account_key(store, name)).await?;
            let is_new = known.is_none();
            match known {
                None => account::enter(store, &mut txn, name, new).await?,
                Some(value) => {
                    let mut known: Account = records::decode(&value, spaces::USERS.name)?;
                    if !known.is_of_classes {
                        return Err(Error::NameTaken);
                    }
                    if known.nickname != new.nickname {
                        known.nickname.clone_from(&new.nickname);
                        known.modified_ms = now.as_millis();
                        account::save(store, &mut txn, name, &known).await?;
                    }
                }
            }
            let before = txn.get(key).await?.map(|value| decode(&value)).transpose()?;
            if before.as_ref() != Some(row) {
                txn.put(key, bucket, &row.encode_to_vec()).await?;
            }
            Ok::<_, Error>(txn.done(is_new))
        });
        if entered.await? {
            let name = member.user.as_str();
            self.shared.watch.name(store.number(), NameOf::ClassUser, name);
        }
        Ok(username)
    }

    /// Somebody was put out of a class room: also of its chat, until it is let in again.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn put_out_of_class_chat(
        &self,
        scope: &impl AppScope,
        number: u64,
        user: &UserUuid,
    ) -> Result<(), Error> {
        let caller = self.class_caller(scope)?;
        let username = user.chat_user();
        let id = GroupId::of_class(number);
        let out = self.act_on_group(&caller, &id, move |batch| {
            let user = username.clone();
            Box::pin(async move {
                let is_there = batch.group()?.roster.has(&user);
                let key = member_key(batch.store, &user, number);
                if let Some(value) = batch.txn.get(&key).await? {
                    let row = ClassChatUser { is_out: true, ..decode(&value)? };
                    let bucket = class_bucket(batch.store, number);
                    batch.written += 1;
                    batch.txn.put(&key, bucket, &row.encode_to_vec()).await?;
                }
                if !is_there {
                    return Ok(());
                }
                let actor = GroupActor::of(&user).actor();
                batch.expel(&actor, std::slice::from_ref(&user)).await
            })
        });
        match out.await {
            Err(Error::UnknownRoom) => Ok(()),
            out => out,
        }
    }

    /// The session of one who is there for a class is in the rooms of classes that the user is in. Nothing waits for it
    /// in a queue.
    pub(crate) async fn unread_in_class(
        &self,
        caller: &Caller,
        me: &UserId,
    ) -> Result<Vec<Unread>, Error> {
        self.expect_absent(caller).await?;
        let topic = Topic { app: caller.app().number, user: me.clone() };
        let mut rooms = Vec::new();
        for room in self.shared.rooms_of(&topic) {
            let target = Target::Group(room.clone());
            match self.must_reach_in_class(caller, &target).await {
                Ok(()) => rooms.push(room),
                Err(Error::OutsideClass) => {}
                Err(error) => return Err(error),
            }
        }
        self.enter_rooms(caller, &rooms).await?;
        Ok(Vec::new())
    }

    /// Whether somebody has checked in to a class room, and was not put out since.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn is_in_class(
        &self,
        scope: &impl AppScope,
        number: u64,
        user: &UserUuid,
    ) -> Result<bool, Error> {
        Ok(self.role_of(scope, number, &user.chat_user()).await?.is_some())
    }

    /// What a user is in a class room, if it has come into it.
    pub(super) async fn role_of(
        &self,
        scope: &impl AppScope,
        number: u64,
        user: &UserId,
    ) -> Result<Option<ClassRole>, Error> {
        let store = self.store.app(scope).await?;
        let value = store.read().await?.get(&member_key(&store, user, number)).await?;
        let row = value.map(|value| decode(&value)).transpose()?.filter(|row| !row.is_out);
        Ok(row.map(|row| row.role()))
    }

    /// Whether check-in has made that user: nobody outside of its class rooms writes to it.
    pub(crate) async fn is_of_classes(
        &self,
        scope: &impl AppScope,
        user: &UserId,
    ) -> Result<bool, Error> {
        if !user.is_of_classes() {
            return Ok(false);
        }
        Ok(self.find(scope, user).await?.is_some_and(|account| account.is_of_classes))
    }

    /// Deletes those of `users` whom check-in has made and whose last class room is destroyed by now; `number` was
    /// theirs. Answers how many they were.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn leave_class(
        &self,
        scope: &impl AppScope,
        number: u64,
        users: &[UserUuid],
    ) -> Result<usize, Error> {
        let store = self.store.app(scope).await?;
        let mut deleted = 0;
        for user in users {
            let username = user.chat_user();
            let row = member_key(&store, &username, number);
            deleted += usize::from(self.leave_one(scope, &store, &username, row).await?);
        }
        Ok(deleted)
    }

    /// As [`Self::leave_class`], for all whose class rooms were destroyed by a process that has ended since. Answers how
    /// many were deleted.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn leave_destroyed_classes(&self, scope: &impl AppScope) -> Result<usize, Error> {
        let store = self.store.app(scope).await?;
        let (mut rest, mut deleted) = (store.key(&spaces::CLASS_CHAT_USERS).all(), 0);
        loop {
            let read = store.read().await?;
            let rows = read.scan_all(&rest, Direction::Forward, STEP).await?;
            let Some((last, _)) = rows.last() else { return Ok(deleted) };
            rest = rest.above(last);
            for (key, _) in rows.into_iter().filter(|(_, value)| value.is_none()) {
                let account = store.key(&spaces::USERS).blind(key.blind(0)).done();
                let account = read.get(&account).await?;
                let account = account
                    .map(|value| records::decode::<Account>(&value, spaces::USERS.name))
                    .transpose()?;
                match account.and_then(|account| account.username.parse::<UserId>().ok()) {
                    Some(user) => {
                        deleted += usize::from(self.leave_one(scope, &store, &user, key).await?);
                    }
                    None => forget(&store, key).await?,
                }
            }
        }
    }

    /// Deletes `user` if check-in has made it and it is in no class room besides that of `row`.
    async fn leave_one(
        &self,
        scope: &impl AppScope,
        store: &AppStore,
        user: &UserId,
        row: Key,
    ) -> Result<bool, Error> {
        // Nobody checks in meanwhile, who would be deleted with what was.
        let _deleting = self.shared.class_users.write().await;
        let all = store.key(&spaces::CLASS_CHAT_USERS).blind(user_blind(store, user)).all();
        let others = store.read().await?.scan(&all, Direction::Forward, 2).await?;
        let elsewhere = others.iter().any(|(key, _)| *key != row);
        let is_ours = self.find(scope, user).await?.is_some_and(|account| account.is_of_classes);
        let mut deleted = false;
        if is_ours && !elsewhere {
            let caller = self.class_caller(scope)?;
            deleted = match self.delete(&caller, user, Removal::LeftClasses).await {
                Ok(_) => true,
                Err(Error::UnknownUser) => false,
                Err(error) => return Err(error),
            };
        }
        // The last, so that whoever is interrupted does it again.
        forget(store, row).await?;
        Ok(deleted)
    }
}

async fn forget(store: &AppStore, row: Key) -> Result<(), Error> {
    let row = &row;
    let forgotten = store.transact(|mut txn| async move {
        txn.delete(row)?;
        Ok::<_, Error>(txn.done(()))
    });
    forgotten.await
}
