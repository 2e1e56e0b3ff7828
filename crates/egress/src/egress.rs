//! Opening a connection.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use stoa_core::{
    AddressRange, App, AppNumber, Clock, Countries, Crossing, Operator, Region, limits,
};
use stoa_metrics::egress::{ATTEMPTS, Result as Counted};
use stoa_store::{Store, StoreError};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::contacts::{Contact, Contacts, Purpose};
use crate::gate::{Gate, Place};
use crate::rules::Rules;
use crate::{ClientTls, EgressError, Host, HostRegion, Resolver, Scheme};

/// For whom a host is to be reached, and what for. That decides where it may lie: an app's data go to hosts
/// of the app's region, or where its owner permits them to.
#[derive(Debug, Clone)]
pub struct Errand {
    pub(crate) app: Option<Arc<App>>,
    pub(crate) purpose: Purpose,
    /// Where the host lies, if whoever sends knows.
    region: Option<Region>,
}

impl Errand {
    /// Something of an app.
    pub const fn of_app(app: Arc<App>, kind: Crossing) -> Self {
        Self { app: Some(app), purpose: Purpose::App(kind), region: None }
    }

    /// The exchange of the directory with the data centre of `region`. It holds what is public of apps, so
    /// no permission is asked for.
    pub const fn directory(region: Region) -> Self {
        Self { app: None, purpose: Purpose::Directory, region: Some(region) }
    }

    fn number(&self) -> AppNumber {
        self.app.as_ref().map_or(AppNumber::PLATFORM, |app| app.number)
    }
}

/// What [`Egress`] is made of.
pub struct EgressOptions {
    /// The region of this data centre.
    pub region: Region,
    /// Ranges that may be reached though they are not of the open internet.
    pub allow: Vec<AddressRange>,
    /// In which region hosts lie.
    pub hosts: Vec<HostRegion>,
    /// Finds the addresses of names.
    pub resolver: Arc<dyn Resolver>,
    /// Knows where addresses are.
    pub countries: Arc<dyn Countries>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The way out.
pub struct Egress {
    rules: Rules,
    resolver: Arc<dyn Resolver>,
    countries: Arc<dyn Countries>,
    clock: Arc<dyn Clock>,
    contacts: Contacts,
    gate: Gate,
    public: OnceCell<ClientTls>,
}

/// An address that may be connected to.
#[derive(Debug, Clone, Copy)]
struct Approved {
    address: SocketAddr,
    region: Option<Region>,
}

impl Egress {
    /// The way out, whose log is in `store`.
    pub fn new(options: EgressOptions, store: Store, operator: Operator) -> Self {
        let EgressOptions { region, allow, hosts, resolver, countries, clock } = options;
        let rules = Rules { own: region, allow, hosts };
        let contacts = Contacts::new(store, operator, clock.clone());
        let (gate, public) = (Gate::default(), OnceCell::new());
        Self { rules, resolver, countries, clock, contacts, gate, public }
    }

    /// Opens a connection with TLS to `host`, which has to prove its name.
    ///
    /// # Errors
    /// [`EgressError`].
    pub async fn connect(
        &self,
        errand: &Errand,
        host: &Host,
        port: u16,
        tls: &ClientTls,
    ) -> Result<Connection, EgressError> {
        let connection = self.open(errand, host, port, Scheme::Https, Some(tls)).await;
        count(&connection);
        connection
    }

    /// The authorities that the system trusts, read once.
    ///
    /// # Errors
    /// [`EgressError::Authorities`].
    pub(crate) async fn public_tls(&self) -> Result<&ClientTls, EgressError> {
        let load = || async {
            let loaded = tokio::task::spawn_blocking(ClientTls::of_system).await;
            loaded.map_err(|error| EgressError::Authorities(error.to_string()))?
        };
        self.public.get_or_try_init(load).await
    }

    /// As [`Self::connect`], within the time for that, and also without TLS.
    pub(crate) async fn open(
        &self,
        errand: &Errand,
        host: &Host,
        port: u16,
        scheme: Scheme,
        tls: Option<&ClientTls>,
    ) -> Result<Connection, EgressError> {
        let opened = timeout(limits::EGRESS_CONNECT, async {
            let place = self.gate.enter(errand.number()).await?;
            let approved = self.approve(errand, host, port, scheme).await?;
            let (stream, reached) = self.reach(errand, host, &approved).await?;
            let stream = match scheme {
                Scheme::Http => Stream::Clear(stream),
                Scheme::Https => {
                    let tls = match tls {
                        Some(tls) => tls,
                        None => self.public_tls().await?,
                    };
                    Stream::Tls(Box::new(secured(host, stream, tls).await?))
                }
            };
            Ok(Connection { stream, reached, _place: place })
        });
        let late = |_| EgressError::Timeout(host.clone(), "take a connection");
        opened.await.map_err(late)?
    }

    /// Looks the host up, once, and judges every address that came of it: one that must not be reached spoils
    /// them all, because no honest name leads there too.
    async fn approve(
        &self,
        errand: &Errand,
        host: &Host,
        port: u16,
        scheme: Scheme,
    ) -> Result<Vec<Approved>, EgressError> {
        let addresses = match host.address() {
            Some(address) => vec![address],
            None => {
                let found = self.resolver.resolve(&host.to_string()).await;
                found.map_err(|source| EgressError::Resolve { host: host.clone(), source })?
            }
        };
        if addresses.is_empty() {
            let source = io::ErrorKind::NotFound.into();
            return Err(EgressError::Resolve { host: host.clone(), source });
        }
        if addresses.len() > limits::EGRESS_ADDRESSES {
            return Err(EgressError::Addresses(host.clone()));
        }
        for address in &addresses {
            self.rules.check(host, *address)?;
            if scheme == Scheme::Http && !self.rules.allows(*address) {
                return Err(EgressError::Clear(host.clone()));
            }
        }
        let approved = |address: IpAddr| {
            let region = self.place(errand, host, address)?;
            Ok(Approved { address: SocketAddr::new(address.to_canonical(), port), region })
        };
        addresses.into_iter().map(approved).collect()
    }

    /// In which region the address lies, if the errand may go there.
    fn place(
        &self,
        errand: &Errand,
        host: &Host,
        address: IpAddr,
    ) -> Result<Option<Region>, EgressError> {
        let known = || self.rules.region(host, address, &*self.countries);
        let region = errand.region.or_else(known);
        let (Some(app), Purpose::App(kind)) = (&errand.app, errand.purpose) else {
            return Ok(region);
        };
        let (own, purpose, host) = (app.region, errand.purpose, host.clone());
        match region {
            Some(region) if region == own => Ok(Some(region)),
            Some(region) => match app.place.permit(kind, own, region, self.clock.now()) {
                Some(_) => Ok(Some(region)),
                None => Err(EgressError::Foreign { host, region, purpose, own }),
            },
            None => Err(EgressError::RegionUnknown { host, address, purpose, own }),
        }
    }

    /// Connects to the first address that takes it, and to none that was not judged. Each is written down
    /// before.
    async fn reach(
        &self,
        errand: &Errand,
        host: &Host,
        approved: &[Approved],
    ) -> Result<(TcpStream, Reached), EgressError> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        let share =
            limits::EGRESS_CONNECT / u32::try_from(approved.len()).unwrap_or(u32::MAX).max(1);
        for Approved { address, region } in approved {
            let (app, name) = (errand.app.as_ref(), host.to_string());
            self.contacts.note(app, name, errand.purpose, *region, true).await?;
            // One that does not answer leaves time for the others.
            match timeout(share.max(LEAST), TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    let _ = stream.set_nodelay(true);
                    return Ok((stream, Reached { address: *address, region: *region }));
                }
                Ok(Err(error)) => last = error,
                Err(_) => last = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(EgressError::Connect { host: host.clone(), source: last })
    }

    /// The hosts that were contacted for `app`, or else for the platform, as far back as is kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn contacts(&self, app: Option<&Arc<App>>) -> Result<Vec<Contact>, StoreError> {
        self.contacts.list(app).await
    }

    /// Stores how often hosts were contacted, of `apps` (all there are) and of the platform. To be called
    /// every few seconds, and at the end.
    ///
    /// # Errors
    /// [`StoreError`]; it is stored with the next.
    pub async fn store_contacts(&self, apps: &[Arc<App>]) -> Result<(), StoreError> {
        self.contacts.store(apps).await
    }

    /// Removes contacts that are older than is kept, of `app` or else of the platform.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sweep_contacts(&self, app: Option<&Arc<App>>) -> Result<(), StoreError> {
        self.contacts.sweep(app).await
    }

    /// Where the operator says that a host lies, by its name alone; none where nothing is said.
    pub fn named_region(&self, host: &Host) -> Option<Region> {
        self.rules.named(host)
    }
}

/// The least time for a connection to one address.
const LEAST: Duration = Duration::from_secs(1);

async fn secured(
    host: &Host,
    stream: TcpStream,
    tls: &ClientTls,
) -> Result<TlsStream<TcpStream>, EgressError> {
    let refused = |source| EgressError::Tls { host: host.clone(), source };
    let name = host.server_name().ok_or_else(|| refused(io::ErrorKind::InvalidInput.into()))?;
    TlsConnector::from(tls.0.clone()).connect(name, stream).await.map_err(refused)
}

/// Counts an attempt.
pub(crate) fn count<T>(outcome: &Result<T, EgressError>) {
    ATTEMPTS.of(outcome.as_ref().map_or_else(EgressError::counted, |_| Counted::Done)).inc();
}

/// Whom a connection reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) address: SocketAddr,
    pub(crate) region: Option<Region>,
}

#[derive(Debug)]
enum Stream {
    Clear(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// An open connection. Its place among those that may be open is given back when it is dropped.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    pub(crate) reached: Reached,
    _place: Place,
}

impl Connection {
    /// The address that it leads to.
    pub const fn address(&self) -> SocketAddr {
        self.reached.address
    }

    /// The region that it leads to; none: that is not known, as only a directory's may be.
    pub const fn region(&self) -> Option<Region> {
        self.reached.region
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Clear(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Stream::Clear(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Clear(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Clear(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
