//! A closed loop of texts to a group, and what it costs the server.
//!
//! Some of the members send. Each has a number of texts on their way; when *all* other members have one
//! of them, its place is free for the next. A delivery is one text at one member. Every member checks
//! the order of every sender's texts, so that a lost, doubled or disordered text ends the run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::{Amount, Control, Load, compose, measure, read};
use crate::Error;
use crate::client::session::nanos;
use crate::proc::Usage;
use crate::stats::Histogram;

/// One client in a group.
pub trait Member: Send + 'static {
    /// Whether the sender of a text is told when it was taken.
    const ANSWERED: bool;
    /// Whether the sender of a text gets it, too.
    const ECHOED: bool;

    /// The next news. Nothing is lost when the future is dropped.
    fn hear(&mut self) -> impl Future<Output = Result<Heard, Error>> + Send;

    /// Sends what is due for what was heard.
    fn answer(&mut self) -> impl Future<Output = Result<(), Error>> + Send;

    /// Sends a text to the group.
    fn say(&mut self, group: &str, text: String) -> impl Future<Output = Result<(), Error>> + Send;
}

/// What a member heard.
pub enum Heard {
    /// Texts, in their order.
    Texts(Vec<String>),
    /// One of its own was taken.
    Taken,
    /// Nothing of interest.
    Nothing,
}

/// How many send, and how much.
#[derive(Clone, Copy)]
pub struct Pressure {
    /// Members that send.
    pub senders: usize,
    /// Texts of each that are on their way at the same time.
    pub in_flight: usize,
}

/// Lets the members of a group write to it and measures what that costs the server. Messages of the
/// outcome are deliveries. Returns the members, too, who are still there.
///
/// # Errors
/// When a member fails.
pub async fn drive<M: Member>(
    group: &str,
    members: Vec<M>,
    pressure: Pressure,
    amount: Amount,
    usage: &dyn Fn() -> Usage,
) -> Result<(Load, Vec<M>), Error> {
    let (tasks, control) = start(group, members, pressure);
    measure(tasks, &control, amount, usage).await
}

/// The members, running until `Control` says that it is enough.
fn start<M: Member>(
    group: &str,
    members: Vec<M>,
    Pressure { senders, in_flight }: Pressure,
) -> (JoinSet<Result<M, Error>>, Arc<Control>) {
    let receivers = if M::ECHOED { members.len() } else { members.len().saturating_sub(1) };
    let senders: Box<[Sender]> = (0..senders).map(|_| Sender::new(in_flight)).collect();
    let control = Arc::new(Control::default());
    let room = Arc::new(Room {
        group: group.to_owned(),
        receivers,
        writing: AtomicUsize::new(senders.len()),
        senders,
        control: Arc::clone(&control),
        over: watch::Sender::new(false),
    });
    let mut tasks = JoinSet::new();
    for (number, member) in members.into_iter().enumerate() {
        tasks.spawn(take_part(member, number, Arc::clone(&room)));
    }
    (tasks, control)
}

/// What all members share.
struct Room {
    group: String,
    /// Members that get each text.
    receivers: usize,
    senders: Box<[Sender]>,
    /// Senders that are not done.
    writing: AtomicUsize,
    control: Arc<Control>,
    /// Becomes true when everything that was sent has reached everybody.
    over: watch::Sender<bool>,
}

/// What members share about one of them who sends.
struct Sender {
    /// For each place, how many members do not have its text yet.
    missing: Box<[AtomicUsize]>,
    /// A place is free.
    freed: Notify,
}

impl Sender {
    fn new(in_flight: usize) -> Self {
        let missing = (0..in_flight).map(|_| AtomicUsize::new(0)).collect();
        Self { missing, freed: Notify::new() }
    }

    /// The place of the text with this number.
    fn place(&self, number: u64) -> &AtomicUsize {
        let places = self.missing.len() as u64;
        let place = usize::try_from(number % places).expect("less than the number of places");
        &self.missing[place]
    }

    fn is_idle(&self) -> bool {
        self.missing.iter().all(|missing| missing.load(Ordering::Acquire) == 0)
    }
}

/// One member's books.
struct Books {
    room: Arc<Room>,
    /// The next number of each sender.
    expected: Vec<u64>,
    latencies: Histogram,
}

impl Books {
    fn new(room: Arc<Room>) -> Self {
        let expected = vec![0; room.senders.len()];
        Self { room, expected, latencies: Histogram::default() }
    }

    /// A text arrived.
    fn arrived(&mut self, text: &str) -> Result<(), Error> {
        let mut parts = text.split(' ');
        let (at, number) = read(&mut parts)?;
        let from = parts.next().and_then(|part| part.parse::<usize>().ok());
        let from = from.filter(|from| *from < self.expected.len());
        let from = from.ok_or_else(|| Error::protocol("a text of somebody who does not send"))?;
        let expected = &mut self.expected[from];
        if number != *expected {
            return Err(Error::protocol(format!("text {number} came instead of {expected}")));
        }
        *expected += 1;
        let control = &self.room.control;
        control.delivered.fetch_add(1, Ordering::Relaxed);
        if control.measuring.load(Ordering::Relaxed) {
            self.latencies.record(nanos().saturating_sub(at));
        }
        let sender = &self.room.senders[from];
        if sender.place(number).fetch_sub(1, Ordering::AcqRel) == 1 {
            sender.freed.notify_one();
        }
        Ok(())
    }
}

impl Drop for Books {
    fn drop(&mut self) {
        self.room.control.add(&self.latencies);
    }
}

/// Member `number` hears, answers, and writes if it is one of the first, until all is over.
async fn take_part<M: Member>(mut member: M, number: usize, room: Arc<Room>) -> Result<M, Error> {
    let mut over = room.over.subscribe();
    let mut books = Books::new(Arc::clone(&room));
    let mut writer = room.senders.get(number).map(|shared| Writer::new(number, shared, &room));
    loop {
        if let Some(writer) = &mut writer {
            writer.write(&mut member).await?;
        }
        let freed = async {
            match &writer {
                Some(writer) => writer.shared.freed.notified().await,
                None => std::future::pending().await,
            }
        };
        let heard = tokio::select! {
            heard = member.hear() => heard?,
            () = freed => continue,
            ended = over.wait_for(|over| *over) => {
                ended.map_err(|_| Error::Server("the others are gone".into()))?;
                break;
            }
        };
        member.answer().await?;
        match heard {
            Heard::Texts(texts) => texts.iter().try_for_each(|text| books.arrived(text))?,
            Heard::Taken => {
                if let Some(writer) = &mut writer {
                    writer.unanswered = writer.unanswered.saturating_sub(1);
                }
            }
            Heard::Nothing => {}
        }
    }
    Ok(member)
}

/// The part of a member who sends.
struct Writer<'a> {
    number: usize,
    shared: &'a Sender,
    room: &'a Room,
    sent: u64,
    unanswered: u64,
    is_done: bool,
}

impl<'a> Writer<'a> {
    const fn new(number: usize, shared: &'a Sender, room: &'a Room) -> Self {
        Self { number, shared, room, sent: 0, unanswered: 0, is_done: false }
    }

    /// Sends what there is place for. When nothing more is to be sent and everything has arrived, says
    /// so once; the last who does ends it for all.
    async fn write<M: Member>(&mut self, member: &mut M) -> Result<(), Error> {
        let Self { room, shared, .. } = *self;
        while !room.control.enough.load(Ordering::Relaxed) {
            let place = shared.place(self.sent);
            if place.load(Ordering::Acquire) > 0 {
                return Ok(());
            }
            place.store(room.receivers, Ordering::Release);
            let text = compose(self.sent, &format!("{} ", self.number));
            member.say(&room.group, text).await?;
            self.sent += 1;
            self.unanswered += u64::from(M::ANSWERED);
        }
        if !self.is_done && self.unanswered == 0 && shared.is_idle() {
            self.is_done = true;
            if room.writing.fetch_sub(1, Ordering::AcqRel) == 1 {
                room.over.send_replace(true);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

    use super::*;

    /// A group without a server: what one says, the others hear.
    struct Local {
        number: usize,
        all: Arc<[UnboundedSender<String>]>,
        input: UnboundedReceiver<String>,
        taken: u64,
        fault: Fault,
    }

    #[derive(Clone)]
    enum Fault {
        None,
        /// The text with this number of all is told to member 1 twice.
        Doubles(u64, Arc<AtomicU64>),
    }

    fn group(size: usize, fault: &Fault) -> Vec<Local> {
        let (all, inputs): (Vec<_>, Vec<_>) = (0..size).map(|_| unbounded_channel()).unzip();
        let all: Arc<[_]> = all.into();
        let local = |(number, input)| Local {
            number,
            all: Arc::clone(&all),
            input,
            taken: 0,
            fault: fault.clone(),
        };
        inputs.into_iter().enumerate().map(local).collect()
    }

    impl Member for Local {
        const ANSWERED: bool = true;
        const ECHOED: bool = false;

        async fn hear(&mut self) -> Result<Heard, Error> {
            if self.taken > 0 {
                self.taken -= 1;
                return Ok(Heard::Taken);
            }
            let text = self.input.recv().await;
            text.map(|text| Heard::Texts(vec![text])).ok_or_else(|| Error::Closed(String::new()))
        }

        async fn answer(&mut self) -> Result<(), Error> {
            Ok(())
        }

        async fn say(&mut self, group: &str, text: String) -> Result<(), Error> {
            assert_eq!(group, "tea");
            for (number, to) in self.all.iter().enumerate() {
                if number == self.number {
                    continue;
                }
                // Whoever left hears nothing.
                let _ = to.send(text.clone());
                if let (1, Fault::Doubles(at, count)) = (number, &self.fault)
                    && count.fetch_add(1, Ordering::Relaxed) == *at
                {
                    let _ = to.send(text.clone());
                }
            }
            self.taken += 1;
            Ok(())
        }
    }

    const PRESSURE: Pressure = Pressure { senders: 3, in_flight: 2 };

    #[tokio::test]
    async fn everything_that_is_said_reaches_everybody_and_is_counted() {
        let (mut tasks, control) = start("tea", group(20, &Fault::None), PRESSURE);
        let delivered = || control.delivered.load(Ordering::Relaxed);
        while delivered() < 1_000 {
            tokio::task::yield_now().await;
        }
        control.measuring.store(true, Ordering::Relaxed);
        let before = delivered();
        while delivered() < 5_000 {
            tokio::task::yield_now().await;
        }
        control.enough.store(true, Ordering::Relaxed);
        let mut left = 0;
        while let Some(member) = tasks.join_next().await {
            let member = member.unwrap().unwrap();
            assert!(member.input.is_empty(), "everybody has everything");
            left += 1;
        }
        assert_eq!(left, 20);
        assert_eq!(delivered() % 19, 0, "every text came to all but its sender");
        assert_eq!(control.latencies.lock().unwrap().count(), delivered() - before);
    }

    #[tokio::test]
    async fn a_doubled_text_ends_it() {
        let doubled = Fault::Doubles(100, Arc::default());
        let (mut tasks, _control) = start("tea", group(5, &doubled), PRESSURE);
        let error = tasks.join_next().await.unwrap().unwrap().err().expect("it fails").to_string();
        assert!(error.contains("came instead of"), "{error}");
    }

    #[tokio::test]
    async fn a_place_is_free_when_all_have_its_text() {
        let sender = Sender::new(2);
        assert!(sender.is_idle());
        sender.place(4).store(1, Ordering::Release);
        assert!(!sender.is_idle());
        assert_eq!(sender.place(6).load(Ordering::Acquire), 1, "two places");
        assert_eq!(sender.place(5).load(Ordering::Acquire), 0);
    }

    #[test]
    fn a_text_tells_its_number_and_its_sender() {
        let text = compose(7, "1 ");
        assert_eq!(text.len(), super::super::TEXT_BYTES);
        let mut parts = text.split(' ');
        assert_eq!(read(&mut parts).unwrap().1, 7);
        assert_eq!(parts.next(), Some("1"));
    }
}
