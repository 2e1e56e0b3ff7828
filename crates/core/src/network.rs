//! Addresses: what one party is likely to hold, who can reach one, and ranges of them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// From where an address of this machine can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// From this machine.
    Loopback,
    /// From a network of its owner's: RFC 1918 and RFC 4193.
    Private,
    /// From anywhere, as far as the address tells. So do those that stand for all addresses, and those
    /// of one link, where nobody says who is on it.
    Public,
}

impl Reach {
    /// From where `address` can be reached.
    pub const fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(ip) if ip.is_loopback() => Self::Loopback,
            IpAddr::V6(ip) if ip.is_loopback() => Self::Loopback,
            IpAddr::V4(ip) if ip.is_private() => Self::Private,
            IpAddr::V6(ip) if ip.is_unique_local() => Self::Private,
            IpAddr::V4(_) | IpAddr::V6(_) => Self::Public,
        }
    }
}

/// A range of addresses: those that begin with the same bits (CIDR, `10.1.0.0/16`). One address alone is
/// a range too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    first: IpAddr,
    bits: u8,
}

impl AddressRange {
    /// How many bits its addresses have in common.
    pub const fn bits(&self) -> u8 {
        self.bits
    }

    /// Whether `address` lies in it. An IPv4 address that is written as one of IPv6 is that IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let same = |a: u128, b: u128, width: u32| {
            let free = width - u32::from(self.bits);
            // A shift by the whole width would overflow; such a range holds everything.
            a.checked_shr(free) == b.checked_shr(free)
        };
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(ip)) => {
                same(u32::from(first).into(), u32::from(ip).into(), 32)
            }
            (IpAddr::V6(first), IpAddr::V6(ip)) => same(first.into(), ip.into(), 128),
            _ => false,
        }
    }
}

impl FromStr for AddressRange {
    type Err = AddressRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().map_err(|_| AddressRangeError::Form)?;
        let width = if first.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => width,
            Some(bits) => bits.parse().map_err(|_| AddressRangeError::Form)?,
        };
        if bits > width {
            return Err(AddressRangeError::Form);
        }
        // An address inside would leave open which range was meant.
        let value = match first {
            IpAddr::V4(ip) => u128::from(u32::from(ip)),
            IpAddr::V6(ip) => ip.into(),
        };
        let free = u32::from(width - bits);
        if free > 0 && value.trailing_zeros() < free {
            return Err(AddressRangeError::Inside);
        }
        Ok(Self { first, bits })
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = if self.first.is_ipv4() { 32 } else { 128 };
        if self.bits == width {
            return write!(f, "{}", self.first);
        }
        write!(f, "{}/{}", self.first, self.bits)
    }
}

/// Why a text is no range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressRangeError {
    /// It is written otherwise.
    #[error("a range of addresses is written ADDRESS or ADDRESS/BITS, for example 10.1.0.0/16")]
    Form,
    /// The address is not the first of its range.
    #[error("the address is not the first one of its range: bits after the first /BITS are set")]
    Inside,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_hold_what_begins_with_the_same_bits() {
        for (range, inside, outside) in [
            ("10.1.0.0/16", "10.1.255.255", "10.2.0.0"),
            ("10.1.0.0/16", "::ffff:10.1.2.3", "::a01:203"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("fd00:1::/32", "fd00:1:ffff::", "fd00:2::"),
            ("::/0", "fe80::1", "10.0.0.1"),
            ("2001:db8::5/128", "2001:db8::5", "2001:db8::4"),
        ] {
            let parsed: AddressRange = range.parse().unwrap();
            assert!(parsed.contains(ip(inside)), "{range} {inside}");
            assert!(!parsed.contains(ip(outside)), "{range} {outside}");
            assert_eq!(parsed.to_string().parse(), Ok(parsed));
        }
    }

    #[test]
    fn what_is_no_range_is_told_apart() {
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/-1", "a/8", "10.0.0.0/"] {
            assert_eq!(text.parse::<AddressRange>(), Err(AddressRangeError::Form), "{text}");
        }
        for text in ["10.1.2.3/16", "fd00::1/64", "0.0.0.1/0"] {
            assert_eq!(text.parse::<AddressRange>(), Err(AddressRangeError::Inside), "{text}");
        }
    }

    #[test]
    fn addresses_say_who_can_reach_them() {
        for (address, reach) in [
            ("127.0.0.1", Reach::Loopback),
            ("127.9.9.9", Reach::Loopback),
            ("::1", Reach::Loopback),
            ("::ffff:127.0.0.1", Reach::Loopback),
            ("10.0.0.1", Reach::Private),
            ("172.16.0.1", Reach::Private),
            ("192.168.1.1", Reach::Private),
            ("fd12::1", Reach::Private),
            ("0.0.0.0", Reach::Public),
            ("::", Reach::Public),
            ("169.254.1.1", Reach::Public),
            ("fe80::1", Reach::Public),
            ("172.32.0.1", Reach::Public),
            ("203.0.113.1", Reach::Public),
            ("2001:db8::1", Reach::Public),
        ] {
            assert_eq!(Reach::of(ip(address)), reach, "{address}");
        }
    }
}
