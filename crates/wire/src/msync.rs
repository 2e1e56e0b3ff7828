//! The outer frame: one WebSocket binary message.

use std::fmt;

use bytes::Bytes;

/// One frame in either direction.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct MSync {
    /// A [`Version`]; clients always write 0.
    #[prost(enumeration = "Version", optional, tag = "1")]
    pub version: Option<i32>,
    /// Who logs in: app key, user and device. In PROVISION from the client only.
    #[prost(message, optional, tag = "2")]
    pub guid: Option<crate::Jid>,
    /// `$t$` and the token. In PROVISION from the client only.
    #[prost(string, optional, tag = "3")]
    pub auth: Option<String>,
    /// Never used (the spelling is the schema's).
    #[prost(uint32, optional, tag = "4")]
    pub compress_algorimth: Option<u32>,
    /// Never used.
    #[prost(uint32, optional, tag = "5")]
    pub crypto: Option<u32>,
    /// Never used.
    #[prost(string, optional, tag = "6")]
    pub user_agent: Option<String>,
    /// Never used.
    #[prost(uint64, optional, tag = "7")]
    pub pov: Option<u64>,
    /// What the payload is, a [`Command`].
    #[prost(enumeration = "Command", optional, tag = "8")]
    pub command: Option<i32>,
    /// The message of the command; absent when a client asks for UNREAD.
    #[prost(bytes = "bytes", optional, tag = "9")]
    pub payload: Option<Bytes>,
    /// 0 in PROVISION, else absent.
    #[prost(uint32, optional, tag = "10")]
    pub device_id: Option<u32>,
    /// Ways of encryption that the client offers, each an [`EncryptType`].
    #[prost(enumeration = "EncryptType", repeated, packed = "false", tag = "11")]
    pub encrypt_type: Vec<i32>,
    /// Never used.
    #[prost(string, optional, tag = "12")]
    pub encrypt_key: Option<String>,
}

/// Shows neither the token nor what the payload says.
impl fmt::Debug for MSync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MSync")
            .field("command", &self.command.map(Command::try_from))
            .field("payload_bytes", &self.payload.as_ref().map(Bytes::len))
            .finish_non_exhaustive()
    }
}

/// Version of the protocol. The client writes the first whatever it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Version {
    /// The first version.
    V1 = 0,
    /// The second version.
    V2 = 1,
}

/// What an [`MSync`] carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Command {
    /// [`CommSyncUl`](crate::CommSyncUl) from the client, [`CommSyncDl`](crate::CommSyncDl) to it.
    Sync = 0,
    /// Nothing, or [`CommUnreadUl`](crate::CommUnreadUl), from the client; to it
    /// [`CommUnreadDl`](crate::CommUnreadDl).
    Unread = 1,
    /// [`CommNotice`](crate::CommNotice), to the client only.
    Notice = 2,
    /// [`Provision`](crate::Provision) in both directions: the login.
    Provision = 3,
}

/// Encryption of frames beneath TLS. Web clients offer none only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum EncryptType {
    /// Plain frames.
    None = 0,
    /// AES-128 in CBC mode.
    Aes128Cbc = 1,
    /// AES-256 in CBC mode.
    Aes256Cbc = 2,
}
