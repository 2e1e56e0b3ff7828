//! The WebSocket doors, on the listener that serves REST too: MSYNC sessions, and the streams of class rooms.
//!
//! [`net`] is the transport, `session` the MSYNC protocol, `class` that of class rooms. The gateway only translates:
//! what a frame asks for is done by `stoa-chat`, what is said in a class comes from `stoa-classroom`.

mod class;
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

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use stoa_classroom::Classroom;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tower::Service;

use net::{NetLimits, SessionKind, TlsSource};
use session::driver::{self, Surroundings};

/// Serves `listener` until `shutdown`: WebSocket sessions of chat and of class rooms by this crate, everything else by
/// `http`.
/// Without `tls` the listener is plain, which is for loopback only.
///
/// After `shutdown` no connection is accepted; sessions answer what they took, store where their
/// clients stand and are closed, spread over half of [`NetLimits::drain`] so that their clients do not
/// all come back at once.
///
/// # Errors
/// When the listener itself fails.
pub async fn serve<S, B>(
    listener: TcpListener,
    tls: Option<TlsSource>,
    http: S,
    classroom: Arc<Classroom>,
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
    let (spread, ending) = (limits.drain / 2, limits.drain - limits.drain / 8);
    let chat = classroom.chat().clone();
    let of_chat = Surroundings { chat, stop: stopped.clone(), spread, _alive: alive.clone() };
    let of_class = class::driver::Surroundings { classroom, stop: stopped, spread, _alive: alive };
    let on_session = move |kind, transport| match kind {
        SessionKind::Chat => drop(tokio::spawn(driver::run(transport, of_chat.clone()))),
        SessionKind::Class => {
            drop(tokio::spawn(class::driver::run(transport, of_class.clone())));
        }
    };
    // Sessions are told at once, beside the requests that are still being answered.
    let mut told = stop.subscribe();
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
        let _ = told.wait_for(|ends| *ends).await;
        tokio::time::sleep(ending).await;
    };
    tokio::select! {
        served = served => served,
        () = time_is_over => {
            tracing::warn!("connections were still open when the time for closing them was over");
            Ok(())
        }
    }
}
