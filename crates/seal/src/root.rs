//! The root key: the one secret that stands outside the vault.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stoa_core::Entropy;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::{KeyMaterial, derive};

/// The operator's 32-byte root key. Together with the vault's erasable secret it opens the vault.
#[derive(ZeroizeOnDrop)]
pub struct RootKey(KeyMaterial);

/// What tells one root key from another without telling anything about it, for error messages and
/// to notice a wrong key before trying it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RootKeyFingerprint(pub [u8; 8]);

impl fmt::Display for RootKeyFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RootKeyFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKeyFingerprint({self})")
    }
}

/// Why a text is no root key. Never quotes the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RootKeyFormatError {
    /// Neither 64 nor 44 characters.
    #[error("a root key is 64 hexadecimal or 44 base64 characters (32 bytes), got {0} characters")]
    Length(usize),
    /// 64 characters, not all hexadecimal.
    #[error(
        "a root key of 64 characters must be hexadecimal (0-9, a-f), but it has other characters"
    )]
    Hex,
    /// 44 characters, not the base64 of 32 bytes.
    #[error("a root key of 44 characters must be the base64 of 32 bytes, which it is not")]
    Base64,
    /// It can be guessed.
    #[error(
        "this root key can be guessed: it repeats itself or counts; make one with 'openssl rand -hex 32'"
    )]
    Weak,
}

/// How many of the 32 bytes of a root key differ at the least. Of random ones, fewer than 20 do so in less than
/// one of 10^10 keys.
const DISTINCT: usize = 20;

/// Whether a key can be guessed: it has few different bytes, or each follows from the one before by the same step.
fn is_weak(bytes: &[u8; KeyMaterial::LEN]) -> bool {
    let mut seen = [false; 256];
    bytes.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    let distinct = seen.iter().filter(|seen| **seen).count();
    let step = bytes[1].wrapping_sub(bytes[0]);
    distinct < DISTINCT || bytes.windows(2).all(|two| two[1].wrapping_sub(two[0]) == step)
}

impl RootKey {
    /// A new random key.
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(KeyMaterial::random(entropy))
    }

    /// Reads 64 hexadecimal or 44 base64 characters; line ends after them are ignored.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, RootKeyFormatError> {
        let text = text.trim_end_matches(['\n', '\r']);
        let mut bytes = Zeroizing::new([0; KeyMaterial::LEN]);
        match text.len() {
            64 => {
                for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
                    let digit = |c: u8| char::from(c).to_digit(16).ok_or(RootKeyFormatError::Hex);
                    let value = digit(pair[0])? << 4 | digit(pair[1])?;
                    *byte = u8::try_from(value).expect("two hexadecimal digits make a byte");
                }
            }
            44 => {
                let mut decoded = Zeroizing::new([0; 33]);
                let length = STANDARD.decode_slice(text, decoded.as_mut_slice());
                if length != Ok(KeyMaterial::LEN) {
                    return Err(RootKeyFormatError::Base64);
                }
                bytes.copy_from_slice(&decoded[..KeyMaterial::LEN]);
            }
            _ => return Err(RootKeyFormatError::Length(text.chars().count())),
        }
        Ok(Self(KeyMaterial::copy_of(&bytes)))
    }

    /// As [`Self::parse`], of a key that an operator has given.
    ///
    /// # Errors
    /// When it is no root key, or can be guessed.
    pub fn parse_strong(text: &str) -> Result<Self, RootKeyFormatError> {
        let key = Self::parse(text)?;
        if is_weak(key.expose()) { Err(RootKeyFormatError::Weak) } else { Ok(key) }
    }

    /// The key as 64 hexadecimal characters, for the file it is kept in.
    pub fn to_hex(&self) -> Zeroizing<String> {
        // The capacity is exact, so that growing leaves no copy behind.
        let mut text = Zeroizing::new(String::with_capacity(2 * KeyMaterial::LEN));
        for digit in self.0.expose().iter().flat_map(|byte| [byte >> 4, byte & 15]) {
            text.push(char::from_digit(u32::from(digit), 16).expect("below 16"));
        }
        text
    }

    /// The key's fingerprint: derived one-way.
    pub fn fingerprint(&self) -> RootKeyFingerprint {
        let derived = derive::expand(self.expose(), "root key fingerprint");
        RootKeyFingerprint(*derived.expose().first_chunk().expect("32 bytes hold 8"))
    }

    pub(crate) fn expose(&self) -> &[u8; KeyMaterial::LEN] {
        self.0.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use stoa_core::SeededEntropy;

    #[test]
    fn keys_that_can_be_guessed_are_not_taken_from_an_operator() {
        let counting: String = (0..32).map(|n| format!("{:02x}", n * 3)).collect();
        let weak = ["00".repeat(32), "0011223344556677".repeat(4), "5aa5".repeat(16), counting];
        for text in weak {
            assert!(RootKey::parse(&text).is_ok());
            let refused = RootKey::parse_strong(&text).err();
            assert_eq!(refused, Some(RootKeyFormatError::Weak), "{text}");
        }
        for seed in 0..1000 {
            let random = RootKey::random(&SeededEntropy::new(seed)).to_hex();
            assert!(RootKey::parse_strong(&random).is_ok());
        }
    }

    #[test]
    fn both_spellings_are_read() {
        let key = RootKey::random(&SeededEntropy::new(1));
        let hex = key.to_hex();
        let base64 = STANDARD.encode(key.expose());
        let spellings = [
            hex.to_string(),
            format!("{}\r\n", hex.as_str()),
            hex.to_uppercase(),
            base64.clone(),
            format!("{base64}\n"),
        ];
        for text in spellings {
            let read = RootKey::parse(&text).ok().unwrap();
            assert_eq!(read.expose(), key.expose());
            assert_eq!(read.fingerprint(), key.fingerprint());
        }
    }

    #[test]
    fn errors_say_what_is_wrong_and_never_quote() {
        let refused = |text: &str| RootKey::parse(text).err().unwrap();
        assert_eq!(refused(""), RootKeyFormatError::Length(0));
        assert_eq!(refused(&"a".repeat(63)), RootKeyFormatError::Length(63));
        assert_eq!(refused(&"g".repeat(64)), RootKeyFormatError::Hex);
        assert_eq!(refused(&"a".repeat(44)), RootKeyFormatError::Base64);
        assert_eq!(refused(&"ä".repeat(32)), RootKeyFormatError::Hex);
    }

    #[test]
    fn a_fingerprint_does_not_show_the_key() {
        let entropy = SeededEntropy::new(1);
        let (a, b) = (RootKey::random(&entropy), RootKey::random(&entropy));
        assert_ne!(a.fingerprint(), b.fingerprint());
        assert!(!a.to_hex().contains(&a.fingerprint().to_string()));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,70}") {
            let _ = RootKey::parse(&text);
        }
    }
}
