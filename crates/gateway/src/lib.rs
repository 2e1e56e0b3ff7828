//! The MSYNC door: sessions over WebSocket, on the listener that serves REST too.
//!
//! [`net`] is the transport, `session` the protocol. The gateway only translates: what a frame asks
//! for is done by `stoa-chat`.

pub mod net;
mod session;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use stoa_chat::Chat;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tower::Service;

use net::{NetLimits, TlsSource};
use session::driver::{self, Surroundings};

/// How long sessions may take to end when the server does.
const ENDING: Duration = Duration::from_millis(3_500);

/// Serves `listener` until `shutdown`: WebSocket sessions by this crate, everything else by `http`.
/// Without `tls` the listener is plain, which is for loopback only.
///
/// After `shutdown` no connection is accepted; sessions store where their clients stand and are
/// closed, spread over two seconds so that their clients do not all come back at once.
///
/// # Errors
/// When the listener itself fails.
pub async fn serve<S, B>(
    listener: TcpListener,
    tls: Option<TlsSource>,
    http: S,
    chat: Arc<Chat>,
    limits: NetLimits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (stop, stopped) = watch::channel(false);
    let (alive, mut all_ended) = mpsc::channel(1);
    let surroundings = Surroundings { chat, stop: stopped, _alive: alive };
    let on_session = {
        let surroundings = surroundings.clone();
        move |transport| {
            tokio::spawn(driver::run(transport, surroundings.clone()));
        }
    };
    drop(surroundings);
    let served = net::serve(listener, tls, http, on_session, limits, shutdown).await;
    // Receivers are gone only if no session lives.
    let _ = stop.send(true);
    let ended = tokio::time::timeout(ENDING, all_ended.recv()).await;
    if ended.is_err() {
        tracing::warn!("sessions were still open when the time for closing them was over");
    }
    served
}
