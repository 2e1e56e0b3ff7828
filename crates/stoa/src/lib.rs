//! The binary's parts: command line, configuration, wiring, start and shutdown.
//!
//! There is no rule of the domain here. [`cli`] reads what is asked for, [`config`] how the server is
//! set up, [`node`] opens the parts that hold data and hands them to each other, and [`serve`] runs
//! them until a signal ends it.

pub mod admin;
pub mod authority;
pub mod cli;
pub mod config;
pub mod control;
pub mod demo;
pub mod doctor;
pub mod failure;
pub mod identity;
pub mod lifetime;
pub mod log;
pub mod memory;
pub mod moment;
pub mod node;
pub mod place;
pub mod private_file;
mod restoring;
pub mod root_key;
pub mod serve;
pub mod tls;
pub mod token_observer;
