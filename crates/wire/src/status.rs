//! How a login or a sent meta went.

/// The outcome. An empty one means that all is well.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Status {
    /// An [`ErrorCode`]; absent means [`ErrorCode::Ok`].
    #[prost(enumeration = "ErrorCode", optional, tag = "1")]
    pub error_code: Option<i32>,
    /// The reason. The client compares some texts exactly.
    #[prost(string, optional, tag = "2")]
    pub reason: Option<String>,
    /// Not followed by the client.
    #[prost(message, repeated, tag = "3")]
    pub redirect_info: Vec<RedirectInfo>,
}

impl Status {
    /// All is well, as an empty message.
    pub const OK: Self = Self { error_code: None, reason: None, redirect_info: Vec::new() };

    /// Refused with `code` (an [`ErrorCode`]'s number) for `reason`.
    pub fn refused(code: i32, reason: &str) -> Self {
        Self { error_code: Some(code), reason: Some(reason.to_owned()), redirect_info: Vec::new() }
    }
}

/// Another server's address.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct RedirectInfo {
    /// Its host name.
    #[prost(string, optional, tag = "1")]
    pub host: Option<String>,
    /// Its port.
    #[prost(uint32, optional, tag = "2")]
    pub port: Option<u32>,
}

/// Why something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum ErrorCode {
    /// Not refused.
    Ok = 0,
    /// The reason says it.
    Fail = 1,
    /// Not admitted.
    Unauthorized = 2,
    /// Something mandatory is missing.
    MissingParameter = 3,
    /// Something is out of range.
    WrongParameter = 4,
    /// Another server is responsible.
    Redirect = 5,
    /// The token's life is over. The client reacts to [`Fail`](Self::Fail) with the right text only.
    TokenExpired = 6,
    /// Not allowed. The client hangs unless it knows the reason's text.
    PermissionDenied = 7,
    /// No way to the recipient.
    NoRoute = 8,
    /// A command that the server does not know.
    UnknownCommand = 9,
    /// The frame cannot be parsed.
    PbParserError = 10,
    /// Another device holds the place.
    BindAnotherDevice = 11,
    /// The service is closed to this user.
    ImForbidden = 12,
    /// The user has too many devices.
    TooManyDevices = 13,
    /// The platform's bound is reached.
    PlatformLimit = 14,
    /// The user is muted in the group or room.
    UserMuted = 15,
    /// Encryption is off.
    EncryptDisable = 16,
    /// Encryption is on.
    EncryptEnable = 17,
    /// The frame does not decrypt.
    DecryptFailure = 18,
    /// Refused by a moderator or a callback; the reason is shown to the user.
    PermissionDeniedExternal = 19,
}
