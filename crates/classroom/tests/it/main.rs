//! Class rooms on a store in memory, under a moved clock.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod entry;
mod lifetime;
mod world;
