//! What is counted. Plain numbers without labels; whoever exports them reads them when asked.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident: $kind:ident,)*) => {
        /// What media counts. All since start, except the ones that say *now*.
        #[derive(Debug, Default)]
        pub struct Counters {
            $($(#[$doc])* pub $name: $kind,)*
        }
    };
}

counters! {
    /// Datagrams received.
    received: AtomicU64,
    /// Bytes of datagrams received.
    received_bytes: AtomicU64,
    /// Datagrams sent.
    sent: AtomicU64,
    /// Bytes of datagrams sent.
    sent_bytes: AtomicU64,
    /// System calls that sent them.
    sent_calls: AtomicU64,
    /// Datagrams that the system would not take.
    unsent: AtomicU64,
    /// Datagrams of strangers: no connection is known by their address or name.
    strangers: AtomicU64,
    /// Datagrams that could not be read, or did not fit their connection.
    malformed: AtomicU64,
    /// Datagrams dropped because a worker was behind.
    overrun: AtomicU64,
    /// Media packets received.
    packets: AtomicU64,
    /// Media packets written to watchers (one to 200 watchers counts 200).
    forwarded: AtomicU64,
    /// Media packets dropped because the sender has no right to publish them.
    forbidden: AtomicU64,
    /// Key frames asked for.
    key_frames_asked: AtomicU64,
    /// Connections made.
    connections: AtomicU64,
    /// Connections that ended as `failed` or `timeout`.
    broken: AtomicU64,
    /// Offers and watches refused.
    refused: AtomicU64,
    /// Faults of the protocol library that were caught. Should stay 0.
    panics: AtomicU64,
    /// Rooms now.
    rooms: AtomicI64,
    /// Connections now.
    participants: AtomicI64,
    /// Connections now that have not completed ICE and DTLS.
    half_open: AtomicI64,
    /// TCP connections now.
    tcp: AtomicI64,
    /// Bytes now that wait for workers.
    queued: AtomicI64,
}

pub(crate) fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

pub(crate) fn shift(gauge: &AtomicI64, n: i64) {
    gauge.fetch_add(n, Ordering::Relaxed);
}
