//! The end of what lies in logs: found by day, settled, and removed.
//!
//! A day's key covers all that an app's logs took on that day, so that destroying it ends them all at once,
//! whatever their number; rows that open no more are removed afterwards, a few at a time. Three things make that
//! possible:
//!
//! | module | what it holds |
//! | --- | --- |
//! | `days` | which logs were written to on which day: one small row for each, whatever the number of entries |
//! | `floor` | where the numbering of a log goes on when its last entries are over |
//! | `sweep` | what is done before a day's key is destroyed, and after it |
//! | `walk` | the same for days from before there was an index |
//! | `unused` | users who have not been there for too long, and groups and rooms that nobody uses |
//! | `dead` | groups whose keys are gone, in data from before |
//! | `ends` | the keys of users, groups and rooms that have ended |

mod days;
mod dead;
mod ends;
mod floor;
pub(crate) mod stored;
mod sweep;
mod unused;
mod walk;

use std::time::Duration;

use stoa_store::classes::DataClass;

pub(crate) use days::{Noted, note};
pub(crate) use floor::{Floors, floor_of, swept_up_to};
pub use sweep::Removed;
pub(crate) use unused::Uses;
pub(crate) use walk::IndexStart;

/// How the sweep goes about it, so that whoever sends meanwhile does not wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Rows that one transaction removes.
    pub rows: usize,
    /// How long it rests after each.
    pub pause: Duration,
}

impl Pace {
    /// Beside a server that serves: some 30,000 rows a second.
    pub const SERVING: Self = Self { rows: 500, pause: Duration::from_millis(8) };
    /// For whoever has the store to himself.
    pub const ALONE: Self = Self { rows: 2_000, pause: Duration::ZERO };

    async fn rest(self) {
        if self.pause.is_zero() {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(self.pause).await;
        }
    }
}

/// The classes whose records lie in logs.
pub static CLASSES_OF_LOGS: [&DataClass; 2] =
    [&stoa_store::classes::MESSAGE, &stoa_store::classes::USER_EVENT];
