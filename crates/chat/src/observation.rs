//! What an app's tokens and names have been like of late, counted as they come, so that a checklist can say
//! whether its owner keeps to what is advised. Nothing here says who.
//!
//! Counted in memory, added to the day's row every few seconds and at the end ([`Chat::store_observations`]).

use std::collections::HashMap;

use parking_lot::Mutex;
use prost::Message;
use stoa_core::{AppNumber, AppScope, Day, IdFlaws, Issuer, Names, RoomUuid, Timestamp, TokenMark};
use stoa_store::{Bucket, spaces};

use crate::records;
use crate::{Chat, Error};

/// How many days are looked at.
const DAYS: u32 = 7;
/// How many of the names that were made last count for how they are at present.
const RECENT: u32 = 32;

/// OBSERVATIONS: what was seen of an app on one day.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Observed {
    #[prost(uint64, tag = "1")]
    pub(crate) last_back_end_token_ms: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) last_door_token_ms: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) longest_life_s: u64,
    #[prost(message, optional, tag = "4")]
    pub(crate) users: Option<NamesMade>,
    #[prost(message, optional, tag = "5")]
    pub(crate) groups: Option<NamesMade>,
    #[prost(message, optional, tag = "6")]
    pub(crate) rooms: Option<NamesMade>,
    #[prost(message, optional, tag = "7")]
    pub(crate) class_rooms: Option<NamesMade>,
    #[prost(message, optional, tag = "8")]
    pub(crate) class_users: Option<NamesMade>,
    /// Class rooms that were given a name which another had shortly before.
    #[prost(uint64, tag = "9")]
    pub(crate) class_rooms_again: u64,
}

/// Names of one kind that were made on one day, and what is wrong with them.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct NamesMade {
    #[prost(uint64, tag = "1")]
    pub(crate) count: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) sequential: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) digits_only: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) email: u64,
    #[prost(uint64, tag = "5")]
    pub(crate) phone: u64,
    #[prost(uint64, tag = "6")]
    pub(crate) short: u64,
    /// One bit for each of the last ones, the latest lowest: whether anything is wrong with it.
    #[prost(uint32, tag = "7")]
    pub(crate) recent_flaws: u32,
    /// How many bits count.
    #[prost(uint32, tag = "8")]
    pub(crate) recent: u32,
}

/// What kind of thing a name was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameOf {
    User,
    Group,
    Room,
    ClassRoom,
    ClassUser,
}

/// What was seen of an app in the last seven days.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observations {
    /// When a token of a user was last shown that the app's back end had made, by itself or through the server.
    pub last_back_end_token: Option<Timestamp>,
    /// When one was last shown that was issued for a password.
    pub last_door_token: Option<Timestamp>,
    /// The longest life of a token that was shown, in seconds.
    pub longest_life_s: u64,
    /// User names that were made.
    pub users: Names,
    /// Group ids that were made.
    pub groups: Names,
    /// Room ids that were made.
    pub rooms: Names,
    /// Names of class rooms that were made.
    pub class_rooms: Names,
    /// Names of users who came into class rooms, each at the first time.
    pub class_users: Names,
    /// How many class rooms were given the name of one that was destroyed in the thirty days before.
    pub class_rooms_again: u64,
}

/// What has been counted since it was stored last, of all apps.
#[derive(Default)]
pub(crate) struct Watch(Mutex<HashMap<AppNumber, Pending>>);

#[derive(Default)]
struct Pending {
    observed: Observed,
    last_names: [String; 5],
}

impl Watch {
    /// A user's token let somebody in.
    pub(crate) fn token(&self, app: AppNumber, mark: &TokenMark, now: Timestamp) {
        let life = mark.ends.as_secs().saturating_sub(mark.issued.as_secs());
        let mut all = self.0.lock();
        let observed = &mut all.entry(app).or_default().observed;
        let last = match mark.issuer {
            Issuer::App(_) | Issuer::Server(_) => &mut observed.last_back_end_token_ms,
            Issuer::Door(_) => &mut observed.last_door_token_ms,
        };
        *last = now.as_millis().max(*last);
        observed.longest_life_s = life.max(observed.longest_life_s);
    }

    /// A name was made.
    pub(crate) fn name(&self, app: AppNumber, of: NameOf, name: &str) {
        let mut all = self.0.lock();
        let pending = all.entry(app).or_default();
        let observed = &mut pending.observed;
        let (place, made) = match of {
            NameOf::User => (0, &mut observed.users),
            NameOf::Group => (1, &mut observed.groups),
            NameOf::Room => (2, &mut observed.rooms),
            NameOf::ClassRoom => (3, &mut observed.class_rooms),
            NameOf::ClassUser => (4, &mut observed.class_users),
        };
        let last = std::mem::replace(&mut pending.last_names[place], name.to_owned());
        let flaws = IdFlaws::of(name, Some(&*last).filter(|last| !last.is_empty()));
        let made = made.get_or_insert_default();
        made.count += 1;
        made.sequential += u64::from(flaws.sequential);
        made.digits_only += u64::from(flaws.digits_only);
        made.email += u64::from(flaws.email);
        made.phone += u64::from(flaws.phone);
        made.short += u64::from(flaws.short);
        made.recent = (made.recent + 1).min(RECENT);
        // Ids of groups and rooms are digits, drawn by the server: that is their form and no flaw.
        let flawed = match of {
            NameOf::User | NameOf::ClassRoom | NameOf::ClassUser => flaws.any(),
            NameOf::Group | NameOf::Room => flaws.sequential,
        };
        made.recent_flaws = made.recent_flaws << 1 | u32::from(flawed);
    }
}

impl NamesMade {
    /// Adds what came after.
    fn add(&mut self, later: &Self) {
        self.count += later.count;
        self.sequential += later.sequential;
        self.digits_only += later.digits_only;
        self.email += later.email;
        self.phone += later.phone;
        self.short += later.short;
        let shifted = self.recent_flaws.checked_shl(later.recent).unwrap_or(0);
        self.recent_flaws = shifted | later.recent_flaws;
        self.recent = (self.recent + later.recent).min(RECENT);
    }

    fn seen(&self) -> Names {
        let kept = u32::MAX.checked_shr(RECENT - self.recent.min(RECENT)).unwrap_or(0);
        Names {
            made: self.count,
            sequential: self.sequential,
            digits_only: self.digits_only,
            email: self.email,
            phone: self.phone,
            short: self.short,
            recent: self.recent,
            recent_flawed: (self.recent_flaws & kept).count_ones(),
        }
    }
}

impl Observed {
    /// Adds what came after.
    fn add(&mut self, later: &Self) {
        let max = |a: &mut u64, b: u64| *a = b.max(*a);
        max(&mut self.last_back_end_token_ms, later.last_back_end_token_ms);
        max(&mut self.last_door_token_ms, later.last_door_token_ms);
        max(&mut self.longest_life_s, later.longest_life_s);
        self.class_rooms_again += later.class_rooms_again;
        for (all, more) in [
            (&mut self.users, &later.users),
            (&mut self.groups, &later.groups),
            (&mut self.rooms, &later.rooms),
            (&mut self.class_rooms, &later.class_rooms),
            (&mut self.class_users, &later.class_users),
        ] {
            if let Some(more) = more {
                all.get_or_insert_default().add(more);
            }
        }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Chat {
    /// Adds what was observed in the app of `scope` to the day's row. To be called every few seconds, and at the
    /// end.
    ///
    /// # Errors
    /// [`Error::Store`]; it is stored with the next.
    pub async fn store_observations(&self, scope: &impl AppScope) -> Result<(), Error> {
        let number = scope.app().number;
        let taken = match self.shared.watch.0.lock().get_mut(&number) {
            Some(pending) if !pending.observed.is_empty() => std::mem::take(&mut pending.observed),
            _ => return Ok(()),
        };
        let stored = self.add_observed(scope, &taken).await;
        if stored.is_err() {
            let mut all = self.shared.watch.0.lock();
            let observed = &mut all.entry(number).or_default().observed;
            let mut before = taken;
            before.add(observed);
            *observed = before;
        }
        stored
    }

    async fn add_observed(&self, scope: &impl AppScope, observed: &Observed) -> Result<(), Error> {
        let store = &self.store.app(scope).await?;
        let day = self.shared.clock.now().day();
        let key = &store.key(&spaces::OBSERVATIONS).number(day.0.into()).done();
        store
            .transact(|mut txn| async move {
                let mut row = match txn.get(key).await? {
                    Some(value) => records::decode(&value, spaces::OBSERVATIONS.name)?,
                    None => Observed::default(),
                };
                row.add(observed);
                txn.put(key, Bucket::Day(day), &row.encode_to_vec()).await?;
                Ok::<_, Error>(txn.done(()))
            })
            .await
    }

    /// What was seen of the app of `scope` in the last seven days, today included.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn observations(&self, scope: &impl AppScope) -> Result<Observations, Error> {
        self.store_observations(scope).await?;
        let store = self.store.app(scope).await?;
        let Day(today) = self.shared.clock.now().day();
        let first = u64::from(today.saturating_sub(DAYS - 1));
        let range = store.key(&spaces::OBSERVATIONS).numbers(first..=u64::from(today));
        let rows = store.read().await?;
        let rows = rows.scan(&range, stoa_store::Direction::Forward, usize::MAX).await?;
        let mut all = Observed::default();
        for (_, value) in rows {
            all.add(&records::decode(&value, spaces::OBSERVATIONS.name)?);
        }
        let moment = |ms: u64| Some(ms).filter(|ms| *ms > 0).map(Timestamp::from_millis);
        let names =
            |made: &Option<NamesMade>| made.as_ref().map(NamesMade::seen).unwrap_or_default();
        Ok(Observations {
            last_back_end_token: moment(all.last_back_end_token_ms),
            last_door_token: moment(all.last_door_token_ms),
            longest_life_s: all.longest_life_s,
            users: names(&all.users),
            groups: names(&all.groups),
            rooms: names(&all.rooms),
            class_rooms: names(&all.class_rooms),
            class_users: names(&all.class_users),
            class_rooms_again: all.class_rooms_again,
        })
    }

    /// A class room was given a name.
    pub fn note_class_name(&self, scope: &impl AppScope, room: &RoomUuid) {
        self.shared.watch.name(scope.app().number, NameOf::ClassRoom, room.as_str());
    }

    /// It is one that another had shortly before.
    pub fn note_class_name_again(&self, scope: &impl AppScope) {
        let mut all = self.shared.watch.0.lock();
        all.entry(scope.app().number).or_default().observed.class_rooms_again += 1;
    }

    /// A token of a user of class rooms let somebody in.
    pub fn note_class_token(&self, scope: &impl AppScope, mark: &TokenMark) {
        self.shared.watch.token(scope.app().number, mark, self.shared.clock.now());
    }

    /// Removes rows of days that are looked at no more.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn sweep_observations(&self, scope: &impl AppScope) -> Result<(), Error> {
        let store = &self.store.app(scope).await?;
        let Day(today) = self.shared.clock.now().day();
        let range =
            store.key(&spaces::OBSERVATIONS).numbers(..u64::from(today.saturating_sub(DAYS)));
        let rows = store.read().await?;
        let rows = &rows.scan(&range, stoa_store::Direction::Forward, usize::MAX).await?;
        if rows.is_empty() {
            return Ok(());
        }
        store
            .transact(|mut txn| async move {
                for (key, _) in rows {
                    txn.delete(key)?;
                }
                Ok::<_, Error>(txn.done(()))
            })
            .await
    }
}
