//! A logged-in session: the protocol over the socket.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::Error;
use crate::client::frames::{self, Identity};
use crate::client::net::Endpoint;
use crate::client::protocol::{News, Protocol};
use crate::client::socket::Socket;

/// 2010-02-01 in milliseconds since 1970: where the SDK's ids begin.
const ID_EPOCH_MS: u64 = 1_264_982_400_000;
/// How often is asked what is waiting until nothing is.
const SETTLING: usize = 200;

/// One device that is logged in.
pub struct Session {
    socket: Socket,
    identity: Identity,
    protocol: Protocol,
    output: Vec<Vec<u8>>,
}

impl Session {
    /// Opens a WebSocket without logging in.
    ///
    /// # Errors
    /// When that fails.
    pub async fn open(endpoint: &Endpoint, identity: Identity) -> Result<Self, Error> {
        let socket = Socket::open(endpoint).await?;
        Ok(Self { socket, identity, protocol: Protocol::default(), output: Vec::new() })
    }

    /// Connects, logs in, and does what the SDK does then, up to the answer to UNREAD.
    ///
    /// # Errors
    /// When any of it fails.
    pub async fn start(endpoint: &Endpoint, identity: Identity) -> Result<Self, Error> {
        let mut session = Self::open(endpoint, identity).await?;
        session.provision().await?;
        session.until(|news| matches!(news, News::Unread(_))).await?;
        Ok(session)
    }

    /// Logs in, up to the server's word that it succeeded.
    ///
    /// # Errors
    /// When it fails.
    pub async fn login(&mut self) -> Result<(), Error> {
        self.socket.send(&frames::provision(&self.identity, now_ms())).await?;
        match self.hear().await? {
            News::Welcome => Ok(()),
            other => Err(Error::protocol(format!("to the login: {other:?}"))),
        }
    }

    /// Logs in and asks what is waiting, without waiting for the answer.
    ///
    /// # Errors
    /// When it fails.
    pub async fn provision(&mut self) -> Result<(), Error> {
        self.login().await?;
        self.answer().await
    }

    /// The next frame's news; what is to be sent for it waits for [`Self::answer`].
    ///
    /// # Errors
    /// When the connection ends or the server refuses something.
    pub async fn hear(&mut self) -> Result<News, Error> {
        let frame = self.socket.receive().await?;
        let frame = frame.ok_or_else(|| Error::Closed(String::new()))?;
        self.protocol.hear(frame, now_ms(), &mut self.output)
    }

    /// Sends what the SDK would send for what was heard, each frame by itself.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn answer(&mut self) -> Result<(), Error> {
        for frame in self.output.drain(..) {
            self.socket.send(&frame).await?;
        }
        Ok(())
    }

    /// Hears and answers until something has come.
    ///
    /// # Errors
    /// As [`Self::hear`].
    pub async fn until(&mut self, wanted: impl Fn(&News) -> bool) -> Result<News, Error> {
        loop {
            let news = self.hear().await?;
            self.answer().await?;
            if wanted(&news) {
                return Ok(news);
            }
        }
    }

    /// Sends a text under a new id, which is answered in time by [`News::Ack`].
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn send_text(&mut self, to: &str, text: String) -> Result<u64, Error> {
        let id = new_id();
        self.socket.send(&frames::text(&self.identity, to, id, text)).await?;
        Ok(id)
    }

    /// Sends a text to a group under a new id, which is answered in time by [`News::Ack`].
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn send_group_text(&mut self, group: &str, text: String) -> Result<u64, Error> {
        let id = new_id();
        self.socket.send(&frames::group_text(&self.identity, group, id, text)).await?;
        Ok(id)
    }

    /// Enters a chat room.
    ///
    /// # Errors
    /// When it may not.
    pub async fn enter(&mut self, room: &str) -> Result<(), Error> {
        let id = new_id();
        self.socket.send(&frames::enter(&self.identity, room, id)).await?;
        self.until(|news| *news == News::Ack(id)).await.map(drop)
    }

    /// The address that it connects from.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn local_address(&self) -> Result<SocketAddr, Error> {
        self.socket.local_address()
    }

    /// Beats: asks what is waiting, and waits for the answer.
    ///
    /// # Errors
    /// When there is none.
    pub async fn heartbeat(&mut self) -> Result<(), Error> {
        Protocol::heartbeat(now_ms(), &mut self.output);
        self.answer().await?;
        self.until(|news| matches!(news, News::Unread(_))).await.map(|_| ())
    }

    /// Beats until nothing is waiting: everything that was in the queues has been taken.
    ///
    /// # Errors
    /// When that does not come to an end.
    pub async fn settle(&mut self) -> Result<(), Error> {
        for _ in 0..SETTLING {
            Protocol::heartbeat(now_ms(), &mut self.output);
            self.answer().await?;
            let heard = self.until(|news| matches!(news, News::Unread(_))).await?;
            if heard == News::Unread(0) {
                return Ok(());
            }
        }
        Err(Error::protocol("what is waiting does not come to an end"))
    }

    /// Closes the WebSocket and waits for the end.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn close(self) -> Result<(), Error> {
        self.socket.close().await
    }

    /// The connection, and the rest of the state.
    pub(crate) fn into_parts(self) -> (Socket, Identity, Protocol) {
        (self.socket, self.identity, self.protocol)
    }

    /// Who it is.
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// An id as the SDK makes them, but unique in the process.
pub(crate) fn new_id() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let at_least = now_ms().saturating_sub(ID_EPOCH_MS);
    let next = |last: u64| at_least.max(last + 1);
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
    next(last.unwrap_or_default())
}

/// Nanoseconds since the first call in this process: what latencies are measured with.
pub fn nanos() -> u64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}
