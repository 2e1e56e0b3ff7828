//! The reader of a UDP socket: sorts datagrams by the name in STUN requests and by where they come from, and hands them to
//! workers. What nobody is known for is dropped here.

use std::collections::HashMap;
use std::io::IoSliceMut;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg};
use str0m::net::Protocol;

use super::sockets::Sockets;
use super::worker::{Batch, Mailbox, Message};
use crate::counters::{self, Counters};
use crate::room::Change;
use crate::stun;

/// Datagrams of one system call.
const AT_ONCE: usize = 64;

/// The largest datagram that is read; longer ones are cut, and then fail their check.
const DATAGRAM: usize = 2048;

/// Which worker serves which name and address.
#[derive(Default)]
pub(super) struct Sorter {
    names: HashMap<String, usize>,
    addresses: HashMap<SocketAddr, usize>,
}

impl Sorter {
    /// Learns what workers say.
    pub(super) fn learn(&mut self, changes: &mpsc::Receiver<(usize, Change)>) {
        while let Ok((worker, change)) = changes.try_recv() {
            match change {
                Change::Named(name, _) => {
                    self.names.insert(name, worker);
                }
                Change::Unnamed(name) => {
                    self.names.remove(&name);
                }
                Change::Bound(address, _) => {
                    self.addresses.insert(address, worker);
                }
                Change::Unbound(address, _) => {
                    if self.addresses.get(&address) == Some(&worker) {
                        self.addresses.remove(&address);
                    }
                }
            }
        }
    }

    /// The worker for a datagram.
    pub(super) fn worker(&self, source: SocketAddr, bytes: &[u8]) -> Option<usize> {
        let named = if stun::is(bytes) { stun::user(bytes) } else { None };
        named.and_then(|name| self.names.get(name)).or_else(|| self.addresses.get(&source)).copied()
    }
}

/// See the module.
pub(super) struct Reader {
    sockets: Arc<Sockets>,
    socket: usize,
    workers: Vec<Mailbox>,
    changes: mpsc::Receiver<(usize, Change)>,
    sorter: Sorter,
    stop: Arc<AtomicBool>,
    counters: Arc<Counters>,
}

impl Reader {
    pub(super) fn new(
        sockets: Arc<Sockets>,
        socket: usize,
        workers: Vec<Mailbox>,
        changes: mpsc::Receiver<(usize, Change)>,
        stop: Arc<AtomicBool>,
        counters: Arc<Counters>,
    ) -> Reader {
        Reader { sockets, socket, workers, changes, sorter: Sorter::default(), stop, counters }
    }

    /// Reads until the end.
    pub(super) fn run(mut self) {
        let mut buffers = vec![[0u8; DATAGRAM]; AT_ONCE];
        let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(AT_ONCE, None);
        let mut came: Vec<(usize, SocketAddr)> = Vec::with_capacity(AT_ONCE);
        while !self.stop.load(Ordering::Relaxed) {
            came.clear();
            let read = self.read(&mut buffers, &mut headers, &mut came);
            // What a worker learned before it answered is known here before what that answer brought.
            self.sorter.learn(&self.changes);
            match read {
                Ok(()) => self.sort(&buffers, &came),
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(error) => {
                    tracing::warn!(%error, "UDP cannot be read");
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
        }
    }

    fn read(
        &self,
        buffers: &mut [[u8; DATAGRAM]],
        headers: &mut MultiHeaders<SockaddrStorage>,
        came: &mut Vec<(usize, SocketAddr)>,
    ) -> Result<(), Errno> {
        let fd = self.sockets.socket(self.socket).as_raw_fd();
        let mut slices: Vec<[IoSliceMut<'_>; 1]> =
            buffers.iter_mut().map(|b| [IoSliceMut::new(b)]).collect();
        let results = recvmmsg(fd, headers, slices.iter_mut(), MsgFlags::MSG_WAITFORONE, None)?;
        for message in results {
            let source = message.address.as_ref().and_then(address);
            // An address that cannot be read belongs to nobody; the place is kept.
            came.push((
                message.bytes,
                source.unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0))),
            ));
        }
        Ok(())
    }

    fn sort(&mut self, buffers: &[[u8; DATAGRAM]], came: &[(usize, SocketAddr)]) {
        let now = Instant::now();
        let mut batches: Vec<Option<Batch>> = Vec::new();
        batches.resize_with(self.workers.len(), || None);
        let mut total = 0;
        for ((len, source), buffer) in came.iter().zip(buffers) {
            let bytes = &buffer[..(*len).min(DATAGRAM)];
            total += bytes.len() as u64;
            let Some(worker) = self.sorter.worker(*source, bytes) else {
                counters::add(&self.counters.strangers, 1);
                continue;
            };
            batches[worker]
                .get_or_insert_with(|| {
                    Batch::new(Protocol::Udp, self.sockets.candidate(self.socket), now)
                })
                .push(*source, bytes);
        }
        counters::add(&self.counters.received, came.len() as u64);
        counters::add(&self.counters.received_bytes, total);
        for (worker, batch) in self.workers.iter().zip(batches) {
            if let Some(batch) = batch {
                worker.put(Message::Datagrams(batch));
            }
        }
    }
}

fn address(from: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = from.as_sockaddr_in() {
        return Some(SocketAddr::V4((*v4).into()));
    }
    from.as_sockaddr_in6().map(|v6| SocketAddr::V6((*v6).into()))
}
