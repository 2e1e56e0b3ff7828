//! The end of files: those whose time is over, uploads that were given up, and bytes without a record.

use std::collections::HashSet;

use stoa_blob::{BlobId, Blobs, Shelf};
use stoa_core::{AppScope, OperatorOf, Timestamp, limits};
use stoa_metrics::attachments::REMOVED;
use stoa_store::{AppStore, Bucket, Direction, Key, classes, spaces};

use super::record::{self, File, Found};
use super::retention;
use crate::{Chat, Error};

/// Records that are looked at together.
const PAGE: usize = 256;

/// What a sweep came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Days whose key was destroyed.
    pub days: usize,
    /// Stored files that were removed.
    pub files: usize,
}

impl File {
    /// Whether nobody can do anything with it any more.
    fn is_over(&self, now: Timestamp) -> bool {
        let unfinished = !self.complete && self.created.plus(limits::UPLOAD_UNFINISHED) <= now;
        unfinished || self.expires() <= now
    }
}

impl Chat {
    /// Removes what is over of an app's files. When the time of a whole day is over, its key is
    /// destroyed. To be called at the start and every hour.
    ///
    /// # Errors
    /// [`Error::Files`], [`Error::Store`]. What was not done then is done by the next call.
    pub async fn sweep_files(&self, scope: &OperatorOf) -> Result<Swept, Error> {
        let Some(attachments) = &self.attachments else { return Ok(Swept::default()) };
        let blobs = &attachments.blobs;
        let store = self.store.app(scope).await?;
        let now = self.shared.clock.now();
        let mut swept = Swept::default();
        for day in blobs.days(scope.app().number).await? {
            let shelf = Shelf { app: scope.app().number, day };
            if day.next().start().plus(retention()) <= now {
                // The key comes last: as long as it is there, the day is found again.
                remove_records(&store, shelf).await?;
                swept.files += blobs.clear(shelf).await?;
                store.destroy(&classes::ATTACHMENT, Bucket::Day(day)).await?;
                swept.days += 1;
            } else {
                swept.files += self.tidy(&store, blobs, shelf, now).await?;
            }
        }
        REMOVED.add(swept.files as u64);
        Ok(swept)
    }

    /// Removes the files of a day that are over, and bytes that no record names. Answers how many.
    async fn tidy(
        &self,
        store: &AppStore,
        blobs: &Blobs,
        shelf: Shelf,
        now: Timestamp,
    ) -> Result<usize, Error> {
        // In this order: what is complete by now is either still in somebody's hands, or has its record.
        let mut unnamed: HashSet<BlobId> = blobs.list(shelf).await?.into_iter().collect();
        let pending = blobs.pending();
        unnamed.retain(|id| !pending.contains(id));
        let mut over = Vec::new();
        let mut range = Some(day_range(store, shelf));
        while let Some(rest) = range.take() {
            let page = store.read().await?.scan(&rest, Direction::Forward, PAGE).await?;
            if page.len() == PAGE {
                range = page.last().map(|(key, _)| rest.above(key));
            }
            for (key, value) in page {
                let file = record::decode(&value)?;
                for id in file.all_blobs() {
                    unnamed.remove(&id);
                }
                if file.is_over(now) {
                    over.push(Found { file, key, shelf });
                }
            }
        }
        let mut removed = unnamed.len();
        for id in unnamed {
            blobs.remove(shelf, id).await?;
        }
        for found in over {
            match self.remove_file(store, &found, |file| file.is_over(now)).await {
                Ok(()) => removed += found.file.all_blobs().count(),
                // It was completed or removed meanwhile.
                Err(Error::UnknownFile) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(removed)
    }
}

fn day_range(store: &AppStore, shelf: Shelf) -> stoa_store::KeyRange {
    store.key(&spaces::ATTACHMENTS).number(u64::from(shelf.day.0)).all()
}

/// Removes all records of a day.
async fn remove_records(store: &AppStore, shelf: Shelf) -> Result<(), Error> {
    loop {
        let range = day_range(store, shelf);
        let page = store.read().await?.scan(&range, Direction::Forward, PAGE).await?;
        let keys: &Vec<Key> = &page.into_iter().map(|(key, _)| key).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let removed = store.transact(|mut txn| async move {
            for key in keys {
                txn.delete(key)?;
            }
            Ok::<_, Error>(txn.done(()))
        });
        removed.await?;
    }
}
