//! Where the numbering of a log goes on when its last entries are over.
//!
//! Numbers, ids and counts of a log only rise, also when nobody can read any more what was said last. So before a
//! day's key is destroyed, the ends that lie in it are written down; and whatever is removed is noted, so that
//! whoever stands before it is told of what lies behind it.

use std::collections::HashMap;

use parking_lot::Mutex;
use prost::Message;
use stoa_core::{AppNumber, Seq};
use stoa_store::spaces::CONVERSATIONS;
use stoa_store::{AppStore, Blind, Bucket, Direction, Key, ReadTxn, Txn};

use super::stored::Head;
use crate::Error;
use crate::records;

/// Which apps have any floor at all: where none has, nobody needs to look for one.
#[derive(Default)]
pub(crate) struct Floors(Mutex<HashMap<AppNumber, bool>>);

impl Floors {
    /// Whether the app has floors.
    pub(crate) async fn any(&self, store: &AppStore, read: &ReadTxn) -> Result<bool, Error> {
        let known = self.0.lock().get(&store.number()).copied();
        if let Some(known) = known {
            return Ok(known);
        }
        let all = store.key(&CONVERSATIONS).all();
        let any = !read.scan_all(&all, Direction::Forward, 1).await?.is_empty();
        let mut floors = self.0.lock();
        // Whoever wrote one meanwhile knows better.
        Ok(*floors.entry(store.number()).and_modify(|known| *known |= any).or_insert(any))
    }

    /// The app has floors from now on. To be called before the first is written.
    pub(super) fn there_are(&self, app: AppNumber) {
        self.0.lock().insert(app, true);
    }

    /// Forgets an app that is gone.
    pub(crate) fn forget_app(&self, app: AppNumber) {
        self.0.lock().remove(&app);
    }
}

fn key(store: &AppStore, log: Blind) -> Key {
    store.key(&CONVERSATIONS).blind(log).done()
}

/// The floor of a log.
pub(crate) async fn floor_of(
    store: &AppStore,
    txn: &mut Txn,
    log: Blind,
) -> Result<Option<Head>, Error> {
    let value = txn.get(&key(store, log)).await?;
    Ok(value.map(|value| records::decode(&value, CONVERSATIONS.name)).transpose()?)
}

/// The highest position of a log that was removed.
pub(crate) async fn swept_up_to(
    store: &AppStore,
    read: &ReadTxn,
    log: Blind,
) -> Result<Seq, Error> {
    let Some(value) = read.get(&key(store, log)).await? else { return Ok(Seq::START) };
    Ok(Seq(records::decode::<Head>(&value, CONVERSATIONS.name)?.swept))
}

/// Writes the floor of a log.
pub(super) async fn save(
    store: &AppStore,
    txn: &mut Txn,
    log: Blind,
    head: &Head,
) -> Result<(), Error> {
    Ok(txn.put(&key(store, log), Bucket::Whole, &head.encode_to_vec()).await?)
}
