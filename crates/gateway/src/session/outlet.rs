//! The way to a session's client, for the session itself and for the rooms that its user is in.
//!
//! What is said in a room is sealed and written by whoever says it, in that one call: to wake a task for
//! each of a thousand sessions would cost more than to write to their sockets. So the transport is
//! behind a lock, which is held for single steps only and never while something is waited for. Everything
//! else goes into the mailbox.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use stoa_chat::Subscriber;
use stoa_chat::entry::{Event, Priority, RoomPage};
use stoa_core::limits;
use stoa_metrics::rooms::{DROPPED, Dropped};
use stoa_wire::Frame;

use super::mailbox::{Mail, Mailbox};
use super::outgoing;
use super::transport::Transport;
use crate::net::FlushState;
use crate::net::codec::put_message_head;

/// A frame for many sockets: as it is, and as a WebSocket message.
#[derive(Debug)]
pub struct SharedMessage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The whole message, its head included: a server's messages are the same for all clients.
    pub(crate) message: Bytes,
}

impl SharedMessage {
    pub(crate) fn new(frame: Frame) -> Self {
        let mut message = Vec::with_capacity(frame.len() + 10);
        put_message_head(frame.len(), &mut message);
        for part in frame.parts() {
            message.extend_from_slice(part);
        }
        Self { frame, message: message.into() }
    }

    /// The frame.
    pub const fn frame(&self) -> &Frame {
        &self.frame
    }
}

/// A session's transport and mailbox.
pub(crate) struct Outlet<T> {
    /// None once the session has ended.
    transport: Mutex<Option<T>>,
    pub(crate) mailbox: Mailbox,
}

impl<T: Transport> Outlet<T> {
    pub(crate) fn new(transport: T) -> Self {
        Self { transport: Mutex::new(Some(transport)), mailbox: Mailbox::default() }
    }

    /// One step with the transport; none if the session has ended.
    pub(crate) fn with<R>(&self, step: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.transport.lock().as_mut().map(step)
    }

    /// Takes the transport away: nothing is said any more.
    pub(crate) fn take(&self) -> Option<T> {
        self.transport.lock().take()
    }

    /// Hands a page of a room to the socket, unless too much waits for it.
    fn say(&self, page: &RoomPage) {
        let kept = page.encoded.get_or_init(|| Box::new(encoded(page)));
        let Some(message) = kept.downcast_ref::<SharedMessage>() else { return };
        let mut transport = self.transport.lock();
        let Some(transport) = transport.as_mut() else { return };
        let most = match page.priority {
            Priority::High => limits::ROOM_BACKLOG_BYTES,
            Priority::Low | Priority::Normal => limits::ROOM_BACKLOG_BYTES / 2,
        };
        if transport.outbound_bytes() > most {
            return DROPPED.of(Dropped::Slow).add_len(page.entries.len());
        }
        // Whether the rest can be sent later, or nothing any more, the session finds out.
        if !matches!(transport.say(message), Ok(FlushState::Done)) {
            self.mailbox.wake();
        }
    }
}

fn encoded(page: &RoomPage) -> SharedMessage {
    SharedMessage::new(outgoing::room_page(page))
}

impl<T: Transport> Subscriber<Event> for Outlet<T> {
    fn deliver(&self, event: &Arc<Event>) {
        match &**event {
            Event::Room(page) => self.say(page),
            _ => self.mailbox.put(Mail::Event(event.clone())),
        }
    }

    fn missed(&self) {
        self.mailbox.put(Mail::Missed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_message_is_the_frame_with_its_head() {
        let shared = SharedMessage::new(Frame::from_bytes(Bytes::from(vec![7; 300])));
        assert_eq!(shared.message[..4], [0x82, 126, 1, 44]);
        assert_eq!(shared.message[4..], vec![7; 300][..]);
        assert_eq!(shared.frame().len(), 300);
    }
}
