//! The configuration: one set of typed settings from a file, the environment and the command line.
//!
//! Every setting is written once, as a field of [`Settings`], and has one name in three spellings:
//! `--log-level` on the command line, `STOA_LOG_LEVEL` in the environment, `log-level` in the file.
//! The command line wins over the environment, the environment over the file. What nobody knows is
//! refused with the name that was probably meant, instead of being ignored.
//!
//! [`load`] reads the layers, lays them over each other and turns them into a [`Config`], in which
//! alternatives are enums and defaults are filled in. No setting holds a secret: secrets come from
//! files, or from a variable or command that a setting names.

mod drain;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod manual;
mod regions;
mod resolve;
mod settings;
mod sources;

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use stoa_core::{Address, AddressRange, Region};
use stoa_egress::HostRegion;
use stoa_geo::GeoRange;

pub use drain::Drain;
pub use manual::{default_file, reference};
pub use regions::{Peer, RegionSettings, Regions};
pub use settings::{ClientCertificates, LogFormat, LogLevel, MetricsReach, Settings};
pub use sources::{Environment, Read, load, read};

/// The variable that the root key is taken from when no setting says otherwise and it is set.
pub const ROOT_KEY_VARIABLE: &str = "STOA_ROOT_KEY";
/// Tells a process that started itself again where to read the root key (see `root_key`).
pub const ROOT_KEY_HANDOVER: &str = "STOA_ROOT_KEY_FD";

/// What a server was told, complete and consistent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The directory of the data.
    pub data: PathBuf,
    /// The directory of the files that users send.
    pub files: PathBuf,
    /// The directory of the vault.
    pub keys: PathBuf,
    /// Further directories that are kept like `keys`.
    pub key_mirrors: Vec<PathBuf>,
    /// Where the root key comes from.
    pub root_key: RootKey,
    /// The region of this data centre; none: that of the data, or [`DEFAULT_REGION`] for new data.
    pub region: Option<Region>,
    /// The data centres that the operator has named.
    pub regions: Regions,
    /// Where other data centres fetch the directory of apps; none: nowhere.
    pub directory_listen: Option<SocketAddr>,
    /// Where HTTPS and WSS are served.
    pub listen: SocketAddr,
    /// Where HTTP and WS are served besides; on loopback.
    pub plain_http: Option<SocketAddr>,
    /// Where the demo page is; on loopback. None: on a usual port, or a free one.
    pub demo_listen: Option<SocketAddr>,
    /// The address of REST that clients are told; none: that of the listener.
    pub public_rest: Option<Address>,
    /// The address for sessions that clients are told; none: that of the listener.
    pub public_ws: Option<Address>,
    /// What proves the server's identity.
    pub tls: Tls,
    /// Where metrics are served; none: nowhere.
    pub metrics_listen: Option<SocketAddr>,
    /// Where sound and pictures of class rooms are forwarded, by UDP and by TCP; none: nowhere.
    pub media_listen: Option<SocketAddr>,
    /// The addresses under which clients reach that.
    pub media_addresses: Vec<IpAddr>,
    /// Where the token server is; none: nowhere.
    pub token_server_listen: Option<SocketAddr>,
    /// Whether its clients must have a certificate.
    pub token_server_client_certificates: ClientCertificates,
    /// The database that says in which country addresses are.
    pub geo_database: Option<PathBuf>,
    /// In which country addresses are, whatever the database says.
    pub geofence_ranges: Vec<GeoRange>,
    /// Proxies that are believed when they say who their client is.
    pub trusted_proxies: Vec<AddressRange>,
    /// Ranges that may be connected to though they are not of the open internet.
    pub egress_allow: Vec<AddressRange>,
    /// In which region hosts lie.
    pub egress_hosts: Vec<HostRegion>,
    /// How long the end may take.
    pub drain: Drain,
    /// Whether the process may be looked into, and leave a core dump.
    pub core_dumps: bool,
    /// The least important log lines that are written.
    pub log_level: LogLevel,
    /// How log lines are written.
    pub log_format: LogFormat,
}

impl Config {
    /// The directory of the vault, and its mirrors.
    pub fn vaults(&self) -> Vec<&Path> {
        std::iter::once(&self.keys).chain(&self.key_mirrors).map(PathBuf::as_path).collect()
    }
}

/// The region of a data centre that was not told one.
pub const DEFAULT_REGION: Region = Region::Eu;

/// Where the root key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootKey {
    /// The file beside the vault, made at the first start.
    Beside(PathBuf),
    /// A file of the operator's.
    File(PathBuf),
    /// The environment variable of this name.
    Variable(String),
    /// The output of this program with these arguments.
    Command(Vec<String>),
}

/// What proves the server's identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// A certificate of the server's own authority, made at the first start.
    OwnCa,
    /// A certificate of the operator's, in PEM files.
    Files {
        /// The certificate, then those of its issuers.
        certificate: PathBuf,
        /// The private key.
        key: PathBuf,
    },
}

/// Why the configuration is not accepted. Says where it was said, and what is allowed.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and what.
        message: String,
    },
    /// There is no such setting.
    #[error(
        "{origin}: there is no setting '{name}'; did you mean '{suggestion}'? known are: {known}"
    )]
    Unknown {
        /// The file, or the environment.
        origin: String,
        /// What was written.
        name: String,
        /// The most similar name.
        suggestion: String,
        /// All names.
        known: String,
    },
    /// A value is not one that the setting can have.
    #[error("{origin}: {name}: {problem}")]
    Value {
        /// The file, or the environment.
        origin: String,
        /// The setting, as it is spelled there.
        name: String,
        /// What is wrong and what is allowed.
        problem: String,
    },
    /// Settings do not fit together.
    #[error("{0}")]
    Conflict(String),
}
