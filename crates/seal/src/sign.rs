//! Signatures of the data centre: on statements that somebody else is to check, without a server.
//!
//! Ed25519 (RFC 8032). What is signed begins with its [`Purpose`], so that no statement of one kind passes for
//! one of another.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::KeyMaterial;

/// What a signature is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// That keys were destroyed.
    Receipt,
    /// In which region an app lives.
    Directory,
    /// Where data lie, and with whom the system spoke.
    Residency,
}

impl Purpose {
    /// What stands before the signed bytes. No one begins with another one.
    const fn prefix(self) -> &'static [u8] {
        match self {
            Self::Receipt => b"stoa receipt 1\0",
            Self::Directory => b"stoa directory 1\0",
            Self::Residency => b"stoa residency 1\0",
        }
    }

    fn message(self, bytes: &[u8]) -> Vec<u8> {
        [self.prefix(), bytes].concat()
    }
}

/// A signature, 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; Self::LEN]);

impl Signature {
    /// Its length in bytes.
    pub const LEN: usize = 64;
}

impl TryFrom<&[u8]> for Signature {
    type Error = BadSignature;

    fn try_from(bytes: &[u8]) -> Result<Self, BadSignature> {
        bytes.try_into().map(Self).map_err(|_| BadSignature)
    }
}

/// A signature that the key did not make for these bytes and this purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature was not made by this key for what stands there")]
pub struct BadSignature;

/// A key that signs. It is made of 32 secret bytes, which whoever keeps them seals.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// The key of this seed.
    pub fn from_seed(seed: &KeyMaterial) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose());
        Self(pair.expect("every 32 bytes are an Ed25519 seed"))
    }

    /// Signs `bytes` for `purpose`.
    pub fn sign(&self, purpose: Purpose, bytes: &[u8]) -> Signature {
        let signature = self.0.sign(&purpose.message(bytes));
        Signature(signature.as_ref().try_into().expect("an Ed25519 signature has 64 bytes"))
    }

    /// What others check its signatures by.
    pub fn public_key(&self) -> PublicKey {
        let bytes = self.0.public_key().as_ref();
        PublicKey(bytes.try_into().expect("an Ed25519 public key has 32 bytes"))
    }
}

/// The public part of a [`SigningKey`]; written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; Self::LEN]);

impl PublicKey {
    /// Its length in bytes.
    pub const LEN: usize = 32;

    /// The key of these bytes.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// Checks that `signature` was made for `bytes` and `purpose`.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(
        &self,
        purpose: Purpose,
        bytes: &[u8],
        signature: &Signature,
    ) -> Result<(), BadSignature> {
        let key = UnparsedPublicKey::new(&ED25519, &self.0);
        key.verify(&purpose.message(bytes), &signature.0).map_err(|_| BadSignature)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// A text that is no public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a public key is 64 hexadecimal digits (0-9, a-f)")]
pub struct PublicKeyError;

impl FromStr for PublicKey {
    type Err = PublicKeyError;

    fn from_str(text: &str) -> Result<Self, PublicKeyError> {
        let digit =
            |at: &u8| char::from(*at).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let mut bytes = [0; Self::LEN];
        if text.len() != 2 * Self::LEN {
            return Err(PublicKeyError);
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let [Some(high), Some(low)] = [digit(&pair[0]), digit(&pair[1])] else {
                return Err(PublicKeyError);
            };
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(&KeyMaterial::copy_of(&[seed; 32]))
    }

    #[test]
    fn a_signature_holds_for_its_bytes_its_purpose_and_its_key_alone() {
        let (one, other) = (key(1), key(2));
        let signature = one.sign(Purpose::Receipt, b"gone");
        let verify = |key: &SigningKey, purpose, bytes: &[u8]| {
            key.public_key().verify(purpose, bytes, &signature)
        };
        assert_eq!(verify(&one, Purpose::Receipt, b"gone"), Ok(()));
        assert_eq!(verify(&one, Purpose::Receipt, b"gonE"), Err(BadSignature));
        assert_eq!(verify(&one, Purpose::Directory, b"gone"), Err(BadSignature));
        assert_eq!(verify(&other, Purpose::Receipt, b"gone"), Err(BadSignature));
    }

    #[test]
    fn no_purpose_begins_as_another_does() {
        let all = [Purpose::Receipt, Purpose::Directory, Purpose::Residency];
        for (at, one) in all.iter().enumerate() {
            for other in &all[at + 1..] {
                let (one, other) = (one.prefix(), other.prefix());
                assert!(!one.starts_with(other) && !other.starts_with(one));
            }
        }
    }

    proptest! {
        #[test]
        fn a_public_key_is_read_as_it_is_written(bytes: [u8; 32]) {
            let key = PublicKey::from_bytes(bytes);
            prop_assert_eq!(key.to_string().parse(), Ok(key));
        }

        #[test]
        fn what_is_no_public_key_is_refused(text in "\\PC{0,70}") {
            if let Ok(key) = text.parse::<PublicKey>() {
                prop_assert_eq!(key.to_string(), text.to_lowercase());
            }
        }
    }
}
