//! A store with two apps.

use std::sync::Arc;

use stoa_core::{
    App, AppNumber, AuthPolicy, ManualClock, Operator, OperatorOf, Region, SeededEntropy, Timestamp,
};
use stoa_store::engine::Engine;
use stoa_store::{AppStore, Bucket, Key, Store, spaces};
use stoa_vault::{KeyScope, Vault};

use crate::engines::{self, Fixture};

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) vault: Arc<Vault>,
    pub(crate) a: AppStore,
    pub(crate) b: AppStore,
    pub(crate) fixture: Fixture,
}

impl World {
    pub(crate) async fn memory() -> Self {
        Self::over(engines::memory()).await
    }

    pub(crate) async fn embedded() -> Self {
        Self::over(engines::embedded()).await
    }

    pub(crate) async fn over(fixture: Fixture) -> Self {
        let vault = vault();
        let store = Store::open(fixture.engine.clone(), vault.clone());
        let (a, b) = (app(&store, 1).await, app(&store, 2).await);
        Self { store, vault, a, b, fixture }
    }

    pub(crate) fn engine(&self) -> &dyn Engine {
        &*self.fixture.engine
    }
}

pub(crate) fn vault() -> Arc<Vault> {
    let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
    Arc::new(Vault::in_memory(clock, Arc::new(SeededEntropy::new(1))))
}

pub(crate) async fn app(store: &Store, number: u32) -> AppStore {
    store.app(&scope(number)).await.unwrap()
}

/// The process, acting in the app of this number.
pub(crate) fn scope(number: u32) -> OperatorOf {
    let (number, key) = (AppNumber(number), "org#app".parse().unwrap());
    let (created, entropy) = (Timestamp::default(), SeededEntropy::new(1));
    let app = App::new(number, key, Region::Eu, created, AuthPolicy::Token, &entropy);
    Operator::of_this_process().in_app(Arc::new(app))
}

/// The key of a user's account, and the bucket that it belongs to.
pub(crate) fn user(app: &AppStore, name: &str) -> (Key, Bucket) {
    let blind = app.blind("user", &[name.as_bytes()]);
    (app.key(&spaces::USERS).blind(blind).done(), Bucket::Object(blind.0))
}

pub(crate) async fn put(app: &AppStore, key: &Key, bucket: Bucket, plain: &[u8]) {
    app.transact(|mut txn| async move {
        txn.put(key, bucket, plain).await?;
        Ok::<_, stoa_store::StoreError>(txn.done(()))
    })
    .await
    .unwrap();
}

pub(crate) async fn get(app: &AppStore, key: &Key) -> Option<Vec<u8>> {
    app.read().await.unwrap().get(key).await.unwrap().map(|plain| plain.to_vec())
}

/// Destroys the keys of all scopes that `select` names.
pub(crate) async fn destroy(vault: &Vault, select: impl Fn(&KeyScope) -> bool + Send) {
    vault.destroy(select).await.unwrap();
}
