//! A directory of files with a vault.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use stoa_blob::{Blob, BlobError, Blobs, Shelf};
use stoa_core::{AppNumber, Day, ManualClock, SeededEntropy, Timestamp};
use stoa_vault::{Bucket, KeyClass, KeyScope, Vault};
use tempfile::TempDir;

pub(crate) const SHELF: Shelf = Shelf { app: AppNumber(7), day: Day(20_833) };
pub(crate) const CLASS: KeyClass = KeyClass(3);

pub(crate) struct Lab {
    pub(crate) blobs: Blobs,
    pub(crate) vault: Arc<Vault>,
    pub(crate) entropy: SeededEntropy,
    pub(crate) dir: TempDir,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let vault = Arc::new(Vault::in_memory(clock, Arc::new(SeededEntropy::new(1))));
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::local(&dir.path().join("files"), vault.clone(), CLASS).unwrap();
        Self { blobs, vault, entropy: SeededEntropy::new(2), dir }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("files")
    }

    /// The same directory and vault after a restart.
    pub(crate) fn restarted(self) -> Self {
        let blobs = Blobs::local(&self.root(), self.vault.clone(), CLASS).unwrap();
        Self { blobs, ..self }
    }

    /// Stores `bytes`, pushed in pieces of `step`.
    pub(crate) async fn store(&self, bytes: &[u8], step: usize) -> Blob {
        let mut writer = self.blobs.create(SHELF, &self.entropy).await.unwrap();
        for piece in bytes.chunks(step.max(1)) {
            writer.push(piece).await.unwrap();
        }
        let stored = writer.finish().await.unwrap();
        let blob = stored.blob();
        stored.keep();
        blob
    }

    pub(crate) async fn read(
        &self,
        parts: &[Blob],
        range: std::ops::Range<u64>,
    ) -> Result<Vec<u8>, BlobError> {
        let content = self.blobs.open(SHELF, parts.to_vec()).await?;
        let bytes: Vec<Bytes> = content.read(range).try_collect().await?;
        Ok(bytes.concat())
    }

    pub(crate) fn path(&self, blob: Blob) -> PathBuf {
        self.root().join("7").join("20833").join(blob.id.to_string())
    }

    pub(crate) async fn destroy_key(&self) {
        let scope = KeyScope { app: SHELF.app, class: CLASS, bucket: Bucket::Day(SHELF.day) };
        self.vault.destroy(move |of| *of == scope).await.unwrap();
    }
}

/// Every file below `dir`.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Bytes of which no stretch is like another.
pub(crate) fn text(len: usize) -> Vec<u8> {
    let word = |n: usize| (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes();
    (0..len.div_ceil(8)).flat_map(word).take(len).collect()
}
