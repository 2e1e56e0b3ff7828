//! One request over one TLS connection, as a client that trusts the server's own authority.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::Value;

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A connection whose handshake is over.
pub(crate) fn connect(
    ca: &Path,
    address: SocketAddr,
    name: &str,
    version: &'static SupportedProtocolVersion,
) -> std::io::Result<Stream> {
    connect_as(None, ca, address, name, version)
}

/// The same, with the certificate and the key in these files.
pub(crate) fn connect_as(
    client: Option<(&Path, &Path)>,
    ca: &Path,
    address: SocketAddr,
    name: &str,
    version: &'static SupportedProtocolVersion,
) -> std::io::Result<Stream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots);
    let config = match client {
        Some((certificate, key)) => {
            let certificate = CertificateDer::from_pem_file(certificate).unwrap();
            let key = PrivateKeyDer::from_pem_file(key).unwrap();
            config.with_client_auth_cert(vec![certificate], key).unwrap()
        }
        None => config.with_no_client_auth(),
    };
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut socket = TcpStream::connect(address)?;
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    while connection.is_handshaking() {
        connection.complete_io(&mut socket)?;
    }
    Ok(StreamOwned::new(connection, socket))
}

/// Where the demo server listens.
pub(crate) fn address(demo: &Value) -> SocketAddr {
    demo["restUrl"].as_str().unwrap().strip_prefix("https://").unwrap().parse().unwrap()
}

/// Calls the demo server.
#[track_caller]
pub(crate) fn call(
    demo: &Value,
    method: &str,
    path: &str,
    headers: &[&str],
    body: Option<&Value>,
) -> Answer {
    let ca = Path::new(demo["ca"].as_str().unwrap());
    let address = address(demo);
    let stream = connect(ca, address, &address.ip().to_string(), &rustls::version::TLS13);
    request(stream.unwrap(), method, path, headers, body)
}

/// Sends a request and reads the answer, which is JSON.
#[track_caller]
pub(crate) fn request(
    stream: impl Read + Write,
    method: &str,
    path: &str,
    headers: &[&str],
    body: Option<&Value>,
) -> Answer {
    let (status, body) = exchange(stream, method, path, headers, body);
    Answer { status, body: serde_json::from_str(&body).unwrap_or_else(|_| panic!("{body}")) }
}

/// Sends a request and reads the answer to its end: the status and the body.
#[track_caller]
pub(crate) fn exchange(
    mut stream: impl Read + Write,
    method: &str,
    path: &str,
    headers: &[&str],
    body: Option<&Value>,
) -> (u16, String) {
    let body = body.map(ToString::to_string).unwrap_or_default();
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    if !body.is_empty() {
        head.push_str("Content-Type: application/json\r\n");
    }
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
    stream.flush().unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}
