//! The listener for metrics, and what is looked up when somebody asks.
//!
//! It is plain HTTP, without a password, and serves nothing else: `GET /metrics`, and `GET /healthz`
//! until the process ends, so that a load balancer sees that it drains. On loopback only, unless the
//! configuration says otherwise; and only under an address or `localhost`, so that no web page elsewhere
//! can have a browser read it under a name of its own.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST};
use http::{HeaderMap, StatusCode};
use stoa_gateway::net::NetLimits;
use stoa_metrics::{process, store, vault};
use tokio::net::TcpListener;

use super::system::{self, System};
use crate::node::Node;

/// Collectors at once.
const CONNECTIONS: usize = 16;

/// What the listener shows.
#[derive(Clone)]
pub(super) struct Figures {
    node: Node,
    draining: Draining,
}

/// Whether the server ends.
#[derive(Debug, Clone, Default)]
pub(super) struct Draining(Arc<AtomicBool>);

impl Draining {
    /// From now on it does.
    pub(super) fn begin(&self) {
        self.0.store(true, Ordering::Release);
        process::DRAINING.set(1);
    }

    fn is_on(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Serves metrics on `listener`, for ever.
pub(super) async fn serve(listener: TcpListener, node: Node, draining: Draining) {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(health))
        .layer(middleware::from_fn(under_an_address))
        .with_state(Figures { node, draining });
    let limits = NetLimits {
        connections: CONNECTIONS,
        // Nobody gets a session here.
        session_hosts: Some(Arc::default()),
        ..NetLimits::default()
    };
    let (never, no_session) =
        (std::future::pending(), |_, session| drop::<stoa_gateway::net::WsTransport>(session));
    if let Err(error) =
        Box::pin(stoa_gateway::net::serve(listener, None, router, no_session, limits, never)).await
    {
        tracing::error!(%error, "metrics are not served any more");
    }
}

/// Adds to the routes of `rest` that `GET /healthz` tells when the server ends.
pub(super) fn with_draining(rest: Router, draining: Draining) -> Router {
    rest.layer(middleware::from_fn_with_state(draining, not_while_draining))
}

async fn not_while_draining(
    State(draining): State<Draining>,
    request: Request,
    next: Next,
) -> Response {
    if request.uri().path() == "/healthz" && draining.is_on() {
        return unwell("draining");
    }
    next.run(request).await
}

fn unwell(status: &'static str) -> Response {
    let body = format!("{{\"status\":\"{status}\"}}");
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    (StatusCode::SERVICE_UNAVAILABLE, headers, body).into_response()
}

async fn health(State(figures): State<Figures>) -> Response {
    if figures.draining.is_on() {
        return unwell("draining");
    }
    match figures.node.chat.health() {
        Ok(()) => ([(CONTENT_TYPE, "application/json")], "{\"status\":\"ok\"}").into_response(),
        Err(_) => unwell("unavailable"),
    }
}

async fn metrics(State(figures): State<Figures>) -> Response {
    figures.look_up().await;
    let headers = [(CONTENT_TYPE, stoa_metrics::CONTENT_TYPE), (CACHE_CONTROL, "no-store")];
    (headers, stoa_metrics::expose()).into_response()
}

async fn under_an_address(request: Request, next: Next) -> Response {
    if is_address(request.headers()) {
        return next.run(request).await;
    }
    (StatusCode::MISDIRECTED_REQUEST, "ask under an address or localhost\n").into_response()
}

/// Whether the request names the server by an address or as `localhost`: no name in the DNS.
fn is_address(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next().and_then(|host| host.to_str().ok()), hosts.next())
    else {
        return false;
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    host.parse::<SocketAddr>().is_ok()
        || bare.unwrap_or(host).parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
}

impl Figures {
    /// Looks up what nobody counts as it happens.
    async fn look_up(&self) {
        let Node { store: records, vault: keys, console, clock, config, .. } = &self.node;
        if let Some(counted) = self.node.classroom.media_counters() {
            super::media::tell(counted);
        }
        let stats = records.stats();
        store::COMMITS.set(stats.engine.commits);
        store::ROWS.set(stats.engine.rows);
        store::CONFLICTS.set(stats.engine.conflicts);
        store::RETRIES.set(stats.retries);
        store::CONTENDED.set(stats.contended);
        store::HEALTHY.set(self.node.chat.health().is_ok().into());
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        vault::KEYS.set_unsigned(count(keys.keys_by_class().values().sum()));
        vault::MIRRORS.set_unsigned(count(config.key_mirrors.len()));
        vault::WARNINGS.set_unsigned(count(keys.warnings().len()));
        process::APPS.set_unsigned(count(console.apps().len()));
        process::CLOCK.set_unsigned(clock.now().as_millis());
        // A process with many connections has as many files to count: not on the runtime's threads.
        let config = config.clone();
        if let Ok(system) = tokio::task::spawn_blocking(move || System::look_up(&config)).await {
            system.tell();
        }
    }
}

/// Sets what does not change any more.
pub(super) fn started() {
    process::STARTED.set_unsigned(system::started_ms());
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use tower::ServiceExt;

    #[tokio::test]
    async fn who_asks_for_health_while_the_server_drains_is_told_so() {
        let draining = Draining::default();
        let rest = Router::new().fallback(|| async { "as ever" });
        let rest = with_draining(rest, draining.clone());
        let status = async |path: &str| {
            let request = Request::get(path).body(Body::empty()).unwrap();
            rest.clone().oneshot(request).await.unwrap().status().as_u16()
        };
        assert_eq!(status("/healthz").await, 200);
        draining.begin();
        assert_eq!((status("/healthz").await, status("/other").await), (503, 200));
    }

    #[test]
    fn only_addresses_and_localhost_are_answered() {
        let answered = |hosts: &[&str]| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, host.parse().unwrap());
            }
            is_address(&headers)
        };
        for host in
            ["127.0.0.1:9090", "127.0.0.1", "[::1]:9090", "[::1]", "localhost", "LocalHost:1"]
        {
            assert!(answered(&[host]), "{host}");
        }
        for hosts in [&["rebound.example"][..], &["rebound.example:9090"], &[], &["localhost", "x"]]
        {
            assert!(!answered(hosts), "{hosts:?}");
        }
    }
}
