//! What the server proves itself with, kept fresh while it runs.
//!
//! One task owns the certificate. It looks every minute whether the files have changed (or the own
//! authority should issue another), and at once when it is told to ([`Reload`]: SIGHUP, the control
//! socket). A new pair is checked before it is taken: that key and certificate belong together, that
//! it is of this time, and that it is for the public names for which the one before is. It then counts
//! from the next handshake on; sessions that are open stay. What is not accepted is told in the log,
//! and the one in use goes on.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls_pki_types::CertificateDer;
use stoa_core::{Clock, Timestamp};
use stoa_gateway::net::{Tickets, TlsSource, client_auth_config, server_config};
use stoa_metrics::tls as counted;
use tokio::sync::{mpsc, oneshot};

use crate::authority;
use crate::config::{Config, Tls};
use crate::failure::Failure;
use crate::node::Node;
use crate::serve::public_hosts;
use crate::tls::{Names, OwnCa, TlsError, Validity, not_covered, read_files};

/// How often it is looked whether there is a newer certificate, or should be.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// After what time the own authority issues a new one; a third of its life.
const ISSUE_EVERY: Duration = Duration::from_secs(30 * 86_400);

/// The server's certificate and where the next one comes from.
pub struct Identity {
    source: TlsSource,
    /// Outlives certificates: whoever has a ticket can come back with it after a new one.
    tickets: Tickets,
    origin: Origin,
    /// The names by which clients were told to reach the server.
    hosts: Vec<String>,
    current: Current,
    orders: mpsc::Receiver<Order>,
    reload: Reload,
    asking: Option<Asking>,
}

/// The same identity for a listener that asks clients for a certificate.
struct Asking {
    source: TlsSource,
    roots: Arc<RootCertStore>,
    required: bool,
}

/// What is in use.
struct Current {
    chain: Vec<CertificateDer<'static>>,
    validity: Option<Validity>,
    since: Timestamp,
    /// What the files looked like when they were last read.
    seen: Seen,
}

type Order = oneshot::Sender<Result<Reloaded, TlsError>>;

/// What came of reading the certificate anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reloaded {
    /// Another one is in use now, which ends then.
    Changed(Option<Timestamp>),
    /// It is the one in use, which ends then.
    Same(Option<Timestamp>),
}

/// Tells the server to read its certificate anew. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reload(mpsc::Sender<Order>);

impl Reload {
    /// Reads the files anew, or lets the own authority issue another certificate.
    ///
    /// # Errors
    /// Why what is there is not accepted; the one in use goes on.
    pub async fn now(&self) -> Result<Reloaded, Failure> {
        let ending = || Failure::Refused("the server is about to end".into());
        let (order, answer) = oneshot::channel();
        self.0.send(order).await.map_err(|_| ending())?;
        Ok(answer.await.map_err(|_| ending())??)
    }
}

enum Origin {
    Own { authority: Box<OwnCa>, names: Names, directory: PathBuf },
    Files { certificate: PathBuf, key: PathBuf },
}

/// What two files looked like: enough to see that one of them was replaced or written to.
type Seen = [Option<(u64, u64, i64, i64)>; 2];

impl Origin {
    fn certificate(&self, now: Timestamp) -> Result<CertifiedKey, TlsError> {
        match self {
            Self::Own { authority, names, directory } => authority.issue(names, now, directory),
            Self::Files { certificate, key } => read_files(certificate, key),
        }
    }

    fn look(&self) -> Seen {
        let look = |metadata: Metadata| {
            (metadata.ino(), metadata.size(), metadata.mtime(), metadata.mtime_nsec())
        };
        let look = |path: &Path| std::fs::metadata(path).ok().map(look);
        match self {
            Self::Own { .. } => [None; 2],
            Self::Files { certificate, key } => [look(certificate), look(key)],
        }
    }

    /// Whether the one in use should be followed by another.
    fn is_due(&self, current: &Current, now: Timestamp) -> bool {
        match self {
            Self::Own { .. } => now.since(current.since) >= ISSUE_EVERY,
            Self::Files { .. } => self.look() != current.seen,
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
        let public = [&config.public_rest, &config.public_ws].into_iter().flatten();
        let hosts = public.map(|address| address.host.clone()).collect();
        Ok(Self::start(origin, hosts, node.clock.now())?)
    }

    fn start(origin: Origin, hosts: Vec<String>, now: Timestamp) -> Result<Self, TlsError> {
        let seen = origin.look();
        let first = origin.certificate(now)?;
        let current = Current::of(&first, now, seen);
        if let Some(Validity { from, until }) = current.validity.filter(|v| !v.contains(now)) {
            let (from, until) = (date(from), date(until));
            tracing::warn!(%from, %until, "the certificate is not of this time: clients will refuse it");
        }
        let missing = current.chain.first().map_or_else(Vec::new, |c| not_covered(c, &hosts));
        if !missing.is_empty() {
            tracing::warn!(
                names = missing.join(", "),
                "the certificate is not for the names that clients are told (public-rest, public-ws)"
            );
        }
        let tickets = Tickets::new().map_err(TlsError::Unusable)?;
        let source = TlsSource::new(configuration(first, &tickets)?.into());
        current.tell();
        let (order, orders) = mpsc::channel(8);
        let (reload, asking) = (Reload(order), None);
        Ok(Self { source, tickets, origin, hosts, current, orders, reload, asking })
    }

    /// Where a listener finds it that asks its clients for a certificate of an authority among `roots`.
    ///
    /// # Errors
    /// When there are no roots.
    pub fn asking_clients(
        &mut self,
        roots: Arc<RootCertStore>,
        required: bool,
    ) -> Result<TlsSource, TlsError> {
        let config = asking(&self.source.load(), &roots, required)?;
        let source = TlsSource::new(config.into());
        self.asking = Some(Asking { source: source.clone(), roots, required });
        Ok(source)
    }

    /// Where listeners find it.
    pub fn source(&self) -> TlsSource {
        self.source.clone()
    }

    /// What tells it to look for another certificate at once.
    pub fn reload(&self) -> Reload {
        self.reload.clone()
    }

    /// Puts newer certificates in the place of older ones, for ever.
    pub async fn keep_fresh(mut self, clock: Arc<dyn Clock>) {
        loop {
            tokio::select! {
                Some(order) = self.orders.recv() => {
                    // Who asked may have gone.
                    let _ = order.send(self.take_next(clock.now()));
                }
                () = tokio::time::sleep(LOOK_EVERY) => self.refresh(clock.now()),
            }
        }
    }

    fn refresh(&mut self, now: Timestamp) {
        if self.origin.is_due(&self.current, now) {
            // The log has it, and the files may be about to change further.
            let _ = self.take_next(now);
        }
    }

    /// Takes the next certificate into use, if it is another one and can be used.
    fn take_next(&mut self, now: Timestamp) -> Result<Reloaded, TlsError> {
        // Before reading: what changes meanwhile is seen the next time.
        self.current.seen = self.origin.look();
        let outcome = self.try_next(now);
        counted::RELOADS
            .of(match &outcome {
                Ok(Reloaded::Changed(_)) => counted::Reload::Changed,
                Ok(Reloaded::Same(_)) => counted::Reload::Same,
                Err(_) => counted::Reload::Refused,
            })
            .inc();
        match &outcome {
            Ok(Reloaded::Changed(until)) => {
                let until = until.map(date).unwrap_or_default();
                tracing::info!(%until, "a new certificate is in use");
            }
            Ok(Reloaded::Same(_)) => {
                tracing::info!("the certificate was read again; it is the one in use");
            }
            Err(error) => {
                tracing::error!(%error, "a new certificate is not accepted; the server goes on with the one it has");
            }
        }
        outcome
    }

    fn try_next(&mut self, now: Timestamp) -> Result<Reloaded, TlsError> {
        let next = self.origin.certificate(now)?;
        if next.cert == self.current.chain {
            return Ok(Reloaded::Same(self.current.until()));
        }
        if let Origin::Files { certificate, .. } = &self.origin {
            self.check(&next, certificate, now)?;
        }
        let current = Current::of(&next, now, self.current.seen);
        let config = configuration(next, &self.tickets)?;
        if let Some(Asking { source, roots, required }) = &self.asking {
            source.store(asking(&config, roots, *required)?);
        }
        self.source.store(config);
        self.current = current;
        self.current.tell();
        Ok(Reloaded::Changed(self.current.until()))
    }

    /// That the next certificate does not serve clients worse than the one in use.
    fn check(&self, next: &CertifiedKey, path: &Path, now: Timestamp) -> Result<(), TlsError> {
        let content = || TlsError::Content { path: path.into(), wanted: "certificate" };
        let leaf = next.cert.first().ok_or_else(content)?;
        let validity = Validity::of(leaf).ok_or_else(content)?;
        if !validity.contains(now) {
            let (from, until) = (date(validity.from), date(validity.until));
            return Err(TlsError::Time { path: path.into(), from, until });
        }
        let before = self.current.chain.first();
        let missing_before = before.map_or_else(Vec::new, |leaf| not_covered(leaf, &self.hosts));
        let mut names = not_covered(leaf, &self.hosts);
        names.retain(|name| !missing_before.contains(name));
        if names.is_empty() { Ok(()) } else { Err(TlsError::Names { path: path.into(), names }) }
    }
}

impl Current {
    fn of(certificate: &CertifiedKey, now: Timestamp, seen: Seen) -> Self {
        let chain = certificate.cert.clone();
        let validity = chain.first().and_then(Validity::of);
        Self { chain, validity, since: now, seen }
    }

    fn until(&self) -> Option<Timestamp> {
        self.validity.map(|validity| validity.until)
    }

    /// Tells the metrics.
    fn tell(&self) {
        counted::EXPIRES.set_unsigned(self.until().map_or(0, Timestamp::as_secs));
        counted::LOADED.set_unsigned(self.since.as_secs());
    }
}

fn configuration(
    certificate: CertifiedKey,
    tickets: &Tickets,
) -> Result<Arc<rustls::ServerConfig>, TlsError> {
    let resolver = Arc::new(SingleCertAndKey::from(certificate));
    server_config(resolver, tickets).map(Arc::new).map_err(TlsError::Unusable)
}

/// The configuration with the certificate of `config` for a listener that asks for one too.
fn asking(
    config: &rustls::ServerConfig,
    roots: &Arc<RootCertStore>,
    required: bool,
) -> Result<Arc<rustls::ServerConfig>, TlsError> {
    let certificates = config.cert_resolver.clone();
    client_auth_config(certificates, roots.clone(), required)
        .map(Arc::new)
        .map_err(TlsError::Unusable)
}

/// A moment for people: RFC 3339, in UTC.
fn date(at: Timestamp) -> String {
    let seconds = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).map_or_else(|_| "?".into(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use stoa_core::{ManualClock, SeededEntropy};

    /// The 1st of June 2026.
    const NOW: Timestamp = Timestamp::from_secs(1_780_272_000);

    /// The files of a certificate, in a directory of their own.
    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn origin(&self) -> Origin {
            let of = |name: &str| self.0.path().join(name);
            Origin::Files { certificate: of("certificate"), key: of("key") }
        }

        fn put(&self, name: &str, text: &str) {
            let path = self.0.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }

        /// Puts a pair for `host` there that ends with that year.
        fn renew(&self, host: &str, year: i32) {
            let (certificate, key) = pair(host, year);
            self.put("certificate", &certificate);
            self.put("key", &key);
        }

        fn identity(&self, host: &str) -> Identity {
            Identity::start(self.origin(), vec![host.into()], NOW).unwrap()
        }
    }

    fn pair(host: &str, year: i32) -> (String, String) {
        let mut params = CertificateParams::new(vec![host.into()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 12, 31);
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    const HOST: &str = "chat.example.org";

    #[test]
    fn the_own_authority_follows_up_in_time_and_not_before() {
        let names = Names::of([]);
        let authority = OwnCa::create(names.clone(), NOW, &SeededEntropy::new(1)).unwrap();
        let origin = Origin::Own { authority: Box::new(authority), names, directory: "tls".into() };
        let mut identity = Identity::start(origin, Vec::new(), NOW).unwrap();
        let first = identity.source.load_full();
        identity.refresh(NOW.plus(LOOK_EVERY));
        assert!(Arc::ptr_eq(&identity.source.load(), &first));
        identity.refresh(NOW.plus(ISSUE_EVERY));
        assert!(!Arc::ptr_eq(&identity.source.load(), &first));
        assert!(identity.take_next(NOW).is_ok_and(|it| matches!(it, Reloaded::Changed(Some(_)))));
    }

    #[test]
    fn files_count_when_they_have_changed() {
        let place = Place::new();
        place.renew(HOST, 2026);
        let mut identity = place.identity(HOST);
        let first = identity.source.load_full();
        identity.refresh(NOW);
        assert!(Arc::ptr_eq(&identity.source.load(), &first), "nothing has changed");
        assert!(matches!(identity.take_next(NOW), Ok(Reloaded::Same(Some(_)))));
        assert!(Arc::ptr_eq(&identity.source.load(), &first));

        place.renew(HOST, 2027);
        identity.refresh(NOW);
        let second = identity.source.load_full();
        assert!(!Arc::ptr_eq(&second, &first));
        let ticket = first.ticketer.encrypt(b"a session").unwrap();
        assert!(second.ticketer.decrypt(&ticket).is_some(), "tickets outlive certificates");
        let until = identity.current.until().map(date);
        assert_eq!(until.as_deref(), Some("2027-12-31T00:00:00Z"));
    }

    #[test]
    fn what_is_worse_than_the_one_in_use_is_not_taken() {
        let place = Place::new();
        place.renew(HOST, 2026);
        let mut identity = place.identity(HOST);
        let first = identity.source.load_full();
        let mut refused = |place: &Place| {
            let error = identity.take_next(NOW).unwrap_err().to_string();
            assert!(Arc::ptr_eq(&identity.source.load(), &first), "the old one stays");
            assert!(error.contains(&*place.0.path().to_string_lossy()), "{error}");
            error
        };
        // As a program leaves it that was interrupted between the two files.
        place.put("certificate", &pair(HOST, 2027).0);
        assert!(refused(&place).contains("cannot be used"));
        place.renew(HOST, 2025);
        assert!(refused(&place).contains("until 2025-12-31T00:00:00Z, which is not now"));
        place.renew("elsewhere.example", 2027);
        assert!(refused(&place).contains("is not for chat.example.org"));
        place.put("key", "");
        assert!(refused(&place).contains("no private key"));
        std::fs::remove_file(place.0.path().join("certificate")).unwrap();
        assert!(refused(&place).contains("cannot read"));

        place.renew(HOST, 2027);
        assert!(matches!(identity.take_next(NOW), Ok(Reloaded::Changed(_))));
    }

    #[test]
    fn names_that_the_old_one_lacks_are_not_asked_of_the_new_one() {
        let place = Place::new();
        place.renew("elsewhere.example", 2026);
        let mut identity = place.identity(HOST);
        place.renew("third.example", 2027);
        assert!(matches!(identity.take_next(NOW), Ok(Reloaded::Changed(_))));
    }

    #[tokio::test]
    async fn who_tells_it_to_reload_is_answered() {
        let place = Place::new();
        place.renew(HOST, 2026);
        let identity = place.identity(HOST);
        let (reload, source) = (identity.reload(), identity.source());
        let first = source.load_full();
        let task = tokio::spawn(identity.keep_fresh(Arc::new(ManualClock::new(NOW))));
        assert!(matches!(reload.now().await, Ok(Reloaded::Same(_))));
        place.put("key", "");
        assert!(matches!(reload.now().await, Err(Failure::Tls(TlsError::Content { .. }))));
        place.renew(HOST, 2027);
        assert!(matches!(reload.now().await, Ok(Reloaded::Changed(_))));
        assert!(!Arc::ptr_eq(&source.load(), &first));
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(matches!(reload.now().await, Err(Failure::Refused(_))));
    }
}
