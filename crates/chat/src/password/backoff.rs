//! What keeps the trying of passwords slow, without shutting anybody out.
//!
//! Counted are wrong passwords for one name from one place (an address, or what stands for all behind
//! a proxy), and for one name from all places together. Some are free; then each further try must wait,
//! longer every time, up to a bound. The bound is short enough that whoever knows the password gets
//! in, and a place from which the password was right before is not held up by what others do: so
//! nobody can lock somebody else out. Names that no user has are counted alike, or the answer would tell
//! which names exist.
//!
//! Everything is in memory and bounded, by number (an entry is forgotten at random when there are too
//! many) and by time. Names are kept as keyed hashes only.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::Mutex;
use stoa_core::{AppNumber, Timestamp};

/// Wrong passwords for a name from one place that cost no wait.
const FREE_FROM_PLACE: u32 = 5;
/// The same from all places together.
const FREE_FROM_ALL: u32 = 50;
/// The first wait; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait for one place.
const PLACE_WAIT: Duration = Duration::from_secs(60);
/// The longest wait that others can cause.
const OTHERS_WAIT: Duration = Duration::from_secs(5);
/// After so long without a try they are forgotten.
const FORGOTTEN: Duration = Duration::from_secs(15 * 60);
/// Entries of each kind.
const MOST: usize = 20_000;

/// Who tries, as whom, from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Try {
    from_place: u64,
    from_all: u64,
    /// The place stands for more than one client.
    shared: bool,
}

/// What is remembered of wrong passwords.
#[derive(Default)]
pub(crate) struct BackOff {
    hasher: RandomState,
    memory: Mutex<Remembered>,
}

#[derive(Default)]
struct Remembered {
    places: HashMap<u64, Wrong>,
    names: HashMap<u64, Wrong>,
    /// Places from which the password was right.
    known: HashMap<u64, Timestamp>,
}

#[derive(Debug, Clone, Copy)]
struct Wrong {
    count: u32,
    last: Timestamp,
    /// No try before this moment.
    next: Timestamp,
}

impl BackOff {
    /// Names a try: `name` in `app` from `place`.
    pub(crate) fn naming(&self, app: AppNumber, name: &str, place: Option<IpAddr>) -> Try {
        Try {
            from_place: self.hasher.hash_one((app, name, place)),
            from_all: self.hasher.hash_one((app, name)),
            shared: place.is_none(),
        }
    }

    /// Lets a try through, or says how long to wait. Once there is something to wait for, one try is
    /// let through in each wait, however many come at once.
    pub(crate) fn admit(&self, of: Try, now: Timestamp) -> Result<(), Duration> {
        let mut memory = self.memory.lock();
        let Remembered { places, names, known } = &mut *memory;
        let longest = if of.shared { OTHERS_WAIT } else { PLACE_WAIT };
        let place = Bound { free: FREE_FROM_PLACE, longest };
        let all = Bound { free: FREE_FROM_ALL, longest: OTHERS_WAIT };
        let name = names.get_mut(&of.from_all).filter(|_| !known.contains_key(&of.from_place));
        let mut judged = [(places.get_mut(&of.from_place), place), (name, all)];
        let wait = judged.iter().filter_map(|(wrong, bound)| bound.wait(wrong.as_deref()?, now));
        if let Some(wait) = wait.max() {
            return Err(wait);
        }
        for (wrong, bound) in &mut judged {
            if let Some(wrong) = wrong {
                bound.charge(wrong, now);
            }
        }
        Ok(())
    }

    /// The password was wrong.
    pub(crate) fn wrong(&self, of: Try, now: Timestamp) {
        let mut memory = self.memory.lock();
        let Remembered { places, names, .. } = &mut *memory;
        for (entries, key) in [(places, of.from_place), (names, of.from_all)] {
            let none = Wrong { count: 0, last: now, next: now };
            let before = entries.get(&key).copied().filter(|wrong| !wrong.is_forgotten(now));
            let mut wrong = before.unwrap_or(none);
            wrong.count = wrong.count.saturating_add(1);
            wrong.last = now;
            put(entries, key, wrong, |wrong| wrong.is_forgotten(now));
        }
    }

    /// The password was right.
    pub(crate) fn right(&self, of: Try, now: Timestamp) {
        let mut memory = self.memory.lock();
        memory.places.remove(&of.from_place);
        if !of.shared {
            put(&mut memory.known, of.from_place, now, |_| false);
        }
    }
}

impl Wrong {
    fn is_forgotten(&self, now: Timestamp) -> bool {
        now.since(self.last) >= FORGOTTEN
    }
}

/// How many are free, and how long the rest may have to wait.
#[derive(Clone, Copy)]
struct Bound {
    free: u32,
    longest: Duration,
}

impl Bound {
    fn wait(self, wrong: &Wrong, now: Timestamp) -> Option<Duration> {
        if wrong.count < self.free || wrong.is_forgotten(now) || now >= wrong.next {
            return None;
        }
        // A clock that was set back makes nobody wait longer.
        Some(wrong.next.since(now).min(self.longest))
    }

    fn charge(self, wrong: &mut Wrong, now: Timestamp) {
        let Some(beyond) = wrong.count.checked_sub(self.free) else { return };
        let wait = FIRST_WAIT.saturating_mul(1 << beyond.min(16)).min(self.longest);
        wrong.next = now.plus(wait);
    }
}

/// Puts an entry in; when there are too many, those that `is_old` picks go first, and then any.
fn put<V>(entries: &mut HashMap<u64, V>, key: u64, value: V, is_old: impl Fn(&V) -> bool) {
    if entries.len() >= MOST && !entries.contains_key(&key) {
        entries.retain(|_, value| !is_old(value));
        if entries.len() >= MOST {
            // Keys are keyed hashes: which one comes first cannot be foreseen.
            let any = entries.keys().next().copied();
            any.map(|any| entries.remove(&any));
        }
    }
    entries.insert(key, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_secs(1_800_000_000);
    const APP: AppNumber = AppNumber(7);

    fn later(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    fn place(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    /// Tries a wrong password as often as it is let.
    fn guesses(back_off: &BackOff, of: Try, seconds: std::ops::Range<u64>) -> u32 {
        let mut made = 0;
        for second in seconds {
            for _ in 0..100 {
                if back_off.admit(of, later(second)).is_ok() {
                    back_off.wrong(of, later(second));
                    made += 1;
                }
            }
        }
        made
    }

    #[test]
    fn some_are_free_and_then_each_waits_longer() {
        let back_off = BackOff::default();
        let of = back_off.naming(APP, "alice", place(1));
        assert_eq!(guesses(&back_off, of, 0..1), FREE_FROM_PLACE + 1, "and one for the wait");
        assert_eq!(back_off.admit(of, START), Err(FIRST_WAIT));
        // 1, 2, 4, 8, 16, 32 and then 60 seconds each.
        assert_eq!(guesses(&back_off, of, 1..64), 6);
        assert_eq!(guesses(&back_off, of, 64..64 + 3600), 60);
    }

    #[test]
    fn however_many_come_at_once_one_is_let_through_in_each_wait() {
        let back_off = BackOff::default();
        let of = back_off.naming(APP, "alice", place(1));
        for _ in 0..FREE_FROM_PLACE {
            back_off.wrong(of, START);
        }
        // None of these is answered yet.
        assert_eq!((0..500).filter(|_| back_off.admit(of, later(1)).is_ok()).count(), 1);
    }

    #[test]
    fn nobody_is_held_up_by_what_others_do() {
        let back_off = BackOff::default();
        let home = back_off.naming(APP, "alice", place(1));
        back_off.right(home, START);
        for last in 2..200 {
            guesses(&back_off, back_off.naming(APP, "alice", place(last)), 0..10);
        }
        assert_eq!(back_off.admit(home, later(10)), Ok(()), "a place that is known");
        let elsewhere = back_off.naming(APP, "alice", place(250));
        let wait = back_off.admit(elsewhere, later(10)).unwrap_err();
        assert!(wait <= OTHERS_WAIT, "from a new place it takes seconds: {wait:?}");
        assert_eq!(back_off.admit(elsewhere, later(10).plus(wait)), Ok(()));
        let bob = back_off.naming(APP, "bob", place(2));
        assert_eq!(back_off.admit(bob, later(10)), Ok(()), "another name");
        let namesake = back_off.naming(AppNumber(8), "alice", place(250));
        assert_eq!(back_off.admit(namesake, later(10)), Ok(()), "another app");
    }

    #[test]
    fn behind_a_proxy_the_wait_stays_short() {
        let back_off = BackOff::default();
        let of = back_off.naming(APP, "alice", None);
        guesses(&back_off, of, 0..600);
        assert!(back_off.admit(of, later(600)).is_err_and(|wait| wait <= OTHERS_WAIT));
    }

    #[test]
    fn a_right_password_a_quarter_of_an_hour_or_a_clock_set_back_end_it() {
        let back_off = BackOff::default();
        let of = back_off.naming(APP, "alice", place(1));
        guesses(&back_off, of, 0..600);
        assert!(back_off.admit(of, later(600)).is_err());
        assert!(back_off.admit(of, START).is_err_and(|wait| wait <= PLACE_WAIT));
        assert_eq!(back_off.admit(of, later(600).plus(FORGOTTEN)), Ok(()));

        guesses(&back_off, of, 600..1200);
        back_off.right(of, later(1200));
        assert_eq!(guesses(&back_off, of, 1200..1201), FREE_FROM_PLACE + 1);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let back_off = BackOff::default();
        for n in 0..MOST + 100 {
            let of = back_off.naming(APP, &format!("user {n}"), place(1));
            back_off.wrong(of, START);
            back_off.right(back_off.naming(APP, &format!("user {n}"), place(2)), START);
        }
        let memory = back_off.memory.lock();
        assert!(memory.places.len() <= MOST && memory.names.len() <= MOST);
        assert!(memory.known.len() <= MOST);
    }
}
