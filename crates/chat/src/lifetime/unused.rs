//! Users who have not been there for too long, and groups and rooms in which nothing was said or done for too long.
//!
//! A user is used when a token lets it in, at either door, and when the app's back end says something in its name. The
//! day of that stands in the account; whoever is met for the first time on a day is noted in memory, and written down
//! with others a few seconds later. So a login costs no write, and a user one a day at the most.
//!
//! A group or room is used by whatever is said in it and done to it, and by who comes into a room. The day stands in its
//! own record, which is written with the first of that on a day, in the same transaction
//! ([`Group::use_it`](crate::group::Group::use_it)).

use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;
use stoa_core::{AppNumber, AppScope, Day, GroupId, OperatorOf, Timestamp, UserId, is_day_over};
use stoa_store::classes::USER_INFORMATION;
use stoa_store::{Direction, spaces};

use super::Pace;
use crate::account::Removal;
use crate::group::{GroupActor, group_named, last_used};
use crate::records::{self, Account, StoredGroup};
use crate::{Chat, Error, account};

/// Users that one transaction writes, or one step of a walk looks at.
const STEP: usize = 128;

/// Who was met and is not written down yet.
#[derive(Default)]
pub(crate) struct Uses(Mutex<HashMap<AppNumber, HashSet<UserId>>>);

impl Uses {
    /// A user was met, of whom it is not known that it was on this day.
    pub(crate) fn note(&self, app: AppNumber, user: &UserId) {
        let mut met = self.0.lock();
        let met = met.entry(app).or_default();
        if !met.contains(user) {
            met.insert(user.clone());
        }
    }

    fn take(&self, app: AppNumber) -> Vec<UserId> {
        self.0.lock().remove(&app).into_iter().flatten().collect()
    }
}

impl Account {
    /// Whether it was written down that the account was used on `day`.
    pub(crate) const fn was_used_on(&self, day: Day) -> bool {
        self.used_day >= day.0
    }

    /// The last day on which it was used, as far as that is known: uses have been written down since `since`.
    fn last_used(&self, since: Option<Timestamp>) -> Day {
        last_used(Day(self.used_day), Timestamp::from_millis(self.created_ms), since)
    }
}

impl Chat {
    /// Writes down who was met in the app of `scope` since the last call. To be called every few seconds, and at the end.
    ///
    /// # Errors
    /// [`Error::Store`]; who is met again is written down then.
    pub async fn store_uses(&self, scope: &impl AppScope) -> Result<(), Error> {
        let met = self.shared.uses.take(scope.app().number);
        if met.is_empty() {
            return Ok(());
        }
        let store = &self.store.app(scope).await?;
        let day = self.shared.clock.now().day();
        for users in met.chunks(STEP) {
            let stored = store.transact(|mut txn| async move {
                for user in users {
                    let key = account::account_key(store, user);
                    let Some(value) = txn.get(&key).await? else { continue };
                    let mut account: Account = records::decode(&value, spaces::USERS.name)?;
                    if !account.was_used_on(day) {
                        account.used_day = day.0;
                        account::save(store, &mut txn, user, &account).await?;
                    }
                }
                Ok::<_, Error>(txn.done(()))
            });
            stored.await?;
        }
        Ok(())
    }

    /// Deletes the users of the app of `scope` who were not there for as long as user information is kept
    /// ([`Chat::delete_user`]). To be called once a day. Answers who they were.
    ///
    /// # Errors
    /// [`Error::Store`]; what is left is deleted by the next call.
    pub async fn delete_unused(
        &self,
        scope: &OperatorOf,
        pace: Pace,
    ) -> Result<Vec<UserId>, Error> {
        // Who was met a moment ago is no stranger.
        self.store_uses(scope).await?;
        let store = self.store.app(scope).await?;
        let now = self.shared.clock.now();
        let kept = USER_INFORMATION.kept(&self.settings(scope), now);
        let since = self.index_since();
        let back_end = self.back_end(scope).await?;
        let mut range = store.key(&spaces::USERS).all();
        let mut deleted = Vec::new();
        loop {
            let rows = store.read().await?.scan(&range, Direction::Forward, STEP).await?;
            let Some((key, _)) = rows.last() else { return Ok(deleted) };
            range = range.above(key);
            for (_, value) in rows {
                let account: Account = records::decode(&value, spaces::USERS.name)?;
                let Ok(user) = account.username.parse::<UserId>() else { continue };
                if !is_day_over(account.last_used(since), kept, now) {
                    continue;
                }
                match self.delete(&back_end, &user, Removal::Unused).await {
                    Ok(_) => deleted.push(user),
                    Err(Error::UnknownUser) => {}
                    Err(error) => return Err(error),
                }
            }
            pace.rest().await;
        }
    }

    /// Dismisses the groups and rooms of the app of `scope` in which nothing was said or done for as long as user
    /// information is kept ([`Chat::dismiss_group`]). To be called once a day. Answers which they were. In data that were
    /// brought back from before, it ends what is left of groups that were dismissed since.
    ///
    /// # Errors
    /// [`Error::Store`]; what is left is dismissed by the next call.
    pub async fn dismiss_unused(
        &self,
        scope: &OperatorOf,
        pace: Pace,
    ) -> Result<Vec<GroupId>, Error> {
        let store = self.store.app(scope).await?;
        let now = self.shared.clock.now();
        let kept = USER_INFORMATION.kept(&self.settings(scope), now);
        let since = self.groups_since();
        let back_end = self.back_end(scope).await?;
        let mut range = store.key(&spaces::GROUPS).all();
        let (mut dismissed, mut dead) = (Vec::new(), HashSet::new());
        loop {
            let rows = store.read().await?.scan_all(&range, Direction::Forward, STEP).await?;
            let Some((key, _)) = rows.last() else { break };
            range = range.above(key);
            let before = dismissed.len();
            for (key, value) in rows {
                let Some(value) = value else {
                    dead.insert(key.blind(0));
                    continue;
                };
                let row: StoredGroup = records::decode(&value, spaces::GROUPS.name)?;
                let made = Timestamp::from_millis(row.created_ms);
                if !is_day_over(last_used(Day(row.used_day), made, since), kept, now) {
                    continue;
                }
                let Some(id) = group_named(&store, &row.id, key.blind(0)) else { continue };
                let gone = self.act_on_group(&back_end, &id, move |batch| {
                    Box::pin(async move {
                        // It was used a moment ago.
                        let is_over = is_day_over(batch.group()?.last_used(since), kept, now);
                        if is_over {
                            batch.dismiss(&GroupActor::back_end().actor()).await?;
                        }
                        Ok(is_over)
                    })
                });
                match gone.await {
                    Ok(true) => dismissed.push(id),
                    Ok(false) | Err(Error::UnknownGroup | Error::UnknownRoom) => {}
                    Err(error) => return Err(error),
                }
            }
            if dismissed.len() > before {
                self.end_dismissed(scope).await;
            }
            pace.rest().await;
        }
        if !dead.is_empty() {
            self.end_dead(&store, &dead, pace).await?;
            self.end_dismissed(scope).await;
        }
        Ok(dismissed)
    }
}
