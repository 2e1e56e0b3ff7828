//! Sealed files in a directory: round trips, ranges, damage, crashes and full disks.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in helpers too")]

mod crashes;
mod damage;
mod lab;
mod ranges;
