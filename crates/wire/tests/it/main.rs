//! The wire format against an encoder written apart from it, and against damage.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails, in helpers too")]

mod content;
mod damage;
mod delivery;
mod encoder;
mod frame;
mod golden;
