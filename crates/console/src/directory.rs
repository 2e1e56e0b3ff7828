//! The directory of apps: which app lives in which region, as far as the data centres have told each other.
//!
//! Each data centre speaks for its own region alone. It signs one record for each of its apps (App ID, app key,
//! region, version, whether it is deleted: public facts, and nothing else), and hands them out in the order of their
//! versions. Others fetch what is behind the last version that they have, verify it and keep it, so that they know
//! where an app lives also when nobody else is there.
//!
//! Versions rise within a region and follow the clock, so that a data centre whose data were put back to an earlier
//! state goes on above what the others have seen. A deleted app leaves a record without its key.
//!
//! Where two data centres have made apps of one key before they heard of each other, whichever a third one knew first
//! stays, and its own app stays in each. The other claim is kept as a conflict, and counts when the first is gone.

mod claims;
mod record;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use prost::Message;
use stoa_core::{App, AppId, AppKey, Elsewhere, Region, Timestamp, limits};
use stoa_store::{AppStore, Bucket, Direction, Key, PublicKey, SigningKey, StoreError, spaces};

pub(crate) use self::claims::Claims;
pub use self::record::PageError;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use self::record::exercise;
pub(crate) use self::record::{Page, StoredRecord, read_page};
use self::record::{Record, SignedRecord};
use crate::{Console, ConsoleError, Directory, corrupt, record as stored};

/// What was learned of another data centre's apps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Learned {
    /// How many records were new.
    pub records: usize,
    /// Those of them that are in conflict with what was known before.
    pub conflicts: Vec<Conflict>,
    /// There are more to be fetched.
    pub more: bool,
}

/// An app of another data centre that is not believed, for its key or App ID is another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Its app key.
    pub key: AppKey,
    /// Its App ID.
    pub id: AppId,
    /// Who says that it has it.
    pub region: Region,
    /// Who has it.
    pub kept_by: Region,
}

/// Why what another data centre said is not kept: nothing of it is.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// It is not what a data centre of that region may say.
    #[error(transparent)]
    Page(#[from] PageError),
    /// It has more apps than are kept of one.
    #[error("the region '{region}' has more than {most} records")]
    Full {
        /// Whose they are.
        region: Region,
        /// How many are kept.
        most: usize,
    },
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// What this data centre has said of its own apps.
#[derive(Default)]
pub(crate) struct Published {
    /// By version.
    records: BTreeMap<u64, SignedRecord>,
    /// The version of each app's record, and whether it says that the app is deleted.
    apps: HashMap<AppId, (u64, bool)>,
    /// The apps as they were when all of them had been said.
    said: Option<Arc<Directory>>,
}

impl Published {
    fn insert(&mut self, record: &Record, signed: SignedRecord) {
        if let Some((before, _)) =
            self.apps.insert(record.id.clone(), (record.version, record.key.is_none()))
        {
            self.records.remove(&before);
        }
        self.records.insert(record.version, signed);
    }

    /// What is to be said: of apps that are not there yet, and of those that are gone.
    fn unsaid(&self, directory: &Directory) -> Vec<(AppId, Option<AppKey>)> {
        let mut apps: Vec<&Arc<App>> =
            directory.by_id.values().filter(|app| !self.apps.contains_key(&app.id)).collect();
        apps.sort_by_key(|app| app.number);
        let new = apps.into_iter().map(|app| (app.id.clone(), Some(app.key.clone())));
        let is_gone = |(id, (_, deleted)): &(&AppId, &(u64, bool))| {
            !deleted && !directory.by_id.contains_key(*id)
        };
        let gone = self.apps.iter().filter(is_gone).map(|(id, _)| (id.clone(), None));
        new.chain(gone).collect()
    }
}

/// The directory as it lies in the store: what is said here, and what is known of others.
pub(crate) async fn load(
    platform: &AppStore,
    own: Region,
) -> Result<(Published, Claims), StoreError> {
    let all = platform.key(&spaces::DIRECTORY).all();
    let rows = platform.read().await?.scan(&all, Direction::Forward, usize::MAX).await?;
    let (mut published, mut claims) = (Published::default(), Claims::default());
    for (_, value) in rows {
        let row: StoredRecord = stored::decode(&value, spaces::DIRECTORY.name)?;
        let signed = row.signed.unwrap_or_default();
        let record = signed.read().map_err(|_| corrupt(&spaces::DIRECTORY))?;
        if record.region == own {
            published.insert(&record, signed);
        } else {
            claims.insert(&record, Timestamp::from_millis(row.learned_ms));
        }
    }
    Ok((published, claims))
}

impl Console {
    /// Says under which addresses clients reach the data centres. The first word counts.
    pub fn name_hosts(&self, hosts: HashMap<Region, stoa_core::PublicHosts>) {
        let _ = self.hosts.set(hosts);
    }

    /// The records of this data centre behind the version `after`, signed, as another one takes them: one page.
    ///
    /// # Errors
    /// [`ConsoleError::Store`].
    pub async fn directory_page(
        &self,
        signer: &SigningKey,
        after: u64,
    ) -> Result<Vec<u8>, ConsoleError> {
        self.say_what_is_new(signer).await?;
        let published = self.published.lock();
        let behind = published.records.range(after.saturating_add(1)..);
        let mut records: Vec<_> =
            behind.take(limits::DIRECTORY_PAGE + 1).map(|(_, signed)| signed.clone()).collect();
        let more = records.len() > limits::DIRECTORY_PAGE;
        records.truncate(limits::DIRECTORY_PAGE);
        Ok(Page { records, more }.encode_to_vec())
    }

    /// Signs records of apps that have none, and of those that are gone. It is asked for by whoever fetches them, so
    /// that a data centre that stands alone signs nothing.
    async fn say_what_is_new(&self, signer: &SigningKey) -> Result<(), ConsoleError> {
        let directory = self.directory.load_full();
        let is_said = |published: &Published| {
            published.said.as_ref().is_some_and(|said| Arc::ptr_eq(said, &directory))
        };
        if is_said(&self.published.lock()) {
            return Ok(());
        }
        let _changing = self.changes.lock().await;
        let directory = self.directory.load_full();
        let (unsaid, last) = {
            let published = self.published.lock();
            let last = published.records.last_key_value().map_or(0, |(version, _)| *version);
            (published.unsaid(&directory), last)
        };
        let mut version = last;
        for some in unsaid.chunks(limits::DIRECTORY_PAGE) {
            let mut rows = Vec::with_capacity(some.len());
            for (id, key) in some {
                version = (version + 1).max(self.clock.now().as_millis());
                let (id, key) = (id.clone(), key.clone());
                let record = Record { id, key, region: self.region, version };
                let signed = record.sign(signer);
                rows.push((record, signed));
            }
            self.write_records(&rows, Timestamp::default()).await?;
            let mut published = self.published.lock();
            rows.into_iter().for_each(|(record, signed)| published.insert(&record, signed));
        }
        self.published.lock().said = Some(directory);
        Ok(())
    }

    /// The last version that is known of a region: what is behind it is to be fetched.
    pub fn directory_cursor(&self, region: Region) -> u64 {
        self.claims.read().cursor(region)
    }

    /// Takes a page of the records of another data centre, of `region`, whose signatures `signer` verifies. All of it
    /// is kept, or nothing.
    ///
    /// # Errors
    /// [`LearnError`].
    pub async fn learn(
        &self,
        region: Region,
        signer: &PublicKey,
        page: &[u8],
    ) -> Result<Learned, LearnError> {
        let _changing = self.changes.lock().await;
        let after = self.directory_cursor(region);
        let (rows, more) = read_page(page, region, signer, after)?;
        if rows.is_empty() {
            return Ok(Learned { more, ..Learned::default() });
        }
        let most = limits::DIRECTORY_RECORDS;
        if self.claims.read().count(region) + rows.len() > most {
            return Err(LearnError::Full { region, most });
        }
        let now = self.clock.now();
        self.write_records(&rows, now).await?;
        let mut claims = self.claims.write();
        rows.iter().for_each(|(record, _)| claims.insert(record, now));
        let new = rows.iter().filter_map(|(record, _)| self.conflict(&claims, region, &record.id));
        Ok(Learned { records: rows.len(), conflicts: new.collect(), more })
    }

    async fn write_records(
        &self,
        rows: &[(Record, SignedRecord)],
        learned: Timestamp,
    ) -> Result<(), StoreError> {
        let row = |(record, signed): &(Record, SignedRecord)| {
            let stored =
                StoredRecord { signed: Some(signed.clone()), learned_ms: learned.as_millis() };
            (self.directory_key(record.region, &record.id), stored.encode_to_vec())
        };
        let rows = &rows.iter().map(row).collect::<Vec<_>>();
        let write = self.platform.transact(|mut txn| async move {
            for (key, value) in rows {
                txn.put(key, Bucket::Whole, value).await?;
            }
            Ok::<_, StoreError>(txn.done(()))
        });
        write.await
    }

    fn directory_key(&self, region: Region, id: &AppId) -> Key {
        let parts = [region.name().as_bytes(), id.as_str().as_bytes()];
        let name = self.platform.blind("directory", &parts);
        self.platform.key(&spaces::DIRECTORY).blind(name).done()
    }

    /// What stands against the claim of `region` to an app, if anything does.
    fn conflict(&self, claims: &Claims, region: Region, id: &AppId) -> Option<Conflict> {
        let key = claims.key(region, id)?;
        let directory = self.directory.load();
        let here = directory.by_key.contains_key(key) || directory.by_id.contains_key(id);
        let kept_by = if here { self.region } else { claims.rival(region, id, key)? };
        Some(Conflict { key: key.clone(), id: id.clone(), region, kept_by })
    }

    /// What other data centres claim and is not believed, by app key.
    pub fn conflicts(&self) -> Vec<Conflict> {
        let claims = self.claims.read();
        let all = claims.apps().filter_map(|(region, id)| self.conflict(&claims, region, id));
        let mut all: Vec<_> = all.collect();
        all.sort_by(|a, b| (&a.key, a.region, &a.id).cmp(&(&b.key, b.region, &b.id)));
        all
    }

    /// How many apps of a region are known; of the own one, how many there are.
    pub fn apps_of(&self, region: Region) -> usize {
        if region == self.region {
            return self.directory.load().by_id.len();
        }
        self.claims.read().apps().filter(|(of, _)| *of == region).count()
    }

    /// Refuses what another data centre is known to have.
    pub(crate) fn refuse_elsewhere(&self, app: &App) -> Result<(), ConsoleError> {
        let claims = self.claims.read();
        let region = claims.owner_of_key(&app.key).map(|(region, _)| region);
        match region.or_else(|| claims.owner_of_id(&app.id)) {
            Some(region) => Err(ConsoleError::ExistsElsewhere { key: app.key.clone(), region }),
            None => Ok(()),
        }
    }

    pub(crate) fn find_elsewhere_by_key(&self, key: &AppKey) -> Option<Elsewhere> {
        let claims = self.claims.read();
        let (region, id) = claims.owner_of_key(key)?;
        self.believed(&claims, region, id)
    }

    pub(crate) fn find_elsewhere_by_id(&self, id: &AppId) -> Option<Elsewhere> {
        let claims = self.claims.read();
        let region = claims.owner_of_id(id)?;
        self.believed(&claims, region, id)
    }

    fn believed(&self, claims: &Claims, region: Region, id: &AppId) -> Option<Elsewhere> {
        if self.conflict(claims, region, id).is_some() {
            return None;
        }
        let key = claims.key(region, id)?.clone();
        let hosts = self.hosts.get().and_then(|hosts| hosts.get(&region)).cloned();
        Some(Elsewhere { key, id: id.clone(), region, hosts })
    }
}
