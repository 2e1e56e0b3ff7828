//! Sealed files: what users send each other, chunk by chunk, over an object store.
//!
//! **The one idea: every 64 KiB of a file is sealed by itself**, with the key of (app, class, day) and
//! bound to its place: app, file, number of the chunk, and whether it is the last. So any range is read
//! by opening only what it touches, memory is bounded by a few chunks whatever the size, and a chunk
//! that was moved, exchanged or cut off does not open. When the day's key is destroyed, its files are
//! noise, here and in every copy.
//!
//! A file is on disk under `app/day/id`, and the id is 128 random bits: no name shows what it is. It is
//! written beside its place, synced, and put there in one step; what a crash leaves over is removed at
//! the next start. What a file *is* (name, owner, who may read it) stands in a record of whoever keeps it:
//! this crate knows bytes.
//!
//! Files lie in a local directory, through `object_store`, which knows S3 too
//! (`docs/decisions/0019-files-through-object-store.md`).
//!
//! | module | what it holds |
//! | --- | --- |
//! | `format` | the layout of a sealed file |
//! | `blobs` | where files lie, and removing them |
//! | `writer`, `content` | writing a file, reading a range of one |

mod blobs;
mod content;
mod copy;
mod error;
mod format;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod writer;

pub use blobs::{Blob, BlobId, Blobs, Shelf};
pub use content::Content;
pub use copy::{RawFile, RawWriter};
pub use error::BlobError;
pub use format::{CHUNK, sealed_size};
pub use writer::{Stored, Writer};
