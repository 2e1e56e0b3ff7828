//! What can go wrong with files.

use std::error::Error;
use std::io;
use std::sync::Arc;

use stoa_vault::{OpenError, VaultError};

/// Why a file cannot be written or read. None of it says anything of its content.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BlobError {
    /// There is no such file, or the key of its day was destroyed.
    #[error("the file is not there any more")]
    Gone,
    /// The file is not the one that was sealed for its place: altered, cut, or moved there.
    #[error("a stored file is not the one that was sealed for its place")]
    Damaged,
    /// The disk is full, or what this process may use of it is used up, or the file system takes no file
    /// of that size. Nothing was kept.
    #[error("there is no space left for the file")]
    NoSpace(#[source] Arc<object_store::Error>),
    /// The place where files lie failed.
    #[error("failed to access the stored files")]
    Place(#[source] Arc<object_store::Error>),
    /// The directory cannot be used.
    #[error("cannot use the directory of files")]
    Directory(#[source] Arc<io::Error>),
    /// The vault gave no key.
    #[error("failed to get a key from the vault")]
    Vault(#[source] Arc<VaultError>),
}

impl From<object_store::Error> for BlobError {
    fn from(error: object_store::Error) -> Self {
        if matches!(error, object_store::Error::NotFound { .. }) {
            return Self::Gone;
        }
        let full =
            [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded, io::ErrorKind::FileTooLarge];
        let is_full = io_kind(&error).is_some_and(|kind| full.contains(&kind));
        if is_full { Self::NoSpace(Arc::new(error)) } else { Self::Place(Arc::new(error)) }
    }
}

/// What the operating system said, at the bottom of `error`.
fn io_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        cause = error.source();
    }
    None
}

impl From<VaultError> for BlobError {
    fn from(error: VaultError) -> Self {
        Self::Vault(Arc::new(error))
    }
}

impl From<OpenError> for BlobError {
    fn from(_: OpenError) -> Self {
        Self::Damaged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_a_broken_one() {
        let of = |kind: io::ErrorKind| {
            let source = Box::new(io::Error::from(kind));
            BlobError::from(object_store::Error::Generic { store: "test", source })
        };
        assert!(matches!(of(io::ErrorKind::StorageFull), BlobError::NoSpace(_)));
        assert!(matches!(of(io::ErrorKind::QuotaExceeded), BlobError::NoSpace(_)));
        assert!(matches!(of(io::ErrorKind::PermissionDenied), BlobError::Place(_)));
    }
}
