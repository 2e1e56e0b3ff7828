//! A database in MaxMind's format.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use maxminddb::{MaxMindDbError, PathElement, Reader};
use stoa_core::Country;

/// A database that says in which country addresses are.
pub struct Database(Reader<Vec<u8>>);

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({})", self.0.metadata().database_type)
    }
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The file cannot be read.
    #[error("cannot read the geo-database {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no database of the kind.
    #[error("{} is no database in MaxMind's format (.mmdb)", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: MaxMindDbError,
    },
}

/// Where databases keep the country of an address: MaxMind's and DB-IP's, and flat ones.
const PLACES: &[&[PathElement<'static>]] = &[
    &[PathElement::Key("country"), PathElement::Key("iso_code")],
    &[PathElement::Key("country_code")],
    &[PathElement::Key("country")],
];

impl Database {
    /// Reads the database in `path`.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn read(path: &Path) -> Result<Self, DatabaseError> {
        let bytes = std::fs::read(path);
        let bytes = bytes.map_err(|source| DatabaseError::Read { path: path.into(), source })?;
        Self::of(bytes).map_err(|source| DatabaseError::Format { path: path.into(), source })
    }

    /// The database whose bytes these are.
    ///
    /// # Errors
    /// When they are none.
    pub fn of(bytes: Vec<u8>) -> Result<Self, MaxMindDbError> {
        Reader::from_source(bytes).map(Self)
    }

    /// The country of an address; none if it does not say, also where it is damaged.
    pub fn country(&self, address: IpAddr) -> Option<Country> {
        let found = self.0.lookup(address.to_canonical()).ok()?;
        // What is of another type at one place may be of the right one at the next.
        let at = |place: &&[PathElement<'_>]| found.decode_path::<&str>(place).ok().flatten();
        PLACES.iter().find_map(at)?.parse().ok()
    }
}
