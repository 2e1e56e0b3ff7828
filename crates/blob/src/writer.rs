//! Writing a file: sealed as it comes, four chunks at a time.

use bytes::Bytes;
use object_store::{MultipartUpload, PutPayload};

use crate::blobs::{Blobs, Pending};
use crate::format::{CHUNK, place};
use crate::{Blob, BlobError, BlobId, Shelf};

/// Chunks that are written together: fewer steps, and some 300 KiB for each file that is being written.
const BATCH: usize = 4;

/// A file that is being written. Dropping it leaves nothing behind.
pub struct Writer {
    blobs: Blobs,
    shelf: Shelf,
    upload: Box<dyn MultipartUpload>,
    pending: Pending,
    /// What is not sealed yet: whether it is the last chunk is not known before more comes.
    plain: Vec<u8>,
    sealed: Vec<Bytes>,
    chunk: u64,
    size: u64,
}

impl Writer {
    pub(crate) fn new(
        blobs: Blobs,
        shelf: Shelf,
        upload: Box<dyn MultipartUpload>,
        pending: Pending,
    ) -> Self {
        let (plain, sealed) = (Vec::new(), Vec::with_capacity(BATCH));
        Self { blobs, shelf, upload, pending, plain, sealed, chunk: 0, size: 0 }
    }

    /// The bytes that were taken so far.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next bytes of the file.
    ///
    /// # Errors
    /// [`BlobError::NoSpace`], [`BlobError::Place`], [`BlobError::Vault`]. The file cannot be gone on
    /// with then.
    pub async fn push(&mut self, mut bytes: &[u8]) -> Result<(), BlobError> {
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            if self.plain.len() == CHUNK {
                self.seal(false).await?;
            }
            let room = CHUNK - self.plain.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            if self.plain.capacity() < CHUNK && self.size > CHUNK as u64 {
                self.plain.reserve_exact(CHUNK - self.plain.len());
            }
            self.plain.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    async fn seal(&mut self, last: bool) -> Result<(), BlobError> {
        let place = place(self.shelf.app, self.pending.id, self.chunk, last);
        let scope = self.blobs.scope(self.shelf);
        let sealed = self.blobs.0.vault.seal(scope, &place, &self.plain).await?;
        self.plain.clear();
        self.sealed.push(sealed.into());
        self.chunk += 1;
        if last || self.sealed.len() == BATCH {
            let batch = PutPayload::from_iter(self.sealed.drain(..));
            self.upload.put_part(batch).await?;
        }
        Ok(())
    }

    /// Ends the file: when this returns, it is on disk for good.
    ///
    /// # Errors
    /// As [`Self::push`]. Nothing is left of the file then.
    pub async fn finish(mut self) -> Result<Stored, BlobError> {
        self.seal(true).await?;
        self.upload.complete().await?;
        let Self { blobs, shelf, pending, size, .. } = self;
        Ok(Stored { blobs, shelf, pending: Some(pending), size })
    }

    /// Gives the file up. When this returns, nothing is left of it.
    pub async fn abort(mut self) {
        // What cannot be removed now is swept at the next start.
        let _ = self.upload.abort().await;
    }
}

/// A file that is complete, and of which nobody has a record yet. Unless it is [kept](Self::keep), it is
/// removed.
pub struct Stored {
    blobs: Blobs,
    shelf: Shelf,
    pending: Option<Pending>,
    size: u64,
}

impl Stored {
    /// What it will be known by.
    pub fn blob(&self) -> Blob {
        Blob { id: self.id(), size: self.size }
    }

    fn id(&self) -> BlobId {
        self.pending.as_ref().expect("it is there until it is kept or removed").id
    }

    /// There is a record of the file from now on, or there may be one.
    pub fn keep(mut self) {
        self.pending = None;
    }

    /// Removes the file.
    pub async fn discard(mut self) {
        if let Some(pending) = self.pending.take() {
            // What cannot be removed is found by the sweep: no record names it.
            let _ = self.blobs.remove(self.shelf, pending.id).await;
        }
    }
}

impl Drop for Stored {
    /// Whoever waited for the file has gone: it is removed in the background, or by the sweep.
    fn drop(&mut self) {
        let Some(pending) = self.pending.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (blobs, shelf) = (self.blobs.clone(), self.shelf);
        runtime.spawn(async move {
            let _ = blobs.remove(shelf, pending.id).await;
        });
    }
}
