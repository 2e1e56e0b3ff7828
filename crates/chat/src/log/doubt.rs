//! What becomes of an append of which nobody knows whether it is durable.
//!
//! Whoever asked for it is told so and asks once more, but what did become durable was told to nobody else.
//! A session finds a gap in a queue only when something follows it, and what is said in a room lies in no
//! queue. So the next append to that log, which sees what is there, has it told first; if none comes, one is
//! made that adds nothing.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use stoa_bus::Topic;
use stoa_core::{App, ConversationId, Seq, UserId};

use super::batch::Batch;
use super::{Appender, log_space};
use crate::entry::{Log, Priority};
use crate::group::Group;
use crate::room::{RoomAct, RoomWork};
use crate::{Error, Shared};

/// How long is waited for an append by somebody else; after each that failed twice as long, up to the second.
const WAIT: Duration = Duration::from_secs(1);
const WAIT_MOST: Duration = Duration::from_secs(60);

/// Up to where it is certain that everything in a log was told.
#[derive(Default)]
pub(crate) struct Doubt(Mutex<State>);

#[derive(Default)]
struct State {
    /// Where the log ended when the append that is under way began.
    began: Option<Seq>,
    /// Behind it may lie what was told to nobody.
    since: Option<Seq>,
}

impl Doubt {
    /// An append begins.
    pub(crate) fn begin(&self) {
        self.0.lock().began = None;
    }

    /// It finds that the log ends at `end`. Answers behind which entry may lie what was told to nobody.
    pub(crate) fn found(&self, end: Seq) -> Option<Seq> {
        let mut state = self.0.lock();
        state.began = Some(end);
        state.since
    }

    /// Its outcome is not known. Answers whether all was certain before.
    pub(crate) fn arises(&self) -> bool {
        let mut state = self.0.lock();
        let before = state.since;
        state.since = before.or(state.began);
        before.is_none() && state.since.is_some()
    }

    /// It is durable, and what lay before it is told.
    pub(crate) fn ends(&self) {
        self.0.lock().since = None;
    }

    pub(crate) fn is_there(&self) -> bool {
        self.0.lock().since.is_some()
    }
}

impl Appender {
    /// Sees to it that what may be durable is told though nobody appends.
    pub(super) fn dispel_doubt(self: &Arc<Self>, shared: &Arc<Shared>) {
        let (appender, shared) = (self.clone(), shared.clone());
        tokio::spawn(async move {
            let mut wait = WAIT;
            while appender.doubt().is_there() {
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(WAIT_MOST);
                // Where it fails the next one comes after a while.
                let _ = appender.act(&shared, |_| Box::pin(async { Ok(()) })).await;
            }
        });
    }
}

/// Tells the sessions of all who read `log` that there may be more in it than they were told.
pub(super) fn tell_readers(shared: &Shared, app: &App, log: &Log, group: Option<&Group>) {
    let missed = |user: &UserId| {
        shared.bus.missed(&Topic { app: app.number, user: user.clone() });
    };
    match log {
        Log::Conversation(ConversationId::Group(_)) => {
            group
                .into_iter()
                .flat_map(|group| group.roster.joined())
                .for_each(|(user, _)| missed(user));
        }
        Log::Conversation(conversation) => conversation.pair().iter().for_each(missed),
        Log::User(user) => missed(user),
    }
}

impl Batch<'_> {
    /// Has the room's loop say what lies behind `since` and was told to nobody, to whom the room is told by
    /// now.
    pub(super) async fn say_once_more(&mut self, since: Seq) -> Result<(), Error> {
        let roster = self.group.as_ref().map(|group| group.roster.clone());
        self.room_acts.push(RoomWork::Stay(roster.clone()).into());
        let space = log_space(self.log).name;
        for seq in since.0 + 1..=self.tail.end.seq.0 {
            if let Some(stored) = self.stored(Seq(seq)).await? {
                self.say(Arc::new(stored.into_entry(space)?), Priority::High);
            }
        }
        let joined = roster.iter().flat_map(|roster| roster.joined());
        self.room_acts.extend(joined.map(|(user, _)| RoomAct::Sit(user.clone(), None)));
        Ok(())
    }
}
