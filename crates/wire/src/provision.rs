//! The login.

use std::fmt;

use crate::{EncryptType, Status};

/// PROVISION: from the client who it is, to the client how it went.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct Provision {
    /// The platform, an [`OsType`].
    #[prost(enumeration = "OsType", optional, tag = "1")]
    pub os_type: Option<i32>,
    /// The client's version.
    #[prost(string, optional, tag = "2")]
    pub version: Option<String>,
    /// The client's network, a [`NetworkType`].
    #[prost(enumeration = "NetworkType", optional, tag = "3")]
    pub network_type: Option<i32>,
    /// Never used.
    #[prost(string, optional, tag = "4")]
    pub app_sign: Option<String>,
    /// Ways of compression that the client offers, each a [`CompressType`].
    #[prost(enumeration = "CompressType", repeated, packed = "false", tag = "5")]
    pub compress_type: Vec<i32>,
    /// Ways of encryption that the client offers, each an [`EncryptType`].
    #[prost(enumeration = "EncryptType", repeated, packed = "false", tag = "6")]
    pub encrypt_type: Vec<i32>,
    /// Never used.
    #[prost(string, optional, tag = "7")]
    pub encrypt_key: Option<String>,
    /// To the client: how the login went. Never absent there.
    #[prost(message, optional, tag = "8")]
    pub status: Option<Status>,
    /// The device's own number.
    #[prost(string, optional, tag = "9")]
    pub device_uuid: Option<String>,
    /// Never used.
    #[prost(bool, optional, tag = "10")]
    pub is_manual_login: Option<bool>,
    /// Never used by web clients.
    #[prost(string, optional, tag = "11")]
    pub password: Option<String>,
    /// What the user calls the device.
    #[prost(string, optional, tag = "12")]
    pub device_name: Option<String>,
    /// The device's name in addresses; the server must send it back.
    #[prost(string, optional, tag = "13")]
    pub resource: Option<String>,
    /// Never used by web clients.
    #[prost(string, optional, tag = "14")]
    pub auth: Option<String>,
    /// Never used by web clients.
    #[prost(string, optional, tag = "16")]
    pub service_id: Option<String>,
    /// The version of the login, `v5.1`.
    #[prost(string, optional, tag = "17")]
    pub action_version: Option<String>,
    /// From the client JSON with its token; to the client JSON with the absolute time (milliseconds
    /// since 1970) at which the token ends.
    #[prost(string, optional, tag = "18")]
    pub auth_token: Option<String>,
    /// The platform's number with [`OsType::Custom`].
    #[prost(uint32, optional, tag = "19")]
    pub os_custom_value: Option<u32>,
    /// The client's own mark of this login.
    #[prost(string, optional, tag = "20")]
    pub session_id: Option<String>,
    /// What a device that this login drives out is told.
    #[prost(string, optional, tag = "21")]
    pub reason: Option<String>,
}

/// Shows no token, password or name.
impl fmt::Debug for Provision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provision")
            .field("os_type", &self.os_type)
            .field("version", &self.version)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// A client's platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum OsType {
    /// iOS.
    Ios = 0,
    /// Android.
    Android = 1,
    /// Linux.
    Linux = 2,
    /// macOS.
    Osx = 3,
    /// Windows.
    Win = 4,
    /// A platform of the app's own, numbered in [`Provision::os_custom_value`].
    Custom = 5,
    /// Any other; browsers.
    Other = 16,
}

/// A client's network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum NetworkType {
    /// None, or not known.
    None = 0,
    /// Wireless LAN.
    Wifi = 1,
    /// Mobile, fourth generation.
    Mobile4G = 2,
    /// Mobile, third generation.
    Mobile3G = 3,
    /// Mobile, second generation.
    Mobile2G = 4,
    /// Wired.
    Wire = 5,
}

/// Compression of frames. Web clients offer none only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum CompressType {
    /// Plain frames.
    None = 0,
    /// zlib.
    Zlib = 1,
}
