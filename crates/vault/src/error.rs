//! What can go wrong, by whose fault, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stoa_seal::{KeyId, RootKeyFingerprint, RootKeyFormatError};

/// Why the vault could not be opened, or could not make or destroy a key.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VaultError {
    /// Another process has the vault open.
    #[error("the vault {} is in use by another process{}", dir.display(), holder(*process))]
    InUse {
        /// The directory.
        dir: PathBuf,
        /// The other process's id, if it could be read.
        process: Option<u32>,
    },
    /// Others than the owner may read a directory or file of the vault.
    #[error("{} is open to group or others (mode {mode:04o}); run: chmod {wanted:o} {}", path.display(), path.display())]
    Permissions {
        /// The directory or file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// The mode it has to have.
        wanted: u32,
    },
    /// The root key is not the one that the vault was made with.
    #[error("the root key is not the one of the vault {}: it has the fingerprint {given}, the vault wants {wanted}", dir.display())]
    WrongRootKey {
        /// The directory.
        dir: PathBuf,
        /// The fingerprint of the key that was given.
        given: RootKeyFingerprint,
        /// The fingerprint of the vault's own.
        wanted: RootKeyFingerprint,
    },
    /// Two directories given as copies of one vault hold different vaults.
    #[error("{} and {} hold different vaults; mirrors must be copies of one vault", first.display(), second.display())]
    OtherVault {
        /// One directory.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// Two copies of one vault went different ways (a mirror was used alone for a while).
    #[error("the vaults in {} and {} were used apart and differ; keep the one that was used last and move the other away", first.display(), second.display())]
    Diverged {
        /// One directory.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A file of the vault is missing or altered, and no mirror has a good copy.
    #[error("the vault's file {} is damaged ({what}) and no mirror has a good copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: &'static str,
    },
    /// A file was written by a later version of this program.
    #[error("{} was written by a later version of this program", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Its answer.
        source: Arc<io::Error>,
    },
    /// An earlier write failed, so that what is on disk is not known for sure. Existing keys go on
    /// working; making and destroying keys is refused until the process is restarted.
    #[error(
        "an earlier write to the vault failed; no key can be made or destroyed before a restart"
    )]
    Stopped(#[source] Arc<VaultError>),
    /// The thread that owns the vault's files has ended, which only a defect in it can cause.
    #[error("the vault's thread has ended")]
    Closed,
    /// The vault was opened 2^32 times.
    #[error("the vault has used up its 2^32 epochs")]
    Exhausted,
}

fn holder(process: Option<u32>) -> String {
    process.map_or_else(String::new, |id| format!(" (process {id})"))
}

impl VaultError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.into(), source: Arc::new(source) }
    }

    pub(crate) fn damaged(path: &Path, what: &'static str) -> Self {
        Self::Damaged { path: path.into(), what }
    }

    /// What is answered once `self` has happened.
    pub(crate) fn stopped(self) -> Self {
        match self {
            Self::Stopped(_) => self,
            cause => Self::Stopped(Arc::new(cause)),
        }
    }
}

/// Why a record does not open although its key was not destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Too short for a record, or of an unknown version.
    #[error("not a sealed record of a known version")]
    Format,
    /// Altered, cut, or not the record that was sealed for this place.
    #[error("the record is not the one that was sealed for this place")]
    Tampered,
    /// Sealed with a key that this vault never had: the vault is not the one that belongs to the
    /// data, or is an older copy of it.
    #[error("the record is sealed with key {0}, which this vault never had")]
    UnknownKey(KeyId),
}

impl From<stoa_seal::OpenError> for OpenError {
    fn from(error: stoa_seal::OpenError) -> Self {
        match error {
            stoa_seal::OpenError::Format => Self::Format,
            stoa_seal::OpenError::Tampered => Self::Tampered,
        }
    }
}

/// What opening the vault put right or cannot help; for the operator to read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultWarning {
    /// A directory held no vault and was filled from another one.
    #[error("{} held no vault and was filled from {}", dir.display(), from.display())]
    Recreated {
        /// The directory that was filled.
        dir: PathBuf,
        /// The one that was copied.
        from: PathBuf,
    },
    /// A directory lagged behind and was brought up to date.
    #[error("{} lagged behind {} and was brought up to date", dir.display(), from.display())]
    Updated {
        /// The directory that lagged.
        dir: PathBuf,
        /// The newest one.
        from: PathBuf,
    },
    /// A file was missing or damaged and was restored from another directory.
    #[error("{} was missing or damaged and was restored from a mirror", path.display())]
    Repaired {
        /// The file.
        path: PathBuf,
    },
    /// The file system does not overwrite in place, so that a destroyed key may survive on it.
    #[error("{} lies on {filesystem}, which does not overwrite in place: destroyed keys may survive on the medium", dir.display())]
    CopyOnWrite {
        /// The directory.
        dir: PathBuf,
        /// The file system's name.
        filesystem: &'static str,
    },
}

/// Why there is no root key.
#[derive(Debug, thiserror::Error)]
pub enum RootKeyError {
    /// The file cannot be read.
    #[error("cannot read the root key file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// Others than the owner may read the file.
    #[error("the root key file {} is open to group or others (mode {mode:04o}); run: chmod 600 {}", path.display(), path.display())]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// No command was given.
    #[error("the root key command is empty")]
    NoCommand,
    /// The command cannot be run.
    #[error("cannot run the root key command {program}")]
    Command {
        /// The program.
        program: String,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The command ended with a failure.
    #[error("the root key command {program} failed ({status})")]
    CommandFailed {
        /// The program.
        program: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// More came than a root key can be.
    #[error("{origin} is longer than 4 KiB, so it is no root key")]
    TooLong {
        /// Where it came from.
        origin: String,
    },
    /// What was read is no root key.
    #[error("{origin} holds no root key")]
    Format {
        /// Where it came from.
        origin: String,
        /// What is wrong with it.
        source: RootKeyFormatError,
    },
    /// What was read is no text.
    #[error("{origin} holds no root key: it is not text")]
    NotText {
        /// Where it came from.
        origin: String,
    },
}
