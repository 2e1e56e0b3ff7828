//! MSYNC in a room: pages of the room are walked over as bytes, everything else goes through the
//! client's own [`Protocol`].
//!
//! A page of a room is its last, so the SDK answers nothing (a test holds that against [`Protocol`]).
//! The walk is what makes a delivery cheap: building the values costs more than the server's work.

use bytes::Bytes;
use stoa_wire::NameSpace;

use super::{Dialect, Ears};
use crate::Error;
use crate::client::frames::{self, Identity};
use crate::client::protocol::{News, Protocol};
use crate::client::session::{new_id, now_ms};
use crate::client::{Session, socket};
use crate::crowd::Line;

/// A session in a room.
pub struct Msync {
    identity: Identity,
    protocol: Protocol,
    room: String,
    mask: u32,
    output: Vec<Vec<u8>>,
}

impl Msync {
    /// Takes over a session that is logged in, for this room.
    ///
    /// # Errors
    /// When the runtime does not let it go.
    pub fn new(session: Session, room: &str) -> Result<(Line, Self), Error> {
        let (socket, identity, protocol) = session.into_parts();
        let (stream, input, mask) = socket.into_parts();
        let dialect = Self { identity, protocol, room: room.into(), mask, output: Vec::new() };
        Ok((Line::new(stream, &input)?, dialect))
    }

    /// The message that says something to these only, or to all.
    pub(super) fn say_to(&mut self, text: &str, only: &[String]) -> Vec<u8> {
        let message = frames::room_text(&self.identity, &self.room, new_id(), text.into(), only);
        self.frame(socket::BINARY, &message)
    }

    fn frame(&mut self, opcode: u8, message: &[u8]) -> Vec<u8> {
        let mut frame = Vec::with_capacity(message.len() + 14);
        socket::masked(&mut self.mask, opcode, message, &mut frame);
        frame
    }

    fn hear(&mut self, frame: &[u8], ears: &mut Ears<'_>) -> Result<(), Error> {
        if self.protocol.is_idle()
            && let Some(metas) = room_page(frame, self.room.as_bytes())
        {
            for meta in metas {
                match meta.ok_or_else(|| Error::protocol("a page that is none"))? {
                    Said::Text(text) => ears.text(text)?,
                    Said::Other => ears.event(),
                }
            }
            return Ok(());
        }
        let frame = Bytes::copy_from_slice(frame);
        let news = self.protocol.hear(frame, now_ms(), &mut self.output)?;
        for reply in std::mem::take(&mut self.output) {
            let reply = self.frame(socket::BINARY, &reply);
            ears.reply(reply);
        }
        match news {
            News::Ack(_) => ears.answered(),
            News::Page(metas) | News::Last(metas) => {
                for meta in metas {
                    match text_of(meta.ns, meta.payload.as_deref()) {
                        Some(text) => ears.text(text)?,
                        None => ears.event(),
                    }
                }
            }
            News::Welcome | News::Unread(_) | News::Notice => {}
        }
        Ok(())
    }
}

impl Dialect for Msync {
    const ECHOED: bool = false;

    fn take(&mut self, input: &[u8], ears: &mut Ears<'_>) -> Result<usize, Error> {
        let mut done = 0;
        while let Some((opcode, head, len)) = socket::whole(&input[done..])? {
            let body = &input[done + head..done + head + len];
            match opcode {
                socket::BINARY => self.hear(body, ears)?,
                socket::PING => ears.reply(self.frame(socket::PONG, body)),
                socket::CLOSE => return Err(Error::Closed(" of a member".into())),
                _ => {}
            }
            done += head + len;
        }
        Ok(done)
    }

    fn enter(&mut self) -> Vec<u8> {
        let message = frames::enter(&self.identity, &self.room, new_id());
        self.frame(socket::BINARY, &message)
    }

    fn say(&mut self, text: &str) -> Vec<u8> {
        self.say_to(text, &[])
    }

    fn beat(&mut self) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        Protocol::heartbeat(now_ms(), &mut messages);
        messages.iter().map(|message| self.frame(socket::BINARY, message)).collect()
    }
}

/// What a meta says.
#[derive(Debug, PartialEq, Eq)]
enum Said<'a> {
    Text(&'a [u8]),
    Other,
}

/// The metas of a frame that is the last page of this queue, without anything unusual; `None` where it
/// is something else, or nothing that can be read.
fn room_page<'a>(
    frame: &'a [u8],
    room: &[u8],
) -> Option<impl Iterator<Item = Option<Said<'a>>> + use<'a>> {
    let mut sync = None;
    for field in Fields(frame) {
        match field? {
            (8, Value::Number(0)) => {}
            (8, _) => return None,
            (9, Value::Bytes(payload)) => sync = Some(payload),
            _ => {}
        }
    }
    let sync = sync?;
    let (mut is_room, mut is_last, mut is_fine) = (false, false, false);
    for field in Fields(sync) {
        match field? {
            (1, Value::Bytes(status)) => {
                is_fine = Fields(status)
                    .all(|field| !matches!(field, None | Some((1, Value::Number(1..)))));
            }
            (2, Value::Number(1..)) => return None,
            (6, Value::Bytes(queue)) => {
                is_room = Fields(queue).any(|field| field == Some((2, Value::Bytes(room))));
            }
            (7, Value::Number(last)) => is_last = last == 1,
            _ => {}
        }
    }
    (is_room && is_last && is_fine).then(|| {
        Fields(sync).filter_map(|field| match field {
            Some((4, Value::Bytes(meta))) => Some(said(meta)),
            _ => None,
        })
    })
}

fn said(meta: &[u8]) -> Option<Said<'_>> {
    let (mut ns, mut payload) = (None, None);
    for field in Fields(meta) {
        match field? {
            (5, Value::Number(number)) => ns = i32::try_from(number).ok(),
            (6, Value::Bytes(bytes)) => payload = Some(bytes),
            _ => {}
        }
    }
    Some(text_of(ns, payload).map_or(Said::Other, Said::Text))
}

/// The text of a message.
fn text_of(ns: Option<i32>, payload: Option<&[u8]>) -> Option<&[u8]> {
    if ns != Some(NameSpace::Chat.into()) {
        return None;
    }
    let content = first(payload?, 4)?;
    first(content, 2)
}

/// The first field with this number, if it is text, bytes or a message.
fn first(message: &[u8], number: u64) -> Option<&[u8]> {
    Fields(message).find_map(|field| match field {
        Some((found, Value::Bytes(bytes))) if found == number => Some(bytes),
        _ => None,
    })
}

/// The value of a field.
#[derive(Debug, PartialEq, Eq)]
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Fixed,
}

/// The fields of a message with their numbers; `None` once, and then no more, where bytes are none.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Value<'a>)> {
        let key = self.number()?;
        let value = match key & 7 {
            0 => Value::Number(self.number()?),
            1 => self.bytes(8).map(|_| Value::Fixed)?,
            2 => {
                let len = usize::try_from(self.number()?).ok()?;
                Value::Bytes(self.bytes(len)?)
            }
            5 => self.bytes(4).map(|_| Value::Fixed)?,
            _ => return None,
        };
        Some((key >> 3, value))
    }

    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Value<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use stoa_wire::{
        CommSyncDl, Command, Content, Jid, MSync, Message as _, MessageBody, Meta, MucBody, Status,
    };

    use super::*;

    fn frame(page: &CommSyncDl) -> Vec<u8> {
        let frame = MSync {
            command: Some(Command::Sync.into()),
            payload: Some(page.encode_to_vec().into()),
            ..MSync::default()
        };
        frame.encode_to_vec()
    }

    fn page() -> CommSyncDl {
        let message = |text: &str| {
            let content = Content { text: Some(text.into()), ..Content::default() };
            let body = MessageBody {
                from: Some(Jid::named("ann")),
                contents: vec![content],
                ..MessageBody::default()
            };
            Meta {
                id: Some(u64::MAX),
                ns: Some(NameSpace::Chat.into()),
                payload: Some(body.encode_to_vec().into()),
                ..Meta::default()
            }
        };
        let event = Meta {
            ns: Some(NameSpace::Muc.into()),
            payload: Some(MucBody::default().encode_to_vec().into()),
            ..Meta::default()
        };
        CommSyncDl {
            status: Some(Status { error_code: Some(0), ..Status::default() }),
            metas: vec![message("tea?"), event, message("please")],
            queue: Some(Jid::group("o#a", "42")),
            is_last: Some(true),
            timestamp: Some(1),
            ..CommSyncDl::default()
        }
    }

    fn walked(frame: &[u8]) -> Option<Vec<Option<Said<'_>>>> {
        room_page(frame, b"42").map(Iterator::collect)
    }

    #[test]
    fn a_page_of_the_room_is_walked_over() {
        let frame = frame(&page());
        let said = [Said::Text(b"tea?"), Said::Other, Said::Text(b"please")].map(Some);
        assert_eq!(walked(&frame), Some(said.into()));
        for cut in 0..frame.len() {
            // Whatever is cut off: it is found out, or what is left says less.
            let _ = walked(&frame[..cut]);
        }
    }

    #[test]
    fn everything_else_is_left_to_the_protocol() {
        let mut others = [page(), page(), page(), page(), page()];
        others[0].queue = Some(Jid::group("o#a", "43"));
        others[1].is_last = Some(false);
        others[2].meta_id = Some(7);
        others[3].status = Some(Status { error_code: Some(1), ..Status::default() });
        others[4].status = None;
        for other in others {
            assert_eq!(walked(&frame(&other)), None, "{other:?}");
        }
        let unread = MSync { command: Some(Command::Unread.into()), ..MSync::default() };
        assert_eq!(walked(&unread.encode_to_vec()), None);
        assert_eq!(walked(&[0xff; 30]), None);
    }

    #[test]
    fn the_sdk_answers_nothing_to_such_a_page() {
        let (mut protocol, mut output) = (Protocol::default(), Vec::new());
        let news = protocol.hear(frame(&page()).into(), 0, &mut output).unwrap();
        assert_eq!(news, News::Last(page().metas));
        assert!(output.is_empty());
    }
}
