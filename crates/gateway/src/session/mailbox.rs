//! What others have for a session: events of its user and outcomes of its sends.
//!
//! Whoever delivers runs in another task, so it only puts the message here and wakes the session. An
//! empty mailbox holds no memory but itself.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use stoa_chat::entry::Event;
use stoa_chat::{Appended, Error};
use tokio::sync::Notify;

/// One thing for a session.
#[derive(Debug)]
pub(crate) enum Mail {
    /// An event of its user.
    Event(Arc<Event>),
    /// Events did not arrive.
    Missed,
    /// The outcome of the send under this number.
    Done(u64, Result<Appended, Error>),
}

/// A session's mailbox.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    mail: Mutex<VecDeque<Mail>>,
    arrived: Notify,
}

impl Mailbox {
    /// Puts `mail` in and wakes the session.
    pub(crate) fn put(&self, mail: Mail) {
        self.mail.lock().push_back(mail);
        self.arrived.notify_one();
    }

    /// Wakes the session, which has to look at its transport.
    pub(crate) fn wake(&self) {
        self.arrived.notify_one();
    }

    /// Takes out everything. What the deque held is given back with it.
    pub(crate) fn take(&self) -> VecDeque<Mail> {
        std::mem::take(&mut *self.mail.lock())
    }

    /// Waits until something was put in.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }
}
