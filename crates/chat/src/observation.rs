//! What an app's tokens and names have been like of late, counted as they come, so that a checklist can say
//! whether its owner keeps to what is advised. Nothing here says who.
//!
//! Counted in memory, added to the day's row every few seconds and at the end ([`Chat::store_observations`]).

use std::collections::HashMap;

use parking_lot::Mutex;
use prost::Message;
use stoa_core::{AppNumber, AppScope, Day, IdFlaws, Issuer, Names, Timestamp, TokenMark};
use stoa_store::{Bucket, spaces};

use crate::records::{self, NamesMade, Observed};
use crate::{Chat, Error};

/// How many days are looked at.
const DAYS: u32 = 7;
/// How many of the names that were made last count for how they are at present.
const RECENT: u32 = 32;

/// What kind of thing a name was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameOf {
    User,
    Group,
    Room,
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
}

/// What has been counted since it was stored last, of all apps.
#[derive(Default)]
pub(crate) struct Watch(Mutex<HashMap<AppNumber, Pending>>);

#[derive(Default)]
struct Pending {
    observed: Observed,
    last_names: [String; 3],
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
            NameOf::User => flaws.any(),
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
        for (all, more) in [
            (&mut self.users, &later.users),
            (&mut self.groups, &later.groups),
            (&mut self.rooms, &later.rooms),
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
        })
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
