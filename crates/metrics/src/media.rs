//! Sound and pictures of class rooms.

use crate::define::group;
use crate::label::label;
use crate::{Counter, Counters, Gauge, Histogram};

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

/// Bits of a stream in a second: a quiet sound to a large picture.
const BITS: &[u64] = &[
    8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 512_000, 1_000_000, 2_000_000, 4_000_000,
    8_000_000,
];
/// Of a thousand packets.
const LOSS: &[u64] = &[0, 1, 2, 5, 10, 20, 50, 100, 200, 500];
/// Milliseconds.
const JITTER: &[u64] = &[1, 2, 5, 10, 20, 30, 50, 100, 200, 500];
const ROUND_TRIP: &[u64] = &[2, 5, 10, 20, 50, 100, 150, 200, 300, 500, 1_000, 2_000];

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
    /// What each sound and each picture brings in a second, looked at every ten seconds while it comes. As all that is told of
    /// streams here it names none of them: those of a class are shown to its teacher.
    STREAM_BITS: Histogram = Histogram::new(BITS), "stoa_media_stream_bits_per_second", none,
        "The share of small ones rises while classes go on: networks do not carry more, or browsers save.";
    /// How much of each was lost on its way to the server in these ten seconds, after repair.
    STREAM_LOSS: Histogram = Histogram::new(LOSS), "stoa_media_stream_loss_ratio", permille,
        "More than one in twenty is above 0.05: people look frozen. The networks of clients, or the server's.";
    /// How unevenly each comes (RFC 3550, section 6.4.1).
    STREAM_JITTER: Histogram = Histogram::new(JITTER), "stoa_media_stream_jitter_seconds", millis,
        "More than one in twenty is above 50 ms: voices break.";
    /// From the server to its sender and back, where that is known: the sender is shown something, too.
    STREAM_ROUND_TRIP: Histogram = Histogram::new(ROUND_TRIP), "stoa_media_stream_round_trip_seconds", millis,
        "More than one in twenty is above 300 ms: people begin to speak at the same time.";
    /// Faults of the protocol library that were caught; each ended a connection.
    FAULTS: Counter = Counter::new(), "stoa_media_faults", none,
        "It rises at all: tell those who make Stoa.";
}
