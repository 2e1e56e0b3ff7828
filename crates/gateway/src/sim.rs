//! The door of the simulation (`crates/sim`): a session over a connection that is no socket.

use std::sync::Arc;

use stoa_chat::Chat;
use tokio::sync::{mpsc, watch};

use crate::session::driver::{self, Surroundings};
pub use crate::session::outlet::SharedMessage;
pub use crate::session::transport::{Transport, Waiter};

/// Runs one session over `transport` to its end, exactly as a socket's. When `stop` becomes true the
/// server is about to end.
pub async fn session(transport: impl Transport, chat: Arc<Chat>, stop: watch::Receiver<bool>) {
    let (alive, _ended) = mpsc::channel(1);
    let spread = std::time::Duration::from_secs(2);
    driver::run(transport, Surroundings { chat, stop, spread, _alive: alive }).await;
}
