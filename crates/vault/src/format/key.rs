//! A key as it stands in a page or in the journal.

use stoa_core::{AppNumber, Day, Timestamp};
use stoa_seal::{Epoch, KeyId, KeyMaterial};

use super::Malformed;
use super::codec::{Reader, Writer};
use crate::scope::{ErasedPerson, Purpose};
use crate::{Bucket, KeyClass, KeyScope};

/// A key with what the vault has to remember of it.
pub(crate) struct StoredKey<M = KeyMaterial> {
    pub(crate) id: KeyId,
    pub(crate) purpose: Purpose,
    pub(crate) created: Timestamp,
    /// The epoch in which `upto` was written.
    pub(crate) epoch: Epoch,
    /// How many records it may have sealed by the end of that epoch.
    pub(crate) upto: u64,
    pub(crate) material: M,
}

const DATA: u8 = 1;
const BLIND: u8 = 2;
/// A line of the erasure ledger. Its class says whether messages are kept: 1, or 0.
const ERASED: u8 = 3;

impl StoredKey<&[u8; KeyMaterial::LEN]> {
    pub(crate) fn write(&self, to: &mut Writer) {
        to.u64(self.id.0);
        let (kind, class, bucket) = match self.purpose {
            Purpose::Seal(scope) => (DATA, scope.class, scope.bucket),
            Purpose::Blind(_) => (BLIND, KeyClass(0), Bucket::Whole),
            Purpose::Erased(ErasedPerson { person, keeps_messages, .. }) => {
                (ERASED, KeyClass(keeps_messages.into()), Bucket::Object(person))
            }
        };
        to.u8(kind).u32(self.purpose.app().0).u8(class.0);
        let number = |n: u32| {
            let mut field = [0; 16];
            field[..4].copy_from_slice(&n.to_be_bytes());
            field
        };
        let (tag, field) = match bucket {
            Bucket::Whole => (0, [0; 16]),
            Bucket::Day(day) => (1, number(day.0)),
            Bucket::Month(month) => (2, number(month)),
            Bucket::Object(id) => (3, id),
        };
        to.u8(tag).bytes(&field);
        to.u64(self.created.as_millis()).u32(self.epoch.0).u64(self.upto).bytes(self.material);
    }
}

impl StoredKey {
    /// The length of a stored key, in bytes.
    pub(crate) const LEN: usize = 8 + 1 + 4 + 1 + 17 + 8 + 4 + 8 + KeyMaterial::LEN;

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let id = KeyId(from.u64()?);
        let kind = from.u8()?;
        let app = AppNumber(from.u32()?);
        let class = KeyClass(from.u8()?);
        let tag = from.u8()?;
        let field: &[u8; 16] = from.array()?;
        let number = || {
            let (number, zeros) = field.split_first_chunk().ok_or(Malformed::Layout)?;
            if zeros.iter().any(|byte| *byte != 0) {
                return Err(Malformed::Layout);
            }
            Ok(u32::from_be_bytes(*number))
        };
        let bucket = match tag {
            0 if number()? == 0 => Bucket::Whole,
            1 => Bucket::Day(Day(number()?)),
            2 => Bucket::Month(number()?),
            3 => Bucket::Object(*field),
            _ => return Err(Malformed::Layout),
        };
        let purpose = match kind {
            DATA => Purpose::Seal(KeyScope { app, class, bucket }),
            BLIND if class == KeyClass(0) && bucket == Bucket::Whole => Purpose::Blind(app),
            ERASED => match (class, bucket) {
                (KeyClass(keeps @ 0..=1), Bucket::Object(person)) => {
                    Purpose::Erased(ErasedPerson { app, person, keeps_messages: keeps == 1 })
                }
                _ => return Err(Malformed::Layout),
            },
            _ => return Err(Malformed::Layout),
        };
        Ok(Self {
            id,
            purpose,
            created: Timestamp::from_millis(from.u64()?),
            epoch: Epoch(from.u32()?),
            upto: from.u64()?,
            material: KeyMaterial::copy_of(from.array()?),
        })
    }
}
