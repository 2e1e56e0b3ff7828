//! What the tests of this crate have in common.

use std::sync::Arc;

use stoa_core::{AppKey, AuthPolicy, ManualClock, Operator, Region, SeededEntropy, Timestamp};
use stoa_store::Store;

use crate::{Console, NewApp};

pub(crate) async fn open(store: &Store, entropy: &Arc<SeededEntropy>) -> Console {
    let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
    let operator = Operator::of_this_process();
    Console::open(store, &operator, Region::Eu, clock, entropy.clone()).await.unwrap()
}

/// A console with two apps; the key is that of the second.
pub(crate) async fn with_app() -> (Store, Arc<SeededEntropy>, Console, AppKey) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
    let entropy = Arc::new(SeededEntropy::new(1));
    let store = Store::in_memory(clock, entropy.clone());
    let console = open(&store, &entropy).await;
    for key in ["acme#other", "acme#support"] {
        let (key, auth) = (key.parse().unwrap(), AuthPolicy::Token);
        console.create_app(NewApp { key, region: Region::Eu, auth }).await.unwrap();
    }
    (store, entropy, console, "acme#support".parse().unwrap())
}
