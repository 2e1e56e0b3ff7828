//! What a power loss leaves of a file and of a directory.

use std::collections::BTreeMap;
use std::path::PathBuf;

use stoa_core::{Entropy as _, SeededEntropy};

/// The unit in which a medium writes: a torn write has whole sectors of the old and the new.
const SECTOR: usize = 512;

/// A file: what is on the medium, what a reader sees, and what leads from one to the other.
#[derive(Default, Clone)]
pub(super) struct File {
    pub(super) durable: Vec<u8>,
    pub(super) present: Vec<u8>,
    pub(super) pending: Vec<Change>,
    pub(super) mode: u32,
}

/// A change of a file's content that was not synced.
#[derive(Clone)]
pub(super) enum Change {
    Empty,
    Write { offset: usize, bytes: Vec<u8> },
}

/// A change of the names in a directory that was not synced.
#[derive(Clone)]
pub(super) enum Naming {
    Create(PathBuf, u64),
    Rename(PathBuf, PathBuf, u64),
    Remove(PathBuf),
}

impl File {
    /// Keeps what was synced and an arbitrary part of what was not.
    pub(super) fn lose_power(&mut self, dice: &SeededEntropy) {
        for change in std::mem::take(&mut self.pending) {
            match (roll(dice, 3), change) {
                (0, _) => {}
                (1, change) => change.apply(&mut self.durable),
                (_, Change::Empty) => self.durable.clear(),
                (_, Change::Write { offset, bytes }) => {
                    tear(&mut self.durable, offset, &bytes, dice);
                }
            }
        }
        self.present = self.durable.clone();
    }
}

/// Applies an arbitrary part of a write: its beginning, often a short one, or some of its sectors.
fn tear(to: &mut Vec<u8>, offset: usize, bytes: &[u8], dice: &SeededEntropy) {
    let longest = match roll(dice, 4) {
        0 => Some(bytes.len().min(SECTOR / 4)),
        1 => Some(bytes.len()),
        _ => None,
    };
    if let Some(longest) = longest {
        let cut = roll(dice, longest + 1);
        Change::Write { offset, bytes: bytes[..cut].into() }.apply(to);
        return;
    }
    let mut at = 0;
    while at < bytes.len() {
        let end = ((offset + at) / SECTOR * SECTOR + SECTOR - offset).min(bytes.len());
        if roll(dice, 2) == 0 {
            Change::Write { offset: offset + at, bytes: bytes[at..end].into() }.apply(to);
        }
        at = end;
    }
}

impl Change {
    pub(super) fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Empty => to.clear(),
            Self::Write { offset, bytes } => {
                let end = offset + bytes.len();
                if to.len() < end {
                    to.resize(end, 0);
                }
                to[*offset..end].copy_from_slice(bytes);
            }
        }
    }
}

impl Naming {
    pub(super) fn apply(self, names: &mut BTreeMap<PathBuf, u64>) {
        match self {
            Self::Create(path, id) => {
                names.insert(path, id);
            }
            Self::Rename(from, to, id) => {
                names.remove(&from);
                names.insert(to, id);
            }
            Self::Remove(path) => {
                names.remove(&path);
            }
        }
    }
}

/// A number below `sides`.
pub(super) fn roll(dice: &SeededEntropy, sides: usize) -> usize {
    let mut bytes = [0; 4];
    dice.fill(&mut bytes);
    u32::from_be_bytes(bytes) as usize % sides
}
