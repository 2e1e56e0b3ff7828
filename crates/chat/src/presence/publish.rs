//! What a user says about its presence, and what others see of it.

use prost::Message;
use stoa_bus::Topic;
use stoa_core::{AppScope, Caller, Resource, Timestamp, UserId, limits};
use stoa_store::{AppStore, Bucket, Key, Reader, Txn, spaces};

use super::stored::{StoredPresence, StoredSubscription};
use super::subscribe::subscription_key;
use super::{OFFLINE, ONLINE, Presence, check_batch};
use crate::account::{account_key, user_blind};
use crate::contact::block_key;
use crate::online::OnlineDevice;
use crate::{Chat, Error, member, records};

fn presence_key(store: &AppStore, user: &UserId) -> Key {
    store.key(&spaces::PRESENCES).blind(user_blind(store, user)).done()
}

/// What is stored of the presence of `user`; none if there never was something.
pub(super) async fn load(
    store: &AppStore,
    reader: &mut impl Reader,
    user: &UserId,
) -> Result<Option<StoredPresence>, Error> {
    let Some(value) = reader.get(&presence_key(store, user)).await? else { return Ok(None) };
    Ok(Some(records::decode(&value, spaces::PRESENCES.name)?))
}

pub(super) async fn save(
    store: &AppStore,
    txn: &mut Txn,
    user: &UserId,
    row: &StoredPresence,
) -> Result<(), Error> {
    let bucket = Bucket::Object(user_blind(store, user).0);
    Ok(txn.put(&presence_key(store, user), bucket, &row.encode_to_vec()).await?)
}

/// What is stored together with who is online.
pub(super) fn composed(
    user: &UserId,
    stored: &StoredPresence,
    online: &[OnlineDevice],
) -> Presence {
    let states = stored.devices.iter().map(|device| (device.resource.clone(), OFFLINE));
    let mut devices: std::collections::BTreeMap<_, _> = states.collect();
    let mut changed = Timestamp::from_millis(stored.changed_ms);
    for device in online {
        let resource = device.info.resource.as_str();
        let published = stored.devices.iter().find(|stored| stored.resource == resource);
        let status = published.and_then(|device| device.status).unwrap_or(ONLINE);
        devices.insert(resource.into(), status);
        changed = changed.max(device.since);
    }
    Presence { user: user.clone(), ext: stored.ext.clone(), changed, devices, until: None }
}

impl Chat {
    /// Publishes for `user` what its device `resource` is (0 offline, 1 online, from 100 on the app's own)
    /// and a text of at most 1,024 bytes. Subscribers are told.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for that user; [`Error::PresenceTooBig`];
    /// [`Error::UnknownUser`]; [`Error::Argument`] for a device that the user does not have.
    pub async fn publish_presence(
        &self,
        caller: &Caller,
        user: &UserId,
        resource: &Resource,
        status: u32,
        ext: &str,
    ) -> Result<(), Error> {
        if !caller.may_act_for(user) {
            return Err(Error::NotAllowed);
        }
        if ext.len() > limits::PRESENCE_EXT_BYTES {
            return Err(Error::PresenceTooBig);
        }
        let store = &self.store.app(caller).await?;
        let topic = Topic { app: caller.app().number, user: user.clone() };
        let is_online = self.shared.online.of(&topic).iter().any(|d| d.info.resource == *resource);
        let now = self.shared.clock.now();
        store
            .transact(|mut txn| async move {
                if !txn.exists(&account_key(store, user)).await? {
                    return Err(Error::UnknownUser);
                }
                let known = member::device_key(store, user_blind(store, user), resource);
                if !is_online && !txn.exists(&known).await? {
                    return Err(Error::argument("resource", "resource not exist"));
                }
                let mut row = load(store, &mut txn, user).await?.unwrap_or_default();
                row.ext = ext.into();
                row.changed_ms = now.as_millis();
                row.device(resource.as_str()).status = Some(status);
                save(store, &mut txn, user, &row).await?;
                Ok(txn.done(()))
            })
            .await?;
        self.shared.online.changed(caller, &topic);
        Ok(())
    }

    /// The presence of `users` as `me` may see it; those that do not exist are left out. Who has blocked
    /// `me` looks as if it had never been there.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for `me`; [`Error::Argument`] for more than 100.
    pub async fn presences(
        &self,
        caller: &Caller,
        me: &UserId,
        users: &[UserId],
    ) -> Result<Vec<Presence>, Error> {
        if !caller.may_act_for(me) {
            return Err(Error::NotAllowed);
        }
        check_batch(users, "too many get presences")?;
        let store = self.store.app(caller).await?;
        let now = self.shared.clock.now();
        let mut read = store.read().await?;
        let mut presences = Vec::with_capacity(users.len());
        for user in users {
            if !read.exists(&account_key(&store, user)).await? {
                continue;
            }
            let mut presence = if read.exists(&block_key(&store, user, me)).await? {
                Presence::hidden(user.clone())
            } else {
                let stored = load(&store, &mut read, user).await?.unwrap_or_default();
                let topic = Topic { app: caller.app().number, user: user.clone() };
                composed(user, &stored, &self.shared.online.of(&topic))
            };
            if let Some(value) = read.get(&subscription_key(&store, me, user)).await? {
                let space = spaces::PRESENCE_SUBSCRIPTIONS.name;
                let row: StoredSubscription = records::decode(&value, space)?;
                presence.until =
                    Some(Timestamp::from_millis(row.until_ms)).filter(|until| now < *until);
            }
            presences.push(presence);
        }
        Ok(presences)
    }
}
