//! Where addresses are.
//!
//! The operator says it of ranges ([`GeoRange`]), which count most, and gives a database in the format of
//! MaxMind (GeoLite2, GeoIP2, DB-IP and others) for the rest. The database is held in memory and
//! replaced as a whole when it is read again; asking takes no lock. An address of which neither
//! knows is nowhere.

mod database;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod range;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use stoa_core::{Countries, Country};

pub use database::{Database, DatabaseError};
pub use range::{GeoRange, GeoRangeError};

/// Knows where addresses are, as far as it was told.
#[derive(Debug)]
pub struct Whereabouts {
    ranges: Vec<GeoRange>,
    file: Option<PathBuf>,
    database: ArcSwapOption<Database>,
    generation: AtomicU64,
}

impl Whereabouts {
    /// Knows `ranges`, and what the database in `file` says once it was read.
    pub fn new(ranges: Vec<GeoRange>, file: Option<PathBuf>) -> Self {
        let generation = AtomicU64::new(1);
        Self { ranges, file, database: ArcSwapOption::empty(), generation }
    }

    /// Reads the database, unless it was read.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn load(&self) -> Result<(), DatabaseError> {
        if self.database.load().is_some() {
            return Ok(());
        }
        self.reload().map(drop)
    }

    /// Reads the database again; what was known stays if it cannot be read. Answers whether there is one.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn reload(&self) -> Result<bool, DatabaseError> {
        let Some(file) = &self.file else { return Ok(false) };
        let database = Database::read(file)?;
        self.database.store(Some(database.into()));
        self.generation.fetch_add(1, Ordering::Release);
        Ok(true)
    }

    /// Whether anything is known at all.
    pub fn knows_anything(&self) -> bool {
        !self.ranges.is_empty() || self.file.is_some()
    }
}

impl Countries for Whereabouts {
    fn country(&self, address: IpAddr) -> Option<Country> {
        let said = self.ranges.iter().filter(|known| known.range.contains(address));
        // What is said of fewer addresses is meant more.
        let said = said.max_by_key(|known| known.range.bits()).map(|known| known.country);
        let found = || self.database.load().as_ref().and_then(|known| known.country(address));
        said.or_else(found)
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
}
