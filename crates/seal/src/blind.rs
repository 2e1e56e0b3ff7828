//! Blinded identifiers: what a store key holds in place of a name.

use std::fmt;

use aws_lc_rs::hmac;
use stoa_core::Entropy;
use zeroize::ZeroizeOnDrop;

use crate::KeyMaterial;

/// A blinded identifier: the first 16 bytes of an HMAC-SHA-256 of it under the app's blinding key.
/// Not secret: it stands in clear in store keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Blind(pub [u8; Self::LEN]);

impl Blind {
    /// The length of a blinded identifier, in bytes.
    pub const LEN: usize = 16;
}

impl fmt::Debug for Blind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Blind(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// An app's blinding key. Made once with the app and never changed, since every key of its records
/// is made with it.
#[derive(ZeroizeOnDrop)]
pub struct BlindKey {
    material: KeyMaterial,
    /// Wiped by the library when it is freed.
    #[zeroize(skip)]
    hmac: hmac::Key,
}

impl BlindKey {
    /// A new random key.
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self::new(KeyMaterial::random(entropy))
    }

    /// The key made of this material.
    pub fn new(material: KeyMaterial) -> Self {
        let hmac = hmac::Key::new(hmac::HMAC_SHA256, material.expose());
        Self { material, hmac }
    }

    /// The key's bytes, for the vault's files.
    pub fn expose(&self) -> &[u8; KeyMaterial::LEN] {
        self.material.expose()
    }

    /// Blinds the identifier that consists of `parts` and is of the kind `label`.
    ///
    /// Label and parts are encoded with their lengths, so that different lists of parts never blind
    /// to the same value: `["ab", "c"]` and `["a", "bc"]` differ.
    pub fn blind(&self, label: &str, parts: &[&[u8]]) -> Blind {
        let mut hmac = hmac::Context::with_key(&self.hmac);
        for part in std::iter::once(&label.as_bytes()).chain(parts) {
            hmac.update(&(part.len() as u64).to_be_bytes());
            hmac.update(part);
        }
        let tag = hmac.sign();
        let first = tag.as_ref().first_chunk().expect("an HMAC-SHA-256 has 32 bytes");
        Blind(*first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use stoa_core::SeededEntropy;

    fn key(byte: u8) -> BlindKey {
        BlindKey::new(KeyMaterial::copy_of(&[byte; 32]))
    }

    /// Blinded ids are stored for ever: this value may not change.
    #[test]
    fn the_encoding_stays() {
        let mut plain = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]));
        plain.update(b"\0\0\0\0\0\0\0\x04user\0\0\0\0\0\0\0\x05alice");
        assert_eq!(key(7).blind("user", &[b"alice"]).0, plain.sign().as_ref()[..16]);
    }

    #[test]
    fn kind_and_key_matter() {
        let alice = key(1).blind("user", &[b"alice"]);
        assert_ne!(alice, key(1).blind("group", &[b"alice"]));
        assert_ne!(alice, key(2).blind("user", &[b"alice"]));
        assert_eq!(alice, key(1).blind("user", &[b"alice"]));
        let random = BlindKey::random(&SeededEntropy::new(1));
        assert_ne!(alice, random.blind("user", &[b"alice"]));
    }

    proptest! {
        #[test]
        fn different_lists_of_parts_blind_differently(
            a in proptest::collection::vec(proptest::collection::vec(0..3_u8, 0..4), 0..4),
            b in proptest::collection::vec(proptest::collection::vec(0..3_u8, 0..4), 0..4),
        ) {
            let blind = |parts: &[Vec<u8>]| {
                key(1).blind("x", &parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
            };
            prop_assert_eq!(blind(&a) == blind(&b), a == b);
        }
    }
}
