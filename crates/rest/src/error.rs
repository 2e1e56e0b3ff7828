//! Why a call is refused, and in which words.
//!
//! The row (status, `error`, `exception`) stands in the one table of refusals that both doors answer
//! from ([`Refusal`]); the words here are the vendor's where it has some (chat-rest section 1.6), as
//! clients compare them. A fault of the server is told by its class alone; the cause goes to the log.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use stoa_core::{Elsewhere, Refusal, TokenRefusal};

/// A call that is refused. The [edge](crate::edge) makes it the error envelope.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    refusal: Refusal,
    text: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
    /// Of a file, behind whose end a range lies.
    size: Option<u64>,
    cause: Option<stoa_chat::Error>,
    /// Where the app lives that is not here.
    elsewhere: Option<Arc<Elsewhere>>,
}

impl Failure {
    /// A refusal in the usual words for it.
    pub(crate) const fn of(refusal: Refusal) -> Self {
        Self { refusal, text: None, retry_after: None, size: None, cause: None, elsewhere: None }
    }

    /// The same refusal in other words.
    pub(crate) fn saying(self, text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: Some(text.into()), ..self }
    }

    /// A value that is not allowed: `text` names the field and says what is.
    pub(crate) fn argument(text: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Refusal::IllegalArgument).saying(text)
    }

    /// Too many calls; the next one has a chance after `wait`.
    pub(crate) fn rate_limited(wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..Self::of(Refusal::RateLimited) }
    }

    /// A range behind the end of a file of `size` bytes.
    pub(crate) fn beyond(size: u64) -> Self {
        Self { size: Some(size), ..Self::of(Refusal::BadRange) }
    }

    /// The same refusal with a status that the SDK survives when it uploads a file: not 400.
    pub(crate) fn gently(self) -> Self {
        if self.refusal.rest().status == 400 {
            return Self { refusal: Refusal::BadUpload, ..self };
        }
        self
    }

    /// The same refusal as chat rooms tell it: 400 where groups answer 403 or 404 about who is a member
    /// (chat-rest U10).
    pub(crate) fn of_a_room(self) -> Self {
        match self.refusal {
            Refusal::NotInGroup | Refusal::AlreadyInGroup | Refusal::UnknownMember => {
                let text = Some(self.text());
                Self { refusal: Refusal::IllegalArgument, text, ..self }
            }
            _ => self,
        }
    }

    /// The bytes of the file behind whose end a range lies.
    pub(crate) const fn size(&self) -> Option<u64> {
        self.size
    }

    /// An app of another data centre: the answer names its address.
    pub(crate) fn elsewhere(app: Arc<Elsewhere>) -> Self {
        let text = app.to_string();
        Self { elsewhere: Some(app), ..Self::of(Refusal::Elsewhere).saying(text) }
    }

    /// Where the app lives that is not here.
    pub(crate) fn place(&self) -> Option<&Elsewhere> {
        self.elsewhere.as_deref()
    }

    /// The row of the table.
    pub(crate) const fn refusal(&self) -> Refusal {
        self.refusal
    }

    /// Seconds for `Retry-After`, rounded up.
    pub(crate) fn retry_after_s(&self) -> Option<u64> {
        self.retry_after
            .map(|wait| wait.as_millis().div_ceil(1000).max(1))
            .and_then(|s| u64::try_from(s).ok())
    }

    /// The fault of the server behind it, for the log.
    pub(crate) fn fault(&self) -> Option<&stoa_chat::Error> {
        self.cause.as_ref()
    }

    /// What the caller is told.
    pub(crate) fn text(&self) -> Cow<'static, str> {
        self.text.clone().unwrap_or(Cow::Borrowed(words(self.refusal)))
    }
}

/// The usual words for a refusal.
const fn words(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NotJson => "the body is not JSON",
        Refusal::IllegalArgument => "This is an invalid request.",
        Refusal::InvalidParameter => "Some of the fields are not valid fields.",
        Refusal::NameTaken => "the name exists already",
        Refusal::InvalidGrant => "invalid password",
        Refusal::TooLarge => "the body is too large",
        // The SDK takes exactly these words for a lack of permission (msync section 9.0.1).
        Refusal::Unauthorized => "Unable to authenticate (OAuth)",
        Refusal::TokenExpired => "Unable to authenticate due to expired access token.",
        Refusal::BadToken => "Unable to authenticate.",
        Refusal::RegistrationClosed => "Registration is not open, please contact the app admin.",
        Refusal::Forbidden => "the operation is not allowed",
        Refusal::Outside => {
            "this app serves clients in its service area only, and your network is outside of it"
        }
        Refusal::OutsideClass => {
            "the token is for a class room and reaches its chat alone, which no other token does"
        }
        Refusal::ClassDecides => {
            "the chat room is a class room's, which decides who is in it and how long there is one"
        }
        Refusal::Deactivated => "the user is deactivated",
        Refusal::UnknownApp => "Could not find application",
        Refusal::Elsewhere => "the app lives in another region",
        Refusal::UnknownUser | Refusal::UnknownRecipient => "Service resource not found",
        Refusal::UnknownMember => "the user does not exist",
        Refusal::UnknownMessage => "the message does not exist",
        Refusal::RecallTooLate => "exceed recall time limit",
        Refusal::RecallDisabled => "message recall service is unopened",
        Refusal::EditLimit => "the message was changed as often as it may be",
        Refusal::EditFormat => {
            "only texts and custom messages can be changed, into one of their kind"
        }
        Refusal::ReportsClosed => "message report not open",
        // The SDK looks for these words, and for those of the next three (msync section 9.0.1).
        Refusal::UnknownGroup => "do not find this group, it does not exist",
        Refusal::UnknownRoom => "grpID does not exist!",
        Refusal::NotInGroup => "Users are not members of this group!",
        Refusal::AlreadyInGroup => "Can not join this group, reason: user is already in group",
        Refusal::GroupFull => "group member list is full!",
        Refusal::GroupDisabled => "can not operate this group, reason: group is disabled",
        Refusal::BlockedByGroup => "Can not join this group, reason: user is in the blacklist",
        Refusal::IsOwner => "Forbidden operation on group owner!",
        Refusal::Muted => "the user is muted",
        Refusal::NotAllowListed => "the user is not on the allow list",
        Refusal::Blocked => "the recipient has blocked the sender",
        Refusal::NotContacts => "the two are not contacts",
        Refusal::NoInvitation => "there is no open invitation of that user",
        // The SDK takes exactly these words, and those of the next, blank included.
        Refusal::NotFriends => "updateRemark | they are not friends, please add as a friend first.",
        Refusal::PresenceTooBig => "ext is too big ",
        Refusal::TooManyReceivers => "the message names too many receivers",
        Refusal::LimitReached => "the limit is reached",
        // The SDK looks for these words.
        Refusal::NotInPlan => "service not open!",
        Refusal::FileExpired => "the file does not exist or has expired",
        // The SDK takes exactly these words for a file that is not for this user.
        Refusal::FileForbidden => "chatfile no permission",
        Refusal::BadUpload => "the upload cannot be read",
        Refusal::BadRange => "the range lies behind the end of the file",
        Refusal::NoSpace => "the server has no space left for the file, nothing was kept",
        Refusal::UnknownPath => "no such path",
        Refusal::MethodNotAllowed => "the path does not serve this method",
        Refusal::Concurrent => "the same operation is under way, try again",
        Refusal::MediaType => "Unsupported Media Type.",
        Refusal::RateLimited => "This request has reached API limit.",
        Refusal::Malformed | Refusal::MissingPart => "This is an invalid request.",
        Refusal::Unsupported => "the operation is not supported",
        Refusal::Unavailable => "the server cannot do it at present, nothing was done; try again",
        Refusal::Internal => "internal server error",
    }
}

/// Classes of a token that is damaged, in contrast to one of another app or certificate.
const CORRUPT: &[&str] = &[
    "too_large",
    "unsupported_version",
    "bad_base64",
    "bad_zlib",
    "truncated",
    "trailing_data",
    "invalid_field",
];

impl From<stoa_chat::Error> for Failure {
    fn from(error: stoa_chat::Error) -> Self {
        use stoa_chat::Error;
        let failure = Self::of(error.refusal());
        if error.outcome_is_unknown() {
            let text = "it is not known whether this was done; look before you try again";
            return Self { cause: Some(error), ..Self::of(Refusal::Internal).saying(text) };
        }
        match error {
            Error::Argument { .. }
            | Error::TooLarge { .. }
            | Error::UnknownMember(_)
            | Error::TooManyReceivers(_)
            | Error::NotPossible(_)
            | Error::Outside { .. }
            | Error::LimitReached(_)
            | Error::FileTooLarge { .. }
            | Error::Upload { .. } => failure.saying(error.to_string()),
            Error::InvalidGrant(text) => failure.saying(text),
            Error::Elsewhere(app) => Self::elsewhere(app),
            Error::Token(TokenRefusal::Invalid(class)) if CORRUPT.contains(&class) => {
                failure.saying("Unable to authenticate due to corrupt access token.")
            }
            Error::Busy => Self::rate_limited(Duration::from_secs(1)).saying(error.to_string()),
            Error::TooManyTries { wait } => Self::rate_limited(wait).saying(error.to_string()),
            error if error.is_fault() => Self { cause: Some(error), ..failure },
            _ => failure,
        }
    }
}

impl IntoResponse for Failure {
    /// Travels to the edge in the extensions of an empty answer.
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_words_and_those_of_faults_have_no_detail() {
        for refusal in Refusal::ALL {
            assert!(!words(*refusal).is_empty(), "{refusal:?}");
        }
        let failure = Failure::from(stoa_chat::Error::Internal);
        assert!(failure.fault().is_some());
        assert_eq!(failure.text(), "internal server error");
    }

    #[test]
    fn a_damaged_token_is_told_from_a_foreign_one() {
        let text =
            |class| Failure::from(stoa_chat::Error::Token(TokenRefusal::Invalid(class))).text();
        assert_eq!(text("bad_base64"), "Unable to authenticate due to corrupt access token.");
        assert_eq!(text("bad_signature"), "Unable to authenticate.");
        assert_eq!(text("app_id_mismatch"), "Unable to authenticate.");
    }

    #[test]
    fn waiting_is_told_in_whole_seconds() {
        let wait = |ms| Failure::rate_limited(Duration::from_millis(ms)).retry_after_s();
        assert_eq!(
            (wait(0), wait(1), wait(1000), wait(1001)),
            (Some(1), Some(1), Some(1), Some(2))
        );
    }
}
