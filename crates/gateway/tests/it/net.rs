//! The transport on a real loopback, with other people's clients and with hostile bytes.

mod codec;
mod hostile;
mod http;
mod sessions;
mod support;
mod tickets;
