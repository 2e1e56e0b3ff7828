//! What the tests inside this crate have in common.

use std::sync::Arc;

use stoa_core::{App, AppNumber, AuthPolicy, Entropy, Region, Timestamp};

/// An app that takes passwords.
pub(crate) fn app(random: &dyn Entropy, created: Timestamp) -> Arc<App> {
    let (key, auth) = ("demo#stoa".parse().unwrap(), AuthPolicy::TokenOrPassword);
    Arc::new(App::new(AppNumber(1), key, Region::Eu, created, auth, random))
}
