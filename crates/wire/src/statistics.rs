//! The body of [`NameSpace::Statistic`](crate::NameSpace::Statistic): facts about the client, and
//! forced logout.

use crate::{NetworkType, OsType};

/// What a client tells about itself, or why it must leave.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct StatisticsBody {
    /// What it is, a [`StatisticsOperation`].
    #[prost(enumeration = "StatisticsOperation", optional, tag = "1")]
    pub operation: Option<i32>,
    /// The platform, an [`OsType`].
    #[prost(enumeration = "OsType", optional, tag = "2")]
    pub os: Option<i32>,
    /// The client's version.
    #[prost(string, optional, tag = "3")]
    pub version: Option<String>,
    /// The client's network, a [`NetworkType`].
    #[prost(enumeration = "NetworkType", optional, tag = "4")]
    pub network: Option<i32>,
    /// How long the client was connected.
    #[prost(uint32, optional, tag = "5")]
    pub im_time: Option<u32>,
    /// How long the user chatted.
    #[prost(uint32, optional, tag = "6")]
    pub chat_time: Option<u32>,
    /// To the client: JSON with read counts of groups.
    #[prost(string, optional, tag = "7")]
    pub location: Option<String>,
    /// In a forced logout: what the device that caused it had to say.
    #[prost(string, optional, tag = "10")]
    pub reason: Option<String>,
}

/// What a [`StatisticsBody`] is. All but the first end the session: the client does not come back
/// by itself, and waits for the server to close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum StatisticsOperation {
    /// Facts.
    Information = 0,
    /// The account was removed.
    UserRemoved = 1,
    /// The user logged in on another device.
    UserLoginAnotherDevice = 2,
    /// The user's password was changed.
    UserKickedByChangePassword = 3,
    /// Another device, or an administrator, logged this device out.
    UserKickedByOtherDevice = 4,
}
