//! The exchange of the directory of apps with other data centres.

use crate::define::group;
use crate::label::label;
use crate::{Counters, Gauge};

label! {
    /// What asking another data centre for its directory came to.
    Fetch("result") {
        /// It answered, and what it said was taken.
        Done = "done",
        /// It could not be reached, or did not answer with a directory.
        Unreachable = "unreachable",
        /// What it said was not signed by its key, or was not its to say.
        Refused = "refused",
        /// What it said could not be kept here.
        Failed = "failed",
    }
}

group! {
    /// Pages of the directory that were asked for.
    FETCHES: Counters<Fetch, { Fetch::COUNT }> = Counters::new(), "stoa_directory_fetches", none,
        "`done` does not rise: nothing is learned from anybody; see `stoa region list`. `refused` rises at all: a data centre has another signing key than the configuration says, or somebody speaks in its name.";
    /// Apps of other data centres that are not believed, for their key or App ID is known elsewhere.
    CONFLICTS: Gauge = Gauge::new(), "stoa_directory_conflicts", none,
        "It is not zero: two data centres have made apps of one key; see `stoa region list`.";
}
