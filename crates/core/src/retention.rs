//! How long things are kept, and when they are over: pure functions that reads and the sweep share.
//!
//! What is kept for `kept` is over so long after its storage time began, to the millisecond. A day is
//! over when the last that can have been stored on it is: then the key of the day can go.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::{ChatSettings, Day, Plan, Timestamp};

/// How long a shorter retention waits before it takes effect: so long it can be taken back.
pub const SHORTER_AFTER: Duration = Duration::from_secs(86_400);
/// The longest own retention of an app, in days.
pub const RETENTION_MOST_DAYS: u32 = 3650;

/// Whether what was stored at `at`, and is kept for `kept`, is over by `now`.
pub fn is_over(at: Timestamp, kept: Duration, now: Timestamp) -> bool {
    at.plus(kept) <= now
}

/// Whether all that can have been stored on `day`, and is kept for `kept`, is over by `now`.
pub fn is_day_over(day: Day, kept: Duration, now: Timestamp) -> bool {
    is_over(day.next().start(), kept, now)
}

/// The last day that is over by `now` where things are kept for `kept`; none if no day is.
pub fn last_day_over(kept: Duration, now: Timestamp) -> Option<Day> {
    now.minus(kept).day().0.checked_sub(1).map(Day)
}

/// How long an app keeps messages, as its owner decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeepMessages {
    /// As long as its plan says. The default.
    #[default]
    ByPlan,
    /// As long as the vendor's older table of plans says.
    ByOlderPlan,
    /// So many days, from 1 to [`RETENTION_MOST_DAYS`].
    Days(u32),
}

impl KeepMessages {
    /// What that comes to on `plan`.
    pub const fn on(self, plan: &Plan) -> Duration {
        match self {
            Self::ByPlan => plan.messages,
            Self::ByOlderPlan => plan.messages_before,
            Self::Days(days) => Duration::from_secs(days as u64 * 86_400),
        }
    }
}

impl fmt::Display for KeepMessages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByPlan => f.write_str("plan"),
            Self::ByOlderPlan => f.write_str("older-plan"),
            Self::Days(days) => write!(f, "{days}"),
        }
    }
}

impl FromStr for KeepMessages {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "plan" => Ok(Self::ByPlan),
            "older-plan" => Ok(Self::ByOlderPlan),
            days => match days.parse() {
                Ok(days) if (1..=RETENTION_MOST_DAYS).contains(&days) => Ok(Self::Days(days)),
                _ => Err(format!(
                    "'{text}' is none of plan, older-plan, and a number of days from 1 to {RETENTION_MOST_DAYS}"
                )),
            },
        }
    }
}

/// What was kept for longer before a retention was shortened goes on being kept so for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldRetention {
    /// How long things were kept before.
    pub before: Duration,
    /// From then on the shorter retention counts.
    pub until: Timestamp,
}

impl ChatSettings {
    /// How long messages are kept, once no shorter retention is pending any more.
    pub const fn messages_wanted(&self) -> Duration {
        self.keep_messages.on(&self.plan)
    }

    /// How long messages are kept at `now`.
    pub fn messages_kept(&self, now: Timestamp) -> Duration {
        let wanted = self.messages_wanted();
        match self.held {
            Some(held) if now < held.until => wanted.max(held.before),
            _ => wanted,
        }
    }

    /// The shorter retention that waits at `now`, and when it takes effect.
    pub fn messages_pending(&self, now: Timestamp) -> Option<(Duration, Timestamp)> {
        let held = self.held.filter(|held| now < held.until)?;
        let wanted = self.messages_wanted();
        (wanted < held.before).then_some((wanted, held.until))
    }

    /// These settings on `plan` and with `keep` from `now` on: what is shorter than what is kept now waits for
    /// [`SHORTER_AFTER`], what is longer holds at once.
    #[must_use]
    pub fn keeping(self, plan: Plan, keep: KeepMessages, now: Timestamp) -> Self {
        let (before, pending) = (self.messages_kept(now), self.messages_pending(now));
        let mut new = Self { plan, keep_messages: keep, held: None, ..self };
        let wanted = new.messages_wanted();
        if wanted < before {
            // Said once more, it does not wait anew.
            let until = match pending {
                Some((waiting, until)) if waiting == wanted => until,
                _ => now.plus(SHORTER_AFTER),
            };
            new.held = Some(HeldRetention { before, until });
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn plans_keep_as_the_tables_say() {
        let kept = |keep: KeepMessages| {
            let days = |plan: &Plan| keep.on(plan).as_secs() / 86_400;
            Plan::ALL.iter().map(|plan| (plan.name, days(plan))).collect::<Vec<_>>()
        };
        assert_eq!(
            kept(KeepMessages::ByPlan),
            [("self-hosted", 180), ("free", 7), ("starter", 90), ("pro", 180), ("enterprise", 180)]
        );
        assert_eq!(
            kept(KeepMessages::ByOlderPlan),
            [("self-hosted", 180), ("free", 3), ("starter", 7), ("pro", 90), ("enterprise", 180)]
        );
        assert!(kept(KeepMessages::Days(12)).iter().all(|(_, days)| *days == 12));
    }

    #[test]
    fn a_retention_is_read_as_it_is_written() {
        for keep in [KeepMessages::ByPlan, KeepMessages::ByOlderPlan, KeepMessages::Days(30)] {
            assert_eq!(keep.to_string().parse(), Ok(keep));
        }
        for text in ["", "0", "-1", "3651", "7d", "PLAN"] {
            let refusal = text.parse::<KeepMessages>().unwrap_err();
            assert!(refusal.contains("from 1 to 3650"), "{refusal}");
        }
    }

    #[test]
    fn shorter_waits_a_day_and_can_be_taken_back_and_longer_holds_at_once() {
        let now = Timestamp::from_secs(1_800_000_000);
        let start = ChatSettings::default();
        assert_eq!(start.messages_kept(now), 180 * DAY);
        let shorter = start.keeping(start.plan, KeepMessages::Days(7), now);
        let then = now.plus(SHORTER_AFTER);
        assert_eq!(shorter.messages_pending(now), Some((7 * DAY, then)));
        assert_eq!(shorter.messages_kept(then.minus(Duration::from_millis(1))), 180 * DAY);
        assert_eq!((shorter.messages_kept(then), shorter.messages_pending(then)), (7 * DAY, None));

        let hour = now.plus(Duration::from_secs(3600));
        let again = shorter.keeping(start.plan, KeepMessages::Days(7), hour);
        assert_eq!(again.messages_pending(hour), Some((7 * DAY, then)), "it does not wait anew");
        let other = shorter.keeping(start.plan, KeepMessages::Days(90), hour);
        let pending = Some((90 * DAY, hour.plus(SHORTER_AFTER)));
        assert_eq!(other.messages_pending(hour), pending, "still shorter than what holds");
        let back = shorter.keeping(start.plan, KeepMessages::ByPlan, hour);
        assert_eq!(back, start, "taken back");
        let longer = shorter.keeping(start.plan, KeepMessages::Days(365), hour);
        assert_eq!((longer.messages_kept(hour), longer.held), (365 * DAY, None));

        let free: Plan = "free".parse().unwrap();
        let planned = start.keeping(free, KeepMessages::ByPlan, now);
        assert_eq!(planned.messages_pending(now), Some((7 * DAY, then)), "a plan shortens too");
    }

    proptest! {
        /// Whatever is set and when: a day is over only with all that was stored on it, and what holds is never
        /// shorter than what was said to hold a day before.
        #[test]
        fn a_day_is_over_with_its_last_message_and_nothing_is_shortened_without_notice(
            changes in prop::collection::vec((0_u64..72 * 3_600_000, 0_usize..5, 1_u32..400), 1..12),
            look in 0_u64..400 * 86_400_000,
            of_day in 0_u64..86_400_000,
        ) {
            let mut now = Timestamp::from_secs(1_800_000_000);
            let mut settings = ChatSettings::default();
            for (later, plan, days) in changes {
                now = Timestamp::from_millis(now.as_millis() + later);
                let before = settings.messages_kept(now);
                let keep = match days % 3 {
                    0 => KeepMessages::ByPlan,
                    1 => KeepMessages::ByOlderPlan,
                    _ => KeepMessages::Days(days),
                };
                settings = settings.keeping(Plan::ALL[plan], keep, now);
                prop_assert!(settings.messages_kept(now) >= before);
                let soon = now.plus(SHORTER_AFTER).minus(Duration::from_millis(1));
                if settings.messages_wanted() < before {
                    let pending = settings.messages_pending(now);
                    prop_assert!(pending.is_some_and(|(_, until)| until <= now.plus(SHORTER_AFTER)));
                } else {
                    prop_assert_eq!(settings.messages_kept(soon), settings.messages_wanted());
                }
                prop_assert_eq!(settings.messages_kept(now.plus(SHORTER_AFTER)), settings.messages_wanted());
            }
            let at = Timestamp::from_millis(now.as_millis() - of_day);
            let then = Timestamp::from_millis(now.as_millis() + look);
            let kept = settings.messages_kept(then);
            let last = last_day_over(kept, then);
            prop_assert_eq!(is_day_over(at.day(), kept, then), last.is_some_and(|last| at.day() <= last));
            if is_day_over(at.day(), kept, then) {
                prop_assert!(is_over(at, kept, then));
                prop_assert!(is_over(at.day().next().start(), kept, then));
            }
            prop_assert_eq!(is_over(at, kept, then), at <= then.minus(kept));
        }
    }
}
