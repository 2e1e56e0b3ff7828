//! Which hosts were contacted.
//!
//! The first contact of a day is in the store before the connection is opened, so that no host is ever
//! contacted of which nobody knows; how often it was is counted in memory, and stored every few
//! seconds. Kept as long as other measurements are.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use prost::Message;
use stoa_core::{App, AppNumber, Clock, Crossing, Day, Operator, Region, Timestamp, limits};
use stoa_store::classes::Retention;
use stoa_store::{AppStore, Bucket, Direction, Store, StoreError, spaces};

use crate::record::ContactRecord;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Something of an app.
    App(Crossing),
    /// The exchange of the directory between data centres, which lie in different regions by design.
    Directory,
}

impl Purpose {
    /// Its name in records and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::App(crossing) => crossing.name(),
            Self::Directory => "directory",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        if name == Self::Directory.name() {
            return Some(Self::Directory);
        }
        name.parse().ok().map(Self::App)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A host that was contacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The host.
    pub host: String,
    /// What for.
    pub purpose: Purpose,
    /// In which region it lies; none: that was not known.
    pub region: Option<Region>,
    /// It lay in the app's region or had a permission, when it was contacted.
    pub permitted: bool,
    /// When it was contacted first.
    pub first: Timestamp,
    /// And last.
    pub last: Timestamp,
    /// How often.
    pub count: u64,
}

/// What is counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    app: AppNumber,
    day: Day,
    host: String,
    purpose: Purpose,
    region: Option<Region>,
    permitted: bool,
}

/// What came since it was stored last.
#[derive(Debug, Clone, Copy, Default)]
struct Pending {
    count: u64,
    last: Timestamp,
}

/// The log of hosts.
pub(crate) struct Contacts {
    store: Store,
    operator: Operator,
    clock: Arc<dyn Clock>,
    seen: Mutex<HashMap<Kind, Pending>>,
}

impl Contacts {
    pub(crate) fn new(store: Store, operator: Operator, clock: Arc<dyn Clock>) -> Self {
        Self { store, operator, clock, seen: Mutex::default() }
    }

    async fn records(&self, app: Option<&Arc<App>>) -> Result<AppStore, StoreError> {
        match app {
            Some(app) => self.store.app(&self.operator.in_app(app.clone())).await,
            None => self.store.platform(&self.operator).await,
        }
    }

    /// Writes down that a host is about to be contacted for `app`, or else for the platform.
    ///
    /// # Errors
    /// When it is the first contact of the day and cannot be stored.
    pub(crate) async fn note(
        &self,
        app: Option<&Arc<App>>,
        host: String,
        purpose: Purpose,
        region: Option<Region>,
        permitted: bool,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let number = app.map_or(AppNumber::PLATFORM, |app| app.number);
        let kind = Kind { app: number, day: now.day(), host, purpose, region, permitted };
        if let Some(pending) = self.seen.lock().get_mut(&kind) {
            pending.count += 1;
            pending.last = now.max(pending.last);
            return Ok(());
        }
        self.add(app, &kind, Pending { count: 1, last: now }, now).await?;
        let mut seen = self.seen.lock();
        if seen.len() < limits::EGRESS_HOSTS {
            seen.entry(kind).or_default();
        }
        Ok(())
    }

    /// Adds to the row of `kind`.
    async fn add(
        &self,
        app: Option<&Arc<App>>,
        kind: &Kind,
        more: Pending,
        first: Timestamp,
    ) -> Result<(), StoreError> {
        let records = &self.records(app).await?;
        let region = kind.region.map_or("", Region::name);
        let parts = [
            kind.host.as_bytes(),
            kind.purpose.name().as_bytes(),
            region.as_bytes(),
            &[u8::from(kind.permitted)],
        ];
        let blind = records.blind("outbound host", &parts);
        let key = records.key(&spaces::EGRESS_HOSTS).number(kind.day.0.into()).blind(blind).done();
        let (key, new) = (
            &key,
            &ContactRecord::new(&Contact {
                host: kind.host.clone(),
                purpose: kind.purpose,
                region: kind.region,
                permitted: kind.permitted,
                first,
                last: more.last,
                count: 0,
            }),
        );
        records
            .transact(|mut txn| async move {
                let mut row = match txn.get(key).await? {
                    Some(value) => ContactRecord::read(&value)?,
                    None => new.clone(),
                };
                row.count += more.count;
                row.last_ms = more.last.as_millis().max(row.last_ms);
                txn.put(key, Bucket::Day(kind.day), &row.encode_to_vec()).await?;
                Ok::<_, StoreError>(txn.done(()))
            })
            .await
    }

    /// Stores how often hosts were contacted since it was stored last, of `apps` and of the platform.
    ///
    /// # Errors
    /// When that could not be stored; it is stored with the next.
    pub(crate) async fn store(&self, apps: &[Arc<App>]) -> Result<(), StoreError> {
        let today = self.clock.now().day();
        let waiting: Vec<(Kind, Pending)> = {
            let mut seen = self.seen.lock();
            let waiting = seen.iter_mut().filter(|(_, pending)| pending.count > 0);
            let waiting = waiting.map(|(kind, pending)| (kind.clone(), std::mem::take(pending)));
            let waiting = waiting.collect();
            seen.retain(|kind, _| kind.day == today);
            waiting
        };
        let mut outcome = Ok(());
        for (kind, pending) in waiting {
            let app = apps.iter().find(|app| app.number == kind.app);
            if app.is_none() && kind.app != AppNumber::PLATFORM {
                // The app was deleted with what is known of it.
                continue;
            }
            if let Err(error) = self.add(app, &kind, pending, pending.last).await {
                let mut seen = self.seen.lock();
                let again = seen.entry(kind).or_default();
                again.count += pending.count;
                again.last = again.last.max(pending.last);
                outcome = Err(error);
            }
        }
        outcome
    }

    /// The hosts that were contacted for `app`, or else for the platform, as far back as is kept.
    ///
    /// # Errors
    /// When they cannot be read, or what waits cannot be stored.
    pub(crate) async fn list(&self, app: Option<&Arc<App>>) -> Result<Vec<Contact>, StoreError> {
        self.store(app.map(std::slice::from_ref).unwrap_or_default()).await?;
        let records = self.records(app).await?;
        let range = records.key(&spaces::EGRESS_HOSTS).numbers(u64::from(self.oldest().0)..);
        let rows = records.read().await?.scan(&range, Direction::Forward, usize::MAX).await?;
        let mut all: Vec<Contact> = Vec::new();
        for (_, value) in rows {
            let contact = ContactRecord::read(&value)?.contact()?;
            let same = |known: &&mut Contact| {
                (&known.host, known.purpose, known.region, known.permitted)
                    == (&contact.host, contact.purpose, contact.region, contact.permitted)
            };
            match all.iter_mut().find(same) {
                Some(known) => {
                    known.first = known.first.min(contact.first);
                    known.last = known.last.max(contact.last);
                    known.count += contact.count;
                }
                None => all.push(contact),
            }
        }
        all.sort_by(|a, b| (&a.host, a.purpose, a.first).cmp(&(&b.host, b.purpose, b.first)));
        Ok(all)
    }

    /// Removes what is older than is kept, of `app` or else of the platform.
    ///
    /// # Errors
    /// When it could not be removed.
    pub(crate) async fn sweep(&self, app: Option<&Arc<App>>) -> Result<(), StoreError> {
        let records = &self.records(app).await?;
        let range = records.key(&spaces::EGRESS_HOSTS).numbers(..u64::from(self.oldest().0));
        let rows = &records.read().await?.scan(&range, Direction::Forward, usize::MAX).await?;
        if rows.is_empty() {
            return Ok(());
        }
        records
            .transact(|mut txn| async move {
                for (key, _) in rows {
                    txn.delete(key)?;
                }
                Ok::<_, StoreError>(txn.done(()))
            })
            .await
    }

    /// The first day that is kept: the retention of the class ends at the end of a day.
    fn oldest(&self) -> Day {
        let kept = match spaces::EGRESS_HOSTS.class.retention {
            Retention::For(kept) => kept,
            // The class has no other (a test of the table sees to it).
            _ => std::time::Duration::ZERO,
        };
        self.clock.now().minus(kept).day()
    }
}
