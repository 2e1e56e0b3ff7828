//! Why something could not be measured.

use std::io;

/// Why a case ended without figures.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refused something.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// A server did not come up, or ended by itself.
    #[error("{0}")]
    Server(String),
    /// A server answered, but not what the protocol says.
    #[error("the server answered otherwise than expected: {0}")]
    Protocol(String),
    /// A server closed a connection.
    #[error("the server closed the connection{0}")]
    Closed(String),
    /// The case did not end in its time.
    #[error("not done after {0} s")]
    Deadline(u64),
    /// Something that the case needs is not there.
    #[error("{0}")]
    Missing(String),
}

impl Error {
    /// An [`Error::Io`] for `what`.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// An [`Error::Protocol`].
    pub fn protocol(what: impl Into<String>) -> Self {
        Self::Protocol(what.into())
    }
}
