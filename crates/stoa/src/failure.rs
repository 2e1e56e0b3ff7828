//! Why a command ends without having done what was asked, and the exit code that says so.

use std::error::Error;
use std::path::PathBuf;

use stoa_console::ConsoleError;
use stoa_store::{StoreError, engine};
use stoa_vault::VaultError;

use crate::config::ConfigError;
use crate::root_key::KeyError;
use crate::tls::TlsError;

/// Why a command failed. The message is for whoever typed it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration is not accepted.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What was asked for makes no sense, or not here.
    #[error("{0}")]
    Usage(String),
    /// The answer is no.
    #[error("{0}")]
    Refused(String),
    /// Another process has the data.
    #[error("{} is in use by another process{}: a server is using this data directory; stop it first", dir.display(), process.map_or_else(String::new, |id| format!(" ({id})")))]
    InUse {
        /// The directory that is locked.
        dir: PathBuf,
        /// The process, if it is known.
        process: Option<u32>,
    },
    /// There are data, but no keys for them.
    #[error("{} holds data, but the vault {} is empty; name the vault that belongs to the data with --keys: without it nothing in them can be read", data.display(), keys.display())]
    NoVault {
        /// The data directory.
        data: PathBuf,
        /// The vault.
        keys: PathBuf,
    },
    /// There is no root key.
    #[error(transparent)]
    RootKey(#[from] KeyError),
    /// The vault cannot be opened.
    #[error(transparent)]
    Vault(VaultError),
    /// The store cannot be opened.
    #[error(transparent)]
    Engine(engine::OpenError),
    /// A record cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The apps cannot be read, or the data are not for this server.
    #[error(transparent)]
    Console(#[from] ConsoleError),
    /// There is no certificate to serve with.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The operating system refused.
    #[error("cannot {what}")]
    Io {
        /// What was tried.
        what: String,
        /// Its answer.
        source: std::io::Error,
    },
    /// The rules of chat refused, or failed.
    #[error(transparent)]
    Chat(#[from] stoa_chat::Error),
}

impl Failure {
    /// A refusal of the operating system.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// The exit code: 1 the answer is no, 2 the command line or the configuration is wrong, 3 another
    /// process has the data, 4 it could not be done.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) => 1,
            Self::Chat(error) if !error.is_fault() => 1,
            Self::Console(ConsoleError::Exists(_)) => 1,
            Self::Config(_) | Self::Usage(_) => 2,
            Self::Console(ConsoleError::Region { .. } | ConsoleError::WrongRegion { .. }) => 2,
            Self::InUse { .. } => 3,
            _ => 4,
        }
    }

    /// The message with all its causes, in one line.
    pub fn explain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let said = error.to_string();
            // Some errors quote their cause in their own message.
            if !text.contains(&said) {
                text = format!("{text}: {said}");
            }
            cause = error.source();
        }
        text
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::InUse { dir, process } => Self::InUse { dir, process },
            error => Self::Vault(error),
        }
    }
}

impl From<engine::OpenError> for Failure {
    fn from(error: engine::OpenError) -> Self {
        match error {
            engine::OpenError::InUse(dir) => Self::InUse { dir, process: None },
            error => Self::Engine(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_is_explained() {
        let failure = Failure::from(engine::OpenError::InUse("data/store".into()));
        let text = failure.explain();
        assert!(text.contains("stop it first") && text.contains("data/store"), "{text}");
        assert_eq!(failure.exit_code(), 3);
    }

    #[test]
    fn causes_are_told() {
        let io = std::io::Error::other("the disk is gone");
        assert_eq!(Failure::io("write x")(io).explain(), "cannot write x: the disk is gone");
    }
}
