//! The one loop that hands what is said in a room to the sessions that are there.
//!
//! Messages, events, and the coming and going of sessions are put into its line in the order in which
//! they became durable. What is to be said gathers for a moment when something was said just before,
//! and goes out as one page for all.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use stoa_bus::Subscriber;
use stoa_core::{App, GroupId, Resource, UserId};
use stoa_metrics::rooms::{DROPPED, Dropped};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::hall::Hall;
use crate::Shared;
use crate::entry::{Entry, Event, Priority};
use crate::group::Roster;

/// For each session in the room, what is said gathers so long after something was said.
const GATHER: Duration = Duration::from_micros(20);
/// No longer than this.
const GATHER_MOST: Duration = Duration::from_millis(20);
/// As [`GATHER`], for comings and goings: that they are told takes some hundredths of a core, however
/// many storm a room.
const GATHER_MOVES: Duration = Duration::from_micros(400);
/// No longer than this.
const GATHER_MOVES_MOST: Duration = Duration::from_secs(2);
/// What waits to be said, at the most: beyond, normal messages are dropped, from half of it low ones,
/// from twice of it all but events.
const WAITING: usize = 2_048;

/// A session that is to be in a room.
#[derive(Clone)]
pub(crate) struct Seat {
    pub(crate) user: UserId,
    pub(crate) resource: Resource,
    /// The session's number.
    pub(crate) number: u64,
    pub(crate) to: Arc<dyn Subscriber<Event>>,
}

/// What a room's loop is to do, in its turn.
pub(crate) enum RoomWork {
    /// Say a message or an event to those whom it is for.
    Say(Arc<Entry>, Priority),
    /// The same with a message that is not stored.
    Pass(Arc<Entry>, Priority),
    /// A user came, and had this to say; so many are members by now. The others are told.
    Came(UserId, Option<String>, u32),
    /// A user is gone; so many are members by now. Those who stay are told.
    Went(UserId, u32),
    /// What was said last before: for those who come.
    Recall(Vec<Arc<Entry>>),
    /// Of those who are there these may stay, or nobody: it was not known what had become of the room.
    Stay(Option<Roster>),
    /// These sessions are in it no more.
    Leave(Vec<u64>),
    /// One session is in the room. With what was said last, or without.
    Seat(Box<Seat>, bool),
    /// One session has ended.
    Rise(u64),
}

/// Who asked to come into a room: it is given what was said there last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asking {
    /// The session of that number ([`Attachment::number`](crate::Attachment::number)). A later one of the
    /// same device did not ask: its page may not know of the room.
    Session(u64),
    /// Whatever session the device has by then, as by a call beside it.
    Device(Resource),
}

impl From<&Resource> for Asking {
    fn from(device: &Resource) -> Self {
        Self::Device(device.clone())
    }
}

/// What becomes of a room when an append to its log is durable.
pub(crate) enum RoomAct {
    /// A user's sessions are in the room from now on. The one that asked is given what was said last.
    Sit(UserId, Option<Asking>),
    /// A user's sessions are in it no more.
    Out(UserId),
    /// Something for the room's loop.
    Work(RoomWork),
}

impl From<RoomWork> for RoomAct {
    fn from(work: RoomWork) -> Self {
        Self::Work(work)
    }
}

#[derive(Default)]
struct Line {
    work: VecDeque<RoomWork>,
    /// Things to be said in it.
    says: usize,
    running: bool,
}

/// The loop of one room.
pub(crate) struct Cast {
    app: Arc<App>,
    line: Mutex<Line>,
    /// While nobody works on it.
    hall: Mutex<Option<Box<Hall>>>,
    arrived: Notify,
    /// It knows what was said last.
    recalls: AtomicBool,
}

impl Cast {
    pub(crate) fn new(app: Arc<App>, room: GroupId) -> Self {
        Self {
            hall: Mutex::new(Some(Box::new(Hall::new(app.clone(), room)))),
            app,
            line: Mutex::default(),
            arrived: Notify::new(),
            recalls: AtomicBool::new(false),
        }
    }

    /// Whether it has to be told what was said last before somebody comes.
    pub(crate) fn must_recall(&self) -> bool {
        !self.recalls.load(Ordering::Acquire)
    }

    /// What was said last may be other than it is known here.
    pub(crate) fn forget(&self) {
        self.recalls.store(false, Ordering::Release);
    }

    /// Whether it has something to do.
    pub(crate) fn is_busy(&self) -> bool {
        self.line.lock().running
    }

    /// Puts `work` behind what is waiting.
    pub(crate) fn submit(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        work: impl IntoIterator<Item = RoomWork>,
    ) {
        let mut line = self.line.lock();
        for work in work {
            match &work {
                RoomWork::Say(entry, priority) | RoomWork::Pass(entry, priority) => {
                    let most = match priority {
                        Priority::Low => WAITING / 2,
                        Priority::Normal => WAITING,
                        Priority::High => WAITING * 2,
                    };
                    if line.says >= most && entry.kind.is_message() {
                        DROPPED.of(Dropped::Overload).inc();
                        // Whoever comes finds it in the log.
                        self.forget();
                        continue;
                    }
                    line.says += 1;
                }
                RoomWork::Recall(_) => self.recalls.store(true, Ordering::Release),
                _ => {}
            }
            line.work.push_back(work);
        }
        if line.running {
            drop(line);
            self.arrived.notify_one();
        } else if !line.work.is_empty()
            // At the end of the process there is nobody left to tell.
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            line.running = true;
            drop(line);
            let (cast, shared) = (self.clone(), shared.clone());
            runtime.spawn(async move { cast.run(&shared).await });
        }
    }

    async fn run(&self, shared: &Shared) {
        // One loop at a time runs, so it is there.
        let Some(mut hall) = self.hall.lock().take() else { return };
        loop {
            // A small room that is never silent must not keep the thread.
            tokio::task::consume_budget().await;
            let work = {
                let mut line = self.line.lock();
                if line.work.is_empty() && hall.is_at_rest() {
                    *self.hall.lock() = Some(hall);
                    line.running = false;
                    return;
                }
                line.says = 0;
                std::mem::take(&mut line.work)
            };
            let settings = shared.settings(&self.app);
            for work in work {
                // What was said before is for who goes, too; and for who is there and comes again, beyond
                // what is said to it anew.
                let is_for_all = match &work {
                    RoomWork::Leave(_) | RoomWork::Stay(_) => true,
                    RoomWork::Seat(seat, true) => hall.has(seat.number),
                    _ => false,
                };
                if is_for_all {
                    hall.say_all().await;
                }
                hall.take(work, shared, &settings);
            }
            let now = Instant::now();
            let sessions = u32::try_from(hall.sessions()).unwrap_or(u32::MAX);
            let due = hall.said_at.map(|at| at + (GATHER * sessions).min(GATHER_MOST));
            if due.is_none_or(|due| due <= now) && hall.has_said() {
                hall.said_at = Some(now);
                hall.say_all().await;
            }
            let moves = (GATHER_MOVES * sessions).min(GATHER_MOVES_MOST);
            let moves_due = hall.moved_at.map(|at| at + moves);
            if moves_due.is_none_or(|due| due <= now) && hall.has_moves() {
                hall.moved_at = Some(now);
                hall.tell_moves(shared).await;
            }
            let waits = [(due, hall.has_said()), (moves_due, hall.has_moves())];
            let next =
                waits.into_iter().filter(|(_, waits)| *waits).filter_map(|(due, _)| due).min();
            if let Some(next) = next {
                tokio::select! {
                    () = tokio::time::sleep_until(next) => {}
                    () = self.arrived.notified() => {}
                }
            }
        }
    }
}
