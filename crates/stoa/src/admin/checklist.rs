//! What the checklist goes by, looked up; what follows from it is the console's to say.

use serde::{Deserialize, Serialize};
use stoa_console::Credential;
use stoa_console::checklist::{
    AppFacts, ClientFacts, Item, NodeFacts, TokenServerFacts, Volume, checklist,
};
use stoa_core::{App, AppKey, Operator, Reach, ServerCertificate};

use super::{Answer, Level, Text, audit};
use crate::config::{ClientCertificates, Tls};
use crate::doctor;
use crate::failure::{Failure, explain};
use crate::node::Node;
use crate::tls::{Validity, read_files};

/// An item of the checklist. Its JSON form is what `--json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemView {
    /// What, for programs: does not change.
    pub id: String,
    /// What, for people.
    pub title: String,
    /// `pass`, `warn`, `fail`, `stated` or `not_applicable`.
    pub status: String,
    /// Why.
    pub reason: String,
    /// What mends it.
    pub mend: Option<String>,
    /// The app; none: the server.
    pub app: Option<String>,
}

impl From<Item> for ItemView {
    fn from(item: Item) -> Self {
        let Item { id, title, app, status, reason, mend } = item;
        let (id, title, status) = (id.into(), title.into(), status.name().into());
        Self { id, title, status, reason, mend, app }
    }
}

pub(super) async fn carry_out(node: &Node, app: Option<Text<AppKey>>) -> Result<Answer, Failure> {
    let apps = match app {
        Some(Text(key)) => vec![node.app(&key)?],
        None => node.console.apps(),
    };
    let mut facts = Vec::with_capacity(apps.len());
    for app in apps {
        facts.push(of_app(node, &app).await?);
    }
    let items = checklist(&of_node(node).await?, &facts);
    Ok(Answer::Checklist { items: items.into_iter().map(ItemView::from).collect() })
}

async fn of_node(node: &Node) -> Result<NodeFacts, Failure> {
    let config = &node.config;
    let open = doctor::permissions(config).into_iter();
    let open = open.filter(|check| check.level == Level::Failure);
    let chains = audit::chains(node).await?;
    let required = config.token_server_client_certificates == ClientCertificates::Required;
    Ok(NodeFacts {
        now: node.clock.now(),
        plain_http: config.plain_http.is_some(),
        tls_until: tls_until(&config.tls),
        open_to_others: open.map(|check| (check.found, check.advice.unwrap_or_default())).collect(),
        weak_secrets: weak_secrets(&node.console.apps()),
        mirrors: config.key_mirrors.len(),
        volume: volume(&config.keys),
        knows_countries: node.whereabouts.knows_anything(),
        core_dumps: config.core_dumps,
        broken_chains: chains.into_iter().filter_map(|chain| chain.problem).collect(),
        token_server: config.token_server_listen.map(|address| TokenServerFacts {
            public: Reach::of(address.ip()) == Reach::Public,
            certificates_required: required,
        }),
    })
}

async fn of_app(node: &Node, app: &std::sync::Arc<App>) -> Result<AppFacts, Failure> {
    let scope = Operator::of_this_process().in_app(app.clone());
    let seen = node.chat.observations(&scope).await?;
    let clients = node.console.token_clients().into_iter();
    let clients = clients.filter(|client| client.app == app.number).map(|client| ClientFacts {
        name: client.name.as_str().into(),
        certificate: matches!(client.credential, Credential::Certificate { .. }),
        has_addresses: !client.addresses.is_empty(),
    });
    Ok(AppFacts {
        app: (**app).clone(),
        last_back_end_token: seen.last_back_end_token,
        last_door_token: seen.last_door_token,
        longest_life_s: seen.longest_life_s,
        users: seen.users,
        groups: seen.groups,
        rooms: seen.rooms,
        clients: clients.collect(),
    })
}

/// When the certificate of the configuration ends; none for the server's own authority, which renews it.
fn tls_until(tls: &Tls) -> Option<Result<stoa_core::Timestamp, String>> {
    let Tls::Files { certificate, key } = tls else { return None };
    Some(match read_files(certificate, key) {
        Err(error) => Err(explain(&error)),
        Ok(pair) => {
            let until = pair.cert.first().and_then(Validity::of).map(|validity| validity.until);
            until.ok_or_else(|| format!("{} is malformed", certificate.display()))
        }
    })
}

/// Certificates of apps that can be guessed.
fn weak_secrets(apps: &[std::sync::Arc<App>]) -> Vec<String> {
    let weak = |secret: &str| {
        let mut seen: Vec<u8> = secret.bytes().map(|byte| byte.to_ascii_lowercase()).collect();
        seen.sort_unstable();
        seen.dedup();
        // Of 32 random hexadecimal digits, fewer than 7 differ in one of 10^8.
        seen.len() < 7
    };
    let of_app = |app: &std::sync::Arc<App>| {
        let certificates = app.certificates.iter().map(|certificate| certificate.expose());
        certificates
            .chain(app.server_certificates().map(ServerCertificate::expose))
            .any(weak)
            .then(|| format!("a certificate of {}", app.key))
    };
    apps.iter().filter_map(of_app).collect()
}

/// File systems by the number that the system tells (statfs(2)), as far as they are known to overwrite in place or
/// not to.
const FILE_SYSTEMS: &[(i64, Volume, &str)] = &[
    (0xEF53, Volume::Plain, "ext4"),
    (0x5846_5342, Volume::Plain, "xfs"),
    (0x0102_1994, Volume::Plain, "tmpfs"),
    (0x9123_683E, Volume::CopyOnWrite, "btrfs"),
    (0x2FC1_2FC1, Volume::CopyOnWrite, "zfs"),
    (0x794C_7630, Volume::CopyOnWrite, "overlayfs"),
    (0xF2F5_2010, Volume::CopyOnWrite, "f2fs"),
    (0xCA45_1A4E, Volume::CopyOnWrite, "bcachefs"),
];

fn volume(keys: &std::path::Path) -> (Volume, String) {
    #[cfg(target_os = "linux")]
    if let Ok(found) = rustix::fs::statfs(keys) {
        #[allow(clippy::useless_conversion, reason = "the type differs between machines")]
        let number = i64::try_from(found.f_type).unwrap_or_default();
        let known = FILE_SYSTEMS.iter().find(|(magic, ..)| *magic == number);
        return known.map_or_else(
            || (Volume::Unknown, format!("the file system {number:#x}")),
            |(_, volume, name)| (*volume, (*name).into()),
        );
    }
    (Volume::Unknown, format!("the volume of {}", keys.display()))
}
