//! Connections that the server opens itself.

use crate::define::group;
use crate::label::label;
use crate::{Counters, Gauge};

label! {
    /// What an attempt to reach a host came to.
    Result("result") {
        /// The connection was opened, or the call answered.
        Done = "done",
        /// The address is none of the open internet, and the operator does not allow it.
        Address = "address",
        /// The host lies in another region without a permission, or nobody knows where it lies.
        Region = "region",
        /// Too many are open already.
        Busy = "busy",
        /// It took too long.
        Timeout = "timeout",
        /// The host has no address, does not answer, proves to be another, or breaks the protocol.
        Failed = "failed",
        /// The host sent a redirect or too much.
        Answer = "answer",
        /// What is asked for is none, or could not be written down.
        Refused = "refused",
    }
}

group! {
    /// Attempts to reach a host outside.
    ATTEMPTS: Counters<Result, { Result::COUNT }> = Counters::new(), "stoa_egress_attempts", none,
        "`address` or `region` rise: somebody has entered a host that must not be reached. `busy` rises: a host is slow and holds others up.";
    /// Connections that are open to hosts outside.
    OPEN: Gauge = Gauge::new(), "stoa_egress_open", none,
        "It stays at 64: every further attempt waits or is refused.";
}
