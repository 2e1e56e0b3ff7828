//! Sessions over WebSocket.

use crate::define::group;
use crate::label::label;
use crate::{Counter, Counters, Gauge};

label! {
    /// Why a session ended.
    Closed("reason") {
        /// The client closed it, or its connection broke.
        Gone = "gone",
        /// It did not log in in time, or was not let in.
        NotLoggedIn = "not_logged_in",
        /// The client sent what is no frame, or out of order.
        Protocol = "protocol",
        /// The client sent far too many frames.
        Flood = "flood",
        /// The client asks and does not read.
        TooSlow = "too_slow",
        /// Nothing was heard for two minutes.
        Idle = "idle",
        /// Its token is over.
        TokenExpired = "token_expired",
        /// Another session of the device replaced it, or it was told to end.
        Kicked = "kicked",
        /// The server could not answer in time, or not with certainty.
        Unanswered = "unanswered",
        /// The server ended.
        Shutdown = "shutdown",
    }
}

group! {
    /// Sessions that are logged in now.
    OPEN: Gauge = Gauge::new(), "stoa_sessions_open", none,
        "It falls at once by much, without a restart: a network, or a proxy before the server.";
    /// WebSockets that ended, logged in or not.
    CLOSED: Counters<Closed, { Closed::COUNT }> = Counters::new(), "stoa_sessions_closed", none,
        "`unanswered` rises at all: the store is too slow or fails. `too_slow` rises: readers that do not read. `protocol` or `flood` rise: a broken client, or an attack.";
    /// Bytes that wait for the sockets of all sessions.
    QUEUED: Gauge = Gauge::new(), "stoa_sessions_queued_bytes", bytes,
        "It grows for minutes: many clients do not keep up. Each is bounded (1 MiB).";
    /// How often a session was cut back to what its client asks for, because its socket did not keep up.
    CUT_BACK: Counter = Counter::new(), "stoa_sessions_cut_back", none,
        "It rises for many sessions at once: the network out of the server is full.";
}
