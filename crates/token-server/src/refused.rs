//! Why a call is refused, and the answer that says so.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use stoa_chat::Error;
use stoa_core::Refusal;

/// Why a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The body is not what the call takes.
    BadRequest,
    /// The body is too large.
    TooLarge,
    /// Neither certificate nor key.
    NoCredentials,
    /// The certificate or key is none of a client: not one that is registered, or not any more.
    UnknownClient,
    /// The client's certificate is over.
    CertificateOver,
    /// Keys are not taken on this listener.
    KeyNotTaken,
    /// The client may not call from there.
    Address,
    /// The user may not log in.
    Deactivated,
    /// The app has no user with that id.
    UnknownUser,
    /// The path is none.
    UnknownPath,
    /// The path takes another method.
    Method,
    /// The client calls too often.
    ClientRate,
    /// Too many calls without a good credential came from there.
    AddressRate,
    /// It cannot be done at present.
    Unavailable,
    /// A fault of the server.
    Internal,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::BadRequest,
        Self::TooLarge,
        Self::NoCredentials,
        Self::UnknownClient,
        Self::CertificateOver,
        Self::KeyNotTaken,
        Self::Address,
        Self::Deactivated,
        Self::UnknownUser,
        Self::UnknownPath,
        Self::Method,
        Self::ClientRate,
        Self::AddressRate,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The status of the answer.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoCredentials | Self::UnknownClient | Self::CertificateOver => {
                StatusCode::UNAUTHORIZED
            }
            Self::KeyNotTaken | Self::Address | Self::Deactivated => StatusCode::FORBIDDEN,
            Self::UnknownUser | Self::UnknownPath => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::ClientRate | Self::AddressRate => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The `code` of the answer, for programs: does not change.
    pub const fn code(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::TooLarge => "too_large",
            Self::NoCredentials => "no_credentials",
            Self::UnknownClient => "unknown_client",
            Self::CertificateOver => "certificate_expired",
            Self::KeyNotTaken => "key_not_accepted",
            Self::Address => "address_not_allowed",
            Self::Deactivated => "user_deactivated",
            Self::UnknownUser => "unknown_user",
            Self::UnknownPath => "unknown_path",
            Self::Method => "method_not_allowed",
            Self::ClientRate => "rate_limited",
            Self::AddressRate => "too_many_failures",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal_error",
        }
    }

    /// The `message` of the answer, for people, where nothing more can be said.
    pub const fn message(self) -> &'static str {
        match self {
            Self::BadRequest => "the body is not the JSON object that this call takes",
            Self::TooLarge => "the body is too large",
            Self::NoCredentials => {
                "no credential: call with a client certificate, or with a key as 'Authorization: Bearer stoa_…'"
            }
            Self::UnknownClient => {
                "the certificate or key belongs to no client of this server: 'stoa token-server client list' says which there are"
            }
            Self::CertificateOver => {
                "the client's certificate has expired: 'stoa token-server client issue' makes another"
            }
            Self::KeyNotTaken => {
                "keys are not accepted on an address that is open to strangers: call with a client certificate"
            }
            Self::Address => {
                "the client may not call from this address: 'stoa token-server allow' says from where it may"
            }
            Self::Deactivated => "the user was deactivated and gets no tokens",
            Self::UnknownUser => {
                "no token was ever minted for a user with this id, or the user was deleted"
            }
            Self::UnknownPath => "there is nothing at this path",
            Self::Method => "this path takes POST only",
            Self::ClientRate => "this client calls too often",
            Self::AddressRate => "too many calls without a good credential came from this address",
            Self::Unavailable => "the server cannot do it at present; nothing was done",
            Self::Internal => "internal server error; the server's log has the details",
        }
    }
}

/// A call that is refused.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) reason: Reason,
    message: Option<String>,
    wait: Option<Duration>,
}

impl Refused {
    /// A call of which more can be said than its reason.
    pub(crate) fn because(reason: Reason, message: String) -> Self {
        Self { reason, message: Some(message), wait: None }
    }

    /// A call that may come again after `wait`.
    pub(crate) const fn later(reason: Reason, wait: Duration) -> Self {
        Self { reason, message: None, wait: Some(wait) }
    }
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Self { reason, message: None, wait: None }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        match error {
            Error::Deactivated => Reason::Deactivated.into(),
            Error::UnknownUser => Reason::UnknownUser.into(),
            error if error.refusal() == Refusal::Unavailable => Reason::Unavailable.into(),
            error => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "a call of the token server failed");
                Reason::Internal.into()
            }
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    error: Said<'a>,
}

#[derive(Serialize)]
struct Said<'a> {
    code: &'a str,
    message: &'a str,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self { reason, message, wait } = self;
        let message = message.as_deref().unwrap_or_else(|| reason.message());
        let mut response = json(&Body { error: Said { code: reason.code(), message } });
        *response.status_mut() = reason.status();
        let headers = response.headers_mut();
        if reason.status() == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = wait {
            // Rounded up, so that whoever waits that long is let in.
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            headers.insert(RETRY_AFTER, u64::try_from(seconds).unwrap_or(u64::MAX).into());
        }
        response
    }
}

/// An answer that nobody keeps.
pub(crate) fn json(body: &impl Serialize) -> Response {
    let Ok(bytes) = serde_json::to_vec(body) else {
        // Nothing that is answered here has a form that JSON does not.
        return Reason::Internal.status().into_response();
    };
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_reason_has_a_code_of_its_own_and_says_what_to_do() {
        let codes: HashSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert!(reason.status().as_u16() >= 400, "{reason:?}");
            assert!(reason.message().len() > 15, "{reason:?}");
        }
    }

    #[test]
    fn whoever_has_to_wait_is_told_how_long() {
        for (millis, seconds) in [(1, "1"), (1000, "1"), (1001, "2")] {
            let wait = Duration::from_millis(millis);
            let response = Refused::later(Reason::ClientRate, wait).into_response();
            assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(response.headers()[RETRY_AFTER], seconds);
        }
    }
}
