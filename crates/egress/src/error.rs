//! Why a host was not reached: whose doing it is, and what can be done about it.

use std::io;
use std::net::IpAddr;

use stoa_core::{Region, Special};
use stoa_metrics::egress::Result as Counted;
use stoa_store::StoreError;

use crate::{Host, Purpose, TargetError};

/// Why an errand was not done.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// What should be called is no URL.
    #[error("{0}")]
    Target(#[from] TargetError),
    /// The address is none of the open internet.
    #[error(
        "{host} is at {address}, which is {}: the server does not connect there unless its operator allows the range (egress-allow)",
        special.name()
    )]
    Address {
        /// Who was to be reached.
        host: Host,
        /// Where that is.
        address: IpAddr,
        /// What that is.
        special: Special,
    },
    /// Without TLS, only the operator's own networks are called.
    #[error(
        "{0} is to be called without TLS: that is for addresses that the operator allows (egress-allow); use https"
    )]
    Clear(Host),
    /// Nobody knows in which region the host lies.
    #[error(
        "it is not known in which region {host} ({address}) lies, and {purpose} stay in region {own}: name it in egress-hosts ({host}=REGION), or give the server a geo-database"
    )]
    RegionUnknown {
        /// Who was to be reached.
        host: Host,
        /// Where that is.
        address: IpAddr,
        /// What for.
        purpose: Purpose,
        /// The app's region.
        own: Region,
    },
    /// The host lies in another region, and there is no permission.
    #[error(
        "{host} lies in region {region}, and {purpose} stay in region {own}: permit it (stoa app permit add --kind {purpose} --from {own} --to {region} --until DATE), or use a host of region {own}"
    )]
    Foreign {
        /// Who was to be reached.
        host: Host,
        /// Where that is.
        region: Region,
        /// What for.
        purpose: Purpose,
        /// The app's region.
        own: Region,
    },
    /// The name has no address.
    #[error("{host} has no address")]
    Resolve {
        /// The name.
        host: Host,
        /// What the resolver said.
        source: io::Error,
    },
    /// The name has more addresses than are looked at.
    #[error("{0} has too many addresses")]
    Addresses(Host),
    /// So many connections are open already.
    #[error("too many outbound connections are open; try again later")]
    Busy,
    /// It took too long.
    #[error("{0} took too long to {1}")]
    Timeout(Host, &'static str),
    /// No address of the host takes a connection.
    #[error("{host} does not take a connection")]
    Connect {
        /// Who.
        host: Host,
        /// What the system said last.
        source: io::Error,
    },
    /// The host did not prove to be itself, or has no TLS in common with us.
    #[error("{host} does not prove to be {host}, or speaks no TLS that is safe")]
    Tls {
        /// Who.
        host: Host,
        /// What TLS said.
        source: io::Error,
    },
    /// The host does not speak HTTP as it should.
    #[error("{host} broke the protocol")]
    Http {
        /// Who.
        host: Host,
        /// How.
        source: hyper::Error,
    },
    /// The answer points elsewhere.
    #[error(
        "{0} answered {1}, a redirect: redirects are not followed; enter the address that it leads to"
    )]
    Redirect(Host, u16),
    /// The answer is too large.
    #[error("{0} answered with more than {1} bytes")]
    TooLarge(Host, usize),
    /// The request is none.
    #[error("the request cannot be sent: {0}")]
    Request(http::Error),
    /// The authorities of the system cannot be read.
    #[error("the system's certificate authorities cannot be read: {0}")]
    Authorities(String),
    /// That the host is contacted could not be written down, so it was not.
    #[error("that a host is contacted could not be written down")]
    Log(#[from] StoreError),
}

impl EgressError {
    /// Under what it is counted.
    pub(crate) const fn counted(&self) -> Counted {
        match self {
            Self::Address { .. } | Self::Clear(_) => Counted::Address,
            Self::RegionUnknown { .. } | Self::Foreign { .. } => Counted::Region,
            Self::Busy => Counted::Busy,
            Self::Timeout(..) => Counted::Timeout,
            Self::Resolve { .. }
            | Self::Addresses(_)
            | Self::Connect { .. }
            | Self::Tls { .. }
            | Self::Http { .. } => Counted::Failed,
            Self::Redirect(..) | Self::TooLarge(..) => Counted::Answer,
            Self::Target(_) | Self::Request(_) | Self::Authorities(_) | Self::Log(_) => {
                Counted::Refused
            }
        }
    }

    /// A word for programs, which does not change.
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Target(_) | Self::Request(_) => "not_a_url",
            Self::Address { .. } => "address_refused",
            Self::Clear(_) => "tls_needed",
            Self::RegionUnknown { .. } => "region_unknown",
            Self::Foreign { .. } => "region_foreign",
            Self::Resolve { .. } => "no_address",
            Self::Addresses(_) => "too_many_addresses",
            Self::Busy => "busy",
            Self::Timeout(..) => "timeout",
            Self::Connect { .. } => "no_connection",
            Self::Tls { .. } => "tls_failed",
            Self::Http { .. } => "protocol",
            Self::Redirect(..) => "redirect",
            Self::TooLarge(..) => "too_large",
            Self::Authorities(_) => "no_authorities",
            Self::Log(_) => "not_written_down",
        }
    }
}
