//! Uploading a file whole, and what ends each upload.

use std::sync::Arc;

use stoa_blob::{Blob, Shelf, Stored, Writer};
use stoa_core::{App, AppScope, Caller, Timestamp, UserId, Uuid, limits};
use stoa_metrics::attachments::{STORED, STORED_BYTES};
use stoa_store::StoreError;

use super::record::{self, File, StoredThumbnail};
use super::{NewFile, ThumbnailSize, UploadedFile, name, sniff};
use crate::{Chat, Error};

/// A file that is being uploaded. Dropping it leaves nothing behind.
pub struct Upload {
    app: Arc<App>,
    owner: Option<UserId>,
    created: Timestamp,
    limit: u64,
    writer: Writer,
    shelf: Shelf,
    head: Vec<u8>,
}

impl Upload {
    /// Takes the next bytes of the file.
    ///
    /// # Errors
    /// [`Error::FileTooLarge`], [`Error::NoSpace`], [`Error::Files`]. The upload cannot be gone on with
    /// then; [`Self::abort`] it.
    pub async fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.writer.size().saturating_add(bytes.len() as u64) > self.limit {
            return Err(Error::FileTooLarge { limit: self.limit });
        }
        let room = sniff::HEAD - self.head.len();
        self.head.extend_from_slice(&bytes[..room.min(bytes.len())]);
        Ok(self.writer.push(bytes).await?)
    }

    /// The most bytes that the file may have.
    pub const fn limit(&self) -> u64 {
        self.limit
    }

    /// Gives the upload up. When this returns, nothing is left of it.
    pub async fn abort(self) {
        self.writer.abort().await;
    }
}

/// What is written and waits for its record.
#[derive(Default)]
pub(super) struct Waiting(Vec<Stored>);

impl Waiting {
    pub(super) fn with(mut self, stored: Stored) -> Self {
        self.0.push(stored);
        self
    }

    /// Keeps what was written if the record was, and removes it if it was not. Where that is not known,
    /// it stays: without a record, the sweep finds it.
    pub(super) async fn settle<T>(self, outcome: Result<T, Error>) -> Result<T, Error> {
        let unknown = matches!(outcome, Err(Error::Store(StoreError::Unknown(_))));
        for stored in self.0 {
            if outcome.is_ok() || unknown { stored.keep() } else { stored.discard().await }
        }
        outcome
    }
}

impl Chat {
    /// Begins to take a file from the caller, a user or the app's back end.
    ///
    /// # Errors
    /// [`Error::NoFiles`], [`Error::NoSpace`], [`Error::Files`].
    pub async fn begin_upload(&self, caller: &Caller) -> Result<Upload, Error> {
        self.begin(caller, caller.app().chat.attachment_bytes).await
    }

    pub(super) async fn begin(&self, caller: &Caller, limit: u64) -> Result<Upload, Error> {
        let created = self.shared.clock.now();
        let shelf = Shelf { app: caller.app().number, day: created.day() };
        let writer = self.attachments()?.blobs.create(shelf, &*self.entropy).await?;
        Ok(Upload {
            app: caller.app().clone(),
            owner: caller.user().cloned(),
            created,
            limit,
            writer,
            shelf,
            head: Vec::new(),
        })
    }

    /// Ends an upload: when this returns, the file can be read.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] for somebody else's upload; [`Error::NoSpace`], [`Error::Files`],
    /// [`Error::Store`]. Nothing is left of the file then, unless the outcome is unknown.
    pub async fn finish_upload(
        &self,
        caller: &Caller,
        upload: Upload,
        new: NewFile,
    ) -> Result<UploadedFile, Error> {
        self.finish(caller, upload, new, false).await
    }

    pub(super) async fn finish(
        &self,
        caller: &Caller,
        upload: Upload,
        new: NewFile,
        shared: bool,
    ) -> Result<UploadedFile, Error> {
        let Upload { app, owner, created, writer, shelf, head, .. } = upload;
        if app.number != caller.app().number || owner.as_ref() != caller.user() {
            writer.abort().await;
            return Err(Error::NotAllowed);
        }
        let stored = writer.finish().await?;
        let content_type = sniff::content_type(&head);
        let size = new.thumbnail;
        let small = self.thumbnail(shelf, vec![stored.blob()], content_type, size).await;
        let id = Uuid::random(&*self.entropy);
        let file = File {
            target: new.target,
            content_type,
            name: name::kept(&new.name),
            restricted: new.restricted,
            pieces: vec![(1, stored.blob())],
            thumbnail: small.as_ref().map(|(_, small)| *small),
            complete: true,
            shared,
            ..File::new(owner, created, self.entropy.bytes())
        };
        let mut waiting = Waiting::default().with(stored);
        if let Some((small, _)) = small {
            waiting = waiting.with(small);
        }
        waiting.settle(self.insert_file(caller, shelf, id, &file).await).await?;
        STORED.inc();
        STORED_BYTES.add(file.size());
        Ok(file.uploaded(id))
    }

    /// Stores the record of a new file.
    pub(super) async fn insert_file(
        &self,
        caller: &Caller,
        shelf: Shelf,
        id: Uuid,
        file: &File,
    ) -> Result<(), Error> {
        let store = self.store.app(caller).await?;
        let key = &record::key(&store, shelf.day, id);
        store
            .transact(|mut txn| async move {
                record::save(&mut txn, key, shelf, file).await?;
                Ok(txn.done(()))
            })
            .await
    }

    /// Makes and stores a thumbnail of what `blobs` hold, if that is a large image.
    pub(super) async fn thumbnail(
        &self,
        shelf: Shelf,
        blobs: Vec<Blob>,
        content_type: &'static str,
        size: ThumbnailSize,
    ) -> Option<(Stored, StoredThumbnail)> {
        let attachments = self.attachments().ok()?;
        let bytes: u64 = blobs.iter().map(|blob| blob.size).sum();
        let fits =
            (limits::THUMBNAIL_FROM_BYTES + 1..=limits::THUMBNAIL_SOURCE_BYTES).contains(&bytes);
        if !fits || !sniff::is_image(content_type) {
            return None;
        }
        let source =
            async { attachments.blobs.open(shelf, blobs).await.ok()?.read_all().await.ok() };
        let made = attachments.thumbnails.make(source, size).await?;
        let mut writer = attachments.blobs.create(shelf, &*self.entropy).await.ok()?;
        writer.push(&made.bytes).await.ok()?;
        let stored = writer.finish().await.ok()?;
        let small = StoredThumbnail { blob: stored.blob(), content_type: made.content_type };
        Some((stored, small))
    }
}
