//! Addresses that are not those of machines on the open internet, so that nobody is led to them by a
//! name that somebody else chose.
//!
//! After the registries of special-purpose addresses of IANA (RFC 6890, as they stood in 2026) and
//! what providers of machines document about their metadata services.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is none of a machine on the open internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Special {
    /// It stands for no address or for the own network (`0.0.0.0/8`, `::`).
    Unspecified,
    /// This machine (`127.0.0.0/8`, `::1`).
    Loopback,
    /// A network of its owner's (RFC 1918, RFC 4193, and site-local addresses of old).
    Private,
    /// Between a provider and its customers (`100.64.0.0/10`, RFC 6598).
    Shared,
    /// One link (`169.254.0.0/16`, `fe80::/10`).
    LinkLocal,
    /// The service by which a provider tells its machines their secrets.
    Metadata,
    /// Many machines at once, or all of a network.
    Multicast,
    /// For examples in documents, and for measurements.
    Documentation,
    /// Not given to anybody as the address of a machine.
    Reserved,
}

impl Special {
    /// What it is, in a few words that follow "is".
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "no address of a machine",
            Self::Loopback => "this machine's own",
            Self::Private => "of a private network",
            Self::Shared => "between a provider and its customers",
            Self::LinkLocal => "of one link",
            Self::Metadata => "of a provider's metadata service",
            Self::Multicast => "a multicast or broadcast address",
            Self::Documentation => "for documentation and measurements",
            Self::Reserved => "reserved",
        }
    }

    /// Why `address` is none of the open internet; none if it is one. An IPv4 address within one of
    /// IPv6 (mapped, NAT64, 6to4, ISATAP) is judged as that IPv4 address, since that is where what is
    /// sent there ends up.
    pub const fn of(address: IpAddr) -> Option<Self> {
        match address.to_canonical() {
            IpAddr::V4(ip) => of_v4(ip),
            IpAddr::V6(ip) => of_v6(ip),
        }
    }
}

const fn of_v4(ip: Ipv4Addr) -> Option<Special> {
    Some(match ip.octets() {
        // AWS, Azure, GCP and others; containers of AWS; Azure's; Alibaba's; Oracle's.
        [169, 254, 169, 254]
        | [169, 254, 170, 2 | 23]
        | [168, 63, 129, 16]
        | [100, 100, 100, 200]
        | [192, 0, 0, 192] => Special::Metadata,
        [0, ..] => Special::Unspecified,
        [127, ..] => Special::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Special::Private,
        [100, 64..=127, ..] => Special::Shared,
        [169, 254, ..] => Special::LinkLocal,
        [224..=239, ..] | [255, 255, 255, 255] => Special::Multicast,
        [192, 0, 2, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Special::Documentation
        }
        // Protocol assignments, AS112, AMT, relays of 6to4, and what is kept for later.
        [192, 0, 0, _]
        | [192, 31, 196, _]
        | [192, 52, 193, _]
        | [192, 88, 99, _]
        | [192, 175, 48, _]
        | [240..=255, ..] => Special::Reserved,
        _ => return None,
    })
}

const fn of_v6(ip: Ipv6Addr) -> Option<Special> {
    let segments = ip.segments();
    Some(match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => Special::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => Special::Loopback,
        // NAT64 (RFC 6052).
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => return of_v4(embedded(high, low)),
        // AWS, GCP.
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254 | 0x23] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => {
            Special::Metadata
        }
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Special::Private,
        [0xfe80..=0xfebf, ..] => Special::LinkLocal,
        [0xff00..=0xffff, ..] => Special::Multicast,
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] | [0x2001, 2, 0, ..] => {
            Special::Documentation
        }
        // Protocol assignments: Teredo, ORCHID and others.
        [0x2001, 0..=0x1ff, ..] => Special::Reserved,
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => return of_v4(embedded(high, low)),
        // ISATAP (RFC 5214).
        [0x2000..=0x3fff, _, _, _, 0 | 0x200, 0x5efe, high, low] => {
            return of_v4(embedded(high, low));
        }
        [0x2000..=0x3fff, ..] => return None,
        // Nothing else is given to machines of the open internet.
        _ => Special::Reserved,
    })
}

const fn embedded(high: u16, low: u16) -> Ipv4Addr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::AddressRange;

    fn of(text: &str) -> Option<Special> {
        Special::of(text.parse().unwrap())
    }

    #[test]
    fn each_kind_is_known_at_its_edges() {
        for (address, kind) in [
            ("0.0.0.0", Special::Unspecified),
            ("0.255.255.255", Special::Unspecified),
            ("::", Special::Unspecified),
            ("127.255.255.255", Special::Loopback),
            ("::1", Special::Loopback),
            ("10.255.255.255", Special::Private),
            ("172.31.255.255", Special::Private),
            ("192.168.0.0", Special::Private),
            ("fc00::", Special::Private),
            ("fdff:ffff::1", Special::Private),
            ("fec0::1", Special::Private),
            ("100.64.0.0", Special::Shared),
            ("100.127.255.255", Special::Shared),
            ("169.254.0.1", Special::LinkLocal),
            ("fe80::1", Special::LinkLocal),
            ("febf::1", Special::LinkLocal),
            ("169.254.169.254", Special::Metadata),
            ("168.63.129.16", Special::Metadata),
            ("100.100.100.200", Special::Metadata),
            ("192.0.0.192", Special::Metadata),
            ("fd00:ec2::254", Special::Metadata),
            ("fd20:ce::254", Special::Metadata),
            ("224.0.0.1", Special::Multicast),
            ("255.255.255.255", Special::Multicast),
            ("ff02::1", Special::Multicast),
            ("192.0.2.1", Special::Documentation),
            ("198.19.255.255", Special::Documentation),
            ("2001:db8::1", Special::Documentation),
            ("3fff::1", Special::Documentation),
            ("192.88.99.1", Special::Reserved),
            ("240.0.0.1", Special::Reserved),
            ("2001::1", Special::Reserved),
            ("100::1", Special::Reserved),
            ("5f00::1", Special::Reserved),
            ("64:ff9b:1::1", Special::Reserved),
            ("::7f00:1", Special::Reserved),
        ] {
            assert_eq!(of(address), Some(kind), "{address}");
        }
    }

    #[test]
    fn machines_of_the_open_internet_are_none() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "2001:200::1",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
            "2002:101:101::1",
        ] {
            assert_eq!(of(address), None, "{address}");
        }
    }

    /// The ranges of the registries, written as they are there.
    const RANGES: &[&str] = &[
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "168.63.129.16",
    ];

    proptest! {
        #[test]
        fn addresses_of_ipv4_are_special_where_the_registry_says_so(bits: u32) {
            let ip = IpAddr::V4(bits.into());
            let listed = RANGES.iter().any(|range| range.parse::<AddressRange>().unwrap().contains(ip));
            prop_assert_eq!(Special::of(ip).is_some(), listed);
        }

        #[test]
        fn and_so_are_those_within_the_listed_ranges(which in 0..RANGES.len(), bits: u32) {
            let (first, width) = RANGES[which].split_once('/').unwrap_or((RANGES[which], "32"));
            let first = u32::from(first.parse::<Ipv4Addr>().unwrap());
            let free = u32::MAX.checked_shr(width.parse().unwrap()).unwrap_or(0);
            prop_assert!(Special::of(IpAddr::V4((first | bits & free).into())).is_some());
        }

        #[test]
        fn an_address_within_another_is_judged_as_itself(bits: u32, rest: u64) {
            let ip = Ipv4Addr::from(bits);
            let [a, b] = [(bits >> 16) as u16, bits as u16];
            let low = [(rest >> 48) as u16, (rest >> 32) as u16, (rest >> 16) as u16, rest as u16];
            for outer in [
                ip.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a, b),
                Ipv6Addr::new(0x2002, a, b, low[0], low[1], low[2], low[3], 0),
                Ipv6Addr::new(0x2a00, low[0], low[1], low[2], 0, 0x5efe, a, b),
            ] {
                prop_assert_eq!(Special::of(outer.into()), Special::of(ip.into()), "{}", outer);
            }
        }

        #[test]
        fn only_global_unicast_of_ipv6_is_let_through(bits: u128) {
            let ip = Ipv6Addr::from(bits);
            let (global, embedded) = (bits >> 125 == 1, ip.to_ipv4_mapped().is_some());
            let nat64 = bits >> 32 == 0x64_ff9b << 64;
            prop_assert!(Special::of(ip.into()).is_some() || global || embedded || nat64);
            prop_assert!(!(ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_multicast())
                || Special::of(ip.into()).is_some());
        }
    }
}
