//! Everything that is stored, in one sealed file that opens with its vault only.
//!
//! **The one idea: a backup holds no key, so that what is destroyed stays destroyed.** Rows and files are
//! copied as they lie there, sealed; the whole is sealed once more, chunk by chunk, under a key of the
//! platform, so that not even the number of rows of an app can be seen. Whoever brings a backup back needs
//! today's vault: rows whose keys were destroyed since are left out, and persons who were erased since are
//! erased again by the next start, which finds them in the vault's ledger
//! (`docs/decisions/0027-backup.md`).
//!
//! | module | what it holds |
//! | --- | --- |
//! | `format` | the layout: a header, chunks, and the items in them |
//! | `writer` | making a backup of one moment, while others write |
//! | `reader` | reading one, and finding what was cut off or changed |
//! | `restore` | writing what one holds into an empty store |

mod error;
mod format;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod reader;
mod restore;
mod writer;

pub use error::BackupError;
pub use format::{HEADER, Header, Item, Totals};
pub use reader::Reader;
pub use restore::{Restored, Restoring};
pub use writer::{BesideFile, Writer};
