//! The transport on a real loopback, with other people's clients and with hostile bytes.

mod client_auth;
mod codec;
mod hostile;
mod http;
mod sessions;
mod support;
mod tickets;
