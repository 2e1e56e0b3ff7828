//! TCP for networks that let no UDP through: passive candidates, datagrams behind a length of two octets (RFC 4571).
//!
//! It is the slow way and serves few. A connection that does not begin with a STUN request for somebody here, or is silent, is closed.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use str0m::net::Protocol;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::reader::Sorter;
use super::worker::{Batch, Mailbox, Message};
use crate::config::StartError;
use crate::counters::{self, Counters};
use crate::room::Change;

/// Datagrams that wait for a slow connection before more are dropped.
const WAITING: usize = 512;

/// The longest datagram.
const DATAGRAM: usize = 2000;

/// So long a connection may say nothing: at its start, and later.
const FIRST: Duration = Duration::from_secs(5);
const SILENCE: Duration = Duration::from_secs(30);

/// An open listener.
pub(super) struct Listening {
    listener: TcpListener,
    pub(super) address: SocketAddr,
    pub(super) candidates: Vec<SocketAddr>,
}

/// What connections share.
struct Common {
    workers: Vec<Mailbox>,
    sorter: Mutex<(Sorter, mpsc::Receiver<(usize, Change)>)>,
    counters: Arc<Counters>,
    candidates: Vec<SocketAddr>,
}

pub(super) fn listen(addr: SocketAddr, addresses: &[IpAddr]) -> Result<Listening, StartError> {
    if tokio::runtime::Handle::try_current().is_err() {
        return Err(StartError::NoRuntime);
    }
    let open = || {
        let listener = std::net::TcpListener::bind(addr)?;
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    };
    let fail = |source| StartError::Bind { proto: "TCP", addr, source };
    let listener = open().map_err(fail)?;
    let address = listener.local_addr().map_err(fail)?;
    let serves =
        |ip: &IpAddr| ip.is_ipv4() == addr.is_ipv4() || addr.ip() == IpAddr::from([0u16; 8]);
    let candidates: Vec<SocketAddr> = addresses
        .iter()
        .filter(|ip| serves(ip))
        .map(|ip| SocketAddr::new(*ip, address.port()))
        .collect();
    match (candidates.first(), addresses.first()) {
        (Some(_), _) => Ok(Listening { listener, address, candidates }),
        (None, Some(first)) => Err(StartError::Family(*first, addr)),
        (None, None) => Err(StartError::NoAddress),
    }
}

impl Listening {
    /// Accepts connections, in a task.
    pub(super) fn serve(
        self,
        workers: Vec<Mailbox>,
        changes: mpsc::Receiver<(usize, Change)>,
        counters: Arc<Counters>,
        limit: usize,
    ) -> tokio::task::JoinHandle<()> {
        let common = Arc::new(Common {
            workers,
            sorter: Mutex::new((Sorter::default(), changes)),
            counters,
            candidates: self.candidates,
        });
        tokio::spawn(async move {
            let mut sweep = tokio::time::interval(Duration::from_secs(1));
            loop {
                tokio::select! {
                    accepted = self.listener.accept() => match accepted {
                        Ok((stream, source)) => {
                            let open = common.counters.tcp.load(Ordering::Relaxed);
                            if usize::try_from(open).unwrap_or(0) < limit {
                                tokio::spawn(serve(common.clone(), stream, source));
                            }
                        }
                        Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                    },
                    // What workers say must not pile up while nobody comes.
                    _ = sweep.tick() => common.learn(),
                }
            }
        })
    }
}

impl Common {
    fn learn(&self) {
        let (sorter, changes) = &mut *self.sorter.lock();
        sorter.learn(changes);
    }

    fn worker(&self, source: SocketAddr, bytes: &[u8]) -> Option<usize> {
        self.learn();
        self.sorter.lock().0.worker(source, bytes)
    }
}

async fn serve(common: Arc<Common>, stream: TcpStream, source: SocketAddr) {
    counters::shift(&common.counters.tcp, 1);
    let source = SocketAddr::new(source.ip().to_canonical(), source.port());
    let local = stream.local_addr().map(|l| l.ip().to_canonical());
    let destination = local
        .ok()
        .and_then(|ip| common.candidates.iter().find(|c| c.ip() == ip))
        .or_else(|| common.candidates.iter().find(|c| c.is_ipv4() == source.is_ipv4()))
        .or(common.candidates.first())
        .copied();
    if let Some(destination) = destination {
        let _ = stream.set_nodelay(true);
        let (reader, writer) = stream.into_split();
        talk(&common, BufReader::new(reader), writer, source, destination).await;
    }
    counters::shift(&common.counters.tcp, -1);
}

async fn talk(
    common: &Common,
    mut reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin + Send + 'static,
    source: SocketAddr,
    destination: SocketAddr,
) {
    let mut buffer = vec![0; DATAGRAM];
    let Some(len) = frame(&mut reader, &mut buffer, FIRST).await else {
        return;
    };
    let Some(worker) = common.worker(source, &buffer[..len]) else {
        return counters::add(&common.counters.strangers, 1);
    };
    let worker = &common.workers[worker];
    let (sender, mut outgoing) = tokio::sync::mpsc::channel::<Vec<u8>>(WAITING);
    worker.put(Message::Opened(source, sender));
    let writing = async move {
        while let Some(datagram) = outgoing.recv().await {
            let Ok(len) = u16::try_from(datagram.len()) else { continue };
            let mut frame = len.to_be_bytes().to_vec();
            frame.extend(datagram);
            if timeout(SILENCE, writer.write_all(&frame)).await.is_ok_and(|w| w.is_ok()) {
                continue;
            }
            return;
        }
    };
    let reading = async {
        let mut len = len;
        loop {
            let mut batch = Batch::new(Protocol::Tcp, destination, Instant::now());
            batch.push(source, &buffer[..len]);
            counters::add(&common.counters.received, 1);
            counters::add(&common.counters.received_bytes, len as u64);
            worker.put(Message::Datagrams(batch));
            match frame(&mut reader, &mut buffer, SILENCE).await {
                Some(next) => len = next,
                None => return,
            }
        }
    };
    tokio::select! {
        () = writing => {}
        () = reading => {}
    }
    worker.put(Message::Closed(source));
}

/// Reads one frame; `None` at the end, after an error, if nothing comes in time, or if it is too long.
async fn frame(
    reader: &mut (impl AsyncRead + Unpin),
    buffer: &mut [u8],
    wait: Duration,
) -> Option<usize> {
    timeout(wait, async {
        let len = usize::from(reader.read_u16().await.ok()?);
        let place = buffer.get_mut(..len).filter(|_| len > 0)?;
        reader.read_exact(place).await.ok()?;
        Some(len)
    })
    .await
    .ok()?
}
