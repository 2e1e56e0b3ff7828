//! The layout of a sealed file: chunk after chunk, and nothing else.
//!
//! Each chunk is a sealed record (`stoa-seal`): header, ciphertext, tag. All but the last hold
//! [`CHUNK`] bytes of plaintext, so where a chunk begins follows from its number. An empty file is one
//! empty chunk. Nothing in a file says how long it is: whoever keeps the file remembers that, and a file
//! of another length is refused before anything of it is opened.
//!
//! Authenticated with a chunk: `0xFF ‖ app number u32 ‖ file id 16 ‖ number of the chunk u64 ‖ 1 if it is
//! the last, else 0`, numbers in big-endian order. Store keys, which take the same place where records
//! are sealed with the same key, never begin with 0xFF.

use std::ops::Range;

use stoa_core::AppNumber;
use stoa_seal::RecordHeader;

use crate::BlobId;

/// Bytes of plaintext in a chunk.
pub const CHUNK: usize = 64 * 1024;
/// Bytes of a full chunk as it is stored.
pub(crate) const SEALED_CHUNK: usize = CHUNK + RecordHeader::OVERHEAD;

/// The chunks of a file of `size` bytes.
pub(crate) const fn chunks(size: u64) -> u64 {
    if size == 0 { 1 } else { size.div_ceil(CHUNK as u64) }
}

/// The bytes that a file of `size` bytes takes when it is sealed.
pub const fn sealed_size(size: u64) -> u64 {
    size.saturating_add(chunks(size).saturating_mul(RecordHeader::OVERHEAD as u64))
}

/// Where the sealed chunks of these numbers lie in a file of `size` bytes.
pub(crate) fn sealed_range(chunks: Range<u64>, size: u64) -> Range<u64> {
    let at = |chunk: u64| chunk.saturating_mul(SEALED_CHUNK as u64).min(sealed_size(size));
    at(chunks.start)..at(chunks.end)
}

/// What a chunk is bound to.
pub(crate) fn place(app: AppNumber, file: BlobId, chunk: u64, last: bool) -> [u8; 30] {
    let mut place = [0; 30];
    place[0] = 0xFF;
    place[1..5].copy_from_slice(&app.0.to_be_bytes());
    place[5..21].copy_from_slice(&file.0);
    place[21..29].copy_from_slice(&chunk.to_be_bytes());
    place[29] = last.into();
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files are stored for days: this layout may be added to, never changed.
    #[test]
    fn the_place_of_a_chunk_stays() {
        let place = place(AppNumber(7), BlobId([9; 16]), 0x0102, true);
        let parts = [&[0xFF][..], &[0, 0, 0, 7], &[9; 16], &[0, 0, 0, 0, 0, 0, 1, 2], &[1]];
        assert_eq!(place[..], parts.concat());
    }

    #[test]
    fn sizes_follow_from_each_other() {
        let chunk = CHUNK as u64;
        let sealed = SEALED_CHUNK as u64;
        assert_eq!((CHUNK, SEALED_CHUNK), (65_536, 65_573));
        for (size, number, stored) in [
            (0, 1, 37),
            (1, 1, 38),
            (chunk, 1, sealed),
            (chunk + 1, 2, sealed + 38),
            (3 * chunk, 3, 3 * sealed),
        ] {
            assert_eq!((chunks(size), sealed_size(size)), (number, stored), "{size}");
        }
        assert_eq!(sealed_range(0..1, 5), 0..42);
        assert_eq!(sealed_range(1..9, chunk + 5), sealed..sealed + 42);
        assert_eq!(sealed_size(u64::MAX), u64::MAX, "no size overflows");
    }
}
