//! Events as they are handed out to an app's back end, of all its rooms in one place: each once, or again until they
//! are acknowledged (classroom specification, section 2.5.2).
//!
//! While a room exists its events are read where they lie, from the number on that its [`Mark`] says. When the room is
//! destroyed, the events that were not handed out yet are sealed anew, under a second key, which is destroyed
//! an hour later, or as soon as the last of them is handed out.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stoa_core::{AppNumber, AppScope, RoomUuid, Timestamp};
use stoa_store::{AppStore, classes};

use crate::stored::{self, RoomKeys};
use crate::{Classroom, PAGE};
use crate::{Error, Refusal, millis};

/// How long events that were not handed out outlive their room.
pub(crate) const OUTLIVES: Duration = Duration::from_secs(3600);
/// Events that are sealed anew at once.
const STEP: usize = 500;

/// A room, told from others of the same name.
pub(crate) type One = (RoomUuid, u64);

/// Up to where the events of a room were handed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// The room.
    #[serde(with = "millis::name")]
    pub(crate) room: RoomUuid,
    /// Which of that name.
    pub(crate) instance: u64,
    /// The first event that was not handed out.
    pub(crate) next: u64,
    /// The first event that was not posted.
    #[serde(default = "first")]
    pub(crate) posted: u64,
    /// Until when there are events of a room that is destroyed.
    #[serde(with = "millis::optional")]
    pub(crate) until: Option<Timestamp>,
}

const fn first() -> u64 {
    1
}

/// Who reads events of all rooms of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// The back end that asks.
    Polling,
    /// The address to which they are posted.
    Callback,
}

impl Mark {
    pub(crate) fn new((room, instance): &One) -> Self {
        Self { room: room.clone(), instance: *instance, next: 1, posted: 1, until: None }
    }

    const fn of(&self, reader: Reader) -> u64 {
        match reader {
            Reader::Polling => self.next,
            Reader::Callback => self.posted,
        }
    }

    fn advance(&mut self, reader: Reader, next: u64) {
        let place = match reader {
            Reader::Polling => &mut self.next,
            Reader::Callback => &mut self.posted,
        };
        *place = next.max(*place);
    }

    /// The first event that somebody has not read.
    fn unread(&self, has_callback: bool) -> u64 {
        if has_callback { self.next.min(self.posted) } else { self.next }
    }

    fn one(&self) -> One {
        (self.room.clone(), self.instance)
    }
}

/// Which rooms of an app may have events that were not handed out.
#[derive(Default)]
pub(crate) struct Waiting([Mutex<BTreeMap<One, u64>>; 2]);

impl Waiting {
    /// There are more of this room.
    pub(crate) fn more(&self, one: &One) {
        for readers in &self.0 {
            *readers.lock().entry(one.clone()).or_default() += 1;
        }
    }

    fn of(&self, reader: Reader) -> &Mutex<BTreeMap<One, u64>> {
        &self.0[reader as usize]
    }

    fn forget(&self, one: &One) {
        for readers in &self.0 {
            readers.lock().remove(one);
        }
    }

    /// All of them, those behind `last` first, so that each has its turn. The number tells whether there were more since.
    fn from(&self, reader: Reader, last: Option<&One>) -> Vec<(One, u64)> {
        let waiting = self.of(reader).lock();
        let behind = last.map_or(Bound::Unbounded, Bound::Excluded);
        let mut all: Vec<_> = waiting.range((behind, Bound::Unbounded)).collect();
        if let Some(last) = last {
            all.extend(waiting.range(..=last.clone()));
        }
        all.into_iter().map(|(one, times)| (one.clone(), *times)).collect()
    }

    /// There are none of this room any more, unless there were more since `times`. Answers whether that is so.
    fn none(&self, reader: Reader, one: &One, times: u64) -> bool {
        let mut waiting = self.of(reader).lock();
        let is_so = waiting.get(one) == Some(&times);
        if is_so {
            waiting.remove(one);
        }
        is_so
    }
}

/// One reader of an app's events at a time.
#[derive(Default)]
struct Counter {
    waiting: Arc<Waiting>,
    state: tokio::sync::Mutex<State>,
    /// Of what is posted.
    posting: tokio::sync::Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The room that was read last.
    last: Option<One>,
    /// What was handed out and has to be acknowledged: by which text, and up to which event of each room.
    open: Option<(String, Vec<(One, u64)>)>,
}

/// The events of all apps that wait to be handed out.
#[derive(Default)]
pub(crate) struct Outbox {
    apps: Mutex<HashMap<AppNumber, Arc<Counter>>>,
    /// When what outlives a room is removed, and where it lies.
    ends: Mutex<BTreeMap<(Timestamp, AppNumber, One), AppStore>>,
}

impl Outbox {
    fn counter(&self, app: AppNumber) -> Arc<Counter> {
        self.apps.lock().entry(app).or_default().clone()
    }

    /// Where it is said that a room of the app has more events.
    pub(crate) fn waiting(&self, app: AppNumber) -> Arc<Waiting> {
        self.counter(app).waiting.clone()
    }

    /// When something is to be removed next.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.ends.lock().first_key_value().map(|((at, ..), _)| *at)
    }

    /// What is to be removed by `now`.
    fn take_due(&self, now: Timestamp) -> Option<(AppStore, One)> {
        let mut ends = self.ends.lock();
        let due = ends.first_entry().filter(|first| first.key().0 <= now)?;
        let ((.., one), store) = due.remove_entry();
        Some((store, one))
    }

    /// Something is to be removed then.
    fn ends_at(&self, at: Timestamp, store: &AppStore, one: &One) {
        self.ends.lock().insert((at, store.number(), one.clone()), store.clone());
    }
}

/// How events are handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handout {
    /// Once.
    Once,
    /// Again until they are acknowledged with the text that came with them; none: nothing is acknowledged.
    Acknowledged(Option<String>),
}

/// Events of an app's rooms.
#[derive(Debug, Clone, PartialEq)]
pub struct HandedOut {
    /// The events, in the order of their numbers for each room.
    pub events: Vec<Value>,
    /// With what they are acknowledged, if they have to be.
    pub acknowledge: Option<String>,
}

/// Events of one room that are being handed out.
struct Batch {
    one: One,
    views: Vec<Value>,
    last: u64,
}

impl Classroom {
    /// Hands out events of all rooms of the app of `scope` that were not handed out yet, [`PAGE`] at the most.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn hand_out(
        self: &Arc<Self>,
        scope: &impl AppScope,
        how: Handout,
    ) -> Result<HandedOut, Error> {
        let store = self.store().app(scope).await?;
        let counter = self.outbox().counter(store.number());
        let mut state = counter.state.lock().await;
        let open = state.open.take();
        if let (Handout::Acknowledged(Some(text)), Some((wanted, up_to))) = (&how, &open) {
            if text == wanted {
                self.advance(&store, Reader::Polling, up_to).await?;
            } else {
                state.open = open;
            }
        } else if matches!(how, Handout::Acknowledged(_)) {
            state.open = open;
        }
        if let Some((text, up_to)) = &state.open {
            let again = self.again(&store, up_to).await?;
            return Ok(HandedOut { events: again, acknowledge: Some(text.clone()) });
        }
        let has_callback = scope.app().class_callback.is_some();
        let batches =
            self.collect(&store, &counter, &mut state, Reader::Polling, has_callback).await?;
        let up_to: Vec<_> = batches.iter().map(|batch| (batch.one.clone(), batch.last)).collect();
        let events: Vec<Value> = batches.into_iter().flat_map(|batch| batch.views).collect();
        let acknowledge = match how {
            Handout::Once => {
                self.advance(&store, Reader::Polling, &up_to).await?;
                None
            }
            Handout::Acknowledged(_) if events.is_empty() => None,
            Handout::Acknowledged(_) => {
                let text = format!("{:016x}", u64::from_le_bytes(self.entropy().bytes()));
                state.open = Some((text.clone(), up_to));
                Some(text)
            }
        };
        Ok(HandedOut { events, acknowledge })
    }

    /// Hands events of all rooms of the app of `scope` that were not posted yet to `post`, [`PAGE`] at the most, and
    /// notes them as posted when it says so. Answers whether there were any.
    ///
    /// # Errors
    /// [`Error::Store`]; what `post` says.
    pub async fn post_events<E: From<Error>>(
        self: &Arc<Self>,
        scope: &impl AppScope,
        post: impl AsyncFnOnce(Vec<Value>) -> Result<(), E>,
    ) -> Result<bool, E> {
        let store = self.store().app(scope).await.map_err(Error::from)?;
        let counter = self.outbox().counter(store.number());
        let mut state = counter.posting.lock().await;
        let batches = self.collect(&store, &counter, &mut state, Reader::Callback, true).await?;
        let up_to: Vec<_> = batches.iter().map(|batch| (batch.one.clone(), batch.last)).collect();
        let events: Vec<Value> = batches.into_iter().flat_map(|batch| batch.views).collect();
        if events.is_empty() {
            return Ok(false);
        }
        post(events).await?;
        self.advance(&store, Reader::Callback, &up_to).await?;
        Ok(true)
    }

    async fn collect(
        &self,
        store: &AppStore,
        counter: &Counter,
        state: &mut State,
        reader: Reader,
        has_callback: bool,
    ) -> Result<Vec<Batch>, Error> {
        let (mut batches, mut left) = (Vec::new(), PAGE);
        for (one, times) in counter.waiting.from(reader, state.last.as_ref()) {
            let Some(mark) = self.mark(store, &one).await? else {
                counter.waiting.none(reader, &one, times);
                continue;
            };
            let keys = RoomKeys::new(store, &one.0, one.1);
            let events = keys.unread(mark.until.is_some(), mark.of(reader), left).await?;
            if let Some(last) = events.last().map(|event| event.sequence) {
                let views = events.iter().map(|event| event.view(one.0.as_str())).collect();
                batches.push(Batch { one: one.clone(), views, last });
            } else if counter.waiting.none(reader, &one, times) && mark.until.is_some() {
                let unread = mark.unread(has_callback);
                // The last who reads them lets them go.
                if keys.unread(true, unread, 1).await?.is_empty() {
                    self.drop_outbox(store, &one).await?;
                }
            }
            left -= events.len();
            state.last = Some(one);
            if left == 0 {
                break;
            }
        }
        Ok(batches)
    }

    /// The mark of a room; none when its time is over.
    async fn mark(&self, store: &AppStore, one: &One) -> Result<Option<Mark>, Error> {
        let mark = RoomKeys::new(store, &one.0, one.1).mark(&store.read().await?).await?;
        let mark = mark.unwrap_or_else(|| Mark::new(one));
        let is_over = mark.until.is_some_and(|until| until <= self.clock().now());
        Ok((!is_over).then_some(mark))
    }

    /// What was handed out and not acknowledged.
    async fn again(&self, store: &AppStore, up_to: &[(One, u64)]) -> Result<Vec<Value>, Error> {
        let mut views = Vec::new();
        for (one, last) in up_to {
            let Some(mark) = self.mark(store, one).await? else { continue };
            let keys = RoomKeys::new(store, &one.0, one.1);
            let events = keys.unread(mark.until.is_some(), mark.next, PAGE).await?;
            let events = events.iter().take_while(|event| event.sequence <= *last);
            views.extend(events.map(|event| event.view(one.0.as_str())));
        }
        Ok(views)
    }

    /// These were handed out.
    async fn advance(
        &self,
        store: &AppStore,
        reader: Reader,
        up_to: &[(One, u64)],
    ) -> Result<(), Error> {
        if up_to.is_empty() {
            return Ok(());
        }
        let now = self.clock().now();
        let done = store.transact(|mut txn| async move {
            for (one, last) in up_to {
                let keys = RoomKeys::new(store, &one.0, one.1);
                let mut mark = keys.mark_in(&mut txn).await?.unwrap_or_else(|| Mark::new(one));
                // What is over is removed, and must not come back.
                if mark.until.is_none_or(|until| now < until) {
                    mark.advance(reader, last + 1);
                    keys.put_mark(&mut txn, &mark).await?;
                }
            }
            Ok::<_, Error>(txn.done(()))
        });
        done.await
    }

    /// Seals what was not handed out of a room that is to be destroyed under the second key. Answers whether there
    /// was any; if not, [`Self::drop_outbox`] has to follow when the room's own key is gone. Done again, it does
    /// nothing.
    pub(crate) async fn keep_unread(
        &self,
        store: &AppStore,
        one: &One,
        has_callback: bool,
    ) -> Result<bool, Error> {
        let keys = &RoomKeys::new(store, &one.0, one.1);
        let until = self.clock().now().plus(OUTLIVES);
        let mut from = 1;
        loop {
            let copied = store.transact(|mut txn| async move {
                let mark = keys.mark_in(&mut txn).await?.unwrap_or_else(|| Mark::new(one));
                if mark.until.is_some() {
                    // Done before a restart.
                    return Ok(txn.done(None));
                }
                let last =
                    keys.copy_events(&mut txn, mark.unread(has_callback).max(from), STEP).await?;
                if last.is_none() {
                    // Also if there is nothing: what was handed out must not be taken for new by whoever does this
                    // again.
                    keys.put_mark(&mut txn, &Mark { until: Some(until), ..mark }).await?;
                }
                Ok::<_, Error>(txn.done(last))
            });
            match copied.await? {
                Some(last) => from = last + 1,
                None => break,
            }
        }
        let mark = keys.mark(&store.read().await?).await?.unwrap_or_else(|| Mark::new(one));
        self.outbox().ends_at(mark.until.unwrap_or(until), store, one);
        let is_kept = !keys.unread(true, mark.unread(has_callback), 1).await?.is_empty();
        if is_kept {
            self.outbox().waiting(store.number()).more(one);
        }
        Ok(is_kept)
    }

    /// Destroys the second key of a room, and removes what lay under it.
    pub(crate) async fn drop_outbox(&self, store: &AppStore, one: &One) -> Result<(), Error> {
        let keys = RoomKeys::new(store, &one.0, one.1);
        store.destroy(&classes::CLASS_ROOM, keys.outbox_bucket()).await?;
        keys.remove_outbox().await?;
        let of =
            |(_, app, ended): &(Timestamp, AppNumber, One)| (*app, ended) == (store.number(), one);
        self.outbox().ends.lock().retain(|end, _| !of(end));
        Ok(())
    }

    /// Removes events that nobody fetched in time.
    pub(crate) async fn end_outboxes(&self) {
        while let Some((store, one)) = self.outbox().take_due(self.clock().now()) {
            let counter = self.outbox().counter(store.number());
            // Nobody is being handed events while they are removed.
            let _state = counter.state.lock().await;
            let _posting = counter.posting.lock().await;
            counter.waiting.forget(&one);
            if let Err(error) = self.drop_outbox(&store, &one).await {
                tracing::error!(%error, "events that nobody fetched were not removed; it is tried again");
                let again = self.clock().now().plus(Duration::from_secs(1));
                self.outbox().ends_at(again, &store, &one);
                return;
            }
        }
    }

    /// What waited to be handed out before the start. `rooms` are those that exist.
    pub(crate) async fn wake_outbox(
        &self,
        store: &AppStore,
        rooms: impl Iterator<Item = One>,
    ) -> Result<(), Error> {
        let waiting = self.outbox().waiting(store.number());
        rooms.for_each(|one| waiting.more(&one));
        for mark in stored::marks(store).await? {
            let Some(until) = mark.until else { continue };
            waiting.more(&mark.one());
            self.outbox().ends_at(until, store, &mark.one());
        }
        Ok(())
    }
}

/// Which events of a room are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of what they tell.
    pub cmd: Option<u16>,
    /// Whom they concern.
    pub user: Option<String>,
    /// What stands in their cause: names and values.
    pub cause: Vec<(String, String)>,
}

impl EventFilter {
    fn admits(&self, event: &crate::frame::Event) -> bool {
        let cause = &event.data["cause"];
        let says = |(name, wanted): &(String, String)| {
            let found = cause.get(name).or_else(|| cause["data"].get(name));
            found.is_some_and(|found| match found {
                Value::String(text) => text == wanted,
                other => {
                    let shown = other.to_string();
                    shown == *wanted
                }
            })
        };
        self.cmd.is_none_or(|cmd| cmd == event.cmd)
            && self.user.as_ref().is_none_or(|user| concerns(&event.data, user))
            && self.cause.iter().all(says)
    }
}

/// Whether a user is named somewhere in what an event tells.
fn concerns(data: &Value, user: &str) -> bool {
    match data {
        Value::Object(fields) => {
            fields.get("userUuid").is_some_and(|named| named == user)
                || fields.values().any(|value| concerns(value, user))
        }
        Value::Array(list) => list.iter().any(|value| concerns(value, user)),
        _ => false,
    }
}

/// A page of the events of a room.
#[derive(Debug, Clone, PartialEq)]
pub struct EventPage {
    /// How many events the room has told of by now.
    pub total: u64,
    /// Those of this page.
    pub list: Vec<Value>,
    /// Where the next page begins; none: this was the last.
    pub next: Option<u64>,
}

/// Events that are looked at for one page, at the most.
const LOOKED_AT: usize = 20 * PAGE;

impl Classroom {
    /// Events of a room from number `from` on that `filter` admits. A page may be short and yet not the last.
    ///
    /// # Errors
    /// [`Refusal::NoRoom`].
    pub async fn find_events(
        self: &Arc<Self>,
        scope: &impl AppScope,
        room: &RoomUuid,
        from: u64,
        most: usize,
        filter: &EventFilter,
    ) -> Result<EventPage, Error> {
        let most = most.clamp(1, PAGE);
        let by = crate::room::By::Server;
        let found = self.turn(scope, room, by, |turn| {
            Ok::<_, Refusal>((turn.room.instance, turn.room.event_sequence))
        });
        let (instance, total) = found.await?;
        let store = self.store().app(scope).await?;
        let keys = RoomKeys::new(&store, room, instance);
        let (mut list, mut next, mut looked_at) = (Vec::new(), from, 0);
        while looked_at < LOOKED_AT {
            let events = keys.events(next, PAGE).await?;
            let is_last = events.len() < PAGE;
            for event in &events {
                if list.len() == most {
                    return Ok(EventPage { total, list, next: Some(next) });
                }
                if filter.admits(event) {
                    list.push(event.view(room.as_str()));
                }
                next = event.sequence + 1;
            }
            if is_last {
                return Ok(EventPage { total, list, next: None });
            }
            looked_at += events.len();
        }
        Ok(EventPage { total, list, next: Some(next) })
    }
}
