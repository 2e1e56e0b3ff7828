//! Files as they lie there, sealed: for backups.

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};
use stoa_core::{AppNumber, Day};

use crate::{BlobError, BlobId, Blobs, Shelf};

/// A sealed file, by where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawFile {
    /// Its shelf.
    pub shelf: Shelf,
    /// Its name.
    pub id: BlobId,
}

impl RawFile {
    /// Where it lies, `app/day/id`.
    pub fn path(&self) -> String {
        self.shelf.file(self.id).to_string()
    }

    /// The file that lies at `path`; none if none can lie there.
    pub fn read(path: &str) -> Option<Self> {
        let mut parts = path.split('/');
        let (app, day) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let id = BlobId::parse(parts.next()?)?;
        let file = Self { shelf: Shelf { app: AppNumber(app), day: Day(day) }, id };
        // As it is written, and nothing behind it.
        (file.path() == path).then_some(file)
    }
}

impl Blobs {
    /// All files that are complete, of all apps.
    ///
    /// # Errors
    /// [`BlobError::Place`].
    pub async fn all(&self) -> Result<Vec<RawFile>, BlobError> {
        let found = self.0.place.list(None);
        let files =
            found.try_filter_map(|meta| async move { Ok(RawFile::read(meta.location.as_ref())) });
        let mut files: Vec<RawFile> = files.try_collect().await?;
        files.sort_unstable_by_key(|file| (file.shelf.app.0, file.shelf.day.0, file.id.0));
        Ok(files)
    }

    /// The sealed bytes of a file. [`BlobError::Gone`] when it is not there any more.
    ///
    /// # Errors
    /// [`BlobError::Gone`], [`BlobError::Place`].
    pub async fn raw(
        &self,
        file: RawFile,
    ) -> Result<impl Stream<Item = Result<Bytes, BlobError>> + Send + 'static, BlobError> {
        let found = self.0.place.get(&file.shelf.file(file.id)).await?;
        Ok(found.into_stream().map(|bytes| Ok(bytes?)))
    }

    /// Begins to put sealed bytes where such a file lay.
    ///
    /// # Errors
    /// [`BlobError::Place`].
    pub async fn put_raw(&self, file: RawFile) -> Result<RawWriter, BlobError> {
        let upload = self.0.place.put_multipart(&file.shelf.file(file.id)).await?;
        Ok(RawWriter { upload, waiting: Vec::new(), size: 0 })
    }
}

/// A file that is being put where it lay.
pub struct RawWriter {
    upload: Box<dyn MultipartUpload>,
    waiting: Vec<Bytes>,
    /// Bytes that wait.
    size: usize,
}

impl RawWriter {
    /// Adds bytes.
    ///
    /// # Errors
    /// [`BlobError::Place`], [`BlobError::NoSpace`].
    pub async fn push(&mut self, bytes: Bytes) -> Result<(), BlobError> {
        /// Bytes that are written together.
        const BATCH: usize = 1 << 20;
        self.size += bytes.len();
        self.waiting.push(bytes);
        if self.size >= BATCH {
            self.write().await?;
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), BlobError> {
        self.size = 0;
        let batch = PutPayload::from_iter(self.waiting.drain(..));
        Ok(self.upload.put_part(batch).await?)
    }

    /// Makes it durable.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub async fn finish(mut self) -> Result<(), BlobError> {
        self.write().await?;
        self.upload.complete().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_places_of_files_are_read() {
        let path = "7/20000/000102030405060708090a0b0c0d0e0f";
        assert_eq!(RawFile::read(path).unwrap().path(), path);
        for path in [
            "",
            "7",
            "7/20000",
            "07/20000/000102030405060708090a0b0c0d0e0f",
            "7/20000/0001",
            "7/20000/000102030405060708090a0b0c0d0e0f/x",
            "../20000/000102030405060708090a0b0c0d0e0f",
            "7/20000/000102030405060708090A0B0C0D0E0F",
            "-7/20000/000102030405060708090a0b0c0d0e0f",
        ] {
            assert_eq!(RawFile::read(path), None, "{path}");
        }
    }
}
