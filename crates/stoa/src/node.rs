//! The parts of a server that hold data, opened in order and closed in the other: vault, store,
//! apps, chat.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use stoa_audit::AuditLog;
use stoa_blob::Blobs;
use stoa_chat::Chat;
use stoa_chat::attachment::Swept;
use stoa_classroom::Classroom;
use stoa_console::{AppChange, Console, ConsoleError};
use stoa_core::{
    App, AppKey, AppNumber, Caller, Clock, Entropy, Operator, Secret, SystemClock, SystemEntropy,
    Timestamp, issue_token,
};
use stoa_egress::{Egress, EgressOptions, SystemResolver};
use stoa_geo::Whereabouts;
use stoa_store::engine::{Embedded, EmbeddedOptions};
use stoa_store::{Store, classes};
use stoa_token_server::{LastMinted, Observer};
use stoa_vault::{KeyClass, Vault, VaultOptions};

use crate::config::{Config, DEFAULT_REGION};
use crate::failure::Failure;
use crate::place::Statuses;
use crate::restoring;
use crate::root_key::{self, Loaded};
use crate::token_observer::TokenObserver;

/// Whether data may be made where there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Founding {
    /// An empty directory becomes a data directory.
    Allowed,
    /// There must be data.
    Refused,
}

/// An open data directory with its vault, locked against other processes.
#[derive(Clone)]
pub struct Node {
    /// What it was opened with.
    pub config: Arc<Config>,
    /// The keys.
    pub vault: Arc<Vault>,
    /// The records.
    pub store: Store,
    /// The files of users.
    pub blobs: Blobs,
    /// The apps.
    pub console: Arc<Console>,
    /// Who did what.
    pub audit: Arc<AuditLog>,
    /// Where addresses are.
    pub whereabouts: Arc<Whereabouts>,
    /// The way out.
    pub egress: Arc<Egress>,
    /// The rules of chat.
    pub chat: Arc<Chat>,
    /// The rules of class rooms.
    pub classroom: Arc<Classroom>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// When it was opened, by both clocks.
    pub opened: (Instant, Timestamp),
    /// Is told what the token server does.
    pub token_observer: Arc<dyn Observer>,
    /// When the token server last minted for each app.
    pub last_minted: Arc<LastMinted>,
    /// How the exchange of the directory with other data centres stands.
    pub directory: Arc<Statuses>,
    /// Held by whoever exchanges the root key.
    pub rotating: Arc<tokio::sync::Mutex<()>>,
}

/// What is open before anything asynchronous runs.
pub struct Files {
    vault: Arc<Vault>,
    store: Store,
    blobs: Blobs,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// Where the records lie.
fn store_dir(config: &Config) -> PathBuf {
    config.data.join("store")
}

impl Files {
    /// Opens the vault and the store. Blocks. `taken` is the root key if the environment held it.
    ///
    /// # Errors
    /// When another process has them, a key or file is missing or damaged, or there are no data and
    /// none may be made.
    pub fn open(
        config: &Config,
        taken: Option<Secret>,
        founding: Founding,
    ) -> Result<Self, Failure> {
        restoring::refuse_unfinished(&config.data)?;
        let directory = store_dir(config);
        let no_data = root_key::is_empty(&directory);
        if no_data && founding == Founding::Refused {
            let data = config.data.display();
            return Err(Failure::Usage(format!(
                "there are no data in '{data}'; name the data directory with --data, or make an app first (stoa app create)"
            )));
        }
        if !no_data && config.vaults().into_iter().all(root_key::is_empty) {
            return Err(Failure::NoVault { data: config.data.clone(), keys: config.keys.clone() });
        }
        make_private(&config.data)?;
        let vault = Self::open_vault(config, taken, founding)?;
        Self::open_on(config, vault)
    }

    /// Opens the vault alone. Blocks.
    ///
    /// # Errors
    /// As [`Self::open`]; [`Failure::NoVault`] when there is none and none may be made.
    pub fn open_vault(
        config: &Config,
        taken: Option<Secret>,
        founding: Founding,
    ) -> Result<Arc<Vault>, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        if founding == Founding::Refused && config.vaults().into_iter().all(root_key::is_empty) {
            return Err(Failure::NoVault { data: config.data.clone(), keys: config.keys.clone() });
        }
        if let Some(above) = config.keys.parent() {
            make_private(above)?;
        }
        let vaults = config.vaults();
        let Loaded { key, made, left } =
            root_key::load(&config.root_key, taken, &vaults, &*entropy)?;
        if made && let crate::config::RootKey::Beside(file) = &config.root_key {
            tracing::warn!(
                file = %file.display(),
                "made a new root key; keep a copy of it elsewhere, and best move it off this machine: whoever loses it, or every copy of the vault, loses the data for ever"
            );
        }
        let mut options = VaultOptions::new(&config.keys);
        options.mirrors.clone_from(&config.key_mirrors);
        let vault = Vault::open(options, key, clock, entropy)?;
        if vault.created() {
            tracing::warn!(
                directory = %config.keys.display(),
                "made a new vault; it holds the keys of all data: mirror it (key-mirrors), never back it up"
            );
        }
        for warning in vault.warnings() {
            tracing::warn!("{warning}");
        }
        left.settle()?;
        Ok(Arc::new(vault))
    }

    /// Opens the store and the place of files, whose keys `vault` has. Blocks.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_on(config: &Config, vault: Arc<Vault>) -> Result<Self, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let engine = Embedded::open(&EmbeddedOptions::new(store_dir(config)))?;
        let store = Store::open(Arc::new(engine), vault.clone());
        let class = KeyClass(classes::ATTACHMENT.number);
        let blobs = Blobs::local(&config.files, vault.clone(), class)?;
        Ok(Self::of(vault, store, blobs, clock, entropy))
    }

    /// What is open already, wherever it lies: in memory, or where something fails on purpose.
    pub const fn of(
        vault: Arc<Vault>,
        store: Store,
        blobs: Blobs,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { vault, store, blobs, clock, entropy }
    }

    /// The records.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The files of users.
    pub const fn blobs(&self) -> &Blobs {
        &self.blobs
    }
}

impl Node {
    /// Reads the apps and makes the domain services.
    ///
    /// A region that was not configured is that of the data.
    ///
    /// # Errors
    /// When the data are not for this server, or cannot be read.
    pub async fn start(files: Files, config: &Config) -> Result<Self, Failure> {
        let Files { vault, store, blobs, clock, entropy } = files;
        let operator = Operator::of_this_process();
        let region = config.region.unwrap_or(DEFAULT_REGION);
        let open =
            |region| Console::open(&store, &operator, region, clock.clone(), entropy.clone());
        let console = match open(region).await {
            Err(ConsoleError::Region { stored, .. }) if config.region.is_none() => {
                open(stored).await?
            }
            other => other?,
        };
        console.name_hosts(config.regions.all_hosts().collect());
        let console = Arc::new(console);
        let (ranges, database) = (config.geofence_ranges.clone(), config.geo_database.clone());
        let whereabouts = Arc::new(Whereabouts::new(ranges, database));
        let way_out = EgressOptions {
            region: console.region(),
            // Whoever names the address of a data centre means it, also one of an inner network.
            allow: config.egress_allow.iter().copied().chain(config.regions.addresses()).collect(),
            hosts: config.egress_hosts.clone(),
            resolver: Arc::new(SystemResolver),
            countries: whereabouts.clone(),
            clock: clock.clone(),
        };
        let egress = Egress::new(way_out, store.clone(), Operator::of_this_process());
        let audit = Arc::new(AuditLog::new(store.clone(), clock.clone()));
        let chat =
            Chat::new(store.clone(), console.clone(), clock.clone(), entropy.clone(), vault.life());
        let chat = Arc::new(
            chat.with_files(blobs.clone())
                .with_audit(audit.clone())
                .with_countries(whereabouts.clone()),
        );
        let pending = store.keep_receipts(&operator, clock.clone(), &*entropy).await?;
        if pending > 0 {
            tracing::warn!(pending, "completed destructions that the last run had begun");
        }
        chat.begin_index(&operator).await?;
        for app in console.apps() {
            let scope = operator.in_app(app);
            chat.load_revocations(&scope).await?;
            chat.load_permit_uses(&scope).await?;
        }
        let classroom = Arc::new(Classroom::new(
            store.clone(),
            chat.clone(),
            console.clone(),
            clock.clone(),
            entropy.clone(),
            Operator::of_this_process(),
        ));
        let told = Arc::downgrade(&classroom);
        console.observe(Box::new(move |change| {
            let Some(classroom) = told.upgrade() else { return };
            let chat = classroom.chat();
            let (app, leaked) = match change {
                AppChange::Changed(app) | AppChange::Deleted(app) => (app, None),
                AppChange::Leaked(app, fingerprint) => (app, Some(fingerprint)),
            };
            match change {
                AppChange::Deleted(app) => chat.app_deleted(app),
                _ => chat.app_changed(app, leaked),
            }
            classroom.app_changed(app, leaked);
        }));
        let opened = (Instant::now(), clock.now());
        let token_observer = TokenObserver { audit: audit.clone(), console: console.clone() };
        let node = Self {
            config: Arc::new(config.clone()),
            vault,
            store,
            blobs,
            console,
            audit,
            whereabouts,
            egress: Arc::new(egress),
            chat,
            classroom,
            clock,
            entropy,
            opened,
            token_observer: Arc::new(token_observer),
            last_minted: Arc::default(),
            directory: Arc::default(),
            rotating: Arc::default(),
        };
        for app in node.console.deleting() {
            node.finish_deletion(&app).await?;
        }
        let ended = node.end_objects().await?;
        if ended > 0 {
            tracing::info!(ended, "destroyed keys of what had ended when the server was off");
        }
        node.finish_erasures().await?;
        Ok(node)
    }

    /// Deletes an app: nobody comes in any more, its sessions end, its keys are destroyed, and what they sealed
    /// is removed. Whatever interrupts it, the next start goes on with it.
    ///
    /// # Errors
    /// When there is no such app, or something of it could not be removed.
    pub async fn delete_app(&self, key: &AppKey) -> Result<(), Failure> {
        self.app(key)?;
        let app = self.console.begin_deletion(key).await?;
        self.finish_deletion(&app).await
    }

    /// Ends what was under way for an app when it was deleted, and was written behind.
    async fn sweep_deleted_apps(&self) -> Result<(), Failure> {
        let (apps, deleting) = (self.console.apps(), self.console.deleting());
        let known = |number| apps.iter().chain(&deleting).any(|app| app.number == number);
        let left = self.vault.keys().into_iter().map(|key| key.scope.app);
        let left: BTreeSet<AppNumber> =
            left.filter(|app| *app != AppNumber::PLATFORM && !known(*app)).collect();
        let operator = Operator::of_this_process();
        for app in left {
            self.blobs.clear_app(app).await?;
            self.store.destroy_app(&operator, app).await?;
        }
        Ok(())
    }

    async fn finish_deletion(&self, app: &Arc<App>) -> Result<(), Failure> {
        let operator = Operator::of_this_process();
        let keys = self.store.destroy_app(&operator, app.number).await?;
        let files = self.blobs.clear_app(app.number).await?;
        let records = self.store.purge_app(&operator, app.number).await?;
        self.console.finish_deletion(app.number).await?;
        tracing::info!(keys, files, records, "an app was deleted");
        Ok(())
    }

    /// Erases the persons of all apps whom the ledger of the vault names, and these data do not say to be
    /// erased: an erasure was interrupted, or the data were brought back from before.
    async fn finish_erasures(&self) -> Result<(), Failure> {
        let operator = Operator::of_this_process();
        let renaming = crate::admin::renaming();
        for app in self.console.apps() {
            let scope = operator.in_app(app);
            let persons = self.chat.finish_erasures(&scope, &renaming, &|_| {}).await?;
            if persons > 0 {
                tracing::info!(
                    persons,
                    "persons whose erasure was not done in these data are erased"
                );
            }
        }
        Ok(())
    }

    /// The app with that key.
    ///
    /// # Errors
    /// When there is none.
    pub fn app(&self, key: &AppKey) -> Result<Arc<App>, Failure> {
        self.chat.app(key).map_err(|error| match error {
            stoa_chat::Error::Elsewhere(app) => Failure::Refused(app.to_string()),
            _ => Failure::Refused(format!("there is no app with the key {key} (stoa app list)")),
        })
    }

    /// The caller who administers an app, for the operator at the command line.
    ///
    /// # Errors
    /// When there is no such app.
    pub async fn administer(&self, key: &AppKey) -> Result<Caller, Failure> {
        /// Long enough for a command; the token never leaves this process.
        const SECONDS: u32 = 3600;
        let app = self.app(key)?;
        let now = app.next_issue(self.clock.now());
        let token = issue_token(&app, None, now, SECONDS, &*self.entropy);
        Ok(self.chat.authenticate(key, token.expose()).await?)
    }

    /// Removes files whose time is over, and revocations that are about nothing any more, of all apps.
    ///
    /// # Errors
    /// When one app's could not be removed; those of the others were.
    pub async fn sweep(&self) -> Result<Swept, Failure> {
        let operator = Operator::of_this_process();
        let (mut all, mut outcome) = (Swept::default(), self.sweep_deleted_apps().await);
        if let Err(error) = self.egress.sweep_contacts(None).await {
            outcome = Err(error.into());
        }
        for app in self.console.apps() {
            if let Err(error) = self.egress.sweep_contacts(Some(&app)).await {
                outcome = Err(error.into());
            }
            let scope = operator.in_app(app);
            if let Err(error) = self.chat.sweep_revocations(&scope).await {
                outcome = Err(error.into());
            }
            if let Err(error) = self.chat.sweep_observations(&scope).await {
                outcome = Err(error.into());
            }
            match self.chat.sweep_files(&scope).await {
                Ok(swept) => {
                    all.days += swept.days;
                    all.files += swept.files;
                }
                Err(error) => outcome = Err(error.into()),
            }
        }
        outcome.map(|()| all)
    }

    /// Begins the time after which whoever is in a chat room by what is stored, and does not come back,
    /// has left; in all apps. Answers how many they are.
    ///
    /// # Errors
    /// When those of one app could not be read; those of the others were.
    pub async fn expect_absent(&self) -> Result<usize, Failure> {
        let operator = Operator::of_this_process();
        let (mut all, mut outcome) = (0, Ok(()));
        for app in self.console.apps() {
            match self.chat.expect_absent(&operator.in_app(app)).await {
                Ok(expected) => all += expected,
                Err(error) => outcome = Err(error.into()),
            }
        }
        outcome.map(|()| all)
    }

    /// Stores what was observed of all apps since it was stored last.
    pub async fn store_observations(&self) {
        let operator = Operator::of_this_process();
        for app in self.console.apps() {
            if let Err(error) = self.chat.store_observations(&operator.in_app(app)).await {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "what the checklist goes by could not be stored");
            }
        }
    }

    /// Stores which hosts were contacted since it was stored last.
    pub async fn store_contacts(&self) {
        if let Err(error) = self.egress.store_contacts(&self.console.apps()).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "how often hosts were contacted could not be stored");
        }
    }

    /// Takes what is over out of the audit logs of all apps and of the platform. Answers how many
    /// entries they were.
    ///
    /// # Errors
    /// When that could not be done in one of them; in the others it was.
    pub async fn expire_audit(&self) -> Result<u64, Failure> {
        let (operator, now) = (Operator::of_this_process(), self.clock.now());
        let (mut all, mut outcome) = (0, Ok(()));
        let mut trails = vec![self.audit.of_platform(&operator).await?];
        for app in self.console.apps() {
            trails.push(self.audit.of(&operator.in_app(app)).await?);
        }
        for trail in trails {
            match trail.expire(now).await {
                Ok(entries) => all += entries,
                Err(error) => outcome = Err(error.into()),
            }
        }
        outcome.map(|()| all)
    }

    /// Writes what is pending and lets go of the files.
    ///
    /// # Errors
    /// When the last writes could not be made durable.
    pub async fn close(self) -> Result<(), Failure> {
        self.classroom.settled().await;
        self.store_observations().await;
        self.store_contacts().await;
        self.store_uses().await;
        let Self { store, audit, .. } = self;
        audit.settle().await;
        Ok(store.close().await?)
    }
}

/// Makes the directory, for its owner alone, if it is not there.
fn make_private(dir: &std::path::Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(Failure::io(format!("make the directory {}", dir.display())))
}
