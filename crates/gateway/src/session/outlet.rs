//! The way to a session's client, for the session itself and for the rooms that its user is in.
//!
//! What is said in a room is sealed and written by whoever says it, in that one call: to wake a task for
//! each of a thousand sessions would cost more than to write to their sockets. So the transport is
//! behind a lock, which is held for single steps only and never while something is waited for. Everything
//! else goes into the mailbox.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
use crate::net::codec::{Carries, put_message_head};

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
        put_message_head(frame.len(), Carries::Binary, &mut message);
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
    /// The client was told that it is logged in. Before that it bears nothing else.
    entered: AtomicBool,
    pub(crate) mailbox: Mailbox,
}

impl<T: Transport> Outlet<T> {
    pub(crate) fn new(transport: T) -> Self {
        Self {
            transport: Mutex::new(Some(transport)),
            entered: AtomicBool::new(false),
            mailbox: Mailbox::default(),
        }
    }

    /// One step with the transport; none if the session has ended.
    pub(crate) fn with<R>(&self, step: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.transport.lock().as_mut().map(step)
    }

    /// The answer to the login is with the transport: rooms may follow.
    pub(crate) fn enter(&self) {
        self.entered.store(true, Ordering::Release);
    }

    /// Takes the transport away: nothing is said any more.
    pub(crate) fn take(&self) -> Option<T> {
        self.transport.lock().take()
    }

    /// Hands a page of a room to the socket, unless too much waits for it.
    fn say(&self, page: &RoomPage) {
        // Another device of the user has come into the room during the login.
        if !self.entered.load(Ordering::Acquire) {
            return;
        }
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
    use std::io;
    use std::sync::OnceLock;

    use stoa_core::{GroupId, MucKind};

    use super::super::transport::Waiter;
    use super::*;
    use crate::net::{CloseCode, ReadState, TransportError};

    /// A socket that takes so many bytes and then nothing more.
    struct Narrow {
        room: usize,
        waiting: usize,
        said: usize,
    }

    struct Never;

    impl Waiter for Never {
        async fn readable(&self) -> io::Result<()> {
            std::future::pending().await
        }

        async fn writable(&self) -> io::Result<()> {
            std::future::pending().await
        }
    }

    impl Transport for Narrow {
        type Waiter = Never;

        fn waiter(&self) -> Never {
            Never
        }

        fn address(&self) -> Option<std::net::IpAddr> {
            None
        }

        fn say(&mut self, message: &SharedMessage) -> Result<FlushState, TransportError> {
            self.said += 1;
            self.waiting += message.frame().len();
            self.flush()
        }

        fn queue(&mut self, frame: Frame) {
            self.waiting += frame.len();
        }

        fn flush(&mut self) -> Result<FlushState, TransportError> {
            let taken = self.waiting.min(self.room);
            self.waiting -= taken;
            self.room -= taken;
            Ok(if self.waiting == 0 { FlushState::Done } else { FlushState::Blocked })
        }

        fn outbound_bytes(&self) -> usize {
            self.waiting
        }

        fn drop_queued(&mut self) {
            self.waiting = 0;
        }

        fn close(&mut self, _: CloseCode, _: &str) {}

        fn read_available(
            &mut self,
            _: &mut dyn FnMut(Bytes),
        ) -> Result<ReadState, TransportError> {
            Ok(ReadState::Drained)
        }

        async fn finish(self) {}
    }

    fn page(priority: Priority) -> Arc<Event> {
        // The frame's content does not matter here: a room's name alone makes it as long as it is.
        Arc::new(Event::Room(RoomPage {
            app_key: "org#app".into(),
            room: GroupId::parse(MucKind::Room, "7").unwrap(),
            entries: Vec::new(),
            priority,
            encoded: OnceLock::from(Box::new(SharedMessage::new(Frame::from_bytes(Bytes::from(
                vec![1; 1000],
            )))) as stoa_chat::entry::Encoded),
        }))
    }

    #[test]
    fn a_reader_that_does_not_keep_up_misses_pages_and_is_not_waited_for() {
        let outlet = Outlet::new(Narrow { room: 5_000, waiting: 0, said: 0 });
        // The SDK throws at anything that comes before the answer to its login.
        outlet.deliver(&page(Priority::High));
        assert_eq!(outlet.with(|to| to.said), Some(0));
        outlet.enter();
        for _ in 0..1_000 {
            outlet.deliver(&page(Priority::Normal));
        }
        let (normal, waiting) = outlet.with(|to| (to.said, to.waiting)).unwrap();
        assert!(normal < 50 && waiting <= limits::ROOM_BACKLOG_BYTES / 2 + 1_000, "{waiting}");
        for _ in 0..1_000 {
            outlet.deliver(&page(Priority::High));
        }
        let (all, waiting) = outlet.with(|to| (to.said, to.waiting)).unwrap();
        assert!(all > normal, "there is room left for what is urgent");
        assert!(waiting <= limits::ROOM_BACKLOG_BYTES + 1_000, "{waiting}");
        // It reads again, and hears again.
        outlet.with(|to| to.room = usize::MAX);
        assert_eq!(outlet.with(|to| to.flush().unwrap()), Some(FlushState::Done));
        outlet.deliver(&page(Priority::Normal));
        assert_eq!(outlet.with(|to| (to.said, to.waiting)), Some((all + 1, 0)));
        assert!(outlet.take().is_some());
        outlet.deliver(&page(Priority::High));
    }

    #[test]
    fn a_shared_message_is_the_frame_with_its_head() {
        let shared = SharedMessage::new(Frame::from_bytes(Bytes::from(vec![7; 300])));
        assert_eq!(shared.message[..4], [0x82, 126, 1, 44]);
        assert_eq!(shared.message[4..], vec![7; 300][..]);
        assert_eq!(shared.frame().len(), 300);
    }
}
