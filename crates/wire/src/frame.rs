//! Frames: reading one within bounds, and making one for many recipients.
//!
//! The one idea: what all recipients of a page get alike (status, queue, metas, time) is encoded
//! once and shared; what differs (next key, last mark) and what encloses it (command, length) are
//! a few bytes inside the frame itself. Protobuf fields may stand in any order, so the three parts
//! behind each other are one valid [`MSync`].

use bytes::{Bytes, BytesMut};
use prost::Message;

use crate::fields::{self, DecodeError, put_bytes, put_varint};
use crate::{Command, Jid, MSync};

/// What a frame from a client may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole frame.
    pub frame_bytes: usize,
}

/// Reads one frame. Its payload is a part of `frame`, not a copy.
///
/// # Errors
/// When the frame is too large or is not an [`MSync`].
pub fn decode_frame(frame: Bytes, limits: Limits) -> Result<MSync, DecodeError> {
    if frame.len() > limits.frame_bytes {
        return Err(DecodeError::TooLarge { bytes: frame.len(), limit: limits.frame_bytes });
    }
    Ok(MSync::decode(frame)?)
}

/// Up to `N` bytes kept in place.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Short<const N: usize> {
    len: u8,
    bytes: [u8; N],
}

impl<const N: usize> Short<N> {
    const EMPTY: Self = Self { len: 0, bytes: [0; N] };

    fn write(fill: impl FnOnce(&mut &mut [u8])) -> Self {
        let mut short = Self::EMPTY;
        let mut room = short.bytes.as_mut_slice();
        fill(&mut room);
        let left = room.len();
        short.len = u8::try_from(N - left).expect("N is below 256");
        short
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// Command and payload tag, two bytes and one; a payload's length of up to 2^35 bytes.
const HEAD: usize = 8;
/// `nextKey` with its longest value and `isLast`.
const TAIL: usize = 13;

/// One encoded frame, ready for any number of sockets: cloning shares the body.
#[derive(Clone)]
pub struct Frame {
    head: Short<HEAD>,
    body: Bytes,
    tail: Short<TAIL>,
}

impl Frame {
    /// A frame of `command` with `payload`.
    pub fn new(command: Command, payload: &impl Message) -> Self {
        let len = payload.encoded_len();
        let mut body = BytesMut::with_capacity(HEAD + len);
        put_head(command, len, &mut body);
        payload.encode(&mut body).expect("a buffer that grows takes everything");
        Self::from_bytes(body.freeze())
    }

    /// The frame of any outer message.
    pub fn from_msync(frame: &MSync) -> Self {
        Self::from_bytes(frame.encode_to_vec().into())
    }

    /// The frame whose encoding is `frame`.
    pub fn from_bytes(frame: Bytes) -> Self {
        Self { head: Short::EMPTY, body: frame, tail: Short::EMPTY }
    }

    /// The bytes, in three parts that belong behind each other.
    pub fn parts(&self) -> [&[u8]; 3] {
        [self.head.as_slice(), &self.body, self.tail.as_slice()]
    }

    /// Bytes of the whole frame.
    #[expect(clippy::len_without_is_empty, reason = "a frame is never empty")]
    pub fn len(&self) -> usize {
        self.parts().iter().map(|part| part.len()).sum()
    }

    /// The bytes in one piece; a copy unless the frame is in one piece already.
    pub fn to_bytes(&self) -> Bytes {
        if self.head.len == 0 && self.tail.len == 0 {
            return self.body.clone();
        }
        self.parts().concat().into()
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame").field("bytes", &self.len()).finish()
    }
}

fn put_head(command: Command, payload_len: usize, out: &mut impl bytes::BufMut) {
    put_varint(8, u64::from(command as u8), out);
    // The payload's tag and length; its bytes follow.
    prost::encoding::encode_key(9, prost::encoding::WireType::LengthDelimited, out);
    prost::encoding::encode_varint(payload_len as u64, out);
}

/// What all recipients of one page of a queue get alike.
#[derive(Clone)]
pub struct SharedFrame {
    body: Bytes,
}

impl SharedFrame {
    /// The page of `queue` with the encoded `metas` (see [`delivery`](crate::delivery)), made at
    /// `timestamp` (milliseconds since 1970).
    pub fn new<M: AsRef<[u8]>>(queue: &Jid, metas: &[M], timestamp: u64) -> Self {
        let queue = queue.encode_to_vec();
        let metas_len: usize =
            metas.iter().map(|meta| fields::bytes_len(meta.as_ref().len())).sum();
        let len = fields::bytes_len(0)
            + metas_len
            + fields::bytes_len(queue.len())
            + fields::varint_len(timestamp);
        let mut body = BytesMut::with_capacity(len);
        put_bytes(1, &[], &mut body); // status: present and empty, which means OK
        for meta in metas {
            put_bytes(4, meta.as_ref(), &mut body);
        }
        put_bytes(6, &queue, &mut body);
        put_varint(8, timestamp, &mut body);
        debug_assert_eq!(body.len(), len);
        Self { body: body.freeze() }
    }

    /// The frame for one recipient. It shares the body.
    ///
    /// `next_key` is what the client names when it acknowledges; a page with `is_last` is not
    /// acknowledged.
    pub fn with_tail(&self, next_key: Option<u64>, is_last: bool) -> Frame {
        let tail = Short::write(|room| {
            if let Some(key) = next_key {
                put_varint(5, key, room);
            }
            put_varint(7, is_last.into(), room);
        });
        let payload_len = self.body.len() + tail.as_slice().len();
        let head = Short::write(|room| put_head(Command::Sync, payload_len, room));
        Frame { head, body: self.body.clone(), tail }
    }

    /// Bytes that are shared.
    #[expect(clippy::len_without_is_empty, reason = "status and time are always in it")]
    pub fn len(&self) -> usize {
        self.body.len()
    }
}

impl std::fmt::Debug for SharedFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedFrame").field("bytes", &self.len()).finish()
    }
}
