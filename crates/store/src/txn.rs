//! Reading and writing sealed records.

use std::future::Future;

use bytes::Bytes;
use stoa_vault::{Bucket, KeyClass, KeyScope, OpenError, Opened};

use crate::classes::{BucketKind, DataClass};
use crate::engine::{CommitError, Direction, EngineRead, EngineTxn, fingerprint};
use crate::key::{Key, KeyRange};
use crate::spaces::Space;
use crate::{AppStore, StoreError};

/// What can be read from: a transaction or a view.
pub trait Reader: Send {
    /// The record at `key`. None if there is none or its key was destroyed.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if what lies there was not sealed for this place.
    fn get(&mut self, key: &Key) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send;

    /// Whether there is a record at `key` whose key was not destroyed.
    ///
    /// # Errors
    /// As [`Self::get`].
    fn exists(&mut self, key: &Key) -> impl Future<Output = Result<bool, StoreError>> + Send {
        async { Ok(self.get(key).await?.is_some()) }
    }

    /// The first `limit` records of `range` in `direction`, without those whose key was destroyed.
    ///
    /// # Errors
    /// As [`Self::get`].
    fn scan(
        &mut self,
        range: &KeyRange,
        direction: Direction,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<(Key, Bytes)>, StoreError>> + Send;
}

/// A stored record by its key, and what it holds: none if its key was destroyed.
pub type Row = (Key, Option<Bytes>);

/// A serializable transaction on one app's records. Dropping it abandons it.
pub struct Txn {
    app: AppStore,
    engine: Box<dyn EngineTxn>,
    /// Fingerprints of what it read.
    reads: Vec<u64>,
    has_writes: bool,
}

/// A transaction that is ready to commit, and what its work came to.
pub struct Done<T> {
    pub(crate) txn: Txn,
    pub(crate) value: T,
}

impl Txn {
    pub(crate) fn new(app: AppStore, engine: Box<dyn EngineTxn>) -> Self {
        Self { app, engine, reads: Vec::new(), has_writes: false }
    }

    /// The app whose records these are.
    pub const fn app(&self) -> &AppStore {
        &self.app
    }

    /// The record at `key`, this transaction's own writes included.
    ///
    /// # Errors
    /// See [`Reader::get`].
    pub async fn get(&mut self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        self.app.check(key.app())?;
        self.reads.push(fingerprint(key.as_bytes()));
        match self.engine.get(key.as_bytes()).await? {
            Some(record) => self.app.open(key, &record),
            None => Ok(None),
        }
    }

    /// Whether there is a record at `key`.
    ///
    /// # Errors
    /// See [`Reader::exists`].
    pub async fn exists(&mut self, key: &Key) -> Result<bool, StoreError> {
        Ok(self.get(key).await?.is_some())
    }

    /// The first `limit` records of `range` in `direction`, this transaction's own writes included.
    ///
    /// # Errors
    /// See [`Reader::scan`].
    pub async fn scan(
        &mut self,
        range: &KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Key, Bytes)>, StoreError> {
        self.app.check(range.app())?;
        let mut page = Page::new(range, direction, limit);
        while let Some((rest, missing)) = page.rest() {
            self.reads.push(fingerprint(rest.span().start()));
            let rows = self.engine.scan(rest.span(), direction, missing).await?;
            page.take(&self.app, rows)?;
        }
        Ok(page.records)
    }

    /// As [`Self::scan`], but with the records whose key was destroyed: of those there is the key alone.
    ///
    /// # Errors
    /// See [`Reader::scan`].
    pub async fn scan_all(
        &mut self,
        range: &KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.app.check(range.app())?;
        self.reads.push(fingerprint(range.span().start()));
        let rows = self.engine.scan(range.span(), direction, limit).await?;
        self.app.rows(range.space(), rows)
    }

    /// Seals `plain` under the key of `bucket` and writes it at `key`.
    ///
    /// # Errors
    /// [`StoreError::Vault`] when the key cannot be had; [`StoreError::Misuse`] when `bucket` is
    /// none that the space's class of data has.
    pub async fn put(&mut self, key: &Key, bucket: Bucket, plain: &[u8]) -> Result<(), StoreError> {
        self.app.check(key.app())?;
        let scope = self.app.scope(key.space().class, bucket)?;
        let record = self.app.store.vault.seal(scope, key.as_bytes(), plain).await?;
        self.engine.put(key.as_bytes().to_vec(), record);
        self.has_writes = true;
        Ok(())
    }

    /// As [`Self::put`], but nothing is written where there is no such key, as after it was destroyed: for whoever
    /// writes once more what was there. Answers whether it was written.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn put_if_keyed(
        &mut self,
        key: &Key,
        bucket: Bucket,
        plain: &[u8],
    ) -> Result<bool, StoreError> {
        self.app.check(key.app())?;
        let scope = self.app.scope(key.space().class, bucket)?;
        let sealed = self.app.store.vault.seal_if_keyed(scope, key.as_bytes(), plain).await?;
        let Some(record) = sealed else { return Ok(false) };
        self.engine.put(key.as_bytes().to_vec(), record);
        self.has_writes = true;
        Ok(true)
    }

    /// Removes the record at `key`, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Misuse`] when the key is another app's.
    pub fn delete(&mut self, key: &Key) -> Result<(), StoreError> {
        self.app.check(key.app())?;
        self.engine.delete(key.as_bytes().to_vec());
        self.has_writes = true;
        Ok(())
    }

    /// Ends the work of [`AppStore::transact`] with `value`.
    pub const fn done<T>(self, value: T) -> Done<T> {
        Done { txn: self, value }
    }

    pub(crate) fn reads(&self) -> &[u64] {
        &self.reads
    }

    pub(crate) const fn has_writes(&self) -> bool {
        self.has_writes
    }

    pub(crate) async fn commit(self) -> Result<(), CommitError> {
        self.engine.commit().await
    }
}

impl Reader for Txn {
    async fn get(&mut self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        Self::get(self, key).await
    }

    async fn scan(
        &mut self,
        range: &KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Key, Bytes)>, StoreError> {
        Self::scan(self, range, direction, limit).await
    }
}

/// A consistent view of one app's records.
pub struct ReadTxn {
    app: AppStore,
    engine: Box<dyn EngineRead>,
}

impl ReadTxn {
    pub(crate) fn new(app: AppStore, engine: Box<dyn EngineRead>) -> Self {
        Self { app, engine }
    }

    /// The app whose records these are.
    pub const fn app(&self) -> &AppStore {
        &self.app
    }

    /// The bytes that lie at `key`, sealed.
    pub(crate) async fn raw(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        self.app.check(key.app())?;
        Ok(self.engine.get(key.as_bytes()).await?)
    }

    /// The record at `key`.
    ///
    /// # Errors
    /// See [`Reader::get`].
    pub async fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        self.app.check(key.app())?;
        match self.engine.get(key.as_bytes()).await? {
            Some(record) => self.app.open(key, &record),
            None => Ok(None),
        }
    }

    /// What lies at `key`: none if nothing does, and something empty where its key was destroyed.
    ///
    /// # Errors
    /// See [`Reader::get`].
    pub async fn look(&self, key: &Key) -> Result<Option<Option<Bytes>>, StoreError> {
        self.raw(key).await?.map(|record| self.app.open(key, &record)).transpose()
    }

    /// Whether there is a record at `key`.
    ///
    /// # Errors
    /// See [`Reader::exists`].
    pub async fn exists(&self, key: &Key) -> Result<bool, StoreError> {
        Ok(self.get(key).await?.is_some())
    }

    /// The first `limit` records of `range` in `direction`.
    ///
    /// # Errors
    /// See [`Reader::scan`].
    pub async fn scan(
        &self,
        range: &KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Key, Bytes)>, StoreError> {
        self.app.check(range.app())?;
        let mut page = Page::new(range, direction, limit);
        while let Some((rest, missing)) = page.rest() {
            let rows = self.engine.scan(rest.span(), direction, missing).await?;
            page.take(&self.app, rows)?;
        }
        Ok(page.records)
    }

    /// As [`Self::scan`], but with the records whose key was destroyed: of those there is the key alone.
    ///
    /// # Errors
    /// See [`Reader::scan`].
    pub async fn scan_all(
        &self,
        range: &KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.app.check(range.app())?;
        let rows = self.engine.scan(range.span(), direction, limit).await?;
        self.app.rows(range.space(), rows)
    }
}

impl Reader for ReadTxn {
    async fn get(&mut self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        Self::get(self, key).await
    }

    async fn scan(
        &mut self,
        range: &KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Key, Bytes)>, StoreError> {
        Self::scan(self, range, direction, limit).await
    }
}

/// Rows that a scan reads at once where it finds nothing but dead ones.
const READ_AT_ONCE: usize = 1024;

/// The records that a scan has found so far. As those whose key was destroyed do not count, it may
/// take several reads to fill.
struct Page {
    space: &'static Space,
    rest: Option<KeyRange>,
    direction: Direction,
    limit: usize,
    asked: usize,
    /// How many rows are read at least: where all of the last read were dead, more and more.
    least: usize,
    records: Vec<(Key, Bytes)>,
}

impl Page {
    fn new(range: &KeyRange, direction: Direction, limit: usize) -> Self {
        let space = range.space();
        let (rest, records) = (Some(range.clone()), Vec::new());
        Self { space, rest, direction, limit, asked: 0, least: 0, records }
    }

    /// What is still to be read, and how much of it.
    fn rest(&mut self) -> Option<(KeyRange, usize)> {
        let missing = self.limit - self.records.len();
        self.asked = missing.max(self.least);
        self.rest.clone().filter(|_| missing > 0).map(|rest| (rest, self.asked))
    }

    fn take(&mut self, app: &AppStore, rows: Vec<(Bytes, Bytes)>) -> Result<(), StoreError> {
        let full = rows.len() >= self.asked;
        let (mut last, before) = (None, self.records.len());
        for (key, record) in rows {
            if self.records.len() == self.limit {
                break;
            }
            let corrupt = StoreError::Corrupt { space: self.space.name };
            let key = Key::stored(self.space, &key).ok_or(corrupt)?;
            if let Some(plain) = app.open(&key, &record)? {
                self.records.push((key.clone(), plain));
            }
            last = Some(key);
        }
        self.least = if self.records.len() > before {
            0
        } else {
            self.asked.saturating_mul(2).min(READ_AT_ONCE)
        };
        self.rest = match (self.rest.take(), last) {
            (Some(rest), Some(last)) if full => Some(match self.direction {
                Direction::Forward => rest.above(&last),
                Direction::Backward => rest.below(&last),
            }),
            _ => None,
        };
        Ok(())
    }
}

impl AppStore {
    pub(crate) fn check(&self, app: stoa_core::AppNumber) -> Result<(), StoreError> {
        if app == self.number {
            Ok(())
        } else {
            Err(StoreError::Misuse("a key of another app than the transaction's"))
        }
    }

    /// Opens what a scan has met.
    fn rows(
        &self,
        space: &'static Space,
        rows: Vec<(Bytes, Bytes)>,
    ) -> Result<Vec<Row>, StoreError> {
        let open = |(key, record): (Bytes, Bytes)| {
            let corrupt = StoreError::Corrupt { space: space.name };
            let key = Key::stored(space, &key).ok_or(corrupt)?;
            let plain = self.open(&key, &record)?;
            Ok((key, plain))
        };
        rows.into_iter().map(open).collect()
    }

    fn open(&self, key: &Key, record: &[u8]) -> Result<Option<Bytes>, StoreError> {
        match self.store.vault.open_record(key.as_bytes(), record) {
            Ok(Opened::Plain(plain)) => Ok(Some(plain.into())),
            Ok(Opened::Destroyed) => Ok(None),
            Err(OpenError::UnknownKey(unknown)) => {
                Err(StoreError::UnknownKey { space: key.space().name, key: unknown })
            }
            Err(OpenError::Format | OpenError::Tampered) => {
                Err(StoreError::Corrupt { space: key.space().name })
            }
        }
    }

    /// The scope of the data key that seals what is of `class` and belongs to `bucket`.
    pub(crate) fn scope(&self, class: &DataClass, bucket: Bucket) -> Result<KeyScope, StoreError> {
        let kind = match bucket {
            Bucket::Whole => BucketKind::Whole,
            Bucket::Day(_) => BucketKind::Day,
            Bucket::Month(_) => BucketKind::Month,
            Bucket::Object(_) => BucketKind::Object,
        };
        if !class.buckets.contains(&kind) {
            return Err(StoreError::Misuse("a bucket that the class of data does not have"));
        }
        Ok(KeyScope { app: self.number, class: KeyClass(class.number), bucket })
    }
}
