//! Where an errand goes: a URL as somebody entered it, parsed once into what cannot be wrong.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;
use rustls_pki_types::{DnsName, ServerName};
use stoa_core::limits;

/// A host: a DNS name in small letters, or an IP address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Host(Inner);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Inner {
    Name(String),
    Address(IpAddr),
}

impl Host {
    /// The address, if it is one.
    pub const fn address(&self) -> Option<IpAddr> {
        match &self.0 {
            Inner::Address(address) => Some(*address),
            Inner::Name(_) => None,
        }
    }

    /// What a certificate has to be for.
    pub(crate) fn server_name(&self) -> Option<ServerName<'static>> {
        match &self.0 {
            Inner::Address(address) => Some((*address).into()),
            Inner::Name(name) => {
                Some(ServerName::DnsName(DnsName::try_from(name.as_str()).ok()?.to_owned()))
            }
        }
    }
}

impl FromStr for Host {
    type Err = TargetError;

    /// A name of letters, digits and hyphens (others in their `xn--` form), or an address, that of IPv6
    /// also in brackets.
    fn from_str(text: &str) -> Result<Self, TargetError> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(Self(Inner::Address(address)));
        }
        let label = |label: &str| {
            let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
            label.len() <= 63
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && ends(label.bytes().next())
                && ends(label.bytes().last())
        };
        // What ends with a number is an address in one of the forms of old (0x7f.1, 2130706433).
        let last = text.rsplit('.').next().unwrap_or_default();
        let number = last.starts_with(|first: char| first.is_ascii_digit());
        let name = text.to_ascii_lowercase();
        let is_name = text.len() <= 253 && !number && text.split('.').all(label);
        if !is_name || DnsName::try_from(name.as_str()).is_err() {
            return Err(TargetError::Host);
        }
        Ok(Self(Inner::Name(name)))
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        Self(Inner::Address(address))
    }
}

impl fmt::Display for Host {
    /// Without brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Name(name) => f.write_str(name),
            Inner::Address(address) => write!(f, "{address}"),
        }
    }
}

/// How a host is talked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// HTTP over TLS.
    Https,
    /// HTTP in clear: only to addresses that the operator allows.
    Http,
}

/// A URL that can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// How.
    pub scheme: Scheme,
    /// Whom.
    pub host: Host,
    /// On which port.
    pub port: u16,
    /// What: path and query, from `/` on.
    pub path: String,
}

impl Target {
    /// The host as it stands in a `Host` header.
    pub(crate) fn authority(&self) -> String {
        let host = match self.host.address() {
            Some(IpAddr::V6(address)) => format!("[{address}]"),
            _ => self.host.to_string(),
        };
        let usual = match self.scheme {
            Scheme::Https => 443,
            Scheme::Http => 80,
        };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if text.len() > limits::EGRESS_URL_BYTES {
            return Err(TargetError::Long);
        }
        let uri: Uri = text.parse().map_err(|_| TargetError::Form)?;
        let scheme = match uri.scheme_str() {
            Some(scheme) if scheme.eq_ignore_ascii_case("https") => Scheme::Https,
            Some(scheme) if scheme.eq_ignore_ascii_case("http") => Scheme::Http,
            _ => return Err(TargetError::Scheme),
        };
        let authority = uri.authority().ok_or(TargetError::Form)?;
        if authority.as_str().contains('@') {
            return Err(TargetError::Credentials);
        }
        let host = authority.host().parse()?;
        let port = match (authority.port(), scheme) {
            (Some(port), _) => port.as_u16(),
            (None, _) if authority.as_str().ends_with(':') => return Err(TargetError::Form),
            (None, Scheme::Https) => 443,
            (None, Scheme::Http) => 80,
        };
        // A port that is no number of 16 bits is none to `http`.
        let named = authority.as_str().len() != authority.host().len();
        if port == 0 || named && authority.port().is_none() {
            return Err(TargetError::Form);
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if path.starts_with('/') { path.into() } else { format!("/{path}") };
        Ok(Self { scheme, host, port, path })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Https => "https",
            Scheme::Http => "http",
        };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

/// Why a text is no URL that can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It is too long.
    #[error("a URL has at most {} bytes", limits::EGRESS_URL_BYTES)]
    Long,
    /// It is none.
    #[error("a URL is written https://HOST[:PORT]/PATH, without spaces")]
    Form,
    /// It is for another protocol.
    #[error("only https:// can be called, and http:// at addresses that the operator allows")]
    Scheme,
    /// It holds a user name or password.
    #[error("a URL must hold no user name and password: they would stand in logs")]
    Credentials,
    /// The host is none.
    #[error(
        "a host is a DNS name (letters, digits, hyphens; other letters in their xn-- form) or an IP address"
    )]
    Host,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        for (text, host, port, path, authority) in [
            ("https://Hooks.Example.com", "hooks.example.com", 443, "/", "hooks.example.com"),
            ("https://a.example:8443/x?y=1", "a.example", 8443, "/x?y=1", "a.example:8443"),
            ("http://10.0.0.1/in", "10.0.0.1", 80, "/in", "10.0.0.1"),
            ("https://[2001:db8::1]:444/", "2001:db8::1", 444, "/", "[2001:db8::1]:444"),
            (
                "https://xn--bcher-kva.example?q",
                "xn--bcher-kva.example",
                443,
                "/?q",
                "xn--bcher-kva.example",
            ),
        ] {
            let target: Target = text.parse().unwrap();
            assert_eq!((target.host.to_string().as_str(), target.port), (host, port), "{text}");
            assert_eq!((target.path.as_str(), target.authority().as_str()), (path, authority));
            assert_eq!(target.to_string().parse(), Ok(target));
        }
    }

    #[test]
    fn what_cannot_be_called_says_why() {
        for (text, why) in [
            ("ftp://a.example/", TargetError::Scheme),
            ("/relative", TargetError::Scheme),
            ("a.example", TargetError::Scheme),
            ("https://user:secret@a.example/", TargetError::Credentials),
            ("https://a.example@b.example/", TargetError::Credentials),
            ("https://a b.example/", TargetError::Form),
            ("https://a.example:0/", TargetError::Form),
            ("https://a.example:/", TargetError::Form),
            ("https://a.example:99999/", TargetError::Form),
            ("https://", TargetError::Form),
            ("https://a_b.example/", TargetError::Host),
            ("https://a..example/", TargetError::Host),
            ("https://a.example./", TargetError::Host),
            ("https://2130706433/", TargetError::Host),
            ("https://0x7f.1/", TargetError::Host),
            ("https://127.1/", TargetError::Host),
            ("https://-a.example/", TargetError::Host),
        ] {
            assert_eq!(text.parse::<Target>(), Err(why), "{text}");
        }
        let long = format!("https://a.example/{}", "x".repeat(limits::EGRESS_URL_BYTES));
        assert_eq!(long.parse::<Target>(), Err(TargetError::Long));
    }

    proptest! {
        #[test]
        fn whatever_is_taken_is_written_as_it_is_read(text in "https?://[ -~]{0,40}") {
            if let Ok(target) = text.parse::<Target>() {
                let again = target.to_string().parse::<Target>();
                prop_assert_eq!(again.as_ref(), Ok(&target));
                prop_assert!(target.host.server_name().is_some() && target.path.starts_with('/'));
            }
        }
    }
}
