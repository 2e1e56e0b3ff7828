//! Where devices stand that is not stored yet.
//!
//! Places are stored now and then; a session that takes another one over must not begin where the
//! store says, but where the client really stands. What is stored is forgotten here.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use parking_lot::Mutex;
use stoa_core::{AppNumber, AppScope, Resource, Seq, UserId};

use crate::entry::Queue;

type Device = (AppNumber, UserId, Resource);

/// The places that moved since they were stored.
#[derive(Debug, Default)]
pub(crate) struct Places(Mutex<HashMap<Device, HashMap<Queue, Seq>>>);

fn device(scope: &impl AppScope, user: &UserId, resource: &Resource) -> Device {
    (scope.app().number, user.clone(), resource.clone())
}

impl Places {
    /// The device has everything in `queue` up to `seq`.
    pub(crate) fn note(
        &self,
        scope: &impl AppScope,
        user: &UserId,
        resource: &Resource,
        queue: &Queue,
        seq: Seq,
    ) {
        let mut devices = self.0.lock();
        let places = devices.entry(device(scope, user, resource)).or_default();
        let place = places.entry(queue.clone()).or_default();
        *place = seq.max(*place);
    }

    /// Where the device stands, as far as it is not stored.
    pub(crate) fn of(
        &self,
        scope: &impl AppScope,
        user: &UserId,
        resource: &Resource,
    ) -> HashMap<Queue, Seq> {
        self.0.lock().get(&device(scope, user, resource)).cloned().unwrap_or_default()
    }

    /// These places are stored.
    pub(crate) fn stored(
        &self,
        scope: &impl AppScope,
        user: &UserId,
        resource: &Resource,
        stored: &[(Queue, Seq)],
    ) {
        let mut devices = self.0.lock();
        let Entry::Occupied(mut places) = devices.entry(device(scope, user, resource)) else {
            return;
        };
        for (queue, seq) in stored {
            if places.get().get(queue).is_some_and(|place| place <= seq) {
                places.get_mut().remove(queue);
            }
        }
        if places.get().is_empty() {
            places.remove();
        }
    }
}
