//! How many are in a room, as it is stored beside its roster for lists.
//!
//! Each who comes or goes writes its own line. The number is written no more than once a second, so
//! that a storm does not write it thousands of times; what is left to be written is written by
//! [`Chat::store_room_counts`]. After a crash the number may be one of a second before, until the room is
//! met again: the roster itself is always whole.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::log::Appender;
use crate::{Chat, Error};

/// Rooms whose number of members is to be written.
#[derive(Default)]
pub(crate) struct Counts(Mutex<Vec<Arc<Appender>>>);

impl Counts {
    /// Notes that the number of the room behind `appender` is not what is stored.
    pub(crate) fn note(&self, appender: &Arc<Appender>) {
        let mut rooms = self.0.lock();
        if !rooms.iter().any(|other| Arc::ptr_eq(other, appender)) {
            rooms.push(appender.clone());
        }
    }
}

impl Chat {
    /// Stores how many are in the rooms whose number was not stored yet. To be called every second or
    /// so; answers how many rooms they were.
    pub async fn store_room_counts(&self) -> usize {
        let rooms = std::mem::take(&mut *self.shared.counts.0.lock());
        for room in &rooms {
            let stored = room.act(&self.shared, |batch| {
                let room = batch.group_mut().map(|room| room.count_is_due());
                Box::pin(async move { room })
            });
            // What could not be stored is stored with the next who comes or goes.
            if let Err(error) = stored.await
                && !matches!(error, Error::UnknownRoom)
            {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "the number of a room's members was not stored");
            }
        }
        rooms.len()
    }
}
