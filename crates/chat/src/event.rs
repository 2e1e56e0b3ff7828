//! What the server itself has to tell devices: events of groups, of contacts, and notices.
//!
//! They lie in logs like messages do, each as the body of an [`Entry`](crate::entry::Entry), in a
//! form of chat's own; the doors translate them into the SDK's (msync sections 5.6, 6.3 and 7).
//! Numbers are stored: they never change their meaning.

use bytes::Bytes;
use prost::Message;

/// What happened in a group or a chat room. The numbers are those of MSYNC (msync section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum GroupAct {
    /// It was made: for its owner's other devices.
    Created = 0,
    /// It is gone: for all members.
    Dismissed = 1,
    /// Somebody asks to be let in: for owner and administrators.
    Applied = 4,
    /// The application was granted: for the applicant.
    ApplicationAccepted = 5,
    /// The application was refused: for the applicant.
    ApplicationDeclined = 6,
    /// An invitation to answer: for the invited.
    Invited = 7,
    /// The invitation was accepted: for the inviter.
    InvitationAccepted = 8,
    /// The invitation was declined: for the inviter.
    InvitationDeclined = 9,
    /// A member was removed: for the removed.
    Removed = 10,
    /// Somebody was taken off the block list: for that user.
    Unblocked = 13,
    /// Name, description or settings changed: for all members.
    Updated = 14,
    /// The user takes no messages of the group any more: for the user's other devices.
    Shielded = 15,
    /// The user takes messages of the group again: for the user's other devices.
    Unshielded = 16,
    /// Members came: for all others.
    Joined = 17,
    /// Members are gone: for the remaining.
    Left = 18,
    /// Added without being asked: for the added.
    DirectJoined = 19,
    /// It has another owner: for the old and the new one.
    OwnerChanged = 20,
    /// For the new administrator, the others and the owner.
    AdminAdded = 21,
    /// For the former administrator, the others and the owner.
    AdminRemoved = 22,
    /// For the muted, administrators and the owner.
    Muted = 23,
    /// For the unmuted, administrators and the owner.
    Unmuted = 24,
    /// For all members.
    AnnouncementChanged = 25,
    /// For all members.
    AnnouncementDeleted = 26,
    /// For all members.
    FileUploaded = 27,
    /// For all members.
    FileDeleted = 28,
    /// For the allowed, administrators and the owner.
    Allowed = 29,
    /// For the formerly allowed, administrators and the owner.
    Disallowed = 30,
    /// For all members.
    AllMuted = 31,
    /// For all members.
    AllUnmuted = 32,
    /// The app's back end switched it off: for all members.
    Disabled = 41,
    /// The app's back end switched it on again: for all members.
    Enabled = 42,
    /// For the other members of a room, and the actor's other devices.
    RoomAttributesSet = 43,
    /// For the other members of a room, and the actor's other devices.
    RoomAttributesDeleted = 44,
    /// A member's attributes changed: for all members.
    AttributesChanged = 45,
}

/// An event of a group or a chat room.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct GroupEvent {
    /// The group.
    #[prost(string, tag = "1")]
    pub group: String,
    /// What happened.
    #[prost(enumeration = "GroupAct", tag = "2")]
    pub act: i32,
    /// Who did it, or whom it is about where the SDK wants that as the actor.
    #[prost(string, tag = "3")]
    pub actor: String,
    /// To whom it was done.
    #[prost(string, repeated, tag = "4")]
    pub users: Vec<String>,
    /// The group's name.
    #[prost(string, optional, tag = "5")]
    pub name: Option<String>,
    /// What the actor wrote; an announcement's text.
    #[prost(string, optional, tag = "6")]
    pub reason: Option<String>,
    /// Members after it.
    #[prost(uint32, optional, tag = "7")]
    pub members: Option<u32>,
    /// Until when somebody is muted, in milliseconds since 1970; -1 for ever.
    #[prost(int64, optional, tag = "8")]
    pub muted_until_ms: Option<i64>,
    /// Compact JSON whose form follows from the act (msync section 6.3, `eventInfo.ext`).
    #[prost(string, optional, tag = "9")]
    pub detail: Option<String>,
    /// It is a chat room.
    #[prost(bool, tag = "10")]
    pub is_room: bool,
    /// What whoever came into the room had to add.
    #[prost(string, optional, tag = "11")]
    pub ext: Option<String>,
}

/// What happened with a contact. The numbers are those of MSYNC (msync section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum ContactAct {
    /// An invitation to answer.
    Invited = 2,
    /// No longer a contact.
    Removed = 3,
    /// A contact now.
    Added = 4,
    /// The user declined on another device.
    Declined = 5,
    /// The other side accepted.
    AcceptedByOther = 8,
    /// The other side declined.
    DeclinedByOther = 9,
}

/// An event of contacts: between `from` and `to`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ContactEvent {
    /// What happened.
    #[prost(enumeration = "ContactAct", tag = "1")]
    pub act: i32,
    /// Who did it.
    #[prost(string, tag = "2")]
    pub from: String,
    /// To whom.
    #[prost(string, tag = "3")]
    pub to: String,
    /// What the inviting side wrote.
    #[prost(string, optional, tag = "4")]
    pub reason: Option<String>,
}

/// A member has read a message of a group; for the message's sender.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ReadInGroup {
    /// The group.
    #[prost(string, tag = "1")]
    pub group: String,
    /// The message.
    #[prost(uint64, tag = "2")]
    pub message: u64,
    /// How many have read it by now.
    #[prost(uint32, tag = "3")]
    pub count: u32,
    /// What the reader adds.
    #[prost(string, tag = "4")]
    pub content: String,
}

/// A notice: compact JSON as the SDK takes it (msync section 5.6).
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Notice {
    /// The JSON, with no byte below 0x10.
    #[prost(string, tag = "1")]
    pub json: String,
}

/// An event as an entry's body.
pub(crate) fn body(event: &impl Message) -> Bytes {
    event.encode_to_vec().into()
}
