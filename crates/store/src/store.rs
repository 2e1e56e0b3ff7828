//! The store and the handle of one app.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;
use stoa_core::{AppNumber, AppScope, Clock, Entropy, Operator};
use stoa_seal::{Blind, BlindKey, SigningKey};
use stoa_vault::{Bucket, KeyClass, KeyScope, Vault};

use crate::StoreError;
use crate::attempts::{Attempts, Lanes};
use crate::classes::DataClass;
use crate::engine::{Engine, EngineStats, Memory};
use crate::key::KeyBuilder;
use crate::receipts::Book;
use crate::spaces::Space;
use crate::txn::{Done, ReadTxn, Txn};

/// All records of this process. Cheap to clone.
#[derive(Clone)]
pub struct Store(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) lanes: Lanes,
    pub(crate) blind_keys: RwLock<HashMap<AppNumber, Arc<BlindKey>>>,
    /// Apps that were deleted since the process started.
    pub(crate) gone: RwLock<HashSet<AppNumber>>,
    /// Once it was asked for.
    pub(crate) signing_key: OnceLock<Arc<SigningKey>>,
    /// Writes receipts, once it was asked for.
    pub(crate) book: OnceLock<Book>,
    /// Held by whoever destroys keys of what has ended.
    pub(crate) ending: tokio::sync::Mutex<()>,
    pub(crate) retries: AtomicU64,
    pub(crate) contended: AtomicU64,
}

impl Inner {
    /// Whether the app was deleted.
    pub(crate) fn is_gone(&self, app: AppNumber) -> bool {
        self.gone.read().contains(&app)
    }
}

impl Store {
    /// The store whose sealed records `engine` holds and whose keys `vault` holds.
    pub fn open(engine: Arc<dyn Engine>, vault: Arc<Vault>) -> Self {
        Self(Arc::new(Inner {
            engine,
            vault,
            lanes: Lanes::new(),
            blind_keys: RwLock::default(),
            gone: RwLock::default(),
            signing_key: OnceLock::new(),
            book: OnceLock::new(),
            ending: tokio::sync::Mutex::default(),
            retries: AtomicU64::new(0),
            contended: AtomicU64::new(0),
        }))
    }

    /// An empty store in memory with a vault of its own, for tests and simulation: nothing of it
    /// outlives the process.
    pub fn in_memory(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self::open(Arc::new(Memory::new()), Arc::new(Vault::in_memory(clock, entropy)))
    }

    /// The handle of the app that `scope` belongs to: the only way to its records.
    ///
    /// # Errors
    /// [`StoreError::Vault`] when the app's blinding key cannot be had.
    pub async fn app(&self, scope: &impl AppScope) -> Result<AppStore, StoreError> {
        self.handle(scope.app().number).await
    }

    /// The handle of the platform's own records.
    ///
    /// # Errors
    /// [`StoreError::Vault`] when the platform's blinding key cannot be had.
    pub async fn platform(&self, _: &Operator) -> Result<AppStore, StoreError> {
        self.handle(AppNumber::PLATFORM).await
    }

    /// As [`Self::app`] if that needs no wait: if the app's blinding key was asked for before.
    pub fn app_now(&self, scope: &impl AppScope) -> Option<AppStore> {
        self.known(scope.app().number)
    }

    fn known(&self, number: AppNumber) -> Option<AppStore> {
        let blind_key = self.0.blind_keys.read().get(&number).cloned()?;
        Some(AppStore { store: self.0.clone(), number, blind_key })
    }

    pub(crate) async fn handle(&self, number: AppNumber) -> Result<AppStore, StoreError> {
        if let Some(known) = self.known(number) {
            return Ok(known);
        }
        if self.0.is_gone(number) {
            return Err(StoreError::Gone);
        }
        // Made once per app, so whoever asks the vault first does not matter.
        let blind_key = self.0.vault.blind_key(number).await?;
        self.0.blind_keys.write().insert(number, blind_key.clone());
        Ok(AppStore { store: self.0.clone(), number, blind_key })
    }

    /// Whether the store takes writes.
    ///
    /// # Errors
    /// Why it does not.
    pub fn health(&self) -> Result<(), StoreError> {
        Ok(self.0.engine.health()?)
    }

    /// Finishes the commits that are waiting and lets go of the engine. To be called when nothing
    /// uses the store any more: what begins later is refused.
    ///
    /// # Errors
    /// [`StoreError::Engine`] when the last writes could not be made durable.
    pub async fn close(&self) -> Result<(), StoreError> {
        Ok(self.0.engine.close().await?)
    }

    /// What the store did since it was opened, for metrics.
    pub fn stats(&self) -> StoreStats {
        StoreStats {
            engine: self.0.engine.stats(),
            retries: self.0.retries.load(Ordering::Relaxed),
            contended: self.0.contended.load(Ordering::Relaxed),
        }
    }
}

/// Counters since the store was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// The engine's counters.
    pub engine: EngineStats,
    /// Transactions that were run again because of a conflict.
    pub retries: u64,
    /// Transactions that were given up after many conflicts.
    pub contended: u64,
}

/// The handle of one app: forms its keys, and reads and writes its records. Cheap to clone.
#[derive(Clone)]
pub struct AppStore {
    pub(crate) store: Arc<Inner>,
    pub(crate) number: AppNumber,
    blind_key: Arc<BlindKey>,
}

impl AppStore {
    /// The app's number.
    pub const fn number(&self) -> AppNumber {
        self.number
    }

    /// The blinded identifier that stands in keys for the name that `parts` make up. `kind` keeps
    /// names of different kinds apart.
    pub fn blind(&self, kind: &str, parts: &[&[u8]]) -> Blind {
        self.blind_key.blind(kind, parts)
    }

    /// Begins a key of `space`.
    ///
    /// # Panics
    /// When `space` is the platform's and this is an app, or the other way round.
    pub fn key(&self, space: &'static Space) -> KeyBuilder {
        KeyBuilder::new(space, self.number)
    }

    /// Runs `work` in a serializable transaction and commits what it wrote, durably. On a conflict
    /// `work` is run again, so it must have no effect but on the transaction. It must not run
    /// another transaction inside, which could wait for this one for ever. An error of `work`
    /// abandons the transaction.
    ///
    /// `work` takes the transaction over and ends with [`Txn::done`]:
    ///
    /// ```
    /// # use stoa_store::{AppStore, Bucket, StoreError, spaces};
    /// # #[derive(Debug, thiserror::Error)]
    /// # enum Error {
    /// #     #[error("it exists")]
    /// #     Exists,
    /// #     #[error(transparent)]
    /// #     Store(#[from] StoreError),
    /// # }
    /// async fn register(app: &AppStore, name: &str, account: &[u8]) -> Result<(), Error> {
    ///     let user = app.blind("user", &[name.as_bytes()]);
    ///     let key = &app.key(&spaces::USERS).blind(user).done();
    ///     app.transact(|mut txn| async move {
    ///         if txn.exists(key).await? {
    ///             return Err(Error::Exists);
    ///         }
    ///         txn.put(key, Bucket::Object(user.0), account).await?;
    ///         Ok(txn.done(()))
    ///     })
    ///     .await
    /// }
    /// ```
    ///
    /// It is not an async closure over `&mut Txn`, because the future of such a one cannot be shown
    /// to be `Send` when it borrows from its surroundings. Where this form is in the way, write the
    /// loop out: [`Self::attempts`].
    ///
    /// # Errors
    /// What `work` returns; [`StoreError::Contended`] after many conflicts; [`StoreError::Unknown`]
    /// when the commit may have happened or not.
    pub async fn transact<T, E, F>(&self, mut work: impl FnMut(Txn) -> F) -> Result<T, E>
    where
        F: Future<Output = Result<Done<T>, E>>,
        E: From<StoreError>,
    {
        let mut attempts = self.attempts();
        loop {
            let txn = attempts.begin().await?;
            let Done { txn, value } = work(txn).await?;
            if attempts.commit(txn).await? {
                return Ok(value);
            }
        }
    }

    /// The attempts of one transaction, for a loop of one's own:
    ///
    /// ```
    /// # use stoa_store::{AppStore, Bucket, Key, StoreError};
    /// async fn take(app: &AppStore, key: &Key) -> Result<bool, StoreError> {
    ///     let mut attempts = app.attempts();
    ///     loop {
    ///         let mut txn = attempts.begin().await?;
    ///         let found = txn.exists(key).await?;
    ///         txn.delete(key)?;
    ///         if attempts.commit(txn).await? {
    ///             return Ok(found);
    ///         }
    ///     }
    /// }
    /// ```
    pub fn attempts(&self) -> Attempts<'_> {
        Attempts::new(self)
    }

    /// Destroys the key of `bucket` in `class`: what it sealed reads as absent from now on, here and
    /// in every copy of the data. Records may follow under a new key. A receipt is left, if the store keeps any
    /// ([`Store::keep_receipts`]).
    ///
    /// # Errors
    /// [`StoreError::Vault`] when that cannot be made durable.
    pub async fn destroy(&self, class: &DataClass, bucket: Bucket) -> Result<(), StoreError> {
        let scope = KeyScope { app: self.number, class: KeyClass(class.number), bucket };
        Store(self.store.clone()).destroy_scopes(&[scope]).await?;
        Ok(())
    }

    /// Whether there is a key of `bucket` in `class`.
    ///
    /// # Errors
    /// [`StoreError::Misuse`] for a bucket that the class does not have.
    pub fn has_key(&self, class: &DataClass, bucket: Bucket) -> Result<bool, StoreError> {
        Ok(self.store.vault.has_key(&self.scope(class, bucket)?))
    }

    /// A consistent view of the app's records, for reading alone. Hold it briefly: what it sees is
    /// kept for it.
    ///
    /// # Errors
    /// [`StoreError::Engine`].
    pub async fn read(&self) -> Result<ReadTxn, StoreError> {
        let engine = self.store.engine.snapshot().await?;
        Ok(ReadTxn::new(self.clone(), engine))
    }
}
