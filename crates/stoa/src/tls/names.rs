//! The names under which clients reach the server.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rcgen::{CidrSubnet, GeneralSubtree, NameConstraints, SanType};

/// Host names and addresses that a certificate is for. `localhost` and the loopback addresses are
/// always among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    dns: BTreeSet<String>,
    ips: BTreeSet<IpAddr>,
}

const LOCALHOST: &str = "localhost";

impl Names {
    /// `localhost`, the loopback addresses, and `hosts`: DNS names or IP addresses. Addresses that
    /// stand for all of a machine's say nothing and are left out.
    pub fn of<'a>(hosts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names = Self {
            dns: [LOCALHOST.to_owned()].into(),
            ips: [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()].into(),
        };
        for host in hosts {
            match host.parse::<IpAddr>() {
                Ok(ip) if ip.is_unspecified() => {}
                Ok(ip) => _ = names.ips.insert(ip),
                Err(_) => _ = names.dns.insert(host.to_ascii_lowercase()),
            }
        }
        names
    }

    /// All of them, as text.
    pub(super) fn texts(&self) -> Vec<String> {
        self.dns.iter().cloned().chain(self.ips.iter().map(ToString::to_string)).collect()
    }

    /// One of these that an authority for `permitted` may not vouch for.
    pub(super) fn outside(&self, permitted: &Self) -> Option<String> {
        let dns = self.dns.iter().find(|name| !permitted.dns.contains(*name)).cloned();
        let ip = || {
            let foreign = |ip: &&IpAddr| !ip.is_loopback() && !permitted.ips.contains(ip);
            self.ips.iter().find(foreign).map(ToString::to_string)
        };
        dns.or_else(ip)
    }

    /// As subject alternative names.
    pub(super) fn alternatives(&self) -> Result<Vec<SanType>, rcgen::Error> {
        let dns = self.dns.iter().map(|name| Ok(SanType::DnsName(name.as_str().try_into()?)));
        dns.chain(self.ips.iter().map(|ip| Ok(SanType::IpAddress(*ip)))).collect()
    }

    /// As the only names that an authority's certificates can be for.
    ///
    /// A permitted DNS name covers the names below it too (RFC 5280, section 4.2.1.10). Other forms
    /// of names cannot be constrained to nothing but by naming something that nobody has; for TLS
    /// servers these two are the ones that count.
    pub(super) fn constraints(&self) -> NameConstraints {
        let whole = |ip: &IpAddr| match ip {
            IpAddr::V4(ip) if ip.is_loopback() => CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8),
            IpAddr::V4(ip) => CidrSubnet::from_v4_prefix(ip.octets(), 32),
            IpAddr::V6(ip) => CidrSubnet::from_v6_prefix(ip.octets(), 128),
        };
        let dns = self.dns.iter().cloned().map(GeneralSubtree::DnsName);
        let ips = self.ips.iter().map(|ip| GeneralSubtree::IpAddress(whole(ip)));
        NameConstraints { permitted_subtrees: dns.chain(ips).collect(), excluded_subtrees: vec![] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_always_there_and_all_addresses_are_none() {
        let names = Names::of(["0.0.0.0", "::", "Chat.example.org", "10.0.0.1"]);
        assert_eq!(
            names.texts(),
            ["chat.example.org", "localhost", "10.0.0.1", "127.0.0.1", "::1"]
        );
    }

    #[test]
    fn what_is_outside_is_found() {
        let permitted = Names::of(["a.example", "10.0.0.1"]);
        assert_eq!(Names::of(["127.0.0.9", "10.0.0.1"]).outside(&permitted), None);
        assert_eq!(Names::of(["b.example"]).outside(&permitted).as_deref(), Some("b.example"));
        assert_eq!(Names::of(["10.0.0.2"]).outside(&permitted).as_deref(), Some("10.0.0.2"));
    }
}
