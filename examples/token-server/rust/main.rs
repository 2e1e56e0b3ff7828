//! Mints a user token over mutual TLS and prints it, with hyper and rustls.
//!
//! ```text
//! cargo run -p stoa-token-server --example token-server-client -- https://127.0.0.1:8444 DIR USER-ID
//! ```
//!
//! `DIR` is what `stoa token-server client issue --out DIR` has written.

#![expect(clippy::print_stdout, reason = "an example says what it did")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

type Failure = Box<dyn Error + Send + Sync>;

/// A connection to the token server. It is kept open: calls follow one after the other.
struct TokenServer {
    host: String,
    sender: SendRequest<Full<Bytes>>,
}

impl TokenServer {
    /// Connects with the files in `dir`.
    async fn connect(url: &str, dir: &Path) -> Result<Self, Failure> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(dir.join("ca.pem"))?)?;
        let certificate = CertificateDer::from_pem_file(dir.join("client.pem"))?;
        let key = PrivateKeyDer::from_pem_file(dir.join("client-key.pem"))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![certificate], key)?;

        let url: Uri = url.parse()?;
        let host = url.host().ok_or("the URL names no host")?.to_owned();
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let socket = TcpStream::connect((bare.as_str(), url.port_u16().unwrap_or(443))).await?;
        socket.set_nodelay(true)?;
        let name = ServerName::try_from(bare)?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // It moves the bytes; what goes wrong in it is seen by the next call.
        tokio::spawn(connection);
        Ok(Self { host, sender })
    }

    /// Makes a call and returns its answer.
    async fn call(&mut self, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = Request::post(path)
            .header("host", &self.host)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body.to_string())))?;
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        if status != StatusCode::OK {
            return Err(format!("HTTP {status}: {}", String::from_utf8_lossy(&body)).into());
        }
        Ok(serde_json::from_slice(&body)?)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [url, dir, user] = arguments.as_slice() else {
        return Err("usage: token-server-client URL DIR USER-ID".into());
    };
    let mut server = TokenServer::connect(url, Path::new(dir)).await?;
    // The id that your own app knows the person by. It never enters the chat.
    let minted = server.call("/v1/tokens", &json!({ "user": user, "ttl": 3600 })).await?;
    println!("{}", minted["token"].as_str().ok_or("an answer without a token")?);
    Ok(())
}
