//! The vault as the rest of the program sees it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::RwLock;
use stoa_core::{AppNumber, Clock, Entropy, Timestamp};
use stoa_seal::{BlindKey, Epoch, KeyId, RecordHeader, RootKey, open_record, seal_record};
use tokio::sync::oneshot;

use crate::keeper::Means;
use crate::recovery::{self, Recovered};
use crate::ring::{Claim, Ring};
use crate::scope::Purpose;
use crate::status::VaultStatus;
use crate::worker::{Command, Need, Request, VaultWorker, Worker};
use crate::{
    DiskFs, KeyClass, KeyScope, OpenError, SimFs, VaultError, VaultFs, VaultId, VaultWarning,
};

/// Where the vault lies.
#[derive(Debug, Clone)]
pub struct VaultOptions {
    /// The directory. Made with mode 0700 if it does not exist; never inside the data directory.
    pub dir: PathBuf,
    /// Further directories that hold the same, best on other media. Every change is durable in all of
    /// them before it takes effect.
    pub mirrors: Vec<PathBuf>,
    /// Bounds and steps; only tests change them.
    pub tuning: Tuning,
}

impl VaultOptions {
    /// A vault in `dir`, without mirrors.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), mirrors: Vec::new(), tuning: Tuning::default() }
    }

    /// With a further directory that holds the same.
    #[must_use]
    pub fn mirror(mut self, dir: impl Into<PathBuf>) -> Self {
        self.mirrors.push(dir.into());
        self
    }
}

/// Bounds and steps of the vault. The defaults are what the server runs with; tests lower them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// How many records a key seals before its scope gets a further key; at most 2^31.
    pub records_per_key: u64,
    /// How many records a key may seal between two words about it in the vault.
    pub grant_step: u64,
    /// How many nonces an epoch has; at most 2^32.
    pub nonces_per_epoch: u64,
    /// How many keys a page has at most.
    pub keys_per_page: usize,
    /// How many entries the journal has at most before it is folded into pages.
    pub journal_entries: usize,
    /// How long destructions are gathered at most; no more than one is written in such a time.
    pub destroy_interval: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            records_per_key: 1 << 31,
            grant_step: 1 << 20,
            nonces_per_epoch: 1 << 32,
            keys_per_page: 256,
            journal_entries: 4096,
            destroy_interval: Duration::from_secs(1),
        }
    }
}

impl Tuning {
    /// Within what is safe.
    fn bounded(self) -> Self {
        let records_per_key = self.records_per_key.clamp(1, 1 << 31);
        Self {
            records_per_key,
            grant_step: self.grant_step.clamp(1, records_per_key),
            nonces_per_epoch: self.nonces_per_epoch.clamp(1, 1 << 32),
            keys_per_page: self.keys_per_page.clamp(1, 4096),
            ..self
        }
    }
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// What was sealed.
    Plain(Vec<u8>),
    /// Its key was destroyed; nobody can open it any more.
    Destroyed,
}

/// What was destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destruction {
    /// The keys that no longer exist, in order.
    pub keys: Vec<KeyId>,
}

/// A key, without its material.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySummary {
    /// Its number, as in the records that it sealed.
    pub id: KeyId,
    /// What it seals.
    pub scope: KeyScope,
    /// When it was made.
    pub created: Timestamp,
    /// The highest number of records that it may have sealed so far.
    pub sealed_upto: u64,
    /// How many records it has sealed: exact as long as the vault was not opened again, and else at the most.
    pub sealed: u64,
}

/// The keys of all data, in a directory of their own.
///
/// One thread owns the files. Dropping the vault completes what is pending and releases the lock.
pub struct Vault {
    pub(crate) ring: Arc<RwLock<Ring>>,
    commands: Option<Sender<Command>>,
    thread: Option<JoinHandle<()>>,
    id: VaultId,
    life: Epoch,
    created: bool,
    warnings: Vec<VaultWarning>,
    /// How long before the end of a grant the next one is asked for.
    low: u64,
}

impl Vault {
    /// Opens the vault on disk, or creates it if its directories are empty. Blocks.
    ///
    /// # Errors
    /// When another process has it, others may read it, the root key is not its own, or a file is
    /// damaged and no mirror has a good copy.
    pub fn open(
        options: VaultOptions,
        root: RootKey,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, VaultError> {
        Self::open_on(Arc::new(DiskFs), options, root, clock, entropy)
    }

    /// As [`Self::open`], on another file system.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_on(
        fs: Arc<dyn VaultFs>,
        options: VaultOptions,
        root: RootKey,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, VaultError> {
        let dir = options.dir.clone();
        let (mut vault, worker) = Self::open_with_worker(fs, options, root, clock, entropy)?;
        let thread = std::thread::Builder::new()
            .name("stoa-vault".into())
            .spawn(move || worker.run())
            .map_err(|error| VaultError::io("start the thread for", &dir, error))?;
        vault.thread = Some(thread);
        Ok(vault)
    }

    /// As [`Self::open_on`], but without the thread: whoever holds the [`VaultWorker`] does its work.
    /// For simulations, in which nothing may happen by itself.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with_worker(
        fs: Arc<dyn VaultFs>,
        options: VaultOptions,
        root: RootKey,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<(Self, VaultWorker), VaultError> {
        let tuning = options.tuning.bounded();
        let mut dirs = vec![options.dir];
        dirs.extend(options.mirrors);
        let Recovered { keeper, ring, created, warnings } =
            recovery::open(&dirs, Means { fs, root, clock, entropy, tuning })?;
        let (id, life) = (keeper.vault(), keeper.epoch());
        let ring = Arc::new(RwLock::new(ring));
        let worker = Worker::new(keeper, Arc::clone(&ring), tuning.destroy_interval);
        let (commands, receiver) = channel();
        let vault = Self {
            ring,
            commands: Some(commands),
            thread: None,
            id,
            life,
            created,
            warnings,
            low: tuning.grant_step / 2,
        };
        Ok((vault, VaultWorker::new(worker, receiver)))
    }

    /// A new vault in memory with a random root key, for tests and simulation: nothing of it outlives
    /// the process, and destructions do not wait to be gathered.
    pub fn in_memory(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let root = RootKey::random(&*entropy);
        let mut options = VaultOptions::new("/vault");
        options.tuning.destroy_interval = Duration::ZERO;
        Self::open_on(Arc::new(SimFs::new()), options, root, clock, entropy)
            .expect("a new vault on an empty file system that does not fail opens")
    }

    /// The vault's id, for the data directory to remember which vault it belongs to.
    pub const fn id(&self) -> VaultId {
        self.id
    }

    /// The number of this life of the process: higher than that of every earlier one.
    pub fn life(&self) -> u64 {
        u64::from(self.life.0)
    }

    /// Whether opening it created it.
    pub const fn created(&self) -> bool {
        self.created
    }

    /// What opening it put right or cannot help.
    pub fn warnings(&self) -> &[VaultWarning] {
        &self.warnings
    }

    /// Seals `plain` with the key of `scope` for the place that `aad` names.
    ///
    /// If the scope has no key yet, one is made and is durable before anything is sealed with it.
    /// Otherwise this neither waits nor does IO.
    ///
    /// # Errors
    /// When a key has to be made and cannot be written.
    pub async fn seal(
        &self,
        scope: KeyScope,
        aad: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        loop {
            match self.try_seal(scope, aad, plain) {
                Ok(record) => return Ok(record),
                Err(need) => self.request(Request::Provide(vec![need])).await?,
            }
        }
    }

    /// As [`Self::seal`], but makes no key for a scope that has none, as one has whose key was
    /// destroyed: then the answer is none.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub async fn seal_if_keyed(
        &self,
        scope: KeyScope,
        aad: &[u8],
        plain: &[u8],
    ) -> Result<Option<Vec<u8>>, VaultError> {
        loop {
            match self.try_seal(scope, aad, plain) {
                Ok(record) => return Ok(Some(record)),
                Err(Need::Key { instead_of: None, .. }) => return Ok(None),
                Err(need) => self.request(Request::Provide(vec![need])).await?,
            }
        }
    }

    /// As [`Self::seal`] if that needs nothing to be written, which is nearly always.
    pub fn seal_now(&self, scope: KeyScope, aad: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
        self.try_seal(scope, aad, plain).ok()
    }

    fn try_seal(&self, scope: KeyScope, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, Need> {
        let (key, nonce, claim) = {
            let ring = self.ring.read();
            let purpose = Purpose::Seal(scope);
            let key = ring.current(&scope).ok_or(Need::Key { purpose, instead_of: None })?;
            let budget = key.budget().expect("the current key of a scope seals");
            let claim = budget.claim(self.low);
            match claim {
                Claim::Granted | Claim::RunningLow => {}
                Claim::NeedsGrant(above) => return Err(Need::Grant { id: key.id, above }),
                Claim::Spent => return Err(Need::Key { purpose, instead_of: Some(key.id) }),
            }
            let after = ring.nonces.epoch();
            let nonce = ring.nonces.next().map_err(|_| Need::Epoch { after })?;
            (Arc::clone(key), nonce, claim)
        };
        if claim == Claim::RunningLow {
            let above = key.budget().map_or(0, crate::ring::Budget::granted);
            self.send(Request::Provide(vec![Need::Grant { id: key.id, above }]), None);
        }
        let sealed = key.sealing(|cipher| seal_record(key.id, cipher, nonce, aad, plain));
        Ok(sealed.expect("the current key of a scope seals"))
    }

    /// Opens a record at the place that `aad` names.
    ///
    /// # Errors
    /// When it is not the record that was sealed for this place, or none of this vault. A record
    /// whose key was destroyed is no error.
    pub fn open_record(&self, aad: &[u8], record: &[u8]) -> Result<Opened, OpenError> {
        let header = RecordHeader::parse(record)?;
        let key = {
            let ring = self.ring.read();
            match ring.get(header.key) {
                Some(key) => Arc::clone(key),
                None if ring.was_given(header.key) => return Ok(Opened::Destroyed),
                None => return Err(OpenError::UnknownKey(header.key)),
            }
        };
        match key.opening(|cipher| open_record(&header, cipher, aad, record)) {
            Some(opened) => Ok(Opened::Plain(opened?)),
            None => Err(OpenError::Tampered),
        }
    }

    /// The blinding key of an app: made the first time, the same ever after.
    ///
    /// # Errors
    /// When it has to be made and cannot be written.
    pub async fn blind_key(&self, app: AppNumber) -> Result<Arc<BlindKey>, VaultError> {
        loop {
            if let Some(key) = self.ring.read().blind(app) {
                return Ok(Arc::clone(key));
            }
            let need = Need::Key { purpose: Purpose::Blind(app), instead_of: None };
            self.request(Request::Provide(vec![need])).await?;
        }
    }

    /// Makes the keys of these scopes ahead of their use, with one write.
    ///
    /// # Errors
    /// When they cannot be written.
    pub async fn prepare(&self, scopes: &[KeyScope]) -> Result<(), VaultError> {
        let needs: Vec<_> = {
            let ring = self.ring.read();
            let missing = scopes.iter().filter(|scope| ring.current(scope).is_none());
            missing
                .map(|scope| Need::Key { purpose: Purpose::Seal(*scope), instead_of: None })
                .collect()
        };
        if needs.is_empty() { Ok(()) } else { self.request(Request::Provide(needs)).await }
    }

    /// Destroys the data keys, of those that exist now, whose scope `select` picks.
    ///
    /// When this returns, nothing can open what they sealed: no copy of the data and no old file of
    /// the vault, in none of its directories. Until then they go on working. Blinding keys stay.
    ///
    /// # Errors
    /// When it cannot be written; the keys are then destroyed or not, which a restart decides.
    pub async fn destroy(
        &self,
        select: impl Fn(&KeyScope) -> bool + Send,
    ) -> Result<Destruction, VaultError> {
        self.destroy_picked(move |purpose| matches!(purpose, Purpose::Seal(scope) if select(scope)))
            .await
    }

    /// Destroys all keys of an app, its blinding key too, as [`Self::destroy`] does.
    ///
    /// # Errors
    /// As [`Self::destroy`].
    pub async fn destroy_app(&self, app: AppNumber) -> Result<Destruction, VaultError> {
        self.destroy_picked(|purpose| purpose.app() == app).await
    }

    /// Destroys the keys with these ids, those of them that there are, as [`Self::destroy`] does.
    ///
    /// # Errors
    /// As [`Self::destroy`].
    pub async fn destroy_keys(&self, mut keys: Vec<KeyId>) -> Result<Destruction, VaultError> {
        {
            let ring = self.ring.read();
            keys.retain(|id| ring.get(*id).is_some());
        }
        keys.sort_unstable();
        if !keys.is_empty() {
            self.request(Request::Destroy(keys.clone())).await?;
        }
        Ok(Destruction { keys })
    }

    async fn destroy_picked(
        &self,
        pick: impl Fn(&Purpose) -> bool + Send,
    ) -> Result<Destruction, VaultError> {
        // The caller's code runs without the lock: it may be slow, or use the vault itself.
        let all: Vec<(KeyId, Purpose)> =
            self.ring.read().keys().map(|key| (key.id, key.purpose())).collect();
        let mut keys: Vec<KeyId> =
            all.iter().filter(|(_, purpose)| pick(purpose)).map(|(id, _)| *id).collect();
        drop(all);
        keys.sort_unstable();
        if !keys.is_empty() {
            self.request(Request::Destroy(keys.clone())).await?;
        }
        Ok(Destruction { keys })
    }

    /// Puts the vault under another root key. When this returns, `root` opens it and the earlier one
    /// opens nothing of it, in none of its directories; data keys stay as they are.
    ///
    /// The caller keeps both root keys until then: whoever is stopped halfway learns from the vault's
    /// [`Survey`](crate::Survey) which of them opens it.
    ///
    /// # Errors
    /// When it cannot be written; which root key opens it, the next opening shows.
    pub async fn rotate_root(&self, root: RootKey) -> Result<(), VaultError> {
        self.request(Request::Rewrap(root)).await
    }

    /// Makes a further data key for those scopes that `select` picks of the ones that have a key; new
    /// records are sealed with it, and the earlier ones open what they sealed. Answers how many.
    ///
    /// # Errors
    /// When they cannot be written.
    pub async fn renew(
        &self,
        select: impl Fn(&KeyScope) -> bool + Send,
    ) -> Result<usize, VaultError> {
        let scopes: Vec<_> =
            self.ring.read().scopes().map(|(scope, key)| (*scope, key.id)).collect();
        let chosen = scopes.into_iter().filter(|(scope, _)| select(scope));
        let needs: Vec<_> = chosen
            .map(|(scope, id)| Need::Key { purpose: Purpose::Seal(scope), instead_of: Some(id) })
            .collect();
        let count = needs.len();
        if count > 0 {
            self.request(Request::Provide(needs)).await?;
        }
        Ok(count)
    }

    /// What there is to know of the vault's files.
    ///
    /// # Errors
    /// [`VaultError::Closed`].
    pub async fn status(&self) -> Result<VaultStatus, VaultError> {
        let (to, answer) = oneshot::channel();
        self.send(Request::Status(to), None);
        answer.await.map_err(|_| VaultError::Closed)
    }

    /// Whether there is a key for `scope`.
    pub fn has_key(&self, scope: &KeyScope) -> bool {
        self.ring.read().current(scope).is_some()
    }

    /// How many data keys there are of each class.
    pub fn keys_by_class(&self) -> BTreeMap<KeyClass, usize> {
        let mut counts = BTreeMap::new();
        for key in self.ring.read().keys() {
            if let Purpose::Seal(scope) = key.purpose() {
                *counts.entry(scope.class).or_default() += 1;
            }
        }
        counts
    }

    /// How many apps have a blinding key.
    pub fn blinding_keys(&self) -> usize {
        let ring = self.ring.read();
        ring.keys().filter(|key| matches!(key.purpose(), Purpose::Blind(_))).count()
    }

    /// The scopes that have a key, of those that `select` picks.
    pub fn scopes_where(&self, select: impl Fn(&KeyScope) -> bool) -> Vec<KeyScope> {
        self.ring.read().scopes().map(|(scope, _)| *scope).filter(select).collect()
    }

    /// When the newest key was made.
    pub fn newest_key(&self) -> Option<Timestamp> {
        self.ring.read().keys().map(|key| key.created).max()
    }

    /// The data keys, by id.
    pub fn keys(&self) -> Vec<KeySummary> {
        let mut keys = self.keys_where(|_| true);
        keys.sort_unstable_by_key(|key| key.id);
        keys
    }

    /// The data keys whose scope `select` picks, in no order.
    pub fn keys_where(&self, select: impl Fn(&KeyScope) -> bool) -> Vec<KeySummary> {
        let ring = self.ring.read();
        let summary = |key: &Arc<crate::ring::Key>| match key.purpose() {
            Purpose::Seal(scope) if select(&scope) => Some(KeySummary {
                id: key.id,
                scope,
                created: key.created,
                sealed_upto: key.budget()?.granted(),
                sealed: key.budget()?.used(),
            }),
            Purpose::Seal(_) | Purpose::Blind(_) | Purpose::Erased(_) => None,
        };
        ring.keys().filter_map(summary).collect()
    }

    pub(crate) async fn request(&self, request: Request) -> Result<(), VaultError> {
        let (reply, answer) = oneshot::channel();
        self.send(request, Some(reply));
        // The thread answers everything unless it panicked.
        answer.await.unwrap_or(Err(VaultError::Closed))
    }

    fn send(&self, request: Request, reply: Option<crate::worker::Reply>) {
        if let Some(commands) = &self.commands {
            // If the thread is gone, the reply goes with the command and the waiter is told.
            let _ = commands.send(Command { request, reply });
        }
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
