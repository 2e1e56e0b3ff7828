//! The UDP sockets, and which announced address belongs to which.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::config::StartError;

/// What the system is asked to hold of datagrams that came and were not read: a burst of a large room.
const RECEIVE_BUFFER: usize = 8 * 1024 * 1024;
const SEND_BUFFER: usize = 4 * 1024 * 1024;

/// How long a reader waits before it looks whether it is to stop.
const READ_WAIT: Duration = Duration::from_millis(250);

/// See the module.
pub(super) struct Sockets {
    sockets: Vec<Open>,
}

struct Open {
    socket: UdpSocket,
    /// The candidates that it serves. The first stands for what comes: `str0m` wants to see a candidate's address.
    candidates: Vec<SocketAddr>,
}

impl Sockets {
    pub(super) fn open(at: SocketAddr, addresses: &[IpAddr]) -> Result<Sockets, StartError> {
        if addresses.is_empty() {
            return Err(StartError::NoAddress);
        }
        if let Some(none) = addresses.iter().find(|a| a.is_unspecified()) {
            return Err(StartError::Unspecified(*none));
        }
        let mut sockets = Sockets { sockets: Vec::new() };
        if at.ip().is_unspecified() && sockets.open_each(at, addresses).is_ok() {
            return Ok(sockets);
        }
        sockets.sockets.clear();
        sockets.open_shared(at, addresses)?;
        Ok(sockets)
    }

    /// One socket for each address, so that answers leave from where they were asked.
    fn open_each(&mut self, at: SocketAddr, addresses: &[IpAddr]) -> Result<(), StartError> {
        let mut port = at.port();
        for &ip in addresses {
            let (socket, candidate) = bind(SocketAddr::new(ip, port))?;
            port = candidate.port();
            self.sockets.push(Open { socket, candidates: vec![candidate] });
        }
        Ok(())
    }

    /// One socket for all addresses of a family: at least one of them is not this machine's own (1:1 address translation).
    fn open_shared(&mut self, at: SocketAddr, addresses: &[IpAddr]) -> Result<(), StartError> {
        let mut port = at.port();
        for v6 in [false, true] {
            let of: Vec<IpAddr> = addresses.iter().copied().filter(|a| a.is_ipv6() == v6).collect();
            let Some(&first) = of.first() else { continue };
            let ip = if at.ip().is_unspecified() {
                if v6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() }
            } else if at.is_ipv6() == v6 {
                at.ip()
            } else {
                return Err(StartError::Family(first, at));
            };
            let (socket, bound) = bind(SocketAddr::new(ip, port))?;
            port = bound.port();
            let candidates = of.iter().map(|ip| SocketAddr::new(*ip, port)).collect();
            self.sockets.push(Open { socket, candidates });
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.sockets.len()
    }

    pub(super) fn candidates(&self) -> impl Iterator<Item = SocketAddr> {
        self.sockets.iter().flat_map(|s| s.candidates.iter().copied())
    }

    pub(super) fn socket(&self, number: usize) -> &UdpSocket {
        &self.sockets[number].socket
    }

    /// The candidate that stands for what comes to a socket.
    pub(super) fn candidate(&self, number: usize) -> SocketAddr {
        self.sockets[number].candidates[0]
    }

    /// The socket of a candidate.
    pub(super) fn of(&self, candidate: SocketAddr) -> Option<usize> {
        self.sockets.iter().position(|s| s.candidates.contains(&candidate))
    }
}

fn bind(addr: SocketAddr) -> Result<(UdpSocket, SocketAddr), StartError> {
    let open = || {
        let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, None)?;
        if addr.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        // The system gives less if it is set to; that is no reason not to start.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        let _ = socket.set_send_buffer_size(SEND_BUFFER);
        socket.set_read_timeout(Some(READ_WAIT))?;
        socket.bind(&addr.into())?;
        let socket: UdpSocket = socket.into();
        let bound = socket.local_addr()?;
        Ok((socket, bound))
    };
    open().map_err(|source| StartError::Bind { proto: "UDP", addr, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_the_machine_has_its_own_socket_and_a_translated_one_shares() {
        let any: SocketAddr = "0.0.0.0:0".parse().unwrap();
        let local: IpAddr = Ipv4Addr::LOCALHOST.into();
        let public: IpAddr = "192.0.2.7".parse().unwrap();
        let own = Sockets::open(any, &[local]).unwrap();
        assert_eq!(own.len(), 1);
        assert_eq!(own.socket(0).local_addr().unwrap(), own.candidate(0));
        let shared = Sockets::open(any, &[public, local]).unwrap();
        assert_eq!(shared.len(), 1);
        let candidates: Vec<_> = shared.candidates().collect();
        assert_eq!(candidates.len(), 2);
        assert!(candidates.iter().all(|c| shared.of(*c) == Some(0)));
        assert!(shared.socket(0).local_addr().unwrap().ip().is_unspecified());
    }

    #[test]
    fn what_cannot_be_served_is_said() {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        assert!(matches!(Sockets::open(any, &[]), Err(StartError::NoAddress)));
        let none = Ipv4Addr::UNSPECIFIED.into();
        assert!(matches!(Sockets::open(any, &[none]), Err(StartError::Unspecified(_))));
        let v6 = Ipv6Addr::LOCALHOST.into();
        assert!(matches!(Sockets::open(any, &[v6]), Err(StartError::Family(..))));
        let taken = Sockets::open(any, &[Ipv4Addr::LOCALHOST.into()]).unwrap();
        let again = Sockets::open(taken.candidate(0), &[Ipv4Addr::LOCALHOST.into()]);
        assert!(matches!(again, Err(StartError::Bind { .. })));
    }
}
