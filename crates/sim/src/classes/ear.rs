//! A connection to a class, on the server's side of it: it keeps what it hears until the client takes it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use stoa_classroom::Listener;

/// A deaf one misses every message of this number.
const MISSED: u64 = 9;

/// One connection.
#[derive(Clone)]
pub(crate) struct Ear {
    kept: Arc<Kept>,
    /// The same, as the server knows it.
    to: Arc<dyn Listener>,
}

#[derive(Default)]
struct Kept {
    heard: Mutex<VecDeque<Bytes>>,
    ended: Mutex<Option<&'static str>>,
    deaf: bool,
    count: AtomicU64,
}

impl Ear {
    /// A connection; a deaf one does not pass everything on.
    pub(super) fn new(deaf: bool) -> Self {
        let kept = Arc::new(Kept { deaf, ..Kept::default() });
        Self { to: kept.clone(), kept }
    }

    pub(super) fn listener(&self) -> Arc<dyn Listener> {
        self.to.clone()
    }

    /// The next message.
    pub(super) fn next(&self) -> Option<Bytes> {
        self.kept.heard.lock().pop_front()
    }

    /// Why the server ended it, if it did.
    pub(super) fn ended(&self) -> Option<&'static str> {
        *self.kept.ended.lock()
    }
}

impl Listener for Kept {
    fn hear(&self, text: &Bytes) {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        if !(self.deaf && count.is_multiple_of(MISSED)) {
            self.heard.lock().push_back(text.clone());
        }
    }

    fn end(&self, why: &'static str) {
        self.ended.lock().get_or_insert(why);
    }
}
