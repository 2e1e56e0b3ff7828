//! One WebSocket session's connection, from the answer to its upgrade on.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use stoa_wire::Frame;
use tokio::net::TcpStream;

use super::codec::{self, Carries, CloseCode, Decoder, Event, ProtocolError};
use super::link::{KernelWatch, Link, Received, TransportError};
use super::listener::Place;
use super::scratch::{self, WRITE_BYTES, lend};

/// Bytes that a frame's head may take on its way to a client.
const HEAD: usize = 10;

/// What a call of [`WsTransport::read_available`] left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadState {
    /// Nothing more is there: wait until [`WsTransport::readable`].
    Drained,
    /// There may be more: call again, after others had their turn.
    More,
    /// The client sends nothing more. With its code if it said so properly.
    Closed(Option<CloseCode>),
}

/// What a call of [`WsTransport::flush`] left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlushState {
    /// Everything is with the socket.
    Done,
    /// The socket takes no more: wait until [`WsTransport::writable`].
    Blocked,
}

/// Waits for a transport's socket without holding the transport.
#[derive(Debug, Clone)]
pub struct Readiness {
    io: Arc<TcpStream>,
}

impl Readiness {
    /// Waits until there may be something to read. Safe to cancel; may be wrong.
    ///
    /// # Errors
    /// When the runtime goes down.
    pub async fn readable(&self) -> io::Result<()> {
        // A client that is always readable must not keep the thread.
        tokio::task::coop::consume_budget().await;
        self.io.readable().await
    }

    /// Waits until the socket may take something. Safe to cancel; may be wrong.
    ///
    /// # Errors
    /// When the runtime goes down.
    pub async fn writable(&self) -> io::Result<()> {
        tokio::task::coop::consume_budget().await;
        self.io.writable().await
    }
}

/// A WebSocket over TLS.
///
/// Reading and writing never wait: whoever holds the transport waits for
/// [`readable`](Self::readable) or [`writable`](Self::writable), then works. A frame that is queued
/// is shared with other recipients until the socket has room for it, so that a slow reader costs a
/// pointer for each frame. Pings are answered and closing is returned without the holder's doing;
/// what that has to send goes out with the next [`flush`](Self::flush).
#[derive(Debug)]
pub struct WsTransport {
    link: Link,
    decoder: Decoder,
    carries: Carries,
    /// Plaintext that came together with the request for the upgrade.
    early: Vec<u8>,
    queue: VecDeque<Frame>,
    queued_bytes: usize,
    /// The payload of the last ping; one answer is enough for several.
    pong: Option<Box<[u8]>>,
    /// The client is to be asked whether it is still there.
    ping: bool,
    /// It has said so since that was looked at.
    alive: bool,
    close: Close,
    peer_closed: Option<Option<CloseCode>>,
    peer: SocketAddr,
    linger: Duration,
    _connection: Place,
}

/// How far our side of the closing is.
#[derive(Debug)]
enum Close {
    Open,
    /// To be sent behind what is queued.
    Queued(Option<CloseCode>, Box<str>),
    Sent,
}

impl WsTransport {
    pub(crate) fn new(
        link: Link,
        early: Vec<u8>,
        carries: Carries,
        message_bytes: usize,
        peer: SocketAddr,
        linger: Duration,
        connection: Place,
    ) -> Self {
        Self {
            link,
            decoder: Decoder::new(message_bytes, carries),
            carries,
            early,
            queue: VecDeque::new(),
            queued_bytes: 0,
            pong: None,
            ping: false,
            alive: false,
            close: Close::Open,
            peer_closed: None,
            peer,
            linger,
            _connection: connection,
        }
    }

    /// The client's address.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Whether the client itself is at the other end of the socket, and no proxy that spoke for it.
    pub fn is_direct(&self) -> bool {
        let end = self.link.io().peer_addr();
        end.is_ok_and(|end| end.ip().to_canonical() == self.peer.ip().to_canonical())
    }

    /// Has the kernel end the connection when the other end's does not answer any more.
    ///
    /// # Errors
    /// When the kernel cannot.
    pub fn let_the_kernel_watch(&self, watch: KernelWatch) -> io::Result<()> {
        self.link.let_the_kernel_watch(watch)
    }

    /// Something to wait with while others use the transport. Call
    /// [`read_available`](Self::read_available) once before the first wait.
    pub fn readiness(&self) -> Readiness {
        Readiness { io: Arc::clone(self.link.io()) }
    }

    /// Waits until there may be something to read. Safe to cancel; may be wrong.
    ///
    /// # Errors
    /// When the runtime goes down.
    pub async fn readable(&self) -> io::Result<()> {
        if self.early.is_empty() { self.readiness().readable().await } else { Ok(()) }
    }

    /// Waits until the socket may take something. Safe to cancel; may be wrong.
    ///
    /// # Errors
    /// When the runtime goes down.
    pub async fn writable(&self) -> io::Result<()> {
        self.readiness().writable().await
    }

    /// Reads once, at most 64 KiB, and hands out the messages that are complete.
    ///
    /// # Errors
    /// When the socket fails or the client breaks a protocol or a limit. The client is told why
    /// with the next [`flush`](Self::flush); there is nothing more to read.
    pub fn read_available(
        &mut self,
        on: &mut dyn FnMut(Bytes),
    ) -> Result<ReadState, TransportError> {
        if let Some(code) = self.peer_closed {
            return Ok(ReadState::Closed(code));
        }
        let Self { link, decoder, early, pong, alive, peer_closed, .. } = self;
        let mut result = Ok(());
        let mut on_plain = |plain: &[u8]| {
            if result.is_err() {
                return;
            }
            result = decoder.decode(plain, &mut |event| match event {
                Event::Message(message) => on(message),
                Event::Ping(payload) => {
                    *pong = Some(payload.as_ref().into());
                    *alive = true;
                }
                Event::Pong => *alive = true,
                Event::Close(code) => *peer_closed = Some(code),
            });
        };
        let received = if early.is_empty() {
            link.receive(&mut on_plain)
        } else {
            on_plain(&std::mem::take(early));
            Ok(Received::More)
        };
        if let Err(error) = result {
            return Err(self.fail(error));
        }
        let received = received.inspect_err(|_| *peer_closed = Some(None))?;
        if let Some(code) = self.peer_closed {
            // The close is returned with the same code.
            self.close_with(code, "");
            return Ok(ReadState::Closed(code));
        }
        match received {
            Received::Drained => Ok(ReadState::Drained),
            Received::More => Ok(ReadState::More),
            Received::End { .. } => {
                self.peer_closed = Some(None);
                Ok(ReadState::Closed(None))
            }
        }
    }

    fn fail(&mut self, error: ProtocolError) -> TransportError {
        self.peer_closed = Some(None);
        self.close_with(Some(error.close_code()), "");
        error.into()
    }

    /// Puts a frame behind those that wait. Nothing is sent before [`flush`](Self::flush). After
    /// [`close`](Self::close) it is dropped.
    pub fn queue(&mut self, frame: Frame) {
        if let Close::Open = self.close {
            self.queued_bytes += frame.len() + HEAD;
            self.queue.push_back(frame);
        }
    }

    /// Sends what is queued, as far as the socket takes it: all of it in one write, up to 64 KiB.
    ///
    /// # Errors
    /// When the socket fails or the connection cannot send any more.
    pub fn flush(&mut self) -> Result<FlushState, TransportError> {
        loop {
            if !self.link.flush()? {
                return Ok(FlushState::Blocked);
            }
            let sent = lend(&scratch::GATHER, |plain| {
                plain.clear();
                self.gather(plain);
                if plain.is_empty() { Ok(false) } else { self.link.send(plain).map(|()| true) }
            })?;
            if !sent {
                return Ok(FlushState::Done);
            }
        }
    }

    /// Sends a frame that many are sent, given also as the whole `message`: at once if nothing waits,
    /// otherwise behind what does.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub fn say(&mut self, frame: &Frame, message: &[u8]) -> Result<FlushState, TransportError> {
        let waits = !self.queue.is_empty() || self.pong.is_some();
        if waits || !matches!(self.close, Close::Open) || !self.link.flush()? {
            self.queue(frame.clone());
            return self.flush();
        }
        self.link.send(message)?;
        Ok(if self.link.outgoing_bytes() == 0 { FlushState::Done } else { FlushState::Blocked })
    }

    /// Makes a text that many are sent ready for the next [`flush`](Self::flush).
    ///
    /// # Errors
    /// When the connection cannot send any more.
    pub fn seal_text(&mut self, text: &Bytes) -> Result<(), TransportError> {
        let waits = !self.queue.is_empty() || self.pong.is_some() || self.ping;
        if waits || !matches!(self.close, Close::Open) || self.link.outgoing_bytes() > 0 {
            self.queue(Frame::from_bytes(text.clone()));
            return Ok(());
        }
        lend(&scratch::GATHER, |plain| {
            plain.clear();
            codec::put_message_head(text.len(), self.carries, plain);
            plain.extend_from_slice(text);
            self.link.seal(plain)
        })
    }

    /// From now on messages of the client may be as long as that.
    pub fn take_messages_up_to(&mut self, bytes: usize) {
        self.decoder.set_limit(bytes);
    }

    /// Asks the client with the next [`flush`](Self::flush) whether it is still there.
    pub fn ping(&mut self) {
        self.ping = true;
    }

    /// Whether the client has said since the last call that it is still there.
    pub fn was_alive(&mut self) -> bool {
        std::mem::take(&mut self.alive)
    }

    /// Takes what goes into the next write.
    fn gather(&mut self, plain: &mut Vec<u8>) {
        if let Some(payload) = self.pong.take() {
            codec::put_pong(&payload, plain);
        }
        if std::mem::take(&mut self.ping) && matches!(self.close, Close::Open) {
            codec::put_ping(plain);
        }
        while plain.len() < WRITE_BYTES
            && let Some(frame) = self.queue.pop_front()
        {
            let len = frame.len();
            self.queued_bytes -= len + HEAD;
            codec::put_message_head(len, self.carries, plain);
            for part in frame.parts() {
                plain.extend_from_slice(part);
            }
        }
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
            if let Close::Queued(code, reason) = &self.close {
                codec::put_close(*code, reason, plain);
                self.close = Close::Sent;
            }
        }
    }

    /// Bytes that wait for the socket, queued frames included.
    pub fn outbound_bytes(&self) -> usize {
        self.link.outgoing_bytes() + self.queued_bytes
    }

    /// Drops the frames that are queued and of which nothing was sent.
    pub fn drop_queued(&mut self) {
        self.queue = VecDeque::new();
        self.queued_bytes = 0;
    }

    /// Closes: behind what is queued, the client is told `code` and `reason` (at most 123 bytes of
    /// it). Call [`finish`](Self::finish) to see it through. Only the first call counts.
    pub fn close(&mut self, code: CloseCode, reason: &str) {
        self.close_with(Some(code), reason);
    }

    fn close_with(&mut self, code: Option<CloseCode>, reason: &str) {
        if let Close::Open = self.close {
            self.close = Close::Queued(code, reason.into());
        }
    }

    /// Sends what waits, ends the connection and lets the client take everything before the socket
    /// is gone, as long as that takes no more than [`NetLimits::linger`](super::NetLimits).
    ///
    /// A socket that is dropped with unread input resets the connection, and what was on its way,
    /// the reason for the closing for instance, may be lost.
    pub async fn finish(mut self) {
        let linger = self.linger;
        // What goes wrong now concerns nobody any more.
        let _ = tokio::time::timeout(linger, self.end()).await;
    }

    async fn end(&mut self) -> Result<(), TransportError> {
        while self.flush()? == FlushState::Blocked {
            self.writable().await?;
        }
        self.link.put_close();
        while !self.link.flush()? {
            self.writable().await?;
        }
        self.link.shutdown()?;
        let readiness = self.readiness();
        loop {
            readiness.readable().await?;
            if self.link.discard()? {
                return Ok(());
            }
        }
    }
}
