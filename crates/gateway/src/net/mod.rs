//! The transport: one TCP listener for HTTP/1.1 and for WebSocket sessions, both over TLS.
//!
//! Made for many idle sessions: one keeps its TLS keys and little else, 5 kB in all with the task
//! that holds it (measured over 3,000 sessions with TLS 1.3). There is one read buffer for each
//! thread, not for each connection; bytes stay with a connection only while a record or a frame is
//! incomplete, or while its socket does not take more. What is queued in one turn leaves in one
//! write.
//!
//! From below: `tls` and `link` turn a socket into plaintext and back without waiting,
//! [`codec`] is RFC 6455 without IO, `upgrade` judges the first request of a connection, `stream`
//! is the waiting side that hyper wants, [`WsTransport`] is what a session holds, and [`serve`]
//! ties them to a listener.

pub mod codec;
mod forwarded;
mod limits;
mod link;
mod listener;
mod scratch;
mod stream;
mod tls;
mod upgrade;
mod ws;

pub use codec::{Carries, CloseCode, ProtocolError};
pub use limits::NetLimits;
pub use link::{KernelWatch, TransportError};
pub use listener::{Peer, PeerCertificate, serve};
pub use tls::{Tickets, TlsSource, client_auth_config, server_config};
pub use upgrade::SessionKind;
pub use ws::{FlushState, ReadState, Readiness, WsTransport};

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use forwarded::client_of_head;

/// The length of the request for a session that `bytes` begin with, and the answer to it.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn first_request(bytes: &[u8]) -> Option<(usize, String)> {
    match upgrade::judge(bytes, None) {
        upgrade::First::Session { len, answer, .. } => Some((len, answer)),
        _ => None,
    }
}
