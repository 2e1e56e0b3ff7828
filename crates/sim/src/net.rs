//! The network between a client and a session: two streams of bytes that are late, narrow, or cut.
//!
//! A stream keeps its order, as TCP does. It can be cut behind any byte; it can swallow everything
//! without telling anybody; and the client may read it slowly, until the server's socket is full.
//! A frame travels behind its length (4 bytes), a closing behind a length that no frame has.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use stoa_core::limits;
use stoa_gateway::net::{CloseCode, FlushState, ReadState, TransportError};
use stoa_gateway::sim::{SharedMessage, Transport, Waiter};
use stoa_wire::Frame;

use crate::mutant::{Mutant, answer_to_leaving};

/// The length that stands before a closing's code.
const CLOSING: u32 = u32::MAX;
/// How long a session's end may take to reach the client.
const LINGER: Duration = Duration::from_secs(5);

/// The server's socket: what both ends of it share.
#[derive(Debug, Default)]
pub(crate) struct Socket {
    /// Arrived and not read by the session.
    pub(crate) arrived: VecDeque<u8>,
    /// Nothing more will arrive.
    pub(crate) ended: bool,
    /// The connection was reset.
    pub(crate) broken: bool,
    /// Written by the session and not yet with the client.
    pub(crate) written: VecDeque<u8>,
    /// Bytes between the session and the client's eyes.
    pub(crate) outstanding: usize,
    /// How many there may be.
    pub(crate) capacity: usize,
    /// So much waited for it once that what is said in rooms may have been dropped.
    pub(crate) fell_behind: bool,
    /// The session let go of the socket.
    pub(crate) released: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Socket {
    /// Lets the session look again.
    pub(crate) fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }
}

/// A socket that the session and the network hold.
pub(crate) type Shared = Arc<Mutex<Socket>>;

/// The session's end.
pub(crate) struct SimTransport {
    socket: Shared,
    queue: VecDeque<Frame>,
    queued_bytes: usize,
    /// Encoded, and not taken by the socket.
    partial: VecDeque<u8>,
    closing: Closing,
    mutant: Option<Mutant>,
    /// What was said in rooms so far.
    said: u64,
}

#[derive(Clone, Copy)]
enum Closing {
    Not,
    Queued(u16),
    Sent,
}

impl SimTransport {
    pub(crate) fn new(socket: Shared, mutant: Option<Mutant>) -> Self {
        Self {
            socket,
            queue: VecDeque::new(),
            queued_bytes: 0,
            partial: VecDeque::new(),
            closing: Closing::Not,
            mutant,
            said: 0,
        }
    }
}

impl Drop for SimTransport {
    fn drop(&mut self) {
        self.socket.lock().released = true;
    }
}

fn reset() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

/// Waits for the session's end of a socket.
pub(crate) struct SimWaiter(Shared);

impl Waiter for SimWaiter {
    fn readable(&self) -> impl Future<Output = io::Result<()>> + Send {
        std::future::poll_fn(|context| {
            let mut socket = self.0.lock();
            if socket.broken || socket.ended || has_frame(&socket.arrived) {
                return Poll::Ready(Ok(()));
            }
            socket.reader = Some(context.waker().clone());
            Poll::Pending
        })
    }

    fn writable(&self) -> impl Future<Output = io::Result<()>> + Send {
        std::future::poll_fn(|context| {
            let mut socket = self.0.lock();
            if socket.broken || socket.outstanding < socket.capacity {
                return Poll::Ready(Ok(()));
            }
            socket.writer = Some(context.waker().clone());
            Poll::Pending
        })
    }
}

impl Transport for SimTransport {
    type Waiter = SimWaiter;

    fn waiter(&self) -> SimWaiter {
        SimWaiter(self.socket.clone())
    }

    fn address(&self) -> Option<std::net::IpAddr> {
        None
    }

    fn say(&mut self, message: &SharedMessage) -> Result<FlushState, TransportError> {
        self.said += 1;
        if self.mutant == Some(Mutant::LostPage) && self.said.is_multiple_of(8) {
            return self.flush();
        }
        self.queue(message.frame().clone());
        self.flush()
    }

    fn queue(&mut self, frame: Frame) {
        if let Closing::Not = self.closing {
            self.queued_bytes += frame.len();
            self.queue.push_back(frame);
            // From here on messages of normal priority are dropped, and events a little later.
            if self.outbound_bytes() > limits::ROOM_BACKLOG_BYTES / 2 {
                self.socket.lock().fell_behind = true;
            }
        }
    }

    fn flush(&mut self) -> Result<FlushState, TransportError> {
        let mut socket = self.socket.lock();
        if socket.broken {
            return Err(reset().into());
        }
        loop {
            let room = socket.capacity.saturating_sub(socket.outstanding).min(self.partial.len());
            socket.outstanding += room;
            socket.written.extend(self.partial.drain(..room));
            if !self.partial.is_empty() {
                return Ok(FlushState::Blocked);
            }
            if let Some(frame) = self.queue.pop_front() {
                self.queued_bytes -= frame.len();
                put_frame(&frame.to_bytes(), &mut self.partial);
            } else if let Closing::Queued(code) = self.closing {
                self.partial.extend(CLOSING.to_be_bytes());
                self.partial.extend(code.to_be_bytes());
                self.closing = Closing::Sent;
            } else {
                return Ok(FlushState::Done);
            }
        }
    }

    fn outbound_bytes(&self) -> usize {
        self.partial.len() + self.queued_bytes
    }

    fn drop_queued(&mut self) {
        self.queue.clear();
        self.queued_bytes = 0;
    }

    fn close(&mut self, code: CloseCode, _reason: &str) {
        if let Closing::Not = self.closing {
            self.closing = Closing::Queued(code.0);
        }
    }

    fn read_available(&mut self, on: &mut dyn FnMut(Bytes)) -> Result<ReadState, TransportError> {
        let mut socket = self.socket.lock();
        if socket.broken {
            return Err(reset().into());
        }
        let mut frames = Vec::new();
        while let Some(frame) = take_frame(&mut socket.arrived) {
            frames.push(frame);
        }
        let ended = socket.ended;
        drop(socket);
        for frame in frames {
            let Taken::Frame(frame) = frame else { continue };
            match answer_to_leaving(self.mutant, &frame) {
                Some(answer) => self.queue(answer),
                None => on(frame),
            }
        }
        Ok(if ended { ReadState::Closed(None) } else { ReadState::Drained })
    }

    async fn finish(mut self) {
        let waiter = self.waiter();
        let end = async {
            while let Ok(FlushState::Blocked) = self.flush() {
                if waiter.writable().await.is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(LINGER, end).await;
    }
}

/// Puts a frame behind its length.
pub(crate) fn put_frame(frame: &[u8], to: &mut impl Extend<u8>) {
    let len = u32::try_from(frame.len()).expect("frames are far smaller");
    to.extend(len.to_be_bytes());
    to.extend(frame.iter().copied());
}

/// What stood in a stream.
pub(crate) enum Taken {
    Frame(Bytes),
    Closing(u16),
}

fn head(from: &VecDeque<u8>) -> Option<u32> {
    let mut bytes = [0; 4];
    for (to, from) in bytes.iter_mut().zip(from) {
        *to = *from;
    }
    (from.len() >= 4).then(|| u32::from_be_bytes(bytes))
}

fn body_len(head: u32) -> usize {
    if head == CLOSING { 2 } else { usize::try_from(head).unwrap_or(usize::MAX - 4) }
}

fn has_frame(from: &VecDeque<u8>) -> bool {
    head(from).is_some_and(|head| from.len() >= 4 + body_len(head))
}

/// Takes the next whole frame out of a stream.
pub(crate) fn take_frame(from: &mut VecDeque<u8>) -> Option<Taken> {
    let head = head(from)?;
    let len = body_len(head);
    if from.len() < 4 + len {
        return None;
    }
    from.drain(..4);
    let body: Vec<u8> = from.drain(..len).collect();
    Some(if head == CLOSING {
        Taken::Closing(u16::from_be_bytes([body[0], body[1]]))
    } else {
        Taken::Frame(body.into())
    })
}

/// Bytes on their way, and when they are there.
#[derive(Debug, Default)]
pub(crate) struct Line {
    parts: VecDeque<(u64, Vec<u8>)>,
}

impl Line {
    /// Sends `bytes` to arrive at `due`, never before what was sent earlier.
    pub(crate) fn send(&mut self, due: u64, bytes: Vec<u8>) {
        let due = self.parts.back().map_or(due, |(last, _)| due.max(*last));
        if !bytes.is_empty() {
            self.parts.push_back((due, bytes));
        }
    }

    /// What is there at `now`.
    pub(crate) fn arrived(&mut self, now: u64) -> Vec<u8> {
        let mut there = Vec::new();
        while self.parts.front().is_some_and(|(due, _)| *due <= now) {
            there.extend(self.parts.pop_front().map(|(_, bytes)| bytes).unwrap_or_default());
        }
        there
    }

    /// Everything that is on its way.
    pub(crate) fn all(&mut self) -> Vec<u8> {
        self.arrived(u64::MAX)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_whole_or_not_at_all() {
        let mut stream = VecDeque::new();
        put_frame(b"one", &mut stream);
        put_frame(b"two", &mut stream);
        stream.truncate(12);
        let text = |taken| match taken {
            Some(Taken::Frame(frame)) => String::from_utf8(frame.to_vec()).ok(),
            _ => None,
        };
        assert_eq!(text(take_frame(&mut stream)).as_deref(), Some("one"));
        assert!(take_frame(&mut stream).is_none() && !has_frame(&stream));
        stream.extend(b"wo");
        assert_eq!(text(take_frame(&mut stream)).as_deref(), Some("two"));
    }

    #[test]
    fn a_line_keeps_its_order() {
        let mut line = Line::default();
        line.send(10, b"a".to_vec());
        line.send(5, b"b".to_vec());
        assert!(line.arrived(9).is_empty());
        assert_eq!(line.arrived(10), b"ab");
        assert!(line.is_empty());
    }
}
