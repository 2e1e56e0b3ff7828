//! What a run came to.

/// Counters of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Things that clients and back ends did: messages, receipts, logins and pulls.
    pub operations: u64,
    /// Logins that were begun.
    pub logins: u64,
    /// Things that went wrong on purpose.
    pub faults: u64,
    /// Deaths of the process, those with a power loss included.
    pub crashes: u64,
    /// Proper ends of the server.
    pub restarts: u64,
    /// Messages and receipts that were acknowledged.
    pub acknowledged: u64,
    /// Those that were refused.
    pub refused: u64,
    /// Those that were sent again under the same client id.
    pub resent: u64,
    /// What devices were shown.
    pub shown: u64,
    /// What came to a device again and was recognised by the SDK.
    pub recognised: u64,
    /// What a page that was loaded anew showed once more.
    pub shown_again: u64,
    /// What sessions were told in chat rooms.
    pub heard: u64,
    /// Enterings and leavings, and what back ends did to rooms.
    pub in_rooms: u64,
    /// Calls about class rooms: those of people in them, and those of back ends.
    pub in_classes: u64,
    /// Frames that people in classes were told.
    pub heard_in_classes: u64,
}

/// A run and its verdict.
#[derive(Debug, Clone)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// What happened, in numbers.
    pub counts: Counts,
    /// Simulated seconds.
    pub seconds: u64,
    /// The fingerprint of the trace.
    pub fingerprint: u64,
    /// What is wrong; empty if nothing is.
    pub wrong: Vec<String>,
    /// The end of the trace.
    pub trace: Vec<String>,
}

impl Report {
    /// The heading over [`Self::line`]s.
    pub const HEADING: &str = "    seed  operations  faults  crashes  acknowledged  refused  resent   \
                               shown  recognised  in rooms  heard there  in classes  heard there  seconds";

    /// The run in one line.
    pub fn line(&self) -> String {
        let c = &self.counts;
        format!(
            "{:>8}  {:>10}  {:>6}  {:>7}  {:>12}  {:>7}  {:>6}  {:>6}  {:>10}  {:>8}  {:>11}  {:>10}  {:>11}  {:>7}{}",
            self.seed,
            c.operations,
            c.faults,
            c.crashes,
            c.acknowledged,
            c.refused,
            c.resent,
            c.shown,
            c.recognised,
            c.in_rooms,
            c.heard,
            c.in_classes,
            c.heard_in_classes,
            self.seconds,
            if self.wrong.is_empty() { "" } else { "  WRONG" }
        )
    }
}
