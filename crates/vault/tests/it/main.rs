//! The vault from outside, on the simulated and on the real file system.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod basics;
mod bounds;
mod crashes;
mod disk;
mod erasures;
mod mirrors;
mod nonces;
mod rotation;
mod sharing;
mod support;
