//! Sound and pictures of class rooms.

use crate::define::group;
use crate::label::label;
use crate::{Counter, Counters, Gauge};

label! {
    /// What became of datagrams and packets that were not forwarded.
    Dropped("reason") {
        /// Their sender has no right to publish them.
        Forbidden = "forbidden",
        /// No connection is known by their address or name.
        Stranger = "stranger",
        /// They could not be read, or did not fit their connection.
        Malformed = "malformed",
        /// A worker was behind.
        Overrun = "overrun",
        /// The system would not take them.
        Unsent = "unsent",
    }
}

group! {
    /// Media connections of participants.
    OPEN: Gauge = Gauge::new(), "stoa_media_connections_open", none,
        "It falls at once by much, without a restart: a network, or a firewall that drops the media port.";
    /// Media connections that have not completed ICE and DTLS.
    HALF_OPEN: Gauge = Gauge::new(), "stoa_media_connections_half_open", none,
        "It stays above 0: clients cannot reach the media port; or an attack.";
    /// Media connections that ended because nothing came any more, or broke.
    BROKEN: Counter = Counter::new(), "stoa_media_connections_broken", none,
        "It rises: the network between clients and the media port.";
    /// Rooms with media.
    ROOMS: Gauge = Gauge::new(), "stoa_media_rooms", none,
        "It does not fall when classes are over: a fault.";
    /// Packets of sound and pictures that came.
    RECEIVED: Counter = Counter::new(), "stoa_media_packets_received", none,
        "It falls while classes go on: clients cannot send, or datagrams are lost before the server.";
    /// Packets of sound and pictures that were sent on, counted for each who watches.
    FORWARDED: Counter = Counter::new(), "stoa_media_packets_forwarded", none,
        "It falls while classes go on: the server does not keep up.";
    /// Bytes of datagrams that were sent.
    SENT_BYTES: Counter = Counter::new(), "stoa_media_sent_bytes", bytes,
        "It nears what the network carries.";
    /// Datagrams and packets that were not forwarded.
    DROPPED: Counters<Dropped, { Dropped::COUNT }> = Counters::new(), "stoa_media_dropped", none,
        "`overrun` or `unsent` rise: the server, or its network, is full. `stranger` rises by much: a scan, or an attack.";
    /// Faults of the protocol library that were caught; each ended a connection.
    FAULTS: Counter = Counter::new(), "stoa_media_faults", none,
        "It rises at all: tell those who make Stoa.";
}
