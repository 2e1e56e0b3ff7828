//! Super administrators: users who may make chat rooms (chat-rest R123 to R125).

use prost::Message;
use stoa_core::{Caller, UserId};
use stoa_store::{AppStore, Bucket, Direction, Key, Txn, spaces};

use crate::account::{account_key, user_blind};
use crate::records::{self, SuperAdmin};
use crate::{Chat, Error};

/// Rows that one step of a long walk reads.
const STEP: usize = 500;

fn key_of(store: &AppStore, user: &UserId) -> Key {
    store.key(&spaces::SUPER_ADMINS).blind(user_blind(store, user)).done()
}

/// Takes the right from a user who is deleted, so that nobody inherits it with the name.
pub(crate) fn forget(store: &AppStore, txn: &mut Txn, user: &UserId) -> Result<(), Error> {
    Ok(txn.delete(&key_of(store, user))?)
}

impl Chat {
    /// Lets a user make chat rooms. Nothing happens if it may already.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an app token; [`Error::UnknownUser`]; [`Error::Store`].
    pub async fn add_super_admin(&self, caller: &Caller, user: &UserId) -> Result<(), Error> {
        self.set_super_admin(caller, user, true).await
    }

    /// Does not let a user make chat rooms any more. Those that it made stay its own.
    ///
    /// # Errors
    /// As [`Self::add_super_admin`].
    pub async fn remove_super_admin(&self, caller: &Caller, user: &UserId) -> Result<(), Error> {
        self.set_super_admin(caller, user, false).await
    }

    async fn set_super_admin(&self, caller: &Caller, user: &UserId, on: bool) -> Result<(), Error> {
        if !caller.is_app() {
            return Err(Error::NotAllowed);
        }
        let store = &self.store.app(caller).await?;
        let since_ms = self.shared.clock.now().as_millis();
        store
            .transact(|mut txn| async move {
                if !txn.exists(&account_key(store, user)).await? {
                    return Err(Error::UnknownUser);
                }
                let key = key_of(store, user);
                if !on {
                    txn.delete(&key)?;
                } else if !txn.exists(&key).await? {
                    let row = SuperAdmin { username: user.as_str().into(), since_ms };
                    let bucket = Bucket::Object(user_blind(store, user).0);
                    txn.put(&key, bucket, &row.encode_to_vec()).await?;
                }
                Ok(txn.done(()))
            })
            .await
    }

    /// The users who may make chat rooms, `count` behind the first `skip`, in an order that stays.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an app token; [`Error::Store`].
    pub async fn super_admins(
        &self,
        caller: &Caller,
        skip: usize,
        count: usize,
    ) -> Result<Vec<UserId>, Error> {
        if !caller.is_app() {
            return Err(Error::NotAllowed);
        }
        let store = self.store.app(caller).await?;
        let read = store.read().await?;
        let mut rest = store.key(&spaces::SUPER_ADMINS).all();
        let (mut users, mut passed) = (Vec::new(), 0);
        loop {
            let rows = read.scan(&rest, Direction::Forward, STEP).await?;
            let full = rows.len() == STEP;
            for (key, value) in rows {
                if users.len() == count {
                    return Ok(users);
                }
                rest = rest.above(&key);
                let row: SuperAdmin = records::decode(&value, spaces::SUPER_ADMINS.name)?;
                // An erased user's row names nobody.
                let Ok(user) = row.username.parse() else { continue };
                passed += 1;
                if passed > skip {
                    users.push(user);
                }
            }
            if !full {
                return Ok(users);
            }
        }
    }

    /// Whether `user` may make chat rooms.
    pub(crate) async fn is_super_admin(
        &self,
        caller: &Caller,
        user: &UserId,
    ) -> Result<bool, Error> {
        let store = self.store.app(caller).await?;
        Ok(store.read().await?.get(&key_of(&store, user)).await?.is_some())
    }
}
