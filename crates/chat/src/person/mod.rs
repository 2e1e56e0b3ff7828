//! One person: everything that is kept of a user in one place, to be handed out or to be ended.
//!
//! **The one idea: what concerns a person is found by the blinded name, in every space there is.** A row
//! belongs to a person when the person's blinded name stands in its key, or the name in what it says; so the
//! same walk serves an export, an erasure, and an erasure that is done again on older data
//! (`docs/decisions/0026-person.md`).
//!
//! | module | what it holds |
//! | --- | --- |
//! | `coverage` | for each space, whether it says something of a person |
//! | `walk` | reading whole spaces in steps |
//! | `erase` | ending what is kept of a person, step by step, so that it can be begun again |
//! | `entry`, `groups` | what becomes of entries of logs, and of groups, in which the person is named |
//! | `erased` | who is erased, by blinded names |
//! | `export`, `told` | what is handed out, record by record, and in which form |

mod coverage;
mod entry;
mod erase;
mod erased;
mod export;
mod groups;
mod told;
mod walk;

pub use coverage::{Coverage, coverage};
pub use entry::Renaming;
pub use erase::Progress;
pub(crate) use erased::Erasing;
pub use erased::PSEUDONYM;
pub use export::{PersonSink, Told};
