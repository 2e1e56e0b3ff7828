//! The data centres as the operator names them: where clients reach each, and by what it is known to the others.
//!
//! One table for all of them, so that the same file can lie in each data centre and only `region` differs. What a
//! data centre needs of another to exchange the directory goes together: its address, the key that it signs by, and
//! the certificate that it shows (`stoa region identity` prints the two).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use stoa_console::Fingerprint;
use stoa_core::{Address, AddressRange, PublicHosts, Region};
use stoa_store::PublicKey;

use super::ConfigError;

/// The data centres that are named, by region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Regions(BTreeMap<Region, RegionSettings>);

/// What the operator says of one data centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionSettings {
    /// Where clients reach it.
    pub hosts: PublicHosts,
    /// By what other data centres know it; none: nothing is exchanged with it.
    pub peer: Option<Peer>,
}

/// What is needed to exchange the directory with a data centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Where it is fetched.
    pub directory: Address,
    /// By what its records are verified.
    pub signing_key: PublicKey,
    /// The certificate that it shows, as a server and as a client.
    pub certificate: Fingerprint,
}

/// One table, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    rest: String,
    ws: String,
    directory: Option<String>,
    signing_key: Option<String>,
    certificate: Option<String>,
}

/// Reads one field of a region's table.
fn field<T: FromStr<Err: fmt::Display>>(
    region: Region,
    name: &str,
    text: &str,
) -> Result<T, String> {
    text.parse().map_err(|error| format!("{region}: {name}: {error}"))
}

impl RegionSettings {
    fn read(region: Region, written: Written) -> Result<Self, String> {
        let Written { rest, ws, directory, signing_key, certificate } = written;
        let hosts =
            PublicHosts { rest: field(region, "rest", &rest)?, ws: field(region, "ws", &ws)? };
        let peer = match (directory, signing_key, certificate) {
            (Some(directory), Some(signing_key), Some(certificate)) => Some(Peer {
                directory: field(region, "directory", &directory)?,
                signing_key: field(region, "signing-key", &signing_key)?,
                certificate: field(region, "certificate", &certificate)?,
            }),
            (None, None, None) => None,
            _ => {
                return Err(format!(
                    "{region}: directory, signing-key and certificate go together: name all three or none"
                ));
            }
        };
        Ok(Self { hosts, peer })
    }
}

impl Regions {
    fn read(tables: BTreeMap<String, Written>) -> Result<Self, String> {
        let mut regions = BTreeMap::new();
        for (name, written) in tables {
            let region: Region = name.parse().map_err(|error| format!("{error}"))?;
            regions.insert(region, RegionSettings::read(region, written)?);
        }
        Ok(Self(regions))
    }

    /// What is said of a region.
    pub fn get(&self, region: Region) -> Option<&RegionSettings> {
        self.0.get(&region)
    }

    /// Where clients reach the data centre of a region.
    pub fn hosts(&self, region: Region) -> Option<PublicHosts> {
        self.get(region).map(|region| region.hosts.clone())
    }

    /// Where clients reach each that is named.
    pub fn all_hosts(&self) -> impl Iterator<Item = (Region, PublicHosts)> {
        self.0.iter().map(|(region, settings)| (*region, settings.hosts.clone()))
    }

    /// The addresses at which directories are fetched, as far as they are named as such.
    pub fn addresses(&self) -> impl Iterator<Item = AddressRange> {
        let peers = self.0.values().filter_map(|settings| settings.peer.as_ref());
        // An address alone is a range too; a name is none.
        peers.filter_map(|peer| peer.directory.host.parse().ok())
    }

    /// With whom the data centre of region `own` exchanges the directory.
    pub fn peers(&self, own: Region) -> impl Iterator<Item = (Region, &Peer)> {
        let others = self.0.iter().filter(move |(region, _)| **region != own);
        others.filter_map(|(region, settings)| Some((*region, settings.peer.as_ref()?)))
    }

    /// What does not fit together, in the data centre of region `own`.
    pub(super) fn problems(&self, own: Option<Region>) -> Vec<ConfigError> {
        let mut problems = Vec::new();
        let mut problem = |text: String| problems.push(ConfigError::Conflict(text));
        if !self.0.is_empty() && own.is_none() {
            problem("regions: say which of them this data centre is, with region".into());
        }
        let mut keys = BTreeMap::new();
        for (region, settings) in &self.0 {
            let Some(peer) = &settings.peer else { continue };
            if let Some(other) = keys.insert(peer.signing_key.to_string(), *region) {
                problem(format!(
                    "regions: {other} and {region} have the same signing-key; each data centre has its own"
                ));
            }
        }
        problems
    }
}

impl FromStr for Regions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let tables = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        Self::read(tables)
    }
}

impl<'de> Deserialize<'de> for Regions {
    /// From tables, or from a text that holds them: all that a variable or an argument can hold.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = toml::Value::deserialize(deserializer)?;
        let regions = match value {
            toml::Value::String(text) => text.parse(),
            tables => tables
                .try_into()
                .map_err(|error: toml::de::Error| error.message().to_owned())
                .and_then(Self::read),
        };
        regions.map_err(D::Error::custom)
    }
}
