//! The listener of the token server: TLS that asks for a certificate, and nothing else on it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use rustls::RootCertStore;
use stoa_console::Fingerprint;
use stoa_core::Operator;
use stoa_gateway::net::{self, NetLimits, Peer, PeerCertificate, TlsSource};
use stoa_token_server::Parts;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::authority;
use crate::config::{ClientCertificates, Config};
use crate::failure::Failure;
use crate::identity::Identity;
use crate::node::Node;
use crate::tls::TlsError;

/// The token server, ready to be started.
pub(super) struct Door {
    listener: TcpListener,
    tls: TlsSource,
    router: Router,
    /// Where it is.
    pub(super) address: SocketAddr,
}

impl Door {
    /// Opens the listener that the configuration names.
    ///
    /// # Errors
    /// When its address or the authority of its clients cannot be had.
    pub(super) async fn open(
        config: &Config,
        node: &Node,
        identity: &mut Identity,
    ) -> Result<Self, Failure> {
        let wanted = config.token_server_listen.unwrap_or(config.listen);
        let (clock, entropy) = (&*node.clock, &*node.entropy);
        let clients =
            authority::open_for_clients(&config.data, &node.vault, clock, entropy).await?;
        let mut roots = RootCertStore::empty();
        roots.add(clients.root()?).map_err(TlsError::Unusable)?;
        let required = config.token_server_client_certificates == ClientCertificates::Required;
        let tls = identity.asking_clients(Arc::new(roots), required)?;
        let listener = super::bind(wanted).await?;
        let address = listener.local_addr().map_err(Failure::io("read the listener's address"))?;
        let router = stoa_token_server::router(Parts {
            chat: node.chat.clone(),
            console: node.console.clone(),
            operator: Operator::of_this_process(),
            observer: node.token_observer.clone(),
            last_minted: node.last_minted.clone(),
            listen: address.ip(),
            address: |extensions| extensions.get::<Peer>().map(|peer| peer.address.ip()),
            certificate: |extensions| {
                extensions.get::<PeerCertificate>().map(|shown| Fingerprint(shown.0))
            },
        });
        Ok(Self { listener, tls, router, address })
    }

    /// Serves it until the listeners are told to end.
    pub(super) fn start(
        self,
        limits: &NetLimits,
        stopped: watch::Receiver<bool>,
        listeners: &mut JoinSet<std::io::Result<()>>,
    ) {
        let Self { listener, tls, router, .. } = self;
        // From where a client calls decides whether it may mint: no proxy stands for it.
        let limits = NetLimits { proxies: Vec::new(), ..limits.clone().without_sessions() };
        let shutdown = super::told(stopped);
        listeners.spawn(async move {
            let no_session = |_, session: net::WsTransport| drop(session);
            Box::pin(net::serve(listener, Some(tls), router, no_session, limits, shutdown)).await
        });
    }
}
