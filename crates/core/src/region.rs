//! The data centres that an app can live in.

use std::fmt;
use std::str::FromStr;

/// A region. An app is created in one and stays there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Region {
    /// Mainland China.
    Cn,
    /// Asia Pacific (Singapore).
    Ap,
    /// Europe (Frankfurt).
    Eu,
    /// North America (Virginia).
    Na,
}

impl Region {
    /// All regions, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Cn, Self::Ap, Self::Eu, Self::Na];

    /// The name in configuration, records and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cn => "cn",
            Self::Ap => "ap",
            Self::Eu => "eu",
            Self::Na => "na",
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Region {
    type Err = UnknownRegion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|r| r.name() == text).ok_or_else(|| UnknownRegion(text.into()))
    }
}

/// A text that names no region.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{0}' is no region: choose cn, ap, eu or na")]
pub struct UnknownRegion(String);
