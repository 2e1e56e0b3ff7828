//! Keys.

use crate::define::group;
use crate::{Counter, Gauge};

group! {
    /// Data keys that exist.
    KEYS: Gauge = Gauge::new(), "stoa_vault_keys", none,
        "It falls without an end of retention or a deletion that was asked for.";
    /// Mirrors of the vault that are kept with every step.
    MIRRORS: Gauge = Gauge::new(), "stoa_vault_mirrors", none,
        "It is 0 on a server that counts: losing the only copy of the vault loses the data.";
    /// Things that opening the vault put right or could not help, such as a mirror that was behind.
    WARNINGS: Gauge = Gauge::new(), "stoa_vault_warnings", none,
        "It is not 0: the log of the start says what.";
    /// Writes to the vault or a mirror that failed. After the first, no key is made any more.
    WRITES_FAILED: Counter = Counter::new(), "stoa_vault_writes_failed", none,
        "It rises at all: a directory of the vault is gone or full. New keys are needed every day, so messages will be refused.";
}
