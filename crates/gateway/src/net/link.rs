//! A socket and what protects it, as plaintext, without waiting.

use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::codec::ProtocolError;
use super::scratch::{self, READ_BYTES, lend};
use super::tls::{SealError, Security};

/// Why a connection is over. Only the last is not the other side's or the network's doing.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The socket failed.
    #[error("socket: {0}")]
    Io(#[from] io::Error),
    /// The other side broke TLS, or it and we have nothing in common.
    #[error("tls: {0}")]
    Tls(#[from] rustls::Error),
    /// The other side broke the WebSocket protocol.
    #[error("websocket: {0}")]
    Protocol(#[from] ProtocolError),
    /// The connection cannot send any more.
    #[error("cannot seal: {0}")]
    Seal(&'static str),
}

impl From<SealError> for TransportError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Tls(error) => Self::Tls(error),
            SealError::NotOpen => Self::Seal("the connection is not open"),
            SealError::Exhausted => Self::Seal("the connection's keys are used up"),
        }
    }
}

/// How the kernel looks after a connection (RFC 9293, section 3.8.3 and 3.8.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelWatch {
    /// Silence after which it asks the other end's kernel.
    pub after: Duration,
    /// How long that, or anything that was sent, may stay without acknowledgement.
    pub unheard: Duration,
}

/// Between one probe that is not answered and the next.
const PROBE_AGAIN: Duration = Duration::from_secs(3);

/// What one look at the socket gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    /// Nothing more is there at present.
    Drained,
    /// There may be more.
    More,
    /// The other side sends nothing more. `cut` when it did not say so within TLS.
    End {
        /// What came may not be all that was sent.
        cut: bool,
    },
}

/// A connected socket with its protection.
///
/// Nothing here waits. Bytes are kept only where a record is incomplete or the socket is full.
#[derive(Debug)]
pub(crate) struct Link {
    io: Arc<TcpStream>,
    security: Security,
    /// What came and could not be used yet: less than a record, or than a handshake message.
    unused: Vec<u8>,
    /// What is ready for the socket, from `sent` on.
    outgoing: Vec<u8>,
    sent: usize,
    handshaking: bool,
    ended: Option<Received>,
}

impl Link {
    pub(crate) fn new(io: TcpStream, security: Security) -> Self {
        let handshaking = matches!(security, Security::Tls(_));
        Self {
            io: Arc::new(io),
            security,
            unused: Vec::new(),
            outgoing: Vec::new(),
            sent: 0,
            handshaking,
            ended: None,
        }
    }

    pub(crate) fn io(&self) -> &Arc<TcpStream> {
        &self.io
    }

    /// The TLS handshake is not over; nothing can be sent.
    pub(crate) fn is_handshaking(&self) -> bool {
        self.handshaking
    }

    /// The SHA-256 of the certificate that the client has shown.
    pub(crate) fn client_certificate(&self) -> Option<[u8; 32]> {
        let hash = digest(&SHA256, self.security.client_certificate()?);
        hash.as_ref().try_into().ok()
    }

    /// Bytes that the socket has not taken yet.
    pub(crate) fn outgoing_bytes(&self) -> usize {
        self.outgoing.len() - self.sent
    }

    /// Reads once, at most [`READ_BYTES`], and hands out the plaintext.
    ///
    /// # Errors
    /// When the socket fails or the other side breaks TLS; what tells it so is then ready to be
    /// flushed.
    pub(crate) fn receive(
        &mut self,
        on_plain: &mut dyn FnMut(&[u8]),
    ) -> Result<Received, TransportError> {
        if let Some(end) = self.ended {
            return Ok(end);
        }
        lend(&scratch::READ, |buffer| {
            let kept = self.unused.len();
            buffer.resize(READ_BYTES.max(kept + READ_BYTES / 2), 0);
            buffer[..kept].copy_from_slice(&self.unused);
            let room = &mut buffer[kept..];
            let Some((n, drained)) = read(&self.io, room)? else { return Ok(Received::Drained) };
            if n == 0 {
                let end = Received::End { cut: matches!(self.security, Security::Tls(_)) };
                self.ended = Some(end);
                return Ok(end);
            }
            let incoming = &mut buffer[..kept + n];
            let opened = self.security.open(incoming, &mut self.outgoing, on_plain);
            let opened = opened.inspect_err(|_| {
                self.unused = Vec::new();
                self.ended = Some(Received::End { cut: true });
            })?;
            self.handshaking = opened.handshaking;
            if opened.used == incoming.len() {
                self.unused = Vec::new();
            } else {
                self.unused.clear();
                self.unused.extend_from_slice(&incoming[opened.used..]);
            }
            if opened.closed {
                let end = Received::End { cut: false };
                self.ended = Some(end);
                return Ok(end);
            }
            Ok(if drained { Received::Drained } else { Received::More })
        })
    }

    /// Seals `plain` and sends what the socket takes; the rest waits for [`flush`](Self::flush).
    /// Must not be called while something waits, so that it cannot pile up.
    pub(crate) fn send(&mut self, plain: &[u8]) -> Result<(), TransportError> {
        debug_assert_eq!(self.outgoing_bytes(), 0, "flushed before");
        if let Security::Plain = self.security {
            let sent = write(&self.io, plain)?;
            self.keep(&plain[sent..]);
            return Ok(());
        }
        lend(&scratch::SEAL, |sealed| {
            sealed.clear();
            self.security.seal(plain, &mut self.unused, sealed)?;
            let sent = write(&self.io, sealed)?;
            self.keep(&sealed[sent..]);
            Ok(())
        })
    }

    /// Seals `plain` for the next [`flush`](Self::flush). Must not be called while something waits.
    pub(crate) fn seal(&mut self, plain: &[u8]) -> Result<(), TransportError> {
        debug_assert_eq!(self.outgoing_bytes(), 0, "flushed before");
        Ok(self.security.seal(plain, &mut self.unused, &mut self.outgoing)?)
    }

    fn keep(&mut self, rest: &[u8]) {
        self.outgoing.extend_from_slice(rest);
    }

    /// Sends what waits, as far as the socket takes it; `true` when nothing waits any longer.
    pub(crate) fn flush(&mut self) -> Result<bool, TransportError> {
        if !self.outgoing.is_empty() {
            self.sent += write(&self.io, &self.outgoing[self.sent..])?;
            if self.outgoing_bytes() > 0 {
                return Ok(false);
            }
            self.outgoing = Vec::new();
            self.sent = 0;
        }
        Ok(true)
    }

    /// Makes ready for [`flush`](Self::flush) that nothing more will be sent.
    pub(crate) fn put_close(&mut self) {
        self.security.put_close(&mut self.unused, &mut self.outgoing);
    }

    pub(crate) fn let_the_kernel_watch(&self, watch: KernelWatch) -> io::Result<()> {
        let socket = SockRef::from(&*self.io);
        let probes = TcpKeepalive::new().with_time(watch.after).with_interval(PROBE_AGAIN);
        socket.set_tcp_keepalive(&probes)?;
        socket.set_tcp_user_timeout(Some(watch.unheard))
    }

    /// Ends sending.
    pub(crate) fn shutdown(&self) -> io::Result<()> {
        SockRef::from(&*self.io).shutdown(Shutdown::Write)
    }

    /// Reads and throws away; `true` at the end.
    pub(crate) fn discard(&self) -> io::Result<bool> {
        lend(&scratch::READ, |buffer| {
            buffer.resize(READ_BYTES, 0);
            Ok(matches!(read(&self.io, buffer)?, Some((0, _))))
        })
    }
}

/// Reads once. `None` when nothing is there, else how much came and whether that was all.
///
/// A read that does not fill the buffer has emptied the socket, so readiness is given back at once:
/// the next wait needs no further read to find nothing. (The runtime does the same inside its own
/// reads, but those need a task to wait in.)
fn read(io: &TcpStream, buffer: &mut [u8]) -> io::Result<Option<(usize, bool)>> {
    let mut read = None;
    let result = io.try_io(Interest::READABLE, || {
        let n = io::Read::read(&mut &*SockRef::from(io), buffer)?;
        let drained = n < buffer.len();
        read = Some((n, drained));
        if drained && n > 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
    });
    match (read, result) {
        (Some(read), _) => Ok(Some(read)),
        (None, Err(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        (None, Err(error)) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
        (None, Err(error)) => Err(error),
        (None, Ok(())) => unreachable!("the closure succeeds only with something read"),
    }
}

/// Writes until everything is gone or the socket takes nothing more.
fn write(io: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    // The socket is nearly always ready, and the runtime's own note of that lies elsewhere in memory: it is looked at
    // only if the socket does not take all. Other failures are found there, too.
    let mut sent = SockRef::from(io).send(bytes).unwrap_or_default();
    while sent < bytes.len() {
        match io.try_write(&bytes[sent..]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => sent += n,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sent)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_kernel_is_told_to_watch_and_what_it_does_not_take_waits() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (socket, _) = listener.accept().await.unwrap();
        let mut link = Link::new(socket, Security::Plain);
        let (after, unheard) = (Duration::from_secs(15), Duration::from_secs(25));
        link.let_the_kernel_watch(KernelWatch { after, unheard }).unwrap();
        let socket = SockRef::from(&**link.io());
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), after);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(unheard));
        // Nobody reads.
        let much = vec![7; 64 * 1024];
        let mut sent = 0;
        while link.outgoing_bytes() == 0 {
            link.send(&much).unwrap();
            sent += much.len();
        }
        assert!(!link.flush().unwrap() && link.outgoing_bytes() <= much.len(), "{sent}");
    }
}
