//! What an operator may know of a vault: nothing that is secret, and no key can be had by it.
//!
//! [`VaultStatus`] is told by an open vault. A [`Survey`] looks at the directories without opening
//! anything and without a lock, so that it works beside the process that has them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use stoa_core::Timestamp;
use stoa_seal::RootKeyFingerprint;

use crate::copy::is_sealed_file;
use crate::format::{SLOTS_FILE, SLOTS_NEW, Slot, VaultId, read_slots};
use crate::{DiskFs, VaultFs};

/// The state of an open vault's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultStatus {
    /// How many times the vault was written anew as a whole.
    pub generation: u64,
    /// The fingerprint of the root key that opens it.
    pub root: RootKeyFingerprint,
    /// Its directories, the mirrors after the first.
    pub directories: Vec<PathBuf>,
    /// How many pages of keys it has.
    pub pages: usize,
    /// How many entries its journal has.
    pub journal_entries: usize,
    /// When keys were last destroyed in this life; none if none were.
    pub last_destruction: Option<Timestamp>,
    /// Why it takes no changes until a restart, if an earlier write failed.
    pub stopped: Option<String>,
}

/// What the newest slot of a directory says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotSummary {
    /// Which vault it is.
    pub vault: VaultId,
    /// Its generation.
    pub generation: u64,
    /// The fingerprint of the root key that opens it.
    pub root: RootKeyFingerprint,
}

/// What one directory holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// The directory.
    pub dir: PathBuf,
    /// Its newest slot; none when there is no vault in it, or none that can be used.
    pub newest: Option<SlotSummary>,
    /// Its sealed files: length and checksum by name.
    files: BTreeMap<String, (usize, u32)>,
}

impl Survey {
    /// Looks at a directory on disk.
    ///
    /// # Errors
    /// When it cannot be read. That there is none, or no vault in it, is no error.
    pub fn of(dir: &Path) -> std::io::Result<Self> {
        Self::on(&DiskFs, dir)
    }

    /// As [`Self::of`], on another file system.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn on(fs: &dyn VaultFs, dir: &Path) -> std::io::Result<Self> {
        let mut survey = Self { dir: dir.into(), newest: None, files: BTreeMap::new() };
        let names = match fs.list(dir) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(survey),
            names => names?,
        };
        if names.iter().any(|name| name == SLOTS_FILE) {
            let slots = read_slots(&fs.read(&dir.join(SLOTS_FILE))?).unwrap_or_default();
            let newest = slots.iter().flatten().max_by_key(|slot| slot.generation);
            survey.newest = newest.map(Slot::summary);
        }
        for name in names.into_iter().filter(|name| is_sealed_file(name) && name != SLOTS_NEW) {
            // One that went away meanwhile is one that is not there.
            let Ok(bytes) = fs.read(&dir.join(&name)) else { continue };
            survey.files.insert(name, (bytes.len(), crc32fast::hash(&bytes)));
        }
        Ok(survey)
    }

    /// In what two directories differ that should hold the same; nothing if they do not.
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        match (self.newest, other.newest) {
            (None, _) | (_, None) => Some("one of them holds no vault"),
            (Some(one), Some(two)) if one.vault != two.vault => Some("they hold different vaults"),
            (Some(one), Some(two)) if one.generation != two.generation => Some("one lags behind"),
            (Some(one), Some(two)) if one != two => Some("they were used apart"),
            _ if self.files != other.files => Some("their files differ"),
            _ => None,
        }
    }
}

impl Slot {
    const fn summary(&self) -> SlotSummary {
        SlotSummary { vault: self.vault, generation: self.generation, root: self.root }
    }
}
