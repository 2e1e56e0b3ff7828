//! Records, transactions and the disk.

use crate::define::group;
use crate::label::label;
use crate::{Counter, Counters, Gauge, Gauges, Histogram};

label! {
    /// Where a call failed by a fault of the server.
    Place("place") {
        /// In a call of a session.
        Session = "session",
        /// In a call over REST.
        Rest = "rest",
        /// While entries were appended to a log.
        Append = "append",
    }
}

label! {
    /// A directory of the server's.
    Directory("directory") {
        /// The data.
        Data = "data",
        /// The vault, the fullest of its directories.
        Keys = "keys",
    }
}

/// Transactions in a batch.
const BATCH: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];

/// In microseconds.
const SYNC: &[u64] = &[
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
    1_000_000, 5_000_000,
];

group! {
    /// 1 while the store takes writes, 0 since a write failed.
    HEALTHY: Gauge = Gauge::new(), "stoa_store_healthy", none,
        "It is 0: free the disk or replace it, and start the server again. What was acknowledged is safe.";
    /// Transactions with writes that were committed, durably.
    COMMITS: Counter = Counter::new(), "stoa_store_commits", none, "Never by itself.";
    /// Records written or removed.
    ROWS: Counter = Counter::new(), "stoa_store_rows", none, "Never by itself.";
    /// Transactions that met another one that changed what they had read.
    CONFLICTS: Counter = Counter::new(), "stoa_store_conflicts", none,
        "More than one in ten of `stoa_store_commits_total`.";
    /// Attempts that were made again, after a conflict or for somebody's turn.
    RETRIES: Counter = Counter::new(), "stoa_store_retries", none,
        "As `stoa_store_conflicts_total`.";
    /// Transactions that were given up after many conflicts.
    CONTENDED: Counter = Counter::new(), "stoa_store_contended", none, "It rises at all.";
    /// Transactions that were made durable with one sync.
    BATCH_SIZE: Histogram = Histogram::new(BATCH), "stoa_store_batch_transactions", none,
        "Most are of 1,024, the largest: the disk is slower than the load.";
    /// How long writing a batch and syncing it took.
    SYNC_TIME: Histogram = Histogram::new(SYNC), "stoa_store_sync_seconds", micros,
        "Most take longer than 50 ms: the disk is slow, or shared with others.";
    /// Batches that could not be written. After the first, the store takes no further writes.
    WRITES_FAILED: Counter = Counter::new(), "stoa_store_writes_failed", none, "It rises at all.";
    /// Calls that failed by a fault of the server; each has a line in the log.
    FAULTS: Counters<Place, { Place::COUNT }> = Counters::new(), "stoa_faults", none,
        "It rises at all.";
    /// Bytes that this process may still write on the disk of a directory.
    DISK_FREE: Gauges<Directory, { Directory::COUNT }> = Gauges::new(),
        "stoa_disk_free_bytes", bytes, "It falls below 2 GiB, or below what a week adds. A full disk stops all writes.";
}
