//! What the fuzz target runs.

use bytes::Bytes;

use crate::format::{HEADER, Header, Item};

/// Takes `data` for a header and for the items of a chunk.
///
/// # Panics
/// When something is written differently from what was read.
pub fn exercise(data: &[u8]) {
    if let Some(bytes) = data.first_chunk::<HEADER>()
        && let Ok(header) = Header::decode(bytes)
    {
        assert_eq!(header.encode(), *bytes);
    }
    let mut rest = Bytes::copy_from_slice(data);
    loop {
        let before = rest.clone();
        let Ok(Some(item)) = Item::decode(&mut rest) else { return };
        let mut written = Vec::new();
        item.encode(&mut written);
        assert_eq!(written, before[..before.len() - rest.len()]);
    }
}
