//! What a session needs of a connection, so that the same driver runs over a socket and over the
//! network of the simulation.

use std::future::Future;
use std::io;
use std::net::IpAddr;

use bytes::Bytes;
use stoa_wire::Frame;

use super::outlet::SharedMessage;
use crate::net::{CloseCode, FlushState, ReadState, Readiness, TransportError, WsTransport};

/// Waits for a connection without holding it. Look at the connection once before the first wait.
pub trait Waiter: Send + Sync + 'static {
    /// See [`Readiness::readable`].
    fn readable(&self) -> impl Future<Output = io::Result<()>> + Send;

    /// See [`Readiness::writable`].
    fn writable(&self) -> impl Future<Output = io::Result<()>> + Send;
}

/// A connection that carries whole frames. Nothing but [`Self::finish`] waits.
pub trait Transport: Send + 'static {
    /// What waits for it.
    type Waiter: Waiter;

    /// See [`WsTransport::readiness`].
    fn waiter(&self) -> Self::Waiter;

    /// Where the other end is, if that is known.
    fn address(&self) -> Option<IpAddr>;

    /// See [`WsTransport::say`].
    ///
    /// # Errors
    /// When the connection is broken.
    fn say(&mut self, message: &SharedMessage) -> Result<FlushState, TransportError>;

    /// See [`WsTransport::queue`].
    fn queue(&mut self, frame: Frame);

    /// See [`WsTransport::flush`].
    ///
    /// # Errors
    /// When the connection is broken.
    fn flush(&mut self) -> Result<FlushState, TransportError>;

    /// See [`WsTransport::outbound_bytes`].
    fn outbound_bytes(&self) -> usize;

    /// See [`WsTransport::drop_queued`].
    fn drop_queued(&mut self);

    /// See [`WsTransport::close`].
    fn close(&mut self, code: CloseCode, reason: &str);

    /// See [`WsTransport::read_available`].
    ///
    /// # Errors
    /// When the connection is broken.
    fn read_available(&mut self, on: &mut dyn FnMut(Bytes)) -> Result<ReadState, TransportError>;

    /// See [`WsTransport::finish`].
    fn finish(self) -> impl Future<Output = ()> + Send;
}

impl Waiter for Readiness {
    async fn readable(&self) -> io::Result<()> {
        Self::readable(self).await
    }

    async fn writable(&self) -> io::Result<()> {
        Self::writable(self).await
    }
}

impl Transport for WsTransport {
    type Waiter = Readiness;

    fn waiter(&self) -> Readiness {
        self.readiness()
    }

    fn address(&self) -> Option<IpAddr> {
        Some(self.peer().ip())
    }

    fn say(&mut self, message: &SharedMessage) -> Result<FlushState, TransportError> {
        Self::say(self, &message.frame, &message.message)
    }

    fn queue(&mut self, frame: Frame) {
        Self::queue(self, frame);
    }

    fn flush(&mut self) -> Result<FlushState, TransportError> {
        Self::flush(self)
    }

    fn outbound_bytes(&self) -> usize {
        Self::outbound_bytes(self)
    }

    fn drop_queued(&mut self) {
        Self::drop_queued(self);
    }

    fn close(&mut self, code: CloseCode, reason: &str) {
        Self::close(self, code, reason);
    }

    fn read_available(&mut self, on: &mut dyn FnMut(Bytes)) -> Result<ReadState, TransportError> {
        Self::read_available(self, on)
    }

    async fn finish(self) {
        Self::finish(self).await;
    }
}
