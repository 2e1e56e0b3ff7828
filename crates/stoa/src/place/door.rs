//! Where other data centres fetch the directory: `GET /v1/directory?after=VERSION`, on a listener of its own.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{Extensions, HeaderValue, StatusCode};
use parking_lot::Mutex;
use serde::Deserialize;
use stoa_console::{Console, Fingerprint};
use stoa_core::{Buckets, Clock, Quota, Region, limits};
use stoa_gateway::net::{self, NetLimits, PeerCertificate, TlsSource, WsTransport};
use stoa_store::SigningKey;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::failure::Failure;
use crate::node::Node;

/// The path.
pub(super) const PATH: &str = "/v1/directory";
/// Connections at once: those of three data centres, and what they left behind.
const CONNECTIONS: usize = 32;

/// The listener, ready to be started.
pub struct Door {
    listener: TcpListener,
    tls: TlsSource,
    router: Router,
    /// Where it is.
    pub address: SocketAddr,
}

impl Door {
    /// The door at `listener`, for the data centres that the configuration names.
    ///
    /// # Errors
    /// When there is nothing to be known by.
    pub async fn open(
        config: &Config,
        node: &Node,
        listener: TcpListener,
    ) -> Result<Self, Failure> {
        let (signer, shown) = super::identity(node).await?;
        let peers = config.regions.peers(node.console.region());
        let peers: HashMap<_, _> = peers.map(|(region, peer)| (peer.certificate, region)).collect();
        let tls = shown.server(peers.keys().copied().collect())?;
        let tls = Arc::new(ArcSwap::from_pointee(tls));
        let address = listener.local_addr().map_err(Failure::io("read the listener's address"))?;
        let router = router(Parts {
            console: node.console.clone(),
            signer,
            peers,
            clock: node.clock.clone(),
            rates: Mutex::new(Buckets::new(Region::ALL.len())),
        });
        Ok(Self { listener, tls, router, address })
    }

    /// Serves it until `shutdown`.
    pub fn start(
        self,
        limits: &NetLimits,
        shutdown: impl Future<Output = ()> + Send + 'static,
        listeners: &mut JoinSet<std::io::Result<()>>,
    ) {
        let Self { listener, tls, router, .. } = self;
        let limits = NetLimits { connections: CONNECTIONS, ..limits.clone().without_sessions() };
        listeners.spawn(async move {
            let no_session = drop::<WsTransport>;
            Box::pin(net::serve(listener, Some(tls), router, no_session, limits, shutdown)).await
        });
    }
}

struct Parts {
    console: Arc<Console>,
    signer: Arc<SigningKey>,
    peers: HashMap<Fingerprint, Region>,
    clock: Arc<dyn Clock>,
    rates: Mutex<Buckets<Region>>,
}

fn router(parts: Parts) -> Router {
    Router::new().route(PATH, get(page)).with_state(Arc::new(parts))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    after: u64,
}

async fn page(
    State(parts): State<Arc<Parts>>,
    extensions: Extensions,
    Query(Asked { after }): Query<Asked>,
) -> Response {
    const QUOTA: Quota =
        Quota::per_second(limits::DIRECTORY_CALLS_PER_SECOND, limits::DIRECTORY_CALLS_PER_SECOND);
    // Nobody comes through the handshake without one.
    let shown = extensions.get::<PeerCertificate>().map(|shown| Fingerprint(shown.0));
    let Some(region) = shown.and_then(|shown| parts.peers.get(&shown).copied()) else {
        return StatusCode::FORBIDDEN.into_response();
    };
    if parts.rates.lock().take(&region, QUOTA, parts.clock.now()).is_err() {
        let wait = [(RETRY_AFTER, HeaderValue::from_static("1"))];
        return (StatusCode::TOO_MANY_REQUESTS, wait).into_response();
    }
    match parts.console.directory_page(&parts.signer, after).await {
        Ok(page) => {
            let kind = [(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"))];
            (kind, Bytes::from(page)).into_response()
        }
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, region = region.name(), "the directory could not be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
