//! What the server proves itself with, kept fresh while it runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::sign::{CertifiedKey, SingleCertAndKey};
use stoa_core::{Clock, Timestamp};
use stoa_gateway::net::{TlsSource, server_config};

use crate::authority;
use crate::config::{Config, Tls};
use crate::failure::Failure;
use crate::node::Node;
use crate::serve::public_hosts;
use crate::tls::{Names, OwnCa, TlsError, read_files};

/// How often it is looked whether there is a newer certificate, or should be.
const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);
/// After what time the own authority issues a new one; a third of its life.
const ISSUE_EVERY: Duration = Duration::from_secs(30 * 86_400);

/// The server's certificate and where the next one comes from.
pub struct Identity {
    source: TlsSource,
    origin: Origin,
    issued: Timestamp,
}

enum Origin {
    Own { authority: Box<OwnCa>, names: Names, directory: PathBuf },
    Files { certificate: PathBuf, key: PathBuf },
}

impl Origin {
    fn certificate(&self, now: Timestamp) -> Result<CertifiedKey, TlsError> {
        match self {
            Self::Own { authority, names, directory } => authority.issue(names, now, directory),
            Self::Files { certificate, key } => read_files(certificate, key),
        }
    }

    /// Whether one of this age should be followed by another.
    fn is_due(&self, age: Duration) -> bool {
        match self {
            Self::Own { .. } => age >= ISSUE_EVERY,
            Self::Files { .. } => true,
        }
    }
}

impl Identity {
    /// The identity that the configuration names.
    ///
    /// # Errors
    /// When there is no certificate, or none that can be used.
    pub async fn open(config: &Config, node: &Node) -> Result<Self, Failure> {
        let origin = match &config.tls {
            Tls::Files { certificate, key } => {
                Origin::Files { certificate: certificate.clone(), key: key.clone() }
            }
            Tls::OwnCa => {
                let unnamed = config.public_rest.is_none() && config.public_ws.is_none();
                if unnamed && config.listen.ip().is_unspecified() {
                    tracing::warn!(
                        "the server is open to other machines, but its certificate is for this one: say under which name clients reach it (public-rest, public-ws)"
                    );
                }
                let hosts = public_hosts(config);
                let names = Names::of(hosts.iter().map(String::as_str));
                let (clock, entropy) = (&*node.clock, &*node.entropy);
                let authority =
                    authority::open(&config.data, &names, &node.vault, clock, entropy).await?;
                Origin::Own {
                    authority: Box::new(authority),
                    names,
                    directory: authority::directory(&config.data),
                }
            }
        };
        let issued = node.clock.now();
        let first = configuration(origin.certificate(issued)?)?;
        Ok(Self { source: TlsSource::new(first.into()), origin, issued })
    }

    /// Where listeners find it.
    pub fn source(&self) -> TlsSource {
        self.source.clone()
    }

    /// Puts newer certificates in the place of older ones, for ever.
    pub async fn keep_fresh(mut self, clock: Arc<dyn Clock>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            self.refresh(clock.now());
        }
    }

    fn refresh(&mut self, now: Timestamp) {
        if !self.origin.is_due(now.since(self.issued)) {
            return;
        }
        match self.origin.certificate(now).and_then(configuration) {
            Ok(next) => {
                self.source.store(next);
                self.issued = now;
            }
            // The files may be about to change; the one in use goes on.
            Err(error) => tracing::warn!(%error, "the server goes on with the certificate it has"),
        }
    }
}

fn configuration(certificate: CertifiedKey) -> Result<Arc<rustls::ServerConfig>, TlsError> {
    let resolver = Arc::new(SingleCertAndKey::from(certificate));
    server_config(resolver).map(Arc::new).map_err(TlsError::Unusable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_core::SeededEntropy;

    #[test]
    fn a_certificate_is_followed_in_time_and_not_before() {
        let now = Timestamp::from_secs(1_800_000_000);
        let names = Names::of([]);
        let authority = OwnCa::create(names.clone(), now, &SeededEntropy::new(1)).unwrap();
        let authority = Box::new(authority);
        let origin = Origin::Own { authority, names, directory: "tls".into() };
        let first = configuration(origin.certificate(now).unwrap()).unwrap();
        let source = TlsSource::new(first.clone().into());
        let mut identity = Identity { source: source.clone(), origin, issued: now };

        identity.refresh(now.plus(LOOK_EVERY));
        assert!(Arc::ptr_eq(&source.load(), &first));
        identity.refresh(now.plus(ISSUE_EVERY));
        assert!(!Arc::ptr_eq(&source.load(), &first));
    }

    #[test]
    fn files_that_are_gone_leave_the_old_one_in_use() {
        let now = Timestamp::from_secs(1_800_000_000);
        let authority = OwnCa::create(Names::of([]), now, &SeededEntropy::new(1)).unwrap();
        let made = authority.issue(&Names::of([]), now, "tls".as_ref()).unwrap();
        let first = configuration(made).unwrap();
        let source = TlsSource::new(first.clone().into());
        let origin = Origin::Files { certificate: "gone".into(), key: "gone".into() };
        let mut identity = Identity { source: source.clone(), origin, issued: now };
        identity.refresh(now.plus(LOOK_EVERY));
        assert!(Arc::ptr_eq(&source.load(), &first));
    }
}
