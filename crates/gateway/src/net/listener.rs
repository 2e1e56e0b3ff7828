//! A listener and its connections, up to where they become sessions or HTTP.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use stoa_core::limits::CLASS_MESSAGE_BYTES;
use stoa_metrics::connections::{ACCEPTED, OPEN, REFUSED, Refused};
use stoa_metrics::{Held, tls as counted};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tower::{Service, ServiceExt};

use super::codec::Carries;
use super::forwarded;
use super::limits::NetLimits;
use super::link::{Link, TransportError};
use super::stream::Stream;
use super::tls::{Security, TlsSource};
use super::upgrade::{self, First, SessionKind};
use super::ws::WsTransport;

/// Bytes of a request's head that the HTTP library wants room for, at the least.
const HTTP_BUFFER: usize = 8 * 1024;
/// How long the listener rests when the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How many connections the system may have let in that were not seen yet.
const BACKLOG: usize = 4096;

/// Where a request comes from and how, an extension of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The client's address, or that of whom a trusted proxy names as its client.
    pub address: SocketAddr,
    /// It came through TLS, which ends here.
    pub encrypted: bool,
}

impl Peer {
    /// The same with the client whom a proxy names; its port is not known.
    fn of_client(self, client: IpAddr) -> Self {
        if client == self.address.ip() {
            return self;
        }
        Self { address: SocketAddr::new(client, 0), ..self }
    }
}

/// The SHA-256 of the certificate that the client has shown, an extension of the requests of a connection
/// on which it has: see [`client_auth_config`](super::client_auth_config).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerCertificate(pub [u8; 32]);

/// Serves a listener until `shutdown`: sessions go to `on_session`, requests to `http`.
///
/// Without `tls` the listener is plain, which is for loopback only. `on_session` gets the kind and the
/// transport of each session and starts whatever drives it; it must not block. After `shutdown` no connection
/// is accepted, requests that are being answered or on their way are finished, and `serve` returns;
/// sessions live on with whoever drives them.
///
/// # Errors
/// When the listener itself fails.
pub async fn serve<S, B, F>(
    listener: TcpListener,
    tls: Option<TlsSource>,
    http: S,
    on_session: F,
    limits: NetLimits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    F: Fn(SessionKind, WsTransport) + Clone + Send + 'static,
{
    let free = Arc::new(Semaphore::new(limits.connections));
    let limits = Arc::new(limits);
    let (stop, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    let admit = |connections: &mut JoinSet<()>, socket: TcpStream, peer: SocketAddr| {
        let Ok(permit) = Arc::clone(&free).try_acquire_owned() else {
            REFUSED.of(Refused::TooMany).inc();
            tracing::debug!("too many connections");
            return;
        };
        let tls = tls.as_ref().map(|tls| tls.load_full());
        let peer = Peer { address: peer, encrypted: tls.is_some() };
        let security = match tls.map_or(Ok(Security::Plain), Security::tls) {
            Ok(security) => security,
            Err(error) => {
                tracing::error!(%error, "the TLS configuration cannot be used");
                return;
            }
        };
        ACCEPTED.inc();
        let place = Place { _permit: permit, _open: OPEN.hold() };
        let connection = Connection { peer, place, limits: Arc::clone(&limits) };
        let (http, on_session, stopped) = (http.clone(), on_session.clone(), stopped.clone());
        connections.spawn(async move {
            if let Err(error) = connection.run(socket, security, http, on_session, stopped).await {
                tracing::trace!(%error, "connection failed");
            }
        });
    };
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_connection(&error) => continue,
            Err(error) => {
                REFUSED.of(Refused::Accept).inc();
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        admit(&mut connections, socket, peer);
    }
    // Whom the system let in before this moment is answered too.
    for _ in 0..BACKLOG {
        let Some(Ok((socket, peer))) = listener.accept().now_or_never() else { break };
        admit(&mut connections, socket, peer);
    }
    drop(listener);
    drop(stop);
    while connections.join_next().await.is_some() {}
    Ok(())
}

/// Errors of `accept` that concern one connection only.
fn is_of_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

/// A connection's place among those that may be open, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    _open: Held,
}

struct Connection {
    peer: Peer,
    place: Place,
    limits: Arc<NetLimits>,
}

impl Connection {
    async fn run<S, B, F>(
        self,
        socket: TcpStream,
        security: Security,
        http: S,
        on_session: F,
        stopped: watch::Receiver<()>,
    ) -> Result<(), TransportError>
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        F: Fn(SessionKind, WsTransport),
    {
        socket.set_nodelay(true)?;
        let mut stream = Stream::new(Link::new(socket, security), self.limits.stall);
        let first = tokio::select! {
            first = timeout(self.limits.handshake, open(&mut stream, &self.limits)) => first,
            () = ended(stopped.clone(), self.limits.drain / 8) => return Ok(()),
        };
        match first.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?? {
            // The future that ran the handshake ends here; whoever drives the session starts anew.
            Some(First::Session { kind, len, .. }) => {
                let Self { peer, place, limits } = self;
                let head = stream.ahead().get(..len).unwrap_or_default();
                let from = forwarded::client_of_head(peer.address.ip(), &limits.proxies, head);
                let peer = peer.of_client(from);
                let (link, early) = stream.into_link(len);
                let (carries, bytes) = match kind {
                    SessionKind::Chat => (Carries::Binary, limits.message_bytes),
                    SessionKind::Class => (Carries::Text, CLASS_MESSAGE_BYTES),
                };
                let (from, linger) = (peer.address, limits.linger);
                let transport = WsTransport::new(link, early, carries, bytes, from, linger, place);
                on_session(kind, transport);
            }
            Some(_) => Box::pin(self.http(stream, http, stopped)).await,
            None => {}
        }
        Ok(())
    }

    /// Serves HTTP until the connection ends.
    async fn http<S, B>(self, stream: Stream, http: S, mut stopped: watch::Receiver<()>)
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Self { peer, place, limits } = self;
        let (within, rate, received) = (limits.request, limits.body_rate, stream.received());
        let certificate = stream.client_certificate().map(PeerCertificate);
        let told = Arc::clone(&limits);
        let service = service_fn(move |mut request: Request<Incoming>| {
            let headers = request.headers().iter();
            let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes()));
            let from = forwarded::client(peer.address.ip(), &told.proxies, headers);
            request.extensions_mut().insert(peer.of_client(from));
            if let Some(certificate) = certificate {
                request.extensions_mut().insert(certificate);
            }
            let answer = http.clone().oneshot(request);
            let patience = patience(within, rate, Arc::clone(&received));
            async move {
                tokio::select! {
                    Ok(answer) = answer => Ok(answer),
                    // Hyper closes the connection without an answer.
                    () = patience => Err(io::Error::from(io::ErrorKind::TimedOut)),
                }
            }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.next_head)
            .max_buf_size(limits.head_bytes.max(HTTP_BUFFER))
            .max_headers(upgrade::HEADERS)
            // A request whose sender has closed its side is still carried out and answered.
            .half_close(true)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            // In this order: told to end before it has seen anything, hyper would close at once, and
            // the request is there already.
            biased;
            ended = connection.as_mut() => ended,
            _ = stopped.changed() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::trace!(%error, "HTTP connection failed");
        }
        drop(place);
    }
}

/// Waits for `within`, and for a second more for each `rate` bytes that came meanwhile: who sends much may
/// take long, who sends nothing may not.
async fn patience(within: Duration, rate: u64, received: Arc<AtomicU64>) {
    let (began, before) = (Instant::now(), received.load(Ordering::Relaxed));
    loop {
        let came = received.load(Ordering::Relaxed).wrapping_sub(before);
        let until = began + within + Duration::from_secs(came / rate.max(1));
        if Instant::now() >= until {
            return;
        }
        tokio::time::sleep_until(until).await;
    }
}

/// Waits until the server is told to end, and then for `grace`: a request that is on its way is let in.
async fn ended(mut stopped: watch::Receiver<()>, grace: Duration) {
    // That nobody is left to say it says it too.
    let _ = stopped.changed().await;
    tokio::time::sleep(grace).await;
}

/// Completes the handshake and reads until it is clear what the client wants; a session is
/// answered. `None` when the client went away.
async fn open(stream: &mut Stream, limits: &NetLimits) -> Result<Option<First>, TransportError> {
    handshake(stream).await?;
    loop {
        if !stream.ahead().is_empty() {
            match upgrade::judge(stream.ahead(), limits.session_hosts.as_deref()) {
                First::Incomplete if stream.ahead().len() < limits.head_bytes => {}
                // HTTP says that the head is too large.
                First::Incomplete => return Ok(Some(First::Http)),
                session @ First::Session { .. } => {
                    if let First::Session { answer, .. } = &session {
                        stream.send(answer.as_bytes()).await?;
                    }
                    return Ok(Some(session));
                }
                First::Http => return Ok(Some(First::Http)),
            }
        }
        if !stream.read_ahead().await? {
            return Ok(None);
        }
    }
}

/// Completes the handshake, and counts what it came to.
async fn handshake(stream: &mut Stream) -> Result<(), TransportError> {
    if !stream.is_handshaking() {
        return Ok(());
    }
    let counted = counted::Handshake::begin();
    let done = stream.handshake().await;
    counted.end(match &done {
        Ok(()) => counted::Outcome::Done,
        Err(TransportError::Io(_)) => counted::Outcome::Gone,
        Err(_) => counted::Outcome::Refused,
    });
    done
}
