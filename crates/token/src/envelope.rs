//! The outer form of a token: strict base64, and for 007 a zlib stream with a bound on its output
//! (token specification, sections 2, 3 and 9).
//!
//! An inflate state and the two buffers are kept for each thread: setting them up costs more than
//! all the rest of a verification.

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush, Status, compress_bound};

use crate::{Error, MAX_CONTENT_BYTES, MAX_TOKEN_BYTES};

const WINDOW_BITS: u8 = 15;
const ZLIB_HEADER: bool = true;

struct Scratch {
    inflate: Inflate,
    compressed: Box<[u8]>,
    /// One byte longer than allowed, so that too much is seen without inflating all of it.
    content: Box<[u8]>,
}

impl Scratch {
    fn new() -> Self {
        Self {
            inflate: Inflate::new(ZLIB_HEADER, WINDOW_BITS),
            compressed: vec![0; base64::decoded_len_estimate(MAX_TOKEN_BYTES)].into(),
            content: vec![0; MAX_CONTENT_BYTES + 1].into(),
        }
    }

    fn decode(&mut self, text: &[u8]) -> Result<&[u8], Error> {
        let length =
            STANDARD.decode_slice(text, &mut self.compressed).map_err(|_| Error::BadBase64)?;
        Ok(&self.compressed[..length])
    }

    fn inflate(&mut self, text: &[u8]) -> Result<&[u8], Error> {
        let length = self.decode(text)?.len();
        let compressed = &self.compressed[..length];
        self.inflate.reset(ZLIB_HEADER);
        let status = self.inflate.decompress(compressed, &mut self.content, InflateFlush::Finish);
        // Both totals are within the buffers just handed over.
        let produced = usize::try_from(self.inflate.total_out()).map_err(|_| Error::TooLarge)?;
        if produced > MAX_CONTENT_BYTES {
            return Err(Error::TooLarge);
        }
        match status {
            Ok(Status::StreamEnd) => {}
            Ok(Status::Ok | Status::BufError) | Err(_) => return Err(Error::BadZlib),
        }
        if usize::try_from(self.inflate.total_in()) != Ok(compressed.len()) {
            return Err(Error::TrailingData);
        }
        Ok(&self.content[..produced])
    }
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
}

/// Hands the content behind base64 `text` to `read`. `text` is at most [`MAX_TOKEN_BYTES`] long.
pub(crate) fn decoded<T>(
    text: &[u8],
    read: impl FnOnce(&[u8]) -> Result<T, Error>,
) -> Result<T, Error> {
    SCRATCH.with_borrow_mut(|scratch| read(scratch.decode(text)?))
}

/// Hands the content behind base64 and zlib to `read`. `text` is at most [`MAX_TOKEN_BYTES`] long.
pub(crate) fn inflated<T>(
    text: &[u8],
    read: impl FnOnce(&[u8]) -> Result<T, Error>,
) -> Result<T, Error> {
    SCRATCH.with_borrow_mut(|scratch| read(scratch.inflate(text)?))
}

/// The 007 token with this content.
pub(crate) fn seal_007(content: &[u8]) -> String {
    encode("007", &deflate(content))
}

/// The 006 token of `app_id` with this content.
pub(crate) fn seal_006(app_id: &str, content: &[u8]) -> String {
    encode(&format!("006{app_id}"), content)
}

/// `head` followed by `body` in base64.
pub(crate) fn encode(head: &str, body: &[u8]) -> String {
    let mut text = head.to_owned();
    STANDARD.encode_string(body, &mut text);
    text
}

fn deflate(content: &[u8]) -> Vec<u8> {
    const LEVEL: i32 = 6;
    let mut state = Deflate::new(LEVEL, ZLIB_HEADER, WINDOW_BITS);
    let mut out = vec![0; compress_bound(content.len())];
    let status = state.compress(content, &mut out, DeflateFlush::Finish);
    assert_eq!(status, Ok(Status::StreamEnd), "the bound covers the worst case");
    out.truncate(usize::try_from(state.total_out()).expect("it lies within the buffer"));
    out
}
