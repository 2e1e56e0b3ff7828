//! What the operator says of a range of addresses.

use std::fmt;
use std::str::FromStr;

use stoa_core::{AddressRange, Country};

/// In which country a range of addresses is: `10.0.0.0/8=DE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GeoRange {
    /// The addresses.
    pub range: AddressRange,
    /// Where they are.
    pub country: Country,
}

impl FromStr for GeoRange {
    type Err = GeoRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (range, country) = text.split_once('=').ok_or(GeoRangeError::Form)?;
        let country = country.parse().map_err(|_| GeoRangeError::Form)?;
        Ok(Self { range: range.parse().map_err(GeoRangeError::Range)?, country })
    }
}

impl fmt::Display for GeoRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.range, self.country)
    }
}

/// A text that does not say where addresses are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GeoRangeError {
    /// It is written otherwise.
    #[error(
        "where addresses are is written RANGE=COUNTRY, the country by its two letters: 10.0.0.0/8=DE"
    )]
    Form,
    /// The range is none.
    #[error("{0}")]
    Range(stoa_core::AddressRangeError),
}
