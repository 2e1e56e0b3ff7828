//! What a data key is for.

use stoa_core::{AppNumber, Day};

/// A class of data, by its number in the store's table of data classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyClass(pub u8);

/// The part of a class that lives and dies together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    /// The whole class.
    Whole,
    /// What was stored on one day in UTC.
    Day(Day),
    /// What was stored in one month in UTC, counted from January 1970.
    Month(u32),
    /// What belongs to one object (a user, a group, a room), by its blinded id.
    Object([u8; 16]),
}

/// The records that one data key seals at a time: those of one bucket of one class of one app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyScope {
    /// Whose records.
    pub app: AppNumber,
    /// Of which class.
    pub class: KeyClass,
    /// Of which bucket.
    pub bucket: Bucket,
}

/// What a key in the vault does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// Seals the records of a scope.
    Seal(KeyScope),
    /// Blinds the identifiers of an app.
    Blind(AppNumber),
    /// Nothing: it is a line of the erasure ledger, which is kept as keys are.
    Erased(ErasedPerson),
}

/// Who was erased, by the blinded id alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErasedPerson {
    /// Of which app.
    pub app: AppNumber,
    /// The person's blinded id.
    pub person: [u8; 16],
    /// Whether what the person said to others stays, under another name.
    pub keeps_messages: bool,
}

impl Purpose {
    pub(crate) const fn app(&self) -> AppNumber {
        match self {
            Self::Seal(scope) => scope.app,
            Self::Blind(app) => *app,
            Self::Erased(erased) => erased.app,
        }
    }
}
