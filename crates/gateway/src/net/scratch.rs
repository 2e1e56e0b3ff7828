//! Buffers that belong to a thread and are lent for the length of one call.
//!
//! A buffer is taken out while it is in use, so that a call within a call gets one of its own
//! instead of a panic.

use std::cell::Cell;
use std::thread::LocalKey;

/// Bytes that a read asks the socket for at once.
pub(crate) const READ_BYTES: usize = 64 * 1024;
/// Bytes of frames that go into one write, as long as single frames are not larger.
pub(crate) const WRITE_BYTES: usize = 64 * 1024;
/// A buffer that grew beyond this is not kept.
const KEEP_BYTES: usize = 256 * 1024;

thread_local! {
    /// What comes from a socket.
    pub(crate) static READ: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// Plaintext gathered for a write.
    pub(crate) static GATHER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// What goes to a socket.
    pub(crate) static SEAL: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends this thread's buffer to `work`. Its contents are whatever was left in it.
pub(crate) fn lend<R>(
    buffer: &'static LocalKey<Cell<Vec<u8>>>,
    work: impl FnOnce(&mut Vec<u8>) -> R,
) -> R {
    let mut bytes = buffer.take();
    let result = work(&mut bytes);
    if bytes.capacity() <= KEEP_BYTES {
        buffer.set(bytes);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loan_within_a_loan_gets_a_buffer_of_its_own() {
        lend(&READ, |outer| {
            outer.clear();
            outer.extend_from_slice(b"outer");
            lend(&READ, |inner| inner.extend_from_slice(b"inner"));
            assert_eq!(outer, b"outer");
        });
    }

    #[test]
    fn large_buffers_are_not_kept() {
        lend(&SEAL, |bytes| bytes.reserve(KEEP_BYTES + 1));
        lend(&SEAL, |bytes| assert_eq!(bytes.capacity(), 0));
    }
}
