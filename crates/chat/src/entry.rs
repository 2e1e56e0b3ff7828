//! Entries of the two kinds of log, and the form in which they are stored.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use stoa_core::{AppNumber, ConversationId, MessageId, Resource, Seq, Timestamp, UserId};

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
}

impl Kind {
    /// Whether it is a message, in contrast to a receipt.
    pub const fn is_message(self) -> bool {
        !matches!(
            self,
            Self::Unknown | Self::ReadReceipt | Self::DeliveryReceipt | Self::ConversationReceipt
        )
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
    pub to: UserId,
    /// Only for this device of the recipient.
    pub only_resource: Option<Resource>,
    /// The body as the client encoded it (`MessageBody` of MSYNC); chat does not look inside.
    pub body: Bytes,
    /// The encoded `ext` of the frame's meta, fields as the client sent them; usually empty.
    pub ext: Bytes,
}

impl Entry {
    /// Whether the device `resource` of `user` is to receive it: every device does, except the one
    /// that said it and, for a message to one device, the others.
    pub fn concerns(&self, user: &UserId, resource: &Resource) -> bool {
        if *user == self.from && *resource == self.from_resource {
            return false;
        }
        match &self.only_resource {
            Some(only) if *user == self.to => only == resource,
            // The sender's other devices learn of it only where it is a message to another user.
            Some(_) => self.from != self.to,
            None => true,
        }
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

/// A log as one user's devices see it: what the SDK calls a queue.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Queue {
    /// The conversation with this user.
    With(UserId),
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
            Self::OwnLog => Self::OWN_LOG,
        }
    }

    /// The queue that the SDK calls `name`; none if no user can have that name.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == Self::OWN_LOG {
            return Some(Self::OwnLog);
        }
        name.parse().ok().map(Self::With)
    }

    /// The log behind the queue, for `user`.
    pub fn log(&self, user: &UserId) -> Log {
        match self {
            Self::With(peer) => Log::Conversation(ConversationId::one_to_one(user, peer)),
            Self::OwnLog => Log::User(user.clone()),
        }
    }

    /// What `user`'s devices call `log`.
    pub fn of(log: &Log, user: &UserId) -> Self {
        match log {
            Log::Conversation(conversation) => Self::With(conversation.name_for(user).clone()),
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
    /// Sessions are to end.
    Kick(Kick),
    /// The user presented a newer token: sessions of this device live until then.
    Renewed {
        /// The new end.
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
    /// Room for a door's encoded form, so that it is made once for all sessions.
    pub encoded: OnceLock<Encoded>,
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
}
