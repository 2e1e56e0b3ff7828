//! Opening a vault: finding the newest state in its directories and bringing all of them to it.
//!
//! The slots decide: the highest generation that any directory's slots name is the state, and its
//! files may be read from any directory, since they are authentic or do not open. There is no falling
//! back to an older generation: that could bring destroyed keys back. What was found is then written
//! as a new generation to every directory, which takes a new epoch, folds the journal, completes an
//! interrupted destruction and heals mirrors, all by the one way in which the vault ever writes.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use stoa_seal::{Epoch, KeyMaterial, derive};

use crate::copy::{DirCopy, Originals, Slots, is_sealed_file};
use crate::format::{
    Entry, Journal, JournalEnd, LifeTag, Malformed, SLOTS_FILE, SLOTS_NEW, Slot, Table, VaultId,
    page_name, read_journal, read_page, read_slots, read_table, table_name,
};
use crate::keeper::{Keeper, Means, Origin, TABLE_KEY};
use crate::ring::{FIRST_KEY, Ring};
use crate::{LockGuard, LockRefusal, VaultError, VaultFs, VaultWarning};

/// An opened vault.
pub(crate) struct Recovered {
    pub(crate) keeper: Keeper,
    pub(crate) ring: Ring,
    pub(crate) created: bool,
    pub(crate) warnings: Vec<VaultWarning>,
}

/// A directory as it was found.
struct Found {
    dir: PathBuf,
    lock: LockGuard,
    names: BTreeSet<String>,
    slots: [Option<Slot>; 2],
    /// Whether it lacks something, which the warnings tell.
    stale: bool,
}

impl Found {
    fn newest(&self) -> Option<(usize, &Slot)> {
        let slots = self.slots.iter().enumerate();
        let slots = slots.filter_map(|(at, slot)| Some((at, slot.as_ref()?)));
        slots.max_by_key(|(_, slot)| slot.generation)
    }

    fn generation(&self) -> Option<u64> {
        self.newest().map(|(_, slot)| slot.generation)
    }

    /// Whether it has files of a vault that was complete once.
    fn has_remains(&self) -> bool {
        self.names.contains(SLOTS_FILE)
            || !self.names.contains(SLOTS_NEW) && self.names.iter().any(|name| is_sealed_file(name))
    }

    fn into_copy(self) -> DirCopy {
        let slots = match self.newest() {
            Some((at, _)) => Slots::Current(at),
            None if self.names.contains(SLOTS_FILE) => Slots::Unusable,
            None => Slots::Missing,
        };
        DirCopy { dir: self.dir, slots, stale: self.stale, _lock: self.lock }
    }
}

/// Opens the vault in `dirs`, or creates it if all of them are empty.
pub(crate) fn open(dirs: &[PathBuf], means: Means) -> Result<Recovered, VaultError> {
    let found = dirs.iter().map(|dir| inspect(&*means.fs, dir)).collect::<Result<Vec<_>, _>>()?;
    let mut warnings: Vec<_> = found
        .iter()
        .filter_map(|f| {
            let filesystem = means.fs.copies_on_write(&f.dir)?;
            Some(VaultWarning::CopyOnWrite { dir: f.dir.clone(), filesystem })
        })
        .collect();
    let lead = (0..found.len()).rev().max_by_key(|at| found[*at].generation());
    let created = lead.is_none_or(|at| found[at].generation().is_none());
    let (mut keeper, originals) = match lead {
        Some(lead) if !created => load(found, lead, means, &mut warnings)?,
        _ => (create(found, means)?, Originals::new()),
    };
    let ring = keeper.begin_life(originals)?;
    Ok(Recovered { keeper, ring, created, warnings })
}

/// Locks a directory and looks at what it has.
fn inspect(fs: &dyn VaultFs, dir: &Path) -> Result<Found, VaultError> {
    let failed = |action| move |error| VaultError::io(action, dir, error);
    fs.ensure_dir(dir).map_err(failed("create the directory"))?;
    check_mode(fs, dir, 0o700)?;
    let lock = fs.lock(dir).map_err(|refusal| match refusal {
        LockRefusal::Held(process) => VaultError::InUse { dir: dir.into(), process },
        LockRefusal::Io(error) => VaultError::io("lock", dir, error),
    })?;
    let names: BTreeSet<_> = fs.list(dir).map_err(failed("list"))?.into_iter().collect();
    for name in names.iter().filter(|name| *name == SLOTS_FILE || is_sealed_file(name)) {
        check_mode(fs, &dir.join(name), 0o600)?;
    }
    let mut slots = [None, None];
    let path = dir.join(SLOTS_FILE);
    if names.contains(SLOTS_FILE) {
        // The process that wrote it may have died before its sync: what is built upon must be
        // durable before the other slot is touched.
        fs.sync(&path).map_err(|error| VaultError::io("sync", &path, error))?;
        let bytes = fs.read(&path).map_err(|error| VaultError::io("read", &path, error))?;
        slots = read_slots(&bytes).map_err(|_| VaultError::Newer { path })?;
    }
    Ok(Found { dir: dir.into(), lock, names, slots, stale: false })
}

fn check_mode(fs: &dyn VaultFs, path: &Path, wanted: u32) -> Result<(), VaultError> {
    let mode = fs.mode(path).map_err(|error| VaultError::io("inspect", path, error))?;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(VaultError::Permissions { path: path.into(), mode, wanted })
}

/// A new vault, unless there are remains of one that cannot be opened any more.
fn create(found: Vec<Found>, means: Means) -> Result<Keeper, VaultError> {
    if let Some(remains) = found.iter().find(|found| found.has_remains()) {
        let path = remains.dir.join(SLOTS_FILE);
        return Err(VaultError::damaged(&path, "neither slot holds a secret"));
    }
    let vault = VaultId(means.entropy.bytes());
    let copies = found.into_iter().map(Found::into_copy).collect();
    let origin =
        Origin { vault, generation: 0, epoch: Epoch(0), lives: Vec::new(), next_key: FIRST_KEY };
    Ok(Keeper::new(means, copies, origin))
}

/// The newest state, read from wherever its files are good.
fn load(
    mut found: Vec<Found>,
    lead: usize,
    means: Means,
    warnings: &mut Vec<VaultWarning>,
) -> Result<(Keeper, Originals), VaultError> {
    let (generation, vault, secret) = choose(&found, lead, &means)?;
    let lead_dir = found[lead].dir.clone();
    for other in found.iter_mut().filter(|f| f.generation() != Some(generation)) {
        other.stale = true;
        let (dir, from) = (other.dir.clone(), lead_dir.clone());
        warnings.push(match other.generation() {
            Some(_) => VaultWarning::Updated { dir, from },
            None => VaultWarning::Recreated { dir, from },
        });
    }
    // The leading directory first: the others are read only to compare, or if it is damaged.
    let first = (0..found.len()).filter(|at| *at != lead);
    let order: Vec<usize> = std::iter::once(lead).chain(first).collect();
    let mut files = Files { fs: &*means.fs, found: &mut found, order, warnings };

    let key = derive(&means.root, &secret, TABLE_KEY);
    let (Table { next_key, epoch, lives, journal_key, pages }, _) =
        files.read(&table_name(generation), |file| read_table(&key, vault, generation, file))?;
    files.check_lineage(&lead_dir, &lives)?;
    let mut originals = Originals::new();
    let mut contents = Vec::new();
    for page in &pages {
        let name = page_name(page.number, page.generation);
        let (keys, bytes) = files.read(&name, |file| read_page(page, vault, file))?;
        contents.push(keys);
        originals.insert(name, bytes);
    }
    let entries = files.read_journal(&journal_key, vault, generation)?;

    let copies = found.into_iter().map(Found::into_copy).collect();
    let origin = Origin { vault, generation, epoch, lives, next_key };
    let mut keeper = Keeper::new(means, copies, origin);
    keeper.expect_keys(contents.iter().map(Vec::len).sum());
    for (page, keys) in pages.into_iter().zip(contents) {
        keeper.adopt_page(page, keys);
    }
    entries.into_iter().for_each(|entry| keeper.adopt_entry(entry));
    Ok((keeper, originals))
}

/// The state to go on from: that of the leading directory, if all belong together.
fn choose(
    found: &[Found],
    lead: usize,
    means: &Means,
) -> Result<(u64, VaultId, KeyMaterial), VaultError> {
    let leading = &found[lead];
    let (_, slot) = leading.newest().expect("the leading directory has a generation");
    let (first, generation) = (leading.dir.clone(), slot.generation);
    for other in found {
        let Some((_, theirs)) = other.newest() else { continue };
        let second = other.dir.clone();
        if theirs.vault != slot.vault {
            return Err(VaultError::OtherVault { first, second });
        }
        if theirs.generation == generation && theirs.secret.expose() != slot.secret.expose() {
            return Err(VaultError::Diverged { first, second });
        }
    }
    let given = means.root.fingerprint();
    if given != slot.root {
        return Err(VaultError::WrongRootKey { dir: first, given, wanted: slot.root });
    }
    Ok((generation, slot.vault, KeyMaterial::copy_of(slot.secret.expose())))
}

/// The sealed files of one generation, in several directories.
struct Files<'a> {
    fs: &'a dyn VaultFs,
    found: &'a mut [Found],
    order: Vec<usize>,
    warnings: &'a mut Vec<VaultWarning>,
}

impl Files<'_> {
    /// That every directory holds the newest state or an earlier one of the same line: a copy that
    /// was used apart may have keys that are nowhere else, so it is not overwritten.
    fn check_lineage(&self, lead: &Path, lives: &[LifeTag]) -> Result<(), VaultError> {
        let newest = self.found.iter().filter_map(|found| Some((&found.dir, found.newest()?.1)));
        for (dir, slot) in newest {
            if !lives.contains(&slot.life) {
                return Err(VaultError::Diverged { first: lead.into(), second: dir.clone() });
            }
        }
        Ok(())
    }

    /// Reads a file that has to be the same everywhere, from the first directory that has it whole,
    /// and notes which others have not.
    fn read<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&[u8]) -> Result<T, Malformed>,
    ) -> Result<(T, Vec<u8>), VaultError> {
        let mut good: Option<(T, Vec<u8>)> = None;
        let mut bad = Vec::new();
        let mut cause = None;
        for at in self.order.clone() {
            let path = self.found[at].dir.join(name);
            let what = match (self.bytes(&path)?, &good) {
                (None, _) => "it is missing",
                (Some(bytes), Some((_, known))) if bytes == *known => continue,
                (Some(_), Some(_)) => "it differs from the mirrors'",
                (Some(bytes), None) => match parse(&bytes) {
                    Ok(parsed) => {
                        good = Some((parsed, bytes));
                        continue;
                    }
                    Err(Malformed::Newer) => return Err(VaultError::Newer { path }),
                    Err(Malformed::Layout) => "it has another layout",
                    Err(Malformed::Seal) => "it is not authentic",
                },
            };
            cause.get_or_insert_with(|| VaultError::damaged(&path, what));
            bad.push((at, path));
        }
        if good.is_some() {
            bad.into_iter().for_each(|(at, path)| self.note_damage(at, path));
        }
        good.ok_or_else(|| cause.expect("a file that is good nowhere is bad somewhere"))
    }

    /// The entries of the journal in the directory that has most of them: a crash can leave the last
    /// frames in some directories only.
    fn read_journal(
        &mut self,
        key: &KeyMaterial,
        vault: VaultId,
        generation: u64,
    ) -> Result<Vec<Entry>, VaultError> {
        let name = Journal::name(generation);
        let mut best: Option<Vec<Vec<Entry>>> = None;
        let mut bad = Vec::new();
        for at in self.order.clone() {
            let path = self.found[at].dir.join(&name);
            let Some(bytes) = self.bytes(&path)? else {
                bad.push((at, path, 0));
                continue;
            };
            match read_journal(key, vault, generation, &bytes) {
                Err(Malformed::Newer) => return Err(VaultError::Newer { path }),
                Err(_) => bad.push((at, path, 0)),
                Ok((frames, JournalEnd::Damaged)) => bad.push((at, path, frames.len() + 1)),
                Ok((frames, JournalEnd::Clean | JournalEnd::Torn)) => {
                    if best.as_ref().is_none_or(|best| best.len() < frames.len()) {
                        best = Some(frames);
                    }
                }
            }
        }
        // A damaged journal shows that there were at least so many frames.
        let whole = best.as_ref().map(Vec::len);
        for (at, path, at_least) in bad {
            if whole.is_none_or(|frames| frames < at_least) {
                return Err(VaultError::damaged(&path, "a part of it is missing or altered"));
            }
            self.note_damage(at, path);
        }
        Ok(best.unwrap_or_default().into_iter().flatten().collect())
    }

    /// A directory that should have been complete is not.
    fn note_damage(&mut self, at: usize, path: PathBuf) {
        if !self.found[at].stale || self.warnings.iter().any(|w| repaired_in(w, &path)) {
            self.found[at].stale = true;
            self.warnings.push(VaultWarning::Repaired { path });
        }
    }

    fn bytes(&self, path: &Path) -> Result<Option<Vec<u8>>, VaultError> {
        match self.fs.read(path) {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(VaultError::io("read", path, error)),
        }
    }
}

/// Whether the warning tells of another damaged file in the same directory.
fn repaired_in(warning: &VaultWarning, path: &Path) -> bool {
    matches!(warning, VaultWarning::Repaired { path: other } if other.parent() == path.parent())
}
