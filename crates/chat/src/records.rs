//! The values that chat stores, encoded as protobuf so that a later version can add fields.
//!
//! Field numbers are for ever. Each conversion back into a domain type refuses what it cannot be
//! sure of, as [`StoreError::Corrupt`] does for a record that does not open.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use stoa_core::{GroupId, MessageId, MucKind, Target, Timestamp, TokenMark, UserId};
use stoa_store::StoreError;

use crate::entry::{Audience, EditMark, Entry, Kind};

/// Decodes a stored value.
pub(crate) fn decode<R: Message + Default>(
    value: &[u8],
    space: &'static str,
) -> Result<R, StoreError> {
    R::decode(value).map_err(|_| StoreError::Corrupt { space })
}

/// USERS: one account.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Account {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) uuid: Vec<u8>,
    #[prost(string, tag = "2")]
    pub(crate) username: String,
    #[prost(uint64, tag = "3")]
    pub(crate) created_ms: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) modified_ms: u64,
    #[prost(bool, tag = "5")]
    pub(crate) deactivated: bool,
    #[prost(string, tag = "6")]
    pub(crate) nickname: String,
    /// A PHC string, or empty: no password, no login by password.
    #[prost(string, tag = "7")]
    pub(crate) password_hash: String,
    /// Tokens made up to and in this millisecond are revoked; 0: none. (8 said it in seconds.)
    #[prost(uint64, tag = "9")]
    pub(crate) revoked_until_ms: u64,
    /// The last day on which it was used, counted from 1970; 0: not known.
    #[prost(uint32, tag = "20")]
    pub(crate) used_day: u32,
    /// Made by coming into a class room; deleted with the last of them.
    #[prost(bool, tag = "21")]
    pub(crate) is_of_classes: bool,
}

impl Account {
    /// Revokes the tokens that were made up to `now`.
    pub(crate) fn cut(&mut self, now: Timestamp) {
        self.revoked_until_ms = self.revoked_until_ms.max(now.as_millis());
    }

    /// Whether a token was revoked with all others of its user.
    pub(crate) fn is_cut(&self, mark: &TokenMark, skew_s: u32) -> bool {
        mark.is_cut(Timestamp::from_millis(self.revoked_until_ms), skew_s)
    }

    /// The first moment from `now` on at which the server can issue a token that is not revoked.
    pub(crate) fn next_issue(&self, now: Timestamp) -> Timestamp {
        now.max(Timestamp::from_millis(self.revoked_until_ms.saturating_add(1)))
    }
}

/// REVOCATIONS: a token, device or name that was cut.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Revocation {
    /// 1: a token; 2: a device; 3: the name of a user who was deleted; 4: a user of class rooms.
    #[prost(uint32, tag = "1")]
    pub(crate) kind: u32,
    /// 16 bytes: of the token's signature, blinded, or of the name that a user of class rooms has in chat.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) subject: Vec<u8>,
    /// What was made up to then is over.
    #[prost(uint64, tag = "3")]
    pub(crate) at_ms: u64,
}

/// NAMES: what a name belongs to.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Name {
    /// 1: a user; 2: a group; 3: a chat room.
    #[prost(uint32, tag = "1")]
    pub(crate) kind: u32,
}

impl Name {
    pub(crate) const USER: u32 = 1;
    pub(crate) const GROUP: u32 = 2;
    pub(crate) const ROOM: u32 = 3;
}

/// USER_UUIDS and USERS_BY_TIME: a username.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Username {
    #[prost(string, tag = "1")]
    pub(crate) username: String,
}

/// DEVICES: a device that logged in.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Device {
    #[prost(string, tag = "1")]
    pub(crate) resource: String,
    #[prost(string, tag = "2")]
    pub(crate) uuid: String,
    #[prost(string, tag = "3")]
    pub(crate) name: String,
    #[prost(uint64, tag = "4")]
    pub(crate) last_login_ms: u64,
}

/// How far one device has received.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct DeviceCursor {
    #[prost(string, tag = "1")]
    pub(crate) resource: String,
    #[prost(uint64, tag = "2")]
    pub(crate) seq: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) at_ms: u64,
}

/// USER_LOG_CURSORS, and part of MEMBERSHIPS: how far a user's devices have received.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Cursors {
    /// The furthest of all devices: where a new one starts.
    #[prost(uint64, tag = "1")]
    pub(crate) highest: u64,
    #[prost(message, repeated, tag = "2")]
    pub(crate) devices: Vec<DeviceCursor>,
}

/// MEMBERSHIPS: a user's part in a conversation.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Membership {
    /// What the user's devices call the conversation.
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) cursors: Option<Cursors>,
    /// When the user became a member.
    #[prost(uint64, tag = "3")]
    pub(crate) since_ms: u64,
    /// Entries up to here were there before the user, who does not see them: a name that was deleted
    /// and registered again is another person.
    #[prost(uint64, tag = "4")]
    pub(crate) since_seq: u64,
    /// The conversation is a group's.
    #[prost(bool, tag = "5")]
    pub(crate) is_group: bool,
    /// Until where the user was a member; none while it is one.
    #[prost(uint64, optional, tag = "6")]
    pub(crate) until_seq: Option<u64>,
    /// Earlier times in which the user was a member.
    #[prost(message, repeated, tag = "7")]
    pub(crate) earlier: Vec<Span>,
    /// The user has read everything up to here.
    #[prost(message, optional, tag = "8")]
    pub(crate) read: Option<ReadMark>,
    /// What the user deleted for itself: everything up to here.
    #[prost(uint64, tag = "9")]
    pub(crate) cleared_seq: u64,
    /// When the conversation was pinned in the user's list, in milliseconds; none if it is not.
    #[prost(uint64, optional, tag = "10")]
    pub(crate) pinned_ms: Option<u64>,
    /// The marks that the user gave it, by number.
    #[prost(uint32, repeated, tag = "11")]
    pub(crate) marks: Vec<u32>,
    /// The conversation was taken off the user's list when its log reached to here.
    #[prost(uint64, tag = "12")]
    pub(crate) unlisted_seq: u64,
    /// The user takes no messages of the group.
    #[prost(bool, tag = "13")]
    pub(crate) shielded: bool,
    /// The user deleted single messages for itself: DELETED_MESSAGES holds which.
    #[prost(bool, tag = "20")]
    pub(crate) has_deleted: bool,
    /// Since where the user takes no messages of the group; none while it does.
    #[prost(uint64, optional, tag = "30")]
    pub(crate) shielded_since: Option<u64>,
    /// Earlier times in which the user took none.
    #[prost(message, repeated, tag = "31")]
    pub(crate) shields: Vec<Span>,
    /// The conversation is a chat room's.
    #[prost(bool, tag = "40")]
    pub(crate) is_room: bool,
    /// The user has a standing in the room, but is not in it.
    #[prost(bool, tag = "41")]
    pub(crate) is_away: bool,
}

/// A time in which a user was a member: entries behind `since` up to and with `until`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Span {
    #[prost(uint64, tag = "1")]
    pub(crate) since: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) until: u64,
}

/// How far a user has read.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReadMark {
    #[prost(uint64, tag = "1")]
    pub(crate) seq: u64,
    /// Countable messages up to there.
    #[prost(uint64, tag = "2")]
    pub(crate) countable: u64,
}

/// GROUPS: a group.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredGroup {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(string, tag = "3")]
    pub(crate) description: String,
    #[prost(string, tag = "4")]
    pub(crate) avatar: String,
    #[prost(string, tag = "5")]
    pub(crate) custom: String,
    #[prost(string, tag = "6")]
    pub(crate) announcement: String,
    #[prost(bool, tag = "7")]
    pub(crate) public: bool,
    /// Whoever joins needs the owner's or an administrator's leave.
    #[prost(bool, tag = "8")]
    pub(crate) approval: bool,
    /// Members may invite.
    #[prost(bool, tag = "9")]
    pub(crate) member_invites: bool,
    /// Whoever is invited is asked.
    #[prost(bool, tag = "10")]
    pub(crate) invite_confirm: bool,
    #[prost(uint32, tag = "11")]
    pub(crate) max_members: u32,
    #[prost(string, tag = "12")]
    pub(crate) owner: String,
    #[prost(uint64, tag = "13")]
    pub(crate) created_ms: u64,
    #[prost(uint64, tag = "14")]
    pub(crate) modified_ms: u64,
    #[prost(bool, tag = "15")]
    pub(crate) all_muted: bool,
    #[prost(bool, tag = "16")]
    pub(crate) disabled: bool,
    /// The number that the next member gets.
    #[prost(uint64, tag = "17")]
    pub(crate) next_number: u64,
    /// How many members there are.
    #[prost(uint32, tag = "18")]
    pub(crate) members: u32,
    /// The last day on which something was said or done there, as far as it was written down.
    #[prost(uint32, tag = "19")]
    pub(crate) used_day: u32,
    /// The class room whose chat it is; empty: of none.
    #[prost(string, tag = "20")]
    pub(crate) class: String,
}

/// What somebody is to a group. Numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum StoredStanding {
    Unknown = 0,
    Owner = 1,
    Admin = 2,
    Member = 3,
    Invited = 4,
    Applied = 5,
    Blocked = 6,
}

/// One line of the roster of a group.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredMember {
    #[prost(string, tag = "1")]
    pub(crate) user: String,
    #[prost(enumeration = "StoredStanding", tag = "2")]
    pub(crate) standing: i32,
    /// Rises with each that comes, so that the list has an order.
    #[prost(uint64, tag = "3")]
    pub(crate) number: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) since_ms: u64,
    #[prost(uint64, tag = "5")]
    pub(crate) muted_until_ms: u64,
    #[prost(bool, tag = "6")]
    pub(crate) allowed: bool,
    /// Of an invitation: who invited.
    #[prost(string, tag = "7")]
    pub(crate) by: String,
    /// Takes no messages of the group.
    #[prost(bool, tag = "8")]
    pub(crate) shielded: bool,
    /// Is not in the room, and keeps what it is there.
    #[prost(bool, tag = "9")]
    pub(crate) away: bool,
}

/// GROUP_ROSTERS: a part of the roster of a group.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RosterPage {
    #[prost(message, repeated, tag = "1")]
    pub(crate) lines: Vec<StoredMember>,
}

/// GROUP_FILES: a file that is shared in a group.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct GroupFile {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) id: Vec<u8>,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    /// Empty: the app's back end.
    #[prost(string, tag = "3")]
    pub(crate) owner: String,
    #[prost(uint64, tag = "4")]
    pub(crate) size: u64,
    #[prost(uint64, tag = "5")]
    pub(crate) created_ms: u64,
}

/// GROUPS_BY_TIME and ROOMS_BY_TIME: an id.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct GroupName {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(bool, tag = "2")]
    pub(crate) public: bool,
}

/// GROUP_MEMBER_ATTRIBUTES: what a member has in a group.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MemberAttributes {
    #[prost(btree_map = "string, string", tag = "1")]
    pub(crate) values: BTreeMap<String, String>,
}

/// ROOM_ATTRIBUTES: an attribute.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RoomAttribute {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
    /// Who set it; empty for the app's back end.
    #[prost(string, tag = "3")]
    pub(crate) by: String,
    /// It goes when whoever set it leaves.
    #[prost(bool, tag = "4")]
    pub(crate) auto_delete: bool,
}

/// ROOM_ATTRIBUTES: which there are in a room. Their values stand in rows of their own.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RoomAttributes {
    #[prost(message, repeated, tag = "1")]
    pub(crate) index: Vec<RoomAttribute>,
}

/// SUPER_ADMINS: a user who may make chat rooms.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SuperAdmin {
    #[prost(string, tag = "1")]
    pub(crate) username: String,
    #[prost(uint64, tag = "2")]
    pub(crate) since_ms: u64,
}

/// GROUP_READS: a message of a group whose readers send receipts.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct GroupReads {
    #[prost(string, tag = "1")]
    pub(crate) sender: String,
    #[prost(uint64, tag = "2")]
    pub(crate) at_ms: u64,
    /// Its position in the group's log.
    #[prost(uint64, tag = "3")]
    pub(crate) seq: u64,
    /// How many have read it.
    #[prost(uint32, tag = "4")]
    pub(crate) count: u32,
    /// For these users alone; for all if empty.
    #[prost(string, repeated, tag = "5")]
    pub(crate) only: Vec<String>,
}

/// GROUP_READERS: who has read a message of a group.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct GroupReader {
    #[prost(string, tag = "1")]
    pub(crate) user: String,
    #[prost(uint64, tag = "2")]
    pub(crate) at_ms: u64,
}

/// How often an entry was changed, and the last time by whom.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredEdit {
    #[prost(uint32, tag = "1")]
    pub(crate) count: u32,
    #[prost(string, tag = "2")]
    pub(crate) by: String,
    #[prost(uint64, tag = "3")]
    pub(crate) at_ms: u64,
}

/// Of the marks in a log's last entry: the highest client id that a device has used there of late.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Mark {
    /// The device, by a short name that another may have too.
    #[prost(fixed32, tag = "1")]
    pub(crate) device: u32,
    #[prost(uint64, tag = "2")]
    pub(crate) highest: u64,
    /// When the device last used one.
    #[prost(uint64, tag = "3")]
    pub(crate) at_ms: u64,
}

/// Which client ids were certainly not used in a log of late.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Marks {
    #[prost(message, repeated, tag = "1")]
    pub(crate) devices: Vec<Mark>,
    /// That of all devices for which there is no room.
    #[prost(message, optional, tag = "2")]
    pub(crate) others: Option<Mark>,
}

/// MESSAGES and USER_LOG: an entry.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredEntry {
    #[prost(uint64, tag = "1")]
    pub(crate) id: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) at_ms: u64,
    #[prost(enumeration = "Kind", tag = "3")]
    pub(crate) kind: i32,
    #[prost(string, tag = "4")]
    pub(crate) from: String,
    #[prost(string, tag = "5")]
    pub(crate) from_resource: String,
    #[prost(string, tag = "6")]
    pub(crate) to: String,
    #[prost(string, optional, tag = "7")]
    pub(crate) only_resource: Option<String>,
    #[prost(bytes = "bytes", tag = "8")]
    pub(crate) body: Bytes,
    #[prost(bytes = "bytes", tag = "9")]
    pub(crate) ext: Bytes,
    /// How many countable messages the log holds up to and with this one.
    #[prost(uint64, tag = "10")]
    pub(crate) countable: u64,
    /// The number under which the device sent it.
    #[prost(uint64, tag = "11")]
    pub(crate) client_id: u64,
    /// Only with the last of the entries that were appended together.
    #[prost(message, optional, tag = "12")]
    pub(crate) marks: Option<Marks>,
    /// `to` is a group.
    #[prost(bool, tag = "13")]
    pub(crate) to_group: bool,
    /// For these users alone, or with `but` for all except them; for all if empty.
    #[prost(string, repeated, tag = "14")]
    pub(crate) only: Vec<String>,
    #[prost(bool, tag = "15")]
    pub(crate) but: bool,
    #[prost(message, optional, tag = "16")]
    pub(crate) edit: Option<StoredEdit>,
    /// What was last done to it, and by which call.
    #[prost(message, optional, tag = "20")]
    pub(crate) change: Option<StoredChange>,
    /// Of an edit: where the edited message lies.
    #[prost(uint64, tag = "21")]
    pub(crate) about_seq: u64,
    /// Of a message that was edited: where the entry lies that tells of the last edit.
    #[prost(uint64, tag = "22")]
    pub(crate) told_seq: u64,
    /// `to` is a chat room.
    #[prost(bool, tag = "23")]
    pub(crate) to_room: bool,
}

/// What was last done to an entry: recognises the call when it comes again.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredChange {
    #[prost(string, tag = "1")]
    pub(crate) by: String,
    #[prost(string, tag = "2")]
    pub(crate) resource: String,
    #[prost(uint64, tag = "3")]
    pub(crate) client_id: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) id: u64,
    #[prost(uint64, tag = "5")]
    pub(crate) at_ms: u64,
}

/// DELETED_MESSAGES: what a user deleted of a part of a conversation.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Deleted {
    #[prost(message, repeated, tag = "1")]
    pub(crate) ranges: Vec<DeletedRange>,
}

/// Sequences from the first to the last.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct DeletedRange {
    #[prost(uint64, tag = "1")]
    pub(crate) first: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) last: u64,
}

/// PINNED_MESSAGES: the pins of a conversation, the newest last.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Pins {
    #[prost(message, repeated, tag = "1")]
    pub(crate) pins: Vec<StoredPin>,
}

/// A pinned message.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredPin {
    #[prost(uint64, tag = "1")]
    pub(crate) seq: u64,
    #[prost(string, tag = "2")]
    pub(crate) by: String,
    #[prost(uint64, tag = "3")]
    pub(crate) at_ms: u64,
}

/// REPORTS: a report.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredReport {
    #[prost(uint64, tag = "1")]
    pub(crate) message: u64,
    #[prost(string, tag = "2")]
    pub(crate) reporter: String,
    #[prost(string, tag = "3")]
    pub(crate) peer: String,
    #[prost(bool, tag = "4")]
    pub(crate) is_group: bool,
    #[prost(string, tag = "5")]
    pub(crate) label: String,
    #[prost(string, tag = "6")]
    pub(crate) reason: String,
    #[prost(uint64, tag = "7")]
    pub(crate) at_ms: u64,
    #[prost(bool, tag = "8")]
    pub(crate) is_room: bool,
}

/// What `name` is the name of: a group, a chat room or a user; none if it cannot be.
pub(crate) fn target(name: &str, is_group: bool, is_room: bool) -> Option<Target> {
    match (is_group, is_room) {
        (_, true) => GroupId::parse(MucKind::Room, name).ok().map(Target::Group),
        (true, false) => name.parse().ok().map(Target::Group),
        (false, false) => name.parse().ok().map(Target::User),
    }
}

/// The users that `audience` names, and whether it is everybody else.
fn stored_audience(audience: &Audience) -> (Vec<String>, bool) {
    let names = |users: &[UserId]| users.iter().map(|user| user.as_str().into()).collect();
    match audience {
        Audience::All => (Vec::new(), false),
        Audience::Only(users) => (names(users), false),
        Audience::Except(users) => (names(users), true),
    }
}

impl StoredEntry {
    /// The form in which `entry` is stored.
    pub(crate) fn new(entry: &Entry, countable: u64, client_id: u64) -> Self {
        let (only, but) = stored_audience(&entry.audience);
        Self {
            id: entry.id.0,
            at_ms: entry.at.as_millis(),
            kind: entry.kind.into(),
            from: entry.from.as_str().into(),
            from_resource: entry.from_resource.as_str().into(),
            to: entry.to.name().into(),
            to_group: entry.to.group().is_some() && !entry.to.is_room(),
            to_room: entry.to.is_room(),
            only,
            but,
            edit: entry.edit.as_ref().map(|edit| StoredEdit {
                count: edit.count,
                by: edit.by.as_str().into(),
                at_ms: edit.at.as_millis(),
            }),
            only_resource: entry.only_resource.as_ref().map(|r| r.as_str().into()),
            body: entry.body.clone(),
            ext: entry.ext.clone(),
            countable,
            client_id,
            marks: None,
            change: None,
            about_seq: 0,
            told_seq: 0,
        }
    }

    /// The entry.
    pub(crate) fn into_entry(self, space: &'static str) -> Result<Entry, StoreError> {
        let corrupt = StoreError::Corrupt { space };
        let user = |name: &str| name.parse::<UserId>().ok();
        let kind = Kind::try_from(self.kind).unwrap_or(Kind::Unknown);
        let to = target(&self.to, self.to_group, self.to_room);
        let (Some(from), Some(to)) = (user(&self.from), to) else { return Err(corrupt) };
        let listed: Option<Arc<[UserId]>> = self.only.iter().map(|name| user(name)).collect();
        let Some(listed) = listed else { return Err(corrupt) };
        let audience = match (listed.is_empty(), self.but) {
            (true, _) => Audience::All,
            (false, false) => Audience::Only(listed),
            (false, true) => Audience::Except(listed),
        };
        let edit = match self.edit {
            Some(edit) => {
                let Some(by) = user(&edit.by) else { return Err(corrupt) };
                Some(EditMark { count: edit.count, by, at: Timestamp::from_millis(edit.at_ms) })
            }
            None => None,
        };
        let Ok(from_resource) = self.from_resource.parse() else { return Err(corrupt) };
        let only_resource = match self.only_resource {
            Some(text) => match text.parse() {
                Ok(resource) => Some(resource),
                Err(_) => return Err(corrupt),
            },
            None => None,
        };
        Ok(Entry {
            id: MessageId(self.id),
            at: Timestamp::from_millis(self.at_ms),
            kind,
            from,
            from_resource,
            to,
            only_resource,
            audience,
            edit,
            body: self.body,
            ext: self.ext,
        })
    }
}
