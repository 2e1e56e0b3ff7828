//! What can go wrong in chat, and whose fault it was.

use std::sync::Arc;
use std::time::Duration;

use stoa_blob::BlobError;
use stoa_core::{Country, Elsewhere, Refusal, TokenRefusal};
use stoa_store::StoreError;

/// A refusal of the chat rules, or a fault of the server. Messages are for whoever asked; they name
/// the field and what is allowed, never another user's data.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The caller gave a value that is not allowed.
    #[error("{field}: {problem}")]
    Argument {
        /// The name of the field as the door knows it.
        field: &'static str,
        /// What is wrong and what is allowed.
        problem: String,
    },
    /// No app has that key.
    #[error("no such app")]
    UnknownApp,
    /// The app lives in another data centre.
    #[error("{0}")]
    Elsewhere(Arc<Elsewhere>),
    /// The token admits nobody.
    #[error(transparent)]
    Token(#[from] TokenRefusal),
    /// The token is good but does not reach this far.
    #[error("the token does not allow this")]
    NotAllowed,
    /// No user of the app has that name.
    #[error("no such user")]
    UnknownUser,
    /// The one that a message is for does not exist.
    #[error("the recipient does not exist")]
    UnknownRecipient,
    /// No user has the name of somebody who is to become a member.
    #[error("username {0} doesn't exist")]
    UnknownMember(String),
    /// No message has that id, or its time is over.
    #[error("no such message")]
    UnknownMessage,
    /// The message was sent too long ago to be taken back.
    #[error("the message was sent too long ago to be taken back")]
    RecallTooLate,
    /// The app does not let messages be taken back.
    #[error("messages cannot be taken back in this app")]
    RecallDisabled,
    /// The message was changed as often as it may be.
    #[error("the message was changed as often as it may be")]
    EditLimit,
    /// A message of that kind cannot be changed, or not into that.
    #[error("only texts and custom messages can be changed, into one of their kind")]
    EditFormat,
    /// The app's plan has no reports.
    #[error("the app's plan has no reports of messages")]
    ReportsClosed,
    /// No group has that id.
    #[error("no such group")]
    UnknownGroup,
    /// No chat room has that id.
    #[error("the chat room does not exist")]
    UnknownRoom,
    /// The caller's standing in the group does not allow it.
    #[error("the operation is not allowed to this member")]
    Forbidden,
    /// The user is not a member of the group.
    #[error("the user is not a member of this group")]
    NotInGroup,
    /// The user is a member of the group already.
    #[error("the user is in this group already")]
    AlreadyInGroup,
    /// The user is on the group's block list.
    #[error("the user is on this group's block list")]
    BlockedByGroup,
    /// The group has as many members as it may have.
    #[error("the group is full")]
    GroupFull,
    /// The app's back end switched the group off.
    #[error("the group is disabled")]
    GroupDisabled,
    /// It cannot be done as things are; the text is the vendor's.
    #[error("{0}")]
    NotPossible(String),
    /// The group's owner cannot be treated so.
    #[error("this cannot be done to the group's owner")]
    IsOwner,
    /// The sender is muted in the group.
    #[error("the sender is muted")]
    Muted,
    /// All are muted, and the sender is not on the allow list.
    #[error("the sender is not on the group's allow list")]
    NotAllowListed,
    /// The one that a message is for has blocked its sender.
    #[error("the recipient has blocked the sender")]
    Blocked,
    /// Only contacts may write to each other, and the two are none.
    #[error("the two are not contacts")]
    NotContacts,
    /// No invitation of that user waits for an answer, or its time is over.
    #[error("there is no open invitation of that user")]
    NoInvitation,
    /// Something can be noted of contacts only.
    #[error("the two are no contacts")]
    NotFriends,
    /// The text of a presence is too large.
    #[error("ext is too big")]
    PresenceTooBig,
    /// The message names too many of the group's members.
    #[error("{0}")]
    TooManyReceivers(String),
    /// The app's plan, or a bound of the server, allows no more.
    #[error("{0}")]
    LimitReached(String),
    /// The app's plan does not have it.
    #[error("the app's plan does not have this")]
    NotInPlan,
    /// The user was deactivated by an administrator.
    #[error("the user is deactivated")]
    Deactivated,
    /// The client's network is outside the app's geofence.
    #[error(
        "this app serves clients in its service area only; your network is {}",
        country.map_or_else(|| "in no country that is known here".into(), |country| format!("in {country}"))
    )]
    Outside {
        /// Where it is, if that is known.
        country: Option<Country>,
    },
    /// A user or another object has that name already.
    #[error("the name exists already")]
    NameTaken,
    /// Wrong name or password, or wrong client id or secret. The text is the vendor's.
    #[error("{0}")]
    InvalidGrant(&'static str),
    /// The app does not allow registration without a token.
    #[error("registration is not open, please contact the app's administrator")]
    RegistrationClosed,
    /// Another call is doing the same.
    #[error("the same operation is under way")]
    Concurrent,
    /// The message's text and `ext` are larger than allowed.
    #[error("message is too large: text and ext have {got} bytes, {limit} are allowed")]
    TooLarge {
        /// Bytes that count.
        got: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Too many password checks are waiting.
    #[error("too many logins at once, try again in a moment")]
    Busy,
    /// Too many wrong passwords for this user, or from this address.
    #[error("too many wrong passwords, try again in {} s", wait.as_secs().max(1))]
    TooManyTries {
        /// The next try has a chance after this time.
        wait: Duration,
    },
    /// No file has that id, or its time is over.
    #[error("no such file")]
    UnknownFile,
    /// The file is not for whoever asks, or the secret is wrong.
    #[error("the file is not for this caller")]
    FileForbidden,
    /// The file is larger than the app allows.
    #[error("the file is too large: {limit} bytes are allowed")]
    FileTooLarge {
        /// Bytes allowed.
        limit: u64,
    },
    /// Something that goes with a file is not allowed.
    #[error("{field}: {problem}")]
    Upload {
        /// The name of the field as the door knows it.
        field: &'static str,
        /// What is wrong and what is allowed.
        problem: String,
    },
    /// This service has no place for files.
    #[error("there is no place for files")]
    NoFiles,
    /// There is no space left for the file. Nothing is left of it.
    #[error("there is no space left for the file")]
    NoSpace(#[source] BlobError),
    /// The place of files failed.
    #[error("the place of files failed")]
    Files(#[source] BlobError),
    /// A class room's token reaches that class, and nobody else does.
    #[error("the token is for a class room and reaches its chat alone, which no other token does")]
    OutsideClass,
    /// Of the chat room of a class room.
    #[error(
        "the chat room is a class room's, which decides who is in it and how long there is one"
    )]
    ClassDecides,
    /// The store could not do it, and did not.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// A fault of the server, told in its log.
    #[error("internal error")]
    Internal,
}

impl Error {
    /// An [`Error::Argument`].
    pub fn argument(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Argument { field, problem: problem.into() }
    }

    /// An [`Error::Upload`].
    pub fn upload(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Upload { field, problem: problem.into() }
    }

    /// A word for logs: the class of a token's fault, otherwise that of the table of refusals. It names nobody.
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Token(TokenRefusal::Expired) => "expired",
            Self::Token(TokenRefusal::Invalid(class)) => class,
            Self::UnknownUser => "unknown_user",
            Self::Deactivated => "deactivated",
            Self::Outside { .. } => "outside",
            Self::NotAllowed => "not_allowed",
            Self::OutsideClass => "outside_class",
            Self::TooManyTries { .. } => "too_many_tries",
            Self::Busy => "busy",
            error => error.refusal().rest().error,
        }
    }

    /// The row of the table of refusals that both doors answer with.
    pub const fn refusal(&self) -> Refusal {
        match self {
            Self::Argument { .. } => Refusal::IllegalArgument,
            Self::UnknownApp => Refusal::UnknownApp,
            Self::Elsewhere(_) => Refusal::Elsewhere,
            Self::Token(TokenRefusal::Expired) => Refusal::TokenExpired,
            Self::Token(TokenRefusal::Invalid(_)) => Refusal::BadToken,
            Self::NotAllowed => Refusal::Unauthorized,
            Self::OutsideClass => Refusal::OutsideClass,
            Self::ClassDecides => Refusal::ClassDecides,
            Self::UnknownUser => Refusal::UnknownUser,
            Self::UnknownRecipient => Refusal::UnknownRecipient,
            Self::UnknownMember(_) => Refusal::UnknownMember,
            Self::UnknownMessage => Refusal::UnknownMessage,
            Self::RecallTooLate => Refusal::RecallTooLate,
            Self::RecallDisabled => Refusal::RecallDisabled,
            Self::EditLimit => Refusal::EditLimit,
            Self::EditFormat => Refusal::EditFormat,
            Self::ReportsClosed => Refusal::ReportsClosed,
            Self::UnknownGroup => Refusal::UnknownGroup,
            Self::UnknownRoom => Refusal::UnknownRoom,
            Self::Forbidden => Refusal::Forbidden,
            Self::NotInGroup => Refusal::NotInGroup,
            Self::AlreadyInGroup => Refusal::AlreadyInGroup,
            Self::BlockedByGroup => Refusal::BlockedByGroup,
            Self::GroupFull => Refusal::GroupFull,
            Self::GroupDisabled => Refusal::GroupDisabled,
            Self::NotPossible(_) => Refusal::Forbidden,
            Self::IsOwner => Refusal::IsOwner,
            Self::Muted => Refusal::Muted,
            Self::NotAllowListed => Refusal::NotAllowListed,
            Self::Blocked => Refusal::Blocked,
            Self::NotContacts => Refusal::NotContacts,
            Self::NoInvitation => Refusal::NoInvitation,
            Self::NotFriends => Refusal::NotFriends,
            Self::PresenceTooBig => Refusal::PresenceTooBig,
            Self::TooManyReceivers(_) => Refusal::TooManyReceivers,
            Self::LimitReached(_) => Refusal::LimitReached,
            Self::NotInPlan => Refusal::NotInPlan,
            Self::Deactivated => Refusal::Deactivated,
            Self::Outside { .. } => Refusal::Outside,
            Self::NameTaken => Refusal::NameTaken,
            Self::InvalidGrant(_) => Refusal::InvalidGrant,
            Self::RegistrationClosed => Refusal::RegistrationClosed,
            Self::Concurrent => Refusal::Concurrent,
            Self::TooLarge { .. } | Self::FileTooLarge { .. } => Refusal::TooLarge,
            Self::UnknownFile => Refusal::FileExpired,
            Self::FileForbidden => Refusal::FileForbidden,
            Self::Upload { .. } => Refusal::BadUpload,
            Self::NoSpace(_) => Refusal::NoSpace,
            Self::NoFiles | Self::Files(_) => Refusal::Unavailable,
            Self::Busy | Self::TooManyTries { .. } => Refusal::RateLimited,
            Self::Store(_) => Refusal::Unavailable,
            Self::Internal => Refusal::Internal,
        }
    }

    /// Whether the server is at fault: worth a line in the log.
    pub const fn is_fault(&self) -> bool {
        matches!(self, Self::Store(_) | Self::NoSpace(_) | Self::Files(_) | Self::Internal)
    }

    /// Whether it may have been done all the same: whoever asked must be told neither yes nor no.
    pub const fn outcome_is_unknown(&self) -> bool {
        matches!(self, Self::Store(StoreError::Unknown(_)))
    }
}
