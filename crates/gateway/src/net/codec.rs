//! WebSocket frames (RFC 6455), the server's side, without IO.
//!
//! The decoder takes plaintext in pieces of any size and keeps bytes only while a frame is
//! incomplete. A connection carries binary messages or texts, not both; no extensions.

use bytes::Bytes;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;
/// Bytes of a control frame's payload, at the most (section 5.5).
const CONTROL_BYTES: usize = 125;
/// First bytes, 64-bit length and mask: the longest head of a frame.
const HEAD_BYTES: usize = 14;

/// Why a WebSocket is closed (section 7.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// The purpose is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// The server goes down, or the page was left.
    pub const GOING_AWAY: Self = Self(1001);
    /// The other side broke the protocol.
    pub const PROTOCOL: Self = Self(1002);
    /// A kind of data that is not accepted.
    pub const UNSUPPORTED: Self = Self(1003);
    /// A text that is not UTF-8.
    pub const INVALID_TEXT: Self = Self(1007);
    /// Against the server's rules.
    pub const POLICY: Self = Self(1008);
    /// A message that is too large.
    pub const TOO_LARGE: Self = Self(1009);
    /// The server could not do its work.
    pub const INTERNAL: Self = Self(1011);
    /// The server has too much to do; come again later.
    pub const TRY_AGAIN: Self = Self(1013);

    /// Whether the code may stand in a close frame.
    fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

/// What the client did wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A frame without mask.
    #[error("client frame is not masked")]
    NotMasked,
    /// A bit that belongs to an extension.
    #[error("reserved bit is set")]
    Reserved,
    /// An operation code that is not defined.
    #[error("unknown operation code {0}")]
    Opcode(u8),
    /// A control frame in fragments, or larger than 125 bytes.
    #[error("control frame is fragmented or too large")]
    Control,
    /// A length that could have been written shorter, or above 2^63.
    #[error("length of a frame is not minimal")]
    Length,
    /// A continuation of nothing, or a new message within a fragmented one.
    #[error("fragments out of order")]
    Fragments,
    /// A close frame with a cut or forbidden code.
    #[error("bad close code")]
    CloseCode,
    /// A close frame whose reason is not UTF-8.
    #[error("close reason is not UTF-8")]
    CloseReason,
    /// A text message where binary ones are spoken.
    #[error("text messages are not accepted")]
    Text,
    /// A binary message where texts are spoken.
    #[error("binary messages are not accepted")]
    Binary,
    /// A text that is not UTF-8.
    #[error("text is not UTF-8")]
    NotUtf8,
    /// A message above the limit.
    #[error("message is above the limit of {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
}

impl ProtocolError {
    /// The code with which the connection is closed.
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::Text | Self::Binary => CloseCode::UNSUPPORTED,
            Self::TooLarge { .. } => CloseCode::TOO_LARGE,
            Self::CloseReason | Self::NotUtf8 => CloseCode::INVALID_TEXT,
            _ => CloseCode::PROTOCOL,
        }
    }
}

/// Which kind of messages a connection carries, both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// Bytes.
    Binary,
    /// UTF-8.
    Text,
}

/// What a decoder found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A whole message.
    Message(Bytes),
    /// A ping; its payload must go back in a pong.
    Ping(Bytes),
    /// A pong.
    Pong,
    /// The other side closes, with its code if it gave one. Nothing follows.
    Close(Option<CloseCode>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// What a frame's head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    fin: bool,
    opcode: Opcode,
    mask: [u8; 4],
    len: usize,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Collecting a head, of which this much is there.
    Head { bytes: [u8; HEAD_BYTES], len: u8 },
    /// Collecting a payload, of which `got` bytes are there.
    Payload { head: Head, got: usize },
    /// After a close frame or an error.
    Over,
}

const START: State = State::Head { bytes: [0; HEAD_BYTES], len: 0 };

/// Turns what a client sends into messages.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    carries: Carries,
    state: State,
    /// The message's payload so far: earlier fragments and what came of this one.
    message: Vec<u8>,
    /// A message has begun whose last fragment has not.
    fragmented: bool,
    /// A control frame's payload so far; such a frame may stand between fragments.
    control: Vec<u8>,
}

impl Decoder {
    /// A decoder for messages of up to `limit` bytes.
    pub fn new(limit: usize, carries: Carries) -> Self {
        let (message, control) = (Vec::new(), Vec::new());
        Self { limit, carries, state: START, message, fragmented: false, control }
    }

    /// From now on messages may have up to `limit` bytes. A message that has begun may, too, so it must not be less than
    /// before.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = self.limit.max(limit);
    }

    /// Bytes that are kept for incomplete frames and messages.
    pub fn buffered_bytes(&self) -> usize {
        self.message.len() + self.control.len()
    }

    /// Takes the next piece of the stream and hands out what is complete.
    ///
    /// # Errors
    /// When the client breaks the protocol or a limit. Everything after it is ignored.
    pub fn decode(
        &mut self,
        mut input: &[u8],
        on: &mut dyn FnMut(Event),
    ) -> Result<(), ProtocolError> {
        let result = loop {
            match self.step(&mut input, on) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.end();
        result
    }

    /// One head or one piece of payload; `false` when the input is used up or the stream is over.
    fn step(
        &mut self,
        input: &mut &[u8],
        on: &mut dyn FnMut(Event),
    ) -> Result<bool, ProtocolError> {
        match &mut self.state {
            State::Over => Ok(false),
            State::Head { bytes, len } => {
                if input.is_empty() {
                    return Ok(false);
                }
                let have = usize::from(*len);
                let end = HEAD_BYTES.min(have + input.len());
                bytes[have..end].copy_from_slice(&input[..end - have]);
                let Some((head, size)) = parse_head(&bytes[..end], self.carries)? else {
                    // The longest head is never incomplete, so this was all of the input.
                    *len = u8::try_from(end).expect("at most the longest head");
                    return Ok(false);
                };
                *input = &input[size - have..];
                self.begin(head)?;
                if head.len == 0 {
                    self.finish(head, on)?;
                }
                Ok(true)
            }
            State::Payload { head, got } => {
                if input.is_empty() {
                    return Ok(false);
                }
                let (piece, rest) = input.split_at(input.len().min(head.len - *got));
                *input = rest;
                let into =
                    if head.opcode.is_control() { &mut self.control } else { &mut self.message };
                unmask_into(piece, head.mask, *got, into);
                *got += piece.len();
                let (head, got) = (*head, *got);
                if got == head.len {
                    self.finish(head, on)?;
                }
                Ok(true)
            }
        }
    }

    /// Judges a head that is complete.
    fn begin(&mut self, head: Head) -> Result<(), ProtocolError> {
        match head.opcode {
            Opcode::Binary | Opcode::Text if self.fragmented => {
                return Err(ProtocolError::Fragments);
            }
            Opcode::Continuation if !self.fragmented => return Err(ProtocolError::Fragments),
            Opcode::Binary | Opcode::Text | Opcode::Continuation => {
                if head.len > self.limit - self.message.len() {
                    return Err(ProtocolError::TooLarge { limit: self.limit });
                }
                self.fragmented = !head.fin;
            }
            Opcode::Close | Opcode::Ping | Opcode::Pong => {}
        }
        self.state = State::Payload { head, got: 0 };
        Ok(())
    }

    /// Hands out a frame whose payload is complete.
    fn finish(&mut self, head: Head, on: &mut dyn FnMut(Event)) -> Result<(), ProtocolError> {
        self.state = START;
        match head.opcode {
            Opcode::Binary | Opcode::Text | Opcode::Continuation => {
                if head.fin {
                    let is_text = self.carries == Carries::Text;
                    if is_text && std::str::from_utf8(&self.message).is_err() {
                        return Err(ProtocolError::NotUtf8);
                    }
                    on(Event::Message(std::mem::take(&mut self.message).into()));
                }
            }
            Opcode::Ping => on(Event::Ping(std::mem::take(&mut self.control).into())),
            Opcode::Pong => {
                self.control = Vec::new();
                on(Event::Pong);
            }
            Opcode::Close => {
                let code = parse_close(&self.control)?;
                self.end();
                on(Event::Close(code));
            }
        }
        Ok(())
    }

    fn end(&mut self) {
        self.state = State::Over;
        self.message = Vec::new();
        self.control = Vec::new();
    }
}

/// Reads a head from the start of `bytes`, which are not empty, and says how long it is. `None`
/// while it is incomplete; what is wrong is said as early as it is known.
fn parse_head(bytes: &[u8], carries: Carries) -> Result<Option<(Head, usize)>, ProtocolError> {
    let first = bytes[0];
    if first & RESERVED != 0 {
        return Err(ProtocolError::Reserved);
    }
    let opcode = match first & 0x0f {
        0x0 => Opcode::Continuation,
        0x1 if carries == Carries::Text => Opcode::Text,
        0x1 => return Err(ProtocolError::Text),
        0x2 if carries == Carries::Binary => Opcode::Binary,
        0x2 => return Err(ProtocolError::Binary),
        0x8 => Opcode::Close,
        0x9 => Opcode::Ping,
        0xa => Opcode::Pong,
        unknown => return Err(ProtocolError::Opcode(unknown)),
    };
    let fin = first & FIN != 0;
    let Some(second) = bytes.get(1) else { return Ok(None) };
    if second & MASKED == 0 {
        return Err(ProtocolError::NotMasked);
    }
    let short = second & !MASKED;
    if opcode.is_control() && (!fin || usize::from(short) > CONTROL_BYTES) {
        return Err(ProtocolError::Control);
    }
    let (len, rest): (u64, &[u8]) = match (short, &bytes[2..]) {
        (126, [a, b, rest @ ..]) => (u16::from_be_bytes([*a, *b]).into(), rest),
        (127, [a, b, c, d, e, f, g, h, rest @ ..]) => {
            (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), rest)
        }
        (126 | 127, _) => return Ok(None),
        (_, rest) => (short.into(), rest),
    };
    let minimal = match short {
        126 => len >= 126,
        127 => len > u64::from(u16::MAX) && len <= u64::MAX >> 1,
        _ => true,
    };
    if !minimal {
        return Err(ProtocolError::Length);
    }
    let &[a, b, c, d, ref rest @ ..] = rest else { return Ok(None) };
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    Ok(Some((Head { fin, opcode, mask: [a, b, c, d], len }, bytes.len() - rest.len())))
}

/// Reads the payload of a close frame.
fn parse_close(payload: &[u8]) -> Result<Option<CloseCode>, ProtocolError> {
    match payload {
        [] => Ok(None),
        [high, low, reason @ ..] => {
            let code = CloseCode(u16::from_be_bytes([*high, *low]));
            if !code.is_sendable() {
                return Err(ProtocolError::CloseCode);
            }
            if std::str::from_utf8(reason).is_err() {
                return Err(ProtocolError::CloseReason);
            }
            Ok(Some(code))
        }
        [_] => Err(ProtocolError::CloseCode),
    }
}

/// Appends `piece` unmasked; it stands `offset` bytes behind the start of the payload.
fn unmask_into(piece: &[u8], mask: [u8; 4], offset: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(piece);
    let mut turned = mask;
    turned.rotate_left(offset % 4);
    let [a, b, c, d] = turned;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, tail) = out[start..].as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in tail.iter_mut().zip(turned.iter().cycle()) {
        *byte ^= mask;
    }
}

/// Writes the head of an unfragmented message of `len` bytes; its payload must follow.
pub fn put_message_head(len: usize, carries: Carries, out: &mut Vec<u8>) {
    let opcode = match carries {
        Carries::Text => 0x1,
        Carries::Binary => 0x2,
    };
    put_head(opcode, len, out);
}

/// Writes a ping without payload.
pub fn put_ping(out: &mut Vec<u8>) {
    put_head(0x9, 0, out);
}

/// Writes a pong. `payload` is that of a ping, at most 125 bytes.
pub fn put_pong(payload: &[u8], out: &mut Vec<u8>) {
    put_head(0xa, payload.len(), out);
    out.extend_from_slice(payload);
}

/// Writes a close frame. The reason is cut to what fits. Without `code` the frame is empty.
pub fn put_close(code: Option<CloseCode>, reason: &str, out: &mut Vec<u8>) {
    let Some(code) = code else { return put_head(0x8, 0, out) };
    let reason = &reason[..reason.floor_char_boundary(CONTROL_BYTES - 2)];
    put_head(0x8, 2 + reason.len(), out);
    out.extend_from_slice(&code.0.to_be_bytes());
    out.extend_from_slice(reason.as_bytes());
}

fn put_head(opcode: u8, len: usize, out: &mut Vec<u8>) {
    out.push(FIN | opcode);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(short @ 0..=125), _) => out.push(short),
        (_, Ok(medium)) => {
            out.push(126);
            out.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
}
