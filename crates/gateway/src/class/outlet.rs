//! The way to a client in a class, for its own session and for its room.
//!
//! What a room says is sealed and written by whoever says it, in that one call, as in chat rooms: to wake a task for
//! each of five thousand sessions would cost more than to write to their sockets. Until the client has been told
//! what it missed, it is held back.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use stoa_classroom::Listener;
use stoa_core::{Timestamp, limits};
use stoa_media::{Tell, Told};
use stoa_metrics::class::DELIVERED;
use stoa_wire::Frame;
use tokio::sync::Notify;

use super::core::Input;
use crate::net::{FlushState, WsTransport};

/// What becomes of what the room says.
enum Mode {
    /// It is held back.
    Holding(Vec<Bytes>, usize),
    /// It goes to the client.
    Live,
    /// Nothing: the client does not keep up, and is told to read the room anew.
    Deaf,
}

struct Inner {
    /// None once the session has ended.
    transport: Option<WsTransport>,
    mode: Mode,
    mail: Vec<Input>,
}

/// A session's transport, and what others have for the session.
pub(super) struct Outlet {
    inner: Mutex<Inner>,
    arrived: Notify,
}

impl Outlet {
    pub(super) fn new(transport: WsTransport) -> Self {
        let mode = Mode::Holding(Vec::new(), 0);
        let inner = Inner { transport: Some(transport), mode, mail: Vec::new() };
        Self { inner: Mutex::new(inner), arrived: Notify::new() }
    }

    /// One step with the transport; none if the session has ended.
    pub(super) fn with<R>(&self, step: impl FnOnce(&mut WsTransport) -> R) -> Option<R> {
        self.inner.lock().transport.as_mut().map(step)
    }

    /// Lets the client hear what the room says, what was held back first.
    pub(super) fn go_live(&self) {
        let mut inner = self.inner.lock();
        let Inner { transport: Some(transport), mode, .. } = &mut *inner else { return };
        if let Mode::Holding(texts, _) = mode {
            DELIVERED.add_len(texts.len());
            for text in texts.drain(..) {
                transport.queue(Frame::from_bytes(text));
            }
            *mode = Mode::Live;
        }
        // Descriptions of media connections are long; strangers have no use for them.
        transport.take_messages_up_to(limits::CLASS_MEDIA_BYTES);
    }

    /// Takes the transport away: nothing is said any more.
    pub(super) fn take(&self) -> Option<WsTransport> {
        self.inner.lock().transport.take()
    }

    /// Takes out what others have for the session.
    pub(super) fn mail(&self) -> Vec<Input> {
        std::mem::take(&mut self.inner.lock().mail)
    }

    /// Waits until there is something to do.
    pub(super) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    fn put(&self, input: Input) {
        self.inner.lock().mail.push(input);
        self.arrived.notify_one();
    }
}

impl Told for Outlet {
    fn told(&self, tell: Tell) {
        self.put(Input::MediaTold(tell));
    }
}

impl Listener for Outlet {
    fn hear(&self, text: &Bytes) {
        self.prepare(text);
        self.flush();
    }

    fn flush(&self) {
        let mut inner = self.inner.lock();
        let Inner { transport: Some(transport), mode: Mode::Live, .. } = &mut *inner else {
            return;
        };
        // Whether the rest can be sent later, or nothing any more, the session finds out.
        if !matches!(transport.flush(), Ok(FlushState::Done)) {
            self.arrived.notify_one();
        }
    }

    fn prepare(&self, text: &Bytes) {
        let mut inner = self.inner.lock();
        let Inner { transport: Some(transport), mode, mail } = &mut *inner else { return };
        let waiting = match mode {
            Mode::Holding(_, bytes) => *bytes,
            Mode::Live => transport.outbound_bytes(),
            Mode::Deaf => return,
        };
        if waiting > limits::CLASS_BACKLOG_BYTES {
            // What waits is part of what is read anew.
            transport.drop_queued();
            *mode = Mode::Deaf;
            mail.push(Input::Overrun);
        } else if let Mode::Holding(texts, bytes) = mode {
            *bytes += text.len();
            return texts.push(text.clone());
        } else {
            DELIVERED.inc();
            if transport.seal_text(text).is_ok() {
                return;
            }
        }
        self.arrived.notify_one();
    }

    fn lives_until(&self, until: Timestamp) {
        self.put(Input::LivesUntil(until));
    }

    fn end(&self, why: &'static str) {
        self.put(Input::End(why));
    }
}

/// As what rooms know it.
pub(super) fn listener(outlet: &Arc<Outlet>) -> Arc<dyn Listener> {
    outlet.clone()
}
