//! Key material and the AES-256-GCM cipher made from it.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, UnboundKey};
use stoa_core::Entropy;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::Nonce;

/// 32 secret bytes: one heap allocation, zeroed on drop, never printed, compared or cloned.
pub struct KeyMaterial(Box<[u8; Self::LEN]>);

impl KeyMaterial {
    /// The length of every key, in bytes.
    pub const LEN: usize = 32;

    /// Random key material.
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self::filled_by(|bytes| entropy.fill(bytes))
    }

    /// Copies key material from where it was read. The caller wipes its own copy.
    pub fn copy_of(bytes: &[u8; Self::LEN]) -> Self {
        Self::filled_by(|own| own.copy_from_slice(bytes))
    }

    /// Writes key material straight into the allocation that will be wiped.
    pub(crate) fn filled_by(fill: impl FnOnce(&mut [u8; Self::LEN])) -> Self {
        let mut key = Self(Box::new([0; Self::LEN]));
        fill(&mut key.0);
        key
    }

    /// The bytes, for sealing them into a file.
    pub fn expose(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl Drop for KeyMaterial {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for KeyMaterial {}

/// A data key: what seals the records of one bucket of one class of data.
#[derive(ZeroizeOnDrop)]
pub struct DataKey(KeyMaterial);

impl DataKey {
    /// A new random key.
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(KeyMaterial::random(entropy))
    }

    /// The key made of this material.
    pub fn new(material: KeyMaterial) -> Self {
        Self(material)
    }

    /// The key's bytes, for the vault's files.
    pub fn expose(&self) -> &[u8; KeyMaterial::LEN] {
        self.0.expose()
    }

    /// Expands the key for use. Takes about as long as sealing one short record and the result is
    /// some 600 bytes, so keep it for keys that seal often.
    pub fn cipher(&self) -> Cipher {
        Cipher::new(self.0.expose())
    }
}

/// Bytes that were not sealed under this key, nonce and associated data, or were altered since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not authentic under this key and associated data")]
pub struct NotAuthentic;

/// An expanded AES-256-GCM key. The library wipes it when it frees it.
pub struct Cipher(LessSafeKey);

impl Cipher {
    /// The length of the authentication tag, in bytes.
    pub const TAG_LEN: usize = 16;

    /// Expands the 32 bytes of a key.
    pub fn new(key: &[u8; KeyMaterial::LEN]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("an AES-256 key has 32 bytes");
        Self(LessSafeKey::new(key))
    }

    /// Encrypts `buffer` from `start` on, in place, and appends the tag.
    ///
    /// The caller must never use a nonce twice with one key.
    pub(crate) fn seal_from(&self, nonce: Nonce, aad: &[u8], buffer: &mut Vec<u8>, start: usize) {
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce.into_aead(), Aad::from(aad), &mut buffer[start..])
            .expect("sealing fails only beyond 64 GiB");
        buffer.extend_from_slice(tag.as_ref());
    }

    /// Opens `sealed` (ciphertext and tag) into a buffer of its own.
    pub(crate) fn open_with(
        &self,
        nonce: Nonce,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, NotAuthentic> {
        let split = sealed.len().checked_sub(Self::TAG_LEN).ok_or(NotAuthentic)?;
        let (ciphertext, tag) = sealed.split_at(split);
        let mut plain = vec![0; ciphertext.len()];
        self.0
            .open_separate_gather(nonce.into_aead(), Aad::from(aad), ciphertext, tag, &mut plain)
            .map_err(|_| NotAuthentic)?;
        Ok(plain)
    }

    /// Seals one piece of a file whose key numbers its pieces: `index` takes the nonce's place.
    ///
    /// Sound only if no other piece is ever sealed under this key and `index`, which holds for a key
    /// that was made for one file that is written once (index 0) or only appended to.
    pub fn seal_piece(&self, index: u64, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(plain.len() + Self::TAG_LEN);
        out.extend_from_slice(plain);
        self.seal_from(Nonce::of_piece(index), aad, &mut out, 0);
        out
    }

    /// Opens what [`Self::seal_piece`] sealed.
    ///
    /// # Errors
    /// When a byte of `sealed`, the key, the index or `aad` differs.
    pub fn open_piece(
        &self,
        index: u64,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, NotAuthentic> {
        self.open_with(Nonce::of_piece(index), aad, sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_core::SeededEntropy;

    #[test]
    fn keys_are_wiped_when_they_are_dropped() {
        fn wiped<T: ZeroizeOnDrop>() {}
        wiped::<KeyMaterial>();
        wiped::<DataKey>();
        wiped::<crate::RootKey>();
        wiped::<crate::BlindKey>();
    }

    #[test]
    fn a_piece_opens_only_where_it_was_sealed() {
        let entropy = SeededEntropy::new(1);
        let cipher = DataKey::random(&entropy).cipher();
        let sealed = cipher.seal_piece(7, b"page 3", b"keys");
        assert_eq!(cipher.open_piece(7, b"page 3", &sealed).unwrap(), b"keys");
        assert_eq!(cipher.open_piece(8, b"page 3", &sealed), Err(NotAuthentic));
        assert_eq!(cipher.open_piece(7, b"page 4", &sealed), Err(NotAuthentic));
        assert_eq!(cipher.open_piece(7, b"page 3", &sealed[..15]), Err(NotAuthentic));
        let other = DataKey::random(&entropy).cipher();
        assert_eq!(other.open_piece(7, b"page 3", &sealed), Err(NotAuthentic));
    }
}
