//! What is done so often that it is written down by number: one entry for each minute, act and actor.
//!
//! An app's minute begins with the first such act. Only so many actors are told apart; the others share
//! an entry.

use std::collections::{BTreeMap, HashMap};

use stoa_core::{AppNumber, Timestamp, limits};

use crate::{Act, Actor, Entry};

/// How often something was done, and how often this or that was so.
#[derive(Debug, Default)]
struct Tally {
    count: u64,
    details: BTreeMap<&'static str, u64>,
}

/// What was done in one app within its minute.
#[derive(Debug)]
struct Minute {
    since: Timestamp,
    /// In the order in which they were first done.
    tallies: Vec<((Act, Actor), Tally)>,
}

/// What was done in all apps within their minutes.
#[derive(Debug, Default)]
pub(crate) struct Tallies(HashMap<AppNumber, Minute>);

impl Tallies {
    /// Counts an act that was done. `details` name what was so with it.
    pub(crate) fn add(
        &mut self,
        app: AppNumber,
        (act, actor): (Act, Actor),
        details: &[(&'static str, u64)],
        now: Timestamp,
    ) {
        let new = || Minute { since: now, tallies: Vec::new() };
        let Minute { tallies, .. } = self.0.entry(app).or_insert_with(new);
        let find = |tallies: &[((Act, Actor), Tally)], kind: &(Act, Actor)| {
            tallies.iter().position(|(known, _)| known == kind)
        };
        let mut kind = (act, actor);
        let mut at = find(tallies, &kind);
        if at.is_none() && tallies.len() >= limits::AUDIT_KINDS {
            kind.1 = Actor::Several;
            at = find(tallies, &kind);
        }
        // Those of several actors come on top: one for each act.
        let at = at.unwrap_or_else(|| {
            tallies.push((kind, Tally::default()));
            tallies.len() - 1
        });
        let Some((_, tally)) = tallies.get_mut(at) else { return };
        tally.count += 1;
        for (name, amount) in details {
            *tally.details.entry(name).or_default() += amount;
        }
    }

    /// What is to be written of the minutes that are over, with the apps.
    pub(crate) fn tick(&mut self, now: Timestamp) -> Vec<(AppNumber, Entry)> {
        // A clock that was set back ends them too.
        self.take(|since| now < since || now.since(since) >= limits::AUDIT_WINDOW)
    }

    /// What is to be written of all minutes.
    pub(crate) fn end(&mut self) -> Vec<(AppNumber, Entry)> {
        self.take(|_| true)
    }

    fn take(&mut self, which: impl Fn(Timestamp) -> bool) -> Vec<(AppNumber, Entry)> {
        let over = self.0.extract_if(|_, minute| which(minute.since));
        over.flat_map(|(app, minute)| {
            minute.tallies.into_iter().map(move |((act, actor), tally)| {
                let entry = Entry::new(actor, act).times(tally.count);
                let details = tally.details.into_iter();
                let entry = details
                    .fold(entry, |entry, (name, amount)| entry.detail(name, amount.to_string()));
                (app, entry)
            })
        })
        .collect()
    }
}
