//! Apps: created by the operator, known to both doors.
//!
//! The records lie in the platform's part of the store. All apps of the data centre are held in
//! memory, replaced as a whole when one changes, so that finding an app at login takes no lock.

mod certificate;
mod change;
pub mod checklist;
mod class;
mod deletion;
mod directory;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod place;
mod record;
mod retention;
mod server_certificate;
#[cfg(test)]
mod testing;
mod token_client;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use prost::Message;
use stoa_core::{
    App, AppDirectory, AppId, AppKey, AppNumber, AuthPolicy, Clock, Crossing, Elsewhere, Entropy,
    Operator, PublicHosts, Region, Timestamp,
};
use stoa_store::{AppStore, Bucket, Direction, Store, StoreError, Txn, spaces};

pub use crate::certificate::{CERTIFICATES, CertificateSlot, OVERLAP_MOST_S, OVERLAP_S};
pub use crate::change::{REGISTRATIONS_MOST, SKEW_MOST_S};
use crate::directory::{Claims, Published};
pub use crate::directory::{Conflict, LearnError, Learned, PageError};
use crate::record::{AppNumberRecord, AppRecord, PlatformRecord};
pub use crate::server_certificate::ServerOverlap;
use crate::token_client::TokenClients;
pub use crate::token_client::{
    ClientName, ClientNameError, Credential, Fingerprint, FingerprintError, TokenClient,
};

/// Why the console cannot do it.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// The data belongs to another data centre than the configuration says.
    #[error(
        "the data belongs to region '{stored}', but the configuration says '{configured}': data never moves; start with region = \"{stored}\" or with another data directory"
    )]
    Region {
        /// Where the data lives.
        stored: Region,
        /// What the configuration says.
        configured: Region,
    },
    /// The data was written by a later version.
    #[error(
        "the data was written by a later version (format {found}, this version reads up to {known})"
    )]
    Format {
        /// The format found.
        found: u32,
        /// The latest known one.
        known: u32,
    },
    /// There is an app with that key.
    #[error("an app with the key {0} exists already")]
    Exists(AppKey),
    /// Another data centre has an app with that key, or that App ID.
    #[error(
        "the app {key} exists in the region '{region}'; a key names one app in all data centres together"
    )]
    ExistsElsewhere {
        /// The key.
        key: AppKey,
        /// Where it is.
        region: Region,
    },
    /// An app lives in the region of its data centre.
    #[error(
        "this data centre is in region '{here}'; an app of region '{wanted}' must be created there"
    )]
    WrongRegion {
        /// Where this is.
        here: Region,
        /// Where the app should live.
        wanted: Region,
    },
    /// No app has that key.
    #[error("there is no app with the key {0}")]
    UnknownApp(AppKey),
    /// A setting cannot have that value.
    #[error("{field}: {problem}")]
    Value {
        /// The setting.
        field: &'static str,
        /// What is allowed.
        problem: String,
    },
    /// What is kept would be destroyed sooner, and nobody said that this is meant.
    #[error(
        "messages of {app} are kept for {} days and would be kept for {}; nothing was changed",
        kept.as_secs() / 86_400,
        shorter.as_secs() / 86_400
    )]
    Shortens {
        /// The app.
        app: AppKey,
        /// How long they are kept.
        kept: Duration,
        /// How long they would be kept.
        shorter: Duration,
        /// From when on.
        from: Timestamp,
    },
    /// The app has as many certificates as it can have.
    #[error(
        "the app {0} has a primary and a secondary certificate already; retire one of them first"
    )]
    TwoCertificates(AppKey),
    /// Tokens of the former server certificate are still taken.
    #[error(
        "the app {app} has a former server certificate, which is good for another {left_s} seconds, and can have one only; rotate again after that, or with --overlap 0, which ends the present one and the former one at once"
    )]
    FormerServerCertificate {
        /// The app.
        app: AppKey,
        /// For how long.
        left_s: u64,
    },
    /// The app has no such certificate, or would be left without any.
    #[error(
        "the app {0} would be left without a certificate that lasts; add another one first, or rotate"
    )]
    OneCertificate(AppKey),
    /// The app has a client of the token server with that name.
    #[error("the app {app} has a client '{}' of the token server already; remove it first, or choose another name", name.as_str())]
    ClientExists {
        /// The name.
        name: ClientName,
        /// The app.
        app: AppKey,
    },
    /// The app has no client of the token server with that name.
    #[error("the app {app} has no client '{}' of the token server", name.as_str())]
    UnknownClient {
        /// The name.
        name: ClientName,
        /// The app.
        app: AppKey,
    },
    /// The app's owner permits no such thing.
    #[error("the app {app} has no permission for {kind} from {from} to {to}")]
    UnknownPermit {
        /// The app.
        app: AppKey,
        /// What would cross.
        kind: Crossing,
        /// From there.
        from: Region,
        /// To there.
        to: Region,
    },
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// The format of the records that this version writes.
const FORMAT: u32 = 1;

/// An app to be created.
#[derive(Debug, Clone)]
pub struct NewApp {
    /// Its key.
    pub key: AppKey,
    /// Where it will live, for ever.
    pub region: Region,
    /// Who may enter.
    pub auth: AuthPolicy,
}

#[derive(Default)]
struct Directory {
    by_key: HashMap<AppKey, Arc<App>>,
    by_id: HashMap<AppId, Arc<App>>,
}

impl Directory {
    fn of(apps: impl IntoIterator<Item = Arc<App>>) -> Self {
        let mut directory = Self::default();
        for app in apps {
            directory.by_key.insert(app.key.clone(), app.clone());
            directory.by_id.insert(app.id.clone(), app);
        }
        directory
    }
}

/// What happened to an app, for whoever holds something open for it.
#[derive(Debug, Clone, Copy)]
pub enum AppChange<'a> {
    /// Who may enter is as it says here from now on.
    Changed(&'a Arc<App>),
    /// A certificate of this fingerprint, which it has no more, is known to somebody else.
    Leaked(&'a Arc<App>, stoa_core::Fingerprint),
    /// It is gone.
    Deleted(&'a Arc<App>),
}

/// Is told of what concerns who may enter, before whoever asked for them is answered. Must not block.
pub type Observer = Box<dyn Fn(AppChange<'_>) + Send + Sync>;

/// The apps of this data centre.
pub struct Console {
    platform: AppStore,
    region: Region,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    directory: ArcSwap<Directory>,
    token_clients: ArcSwap<TokenClients>,
    /// Held by whoever changes apps, so that the directory follows the records in their order.
    changes: tokio::sync::Mutex<()>,
    observer: OnceLock<Observer>,
    deleting: parking_lot::Mutex<Vec<Arc<App>>>,
    /// What is said here to other data centres.
    published: parking_lot::Mutex<Published>,
    /// What they say.
    claims: parking_lot::RwLock<Claims>,
    /// Where clients reach the data centres.
    hosts: OnceLock<HashMap<Region, PublicHosts>>,
}

impl Console {
    /// Opens the platform's records, or makes them in an empty store.
    ///
    /// # Errors
    /// [`ConsoleError::Region`] or [`ConsoleError::Format`] when the data is not for this server;
    /// [`ConsoleError::Store`].
    pub async fn open(
        store: &Store,
        operator: &Operator,
        region: Region,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, ConsoleError> {
        let platform = store.platform(operator).await?;
        let key = &platform.key(&spaces::PLATFORM_META).done();
        let created_ms = clock.now().as_millis();
        let record: PlatformRecord = platform
            .transact(|mut txn| async move {
                if let Some(value) = txn.get(key).await? {
                    let record = record::decode(&value, spaces::PLATFORM_META.name)?;
                    return Ok(txn.done(record));
                }
                let region = region.name().to_owned();
                let record = PlatformRecord { format: FORMAT, region, created_ms, next_app: 1 };
                txn.put(key, Bucket::Whole, &record.encode_to_vec()).await?;
                Ok::<_, ConsoleError>(txn.done(record))
            })
            .await?;
        if record.format > FORMAT {
            return Err(ConsoleError::Format { found: record.format, known: FORMAT });
        }
        let stored: Region = record.region.parse().map_err(|_| corrupt(&spaces::PLATFORM_META))?;
        if stored != region {
            return Err(ConsoleError::Region { stored, configured: region });
        }
        let all = platform.key(&spaces::APPS).all();
        let rows = platform.read().await?.scan(&all, Direction::Forward, usize::MAX).await?;
        let mut apps = Vec::with_capacity(rows.len());
        let mut deleting = Vec::new();
        for (key, value) in rows {
            let record: AppRecord = record::decode(&value, spaces::APPS.name)?;
            let number = u32::try_from(key.number(0)).map_err(|_| corrupt(&spaces::APPS))?;
            let list = if record.deleting { &mut deleting } else { &mut apps };
            list.push(Arc::new(record.into_app(AppNumber(number))?));
        }
        let key_of = |number: AppNumber| {
            apps.iter().find(|app: &&Arc<App>| app.number == number).map(|app| app.key.clone())
        };
        let token_clients = TokenClients::load(&platform, key_of).await?;
        let token_clients = ArcSwap::from_pointee(token_clients);
        let directory = ArcSwap::from_pointee(Directory::of(apps));
        let (published, claims) = directory::load(&platform, region).await?;
        Ok(Self {
            platform,
            region,
            clock,
            entropy,
            directory,
            token_clients,
            changes: tokio::sync::Mutex::default(),
            observer: OnceLock::new(),
            deleting: parking_lot::Mutex::new(deleting),
            published: parking_lot::Mutex::new(published),
            claims: parking_lot::RwLock::new(claims),
            hosts: OnceLock::new(),
        })
    }

    /// Lets `observer` be told of every change from now on. There is one; a second is not taken.
    pub fn observe(&self, observer: Observer) {
        let _ = self.observer.set(observer);
    }

    fn tell(&self, change: AppChange<'_>) {
        if let Some(observer) = self.observer.get() {
            observer(change);
        }
    }

    /// The region of this data centre.
    pub const fn region(&self) -> Region {
        self.region
    }

    /// Creates an app with a random App ID, a primary certificate and a server certificate.
    ///
    /// # Errors
    /// [`ConsoleError::Exists`], [`ConsoleError::ExistsElsewhere`], [`ConsoleError::WrongRegion`],
    /// [`ConsoleError::Store`].
    pub async fn create_app(&self, new: NewApp) -> Result<Arc<App>, ConsoleError> {
        if new.region != self.region {
            return Err(ConsoleError::WrongRegion { here: self.region, wanted: new.region });
        }
        let _changing = self.changes.lock().await;
        let (number, created) = (AppNumber::PLATFORM, self.clock.now());
        let template = App::new(number, new.key, new.region, created, new.auth, &*self.entropy);
        self.refuse_elsewhere(&template)?;
        let template = &template;
        let created = self.platform.transact(|mut txn| async move {
            let app = self.insert(&mut txn, template).await?;
            Ok::<_, ConsoleError>(txn.done(app))
        });
        let app = Arc::new(created.await?);
        self.publish(&app);
        Ok(app)
    }

    /// Gives no new app a number up to `last`: the vault may have keys of apps that these data do not know any
    /// more, as after a backup was brought back.
    ///
    /// # Errors
    /// [`ConsoleError::Store`].
    pub async fn reserve_numbers(&self, last: AppNumber) -> Result<(), ConsoleError> {
        let _changing = self.changes.lock().await;
        let meta = &self.platform.key(&spaces::PLATFORM_META).done();
        self.platform
            .transact(|mut txn| async move {
                let value = txn.get(meta).await?.ok_or(corrupt(&spaces::PLATFORM_META))?;
                let mut record: PlatformRecord =
                    record::decode(&value, spaces::PLATFORM_META.name)?;
                if record.next_app <= last.0 {
                    record.next_app = last.0.saturating_add(1);
                    txn.put(meta, Bucket::Whole, &record.encode_to_vec()).await?;
                }
                Ok::<_, ConsoleError>(txn.done(()))
            })
            .await
    }

    /// Lets everybody see the app as it is now.
    fn publish(&self, app: &Arc<App>) {
        self.directory.rcu(|directory| {
            let others = directory.by_key.values().filter(|other| other.key != app.key);
            Directory::of(others.cloned().chain([app.clone()]))
        });
    }

    async fn insert(&self, txn: &mut Txn, template: &App) -> Result<App, ConsoleError> {
        let platform = &self.platform;
        let name = platform.blind("app key", &[template.key.to_string().as_bytes()]);
        let by_key = platform.key(&spaces::APP_KEYS).blind(name).done();
        if txn.get(&by_key).await?.is_some() {
            return Err(ConsoleError::Exists(template.key.clone()));
        }
        let meta = platform.key(&spaces::PLATFORM_META).done();
        let value = txn.get(&meta).await?.ok_or(corrupt(&spaces::PLATFORM_META))?;
        let mut record: PlatformRecord = record::decode(&value, spaces::PLATFORM_META.name)?;
        let number = AppNumber(record.next_app);
        record.next_app += 1;
        txn.put(&meta, Bucket::Whole, &record.encode_to_vec()).await?;

        let app = App { number, ..template.clone() };
        let at = platform.key(&spaces::APPS).number(u64::from(number.0)).done();
        txn.put(&at, Bucket::Whole, &AppRecord::new(&app).encoded()).await?;
        let number = AppNumberRecord { number: number.0 }.encode_to_vec();
        txn.put(&by_key, Bucket::Whole, &number).await?;
        let id = platform.blind("app id", &[app.id.as_str().as_bytes()]);
        let by_id = platform.key(&spaces::APP_IDS).blind(id).done();
        txn.put(&by_id, Bucket::Whole, &number).await?;
        Ok(app)
    }

    /// All apps, by number.
    pub fn apps(&self) -> Vec<Arc<App>> {
        let mut apps: Vec<_> = self.directory.load().by_key.values().cloned().collect();
        apps.sort_by_key(|app| app.number);
        apps
    }
}

impl AppDirectory for Console {
    fn by_key(&self, key: &AppKey) -> Option<Arc<App>> {
        self.directory.load().by_key.get(key).cloned()
    }

    fn by_id(&self, id: &AppId) -> Option<Arc<App>> {
        self.directory.load().by_id.get(id).cloned()
    }

    fn elsewhere_by_key(&self, key: &AppKey) -> Option<Elsewhere> {
        self.find_elsewhere_by_key(key)
    }

    fn elsewhere_by_id(&self, id: &AppId) -> Option<Elsewhere> {
        self.find_elsewhere_by_id(id)
    }
}

const fn corrupt(space: &spaces::Space) -> StoreError {
    StoreError::Corrupt { space: space.name }
}
