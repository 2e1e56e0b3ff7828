//! What the operator sets, and the limits.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// What [`Media::start`](crate::Media::start) needs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where UDP is served. With an unspecified address (`0.0.0.0`, `[::]`) each announced address that belongs to this
    /// machine gets a socket of its own; if one does not (address translation), one socket serves all. Port 0: any.
    pub udp: SocketAddr,
    /// Where TCP is served, for networks that let no UDP through; `None`: not.
    pub tcp: Option<SocketAddr>,
    /// The addresses that clients are told to connect to, those of the region where the rooms live. At least one.
    pub addresses: Vec<IpAddr>,
    /// How many threads forward; each room is on one of them. At least 1.
    pub workers: usize,
    /// The limits.
    pub limits: Limits,
}

/// What is refused, and how long things may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections in a room.
    pub participants: usize,
    /// m-lines of a connection.
    pub m_lines: usize,
    /// Bytes of an offer.
    pub sdp: usize,
    /// Connections, of all rooms, that have not completed ICE and DTLS.
    pub half_open: usize,
    /// How long a connection may take to complete ICE and DTLS.
    pub handshake: Duration,
    /// Rooms.
    pub rooms: usize,
    /// Bytes that wait for one worker before datagrams are dropped.
    pub queue: usize,
    /// Open TCP connections.
    pub tcp: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            participants: 500,
            m_lines: 64,
            sdp: 128 * 1024,
            half_open: 1000,
            handshake: Duration::from_secs(15),
            rooms: 20_000,
            queue: 16 * 1024 * 1024,
            tcp: 2000,
        }
    }
}

/// Why media cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No address to announce.
    #[error("no address to announce to clients: at least one IP address is needed")]
    NoAddress,
    /// An address to which nobody can connect.
    #[error("{0} is no address that clients can connect to: name those of this machine")]
    Unspecified(IpAddr),
    /// An address that no socket serves.
    #[error("address {0} cannot be served from {1}: one is IPv4, the other IPv6")]
    Family(IpAddr, SocketAddr),
    /// A socket could not be made.
    #[error("{proto} {addr} cannot be opened: {source}")]
    Bind {
        /// UDP or TCP.
        proto: &'static str,
        /// Where.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The certificate could not be made.
    #[error("no DTLS certificate could be made")]
    Certificate,
    /// A thread could not be made.
    #[error("a thread for media cannot be started: {0}")]
    Thread(io::Error),
    /// TCP was asked for outside of a runtime.
    #[error("media over TCP needs to be started within a tokio runtime")]
    NoRuntime,
}
