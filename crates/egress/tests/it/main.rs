//! The way out against real servers on this machine.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
mod contacts;
mod places;
mod rebinding;
mod world;
