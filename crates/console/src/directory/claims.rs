//! What other data centres say of their apps, so that each can be found, and what stands against it.

use std::collections::{BTreeSet, HashMap};

use stoa_core::{AppId, AppKey, Region, Timestamp};

use super::record::Record;

/// All that is known of other data centres.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    /// The last known of each app; without a key if it is deleted.
    apps: HashMap<(Region, AppId), Claim>,
    /// Who claims a key, whoever was known first at the front.
    by_key: HashMap<AppKey, BTreeSet<(Timestamp, Region, AppId)>>,
    /// Who claims an App ID, in the same order.
    by_id: HashMap<AppId, BTreeSet<(Timestamp, Region)>>,
    cursors: HashMap<Region, u64>,
    counts: HashMap<Region, usize>,
}

#[derive(Debug)]
struct Claim {
    key: Option<AppKey>,
    /// Since when it is known.
    since: Timestamp,
}

impl Claims {
    /// Takes what a record says, which was learned then, in the place of what was said of that app before.
    pub(super) fn insert(&mut self, record: &Record, learned: Timestamp) {
        let Record { id, key, region, version } = record;
        let (region, at) = (*region, (*region, id.clone()));
        match self.apps.remove(&at) {
            Some(Claim { key: Some(before), since }) => {
                take(&mut self.by_key, &before, &(since, region, id.clone()));
                take(&mut self.by_id, id, &(since, region));
            }
            Some(Claim { key: None, .. }) => {}
            None => *self.counts.entry(region).or_default() += 1,
        }
        if let Some(key) = key {
            self.by_key.entry(key.clone()).or_default().insert((learned, region, id.clone()));
            self.by_id.entry(id.clone()).or_default().insert((learned, region));
        }
        self.apps.insert(at, Claim { key: key.clone(), since: learned });
        let cursor = self.cursors.entry(region).or_default();
        *cursor = (*cursor).max(*version);
    }

    /// The last version that is known of a region.
    pub(super) fn cursor(&self, region: Region) -> u64 {
        self.cursors.get(&region).copied().unwrap_or_default()
    }

    /// How many records there are of a region, those of deleted apps among them.
    pub(super) fn count(&self, region: Region) -> usize {
        self.counts.get(&region).copied().unwrap_or_default()
    }

    /// The apps that are claimed, in no order.
    pub(super) fn apps(&self) -> impl Iterator<Item = (Region, &AppId)> {
        let there = self.apps.iter().filter(|(_, claim)| claim.key.is_some());
        there.map(|((region, id), _)| (*region, id))
    }

    /// The key of an app that is claimed.
    pub(super) fn key(&self, region: Region, id: &AppId) -> Option<&AppKey> {
        self.apps.get(&(region, id.clone()))?.key.as_ref()
    }

    /// Whoever was known first to have a key.
    pub(super) fn owner_of_key(&self, key: &AppKey) -> Option<(Region, &AppId)> {
        self.by_key.get(key)?.first().map(|(_, region, id)| (*region, id))
    }

    /// Whoever was known first to have an App ID.
    pub(super) fn owner_of_id(&self, id: &AppId) -> Option<Region> {
        self.by_id.get(id)?.first().map(|(_, region)| *region)
    }

    /// Whoever was known before to have the key or the App ID that `region` claims.
    pub(super) fn rival(&self, region: Region, id: &AppId, key: &AppKey) -> Option<Region> {
        let of_key = self.owner_of_key(key).filter(|owner| *owner != (region, id));
        let of_id = self.owner_of_id(id).filter(|owner| *owner != region);
        of_key.map(|(region, _)| region).or(of_id)
    }
}

/// Takes one of a set, and the set if nothing is left.
fn take<K: std::hash::Hash + Eq, V: Ord>(sets: &mut HashMap<K, BTreeSet<V>>, key: &K, value: &V) {
    if let Some(set) = sets.get_mut(key) {
        set.remove(value);
        if set.is_empty() {
            sets.remove(key);
        }
    }
}
