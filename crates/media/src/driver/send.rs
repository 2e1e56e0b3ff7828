//! Sending: what goes to one address at the same moment leaves as one message that the system cuts (UDP segmentation), and
//! many such messages with one system call.

use std::collections::HashMap;
use std::io::IoSlice;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg};
use str0m::net::{Protocol, Transmit};
use tokio::sync::mpsc::Sender;

use super::sockets::Sockets;
use crate::counters::{self, Counters};

/// Messages of one system call.
const AT_ONCE: usize = 64;

/// Datagrams of one message (the system takes 64), and its bytes.
const SEGMENTS: usize = 60;
const MESSAGE: usize = 60_000;

/// See the module.
pub(super) struct Sending {
    sockets: Arc<Sockets>,
    counters: Arc<Counters>,
    plain: MultiHeaders<SockaddrStorage>,
    cut: MultiHeaders<SockaddrStorage>,
    /// Whether the system can cut.
    cuts: bool,
    tcp: HashMap<SocketAddr, Sender<Vec<u8>>>,
}

/// Datagrams of one size to one address, the last perhaps smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// The first and the one after the last.
    from: usize,
    to: usize,
    size: u16,
    socket: usize,
    /// The how manieth to its address: a later one must not overtake.
    wave: usize,
}

impl Sending {
    pub(super) fn new(sockets: Arc<Sockets>, counters: Arc<Counters>) -> Sending {
        Sending {
            sockets,
            counters,
            plain: MultiHeaders::preallocate(AT_ONCE, None),
            cut: MultiHeaders::preallocate(AT_ONCE, Some(nix::cmsg_space!(u16))),
            cuts: true,
            tcp: HashMap::new(),
        }
    }

    pub(super) fn opened(&mut self, address: SocketAddr, sender: Sender<Vec<u8>>) {
        self.tcp.insert(address, sender);
    }

    pub(super) fn closed(&mut self, address: SocketAddr) {
        self.tcp.remove(&address);
    }

    /// Sends all, and empties `out`.
    pub(super) fn send(&mut self, out: &mut Vec<Transmit>) {
        if out.is_empty() {
            return;
        }
        let bytes: usize = out.iter().map(|t| t.contents.len()).sum();
        counters::add(&self.counters.sent, out.len() as u64);
        counters::add(&self.counters.sent_bytes, bytes as u64);
        if !self.tcp.is_empty() || out.iter().any(|t| t.proto != Protocol::Udp) {
            let (udp, tcp): (Vec<_>, Vec<_>) =
                out.drain(..).partition(|t| t.proto == Protocol::Udp);
            *out = udp;
            self.send_tcp(tcp);
        }
        let mut runs = runs(out, |source| self.sockets.of(source), self.cuts);
        runs.sort_by_key(|r| (r.wave, r.socket, if r.to - r.from > 1 { r.size } else { 0 }));
        let alike = |a: &Run, b: &Run| {
            let single = |r: &Run| r.to - r.from == 1;
            a.socket == b.socket
                && a.wave == b.wave
                && (single(a) && single(b) || !single(a) && !single(b) && a.size == b.size)
        };
        for group in runs.chunk_by(alike) {
            for some in group.chunks(AT_ONCE) {
                self.send_some(out, some);
            }
        }
        out.clear();
    }

    fn send_some(&mut self, out: &[Transmit], mut runs: &[Run]) {
        while let [first, ..] = runs {
            let many = first.to - first.from > 1;
            match self.call(out, runs, many) {
                Ok(0) => return,
                Ok(sent) => runs = runs.get(sent..).unwrap_or_default(),
                Err(Errno::EINTR) => {}
                // No segmentation here (an old system, or a card without checksums): one by one, from now on.
                Err(Errno::EINVAL | Errno::EIO | Errno::EOPNOTSUPP | Errno::ENOPROTOOPT)
                    if many && self.cuts =>
                {
                    self.cuts = false;
                    tracing::info!(
                        "UDP segmentation is not available; datagrams are sent one by one"
                    );
                    return self.send_singly(out, runs);
                }
                Err(Errno::EAGAIN | Errno::ENOBUFS) => {
                    let left: usize = runs.iter().map(|r| r.to - r.from).sum();
                    return counters::add(&self.counters.unsent, left as u64);
                }
                // The first cannot be sent (no route, say); the others may.
                Err(_) => {
                    counters::add(&self.counters.unsent, (first.to - first.from) as u64);
                    runs = &runs[1..];
                }
            }
        }
    }

    fn send_singly(&mut self, out: &[Transmit], runs: &[Run]) {
        let single = |run: &Run| {
            (run.from..run.to).map(|at| Run { from: at, to: at + 1, ..*run }).collect::<Vec<_>>()
        };
        let singles: Vec<Run> = runs.iter().flat_map(single).collect();
        for some in singles.chunks(AT_ONCE) {
            self.send_some(out, some);
        }
    }

    /// One system call. Says how many of the runs went.
    fn call(&mut self, out: &[Transmit], runs: &[Run], many: bool) -> Result<usize, Errno> {
        let fd = self.sockets.socket(runs[0].socket).as_raw_fd();
        let slices: Vec<Vec<IoSlice<'_>>> = runs
            .iter()
            .map(|r| out[r.from..r.to].iter().map(|t| IoSlice::new(&t.contents)).collect())
            .collect();
        let addresses: Vec<Option<SockaddrStorage>> =
            runs.iter().map(|r| Some(out[r.from].destination.into())).collect();
        counters::add(&self.counters.sent_calls, 1);
        let size = runs[0].size;
        let cut = [ControlMessage::UdpGsoSegments(&size)];
        let (headers, control): (_, &[ControlMessage<'_>]) =
            if many { (&mut self.cut, &cut) } else { (&mut self.plain, &[]) };
        let sent =
            sendmmsg(fd, headers, slices.iter(), &addresses, control, MsgFlags::MSG_DONTWAIT)?;
        Ok(sent.count())
    }

    fn send_tcp(&mut self, out: Vec<Transmit>) {
        for transmit in out {
            let sent = self
                .tcp
                .get(&transmit.destination)
                .is_some_and(|sender| sender.try_send(transmit.contents.to_vec()).is_ok());
            if !sent {
                counters::add(&self.counters.unsent, 1);
            }
        }
    }
}

fn runs(out: &[Transmit], socket: impl Fn(SocketAddr) -> Option<usize>, cuts: bool) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::with_capacity(out.len());
    let mut bytes = 0;
    let mut ended = true;
    for (at, transmit) in out.iter().enumerate() {
        let Ok(size) = u16::try_from(transmit.contents.len()) else {
            ended = true;
            continue;
        };
        let same = at > 0
            && out[at - 1].destination == transmit.destination
            && out[at - 1].source == transmit.source;
        if let Some(run) = runs.last_mut().filter(|_| same) {
            let fits = size <= run.size
                && run.to - run.from < SEGMENTS
                && bytes + usize::from(size) <= MESSAGE;
            if cuts && !ended && fits {
                run.to = at + 1;
                bytes += usize::from(size);
                ended = size < run.size;
                continue;
            }
        }
        let wave = runs.last().filter(|_| same).map_or(0, |run| run.wave + 1);
        let Some(socket) = socket(transmit.source) else {
            ended = true;
            continue;
        };
        runs.push(Run { from: at, to: at + 1, size, socket, wave });
        bytes = usize::from(size);
        ended = false;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transmit(to: u16, size: usize) -> Transmit {
        Transmit {
            proto: Protocol::Udp,
            source: SocketAddr::from(([127, 0, 0, 1], 1)),
            destination: SocketAddr::from(([127, 0, 0, 1], to)),
            contents: vec![0; size].into(),
        }
    }

    #[test]
    fn datagrams_of_one_size_to_one_address_are_one_message_and_keep_their_order() {
        let sizes = [(5, 100), (5, 100), (5, 99), (5, 99), (5, 99), (6, 100), (6, 120), (7, 80)];
        let out: Vec<Transmit> = sizes.iter().map(|(to, size)| transmit(*to, *size)).collect();
        let got = runs(&out, |_| Some(0), true);
        let shape: Vec<_> = got.iter().map(|r| (r.from, r.to, r.size, r.wave)).collect();
        assert_eq!(
            shape,
            [(0, 3, 100, 0), (3, 5, 99, 1), (5, 6, 100, 0), (6, 7, 120, 1), (7, 8, 80, 0)]
        );
        assert_eq!(runs(&out, |_| Some(0), false).len(), out.len());
        let many: Vec<Transmit> = (0..150).map(|_| transmit(5, 1200)).collect();
        let got = runs(&many, |_| Some(0), true);
        assert!(got.iter().all(|r| (r.to - r.from) * 1200 <= MESSAGE && r.to - r.from <= SEGMENTS));
        assert_eq!(got.iter().map(|r| r.to - r.from).sum::<usize>(), 150);
    }

    #[test]
    fn what_is_cut_by_the_system_and_what_is_sent_singly_comes_as_it_was() {
        let local = std::net::IpAddr::from([127, 0, 0, 1]);
        let sockets = Arc::new(Sockets::open((local, 0).into(), &[local]).unwrap());
        let there = std::net::UdpSocket::bind((local, 0)).unwrap();
        there.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
        let counters = Arc::new(Counters::default());
        let mut sending = Sending::new(sockets.clone(), counters.clone());
        let sizes = [900, 900, 900, 300, 1200, 40];
        let calls =
            |counters: &Counters| counters.sent_calls.load(std::sync::atomic::Ordering::Relaxed);
        for cuts in [true, false] {
            sending.cuts = cuts;
            let before = calls(&counters);
            let mut out: Vec<Transmit> = (0u8..)
                .zip(sizes)
                .map(|(n, size)| Transmit {
                    proto: Protocol::Udp,
                    source: sockets.candidate(0),
                    destination: there.local_addr().unwrap(),
                    contents: vec![n; size].into(),
                })
                .collect();
            sending.send(&mut out);
            assert!(out.is_empty());
            let mut buffer = [0; 2000];
            for (n, size) in (0u8..).zip(sizes) {
                let (len, from) = there.recv_from(&mut buffer).unwrap();
                assert_eq!((len, from), (size, sockets.candidate(0)));
                assert!(buffer[..len].iter().all(|b| *b == n));
            }
            if sending.cuts {
                assert_eq!(
                    calls(&counters) - before,
                    2,
                    "two messages, the second after the first"
                );
            }
        }
        assert_eq!(counters.unsent.load(std::sync::atomic::Ordering::Relaxed), 0);
    }
}
