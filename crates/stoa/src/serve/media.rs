//! Sound and pictures of class rooms: where they are forwarded.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::thread::available_parallelism;

use stoa_core::Countries as _;
use stoa_media::{Counters, Limits, Media};
use stoa_metrics::media as figures;

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

/// Tells the metrics what is counted of them.
pub(super) fn tell(counted: &Counters) {
    use figures::Dropped;
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    // What is there by now is never less than nothing.
    let now = |gauge: &AtomicI64| u64::try_from(gauge.load(Ordering::Relaxed)).unwrap_or_default();
    figures::OPEN.set_unsigned(now(&counted.participants));
    figures::HALF_OPEN.set_unsigned(now(&counted.half_open));
    figures::ROOMS.set_unsigned(now(&counted.rooms));
    for (figure, counter) in [
        (&figures::BROKEN, &counted.broken),
        (&figures::RECEIVED, &counted.packets),
        (&figures::FORWARDED, &counted.forwarded),
        (&figures::SENT_BYTES, &counted.sent_bytes),
        (&figures::FAULTS, &counted.panics),
        (figures::DROPPED.of(Dropped::Forbidden), &counted.forbidden),
        (figures::DROPPED.of(Dropped::Stranger), &counted.strangers),
        (figures::DROPPED.of(Dropped::Malformed), &counted.malformed),
        (figures::DROPPED.of(Dropped::Overrun), &counted.overrun),
        (figures::DROPPED.of(Dropped::Unsent), &counted.unsent),
    ] {
        figure.set(count(counter));
    }
}
