//! Why a command ends without having done what was asked, and the exit code that says so.
//!
//! One table for all commands: [`Exit`]. `docs/commands.md` is written from it.

use std::error::Error;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use stoa_backup::BackupError;
use stoa_blob::BlobError;
use stoa_console::ConsoleError;
use stoa_store::{StoreError, engine};
use stoa_vault::VaultError;

use crate::config::ConfigError;
use crate::root_key::KeyError;
use crate::tls::TlsError;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It was done.
    Done,
    /// The answer is no.
    No,
    /// The command line or the configuration is wrong.
    Usage,
    /// Another process has the data.
    InUse,
    /// It could not be done.
    Failed,
    /// It may have been done or not.
    Unknown,
}

impl Exit {
    /// All of them, by code.
    pub const ALL: [Self; 6] =
        [Self::Done, Self::No, Self::Usage, Self::InUse, Self::Failed, Self::Unknown];

    /// The code that the process ends with.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::InUse => 3,
            Self::Failed => 4,
            Self::Unknown => 5,
        }
    }

    /// What it means, in few words.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::No => "the answer is no",
            Self::Usage => "the command line or the configuration is wrong",
            Self::InUse => "another process has the data",
            Self::Failed => "it could not be done",
            Self::Unknown => "it may have been done or not",
        }
    }

    /// What it means, with examples.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Done => "What was asked for was done.",
            Self::No => {
                "The answer is no: there is no such app or user, the name exists already, the token is \
                 refused, a check of `doctor` failed. Nothing was changed."
            }
            Self::Usage => {
                "The command line, a value in it or the configuration is not accepted. Nothing was \
                 opened."
            }
            Self::InUse => {
                "Another process has the data and does not answer on its control socket. Nothing was \
                 changed; try again, or see what the message says."
            }
            Self::Failed => {
                "It could not be done: a file, the vault, the store or the operating system failed. \
                 The message says which."
            }
            Self::Unknown => {
                "The server or the store ended before it answered. Look whether it was done before you \
                 repeat it."
            }
        }
    }
}

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
    /// Another process has the data, and no server answers on the control socket.
    #[error("{0}")]
    NoAnswer(String),
    /// It was asked for, and nobody said whether it was done.
    #[error("{0}")]
    Unknown(String),
    /// What the server said.
    #[error("{}", .0.message)]
    Server(Problem),
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
    /// The place of files cannot be used.
    #[error(transparent)]
    Files(#[from] BlobError),
    /// The database that says where addresses are cannot be used.
    #[error(transparent)]
    Geo(#[from] stoa_geo::DatabaseError),
    /// A backup cannot be made, read or brought back.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The rules of chat refused, or failed.
    #[error(transparent)]
    Chat(#[from] stoa_chat::Error),
}

/// A failure as it is told to programs: by the server through the control socket, and on standard
/// error with `--json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// What kind it is.
    pub exit: Exit,
    /// Which part it came from, for programs: see [`Failure::kind`].
    pub kind: String,
    /// For people.
    pub message: String,
}

impl Failure {
    /// A refusal of the operating system.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// How the command ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Server(problem) => problem.exit,
            Self::Unknown(_) | Self::Store(StoreError::Unknown(_)) => Exit::Unknown,
            Self::Chat(error) if error.outcome_is_unknown() => Exit::Unknown,
            Self::Console(ConsoleError::Store(StoreError::Unknown(_))) => Exit::Unknown,
            Self::Refused(_) => Exit::No,
            Self::Backup(
                BackupError::Foreign
                | BackupError::Newer(_)
                | BackupError::OtherVault { .. }
                | BackupError::Cut(_)
                | BackupError::Damaged(_)
                | BackupError::Malformed(_)
                | BackupError::NotEmpty,
            ) => Exit::No,
            Self::Chat(stoa_chat::Error::Argument { .. }) => Exit::Usage,
            Self::Chat(error) if !error.is_fault() => Exit::No,
            Self::Console(
                ConsoleError::Exists(_)
                | ConsoleError::ExistsElsewhere { .. }
                | ConsoleError::UnknownApp(_)
                | ConsoleError::TwoCertificates(_)
                | ConsoleError::OneCertificate(_)
                | ConsoleError::FormerServerCertificate { .. }
                | ConsoleError::ClientExists { .. }
                | ConsoleError::UnknownClient { .. }
                | ConsoleError::UnknownPermit { .. },
            ) => Exit::No,
            Self::Config(_) | Self::Usage(_) => Exit::Usage,
            Self::Console(
                ConsoleError::Region { .. }
                | ConsoleError::WrongRegion { .. }
                | ConsoleError::Value { .. },
            ) => Exit::Usage,
            Self::InUse { .. } | Self::NoAnswer(_) => Exit::InUse,
            _ => Exit::Failed,
        }
    }

    /// The exit code: [`Exit::code`].
    pub fn exit_code(&self) -> u8 {
        self.exit().code()
    }

    /// Which part it came from, in a word for programs.
    pub fn kind(&self) -> &str {
        match self {
            Self::Server(problem) => &problem.kind,
            Self::Config(_) => "configuration",
            Self::Usage(_) => "usage",
            Self::Refused(_) => "refused",
            Self::InUse { .. } | Self::NoAnswer(_) => "in_use",
            Self::Unknown(_) => "unknown_outcome",
            Self::NoVault { .. } | Self::Vault(_) => "vault",
            Self::RootKey(_) => "root_key",
            Self::Engine(_) | Self::Store(_) => "store",
            Self::Console(_) => "app",
            Self::Tls(_) => "certificate",
            Self::Io { .. } => "system",
            Self::Files(_) => "files",
            Self::Geo(_) => "geo_database",
            Self::Backup(_) => "backup",
            Self::Chat(_) => "chat",
        }
    }

    /// The message with all its causes, in one line.
    pub fn explain(&self) -> String {
        explain(self)
    }

    /// As it is told to programs.
    pub fn to_problem(&self) -> Problem {
        Problem { exit: self.exit(), kind: self.kind().to_owned(), message: self.explain() }
    }
}

/// The message of an error with all its causes, in one line.
pub fn explain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
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

    #[test]
    fn codes_are_their_places_in_the_table() {
        let codes: Vec<_> = Exit::ALL.iter().map(|exit| usize::from(exit.code())).collect();
        assert_eq!(codes, (0..Exit::ALL.len()).collect::<Vec<_>>());
    }

    #[test]
    fn what_the_server_said_ends_the_command_as_it_would_have_there() {
        let problem = Failure::Refused("no".into()).to_problem();
        let told = Failure::Server(problem.clone());
        assert_eq!((told.exit(), told.kind(), told.explain()), (Exit::No, "refused", "no".into()));
        assert_eq!(told.to_problem(), problem);
    }
}
