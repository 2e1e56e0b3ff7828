//! The layouts of the vault's files. All numbers are big endian.
//!
//! | file | clear | sealed |
//! | --- | --- | --- |
//! | `slots` | two [`Slot`]s of 4 KiB | - |
//! | `table.<generation>` | magic, generation | counters, page keys, journal key |
//! | `page.<number>.<generation>` | magic, number, generation | keys |
//! | `journal.<generation>` | magic, generation, lengths | batches of [`Entry`] |
//!
//! Every sealed part is bound to the vault's id and to the clear part of its file, and its key is
//! used for this one file only, so that pieces of the vault cannot be exchanged for one another. The
//! last byte of a magic is the layout's version.

mod codec;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod journal;
mod key;
mod page;
mod slot;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;

pub(crate) use codec::Malformed;
pub(crate) use journal::{Entry, Journal, JournalEnd, read_journal};
pub(crate) use key::StoredKey;
pub(crate) use page::{page_name, read_page, write_page};
pub(crate) use slot::{SLOTS_FILE, SLOTS_LEN, SLOTS_NEW, Slot, read_slots};
pub(crate) use table::{PageRef, Table, read_table, table_name, write_table};

/// What tells one vault from another: 16 random bytes, made with it. Not secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VaultId(pub [u8; 16]);

impl fmt::Debug for VaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What tells one life of a process that opened the vault from another: 8 random bytes. Shows whether
/// one copy of a vault is an earlier state of another, or went a way of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LifeTag(pub(crate) u64);

/// What a sealed part is bound to: the clear bytes before it and the vault.
fn bind(header: &[u8], vault: VaultId) -> Vec<u8> {
    [header, &vault.0].concat()
}
