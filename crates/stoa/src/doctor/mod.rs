//! What `stoa doctor` looks at: everything that a server needs and that goes wrong with time.
//!
//! Each check says what was found, and if that is not as it should be, what to do. The same checks run
//! in the server, when there is one, with its own configuration and its own rights, and in the
//! command when there is none. Nothing is changed, except for a file that is written to see whether
//! the disk takes it.

mod certificate;
mod disk;
mod node;
mod permissions;
mod ports;

use crate::admin::{Check, Level};
use crate::config::Config;

pub use node::{of_node, of_server};

/// Whether a server has the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Running {
    /// This process is it.
    Yes,
    /// There is none.
    No,
}

/// What can be seen without opening the data. Blocks.
pub fn of_machine(config: &Config, running: Running) -> Vec<Check> {
    let mut checks = permissions::checks(config);
    checks.extend(disk::checks(config));
    checks.extend(node::mirrors(config));
    checks.push(certificate::of_config(config));
    checks.extend(ports::checks(config, running));
    checks
}

/// Who may read what the server keeps.
pub fn permissions(config: &Config) -> Vec<Check> {
    permissions::checks(config)
}

/// Whether there are data.
pub fn has_data(config: &Config) -> bool {
    !crate::root_key::is_empty(&config.data.join("store"))
}

impl Check {
    /// As it should be.
    pub fn ok(check: &str, found: String) -> Self {
        Self { check: check.into(), level: Level::Ok, found, advice: None }
    }

    /// Should be looked at.
    pub fn warning(check: &str, found: String, advice: impl Into<String>) -> Self {
        Self { check: check.into(), level: Level::Warning, found, advice: Some(advice.into()) }
    }

    /// Does not work, or endangers the data.
    pub fn failure(check: &str, found: String, advice: impl Into<String>) -> Self {
        Self { check: check.into(), level: Level::Failure, found, advice: Some(advice.into()) }
    }
}
