//! A server on the loopback and clients for it that share no code with it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use stoa_gateway::net::{
    FlushState, NetLimits, Peer, ReadState, Tickets, TlsSource, WsTransport, serve, server_config,
};
use stoa_wire::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Both versions that the server speaks.
pub(super) static VERSIONS: [&SupportedProtocolVersion; 2] =
    [&rustls::version::TLS13, &rustls::version::TLS12];

/// A running server and what a test needs to talk with it.
pub(super) struct Server {
    pub(super) addr: SocketAddr,
    /// The sessions that were opened.
    pub(super) sessions: mpsc::UnboundedReceiver<WsTransport>,
    pub(super) tls: TlsSource,
    tickets: Tickets,
    certificate: CertificateDer<'static>,
    key: Arc<SingleCertAndKey>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

/// A certificate for `localhost` that signs itself.
pub(super) fn certificate() -> (CertificateDer<'static>, Arc<SingleCertAndKey>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let der = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = CertifiedKey::from_der(vec![der.clone()], key, &provider).unwrap();
    (der, Arc::new(key.into()))
}

/// Answers with what was sent, and says to which path.
async fn echo_http(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let peer = request.extensions().get::<Peer>();
    let known = peer.is_some_and(|peer| peer.address.ip().is_loopback());
    let encrypted = peer.is_some_and(|peer| peer.encrypted);
    let body = match request.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::from_static(b"cut"),
    };
    let answer = Response::builder()
        .header("x-path", path)
        .header("x-peer", known.to_string())
        .header("x-encrypted", encrypted.to_string());
    Ok(answer.body(Full::new(body)).unwrap())
}

impl Server {
    pub(super) async fn start(secure: bool, limits: NetLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (certificate, key) = certificate();
        let tickets = Tickets::new().unwrap();
        let tls = TlsSource::new(Arc::new(server_config(key.clone(), &tickets).unwrap()).into());
        let (stop, stopped) = oneshot::channel();
        let (opened, sessions) = mpsc::unbounded_channel();
        let on_session = move |_, session| {
            let _ = opened.send(session);
        };
        let source = secure.then(|| Arc::clone(&tls));
        let task = tokio::spawn(async move {
            let http = tower::service_fn(echo_http);
            let stopped = async {
                let _ = stopped.await;
            };
            serve(listener, source, http, on_session, limits, stopped).await
        });
        Self { addr, sessions, tls, tickets, certificate, key, stop, task }
    }

    pub(super) async fn secure() -> Self {
        Self::start(true, NetLimits::default()).await
    }

    pub(super) async fn plain() -> Self {
        Self::start(false, NetLimits::default()).await
    }

    /// Puts in a new certificate for the connections that come.
    pub(super) fn renew(&mut self) {
        (self.certificate, self.key) = certificate();
        self.configure();
    }

    /// Puts in new keys for tickets, as if those before had been followed up twice.
    pub(super) fn forget_tickets(&mut self) {
        self.tickets = Tickets::new().unwrap();
        self.configure();
    }

    fn configure(&self) {
        self.tls.store(Arc::new(server_config(self.key.clone(), &self.tickets).unwrap()));
    }

    pub(super) async fn session(&mut self) -> WsTransport {
        self.sessions.recv().await.unwrap()
    }

    /// Asks the server to stop and waits until it has.
    pub(super) async fn stop(self) {
        let _ = self.stop.send(());
        self.task.await.unwrap().unwrap();
    }

    pub(super) async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    pub(super) fn client_config(&self, version: &'static SupportedProtocolVersion) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config
    }

    pub(super) async fn tls_over<T>(
        &self,
        version: &'static SupportedProtocolVersion,
        io: T,
    ) -> TlsStream<T>
    where
        T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        self.handshake(version, io).await.unwrap()
    }

    /// A handshake that the server may refuse.
    pub(super) async fn try_tls(&self, io: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.handshake(&rustls::version::TLS13, io).await
    }

    async fn handshake<T>(
        &self,
        version: &'static SupportedProtocolVersion,
        io: T,
    ) -> std::io::Result<TlsStream<T>>
    where
        T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        connect(Arc::new(self.client_config(version)), io).await
    }

    pub(super) async fn tls(&self) -> TlsStream<TcpStream> {
        self.tls_over(&rustls::version::TLS13, self.tcp().await).await
    }
}

/// A handshake with what the client has: what it trusts, and the tickets of earlier ones.
pub(super) async fn connect<T>(config: Arc<ClientConfig>, io: T) -> std::io::Result<TlsStream<T>>
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(config).connect(name, io).await
}

/// The request for a session.
pub(super) const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

/// Asks for a session by hand and reads the answer.
pub(super) async fn upgrade<T>(io: &mut T)
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    io.write_all(UPGRADE.as_bytes()).await.unwrap();
    io.flush().await.unwrap();
    read_answer(io).await;
}

/// Reads the answer to the request for a session.
pub(super) async fn read_answer(io: &mut (impl tokio::io::AsyncRead + Unpin)) {
    let head = read_head(io).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
}

/// Reads the head of an answer, and nothing behind it.
pub(super) async fn read_head(io: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(io.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// A client's frame, written from RFC 6455 and not from the server's code.
pub(super) fn client_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    match payload.len() {
        len @ 0..=125 => out.push(0x80 | u8::try_from(len).unwrap()),
        len @ 126..=0xffff => {
            out.push(0x80 | 126);
            out.extend(u16::try_from(len).unwrap().to_be_bytes());
        }
        len => {
            out.push(0x80 | 127);
            out.extend(u64::try_from(len).unwrap().to_be_bytes());
        }
    }
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    out.extend(mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    out
}

/// Reads one frame of the server: its first byte and its payload.
pub(super) async fn server_frame(io: &mut (impl tokio::io::AsyncRead + Unpin)) -> (u8, Vec<u8>) {
    let first = io.read_u8().await.unwrap();
    let len = match io.read_u8().await.unwrap() {
        126 => io.read_u16().await.unwrap().into(),
        127 => io.read_u64().await.unwrap(),
        short => short.into(),
    };
    let mut payload = vec![0; usize::try_from(len).unwrap()];
    io.read_exact(&mut payload).await.unwrap();
    (first, payload)
}

/// Waits until at least one message or the end came; returns the messages and whether it ended.
pub(super) async fn receive(session: &mut WsTransport) -> (Vec<Bytes>, Option<ReadState>) {
    let mut messages = Vec::new();
    loop {
        match session.read_available(&mut |message| messages.push(message)) {
            Ok(end @ ReadState::Closed(_)) => return (messages, Some(end)),
            Ok(_) if !messages.is_empty() => return (messages, None),
            Ok(ReadState::More) => {}
            Ok(ReadState::Drained) => {
                // What the protocols have to say by themselves.
                let _ = session.flush();
                session.readable().await.unwrap();
            }
            Err(_) => return (messages, Some(ReadState::Closed(None))),
        }
    }
}

/// Flushes until the socket has everything.
pub(super) async fn flush(session: &mut WsTransport) {
    while session.flush().unwrap() == FlushState::Blocked {
        session.writable().await.unwrap();
    }
}

/// Sends every message back until the client closes.
pub(super) async fn echo(mut session: WsTransport) {
    loop {
        let (messages, end) = receive(&mut session).await;
        for message in messages {
            session.queue(Frame::from_bytes(message));
        }
        if end.is_some() {
            return session.finish().await;
        }
        flush(&mut session).await;
    }
}
