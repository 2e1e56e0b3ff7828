//! Time as the domain sees it: milliseconds since the Unix epoch, and days in UTC.
//!
//! A [`Clock`] is passed to whatever needs the time, so that a test of 180 days runs in
//! milliseconds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment `ms` milliseconds after the Unix epoch.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    /// The moment `s` seconds after the Unix epoch; the last representable one if that overflows.
    pub const fn from_secs(s: u64) -> Self {
        Self(s.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// The UTC day that this moment lies in.
    pub fn day(self) -> Day {
        // A day that does not fit lies twelve million years ahead; saturate instead of wrap.
        Day(u32::try_from(self.0 / Day::MILLIS).unwrap_or(u32::MAX))
    }

    /// The month in UTC that this moment lies in, counted from January 1970. Data keys of the audit
    /// log live for one month.
    pub fn month(self) -> u32 {
        // The count of civil months from the count of days, in years that begin in March, so that the
        // leap day is a year's last.
        const DAYS_TO_EPOCH: u64 = 719_468;
        const ERA: u64 = 146_097;
        let days = self.0 / Day::MILLIS + DAYS_TO_EPOCH;
        let (era, day) = (days / ERA, days % ERA);
        let year = (day - day / 1460 + day / 36_524 - day / (ERA - 1)) / 365;
        let day_of_year = day - (365 * year + year / 4 - year / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let months = (era * 400 + year) * 12 + month_from_march + 2;
        u32::try_from(months.saturating_sub(1970 * 12)).unwrap_or(u32::MAX)
    }

    /// This moment `by` later; the last representable one if that overflows.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(millis(by)))
    }

    /// This moment `by` earlier; the epoch if that would be before it.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(millis(by)))
    }

    /// How long after `earlier` this is; zero if it is before it.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A day in UTC, counted from 1 January 1970. Data keys of time-bound classes live for one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Day(pub u32);

impl Day {
    /// Milliseconds in a UTC day (leap seconds do not exist in Unix time).
    pub const MILLIS: u64 = 86_400_000;

    /// The first moment of the day.
    pub const fn start(self) -> Timestamp {
        Timestamp(self.0 as u64 * Self::MILLIS)
    }

    /// The day after.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The present moment. May go backwards when the machine's clock is set.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// A clock that moves only when told to, for tests.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// A clock that stands at `at`.
    pub fn new(at: Timestamp) -> Self {
        Self(AtomicU64::new(at.0))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }

    /// Sets the clock, also backwards.
    pub fn set(&self, to: Timestamp) {
        self.0.store(to.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight_utc() {
        let t = Timestamp::from_secs(1_795_208_151);
        assert!(t.day().start() <= t && t < t.day().next().start());
        assert_eq!(Timestamp::from_millis(Day::MILLIS - 1).day(), Day(0));
        assert_eq!(Timestamp::from_millis(Day::MILLIS).day(), Day(1));
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        let days_of = |year: u32, month: u32| match month {
            1 => {
                28 + u32::from(
                    year.is_multiple_of(4)
                        && (!year.is_multiple_of(100) || year.is_multiple_of(400)),
                )
            }
            3 | 5 | 8 | 10 => 30,
            _ => 31,
        };
        let (mut day, mut month) = (0_u32, 0_u32);
        while day < 200 * 366 {
            let days = days_of(1970 + month / 12, month % 12);
            let (first, next) = (Day(day).start(), Day(day + days).start());
            assert_eq!((first.month(), next.month()), (month, month + 1), "{day}");
            assert_eq!(next.minus(Duration::from_millis(1)).month(), month, "{day}");
            (day, month) = (day + days, month + 1);
        }
        assert!(Timestamp::from_millis(u64::MAX).month() > month);
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Timestamp::from_millis(5).minus(Duration::from_secs(1)), Timestamp::default());
        let end = Timestamp::from_millis(u64::MAX);
        assert_eq!(end.plus(Duration::MAX), end);
        assert_eq!(Timestamp::default().since(end), Duration::ZERO);
    }
}
