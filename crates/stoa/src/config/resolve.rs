//! From what was said to what holds: defaults, alternatives, and what does not fit together.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use stoa_core::Reach;

use super::{
    ClientCertificates, Config, ConfigError, Environment, LogFormat, LogLevel, MetricsReach,
    ROOT_KEY_HANDOVER, ROOT_KEY_VARIABLE, RootKey, Settings, Tls,
};

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8443);

impl Config {
    /// The configuration that `settings` amount to. Touches no file.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn resolve(
        settings: Settings,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        Self::resolve_all(settings, environment).map_err(|mut problems| problems.remove(0))
    }

    /// The configuration that `settings` amount to, or everything that does not fit together.
    pub(super) fn resolve_all(
        settings: Settings,
        environment: &Environment,
    ) -> Result<Self, Vec<ConfigError>> {
        let mut problems = Vec::new();
        let data = settings.data.clone().unwrap_or_else(|| "data".into());
        let files = settings.files.clone().unwrap_or_else(|| data.join("files"));
        let keys = settings.keys.clone().or_else(|| beside(&data, ".keys")).unwrap_or_else(|| {
            problems.push(conflict(&format!(
                "the data directory '{}' has no name to derive that of the vault from: name one with 'keys'",
                data.display()
            )));
            PathBuf::from("keys")
        });
        let key_mirrors = settings.key_mirrors.clone().unwrap_or_default();
        for vault in std::iter::once(&keys).chain(&key_mirrors) {
            if lies_in(vault, &data) {
                problems.push(conflict(&format!(
                    "the vault '{}' must not lie in the data directory '{}': a backup of the data would hold its keys",
                    vault.display(),
                    data.display()
                )));
            }
        }
        for vault in std::iter::once(&keys).chain(&key_mirrors) {
            if lies_in(vault, &files) || lies_in(&files, vault) {
                problems.push(conflict(&format!(
                    "the files '{}' and the vault '{}' must not lie in each other: a backup of the one would hold the other",
                    files.display(),
                    vault.display()
                )));
            }
        }
        let root_key = root_key(&settings, environment, &keys).unwrap_or_else(|problem| {
            problems.push(problem);
            RootKey::Command(Vec::new())
        });
        let tls = match (settings.tls_certificate, settings.tls_key) {
            (None, None) => Tls::OwnCa,
            (Some(certificate), Some(key)) => Tls::Files { certificate, key },
            _ => {
                let text = "tls-certificate and tls-key go together: name both or none";
                problems.push(conflict(text));
                Tls::OwnCa
            }
        };
        if let Some(plain) = settings.plain_http
            && !plain.ip().is_loopback()
        {
            problems.push(conflict(&format!(
                "plain-http: {plain} is not a loopback address; without TLS everybody on the way can read along"
            )));
        }
        if let Some(page) = settings.demo_listen
            && !page.ip().is_loopback()
        {
            problems.push(conflict(&format!(
                "demo-listen: {page} is not a loopback address; the demo page is for this machine only"
            )));
        }
        if let Some(metrics) = settings.metrics_listen
            && !metrics.ip().is_loopback()
            && settings.metrics_reach.unwrap_or_default() == MetricsReach::Loopback
        {
            problems.push(conflict(&format!(
                "metrics-listen: {metrics} is not a loopback address; metrics are plain HTTP without a password, so say metrics-reach = \"anywhere\" if the network keeps others away from it"
            )));
        }
        let listen = settings.listen.unwrap_or(LISTEN);
        let client_certificates = settings.token_server_client_certificates.unwrap_or_default();
        let mut listeners = vec![
            ("listen", Some(listen)),
            ("plain-http", settings.plain_http),
            ("demo-listen", settings.demo_listen),
            ("metrics-listen", settings.metrics_listen),
        ];
        for (name, own, why) in [
            ("token-server-listen", settings.token_server_listen, "tokens are minted"),
            ("directory-listen", settings.directory_listen, "the directory is fetched"),
        ] {
            let Some(own_place) = own else { continue };
            for (other, place) in &listeners {
                if place.is_some_and(|place| same_place(own_place, place)) {
                    problems.push(conflict(&format!(
                        "{name}: {own_place} is that of {other}; {why} on a listener of its own, never on one that others reach"
                    )));
                }
            }
            listeners.push((name, own));
        }
        let media_addresses = settings.media_addresses.unwrap_or_default();
        match settings.media_listen {
            None if !media_addresses.is_empty() => problems.push(conflict(
                "media-addresses says where clients reach media-listen, which is not set",
            )),
            Some(media) if media.ip().is_unspecified() && media_addresses.is_empty() => {
                problems.push(conflict(&format!(
                    "media-listen: {media} is every address of this machine, so say in media-addresses under which ones clients reach it"
                )));
            }
            _ => {}
        }
        if let Some(address) = media_addresses.iter().find(|address| address.is_unspecified()) {
            problems.push(conflict(&format!(
                "media-addresses: {address} is no address that clients could reach"
            )));
        }
        let regions = settings.regions.unwrap_or_default();
        problems.extend(regions.problems(settings.region));
        let own_hosts = settings.region.and_then(|own| regions.hosts(own));
        if let Some(tokens) = settings.token_server_listen
            && Reach::of(tokens.ip()) == Reach::Public
            && client_certificates != ClientCertificates::Required
        {
            problems.push(conflict(&format!(
                "token-server-listen: {tokens} is neither a loopback nor a private address, so strangers may reach it: say token-server-client-certificates = \"required\", or listen on an address of an inner network"
            )));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            data,
            files,
            keys,
            key_mirrors,
            root_key,
            region: settings.region,
            listen,
            plain_http: settings.plain_http,
            demo_listen: settings.demo_listen,
            public_rest: settings.public_rest.or_else(|| own_hosts.clone().map(|hosts| hosts.rest)),
            public_ws: settings.public_ws.or_else(|| own_hosts.map(|hosts| hosts.ws)),
            regions,
            directory_listen: settings.directory_listen,
            tls,
            metrics_listen: settings.metrics_listen,
            media_listen: settings.media_listen,
            media_addresses,
            token_server_listen: settings.token_server_listen,
            token_server_client_certificates: client_certificates,
            geo_database: settings.geo_database,
            geofence_ranges: settings.geofence_ranges.unwrap_or_default(),
            trusted_proxies: settings.trusted_proxies.unwrap_or_default(),
            egress_allow: settings.egress_allow.unwrap_or_default(),
            egress_hosts: settings.egress_hosts.unwrap_or_default(),
            drain: settings.drain.unwrap_or_default(),
            core_dumps: settings.core_dumps.unwrap_or_default(),
            log_level: settings.log_level.unwrap_or(LogLevel::Info),
            log_format: settings.log_format.unwrap_or(LogFormat::Text),
        })
    }
}

fn root_key(
    settings: &Settings,
    environment: &Environment,
    keys: &Path,
) -> Result<RootKey, ConfigError> {
    let file = settings.root_key_file.clone().map(RootKey::File);
    let variable = settings.root_key_env.clone().map(RootKey::Variable);
    let command = settings.root_key_command.clone().map(|line| RootKey::Command(line.0));
    let mut named = [file, variable, command].into_iter().flatten();
    match (named.next(), named.next()) {
        (Some(_), Some(_)) => Err(conflict(
            "root-key-file, root-key-env and root-key-command exclude each other: name one",
        )),
        (Some(RootKey::Command(words)), None) if words.is_empty() => {
            Err(conflict("root-key-command: a program must be named"))
        }
        (Some(one), None) => Ok(one),
        // It is no longer there when the process has started itself again without it.
        _ if environment.has(ROOT_KEY_VARIABLE) || environment.has(ROOT_KEY_HANDOVER) => {
            Ok(RootKey::Variable(ROOT_KEY_VARIABLE.into()))
        }
        _ => beside(keys, ".root").map(RootKey::Beside).ok_or_else(|| {
            conflict("the vault's directory has no name to derive that of the root key from: name one with 'root-key-file'")
        }),
    }
}

/// Whether two listeners would be the same, as far as their addresses tell. A free port is nobody's.
fn same_place(a: SocketAddr, b: SocketAddr) -> bool {
    let any = a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() == b.port() && a.port() != 0 && (any || a.ip() == b.ip())
}

/// The path with `suffix` after its last name.
fn beside(path: &Path, suffix: &str) -> Option<PathBuf> {
    let mut name = OsString::from(path.file_name()?);
    name.push(suffix);
    Some(path.with_file_name(name))
}

/// Whether `path` is `directory` or lies below it, as they are written.
fn lies_in(path: &Path, directory: &Path) -> bool {
    let (Ok(path), Ok(directory)) = (std::path::absolute(path), std::path::absolute(directory))
    else {
        return false;
    };
    path.starts_with(directory)
}

fn conflict(text: &str) -> ConfigError {
    ConfigError::Conflict(text.into())
}
