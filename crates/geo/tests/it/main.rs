//! Where addresses are, by a database that is written here.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod whereabouts;
mod writer;
