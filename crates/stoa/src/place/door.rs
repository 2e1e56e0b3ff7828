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
            let no_session = |_, session: WsTransport| drop(session);
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use axum::body::Body;
    use stoa_core::{ManualClock, Operator, SeededEntropy, Timestamp};
    use stoa_store::Store;
    use tower::ServiceExt;

    #[tokio::test]
    async fn it_answers_those_whom_it_knows_and_no_more_often_than_that() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let entropy = Arc::new(SeededEntropy::new(1));
        let store = Store::in_memory(clock.clone(), entropy.clone());
        let operator = Operator::of_this_process();
        let (region, time) = (Region::Eu, clock.clone());
        let console =
            Console::open(&store, &operator, region, time, entropy.clone()).await.unwrap();
        let signer = store.signing_key(&operator, &*entropy).await.unwrap();
        let (na, ap) = (Fingerprint([1; 32]), Fingerprint([2; 32]));
        let door = router(Parts {
            console: Arc::new(console),
            signer,
            peers: [(na, Region::Na), (ap, Region::Ap)].into(),
            clock: clock.clone(),
            rates: Mutex::new(Buckets::new(4)),
        });
        let ask = async |path: &str, shown: Option<Fingerprint>| {
            let mut request = http::Request::get(path).body(Body::empty()).unwrap();
            if let Some(shown) = shown {
                request.extensions_mut().insert(PeerCertificate(shown.0));
            }
            door.clone().oneshot(request).await.unwrap().status().as_u16()
        };
        let good = "/v1/directory?after=0";
        assert_eq!(ask(good, None).await, 403);
        assert_eq!(ask(good, Some(Fingerprint([3; 32]))).await, 403);
        for wrong in ["/v1/directory", "/v1/directory?after=x", "/v1/directory?after=0&app=1"] {
            assert_eq!(ask(wrong, Some(na)).await, 400, "{wrong}");
        }
        assert_eq!(ask("/v1/apps", Some(na)).await, 404);
        for _ in 0..limits::DIRECTORY_CALLS_PER_SECOND {
            assert_eq!(ask(good, Some(na)).await, 200);
        }
        assert_eq!(ask(good, Some(na)).await, 429);
        assert_eq!(ask(good, Some(ap)).await, 200, "others have their own share");
        clock.advance(Duration::from_secs(1));
        assert_eq!(ask(good, Some(na)).await, 200);
    }
}
