//! How long the end of a server may take.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// A number of seconds, from 1 to 600.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drain(u16);

/// A text that is no such number.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
#[error("expected a number of seconds from 1 to 600")]
pub struct DrainError;

impl Default for Drain {
    fn default() -> Self {
        Self(4)
    }
}

impl Drain {
    /// As a duration.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }
}

impl TryFrom<i64> for Drain {
    type Error = DrainError;

    fn try_from(seconds: i64) -> Result<Self, DrainError> {
        u16::try_from(seconds).ok().filter(|s| (1..=600).contains(s)).map(Self).ok_or(DrainError)
    }
}

impl FromStr for Drain {
    type Err = DrainError;

    fn from_str(text: &str) -> Result<Self, DrainError> {
        text.parse::<i64>().map_err(|_| DrainError)?.try_into()
    }
}

impl fmt::Display for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A number or a text.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number of seconds from 1 to 600")]
enum Given {
    Number(i64),
    Text(String),
}

impl<'de> Deserialize<'de> for Drain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Given::deserialize(deserializer)? {
            Given::Number(seconds) => seconds.try_into(),
            Given::Text(text) => text.parse(),
        }
        .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_within_bounds() {
        assert_eq!("600".parse(), Ok(Drain(600)));
        for text in ["0", "601", "-1", "", "4s", "99999999999999999999"] {
            assert_eq!(text.parse::<Drain>(), Err(DrainError), "{text}");
        }
        let read = |text: &str| {
            toml::from_str::<std::collections::BTreeMap<String, Drain>>(text)
                .map(|table| table["drain"])
        };
        assert_eq!(read("drain = 30").unwrap(), Drain(30));
        assert_eq!(read("drain = '30'").unwrap(), Drain(30));
        assert!(read("drain = 0").is_err() && read("drain = true").is_err());
    }
}
