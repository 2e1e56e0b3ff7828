//! Uploading a large file in parts, in any order and several at a time (msync section 9.15).
//!
//! Each part is a sealed file of its own, and completing writes one record and moves no byte: a file may
//! lie in pieces. What is not complete after a day is swept.

use stoa_blob::{BlobError, Shelf, Writer};
use stoa_core::{AppScope, Caller, Uuid, limits};
use stoa_metrics::attachments::{STORED, STORED_BYTES};
use stoa_store::AppStore;

use super::record::{self, File, Found};
use super::upload::Waiting;
use super::{NewFile, UploadedFile, name, sniff};
use crate::{Chat, Error};

/// An upload in parts that was begun.
#[derive(Debug, Clone, Copy)]
pub struct PartUpload {
    /// The id that the file will have.
    pub id: Uuid,
    /// Bytes that the whole file may have.
    pub limit: u64,
    /// Bytes of a part, as they should be cut. The last one is shorter; others may be too.
    pub part: u64,
}

/// A part that is being uploaded. Dropping it leaves nothing behind.
pub struct Part {
    found: Found,
    writer: Writer,
    limit: u64,
}

impl Part {
    /// Takes the next bytes of the part.
    ///
    /// # Errors
    /// As [`Upload::push`](super::Upload::push).
    pub async fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.writer.size().saturating_add(bytes.len() as u64) > self.limit {
            return Err(Error::FileTooLarge { limit: self.limit });
        }
        Ok(self.writer.push(bytes).await?)
    }

    /// Gives the part up. When this returns, nothing is left of it.
    pub async fn abort(self) {
        self.writer.abort().await;
    }
}

impl Chat {
    /// Begins an upload in parts.
    ///
    /// # Errors
    /// [`Error::NoFiles`], [`Error::Store`].
    pub async fn begin_parts(&self, caller: &Caller) -> Result<PartUpload, Error> {
        self.attachments()?;
        let created = self.shared.clock.now();
        let shelf = Shelf { app: caller.app().number, day: created.day() };
        let id = Uuid::random(&*self.entropy);
        let file = File::new(caller.user().cloned(), created, self.entropy.bytes());
        self.insert_file(caller, shelf, id, &file).await?;
        let limit = caller.app().chat.attachment_bytes;
        Ok(PartUpload { id, limit, part: limits::UPLOAD_PART_BYTES })
    }

    /// Begins to take a part.
    ///
    /// # Errors
    /// [`Error::UnknownFile`] when the caller has no such upload under way; [`Error::NoSpace`],
    /// [`Error::Files`], [`Error::Store`].
    pub async fn begin_part(&self, caller: &Caller, id: Uuid) -> Result<Part, Error> {
        let store = self.store.app(caller).await?;
        let found = self.own_upload(caller, &store, id).await?;
        let writer = self.attachments()?.blobs.create(found.shelf, &*self.entropy).await?;
        Ok(Part { found, writer, limit: caller.app().chat.attachment_bytes })
    }

    /// Ends a part: when this returns, it is the one with that number, 1 to
    /// [`UPLOAD_PARTS`](limits::UPLOAD_PARTS); one that came before under it is forgotten.
    ///
    /// # Errors
    /// [`Error::Upload`] for another number; [`Error::FileTooLarge`] when the parts together are too
    /// large; [`Error::UnknownFile`] when the upload was completed or given up meanwhile;
    /// [`Error::NoSpace`], [`Error::Files`], [`Error::Store`].
    pub async fn finish_part(&self, caller: &Caller, part: Part, number: u32) -> Result<(), Error> {
        let Part { found: Found { key, shelf, .. }, writer, limit } = part;
        if !(1..=limits::UPLOAD_PARTS).contains(&number) {
            writer.abort().await;
            let problem = format!("must be a whole number from 1 to {}", limits::UPLOAD_PARTS);
            return Err(Error::upload("part_number", problem));
        }
        let store = self.store.app(caller).await?;
        let stored = writer.finish().await?;
        let blob = stored.blob();
        let placed = store.transact(|mut txn| {
            let key = &key;
            async move {
                let file = record::load(&mut txn, key).await?.filter(|file| !file.complete);
                let mut file = file.ok_or(Error::UnknownFile)?;
                let replaced = match file.pieces.binary_search_by_key(&number, |(n, _)| *n) {
                    Ok(at) => Some(std::mem::replace(&mut file.pieces[at].1, blob)),
                    Err(at) => {
                        file.pieces.insert(at, (number, blob));
                        None
                    }
                };
                if file.size() > limit {
                    return Err(Error::FileTooLarge { limit });
                }
                record::save(&mut txn, key, shelf, &file).await?;
                Ok(txn.done(replaced))
            }
        });
        let placed = placed.await;
        if let Some(before) = Waiting::default().with(stored).settle(placed).await? {
            // The sweep finds what cannot be removed now.
            let _ = self.attachments()?.blobs.remove(shelf, before.id).await;
        }
        Ok(())
    }

    /// Completes an upload in parts: when this returns, the file can be read. Completing it again gives
    /// the same answer.
    ///
    /// # Errors
    /// [`Error::UnknownFile`] when the caller has no such upload; [`Error::Upload`] when parts are
    /// missing; [`Error::Concurrent`] when another part came meanwhile; [`Error::Files`],
    /// [`Error::Store`].
    pub async fn complete_parts(
        &self,
        caller: &Caller,
        id: Uuid,
        new: NewFile,
    ) -> Result<UploadedFile, Error> {
        let store = self.store.app(caller).await?;
        let Found { file: before, key, shelf } = self.own_file(caller, &store, id).await?;
        if before.complete {
            return Ok(before.uploaded(id));
        }
        let numbers = before.pieces.iter().map(|(number, _)| *number);
        if before.pieces.is_empty() || !numbers.eq((1..).take(before.pieces.len())) {
            let problem = "parts are missing: they are numbered from 1 on, without gaps";
            return Err(Error::upload("part_number", problem));
        }
        let content = self.attachments()?.blobs.open(shelf, before.blobs()).await?;
        let head = content.head(sniff::HEAD).await?;
        let content_type = sniff::content_type(&head);
        let small = self.thumbnail(shelf, before.blobs(), content_type, new.thumbnail).await;
        let file = File {
            target: new.target,
            content_type,
            name: name::kept(&new.name),
            restricted: new.restricted,
            thumbnail: small.as_ref().map(|(_, small)| *small),
            complete: true,
            ..before.clone()
        };
        let completed = store.transact(|mut txn| {
            let (key, before, file) = (&key, &before, &file);
            async move {
                if record::load(&mut txn, key).await?.as_ref() != Some(before) {
                    return Err(Error::Concurrent);
                }
                record::save(&mut txn, key, shelf, file).await?;
                Ok(txn.done(()))
            }
        });
        let completed = completed.await;
        let small = small.map(|(small, _)| small);
        let waiting = small.into_iter().fold(Waiting::default(), Waiting::with);
        waiting.settle(completed).await?;
        STORED.inc();
        STORED_BYTES.add(file.size());
        Ok(file.uploaded(id))
    }

    /// Gives an upload in parts up and removes what came of it.
    ///
    /// # Errors
    /// [`Error::UnknownFile`] when the caller has no such upload under way; [`Error::Files`],
    /// [`Error::Store`].
    pub async fn abort_parts(&self, caller: &Caller, id: Uuid) -> Result<(), Error> {
        let store = self.store.app(caller).await?;
        let found = self.own_upload(caller, &store, id).await?;
        self.remove_file(&store, &found, |file| !file.complete).await
    }

    /// Removes the record of a file if it still is `as_expected`, and then its bytes.
    pub(crate) async fn remove_file(
        &self,
        store: &AppStore,
        found: &Found,
        as_expected: impl Fn(&File) -> bool + Send + Sync,
    ) -> Result<(), Error> {
        let (key, as_expected) = (&found.key, &as_expected);
        let removed = store.transact(|mut txn| async move {
            let Some(file) = record::load(&mut txn, key).await?.filter(as_expected) else {
                return Err(Error::UnknownFile);
            };
            txn.delete(key)?;
            Ok(txn.done(file))
        });
        let file = removed.await?;
        let blobs = &self.attachments()?.blobs;
        let mut outcome = Ok(());
        for id in file.all_blobs() {
            match blobs.remove(found.shelf, id).await {
                // It is gone: all the better.
                Ok(()) | Err(BlobError::Gone) => {}
                Err(error) => outcome = Err(error.into()),
            }
        }
        outcome
    }

    /// The caller's own file or upload with that id.
    async fn own_file(&self, caller: &Caller, store: &AppStore, id: Uuid) -> Result<Found, Error> {
        let found = self.find_file(caller, store, id).await?;
        let now = self.shared.clock.now();
        let own = |found: &Found| {
            found.file.owner.as_ref() == caller.user() && now < found.file.expires()
        };
        found.filter(own).ok_or(Error::UnknownFile)
    }

    /// The caller's own upload with that id, if it is under way.
    async fn own_upload(
        &self,
        caller: &Caller,
        store: &AppStore,
        id: Uuid,
    ) -> Result<Found, Error> {
        let found = self.own_file(caller, store, id).await?;
        let now = self.shared.clock.now();
        let over = found.file.created.plus(limits::UPLOAD_UNFINISHED) <= now;
        if found.file.complete || over { Err(Error::UnknownFile) } else { Ok(found) }
    }
}
