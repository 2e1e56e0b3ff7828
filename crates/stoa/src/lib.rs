//! The binary's parts: command line, configuration, wiring, start and shutdown.
//!
//! There is no rule of the domain here. [`cli`] reads what is asked for, [`config`] how the server is
//! set up, `node` makes the parts and hands them to each other, and `serve` runs them until a signal
//! ends it.

pub mod cli;
pub mod config;
pub mod log;

pub mod tls;
