//! The block list: from whom a user takes no messages.

use prost::Message;
use stoa_core::{AppScope, Caller, Resource, Timestamp, UserId, limits};
use stoa_store::{AppStore, Bucket, Direction, Reader, spaces};

use super::relation::{block_key, mark};
use super::stored::StoredBlock;
use super::{account, acting};
use crate::account::user_blind;
use crate::records;
use crate::{Chat, Error};

/// A page of a block list.
#[derive(Debug)]
pub struct BlockPage {
    /// The newest first.
    pub users: Vec<UserId>,
    /// Where the next page begins; none on the last.
    pub cursor: Option<String>,
}

/// Who is blocked by `user` and since when, the newest first.
pub(crate) async fn blocked_by(
    store: &AppStore,
    reader: &mut impl Reader,
    user: &UserId,
) -> Result<Vec<(Timestamp, UserId)>, Error> {
    let all = store.key(&spaces::BLOCKS).blind(user_blind(store, user)).all();
    let rows = reader.scan(&all, Direction::Forward, limits::BLOCKED).await?;
    let mut blocked = Vec::with_capacity(rows.len());
    for (_, value) in rows {
        let row: StoredBlock = records::decode(&value, spaces::BLOCKS.name)?;
        if let Ok(user) = row.name.parse::<UserId>() {
            blocked.push((Timestamp::from_millis(row.since_ms), user));
        }
    }
    blocked.sort_unstable_by(|a, b| b.cmp(a));
    Ok(blocked)
}

/// The text that stands for a position in a block list.
fn list_cursor((since, user): &(Timestamp, UserId)) -> String {
    format!("{:x}-{}", since.as_millis(), user.as_str())
}

fn list_position(cursor: &str) -> Option<(Timestamp, UserId)> {
    let (since, user) = cursor.split_once('-')?;
    let since = u64::from_str_radix(since, 16).ok()?;
    Some((Timestamp::from_millis(since), user.parse().ok()?))
}

impl Chat {
    /// Blocks `users` for `me`, all of them or none: from the answer on no message of theirs comes in.
    /// Whoever is blocked stays a contact, for when that ends.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for `me`; [`Error::UnknownUser`];
    /// [`Error::Argument`] for more than 50 and for oneself; [`Error::LimitReached`] beyond 500.
    pub async fn block_users(
        &self,
        caller: &Caller,
        me: &UserId,
        resource: Option<&Resource>,
        users: &[UserId],
    ) -> Result<(), Error> {
        if !caller.may_act_for(me) {
            return Err(Error::NotAllowed);
        }
        let users = &batch(users)?;
        if users.contains(me) {
            return Err(Error::argument("usernames", "nobody can block itself"));
        }
        let store = &self.store.app(caller).await?;
        let on = &acting(resource);
        let now = self.shared.clock.now();
        self.posting(caller.app(), store, |mut posting| async move {
            account(store, &mut posting.txn, me).await?;
            let all = store.key(&spaces::BLOCKS).blind(user_blind(store, me)).all();
            let before = posting.txn.scan(&all, Direction::Forward, limits::BLOCKED).await?.len();
            let mut new = 0;
            for user in users {
                let txn = &mut posting.txn;
                account(store, txn, user).await?;
                let key = block_key(store, me, user);
                if txn.exists(&key).await? {
                    continue;
                }
                new += 1;
                if before + new > limits::BLOCKED {
                    let most = limits::BLOCKED;
                    return Err(Error::LimitReached(format!(
                        "a block list has at most {most} users"
                    )));
                }
                let row = StoredBlock { name: user.as_str().into(), since_ms: now.as_millis() };
                let bucket = Bucket::Object(user_blind(store, me).0);
                txn.put(&key, bucket, &row.encode_to_vec()).await?;
                mark(store, &mut posting, (me, on), user).await?;
            }
            Ok(posting.done(()))
        })
        .await?;
        Ok(())
    }

    /// Takes `users` off the block list of `me`; who is not on it is passed over.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for `me`; [`Error::UnknownUser`] for `me`;
    /// [`Error::Argument`] for more than 50.
    pub async fn unblock_users(
        &self,
        caller: &Caller,
        me: &UserId,
        resource: Option<&Resource>,
        users: &[UserId],
    ) -> Result<(), Error> {
        if !caller.may_act_for(me) {
            return Err(Error::NotAllowed);
        }
        let users = &batch(users)?;
        let store = &self.store.app(caller).await?;
        let on = &acting(resource);
        self.posting(caller.app(), store, |mut posting| async move {
            account(store, &mut posting.txn, me).await?;
            for user in users {
                let key = block_key(store, me, user);
                if posting.txn.exists(&key).await? {
                    posting.txn.delete(&key)?;
                    mark(store, &mut posting, (me, on), user).await?;
                }
            }
            Ok(posting.done(()))
        })
        .await?;
        Ok(())
    }

    /// A page of the block list of `user`, the newest first: `limit` (at most 500) from `cursor` on.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for that user; [`Error::Argument`] for a cursor
    /// that is none; [`Error::Store`].
    pub async fn blocked_users(
        &self,
        caller: &Caller,
        user: &UserId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<BlockPage, Error> {
        if !caller.may_act_for(user) {
            return Err(Error::NotAllowed);
        }
        let from =
            match cursor {
                None => None,
                Some(cursor) => Some(list_position(cursor).ok_or_else(|| {
                    Error::argument("cursor", "is not one that this list has given")
                })?),
            };
        let store = self.store.app(caller).await?;
        let mut blocked = blocked_by(&store, &mut store.read().await?, user).await?;
        if let Some(from) = from {
            blocked.retain(|entry| *entry < from);
        }
        let more = blocked.len() > limit;
        blocked.truncate(limit);
        let cursor = blocked.last().filter(|_| more).map(list_cursor);
        Ok(BlockPage { users: blocked.into_iter().map(|(_, user)| user).collect(), cursor })
    }
}

/// The users of one call, each once.
fn batch(users: &[UserId]) -> Result<Vec<UserId>, Error> {
    if users.is_empty() || users.len() > limits::BLOCK_BATCH {
        let problem = format!("1 to {} users", limits::BLOCK_BATCH);
        return Err(Error::argument("usernames", problem));
    }
    let mut users = users.to_vec();
    users.sort_unstable();
    users.dedup();
    Ok(users)
}
