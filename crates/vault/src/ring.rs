//! The keys in memory, as every task sees them.
//!
//! What stands in the ring is durable: the worker puts a key, a grant or an epoch here only after the
//! file that holds it was synced, and takes a key out only after its destruction was. So whoever
//! finds a key here may use it at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use stoa_core::{AppNumber, Timestamp};
use stoa_seal::{BlindKey, Cipher, DataKey, KeyId, KeyMaterial, NonceSource};

use crate::scope::{ErasedPerson, Purpose};
use crate::{Bucket, KeyScope};

/// The id of a vault's first key.
pub(crate) const FIRST_KEY: KeyId = KeyId(1);

/// A key in use.
pub(crate) struct Key {
    pub(crate) id: KeyId,
    pub(crate) created: Timestamp,
    pub(crate) role: Role,
}

/// What a key does, with what it needs for that.
pub(crate) enum Role {
    Seal { scope: KeyScope, key: DataKey, kept: OnceLock<Cipher>, budget: Budget },
    Blind { app: AppNumber, key: Arc<BlindKey> },
    Erased { person: ErasedPerson, material: KeyMaterial },
}

impl Key {
    /// The key made of `material`, which has sealed `used` records and may seal `granted`.
    pub(crate) fn new(
        id: KeyId,
        created: Timestamp,
        purpose: Purpose,
        material: KeyMaterial,
        budget: Budget,
    ) -> Self {
        let role = match purpose {
            Purpose::Erased(person) => Role::Erased { person, material },
            Purpose::Blind(app) => Role::Blind { app, key: Arc::new(BlindKey::new(material)) },
            Purpose::Seal(scope) => {
                Role::Seal { scope, key: DataKey::new(material), kept: OnceLock::new(), budget }
            }
        };
        Self { id, created, role }
    }

    pub(crate) const fn purpose(&self) -> Purpose {
        match &self.role {
            Role::Seal { scope, .. } => Purpose::Seal(*scope),
            Role::Blind { app, .. } => Purpose::Blind(*app),
            Role::Erased { person, .. } => Purpose::Erased(*person),
        }
    }

    pub(crate) fn material(&self) -> &[u8; KeyMaterial::LEN] {
        match &self.role {
            Role::Seal { key, .. } => key.expose(),
            Role::Blind { key, .. } => key.expose(),
            Role::Erased { material, .. } => material.expose(),
        }
    }

    /// Runs `seal` with the expanded key; none if the key does not seal.
    ///
    /// Expanding a key costs as much as sealing a short record, keeping it expanded 600 bytes. Kept
    /// are those that seal in this life; but not those of objects, of which there may be millions,
    /// each used now and then.
    pub(crate) fn sealing<T>(&self, seal: impl FnOnce(&Cipher) -> T) -> Option<T> {
        match &self.role {
            Role::Seal { scope: KeyScope { bucket: Bucket::Object(_), .. }, key, .. } => {
                Some(seal(&key.cipher()))
            }
            Role::Seal { key, kept, .. } => Some(seal(kept.get_or_init(|| key.cipher()))),
            Role::Blind { .. } | Role::Erased { .. } => None,
        }
    }

    /// Runs `open` with the expanded key; none if the key does not seal.
    pub(crate) fn opening<T>(&self, open: impl FnOnce(&Cipher) -> T) -> Option<T> {
        match &self.role {
            Role::Seal { key, kept, .. } => match kept.get() {
                Some(cipher) => Some(open(cipher)),
                None => Some(open(&key.cipher())),
            },
            Role::Blind { .. } | Role::Erased { .. } => None,
        }
    }

    pub(crate) fn set_budget(&mut self, to: Budget) {
        if let Role::Seal { budget, .. } = &mut self.role {
            *budget = to;
        }
    }

    pub(crate) const fn budget(&self) -> Option<&Budget> {
        match &self.role {
            Role::Seal { budget, .. } => Some(budget),
            Role::Blind { .. } | Role::Erased { .. } => None,
        }
    }
}

/// How many records a key has sealed, may seal without a further write to the vault, and may seal at
/// all.
pub(crate) struct Budget {
    used: AtomicU64,
    granted: AtomicU64,
    limit: u64,
}

/// Whether a key may seal one more record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Yes.
    Granted,
    /// Yes, and it is time to ask for more in the background.
    RunningLow,
    /// Not before more than this was granted.
    NeedsGrant(u64),
    /// Never again: the scope needs a further key.
    Spent,
}

impl Budget {
    pub(crate) fn new(used: u64, granted: u64, limit: u64) -> Self {
        let granted = granted.min(limit);
        Self { used: AtomicU64::new(used), granted: AtomicU64::new(granted), limit }
    }

    /// Claims one record. `low` is how many records before the end of the grant
    /// [`Claim::RunningLow`] is answered (once).
    pub(crate) fn claim(&self, low: u64) -> Claim {
        let granted = self.granted.load(Ordering::Acquire);
        let below = |used| (used < granted).then_some(used + 1);
        match self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, below) {
            Ok(used) if used + low == granted && granted < self.limit => Claim::RunningLow,
            Ok(_) => Claim::Granted,
            Err(_) if granted >= self.limit => Claim::Spent,
            Err(_) => Claim::NeedsGrant(granted),
        }
    }

    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    pub(crate) fn granted(&self) -> u64 {
        self.granted.load(Ordering::Acquire)
    }

    pub(crate) const fn limit(&self) -> u64 {
        self.limit
    }

    /// Raises the grant; never lowers it.
    pub(crate) fn grant(&self, upto: u64) {
        self.granted.fetch_max(upto.min(self.limit), Ordering::Release);
    }
}

/// All keys, by id and by what they do.
pub(crate) struct Ring {
    by_id: HashMap<KeyId, Arc<Key>>,
    current: HashMap<KeyScope, Arc<Key>>,
    blind: HashMap<AppNumber, Arc<BlindKey>>,
    /// Below it, an id that is not here was destroyed; from it on, it was never given.
    next_key: KeyId,
    pub(crate) nonces: Arc<NonceSource>,
}

impl Ring {
    /// A ring with room for so many keys.
    pub(crate) fn new(nonces: NonceSource, keys: usize) -> Self {
        Self {
            by_id: HashMap::with_capacity(keys),
            current: HashMap::with_capacity(keys),
            blind: HashMap::new(),
            next_key: FIRST_KEY,
            nonces: Arc::new(nonces),
        }
    }

    /// Puts a key in. Of several for one scope the one with the highest id seals.
    pub(crate) fn insert(&mut self, key: &Arc<Key>) {
        match &key.role {
            Role::Seal { scope, .. } => {
                let current = self.current.entry(*scope).or_insert_with(|| Arc::clone(key));
                if current.id < key.id {
                    *current = Arc::clone(key);
                }
            }
            Role::Blind { app, key } => {
                self.blind.insert(*app, Arc::clone(key));
            }
            Role::Erased { .. } => {}
        }
        self.by_id.insert(key.id, Arc::clone(key));
        self.raise_next_key(KeyId(key.id.0 + 1));
    }

    pub(crate) fn raise_next_key(&mut self, next: KeyId) {
        self.next_key = self.next_key.max(next);
    }

    /// Takes a destroyed key out.
    pub(crate) fn remove(&mut self, id: KeyId) {
        let Some(key) = self.by_id.remove(&id) else { return };
        match &key.role {
            Role::Seal { scope, .. } => {
                if self.current.get(scope).is_some_and(|current| current.id == id) {
                    self.current.remove(scope);
                }
            }
            Role::Blind { app, .. } => {
                self.blind.remove(app);
            }
            Role::Erased { .. } => {}
        }
    }

    pub(crate) fn current(&self, scope: &KeyScope) -> Option<&Arc<Key>> {
        self.current.get(scope)
    }

    pub(crate) fn blind(&self, app: AppNumber) -> Option<&Arc<BlindKey>> {
        self.blind.get(&app)
    }

    pub(crate) fn get(&self, id: KeyId) -> Option<&Arc<Key>> {
        self.by_id.get(&id)
    }

    pub(crate) fn was_given(&self, id: KeyId) -> bool {
        (FIRST_KEY..self.next_key).contains(&id)
    }

    /// Every scope with the key that seals for it.
    pub(crate) fn scopes(&self) -> impl Iterator<Item = (&KeyScope, &Arc<Key>)> {
        self.current.iter()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.by_id.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_grants_in_steps_up_to_its_limit() {
        let budget = Budget::new(0, 4, 6);
        let claims: Vec<_> = (0..5).map(|_| budget.claim(2)).collect();
        assert_eq!(
            claims,
            [
                Claim::Granted,
                Claim::Granted,
                Claim::RunningLow,
                Claim::Granted,
                Claim::NeedsGrant(4)
            ]
        );
        budget.grant(8);
        assert_eq!(budget.granted(), 6, "never above the limit");
        assert_eq!([budget.claim(2), budget.claim(2)], [Claim::Granted; 2]);
        assert_eq!(budget.claim(2), Claim::Spent);
    }

    #[test]
    fn waiting_for_a_grant_uses_nothing_up() {
        let budget = Budget::new(4, 4, 100);
        for _ in 0..50 {
            assert_eq!(budget.claim(1), Claim::NeedsGrant(4));
        }
        budget.grant(6);
        assert_eq!([budget.claim(0), budget.claim(0)], [Claim::Granted; 2]);
    }
}
