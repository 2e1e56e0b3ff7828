//! Sound and pictures of class rooms: where they are forwarded.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::thread::available_parallelism;

use stoa_core::Countries as _;
use stoa_media::{Limits, Media};

use crate::config::Config;
use crate::failure::Failure;
use crate::node::Node;

/// Where the demo forwards them: for this machine only, as all of the demo.
const DEMO: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Starts what forwards them, if it is wanted. Answers where.
///
/// # Errors
/// When an address cannot be used, or lies in another region.
pub(super) fn start(
    config: &Config,
    node: &Node,
    demo: bool,
) -> Result<Option<SocketAddr>, Failure> {
    let Some(listen) = config.media_listen.or(demo.then_some(DEMO)) else { return Ok(None) };
    let mut addresses = config.media_addresses.clone();
    if addresses.is_empty() {
        addresses.push(listen.ip());
    }
    let region = node.console.region();
    for address in &addresses {
        let country = node.whereabouts.country(*address);
        if country.is_some_and(|country| country.region() != Some(region)) {
            return Err(Failure::Usage(format!(
                "media-addresses: {address} lies in another region than {region}, where this data centre is; sound and pictures stay in the region"
            )));
        }
    }
    let media = Media::start(stoa_media::Config {
        udp: listen,
        tcp: Some(listen),
        addresses,
        workers: available_parallelism().map_or(1, usize::from),
        limits: Limits::default(),
    });
    let media = media.map_err(|error| Failure::Usage(format!("media-listen: {error}")))?;
    let address = media.udp().first().copied();
    node.classroom.serve_media(media);
    Ok(address)
}
