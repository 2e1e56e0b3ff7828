//! The gateway from outside.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails, in helpers too")]

mod classes;
mod net;
mod rooms;
mod server;
mod sessions;
