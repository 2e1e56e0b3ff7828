//! A log over a store in memory, with a clock that is moved by hand.

use std::sync::Arc;
use std::time::Duration;

use stoa_audit::{Act, Actor, AuditLog, Broken, Entry, Query, Recorded, Trail, Whole};
use stoa_core::{
    App, AppNumber, AuthPolicy, ManualClock, Operator, OperatorOf, Region, SeededEntropy,
    Timestamp, UserId,
};
use stoa_store::classes::USER_INFORMATION;
use stoa_store::engine::{Engine, Memory};
use stoa_store::{AppStore, Bucket, Store, StoreError, spaces};
use stoa_vault::Vault;

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) store: Store,
    pub(crate) log: Arc<AuditLog>,
    pub(crate) app: OperatorOf,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::over(Arc::new(Memory::new()))
    }

    pub(crate) fn over(engine: Arc<dyn Engine>) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let vault = Arc::new(Vault::in_memory(clock.clone(), Arc::new(SeededEntropy::new(1))));
        Self::with(clock, vault, engine)
    }

    fn with(clock: Arc<ManualClock>, vault: Arc<Vault>, engine: Arc<dyn Engine>) -> Self {
        let store = Store::open(engine.clone(), vault.clone());
        let log = Arc::new(AuditLog::new(store.clone(), clock.clone()));
        Self { clock, vault, engine, store, log, app: scope(1) }
    }

    /// The same data, after the process has ended and begun again.
    pub(crate) async fn restarted(self) -> Self {
        let engine = self.copy().await;
        Self::with(self.clock, self.vault, engine)
    }

    /// The same data under the same keys in another place, to be changed there.
    pub(crate) async fn copied(&self) -> Self {
        Self::with(self.clock.clone(), self.vault.clone(), self.copy().await)
    }

    async fn copy(&self) -> Arc<dyn Engine> {
        let snapshot = self.engine.snapshot().await.unwrap();
        Arc::new(Memory::restored(&*snapshot).await.unwrap())
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) async fn records(&self) -> AppStore {
        self.store.app(&self.app).await.unwrap()
    }

    pub(crate) async fn trail(&self) -> Trail {
        self.log.of(&self.app).await.unwrap()
    }

    pub(crate) async fn record(&self, entry: Entry) {
        self.log.record(&self.app, entry).await.unwrap();
    }

    /// All entries, the oldest first.
    pub(crate) async fn entries(&self) -> Vec<Recorded> {
        let (trail, mut query) = (self.trail().await, Query { limit: 7, ..Query::default() });
        query.oldest_first = true;
        let mut all = Vec::new();
        loop {
            let page = trail.page(&query).await.unwrap();
            all.extend(page.entries);
            query.after = page.next;
            if query.after.is_none() {
                return all;
            }
        }
    }

    pub(crate) async fn verify(&self) -> Result<Whole, Broken> {
        self.trail().await.verify().await.unwrap()
    }

    /// An export, as it lies in a file.
    pub(crate) async fn export(&self) -> Vec<String> {
        let trail = self.trail().await;
        let head = trail.head().await.unwrap();
        let (mut lines, mut after) = (Vec::new(), Some(head.first - 1));
        while let Some(from) = after {
            let part = trail.lines(from, head.last).await.unwrap();
            lines.extend(part.lines.iter().map(|line| serde_json::to_string(line).unwrap()));
            after = part.next;
        }
        let end = stoa_audit::export::End::new(trail.app(), &head);
        lines.push(serde_json::to_string(&stoa_audit::export::EndLine { end }).unwrap());
        lines
    }

    /// Gives a user a key of its own, as an account does.
    pub(crate) async fn register(&self, name: &str) -> UserId {
        let store = self.records().await;
        let blind = store.blind("user", &[name.as_bytes()]);
        let (store, key) = (&store, &store.key(&spaces::USERS).blind(blind).done());
        let put = store.transact(|mut txn| async move {
            txn.put(key, Bucket::Object(blind.0), b"account").await?;
            Ok::<_, StoreError>(txn.done(()))
        });
        put.await.unwrap();
        user(name)
    }

    /// Destroys a user's key, as the deletion of the account does.
    pub(crate) async fn erase(&self, name: &str) {
        let store = self.records().await;
        let blind = store.blind("user", &[name.as_bytes()]);
        store.destroy(&USER_INFORMATION, Bucket::Object(blind.0)).await.unwrap();
    }
}

pub(crate) fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

pub(crate) fn set(what: &str) -> Entry {
    Entry::new(Actor::Operator, Act::AppSet).detail("setting", what)
}

/// The process, acting in the app of this number.
pub(crate) fn scope(number: u32) -> OperatorOf {
    let (number, key) = (AppNumber(number), "org#app".parse().unwrap());
    let (created, entropy) = (Timestamp::default(), SeededEntropy::new(1));
    let app = App::new(number, key, Region::Eu, created, AuthPolicy::Token, &entropy);
    Operator::of_this_process().in_app(Arc::new(app))
}
