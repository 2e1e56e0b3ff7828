//! What one connection may cost, and where sessions may come from.

use std::sync::Arc;
use std::time::Duration;

use stoa_core::AddressRange;

/// Bounds of the transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetLimits {
    /// Connections at once. Further ones are closed as they come.
    pub connections: usize,
    /// From accepting a connection to the end of its first request's head, TLS included.
    pub handshake: Duration,
    /// Bytes of a request's head.
    pub head_bytes: usize,
    /// How long an HTTP connection may wait for a further request, or take to send its head.
    pub next_head: Duration,
    /// From a request's head to the start of the answer, the request's body included; longer by a second
    /// for each [`body_rate`](Self::body_rate) bytes that have come.
    pub request: Duration,
    /// Bytes of a body that a client has to send in a second in the long run.
    pub body_rate: u64,
    /// How long the socket of an HTTP connection may take nothing.
    pub stall: Duration,
    /// Bytes of one WebSocket message.
    pub message_bytes: usize,
    /// How long the end may take: the first eighth for requests that are about to come, half of it for
    /// telling sessions, one after the other; what is open after seven eighths is cut.
    pub drain: Duration,
    /// How long a closed session may take to receive what is on its way.
    pub linger: Duration,
    /// The hosts (`name:port`, as in the header `Host`) under which sessions are taken. A request
    /// for one under another name, or from a page of another origin, is passed on as HTTP, which
    /// can say why it is refused. None: any. For listeners that browsers reach by names that their
    /// resolver was told (DNS rebinding).
    pub session_hosts: Option<Arc<[String]>>,
    /// Proxies that are believed when they say who their client is.
    pub proxies: Vec<AddressRange>,
}

impl NetLimits {
    /// These bounds, for a listener that takes no sessions.
    #[must_use]
    pub fn without_sessions(self) -> Self {
        Self { session_hosts: Some(Arc::new([])), ..self }
    }
}

impl Default for NetLimits {
    fn default() -> Self {
        Self {
            connections: 100_000,
            handshake: Duration::from_secs(10),
            head_bytes: 16 * 1024,
            next_head: Duration::from_secs(30),
            request: Duration::from_secs(30),
            body_rate: 16 * 1024,
            stall: Duration::from_secs(30),
            message_bytes: stoa_core::limits::FRAME_BYTES,
            drain: Duration::from_secs(4),
            linger: Duration::from_secs(3),
            session_hosts: None,
            proxies: Vec::new(),
        }
    }
}
