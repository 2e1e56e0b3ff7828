//! Chat rooms: what is handed to those who are there, and what is not.

use crate::define::group;
use crate::label::label;
use crate::{Counter, Counters};

label! {
    /// Why a message of a room did not reach somebody, or anybody.
    Dropped("reason") {
        /// One session's socket did not keep up: it alone missed a page.
        Slow = "slow",
        /// The room is over the app's rate: nobody was given it.
        Rate = "rate",
        /// More was said than the server can pass on: nobody was given it.
        Overload = "overload",
    }
}

group! {
    /// Messages and events that were handed to sessions in rooms, counted for each session.
    DELIVERED: Counter = Counter::new(), "stoa_rooms_delivered", none,
        "It falls while people talk: the server does not keep up. Compare `stoa_rooms_dropped`.";
    /// Pages that were encoded once and handed to all sessions of a room; several messages may stand in one.
    PAGES: Counter = Counter::new(), "stoa_rooms_pages", none,
        "Much below the messages of rooms: they gather, which is what makes a busy room cheap.";
    /// What was said in rooms and dropped. All of it stays in the history.
    DROPPED: Counters<Dropped, { Dropped::COUNT }> = Counters::new(), "stoa_rooms_dropped", none,
        "`slow` rises steadily: clients on bad networks. `rate` rises: `stoa app set room-rate` is reached. `overload` rises at all: the machine is too small for its rooms.";
}
