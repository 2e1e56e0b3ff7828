//! A client's side of XMPP over direct TLS, as far as the cases go: register, log in, send, receive.
//!
//! No XML is parsed: what a server sends here is known, so the ends of stanzas are looked for as
//! bytes. That is the least work that a generator can do.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::Error;
use crate::client::Endpoint;
use crate::crowd::{Dialect, Ears, Line};
use crate::load::group::{Heard, Member};
use crate::load::{Control, Pair, Tally};

const STREAM: &str = "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' \
    xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
const READ_BYTES: usize = 16 * 1024;

/// A stream to a server, logged in or not.
pub struct Xmpp {
    stream: TlsStream<TcpStream>,
    input: BytesMut,
    user: String,
}

impl Xmpp {
    /// Connects and opens a stream.
    ///
    /// # Errors
    /// When that fails.
    pub async fn open(endpoint: &Endpoint) -> Result<Self, Error> {
        let stream = endpoint.connect().await?;
        let mut xmpp = Self { stream, input: BytesMut::new(), user: String::new() };
        xmpp.send(STREAM).await?;
        xmpp.until("</stream:features>").await?;
        Ok(xmpp)
    }

    /// Registers users, whose passwords are their names.
    ///
    /// # Errors
    /// When the server refuses one.
    pub async fn register(mut self, users: &[String]) -> Result<(), Error> {
        for user in users {
            self.send(&format!(
                "<iq type='set' id='r'><query xmlns='jabber:iq:register'><username>{user}</username>\
                 <password>{user}</password></query></iq>"
            ))
            .await?;
            self.result("a registration").await?;
        }
        self.close().await
    }

    /// Connects, logs in with SASL PLAIN and binds a resource.
    ///
    /// # Errors
    /// When that fails.
    pub async fn login(endpoint: &Endpoint, user: &str) -> Result<Self, Error> {
        let mut xmpp = Self::open(endpoint).await?;
        user.clone_into(&mut xmpp.user);
        let proof = STANDARD.encode(format!("\0{user}\0{user}"));
        xmpp.send(&format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{proof}</auth>"
        ))
        .await?;
        xmpp.until("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>").await?;
        xmpp.send(STREAM).await?;
        xmpp.until("</stream:features>").await?;
        xmpp.send(
            "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
             <resource>bench</resource></bind></iq>",
        )
        .await?;
        xmpp.result("a login").await?;
        Ok(xmpp)
    }

    /// Says that the user is here, so that messages come to this session.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn be_present(&mut self) -> Result<(), Error> {
        self.send("<presence/>").await?;
        self.until("<presence ").await.map(drop)
    }

    /// Enters a room under its own name, which makes the room if there is none.
    ///
    /// # Errors
    /// When the room refuses it.
    pub async fn join(&mut self, room: &str) -> Result<(), Error> {
        let wish = entry(room, &self.user);
        self.send(&wish).await?;
        // The room itself is present, too, and may say so first.
        loop {
            let presence = self.until("</presence>").await?;
            if find(&presence, b"code='110'").is_some() {
                break;
            }
            if find(&presence, b"type='error'").is_some() {
                let presence = String::from_utf8_lossy(&presence);
                return Err(Error::protocol(format!("to entering a room: {presence}")));
            }
        }
        // The subject, which comes last.
        self.until("</message>").await.map(drop)
    }

    /// Sends a text to a room.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn send_room_text(&mut self, room: &str, text: &str) -> Result<(), Error> {
        self.send(&room_text(room, text)).await
    }

    /// Becomes one of a crowd that will enter this room.
    ///
    /// # Errors
    /// When the runtime does not let the connection go.
    pub fn occupant(self, room: &str) -> Result<(Line, Occupant), Error> {
        let occupant = Occupant { room: room.into(), user: self.user };
        Ok((Line::new(self.stream, &self.input)?, occupant))
    }

    /// Asks for a sign of life.
    ///
    /// # Errors
    /// When there is none.
    pub async fn ping(&mut self) -> Result<(), Error> {
        self.send("<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
            .await?;
        // Without the module it is an error, which is an answer.
        self.until("</iq>").await.map(drop)
    }

    /// Ends the stream and waits for the server's end of it.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn close(mut self) -> Result<(), Error> {
        self.send("</stream:stream>").await?;
        while self.fill().await? {}
        Ok(())
    }

    /// Sends a text.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn send_text(&mut self, to: &str, text: &str) -> Result<(), Error> {
        self.send(&format!(
            "<message type='chat' to='{to}@localhost' id='m'><body>{text}</body></message>"
        ))
        .await
    }

    /// The text of the next message. Nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// When the connection ends.
    pub async fn receive(&mut self) -> Result<String, Error> {
        let message = self.until("</message>").await?;
        between(&message, b"<body>", b"</body>")
            .and_then(|text| String::from_utf8(text.to_vec()).ok())
            .ok_or_else(|| Error::protocol("a message without text"))
    }

    async fn result(&mut self, of: &str) -> Result<(), Error> {
        let answer = loop {
            // A result without content has no end tag of its own.
            match self.input.iter().position(|byte| *byte == b'>') {
                Some(end) if self.input[..=end].ends_with(b"/>") => {
                    break self.input.split_to(end + 1).freeze();
                }
                Some(_) => break self.until("</iq>").await?,
                None => self.more().await?,
            }
        };
        if find(&answer, b"type='result'").is_some() {
            return Ok(());
        }
        Err(Error::protocol(format!("to {of}: {}", String::from_utf8_lossy(&answer))))
    }

    /// What comes, up to and with `end`.
    async fn until(&mut self, end: &str) -> Result<Bytes, Error> {
        let mut searched = 0usize;
        loop {
            // The end may lie across what was searched and what came since.
            let from = searched.saturating_sub(end.len());
            if let Some(at) = find(&self.input[from..], end.as_bytes()) {
                return Ok(self.input.split_to(from + at + end.len()).freeze());
            }
            searched = self.input.len();
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Result<(), Error> {
        if self.fill().await? {
            return Ok(());
        }
        let said = String::from_utf8_lossy(self.input.chunk()).into_owned();
        Err(Error::Closed(format!(": {said}")))
    }

    /// Reads more; `false` at the end.
    async fn fill(&mut self) -> Result<bool, Error> {
        self.input.reserve(READ_BYTES);
        match self.stream.read_buf(&mut self.input).await {
            Ok(count) => Ok(count > 0),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(Error::io("receive")(error)),
        }
    }

    async fn send(&mut self, stanza: &str) -> Result<(), Error> {
        self.stream.write_all(stanza.as_bytes()).await.map_err(Error::io("send"))?;
        self.stream.flush().await.map_err(Error::io("send"))
    }
}

impl Pair for (Xmpp, Xmpp) {
    async fn run(self, control: Arc<Control>, in_flight: usize) -> Result<(), Error> {
        let (mut from, mut to) = self;
        let mut tally = Tally::new(control);
        for _ in 0..in_flight {
            if let Some(text) = tally.next_text() {
                from.send_text(&to.user, &text).await?;
            }
        }
        while !tally.is_done() {
            let text = to.receive().await?;
            tally.arrived(&text)?;
            if let Some(text) = tally.next_text() {
                from.send_text(&to.user, &text).await?;
            }
        }
        from.close().await?;
        to.close().await
    }
}

/// In a room, which tells everybody everything, the sender included, and acknowledges nothing.
impl Member for Xmpp {
    const ANSWERED: bool = false;
    const ECHOED: bool = true;

    async fn hear(&mut self) -> Result<Heard, Error> {
        self.receive().await.map(|text| Heard::Texts(vec![text]))
    }

    async fn answer(&mut self) -> Result<(), Error> {
        Ok(())
    }

    async fn say(&mut self, room: &str, text: String) -> Result<(), Error> {
        self.send_room_text(room, &text).await
    }
}

/// One of a crowd in a room.
pub struct Occupant {
    room: String,
    user: String,
}

impl Dialect for Occupant {
    const ECHOED: bool = true;

    fn take(&mut self, input: &[u8], ears: &mut Ears<'_>) -> Result<usize, Error> {
        const END: &[u8] = b"</message>";
        let mut done = 0;
        while let Some(len) = find(&input[done..], END) {
            let stanza = &input[done..done + len];
            let refused = |stanza| {
                let said = String::from_utf8_lossy(stanza).into_owned();
                Error::protocol(format!("in a room: {said}"))
            };
            match find(stanza, b"<body>") {
                Some(at) if find(&stanza[..at], b"type='error'").is_some() => {
                    return Err(refused(stanza));
                }
                Some(at) => {
                    let text = &stanza[at + b"<body>".len()..];
                    let end = find(text, b"</body>").ok_or_else(|| refused(stanza))?;
                    ears.text(&text[..end])?;
                }
                // The subject: the last that comes to who enters.
                None => ears.answered(),
            }
            done += len + END.len();
        }
        Ok(done)
    }

    fn enter(&mut self) -> Vec<u8> {
        entry(&self.room, &self.user).into_bytes()
    }

    fn say(&mut self, text: &str) -> Vec<u8> {
        room_text(&self.room, text).into_bytes()
    }

    fn beat(&mut self) -> Vec<Vec<u8>> {
        Vec::new()
    }
}

/// The wish to enter a room.
fn entry(room: &str, name: &str) -> String {
    format!(
        "<presence to='{room}/{name}'><x xmlns='http://jabber.org/protocol/muc'>\
         <history maxstanzas='0'/></x></presence>"
    )
}

/// A text to a room.
fn room_text(room: &str, text: &str) -> String {
    format!("<message type='groupchat' to='{room}' id='m'><body>{text}</body></message>")
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let (first, rest) = wanted.split_first()?;
    let mut from = 0;
    loop {
        let at = from + bytes.get(from..)?.iter().position(|byte| byte == first)?;
        if bytes[at + 1..].starts_with(rest) {
            return Some(at);
        }
        from = at + 1;
    }
}

fn between<'a>(bytes: &'a [u8], start: &[u8], end: &[u8]) -> Option<&'a [u8]> {
    let bytes = &bytes[find(bytes, start)? + start.len()..];
    bytes.get(..find(bytes, end)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_found_where_they_first_stand() {
        assert_eq!(find(b"aab</iq></iq>", b"</iq>"), Some(3));
        assert_eq!(find(b"</i</iq>", b"</iq>"), Some(3));
        assert_eq!(find(b"</i", b"</iq>"), None);
        assert_eq!(find(b"", b"x"), None);
        assert_eq!(between(b"<m><body>tea</body></m>", b"<body>", b"</body>"), Some(&b"tea"[..]));
        assert_eq!(between(b"<m><body>tea", b"<body>", b"</body>"), None);
    }
}
