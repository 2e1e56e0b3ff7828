//! Why a backup cannot be made, read or brought back.

use std::io;
use std::sync::Arc;

use stoa_blob::BlobError;
use stoa_store::StoreError;
use stoa_vault::{VaultError, VaultId};

/// Why a backup cannot be made, read or brought back.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BackupError {
    /// It is no backup.
    #[error("it is no backup of Stoa")]
    Foreign,
    /// A later version made it.
    #[error(
        "it was made by a later version of Stoa, in format {0}, which this version cannot read"
    )]
    Newer(u8),
    /// Another vault's keys are needed.
    #[error(
        "it belongs to the vault {wanted:?}, and this vault is {given:?}: only the vault that it was made with opens it"
    )]
    OtherVault {
        /// The vault that it was made with.
        wanted: VaultId,
        /// The one that is here.
        given: VaultId,
    },
    /// It ends before its end.
    #[error("it is cut off after {0} bytes")]
    Cut(u64),
    /// A part of it is not as it was written.
    #[error("it is damaged: the part that begins at byte {0} is not as it was written")]
    Damaged(u64),
    /// It was written by a faulty version, or by nobody of us.
    #[error("it is sealed as it should be, but does not say what it should: {0}")]
    Malformed(&'static str),
    /// The store into which it is to be brought back holds something.
    #[error("a backup is brought back into an empty store only")]
    NotEmpty,
    /// Whoever takes the bytes, or gives them, failed.
    #[error("reading or writing the backup failed")]
    Io(#[source] Arc<io::Error>),
    /// Nobody takes the backup any more.
    #[error("whoever asked for the backup went away")]
    Gone,
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The place of files failed.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

impl From<io::Error> for BackupError {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}
