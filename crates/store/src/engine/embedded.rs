//! The engine of a single node: fjall, a log-structured tree in a directory.
//!
//! All pairs stand in one keyspace, because an idle keyspace would pin journals without bound, and
//! one batch of the [committer](super::committer) is one journal entry with one sync. fjall's own
//! commits do not share syncs, which is why nobody but the committer's thread writes. Values are
//! ciphertext, so fjall's compression is off.
//!
//! Reads run where they are called: from the block cache or the page cache they take some 8 µs,
//! less than handing them to another thread would. A read from a cold disk holds its thread up for
//! the length of one disk access.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable};

use super::committer::Gathering;
use super::merge::Row;
use super::optimistic::Optimistic;
use super::sequencer::{Backing, Batch, View};
use super::{Direction, Engine, EngineError, EngineRead, EngineStats, EngineTxn, Span};

/// The first line of the format file. The number rises with every change of what lies beside it.
const FORMAT: &str = "stoa embedded store, format 1\n";
const FORMAT_FILE: &str = "format";
const LOCK_FILE: &str = "lock";
const DATABASE: &str = "db";
const KEYSPACE: &str = "stoa";

/// How to open an [`Embedded`] engine.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// The directory; made when it is missing.
    pub directory: PathBuf,
    /// Bytes of memory for blocks read from disk.
    pub cache: u64,
    /// Bytes that journals may take up on disk, at least 64 MiB. What is not yet in tables is read
    /// again from them at the next start.
    pub journals: u64,
}

impl EmbeddedOptions {
    /// The usual options, in `directory`.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), cache: 64 << 20, journals: 256 << 20 }
    }
}

/// Why an [`Embedded`] engine cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open, or this one.
    #[error("{0} is in use by another process")]
    InUse(PathBuf),
    /// It holds files, but not such as this program makes.
    #[error("{0} is not empty and holds no store")]
    Foreign(PathBuf),
    /// It was made by another version of the program.
    #[error("{path} has the format '{found}', which this version cannot read")]
    Format {
        /// The directory.
        path: PathBuf,
        /// What its format file says.
        found: String,
    },
    /// A file operation failed.
    #[error("failed to {doing} in {path}")]
    Io {
        /// The directory.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The files are damaged or cannot be read.
    #[error("failed to open the store in {path}")]
    Database {
        /// The directory.
        path: PathBuf,
        /// What the engine said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The embedded engine.
pub struct Embedded(Arc<Optimistic<Tree>>);

impl Embedded {
    /// Opens the engine and makes it when the directory is empty. Blocks while the journals are
    /// read again, so call it before serving or from a blocking thread.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(options: &EmbeddedOptions) -> Result<Self, OpenError> {
        let path = &options.directory;
        let io = |doing| move |source| OpenError::Io { path: path.clone(), doing, source };
        create_private(path).map_err(io("create the directory"))?;
        let lock = match Lock::take(&path.join(LOCK_FILE)) {
            Ok(lock) => lock,
            Err(fs::TryLockError::WouldBlock) => return Err(OpenError::InUse(path.clone())),
            Err(fs::TryLockError::Error(source)) => return Err(io("lock the lock file")(source)),
        };
        check_format(path)?;
        let tree = Tree::open(options, lock).map_err(|source| match source {
            fjall::Error::Locked => OpenError::InUse(path.clone()),
            source => OpenError::Database { path: path.clone(), source: source.into() },
        })?;
        let gathering = Gathering::default();
        Optimistic::threaded(tree, gathering).map(Self).map_err(io("start a thread"))
    }
}

/// A locked file, unlocked when this is dropped.
struct Lock(File);

impl Lock {
    fn take(path: &Path) -> Result<Self, fs::TryLockError> {
        let file = File::options().create(true).truncate(false).write(true).open(path);
        let file = file.map_err(fs::TryLockError::Error)?;
        file.try_lock()?;
        Ok(Self(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing it would not do while a process that is being started still shares it.
        let _ = self.0.unlock();
    }
}

/// Makes sure that the directory is of our format; an empty one becomes so.
fn check_format(path: &Path) -> Result<(), OpenError> {
    let io = |doing| move |source| OpenError::Io { path: path.into(), doing, source };
    match fs::read(path.join(FORMAT_FILE)) {
        Ok(found) if found == FORMAT.as_bytes() => return Ok(()),
        Ok(found) => {
            let found = String::from_utf8_lossy(&found).trim_end().chars().take(80).collect();
            return Err(OpenError::Format { path: path.into(), found });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io("read the format file")(error)),
    }
    let draft = format!("{FORMAT_FILE}.new");
    for entry in fs::read_dir(path).map_err(io("list the directory"))? {
        let name = entry.map_err(io("list the directory"))?.file_name();
        if name != LOCK_FILE && name.to_str() != Some(&draft) {
            return Err(OpenError::Foreign(path.into()));
        }
    }
    // The format file appears whole, and before anything else does.
    let write = || {
        let mut file = File::create(path.join(&draft))?;
        file.write_all(FORMAT.as_bytes())?;
        file.sync_all()?;
        fs::rename(path.join(&draft), path.join(FORMAT_FILE))?;
        File::open(path)?.sync_all()
    };
    write().map_err(io("write the format file"))
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[async_trait]
impl Engine for Embedded {
    fn name(&self) -> &'static str {
        "embedded"
    }

    async fn begin(&self) -> Result<Box<dyn EngineTxn>, EngineError> {
        self.0.begin()
    }

    async fn snapshot(&self) -> Result<Box<dyn EngineRead>, EngineError> {
        self.0.snapshot()
    }

    fn health(&self) -> Result<(), EngineError> {
        self.0.health()
    }

    async fn close(&self) -> Result<(), EngineError> {
        self.0.close().await
    }

    fn stats(&self) -> EngineStats {
        self.0.stats()
    }
}

/// fjall's handles, and the lock that keeps others out for as long as they live.
struct Tree {
    keyspace: Keyspace,
    database: Database,
    _lock: Lock,
}

impl Tree {
    fn open(options: &EmbeddedOptions, lock: Lock) -> Result<Self, fjall::Error> {
        let database = Database::builder(options.directory.join(DATABASE))
            .cache_size(options.cache)
            .max_journaling_size(options.journals.max(64 << 20))
            .open()?;
        let keyspace = database.keyspace(KEYSPACE, || {
            KeyspaceCreateOptions::default()
                .data_block_compression_policy(fjall::config::CompressionPolicy::disabled())
        })?;
        Ok(Self { keyspace, database, _lock: lock })
    }
}

impl Backing for Tree {
    type View = TreeView;

    fn apply(&mut self, writes: Batch) -> Result<(), Arc<str>> {
        // With the sync asked for on the batch itself, nothing is visible before it is durable.
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        for (key, value) in writes {
            match value {
                Some(value) => batch.insert(&self.keyspace, key, value),
                None => batch.remove(&self.keyspace, key),
            }
        }
        batch.commit().map_err(|error| describe(&error))
    }

    fn view(&self) -> TreeView {
        TreeView { keyspace: self.keyspace.clone(), snapshot: self.database.snapshot() }
    }

    const SYNCS: bool = true;

    fn close(self) -> Result<(), Arc<str>> {
        self.database.persist(PersistMode::SyncAll).map_err(|error| describe(&error))
    }
}

struct TreeView {
    keyspace: Keyspace,
    snapshot: fjall::Snapshot,
}

impl View for TreeView {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        let value = self.snapshot.get(&self.keyspace, key).map_err(|error| damaged(&error))?;
        Ok(value.map(Bytes::from))
    }

    fn scan(&self, span: &Span, direction: Direction) -> Box<dyn Iterator<Item = Row> + '_> {
        let rows = self.snapshot.range::<&[u8], _>(&self.keyspace, span.start()..span.end());
        let row = |guard: fjall::Guard| match guard.into_inner() {
            Ok((key, value)) => Ok((key.into(), value.into())),
            Err(error) => Err(damaged(&error)),
        };
        match direction {
            Direction::Forward => Box::new(rows.map(row)),
            Direction::Backward => Box::new(rows.rev().map(row)),
        }
    }
}

fn describe(error: &fjall::Error) -> Arc<str> {
    error.to_string().into()
}

fn damaged(error: &fjall::Error) -> EngineError {
    match error {
        fjall::Error::Io(_) | fjall::Error::Poisoned => EngineError::Unavailable(describe(error)),
        _ => EngineError::Damaged(describe(error)),
    }
}
