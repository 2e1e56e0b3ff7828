//! Other servers, measured in the same run on the same machine by the same generator.

pub mod ejabberd;
pub mod postgres;
pub mod xmpp;

use std::net::{Ipv4Addr, TcpListener};

use crate::Error;

/// A port of loopback that nobody uses now.
fn free_port() -> Result<u16, Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    address.map(|address| address.port()).map_err(Error::io("find a free port"))
}
