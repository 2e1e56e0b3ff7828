//! What the vault's one writer knows, and how it writes it down.
//!
//! Two ways to make a change durable: [`Keeper::append`] adds what is staged to the journal, with one
//! sync per copy; [`Keeper::advance`] begins a new *generation*: changed pages, a new table and an
//! empty journal under a new erasable secret, after which nothing opens the old ones. Destroying,
//! folding the journal and opening the vault are all the second one.
//!
//! After an error the files' state is not known for sure. Nothing may be written then: the caller
//! drops the keeper, and opening the vault anew finds the old or the new state.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use stoa_core::{Clock, Entropy, Timestamp};
use stoa_seal::{Epoch, KeyId, KeyMaterial, NonceSource, RootKey, derive};

use crate::copy::{DirCopy, Originals};
use crate::format::{
    Entry, Journal, LifeTag, PageRef, Slot, StoredKey, Table, VaultId, page_name, table_name,
    write_page, write_table,
};
use crate::ring::{Budget, Key, Ring};
use crate::scope::Purpose;
use crate::status::VaultStatus;
use crate::vault::Tuning;
use crate::{VaultError, VaultFs};

/// The purpose for which the table's key is derived.
pub(crate) const TABLE_KEY: &str = "vault table";

/// How many lives the table remembers.
const LIVES_KEPT: usize = 1024;

/// What the vault works with.
pub(crate) struct Means {
    pub(crate) fs: Arc<dyn VaultFs>,
    pub(crate) root: RootKey,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) tuning: Tuning,
}

/// A page as the keeper remembers it.
struct Page {
    generation: u64,
    key: KeyMaterial,
    members: Vec<KeyId>,
    dirty: bool,
}

/// A key with what is durable about it.
struct Held {
    key: Arc<Key>,
    epoch: Epoch,
    upto: u64,
    page: Option<u32>,
}

/// Something made but not yet durable.
#[derive(Clone, Copy)]
enum Staged {
    Add(KeyId),
    Grant(KeyId),
    Epoch(Epoch),
}

/// What a life goes on from.
pub(crate) struct Origin {
    pub(crate) vault: VaultId,
    pub(crate) generation: u64,
    pub(crate) epoch: Epoch,
    pub(crate) lives: Vec<LifeTag>,
    pub(crate) next_key: KeyId,
}

pub(crate) struct Keeper {
    means: Means,
    copies: Vec<DirCopy>,
    vault: VaultId,
    generation: u64,
    epoch: Epoch,
    lives: Vec<LifeTag>,
    next_key: KeyId,
    journal: Option<Journal>,
    pages: BTreeMap<u32, Page>,
    keys: HashMap<KeyId, Held>,
    current: HashMap<Purpose, KeyId>,
    unplaced: Vec<KeyId>,
    staged: Vec<Staged>,
}

impl Keeper {
    /// The keeper of a vault without keys. Nothing is written yet.
    pub(crate) fn new(means: Means, copies: Vec<DirCopy>, origin: Origin) -> Self {
        Self {
            means,
            copies,
            vault: origin.vault,
            generation: origin.generation,
            epoch: origin.epoch,
            lives: origin.lives,
            next_key: origin.next_key,
            journal: None,
            pages: BTreeMap::new(),
            keys: HashMap::new(),
            current: HashMap::new(),
            unplaced: Vec::new(),
            staged: Vec::new(),
        }
    }

    pub(crate) const fn vault(&self) -> VaultId {
        self.vault
    }

    pub(crate) const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Makes room for so many keys, so that it is not made again and again.
    pub(crate) fn expect_keys(&mut self, keys: usize) {
        self.keys.reserve(keys);
        self.current.reserve(keys);
    }

    /// Takes over a page that was read.
    pub(crate) fn adopt_page(&mut self, page: PageRef, keys: Vec<StoredKey>) {
        let members = keys.iter().map(|key| key.id).collect();
        for key in keys {
            self.adopt_key(key, Some(page.number));
        }
        let page_state = Page { generation: page.generation, key: page.key, members, dirty: false };
        self.pages.insert(page.number, page_state);
    }

    /// Takes over an entry of the journal that was read.
    pub(crate) fn adopt_entry(&mut self, entry: Entry) {
        match entry {
            Entry::Add(key) => {
                self.unplaced.push(key.id);
                self.adopt_key(key, None);
            }
            Entry::Grant { id, upto, epoch } => {
                if let Some(held) = self.keys.get_mut(&id) {
                    (held.upto, held.epoch) = (upto, epoch);
                    let page = held.page.and_then(|number| self.pages.get_mut(&number));
                    page.into_iter().for_each(|page| page.dirty = true);
                }
            }
            Entry::Epoch(epoch) => self.epoch = self.epoch.max(epoch),
        }
    }

    fn adopt_key(&mut self, stored: StoredKey, page: Option<u32>) {
        let StoredKey { id, purpose, created, epoch, upto, material } = stored;
        self.next_key = self.next_key.max(KeyId(id.0.saturating_add(1)));
        // The budget is set when the epoch of this life is known.
        let key = Arc::new(Key::new(id, created, purpose, material, Budget::new(0, 0, 0)));
        self.keys.insert(id, Held { key, epoch, upto, page });
        let current = self.current.entry(purpose).or_insert(id);
        *current = id.max(*current);
    }

    /// Begins a new life: a new epoch, and all that was read in a new generation in every copy.
    pub(crate) fn begin_life(&mut self, originals: Originals) -> Result<Ring, VaultError> {
        self.epoch = next(self.epoch)?;
        self.lives.push(LifeTag(u64::from_be_bytes(self.means.entropy.bytes())));
        self.lives.drain(..self.lives.len().saturating_sub(LIVES_KEPT));
        self.advance(&BTreeSet::new(), &originals)?;
        // They are as large as a quarter of what follows, which can have their place.
        drop(originals);
        let mut ring = Ring::new(self.nonces(), self.keys.len());
        ring.raise_next_key(self.next_key);
        let tuning = self.means.tuning;
        for held in self.keys.values_mut() {
            // In each life (and in each further epoch of one) a key may seal one step of records
            // without a word in the vault, so all lives since the last word count as a whole step.
            let silent = u64::from(self.epoch.0.saturating_sub(held.epoch.0).saturating_sub(1));
            let used = held.upto.saturating_add(silent.saturating_mul(tuning.grant_step));
            let granted = used.saturating_add(tuning.grant_step);
            let key = Arc::get_mut(&mut held.key).expect("nobody else has the key yet");
            key.set_budget(Budget::new(used, granted, tuning.records_per_key));
            ring.insert(&held.key);
        }
        Ok(ring)
    }

    fn nonces(&self) -> NonceSource {
        NonceSource::with_end(self.epoch, &*self.means.entropy, self.means.tuning.nonces_per_epoch)
    }

    /// Stages a key for `purpose` unless there is one other than `instead_of`.
    pub(crate) fn stage_key(&mut self, purpose: Purpose, instead_of: Option<KeyId>) {
        let current = self.current.get(&purpose).copied();
        if current.is_some() && current != instead_of {
            return;
        }
        let id = self.next_key;
        self.next_key = KeyId(id.0 + 1);
        let tuning = self.means.tuning;
        let upto = tuning.grant_step.min(tuning.records_per_key);
        let budget = Budget::new(0, upto, tuning.records_per_key);
        let material = KeyMaterial::random(&*self.means.entropy);
        let key = Key::new(id, self.means.clock.now(), purpose, material, budget);
        self.keys.insert(id, Held { key: Arc::new(key), epoch: self.epoch, upto, page: None });
        self.current.insert(purpose, id);
        self.unplaced.push(id);
        self.staged.push(Staged::Add(id));
    }

    /// Stages a further grant for the key unless it already has more than `above`.
    pub(crate) fn stage_grant(&mut self, id: KeyId, above: u64) {
        let Some(held) = self.keys.get_mut(&id) else { return };
        let Some(budget) = held.key.budget() else { return };
        let granted = budget.granted();
        let staged = self.staged.iter().any(|s| matches!(s, Staged::Grant(of) if *of == id));
        if staged || granted > above || granted >= budget.limit() {
            return;
        }
        held.upto = granted.saturating_add(self.means.tuning.grant_step).min(budget.limit());
        held.epoch = self.epoch;
        if let Some(page) = held.page.and_then(|number| self.pages.get_mut(&number)) {
            page.dirty = true;
        }
        self.staged.push(Staged::Grant(id));
    }

    /// Stages the epoch after `after` unless a later one has begun.
    pub(crate) fn stage_epoch(&mut self, after: Epoch) -> Result<(), VaultError> {
        if self.epoch <= after {
            self.epoch = next(self.epoch)?;
            self.staged.push(Staged::Epoch(self.epoch));
        }
        Ok(())
    }

    pub(crate) fn has_key(&self, id: KeyId) -> bool {
        self.keys.contains_key(&id)
    }

    pub(crate) const fn has_staged(&self) -> bool {
        !self.staged.is_empty()
    }

    /// Whether the journal has grown so long that its keys should go to pages.
    pub(crate) fn wants_fold(&self) -> bool {
        let entries = self.journal.as_ref().map_or(0, Journal::entries);
        entries >= self.means.tuning.journal_entries
    }

    /// Makes what is staged durable by adding it to the journal.
    pub(crate) fn append(&mut self) -> Result<(), VaultError> {
        let journal = self.journal.as_mut().expect("a keeper's life begins with a journal");
        let entries: Vec<_> = self
            .staged
            .iter()
            .filter_map(|staged| match *staged {
                Staged::Add(id) => Some(Entry::Add(self.keys.get(&id)?.stored())),
                Staged::Grant(id) => {
                    let held = self.keys.get(&id)?;
                    Some(Entry::Grant { id, upto: held.upto, epoch: held.epoch })
                }
                Staged::Epoch(epoch) => Some(Entry::Epoch(epoch)),
            })
            .collect();
        let (name, frame) = (journal.own_name(), journal.frame(&entries));
        for copy in &self.copies {
            let path = copy.dir.join(&name);
            let appended = self.means.fs.append(&path, &frame);
            appended.map_err(|error| VaultError::io("append to", &path, error))?;
        }
        Ok(())
    }

    /// Lets all tasks see what was staged and is now durable.
    pub(crate) fn publish(&mut self, ring: &mut Ring) {
        for staged in std::mem::take(&mut self.staged) {
            match staged {
                Staged::Add(id) => {
                    self.keys.get(&id).into_iter().for_each(|held| ring.insert(&held.key));
                }
                Staged::Grant(id) => {
                    if let Some(held) = self.keys.get(&id)
                        && let Some(budget) = held.key.budget()
                    {
                        budget.grant(held.upto);
                    }
                }
                Staged::Epoch(_) => ring.nonces = Arc::new(self.nonces()),
            }
        }
    }

    /// Begins a new generation without the keys `destroyed`. When this returns, no file that was ever
    /// written holds a way to them, nor to anything else of the generations before.
    pub(crate) fn advance(
        &mut self,
        destroyed: &BTreeSet<KeyId>,
        originals: &Originals,
    ) -> Result<(), VaultError> {
        let generation = self.generation + 1;
        destroyed.iter().for_each(|id| self.forget(*id));
        self.place();
        let mut files = self.write_pages(generation);
        let (journal, journal_key) = self.new_journal(generation);
        files.push((journal.own_name(), journal.header().to_vec()));
        let secret = KeyMaterial::random(&*self.means.entropy);
        files.push((table_name(generation), self.write_table(generation, &secret, &journal_key)));
        let life = *self.lives.last().expect("a keeper's life begins with its tag");
        let root = self.means.root.fingerprint();
        let slot = Slot { generation, life, vault: self.vault, root, secret };

        // Each phase is done in every copy before the next begins: a copy never has a secret whose
        // table another one lacks, and no old secret is erased before the new one is everywhere.
        let wanted = self.file_names(generation);
        for copy in &self.copies {
            copy.write_files(&*self.means.fs, &files, originals)?;
        }
        for copy in &self.copies {
            copy.write_slot(&*self.means.fs, &slot)?;
        }
        for copy in &mut self.copies {
            copy.erase_old_slot(&*self.means.fs)?;
            copy.stale = false;
        }
        for copy in &self.copies {
            copy.remove_leftovers(&*self.means.fs, &wanted);
        }
        self.generation = generation;
        self.journal = Some(journal);
        Ok(())
    }

    /// Goes on under another root key: a new generation in which every page and the table are written
    /// anew, so that nothing that the old root key opened opens what is written from now on.
    ///
    /// Nothing may be staged.
    pub(crate) fn rewrap(&mut self, root: RootKey) -> Result<(), VaultError> {
        self.means.root = root;
        self.pages.values_mut().for_each(|page| page.dirty = true);
        self.advance(&BTreeSet::new(), &Originals::new())
    }

    /// What there is to know of the files, without what only the worker knows.
    pub(crate) fn status(&self) -> VaultStatus {
        VaultStatus {
            generation: self.generation,
            root: self.means.root.fingerprint(),
            directories: self.copies.iter().map(|copy| copy.dir.clone()).collect(),
            pages: self.pages.len(),
            journal_entries: self.journal.as_ref().map_or(0, Journal::entries),
            last_destruction: None,
            stopped: None,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.means.clock.now()
    }

    fn forget(&mut self, id: KeyId) {
        let Some(held) = self.keys.remove(&id) else { return };
        let purpose = held.key.purpose();
        if self.current.get(&purpose) == Some(&id) {
            self.current.remove(&purpose);
        }
        self.unplaced.retain(|unplaced| *unplaced != id);
        if let Some(page) = held.page.and_then(|number| self.pages.get_mut(&number)) {
            page.members.retain(|member| *member != id);
            page.dirty = true;
        }
    }

    /// Gives each key of the journal a page: those that are written anyway first, then those at most
    /// half full (a few keys more are not worth writing nearly full ones again), then new ones.
    fn place(&mut self) {
        let capacity = self.means.tuning.keys_per_page.max(1);
        self.pages.retain(|_, page| !page.members.is_empty());
        let with_room = |dirty: bool, most: usize| {
            let fits = move |page: &Page| page.dirty == dirty && page.members.len() <= most;
            self.pages.iter().filter(move |(_, page)| fits(page)).map(|(number, _)| *number)
        };
        let mut rooms: Vec<u32> =
            with_room(true, capacity - 1).chain(with_room(false, capacity / 2)).collect();
        rooms.reverse();
        for id in std::mem::take(&mut self.unplaced) {
            while let Some(number) = rooms.last()
                && self.pages[number].members.len() >= capacity
            {
                rooms.pop();
            }
            let number = rooms.last().copied().unwrap_or_else(|| {
                let number = self.pages.last_key_value().map_or(1, |(last, _)| last + 1);
                let key = KeyMaterial::random(&*self.means.entropy);
                let page = Page { generation: 0, key, members: Vec::new(), dirty: true };
                self.pages.insert(number, page);
                rooms.push(number);
                number
            });
            let page = self.pages.get_mut(&number).expect("it is there or was just made");
            page.members.push(id);
            page.dirty = true;
            self.keys.get_mut(&id).expect("an unplaced key is held").page = Some(number);
        }
    }

    /// The files of the changed pages, each under a new page key.
    fn write_pages(&mut self, generation: u64) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        for (number, page) in self.pages.iter_mut().filter(|(_, page)| page.dirty) {
            page.generation = generation;
            page.key = KeyMaterial::random(&*self.means.entropy);
            page.dirty = false;
            let keys = page.members.iter().map(|id| self.keys[id].stored());
            let file = write_page(&page.reference(*number), self.vault, keys);
            files.push((page_name(*number, generation), file));
        }
        files
    }

    fn new_journal(&self, generation: u64) -> (Journal, KeyMaterial) {
        let key = KeyMaterial::random(&*self.means.entropy);
        (Journal::new(&key, self.vault, generation), key)
    }

    fn write_table(&self, generation: u64, secret: &KeyMaterial, journal: &KeyMaterial) -> Vec<u8> {
        let table = Table {
            next_key: self.next_key,
            epoch: self.epoch,
            lives: self.lives.clone(),
            journal_key: journal.expose(),
            pages: self.pages.iter().map(|(number, page)| page.reference(*number)).collect(),
        };
        let key = derive(&self.means.root, secret, TABLE_KEY);
        write_table(&key, self.vault, generation, &table)
    }

    /// The names of all sealed files of a generation.
    fn file_names(&self, generation: u64) -> BTreeSet<String> {
        let pages = self.pages.iter().map(|(number, page)| page_name(*number, page.generation));
        pages.chain([table_name(generation), Journal::name(generation)]).collect()
    }
}

impl Page {
    fn reference(&self, number: u32) -> PageRef<&[u8; KeyMaterial::LEN]> {
        let count = u32::try_from(self.members.len()).expect("a page has few keys");
        PageRef { number, generation: self.generation, count, key: self.key.expose() }
    }
}

impl Held {
    fn stored(&self) -> StoredKey<&[u8; KeyMaterial::LEN]> {
        StoredKey {
            id: self.key.id,
            purpose: self.key.purpose(),
            created: self.key.created,
            epoch: self.epoch,
            upto: self.upto,
            material: self.key.material(),
        }
    }
}

fn next(epoch: Epoch) -> Result<Epoch, VaultError> {
    epoch.0.checked_add(1).map(Epoch).ok_or(VaultError::Exhausted)
}
