//! The door of the token server: JSON over HTTP, for the back ends of apps and nobody else.
//!
//! **The one idea: who asks is settled for each call.** A call is answered for a [`TokenClient`](stoa_console::TokenClient) that is
//! registered at this moment, by the certificate that the connection was opened with or by a key, and
//! that may call from this address. So a client that was removed is refused with its next call, whatever
//! its connection was once found to be.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `identify` | from a request to the client that it is from |
//! | `calls` | the operations |
//! | `refused` | why a call is refused, and the answer that says so |
//! | `observer` | who is told what was done, and when tokens were last minted |

mod calls;
mod identify;
mod observer;
mod refused;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::post;
use parking_lot::Mutex;
use stoa_chat::Chat;
use stoa_console::{Console, Fingerprint};
use stoa_core::{Operator, Reach};

pub use observer::{LastMinted, Observer};
pub use refused::Reason;

/// What the token server is made of.
pub struct Parts {
    /// The rules of chat.
    pub chat: Arc<Chat>,
    /// Knows the apps and the clients.
    pub console: Arc<Console>,
    /// Acts in the apps of the clients.
    pub operator: Operator,
    /// Is told what was done and refused.
    pub observer: Arc<dyn Observer>,
    /// Notes when tokens were minted.
    pub last_minted: Arc<LastMinted>,
    /// The address of the listener: keys are taken only where strangers do not reach it.
    pub listen: IpAddr,
    /// The caller's address, from what the listener put into a request's extensions.
    pub address: fn(&http::Extensions) -> Option<IpAddr>,
    /// The certificate that the connection was opened with, as above.
    pub certificate: fn(&http::Extensions) -> Option<Fingerprint>,
}

/// What the calls share.
struct Server {
    parts: Parts,
    takes_keys: bool,
    rates: Mutex<identify::Rates>,
}

/// The token server as a service for HTTP/1 connections.
pub fn router(parts: Parts) -> Router {
    let takes_keys = Reach::of(parts.listen) != Reach::Public;
    let rates = Mutex::default();
    Router::new()
        .route("/v1/tokens", post(calls::mint))
        .route("/v1/users/lookup", post(calls::look_up))
        .route("/v1/users/delete", post(calls::delete))
        .fallback(calls::unknown_path)
        .method_not_allowed_fallback(calls::method_not_allowed)
        .with_state(Arc::new(Server { parts, takes_keys, rates }))
}
