//! The threads on which participants send and receive: one epoll each, and one `recvmmsg` for each socket that has
//! something.

use std::io::IoSliceMut;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, SockaddrStorage, recvmmsg,
};
use nix::sys::time::TimeSpec;
use rustix::event::{Timespec, epoll};
use str0m::config::DtlsCert;
use str0m::media::MediaKind;
use tokio::time::sleep;

use super::peer::{Offered, Peer};
use super::source::{Sends, wall};
use super::tally::{Tally, Window};
use crate::Error;

/// Threads.
const THREADS: usize = 2;
/// Datagrams of one system call.
const AT_ONCE: usize = 64;
/// The largest datagram.
const DATAGRAM: usize = 2_048;
/// Sockets that one call tells of.
const EVENTS: usize = 256;
/// How long a thread waits at the most before it looks for participants who are new.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// All participants of a load. Dropping them ends them.
pub struct Clients {
    address: IpAddr,
    certificate: DtlsCert,
    shared: Arc<Shared>,
    threads: Vec<Thread>,
    added: usize,
}

#[derive(Default)]
struct Shared {
    window: Window,
    stop: AtomicBool,
    ready: AtomicUsize,
}

struct Thread {
    new: mpsc::Sender<Peer>,
    work: Option<JoinHandle<Result<Tally, Error>>>,
}

impl Clients {
    /// Nobody yet; all will be at this address.
    ///
    /// # Errors
    /// When the threads cannot be made.
    pub fn start(address: IpAddr) -> Result<Self, Error> {
        let provider = str0m::crypto::from_feature_flags();
        let certificate = provider.dtls_provider.generate_certificate();
        let certificate =
            certificate.ok_or_else(|| Error::Missing("a certificate for DTLS".into()))?;
        let shared = Arc::new(Shared::default());
        let mut clients =
            Self { address, certificate, shared, threads: Vec::with_capacity(THREADS), added: 0 };
        for _ in 0..THREADS {
            let (new, arrivals) = mpsc::channel();
            let shared = Arc::clone(&clients.shared);
            let run = move || Room::new(shared, arrivals)?.run();
            let work = std::thread::Builder::new().name("media".into()).spawn(run);
            let work = Some(work.map_err(Error::io("start a thread"))?);
            clients.threads.push(Thread { new, work });
        }
        Ok(clients)
    }

    /// Offers a connection that sends these and receives on so many m-lines.
    ///
    /// # Errors
    /// As [`Offered::new`].
    pub fn offering(&self, sends: &[Sends], slots: &[MediaKind]) -> Result<Offered, Error> {
        Offered::new(self.address, self.certificate.clone(), sends, slots)
    }

    /// Accepts the offer of a connection on which these sources are to come.
    ///
    /// # Errors
    /// As [`Peer::answering`].
    pub fn answering(&self, sdp: &str, watched: &[u32]) -> Result<(Peer, String), Error> {
        Peer::answering(self.address, self.certificate.clone(), sdp, watched)
    }

    /// Sets a connection going.
    ///
    /// # Errors
    /// When its thread has ended.
    pub fn add(&mut self, peer: Peer) -> Result<(), Error> {
        let thread = &mut self.threads[self.added % THREADS];
        self.added += 1;
        let gone = |_| Error::Server("a thread of the load has ended".into());
        match thread.new.send(peer).map_err(gone) {
            Ok(()) => Ok(()),
            // Why it ended says more.
            Err(error) => Err(thread.ended().unwrap_or(error)),
        }
    }

    /// Waits until all connections are up and something has come of all that they watch, at most so long.
    ///
    /// # Errors
    /// When one of them fails, or the time is over.
    pub async fn ready(&mut self, limit: Duration) -> Result<(), Error> {
        let began = Instant::now();
        loop {
            self.alive()?;
            let ready = self.shared.ready.load(Ordering::Relaxed);
            if ready == self.added {
                return Ok(());
            }
            if began.elapsed() > limit {
                let all = self.added;
                let what = "connections are up and get what they watch";
                return Err(Error::Server(format!("{ready} of {all} {what}")));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// How many connections there are.
    pub const fn count(&self) -> usize {
        self.added
    }

    /// From now on, so long, packets count that leave.
    pub fn open_window(&self, length: Duration) {
        self.shared.window.open(length);
    }

    /// Whether none has failed.
    ///
    /// # Errors
    /// With what failed.
    pub fn alive(&mut self) -> Result<(), Error> {
        self.threads.iter_mut().find_map(Thread::ended).map_or(Ok(()), Err)
    }

    /// Ends all, and says what was counted.
    ///
    /// # Errors
    /// When a connection failed.
    pub fn finish(mut self) -> Result<Tally, Error> {
        self.shared.stop.store(true, Ordering::Relaxed);
        let mut all = Tally::default();
        for thread in &mut self.threads {
            if let Some(work) = thread.work.take() {
                all.add(&joined(work)?);
            }
        }
        Ok(all)
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        for thread in &mut self.threads {
            if let Some(work) = thread.work.take() {
                let _ = joined(work);
            }
        }
    }
}

impl Thread {
    /// Why it ended before it should have.
    fn ended(&mut self) -> Option<Error> {
        let work = self.work.take_if(|work| work.is_finished())?;
        Some(
            joined(work)
                .err()
                .unwrap_or_else(|| Error::Server("a thread of the load ended".into())),
        )
    }
}

fn joined(work: JoinHandle<Result<Tally, Error>>) -> Result<Tally, Error> {
    work.join().unwrap_or_else(|_| Err(Error::Server("a thread of the load panicked".into())))
}

/// What one thread has.
struct Room {
    shared: Arc<Shared>,
    arrivals: mpsc::Receiver<Peer>,
    epoll: OwnedFd,
    peers: Vec<Peer>,
    headers: MultiHeaders<SockaddrStorage>,
    buffers: Vec<[u8; DATAGRAM]>,
    tally: Tally,
}

/// A datagram that was read.
struct Came {
    bytes: usize,
    source: SocketAddr,
    /// When the kernel received it.
    at: u64,
}

impl Room {
    fn new(shared: Arc<Shared>, arrivals: mpsc::Receiver<Peer>) -> Result<Self, Error> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(wait_error)?;
        Ok(Self {
            shared,
            arrivals,
            epoll,
            peers: Vec::new(),
            headers: MultiHeaders::preallocate(AT_ONCE, Some(cmsg_space!(TimeSpec))),
            buffers: vec![[0; DATAGRAM]; AT_ONCE],
            tally: Tally::default(),
        })
    }

    fn run(&mut self) -> Result<Tally, Error> {
        let mut events = Vec::with_capacity(EVENTS);
        while !self.shared.stop.load(Ordering::Relaxed) {
            self.welcome()?;
            let now = Instant::now();
            let next = self.peers.iter().map(Peer::wake).min();
            let wait = next.map_or(LOOK_EVERY, |next| next.saturating_duration_since(now));
            let timeout =
                Timespec { tv_sec: 0, tv_nsec: wait.min(LOOK_EVERY).subsec_nanos().into() };
            events.clear();
            let buffer = rustix::buffer::spare_capacity(&mut events);
            match epoll::wait(&self.epoll, buffer, Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(wait_error(error)),
            }
            for event in &events {
                self.read(usize::try_from(event.data.u64()).unwrap_or_default())?;
            }
            let now = Instant::now();
            for peer in self.peers.iter_mut().filter(|peer| peer.wake() <= now) {
                if peer.turn(&self.shared.window, &mut self.tally)? {
                    self.shared.ready.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        Ok(std::mem::take(&mut self.tally))
    }

    /// Takes over those who are new.
    fn welcome(&mut self) -> Result<(), Error> {
        while let Ok(peer) = self.arrivals.try_recv() {
            let number = epoll::EventData::new_u64(self.peers.len() as u64);
            epoll::add(&self.epoll, peer.socket(), number, epoll::EventFlags::IN)
                .map_err(wait_error)?;
            for source in peer.sources() {
                *self.tally.watchers.entry(source).or_default() += 1;
            }
            self.peers.push(peer);
        }
        Ok(())
    }

    /// Reads what a socket has; what does not fit into one call waits for the next round.
    fn read(&mut self, number: usize) -> Result<(), Error> {
        let peer = &mut self.peers[number];
        let fd = peer.socket().as_raw_fd();
        let came: Vec<Option<Came>> = {
            let mut slices: Vec<[IoSliceMut<'_>; 1]> =
                self.buffers.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
            let flags = MsgFlags::MSG_DONTWAIT;
            match recvmmsg(fd, &mut self.headers, slices.iter_mut(), flags, None) {
                Ok(messages) => messages.map(|message| came(&message)).collect(),
                // ECONNREFUSED is told of something sent before: the server's end shows elsewhere.
                Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNREFUSED) => return Ok(()),
                Err(error) => return Err(Error::io("receive media")(error.into())),
            }
        };
        for (came, buffer) in came.iter().zip(&self.buffers) {
            let Some(Came { bytes, source, at }) = came else { continue };
            let datagram = (*source, &buffer[..(*bytes).min(DATAGRAM)]);
            if peer.receive(datagram, *at, &self.shared.window, &mut self.tally)? {
                self.shared.ready.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

fn came(message: &RecvMsg<'_, '_, SockaddrStorage>) -> Option<Came> {
    let address = message.address?;
    let source = match (address.as_sockaddr_in(), address.as_sockaddr_in6()) {
        (Some(address), _) => SocketAddr::V4((*address).into()),
        (None, Some(address)) => SocketAddr::V6((*address).into()),
        (None, None) => return None,
    };
    let stamp = message.cmsgs().ok()?.find_map(|control| match control {
        ControlMessageOwned::ScmTimestampns(stamp) => Some(Duration::from(stamp)),
        _ => None,
    });
    let at = stamp.and_then(|stamp| u64::try_from(stamp.as_nanos()).ok()).unwrap_or_else(wall);
    Some(Came { bytes: message.bytes, source, at })
}

fn wait_error(error: rustix::io::Errno) -> Error {
    Error::io("wait for media")(error.into())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    /// Offers a picture and a sound to one who watches `watched`.
    fn pair(clients: &mut Clients, watched: &[u32]) {
        let sends = [Sends { source: 4, video: None }, Sends { source: 5, video: Some(1_200_000) }];
        let offered = clients.offering(&sends, &[]).unwrap();
        let (watcher, answer) = clients.answering(&offered.sdp, watched).unwrap();
        clients.add(offered.answered(&answer, &[]).unwrap()).unwrap();
        clients.add(watcher).unwrap();
    }

    #[tokio::test]
    async fn what_one_sends_another_gets_over_ice_dtls_and_srtp() {
        let mut clients = Clients::start(Ipv4Addr::LOCALHOST.into()).unwrap();
        clients.open_window(Duration::from_secs(3_600));
        pair(&mut clients, &[4, 5]);
        clients.ready(Duration::from_secs(60)).await.unwrap();
        assert_eq!(clients.count(), 2);
        let tally = clients.finish().unwrap();
        assert!(tally.came >= 2 && tally.came <= tally.due(), "{} {}", tally.came, tally.due());
        assert_eq!((tally.astray, tally.delay.count()), (0, tally.came));
        assert_eq!(tally.watchers, [(4, 1), (5, 1)].into());
    }

    #[tokio::test]
    async fn who_gets_nothing_of_what_it_watches_is_not_ready() {
        let mut clients = Clients::start(Ipv4Addr::LOCALHOST.into()).unwrap();
        pair(&mut clients, &[4, 6]);
        let error = clients.ready(Duration::ZERO).await.unwrap_err().to_string();
        assert!(error.ends_with("of 2 connections are up and get what they watch"), "{error}");
    }
}
