//! Who wants to know of whose presence, and until when: a row at either side.

use std::time::Duration;

use prost::Message;
use stoa_core::{Caller, Timestamp, UserId, limits};
use stoa_store::{AppStore, Bucket, Direction, Key, Reader, Txn, spaces};

use super::publish::{load, save};
use super::stored::StoredSubscription;
use super::{Presence, check_batch};
use crate::account::{account_key, user_blind};
use crate::{Chat, Error, records};

/// A subscription as the subscriber sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceSubscription {
    /// To whose presence.
    pub user: UserId,
    /// Until when.
    pub until: Timestamp,
}

/// The key of `me`'s subscription to `user`.
pub(super) fn subscription_key(store: &AppStore, me: &UserId, user: &UserId) -> Key {
    let (me, user) = (user_blind(store, me), user_blind(store, user));
    store.key(&spaces::PRESENCE_SUBSCRIPTIONS).blind(me).blind(user).done()
}

/// The same at the other side.
pub(super) fn subscriber_key(store: &AppStore, user: &UserId, me: &UserId) -> Key {
    let (user, me) = (user_blind(store, user), user_blind(store, me));
    store.key(&spaces::PRESENCE_SUBSCRIBERS).blind(user).blind(me).done()
}

/// The rows of one side, with the other side's names.
async fn rows(
    store: &AppStore,
    reader: &mut impl Reader,
    space: &'static spaces::Space,
    of: &UserId,
) -> Result<Vec<PresenceSubscription>, Error> {
    let all = store.key(space).blind(user_blind(store, of)).all();
    let rows = reader.scan(&all, Direction::Forward, limits::PRESENCE_SUBSCRIPTIONS).await?;
    let mut subscriptions = Vec::with_capacity(rows.len());
    for (_, value) in rows {
        let row: StoredSubscription = records::decode(&value, space.name)?;
        if let Ok(user) = row.name.parse() {
            let until = Timestamp::from_millis(row.until_ms);
            subscriptions.push(PresenceSubscription { user, until });
        }
    }
    Ok(subscriptions)
}

/// Who has subscribed to the presence of `user`, whether that is over or not.
pub(super) async fn subscribers(
    store: &AppStore,
    reader: &mut impl Reader,
    user: &UserId,
) -> Result<Vec<PresenceSubscription>, Error> {
    rows(store, reader, &spaces::PRESENCE_SUBSCRIBERS, user).await
}

/// Removes the subscription of `me` to `user`.
pub(super) fn remove(
    store: &AppStore,
    txn: &mut Txn,
    me: &UserId,
    user: &UserId,
) -> Result<(), Error> {
    txn.delete(&subscription_key(store, me, user))?;
    Ok(txn.delete(&subscriber_key(store, user, me))?)
}

/// Counts one subscriber more of `user`. Where there seem to be as many as there may be, those whose time
/// is over go first.
async fn count(
    store: &AppStore,
    txn: &mut Txn,
    user: &UserId,
    now: Timestamp,
) -> Result<(), Error> {
    let most = limits::PRESENCE_SUBSCRIPTIONS;
    let mut row = load(store, txn, user).await?.unwrap_or_default();
    if row.subscribers as usize >= most {
        let all = subscribers(store, txn, user).await?;
        let (live, over): (Vec<_>, Vec<_>) = all.into_iter().partition(|s| now < s.until);
        for subscription in over {
            remove(store, txn, &subscription.user, user)?;
        }
        row.subscribers = u32::try_from(live.len()).unwrap_or(u32::MAX);
        if live.len() >= most {
            return Err(Error::LimitReached(format!("a user has at most {most} subscribers")));
        }
    }
    row.subscribers = row.subscribers.saturating_add(1);
    save(store, txn, user, &row).await
}

impl Chat {
    /// Subscribes `me` to the presence of `users` for so long, and answers it. Those that do not exist are
    /// left out. Whoever has subscribed for longer keeps that.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for `me`; [`Error::UnknownUser`] for `me`;
    /// [`Error::Argument`] for oneself, for more than 100 and for no time or more than 30 days;
    /// [`Error::LimitReached`] beyond 3,000, at either side.
    pub async fn subscribe_presence(
        &self,
        caller: &Caller,
        me: &UserId,
        users: &[UserId],
        during: Duration,
    ) -> Result<Vec<Presence>, Error> {
        if !caller.may_act_for(me) {
            return Err(Error::NotAllowed);
        }
        check_batch(users, "too many sub presence")?;
        if users.contains(me) {
            return Err(Error::argument("usernames", "you can't sub yourself"));
        }
        if during.is_zero() || during > limits::PRESENCE_EXPIRY {
            let most = limits::PRESENCE_EXPIRY.as_secs();
            return Err(Error::argument("expiry", format!("1 to {most} seconds")));
        }
        let store = &self.store.app(caller).await?;
        let now = self.shared.clock.now();
        let until = now.plus(during);
        store
            .transact(|mut txn| async move {
                if !txn.exists(&account_key(store, me)).await? {
                    return Err(Error::UnknownUser);
                }
                let space = &spaces::PRESENCE_SUBSCRIPTIONS;
                let (mut mine, over): (Vec<_>, Vec<_>) = rows(store, &mut txn, space, me)
                    .await?
                    .into_iter()
                    .partition(|s| now < s.until);
                for subscription in over {
                    remove(store, &mut txn, me, &subscription.user)?;
                }
                for user in users {
                    if !txn.exists(&account_key(store, user)).await? {
                        continue;
                    }
                    match mine.iter().find(|subscription| subscription.user == *user) {
                        Some(before) if before.until >= until => continue,
                        Some(_) => {}
                        None => {
                            let most = limits::PRESENCE_SUBSCRIPTIONS;
                            if mine.len() >= most {
                                let text = format!("a user has at most {most} subscriptions");
                                return Err(Error::LimitReached(text));
                            }
                            count(store, &mut txn, user, now).await?;
                            mine.push(PresenceSubscription { user: user.clone(), until });
                        }
                    }
                    // Both rows go with the subscriber.
                    let bucket = Bucket::Object(user_blind(store, me).0);
                    let until_ms = until.as_millis();
                    let row = |name: &UserId| {
                        StoredSubscription { name: name.as_str().into(), until_ms }.encode_to_vec()
                    };
                    txn.put(&subscription_key(store, me, user), bucket, &row(user)).await?;
                    txn.put(&subscriber_key(store, user, me), bucket, &row(me)).await?;
                }
                Ok(txn.done(()))
            })
            .await?;
        self.presences(caller, me, users).await
    }

    /// Ends the subscriptions of `me` to the presence of `users`; where there is none, nothing changes.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for `me`; [`Error::Argument`] for more than 100.
    pub async fn unsubscribe_presence(
        &self,
        caller: &Caller,
        me: &UserId,
        users: &[UserId],
    ) -> Result<(), Error> {
        if !caller.may_act_for(me) {
            return Err(Error::NotAllowed);
        }
        check_batch(users, "too many unsub presences")?;
        let store = &self.store.app(caller).await?;
        store
            .transact(|mut txn| async move {
                for user in users {
                    remove(store, &mut txn, me, user)?;
                }
                Ok(txn.done(()))
            })
            .await
    }

    /// The subscriptions of `me` that are not over, by name.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for `me`; [`Error::Store`].
    pub async fn presence_subscriptions(
        &self,
        caller: &Caller,
        me: &UserId,
    ) -> Result<Vec<PresenceSubscription>, Error> {
        if !caller.may_act_for(me) {
            return Err(Error::NotAllowed);
        }
        let store = self.store.app(caller).await?;
        let now = self.shared.clock.now();
        let mut read = store.read().await?;
        let mut mine = rows(&store, &mut read, &spaces::PRESENCE_SUBSCRIPTIONS, me).await?;
        mine.retain(|subscription| now < subscription.until);
        mine.sort_unstable_by(|a, b| a.user.cmp(&b.user));
        Ok(mine)
    }
}
