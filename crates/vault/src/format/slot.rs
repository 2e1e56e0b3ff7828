//! The two slots: where the erasable secret stands, and the only place that is overwritten.
//!
//! A slot is `magic 8 ‖ generation u64 ‖ life u64 ‖ vault id 16 ‖ root key fingerprint 8 ‖ secret 32
//! ‖ crc32`,
//! in 4 KiB of its own so that writing one never touches the sectors of the other. The checksum tells
//! a torn write; an erased slot is all zeros.

use stoa_seal::{KeyMaterial, RootKeyFingerprint};

use super::codec::{Reader, Writer};
use super::{LifeTag, Malformed, VaultId};

/// The file with the two slots.
pub(crate) const SLOTS_FILE: &str = "slots";
/// Its name while the vault, or this copy of it, is being created.
pub(crate) const SLOTS_NEW: &str = "slots.new";
/// The length of the file.
pub(crate) const SLOTS_LEN: usize = 2 * Slot::LEN;

const MAGIC: &[u8; 8] = b"STOASLT\x01";

/// A slot that holds a secret.
pub(crate) struct Slot {
    pub(crate) generation: u64,
    pub(crate) life: LifeTag,
    pub(crate) vault: VaultId,
    pub(crate) root: RootKeyFingerprint,
    pub(crate) secret: KeyMaterial,
}

impl Slot {
    /// The room that a slot takes in the file, in bytes.
    pub(crate) const LEN: usize = 4096;
    const USED: usize = 8 + 8 + 8 + 16 + 8 + KeyMaterial::LEN + 4;

    /// The whole 4 KiB.
    pub(crate) fn write(&self) -> Writer {
        let mut to = Writer::with_capacity(Self::LEN);
        to.bytes(MAGIC)
            .u64(self.generation)
            .u64(self.life.0)
            .bytes(&self.vault.0)
            .bytes(&self.root.0);
        to.bytes(self.secret.expose());
        let checksum = crc32fast::hash(to.as_slice());
        to.u32(checksum).bytes(&[0; Self::LEN - Self::USED]);
        to
    }

    fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut from = Reader::new(bytes);
        from.magic(MAGIC)?;
        let slot = Self {
            generation: from.u64()?,
            life: LifeTag(from.u64()?),
            vault: VaultId(*from.array()?),
            root: RootKeyFingerprint(*from.array()?),
            secret: KeyMaterial::copy_of(from.array()?),
        };
        let checksum = crc32fast::hash(&bytes[..Self::USED - 4]);
        if from.u32()? == checksum { Ok(slot) } else { Err(Malformed::Layout) }
    }
}

/// The slots that hold a secret; none where a slot is erased, torn or damaged.
///
/// # Errors
/// [`Malformed::Newer`] if a later version wrote one.
pub(crate) fn read_slots(file: &[u8]) -> Result<[Option<Slot>; 2], Malformed> {
    let read = |bytes: Option<&[u8]>| match bytes.map(Slot::read) {
        Some(Ok(slot)) => Ok(Some(slot)),
        Some(Err(Malformed::Newer)) => Err(Malformed::Newer),
        _ => Ok(None),
    };
    let (first, second) = match file.split_at_checked(Slot::LEN) {
        Some((first, second)) => (Some(first), Some(second)),
        None => (Some(file), None),
    };
    Ok([read(first)?, read(second)?])
}
