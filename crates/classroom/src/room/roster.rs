//! How many are in a room and who is awaited, kept beside the users: with five thousand of them, nobody counts them
//! anew for each who comes.

use std::collections::{BTreeSet, HashMap, HashSet};

use stoa_core::{ClassRole, Timestamp, UserUuid};

use super::{Participant, Room};

/// What of a user is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counted {
    role: ClassRole,
    online: bool,
    awaited_until: Option<Timestamp>,
}

impl Counted {
    const fn of(user: &Participant) -> Self {
        Self { role: user.role, online: user.online, awaited_until: user.awaited_until }
    }
}

/// Counts over the users of a room. It follows from them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roster {
    counted: HashMap<UserUuid, Counted>,
    /// Those who are there, by the numbers of their roles.
    online: [usize; ROLES],
    awaited: BTreeSet<(Timestamp, UserUuid)>,
    /// The numbers of all streams that there are, and of some that there were.
    streams: HashSet<u32>,
}

/// One more than the highest number of a role.
const ROLES: usize = 5;

impl PartialEq for Roster {
    /// Rooms are the same when their users are.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Roster {
    /// How many of a role are there.
    pub(crate) fn present(&self, role: ClassRole) -> usize {
        self.online.get(usize::from(role.number())).copied().unwrap_or_default()
    }

    /// Whether nobody is there.
    pub(crate) fn is_empty(&self) -> bool {
        self.online.iter().all(|count| *count == 0)
    }

    /// Who has to be back first, and until when.
    pub(crate) fn first_awaited(&self) -> Option<&(Timestamp, UserUuid)> {
        self.awaited.first()
    }

    /// Whether a stream's number is taken.
    pub(crate) fn has_stream(&self, id: u32) -> bool {
        self.streams.contains(&id)
    }

    fn count(&mut self, user: &UserUuid, now: Option<Counted>) {
        let before = match now {
            Some(now) => self.counted.insert(user.clone(), now),
            None => self.counted.remove(user),
        };
        if before == now {
            return;
        }
        if let Some(before) = before {
            if let Some(count) = self.place(before) {
                *count -= 1;
            }
            if let Some(until) = before.awaited_until {
                self.awaited.remove(&(until, user.clone()));
            }
        }
        if let Some(now) = now {
            if let Some(count) = self.place(now) {
                *count += 1;
            }
            if let Some(until) = now.awaited_until {
                self.awaited.insert((until, user.clone()));
            }
        }
    }

    fn place(&mut self, counted: Counted) -> Option<&mut usize> {
        let place = self.online.get_mut(usize::from(counted.role.number()));
        place.filter(|_| counted.online)
    }
}

impl Room {
    /// Takes over into the counts what was changed of a user.
    pub(crate) fn count(&mut self, user: &UserUuid) {
        let found = self.users.get(user);
        let streams = found.into_iter().flat_map(|found| &found.streams);
        self.roster.streams.extend(streams.map(|stream| stream.id));
        self.roster.count(user, found.map(Counted::of));
    }

    /// Counts all users, of a room that was read.
    pub(crate) fn count_all(&mut self) {
        self.roster = Roster::default();
        let users: Vec<UserUuid> = self.users.keys().cloned().collect();
        users.iter().for_each(|user| self.count(user));
    }

    /// How many are there and are counted.
    pub fn total(&self) -> usize {
        let listed = ClassRole::ALL.into_iter().filter(|role| role.is_listed());
        listed.map(|role| self.roster.present(role)).sum()
    }

    /// Whether the counts are those of the users, for tests.
    pub(crate) fn is_counted(&self) -> bool {
        let present = |role: &ClassRole| {
            let there = self.users.values().filter(|user| user.online && user.role == *role);
            there.count() == self.roster.present(*role)
        };
        let awaited = self.users.values().filter_map(|user| Some((user.awaited_until?, &user.id)));
        let awaited: BTreeSet<_> = awaited.collect();
        ClassRole::ALL.iter().all(present)
            && awaited.into_iter().eq(self.roster.awaited.iter().map(|(at, user)| (*at, user)))
    }
}
