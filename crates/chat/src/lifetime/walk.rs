//! Logs from before there was an index of days: all of an app's are walked once.
//!
//! A store that an earlier release has written has no index. What was appended up to the day on which this release
//! first opened it is found by looking at every log, a few at a time, from a place that is stored; and only when a
//! day from before that is over.

use std::sync::OnceLock;

use prost::Message;
use stoa_core::{AppScope, Day, Operator, Timestamp};
use stoa_store::classes::DataClass;
use stoa_store::spaces::{SWEEPS, Space};
use stoa_store::{AppStore, Blind, Bucket, Key, Txn};

use super::Pace;
use super::stored::Sweep;
use super::sweep::{Broom, Finish, next_log, settle};
use crate::records;
use crate::{Chat, Error};

/// Since when things are written down; unset: always.
#[derive(Debug, Default)]
pub(crate) struct IndexStart(OnceLock<Since>);

#[derive(Debug, Clone, Copy)]
struct Since {
    /// In which log something was said on which day, and when users were there.
    index: Timestamp,
    /// When groups and rooms were used.
    groups: Timestamp,
}

impl Chat {
    /// Notes that from now on logs are found by their days, and uses of groups are written down, if that was not noted
    /// by an earlier life. To be called before anything is appended.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn begin_index(&self, operator: &Operator) -> Result<(), Error> {
        let store = &self.store.platform(operator).await?;
        let key = &store.key(&SWEEPS).number(0).done();
        let now = self.shared.clock.now();
        let since = store.transact(|mut txn| async move {
            let mut row = match txn.get(key).await? {
                Some(value) => records::decode::<Sweep>(&value, SWEEPS.name)?,
                None => Sweep { since_ms: now.as_millis(), ..Sweep::default() },
            };
            // The release that brought the index did not write down when groups were used.
            if row.groups_since_ms == 0 {
                row.groups_since_ms = now.as_millis();
                txn.put(key, Bucket::Whole, &row.encode_to_vec()).await?;
            }
            let index = Timestamp::from_millis(row.since_ms);
            let groups = Timestamp::from_millis(row.groups_since_ms);
            Ok::<_, Error>(txn.done(Since { index, groups }))
        });
        let _ = self.index.0.set(since.await?);
        Ok(())
    }

    /// Since when logs are found by their days, and uses of accounts are written down; none: always.
    pub(super) fn index_since(&self) -> Option<Timestamp> {
        self.index.0.get().map(|since| since.index)
    }

    /// Since when uses of groups and rooms are written down; none: always.
    pub(super) fn groups_since(&self) -> Option<Timestamp> {
        self.index.0.get().map(|since| since.groups)
    }

    /// Whether all that the app's logs took on `day` is found by the index.
    pub(super) fn is_indexed(&self, scope: &impl AppScope, day: Day) -> bool {
        let Some(since) = self.index_since() else { return true };
        scope.app().created >= since || day > since.day()
    }
}

fn key(store: &AppStore, class: &DataClass) -> Key {
    store.key(&SWEEPS).number(class.number.into()).done()
}

async fn load(store: &AppStore, txn: &mut Txn, class: &DataClass) -> Result<Sweep, Error> {
    let value = txn.get(&key(store, class)).await?;
    let row = value.map(|value| records::decode(&value, SWEEPS.name)).transpose()?;
    Ok(row.unwrap_or_default())
}

/// Has all logs of `class` walked once more, for what was sealed up to `last`.
pub(super) async fn begin(store: &AppStore, class: &DataClass, last: Day) -> Result<(), Error> {
    let begun = store.transact(|mut txn| async move {
        let row = load(store, &mut txn, class).await?;
        let upto = u64::from(last.0) + 1;
        if row.upto < upto {
            let row = Sweep { upto, at: Vec::new(), ..row };
            txn.put(&key(store, class), Bucket::Whole, &row.encode_to_vec()).await?;
        }
        Ok::<_, Error>(txn.done(()))
    });
    begun.await
}

/// Writes down the ends of all logs that lie on `last` or before.
pub(super) async fn settle_all(
    store: &AppStore,
    space: &'static Space,
    last: Day,
    pace: Pace,
) -> Result<(), Error> {
    let mut logs = Vec::new();
    let mut after = None;
    loop {
        let next = next_log(store, space, after).await?;
        logs.extend(next);
        if logs.len() >= pace.rows || next.is_none() {
            settle(store, store.read().await?, space, &logs, last).await?;
            logs.clear();
            pace.rest().await;
        }
        if next.is_none() {
            return Ok(());
        }
        after = next;
    }
}

/// Removes what is dead of all logs, if they are to be walked.
pub(super) async fn remove(
    store: &AppStore,
    class: &DataClass,
    broom: &mut Broom<'_>,
    space: &'static Space,
) -> Result<(), Error> {
    let value = store.read().await?.get(&key(store, class)).await?;
    let Some(value) = value else { return Ok(()) };
    let row: Sweep = records::decode(&value, SWEEPS.name)?;
    let upto = row.upto;
    let Some(last) = upto.checked_sub(1) else { return Ok(()) };
    let last = Day(u32::try_from(last).unwrap_or(u32::MAX));
    // What was taken up by the index is gone before the walk looks for it.
    broom.flush().await?;
    let mut after = row.at.try_into().ok().map(Blind);
    while let Some(log) = next_log(store, space, after).await? {
        broom.sweep(log, 0, last, Finish::Walked).await?;
        after = Some(log);
    }
    broom.flush().await?;
    let over = store.transact(|mut txn| async move {
        let now = load(store, &mut txn, class).await?;
        // A further walk was begun meanwhile.
        if now.upto == upto {
            txn.delete(&key(store, class))?;
        }
        Ok::<_, Error>(txn.done(()))
    });
    over.await
}

/// The walk has passed `log`.
pub(super) async fn passed(
    store: &AppStore,
    txn: &mut Txn,
    class: &DataClass,
    log: Blind,
) -> Result<(), Error> {
    let row = Sweep { at: log.0.to_vec(), ..load(store, txn, class).await? };
    Ok(txn.put(&key(store, class), Bucket::Whole, &row.encode_to_vec()).await?)
}
