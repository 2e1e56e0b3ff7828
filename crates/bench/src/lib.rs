//! The load generator behind `cargo xtask bench`, and what it measures.
//!
//! It starts the release binary of the server as a process of its own, speaks MSYNC over TLS with it
//! as the web SDK does ([`client`]), and reads from `/proc` what that cost the *server* ([`proc`]):
//! processor time for each unit of work and bytes for each session. Generator and server share the
//! machine, so rates and latencies say as much about the generator; the figures that count do not.
//!
//! One file for each case ([`cases`]), one table of figures ([`report`]). A case that is added
//! stands in [`cases::ALL`] and needs nothing else.

pub mod args;
pub mod cases;
pub mod class;
pub mod client;
pub mod crowd;
mod error;
mod floor;
pub mod load;
pub mod machine;
pub mod media;
pub mod operator;
pub mod parallel;
pub mod peers;
pub mod plan;
pub mod proc;
pub mod process;
pub mod report;
pub mod rest;
pub mod stats;
pub mod stoa;

pub use error::Error;
