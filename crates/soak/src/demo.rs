//! The demo app of a server: where it listens, and tokens for it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use stoa_testclient::ConnectOptions;
use stoa_token::Builder007;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Outcome;

/// Life of the tokens that are made here, in seconds.
const LIFE_S: u32 = 20 * 3600;

/// What `demo.json` says.
#[derive(Clone)]
pub(crate) struct Demo {
    app_id: String,
    certificate: String,
    pub(crate) app_key: String,
    pub(crate) path: String,
    pub(crate) address: SocketAddr,
    /// By how many seconds the clock is ahead by which tokens are made.
    ahead_s: i64,
    ws_url: String,
    ca_pem: String,
    tls: Arc<ClientConfig>,
}

impl Demo {
    pub(crate) fn read(file: &Path) -> Outcome<Self> {
        let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let json = std::fs::read(file).map_err(|error| wrong(&error))?;
        let json: Value = serde_json::from_slice(&json).map_err(|error| wrong(&error))?;
        let text = |name: &str| {
            let text = json[name].as_str().map(str::to_owned);
            text.ok_or_else(|| wrong(&format!("there is no `{name}`")))
        };
        let url = text("restUrl")?;
        let address =
            url.trim_start_matches("https://").parse().map_err(|_| wrong(&"no address"))?;
        let ca_pem = std::fs::read_to_string(text("ca")?).map_err(|error| wrong(&error))?;
        Ok(Self {
            app_id: text("appId")?,
            certificate: text("certificate")?,
            app_key: text("appKey")?,
            path: format!("/{}/{}", text("orgName")?, text("appName")?),
            address,
            ahead_s: 0,
            ws_url: text("wsUrl")?,
            tls: client_config(&ca_pem)?,
            ca_pem,
        })
    }

    /// The same app, whose tokens are made by a clock that is so many seconds ahead.
    pub(crate) fn ahead(&self, seconds: i64) -> Self {
        Self { ahead_s: seconds, ..self.clone() }
    }

    /// The moment at which a token is made, in seconds since 1970.
    fn issued(&self) -> u32 {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(elapsed.as_secs()).unwrap_or_default();
        u32::try_from(now + self.ahead_s).unwrap_or(u32::MAX)
    }

    /// A token for everything in the app.
    pub(crate) fn app_token(&self) -> Outcome<String> {
        let token = Builder007::new(&self.app_id, &self.certificate, self.issued(), LIFE_S, 1);
        token.chat_app().build().map_err(|error| error.to_string())
    }

    /// A token for a user.
    pub(crate) fn user_token(&self, user: &str) -> Outcome<String> {
        let token = Builder007::new(&self.app_id, &self.certificate, self.issued(), LIFE_S, 1);
        token.chat_user(user).build().map_err(|error| error.to_string())
    }

    /// What a device of a user needs to connect.
    pub(crate) fn options(&self, user: &str, resource: &str) -> Outcome<ConnectOptions> {
        Ok(ConnectOptions {
            url: self.ws_url.clone(),
            ca_pem: Some(self.ca_pem.clone()),
            app_key: self.app_key.clone(),
            user: user.into(),
            token: self.user_token(user)?,
            resource: resource.into(),
        })
    }

    /// A connection over TLS.
    pub(crate) async fn connect(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(self.address).await?;
        tcp.set_nodelay(true)?;
        self.secure(tcp).await
    }

    /// TLS over a connection.
    pub(crate) async fn secure(&self, tcp: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        TlsConnector::from(Arc::clone(&self.tls)).connect(self.name(), tcp).await
    }

    /// The first bytes of a client's handshake.
    pub(crate) fn client_hello(&self) -> Outcome<Vec<u8>> {
        let client = rustls::ClientConnection::new(Arc::clone(&self.tls), self.name());
        let mut hello = Vec::new();
        client
            .map_err(|error| error.to_string())?
            .write_tls(&mut hello)
            .map_err(|error| error.to_string())?;
        Ok(hello)
    }

    fn name(&self) -> ServerName<'static> {
        ServerName::IpAddress(self.address.ip().into())
    }
}

fn client_config(ca_pem: &str) -> Outcome<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
