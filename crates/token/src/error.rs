//! Why a token is refused, and what each kind of peer is told.
//!
//! The classes are those of the token specification, section 7; the codes those of section 12.

/// Why a token was refused: exactly one class, fixed by the order in which verification proceeds.
///
/// The class is for logs and for callers inside the server. Tell a remote party no more than
/// [`Error::public_reason`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Error {
    /// The text is longer than [`crate::MAX_TOKEN_BYTES`] or inflates to more than
    /// [`crate::MAX_CONTENT_BYTES`].
    #[error("the token is larger than allowed")]
    TooLarge,
    /// The text starts with no version that is accepted.
    #[error("the token's version is not supported")]
    UnsupportedVersion,
    /// The rest of the text is not strict base64.
    #[error("the token is not base64")]
    BadBase64,
    /// What base64 yields is not one whole zlib stream.
    #[error("the token is not a zlib stream")]
    BadZlib,
    /// A field runs past the end.
    #[error("the token ends within a field")]
    Truncated,
    /// Bytes are left over after the end.
    #[error("the token has bytes after its end")]
    TrailingData,
    /// A field has a value that it must not have.
    #[error("a field of the token is invalid")]
    InvalidField,
    /// The token was made for another app.
    #[error("the token is for another app")]
    AppIdMismatch,
    /// No enabled certificate made the signature.
    #[error("no certificate of the app made the token's signature")]
    BadSignature,
    /// The token was issued in the future, by more than [`crate::CLOCK_SKEW_S`].
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The token's time is over.
    #[error("the token has expired")]
    Expired,
    /// The token has no entry for the service.
    #[error("the token does not name the service")]
    ServiceMissing,
    /// The token's entries are for other channels.
    #[error("the token is for another channel")]
    ChannelMismatch,
    /// The token's entries are for other rooms.
    #[error("the token is for another room")]
    RoomMismatch,
    /// The token's entries are for other users.
    #[error("the token is for another user")]
    UserMismatch,
    /// The token does not grant the privilege.
    #[error("the token does not grant the privilege")]
    PrivilegeMissing,
    /// The privilege's own time is over.
    #[error("the privilege in the token has expired")]
    PrivilegeExpired,
    /// The token does not list the resource.
    #[error("the token does not grant the permission on the resource")]
    PermissionMissing,
}

impl Error {
    /// Every class.
    pub const ALL: [Self; 18] = [
        Self::TooLarge,
        Self::UnsupportedVersion,
        Self::BadBase64,
        Self::BadZlib,
        Self::Truncated,
        Self::TrailingData,
        Self::InvalidField,
        Self::AppIdMismatch,
        Self::BadSignature,
        Self::NotYetValid,
        Self::Expired,
        Self::ServiceMissing,
        Self::ChannelMismatch,
        Self::RoomMismatch,
        Self::UserMismatch,
        Self::PrivilegeMissing,
        Self::PrivilegeExpired,
        Self::PermissionMissing,
    ];

    /// The class's name in the specification, in vectors and in logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::UnsupportedVersion => "unsupported_version",
            Self::BadBase64 => "bad_base64",
            Self::BadZlib => "bad_zlib",
            Self::Truncated => "truncated",
            Self::TrailingData => "trailing_data",
            Self::InvalidField => "invalid_field",
            Self::AppIdMismatch => "app_id_mismatch",
            Self::BadSignature => "bad_signature",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::ServiceMissing => "service_missing",
            Self::ChannelMismatch => "channel_mismatch",
            Self::RoomMismatch => "room_mismatch",
            Self::UserMismatch => "user_mismatch",
            Self::PrivilegeMissing => "privilege_missing",
            Self::PrivilegeExpired => "privilege_expired",
            Self::PermissionMissing => "permission_missing",
        }
    }

    /// Whether the token (or the privilege) was good once and its time is over: a client should
    /// fetch a fresh one.
    pub const fn is_expired(self) -> bool {
        matches!(self, Self::Expired | Self::PrivilegeExpired)
    }

    /// Whether the token is genuine but grants less than was asked.
    const fn is_forbidden(self) -> bool {
        matches!(self, Self::PrivilegeMissing | Self::PermissionMissing)
    }

    /// All that a remote party may be told: `"expired"` or `"invalid"`.
    pub const fn public_reason(self) -> &'static str {
        if self.is_expired() { "expired" } else { "invalid" }
    }

    /// The HTTP status: 401, or 403 for a genuine token that does not reach far enough.
    pub const fn http_status(self) -> u16 {
        if self.is_forbidden() { 403 } else { 401 }
    }

    /// The RTC client's code when it joins: 109 expired, 110 invalid. (101 is for an App ID that
    /// is itself malformed, which the caller sees before it looks at the token.)
    pub const fn rtc_join_code(self) -> u16 {
        if self.is_expired() { 109 } else { 110 }
    }

    /// The RTC client's code when it renews the token of a running session: 2 expired, 3 invalid,
    /// 4 another channel, 5 another App ID.
    pub const fn rtc_renewal_code(self) -> u16 {
        match self {
            Self::Expired | Self::PrivilegeExpired => 2,
            Self::ChannelMismatch => 4,
            Self::AppIdMismatch => 5,
            _ => 3,
        }
    }

    /// The RTM 1.x login code: 4 invalid App ID, 5 invalid token, 6 expired, 7 not authorised.
    pub const fn rtm_login_code(self) -> u16 {
        match self {
            Self::AppIdMismatch => 4,
            Self::Expired | Self::PrivilegeExpired => 6,
            Self::PrivilegeMissing | Self::PermissionMissing => 7,
            _ => 5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_one_name_and_its_codes() {
        let mut names: Vec<_> = Error::ALL.iter().map(|e| e.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Error::ALL.len());

        let codes = |e: Error| (e.http_status(), e.rtc_join_code(), e.rtm_login_code());
        assert_eq!(codes(Error::BadZlib), (401, 110, 5));
        assert_eq!(codes(Error::AppIdMismatch), (401, 110, 4));
        assert_eq!(codes(Error::BadSignature), (401, 110, 5));
        assert_eq!(codes(Error::Expired), (401, 109, 6));
        assert_eq!(codes(Error::PrivilegeExpired), (401, 109, 6));
        assert_eq!(codes(Error::UserMismatch), (401, 110, 5));
        assert_eq!(codes(Error::PrivilegeMissing), (403, 110, 7));
        assert_eq!(Error::ALL.map(Error::rtc_renewal_code).iter().filter(|c| **c == 3).count(), 14);
        assert_eq!(Error::PrivilegeExpired.public_reason(), "expired");
        assert_eq!(Error::AppIdMismatch.public_reason(), "invalid");
    }
}
