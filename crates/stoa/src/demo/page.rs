//! The listener of the page: its files and calls, and REST and sessions of the same server beside
//! them, so that everything the page speaks to has one origin.
//!
//! It is plain HTTP on loopback: a browser trusts `localhost` as it is, and would have to be talked
//! into our certificate.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use parking_lot::Mutex;
use tokio::net::TcpListener;

use super::admission::Admission;
use super::api::{self, Api};
use super::file::DemoFile;
use super::{Demo, class, guard, site};
use crate::config::Config;
use crate::failure::Failure;
use crate::node::Node;

/// Where the page is, unless that was said or is taken.
const PORT: u16 = 8480;
/// Where the pages begin, which are there also when they were left out of the build.
pub(super) const STARTS: [&str; 2] = ["/", "/classroom/demo"];
/// Bytes that a call of the page may have.
const BODY: usize = 1024;

/// The demo's page, ready to be served.
pub struct Page {
    /// Where it is.
    pub address: SocketAddr,
    /// Takes connections to it.
    pub listener: TcpListener,
    /// Answers them.
    pub router: Router,
    /// The hosts under which sessions are taken.
    pub hosts: Arc<[String]>,
    /// Writes `demo.json`, which says that the server is ready.
    pub announce: Announce,
}

/// Tells that the page is served.
pub(crate) type Announce = Box<dyn FnOnce() -> Result<(), Failure> + Send>;

impl Page {
    /// Binds the page's listener. `rest` is the server's REST door, `address` where its TLS listener
    /// answers.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn open(
        demo: Demo,
        node: &Node,
        config: &Config,
        address: SocketAddr,
        rest: Router,
    ) -> Result<Self, Failure> {
        let listener = listen(config).await?;
        let own = listener.local_addr().map_err(Failure::io("read the page's address"))?;
        let file = Arc::new(Mutex::new(DemoFile::new(&demo, config, address)));
        let data: Arc<Path> = config.data.as_path().into();
        let api = Arc::new_cyclic(|api: &std::sync::Weak<Api>| {
            let (api, file, data) = (api.clone(), file.clone(), data.clone());
            let on_new_code = move || {
                let Some(api) = api.upgrade() else { return };
                if let Err(error) = file.lock().write(&data, &urls(own, &api.admission)) {
                    tracing::warn!("{error}: the next code of the demo page is not known");
                }
            };
            Api {
                app: demo.app.key.clone(),
                chat: node.chat.clone(),
                classroom: node.classroom.clone(),
                clock: node.clock.clone(),
                entropy: node.entropy.clone(),
                admission: Admission::new(own.port(), &*node.entropy),
                on_new_code: Box::new(on_new_code),
            }
        });
        if stoa_pages::files().is_empty() {
            tracing::warn!("{}", stoa_pages::HOW_TO_BUILD);
        }
        let hosts = guard::hosts(own);
        let router = router(api.clone(), rest, hosts.clone());
        let announce = move || file.lock().write(&data, &urls(own, &api.admission));
        Ok(Self { address: own, listener, router, hosts, announce: Box::new(announce) })
    }
}

fn router(api: Arc<Api>, rest: Router, hosts: Arc<[String]>) -> Router {
    let calls = Router::new()
        .route("/demo/session", post(api::session))
        .route("/demo/tokens", post(api::tokens))
        .route("/demo/records/{message}", get(api::record))
        .route("/demo/classes", post(class::make))
        .route("/demo/class-tokens", post(class::ticket))
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(api);
    let mut files = Router::new();
    let addresses = stoa_pages::files().iter().map(stoa_pages::File::address);
    for address in addresses.chain(STARTS).collect::<BTreeSet<_>>() {
        files = files.route(address, get(site::file));
    }
    files.merge(calls).merge(rest).layer(axum::middleware::from_fn_with_state(hosts, guard::guard))
}

/// Where the pages are opened with the code of the moment: that of chat and that of classes. The code stands behind
/// `#`, so that it is sent to nobody and stands in no log.
fn urls(address: SocketAddr, admission: &Admission) -> [String; 2] {
    let ip = address.ip();
    let is_localhost = ip == Ipv4Addr::LOCALHOST || ip == std::net::Ipv6Addr::LOCALHOST;
    let host =
        if is_localhost { format!("localhost:{}", address.port()) } else { address.to_string() };
    let code = admission.code();
    STARTS.map(|start| format!("http://{host}{start}#code={}", code.expose()))
}

async fn listen(config: &Config) -> Result<TcpListener, Failure> {
    let bind = async |address: SocketAddr| TcpListener::bind(address).await;
    let failed = |address| Failure::io(format!("listen on {address} for the demo page"));
    if let Some(address) = config.demo_listen {
        return bind(address).await.map_err(failed(address));
    }
    // Whoever takes any port for the server takes any for the page.
    let usual = if config.listen.port() == 0 { 0 } else { PORT };
    let on = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match bind(on(usual)).await {
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            tracing::warn!(
                port = usual,
                "another program has the demo page's usual port; taking a free one"
            );
            bind(on(0)).await.map_err(failed(on(0)))
        }
        bound => bound.map_err(failed(on(usual))),
    }
}
