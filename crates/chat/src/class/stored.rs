//! What is stored of the chat of class rooms, besides what every chat room has.

use prost::Message;

/// CLASS_CHATS: the number of the class room.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ClassChat {
    #[prost(uint64, tag = "1")]
    pub(crate) number: u64,
}

/// CLASS_CHAT_USERS: somebody who has come into a class room.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ClassChatUser {
    /// The name in chat.
    #[prost(string, tag = "1")]
    pub(crate) username: String,
    /// The role in the class room, by its number.
    #[prost(uint32, tag = "2")]
    pub(crate) role: u32,
    /// May not into the chat room: was put out of the class.
    #[prost(bool, tag = "3")]
    pub(crate) is_out: bool,
}
