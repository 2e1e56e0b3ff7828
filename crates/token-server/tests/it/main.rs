//! The token server's door over a store in memory, without a network.

#![expect(clippy::unwrap_used, reason = "what a test helper cannot do fails the test")]

mod calls;
mod clients;
mod lab;
