//! The settings as they are given, each with its name, meaning and default.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use stoa_core::{Address, AddressRange, Region};
use stoa_egress::HostRegion;
use stoa_geo::GeoRange;

use super::{Drain, Regions};

/// What one source says: the file, the environment or the command line.
///
/// The documentation of a field is its help on the command line. Field names are the names of the
/// settings, with `-` for `_`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[command(next_help_heading = "Settings (also in the configuration file, and as STOA_… variables)")]
pub struct Settings {
    /// The directory of the data [default: data]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// The directory of the files that users send, sealed [default: "files" in the data directory]
    #[arg(long, global = true, value_name = "DIR", hide_short_help = true)]
    pub files: Option<PathBuf>,

    /// The directory of the vault, never inside that of the data [default: the data directory's
    /// name with ".keys"]
    #[arg(long, global = true, value_name = "DIR")]
    pub keys: Option<PathBuf>,

    /// A further directory that is kept like the vault's, on another disk; may be repeated
    #[arg(long, global = true, value_name = "DIR", value_delimiter = ':')]
    #[serde(deserialize_with = "paths")]
    pub key_mirrors: Option<Vec<PathBuf>>,

    /// The file that holds the root key, readable by its owner only [default: the vault directory's
    /// name with ".root", made at the first start]
    #[arg(long, global = true, value_name = "FILE")]
    pub root_key_file: Option<PathBuf>,

    /// The name of the environment variable that holds the root key; it is wiped after reading.
    /// STOA_ROOT_KEY is used without being named
    #[arg(long, global = true, value_name = "NAME")]
    pub root_key_env: Option<String>,

    /// The command that writes the root key to its standard output: a program and its arguments,
    /// separated by spaces (in the file also as a list); no shell
    #[arg(long, global = true, value_name = "COMMAND")]
    pub root_key_command: Option<CommandLine>,

    /// The region of this data centre: cn, ap, eu or na [default: that of the data; eu for new data]
    #[arg(long, global = true)]
    #[serde(deserialize_with = "parsed")]
    pub region: Option<Region>,

    /// The address for HTTPS and WSS; port 0 takes a free one [default: 127.0.0.1:8443]
    #[arg(long, global = true, value_name = "IP:PORT", hide_short_help = true)]
    pub listen: Option<SocketAddr>,

    /// A further address, on loopback, for HTTP and WS without TLS (behind a proxy on the same
    /// machine) [default: none]
    #[arg(long, global = true, value_name = "IP:PORT", hide_short_help = true)]
    pub plain_http: Option<SocketAddr>,

    /// The address of the demo page, on loopback, for HTTP without TLS; port 0 takes a free one. Only
    /// with --demo [default: 127.0.0.1:8480, or a free port if that is taken]
    #[arg(long, global = true, value_name = "IP:PORT", hide_short_help = true)]
    pub demo_listen: Option<SocketAddr>,

    /// All data centres, as TOML; in the file as tables [regions.eu]: rest and ws (the addresses that clients
    /// are told), and for the exchange of the directory, as 'stoa region identity' prints them, directory
    /// (HOST:PORT), signing-key and certificate. The same for all of them; region says which one this is
    /// [default: none]
    #[arg(long, global = true, value_name = "TOML", hide_short_help = true)]
    pub regions: Option<Regions>,

    /// The address at which other data centres fetch the directory of apps: TLS, for those alone that regions
    /// names [default: none]
    #[arg(long, global = true, value_name = "IP:PORT", hide_short_help = true)]
    pub directory_listen: Option<SocketAddr>,

    /// The address of REST that clients are told in the DNS document [default: that of the listener]
    #[arg(long, global = true, value_name = "HOST[:PORT]", hide_short_help = true)]
    #[serde(deserialize_with = "parsed")]
    pub public_rest: Option<Address>,

    /// The address for sessions that clients are told in the DNS document [default: that of the
    /// listener]
    #[arg(long, global = true, value_name = "HOST[:PORT]", hide_short_help = true)]
    #[serde(deserialize_with = "parsed")]
    pub public_ws: Option<Address>,

    /// The file with the certificate and those of its issuers, PEM; with tls-key [default: none, a
    /// certificate authority of the server's own, whose public part is tls/ca.pem in the data
    /// directory]
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub tls_certificate: Option<PathBuf>,

    /// The file with the certificate's private key, PEM, readable by its owner only
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub tls_key: Option<PathBuf>,

    /// A further address for metrics (GET /metrics) and nothing else, HTTP without TLS [default: none]
    #[arg(long, global = true, value_name = "IP:PORT", hide_short_help = true)]
    pub metrics_listen: Option<SocketAddr>,

    /// Where metrics may be read: loopback refuses any other address for metrics-listen; anywhere leaves
    /// it to the network who can read them [default: loopback]
    #[arg(long, global = true, value_name = "WHERE", hide_short_help = true)]
    pub metrics_reach: Option<MetricsReach>,

    /// The address for sound and pictures of class rooms: UDP, and TCP for networks that let no UDP through; port 0
    /// takes a free one [default: none, rooms have no media; with --demo 127.0.0.1, a free port]
    #[arg(long, global = true, value_name = "IP:PORT", hide_short_help = true)]
    pub media_listen: Option<SocketAddr>,

    /// The addresses under which clients reach media-listen, separated by commas (in the file a list); they have to
    /// lie in the region [default: that of media-listen]
    #[arg(long, global = true, value_name = "IP", value_delimiter = ',', hide_short_help = true)]
    #[serde(deserialize_with = "list")]
    pub media_addresses: Option<Vec<IpAddr>>,

    /// The address of the token server, at which apps' back ends have user tokens minted: HTTPS, for
    /// them alone [default: none]
    #[arg(long, global = true, value_name = "IP:PORT", hide_short_help = true)]
    pub token_server_listen: Option<SocketAddr>,

    /// Whether the token server lets in clients without a certificate, which then need a key: optional
    /// does; required does not, and must be said for an address that is neither loopback nor private
    /// [default: optional]
    #[arg(long, global = true, value_name = "WHETHER", hide_short_help = true)]
    pub token_server_client_certificates: Option<ClientCertificates>,

    /// A database in MaxMind's format (.mmdb) that says in which country addresses are; SIGHUP reads it
    /// again [default: none]
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub geo_database: Option<PathBuf>,

    /// In which country addresses are, whatever the database says: RANGE=COUNTRY, separated by commas (in
    /// the file also as a list), for example 10.0.0.0/8=DE [default: none]
    #[arg(
        long,
        global = true,
        value_name = "RANGES",
        value_delimiter = ',',
        hide_short_help = true
    )]
    #[serde(deserialize_with = "list")]
    pub geofence_ranges: Option<Vec<GeoRange>>,

    /// Ranges of addresses of proxies that are believed when they say who their client is
    /// (X-Forwarded-For, Forwarded), separated by commas (in the file also as a list) [default: none]
    #[arg(
        long,
        global = true,
        value_name = "RANGES",
        value_delimiter = ',',
        hide_short_help = true
    )]
    #[serde(deserialize_with = "list")]
    pub trusted_proxies: Option<Vec<AddressRange>>,

    /// Ranges of addresses that the server may connect to though they are not of the open internet: the
    /// own networks, which count as lying in this region; separated by commas (in the file also as a
    /// list) [default: none]
    #[arg(
        long,
        global = true,
        value_name = "RANGES",
        value_delimiter = ',',
        hide_short_help = true
    )]
    #[serde(deserialize_with = "list")]
    pub egress_allow: Option<Vec<AddressRange>>,

    /// In which region hosts lie that the server connects to, whatever the database says: HOST=REGION or
    /// *.HOST=REGION, separated by commas (in the file also as a list) [default: none]
    #[arg(
        long,
        global = true,
        value_name = "HOSTS",
        value_delimiter = ',',
        hide_short_help = true
    )]
    #[serde(deserialize_with = "list")]
    pub egress_hosts: Option<Vec<HostRegion>>,

    /// How long the end of the server may take, in seconds, 1 to 600: sessions are told to come again
    /// spread over half of it. Longer than a restart only where another node takes over, as clients give
    /// up after some ten seconds [default: 4]
    #[arg(long, global = true, value_name = "SECONDS", hide_short_help = true)]
    pub drain: Option<Drain>,

    /// Whether a crash may leave a core dump, and programs of the same user (perf, debuggers) may look
    /// into the process: true or false. What they see holds keys and messages [default: false]
    #[arg(long, global = true, value_name = "TRUE|FALSE", hide_short_help = true)]
    #[serde(deserialize_with = "truth")]
    pub core_dumps: Option<bool>,

    /// The least important log lines that are written [default: info]
    #[arg(long, global = true, value_name = "LEVEL", hide_short_help = true)]
    pub log_level: Option<LogLevel>,

    /// How log lines are written [default: text]
    #[arg(long, global = true, value_name = "FORMAT", hide_short_help = true)]
    pub log_format: Option<LogFormat>,
}

impl Settings {
    /// The names of all settings, in the order of their definition.
    pub fn names() -> Vec<String> {
        let command = <Self as clap::Args>::augment_args(clap::Command::new("stoa"));
        command.get_arguments().filter_map(|arg| arg.get_long()).map(str::to_owned).collect()
    }

    /// These settings, and those of `below` where these say nothing.
    ///
    /// Alternatives are one thing: whoever names a source of the root key here is not disturbed by
    /// another kind of source there.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        let mut below = below;
        if self.names_root_key() {
            below.root_key_file = None;
            below.root_key_env = None;
            below.root_key_command = None;
        }
        self.beside(below)
    }

    /// These settings together with `other` ones of the same source.
    #[must_use]
    pub(super) fn beside(self, other: Self) -> Self {
        Self {
            data: self.data.or(other.data),
            files: self.files.or(other.files),
            keys: self.keys.or(other.keys),
            key_mirrors: self.key_mirrors.or(other.key_mirrors),
            root_key_file: self.root_key_file.or(other.root_key_file),
            root_key_env: self.root_key_env.or(other.root_key_env),
            root_key_command: self.root_key_command.or(other.root_key_command),
            region: self.region.or(other.region),
            regions: self.regions.or(other.regions),
            directory_listen: self.directory_listen.or(other.directory_listen),
            listen: self.listen.or(other.listen),
            plain_http: self.plain_http.or(other.plain_http),
            demo_listen: self.demo_listen.or(other.demo_listen),
            public_rest: self.public_rest.or(other.public_rest),
            public_ws: self.public_ws.or(other.public_ws),
            tls_certificate: self.tls_certificate.or(other.tls_certificate),
            tls_key: self.tls_key.or(other.tls_key),
            metrics_listen: self.metrics_listen.or(other.metrics_listen),
            metrics_reach: self.metrics_reach.or(other.metrics_reach),
            media_listen: self.media_listen.or(other.media_listen),
            media_addresses: self.media_addresses.or(other.media_addresses),
            token_server_listen: self.token_server_listen.or(other.token_server_listen),
            token_server_client_certificates: self
                .token_server_client_certificates
                .or(other.token_server_client_certificates),
            geo_database: self.geo_database.or(other.geo_database),
            geofence_ranges: self.geofence_ranges.or(other.geofence_ranges),
            trusted_proxies: self.trusted_proxies.or(other.trusted_proxies),
            egress_allow: self.egress_allow.or(other.egress_allow),
            egress_hosts: self.egress_hosts.or(other.egress_hosts),
            drain: self.drain.or(other.drain),
            core_dumps: self.core_dumps.or(other.core_dumps),
            log_level: self.log_level.or(other.log_level),
            log_format: self.log_format.or(other.log_format),
        }
    }

    fn names_root_key(&self) -> bool {
        self.root_key_file.is_some()
            || self.root_key_env.is_some()
            || self.root_key_command.is_some()
    }
}

/// Where metrics may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum MetricsReach {
    /// On this machine.
    #[default]
    Loopback,
    /// Wherever the address can be reached.
    Anywhere,
}

/// Whether clients of the token server must have a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificates {
    /// Who has none needs a key.
    #[default]
    Optional,
    /// Who has none is not let in.
    Required,
}

/// The importance of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What stopped working.
    Error,
    /// What should be looked at.
    Warn,
    /// Starts, ends and changes.
    Info,
    /// What leads to them.
    Debug,
    /// Everything.
    Trace,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine(pub Vec<String>);

impl FromStr for CommandLine {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.split_whitespace().map(str::to_owned).collect()))
    }
}

impl<'de> Deserialize<'de> for CommandLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match OneOrMore::deserialize(deserializer)? {
            OneOrMore::One(text) => Self(text.split_whitespace().map(str::to_owned).collect()),
            OneOrMore::More(words) => Self(words),
        })
    }
}

/// A text, or a list of texts.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// A list of paths, or a text in which they are separated by ':'.
fn paths<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<PathBuf>>, D::Error> {
    Ok(Some(match OneOrMore::deserialize(deserializer)? {
        OneOrMore::One(text) => {
            text.split(':').filter(|path| !path.is_empty()).map(PathBuf::from).collect()
        }
        OneOrMore::More(texts) => texts.into_iter().map(PathBuf::from).collect(),
    }))
}

/// A list of values that are parsed from texts, or a text in which they are separated by commas.
fn list<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    let texts = match OneOrMore::deserialize(deserializer)? {
        OneOrMore::One(text) => text.split(',').map(str::to_owned).collect(),
        OneOrMore::More(texts) => texts,
    };
    let texts = texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
    let said = |text: &str, error: T::Err| D::Error::custom(format!("'{text}': {error}"));
    texts
        .map(|text| text.parse().map_err(|error| said(text, error)))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// True or false, also as a text, which is all that a variable can hold.
fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected true or false")]
    enum Truth {
        Is(bool),
        Said(String),
    }
    match Truth::deserialize(deserializer)? {
        Truth::Is(truth) => Ok(Some(truth)),
        Truth::Said(text) => {
            text.parse().map(Some).map_err(|_| D::Error::custom("expected true or false"))
        }
    }
}

/// A value that is parsed from a text.
fn parsed<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}
