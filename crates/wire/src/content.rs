//! Judging the bytes of a [`MessageBody`](crate::MessageBody) without decoding it.
//!
//! A body stays the bytes that its sender wrote. What the server must know is read by walking over
//! them: nothing is allocated, however many tiny parts a hostile body has, and unknown fields stay.
//! Everything that clients decode is checked on the way, because a client that fails on one body
//! loses the rest of the page it came in.

use bytes::{BufMut, Bytes, BytesMut};

use crate::fields::{self, DecodeError, Fields, Raw, Schema, Shape, put_bytes, put_varint};
use crate::{ContentSubType, ContentType, EditScope, MessageType};

const JID: Schema = &[(1, Shape::Text), (2, Shape::Text), (3, Shape::Text), (4, Shape::Text)];

const KEY_VALUE: Schema = &[
    (1, Shape::Text),
    (2, Shape::Varint),
    (3, Shape::Varint),
    (4, Shape::Fixed32),
    (5, Shape::Fixed64),
    (6, Shape::Text),
];

const SIZE: Schema = &[(1, Shape::Fixed64), (2, Shape::Fixed64)];

const CONTENT: Schema = &[
    (1, Shape::Varint),
    (2, Shape::Text),
    (3, Shape::Fixed64),
    (4, Shape::Fixed64),
    (5, Shape::Text),
    (6, Shape::Text),
    (7, Shape::Text),
    (8, Shape::Text),
    (9, Shape::Varint),
    (10, Shape::Text),
    (11, Shape::Message(KEY_VALUE)),
    (12, Shape::Varint),
    (13, Shape::Message(SIZE)),
    (14, Shape::Text),
    (15, Shape::Text),
    (16, Shape::Text),
    (17, Shape::Varint),
    (18, Shape::Message(SIZE)),
    (19, Shape::Text),
    (20, Shape::Message(KEY_VALUE)),
    (21, Shape::Text),
    (22, Shape::Varint),
    (23, Shape::Text),
    (24, Shape::Text),
    (25, Shape::Varint),
];

const BODY: Schema = &[
    (1, Shape::Varint),
    (2, Shape::Message(JID)),
    (3, Shape::Message(JID)),
    (4, Shape::Message(CONTENT)),
    (5, Shape::Message(KEY_VALUE)),
    (6, Shape::Varint),
    (7, Shape::Message(&[(1, Shape::Varint)])),
    (8, Shape::Text),
    (9, Shape::Text),
    (11, Shape::Varint),
    (12, Shape::Varint),
];

/// What stands in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inspection<'a> {
    /// What the body is; `None` for a number that the schema does not know.
    pub message_type: Option<MessageType>,
    /// The kind of the first content, the one that clients look at; combined messages are
    /// [`ContentType::Combine`] however they are written. `None` without content, or for a number
    /// that the schema does not know.
    pub kind: Option<ContentType>,
    /// How many contents there are.
    pub contents: usize,
    /// Bytes that count against the limit of a message: every text that a person or an app wrote
    /// (text, action, event, title, summary, place, receipt) and the encoded parameters and `ext`.
    /// Names, addresses and keys of files do not count.
    pub counted_bytes: usize,
    /// In receipts and recalls: the message that is meant.
    pub ack_message_id: Option<u64>,
    /// In edits: the message that is meant.
    pub edit_message_id: Option<u64>,
    /// In edits: what is replaced.
    pub edit_scope: Option<EditScope>,
    /// Readers in a group send receipts, or this is one.
    pub allow_group_ack: bool,
    from: Occurrences<'a>,
    to: Occurrences<'a>,
}

impl Inspection<'_> {
    /// Whether every client reads exactly these names as sender and recipient.
    pub fn names_are(&self, from: &str, to: &str) -> bool {
        self.from.is_exactly(from) && self.to.is_exactly(to)
    }
}

/// Whether a field of the type JID stands in the bytes once, and what it says.
///
/// Some decoders merge a repeated message, others keep the last; only one occurrence with a name
/// and nothing else means the same to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Occurrences<'a> {
    None,
    One(&'a [u8]),
    Many,
}

impl<'a> Occurrences<'a> {
    fn add(&mut self, jid: &'a [u8]) {
        *self = match self {
            Self::None => Self::One(jid),
            _ => Self::Many,
        };
    }

    fn is_exactly(&self, name: &str) -> bool {
        let Self::One(jid) = self else { return false };
        let mut fields = Fields::new(jid);
        fields.next() == Some(Ok((2, Raw::Bytes(name.as_bytes())))) && fields.next().is_none()
    }
}

/// Looks into a body.
///
/// # Errors
/// When the bytes are not a [`MessageBody`](crate::MessageBody).
pub fn inspect(body: &[u8]) -> Result<Inspection<'_>, DecodeError> {
    let mut seen = Inspection {
        message_type: Some(MessageType::Normal),
        kind: None,
        contents: 0,
        counted_bytes: 0,
        ack_message_id: None,
        edit_message_id: None,
        edit_scope: None,
        allow_group_ack: false,
        from: Occurrences::None,
        to: Occurrences::None,
    };
    for field in Fields::new(body) {
        let (number, value) = field?;
        fields::check(BODY, number, value)?;
        match (number, value) {
            (1, Raw::Varint(kind)) => seen.message_type = known(kind),
            (2, Raw::Bytes(jid)) => seen.from.add(jid),
            (3, Raw::Bytes(jid)) => seen.to.add(jid),
            (4, Raw::Bytes(content)) => {
                let (kind, counted) = inspect_content(content)?;
                if seen.contents == 0 {
                    seen.kind = kind;
                }
                seen.contents += 1;
                seen.counted_bytes += counted;
            }
            (5 | 8, Raw::Bytes(counted)) => seen.counted_bytes += counted.len(),
            (6, Raw::Varint(id)) => seen.ack_message_id = Some(id),
            (7, Raw::Bytes(config)) => {
                for field in Fields::new(config) {
                    if let (1, Raw::Varint(allow)) = field? {
                        seen.allow_group_ack = allow != 0;
                    }
                }
            }
            (11, Raw::Varint(id)) => seen.edit_message_id = Some(id),
            (12, Raw::Varint(scope)) => seen.edit_scope = known(scope),
            _ => {}
        }
    }
    Ok(seen)
}

/// The enumeration's value for a number, cut to 32 bits as decoders do.
fn known<E: TryFrom<i32>>(number: u64) -> Option<E> {
    #[expect(clippy::cast_possible_truncation, reason = "what every decoder does")]
    E::try_from(number as i32).ok()
}

/// Kind and counted bytes of one content.
fn inspect_content(content: &[u8]) -> Result<(Option<ContentType>, usize), DecodeError> {
    let mut kind = Some(ContentType::Text);
    let mut sub_type = None;
    let mut counted = 0;
    for field in Fields::new(content) {
        match field? {
            (1, Raw::Varint(number)) => kind = known(number),
            (22, Raw::Varint(number)) => sub_type = known(number),
            // text, address, action, params, custom event and exts, building, title, summary
            (2 | 5 | 10 | 11 | 19 | 20 | 21 | 23 | 24, Raw::Bytes(value)) => counted += value.len(),
            _ => {}
        }
    }
    if kind == Some(ContentType::Text) && sub_type == Some(ContentSubType::Combine) {
        kind = Some(ContentType::Combine);
    }
    Ok((kind, counted))
}

/// The body as it may be delivered: with the sender's and the recipient's true names.
///
/// The same bytes when the names are right already. Otherwise the true names are appended, because
/// of a field that occurs twice the last counts; everything else stays as it was written.
///
/// # Errors
/// When the bytes are not protobuf.
pub fn override_from_to(body: &Bytes, from: &str, to: &str) -> Result<Bytes, DecodeError> {
    let (mut seen_from, mut seen_to) = (Occurrences::None, Occurrences::None);
    for field in Fields::new(body) {
        match field? {
            (2, Raw::Bytes(jid)) => seen_from.add(jid),
            (3, Raw::Bytes(jid)) => seen_to.add(jid),
            _ => {}
        }
    }
    let (keep_from, keep_to) = (seen_from.is_exactly(from), seen_to.is_exactly(to));
    if keep_from && keep_to {
        return Ok(body.clone());
    }
    let jid_len = |name: &str| fields::bytes_len(fields::bytes_len(name.len()));
    let mut out = BytesMut::with_capacity(body.len() + jid_len(from) + jid_len(to));
    out.put_slice(body);
    for (number, name, keep) in [(2, from, keep_from), (3, to, keep_to)] {
        if !keep {
            put_named(number, name, &mut out);
        }
    }
    Ok(out.freeze())
}

/// The body with these names in the place of those that it has: of others nothing stays, unlike with
/// [`override_from_to`].
///
/// # Errors
/// When the bytes are not protobuf.
pub fn renamed(body: &[u8], from: &str, to: &str) -> Result<Bytes, DecodeError> {
    let mut out = BytesMut::with_capacity(body.len() + from.len() + to.len() + 16);
    fields::copy(body, |number| !matches!(number, 2 | 3), &mut out)?;
    put_named(2, from, &mut out);
    put_named(3, to, &mut out);
    Ok(out.freeze())
}

/// Writes an address that carries a name only.
fn put_named(number: u32, name: &str, out: &mut BytesMut) {
    let mut jid = Vec::with_capacity(fields::bytes_len(name.len()));
    put_bytes(2, name.as_bytes(), &mut jid);
    put_bytes(number, &jid, out);
}

/// The body of a message whose content was replaced by that of `edit`, which is the body of an edit:
/// contents are the edit's, and with [`EditScope::BodyAndExt`] the app's own data as well. Everything
/// else stays as it was written.
///
/// # Errors
/// When one of the two is not protobuf.
pub fn replaced(body: &[u8], edit: &[u8], scope: EditScope) -> Result<Bytes, DecodeError> {
    let from_edit = |number: u32| match number {
        CONTENTS => true,
        EXT => scope == EditScope::BodyAndExt,
        _ => false,
    };
    let mut out = BytesMut::with_capacity(body.len() + edit.len());
    fields::copy(body, |number| !from_edit(number), &mut out)?;
    fields::copy(edit, from_edit, &mut out)?;
    Ok(out.freeze())
}

/// The body that tells of an edit: the message `id` now is as `body` says. `meta` is compact JSON
/// about the edit (msync section 5.3).
///
/// # Errors
/// When `body` is not protobuf.
pub fn edit_told(body: &[u8], id: u64, scope: EditScope, meta: &str) -> Result<Bytes, DecodeError> {
    let mut out = BytesMut::with_capacity(body.len() + meta.len() + 32);
    put_varint(1, MessageType::Edit as u64, &mut out);
    fields::copy(body, |number| !matches!(number, 1 | 6 | META | 11 | 12), &mut out)?;
    put_bytes(META, meta.as_bytes(), &mut out);
    put_varint(11, id, &mut out);
    put_varint(12, scope as u64, &mut out);
    Ok(out.freeze())
}

/// The JSON about a message that its sender put into the body; none if there is none.
pub fn json_about(body: &[u8]) -> Option<&str> {
    // Of a field that occurs twice the last counts.
    let about = Fields::new(body).filter_map(|field| match field {
        Ok((META, Raw::Bytes(text))) => std::str::from_utf8(text).ok(),
        _ => None,
    });
    about.last()
}

/// Fields of a body.
const CONTENTS: u32 = 4;
const EXT: u32 = 5;
const META: u32 = 9;
