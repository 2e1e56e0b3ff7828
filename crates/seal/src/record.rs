//! The sealed record: `version u8 = 1 ‖ key id u64 BE ‖ nonce 12 ‖ ciphertext ‖ tag 16`.
//!
//! Authenticated with it: version ‖ key id ‖ the caller's associated data. The first two have fixed
//! lengths, so the whole is unambiguous. What the version means is fixed for ever; a new layout gets
//! a new number.

use std::fmt;

use smallvec::SmallVec;

use crate::{Cipher, Nonce};

/// The number of a data key, unique in its vault and never given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub u64);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Why a record does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Shorter than a header and a tag, or of a version that this program does not know.
    #[error("not a sealed record of a known version")]
    Format,
    /// Altered, cut, or not the record that was sealed for this place.
    #[error("the record is not the one that was sealed for this place")]
    Tampered,
}

/// The clear part of a record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RecordHeader {
    /// The key that sealed it.
    pub key: KeyId,
    /// The nonce it was sealed with.
    pub nonce: Nonce,
}

impl RecordHeader {
    /// The only version so far.
    pub const VERSION: u8 = 1;
    /// The length of the header, in bytes.
    pub const LEN: usize = 1 + 8 + Nonce::LEN;
    /// How many bytes a record is longer than what it seals.
    pub const OVERHEAD: usize = Self::LEN + Cipher::TAG_LEN;

    /// Reads the header of `record`; the rest of it may still turn out to be altered.
    ///
    /// # Errors
    /// [`OpenError::Format`] when it is too short for a record or its version is unknown.
    pub fn parse(record: &[u8]) -> Result<Self, OpenError> {
        if record.len() < Self::OVERHEAD {
            return Err(OpenError::Format);
        }
        let (version, rest) = record.split_first().ok_or(OpenError::Format)?;
        let (key, rest) = rest.split_first_chunk().ok_or(OpenError::Format)?;
        let (nonce, _) = rest.split_first_chunk().ok_or(OpenError::Format)?;
        if *version != Self::VERSION {
            return Err(OpenError::Format);
        }
        Ok(Self { key: KeyId(u64::from_be_bytes(*key)), nonce: Nonce::from_bytes(*nonce) })
    }

    /// Version and key id before the caller's associated data. A store key fits without allocating.
    fn bind(key: KeyId, aad: &[u8]) -> SmallVec<[u8; 128]> {
        let mut bound = SmallVec::with_capacity(9 + aad.len());
        bound.push(Self::VERSION);
        bound.extend_from_slice(&key.0.to_be_bytes());
        bound.extend_from_slice(aad);
        bound
    }
}

/// Seals `plain` under the key `key`, whose expanded form is `cipher`, for the place that `aad` names.
///
/// `nonce` must come from a [`crate::NonceSource`] and be used for this one record.
pub fn seal_record(key: KeyId, cipher: &Cipher, nonce: Nonce, aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity(RecordHeader::OVERHEAD + plain.len());
    record.push(RecordHeader::VERSION);
    record.extend_from_slice(&key.0.to_be_bytes());
    record.extend_from_slice(nonce.as_bytes());
    record.extend_from_slice(plain);
    cipher.seal_from(nonce, &RecordHeader::bind(key, aad), &mut record, RecordHeader::LEN);
    record
}

/// Opens `record`, whose header is `header` and whose key's expanded form is `cipher`, at the place
/// that `aad` names.
///
/// # Errors
/// [`OpenError`] when it is not a record, or not the one sealed under this key for this place.
pub fn open_record(
    header: &RecordHeader,
    cipher: &Cipher,
    aad: &[u8],
    record: &[u8],
) -> Result<Vec<u8>, OpenError> {
    let sealed = record.get(RecordHeader::LEN..).ok_or(OpenError::Format)?;
    cipher
        .open_with(header.nonce, &RecordHeader::bind(header.key, aad), sealed)
        .map_err(|_| OpenError::Tampered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DataKey, Epoch, NonceSource};
    use proptest::prelude::*;
    use stoa_core::SeededEntropy;

    fn open(cipher: &Cipher, aad: &[u8], record: &[u8]) -> Result<Vec<u8>, OpenError> {
        open_record(&RecordHeader::parse(record)?, cipher, aad, record)
    }

    fn cipher(seed: u64) -> Cipher {
        DataKey::random(&SeededEntropy::new(seed)).cipher()
    }

    fn nonce() -> Nonce {
        NonceSource::new(Epoch(3), &SeededEntropy::new(5)).next().unwrap()
    }

    /// Records are stored for months: this layout may be added to, never changed.
    #[test]
    fn the_layout_of_version_1_stays() {
        let cipher = Cipher::new(&[0x42; 32]);
        let nonce = Nonce::from_bytes([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        let record = seal_record(KeyId(0x0102), &cipher, nonce, b"place", b"hello");
        assert_eq!(
            record[..21],
            [1, 0, 0, 0, 0, 0, 0, 1, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
        );
        assert_eq!(record.len(), RecordHeader::OVERHEAD + 5);
        assert_eq!(open(&cipher, b"place", &record).unwrap(), b"hello");
    }

    #[test]
    fn a_record_opens_under_its_own_key_and_place_only() {
        let record = seal_record(KeyId(1), &cipher(1), nonce(), b"place", b"hello");
        assert_eq!(open(&cipher(1), b"place", &record).unwrap(), b"hello");
        assert_eq!(open(&cipher(1), b"plac", &record), Err(OpenError::Tampered));
        assert_eq!(open(&cipher(2), b"place", &record), Err(OpenError::Tampered));
        let mut newer = record;
        newer[0] = 2;
        assert_eq!(open(&cipher(1), b"place", &newer), Err(OpenError::Format));
    }

    proptest! {
        #[test]
        fn any_altered_bit_is_refused(
            plain in proptest::collection::vec(any::<u8>(), 0..80),
            aad in proptest::collection::vec(any::<u8>(), 0..200),
            at in any::<proptest::sample::Index>(),
            bit in 0..8_u8,
        ) {
            let cipher = cipher(1);
            let mut record = seal_record(KeyId(77), &cipher, nonce(), &aad, &plain);
            prop_assert_eq!(open(&cipher, &aad, &record), Ok(plain));
            let at = at.index(record.len());
            record[at] ^= 1 << bit;
            prop_assert!(open(&cipher, &aad, &record).is_err());
        }

        #[test]
        fn a_cut_or_lengthened_record_is_refused(
            plain in proptest::collection::vec(any::<u8>(), 0..80),
            cut in any::<proptest::sample::Index>(),
            extra in proptest::collection::vec(any::<u8>(), 1..20),
        ) {
            let cipher = cipher(1);
            let record = seal_record(KeyId(77), &cipher, nonce(), b"", &plain);
            prop_assert!(open(&cipher, b"", &record[..cut.index(record.len())]).is_err());
            prop_assert!(open(&cipher, b"", &[record, extra].concat()).is_err());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120), version in any::<bool>()) {
            let mut bytes = bytes;
            if version && !bytes.is_empty() {
                bytes[0] = RecordHeader::VERSION;
            }
            prop_assert!(open(&cipher(1), b"", &bytes).is_err());
        }
    }
}
