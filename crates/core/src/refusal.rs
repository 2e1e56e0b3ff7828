//! The one table from what went wrong to what each door says.
//!
//! A domain error names its [`Refusal`]; REST and MSYNC read their answer from here, so that the
//! same fault is told in the vendor's words at both doors (chat-rest section 1.6; msync sections
//! 3.2, 4.5 and 9.0.1). The three answers that hang the SDK (msync section 0, item 12) cannot be
//! written: no row has HTTP 406, and code 7 appears only with reasons that the SDK knows.

/// What a REST door answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestRefusal {
    /// HTTP status.
    pub status: u16,
    /// The envelope's `error`.
    pub error: &'static str,
    /// The envelope's `exception`: the vendor's class name, which some clients compare.
    pub exception: &'static str,
}

/// What an MSYNC door answers: `Status` of a `Provision` or `CommSyncDL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MsyncStatus {
    /// `Status.ErrorCode`.
    pub code: i32,
    /// `Status.reason`: the exact text that the SDK compares, where there is one.
    pub reason: &'static str,
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident => $status:literal $error:literal $exception:literal, $code:literal $reason:literal;)*) => {
        /// Why a request is refused, in the domain's terms.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Refusal { $($(#[$doc])* $name,)* }

        impl Refusal {
            /// Every row of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The answer over REST.
            pub const fn rest(self) -> RestRefusal {
                match self { $(Self::$name => RestRefusal { status: $status, error: $error, exception: $exception },)* }
            }

            /// The answer over MSYNC.
            pub const fn msync(self) -> MsyncStatus {
                match self { $(Self::$name => MsyncStatus { code: $code, reason: $reason },)* }
            }
        }
    };
}

refusals! {
    /// The body is not JSON.
    NotJson => 400 "json_parse" "JsonParseException", 1 "Sorry, format is incorrect";
    /// A field is missing, of the wrong type or out of range.
    IllegalArgument => 400 "illegal_argument" "IllegalArgumentException", 4 "Sorry, invalid parameter";
    /// A field that the operation does not have or cannot change.
    InvalidParameter => 400 "invalid_parameter" "InvalidParameterException", 4 "Sorry, invalid parameter";
    /// The name exists already.
    NameTaken => 400 "duplicate_unique_property_exists" "DuplicateUniquePropertyExistsException", 1 "the name exists already";
    /// A grant with a wrong name, password or client secret.
    InvalidGrant => 400 "invalid_grant" "OAuthProblemException", 1 "Sorry, token or password does not match login info";
    /// The message is larger than allowed.
    TooLarge => 413 "illegal_argument" "IllegalArgumentException", 7 "Sorry, data is too large";
    /// No token, or one whose rights do not reach.
    Unauthorized => 401 "unauthorized" "SecurityException", 1 "Sorry, token or password does not match login info";
    /// The token has expired.
    TokenExpired => 401 "unauthorized" "SecurityException", 1 "Sorry, token expired";
    /// The token is not one, or was not made for this app.
    BadToken => 401 "auth_bad_access_token" "SecurityException", 1 "Sorry, token or password does not match login info";
    /// Registration without an app token, in an app that does not allow it.
    RegistrationClosed => 401 "unauthorized" "SecurityException", 1 "Sorry, registration is not open";
    /// The act is not allowed to this caller.
    Forbidden => 403 "forbidden_op" "ForbiddenOpException", 1 "Sorry, You do not have permission";
    /// The client's network is outside the app's geofence (classroom section 6: 403).
    Outside => 403 "forbidden_op" "ForbiddenOpException", 1 "Sorry, your network is outside the service area";
    /// A class room's token for something else, or another token for a class room.
    OutsideClass => 403 "forbidden_op" "ForbiddenOpException", 1 "Sorry, the token is for a class room and reaches its chat alone";
    /// Something that is done to a class room, and not to its chat room.
    ClassDecides => 403 "forbidden_op" "ForbiddenOpException", 1 "Sorry, the chat room is a class room's";
    /// The user was deactivated by an administrator.
    Deactivated => 403 "forbidden_op" "ForbiddenOpException", 12 "user is deactivated";
    /// No app has that key.
    UnknownApp => 404 "organization_application_not_found" "OrganizationApplicationNotFoundException", 1 "Sorry, token or password does not match login info";
    /// The app lives in another data centre. Over MSYNC the reason names its address.
    Elsewhere => 421 "region_mismatch" "RegionMismatchException", 1 "Sorry, the app lives in another region";
    /// No user has that name.
    UnknownUser => 404 "service_resource_not_found" "UserNotFoundException", 1 "Sorry, user not found";
    /// No user has the name that a message is for. The SDK looks for these words.
    UnknownRecipient => 404 "resource_not_found" "ResourceNotFoundException", 1 "the recipient's username doesn't exist!";
    /// No user has the name of somebody who is to become a member of a group.
    UnknownMember => 404 "resource_not_found" "ResourceNotFoundException", 1 "Sorry, user not found";
    /// No message has that id, or it is over.
    UnknownMessage => 404 "service_resource_not_found" "MessageUnavailableException", 1 "Sorry, message does not exist";
    /// The message was sent too long ago to be taken back.
    RecallTooLate => 403 "forbidden_op" "ForbiddenOpException", 1 "exceed recall time limit";
    /// The app does not let messages be taken back.
    RecallDisabled => 403 "forbidden_op" "ForbiddenOpException", 1 "message recall disabled";
    /// The message was changed as often as it may be.
    EditLimit => 403 "exceed_limit" "EditLimitExceeded", 1 "Sorry, edit limit reached";
    /// A message of that kind cannot be changed, or not into that.
    EditFormat => 400 "illegal_argument" "UnsupportedMessageType", 1 "Sorry, format is incorrect";
    /// The app's plan has no reports.
    ReportsClosed => 403 "forbidden_op" "ForbiddenOpException", 1 "message report not open";
    /// No group has that id.
    UnknownGroup => 404 "service_resource_not_found" "ResourceNotFoundException", 1 "group not found";
    /// No chat room has that id. The SDK looks for these words.
    UnknownRoom => 404 "service_resource_not_found" "ResourceNotFoundException", 1 "grpID does not exist!";
    /// The user is not a member of the group.
    NotInGroup => 403 "forbidden_op" "ForbiddenOpException", 1 "not in group or chatroom";
    /// The user is a member of the group already.
    AlreadyInGroup => 403 "forbidden_op" "ForbiddenOpException", 1 "already in group";
    /// The user is on the group's block list.
    BlockedByGroup => 403 "forbidden_op" "ForbiddenOpException", 1 "can not join this group, the user is in the blacklist";
    /// The group has as many members as it may have.
    GroupFull => 403 "forbidden_op" "ForbiddenOpException", 1 "group member list is full!";
    /// The group is switched off.
    GroupDisabled => 403 "forbidden_op" "ForbiddenOpException", 1 "group is disabled";
    /// It cannot be done to a group's owner.
    IsOwner => 403 "forbidden_op" "ForbiddenOpException", 1 "Sorry, You do not have permission";
    /// The sender is muted in the group.
    Muted => 403 "forbidden_op" "ForbiddenOpException", 15 "the user is muted";
    /// All are muted but those on the allow list.
    NotAllowListed => 403 "forbidden_op" "ForbiddenOpException", 1 "not in group or chatroom white list";
    /// The recipient has blocked the sender.
    Blocked => 403 "forbidden_op" "ForbiddenOpException", 1 "blocked";
    /// Only contacts may write to each other.
    NotContacts => 403 "forbidden_op" "ForbiddenOpException", 1 "nonroster";
    /// No invitation of that user waits for an answer.
    NoInvitation => 404 "resource_not_found" "ResourceNotFoundException", 1 "no such invitation";
    /// Only of a contact something can be noted. The SDK takes these words alone.
    NotFriends => 400 "illegal_argument" "IllegalArgumentException", 1 "nonroster";
    /// The text of a presence is too large. The SDK takes these words alone.
    PresenceTooBig => 400 "illegal_argument" "IllegalArgumentException", 1 "ext is too big";
    /// The message names too many members.
    TooManyReceivers => 400 "illegal_argument" "IllegalArgumentException", 1 "limit directed users";
    /// A plan or a bound of the server allows no more.
    LimitReached => 403 "exceed_limit" "ExceedLimitException", 1 "limit reached";
    /// The app's plan does not have it.
    NotInPlan => 403 "forbidden_op" "ForbiddenOpException", 1 "service not open!";
    /// No file has that id, or its time is over. The SDK looks for this word.
    FileExpired => 404 "file_expired" "FileExpiredException", 1 "the file has expired";
    /// The file is not for this caller, or the secret is not its own.
    FileForbidden => 403 "forbidden_op" "ForbiddenOpException", 1 "Sorry, You do not have permission";
    /// An upload that is not one. Not 400, which the SDK does not survive here (msync section 9.15).
    BadUpload => 422 "illegal_argument" "IllegalArgumentException", 4 "Sorry, invalid parameter";
    /// The range that is asked for lies behind the end of the file.
    BadRange => 416 "illegal_argument" "IllegalArgumentException", 4 "Sorry, invalid parameter";
    /// There is no space left for a file.
    NoSpace => 507 "insufficient_storage" "InsufficientStorageException", 1 "the server has no space left";
    /// A path that the server does not serve.
    UnknownPath => 404 "service_resource_not_found" "ServiceResourceNotFoundException", 9 "unknown command";
    /// A method that the path does not serve.
    MethodNotAllowed => 405 "web_application" "WebApplicationException", 9 "unknown command";
    /// The same act is under way.
    Concurrent => 409 "conflict" "ConcurrentOperationException", 1 "a concurrent operation is under way, try again";
    /// The body is of a media type that the path does not take.
    MediaType => 415 "web_application" "WebApplicationException", 1 "Sorry, format is incorrect";
    /// Too many calls in a short time.
    RateLimited => 429 "reach_limit" "LimitReachedException", 7 "traffic limit";
    /// The frame or meta cannot be read.
    Malformed => 400 "illegal_argument" "IllegalArgumentException", 10 "the message cannot be parsed";
    /// A part of the meta is missing.
    MissingPart => 400 "illegal_argument" "IllegalArgumentException", 3 "a mandatory part is missing";
    /// A thing that this server does not do.
    Unsupported => 400 "unsupported_service_operation" "UnsupportedOperationException", 9 "the operation is not supported";
    /// The server cannot do it at present; nothing was done.
    Unavailable => 503 "service_unavailable" "ServiceUnavailableException", 1 "the server is busy, try again";
    /// A fault of the server; the details are in its log.
    Internal => 500 "internal_error" "InternalServerErrorException", 1 "internal server error";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reasons that settle an SDK promise when sent with code 7 (msync sections 3.2 and 4.5).
    const SEVEN: &[&str] = &[
        "sensitive words",
        "blocked by mod_antispam",
        "user is mute",
        "traffic limit",
        "Sorry, data is too large",
    ];

    #[test]
    fn no_answer_hangs_the_sdk() {
        for refusal in Refusal::ALL {
            let (rest, msync) = (refusal.rest(), refusal.msync());
            assert_ne!(rest.status, 406, "{refusal:?}");
            assert!((400..600).contains(&rest.status), "{refusal:?}");
            assert!(msync.code != 7 || SEVEN.contains(&msync.reason), "{refusal:?}");
            assert!((1..=19).contains(&msync.code) && !msync.reason.is_empty(), "{refusal:?}");
        }
    }

    #[test]
    fn the_documented_errors_are_in_the_table() {
        for error in [
            "json_parse",
            "illegal_argument",
            "duplicate_unique_property_exists",
            "invalid_grant",
            "unauthorized",
            "auth_bad_access_token",
            "forbidden_op",
            "organization_application_not_found",
            "service_resource_not_found",
            "reach_limit",
            "web_application",
        ] {
            assert!(Refusal::ALL.iter().any(|r| r.rest().error == error), "{error}");
        }
        for reason in [
            "Sorry, token expired",
            "Sorry, token or password does not match login info",
            "Sorry, user not found",
            "Sorry, message does not exist",
            "traffic limit",
            "Sorry, data is too large",
            "Sorry, You do not have permission",
        ] {
            assert!(Refusal::ALL.iter().any(|r| r.msync().reason == reason), "{reason}");
        }
    }
}
