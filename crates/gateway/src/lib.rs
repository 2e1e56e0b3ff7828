//! The MSYNC door: sessions over WebSocket, on the listener that serves REST too.
//!
//! [`net`] is the transport, `session` the protocol. The gateway only translates: what a frame asks
//! for is done by `stoa-chat`.

#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod net;
mod session;
#[doc(hidden)]
pub mod sim;

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

/// How long connections may take to end when the server does.
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
    // Sessions are told at once, beside the requests that are still being answered.
    let mut ending = stop.subscribe();
    let shutdown = async move {
        shutdown.await;
        // Receivers are gone only if no session lives.
        let _ = stop.send(true);
    };
    let served = async {
        let served = net::serve(listener, tls, http, on_session, limits, shutdown).await;
        all_ended.recv().await;
        served
    };
    let time_is_over = async {
        // The sender is gone only when it has been said.
        let _ = ending.wait_for(|ends| *ends).await;
        tokio::time::sleep(ENDING).await;
    };
    tokio::select! {
        served = served => served,
        () = time_is_over => {
            tracing::warn!("connections were still open when the time for closing them was over");
            Ok(())
        }
    }
}
