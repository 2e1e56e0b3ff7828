//! The client's rules one by one, and its connection against a server played by the test.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails, in helpers too")]

mod connection;
mod protocol;
