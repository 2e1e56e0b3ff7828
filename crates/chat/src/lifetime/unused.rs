//! Users who have not been there for too long.
//!
//! A user is used when a token lets it in, at either door, and when the app's back end says something in its name. The
//! day of that stands in the account; whoever is met for the first time on a day is noted in memory, and written down
//! with others a few seconds later. So a login costs no write, and a user one a day at the most.

use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;
use stoa_core::{AppNumber, AppScope, Day, OperatorOf, Timestamp, UserId, is_day_over};
use stoa_store::classes::USER_INFORMATION;
use stoa_store::{Direction, spaces};

use super::Pace;
use crate::records::{self, Account};
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
        let made = Timestamp::from_millis(self.created_ms).day();
        Day(self.used_day).max(made).max(since.map_or(Day(0), Timestamp::day))
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
                match self.delete_user(&back_end, &user).await {
                    Ok(_) => deleted.push(user),
                    Err(Error::UnknownUser) => {}
                    Err(error) => return Err(error),
                }
            }
            pace.rest().await;
        }
    }
}
