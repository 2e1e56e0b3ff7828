//! Connections, up to where they become sessions or HTTP.

use crate::define::group;
use crate::label::label;
use crate::{Counter, Counters, Gauge};

label! {
    /// Why a connection was refused.
    Refused("reason") {
        /// There were as many as the file limit allows.
        TooMany = "too_many",
        /// The system did not hand it over, mostly for want of file descriptors.
        Accept = "accept",
    }
}

group! {
    /// Connections that are open now, on all listeners, in whatever state.
    OPEN: Gauge = Gauge::new(), "stoa_connections_open", none,
        "It comes near `process_max_fds`: raise the file limit.";
    /// Connections that were accepted.
    ACCEPTED: Counter = Counter::new(), "stoa_connections_accepted", none,
        "It rises much faster than `stoa_logins_total`: clients that come and do not log in.";
    /// Connections that were closed as they came.
    REFUSED: Counters<Refused, { Refused::COUNT }> = Counters::new(),
        "stoa_connections_refused", none, "It rises at all: somebody stood before a closed door.";
}
