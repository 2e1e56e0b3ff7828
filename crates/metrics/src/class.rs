//! Streams of class rooms.

use crate::define::group;
use crate::label::label;
use crate::{Counter, Counters, Gauge};

label! {
    /// Why the connection of a client in a class ended.
    Closed("reason") {
        /// The client closed it, or its connection broke.
        Gone = "gone",
        /// The client said that its user leaves.
        Left = "left",
        /// It was not let in, or did not say who it is.
        NotLetIn = "not_let_in",
        /// Another connection of the user took its place.
        Displaced = "displaced",
        /// It was put out of the room.
        PutOut = "put_out",
        /// The class is over.
        ClassClosed = "class_closed",
        /// Its token is over.
        TokenExpired = "token_expired",
        /// What let it in was taken back.
        Revoked = "revoked",
        /// It is outside the app's geofence.
        Outside = "outside",
        /// It missed too much, or did not keep up: it reads the room anew.
        Resync = "resync",
        /// It sent far too many messages.
        Flood = "flood",
        /// Nothing was heard of it, also when it was asked.
        Silent = "silent",
        /// The server could not do its work.
        Failed = "failed",
        /// The server ended.
        Shutdown = "shutdown",
    }
}

label! {
    /// Why a message that a client in a class sent was not taken.
    Refused("reason") {
        /// It is none of those that are understood.
        Invalid = "invalid",
        /// There were too many.
        Rate = "rate",
    }
}

group! {
    /// Connections of clients in classes that were let in.
    OPEN: Gauge = Gauge::new(), "stoa_class_sessions_open", none,
        "It falls at once by much, without a restart: a network, or a proxy before the server.";
    /// Connections of clients in classes that ended, let in or not.
    CLOSED: Counters<Closed, { Closed::COUNT }> = Counters::new(), "stoa_class_sessions_closed", none,
        "`resync` or `silent` rise for many: the network out of the server is full. `failed` rises at all: the store fails.";
    /// Messages of rooms that were handed to clients in classes, counted for each.
    DELIVERED: Counter = Counter::new(), "stoa_class_delivered", none,
        "It falls while classes go on: the server does not keep up.";
    /// Frames that clients had missed and were told when they came back.
    REPLAYED: Counter = Counter::new(), "stoa_class_replayed", none,
        "It rises steadily: clients lose their connections often.";
    /// Messages of clients in classes that were not taken.
    REFUSED: Counters<Refused, { Refused::COUNT }> = Counters::new(), "stoa_class_messages_refused", none,
        "It rises: a client that is written against something else, or an attack.";
}
