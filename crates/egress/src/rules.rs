//! Which addresses may be reached, and in which region a host lies. Facts go in, verdicts come out.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use stoa_core::{AddressRange, Countries, Region, Special};

use crate::{EgressError, Host};

/// In which region a host lies, as the operator says: `hooks.example.com=eu`, or `*.example.com=eu` for
/// all names below one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRegion {
    host: Host,
    /// Those below it are meant.
    below: bool,
    /// Where.
    pub region: Region,
}

impl HostRegion {
    fn is_for(&self, host: &Host) -> bool {
        if !self.below {
            return self.host == *host;
        }
        let (name, above) = (host.to_string(), self.host.to_string());
        host.address().is_none()
            && name.strip_suffix(&above).is_some_and(|rest| rest.ends_with('.'))
    }
}

impl FromStr for HostRegion {
    type Err = HostRegionError;

    fn from_str(text: &str) -> Result<Self, HostRegionError> {
        let (host, region) = text.split_once('=').ok_or(HostRegionError)?;
        let (below, host) = match host.strip_prefix("*.") {
            Some(above) => (true, above),
            None => (false, host),
        };
        let host: Host = host.parse().map_err(|_| HostRegionError)?;
        let region = region.parse().map_err(|_| HostRegionError)?;
        if below && host.address().is_some() {
            return Err(HostRegionError);
        }
        Ok(Self { host, below, region })
    }
}

impl fmt::Display for HostRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let below = if self.below { "*." } else { "" };
        write!(f, "{below}{}={}", self.host, self.region)
    }
}

/// A text that does not say where a host lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "where a host lies is written HOST=REGION or *.HOST=REGION, the region cn, ap, eu or na: hooks.example.com=eu"
)]
pub struct HostRegionError;

/// What the operator decided.
#[derive(Debug)]
pub(crate) struct Rules {
    /// The region of this data centre.
    pub(crate) own: Region,
    /// Ranges that may be reached though they are not of the open internet: the operator's own networks.
    pub(crate) allow: Vec<AddressRange>,
    /// Where hosts lie.
    pub(crate) hosts: Vec<HostRegion>,
}

impl Rules {
    /// Whether the operator allows `address` by name.
    pub(crate) fn allows(&self, address: IpAddr) -> bool {
        self.allow.iter().any(|range| range.contains(address))
    }

    /// Lets through addresses of the open internet, and those that the operator allows.
    ///
    /// # Errors
    /// [`EgressError::Address`].
    pub(crate) fn check(&self, host: &Host, address: IpAddr) -> Result<(), EgressError> {
        match Special::of(address) {
            Some(special) if !self.allows(address) => {
                Err(EgressError::Address { host: host.clone(), address, special })
            }
            _ => Ok(()),
        }
    }

    /// Where the operator says that `host` lies.
    pub(crate) fn named(&self, host: &Host) -> Option<Region> {
        // What is said of one host counts more than what is said of many.
        let of_host = self.hosts.iter().filter(|known| known.is_for(host));
        of_host.min_by_key(|known| known.below).map(|known| known.region)
    }

    /// In which region `host` at `address` lies: as the operator says; here, if the operator allows the
    /// address as one of the own networks; else where its country is.
    pub(crate) fn region(
        &self,
        host: &Host,
        address: IpAddr,
        countries: &dyn Countries,
    ) -> Option<Region> {
        let here = self.allows(address).then_some(self.own);
        let by_country = || countries.country(address).and_then(|country| country.region());
        self.named(host).or(here).or_else(by_country)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stoa_core::Country;

    use super::*;

    /// Everybody is in one country.
    struct In(&'static str);

    impl Countries for In {
        fn country(&self, _: IpAddr) -> Option<Country> {
            self.0.parse().ok()
        }
    }

    fn rules(allow: &[&str], hosts: &[&str]) -> Rules {
        Rules {
            own: Region::Eu,
            allow: allow.iter().map(|range| range.parse().unwrap()).collect(),
            hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
        }
    }

    fn host(text: &str) -> Host {
        text.parse().unwrap()
    }

    #[test]
    fn a_region_is_what_the_operator_says_and_then_where_the_address_is() {
        let rules =
            rules(&["10.0.0.0/8"], &["*.example.com=na", "eu.example.com=eu", "10.9.9.9=ap"]);
        let region = |name: &str, address: &str, country| {
            rules.region(&host(name), address.parse().unwrap(), &In(country))
        };
        assert_eq!(region("a.example.com", "1.1.1.1", "DE"), Some(Region::Na));
        assert_eq!(region("eu.example.com", "1.1.1.1", "US"), Some(Region::Eu));
        assert_eq!(region("example.com", "1.1.1.1", "US"), Some(Region::Na), "by its country");
        assert_eq!(region("badexample.com", "1.1.1.1", "JP"), Some(Region::Ap));
        assert_eq!(region("inner.test", "10.1.2.3", "??"), Some(Region::Eu), "the own network");
        assert_eq!(region("10.9.9.9", "10.9.9.9", "??"), Some(Region::Ap));
        assert_eq!(region("a.test", "1.1.1.1", "BR"), None, "nobody's area");
        assert_eq!(region("a.test", "1.1.1.1", "??"), None);
    }

    #[test]
    fn what_is_said_of_a_host_is_read_back() {
        for text in ["a.example=eu", "*.a.example=cn", "1.1.1.1=na", "2001:4860::1=ap"] {
            assert_eq!(text.parse::<HostRegion>().unwrap().to_string(), text);
        }
        for text in ["a.example", "a.example=de", "=eu", "*=eu", "*.1.1.1.1=eu", "a b=eu"] {
            assert_eq!(text.parse::<HostRegion>(), Err(HostRegionError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_address_passes_if_it_is_of_the_open_internet_or_allowed(bits: u32, v6: u128) {
            let none = rules(&[], &[]);
            let some = rules(&["10.0.0.0/8", "fd00::/8"], &[]);
            let host = host("a.example");
            for ip in [IpAddr::V4(bits.into()), IpAddr::V6(v6.into()), IpAddr::V4((bits >> 8 | 10 << 24).into())] {
                let open = Special::of(ip).is_none();
                prop_assert_eq!(none.check(&host, ip).is_ok(), open);
                prop_assert_eq!(some.check(&host, ip).is_ok(), open || some.allows(ip));
            }
        }
    }
}
