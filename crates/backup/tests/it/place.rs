//! A place of files that fails from one write on, as a disk that is full or a process that is gone.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

/// A place that fails from one step on. A step begins a file, adds to it, or completes it.
#[derive(Debug)]
pub(crate) struct Failing {
    files: Arc<InMemory>,
    left: Arc<AtomicU64>,
}

impl Failing {
    /// `files`, after so many steps.
    pub(crate) fn after(steps: u64, files: Arc<InMemory>) -> Self {
        Self { files, left: Arc::new(AtomicU64::new(steps)) }
    }
}

/// Takes one step, if there is one left.
fn step(left: &AtomicU64) -> Result<()> {
    let taken = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    let failed = |_| Error::Generic { store: "failing", source: "a fault on purpose".into() };
    taken.map(drop).map_err(failed)
}

impl fmt::Display for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a failing place")
    }
}

#[async_trait]
impl ObjectStore for Failing {
    async fn put_opts(&self, at: &Path, bytes: PutPayload, how: PutOptions) -> Result<PutResult> {
        step(&self.left)?;
        self.files.put_opts(at, bytes, how).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        how: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        step(&self.left)?;
        let upload = self.files.put_multipart_opts(at, how).await?;
        Ok(Box::new(FailingUpload { upload, left: self.left.clone() }))
    }

    async fn get_opts(&self, at: &Path, how: GetOptions) -> Result<GetResult> {
        self.files.get_opts(at, how).await
    }

    fn delete_stream(
        &self,
        places: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(places)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, how: CopyOptions) -> Result<()> {
        step(&self.left)?;
        self.files.copy_opts(from, to, how).await
    }
}

#[derive(Debug)]
struct FailingUpload {
    upload: Box<dyn MultipartUpload>,
    left: Arc<AtomicU64>,
}

#[async_trait]
impl MultipartUpload for FailingUpload {
    fn put_part(&mut self, bytes: PutPayload) -> UploadPart {
        match step(&self.left) {
            Ok(()) => self.upload.put_part(bytes),
            Err(error) => Box::pin(async { Err(error) }),
        }
    }

    async fn complete(&mut self) -> Result<PutResult> {
        step(&self.left)?;
        self.upload.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        self.upload.abort().await
    }
}
