//! One chain, for reading, verifying and letting go of what is over.

use prost::Message;
use stoa_core::{Timestamp, limits};
use stoa_store::classes::{AUDIT, Retention};
use stoa_store::{AppStore, Bucket, Direction, ReadTxn, StoreError, Txn, spaces};

use crate::chain::{Broken, Fault, Walk, Whole, genesis};
use crate::export::Line;
use crate::record::{self, EntryRecord, HeadRecord, entry_key, entry_keys, head_key};
use crate::{Act, Recorded, read};

/// How many entries are read at a time where nobody says how many.
const STEP: usize = 512;

/// The log of one app, or of the platform.
pub struct Trail {
    store: AppStore,
}

/// Which entries, and in which order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Only entries with lower numbers.
    pub before: Option<u64>,
    /// Only entries with higher numbers.
    pub after: Option<u64>,
    /// Only this act.
    pub act: Option<Act>,
    /// Only from this moment on.
    pub since: Option<Timestamp>,
    /// Only before this moment.
    pub until: Option<Timestamp>,
    /// Whether the oldest comes first.
    pub oldest_first: bool,
    /// How many at the most: up to [`limits::AUDIT_PAGE`].
    pub limit: usize,
}

/// Some entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In the order that was asked for.
    pub entries: Vec<Recorded>,
    /// The last number that was looked at, if there may be more behind it: what
    /// [`Query::before`] or, with the oldest first, [`Query::after`] is for the next page.
    pub next: Option<u64>,
}

/// A part of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// In the order of their numbers.
    pub lines: Vec<Line>,
    /// The last number of it, if there is more behind it.
    pub next: Option<u64>,
}

impl Trail {
    pub(crate) const fn new(store: AppStore) -> Self {
        Self { store }
    }

    /// The number of the app; 0 for the platform.
    pub const fn app(&self) -> u32 {
        self.store.number().0
    }

    /// Entries, opened. A page can be empty and have others behind it, when few fit the query.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when an entry was altered; [`StoreError`].
    pub async fn page(&self, query: &Query) -> Result<Page, StoreError> {
        let direction = if query.oldest_first { Direction::Forward } else { Direction::Backward };
        let limit = query.limit.clamp(1, limits::AUDIT_PAGE);
        let first = query.after.map_or(0, |after| after.saturating_add(1));
        let range = entry_keys(&self.store, first..query.before.unwrap_or(u64::MAX));
        let rows = self.store.read().await?.scan(&range, direction, STEP).await?;
        let read_all = rows.len() < STEP;
        let (mut entries, mut last, mut left) = (Vec::new(), None, rows.len());
        for (key, value) in rows {
            if entries.len() == limit {
                break;
            }
            (last, left) = (Some(key.number(0)), left - 1);
            let sealed = record::sealed(key.number(0), &value)?;
            let fits = query.since.is_none_or(|since| sealed.time >= since)
                && query.until.is_none_or(|until| sealed.time < until);
            if !fits {
                continue;
            }
            let entry = read::open(&self.store, &sealed)?;
            if query.act.is_none_or(|act| act.name() == entry.act) {
                entries.push(entry);
            }
        }
        Ok(Page { entries, next: last.filter(|_| left > 0 || !read_all) })
    }

    /// What the head of the chain says, without a look at the entries.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn head(&self) -> Result<Whole, StoreError> {
        let head = self.stored_head(&self.store.read().await?).await?;
        head.map_or_else(
            || Ok(Whole { first: 1, last: 0, hash: genesis(self.app()) }),
            |head| {
                Ok(Whole { first: head.first, last: head.number, hash: record::hash(&head.hash)? })
            },
        )
    }

    /// The lines of an export from behind the entry `after` up to the entry `upto`, at most
    /// [`limits::AUDIT_PAGE`] of them.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn lines(&self, after: u64, upto: u64) -> Result<Part, StoreError> {
        let range = entry_keys(&self.store, after.saturating_add(1)..=upto);
        let read = self.store.read().await?;
        let rows = read.scan(&range, Direction::Forward, limits::AUDIT_PAGE).await?;
        let mut lines = Vec::with_capacity(rows.len());
        for (key, value) in rows {
            let sealed = record::sealed(key.number(0), &value)?;
            // What was altered is exported as it is, so that others can see it.
            let entry = intact(read::open(&self.store, &sealed))?;
            lines.push(Line::new(self.app(), &sealed, entry));
        }
        let last = lines.last().map(|line| line.number);
        Ok(Part { next: last.filter(|last| *last < upto), lines })
    }

    /// Walks along the chain and opens what has a key.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read. That it is broken is an answer.
    pub async fn verify(&self) -> Result<Result<Whole, Broken>, StoreError> {
        loop {
            let head = match self.head_to_verify().await? {
                Ok(head) => head,
                Err(broken) => return Ok(Err(broken)),
            };
            let walked = self.walk(&head).await?;
            if walked.is_ok() {
                return Ok(walked);
            }
            // What was over may have been taken away meanwhile.
            let now = self.stored_head(&self.store.read().await?).await?;
            if now.is_none_or(|now| now.first == head.first) {
                return Ok(walked);
            }
        }
    }

    /// The head, or how the chain is broken there.
    async fn head_to_verify(&self) -> Result<Result<HeadRecord, Broken>, StoreError> {
        let read = self.store.read().await?;
        let Some(head) = intact(self.stored_head(&read).await)? else {
            return Ok(Err(Fault::WrongHead.at(0)));
        };
        if let Some(head) = head {
            return Ok(Ok(head));
        }
        let all = entry_keys(&self.store, ..);
        let rows = intact(read.scan(&all, Direction::Forward, 1).await)?;
        let first = rows.map(|rows| rows.first().map(|(key, _)| key.number(0)));
        Ok(match first {
            Some(None) => Ok(HeadRecord::empty(&self.store, 0)),
            Some(Some(first)) => Err(Fault::Unknown.at(first)),
            None => Err(Fault::Unknown.at(1)),
        })
    }

    async fn walk(&self, head: &HeadRecord) -> Result<Result<Whole, Broken>, StoreError> {
        let mut walk = Walk { next: head.first, previous: record::hash(&head.before)? };
        // From the very beginning, so that what does not belong there is seen.
        let mut from = 0;
        loop {
            let read = self.store.read().await?;
            let range = entry_keys(&self.store, from..=head.number);
            let rows = intact(read.scan(&range, Direction::Forward, STEP).await)?;
            let Some(rows) = rows else {
                return Ok(Err(self.altered(&read, walk.next, head).await?));
            };
            let more = rows.len() == STEP;
            for (key, value) in rows {
                let number = key.number(0);
                from = number + 1;
                if number < head.first {
                    return Ok(Err(Fault::Unknown.at(number)));
                }
                if let Err(broken) = self.step(&mut walk, number, &value) {
                    return Ok(Err(broken));
                }
            }
            if !more {
                break;
            }
        }
        if walk.next <= head.number {
            return Ok(Err(Fault::Missing.at(walk.next)));
        }
        let hash = record::hash(&head.hash)?;
        if walk.previous != hash {
            return Ok(Err(Fault::WrongHead.at(head.number)));
        }
        if let Some(number) = self.beyond_the_head().await? {
            return Ok(Err(Fault::Unknown.at(number)));
        }
        Ok(Ok(Whole { first: head.first, last: head.number, hash }))
    }

    fn step(&self, walk: &mut Walk, number: u64, value: &[u8]) -> Result<(), Broken> {
        let unreadable = |_| Fault::Unreadable.at(number);
        let sealed = record::sealed(number, value).map_err(unreadable)?;
        walk.step(&sealed)?;
        read::open(&self.store, &sealed).map_err(unreadable)?;
        Ok(())
    }

    /// The first entry that the head does not know.
    async fn beyond_the_head(&self) -> Result<Option<u64>, StoreError> {
        let read = self.store.read().await?;
        let head = self.stored_head(&read).await?.map_or(0, |head| head.number);
        let range = entry_keys(&self.store, head.saturating_add(1)..);
        let rows = intact(read.scan(&range, Direction::Forward, 1).await)?;
        Ok(match rows {
            Some(rows) => rows.first().map(|(key, _)| key.number(0)),
            None => Some(head.saturating_add(1)),
        })
    }

    /// The first entry from `from` on that was altered, after a scan has met one.
    async fn altered(
        &self,
        read: &ReadTxn,
        from: u64,
        head: &HeadRecord,
    ) -> Result<Broken, StoreError> {
        for number in from..=head.number {
            let found = intact(read.get(&entry_key(&self.store, number)).await)?;
            match found {
                Some(Some(_)) => {}
                Some(None) => return Ok(Fault::Missing.at(number)),
                None => return Ok(Fault::Unreadable.at(number)),
            }
        }
        // It lies before the first one.
        Ok(Fault::Unknown.at(head.first.saturating_sub(1)))
    }

    async fn stored_head(&self, read: &ReadTxn) -> Result<Option<HeadRecord>, StoreError> {
        let value = read.get(&head_key(&self.store)).await?;
        value.map(|value| record::decode(&value, spaces::AUDIT_HEAD.name)).transpose()
    }

    /// Takes away the entries of the months that ended longer ago than the class is kept, and destroys
    /// their keys. The head goes on. Answers how many entries they were.
    ///
    /// # Errors
    /// [`StoreError`]; whoever is interrupted in it does it again.
    pub async fn expire(&self, now: Timestamp) -> Result<u64, StoreError> {
        let Retention::For(kept) = AUDIT.retention else {
            return Err(StoreError::Misuse("the audit log is kept for a time"));
        };
        // Of this month and those after it, something is still kept.
        let limit = now.minus(kept).month();
        let Some(head) = self.stored_head(&self.store.read().await?).await? else { return Ok(0) };
        if head.keys_from >= limit {
            return Ok(0);
        }
        let mut taken = 0;
        loop {
            let some = self.expire_some(limit).await?;
            taken += some;
            if some < STEP as u64 {
                break;
            }
        }
        // Only now: an entry whose key has died in its place would be taken for one that was altered.
        for month in head.keys_from..limit {
            self.store.destroy(&AUDIT, Bucket::Month(month)).await?;
        }
        let store = &self.store;
        store
            .transact(|mut txn| async move {
                let mut head = load(store, &mut txn).await?;
                head.keys_from = head.keys_from.max(limit);
                txn.put(&head_key(store), Bucket::Whole, &head.encode_to_vec()).await?;
                Ok::<_, StoreError>(txn.done(()))
            })
            .await?;
        Ok(taken)
    }

    async fn expire_some(&self, limit: u32) -> Result<u64, StoreError> {
        let store = &self.store;
        store
            .transact(|mut txn| async move {
                let mut head = load(store, &mut txn).await?;
                let range = entry_keys(store, head.first..=head.number);
                let (mut taken, mut month) = (0, head.keys_from);
                for (key, value) in txn.scan(&range, Direction::Forward, STEP).await? {
                    let entry: EntryRecord = record::decode(&value, spaces::AUDIT_ENTRIES.name)?;
                    // The month of its key, as it was found when it was appended.
                    month = month.max(Timestamp::from_millis(entry.time_ms).month());
                    if month >= limit || key.number(0) != head.first {
                        break;
                    }
                    txn.delete(&key)?;
                    head.first += 1;
                    head.before = entry.hash;
                    taken += 1;
                }
                txn.put(&head_key(store), Bucket::Whole, &head.encode_to_vec()).await?;
                Ok::<_, StoreError>(txn.done(taken))
            })
            .await
    }
}

async fn load(store: &AppStore, txn: &mut Txn) -> Result<HeadRecord, StoreError> {
    let value = txn.get(&head_key(store)).await?;
    let gone = StoreError::Corrupt { space: spaces::AUDIT_HEAD.name };
    record::decode(&value.ok_or(gone)?, spaces::AUDIT_HEAD.name)
}

/// What was read; none where something was altered, which is no failure to whoever verifies.
fn intact<T>(read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(StoreError::Corrupt { .. } | StoreError::UnknownKey { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
