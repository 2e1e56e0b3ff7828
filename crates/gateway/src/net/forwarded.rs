//! Who the client behind a proxy is.
//!
//! Anybody can write the headers that say so. They count only on connections from a proxy that the
//! operator trusts, and in them only what such proxies have added: read from the right, the first address
//! that is none of them.

use std::net::{IpAddr, SocketAddr};

use stoa_core::AddressRange;

/// Hops that are looked at; who goes through more is known by the proxy that told us.
const HOPS: usize = 32;

/// Whether `address` is that of a proxy.
fn is_proxy(proxies: &[AddressRange], address: IpAddr) -> bool {
    proxies.iter().any(|range| range.contains(address))
}

/// The client's address on a connection from `peer`, by the headers of its request.
pub(crate) fn client<'a>(
    peer: IpAddr,
    proxies: &[AddressRange],
    headers: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> IpAddr {
    if !is_proxy(proxies, peer) {
        return peer;
    }
    let (mut standard, mut usual) = (Vec::new(), Vec::new());
    for (name, value) in headers {
        let value = std::str::from_utf8(value).unwrap_or_default();
        if name.eq_ignore_ascii_case("forwarded") {
            standard.extend(value.split(',').map(of_forwarded));
        } else if name.eq_ignore_ascii_case("x-forwarded-for") {
            usual.extend(value.split(',').map(node));
        }
    }
    match (standard.is_empty(), usual.is_empty()) {
        (true, true) => peer,
        (false, true) => walk(peer, proxies, &standard),
        (true, false) => walk(peer, proxies, &usual),
        // A proxy writes one of them, and lets through what the client wrote in the other.
        (false, false) => {
            let told = walk(peer, proxies, &standard);
            if told == walk(peer, proxies, &usual) { told } else { peer }
        }
    }
}

/// From the right, the first hop that is no proxy; of one that nobody can read, whoever told of it.
fn walk(peer: IpAddr, proxies: &[AddressRange], hops: &[Option<IpAddr>]) -> IpAddr {
    let mut told = peer;
    for hop in hops.iter().rev().take(HOPS) {
        let Some(address) = hop else { return told };
        told = *address;
        if !is_proxy(proxies, told) {
            return told;
        }
    }
    // Only proxies: the outermost, or beyond what is looked at nobody that is known.
    if hops.len() > HOPS { peer } else { told }
}

/// The address in one element of `Forwarded` (RFC 7239, section 4).
fn of_forwarded(element: &str) -> Option<IpAddr> {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    node(value.trim().trim_matches('"'))
}

/// The address of a hop: alone, or with a port; IPv6 with a port in brackets.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address| IpAddr::to_canonical(&address))
}

/// The client's address by the bytes of a request's head.
pub(crate) fn client_of_head(peer: IpAddr, proxies: &[AddressRange], head: &[u8]) -> IpAddr {
    if !is_proxy(proxies, peer) {
        return peer;
    }
    let mut headers = [httparse::EMPTY_HEADER; super::upgrade::HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    // It was read before; what cannot be read says nothing of anybody.
    if request.parse(head).is_err() {
        return peer;
    }
    client(peer, proxies, request.headers.iter().map(|header| (header.name, header.value)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn found(peer: &str, headers: &[(&str, &str)]) -> String {
        let proxies = ["10.0.0.0/8", "fd00::/8"].map(|range| range.parse().unwrap());
        let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
        client(ip(peer), &proxies, headers).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let said = [("X-Forwarded-For", "1.2.3.4"), ("Forwarded", "for=1.2.3.4")];
        assert_eq!(found("9.9.9.9", &said), "9.9.9.9");
        assert_eq!(found("10.0.0.1", &said[..1]), "1.2.3.4");
        assert_eq!(found("10.0.0.1", &said[1..]), "1.2.3.4");
        assert_eq!(found("10.0.0.1", &said), "1.2.3.4", "both say the same");
        assert_eq!(found("::ffff:10.0.0.1", &said[..1]), "1.2.3.4");
        assert_eq!(found("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn what_the_client_wrote_itself_stands_to_the_left_and_does_not_count() {
        for (value, client) in [
            ("6.6.6.6, 1.2.3.4", "1.2.3.4"),
            ("6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4"),
            ("6.6.6.6,1.2.3.4:4711,10.0.0.2, fd00::3", "1.2.3.4"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("6.6.6.6, unknown", "10.0.0.1"),
            ("6.6.6.6, unknown, 10.0.0.2", "10.0.0.2"),
            ("[2a00::1]:443", "2a00::1"),
            ("2a00::1", "2a00::1"),
            ("", "10.0.0.1"),
            ("::ffff:1.2.3.4", "1.2.3.4"),
        ] {
            assert_eq!(found("10.0.0.1", &[("x-forwarded-for", value)]), client, "{value}");
        }
        let lines = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "1.2.3.4")];
        assert_eq!(found("10.0.0.1", &lines), "1.2.3.4");
    }

    #[test]
    fn the_standard_header_is_read_too() {
        for (value, client) in [
            ("for=6.6.6.6, for=1.2.3.4;proto=https;by=10.0.0.9", "1.2.3.4"),
            ("For=\"[2a00::1]:4711\"", "2a00::1"),
            ("proto=https; for=\"1.2.3.4:80\"", "1.2.3.4"),
            ("for=_hidden", "10.0.0.1"),
            ("for=6.6.6.6, proto=https", "10.0.0.1"),
        ] {
            assert_eq!(found("10.0.0.1", &[("Forwarded", value)]), client, "{value}");
        }
    }

    #[test]
    fn headers_that_disagree_say_nothing() {
        let said = [("X-Forwarded-For", "1.2.3.4"), ("Forwarded", "for=6.6.6.6")];
        assert_eq!(found("10.0.0.1", &said), "10.0.0.1");
    }

    #[test]
    fn a_line_of_proxies_without_end_says_nothing() {
        let many = vec!["10.0.0.2"; HOPS + 1].join(",");
        assert_eq!(found("10.0.0.1", &[("X-Forwarded-For", &many)]), "10.0.0.1");
    }

    proptest! {
        /// Whatever is written to the left, it is not who the client is.
        #[test]
        fn nobody_is_taken_for_whom_it_names(left in "[ -~]{0,60}", bits: u32) {
            let client = std::net::Ipv4Addr::from(bits);
            prop_assume!(client.octets()[0] != 10);
            let value = format!("{left}, {client}");
            prop_assert_eq!(found("10.0.0.1", &[("X-Forwarded-For", &value)]), client.to_string());
        }
    }
}
