//! Messages and receipts: taken, refused, delivered.

use crate::define::group;
use crate::label::label;
use crate::{Counters, Histogram};

label! {
    /// What was taken.
    Taken("kind") {
        /// A message, stored.
        Message = "message",
        /// A receipt or another act, stored once for each log that it goes to.
        Receipt = "receipt",
        /// A message only for who is online, not stored.
        Passing = "passing",
        /// One that the same device had sent before; it was answered as the first time.
        Repeated = "repeated",
    }
}

label! {
    /// Why something that a session sent was refused.
    Refused("reason") {
        /// A value that is not allowed, or a part that is missing.
        Invalid = "invalid",
        /// Text and extensions are larger than allowed.
        TooLarge = "too_large",
        /// The recipient does not exist.
        UnknownRecipient = "unknown_recipient",
        /// The sender may not.
        NotAllowed = "not_allowed",
        /// The session sends too much.
        RateLimited = "rate_limited",
        /// What is asked for is not served.
        Unsupported = "unsupported",
        /// The server could not do it.
        Failed = "failed",
    }
}

label! {
    /// How an entry went out.
    Way("way") {
        /// At once, as it came.
        Push = "push",
        /// In a page that the device asked for.
        Page = "page",
    }
}

/// From frame to answer, in milliseconds: sessions see no finer time.
const ANSWER: &[u64] = &[1, 2, 3, 5, 8, 12, 20, 30, 50, 100, 200, 500, 1_000, 5_000, 10_000];

group! {
    /// Messages and receipts that were taken; what is stored was durable before it was counted.
    ACCEPTED: Counters<Taken, { Taken::COUNT }> = Counters::new(), "stoa_messages_accepted", none,
        "`repeated` rises: clients do not get their answers in time, and send again.";
    /// What sessions sent and was refused.
    REFUSED: Counters<Refused, { Refused::COUNT }> = Counters::new(),
        "stoa_messages_refused", none, "`failed` rises at all: see `stoa_store_healthy` and the log.";
    /// Messages and receipts that were sent to a device; one message counts for each device.
    DELIVERED: Counters<Way, { Way::COUNT }> = Counters::new(), "stoa_messages_delivered", none,
        "`page` rises much faster than `push` while nobody comes back: devices that do not keep up.";
    /// From the arrival of a message or receipt until its answer was queued: sealed, written and synced.
    ANSWER_TIME: Histogram = Histogram::new(ANSWER), "stoa_message_answer_seconds", millis,
        "The slowest hundredth takes longer than a second: see `stoa_store_sync_seconds`. After 10 seconds sessions are closed.";
}
