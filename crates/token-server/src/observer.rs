//! Who is told what the token server does.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use stoa_console::TokenClient;
use stoa_core::{AppNumber, Timestamp};

use crate::Reason;

/// Is told what the token server does. No id of a user reaches it. It is called in the middle of a call
/// and must not block.
pub trait Observer: Send + Sync + 'static {
    /// A token was minted, for a user who was registered for it or one who was there.
    fn minted(&self, client: &TokenClient, created: bool);
    /// A user was deleted.
    fn deleted(&self, client: &TokenClient);
    /// A call was refused. The client, if it is known who it was; and from where it came: an address, or
    /// the first half of one of IPv6.
    fn refused(&self, reason: Reason, client: Option<&TokenClient>, place: Option<IpAddr>);
}

/// When tokens were last minted for each app, since the process started.
#[derive(Debug, Default)]
pub struct LastMinted(RwLock<HashMap<AppNumber, AtomicU64>>);

impl LastMinted {
    /// The last time that a token was minted for the app with that number.
    pub fn of(&self, app: AppNumber) -> Option<Timestamp> {
        let times = self.0.read();
        times.get(&app).map(|at| Timestamp::from_millis(at.load(Ordering::Relaxed)))
    }

    pub(crate) fn note(&self, app: AppNumber, now: Timestamp) {
        if let Some(at) = self.0.read().get(&app) {
            at.store(now.as_millis(), Ordering::Relaxed);
            return;
        }
        self.0.write().insert(app, AtomicU64::new(now.as_millis()));
    }
}
