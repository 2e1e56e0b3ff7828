//! Groups and rooms whose keys are gone, in data that were brought back from before they were dismissed.
//!
//! Nobody can read any more what they were. Their members' places stand under the members' own keys and say that they
//! are there: these places end, as they did when the group was dismissed, and the rows that open no more go.

use std::collections::HashSet;

use prost::Message;
use stoa_core::Seq;
use stoa_store::classes::USER_INFORMATION;
use stoa_store::{AppStore, Blind, Bucket, Direction, Key, Txn, spaces};

use super::{Pace, floor_of};
use crate::records::{self, Membership};
use crate::{Chat, Error, member};

/// Rows that one step looks at.
const STEP: usize = 256;

impl Chat {
    /// Ends what is left of the groups and rooms of these blinded names, whose records open no more.
    ///
    /// # Errors
    /// [`Error::Store`]; what is left is ended by the next call.
    pub(super) async fn end_dead(
        &self,
        store: &AppStore,
        dead: &HashSet<Blind>,
        pace: Pace,
    ) -> Result<(), Error> {
        let mut range = store.key(&spaces::MEMBERSHIPS).all();
        loop {
            let rows = store.read().await?.scan(&range, Direction::Forward, STEP).await?;
            let Some((key, _)) = rows.last() else { break };
            range = range.above(key);
            let keys = rows.into_iter().map(|(key, _)| key);
            let keys = &keys.filter(|key| dead.contains(&key.blind(1))).collect::<Vec<_>>();
            if !keys.is_empty() {
                let left = store.transact(|mut txn| async move {
                    for key in keys {
                        leave(store, &mut txn, key).await?;
                    }
                    Ok::<_, Error>(txn.done(()))
                });
                left.await?;
            }
            pace.rest().await;
        }
        for space in [&spaces::GROUPS_BY_TIME, &spaces::ROOMS_BY_TIME] {
            let mut range = store.key(space).all();
            loop {
                let rows = store.read().await?.scan_all(&range, Direction::Forward, STEP).await?;
                let Some((key, _)) = rows.last() else { break };
                range = range.above(key);
                let gone =
                    rows.iter().map(|(key, _)| key).filter(|key| dead.contains(&key.blind(1)));
                let gone = &gone.cloned().collect::<Vec<_>>();
                let removed = store.transact(|mut txn| async move {
                    gone.iter().try_for_each(|key| txn.delete(key))?;
                    Ok::<_, Error>(txn.done(()))
                });
                if !gone.is_empty() {
                    removed.await?;
                }
                pace.rest().await;
            }
        }
        let now = self.shared.clock.now();
        for group in dead {
            let ended = store.transact(|mut txn| async move {
                txn.end_object(&USER_INFORMATION, *group, now).await?;
                Ok::<_, Error>(txn.done(()))
            });
            ended.await?;
        }
        Ok(())
    }
}

/// Ends the place at `key` in a group, or in a room.
async fn leave(store: &AppStore, txn: &mut Txn, key: &Key) -> Result<(), Error> {
    let Some(value) = txn.get(key).await? else { return Ok(()) };
    let mut row: Membership = records::decode(&value, spaces::MEMBERSHIPS.name)?;
    if row.is_room {
        return Ok(txn.delete(key)?);
    }
    if !row.is_group || row.last().is_some() {
        return Ok(());
    }
    let log = key.blind(1);
    let all = store.key(&spaces::MESSAGES).blind(log).all();
    let last = txn.scan_all(&all, Direction::Backward, 1).await?;
    let last = last.first().map_or(0, |(key, _)| key.number(1));
    let floor = floor_of(store, txn, log).await?.map_or(0, |head| head.seq);
    member::end_place(&mut row, Seq(last.max(floor)));
    Ok(txn.put(key, Bucket::Object(key.blind(0).0), &row.encode_to_vec()).await?)
}
