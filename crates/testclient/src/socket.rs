//! The connection: TCP, TLS with a given authority, and the WebSocket's handshake.

use std::io;
use std::sync::Arc;

use http::Uri;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::client::ConnectError;

/// A byte stream, protected or not.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

pub(crate) type Socket = WebSocketStream<Box<dyn Io>>;

/// Opens a WebSocket to `url`, `wss` with the authorities of `ca_pem`, or `ws`.
pub(crate) async fn open(url: &str, ca_pem: Option<&str>) -> Result<Socket, ConnectError> {
    let uri: Uri = url.parse().map_err(|_| ConnectError::Url)?;
    let host = uri.host().ok_or(ConnectError::Url)?.trim_matches(['[', ']']);
    let secure = match uri.scheme_str() {
        Some("wss") => true,
        Some("ws") => false,
        _ => return Err(ConnectError::Url),
    };
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let tcp = TcpStream::connect((host, port)).await?;
    tcp.set_nodelay(true)?;
    let io: Box<dyn Io> = if secure {
        let config = client_config(ca_pem.unwrap_or_default())?;
        let name = ServerName::try_from(host.to_owned()).map_err(|_| ConnectError::Url)?;
        Box::new(TlsConnector::from(Arc::new(config)).connect(name, tcp).await?)
    } else {
        Box::new(tcp)
    };
    let (socket, _) = client_async(url, io).await.map_err(Box::new)?;
    Ok(socket)
}

fn client_config(ca_pem: &str) -> Result<ClientConfig, ConnectError> {
    let invalid = |error: &dyn std::fmt::Display| {
        ConnectError::Io(io::Error::new(io::ErrorKind::InvalidInput, error.to_string()))
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        let certificate = certificate.map_err(|error| invalid(&error))?;
        roots.add(certificate).map_err(|error| invalid(&error))?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| invalid(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
