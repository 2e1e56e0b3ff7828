//! The waiting side of a [`Link`]: a byte stream for the handshake and for HTTP.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::link::{Link, Received, TransportError};

/// Plaintext that one write seals.
const CHUNK: usize = 16 * 1024;

/// A connection as a byte stream.
///
/// Plaintext that was read and not yet asked for is kept; [`Stream::ahead`] shows it, so that the
/// first request can be looked at and still be read by whoever serves it.
pub(crate) struct Stream {
    link: Link,
    plain: Vec<u8>,
    taken: usize,
    end: Option<Received>,
    stall: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    received: Arc<AtomicU64>,
}

impl Stream {
    /// A stream that fails when its socket takes nothing for `stall`.
    pub(crate) fn new(link: Link, stall: Duration) -> Self {
        Self {
            link,
            plain: Vec::new(),
            taken: 0,
            end: None,
            stall,
            stalled: None,
            received: Arc::default(),
        }
    }

    /// The TLS handshake is not over.
    pub(crate) fn is_handshaking(&self) -> bool {
        self.link.is_handshaking()
    }

    /// How many bytes of plaintext were taken so far, for whoever looks whether a client goes on sending.
    pub(crate) fn received(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.received)
    }

    /// The SHA-256 of the certificate that the client has shown.
    pub(crate) fn client_certificate(&self) -> Option<[u8; 32]> {
        self.link.client_certificate()
    }

    /// Completes the TLS handshake.
    pub(crate) async fn handshake(&mut self) -> Result<(), TransportError> {
        while self.link.is_handshaking() {
            self.link.io().readable().await?;
            let received = self.receive();
            // Also after an error: the other side is told what it did wrong.
            let flushed = self.flush_link().await;
            let received = received?;
            flushed?;
            // A client may end its side with what completes the handshake.
            if self.link.is_handshaking() && matches!(received, Received::End { .. }) {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
        Ok(())
    }

    /// Plaintext that was read and not yet taken.
    pub(crate) fn ahead(&self) -> &[u8] {
        &self.plain[self.taken..]
    }

    /// Reads more into [`ahead`](Self::ahead); `false` at the end.
    pub(crate) async fn read_ahead(&mut self) -> Result<bool, TransportError> {
        let before = self.ahead().len();
        loop {
            match self.receive()? {
                _ if self.ahead().len() > before => return Ok(true),
                Received::End { .. } => return Ok(false),
                Received::More => {}
                Received::Drained => self.link.io().readable().await?,
            }
        }
    }

    /// Sends all of `bytes`.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.flush_link().await?;
        self.link.send(bytes)?;
        self.flush_link().await
    }

    /// The connection without the stream, and the plaintext behind the first `skip` bytes of what
    /// was read ahead.
    pub(crate) fn into_link(self, skip: usize) -> (Link, Vec<u8>) {
        let early = self.ahead().get(skip..).unwrap_or_default().to_vec();
        (self.link, early)
    }

    fn receive(&mut self) -> Result<Received, TransportError> {
        if self.taken == self.plain.len() {
            self.plain.clear();
            self.taken = 0;
        }
        let plain = &mut self.plain;
        let received = self.link.receive(&mut |bytes| plain.extend_from_slice(bytes))?;
        if let Received::End { .. } = received {
            self.end = Some(received);
        }
        Ok(received)
    }

    async fn flush_link(&mut self) -> Result<(), TransportError> {
        while !self.link.flush()? {
            self.link.io().writable().await?;
        }
        Ok(())
    }

    fn poll_flush_link(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let before = self.link.outgoing_bytes();
            if self.link.flush().map_err(into_io)? {
                self.stalled = None;
                return Poll::Ready(Ok(()));
            }
            if self.link.outgoing_bytes() < before {
                self.stalled = None;
            }
            let stall = self.stall;
            let stalled = self
                .stalled
                .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + stall)));
            if stalled.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            ready!(self.link.io().poll_write_ready(cx))?;
        }
    }
}

fn into_io(error: TransportError) -> io::Error {
    match error {
        TransportError::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            let ahead = this.ahead();
            if !ahead.is_empty() {
                let n = ahead.len().min(buf.remaining());
                buf.put_slice(&ahead[..n]);
                this.taken += n;
                this.received.fetch_add(n as u64, Ordering::Relaxed);
                if this.taken == this.plain.len() {
                    this.plain = Vec::new();
                    this.taken = 0;
                }
                return Poll::Ready(Ok(()));
            }
            match this.end {
                Some(Received::End { cut: true }) => {
                    return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                }
                Some(_) => return Poll::Ready(Ok(())),
                None => {}
            }
            ready!(this.link.io().poll_read_ready(cx))?;
            this.receive().map_err(into_io)?;
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_flush_link(cx))?;
        let n = buf.len().min(CHUNK);
        self.link.send(&buf[..n]).map_err(into_io)?;
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush_link(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.link.is_handshaking() {
            self.link.put_close();
        }
        ready!(self.poll_flush_link(cx))?;
        Poll::Ready(match self.link.shutdown() {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result,
        })
    }
}
