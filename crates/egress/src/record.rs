//! A contacted host as it is stored, in a form that a later version can add to.

use prost::Message;
use stoa_core::Timestamp;
use stoa_store::StoreError;
use stoa_store::spaces::EGRESS_HOSTS;

use crate::contacts::{Contact, Purpose};

/// EGRESS_HOSTS.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ContactRecord {
    #[prost(string, tag = "1")]
    host: String,
    #[prost(string, tag = "2")]
    purpose: String,
    /// Empty: not known.
    #[prost(string, tag = "3")]
    region: String,
    #[prost(bool, tag = "4")]
    permitted: bool,
    #[prost(uint64, tag = "5")]
    pub(crate) first_ms: u64,
    #[prost(uint64, tag = "6")]
    pub(crate) last_ms: u64,
    #[prost(uint64, tag = "7")]
    pub(crate) count: u64,
}

impl ContactRecord {
    pub(crate) fn new(contact: &Contact) -> Self {
        Self {
            host: contact.host.clone(),
            purpose: contact.purpose.name().into(),
            region: contact.region.map_or_else(String::new, |region| region.name().into()),
            permitted: contact.permitted,
            first_ms: contact.first.as_millis(),
            last_ms: contact.last.as_millis(),
            count: contact.count,
        }
    }

    pub(crate) fn read(value: &[u8]) -> Result<Self, StoreError> {
        Self::decode(value).map_err(|_| corrupt())
    }

    pub(crate) fn contact(self) -> Result<Contact, StoreError> {
        let region = match self.region.as_str() {
            "" => None,
            name => Some(name.parse().map_err(|_| corrupt())?),
        };
        Ok(Contact {
            host: self.host,
            purpose: Purpose::of_name(&self.purpose).ok_or_else(corrupt)?,
            region,
            permitted: self.permitted,
            first: Timestamp::from_millis(self.first_ms),
            last: Timestamp::from_millis(self.last_ms),
            count: self.count,
        })
    }
}

const fn corrupt() -> StoreError {
    StoreError::Corrupt { space: EGRESS_HOSTS.name }
}
