//! `stoa serve`: one listener for REST and sessions, from the first signal of life to the last.
//!
//! The order is the point. Starting: files and locks, apps, certificate, addresses, and only then
//! anybody is told that the server is ready. Ending: no new connections, sessions store where their
//! clients stand and close, commits that wait are finished, files are let go. Whatever was
//! acknowledged was durable before that, so an end that is cut short loses nothing either.

mod background;
mod callbacks;
mod figures;
mod media;
mod signals;
mod system;
mod token_server;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use rustix::process::{Resource, getrlimit, setrlimit};
use stoa_core::Address;
use stoa_gateway::net::{NetLimits, Peer, TlsSource};
use stoa_geo::Whereabouts;
use stoa_rest::{Host, Hosts, Protocol, RestState};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::field::display;

use crate::config::Config;
use crate::control::ControlSocket;
use crate::demo;
use crate::failure::Failure;
use crate::identity::{Identity, Reload};
use crate::node::{Files, Node};
use crate::place::{self, Door as Directory};
use figures::Draining;
use signals::Signals;

/// How long the last commits may take.
const STORE_ENDS: Duration = Duration::from_millis(700);
/// File descriptors that are kept for other things than connections.
const RESERVED_FILES: u64 = 128;

/// What a process serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything that the configuration names.
    Server {
        /// The demo as well.
        demo: bool,
    },
    /// The token server alone: nothing that clients of the chat reach.
    TokenServer,
}

/// Refuses what must not be served, before anything is opened.
///
/// # Errors
/// [`Failure::Usage`].
pub fn check(config: &Config, role: Role) -> Result<(), Failure> {
    if role == Role::TokenServer && config.token_server_listen.is_none() {
        return Err(Failure::Usage(
            "say on which address the token server listens: token-server-listen, for example 127.0.0.1:8444".into(),
        ));
    }
    let peerless = config.region.is_none_or(|own| config.regions.peers(own).next().is_none());
    if let Some(listen) = config.directory_listen.filter(|_| peerless && role != Role::TokenServer)
    {
        return Err(Failure::Usage(format!(
            "directory-listen: {listen} would let nobody in: name the other data centres with regions, each with directory, signing-key and certificate (stoa region identity prints them)"
        )));
    }
    if role == (Role::Server { demo: true }) && !config.listen.ip().is_loopback() {
        return Err(Failure::Usage(format!(
            "--demo: {} is not a loopback address; the demo's passwords lie in a file, so it is for this machine only",
            config.listen
        )));
    }
    Ok(())
}

/// Serves until a signal comes.
///
/// # Errors
/// When the server cannot start, or a listener fails.
pub async fn run(config: Config, role: Role, files: Files) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let files_limit = raise_file_limit();
    // Commands wait at it until the server is ready.
    let control = ControlSocket::bind(&config.data)
        .inspect_err(
            |error| tracing::warn!(%error, "no control socket: commands cannot reach this server"),
        )
        .ok();
    let node = Node::start(files, &config).await?;
    let served = tokio::select! {
        served = serve(&config, role, &node, files_limit, control) => served,
        () = signals.end() => Ok(None),
    };
    let outcome = match served {
        Ok(Some(running)) => running.until(&mut signals).await,
        Ok(None) => Ok(()),
        Err(failure) => Err(failure),
    };
    let closed = match timeout(STORE_ENDS, node.close()).await {
        Ok(closed) => closed,
        Err(_) => {
            tracing::warn!("the last commits take long; they were acknowledged to nobody");
            Ok(())
        }
    };
    tracing::info!("ended");
    outcome.and(closed)
}

/// Starts the listeners, and says that the server is ready.
async fn serve(
    config: &Config,
    role: Role,
    node: &Node,
    files_limit: u64,
    control: Option<ControlSocket>,
) -> Result<Option<Running>, Failure> {
    node.whereabouts.load()?;
    let mut identity = Identity::open(config, node).await?;
    let connections = usize::try_from(files_limit.saturating_sub(RESERVED_FILES));
    let connections = connections.unwrap_or(usize::MAX);
    let limits = NetLimits::default();
    let connections = limits.connections.min(connections);
    let proxies = config.trusted_proxies.clone();
    let limits = NetLimits { connections, drain: config.drain.duration(), proxies, ..limits };
    let draining = Draining::default();
    let (stop, stopped) = watch::channel(false);
    let mut listeners = JoinSet::new();

    let tokens = match config.token_server_listen {
        Some(_) => Some(token_server::Door::open(config, node, &mut identity).await?),
        None => None,
    };
    let tokens_address = tokens.as_ref().map(|door| door.address);
    let directory = match (role, config.directory_listen) {
        (Role::Server { .. }, Some(address)) => {
            Some(Directory::open(config, node, bind(address).await?).await?)
        }
        _ => None,
    };
    let directory_address = directory.as_ref().map(|door| door.address);
    let metrics = match config.metrics_listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let metrics_address = metrics.as_ref().and_then(|listener| listener.local_addr().ok());
    let media = match role {
        Role::Server { demo } => media::start(config, node, demo)?,
        Role::TokenServer => None,
    };
    let public = match role {
        Role::Server { demo } => {
            let public = Public { config, node, draining: &draining, limits: &limits };
            Some(public.start(demo, &identity, &stopped, &mut listeners).await?)
        }
        Role::TokenServer => None,
    };
    if node.console.apps().is_empty() {
        tracing::warn!("there are no apps, so nobody can log in: make one with 'stoa app create'");
    }
    if let Some(door) = tokens {
        door.start(&limits, stopped.clone(), &mut listeners);
    }
    if let Some(door) = directory {
        door.start(&limits, told(stopped.clone()), &mut listeners);
    }
    if let Some(control) = control {
        let (node, mut stopped) = (node.clone(), stopped.clone());
        listeners.spawn(async move {
            let stop = async move { _ = stopped.wait_for(|stop| *stop).await };
            Box::pin(control.serve(node, stop)).await
        });
    }
    let mut background = JoinSet::new();
    let reload = (identity.reload(), node.whereabouts.clone());
    background.spawn(identity.keep_fresh(node.clock.clone()));
    background::start(node, &mut background);
    if role != Role::TokenServer {
        place::start(config, node, &mut background).await?;
    }
    figures::started();
    if let Some(metrics) = metrics {
        background.spawn(figures::serve(metrics, node.clone(), draining.clone()));
    }

    let (address, plain) = match public {
        Some(Started { address, plain, announce }) => {
            if let Some(announce) = announce {
                announce()?;
            }
            (address, plain)
        }
        // The one there is.
        None => (tokens_address.unwrap_or(config.listen), None),
    };
    let (plain, metrics) = (plain.map(display), metrics_address.map(display));
    let (token_server, directory) = (tokens_address.map(display), directory_address.map(display));
    let media = media.map(display);
    tracing::info!(%address, plain, metrics, token_server, directory, media, "ready");
    let drain = config.drain.duration();
    Ok(Some(Running { stop, listeners, reload, draining, drain, _background: background }))
}

/// What the listeners that everybody reaches are made of.
struct Public<'a> {
    config: &'a Config,
    node: &'a Node,
    draining: &'a Draining,
    limits: &'a NetLimits,
}

/// Where everybody reaches the server, and how the demo is announced.
struct Started {
    address: SocketAddr,
    plain: Option<SocketAddr>,
    announce: Option<demo::Announce>,
}

impl Public<'_> {
    /// Starts them: REST and sessions, with TLS and as asked for without, and the demo page.
    async fn start(
        self,
        demo: bool,
        identity: &Identity,
        stopped: &watch::Receiver<bool>,
        listeners: &mut JoinSet<std::io::Result<()>>,
    ) -> Result<Started, Failure> {
        let Self { config, node, draining, limits } = self;
        let listener = bind(config.listen).await?;
        let address = listener.local_addr().map_err(Failure::io("read the listener's address"))?;
        let plain = match config.plain_http {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let plain_address = plain.as_ref().and_then(|listener| listener.local_addr().ok());
        let demo = if demo { Some(demo::Demo::prepare(node, config).await?) } else { None };
        let rest = stoa_rest::router(RestState {
            chat: node.chat.clone(),
            classroom: node.classroom.clone(),
            region: node.console.region(),
            audit: node.audit.clone(),
            directory: node.console.clone(),
            hosts: hosts(config, address, plain_address),
            client_address: |extensions| extensions.get::<Peer>().map(|peer| peer.address.ip()),
            encrypted: |extensions| extensions.get::<Peer>().is_some_and(|peer| peer.encrypted),
        });
        let rest = figures::with_draining(rest, draining.clone());
        let mut start =
            |listener: TcpListener, tls: Option<TlsSource>, http: Router, limits: NetLimits| {
                let classes = node.classroom.clone();
                let shutdown = told(stopped.clone());
                listeners.spawn(async move {
                    Box::pin(stoa_gateway::serve(listener, tls, http, classes, limits, shutdown))
                        .await
                });
            };
        start(listener, Some(identity.source()), rest.clone(), limits.clone());
        if let Some(plain) = plain {
            start(plain, None, rest.clone(), limits.clone());
        }
        let page = match demo {
            Some(demo) => Some(demo::Page::open(demo, node, config, address, rest).await?),
            None => None,
        };
        let announce = page.map(|page| {
            tracing::info!(address = %page.address, "the demo pages are there: chat at /, a class at /classroom/demo");
            let limits = NetLimits { session_hosts: Some(page.hosts), ..limits.clone() };
            start(page.listener, None, page.router, limits);
            page.announce
        });
        Ok(Started { address, plain: plain_address, announce })
    }
}

/// Ends when the listeners are told to.
async fn told(mut stopped: watch::Receiver<bool>) {
    // An error means that nobody is left to say it, which says it too.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// A server that takes requests.
struct Running {
    stop: watch::Sender<bool>,
    listeners: JoinSet<std::io::Result<()>>,
    /// What is read anew at a SIGHUP.
    reload: (Reload, Arc<Whereabouts>),
    draining: Draining,
    /// How long connections may take to end.
    drain: Duration,
    /// Ends with this.
    _background: JoinSet<()>,
}

impl Running {
    /// Serves until a signal comes or a listener fails, and ends the connections.
    async fn until(mut self, signals: &mut Signals) -> Result<(), Failure> {
        let reload = || {
            let (certificate, whereabouts) = self.reload.clone();
            // What came of it stands in the log.
            tokio::spawn(async move { drop(certificate.now().await) });
            tokio::task::spawn_blocking(move || background::reload(&whereabouts));
        };
        let outcome = tokio::select! {
            () = signals.end_or(reload) => Ok(()),
            Some(ended) = self.listeners.join_next() => {
                let error = match ended {
                    Ok(Ok(())) => std::io::Error::other("it ended by itself"),
                    Ok(Err(error)) => error,
                    Err(_) => std::io::Error::other("its task panicked"),
                };
                Err(Failure::io("go on listening")(error))
            }
        };
        tracing::info!("ending");
        self.draining.begin();
        let _ = self.stop.send(true);
        let all = async { while self.listeners.join_next().await.is_some() {} };
        tokio::select! {
            ended = timeout(self.drain, all) => if ended.is_err() {
                tracing::warn!("connections were still open when the time for closing them was over");
            },
            () = signals.end() => tracing::warn!("told again to end: connections are cut"),
        }
        outcome
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(Failure::io(format!("listen on {address}")))
}

/// The addresses that clients are told.
fn hosts(config: &Config, address: SocketAddr, plain: Option<SocketAddr>) -> Hosts {
    let secure = |public: &Option<Address>| {
        let address = public.clone().unwrap_or_else(|| reachable(address));
        Host::from(&address)
    };
    let plain = plain.map(|address| {
        let Address { host: _, port } = reachable(address);
        Host { protocol: Protocol::Http, domain: reachable(address).url_host(), port }
    });
    Hosts {
        rest: std::iter::once(secure(&config.public_rest)).chain(plain.clone()).collect(),
        ws: std::iter::once(secure(&config.public_ws)).chain(plain).collect(),
    }
}

/// The listener's address as this machine reaches it.
fn reachable(address: SocketAddr) -> Address {
    if address.ip().is_unspecified() {
        return Address { host: "localhost".into(), port: address.port() };
    }
    address.into()
}

/// Allows this process as many open files as the system lets it have; how many that are.
fn raise_file_limit() -> u64 {
    /// Where no limit is known, or none exists.
    const PLENTY: u64 = 1 << 20;
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current < limit.maximum || limit.maximum.is_none() {
        let raised = rustix::process::Rlimit {
            current: Some(limit.maximum.unwrap_or(PLENTY)),
            maximum: limit.maximum,
        };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit = raised;
        }
    }
    limit.current.unwrap_or(PLENTY)
}

/// The names under which clients reach this server.
pub fn public_hosts(config: &Config) -> Vec<String> {
    let public = [&config.public_rest, &config.public_ws].into_iter().flatten();
    let hosts = public.map(|address| address.host.clone());
    let listeners = [Some(config.listen), config.token_server_listen].into_iter().flatten();
    hosts.chain(listeners.map(|address| address.ip().to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Settings, load};

    #[test]
    fn a_directory_for_nobody_is_not_served() {
        let directory_listen = Some("127.0.0.1:1".parse().unwrap());
        let settings = Settings { directory_listen, ..Settings::default() };
        let config = load(settings, None, &Environment::default()).unwrap();
        let refused = check(&config, Role::Server { demo: false }).unwrap_err().to_string();
        assert!(refused.contains("would let nobody in"), "{refused}");
    }

    fn config(listen: &str, public_rest: Option<&str>) -> Config {
        let settings = Settings {
            listen: Some(listen.parse().unwrap()),
            public_rest: public_rest.map(|host| host.parse().unwrap()),
            ..Settings::default()
        };
        load(settings, None, &Environment::default()).unwrap()
    }

    #[test]
    fn the_demo_is_for_this_machine_only() {
        for (listen, fits) in [
            ("127.0.0.1:0", true),
            ("127.9.9.9:1", true),
            ("[::1]:0", true),
            ("0.0.0.0:0", false),
            ("[::]:0", false),
            ("10.0.0.1:443", false),
        ] {
            let demo = Role::Server { demo: true };
            assert_eq!(check(&config(listen, None), demo).is_ok(), fits, "{listen}");
            assert!(check(&config(listen, None), Role::Server { demo: false }).is_ok());
        }
    }

    #[test]
    fn clients_are_told_what_they_can_reach() {
        let address = "[::1]:8443".parse().unwrap();
        let told = hosts(&config("[::1]:8443", Some("chat.example.org")), address, None);
        assert_eq!((told.rest[0].domain.as_str(), told.rest[0].port), ("chat.example.org", 443));
        assert_eq!((told.ws[0].domain.as_str(), told.ws[0].port), ("[::1]", 8443));

        let any = "0.0.0.0:8443".parse().unwrap();
        let plain = Some("127.0.0.1:80".parse().unwrap());
        let told = hosts(&config("0.0.0.0:8443", None), any, plain);
        assert_eq!(told.rest[0].domain, "localhost");
        assert_eq!((told.ws[1].protocol, told.ws[1].port), (Protocol::Http, 80));
    }

    #[test]
    fn the_file_limit_is_not_lowered() {
        let before = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        assert!(raise_file_limit() >= before.min(1 << 20));
    }
}
