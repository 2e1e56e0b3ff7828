//! What is done before a day's key is destroyed, and after it.
//!
//! Before: the ends of logs that lie in the day are written down. After: rows that open no more are removed, from the
//! lowest position on that the index names, up to the first entry of a later day. Whoever is stopped anywhere in it
//! begins again where the index says; an index row goes with the last of its rows.

use prost::Message;
use stoa_core::{AppScope, Day, MessageId, Timestamp, is_day_over, last_day_over};
use stoa_store::classes::{DataClass, MESSAGE, USER_EVENT};
use stoa_store::spaces::{self, Space};
use stoa_store::{
    AppStore, Blind, Bucket, Direction, Key, KeyBuilder, KeyRange, ReadTxn, StoreError, Txn,
};

use super::days::{self, Listed};
use super::stored::Head;
use super::{Pace, floor, walk};
use crate::conversation::pins_key;
use crate::records::{self, Pins, StoredEntry};
use crate::{Chat, Error};

/// Rows of the index that are read at once.
const STEP: usize = 256;

/// Where the logs of a class lie.
///
/// # Errors
/// [`StoreError::Misuse`] for a class that has none.
pub(super) fn space_of(class: &DataClass) -> Result<&'static Space, Error> {
    match class.number {
        number if number == MESSAGE.number => Ok(&spaces::MESSAGES),
        number if number == USER_EVENT.number => Ok(&spaces::USER_LOG),
        _ => Err(StoreError::Misuse("a class without logs").into()),
    }
}

impl Chat {
    /// Those of `days` whose time is over for what is of `class` in the app of `scope`, in order.
    pub fn days_over(&self, scope: &impl AppScope, class: &DataClass, days: &[Day]) -> Vec<Day> {
        let now = self.shared.clock.now();
        let kept = class.kept(&self.settings(scope), now);
        let over = days.iter().copied().filter(|day| is_day_over(*day, kept, now));
        let mut over: Vec<_> = over.collect();
        over.sort_unstable();
        over
    }

    /// Writes down the ends of those logs of `class` that end on one of `days`, or before: nobody can read them any
    /// more when the keys of these days are destroyed. To be called before that. `days` are in order.
    ///
    /// # Errors
    /// [`Error::Store`]; it is done again by the next call.
    pub async fn settle_logs(
        &self,
        scope: &impl AppScope,
        class: &DataClass,
        days: &[Day],
        pace: Pace,
    ) -> Result<(), Error> {
        let Some(&last) = days.last() else { return Ok(()) };
        let (store, space) = (&self.store.app(scope).await?, space_of(class)?);
        self.shared.floors.there_are(store.number());
        let before_index = days.iter().rev().find(|day| !self.is_indexed(scope, **day));
        if let Some(day) = before_index {
            walk::begin(store, class, *day).await?;
            walk::settle_all(store, space, *day, pace).await?;
        }
        let mut range = days::up_to(store, class, last);
        loop {
            let view = store.read().await?;
            let rows = view.scan(&range, Direction::Forward, STEP.min(pace.rows)).await?;
            let Some((key, _)) = rows.last() else { return Ok(()) };
            range = range.above(key);
            let logs: Vec<Blind> = rows.iter().map(|(key, _)| key.blind(2)).collect();
            settle(store, view, space, &logs, last).await?;
            pace.rest().await;
        }
    }

    /// Removes what is over of the logs of `class` in the app of `scope`, where the key of its day was destroyed, and
    /// what points to it.
    ///
    /// # Errors
    /// [`Error::Store`]; what is left is removed by the next call.
    pub async fn remove_over(
        &self,
        scope: &impl AppScope,
        class: &DataClass,
        pace: Pace,
    ) -> Result<Removed, Error> {
        let store = &self.store.app(scope).await?;
        let now = self.shared.clock.now();
        let kept = class.kept(&self.settings(scope), now);
        let Some(last) = last_day_over(kept, now) else {
            return Ok(Removed::default());
        };
        let mut broom = Broom::new(store, class, pace).await?;
        let mut range = days::up_to(store, class, last);
        loop {
            let rows = store.read().await?.scan(&range, Direction::Forward, STEP).await?;
            let Some((key, _)) = rows.last() else { break };
            range = range.above(key);
            for (key, value) in rows {
                let listed = days::listed(key, &value)?;
                // It is removed when nobody can read it, not before.
                if !store.has_key(class, Bucket::Day(listed.day))? {
                    let Listed { key, day, log, from } = listed;
                    broom.sweep(log, from.0, day, Finish::Listed(key)).await?;
                }
            }
        }
        walk::remove(store, class, &mut broom, space_of(class)?).await?;
        let rows = broom.empty().await?;
        // With a clock that was set back, something is sealed for one of these days once more.
        self.shared.appenders.forget_noted(store.number());
        Ok(Removed { rows, last })
    }
}

/// What was removed of the logs of a class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Rows.
    pub rows: usize,
    /// They were of days up to this one.
    pub last: Day,
}

/// Writes down the ends of `logs` that lie on `last` or before.
pub(super) async fn settle(
    store: &AppStore,
    view: ReadTxn,
    space: &'static Space,
    logs: &[Blind],
    last: Day,
) -> Result<(), Error> {
    let mut ends = Vec::new();
    for log in logs {
        let all = store.key(space).blind(*log).all();
        let row = view.scan_all(&all, Direction::Backward, 1).await?.into_iter().next();
        let Some((key, Some(value))) = row else { continue };
        let entry: StoredEntry = records::decode(&value, space.name)?;
        if Timestamp::from_millis(entry.at_ms).day() <= last {
            let (id, countable) = (entry.id, entry.countable);
            ends.push((*log, Head { seq: key.number(1), id, countable, swept: 0 }));
        }
    }
    drop(view);
    if ends.is_empty() {
        return Ok(());
    }
    let ends = &ends;
    let settled = store.transact(|mut txn| async move {
        for (log, end) in ends {
            let before = floor::floor_of(store, &mut txn, *log).await?.unwrap_or_default();
            if before.seq < end.seq {
                let head = Head { swept: before.swept, ..*end };
                floor::save(store, &mut txn, *log, &head).await?;
            }
        }
        Ok::<_, Error>(txn.done(()))
    });
    settled.await
}

/// What goes when a log's rows of a day are gone.
pub(super) enum Finish {
    /// Its row in the index.
    Listed(Key),
    /// The place of the walk moves on to it.
    Walked,
}

/// Rows of one log that are removed together.
struct Part {
    log: Blind,
    entries: Vec<Key>,
    /// The last of them is the last of the log.
    is_end: bool,
    /// Of receipts.
    others: Vec<Key>,
    finish: Option<Finish>,
}

/// Takes rows of many logs together, so that neither many small logs nor one large log makes transactions that are too
/// many or too large.
pub(super) struct Broom<'a> {
    store: &'a AppStore,
    class: &'static DataClass,
    space: &'static Space,
    /// Whether the app has receipts of groups.
    receipts: bool,
    pace: Pace,
    parts: Vec<Part>,
    gathered: usize,
    removed: usize,
}

/// Rows of one stretch that open no more.
struct Dead {
    keys: Vec<Key>,
    /// What is still to be looked at.
    rest: Option<KeyRange>,
    /// The last row of the stretch is among them.
    is_end: bool,
}

impl<'a> Broom<'a> {
    async fn new(store: &'a AppStore, class: &DataClass, pace: Pace) -> Result<Self, Error> {
        let (class, space) = match class.number == MESSAGE.number {
            true => (&MESSAGE, space_of(&MESSAGE)?),
            false => (&USER_EVENT, space_of(class)?),
        };
        let mut receipts = false;
        if class.number == MESSAGE.number {
            let view = store.read().await?;
            for space in [&spaces::GROUP_READS, &spaces::GROUP_READERS] {
                let first = view.scan_all(&store.key(space).all(), Direction::Forward, 1).await?;
                receipts |= !first.is_empty();
            }
        }
        let (parts, gathered, removed) = (Vec::new(), 0, 0);
        Ok(Self { store, class, space, receipts, pace, parts, gathered, removed })
    }

    /// Takes up what is dead of a log from position `from` on, up to the first entry of a day behind `day`.
    pub(super) async fn sweep(
        &mut self,
        log: Blind,
        from: u64,
        day: Day,
        finish: Finish,
    ) -> Result<(), Error> {
        let at = |value: &[u8], _: &Key| {
            let entry: StoredEntry = records::decode(value, self.space.name)?;
            Ok(Timestamp::from_millis(entry.at_ms))
        };
        let mut rest = Some(self.store.key(self.space).blind(log).numbers(from..));
        while let Some(range) = rest.take() {
            let dead = dead(self.store, range, day, self.room(), at).await?;
            rest = dead.rest;
            let part =
                Part { log, entries: dead.keys, is_end: dead.is_end, others: vec![], finish: None };
            self.take(part).await?;
        }
        if self.receipts {
            for space in [&spaces::GROUP_READS, &spaces::GROUP_READERS] {
                self.sweep_receipts(space, log, day).await?;
            }
        }
        let part =
            Part { log, entries: vec![], is_end: false, others: vec![], finish: Some(finish) };
        self.take(part).await
    }

    async fn sweep_receipts(
        &mut self,
        space: &'static Space,
        log: Blind,
        day: Day,
    ) -> Result<(), Error> {
        // The time of the message whose receipts they are, which stands in its id.
        let at = |_: &[u8], key: &Key| Ok(MessageId(key.number(1)).made_at());
        let mut rest = Some(self.store.key(space).blind(log).all());
        while let Some(range) = rest.take() {
            let dead = dead(self.store, range, day, self.room(), at).await?;
            rest = dead.rest;
            let part =
                Part { log, entries: vec![], is_end: false, others: dead.keys, finish: None };
            self.take(part).await?;
        }
        Ok(())
    }

    /// How many rows the next transaction has room for.
    fn room(&self) -> usize {
        self.pace.rows.saturating_sub(self.gathered).max(1)
    }

    async fn take(&mut self, part: Part) -> Result<(), Error> {
        self.gathered +=
            part.entries.len() + part.others.len() + usize::from(part.finish.is_some());
        self.parts.push(part);
        if self.gathered >= self.pace.rows { self.flush().await } else { Ok(()) }
    }

    /// Removes what was taken up.
    pub(super) async fn flush(&mut self) -> Result<(), Error> {
        let (store, class) = (self.store, self.class);
        let parts = &std::mem::take(&mut self.parts);
        self.gathered = 0;
        if parts.iter().all(|part| part.finish.is_none() && part.rows() == 0) {
            return Ok(());
        }
        let removed = store.transact(|mut txn| async move {
            for part in parts {
                part.remove(store, class, &mut txn).await?;
            }
            let walked =
                parts.iter().rev().find(|part| matches!(part.finish, Some(Finish::Walked)));
            if let Some(part) = walked {
                walk::passed(store, &mut txn, class, part.log).await?;
            }
            Ok::<_, Error>(txn.done(()))
        });
        removed.await?;
        self.removed += parts.iter().map(Part::rows).sum::<usize>();
        self.pace.rest().await;
        Ok(())
    }

    /// Removes what is left, and answers how many rows there were in all.
    async fn empty(mut self) -> Result<usize, Error> {
        self.flush().await?;
        Ok(self.removed)
    }
}

impl Part {
    fn rows(&self) -> usize {
        self.entries.len() + self.others.len()
    }

    async fn remove(
        &self,
        store: &AppStore,
        class: &DataClass,
        txn: &mut Txn,
    ) -> Result<(), Error> {
        if let Some(last) = self.entries.last() {
            let before = floor::floor_of(store, txn, self.log).await?.unwrap_or_default();
            let after = before.without(last.number(1), self.is_end);
            floor::save(store, txn, self.log, &after).await?;
            if class.number == MESSAGE.number {
                self.unpin(store, txn).await?;
            }
        }
        for key in self.entries.iter().chain(&self.others) {
            txn.delete(key)?;
        }
        if let Some(Finish::Listed(key)) = &self.finish {
            txn.delete(key)?;
        }
        Ok(())
    }

    /// Takes down the pins of messages that are removed.
    async fn unpin(&self, store: &AppStore, txn: &mut Txn) -> Result<(), Error> {
        let key = pins_key(store, self.log);
        let Some(value) = txn.get(&key).await? else { return Ok(()) };
        let mut pins: Pins = records::decode(&value, spaces::PINNED_MESSAGES.name)?;
        let had = pins.pins.len();
        pins.pins.retain(|pin| !self.entries.iter().any(|key| key.number(1) == pin.seq));
        if pins.pins.len() < had {
            // A group that was just dismissed gets no new key for it.
            let bucket = Bucket::Object(self.log.0);
            txn.put_if_keyed(&key, bucket, &pins.encode_to_vec()).await?;
        }
        Ok(())
    }
}

impl Head {
    /// When all up to `last` is removed, which is the log's end or not. Where the end was not written down before, its
    /// count is not known; it does not fall.
    fn without(&self, last: u64, is_end: bool) -> Self {
        let mut head = Self { swept: self.swept.max(last), ..*self };
        if is_end && last > head.seq {
            head.countable += last - head.seq;
            head.seq = last;
        }
        head
    }
}

/// The rows of `range` that open no more, of `most` that are looked at, up to the first of a day behind `day`.
async fn dead(
    store: &AppStore,
    range: KeyRange,
    day: Day,
    most: usize,
    at: impl Fn(&[u8], &Key) -> Result<Timestamp, Error>,
) -> Result<Dead, Error> {
    let mut rows = store.read().await?.scan_all(&range, Direction::Forward, most + 1).await?;
    let more = rows.len() > most;
    rows.truncate(most);
    let mut dead = Dead { keys: Vec::new(), rest: None, is_end: false };
    if let Some((last, _)) = rows.last().filter(|_| more) {
        dead.rest = Some(range.above(last));
    }
    for (key, value) in rows {
        match value {
            None => {
                dead.is_end = !more;
                dead.keys.push(key);
            }
            Some(value) => {
                dead.is_end = false;
                // What was sealed anew on a later day lies between those of its own.
                if at(&value, &key)?.day() > day {
                    dead.rest = None;
                    break;
                }
            }
        }
    }
    Ok(dead)
}

/// The first log of `space` behind `after`.
pub(super) async fn next_log(
    store: &AppStore,
    space: &'static Space,
    after: Option<Blind>,
) -> Result<Option<Blind>, Error> {
    let end = |log: Blind| -> KeyBuilder { store.key(space).blind(log).number(u64::MAX) };
    let all = store.key(space).all();
    let range = after.map_or(all.clone(), |log| all.above(&end(log).done()));
    let first = store.read().await?.scan_all(&range, Direction::Forward, 1).await?;
    Ok(first.first().map(|(key, _)| key.blind(0)))
}
