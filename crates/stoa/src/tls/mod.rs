//! What proves the server's identity to its clients: a certificate of the operator's, or one of an
//! authority of the server's own.
//!
//! Both are read or issued anew while the server runs, so that a renewed file counts within a minute
//! and a server that never restarts does not outlive its certificate.

mod client_ca;
mod directory;
mod files;
mod key;
mod leaf;
mod names;
mod own_ca;

use std::path::{Path, PathBuf};

pub use client_ca::{ClientCa, ClientCertificate, ClientKey};
pub use directory::DirectoryIdentity;
pub use files::read as read_files;
pub use leaf::{Validity, not_covered};
pub use names::Names;
pub use own_ca::OwnCa;

/// Why there is no certificate to serve with.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file of the private key is open to others.
    #[error("the private key {} is open to group or others (mode {mode:04o}); run: chmod 600 {}", path.display(), path.display())]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A file does not hold what it should.
    #[error("{} holds no {wanted} in PEM form", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        wanted: &'static str,
    },
    /// Certificate and key are none that can be used together.
    #[error("the certificate {} and its key cannot be used: {source}", path.display())]
    Pair {
        /// The certificate's file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// A certificate is not of this time.
    #[error("the certificate {} counts from {from} until {until}, which is not now", path.display())]
    Time {
        /// The certificate's file.
        path: PathBuf,
        /// From when, RFC 3339.
        from: String,
        /// Until when.
        until: String,
    },
    /// A certificate is for other names than the one before.
    #[error("the certificate {} is not for {}, for which the one in use is", path.display(), names.join(", "))]
    Names {
        /// The certificate's file.
        path: PathBuf,
        /// The names that it lacks.
        names: Vec<String>,
    },
    /// The server's own authority may not vouch for a name.
    #[error("the server's own certificate authority was made for other names and may not vouch for '{name}'; to make a new one, which every client must then be told to trust, remove the directory {}", dir.display())]
    NotPermitted {
        /// The name.
        name: String,
        /// The authority's directory.
        dir: PathBuf,
    },
    /// The authority's sealed record is not what it should be.
    #[error("the sealed record of the server's own certificate authority is damaged")]
    Record,
    /// A certificate could not be made.
    #[error("a certificate could not be made: {0}")]
    Issue(#[from] rcgen::Error),
    /// What was made cannot be used.
    #[error("a certificate that was made cannot be used: {0}")]
    Unusable(rustls::Error),
}

impl TlsError {
    fn read(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Read { path, source }
    }
}
