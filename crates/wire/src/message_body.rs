//! The body of [`NameSpace::Chat`](crate::NameSpace::Chat): messages and what is said about them.
//!
//! These types build bodies (REST, receipts) and show them (history over REST, callbacks, tests).
//! A body that a client sent is stored and delivered as the bytes that came;
//! [`content`](crate::content) judges those.

use crate::{Jid, KeyValue};

/// A message, a receipt, a recall or an edit.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MessageBody {
    /// What it is, a [`MessageType`].
    #[prost(enumeration = "MessageType", optional, tag = "1")]
    pub kind: Option<i32>,
    /// The sender's name, without anything else. This, not the envelope's, is what apps see.
    #[prost(message, optional, tag = "2")]
    pub from: Option<Jid>,
    /// The recipient's name, without anything else.
    #[prost(message, optional, tag = "3")]
    pub to: Option<Jid>,
    /// What it says. Clients look at the first only.
    #[prost(message, repeated, tag = "4")]
    pub contents: Vec<Content>,
    /// The app's own data.
    #[prost(message, repeated, tag = "5")]
    pub ext: Vec<KeyValue>,
    /// In receipts and recalls: the server's id of the message that is meant.
    #[prost(uint64, optional, tag = "6")]
    pub ack_message_id: Option<u64>,
    /// How the message wants to be treated.
    #[prost(message, optional, tag = "7")]
    pub msg_config: Option<MessageConfig>,
    /// In a group's read receipt: what the reader adds.
    #[prost(string, optional, tag = "8")]
    pub ack_content: Option<String>,
    /// Compact JSON about the message: reactions, translations, edits, threads.
    #[prost(string, optional, tag = "9")]
    pub meta: Option<String>,
    /// In an edit: the server's id of the message that is meant.
    #[prost(uint64, optional, tag = "11")]
    pub edit_message_id: Option<u64>,
    /// In an edit: what it replaces, an [`EditScope`].
    #[prost(enumeration = "EditScope", optional, tag = "12")]
    pub edit_scope: Option<i32>,
}

/// What a [`MessageBody`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum MessageType {
    /// Not used by web clients.
    Normal = 0,
    /// A message to one user.
    Chat = 1,
    /// A message to a group or thread.
    GroupChat = 2,
    /// A message to a chat room.
    ChatRoom = 3,
    /// The reader says that a message was read.
    ReadAck = 4,
    /// The recipient's device says that a message arrived.
    DeliverAck = 5,
    /// The sender takes a message back.
    Recall = 6,
    /// The reader says that a whole conversation was read.
    ChannelAck = 7,
    /// The sender replaces a message's content.
    Edit = 8,
}

/// What an edit replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum EditScope {
    /// The content.
    Body = 1,
    /// The content and the app's own data.
    BodyAndExt = 2,
}

/// How a message wants to be treated.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct MessageConfig {
    /// Readers in a group send receipts.
    #[prost(bool, optional, tag = "1")]
    pub allow_group_ack: Option<bool>,
}

/// What a message says.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Content {
    /// Which of the fields count, a [`ContentType`].
    #[prost(enumeration = "ContentType", optional, tag = "1")]
    pub kind: Option<i32>,
    /// The text.
    #[prost(string, optional, tag = "2")]
    pub text: Option<String>,
    /// Degrees north.
    #[prost(double, optional, tag = "3")]
    pub latitude: Option<f64>,
    /// Degrees east.
    #[prost(double, optional, tag = "4")]
    pub longitude: Option<f64>,
    /// A location's address.
    #[prost(string, optional, tag = "5")]
    pub address: Option<String>,
    /// A file's name.
    #[prost(string, optional, tag = "6")]
    pub display_name: Option<String>,
    /// A file's URL.
    #[prost(string, optional, tag = "7")]
    pub remote_path: Option<String>,
    /// What the file's URL asks for.
    #[prost(string, optional, tag = "8")]
    pub secret_key: Option<String>,
    /// A file's length in bytes.
    #[prost(int32, optional, tag = "9")]
    pub file_length: Option<i32>,
    /// A command's name.
    #[prost(string, optional, tag = "10")]
    pub action: Option<String>,
    /// A command's parameters.
    #[prost(message, repeated, tag = "11")]
    pub params: Vec<KeyValue>,
    /// Seconds of sound or pictures.
    #[prost(int32, optional, tag = "12")]
    pub duration: Option<i32>,
    /// A picture's size.
    #[prost(message, optional, tag = "13")]
    pub size: Option<Size>,
    /// The thumbnail's URL.
    #[prost(string, optional, tag = "14")]
    pub thumbnail_remote_path: Option<String>,
    /// What the thumbnail's URL asks for.
    #[prost(string, optional, tag = "15")]
    pub thumbnail_secret_key: Option<String>,
    /// The thumbnail's name.
    #[prost(string, optional, tag = "16")]
    pub thumbnail_display_name: Option<String>,
    /// The thumbnail's length in bytes.
    #[prost(int32, optional, tag = "17")]
    pub thumbnail_file_length: Option<i32>,
    /// The thumbnail's size.
    #[prost(message, optional, tag = "18")]
    pub thumbnail_size: Option<Size>,
    /// A custom message's event.
    #[prost(string, optional, tag = "19")]
    pub custom_event: Option<String>,
    /// A custom message's parameters.
    #[prost(message, repeated, tag = "20")]
    pub custom_exts: Vec<KeyValue>,
    /// A location's building.
    #[prost(string, optional, tag = "21")]
    pub building_name: Option<String>,
    /// A [`ContentSubType`]. Means something at 0 too, so it must stay absent where it was absent.
    #[prost(enumeration = "ContentSubType", optional, tag = "22")]
    pub sub_type: Option<i32>,
    /// A combined message's title.
    #[prost(string, optional, tag = "23")]
    pub title: Option<String>,
    /// A combined message's summary.
    #[prost(string, optional, tag = "24")]
    pub summary: Option<String>,
    /// How deep combined messages are nested.
    #[prost(int32, optional, tag = "25")]
    pub combine_level: Option<i32>,
}

/// Which kind a [`Content`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum ContentType {
    /// A text; with [`ContentSubType::Combine`] combined messages.
    Text = 0,
    /// A picture.
    Image = 1,
    /// A film.
    Video = 2,
    /// A place.
    Location = 3,
    /// Speech.
    Voice = 4,
    /// Any file.
    File = 5,
    /// A command to the other app.
    Command = 6,
    /// A message of the app's own kind.
    Custom = 7,
    /// Combined messages; accepted, while web clients send a text with a sub-type.
    Combine = 8,
}

/// A closer kind of a [`Content`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum ContentSubType {
    /// Combined messages.
    Combine = 0,
    /// A moving picture.
    Gif = 1,
}

/// A picture's size in pixels.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Size {
    /// Pixels across.
    #[prost(double, optional, tag = "1")]
    pub width: Option<f64>,
    /// Pixels down.
    #[prost(double, optional, tag = "2")]
    pub height: Option<f64>,
}
