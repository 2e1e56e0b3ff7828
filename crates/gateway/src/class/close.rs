//! Why the connection of a client in a class is closed, and what it is told.

use stoa_metrics::class::Closed;

/// Why a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// Another connection of the user has taken its place.
    Displaced,
    /// Put out of the room.
    Kicked,
    /// Put out of the room and not let in for a while.
    Banned,
    /// The class is over.
    ClassClosed,
    /// The token is over.
    TokenExpired,
    /// What let it in was taken back.
    Revoked,
    /// It comes from where the app lets nobody in.
    Outside,
    /// It has missed too much, or does not keep up: it has to read the room anew.
    Resync,
    /// It was not let in.
    Refused,
    /// It did not say who it is in time.
    NotInTime,
    /// Far too many messages.
    Flood,
    /// Nothing was heard of it for too long.
    Silent,
    /// The client closed it, or its connection broke.
    Gone,
    /// The client has said that it goes.
    Left,
    /// The server could not do its work.
    Failed,
    /// The server ends; come again.
    Shutdown,
}

impl CloseReason {
    /// The reason for which a room ends a connection.
    pub(crate) fn of_room(why: &str) -> Self {
        match why {
            "displaced" => Self::Displaced,
            "kicked" => Self::Kicked,
            "banned" => Self::Banned,
            "closed" => Self::ClassClosed,
            "outside" => Self::Outside,
            _ => Self::Revoked,
        }
    }

    /// The WebSocket close code (RFC 6455, section 7.4.1; 4000 to 4999 are for applications) and reason.
    pub(crate) const fn close_frame(self) -> (u16, &'static str) {
        match self {
            Self::Refused => (4000, "not let in"),
            Self::Displaced => (4001, "entered elsewhere"),
            Self::Kicked => (4002, "put out of the room"),
            Self::Banned => (4003, "banned from the room"),
            Self::ClassClosed => (4004, "the class is over"),
            Self::TokenExpired => (4005, "the token has expired"),
            Self::Revoked => (4006, "the token was taken back"),
            Self::Outside => (4007, "not allowed from here"),
            Self::Resync => (4008, "read the room anew"),
            Self::NotInTime => (1008, "no hello"),
            Self::Flood => (1008, "too many messages"),
            Self::Silent => (1001, "silent for too long"),
            Self::Gone => (1000, "closed"),
            Self::Left => (1000, "left"),
            Self::Failed => (1011, "something failed, come again"),
            Self::Shutdown => (1001, "the server restarts, come again"),
        }
    }

    /// The word for it in the message that comes before the closing; none: there is no message.
    pub(crate) const fn word(self) -> Option<&'static str> {
        Some(match self {
            Self::Displaced => "displaced",
            Self::Kicked => "kicked",
            Self::Banned => "banned",
            Self::ClassClosed => "closed",
            Self::TokenExpired => "expired",
            Self::Revoked => "revoked",
            Self::Outside => "outside",
            Self::Flood => "flood",
            Self::Failed => "failed",
            Self::Shutdown => "restart",
            Self::Left => "left",
            Self::Resync | Self::Refused | Self::NotInTime | Self::Silent | Self::Gone => {
                return None;
            }
        })
    }

    /// Whether the client may not be there any more, where others have lost a connection.
    pub(crate) const fn is_of_rights(self) -> bool {
        matches!(self, Self::TokenExpired | Self::Revoked | Self::Outside)
    }

    /// What is counted.
    pub(crate) const fn counted(self) -> Closed {
        match self {
            Self::Displaced => Closed::Displaced,
            Self::Kicked | Self::Banned => Closed::PutOut,
            Self::ClassClosed => Closed::ClassClosed,
            Self::TokenExpired => Closed::TokenExpired,
            Self::Revoked => Closed::Revoked,
            Self::Outside => Closed::Outside,
            Self::Resync => Closed::Resync,
            Self::Refused | Self::NotInTime => Closed::NotLetIn,
            Self::Flood => Closed::Flood,
            Self::Silent => Closed::Silent,
            Self::Gone => Closed::Gone,
            Self::Left => Closed::Left,
            Self::Failed => Closed::Failed,
            Self::Shutdown => Closed::Shutdown,
        }
    }
}
