//! Who is erased, and who is just being erased.

use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;
use stoa_core::{AppNumber, UserId};
use stoa_store::{AppStore, Blind};

/// The name that stands for everybody who was erased. Nobody can register it.
pub const PSEUDONYM: &str = "erased-user";

/// Persons to erase in one walk: known by their blinded names alone.
pub(super) struct Erased {
    store: AppStore,
    /// Each with whether its messages are kept.
    persons: HashMap<Blind, bool>,
    /// The blinded names of the user logs of those whose names were met: they cannot be told from the
    /// persons' own blinded names.
    logs: Mutex<HashSet<Blind>>,
}

impl Erased {
    pub(super) fn new(store: AppStore, persons: HashMap<Blind, bool>) -> Self {
        Self { store, persons, logs: Mutex::default() }
    }

    /// Notes the name of somebody who is erased.
    pub(super) fn meet(&self, name: &str) {
        self.logs.lock().insert(self.store.blind("user log", &[name.as_bytes()]));
    }

    /// The logs of those whose names were met so far.
    pub(super) fn logs(&self) -> HashSet<Blind> {
        self.logs.lock().clone()
    }

    /// Whether the messages of that user are kept; none if it is nobody who is erased.
    pub(super) fn find(&self, name: &str) -> Option<bool> {
        if name.is_empty() {
            return None;
        }
        let keeps = self.persons.get(&self.store.blind("user", &[name.as_bytes()])).copied();
        if keeps.is_some() {
            self.meet(name);
        }
        keeps
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    pub(super) fn has_user(&self, user: &UserId) -> bool {
        self.has(user.as_str())
    }

    pub(super) fn has_blind(&self, blind: Blind) -> bool {
        self.persons.contains_key(&blind)
    }
}

/// Names that nobody can register: those of persons who are just being erased, one after the other.
#[derive(Default)]
pub(crate) struct Erasing(Mutex<HashSet<(AppNumber, Blind)>>, tokio::sync::Mutex<()>);

impl Erasing {
    /// One erasure at a time.
    pub(crate) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.1.lock().await
    }

    pub(crate) fn begin(&self, app: AppNumber, person: Blind) {
        self.0.lock().insert((app, person));
    }

    pub(crate) fn end(&self, app: AppNumber, person: Blind) {
        self.0.lock().remove(&(app, person));
    }

    pub(crate) fn has(&self, app: AppNumber, person: Blind) -> bool {
        self.0.lock().contains(&(app, person))
    }
}
