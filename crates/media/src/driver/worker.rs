//! A worker: one thread with the [`Hub`] of its rooms. It waits for what comes or what is due, and sends what came of it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use str0m::net::Protocol;
use tokio::sync::mpsc::Sender;

use super::send::Sending;
use super::sockets::Sockets;
use crate::counters::{self, Counters};
use crate::hub::Hub;
use crate::room::{Change, Input};

/// Datagrams that came together.
pub(super) struct Batch {
    proto: Protocol,
    destination: SocketAddr,
    at: Instant,
    bytes: Vec<u8>,
    parts: Vec<(SocketAddr, usize)>,
}

impl Batch {
    pub(super) fn new(proto: Protocol, destination: SocketAddr, at: Instant) -> Batch {
        Batch { proto, destination, at, bytes: Vec::new(), parts: Vec::new() }
    }

    pub(super) fn push(&mut self, source: SocketAddr, datagram: &[u8]) {
        self.bytes.extend_from_slice(datagram);
        self.parts.push((source, datagram.len()));
    }

    /// What it is taken to need in memory.
    fn size(&self) -> usize {
        self.bytes.len() + 64 * self.parts.len()
    }
}

/// Something that is done with the rooms.
pub(super) type Act = Box<dyn FnOnce(&mut Hub, Instant) + Send>;

/// What a worker gets.
pub(super) enum Message {
    Datagrams(Batch),
    Act(Act),
    /// A TCP connection has a participant at its end: this is where its datagrams go.
    Opened(SocketAddr, Sender<Vec<u8>>),
    Closed(SocketAddr),
    Stop,
}

/// Where messages for a worker are put.
#[derive(Clone)]
pub(super) struct Mailbox {
    sender: mpsc::Sender<Message>,
    counters: Arc<Counters>,
    waiting: Arc<AtomicUsize>,
    /// How many connections the worker has.
    connections: Arc<AtomicUsize>,
    limit: usize,
}

impl Mailbox {
    pub(super) fn new(
        sender: mpsc::Sender<Message>,
        counters: Arc<Counters>,
        limit: usize,
    ) -> Mailbox {
        Mailbox { sender, counters, waiting: Arc::default(), connections: Arc::default(), limit }
    }

    /// Puts a message. Datagrams are dropped if too many wait already.
    pub(super) fn put(&self, message: Message) {
        if let Message::Datagrams(batch) = &message {
            let size = batch.size();
            if self.waiting.load(Ordering::Relaxed) + size > self.limit {
                return counters::add(&self.counters.overrun, batch.parts.len() as u64);
            }
            self.waiting.fetch_add(size, Ordering::Relaxed);
            counters::shift(&self.counters.queued, i64::try_from(size).unwrap_or(0));
        }
        // Only when all ends is there nobody to take it.
        let _ = self.sender.send(message);
    }

    /// How many connections its worker had after the last act.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    fn taken(&self, size: usize) {
        self.waiting.fetch_sub(size, Ordering::Relaxed);
        counters::shift(&self.counters.queued, -i64::try_from(size).unwrap_or(0));
    }
}

/// Where a worker takes its messages.
pub(super) struct Queue {
    pub(super) receiver: mpsc::Receiver<Message>,
    pub(super) mailbox: Mailbox,
}

/// See the module.
pub(super) struct Worker {
    number: usize,
    hub: Hub,
    queue: Queue,
    readers: Vec<mpsc::Sender<(usize, Change)>>,
    sending: Sending,
    counters: Arc<Counters>,
    /// Datagrams that wait; they count as waiting until they are looked at.
    batches: VecDeque<Batch>,
    stops: bool,
}

/// A worker does not wake more often than this for what is due, so that deadlines gather.
const REST: Duration = Duration::from_micros(500);

/// And wakes at least so often.
const IDLE: Duration = Duration::from_secs(1);

impl Worker {
    pub(super) fn new(
        number: usize,
        hub: Hub,
        queue: Queue,
        readers: Vec<mpsc::Sender<(usize, Change)>>,
        sockets: Arc<Sockets>,
        counters: Arc<Counters>,
    ) -> Worker {
        let sending = Sending::new(sockets, counters.clone());
        Worker {
            number,
            hub,
            queue,
            readers,
            sending,
            counters,
            batches: VecDeque::new(),
            stops: false,
        }
    }

    /// Works until it is told to stop.
    pub(super) fn run(mut self) {
        while !self.stops {
            let wait = self.hub.deadline().map_or(IDLE, |due| {
                due.saturating_duration_since(Instant::now()).clamp(REST, IDLE)
            });
            if let Ok(message) = self.queue.receiver.recv_timeout(wait) {
                self.take(message);
            }
            // Acts come before datagrams that wait: a right that was withdrawn holds for them, too.
            self.take_all();
            while let Some(batch) = self.batches.pop_front() {
                self.queue.mailbox.taken(batch.size());
                self.guarded(|worker| worker.receive(&batch));
                self.flush();
                self.do_what_is_due();
                self.take_all();
            }
            self.do_what_is_due();
        }
        self.guarded(|worker| worker.hub.end_all(Instant::now()));
        self.flush();
    }

    fn do_what_is_due(&mut self) {
        if self.hub.deadline().is_some_and(|due| due <= Instant::now()) {
            self.guarded(|worker| worker.hub.timeout(Instant::now()));
            self.flush();
        }
    }

    fn take_all(&mut self) {
        while let Ok(message) = self.queue.receiver.try_recv() {
            self.take(message);
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Datagrams(batch) => self.batches.push_back(batch),
            Message::Act(act) => {
                self.guarded(|worker| act(&mut worker.hub, Instant::now()));
                self.queue.mailbox.connections.store(self.hub.connections(), Ordering::Relaxed);
                self.flush();
            }
            Message::Opened(address, sender) => self.sending.opened(address, sender),
            Message::Closed(address) => self.sending.closed(address),
            Message::Stop => self.stops = true,
        }
    }

    fn receive(&mut self, batch: &Batch) {
        let mut rest = batch.bytes.as_slice();
        for &(source, len) in &batch.parts {
            let (bytes, after) = rest.split_at(len);
            rest = after;
            let input = Input { proto: batch.proto, source, destination: batch.destination, bytes };
            self.hub.receive(batch.at, input);
        }
        self.hub.settle(Instant::now());
    }

    /// First what readers must know, then what goes out: the answer to what goes out must find its way.
    fn flush(&mut self) {
        for change in self.hub.changes.drain(..) {
            for reader in &self.readers {
                let _ = reader.send((self.number, change.clone()));
            }
        }
        self.sending.send(&mut self.hub.out);
    }

    /// A fault of ours ends the connections of this worker, not the worker.
    fn guarded(&mut self, act: impl FnOnce(&mut Worker)) {
        if catch_unwind(AssertUnwindSafe(|| act(self))).is_ok() {
            return;
        }
        counters::add(&self.counters.panics, 1);
        tracing::error!("media failed inside; the connections of a worker are ended");
        let hub = &mut self.hub;
        let _ = catch_unwind(AssertUnwindSafe(|| hub.disconnect_all(Instant::now())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_are_dropped_where_too_many_wait_and_acts_never_are() {
        let counters = Arc::new(Counters::default());
        let (sender, receiver) = mpsc::channel();
        let mailbox = Mailbox::new(sender, counters.clone(), 3000);
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let put = || {
            let mut batch = Batch::new(Protocol::Udp, address, Instant::now());
            batch.push(address, &[0; 1000]);
            mailbox.put(Message::Datagrams(batch));
        };
        (0..5).for_each(|_| put());
        mailbox.put(Message::Act(Box::new(|_, _| {})));
        assert_eq!(counters.overrun.load(Ordering::Relaxed), 3);
        assert_eq!(counters.queued.load(Ordering::Relaxed), 2 * 1064);
        let came: Vec<Message> = receiver.try_iter().collect();
        assert_eq!(came.len(), 3);
        mailbox.taken(1064);
        put();
        assert_eq!(receiver.try_iter().count(), 1);
    }
}
