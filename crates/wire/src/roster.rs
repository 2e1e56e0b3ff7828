//! The body of [`NameSpace::Roster`](crate::NameSpace::Roster): contacts. To the client only.

use crate::Jid;

/// What happened between two contacts. [`from`](Self::from) and exactly one
/// [`to`](Self::to) must be set.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct RosterBody {
    /// What happened, a [`RosterOperation`].
    #[prost(enumeration = "RosterOperation", optional, tag = "1")]
    pub operation: Option<i32>,
    /// How it went.
    #[prost(message, optional, tag = "2")]
    pub status: Option<RosterStatus>,
    /// Who did it.
    #[prost(message, optional, tag = "3")]
    pub from: Option<Jid>,
    /// To whom.
    #[prost(message, repeated, tag = "4")]
    pub to: Vec<Jid>,
    /// What the inviter wrote.
    #[prost(string, optional, tag = "5")]
    pub reason: Option<String>,
    /// Version of the list of contacts.
    #[prost(string, optional, tag = "6")]
    pub roster_ver: Option<String>,
    /// It holds in both directions.
    #[prost(bool, optional, tag = "7")]
    pub bi_direction: Option<bool>,
}

/// What happened between two contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum RosterOperation {
    /// Never sent.
    GetRoster = 0,
    /// Never sent.
    GetBlacklist = 1,
    /// To the invited user: `onContactInvited`.
    Add = 2,
    /// To the removed contact: `onContactDeleted`.
    Remove = 3,
    /// The relation exists now: `onContactAdded`.
    Accept = 4,
    /// To the decliner's other devices: `onContactRefuse`.
    Decline = 5,
    /// Blocked; no event.
    Ban = 6,
    /// No longer blocked; no event.
    Allow = 7,
    /// To the inviter: `onContactAgreed`.
    RemoteAccept = 8,
    /// To the inviter: `onContactRefuse`.
    RemoteDecline = 9,
}

/// How an operation on contacts went.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct RosterStatus {
    /// A [`RosterErrorCode`].
    #[prost(enumeration = "RosterErrorCode", optional, tag = "1")]
    pub error_code: Option<i32>,
    /// In words.
    #[prost(string, optional, tag = "2")]
    pub description: Option<String>,
}

/// Why an operation on contacts was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum RosterErrorCode {
    /// Not refused.
    Ok = 0,
    /// No such user.
    UserNotExist = 1,
    /// Contacts already.
    UserAlreadyFriend = 2,
    /// Blocked already.
    UserAlreadyBlacklist = 3,
}
