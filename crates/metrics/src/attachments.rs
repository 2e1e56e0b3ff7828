//! Files that users send.

use crate::define::group;
use crate::label::label;
use crate::{Counter, Counters};

label! {
    /// What became of a thumbnail.
    Thumbnail("outcome") {
        /// It was made.
        Made = "made",
        /// The image could not be read, is too large, or took too long; it is served itself.
        None = "none",
    }
}

group! {
    /// Files that were stored, durably.
    STORED: Counter = Counter::new(), "stoa_attachments_stored", none, "Never by itself.";
    /// Bytes of the files that were stored.
    STORED_BYTES: Counter = Counter::new(), "stoa_attachments_stored_bytes", bytes,
        "Seven days of it approach what the disk has free.";
    /// Bytes of files that were read for somebody.
    SERVED_BYTES: Counter = Counter::new(), "stoa_attachments_served_bytes", bytes, "Never by itself.";
    /// Stored files, parts and thumbnails that the sweep removed.
    REMOVED: Counter = Counter::new(), "stoa_attachments_removed", none,
        "It stands still for a day while files are stored: see the log for why the sweep fails.";
    /// Thumbnails of images that were asked for when they were uploaded.
    THUMBNAILS: Counters<Thumbnail, { Thumbnail::COUNT }> = Counters::new(),
        "stoa_attachments_thumbnails", none, "`none` is most of them: images larger than is decoded, or a machine that is too busy.";
}
