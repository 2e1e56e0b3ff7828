//! The data centres that an app can live in (the design's table, *Place*), and how one that lives in another data
//! centre is told of.

use std::fmt;
use std::str::FromStr;

use crate::{Address, AppId, AppKey};

/// A region. An app is created in one and stays there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

    /// Where the vendor has the data centre: of chat, and of class rooms.
    pub const fn seats(self) -> (&'static str, &'static str) {
        match self {
            Self::Cn => ("Beijing", "Shanghai"),
            Self::Ap => ("Singapore", "Singapore"),
            Self::Eu => ("Frankfurt", "Frankfurt"),
            Self::Na => ("Virginia", "Silicon Valley"),
        }
    }

    /// The name by which media of class rooms are kept there.
    pub const fn media_area(self) -> &'static str {
        match self {
            Self::Cn => "AREA_CN",
            Self::Ap => "AREA_AS",
            Self::Eu => "AREA_EUR",
            Self::Na => "AREA_NA",
        }
    }

    /// Whom it serves, in words.
    pub const fn area(self) -> &'static str {
        match self {
            Self::Cn => "mainland China",
            Self::Ap => "Asia Pacific",
            Self::Eu => "Europe",
            Self::Na => "North America",
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

/// Under which addresses clients reach a data centre, by TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicHosts {
    /// For REST.
    pub rest: Address,
    /// For sessions.
    pub ws: Address,
}

impl PublicHosts {
    /// The base address of REST: `https://chat.example.org`.
    pub fn rest_url(&self) -> String {
        format!("https://{}", self.rest)
    }

    /// The address of sessions: `wss://im.example.org/websocket`.
    pub fn ws_url(&self) -> String {
        format!("wss://{}/websocket", self.ws)
    }
}

/// An app that lives in another data centre: its public names, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// Its app key.
    pub key: AppKey,
    /// Its App ID.
    pub id: AppId,
    /// Where it lives.
    pub region: Region,
    /// How that data centre is reached; none where the operator has not said it.
    pub hosts: Option<PublicHosts>,
}

impl fmt::Display for Elsewhere {
    /// For whoever came to the wrong data centre.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, id: _, region, hosts } = self;
        write!(f, "the app {key} lives in the region '{region}' and is served there alone")?;
        match hosts {
            Some(hosts) => {
                write!(f, ": REST at {}, sessions at {}", hosts.rest_url(), hosts.ws_url())
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_read_by_its_name() {
        for region in Region::ALL {
            assert_eq!(region.name().parse(), Ok(region));
            assert!(!region.area().is_empty() && !region.seats().0.is_empty());
        }
        let unknown = "EU".parse::<Region>().unwrap_err().to_string();
        assert_eq!(unknown, "'EU' is no region: choose cn, ap, eu or na");
    }

    #[test]
    fn who_comes_to_the_wrong_place_is_told_the_right_one() {
        let hosts = PublicHosts {
            rest: "chat.example.org".parse().unwrap(),
            ws: "[2001:db8::1]:8443".parse().unwrap(),
        };
        let id = AppId::from_bytes([1; 16]);
        let app = Elsewhere {
            key: "acme#support".parse().unwrap(),
            id,
            region: Region::Na,
            hosts: Some(hosts),
        };
        assert_eq!(
            app.to_string(),
            "the app acme#support lives in the region 'na' and is served there alone: REST at https://chat.example.org, sessions at wss://[2001:db8::1]:8443/websocket"
        );
        let unknown = Elsewhere { hosts: None, ..app };
        assert!(unknown.to_string().ends_with("served there alone"));
    }
}
