//! One directory's copy of the vault, and the four phases in which it goes on to a new generation.
//!
//! The order is the whole safety: files, then the new secret beside the old one, then the old one is
//! overwritten, then tidying up. Whatever stops it in between, one of the two generations is whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::format::{SLOTS_FILE, SLOTS_LEN, SLOTS_NEW, Slot};
use crate::{LockGuard, VaultError, VaultFs};

/// Files of the present generation by name, for copies that lack them.
pub(crate) type Originals = BTreeMap<String, Vec<u8>>;

/// One of the directories that hold the vault.
pub(crate) struct DirCopy {
    pub(crate) dir: PathBuf,
    pub(crate) slots: Slots,
    /// Whether it lacks files of the present generation.
    pub(crate) stale: bool,
    pub(crate) _lock: LockGuard,
}

/// What a directory's slots file is like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slots {
    /// There is none.
    Missing,
    /// There is one, but neither slot holds a secret.
    Unusable,
    /// This slot holds the secret to keep until a newer one is durable.
    Current(usize),
}

impl DirCopy {
    /// Phase 1: everything of the new generation but its secret.
    pub(crate) fn write_files(
        &self,
        fs: &dyn VaultFs,
        files: &[(String, Vec<u8>)],
        originals: &Originals,
    ) -> Result<(), VaultError> {
        let create = |name: &str, bytes: &[u8]| {
            let path = self.dir.join(name);
            fs.create(&path, bytes).map_err(|error| VaultError::io("write", &path, error))
        };
        if self.slots == Slots::Missing {
            // Tells a later start that what it finds here is the beginning of a new copy.
            create(SLOTS_NEW, &[])?;
            self.sync_dir(fs)?;
        }
        if self.stale {
            // What is already right is not touched: it may belong to the state that is kept so far.
            for (name, bytes) in originals {
                let path = self.dir.join(name);
                if fs.read(&path).is_ok_and(|found| *found == *bytes) {
                    // An earlier attempt may have died before its sync.
                    fs.sync(&path).map_err(|error| VaultError::io("sync", &path, error))?;
                } else {
                    create(name, bytes)?;
                }
            }
        }
        files.iter().try_for_each(|(name, bytes)| create(name, bytes))?;
        self.sync_dir(fs)
    }

    /// Phase 2: the new secret, beside the old one.
    pub(crate) fn write_slot(&self, fs: &dyn VaultFs, slot: &Slot) -> Result<(), VaultError> {
        let path = self.dir.join(SLOTS_FILE);
        let failed = |error| VaultError::io("write", &path, error);
        let bytes = slot.write();
        match self.slots {
            Slots::Current(current) => {
                fs.overwrite(&path, slot_offset(1 - current), bytes.as_slice()).map_err(failed)
            }
            Slots::Unusable => fs.overwrite(&path, 0, bytes.as_slice()).map_err(failed),
            Slots::Missing => {
                let new = self.dir.join(SLOTS_NEW);
                let mut both = zeroize::Zeroizing::new(Vec::with_capacity(SLOTS_LEN));
                both.extend_from_slice(bytes.as_slice());
                both.resize(SLOTS_LEN, 0);
                fs.create(&new, &both).map_err(failed)?;
                fs.rename(&new, &path).map_err(failed)?;
                self.sync_dir(fs)
            }
        }
    }

    /// Phase 3: overwrites the old secret. From here on the old generation is gone.
    pub(crate) fn erase_old_slot(&mut self, fs: &dyn VaultFs) -> Result<(), VaultError> {
        let path = self.dir.join(SLOTS_FILE);
        let (old, new) = match self.slots {
            Slots::Current(current) => (current, 1 - current),
            Slots::Unusable | Slots::Missing => (1, 0),
        };
        fs.overwrite(&path, slot_offset(old), &[0; Slot::LEN])
            .map_err(|error| VaultError::io("erase the old secret in", &path, error))?;
        self.slots = Slots::Current(new);
        Ok(())
    }

    /// Phase 4: tidies up. What stays behind cannot be opened, so a failure is no error.
    pub(crate) fn remove_leftovers(&self, fs: &dyn VaultFs, wanted: &BTreeSet<String>) {
        let names = fs.list(&self.dir).unwrap_or_default();
        for name in names.iter().filter(|name| is_sealed_file(name) && !wanted.contains(*name)) {
            if let Err(error) = fs.remove(&self.dir.join(name)) {
                tracing::warn!(name, %error, "an old file of the vault could not be removed");
            }
        }
    }

    fn sync_dir(&self, fs: &dyn VaultFs) -> Result<(), VaultError> {
        fs.sync_dir(&self.dir).map_err(|error| VaultError::io("sync", &self.dir, error))
    }
}

const fn slot_offset(slot: usize) -> u64 {
    (slot * Slot::LEN) as u64
}

/// Whether a file of this name is one that the vault writes anew in each generation.
pub(crate) fn is_sealed_file(name: &str) -> bool {
    name == SLOTS_NEW || ["table.", "page.", "journal."].iter().any(|kind| name.starts_with(kind))
}
