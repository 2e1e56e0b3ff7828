//! Why a session's connection is closed, and what the client is told.

/// Why a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// It did not log in in time, or the login was refused.
    NotLoggedIn,
    /// A frame that is none, or a command out of order.
    Protocol,
    /// Far too many frames.
    Flood,
    /// It asks and does not read.
    TooSlow,
    /// The client closed it, or its connection broke.
    Gone,
    /// Silence.
    Idle,
    /// The token is over.
    TokenExpired,
    /// Told to end.
    Kicked,
    /// An answer could not be given in time, or its outcome is not known.
    Unanswered,
    /// The server ends; come again.
    Shutdown,
}

impl CloseReason {
    /// The WebSocket close code (RFC 6455, section 7.4.1) and reason.
    pub(crate) const fn close_frame(self) -> (u16, &'static str) {
        match self {
            Self::NotLoggedIn => (1008, "not logged in"),
            Self::Protocol => (1002, "not an MSYNC frame that is understood here"),
            Self::Flood => (1008, "too many frames"),
            Self::TooSlow => (1008, "answers are not read"),
            Self::Gone => (1000, "closed"),
            Self::Idle => (1001, "silent for too long"),
            Self::TokenExpired => (1008, "the token has expired"),
            Self::Kicked => (1000, "logged out"),
            Self::Unanswered => (1011, "no answer could be given, come again"),
            Self::Shutdown => (1001, "the server restarts, come again"),
        }
    }
}
