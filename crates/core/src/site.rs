//! Whose an address is likely to be.

use std::net::{IpAddr, Ipv6Addr};

/// What one party is likely to hold: an IPv4 address, or the first half of an IPv6 address.
pub fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::site;

    #[test]
    fn an_ipv4_address_is_one_and_of_ipv6_the_first_half() {
        for (address, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ] {
            assert_eq!(
                site(address.parse().unwrap()),
                expected.parse::<std::net::IpAddr>().unwrap()
            );
        }
    }
}
