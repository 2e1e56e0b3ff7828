//! An MSYNC client that behaves as the web SDK does, for tests.
//!
//! The rules of the SDK, its quirks included, are a state machine without IO ([`protocol`]); the
//! [`Client`] drives one over a WebSocket. What a server sends that would break the SDK does not
//! break this client: it behaves as the SDK would and keeps the fact in [`Client::violations`],
//! which a test should find empty at its end.
//!
//! ```no_run
//! # async fn example(ca_pem: String, token: String) -> Result<(), Box<dyn std::error::Error>> {
//! use stoa_testclient::{Client, ConnectOptions};
//!
//! let mut amy = Client::connect(ConnectOptions {
//!     url: "wss://localhost:8443/ws".into(),
//!     ca_pem: Some(ca_pem),
//!     app_key: "org#app".into(),
//!     user: "amy".into(),
//!     token,
//!     resource: "webim_web_1".into(),
//! })
//! .await?;
//! let ack = amy.send_text("bob", "tea?").await?;
//! assert_eq!(ack.code, 0);
//! let event = amy.next_event().await;
//! # Ok(())
//! # }
//! ```

mod client;
pub mod protocol;
mod received;
mod socket;

pub use client::{Client, ConnectError, ConnectOptions, Posted, SendError};
pub use protocol::{Ack, Event, Welcome};
pub use received::Received;
