//! How many connections may be open: in all, and for one app, so that nobody uses up what others need.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use stoa_core::{AppNumber, limits};
use stoa_metrics::{Held, egress::OPEN};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::EgressError;

/// The places.
#[derive(Debug)]
pub(crate) struct Gate {
    all: Arc<Semaphore>,
    of_one: Arc<Mutex<HashMap<AppNumber, usize>>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(limits::EGRESS_CONNECTIONS)), of_one: Arc::default() }
    }
}

/// A place, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    _open: Held,
    _of_one: OfOne,
}

/// One of an app's.
#[derive(Debug)]
struct OfOne(Arc<Mutex<HashMap<AppNumber, usize>>>, AppNumber);

impl Drop for OfOne {
    fn drop(&mut self) {
        let mut all = self.0.lock();
        if let Some(open) = all.get_mut(&self.1) {
            *open -= 1;
            if *open == 0 {
                all.remove(&self.1);
            }
        }
    }
}

impl Gate {
    /// A place for a connection of `app`, when there is one. Whoever waits is cut by the own time limit.
    ///
    /// # Errors
    /// [`EgressError::Busy`] when the app has as many as one may have.
    pub(crate) async fn enter(&self, app: AppNumber) -> Result<Place, EgressError> {
        let of_one = {
            let mut all = self.of_one.lock();
            let open = all.entry(app).or_default();
            if *open >= limits::EGRESS_CONNECTIONS_OF_ONE {
                return Err(EgressError::Busy);
            }
            *open += 1;
            OfOne(self.of_one.clone(), app)
        };
        let permit = self.all.clone().acquire_owned().await.map_err(|_| EgressError::Busy)?;
        Ok(Place { _permit: permit, _open: OPEN.hold(), _of_one: of_one })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_app_has_its_share_and_all_have_so_many() {
        let gate = Gate::default();
        let mut places = Vec::new();
        let apps = limits::EGRESS_CONNECTIONS / limits::EGRESS_CONNECTIONS_OF_ONE;
        for app in 0..apps {
            let app = AppNumber(u32::try_from(app).unwrap());
            for _ in 0..limits::EGRESS_CONNECTIONS_OF_ONE {
                places.push(gate.enter(app).await.unwrap());
            }
            assert!(matches!(gate.enter(app).await, Err(EgressError::Busy)));
        }
        let waits = gate.enter(AppNumber(99));
        let waits = tokio::time::timeout(limits::EGRESS_CONNECT, waits).await;
        assert!(waits.is_err(), "all places are taken");
        drop(places);
        assert!(gate.of_one.lock().is_empty(), "whoever waited in vain holds nothing");
        gate.enter(AppNumber(0)).await.unwrap();
    }
}
