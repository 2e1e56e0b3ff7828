//! The protobuf encoding by hand, where building a value would cost more than it tells: walking
//! over the fields of bytes that came, and writing fields around bytes that are there already.

use bytes::BufMut;
use prost::encoding::{WireType, decode_varint, encode_key, encode_varint, encoded_len_varint};

/// Why bytes from a client cannot be read. Always the client's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The frame is larger than allowed; nothing of it was read.
    #[error("frame of {bytes} bytes is above the limit of {limit}")]
    TooLarge {
        /// The frame's length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Not this protobuf message.
    #[error("malformed frame: {0}")]
    Malformed(#[from] prost::DecodeError),
    /// Not this protobuf message, found while walking over its fields.
    #[error("malformed message body: {0}")]
    MalformedBody(&'static str),
}

/// The value of one field as it stands in the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Raw<'a> {
    Varint(u64),
    Fixed64,
    /// A text, bytes or a nested message.
    Bytes(&'a [u8]),
    Fixed32,
}

/// The fields of one encoded message in the order in which they stand.
///
/// Groups are refused: they left protobuf before this protocol was made, and skipping them is the
/// only thing here that would need recursion.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// What was not walked over yet.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) =
            self.rest.split_at_checked(n).ok_or(DecodeError::MalformedBody("ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, DecodeError> {
        decode_varint(&mut self.rest).map_err(|_| DecodeError::MalformedBody("bad varint"))
    }

    fn field(&mut self) -> Result<(u32, Raw<'a>), DecodeError> {
        let key = u32::try_from(self.varint()?)
            .map_err(|_| DecodeError::MalformedBody("field number out of range"))?;
        let value = match key & 7 {
            0 => Raw::Varint(self.varint()?),
            1 => self.take(8).map(|_| Raw::Fixed64)?,
            2 => {
                let len = usize::try_from(self.varint()?)
                    .map_err(|_| DecodeError::MalformedBody("ends too early"))?;
                Raw::Bytes(self.take(len)?)
            }
            5 => self.take(4).map(|_| Raw::Fixed32)?,
            _ => return Err(DecodeError::MalformedBody("bad wire type")),
        };
        match key >> 3 {
            0 => Err(DecodeError::MalformedBody("field number out of range")),
            number => Ok((number, value)),
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Raw<'a>), DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// What a known field must look like. Decoders in the field trust a known number and do not look
/// at its wire type, so that a body with the wrong one would break them.
pub(crate) enum Shape {
    Varint,
    Fixed64,
    Fixed32,
    Text,
    Message(Schema),
}

/// The known fields of a message. Schemas are finite, which bounds the depth of [`check`].
pub(crate) type Schema = &'static [(u32, Shape)];

/// Checks one field against `schema`, nested messages included. Unknown fields pass.
pub(crate) fn check(schema: Schema, number: u32, value: Raw<'_>) -> Result<(), DecodeError> {
    let Some((_, shape)) = schema.iter().find(|(known, _)| *known == number) else {
        return Ok(());
    };
    match (shape, value) {
        (Shape::Varint, Raw::Varint(_))
        | (Shape::Fixed64, Raw::Fixed64)
        | (Shape::Fixed32, Raw::Fixed32) => Ok(()),
        (Shape::Text, Raw::Bytes(text)) => match std::str::from_utf8(text) {
            Ok(_) => Ok(()),
            Err(_) => Err(DecodeError::MalformedBody("text is not UTF-8")),
        },
        (Shape::Message(schema), Raw::Bytes(message)) => Fields::new(message)
            .try_for_each(|field| field.and_then(|(number, value)| check(schema, number, value))),
        _ => Err(DecodeError::MalformedBody("field of another type")),
    }
}

/// Copies the fields of `message` that `keep` picks, as they stand.
pub(crate) fn copy(
    message: &[u8],
    keep: impl Fn(u32) -> bool,
    out: &mut impl BufMut,
) -> Result<(), DecodeError> {
    let mut fields = Fields::new(message);
    loop {
        let before = fields.rest();
        let Some(field) = fields.next() else { return Ok(()) };
        let (number, _) = field?;
        if keep(number) {
            out.put_slice(&before[..before.len() - fields.rest().len()]);
        }
    }
}

/// Writes a field of bytes, text or a nested message.
pub(crate) fn put_bytes(number: u32, value: &[u8], out: &mut impl BufMut) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(value.len() as u64, out);
    out.put_slice(value);
}

/// Writes a field of a number, an enumeration or a boolean.
pub(crate) fn put_varint(number: u32, value: u64, out: &mut impl BufMut) {
    encode_key(number, WireType::Varint, out);
    encode_varint(value, out);
}

/// What [`put_bytes`] writes for a field below number 16 and a value of `len` bytes.
pub(crate) fn bytes_len(len: usize) -> usize {
    1 + encoded_len_varint(len as u64) + len
}

/// What [`put_varint`] writes for a field below number 16.
pub(crate) fn varint_len(value: u64) -> usize {
    1 + encoded_len_varint(value)
}
