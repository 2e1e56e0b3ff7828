//! TLS towards hosts outside: whom it trusts, and what it proves.

use std::fmt;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::EgressError;

/// How a connection proves whom it leads to, and who we are. TLS 1.2 or 1.3; the host's name is verified.
#[derive(Clone)]
pub struct ClientTls(pub(crate) Arc<ClientConfig>);

impl From<Arc<ClientConfig>> for ClientTls {
    /// Whom the caller has decided to trust; for the exchange of the directory, in which data centres know each
    /// other's certificates themselves.
    fn from(config: Arc<ClientConfig>) -> Self {
        Self(config)
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientTls")
    }
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ClientTlsError {
    /// A certificate of an authority is none, or the own pair does not fit.
    #[error("the certificates cannot be used")]
    Certificates(#[from] rustls::Error),
    /// No authority was named.
    #[error("no certificate authority is named that is to be trusted")]
    NoAuthority(#[from] rustls::client::VerifierBuilderError),
}

impl ClientTls {
    /// Trusts the authorities in `roots` alone, and shows `own` (a certificate, those of its issuers, and the
    /// key) to whoever asks for a client certificate.
    ///
    /// # Errors
    /// [`ClientTlsError`].
    pub fn trusting(
        roots: impl IntoIterator<Item = CertificateDer<'static>>,
        own: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    ) -> Result<Self, ClientTlsError> {
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(root)?;
        }
        Self::of(store, own)
    }

    /// Trusts the authorities that the system does. Reads files.
    ///
    /// # Errors
    /// [`EgressError::Authorities`].
    pub(crate) fn of_system() -> Result<Self, EgressError> {
        let found = rustls_native_certs::load_native_certs();
        let mut store = RootCertStore::empty();
        // Some systems keep certificates of old that nobody can use.
        store.add_parsable_certificates(found.certs);
        let why = found.errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Self::of(store, None).map_err(|error| {
            EgressError::Authorities(if why.is_empty() { error.to_string() } else { why })
        })
    }

    fn of(
        roots: RootCertStore,
        own: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    ) -> Result<Self, ClientTlsError> {
        let provider = Arc::new(default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                .build()?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_webpki_verifier(verifier);
        let mut config = match own {
            Some((chain, key)) => config.with_client_auth_cert(chain, key)?,
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }
}
