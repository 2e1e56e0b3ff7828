//! The real binary: started, asked, ended, killed and started again.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in helpers too")]

mod command_line;
mod crash;
mod demo;
mod https;
mod logs;
mod msync;
mod root_key;
mod server;
