//! Appending to one log: what is waiting goes into one transaction.
//!
//! A sequence number is given inside the transaction that makes the entry durable, by the one task
//! that appends to that log on this node, so numbers are dense and a reader's cursor cannot pass an
//! entry that was not yet visible. Whoever else appended meanwhile is noticed because the next
//! number is taken; everything that was kept in memory is then read anew. A busy conversation
//! therefore batches and does not conflict with itself.
//!
//! What is done to a group waits in the same line as its messages: each meets the group as the one
//! in front of it left it, and no message is judged by rules that were changed before it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;
use stoa_bus::Topic;
use stoa_core::{App, ConversationId, GroupId, Seq, Target, Timestamp, UserId, limits};
use stoa_metrics::messages::{ACCEPTED, Taken};
use stoa_store::{AppStore, Blind, Key, Txn};
use tokio::sync::oneshot;

use super::batch::{Batch, End, Placed, Readers, Tail};
use super::doubt::{Doubt, tell_readers};
use super::posting::{Posted, place};
use super::publisher::Publisher;
use super::{Appended, Done, NewEntry, entry_key, log_blind};
use crate::contact::Relation;
use crate::duplicates::Recent;
use crate::entry::{Audience, Kind, Log};
use crate::group::{Group, Roster, receipts};
use crate::lifetime::Noted;
use crate::room::{Cast, RoomAct, RoomWork};
use crate::{Error, Shared, member};

/// Something that is done to a conversation, in its turn.
pub(crate) trait Act: Send + Sync {
    /// Does it; run again when the transaction is.
    fn run<'a>(
        &'a self,
        batch: &'a mut Batch<'_>,
    ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;

    /// It is durable, or refused.
    fn done(self: Box<Self>, outcome: Result<(), Error>);
}

/// An [`Act`] by a closure, whose last value goes to whoever waits for it.
struct ActOf<T, F> {
    work: F,
    value: Mutex<Option<T>>,
    answer: oneshot::Sender<Result<T, Error>>,
}

/// What a closure that acts returns.
pub(crate) type Acting<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

impl<T, F> Act for ActOf<T, F>
where
    T: Send,
    F: for<'a, 'b> Fn(&'a mut Batch<'b>) -> Acting<'a, T> + Send + Sync,
{
    fn run<'a>(
        &'a self,
        batch: &'a mut Batch<'_>,
    ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>> {
        Box::pin(async move {
            let value = (self.work)(batch).await?;
            *self.value.lock() = Some(value);
            Ok(())
        })
    }

    fn done(self: Box<Self>, outcome: Result<(), Error>) {
        let value = self.value.into_inner();
        // Whoever asked may have gone.
        let _ = self.answer.send(outcome.and_then(|()| value.ok_or(Error::Internal)));
    }
}

/// What waits for its turn.
enum Work {
    Entry(NewEntry),
    Act(Box<dyn Act>),
}

/// Appends to one log.
pub(crate) struct Appender {
    app: Arc<App>,
    store: AppStore,
    log: Log,
    blind: Blind,
    waiting: Mutex<Waiting>,
    known: Mutex<Known>,
    /// What the index of days is known to say of the log.
    noted: Mutex<Option<Noted>>,
    publisher: Publisher,
    doubt: Doubt,
    /// Of a chat room: its loop.
    cast: Option<Arc<Cast>>,
}

#[derive(Default)]
struct Waiting {
    /// Each with whom to tell what became of it; an act tells that by itself.
    work: VecDeque<(Work, Option<Done>)>,
    running: bool,
}

/// What the last append left behind, so that the next need not read it.
#[derive(Default)]
struct Known {
    head: Option<End>,
    /// Of a conversation between two: that they are entered, and how they stand to each other.
    relation: Option<Relation>,
    group: Option<Group>,
    recent: Option<Recent>,
}

/// What an append came to.
struct Append {
    /// The answers, in the order of what was asked.
    outcomes: Vec<Result<Option<Appended>, Error>>,
    tail: Tail,
    posted: Posted,
    room_acts: Vec<RoomAct>,
    relation: Option<Relation>,
    group: Option<Group>,
    /// What is known of recent numbers is still that of this log.
    in_step: bool,
    /// Marks were not enough to tell whether something is new.
    asked: bool,
    /// The log was searched for recent numbers.
    searched: Option<Recent>,
    /// There was something that had been told to nobody.
    told_late: bool,
    noted: Option<Noted>,
}

impl Appender {
    pub(crate) fn new(app: Arc<App>, store: AppStore, log: Log) -> Self {
        let room = match &log {
            Log::Conversation(conversation) => conversation.room().cloned(),
            Log::User(_) => None,
        };
        Self {
            blind: log_blind(&store, &log),
            cast: room.map(|room| Arc::new(Cast::new(app.clone(), room))),
            app,
            store,
            log,
            waiting: Mutex::default(),
            known: Mutex::default(),
            noted: Mutex::default(),
            publisher: Publisher::default(),
            doubt: Doubt::default(),
        }
    }

    pub(crate) fn is_busy(&self) -> bool {
        let waiting = self.waiting.lock();
        let tells = self.cast.as_ref().is_some_and(|cast| cast.is_busy());
        let waits = self.publisher.is_waiting() || self.doubt.is_there();
        waiting.running || !waiting.work.is_empty() || waits || tells
    }

    /// The room whose log it is, if it is one's.
    pub(crate) fn room(&self) -> Option<&GroupId> {
        match &self.log {
            Log::Conversation(conversation) => conversation.room(),
            Log::User(_) => None,
        }
    }

    /// Puts `work` into the line of the room's loop, if the log is a room's.
    pub(crate) fn submit_to_room(
        &self,
        shared: &Arc<Shared>,
        work: impl IntoIterator<Item = RoomWork>,
    ) {
        if let Some(cast) = &self.cast {
            cast.submit(shared, work);
        }
    }

    /// Notes among those who are online who is in the room, and who is no more.
    fn register(self: &Arc<Self>, shared: &Arc<Shared>, acts: &[RoomAct]) {
        for act in acts {
            let (user, is_in) = match act {
                RoomAct::Sit(user, _) => (user, true),
                RoomAct::Out(user) => (user, false),
                RoomAct::Work(_) => continue,
            };
            let topic = Topic { app: self.app.number, user: user.clone() };
            shared.online.note_room(shared, &topic, self, is_in);
        }
    }

    /// Has the room's loop do what became durable. Who came or went is found among those who are online.
    fn tell_room(self: &Arc<Self>, shared: &Arc<Shared>, acts: Vec<RoomAct>) {
        let (Some(cast), false) = (&self.cast, acts.is_empty()) else { return };
        let topic = |user: &UserId| Topic { app: self.app.number, user: user.clone() };
        let mut ready = Vec::new();
        for act in acts {
            match act {
                RoomAct::Sit(user, asked) => {
                    cast.submit(shared, ready.drain(..));
                    shared.online.sit(shared, &topic(&user), self, asked.as_ref());
                }
                RoomAct::Out(user) => {
                    cast.submit(shared, ready.drain(..));
                    shared.online.stand_up(shared, &topic(&user), self);
                }
                RoomAct::Work(work) => {
                    if let RoomWork::Say(entry, _) = &work
                        && matches!(entry.kind, Kind::Recall | Kind::Edit)
                    {
                        cast.forget();
                    }
                    ready.push(work);
                }
            }
        }
        cast.submit(shared, ready);
    }

    /// Forgets what is kept in memory. Answers whether the appender itself has to stay.
    pub(crate) fn forget(&self) -> bool {
        *self.known.lock() = Known::default();
        self.is_busy()
    }

    /// Forgets what is kept in memory of the log's entries.
    pub(crate) fn forget_contents(&self) {
        self.forget();
        self.cast.iter().for_each(|cast| cast.forget());
    }

    pub(super) const fn doubt(&self) -> &Doubt {
        &self.doubt
    }

    /// The log's blinded name.
    pub(crate) const fn blind(&self) -> Blind {
        self.blind
    }

    /// The group as the last append left it, if that is known. While an append is under way it is not.
    pub(crate) fn known_group(&self) -> Option<Group> {
        self.known.lock().group.clone()
    }

    /// What the index of days is known to say of the log.
    pub(crate) fn noted(&self) -> Option<Noted> {
        *self.noted.lock()
    }

    /// The index says so, durably.
    pub(crate) fn note(&self, noted: Option<Noted>) {
        *self.noted.lock() = noted;
    }

    /// See [`Publisher::expect`].
    pub(crate) fn expect(&self, end: Seq) {
        self.publisher.expect(end);
    }

    /// Publishes what was appended and is durable.
    pub(crate) fn publish(&self, shared: &Shared, placed: Vec<Placed>) {
        self.publisher.publish(shared, self.app.number, &self.log, placed);
    }

    /// Puts `entry` behind what is waiting; `done` learns the outcome. The order of calls is the
    /// order in the log.
    pub(crate) fn submit(self: &Arc<Self>, shared: &Arc<Shared>, entry: NewEntry, done: Done) {
        self.enqueue(shared, Work::Entry(entry), Some(done));
    }

    /// Does `work` behind what is waiting, and answers what it came to when it is
    /// durable.
    ///
    /// # Errors
    /// What `work` returns, or [`Error::Store`].
    pub(crate) async fn act<T, F>(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        work: F,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'a, 'b> Fn(&'a mut Batch<'b>) -> Acting<'a, T> + Send + Sync + 'static,
    {
        let (answer, outcome) = oneshot::channel();
        let act = ActOf { work, value: Mutex::new(None), answer };
        self.enqueue(shared, Work::Act(Box::new(act)), None);
        outcome.await.map_err(|_| Error::Internal)?
    }

    fn enqueue(self: &Arc<Self>, shared: &Arc<Shared>, work: Work, done: Option<Done>) {
        let mut waiting = self.waiting.lock();
        waiting.work.push_back((work, done));
        if !waiting.running {
            waiting.running = true;
            drop(waiting);
            let (appender, shared) = (self.clone(), shared.clone());
            tokio::spawn(async move { appender.run(&shared).await });
        }
    }

    async fn run(self: &Arc<Self>, shared: &Arc<Shared>) {
        loop {
            let (work, done): (Vec<_>, Vec<_>) = {
                let mut waiting = self.waiting.lock();
                let count = waiting.work.len().min(limits::APPEND_BATCH);
                if count == 0 {
                    waiting.running = false;
                    return;
                }
                waiting.work.drain(..count).unzip()
            };
            match self.append(shared, &work).await {
                Ok(Append { outcomes, tail, posted, room_acts, told_late, .. }) => {
                    self.doubt.ends();
                    count(&outcomes, &tail.placed);
                    // Who asked may ask next who is in a room.
                    self.register(shared, &room_acts);
                    for ((work, done), outcome) in work.into_iter().zip(done).zip(outcomes) {
                        tell(work, done, outcome);
                    }
                    if self.known_group().is_some_and(|group| group.owes_count()) {
                        shared.counts.note(self);
                    }
                    if told_late && self.cast.is_none() {
                        tell_readers(shared, &self.app, &self.log, self.known_group().as_ref());
                    }
                    self.publish(shared, tail.placed);
                    self.tell_room(shared, room_acts);
                    posted.publish(shared);
                }
                Err(error) => {
                    if error.is_fault() {
                        stoa_metrics::store::FAULTS.of(stoa_metrics::store::Place::Append).inc();
                        tracing::error!(error = &error as &dyn std::error::Error, "append failed");
                    }
                    if error.outcome_is_unknown() {
                        self.publisher.reset();
                        self.cast.iter().for_each(|cast| cast.forget());
                        if self.doubt.arises() {
                            self.dispel_doubt(shared);
                        }
                    }
                    for (work, done) in work.into_iter().zip(done) {
                        tell(work, done, Err(error.clone()));
                    }
                }
            }
        }
    }

    /// Appends `work` in one transaction.
    async fn append(&self, shared: &Arc<Shared>, work: &[Work]) -> Result<Append, Error> {
        // After an error nothing is known.
        let mut known = std::mem::take(&mut *self.known.lock());
        self.doubt.begin();
        let before = &known;
        let done = self.store.transact(|mut txn| async move {
            let appended = self.append_in(shared, &mut txn, before, work).await?;
            Ok::<_, Error>(txn.done(appended))
        });
        let mut append = done.await?;
        self.note(append.noted);
        let now = shared.clock.now();
        known.recent = append.searched.take().or(known.recent.take().filter(|_| append.in_step));
        known.recent = known.recent.take().filter(|recent| append.asked || !recent.is_idle(now));
        if let Some(recent) = known.recent.as_mut() {
            append.tail.placed.iter().for_each(|placed| recent.note(placed));
            if append.asked {
                recent.touch(now);
            }
        }
        known.head = Some(append.tail.end.clone());
        known.relation = append.relation.take();
        known.group = append.group.take();
        *self.known.lock() = known;
        Ok(append)
    }

    async fn append_in(
        &self,
        shared: &Arc<Shared>,
        txn: &mut Txn,
        known: &Known,
        work: &[Work],
    ) -> Result<Append, Error> {
        let now = shared.clock.now();
        let head = match &known.head {
            Some(end) if !txn.exists(&self.key(end.seq.next())).await? => Some(end.clone()),
            _ => None,
        };
        let in_step = head.is_some();
        let end = match head {
            Some(end) => end,
            None => End::read(&self.store, txn, &self.log, self.blind).await?,
        };
        self.expect(end.seq);
        let mut relation = known.relation.clone().filter(|_| in_step);
        let mut group = None;
        match &self.log {
            Log::Conversation(ConversationId::Group(id)) => {
                group = match known.group.clone().filter(|_| in_step) {
                    Some(known) => Some(known),
                    None => self.load_group(txn, id).await?,
                };
            }
            Log::Conversation(conversation) if relation.is_none() => {
                relation =
                    Some(member::ensure(&self.store, txn, conversation, end.seq, now).await?);
            }
            _ => {}
        }
        let stored_end = end.seq;
        let in_doubt = self.doubt.found(stored_end);
        let mut batch = Batch {
            store: &self.store,
            txn,
            shared,
            app: &self.app,
            now,
            group,
            tail: Tail::new(end),
            posts: Vec::new(),
            written: 0,
            lowest: None,
            log: &self.log,
            blind: self.blind,
            relation: relation.as_ref(),
            room_acts: Vec::new(),
            must_recall: self.cast.as_ref().is_some_and(|cast| cast.must_recall()),
        };
        if let (Some(since), Some(_)) = (in_doubt, &self.cast) {
            batch.say_once_more(since).await?;
        }
        let mut outcomes = Vec::with_capacity(work.len());
        let (mut asked, mut searched) = (false, None);
        for work in work {
            match work {
                Work::Act(act) => outcomes.push(self.act_in(&mut batch, &**act).await?),
                Work::Entry(new) => {
                    let mut before = None;
                    if new.client_id != 0 && !batch.tail.end.marks.are_below(new, now) {
                        let mut placed = batch.tail.placed.iter();
                        before = match placed.find(|placed| placed.is_same_as(new)) {
                            Some(placed) => Some(placed.answer()),
                            None => {
                                asked = true;
                                let known = known.recent.as_ref().filter(|_| in_step);
                                if known.is_none() && searched.is_none() {
                                    let found = self.search(batch.txn, stored_end, now).await?;
                                    searched = Some(found);
                                }
                                match known.or(searched.as_ref()) {
                                    Some(recent) => self.find(batch.txn, recent, new, now).await?,
                                    None => None,
                                }
                            }
                        };
                    }
                    let outcome = match before {
                        Some(before) => Ok(before),
                        None => self.add(&mut batch, relation.as_ref(), new),
                    };
                    outcomes.push(outcome.map(Some));
                }
            }
        }
        let Batch { txn, mut group, tail, posts, room_acts, lowest, written, .. } = batch;
        let (store, known) = (&self.store, self.noted());
        let noted = tail.write(store, txn, &self.log, self.blind, now, lowest, known).await?;
        receipts::ask(&self.store, txn, &tail.placed, now).await?;
        if let Some(group) = &mut group {
            let is_quiet = tail.placed.is_empty() && posts.is_empty() && room_acts.is_empty();
            group.use_it(!is_quiet || written > 0, now);
            group.save(&self.store, txn, now).await?;
        }
        // A group that was dismissed is known no more.
        let group = group.filter(|group| !group.is_gone());
        let posts = posts.into_iter().map(|(user, entry)| (Log::User(user), entry)).collect();
        let posted = place(shared, &self.app, &self.store, txn, posts).await?;
        Ok(Append {
            outcomes,
            tail,
            posted,
            room_acts,
            relation,
            group,
            in_step,
            asked,
            searched,
            told_late: in_doubt.is_some_and(|since| since < stored_end),
            noted,
        })
    }

    /// Does one act. What it left behind when it was refused is taken back.
    async fn act_in(
        &self,
        batch: &mut Batch<'_>,
        act: &dyn Act,
    ) -> Result<Result<Option<Appended>, Error>, Error> {
        let before = (batch.group.clone(), batch.tail.end.clone(), batch.tail.placed.len());
        let (posts, written) = (batch.posts.len(), batch.written);
        let (room_acts, must_recall) = (batch.room_acts.len(), batch.must_recall);
        match act.run(batch).await {
            Ok(()) => Ok(Ok(None)),
            Err(error) if error.is_fault() || batch.written > written => Err(error),
            Err(error) => {
                (batch.group, batch.tail.end) = (before.0, before.1);
                batch.tail.placed.truncate(before.2);
                batch.posts.truncate(posts);
                batch.room_acts.truncate(room_acts);
                batch.must_recall = must_recall;
                Ok(Err(error))
            }
        }
    }

    /// Adds an entry, if its sender may.
    fn add(
        &self,
        batch: &mut Batch<'_>,
        relation: Option<&Relation>,
        new: &NewEntry,
    ) -> Result<Appended, Error> {
        let (mut readers, mut directed) = (Readers::Named, None);
        if let Target::Group(_) = &new.to
            && matches!(&self.log, Log::Conversation(_))
        {
            let group = batch.group()?;
            if !new.by_back_end {
                group.may_send(&new.from, batch.now)?;
            }
            directed = to_members(new, &group.roster);
            readers = match group.id().is_room() {
                true => Readers::Room,
                false => Readers::Members(group.roster.clone()),
            };
        }
        if let Some(relation) = relation {
            relation.may_send(new)?;
        }
        let new = directed.as_ref().unwrap_or(new);
        let placed = batch.tail.add(batch.shared, new, readers, batch.now)?;
        let (answer, entry) = (placed.answer(), placed.entry.clone());
        if batch.log_is_rooms() {
            batch.say(entry, new.priority);
        }
        Ok(answer)
    }

    // In boxes, as they are seldom needed and would make every append's future larger.
    fn load_group<'a>(
        &'a self,
        txn: &'a mut Txn,
        id: &'a GroupId,
    ) -> impl Future<Output = Result<Option<Group>, Error>> + Send + 'a {
        Box::pin(Group::load(&self.store, txn, id))
    }

    fn search<'a>(
        &'a self,
        txn: &'a mut Txn,
        end: Seq,
        now: Timestamp,
    ) -> impl Future<Output = Result<Recent, Error>> + Send + 'a {
        Box::pin(Recent::search(&self.store, txn, &self.log, self.blind, end, now))
    }

    fn find<'a>(
        &'a self,
        txn: &'a mut Txn,
        recent: &'a Recent,
        new: &'a NewEntry,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Appended>, Error>> + Send + 'a {
        Box::pin(recent.find(&self.store, txn, &self.log, self.blind, new, now))
    }

    fn key(&self, seq: Seq) -> Key {
        entry_key(&self.store, &self.log, self.blind, seq)
    }
}

/// A message that names readers, for those of them who are members: others get nothing of a group.
/// If none is, it is for its sender's other devices. Nothing if it may stay as it is.
fn to_members(new: &NewEntry, members: &Roster) -> Option<NewEntry> {
    let Audience::Only(users) = &new.audience else { return None };
    if users.iter().all(|user| members.has(user)) {
        return None;
    }
    let mut users: Vec<_> = users.iter().filter(|user| members.has(user)).cloned().collect();
    if users.is_empty() {
        users.push(new.from.clone());
    }
    Some(new.clone().for_audience(Audience::only(users)))
}

/// Tells whoever waits for it what became of `work`.
fn tell(work: Work, done: Option<Done>, outcome: Result<Option<Appended>, Error>) {
    match (work, done) {
        (Work::Act(act), _) => act.done(outcome.map(drop)),
        (Work::Entry(_), Some(done)) => {
            done(outcome.and_then(|appended| appended.ok_or(Error::Internal)));
        }
        (Work::Entry(_), None) => {}
    }
}

/// Counts what was taken.
fn count(outcomes: &[Result<Option<Appended>, Error>], placed: &[Placed]) {
    let answered = outcomes.iter().filter(|outcome| matches!(outcome, Ok(Some(_)))).count();
    let said =
        placed.iter().filter(|placed| placed.client_id != 0 || placed.entry.kind.is_message());
    let said: Vec<bool> = said.map(|placed| placed.entry.kind.is_message()).collect();
    let messages = said.iter().filter(|is_message| **is_message).count();
    ACCEPTED.of(Taken::Message).add_len(messages);
    ACCEPTED.of(Taken::Receipt).add_len(said.len() - messages);
    ACCEPTED.of(Taken::Repeated).add_len(answered.saturating_sub(said.len()));
}
