//! An ordered key-value store of sealed records with serializable transactions.
//!
//! Two layers. The [`engine`] keeps pairs of bytes. Above it, every record is sealed by the
//! vault with its whole key as associated data, and every key is formed by the handle of one app
//! ([`AppStore`]), which only a verified caller leads to: what belongs to another app cannot even be
//! named. What may be stored is listed in [`spaces`], how long and under which key in [`classes`].

mod apart;
mod attempts;
pub mod classes;
mod dump;
mod ends;
pub mod engine;
mod erasures;
mod error;
mod key;
pub mod receipts;
mod removal;
mod sealed;
mod signing;
pub mod spaces;
mod store;
mod txn;

pub use apart::Apart;
pub use attempts::Attempts;
pub use dump::Dump;
pub use ends::End;
pub use engine::Direction;
pub use erasures::Erasure;
pub use error::StoreError;
pub use key::{Key, KeyBuilder, KeyRange};
pub use sealed::Sealed;
pub use stoa_seal::{Blind, PublicKey, Purpose, Signature, SigningKey};
pub use stoa_vault::{Bucket, KeySummary};
pub use store::{AppStore, Store, StoreStats};
pub use txn::{Done, ReadTxn, Reader, Row, Txn};
