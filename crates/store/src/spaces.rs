//! The key spaces: every kind of record there is, with the form of its key, what its value holds,
//! the class of data it belongs to and who reads it.
//!
//! A stored key is `space u8 ‖ app number u32 ‖ parts`, numbers in big-endian order, so that a range
//! of one space of one app is contiguous in every engine. Codes are stored and never change or
//! return. What is not in [`SPACES`] cannot be stored.

mod class_chat;
mod classroom;
mod groups;
mod lifetime;

pub use class_chat::{
    CLASS_CHAT_ATTRIBUTES, CLASS_CHAT_PINS, CLASS_CHAT_ROOMS, CLASS_CHAT_ROSTERS, CLASS_CHAT_USERS,
    CLASS_CHATS, CLASS_MESSAGES, CLASS_NAMES,
};
pub use classroom::{
    CLASS_EVENTS, CLASS_FRAMES, CLASS_MARKS, CLASS_OUTBOX, CLASS_PEER_FRAMES, CLASS_RECORDS,
    CLASS_ROOMS, CLASS_USERS,
};
pub use groups::{
    GROUP_FILES, GROUP_MEMBER_ATTRIBUTES, GROUP_ROSTERS, GROUPS, GROUPS_BY_TIME, ROOM_ATTRIBUTES,
    ROOMS_BY_TIME,
};
pub use lifetime::{
    DESTRUCTIONS, ENDS_BY_TIME, LOG_DAYS, OBJECT_ENDS, RECEIPT_HEAD, RECEIPTS, SWEEPS,
};

use crate::classes::{
    ATTACHMENT, AUDIT, BucketKind, CONSOLE, DataClass, MESSAGE, MONITORING, REVOCATION, USER_EVENT,
    USER_INFORMATION,
};

/// A kind of record.
#[derive(Debug)]
pub struct Space {
    /// The first byte of its keys, below 0xFF.
    pub code: u8,
    /// Its name.
    pub name: &'static str,
    /// The class of data.
    pub class: &'static DataClass,
    /// Under which numbers its records stand.
    pub owner: Owner,
    /// The parts of its keys after the app number.
    pub layout: &'static [Part],
    /// The version and content of its values.
    pub value: &'static str,
    /// Who reads it.
    pub readers: &'static str,
}

impl Space {
    /// The space of a stored key.
    pub fn of_key(key: &[u8]) -> Option<&'static Self> {
        let code = key.first()?;
        SPACES.iter().copied().find(|space| space.code == *code)
    }

    /// Whether its records are entries of logs whose keys end by day: their numbers go on when nobody can read
    /// them any more, so that they are removed by whoever knows where a log goes on, and by nobody else.
    pub fn is_log(&self) -> bool {
        let by_day = self.class.buckets == [BucketKind::Day];
        by_day && matches!(self.layout, [Part::Blind(_), Part::Number(_)])
    }
}

/// Whose records a space holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The platform's (app number 0).
    Platform,
    /// An app's.
    App,
    /// An app's or the platform's.
    Each,
}

impl Owner {
    /// Whether the platform, or else an app, has records there.
    pub const fn includes(self, platform: bool) -> bool {
        match self {
            Self::Platform => platform,
            Self::App => !platform,
            Self::Each => true,
        }
    }
}

/// A part of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A blinded identifier, 16 bytes.
    Blind(&'static str),
    /// A number, 8 bytes.
    Number(&'static str),
}

impl Part {
    /// What the part stands for.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blind(name) | Self::Number(name) => name,
        }
    }

    /// Its length in bytes.
    pub const fn size(self) -> usize {
        match self {
            Self::Blind(_) => 16,
            Self::Number(_) => 8,
        }
    }
}

/// What the store as a whole is.
pub static PLATFORM_META: Space = Space {
    code: 1,
    name: "platform_meta",
    class: &CONSOLE,
    owner: Owner::Platform,
    layout: &[],
    value: "1: format of the records, region, time of creation",
    readers: "console, at start",
};

/// The apps.
pub static APPS: Space = Space {
    code: 2,
    name: "apps",
    class: &CONSOLE,
    owner: Owner::Platform,
    layout: &[Part::Number("app number")],
    value: "1: the app's record: names, region, settings, certificates",
    readers: "console",
};

/// Apps by app key.
pub static APP_KEYS: Space = Space {
    code: 3,
    name: "app_keys",
    class: &CONSOLE,
    owner: Owner::Platform,
    layout: &[Part::Blind("app key")],
    value: "1: app number",
    readers: "console",
};

/// Apps by App ID.
pub static APP_IDS: Space = Space {
    code: 4,
    name: "app_ids",
    class: &CONSOLE,
    owner: Owner::Platform,
    layout: &[Part::Blind("App ID")],
    value: "1: app number",
    readers: "console",
};

/// The key by which the data centre signs what others are to check.
pub static SIGNING_KEY: Space = Space {
    code: 5,
    name: "signing_key",
    class: &CONSOLE,
    owner: Owner::Platform,
    layout: &[],
    value: "1: the seed of an Ed25519 key",
    readers: "store, for whoever signs",
};

/// Which app lives in which region: what this data centre says, and what others have told.
pub static DIRECTORY: Space = Space {
    code: 7,
    name: "directory",
    class: &CONSOLE,
    owner: Owner::Platform,
    layout: &[Part::Blind("region and App ID")],
    value: "1: App ID, app key, region, version, whether it is deleted, signed by its data centre; when it came",
    readers: "console",
};

/// The clients of the token server.
pub static TOKEN_CLIENTS: Space = Space {
    code: 6,
    name: "token_clients",
    class: &CONSOLE,
    owner: Owner::Platform,
    layout: &[Part::Blind("client")],
    value: "1: client: name, app, fingerprint of its certificate or hash of its key, addresses",
    readers: "console",
};

/// The one registry of names of users, groups, rooms and threads of an app.
pub static NAMES: Space = Space {
    code: 10,
    name: "names",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("name")],
    value: "1: kind and owner of the name",
    readers: "chat",
};

/// User accounts.
pub static USERS: Space = Space {
    code: 11,
    name: "users",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("user")],
    value: "1: account: name, uuid, password hash, times",
    readers: "chat",
};

/// Users by UUID.
pub static USER_UUIDS: Space = Space {
    code: 12,
    name: "user_uuids",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("uuid")],
    value: "1: username",
    readers: "chat",
};

/// Users in the order of their creation.
pub static USERS_BY_TIME: Space = Space {
    code: 13,
    name: "users_by_time",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Number("created, ms"), Part::Blind("user")],
    value: "1: username",
    readers: "chat",
};

/// The devices of a user.
pub static DEVICES: Space = Space {
    code: 14,
    name: "devices",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("user"), Part::Blind("resource")],
    value: "1: device",
    readers: "chat",
};

/// The conversations that a user takes part in.
pub static MEMBERSHIPS: Space = Space {
    code: 15,
    name: "memberships",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("user"), Part::Blind("conversation")],
    value: "1: who takes part and from where, cursors of devices",
    readers: "chat",
};

/// What is kept of a log beside its entries. Numbers alone, under a key of the app: they outlive whose they were.
pub static CONVERSATIONS: Space = Space {
    code: 16,
    name: "conversations",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("log")],
    value: "1: the head's floor: what the log reached before the sweep, and up to where that removed it",
    readers: "chat",
};

/// Where the devices of a user stand in their user log.
pub static USER_LOG_CURSORS: Space = Space {
    code: 17,
    name: "user_log_cursors",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("user")],
    value: "1: cursors of devices",
    readers: "chat",
};

/// The contacts of a user. Who is invited and has not answered is none.
pub static CONTACTS: Space = Space {
    code: 22,
    name: "contacts",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("user"), Part::Blind("contact")],
    value: "1: contact: name, remark, since when",
    readers: "chat",
};

/// The block list of a user.
pub static BLOCKS: Space = Space {
    code: 23,
    name: "blocks",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("user"), Part::Blind("blocked")],
    value: "1: blocked user: name, since when",
    readers: "chat",
};

/// Invitations to become contacts that wait for the invited user's answer.
pub static CONTACT_INVITATIONS: Space = Space {
    code: 24,
    name: "contact_invitations",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("invited"), Part::Blind("inviter")],
    value: "1: invitation: inviter, reason, when",
    readers: "chat",
};

/// The contacts of a user in the order in which they became contacts.
pub static CONTACTS_BY_TIME: Space = Space {
    code: 25,
    name: "contacts_by_time",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("user"), Part::Number("since, ms"), Part::Blind("contact")],
    value: "1: contact: name, remark, since when",
    readers: "chat",
};

/// What users tell about themselves.
pub static USER_ATTRIBUTES: Space = Space {
    code: 26,
    name: "user_attributes",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("user")],
    value: "1: keys and values",
    readers: "chat",
};

/// What users publish about whether they can be reached.
pub static PRESENCES: Space = Space {
    code: 27,
    name: "presences",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("user")],
    value: "1: text, state of each device, when it changed, number of subscribers",
    readers: "chat",
};

/// Whose presence a user has subscribed to.
pub static PRESENCE_SUBSCRIPTIONS: Space = Space {
    code: 28,
    name: "presence_subscriptions",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("subscriber"), Part::Blind("user")],
    value: "1: name of the user, until when",
    readers: "chat",
};

/// Who has subscribed to a user's presence.
pub static PRESENCE_SUBSCRIBERS: Space = Space {
    code: 29,
    name: "presence_subscribers",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("user"), Part::Blind("subscriber")],
    value: "1: name of the subscriber, until when",
    readers: "chat",
};

/// The conversation logs.
pub static MESSAGES: Space = Space {
    code: 30,
    name: "messages",
    class: &MESSAGE,
    owner: Owner::App,
    layout: &[Part::Blind("conversation"), Part::Number("sequence")],
    value: "1: entry of a conversation log",
    readers: "chat",
};

/// How many contacts a user has.
pub static CONTACT_COUNTS: Space = Space {
    code: 31,
    name: "contact_counts",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("user")],
    value: "1: the number",
    readers: "chat",
};

/// Bytes of all users' attributes, in parts so that few wait for each other.
pub static ATTRIBUTE_TOTALS: Space = Space {
    code: 32,
    name: "attribute_totals",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Number("part")],
    value: "1: bytes",
    readers: "chat",
};

/// The user logs.
pub static USER_LOG: Space = Space {
    code: 40,
    name: "user_log",
    class: &USER_EVENT,
    owner: Owner::App,
    layout: &[Part::Blind("user"), Part::Number("sequence")],
    value: "1: entry of a user log",
    readers: "chat",
};

/// Which messages of a conversation a user has deleted for itself, in parts of about a thousand.
pub static DELETED_MESSAGES: Space = Space {
    code: 50,
    name: "deleted_messages",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("user"), Part::Blind("conversation"), Part::Number("part")],
    value: "1: ranges of sequences",
    readers: "chat",
};

/// The messages that are pinned in a conversation.
pub static PINNED_MESSAGES: Space = Space {
    code: 51,
    name: "pinned_messages",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("conversation")],
    value: "1: sequences, by whom and when",
    readers: "chat",
};

/// Messages that were reported to the app's owner.
pub static REPORTS: Space = Space {
    code: 52,
    name: "reports",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Number("time, ms"), Part::Blind("report")],
    value: "1: message id, conversation, reporter, label, reason, when",
    readers: "chat",
};

/// Messages of groups whose readers send receipts.
pub static GROUP_READS: Space = Space {
    code: 60,
    name: "group_reads",
    class: &MESSAGE,
    owner: Owner::App,
    layout: &[Part::Blind("group"), Part::Number("message")],
    value: "1: sender, when, for whom, how many have read it",
    readers: "chat",
};

/// Who has read a message of a group.
pub static GROUP_READERS: Space = Space {
    code: 61,
    name: "group_readers",
    class: &MESSAGE,
    owner: Owner::App,
    layout: &[Part::Blind("group"), Part::Number("message"), Part::Blind("reader")],
    value: "1: reader: name, when",
    readers: "chat",
};

/// Users who may make chat rooms.
pub static SUPER_ADMINS: Space = Space {
    code: 65,
    name: "super_admins",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("user")],
    value: "1: name, since when",
    readers: "chat",
};

/// The users that the token server made for the app's own user ids.
pub static EXTERNAL_USERS: Space = Space {
    code: 66,
    name: "external_users",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Blind("external user")],
    value: "1: username",
    readers: "chat",
};

/// Tokens, devices and names of deleted users that admit nobody any more.
pub static REVOCATIONS: Space = Space {
    code: 67,
    name: "revocations",
    class: &REVOCATION,
    owner: Owner::App,
    layout: &[Part::Blind("revocation")],
    value: "1: what it is about (part of a token's signature, blinded, or the MD5 of a name in class rooms), from when on",
    readers: "chat",
};

/// Files that users send: what is known of each. Their bytes lie sealed beside the store.
pub static ATTACHMENTS: Space = Space {
    code: 70,
    name: "attachments",
    class: &ATTACHMENT,
    owner: Owner::App,
    layout: &[Part::Number("day"), Part::Blind("file")],
    value: "1: a file, or the parts of one that is being uploaded: owner, target, name, type, size, share secret, where its bytes lie",
    readers: "chat",
};

/// The entries of the audit log, in a chain of hashes.
pub static AUDIT_ENTRIES: Space = Space {
    code: 80,
    name: "audit_entries",
    class: &AUDIT,
    owner: Owner::Each,
    layout: &[Part::Number("number")],
    value: "1: time, hash of the entry before, hash; what was done, sealed once more; names of people, each sealed under that user's key of the class user information",
    readers: "audit",
};

/// Where the chain of the audit log ends and begins.
pub static AUDIT_HEAD: Space = Space {
    code: 81,
    name: "audit_head",
    class: &AUDIT,
    owner: Owner::Each,
    layout: &[],
    value: "1: number, hash and month of the last entry; the first entry that is kept, and the hash before it",
    readers: "audit",
};

/// Which erasures of the vault's ledger are done in these data. What is not, a start does first.
pub static ERASURES: Space = Space {
    code: 82,
    name: "erasures",
    class: &USER_INFORMATION,
    owner: Owner::App,
    layout: &[Part::Number("erasure")],
    value: "1: when it was done",
    readers: "chat, at start",
};

/// What an app's tokens and names were like, by day: counts, of nobody in particular.
pub static OBSERVATIONS: Space = Space {
    code: 90,
    name: "observations",
    class: &MONITORING,
    owner: Owner::App,
    layout: &[Part::Number("day")],
    value: "1: last use of tokens, longest life, how many names of which form were made",
    readers: "chat, for the checklist",
};

/// Hosts outside that were contacted.
pub static EGRESS_HOSTS: Space = Space {
    code: 92,
    name: "egress_hosts",
    class: &MONITORING,
    owner: Owner::Each,
    layout: &[Part::Number("day"), Part::Blind("host, kind, region")],
    value: "1: host, kind, region, whether it was permitted, first and last contact, how many",
    readers: "egress, for the residency report",
};

/// Every space, by code.
pub static SPACES: &[&Space] = &[
    &PLATFORM_META,
    &APPS,
    &APP_KEYS,
    &APP_IDS,
    &SIGNING_KEY,
    &TOKEN_CLIENTS,
    &DIRECTORY,
    &NAMES,
    &USERS,
    &USER_UUIDS,
    &USERS_BY_TIME,
    &DEVICES,
    &MEMBERSHIPS,
    &CONVERSATIONS,
    &USER_LOG_CURSORS,
    &GROUPS,
    &GROUP_ROSTERS,
    &GROUPS_BY_TIME,
    &GROUP_MEMBER_ATTRIBUTES,
    &CONTACTS,
    &BLOCKS,
    &CONTACT_INVITATIONS,
    &CONTACTS_BY_TIME,
    &USER_ATTRIBUTES,
    &PRESENCES,
    &PRESENCE_SUBSCRIPTIONS,
    &PRESENCE_SUBSCRIBERS,
    &MESSAGES,
    &CONTACT_COUNTS,
    &ATTRIBUTE_TOTALS,
    &USER_LOG,
    &LOG_DAYS,
    &SWEEPS,
    &OBJECT_ENDS,
    &ENDS_BY_TIME,
    &DELETED_MESSAGES,
    &PINNED_MESSAGES,
    &REPORTS,
    &GROUP_READS,
    &GROUP_READERS,
    &GROUP_FILES,
    &ROOMS_BY_TIME,
    &ROOM_ATTRIBUTES,
    &SUPER_ADMINS,
    &EXTERNAL_USERS,
    &REVOCATIONS,
    &ATTACHMENTS,
    &AUDIT_ENTRIES,
    &AUDIT_HEAD,
    &ERASURES,
    &CLASS_ROOMS,
    &CLASS_USERS,
    &CLASS_FRAMES,
    &CLASS_PEER_FRAMES,
    &CLASS_EVENTS,
    &OBSERVATIONS,
    &EGRESS_HOSTS,
    &RECEIPTS,
    &RECEIPT_HEAD,
    &DESTRUCTIONS,
    &CLASS_MARKS,
    &CLASS_OUTBOX,
    &CLASS_RECORDS,
    &CLASS_CHAT_ROOMS,
    &CLASS_CHAT_ROSTERS,
    &CLASS_CHAT_ATTRIBUTES,
    &CLASS_CHAT_PINS,
    &CLASS_CHATS,
    &CLASS_CHAT_USERS,
    &CLASS_NAMES,
    &CLASS_MESSAGES,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::CLASSES;

    #[test]
    fn codes_rise_and_classes_are_in_the_table() {
        assert!(SPACES.is_sorted_by(|a, b| a.code < b.code));
        for space in SPACES {
            assert!(space.code != 0 && space.code != 0xFF, "{}", space.name);
            assert!(
                CLASSES.iter().any(|class| std::ptr::eq(*class, space.class)),
                "{}",
                space.name
            );
        }
        let mut names: Vec<_> = SPACES.iter().map(|space| space.name).collect();
        names.sort_unstable();
        assert!(names.is_sorted_by(|a, b| a < b), "names are given once");
    }
}
