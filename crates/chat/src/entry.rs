//! Entries of the two kinds of log, and the form in which they are stored.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use stoa_core::{
    AppNumber, ConversationId, GroupId, MessageId, Resource, Seq, Target, Timestamp, UserId,
};

/// What an entry carries. Numbers are stored: they never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum Kind {
    /// Not a known kind: written by a later version.
    Unknown = 0,
    /// A text message.
    Text = 1,
    /// An image.
    Image = 2,
    /// A video.
    Video = 3,
    /// A place.
    Location = 4,
    /// A voice message.
    Voice = 5,
    /// A file.
    File = 6,
    /// A command: delivered, also later, but not part of the history.
    Command = 7,
    /// A custom message.
    Custom = 8,
    /// Several messages in one.
    Combined = 9,
    /// The reader has read one message.
    ReadReceipt = 20,
    /// A device has received one message.
    DeliveryReceipt = 21,
    /// The reader has read the whole conversation.
    ConversationReceipt = 22,
    /// A member of a group has read one message of it; for its sender alone. The body is a
    /// [`ReadInGroup`](crate::event::ReadInGroup).
    GroupReadReceipt = 23,
    /// A message was taken back.
    Recall = 24,
    /// A message was replaced; the body is the new one.
    Edit = 25,
    /// Something about a group and its members: the body is a [`GroupEvent`](crate::event::GroupEvent).
    GroupEvent = 30,
    /// Something about a contact: the body is a [`ContactEvent`](crate::event::ContactEvent).
    ContactEvent = 31,
    /// A notice for the user's devices: the body is a [`Notice`](crate::event::Notice).
    Notice = 32,
    /// For nobody: says to whoever keeps something of the log in memory that it is old.
    Mark = 40,
    /// A message that was taken back: its body is gone.
    Recalled = 41,
}

impl Kind {
    /// Whether it is a message, in contrast to a receipt or an event.
    pub const fn is_message(self) -> bool {
        matches!(
            self,
            Self::Text
                | Self::Image
                | Self::Video
                | Self::Location
                | Self::Voice
                | Self::File
                | Self::Command
                | Self::Custom
                | Self::Combined
        )
    }

    /// Whether devices receive it. The others only take a place in the log.
    pub const fn is_delivered(self) -> bool {
        !matches!(self, Self::Unknown | Self::Mark | Self::Recalled)
    }

    /// Whether it counts as unread and stands in the history: every message but a command.
    pub const fn is_countable(self) -> bool {
        self.is_message() && !matches!(self, Self::Command)
    }
}

/// One thing that was said, as it lies in a log and is delivered to devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id, unique in the app.
    pub id: MessageId,
    /// When the server took it.
    pub at: Timestamp,
    /// What it is.
    pub kind: Kind,
    /// Who said it.
    pub from: UserId,
    /// On which device.
    pub from_resource: Resource,
    /// To whom it was addressed.
    pub to: Target,
    /// Only for this device of the recipient.
    pub only_resource: Option<Resource>,
    /// Which of the log's readers it is for.
    pub audience: Audience,
    /// The last of the changes that were made to it.
    pub edit: Option<EditMark>,
    /// The body as the client encoded it (`MessageBody` of MSYNC); chat does not look inside.
    pub body: Bytes,
    /// The encoded `ext` of the frame's meta, fields as the client sent them; usually empty.
    pub ext: Bytes,
}

/// Which of a log's readers an entry is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Audience {
    /// All of them.
    #[default]
    All,
    /// These, and the other devices of whoever said it.
    Only(Arc<[UserId]>),
    /// All but these.
    Except(Arc<[UserId]>),
}

impl Audience {
    /// For these users alone.
    pub fn only(users: impl IntoIterator<Item = UserId>) -> Self {
        Self::Only(users.into_iter().collect())
    }

    /// For all but these users.
    pub fn except(users: impl IntoIterator<Item = UserId>) -> Self {
        Self::Except(users.into_iter().collect())
    }

    /// Whether `user` belongs to it.
    pub fn includes(&self, user: &UserId) -> bool {
        match self {
            Self::All => true,
            Self::Only(users) => users.contains(user),
            Self::Except(users) => !users.contains(user),
        }
    }
}

/// How often a message was changed, and the last time by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditMark {
    /// How often.
    pub count: u32,
    /// By whom.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

impl Entry {
    /// Whether the device `resource` of `user` is to receive it: every device does, except the one
    /// that said it, those of users whom it is not for and, for a message to one device, the others.
    pub fn concerns(&self, user: &UserId, resource: &Resource) -> bool {
        if *user == self.from && *resource == self.from_resource || !self.kind.is_delivered() {
            return false;
        }
        let own_message = self.kind.is_message() && *user == self.from;
        if !own_message && !self.audience.includes(user) {
            return false;
        }
        let addressed = self.to.user();
        match &self.only_resource {
            Some(only) if Some(user) == addressed => only == resource,
            // The sender's other devices learn of it only where it is a message to another user.
            Some(_) => Some(&self.from) != addressed,
            None => true,
        }
    }

    /// When its storage time began: an edit begins it anew (chat-rest section 3.2).
    pub(crate) fn stored_at(&self) -> Timestamp {
        self.edit.as_ref().map_or(self.at, |edit| edit.at.max(self.at))
    }

    /// Whether `user` does not get it while it takes no messages of the group.
    pub(crate) fn is_shielded_from(&self, user: &UserId) -> bool {
        let about_messages =
            self.kind.is_message() || matches!(self.kind, Kind::Recall | Kind::Edit);
        about_messages && self.from != *user
    }

    /// That it takes a place in the log, and nothing of what it says.
    pub(crate) fn place_only(&self) -> Self {
        let (body, ext) = (Bytes::new(), Bytes::new());
        Self { kind: Kind::Mark, audience: Audience::All, edit: None, body, ext, ..self.clone() }
    }

    /// Whether `user` finds it in the history of the conversation.
    pub fn is_history_of(&self, user: &UserId) -> bool {
        self.kind.is_countable() && (self.from == *user || self.audience.includes(user))
    }
}

/// The log that an entry lies in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Log {
    /// The messages of a conversation, one order for all who take part.
    Conversation(ConversationId),
    /// What concerns one user only.
    User(UserId),
}

impl Log {
    /// The number of the class room whose chat it is, if it is one's.
    pub(crate) fn class_number(&self) -> Option<u64> {
        match self {
            Self::Conversation(conversation) => conversation.room()?.class_number(),
            Self::User(_) => None,
        }
    }
}

/// A log as one user's devices see it: what the SDK calls a queue.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Queue {
    /// The conversation with this user.
    With(UserId),
    /// The conversation of this group.
    Group(GroupId),
    /// The user's own log.
    OwnLog,
}

impl Queue {
    /// The name of the user log's queue. No user can have it, for `@` is not allowed in a name.
    pub const OWN_LOG: &'static str = "@log";

    /// The name by which the SDK compares queues.
    pub fn name(&self) -> &str {
        match self {
            Self::With(user) => user.as_str(),
            Self::Group(group) => group.as_str(),
            Self::OwnLog => Self::OWN_LOG,
        }
    }

    /// The queue that the SDK calls `name`, of a group if `is_group`; none if nothing can have that
    /// name.
    pub fn from_name(name: &str, is_group: bool) -> Option<Self> {
        if name == Self::OWN_LOG {
            return Some(Self::OwnLog);
        }
        if is_group {
            name.parse().ok().map(Self::Group)
        } else {
            name.parse().ok().map(Self::With)
        }
    }

    /// The queue of the conversation with `target`.
    pub fn of_target(target: &Target) -> Self {
        match target {
            Target::User(user) => Self::With(user.clone()),
            Target::Group(group) => Self::Group(group.clone()),
        }
    }

    /// The log behind the queue, for `user`.
    pub fn log(&self, user: &UserId) -> Log {
        match self {
            Self::With(peer) => Log::Conversation(ConversationId::one_to_one(user, peer)),
            Self::Group(group) => Log::Conversation(ConversationId::Group(group.clone())),
            Self::OwnLog => Log::User(user.clone()),
        }
    }

    /// What `user`'s devices call `log`.
    pub fn of(log: &Log, user: &UserId) -> Self {
        match log {
            Log::Conversation(conversation) => Self::of_target(&conversation.seen_by(user)),
            Log::User(_) => Self::OwnLog,
        }
    }
}

/// What a subscriber of a user's topic receives.
#[derive(Debug)]
pub enum Event {
    /// An entry was made durable.
    Appended(Delivery),
    /// An entry that is not stored: for whoever is online.
    Passing(Delivery),
    /// Something is said in a chat room, at this moment.
    Room(RoomPage),
    /// Sessions are to end.
    Kick(Kick),
    /// The tokens that a session was let in and renewed by are good until then, by now.
    LivesUntil {
        /// Which session, by the number that its attachment has.
        session: u64,
        /// The end.
        until: Timestamp,
    },
}

/// An entry on its way to the devices of one user.
#[derive(Debug)]
pub struct Delivery {
    /// The app.
    pub app: AppNumber,
    /// The queue it belongs to, as this user's devices name it.
    pub queue: Queue,
    /// Its position; [`Seq::START`] for a passing one.
    pub seq: Seq,
    /// The entry.
    pub entry: Arc<Entry>,
    /// How many countable messages the log holds up to and with this one.
    pub countable: u64,
    /// Room for a door's encoded form, so that it is made once for all sessions.
    pub encoded: OnceLock<Encoded>,
}

/// What is said in a chat room, for all sessions of which it is the same: to be handed to their sockets
/// at once, and to be dropped where these do not keep up. Nobody acknowledges it.
#[derive(Debug)]
pub struct RoomPage {
    /// The app's key, `org#app`.
    pub app_key: Arc<str>,
    /// The room.
    pub room: GroupId,
    /// The entries, in their order.
    pub entries: Vec<Arc<Entry>>,
    /// The highest priority of them.
    pub priority: Priority,
    /// Room for a door's encoded form, so that it is made once for all sessions.
    pub encoded: OnceLock<Encoded>,
}

/// What is dropped first in a chat room where there is too much (msync section 5.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Before all others.
    Low,
    /// After those of low priority.
    #[default]
    Normal,
    /// Last. Events of rooms have it, too.
    High,
}

impl Priority {
    /// The number by which clients know it.
    pub const fn tag(self) -> i64 {
        match self {
            Self::High => 0,
            Self::Normal => 1,
            Self::Low => 2,
        }
    }

    /// The priority of that number; a number that means nothing is normal.
    pub const fn of_tag(tag: i64) -> Self {
        match tag {
            0 => Self::High,
            2 => Self::Low,
            _ => Self::Normal,
        }
    }
}

/// What a door keeps with a delivery. Opaque here.
pub type Encoded = Box<dyn Any + Send + Sync>;

/// Which sessions of a user end, and what their devices are told.
#[derive(Debug, Clone)]
pub struct Kick {
    /// Which sessions.
    pub which: Which,
    /// Why.
    pub reason: KickReason,
    /// A text from the device that kicks, shown by the SDK to the app.
    pub note: String,
}

/// Which sessions of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// Those of one device.
    Device(Resource),
    /// One session, by the number that its attachment has.
    Session(u64),
}

/// Why sessions end (msync section 3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KickReason {
    /// The user was deleted or deactivated.
    UserRemoved,
    /// The device, or one too many, logged in elsewhere.
    AnotherDevice,
    /// The password was changed.
    PasswordChanged,
    /// An administrator or another device logged it out.
    ByOtherDevice,
    /// What let it in was revoked.
    Revoked,
    /// It is outside the app's geofence.
    Outside,
}
