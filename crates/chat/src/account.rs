//! Users: registration, lookup, lists, passwords, deactivation and deletion.

use prost::Message;
use stoa_core::{AppScope, Caller, Resource, Secret, Timestamp, UserId, Uuid, Visitor, limits};
use stoa_store::{AppStore, Blind, Bucket, Direction, Key, Txn, classes, spaces};

use crate::class::revocation::subject_in_classes;
use crate::entry::{KickReason, Which};
use crate::observation::NameOf;
use crate::person::PSEUDONYM;
use crate::records::{self, Account, Name, Username};
use crate::revocation::{self, Subject};
use crate::room::super_admins;
use crate::{Chat, Error, attributes, contact};

/// A user as administrators and the user see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub username: UserId,
    /// The identifier that the server made for it.
    pub uuid: Uuid,
    /// When it was registered.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// Whether it may log in.
    pub activated: bool,
    /// A name for people.
    pub nickname: Option<String>,
}

/// A user to register.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The name.
    pub username: UserId,
    /// Without one, the user cannot log in by password.
    pub password: Option<Secret>,
    /// A name for people, at most 100 characters.
    pub nickname: Option<String>,
}

/// The outcome of a registration of several.
#[derive(Debug, Default)]
pub struct Registered {
    /// Those that were registered, in the order given.
    pub created: Vec<User>,
    /// The names that existed already.
    pub taken: Vec<UserId>,
}

/// A page of the list of users.
#[derive(Debug)]
pub struct UserPage {
    /// In the order of their registration.
    pub users: Vec<User>,
    /// Where the next page begins; none on the last.
    pub cursor: Option<String>,
}

/// Why an account is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    /// The user is to be gone: nobody who had the name is let in by a token of that time, and the key is destroyed.
    Deleted,
    /// The last of its class rooms is destroyed. The name is the same person's in the next one, whose token may be
    /// there already.
    LeftClasses,
    /// It was not used for long in chat, and whoever has the name in class rooms may be there every day: as deleted, but
    /// for its tokens for class rooms.
    Unused,
    /// As deleted, but the key is the caller's to destroy.
    Erased,
}

impl Removal {
    /// Whether tokens for class rooms in the same name are revoked.
    const fn reaches_classes(self) -> bool {
        matches!(self, Self::Deleted | Self::Erased)
    }
}

/// A user to be registered, with nothing left that could be refused but the name.
struct Prepared {
    username: UserId,
    nickname: String,
    password_hash: String,
}

fn check_nickname(nickname: &str) -> Result<(), Error> {
    if nickname.chars().count() > limits::NICKNAME_CHARS {
        let problem = format!("a nickname has at most {} characters", limits::NICKNAME_CHARS);
        return Err(Error::argument("nickname", problem));
    }
    Ok(())
}

/// The blinded name of a user in keys.
pub(crate) fn user_blind(store: &AppStore, user: &UserId) -> Blind {
    store.blind("user", &[user.as_str().as_bytes()])
}

/// The key of a user's account.
pub(crate) fn account_key(store: &AppStore, user: &UserId) -> Key {
    store.key(&spaces::USERS).blind(user_blind(store, user)).done()
}

fn name_key(store: &AppStore, user: &UserId) -> Key {
    let name = store.blind("name", &[user.as_str().as_bytes()]);
    store.key(&spaces::NAMES).blind(name).done()
}

fn uuid_key(store: &AppStore, uuid: &Uuid) -> Key {
    let uuid = store.blind("user uuid", &[uuid.as_bytes()]);
    store.key(&spaces::USER_UUIDS).blind(uuid).done()
}

fn time_key(store: &AppStore, created: Timestamp, user: Blind) -> Key {
    store.key(&spaces::USERS_BY_TIME).number(created.as_millis()).blind(user).done()
}

/// The text that stands for a position in the list of users.
fn list_cursor(position: &Key) -> String {
    let user = u128::from_be_bytes(position.blind(1).0);
    format!("{:x}-{user:032x}", position.number(0))
}

fn list_position(store: &AppStore, cursor: &str) -> Option<Key> {
    let (created, user) = cursor.split_once('-')?;
    let created = u64::from_str_radix(created, 16).ok()?;
    let user = Blind(u128::from_str_radix(user, 16).ok()?.to_be_bytes());
    Some(time_key(store, Timestamp::from_millis(created), user))
}

impl TryFrom<Account> for User {
    type Error = Error;

    fn try_from(account: Account) -> Result<Self, Error> {
        let corrupt = || stoa_store::StoreError::Corrupt { space: spaces::USERS.name };
        Ok(Self {
            username: account.username.parse().map_err(|_| corrupt())?,
            uuid: Uuid::from_bytes(account.uuid.try_into().map_err(|_| corrupt())?),
            created: Timestamp::from_millis(account.created_ms),
            modified: Timestamp::from_millis(account.modified_ms),
            activated: !account.deactivated,
            nickname: Some(account.nickname).filter(|nickname| !nickname.is_empty()),
        })
    }
}

async fn load(store: &AppStore, txn: &mut Txn, user: &UserId) -> Result<Account, Error> {
    let value = txn.get(&account_key(store, user)).await?.ok_or(Error::UnknownUser)?;
    Ok(records::decode(&value, spaces::USERS.name)?)
}

pub(crate) async fn save(
    store: &AppStore,
    txn: &mut Txn,
    user: &UserId,
    account: &Account,
) -> Result<(), Error> {
    let bucket = Bucket::Object(user_blind(store, user).0);
    Ok(txn.put(&account_key(store, user), bucket, &account.encode_to_vec()).await?)
}

/// Registers the user with that account in a transaction of the caller's.
///
/// # Errors
/// [`Error::NameTaken`]; [`Error::Concurrent`] while the key of an earlier user of that name is being destroyed.
pub(crate) async fn enter(
    store: &AppStore,
    txn: &mut Txn,
    username: &UserId,
    account: &Account,
) -> Result<(), Error> {
    let user = User::try_from(account.clone())?;
    let blind = user_blind(store, username);
    let bucket = Bucket::Object(blind.0);
    let name = Username { username: username.as_str().into() }.encode_to_vec();
    let key = name_key(store, username);
    if txn.get(&key).await?.is_some() {
        return Err(Error::NameTaken);
    }
    if store.end_of(txn, &classes::USER_INFORMATION, blind).await?.is_some() {
        return Err(Error::Concurrent);
    }
    txn.put(&key, bucket, &Name { kind: Name::USER }.encode_to_vec()).await?;
    txn.put(&uuid_key(store, &user.uuid), bucket, &name).await?;
    txn.put(&time_key(store, user.created, blind), bucket, &name).await?;
    save(store, txn, username, account).await
}

impl Chat {
    /// Registers users for the app's back end; names that exist are left out and told.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an app token, [`Error::Argument`], [`Error::Busy`],
    /// [`Error::Store`].
    pub async fn register(
        &self,
        caller: &Caller,
        users: Vec<NewUser>,
    ) -> Result<Registered, Error> {
        if !caller.is_app() {
            return Err(Error::NotAllowed);
        }
        // What can be refused is refused before the first user is made.
        let mut prepared = Vec::with_capacity(users.len());
        for user in users {
            prepared.push(self.prepare(user).await?);
        }
        let mut registered = Registered::default();
        for user in prepared {
            let username = user.username.clone();
            match self.insert(caller, user).await {
                Ok(account) => registered.created.push(account.try_into()?),
                Err(Error::NameTaken) => registered.taken.push(username),
                Err(error) => return Err(error),
            }
        }
        Ok(registered)
    }

    /// Registers a visitor who asks for it, where the app is open.
    ///
    /// # Errors
    /// [`Error::RegistrationClosed`] where it is not, [`Error::NameTaken`], and as
    /// [`Self::register`].
    pub async fn register_openly(&self, visitor: &Visitor, user: NewUser) -> Result<User, Error> {
        if !visitor.app().auth.allows_open_registration() {
            return Err(Error::RegistrationClosed);
        }
        if user.password.is_none() {
            return Err(Error::argument("password", "a password must be provided"));
        }
        self.register_one(visitor, user).await?.try_into()
    }

    /// Registers one user in the app of `scope`.
    pub(crate) async fn register_one(
        &self,
        scope: &impl AppScope,
        new: NewUser,
    ) -> Result<Account, Error> {
        let prepared = self.prepare(new).await?;
        self.insert(scope, prepared).await
    }

    /// Checks a user to be registered and hashes the password.
    async fn prepare(&self, new: NewUser) -> Result<Prepared, Error> {
        let NewUser { username, password, nickname } = new;
        if username.is_of_classes() {
            let problem = "32 hexadecimal digits are the name of a user of class rooms, made at check-in; choose another";
            return Err(Error::argument("username", problem));
        }
        let nickname = nickname.unwrap_or_default();
        check_nickname(&nickname)?;
        let password_hash = match password {
            Some(password) => self.passwords.hash("password", &password, &*self.entropy).await?,
            None => String::new(),
        };
        Ok(Prepared { username, nickname, password_hash })
    }

    async fn insert(&self, scope: &impl AppScope, user: Prepared) -> Result<Account, Error> {
        let Prepared { username, nickname, password_hash } = user;
        let store = self.store.app(scope).await?;
        let erasing = self.shared.erasing.has(store.number(), user_blind(&store, &username));
        // That name stands for everybody who was erased.
        if erasing || username.as_str() == PSEUDONYM {
            return Err(Error::NameTaken);
        }
        let new = Account { nickname, password_hash, ..self.new_account(&store, &username) };
        let (store, username, account) = (&store, &username, &new);
        store
            .transact(|mut txn| async move {
                enter(store, &mut txn, username, account).await?;
                Ok::<_, Error>(txn.done(()))
            })
            .await?;
        self.shared.watch.name(store.number(), NameOf::User, username.as_str());
        Ok(new)
    }

    /// The account of a user who is registered now, without password and nickname.
    pub(crate) fn new_account(&self, store: &AppStore, username: &UserId) -> Account {
        let now = self.shared.clock.now();
        Account {
            uuid: Uuid::random(&*self.entropy).as_bytes().to_vec(),
            username: username.as_str().into(),
            created_ms: now.as_millis(),
            modified_ms: now.as_millis(),
            deactivated: false,
            nickname: String::new(),
            password_hash: String::new(),
            // Whoever had the name before is another person, whose tokens are not this one's.
            revoked_until_ms: self
                .shared
                .cuts
                .of(store.number(), Subject::name(store, username))
                .map_or(0, Timestamp::as_millis),
            used_day: 0,
            is_of_classes: false,
        }
    }

    /// One user.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for that user; [`Error::UnknownUser`].
    pub async fn user(&self, caller: &Caller, user: &UserId) -> Result<User, Error> {
        if !caller.may_act_for(user) {
            return Err(Error::NotAllowed);
        }
        self.find(caller, user).await?.ok_or(Error::UnknownUser)?.try_into()
    }

    /// The account of `user`, whoever asks.
    pub(crate) async fn find(
        &self,
        scope: &impl AppScope,
        user: &UserId,
    ) -> Result<Option<Account>, Error> {
        let store = self.store.app(scope).await?;
        let value = store.read().await?.get(&account_key(&store, user)).await?;
        Ok(value.map(|value| records::decode(&value, spaces::USERS.name)).transpose()?)
    }

    /// The user that `text` names: by name, or else by uuid.
    pub(crate) async fn resolve(
        &self,
        scope: &impl AppScope,
        text: &str,
    ) -> Result<Option<Account>, Error> {
        if let Ok(name) = text.parse::<UserId>() {
            return self.find(scope, &name).await;
        }
        let Ok(uuid) = text.parse::<Uuid>() else { return Ok(None) };
        let store = self.store.app(scope).await?;
        let Some(value) = store.read().await?.get(&uuid_key(&store, &uuid)).await? else {
            return Ok(None);
        };
        let name: Username = records::decode(&value, spaces::USER_UUIDS.name)?;
        match name.username.parse() {
            Ok(name) => self.find(scope, &name).await,
            Err(_) => Ok(None),
        }
    }

    /// The name that `text` stands for in the caller's app: a user's name, or its uuid.
    ///
    /// # Errors
    /// [`Error::UnknownUser`].
    pub async fn user_named(&self, caller: &Caller, text: &str) -> Result<UserId, Error> {
        let account = self.resolve(caller, text).await?.ok_or(Error::UnknownUser)?;
        Ok(User::try_from(account)?.username)
    }

    /// Users in the order of their registration, `limit` (1 to 100) from `cursor` on.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an app token; [`Error::Argument`] for a cursor that is none.
    pub async fn users(
        &self,
        caller: &Caller,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<UserPage, Error> {
        if !caller.is_app() {
            return Err(Error::NotAllowed);
        }
        let store = self.store.app(caller).await?;
        let all = store.key(&spaces::USERS_BY_TIME).all();
        let range =
            match cursor {
                None => all,
                Some(cursor) => all.above(&list_position(&store, cursor).ok_or_else(|| {
                    Error::argument("cursor", "is not one that this list has given")
                })?),
            };
        let read = store.read().await?;
        let rows = read.scan(&range, Direction::Forward, limit + 1).await?;
        let more = rows.len() > limit;
        let mut users = Vec::with_capacity(limit);
        let mut last = None;
        for (key, value) in rows.into_iter().take(limit) {
            let name: Username = records::decode(&value, spaces::USERS_BY_TIME.name)?;
            last = Some(key);
            // An erased user's rows may be there until the sweep; they name nobody.
            let Ok(name) = name.username.parse::<UserId>() else { continue };
            if let Some(value) = read.get(&account_key(&store, &name)).await? {
                users.push(records::decode::<Account>(&value, spaces::USERS.name)?.try_into()?);
            }
        }
        let cursor = last.filter(|_| more).map(|key| list_cursor(&key));
        Ok(UserPage { users, cursor })
    }

    /// Deletes a user: the account and all that stands under the user's key, which is destroyed. The
    /// user leaves all groups, and those that it owns are dismissed; its sessions end, and all tokens are revoked that
    /// were made up to now, also those for class rooms in the same name. What the user
    /// said to others stays with them. Whoever is interrupted in it does it again: the account goes last.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an app token; [`Error::UnknownUser`]; [`Error::Store`].
    pub async fn delete_user(&self, caller: &Caller, user: &UserId) -> Result<User, Error> {
        self.delete(caller, user, Removal::Deleted).await
    }

    /// As [`Self::delete_user`], for the reason that `why` says.
    pub(crate) async fn delete(
        &self,
        caller: &Caller,
        user: &UserId,
        why: Removal,
    ) -> Result<User, Error> {
        if !caller.is_app() {
            return Err(Error::NotAllowed);
        }
        let deleted = self.remove_account(caller, user, why).await?;
        // What is left (devices, places in conversations) was sealed with the user's key, as what is left of groups
        // with theirs.
        self.end_objects(caller).await?;
        Ok(deleted)
    }

    /// Deletes a user but for what only the user's key opens.
    pub(crate) async fn remove_account(
        &self,
        caller: &Caller,
        user: &UserId,
        why: Removal,
    ) -> Result<User, Error> {
        let store = &self.store.app(caller).await?;
        let blind = user_blind(store, user);
        let now = self.shared.clock.now();
        let name = (why != Removal::LeftClasses).then(|| Subject::name(store, user));
        let in_classes = why.reaches_classes().then(|| subject_in_classes(user)).flatten();
        let gone = &[name, in_classes];
        let deleted = loop {
            self.user(caller, user).await?;
            self.leave_contacts(caller, store, user).await?;
            self.leave_all_groups(caller, user).await?;
            self.leave_all_rooms(caller, user).await?;
            if !self.rooms_of(caller, user).await?.is_empty() {
                continue;
            }
            let deleted = store.transact(|mut txn| async move {
                let deleted = User::try_from(load(store, &mut txn, user).await?)?;
                // Somebody was quicker.
                if contact::has_contacts(store, &mut txn, user).await?
                    || Self::is_in_any_group(store, &mut txn, user).await?
                {
                    return Ok(txn.done(None));
                }
                txn.delete(&account_key(store, user))?;
                txn.delete(&name_key(store, user))?;
                txn.delete(&uuid_key(store, &deleted.uuid))?;
                txn.delete(&time_key(store, deleted.created, blind))?;
                attributes::remove(store, &mut txn, user).await?;
                super_admins::forget(store, &mut txn, user)?;
                for subject in gone.iter().flatten() {
                    revocation::put(store, &mut txn, *subject, now).await?;
                }
                if why != Removal::Erased {
                    txn.end_object(&classes::USER_INFORMATION, blind, now).await?;
                }
                Ok::<_, Error>(txn.done(Some(deleted)))
            });
            if let Some(deleted) = deleted.await? {
                break deleted;
            }
        };
        for subject in gone.iter().flatten() {
            self.cut_was_stored(caller.app().number, *subject, now);
        }
        self.shared.appenders.forget(caller.app().number, user);
        self.kick(caller, user, Which::All, KickReason::UserRemoved);
        if why.reaches_classes() {
            self.end_chat_of_classes(caller, user);
        }
        Ok(deleted)
    }

    /// Sets a user's password, ends the user's sessions and revokes the tokens that were made up to now.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an app token; [`Error::UnknownUser`]; [`Error::Argument`].
    pub async fn set_password(
        &self,
        caller: &Caller,
        user: &UserId,
        password: &Secret,
    ) -> Result<(), Error> {
        if !caller.is_app() {
            return Err(Error::NotAllowed);
        }
        let hash = self.passwords.hash("newpassword", password, &*self.entropy).await?;
        let now = self.shared.clock.now();
        self.change(caller, user, |account| {
            account.password_hash.clone_from(&hash);
            account.cut(now);
        })
        .await?;
        self.kick(caller, user, Which::All, KickReason::PasswordChanged);
        Ok(())
    }

    /// Lets a user in again, or out: a deactivated user's sessions end, the tokens that were made up to now
    /// are revoked, also those for class rooms in the same name, and no login succeeds in chat.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an app token; [`Error::UnknownUser`].
    pub async fn set_activated(
        &self,
        caller: &Caller,
        user: &UserId,
        activated: bool,
    ) -> Result<User, Error> {
        if !caller.is_app() {
            return Err(Error::NotAllowed);
        }
        let now = self.shared.clock.now();
        let change = |account: &mut Account| {
            account.deactivated = !activated;
            if !activated {
                account.cut(now);
            }
        };
        let account = self.change(caller, user, change).await?;
        if !activated {
            self.kick(caller, user, Which::All, KickReason::UserRemoved);
            self.cut_in_classes(caller, user, now).await?;
        }
        account.try_into()
    }

    /// Sets a user's nickname.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for that user; [`Error::UnknownUser`];
    /// [`Error::Argument`] when it is too long.
    pub async fn set_nickname(
        &self,
        caller: &Caller,
        user: &UserId,
        nickname: &str,
    ) -> Result<User, Error> {
        if !caller.may_act_for(user) {
            return Err(Error::NotAllowed);
        }
        check_nickname(nickname)?;
        self.change(caller, user, |account| account.nickname = nickname.into()).await?.try_into()
    }

    pub(crate) async fn change(
        &self,
        caller: &Caller,
        user: &UserId,
        change: impl Fn(&mut Account) + Send + Sync,
    ) -> Result<Account, Error> {
        let store = &self.store.app(caller).await?;
        let now = self.shared.clock.now();
        let change = &change;
        store
            .transact(|mut txn| async move {
                let mut account = load(store, &mut txn, user).await?;
                change(&mut account);
                account.modified_ms = now.as_millis();
                save(store, &mut txn, user, &account).await?;
                Ok::<_, Error>(txn.done(account))
            })
            .await
    }

    /// Ends the sessions of one device of `user`, or of all devices without `device`.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for that user; [`Error::UnknownUser`].
    pub async fn disconnect(
        &self,
        caller: &Caller,
        user: &UserId,
        device: Option<Resource>,
    ) -> Result<bool, Error> {
        self.user(caller, user).await?;
        self.log_out(caller, user, device)
    }
}
