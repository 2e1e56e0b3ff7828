//! What is stored, encoded as protobuf so that a later version can add fields.

use prost::Message;
use stoa_core::Timestamp;
use stoa_store::{AppStore, Key, KeyRange, StoreError, spaces};

use crate::chain::{Hash, Person, Sealed, genesis};

/// AUDIT_ENTRIES.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct EntryRecord {
    #[prost(uint64, tag = "1")]
    pub(crate) time_ms: u64,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) previous: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) hash: Vec<u8>,
    /// A sealed [`Body`].
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) body: Vec<u8>,
    #[prost(message, repeated, tag = "5")]
    pub(crate) persons: Vec<PersonRecord>,
}

/// What names a person in an entry.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PersonRecord {
    /// [`SUBJECT`] or [`ACTOR`].
    #[prost(uint32, tag = "1")]
    pub(crate) part: u32,
    /// A sealed [`PersonName`].
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) sealed: Vec<u8>,
}

/// The places in an entry for which its parts are sealed.
pub(crate) const BODY: u8 = 1;
/// The user to whom it was done.
pub(crate) const SUBJECT: u8 = 2;
/// The user who did it.
pub(crate) const ACTOR: u8 = 3;

/// Everything of an entry that names nobody.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Body {
    #[prost(uint32, tag = "1")]
    pub(crate) act: u32,
    /// Kept beside the code, so that an earlier version can say what a later one wrote.
    #[prost(string, tag = "2")]
    pub(crate) act_name: String,
    #[prost(uint32, tag = "3")]
    pub(crate) actor: u32,
    /// Of a client of the token server.
    #[prost(string, tag = "4")]
    pub(crate) client: String,
    #[prost(uint32, tag = "5")]
    pub(crate) outcome: u32,
    #[prost(string, tag = "6")]
    pub(crate) reason: String,
    #[prost(bool, tag = "7")]
    pub(crate) has_subject: bool,
    /// Of whoever is no user; that of a user is kept with the name.
    #[prost(string, tag = "8")]
    pub(crate) site: String,
    #[prost(message, repeated, tag = "9")]
    pub(crate) details: Vec<DetailRecord>,
    #[prost(uint64, tag = "10")]
    pub(crate) count: u64,
    /// How many entries before this one could not be written.
    #[prost(uint64, tag = "11")]
    pub(crate) missed: u64,
}

/// One detail.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct DetailRecord {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}

/// What names a person.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PersonName {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) site: String,
}

/// AUDIT_HEAD.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct HeadRecord {
    /// Of the last entry; 0 before the first.
    #[prost(uint64, tag = "1")]
    pub(crate) number: u64,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) hash: Vec<u8>,
    /// Of the key that sealed the last entry. It never falls, so that what is over is at the beginning
    /// of the chain, whatever the clock did.
    #[prost(uint32, tag = "3")]
    pub(crate) month: u32,
    /// The oldest entry that is kept; one more than `number` if there is none.
    #[prost(uint64, tag = "4")]
    pub(crate) first: u64,
    /// The hash before it.
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) before: Vec<u8>,
    /// The month of the first entry, or, after something was over, the first month whose key was left.
    #[prost(uint32, tag = "6")]
    pub(crate) keys_from: u32,
}

impl HeadRecord {
    /// That of a chain without entries.
    pub(crate) fn empty(store: &AppStore, month: u32) -> Self {
        let hash = genesis(store.number().0).0.to_vec();
        Self { number: 0, before: hash.clone(), hash, month, first: 1, keys_from: month }
    }
}

/// Decodes a stored value.
pub(crate) fn decode<R: Message + Default>(
    value: &[u8],
    space: &'static str,
) -> Result<R, StoreError> {
    R::decode(value).map_err(|_| StoreError::Corrupt { space })
}

pub(crate) fn head_key(store: &AppStore) -> Key {
    store.key(&spaces::AUDIT_HEAD).done()
}

pub(crate) fn entry_key(store: &AppStore, number: u64) -> Key {
    store.key(&spaces::AUDIT_ENTRIES).number(number).done()
}

/// The entries of these numbers.
pub(crate) fn entry_keys(store: &AppStore, range: impl std::ops::RangeBounds<u64>) -> KeyRange {
    store.key(&spaces::AUDIT_ENTRIES).numbers(range)
}

/// A stored hash.
pub(crate) fn hash(bytes: &[u8]) -> Result<Hash, StoreError> {
    let corrupt = StoreError::Corrupt { space: spaces::AUDIT_ENTRIES.name };
    bytes.try_into().map(Hash).map_err(|_| corrupt)
}

/// A stored entry.
pub(crate) fn sealed(number: u64, value: &[u8]) -> Result<Sealed, StoreError> {
    let space = spaces::AUDIT_ENTRIES.name;
    let record: EntryRecord = decode(value, space)?;
    let persons = record.persons.into_iter().map(|person| {
        let part = u8::try_from(person.part).map_err(|_| StoreError::Corrupt { space })?;
        Ok(Person { part, sealed: person.sealed })
    });
    Ok(Sealed {
        number,
        time: Timestamp::from_millis(record.time_ms),
        previous: hash(&record.previous)?,
        hash: hash(&record.hash)?,
        body: record.body,
        persons: persons.collect::<Result<_, StoreError>>()?,
    })
}
