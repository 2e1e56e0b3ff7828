//! AES-256-GCM sealing of records, key derivation, blinded identifiers and signatures. No IO.
//!
//! One record is sealed under one [`DataKey`] with a nonce that a [`NonceSource`] gave, and is bound
//! to the place where it stands: its format version, its key's id and the caller's associated data
//! (the whole store key) are authenticated with it. A record that was moved, cut or altered does not
//! open.
//!
//! Keys hold their bytes in one heap allocation that is zeroed on drop ([`KeyMaterial`]), so that
//! moving a key leaves no copies behind. No key type has a `Debug` or `Display`.

mod blind;
mod derive;
mod key;
mod nonce;
mod record;
mod root;
mod sign;

pub use blind::{Blind, BlindKey};
pub use derive::derive;
pub use key::{Cipher, DataKey, KeyMaterial, NotAuthentic};
pub use nonce::{Epoch, Exhausted, Nonce, NonceSource};
pub use record::{KeyId, OpenError, RecordHeader, open_record, seal_record};
pub use root::{RootKey, RootKeyFingerprint, RootKeyFormatError};
pub use sign::{BadSignature, PublicKey, PublicKeyError, Purpose, Signature, SigningKey};
