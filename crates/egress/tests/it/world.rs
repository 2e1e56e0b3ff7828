//! A way out whose clock is moved by hand, and servers on this machine that do what they are told.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls_pki_types::CertificateDer;
use stoa_core::{
    App, AppNumber, AuthPolicy, Countries, Country, Crossing, ManualClock, Operator, PlaceSettings,
    Region, SeededEntropy, Timestamp,
};
use stoa_egress::{
    Answer, Bounds, ClientTls, Egress, EgressError, EgressOptions, Errand, Resolver, Target,
};
use stoa_store::Store;
use stoa_store::engine::{Engine, Memory};
use stoa_vault::Vault;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The name of every server here.
pub(crate) const NAME: &str = "hooks.example.com";

/// Answers from a table: at each look-up the next list, and the last one for ever.
#[derive(Default)]
pub(crate) struct Names {
    known: HashMap<&'static str, Vec<Vec<IpAddr>>>,
    pub(crate) asked: AtomicUsize,
}

impl Names {
    pub(crate) fn of(known: &[(&'static str, &[&[&str]])]) -> Arc<Self> {
        let list = |addresses: &&[&str]| addresses.iter().map(|ip| ip.parse().unwrap()).collect();
        let known = known.iter().map(|(name, lists)| (*name, lists.iter().map(list).collect()));
        Arc::new(Self { known: known.collect(), asked: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let at = self.asked.fetch_add(1, Ordering::Relaxed);
        let lists = self.known.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(lists.get(at).or(lists.last()).cloned().unwrap_or_default())
    }
}

/// Where addresses are: by their first part.
pub(crate) struct Places;

impl Countries for Places {
    fn country(&self, address: IpAddr) -> Option<Country> {
        let IpAddr::V4(ip) = address else { return None };
        let country = match ip.octets()[0] {
            1 => "DE",
            2 => "US",
            3 => "BR",
            _ => return None,
        };
        country.parse().ok()
    }
}

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    vault: Arc<Vault>,
    engine: Arc<dyn Engine>,
    pub(crate) egress: Arc<Egress>,
    pub(crate) app: Arc<App>,
}

impl World {
    pub(crate) fn new(names: Arc<Names>, allow: &[&str], hosts: &[&str]) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let vault = Arc::new(Vault::in_memory(clock.clone(), Arc::new(SeededEntropy::new(1))));
        let engine: Arc<dyn Engine> = Arc::new(Memory::new());
        let store = Store::open(engine.clone(), vault.clone());
        let options = EgressOptions {
            region: Region::Eu,
            allow: allow.iter().map(|range| range.parse().unwrap()).collect(),
            hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
            resolver: names,
            countries: Arc::new(Places),
            clock: clock.clone(),
        };
        let egress = Arc::new(Egress::new(options, store, Operator::of_this_process()));
        let app = Arc::new(app(PlaceSettings::default()));
        Self { clock, vault, engine, egress, app }
    }

    /// A server on this machine may be reached, and lies here.
    pub(crate) fn local() -> Self {
        let names = Names::of(&[(NAME, &[&["127.0.0.1"]])]);
        Self::new(names, &["127.0.0.0/8"], &[])
    }

    /// The same data, after the process has ended and begun again.
    pub(crate) fn restarted(&self) -> Self {
        let store = Store::open(self.engine.clone(), self.vault.clone());
        let options = EgressOptions {
            region: Region::Eu,
            allow: vec!["127.0.0.0/8".parse().unwrap()],
            hosts: Vec::new(),
            resolver: Names::of(&[(NAME, &[&["127.0.0.1"]])]),
            countries: Arc::new(Places),
            clock: self.clock.clone(),
        };
        let egress = Arc::new(Egress::new(options, store, Operator::of_this_process()));
        let (clock, vault) = (self.clock.clone(), self.vault.clone());
        Self { clock, vault, engine: self.engine.clone(), egress, app: self.app.clone() }
    }

    pub(crate) fn errand(&self) -> Errand {
        Errand::of_app(self.app.clone(), Crossing::Callbacks)
    }

    pub(crate) async fn get(&self, server: &Server) -> Result<Answer, EgressError> {
        self.get_at(&server.url("/"), server).await
    }

    pub(crate) async fn get_at(&self, url: &str, server: &Server) -> Result<Answer, EgressError> {
        self.call(url, Some(&server.trust()), Bounds::default()).await
    }

    pub(crate) async fn call(
        &self,
        url: &str,
        tls: Option<&ClientTls>,
        bounds: Bounds,
    ) -> Result<Answer, EgressError> {
        let target: Target = url.parse()?;
        let request = Request::new(Bytes::new());
        self.egress.call(&self.errand(), &target, request, tls, bounds).await
    }
}

/// An app of region `eu`.
pub(crate) fn app(place: PlaceSettings) -> App {
    let (key, created) = ("acme#support".parse().unwrap(), Timestamp::default());
    let entropy = SeededEntropy::new(1);
    let app = App::new(AppNumber(1), key, Region::Eu, created, AuthPolicy::Token, &entropy);
    App { place, ..app }
}

/// A server with TLS on this machine.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) accepted: Arc<AtomicUsize>,
}

impl Server {
    /// Reads each request's head and hands the connection to `then`.
    pub(crate) async fn that<F, R>(then: F) -> Self
    where
        F: Fn(String, TlsStream<TcpStream>) -> R + Clone + Send + 'static,
        R: Future<Output = ()> + Send,
    {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec![NAME.to_owned()]).unwrap();
        let (certificate, key) = (cert.der().clone(), signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key.try_into().unwrap())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let counted = accepted.clone();
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::Relaxed);
                let (acceptor, then) = (acceptor.clone(), then.clone());
                tokio::spawn(async move {
                    let Ok(mut tls) = acceptor.accept(tcp).await else { return };
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let Ok(byte) = tls.read_u8().await else { return };
                        head.push(byte);
                    }
                    then(String::from_utf8(head).unwrap(), tls).await;
                });
            }
        });
        Self { address, certificate, accepted }
    }

    /// Answers every request with these bytes.
    pub(crate) async fn answering(answer: &'static str) -> Self {
        Self::that(move |_, mut tls| async move {
            let _ = tls.write_all(answer.as_bytes()).await;
            let _ = tls.shutdown().await;
        })
        .await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{NAME}:{}{path}", self.address.port())
    }

    /// Trusts this server alone.
    pub(crate) fn trust(&self) -> ClientTls {
        ClientTls::trusting([self.certificate.clone()], None).unwrap()
    }
}

/// An answer that is as it should be.
pub(crate) const FINE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok";

/// How often a server may be reached within a test.
pub(crate) fn reached(server: &Server) -> usize {
    server.accepted.load(Ordering::Relaxed)
}

/// Longer than any limit.
pub(crate) const LONG: Duration = Duration::from_secs(3600);
