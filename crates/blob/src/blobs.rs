//! Where files lie, and what becomes of them.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use futures_util::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt};
use parking_lot::Mutex;
use stoa_core::{AppNumber, Day, Entropy};
use stoa_vault::{Bucket, KeyClass, KeyScope, Vault};

use crate::{BlobError, Content, Writer};

/// The name of a file: 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlobId(pub [u8; 16]);

impl BlobId {
    /// A new one.
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(entropy.bytes())
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let canonical = text.len() == 32
            && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let number = u128::from_str_radix(text, 16).ok().filter(|_| canonical)?;
        Some(Self(number.to_be_bytes()))
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobId({self})")
    }
}

/// A stored file: its name and the bytes that it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blob {
    /// Its name.
    pub id: BlobId,
    /// Bytes of plaintext.
    pub size: u64,
}

/// The files of one app of one day: what one key covers, and what ends together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shelf {
    /// The app.
    pub app: AppNumber,
    /// The day, in UTC.
    pub day: Day,
}

impl Shelf {
    fn path(self) -> object_store::path::Path {
        object_store::path::Path::from(format!("{}/{}", self.app.0, self.day.0))
    }

    pub(crate) fn file(self, id: BlobId) -> object_store::path::Path {
        self.path().join(id.to_string())
    }
}

/// All files of this process. Cheap to clone.
#[derive(Clone)]
pub struct Blobs(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) place: Arc<dyn ObjectStore>,
    pub(crate) vault: Arc<Vault>,
    class: KeyClass,
    /// Files that are being written, or that nobody has a record of yet.
    pending: Mutex<HashSet<BlobId>>,
}

impl Blobs {
    /// Files in the directory `dir`, sealed with the keys of `class` in `vault`.
    ///
    /// Makes the directory, for its owner alone, if it is not there, and removes what a crash left of
    /// files that were being written. Blocks.
    ///
    /// # Errors
    /// [`BlobError::Directory`].
    pub fn local(dir: &Path, vault: Arc<Vault>, class: KeyClass) -> Result<Self, BlobError> {
        let directory = |error| BlobError::Directory(Arc::new(error));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(directory)?;
        remove_unfinished(dir, 2).map_err(directory)?;
        let place = LocalFileSystem::new_with_prefix(dir)?.with_fsync(true);
        Ok(Self::over(Arc::new(place.with_automatic_cleanup(true)), vault, class))
    }

    /// Files in an object store.
    pub fn over(place: Arc<dyn ObjectStore>, vault: Arc<Vault>, class: KeyClass) -> Self {
        Self(Arc::new(Inner { place, vault, class, pending: Mutex::default() }))
    }

    /// Begins a file on `shelf`.
    ///
    /// # Errors
    /// [`BlobError::NoSpace`], [`BlobError::Place`].
    pub async fn create(&self, shelf: Shelf, entropy: &dyn Entropy) -> Result<Writer, BlobError> {
        let id = BlobId::random(entropy);
        let pending = Pending::new(&self.0, id);
        let upload = self.0.place.put_multipart(&shelf.file(id)).await?;
        Ok(Writer::new(self.clone(), shelf, upload, pending))
    }

    /// What `parts`, one after the other, hold.
    ///
    /// # Errors
    /// [`BlobError::Gone`] when one of them is not there, [`BlobError::Damaged`] when one is not as long
    /// as it was when it was written.
    pub async fn open(&self, shelf: Shelf, parts: Vec<Blob>) -> Result<Content, BlobError> {
        for part in &parts {
            let found = self.0.place.head(&shelf.file(part.id)).await?;
            if found.size != crate::sealed_size(part.size) {
                return Err(BlobError::Damaged);
            }
        }
        Ok(Content::new(self.clone(), shelf, parts))
    }

    /// Removes a file. It is no error if it is not there.
    ///
    /// # Errors
    /// [`BlobError::Place`].
    pub async fn remove(&self, shelf: Shelf, id: BlobId) -> Result<(), BlobError> {
        match self.0.place.delete(&shelf.file(id)).await.map_err(BlobError::from) {
            Err(BlobError::Gone) => Ok(()),
            outcome => outcome,
        }
    }

    /// Removes all files of `shelf`, and answers how many there were. Their key is the caller's to
    /// destroy.
    ///
    /// # Errors
    /// [`BlobError::Place`].
    pub async fn clear(&self, shelf: Shelf) -> Result<usize, BlobError> {
        let files = self.list(shelf).await?;
        for id in &files {
            self.remove(shelf, *id).await?;
        }
        Ok(files.len())
    }

    /// Removes all files of an app, and answers how many there were. Their keys are the caller's to destroy.
    ///
    /// # Errors
    /// [`BlobError::Place`].
    pub async fn clear_app(&self, app: AppNumber) -> Result<usize, BlobError> {
        let mut removed = 0;
        for day in self.days(app).await? {
            removed += self.clear(Shelf { app, day }).await?;
        }
        Ok(removed)
    }

    /// The files of `shelf` that are complete.
    ///
    /// # Errors
    /// [`BlobError::Place`].
    pub async fn list(&self, shelf: Shelf) -> Result<Vec<BlobId>, BlobError> {
        let found = self.0.place.list(Some(&shelf.path()));
        let ids = found.try_filter_map(|meta| async move {
            Ok(meta.location.filename().and_then(BlobId::parse))
        });
        Ok(ids.try_collect().await?)
    }

    /// The days of which `app` has files, or a key for files.
    ///
    /// # Errors
    /// [`BlobError::Place`].
    pub async fn days(&self, app: AppNumber) -> Result<Vec<Day>, BlobError> {
        let prefix = object_store::path::Path::from(app.0.to_string());
        let found = self.0.place.list_with_delimiter(Some(&prefix)).await?;
        let on_disk = found.common_prefixes.iter().filter_map(|path| path.filename()?.parse().ok());
        let keys = self.0.vault.keys().into_iter().filter_map(|key| match key.scope {
            KeyScope { app: of, class, bucket: Bucket::Day(day) }
                if of == app && class == self.0.class =>
            {
                Some(day)
            }
            _ => None,
        });
        let mut days: Vec<Day> = on_disk.map(Day).chain(keys).collect();
        days.sort_unstable();
        days.dedup();
        Ok(days)
    }

    /// The files that are being written, or were and are still in the hands of whoever wrote them: a
    /// sweep must leave them alone.
    pub fn pending(&self) -> HashSet<BlobId> {
        self.0.pending.lock().clone()
    }

    pub(crate) fn scope(&self, shelf: Shelf) -> KeyScope {
        KeyScope { app: shelf.app, class: self.0.class, bucket: Bucket::Day(shelf.day) }
    }
}

/// A file that is being written; the sweep leaves it alone as long as this lives.
pub(crate) struct Pending {
    inner: Arc<Inner>,
    pub(crate) id: BlobId,
}

impl Pending {
    fn new(inner: &Arc<Inner>, id: BlobId) -> Self {
        inner.pending.lock().insert(id);
        Self { inner: inner.clone(), id }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.inner.pending.lock().remove(&self.id);
    }
}

/// Removes what is being written under `dir`, down to `depth` directories below it: files that the
/// object store has given the name of their place, `#` and a number.
fn remove_unfinished(dir: &Path, depth: usize) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() && depth > 0 {
            remove_unfinished(&entry.path(), depth - 1)?;
        } else if kind.is_file() && entry.file_name().to_string_lossy().contains('#') {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
