//! A WebSocket's client side (RFC 6455) over TLS: each frame is one TLS record and one send, as a
//! browser writes them.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::Error;
use crate::client::Endpoint;

const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xa;
/// The last fragment, which is also the first.
const FINAL: u8 = 0x80;
/// The frame's mask bit.
const MASKED: u8 = 0x80;

/// Room to read into: more than what a server writes at once in the cases here.
const READ_BYTES: usize = 16 * 1024;

/// An open WebSocket.
pub struct Socket<S = TlsStream<TcpStream>> {
    stream: S,
    input: BytesMut,
    output: Vec<u8>,
    mask: u32,
    /// What has come of a message in parts, where such are taken.
    parts: Option<BytesMut>,
}

impl Socket {
    /// Connects and opens a WebSocket on `/ws`.
    ///
    /// # Errors
    /// When the connection or the upgrade fails.
    pub async fn open(endpoint: &Endpoint) -> Result<Self, Error> {
        Self::open_on(endpoint, "/ws").await
    }

    /// Connects and opens a WebSocket on a path.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_on(endpoint: &Endpoint, path: &str) -> Result<Self, Error> {
        let stream = endpoint.connect().await?;
        let mask = 0x9e37_79b9 ^ u32::from(stream.get_ref().0.local_addr().map_or(0, |a| a.port()));
        let extensions = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
        Self::over(stream, mask, endpoint.address, path, extensions).await
    }

    /// The address that it connects from.
    pub(crate) fn local_address(&self) -> Result<SocketAddr, Error> {
        let address = self.stream.get_ref().0.local_addr();
        address.map_err(Error::io("tell an address"))
    }

    /// The connection, what was read and not taken, and where the masks have got to: for who goes on
    /// by other means.
    pub(crate) fn into_parts(self) -> (TlsStream<TcpStream>, BytesMut, u32) {
        (self.stream, self.input, self.mask)
    }
}

impl Socket<TcpStream> {
    /// Connects without TLS and opens a WebSocket for a protocol, on which messages may come in parts.
    ///
    /// # Errors
    /// When the connection or the upgrade fails.
    pub async fn open_plain(address: SocketAddr, protocol: &str) -> Result<Self, Error> {
        let stream = TcpStream::connect(address).await.map_err(Error::io("connect"))?;
        stream.set_nodelay(true).map_err(Error::io("connect"))?;
        let mask = 0x9e37_79b9 ^ u32::from(stream.local_addr().map_or(0, |a| a.port()));
        let protocol = format!("Sec-WebSocket-Protocol: {protocol}\r\n");
        let mut socket = Self::over(stream, mask, address, "/", &protocol).await?;
        socket.parts = Some(BytesMut::new());
        Ok(socket)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    async fn over(
        stream: S,
        mask: u32,
        host: SocketAddr,
        path: &str,
        fields: &str,
    ) -> Result<Self, Error> {
        let (input, output) = (BytesMut::new(), Vec::new());
        let mut socket = Self { stream, input, output, mask, parts: None };
        let key = STANDARD.encode(u128::from(mask).to_be_bytes());
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Origin: http://localhost\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\
             {fields}\r\n"
        );
        socket.write(request.as_bytes()).await?;
        socket.upgraded().await?;
        Ok(socket)
    }

    async fn upgraded(&mut self) -> Result<(), Error> {
        loop {
            if let Some(len) = head(&self.input)? {
                self.input.advance(len);
                return Ok(());
            }
            if !self.fill().await? {
                return Err(Error::Closed(" before the upgrade".into()));
            }
        }
    }

    /// Sends one binary message, by itself.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn send(&mut self, message: &[u8]) -> Result<(), Error> {
        self.frame(BINARY, message);
        let output = std::mem::take(&mut self.output);
        let sent = self.write(&output).await;
        self.output = output;
        sent
    }

    /// Sends one text, by itself.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn send_text(&mut self, text: &str) -> Result<(), Error> {
        self.frame(TEXT, text.as_bytes());
        let output = std::mem::take(&mut self.output);
        let sent = self.write(&output).await;
        self.output = output;
        sent
    }

    /// The next message; `None` at the end of the connection. Nothing is lost when the future
    /// is dropped.
    ///
    /// # Errors
    /// When the connection breaks or the server sends what is no frame of a WebSocket.
    pub async fn receive(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let next = match &mut self.parts {
                None => parse(&mut self.input)?,
                Some(parts) => assembled(&mut self.input, parts)?,
            };
            match next {
                Some((BINARY | TEXT, message)) => return Ok(Some(message)),
                Some((CLOSE, _)) => return Ok(None),
                Some((PING, body)) => {
                    self.frame(PONG, &body);
                    let pong = std::mem::take(&mut self.output);
                    self.write(&pong).await?;
                }
                Some(_) => {}
                None => {
                    if !self.fill().await? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Closes as a page does that calls `close()`, and waits for the server's side of it.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn close(mut self) -> Result<(), Error> {
        self.frame(CLOSE, &[]);
        let output = std::mem::take(&mut self.output);
        self.write(&output).await?;
        while self.receive().await?.is_some() {}
        // The rest is TCP's affair.
        let _ = self.stream.shutdown().await;
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.stream.write_all(bytes).await.map_err(Error::io("send"))?;
        self.stream.flush().await.map_err(Error::io("send"))
    }

    /// Reads more; `false` at the end.
    async fn fill(&mut self) -> Result<bool, Error> {
        self.input.reserve(READ_BYTES);
        match self.stream.read_buf(&mut self.input).await {
            Ok(count) => Ok(count > 0),
            // A server that ends says so in the WebSocket; how it leaves TCP is of no interest.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(Error::io("receive")(error)),
        }
    }

    /// Writes a masked frame into the output.
    fn frame(&mut self, opcode: u8, message: &[u8]) {
        self.output.clear();
        masked(&mut self.mask, opcode, message, &mut self.output);
    }
}

/// Appends a masked frame to `output`.
pub(crate) fn masked(mask: &mut u32, opcode: u8, message: &[u8], output: &mut Vec<u8>) {
    // The mask is against caches that mistake data for requests; any value does here.
    *mask = mask.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
    let mask = mask.to_be_bytes();
    output.push(FINAL | opcode);
    match (u8::try_from(message.len()), u16::try_from(message.len())) {
        (Ok(len @ ..=125), _) => output.push(MASKED | len),
        (_, Ok(len)) => {
            output.push(MASKED | 126);
            output.extend(len.to_be_bytes());
        }
        _ => {
            output.push(MASKED | 127);
            output.extend((message.len() as u64).to_be_bytes());
        }
    }
    output.extend(mask);
    output.extend(message.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
}

/// The length of the answer to the upgrade, when it is complete.
fn head(input: &[u8]) -> Result<Option<usize>, Error> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(input) {
        Ok(httparse::Status::Complete(len)) if response.code == Some(101) => Ok(Some(len)),
        Ok(httparse::Status::Complete(_)) => {
            Err(Error::protocol(format!("HTTP {} to the upgrade", response.code.unwrap_or(0))))
        }
        Ok(httparse::Status::Partial) => Ok(None),
        Err(error) => Err(Error::protocol(format!("no HTTP: {error}"))),
    }
}

/// Takes the next frame off `input`, when it is complete: opcode and payload.
fn parse(input: &mut BytesMut) -> Result<Option<(u8, Bytes)>, Error> {
    let Some((opcode, head, len)) = whole(input)? else { return Ok(None) };
    input.advance(head);
    Ok(Some((opcode, input.split_to(len).freeze())))
}

/// Takes the next message off `input`, when it is complete, of which `parts` may have come before.
fn assembled(input: &mut BytesMut, parts: &mut BytesMut) -> Result<Option<(u8, Bytes)>, Error> {
    while let Some((first, head, len)) = framed(input)? {
        input.advance(head);
        let body = input.split_to(len);
        match (first & 0x0f, first & FINAL != 0) {
            (CONTINUATION, true) => {
                parts.extend_from_slice(&body);
                return Ok(Some((TEXT, parts.split().freeze())));
            }
            (CONTINUATION | TEXT | BINARY, false) => parts.extend_from_slice(&body),
            (opcode, true) => return Ok(Some((opcode, body.freeze()))),
            (_, false) => return Err(Error::protocol("a part of what has no parts")),
        }
    }
    Ok(None)
}

/// The frame that `input` begins with, when it is complete: its opcode, and the lengths of its head
/// and of its payload. It is a message by itself.
pub(crate) fn whole(input: &[u8]) -> Result<Option<(u8, usize, usize)>, Error> {
    match framed(input)? {
        Some((first, ..)) if first & FINAL == 0 => Err(Error::protocol("a frame in parts")),
        Some((first, head, len)) => Ok(Some((first & 0x0f, head, len))),
        None => Ok(None),
    }
}

/// The frame that `input` begins with, when it is complete: its first byte, and the lengths of its head and of its
/// payload.
fn framed(input: &[u8]) -> Result<Option<(u8, usize, usize)>, Error> {
    let &[first, second, ..] = input else { return Ok(None) };
    if first & 0x70 != 0 || second & MASKED != 0 {
        return Err(Error::protocol("a frame with extensions, or masked"));
    }
    let (head, len) = match second {
        126 => match input.get(2..4).and_then(|bytes| bytes.try_into().ok()) {
            Some(bytes) => (4, usize::from(u16::from_be_bytes(bytes))),
            None => return Ok(None),
        },
        127 => match input.get(2..10).and_then(|bytes| bytes.try_into().ok()) {
            Some(bytes) => (10, usize::try_from(u64::from_be_bytes(bytes)).unwrap_or(usize::MAX)),
            None => return Ok(None),
        },
        len => (2, usize::from(len)),
    };
    if input.len().saturating_sub(head) < len {
        return Ok(None);
    }
    Ok(Some((first, head, len)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_length_are_taken_whole() {
        for len in [0usize, 1, 125, 126, 65_535, 65_536] {
            let mut bytes = BytesMut::from(&[FINAL | BINARY][..]);
            match len {
                ..=125 => bytes.extend([u8::try_from(len).unwrap()]),
                126..=65_535 => {
                    bytes.extend([126]);
                    bytes.extend(u16::try_from(len).unwrap().to_be_bytes());
                }
                _ => {
                    bytes.extend([127]);
                    bytes.extend((len as u64).to_be_bytes());
                }
            }
            bytes.extend(vec![7; len]);
            let whole = bytes.clone();
            for cut in [0, 1, whole.len() - 1] {
                let mut part = BytesMut::from(&whole[..cut]);
                assert_eq!(parse(&mut part).unwrap(), None, "{len} cut at {cut}");
            }
            bytes.extend([FINAL | CLOSE, 0]);
            let (opcode, message) = parse(&mut bytes).unwrap().unwrap();
            assert_eq!((opcode, message.len()), (BINARY, len));
            assert_eq!(parse(&mut bytes).unwrap().unwrap().0, CLOSE);
        }
    }

    #[test]
    fn masked_or_partial_messages_are_refused() {
        assert!(parse(&mut BytesMut::from(&[FINAL | BINARY, MASKED][..])).is_err());
        assert!(parse(&mut BytesMut::from(&[BINARY, 0][..])).is_err());
    }

    #[test]
    fn parts_become_one_message_with_a_ping_between_them() {
        let mut input = BytesMut::from(&[TEXT, 2, b't', b'e'][..]);
        input.extend([FINAL | PING, 0, CONTINUATION, 0, FINAL | CONTINUATION, 1]);
        let mut parts = BytesMut::new();
        assert_eq!(assembled(&mut input, &mut parts).unwrap(), Some((PING, Bytes::new())));
        assert_eq!(assembled(&mut input, &mut parts).unwrap(), None);
        input.extend([b'a', FINAL | BINARY, 0]);
        assert_eq!(assembled(&mut input, &mut parts).unwrap(), Some((TEXT, "tea".into())));
        assert_eq!(assembled(&mut input, &mut parts).unwrap(), Some((BINARY, Bytes::new())));
        assert!(assembled(&mut BytesMut::from(&[PING, 0][..]), &mut parts).is_err());
    }

    #[test]
    fn only_101_opens_it() {
        assert_eq!(head(b"HTTP/1.1 101 Switching Protocols\r\n\r\nmore").unwrap(), Some(36));
        assert_eq!(head(b"HTTP/1.1 101 Switching").unwrap(), None);
        assert!(head(b"HTTP/1.1 404 Not Found\r\n\r\n").is_err());
    }
}
