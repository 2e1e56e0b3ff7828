//! TLS connections to a server on loopback.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Error;

/// Local addresses that connections come from in turn, 127.0.1.1 and following: each has ports of its
/// own.
const SOURCES: u8 = 8;

/// Where a server listens, and what proves that it is the one.
#[derive(Clone)]
pub struct Endpoint {
    /// Its address.
    pub address: SocketAddr,
    tls: Arc<ClientConfig>,
    name: ServerName<'static>,
    receive_buffer: Option<u32>,
}

impl Endpoint {
    /// A server at `address` whose certificate for `name` the authority in the file `ca` signed. Only
    /// TLS 1.3, and every handshake a full one.
    ///
    /// # Errors
    /// When the file holds no certificate.
    pub fn new(address: SocketAddr, name: &str, ca: &Path) -> Result<Self, Error> {
        Self::known_by(None, address, name, ca)
    }

    /// The same, for a client with the certificate and key in the files `client.pem` and
    /// `client-key.pem` of a directory.
    ///
    /// # Errors
    /// As [`Self::new`], and when there are no such files.
    pub fn known_by(
        client: Option<&Path>,
        address: SocketAddr,
        name: &str,
        ca: &Path,
    ) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        let pem =
            CertificateDer::pem_file_iter(ca).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        for certificate in pem.map_err(|error| Error::Server(format!("its authority: {error}")))? {
            roots
                .add(certificate)
                .map_err(|error| Error::Server(format!("its authority: {error}")))?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("the provider has TLS 1.3")
            .with_root_certificates(roots);
        let mut tls = match client {
            None => tls.with_no_client_auth(),
            Some(dir) => {
                let unfit = |error: &dyn std::fmt::Display| {
                    Error::Server(format!("a client's certificate: {error}"))
                };
                let certificate = CertificateDer::from_pem_file(dir.join("client.pem"));
                let certificate = certificate.map_err(|error| unfit(&error))?;
                let key = PrivateKeyDer::from_pem_file(dir.join("client-key.pem"));
                let key = key.map_err(|error| unfit(&error))?;
                tls.with_client_auth_cert(vec![certificate], key).map_err(|error| unfit(&error))?
            }
        };
        tls.resumption = Resumption::disabled();
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| Error::Server("its name is none of TLS".into()))?;
        Ok(Self { address, tls: Arc::new(tls), name, receive_buffer: None })
    }

    /// The same for connections whose sockets have room for so few bytes.
    #[must_use]
    pub fn narrow(self, receive_buffer: u32) -> Self {
        Self { receive_buffer: Some(receive_buffer), ..self }
    }

    /// Connects, with a full handshake.
    ///
    /// # Errors
    /// When the network or TLS fails.
    pub async fn connect(&self) -> Result<TlsStream<TcpStream>, Error> {
        let tcp = self.tcp().await?;
        self.shake(tcp).await
    }

    /// The full handshake on a connection.
    ///
    /// # Errors
    /// When it fails.
    pub async fn shake(&self, tcp: TcpStream) -> Result<TlsStream<TcpStream>, Error> {
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        connector.connect(self.name.clone(), tcp).await.map_err(Error::io("shake hands"))
    }

    /// Connects without TLS.
    ///
    /// # Errors
    /// When the network fails.
    pub async fn tcp(&self) -> Result<TcpStream, Error> {
        self.reach().await.map_err(Error::io("connect"))
    }

    async fn reach(&self) -> std::io::Result<TcpStream> {
        static NEXT: AtomicU8 = AtomicU8::new(0);
        let source = Ipv4Addr::new(127, 0, 1, 1 + NEXT.fetch_add(1, Ordering::Relaxed) % SOURCES);
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = self.receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        socket.bind(SocketAddr::new(IpAddr::V4(source), 0))?;
        let tcp = socket.connect(self.address).await?;
        tcp.set_nodelay(true)?;
        Ok(tcp)
    }
}
