//! The client's side of MSYNC, as lean as it can be: it shares the machine with what it measures.
//!
//! [`net`] opens TLS connections without resumption, [`socket`] is the WebSocket, which writes every
//! frame by itself with one send, [`frames`] makes the SDK's frames, [`protocol`] says which of them
//! the SDK sends when, and [`session`] puts these together. A test plays a recorded session of the
//! vendor's SDK to [`protocol`] and compares what it sends, field by field.

pub mod frames;
pub mod net;
pub mod protocol;
pub mod session;
pub mod socket;

pub use net::Endpoint;
pub use session::Session;
