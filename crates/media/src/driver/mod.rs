//! The outer part: sockets, threads and clock around the [`Hub`]s.
//!
//! Each UDP socket has one reader, which sorts what comes by name and address and hands it to the room's worker; workers send themselves,
//! many datagrams with one system call. Between them are channels; nothing on the way of a packet takes a lock.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Instant;

use parking_lot::Mutex;
use str0m::net::Protocol;
use tokio::sync::oneshot;

mod places;
mod reader;
mod send;
mod sockets;
mod tcp;
mod worker;

use crate::config::{Config, StartError};
use crate::counters::Counters;
use crate::hub::Hub;
use crate::room::Shared;
use crate::types::{Offer, Refusal, Rights, RoomId, StreamId, StreamStats, Told, Watch, Why};
use places::Places;
use sockets::Sockets;
use worker::{Mailbox, Message};

/// The media of all rooms of a process: worker threads and sockets. Cheap to clone; dropping the last ends them.
#[derive(Clone)]
pub struct Media {
    inner: Arc<Inner>,
}

struct Inner {
    workers: Vec<Mailbox>,
    places: Mutex<Places>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    stop: Arc<AtomicBool>,
    counters: Arc<Counters>,
    udp: Vec<SocketAddr>,
    tcp: Option<SocketAddr>,
    acceptor: Option<tokio::task::JoinHandle<()>>,
}

impl Media {
    /// Opens the sockets and starts the threads. With TCP it must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub fn start(config: Config) -> Result<Media, StartError> {
        let Config { udp, tcp, addresses, workers, limits } = config;
        let (queue_limit, tcp_limit) = (limits.queue, limits.tcp);
        let sockets = Arc::new(Sockets::open(udp, &addresses)?);
        let tcp = tcp.map(|addr| tcp::listen(addr, &addresses)).transpose()?;
        let provider = Arc::new(crate::dtls::provider());
        let certificate =
            provider.dtls_provider.generate_certificate().ok_or(StartError::Certificate)?;
        let counters = Arc::new(Counters::default());
        let udp: Vec<SocketAddr> = sockets.candidates().collect();
        let mut candidates: Vec<_> = udp.iter().map(|addr| (Protocol::Udp, *addr)).collect();
        if let Some(tcp) = &tcp {
            candidates.extend(tcp.candidates.iter().map(|addr| (Protocol::Tcp, *addr)));
        }
        let shared = Arc::new(Shared {
            limits,
            counters: counters.clone(),
            certificate,
            provider,
            candidates,
        });
        let stop = Arc::new(AtomicBool::new(false));
        let mut mailboxes = Vec::new();
        let mut queues = Vec::new();
        for _ in 0..workers.max(1) {
            let (sender, queue) = mpsc::channel();
            let mailbox = Mailbox::new(sender, counters.clone(), queue_limit);
            queues.push(worker::Queue { receiver: queue, mailbox: mailbox.clone() });
            mailboxes.push(mailbox);
        }
        let mut threads = Vec::new();
        let mut readers = Vec::new();
        for socket in 0..sockets.len() {
            let (sender, changes) = mpsc::channel();
            readers.push(sender);
            let reader = reader::Reader::new(
                sockets.clone(),
                socket,
                mailboxes.clone(),
                changes,
                stop.clone(),
                counters.clone(),
            );
            spawn(format!("media-in-{socket}"), move || reader.run())?;
        }
        let tcp_address = tcp.as_ref().map(|t| t.address);
        let acceptor = match tcp {
            Some(listener) => {
                let (sender, changes) = mpsc::channel();
                readers.push(sender);
                Some(listener.serve(mailboxes.clone(), changes, counters.clone(), tcp_limit))
            }
            None => None,
        };
        for (number, queue) in queues.into_iter().enumerate() {
            let (shared, readers, sockets) = (shared.clone(), readers.clone(), sockets.clone());
            // It holds what only its own thread may touch.
            let run = move || {
                worker::Worker::new(
                    number,
                    Hub::new(shared.clone()),
                    queue,
                    readers,
                    sockets,
                    shared.counters.clone(),
                )
                .run();
            };
            threads.push(spawn(format!("media-{number}"), run)?);
        }
        let inner = Inner {
            places: Mutex::new(Places::new(mailboxes.len())),
            workers: mailboxes,
            threads: Mutex::new(threads),
            stop,
            counters,
            udp,
            tcp: tcp_address,
            acceptor,
        };
        Ok(Media { inner: Arc::new(inner) })
    }

    /// Takes a participant's offer and gives the answer. What the participant is to know later is told to `told`.
    ///
    /// # Errors
    ///
    /// A refusal with 400 (the offer is wrong), 404 (the room is not known: [`Media::rights`] makes it so), 409 (it is not
    /// `fresh` and there is no connection), 413 (too large) or 503 (a limit). The connection that was stays as it was.
    pub async fn offer(
        &self,
        room: RoomId,
        user: &str,
        offer: Offer,
        told: Arc<dyn Told>,
    ) -> Result<String, Refusal> {
        let user = user.to_owned();
        self.ask(room, move |hub, now| hub.offer(now, room, &user, &offer, told)).await?
    }

    /// Says what a participant's slots are to show; changes only those that are named.
    ///
    /// # Errors
    ///
    /// 404: no connection, or no such slot; 400: sound for a picture's slot or the other way round.
    pub async fn watch(
        &self,
        room: RoomId,
        user: &str,
        slots: BTreeMap<String, Option<Watch>>,
    ) -> Result<(), Refusal> {
        let user = user.to_owned();
        self.ask(room, move |hub, now| hub.watch(now, room, &user, &slots)).await?
    }

    /// A room's new table of rights, in place of the one before. Makes the room known. It holds for every packet that the
    /// worker looks at after this call; packets that wait already are looked at after it, too.
    pub fn rights(&self, room: RoomId, rights: Rights) {
        let connections = |worker: usize| self.inner.workers[worker].connections();
        self.inner.places.lock().place(room, connections);
        self.tell(room, move |hub, now| hub.rights(now, room, rights));
    }

    /// Ends a participant's connection, if there is one.
    pub fn leave(&self, room: RoomId, user: &str, why: Why) {
        let user = user.to_owned();
        self.tell(room, move |hub, now| hub.leave(now, room, &user, why));
    }

    /// Ends a room: all connections are closed, its rights forgotten.
    pub fn end(&self, room: RoomId) {
        self.tell(room, move |hub, now| hub.end(now, room));
        self.inner.places.lock().forget(room);
    }

    /// The figures of a room's streams: of all, or of those that one participant sends.
    pub async fn stats(&self, room: RoomId, user: Option<&str>) -> BTreeMap<StreamId, StreamStats> {
        let user = user.map(str::to_owned);
        self.ask(room, move |hub, _| hub.stats(room, user.as_deref())).await.unwrap_or_default()
    }

    /// What is counted.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.inner.counters
    }

    /// The UDP addresses that clients are told.
    pub fn udp(&self) -> &[SocketAddr] {
        &self.inner.udp
    }

    /// Where TCP is served.
    pub fn tcp(&self) -> Option<SocketAddr> {
        self.inner.tcp
    }

    /// The room's worker. One that no worker has is not known to any: the first says so.
    fn worker(&self, room: RoomId) -> &Mailbox {
        let place = self.inner.places.lock().of(room);
        &self.inner.workers[place.unwrap_or(0)]
    }

    fn tell(&self, room: RoomId, act: impl FnOnce(&mut Hub, Instant) + Send + 'static) {
        self.worker(room).put(Message::Act(Box::new(act)));
    }

    async fn ask<T: Send + 'static>(
        &self,
        room: RoomId,
        act: impl FnOnce(&mut Hub, Instant) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let (sender, answer) = oneshot::channel();
        self.tell(room, move |hub, now| {
            let _ = sender.send(act(hub, now));
        });
        answer.await.map_err(|_| Refusal::new(503, "media is ending, or failed while it did this"))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(acceptor) = &self.acceptor {
            acceptor.abort();
        }
        for worker in &self.workers {
            worker.put(Message::Stop);
        }
        // They say goodbye to all and end; the readers see `stop` a moment later.
        let own = std::thread::current().id();
        for thread in self.threads.lock().drain(..) {
            if thread.thread().id() != own {
                let _ = thread.join();
            }
        }
    }
}

fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StartError> {
    std::thread::Builder::new().name(name).spawn(run).map_err(StartError::Thread)
}
