//! Where data keys live and really die.
//!
//! Every record of the store is sealed under a data key, one for each (app, class of data, bucket),
//! and all data keys live here: in a directory of their own, beside the data and never inside it. A
//! backup of the data holds no key, so destroying a key destroys every copy of what it sealed.
//!
//! **The one idea: a chain that hangs on 32 bytes which are overwritten in place.** Keys stand in
//! *pages*, each sealed under a page key of its own; the page keys stand in the *table*; the table is
//! sealed under a key that takes both the operator's root key and an *erasable secret* to derive; and
//! the secret stands in one of the two *slots* of a small file. Keys are destroyed by writing the
//! changed pages and a new table under a new secret, writing the new secret to the free slot, and
//! overwriting the old one. Old pages and tables may survive anywhere: nothing opens them. A crash at
//! any point leaves the old or the new state. Exchanging the root key is the same step under another
//! key: after a crash the slots say which of the two opens the vault. Between such steps new keys go to a *journal* whose key
//! stands in the table; one sync serves all that were waiting.
//!
//! Reading the code: [`Vault`] is the door and its fast path; `ring` the keys in memory; `worker` the
//! one thread that owns the files; `keeper` what that thread knows and writes, `copy` in which order
//! it writes it; `recovery` what happens at opening; `format` the files' layouts; [`VaultFs`] the few
//! file operations, with [`DiskFs`] for real and [`SimFs`] to crash at every step.
//!
//! The *erasure ledger* stands in the pages, too: who was erased, by blinded id, so that data from before are
//! erased again (`erasures`).
//!
//! What it cannot do: overwriting in place erases nothing on copy-on-write or snapshotting volumes
//! ([`VaultWarning::CopyOnWrite`]), and a copy of the *vault* taken before a destruction, together
//! with the root key, still opens what it held. That is why a backup must never contain it.

#[cfg(test)]
mod attack;
mod copy;
mod erasures;
mod error;
mod format;
mod fs;
mod keeper;
mod recovery;
mod ring;
mod root_source;
mod scope;
mod status;
mod vault;
mod worker;

pub use erasures::Erasure;
pub use error::{OpenError, RootKeyError, VaultError, VaultWarning};
pub use format::VaultId;
#[cfg(any(test, feature = "fuzzing"))]
pub use format::fuzzing;
pub use fs::{DiskFs, LockGuard, LockRefusal, SimFs, VaultFs};
pub use root_source::RootKeySource;
pub use scope::{Bucket, ErasedPerson, KeyClass, KeyScope};
pub use status::{SlotSummary, Survey, VaultStatus};
pub use stoa_seal::{Blind, BlindKey, KeyId, RootKey, RootKeyFingerprint, RootKeyFormatError};
pub use vault::{Destruction, KeySummary, Opened, Tuning, Vault, VaultOptions};
pub use worker::VaultWorker;
