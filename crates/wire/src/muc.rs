//! The body of [`NameSpace::Muc`](crate::NameSpace::Muc): events of groups, chat rooms and threads.
//!
//! From the client only entering and leaving a chat room come this way; everything else is REST.

use crate::Jid;

/// What happened in a group, chat room or thread.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct MucBody {
    /// The group, room or thread.
    #[prost(message, optional, tag = "1")]
    pub muc_id: Option<Jid>,
    /// What happened, a [`MucOperation`].
    #[prost(enumeration = "MucOperation", optional, tag = "2")]
    pub operation: Option<i32>,
    /// Who did it.
    #[prost(message, optional, tag = "3")]
    pub from: Option<Jid>,
    /// To whom.
    #[prost(message, repeated, tag = "4")]
    pub to: Vec<Jid>,
    /// Not read by web clients.
    #[prost(message, optional, tag = "5")]
    pub setting: Option<MucSetting>,
    /// What the actor wrote; an announcement's text.
    #[prost(string, optional, tag = "6")]
    pub reason: Option<String>,
    /// It is a chat room.
    #[prost(bool, optional, tag = "7")]
    pub is_chatroom: Option<bool>,
    /// How it went.
    #[prost(message, optional, tag = "8")]
    pub status: Option<MucStatus>,
    /// It is a thread.
    #[prost(bool, optional, tag = "9")]
    pub is_thread: Option<bool>,
    /// A thread's group. Mandatory in events of threads.
    #[prost(message, optional, tag = "10")]
    pub muc_parent_id: Option<Jid>,
    /// The group's, room's or thread's name.
    #[prost(string, optional, tag = "11")]
    pub muc_name: Option<String>,
    /// More about the event.
    #[prost(message, optional, tag = "12")]
    pub event_info: Option<EventInfo>,
    /// Members after the event.
    #[prost(int32, optional, tag = "13")]
    pub muc_member_count: Option<i32>,
    /// The app's own data; JSON about a mute.
    #[prost(string, optional, tag = "14")]
    pub ext: Option<String>,
    /// On entering a chat room: leave all others.
    #[prost(bool, optional, tag = "15")]
    pub leave_other_rooms: Option<bool>,
    /// Several members who came or left at once.
    #[prost(string, repeated, tag = "16")]
    pub members: Vec<String>,
}

/// What happened in a group, chat room or thread, and who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum MucOperation {
    /// To the owner's other devices: created.
    Create = 0,
    /// To all members: the group, room or thread is gone.
    Destroy = 1,
    /// From the client: enter a chat room. To a user's other devices: entered.
    Join = 2,
    /// From the client: leave a chat room. To a user's other devices: left.
    Leave = 3,
    /// To owner and administrators: someone asks to join.
    Apply = 4,
    /// To the applicant: admitted.
    ApplyAccept = 5,
    /// To the applicant: not admitted.
    ApplyDecline = 6,
    /// To the invited user: an invitation to answer.
    Invite = 7,
    /// To the inviter: accepted.
    InviteAccept = 8,
    /// To the inviter: declined.
    InviteDecline = 9,
    /// To the removed user.
    Kick = 10,
    /// Not used.
    GetBlacklist = 11,
    /// Put on the block list; no event.
    Ban = 12,
    /// To a user taken off the block list.
    Allow = 13,
    /// To all members: name, description or settings changed.
    Update = 14,
    /// To a user's other devices: messages are shielded.
    Block = 15,
    /// To a user's other devices: messages are no longer shielded.
    Unblock = 16,
    /// To the other members: someone came.
    Presence = 17,
    /// To the remaining members: someone left.
    Absence = 18,
    /// To a user added without being asked.
    DirectJoined = 19,
    /// To the old and new owner.
    AssignOwner = 20,
    /// To administrators and the new one.
    AddAdmin = 21,
    /// To administrators and the former one.
    RemoveAdmin = 22,
    /// To the muted user, owner and administrators.
    AddMute = 23,
    /// To the unmuted user, owner and administrators.
    RemoveMute = 24,
    /// To all members: the announcement changed.
    UpdateAnnouncement = 25,
    /// To all members: the announcement is gone.
    DeleteAnnouncement = 26,
    /// To all members: a shared file came.
    UploadFile = 27,
    /// To all members: a shared file is gone.
    DeleteFile = 28,
    /// To the user put on the allow list, owner and administrators.
    AddUserWhiteList = 29,
    /// To the user taken off the allow list, owner and administrators.
    RemoveUserWhiteList = 30,
    /// To all members: everybody is muted.
    BanGroup = 31,
    /// To all members: nobody is muted any longer.
    RemoveBanGroup = 32,
    /// To the actor's other devices: thread created.
    ThreadCreate = 33,
    /// To the actor's other devices: thread destroyed.
    ThreadDestroy = 34,
    /// To the actor's other devices: thread joined.
    ThreadJoin = 35,
    /// To the actor's other devices: thread left.
    ThreadLeave = 36,
    /// To the user removed from a thread.
    ThreadKick = 37,
    /// To the actor's other devices: thread renamed.
    ThreadUpdate = 38,
    /// Someone came into a thread; ignored by clients.
    ThreadPresence = 39,
    /// Someone left a thread; ignored by clients.
    ThreadAbsence = 40,
    /// The group was switched off; ignored by clients.
    DisableGroup = 41,
    /// The group was switched on; ignored by clients.
    AbleGroup = 42,
    /// To the other room members: attributes set.
    SetMetadata = 43,
    /// To the other room members: attributes deleted.
    DeleteMetadata = 44,
    /// To all members: a member's attributes changed.
    GroupMemberMetadataUpdate = 45,
}

/// A group's settings.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct MucSetting {
    /// Its name.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// Its description.
    #[prost(string, optional, tag = "2")]
    pub desc: Option<String>,
    /// Who may enter, a [`MucType`].
    #[prost(enumeration = "MucType", optional, tag = "3")]
    pub kind: Option<i32>,
    /// Members at the most.
    #[prost(int32, optional, tag = "4")]
    pub max_users: Option<i32>,
    /// Its owner.
    #[prost(string, optional, tag = "5")]
    pub owner: Option<String>,
}

/// Who may enter a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum MucType {
    /// Whom the owner invites.
    PrivateOwnerInvite = 0,
    /// Whom a member invites.
    PrivateMemberInvite = 1,
    /// Whom the owner admits.
    PublicJoinApproval = 2,
    /// Anybody.
    PublicJoinOpen = 3,
    /// Anybody, without a name.
    PublicAnonymous = 4,
}

/// How an operation went.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct MucStatus {
    /// A [`MucErrorCode`].
    #[prost(enumeration = "MucErrorCode", optional, tag = "1")]
    pub error_code: Option<i32>,
    /// In words.
    #[prost(string, optional, tag = "2")]
    pub description: Option<String>,
    /// In the answer to entering a chat room: JSON about the room, keyed by the user's id.
    #[prost(string, optional, tag = "3")]
    pub chatroom_info: Option<String>,
}

/// Why an operation was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum MucErrorCode {
    /// Not refused.
    Ok = 0,
    /// Not allowed.
    PermissionDenied = 1,
    /// Something is out of range.
    WrongParameter = 2,
    /// No such group, room or thread.
    MucNotExist = 3,
    /// No such user.
    UserNotExist = 4,
    /// Any other reason.
    Unknown = 5,
}

/// More about an event.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct EventInfo {
    /// An [`EventType`].
    #[prost(enumeration = "EventType", optional, tag = "1")]
    pub event_type: Option<i32>,
    /// JSON whose form follows from the operation.
    #[prost(string, optional, tag = "2")]
    pub ext: Option<String>,
}

/// Kind of an [`EventInfo`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum EventType {
    /// Nothing special.
    None = 0,
    /// Not used.
    CircleChannel = 1,
}
