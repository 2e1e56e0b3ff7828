//! Spaces of the end of things: where the sweep finds what is over, and what it leaves behind.

use super::{Owner, Part, Space};
use crate::classes::{CONSOLE, USER_INFORMATION};

/// Which logs were written to on which day: where the sweep finds what is over.
pub static LOG_DAYS: Space = Space {
    code: 41,
    name: "log_days",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Number("class"), Part::Number("day"), Part::Blind("log")],
    value: "1: the lowest position that was sealed on that day",
    readers: "chat",
};

/// How far the sweep has come. Of the platform: since when logs are found by their days.
pub static SWEEPS: Space = Space {
    code: 42,
    name: "sweeps",
    class: &CONSOLE,
    owner: Owner::Each,
    layout: &[Part::Number("class")],
    value: "1: of logs from before there was an index: up to which day they are over, which was walked last",
    readers: "chat",
};

/// Until when somebody or something is there: a group that was dismissed, a class that ends.
pub static OBJECT_ENDS: Space = Space {
    code: 43,
    name: "object_ends",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Number("class"), Part::Blind("object")],
    value: "1: when it ends, whether its key is being destroyed",
    readers: "store",
};

/// The same in the order of time: where the sweep finds whose key is to be destroyed.
pub static ENDS_BY_TIME: Space = Space {
    code: 44,
    name: "ends_by_time",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Number("class"), Part::Number("ends, ms"), Part::Blind("object")],
    value: "1: nothing",
    readers: "store",
};

/// What was destroyed, signed.
pub static RECEIPTS: Space = Space {
    code: 93,
    name: "receipts",
    class: &CONSOLE,
    owner: Owner::Platform,
    layout: &[Part::Number("number")],
    value: "1: app number, class, bucket, key ids, number of records, when; hash of the receipt before; signature",
    readers: "store",
};

/// The last receipt.
pub static RECEIPT_HEAD: Space = Space {
    code: 94,
    name: "receipt_head",
    class: &CONSOLE,
    owner: Owner::Platform,
    layout: &[],
    value: "1: number and hash",
    readers: "store",
};

/// Keys that are being destroyed, until there is a receipt.
pub static DESTRUCTIONS: Space = Space {
    code: 95,
    name: "destructions",
    class: &CONSOLE,
    owner: Owner::Platform,
    layout: &[Part::Number("first key")],
    value: "1: as a receipt, without number and signature",
    readers: "store, at start",
};
