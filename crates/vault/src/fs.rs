//! The few file operations that the vault consists of.
//!
//! Each writing operation returns when its bytes are on the medium, so that "written but not synced"
//! is not a state that the code above can be in by mistake. Names of new, renamed and removed files
//! are durable only after [`VaultFs::sync_dir`].

mod disk;
mod medium;
mod sim;

use std::any::Any;
use std::io;
use std::path::Path;

use zeroize::Zeroizing;

pub use disk::DiskFs;
pub use sim::SimFs;

/// Holds a directory's lock until it is dropped.
pub struct LockGuard(#[expect(dead_code, reason = "dropping it is its use")] Box<dyn Any + Send>);

impl LockGuard {
    pub(crate) fn new(held: impl Any + Send) -> Self {
        Self(Box::new(held))
    }
}

/// Why a directory could not be locked.
pub enum LockRefusal {
    /// Another process holds the lock; its id, if known.
    Held(Option<u32>),
    /// The operating system refused.
    Io(io::Error),
}

/// File operations on a vault's directories.
pub trait VaultFs: Send + Sync + 'static {
    /// Makes sure that the directory exists; a new one gets mode 0700.
    fn ensure_dir(&self, dir: &Path) -> io::Result<()>;
    /// The permission bits of a directory or file.
    fn mode(&self, path: &Path) -> io::Result<u32>;
    /// Locks the directory against other processes, without waiting.
    fn lock(&self, dir: &Path) -> Result<LockGuard, LockRefusal>;
    /// The names of the files in the directory, in no order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// The whole content of a file.
    fn read(&self, path: &Path) -> io::Result<Zeroizing<Vec<u8>>>;
    /// Creates the file with mode 0600, or empties it, and writes `bytes`, durably.
    fn create(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Adds `bytes` to the end of the file, durably.
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Writes `bytes` over what stands at `offset` of the file, in place, durably.
    fn overwrite(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes durable what any process wrote to the file.
    fn sync(&self, path: &Path) -> io::Result<()>;
    /// Makes durable which files the directory has.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Renames a file within its directory, replacing what had the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// The name of the directory's file system if that does not overwrite in place.
    fn copies_on_write(&self, dir: &Path) -> Option<&'static str>;
}
