//! Class rooms on a store in memory, under a moved clock.

mod entry;
mod lifetime;
mod world;
