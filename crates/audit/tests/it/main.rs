//! The audit log as its users see it, and as whoever wants to change it does.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod erasure;
mod expiry;
mod faults;
mod model;
mod patterns;
mod reading;
mod tally;
mod tampering;
mod world;
mod writing;
