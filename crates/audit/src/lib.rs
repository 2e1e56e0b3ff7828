//! The audit log: each administrative act and each pattern of refusals worth seeing.
//!
//! Each app has a chain of entries, and the platform has one for what concerns no app or outlives it.
//! Entries are numbered without gaps and only ever appended; each has a hash over its ciphertexts and
//! the hash before it, so that whoever alters, removes, inserts or exchanges one is found out
//! ([`Trail::verify`]), also in an export, without any key ([`export::verify`]).
//!
//! **What names a person is sealed under that user's own key**, apart from the rest of the entry, which
//! is sealed under the app's key of the month. When the user is deleted, the name is gone from the
//! log, and the chain, which covers what is sealed, stays whole. When a month is over for a year, its
//! entries go with its key, and the head of the chain keeps number and hash.
//!
//! Writing: [`AuditLog::record`] waits until the entry is durable; [`AuditLog::note`] lets nobody wait;
//! [`AuditLog::refused`] counts refusals that come again and again, and [`AuditLog::count`] acts that do.

mod act;
mod append;
pub mod chain;
mod entry;
pub mod export;
mod log;
mod patterns;
mod read;
mod record;
mod tally;
mod trail;

pub use act::{Act, UnknownAct};
pub use chain::{Broken, Fault, Hash, Whole};
pub use entry::{Actor, Entry, Outcome};
pub use log::AuditLog;
pub use patterns::Refused;
pub use read::{Detail, Name, Recorded};
pub use trail::{Page, Part, Query, Trail};
