//! What is told of the data centres: where they are, what is known of their apps, how the exchange stands.

use serde::{Deserialize, Serialize};
use stoa_console::Conflict;
use stoa_core::{Address, PublicHosts, Region, Timestamp};

use super::Answer;
use crate::config::Config;
use crate::failure::Failure;
use crate::node::Node;
use crate::place::{self, PeerStatus};

/// A region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionView {
    /// Its name.
    pub region: String,
    /// Whether it is that of this data centre.
    pub here: bool,
    /// Whom it serves, in words.
    pub area: String,
    /// Where the vendor has the data centre of chat.
    pub chat: String,
    /// Where the vendor has the data centre of class rooms.
    pub classes: String,
    /// The base address of REST; none where it is not configured.
    pub rest_url: Option<String>,
    /// The address of sessions.
    pub ws_url: Option<String>,
    /// How many of its apps are known here.
    pub apps: usize,
    /// How the exchange of the directory with it stands; none where that is not configured.
    pub directory: Option<PeerView>,
}

/// How the exchange of the directory with another data centre stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerView {
    /// Where it is fetched.
    pub address: String,
    /// The last version that is known; 0: none.
    pub version: u64,
    /// When it answered last since the server started.
    pub answered: Option<u64>,
    /// Why it does not answer as it should, if that was the last that was heard.
    pub problem: Option<String>,
}

/// An app of another data centre that is not believed, for its key or App ID is known elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConflictView {
    /// `org#app`.
    pub app_key: String,
    /// Its App ID.
    pub app_id: String,
    /// Who says that it has it.
    pub region: String,
    /// Who has it.
    pub kept_by: String,
}

/// By what other data centres know this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentityView {
    /// Its region.
    pub region: String,
    /// What its records are verified by: an Ed25519 public key, in hexadecimal.
    pub signing_key: String,
    /// The SHA-256 of the certificate that it shows, in hexadecimal.
    pub certificate: String,
    /// The base address of REST, where it is configured: `HOST[:PORT]`.
    pub rest: Option<String>,
    /// The address of sessions.
    pub ws: Option<String>,
    /// Where its directory is fetched, where that is configured.
    pub directory: Option<String>,
}

impl From<Conflict> for ConflictView {
    fn from(conflict: Conflict) -> Self {
        Self {
            app_key: conflict.key.to_string(),
            app_id: conflict.id.as_str().into(),
            region: conflict.region.name().into(),
            kept_by: conflict.kept_by.name().into(),
        }
    }
}

pub(super) fn list(node: &Node) -> Result<Answer, Failure> {
    let (console, config) = (&node.console, &node.config);
    let own = console.region();
    let region = |region: Region| {
        let settings = config.regions.get(region);
        let hosts = settings.map(|settings| &settings.hosts);
        let peer = settings.and_then(|settings| settings.peer.as_ref());
        let (chat, classes) = region.seats();
        let directory = peer.filter(|_| region != own).map(|peer| {
            let PeerStatus { answered, problem } = node.directory.of(region);
            PeerView {
                address: peer.directory.to_string(),
                version: console.directory_cursor(region),
                answered: answered.map(Timestamp::as_millis),
                problem,
            }
        });
        RegionView {
            region: region.name().into(),
            here: region == own,
            area: region.area().into(),
            chat: chat.into(),
            classes: classes.into(),
            rest_url: hosts.map(PublicHosts::rest_url),
            ws_url: hosts.map(PublicHosts::ws_url),
            apps: console.apps_of(region),
            directory,
        }
    };
    let regions = Region::ALL.map(region).into();
    let conflicts = console.conflicts().into_iter().map(ConflictView::from).collect();
    Ok(Answer::Regions { regions, conflicts })
}

pub(super) async fn identity(node: &Node) -> Result<Answer, Failure> {
    let (signer, shown) = place::identity(node).await?;
    let Config { public_rest, public_ws, regions, directory_listen, .. } = &*node.config;
    let said = regions.get(node.console.region()).and_then(|settings| settings.peer.as_ref());
    let listen = || directory_listen.map(|address| address.to_string());
    let text = |address: &Option<Address>| address.as_ref().map(Address::to_string);
    let certificate = shown.fingerprint()?.to_string().replace(':', "").to_ascii_lowercase();
    Ok(Answer::RegionIdentity(IdentityView {
        region: node.console.region().name().into(),
        signing_key: signer.public_key().to_string(),
        certificate,
        rest: text(public_rest),
        ws: text(public_ws),
        directory: said.map(|peer| peer.directory.to_string()).or_else(listen),
    }))
}
