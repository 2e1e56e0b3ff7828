//! Refusals that come again and again: the first of a kind is told at once, the others by number.
//!
//! Each app has a minute that begins with its first refusal. Within it, a kind (what was refused, why,
//! from where) makes one entry at once and at most one more with the number of the others. Only so
//! many kinds are told apart; what is beyond them makes one entry, with their number and that of the
//! places they came from. So whoever floods an app writes some sixty entries a minute at most, and
//! takes a bounded part of the memory.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use stoa_core::{AppNumber, Timestamp, UserId, limits, site};

use crate::{Act, Actor, Entry};

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    act: Act,
    reason: Cow<'static, str>,
    actor: Actor,
    subject: Option<UserId>,
    site: Option<IpAddr>,
}

impl Refused {
    /// `actor` was refused `act`, for this reason: a word for programs that names nobody, of a small
    /// number of them.
    pub fn new(actor: Actor, act: Act, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { act, reason: reason.into(), actor, subject: None, site: None }
    }

    /// It concerned this user.
    #[must_use]
    pub fn on(mut self, user: UserId) -> Self {
        self.subject = Some(user);
        self
    }

    /// It came from this address.
    #[must_use]
    pub fn from(mut self, address: IpAddr) -> Self {
        self.site = Some(site(address));
        self
    }

    fn kind(&self) -> Kind {
        Kind { act: self.act, reason: self.reason.clone(), site: self.site }
    }

    fn entry(self, count: u64) -> Entry {
        let mut entry = Entry::new(self.actor, self.act).refused(self.reason).times(count);
        entry.subject = self.subject;
        entry.site = self.site;
        entry
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    act: Act,
    reason: Cow<'static, str>,
    site: Option<IpAddr>,
}

/// The others of a kind.
#[derive(Debug)]
struct Others {
    /// What they have in common.
    common: Refused,
    count: u64,
}

/// The refusals of one app within its minute.
#[derive(Debug)]
struct Minute {
    since: Timestamp,
    kinds: HashMap<Kind, Others>,
    /// Those of other kinds.
    more: u64,
    places: HashSet<Option<IpAddr>>,
    /// Whether not all places could be remembered.
    more_places: bool,
}

impl Minute {
    fn is_over(&self, now: Timestamp) -> bool {
        // A clock that was set back begins a new one.
        now < self.since || now.since(self.since) >= limits::AUDIT_WINDOW
    }

    fn remembered(&self) -> usize {
        self.kinds.len() + self.places.len()
    }

    fn entries(self) -> impl Iterator<Item = Entry> {
        let counted = self.kinds.into_values().filter(|others| others.count > 0);
        let places = self.places.len();
        let places =
            if self.more_places { format!("{places} or more") } else { places.to_string() };
        let more = (self.more > 0).then(|| {
            let entry = Entry::new(Actor::System, Act::MoreRefused).refused("many");
            entry.times(self.more).detail("places", places)
        });
        counted.map(|others| others.common.entry(others.count)).chain(more)
    }
}

/// The refusals of all apps within their minutes.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    apps: HashMap<AppNumber, Minute>,
    /// Kinds and places in all of them.
    remembered: usize,
}

impl Patterns {
    /// Counts a refusal. What is to be written at once, if it is the first of its kind.
    pub(crate) fn see(
        &mut self,
        app: AppNumber,
        refused: Refused,
        now: Timestamp,
    ) -> Option<Entry> {
        let minute = self.apps.entry(app).or_insert_with(|| Minute {
            since: now,
            kinds: HashMap::new(),
            more: 0,
            places: HashSet::new(),
            more_places: false,
        });
        let kind = refused.kind();
        if let Some(others) = minute.kinds.get_mut(&kind) {
            others.count += 1;
            // Of those that differ in whom they concern, nobody is named.
            if others.common.subject != refused.subject {
                others.common.subject = None;
            }
            if others.common.actor != refused.actor {
                others.common.actor = Actor::Several;
            }
            return None;
        }
        let is_full = self.remembered >= limits::AUDIT_KINDS_OF_ALL;
        if minute.kinds.len() < limits::AUDIT_KINDS && !is_full {
            self.remembered += 1;
            minute.kinds.insert(kind, Others { common: refused.clone(), count: 0 });
            return Some(refused.entry(1));
        }
        minute.more += 1;
        if !minute.places.contains(&kind.site) {
            if is_full {
                minute.more_places = true;
            } else {
                self.remembered += 1;
                minute.places.insert(kind.site);
            }
        }
        None
    }

    /// What is to be written of the minutes that are over, with the apps.
    pub(crate) fn tick(&mut self, now: Timestamp) -> Vec<(AppNumber, Entry)> {
        self.take(|minute| minute.is_over(now))
    }

    /// What is to be written of all minutes.
    pub(crate) fn end(&mut self) -> Vec<(AppNumber, Entry)> {
        self.take(|_| true)
    }

    fn take(&mut self, which: impl Fn(&Minute) -> bool) -> Vec<(AppNumber, Entry)> {
        let over: Vec<_> = self.apps.extract_if(|_, minute| which(minute)).collect();
        self.remembered -= over.iter().map(|(_, minute)| minute.remembered()).sum::<usize>();
        over.into_iter()
            .flat_map(|(app, minute)| minute.entries().map(move |entry| (app, entry)))
            .collect()
    }
}
