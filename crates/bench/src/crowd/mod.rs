//! Thousands of connections that listen to the same, read by one thread as cheaply as it can be done.
//!
//! A task for each connection, as the other cases have it, would cost the machine more than the server
//! that is measured. Here one thread waits for all sockets at once, reads each with one call into one
//! buffer, lets rustls decrypt it, and walks over the bytes: every member's texts are counted, and held
//! against the order in which they were sent. What a client would answer is answered. The same
//! thread sends, each frame by itself, when it is due: a text carries the moment at which it was *due*, so
//! that a generator or a server that falls behind cannot hide it.
//!
//! A [`Line`] is one connection, a [`Dialect`] what is spoken on it, [`Ears`] count. [`ramp`] looks for the
//! highest rate that a server holds.

mod class;
mod ears;
mod line;
mod msync;
pub mod ramp;

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{Timespec, epoll};

pub use class::InClass;
pub use ears::{Ears, SENDERS};
pub use line::Line;
pub use msync::Msync;

use crate::Error;
use crate::client::session::nanos;
use crate::stats::Histogram;
use ears::{Books, Order};

/// Room for what one call reads from a socket.
const READ_BYTES: usize = 256 * 1024;
/// Sockets that are read before it is looked whether something is to be sent.
const AT_ONCE: usize = 64;
/// The longest wait for news.
const TURN: Duration = Duration::from_millis(5);
/// After which silence a client beats.
const SILENCE: u64 = 30_000_000_000;
/// How often is looked for who is silent.
const LOOK_EVERY: u64 = 1_000_000_000;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// After the last text of a step, how long it may take until everybody has everything.
const GRACE: Duration = Duration::from_millis(2_500);

/// What is spoken on a connection that listens.
pub trait Dialect: Send + 'static {
    /// Whether the sender of a text gets it, too.
    const ECHOED: bool;

    /// Takes whole messages off the front of `input` and says how many bytes they were.
    ///
    /// # Errors
    /// When the server refuses something or sends what cannot be understood.
    fn take(&mut self, input: &[u8], ears: &mut Ears<'_>) -> Result<usize, Error>;

    /// The message that enters the room; its answer is told by [`Ears::answered`].
    fn enter(&mut self) -> Vec<u8>;

    /// The message that says something in the room.
    fn say(&mut self, text: &str) -> Vec<u8>;

    /// What is sent after a long silence, each by itself.
    fn beat(&mut self) -> Vec<Vec<u8>>;
}

/// Connections, and what they heard.
pub struct Crowd<D> {
    epoll: OwnedFd,
    members: Vec<Member<D>>,
    scratch: Box<[u8]>,
    books: Books,
    /// Members whose sockets could not take everything.
    stuck: Vec<usize>,
    step: u32,
    looked: u64,
}

struct Member<D> {
    line: Line,
    dialect: D,
    order: Order,
    heard: u64,
    answered: u64,
    replies: Vec<Vec<u8>>,
}

/// Texts at a fixed rate, and what became of them.
#[derive(Clone)]
pub struct Step {
    /// Texts per second.
    pub rate: f64,
    /// Texts that arrived at members, of this step.
    pub delivered: u64,
    /// Texts that should have.
    pub expected: u64,
    /// From when a text was due to its arrival.
    pub latencies: Histogram,
    /// From the first text to the last arrival.
    pub time: Duration,
}

impl Step {
    /// Deliveries per second.
    #[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
    pub fn deliveries(&self) -> f64 {
        self.delivered as f64 / self.time.as_secs_f64().max(1e-9)
    }

    /// Texts that did not arrive, in percent.
    #[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
    pub fn lost(&self) -> f64 {
        self.expected.saturating_sub(self.delivered) as f64 / self.expected.max(1) as f64 * 100.0
    }
}

impl<D: Dialect> Crowd<D> {
    /// Listens to these from now on.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn new(lines: Vec<(Line, D)>) -> Result<Self, Error> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(wait_error)?;
        let mut crowd = Self {
            epoll,
            members: Vec::with_capacity(lines.len()),
            scratch: vec![0; READ_BYTES].into(),
            books: Books::default(),
            stuck: Vec::new(),
            step: 0,
            looked: 0,
        };
        crowd.join(lines)?;
        Ok(crowd)
    }

    /// Listens to these, too.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn join(&mut self, lines: Vec<(Line, D)>) -> Result<(), Error> {
        for (line, dialect) in lines {
            let number = epoll::EventData::new_u64(self.members.len() as u64);
            epoll::add(&self.epoll, line.socket(), number, epoll::EventFlags::IN)
                .map_err(wait_error)?;
            self.members.push(Member {
                line,
                dialect,
                order: Order::default(),
                heard: nanos(),
                answered: 0,
                replies: Vec::new(),
            });
        }
        Ok(())
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// What was heard so far that is neither text nor answer.
    pub const fn events(&self) -> u64 {
        self.books.events
    }

    /// Lets all enter the room, one after the other: each waits for its answer, while those before it
    /// hear what is told. How long the answers took.
    ///
    /// # Errors
    /// When one may not enter, or a connection ends.
    pub fn enter(&mut self) -> Result<Histogram, Error> {
        let mut times = Histogram::default();
        for number in 0..self.members.len() {
            let before = self.members[number].answered;
            let started = nanos();
            let message = self.members[number].dialect.enter();
            self.send(number, &message)?;
            while self.members[number].answered == before {
                if nanos() - started > as_nanos(PATIENCE) {
                    return Err(Error::protocol(format!("no answer to entry {number}")));
                }
                self.turn(TURN)?;
            }
            times.record(nanos() - started);
        }
        Ok(times)
    }

    /// Listens for a while.
    ///
    /// # Errors
    /// When a connection ends.
    pub fn listen(&mut self, time: Duration) -> Result<(), Error> {
        let end = nanos() + as_nanos(time);
        while nanos() < end {
            self.turn(TURN)?;
        }
        Ok(())
    }

    /// Takes what has come, without waiting for more. Whoever calls it again and again is never asleep: on one machine
    /// waking a listener costs whoever sends to it, which over a network it does not.
    ///
    /// # Errors
    /// When a connection ends.
    pub fn look(&mut self) -> Result<(), Error> {
        self.turn(Duration::ZERO)
    }

    /// Lets the first few send, in turn, so many texts per second for so long; until all members have
    /// all of them, or the time for that is over.
    ///
    /// # Errors
    /// When a connection ends, or a text comes twice or before an earlier one.
    pub fn step(&mut self, rate: f64, time: Duration) -> Result<Step, Error> {
        self.step += 1;
        self.books.begin(self.step);
        let senders = SENDERS.min(self.members.len()).max(1);
        let receivers = self.members.len() - usize::from(!D::ECHOED).min(self.members.len());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "thousands")]
        let texts = (rate * time.as_secs_f64()).ceil() as u64;
        let expected = texts * receivers as u64;
        let started = nanos();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "nanoseconds of some seconds"
        )]
        let due = |text: u64| started + (text as f64 / rate * 1e9) as u64;
        let end = due(texts) + as_nanos(GRACE);
        let mut sent = 0;
        loop {
            let now = nanos();
            while sent < texts && due(sent) <= now {
                let turn = usize::try_from(sent).unwrap_or_default() % senders;
                let text = ears::compose(due(sent), sent, turn, self.step);
                let message = self.members[turn].dialect.say(&text);
                self.send(turn, &message)?;
                sent += 1;
            }
            if sent == texts && (self.books.delivered >= expected || now >= end) {
                break;
            }
            let next = if sent < texts { due(sent) } else { end };
            self.turn(TURN.min(Duration::from_nanos(next.saturating_sub(now))))?;
        }
        Ok(Step {
            rate,
            delivered: self.books.delivered,
            expected,
            latencies: self.books.latencies.clone(),
            time: Duration::from_nanos(self.books.last.saturating_sub(started)),
        })
    }

    /// Listens until nothing has come for half a second, at most so long.
    ///
    /// # Errors
    /// When a connection ends.
    pub fn drain(&mut self, most: Duration) -> Result<(), Error> {
        const CALM: Duration = Duration::from_millis(500);
        let end = nanos() + as_nanos(most);
        let mut calm = nanos();
        let mut bytes = self.books.bytes;
        while nanos() < end && nanos() - calm < as_nanos(CALM) {
            self.turn(TURN)?;
            if self.books.bytes != bytes {
                (bytes, calm) = (self.books.bytes, nanos());
            }
        }
        Ok(())
    }

    /// Waits for news, at most so long, and takes them.
    fn turn(&mut self, wait: Duration) -> Result<(), Error> {
        let mut events = Vec::with_capacity(AT_ONCE);
        let timeout = Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: wait.subsec_nanos().into(),
        };
        let buffer = rustix::buffer::spare_capacity(&mut events);
        match epoll::wait(&self.epoll, buffer, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(wait_error(error)),
        }
        for event in events {
            self.hear(usize::try_from(event.data.u64()).unwrap_or_default())?;
        }
        for number in std::mem::take(&mut self.stuck) {
            self.flush(number)?;
        }
        let now = nanos();
        if now - self.looked > LOOK_EVERY {
            self.looked = now;
            self.beat(now)?;
        }
        Ok(())
    }

    /// Reads what one member's socket has, once, and answers.
    fn hear(&mut self, number: usize) -> Result<(), Error> {
        let Some(member) = self.members.get_mut(number) else { return Ok(()) };
        let Member { line, dialect, order, answered, replies, .. } = member;
        let Some(count) = line.receive(&mut self.scratch)? else { return Ok(()) };
        let now = nanos();
        member.heard = now;
        self.books.bytes += count as u64;
        let mut ears = Ears::new(now, &mut self.books, order, answered, replies);
        line.take(&self.scratch[..count], |input| dialect.take(input, &mut ears))?;
        if line.has_output() {
            // TLS itself has something to say.
            self.flush(number)?;
        }
        let replies = std::mem::take(&mut self.members[number].replies);
        for reply in &replies {
            self.send(number, reply)?;
        }
        Ok(())
    }

    /// Sends a message by itself.
    fn send(&mut self, number: usize, message: &[u8]) -> Result<(), Error> {
        self.members[number].line.write(message)?;
        self.flush(number)
    }

    fn flush(&mut self, number: usize) -> Result<(), Error> {
        if !self.members[number].line.flush()? && !self.stuck.contains(&number) {
            self.stuck.push(number);
        }
        Ok(())
    }

    /// Beats for all who have heard nothing for long.
    fn beat(&mut self, now: u64) -> Result<(), Error> {
        for number in 0..self.members.len() {
            let member = &mut self.members[number];
            if now.saturating_sub(member.heard) > SILENCE {
                member.heard = now;
                for message in member.dialect.beat() {
                    self.send(number, &message)?;
                }
            }
        }
        Ok(())
    }
}

impl Crowd<Msync> {
    /// Lets the first tell one other member alone so many texts, which count nothing, and waits
    /// until they are taken.
    ///
    /// # Errors
    /// When they are not, or a connection ends.
    pub fn tell_one(&mut self, name: &str, texts: usize, bytes: usize) -> Result<(), Error> {
        let Some(first) = self.members.first() else { return Ok(()) };
        let wanted = first.answered + texts as u64;
        let only = [name.to_owned()];
        for _ in 0..texts {
            let text = format!("{:x<bytes$}", ears::compose(nanos(), 0, 0, 0));
            let message = self.members[0].dialect.say_to(&text, &only);
            self.send(0, &message)?;
        }
        let started = nanos();
        while self.members[0].answered < wanted {
            if nanos() - started > as_nanos(PATIENCE) {
                return Err(Error::protocol("no answer to texts for one"));
            }
            self.turn(TURN)?;
        }
        Ok(())
    }
}

/// Lets a crowd do something on a thread of its own, so that the runtime goes on meanwhile.
///
/// # Errors
/// What that says.
pub async fn aside<D: Dialect, T: Send + 'static>(
    mut crowd: Crowd<D>,
    work: impl FnOnce(&mut Crowd<D>) -> Result<T, Error> + Send + 'static,
) -> Result<(Crowd<D>, T), Error> {
    let (done, outcome) = tokio::sync::oneshot::channel();
    // Not the runtime's: a run that is given up does not wait for its end.
    std::thread::spawn(move || {
        let outcome = work(&mut crowd);
        let _ = done.send(outcome.map(|outcome| (crowd, outcome)));
    });
    outcome.await.map_err(|_| Error::Server("the listeners are gone".into()))?
}

fn as_nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn wait_error(error: rustix::io::Errno) -> Error {
    Error::io("wait for sockets")(error.into())
}
