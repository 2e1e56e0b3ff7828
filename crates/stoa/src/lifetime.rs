//! The end of days: what is over is made unreadable in one step, and removed afterwards.

use std::collections::BTreeMap;
use std::time::Duration;

use stoa_audit::{Act, Actor, Entry};
use stoa_chat::lifetime::{CLASSES_OF_LOGS, Pace};
use stoa_core::{AppNumber, ChatSettings, Day, Operator, Timestamp, is_day_over};
use stoa_store::StoreError;
use stoa_store::classes::{DataClass, MESSAGE, MONITORING, REVOCATION, USER_EVENT};

use crate::failure::Failure;
use crate::node::Node;

/// The classes whose days are ended here. Files end with their bytes, the audit log month by month.
static CLASSES: [&DataClass; 4] = [&MESSAGE, &USER_EVENT, &MONITORING, &REVOCATION];

/// What a sweep came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ended {
    /// Days of a class of an app whose keys were destroyed.
    pub days: usize,
    /// Rows that were removed.
    pub rows: usize,
}

/// So far the clock may stand before the moment at which a key was made: clocks are put right by a little.
const SET_BACK: Duration = Duration::from_secs(3600);

/// Whether the clock says `now` though a key was made later: then it is wrong.
fn is_behind(now: Timestamp, newest_key: Option<Timestamp>) -> bool {
    newest_key.is_some_and(|made| made > now.plus(SET_BACK))
}

/// The days of what the platform itself counts that are over; no setting of an app concerns them.
fn over_of_platform(
    with_keys: &BTreeMap<(AppNumber, u8), Vec<Day>>,
    now: Timestamp,
) -> impl Iterator<Item = (AppNumber, &'static DataClass, Day)> {
    let of = (AppNumber::PLATFORM, MONITORING.number);
    let kept = MONITORING.kept(&ChatSettings::default(), now);
    let days = with_keys.get(&of).into_iter().flatten().copied();
    days.filter(move |day| is_day_over(*day, kept, now)).map(move |day| (of.0, &MONITORING, day))
}

impl Node {
    /// Writes down who was met since the last time, in all apps.
    pub async fn store_uses(&self) {
        let operator = Operator::of_this_process();
        for app in self.console.apps() {
            if let Err(error) = self.chat.store_uses(&operator.in_app(app)).await {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "who was there today could not be stored");
            }
        }
    }

    /// Deletes users who were not there for as long as user information is kept, and writes that into the audit
    /// logs. Answers how many they were.
    ///
    /// # Errors
    /// When those of one app could not be deleted; those of the others were.
    pub async fn delete_unused(&self, pace: Pace) -> Result<usize, Failure> {
        let operator = Operator::of_this_process();
        let (mut all, mut outcome) = (0, Ok(()));
        for app in self.console.apps() {
            let scope = operator.in_app(app);
            match self.chat.delete_unused(&scope, pace).await {
                Ok(users) => {
                    all += users.len();
                    for user in users {
                        let entry = Entry::new(Actor::System, Act::UserDeleted).on(user);
                        self.audit.record(&scope, entry.detail("reason", "unused")).await?;
                    }
                }
                Err(error) => outcome = Err(error.into()),
            }
        }
        outcome.map(|()| all)
    }

    /// Dismisses groups and rooms in which nothing was said or done for as long as user information is kept, and
    /// writes that into the audit logs. Answers how many they were.
    ///
    /// # Errors
    /// When those of one app could not be dismissed; those of the others were.
    pub async fn dismiss_unused(&self, pace: Pace) -> Result<usize, Failure> {
        let operator = Operator::of_this_process();
        let (mut all, mut outcome) = (0, Ok(()));
        for app in self.console.apps() {
            let scope = operator.in_app(app);
            match self.chat.dismiss_unused(&scope, pace).await {
                Ok(groups) => {
                    all += groups.len();
                    for group in groups {
                        let kind = if group.is_room() { "room" } else { "group" };
                        let entry = Entry::new(Actor::System, Act::GroupDismissed);
                        let entry = entry.detail(kind, group.as_str()).detail("reason", "unused");
                        self.audit.record(&scope, entry).await?;
                    }
                }
                Err(error) => outcome = Err(error.into()),
            }
        }
        outcome.map(|()| all)
    }

    /// Destroys the keys of users, groups, rooms and classes whose time is over after they ended, in all apps at once,
    /// and removes what they sealed. Answers how many they were. Whatever interrupts it, the next one goes on with it.
    ///
    /// # Errors
    /// When something of one app could not be done; what could be was.
    pub async fn end_objects(&self) -> Result<usize, Failure> {
        let operator = Operator::of_this_process();
        let mut apps = Vec::new();
        for app in self.console.apps() {
            let settings = app.chat;
            match self.store.app(&operator.in_app(app)).await {
                Ok(store) => apps.push((store, settings)),
                // It was deleted a moment ago, with all its keys.
                Err(StoreError::Gone) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.store.end_objects(&apps, self.clock.now()).await?)
    }

    /// Destroys the keys of all days that are over, in all apps at once, and removes what they sealed. Whatever
    /// interrupts it, the next one goes on with it.
    ///
    /// # Errors
    /// When something of one app could not be done; what could be was.
    pub async fn end_days(&self, pace: Pace) -> Result<Ended, Failure> {
        let operator = Operator::of_this_process();
        let now = self.clock.now();
        if is_behind(now, self.vault.newest_key()) {
            // Which days are over is not known then, and which one is being written to.
            return Err(Failure::Refused(
                "the clock stands before the time at which a key was made: nothing is destroyed until it is right".into(),
            ));
        }
        self.store.complete_destructions(&operator).await?;
        let (mut ended, mut outcome) = (Ended::default(), Ok(()));
        let with_keys = self.store.days_with_keys(&operator);
        let mut due = Vec::new();
        for app in self.console.apps() {
            let (number, scope) = (app.number, operator.in_app(app));
            for class in CLASSES {
                let days: &[Day] =
                    with_keys.get(&(number, class.number)).map_or(&[], Vec::as_slice);
                let over = self.chat.days_over(&scope, class, days);
                let has_logs = CLASSES_OF_LOGS.iter().any(|of| of.number == class.number);
                if has_logs
                    && let Err(error) = self.chat.settle_logs(&scope, class, &over, pace).await
                {
                    outcome = Err(error.into());
                    continue;
                }
                due.extend(over.into_iter().map(|day| (number, class, day)));
            }
        }
        due.extend(over_of_platform(&with_keys, now));
        ended.days = self.store.destroy_days(&operator, &due).await?;
        for app in self.console.apps() {
            let (number, scope) = (app.number, operator.in_app(app));
            for class in CLASSES_OF_LOGS {
                match self.chat.remove_over(&scope, class, pace).await {
                    Ok(removed) if removed.rows == 0 => {}
                    Ok(removed) => {
                        ended.rows += removed.rows;
                        let rows = removed.rows as u64;
                        self.store.removed(number, class, removed.last, rows).await?;
                    }
                    Err(error) => outcome = Err(error.into()),
                }
            }
            if let Err(error) = self.chat.sweep_reports(&scope).await {
                outcome = Err(error.into());
            }
        }
        outcome.map(|()| ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_platform_counts_ends_after_its_days_too() {
        let day = Day(20_000);
        let all = [(AppNumber::PLATFORM, MONITORING.number), (AppNumber::PLATFORM, 6)];
        let with_keys: BTreeMap<_, _> = all.map(|of| (of, vec![day, day.next()])).into();
        let over = |now| over_of_platform(&with_keys, now).collect::<Vec<_>>();
        let end = day.next().start().plus(Duration::from_secs(7 * 86_400));
        assert!(over(end.minus(Duration::from_millis(1))).is_empty());
        let ended = over(end);
        assert_eq!(ended.len(), 1);
        assert_eq!((ended[0].0, ended[0].1.number, ended[0].2), (all[0].0, all[0].1, day));
    }

    #[test]
    fn a_clock_that_stands_before_the_newest_key_is_not_believed() {
        let made = Timestamp::from_secs(1_800_000_000);
        assert!(!is_behind(made, None));
        for (now, behind) in [
            (made.plus(SET_BACK), false),
            (made, false),
            (made.minus(SET_BACK), false),
            (made.minus(SET_BACK + Duration::from_millis(1)), true),
            (Timestamp::default(), true),
        ] {
            assert_eq!(is_behind(now, Some(made)), behind, "{now:?}");
        }
    }
}
