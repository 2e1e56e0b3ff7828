//! Recognises a message that a device sends again: the same user, device and client id in the same
//! log within [`limits::DUPLICATE_WINDOW`], also across a restart.
//!
//! Clients number what they send in rising order. So the highest number that each device has used of
//! late tells of nearly every message that it is new, and these [`Marks`] are stored with a log's
//! last entry, without a row of their own. A number that is not above its device's mark may have
//! been used: then the log itself is searched back over the window, once, and its appender keeps
//! what it found for as long as that goes on ([`Recent`]). `docs/decisions/0013-one-row.md`.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

use stoa_core::{MessageId, Resource, Seq, Timestamp, UserId, limits};
use stoa_store::{AppStore, Blind, Direction, Txn};

use crate::Error;
use crate::entry::Log;
use crate::log::{Appended, NewEntry, Placed, entry_key, log_space};
use crate::records::{self, Mark, Marks, StoredEntry};

/// Devices of one log that have a mark of their own; the others share one.
const DEVICES: usize = 16;
/// Rows that one step of a search reads.
const STEP: usize = 256;

/// Whether what happened at `at` is out of the window.
fn is_over(at: Timestamp, now: Timestamp) -> bool {
    now.since(at) >= limits::DUPLICATE_WINDOW
}

/// A short name for a device (FNV-1a). Two devices of the same name share a mark, which costs a
/// search now and then and nothing else.
fn short_name(user: &UserId, resource: &Resource) -> u32 {
    let bytes = user.as_str().bytes().chain([b'/']).chain(resource.as_str().bytes());
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

impl Mark {
    fn is_over(&self, now: Timestamp) -> bool {
        is_over(Timestamp::from_millis(self.at_ms), now)
    }

    fn raise(&mut self, client_id: u64, at_ms: u64) {
        self.highest = self.highest.max(client_id);
        self.at_ms = self.at_ms.max(at_ms);
    }
}

impl Marks {
    /// Whether the number of `entry` was certainly not used by its device within the window.
    pub(crate) fn are_below(&self, entry: &NewEntry, now: Timestamp) -> bool {
        let device = short_name(&entry.from, &entry.from_resource);
        let own = self.devices.iter().find(|mark| mark.device == device);
        let mark = own.or(self.others.as_ref()).filter(|mark| !mark.is_over(now));
        mark.is_none_or(|mark| entry.client_id > mark.highest)
    }

    /// Notes the number of `entry`, which is appended `now`.
    pub(crate) fn note(&mut self, entry: &NewEntry, now: Timestamp) {
        let device = short_name(&entry.from, &entry.from_resource);
        let at_ms = now.as_millis();
        if let Some(mark) = self.devices.iter_mut().find(|mark| mark.device == device) {
            return mark.raise(entry.client_id, at_ms);
        }
        self.devices.retain(|mark| !mark.is_over(now));
        if self.devices.len() >= DEVICES
            && let Some(oldest) = (0..DEVICES).min_by_key(|&index| self.devices[index].at_ms)
        {
            let oldest = self.devices.swap_remove(oldest);
            let others = self.others.take().filter(|others| !others.is_over(now));
            self.others.insert(others.unwrap_or_default()).raise(oldest.highest, oldest.at_ms);
        }
        // What is shared counts for this device too: its own mark may be among it.
        let shared = self.others.as_ref().filter(|others| !others.is_over(now));
        let highest = shared.map_or(0, |others| others.highest).max(entry.client_id);
        self.devices.push(Mark { device, highest, at_ms });
    }
}

/// The numbers used in one log within the window, as far back as it reaches.
pub(crate) struct Recent {
    hasher: RandomState,
    /// By hash of user, device and number, the entry that may be meant.
    places: HashMap<u64, Seq>,
    /// When, what hash, where; oldest first.
    order: VecDeque<(Timestamp, u64, Seq)>,
    asked: Timestamp,
}

impl Recent {
    /// Reads the numbers from the log called `blind`, whose last entry is `end`.
    pub(crate) async fn search(
        store: &AppStore,
        txn: &mut Txn,
        log: &Log,
        blind: Blind,
        end: Seq,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let mut recent = Self {
            hasher: RandomState::new(),
            places: HashMap::new(),
            order: VecDeque::new(),
            asked: now,
        };
        let space = log_space(log);
        let mut range = store.key(space).blind(blind).numbers(..=end.0);
        loop {
            let rows = txn.scan(&range, Direction::Backward, STEP).await?;
            let full = rows.len() == STEP;
            for (key, value) in rows {
                let entry: StoredEntry = records::decode(&value, space.name)?;
                // Ids rise whatever the clock shows: what was said while it was set back hides nothing that was
                // said before.
                if is_over(MessageId(entry.id).made_at(), now) {
                    return Ok(recent);
                }
                let at = Timestamp::from_millis(entry.at_ms);
                let hash = recent.hash(&entry.from, &entry.from_resource, entry.client_id);
                // Going back, the first one met is the latest.
                let seq = Seq(key.number(1));
                recent.places.entry(hash).or_insert(seq);
                recent.order.push_front((at, hash, seq));
                range = range.below(&key);
            }
            if !full {
                return Ok(recent);
            }
        }
    }

    fn hash(&self, user: &str, resource: &str, client_id: u64) -> u64 {
        self.hasher.hash_one((user, resource, client_id))
    }

    /// What `entry` was acknowledged with, if it lies in the log.
    pub(crate) async fn find(
        &self,
        store: &AppStore,
        txn: &mut Txn,
        log: &Log,
        blind: Blind,
        entry: &NewEntry,
        now: Timestamp,
    ) -> Result<Option<Appended>, Error> {
        let (user, resource) = (entry.from.as_str(), entry.from_resource.as_str());
        let hash = self.hash(user, resource, entry.client_id);
        let Some(seq) = self.places.get(&hash) else { return Ok(None) };
        let Some(value) = txn.get(&entry_key(store, log, blind, *seq)).await? else {
            return Ok(None);
        };
        let found: StoredEntry = records::decode(&value, log_space(log).name)?;
        let at = Timestamp::from_millis(found.at_ms);
        let is_same = found.from == user
            && found.from_resource == resource
            && found.client_id == entry.client_id
            && !is_over(at, now);
        Ok(is_same.then_some(Appended { id: MessageId(found.id), at }))
    }

    /// Adds an entry that was appended, and forgets what left the window.
    pub(crate) fn note(&mut self, placed: &Placed) {
        let Placed { seq, entry, client_id, .. } = placed;
        let (seq, now) = (*seq, entry.at);
        let hash = self.hash(entry.from.as_str(), entry.from_resource.as_str(), *client_id);
        self.places.insert(hash, seq);
        self.order.push_back((now, hash, seq));
        while let Some(&(at, hash, seq)) = self.order.front()
            && is_over(at, now)
        {
            self.order.pop_front();
            if self.places.get(&hash) == Some(&seq) {
                self.places.remove(&hash);
            }
        }
    }

    /// It was asked `now`.
    pub(crate) fn touch(&mut self, now: Timestamp) {
        self.asked = now;
    }

    /// Whether nobody asked for so long that it is not worth its memory.
    pub(crate) fn is_idle(&self, now: Timestamp) -> bool {
        is_over(self.asked, now)
    }
}
