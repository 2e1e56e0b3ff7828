//! What is stored of contacts, invitations and block lists.

use prost::Message;

/// CONTACTS and CONTACTS_BY_TIME: a contact.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredContact {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    /// What the user noted; none if it never did.
    #[prost(string, optional, tag = "2")]
    pub(crate) remark: Option<String>,
    #[prost(uint64, tag = "3")]
    pub(crate) since_ms: u64,
}

/// CONTACT_COUNTS: how many contacts a user has.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredCount {
    #[prost(uint32, tag = "1")]
    pub(crate) count: u32,
}

/// CONTACT_INVITATIONS: an invitation.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredInvitation {
    #[prost(string, tag = "1")]
    pub(crate) inviter: String,
    #[prost(string, tag = "2")]
    pub(crate) reason: String,
    #[prost(uint64, tag = "3")]
    pub(crate) at_ms: u64,
}

/// BLOCKS: a blocked user.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredBlock {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(uint64, tag = "2")]
    pub(crate) since_ms: u64,
}
