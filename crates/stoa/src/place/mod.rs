//! The exchange of the directory with the data centres of other regions.
//!
//! Each fetches from each: what it does not have yet, every few seconds, by mutual TLS with the certificates that the
//! operator has named (`door` answers, `fetch` asks). A question is the last version that is known; an answer is
//! signed records. Nothing else goes between data centres, and nobody waits for anybody: what is known lies in the own
//! store ([`stoa_console`]).

mod door;
mod fetch;
mod status;

use std::sync::Arc;

use stoa_core::{Operator, Region};
use stoa_store::SigningKey;
use tokio::task::JoinSet;

pub use door::Door;
pub use status::{PeerStatus, Statuses};

use crate::authority;
use crate::config::Config;
use crate::failure::Failure;
use crate::node::Node;
use crate::tls::DirectoryIdentity;

/// What other data centres know this one by: the key that it signs by, and the certificate that it shows. Made at
/// first need.
///
/// # Errors
/// When the one or the other cannot be read or kept.
pub async fn identity(node: &Node) -> Result<(Arc<SigningKey>, DirectoryIdentity), Failure> {
    let operator = Operator::of_this_process();
    let signer = node.store.signing_key(&operator, &*node.entropy).await?;
    let (region, data) = (node.console.region(), &node.config.data);
    let shown = authority::open_for_directory(data, region, &node.vault, &*node.clock).await?;
    Ok((signer, shown))
}

/// Begins to fetch from every data centre that the configuration names. It ends with `background`.
///
/// # Errors
/// When there is nothing to be known by.
pub async fn start(
    config: &Config,
    node: &Node,
    background: &mut JoinSet<()>,
) -> Result<(), Failure> {
    let own = node.console.region();
    warn_of_own_entry(config, node, own).await?;
    if config.regions.peers(own).next().is_none() {
        return Ok(());
    }
    let (_, shown) = identity(node).await?;
    for (region, peer) in config.regions.peers(own) {
        let fetcher = fetch::Fetcher::new(region, peer, &shown, node)?;
        background.spawn(fetcher.run());
    }
    Ok(())
}

/// The same table lies in every data centre: what it says of this one should be so.
async fn warn_of_own_entry(config: &Config, node: &Node, own: Region) -> Result<(), Failure> {
    let Some(said) = config.regions.get(own).and_then(|settings| settings.peer.as_ref()) else {
        return Ok(());
    };
    let (signer, shown) = identity(node).await?;
    if said.signing_key != signer.public_key() || said.certificate != shown.fingerprint()? {
        tracing::warn!(
            region = own.name(),
            "the table of regions names another signing-key or certificate than this data centre has: where the others have the same table, they will not believe it (stoa region identity)"
        );
    }
    Ok(())
}
