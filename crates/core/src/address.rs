//! Where something is reached on the network: a host and a port.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// A host, and a port unless it is 443.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A DNS name in lower case, or an IP address (version 6 without brackets).
    pub host: String,
    /// The port.
    pub port: u16,
}

/// The port of HTTPS.
const HTTPS: u16 = 443;

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(address.into());
        }
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(ip) = bare.parse::<std::net::IpAddr>() {
            return Ok(Self { host: ip.to_string(), port: HTTPS });
        }
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| AddressError)?),
            None => (text, HTTPS),
        };
        if port == 0 || !is_dns_name(host) {
            return Err(AddressError);
        }
        Ok(Self { host: host.to_ascii_lowercase(), port })
    }
}

/// Letters, digits and hyphens in labels of at most 63 characters (RFC 1123), the last of which is
/// not a number.
fn is_dns_name(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let number = |label: &str| label.bytes().all(|b| b.is_ascii_digit());
    text.len() <= 253 && text.split('.').all(label) && !text.rsplit('.').next().is_some_and(number)
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self { host: address.ip().to_string(), port: address.port() }
    }
}

impl Address {
    /// The host as it stands in a URL.
    pub fn url_host(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

impl fmt::Display for Address {
    /// As it stands in a URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            HTTPS => f.write_str(&self.url_host()),
            port => write!(f, "{}:{port}", self.url_host()),
        }
    }
}

/// A text that is no address.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
#[error("an address is a host name or IP address, with ':PORT' unless the port is 443")]
pub struct AddressError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_host_names_or_ip_addresses() {
        for (text, host, port) in [
            ("chat.example.org", "chat.example.org", 443),
            ("CHAT:8443", "chat", 8443),
            ("10.0.0.1", "10.0.0.1", 443),
            ("10.0.0.1:80", "10.0.0.1", 80),
            ("::1", "::1", 443),
            ("[::1]", "::1", 443),
            ("[::1]:80", "::1", 80),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.host.as_str(), address.port), (host, port), "{text}");
            assert_eq!(address.to_string().parse::<Address>().unwrap(), address);
        }
        for text in
            ["", "a b", "a:b", "a:0", "a:70000", "-a", "a..b", "https://a", "a/b", "1.2.3", "ä"]
        {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
