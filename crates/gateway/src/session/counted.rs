//! What sessions count: from the words of the protocol to the labels of the metrics.

use std::time::Duration;

use stoa_chat::Error;
use stoa_core::{MsyncStatus, Refusal, TokenRefusal};
use stoa_metrics::logins::{LOGINS, Login};
use stoa_metrics::messages::{ANSWER_TIME, DELIVERED, REFUSED, Refused, Way};
use stoa_metrics::sessions::{CLOSED, Closed, QUEUED};

use super::close::CloseReason;

/// A login was answered.
pub(super) fn login<T>(result: &Result<T, Error>) {
    let label = match result {
        Ok(_) => Login::Done,
        Err(Error::Token(TokenRefusal::Expired)) => Login::TokenExpired,
        Err(Error::Token(TokenRefusal::Invalid(_))) => Login::TokenRefused,
        Err(Error::UnknownApp) => Login::UnknownApp,
        Err(Error::Elsewhere(_)) => Login::Elsewhere,
        Err(Error::UnknownUser) => Login::UnknownUser,
        Err(Error::Deactivated) => Login::Deactivated,
        Err(error) if error.is_fault() => Login::Failed,
        Err(_) => Login::Refused,
    };
    LOGINS.of(label).inc();
}

/// A login was refused before anybody was asked.
pub(super) fn login_malformed() {
    LOGINS.of(Login::Refused).inc();
}

/// What came with a frame is answered, after `took`.
pub(super) fn answered<T>(took: Duration, result: &Result<T, Error>) {
    ANSWER_TIME.observe(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    if let Err(error) = result {
        let label = match error {
            Error::TooLarge { .. } => Refused::TooLarge,
            Error::UnknownRecipient | Error::UnknownUser => Refused::UnknownRecipient,
            Error::NotAllowed => Refused::NotAllowed,
            error if error.is_fault() => Refused::Failed,
            _ => Refused::Invalid,
        };
        REFUSED.of(label).inc();
    }
}

/// What came with a frame is refused at once.
pub(super) fn refused(status: MsyncStatus) {
    let unsupported = status == Refusal::Unsupported.msync();
    let too_large = status == Refusal::TooLarge.msync();
    REFUSED
        .of(match () {
            () if unsupported => Refused::Unsupported,
            () if too_large => Refused::TooLarge,
            () => Refused::Invalid,
        })
        .inc();
}

/// What came with a frame is refused because there is too much.
pub(super) fn rate_limited() {
    REFUSED.of(Refused::RateLimited).inc();
}

/// One entry is pushed.
pub(super) fn pushed() {
    DELIVERED.of(Way::Push).inc();
}

/// So many entries go out in a page.
pub(super) fn paged(entries: usize) {
    DELIVERED.of(Way::Page).add_len(entries);
}

/// The session ends.
pub(super) fn closed(reason: CloseReason) {
    let label = match reason {
        CloseReason::Gone => Closed::Gone,
        CloseReason::NotLoggedIn => Closed::NotLoggedIn,
        CloseReason::Protocol => Closed::Protocol,
        CloseReason::Flood => Closed::Flood,
        CloseReason::TooSlow => Closed::TooSlow,
        CloseReason::Idle => Closed::Idle,
        CloseReason::TokenExpired => Closed::TokenExpired,
        CloseReason::Kicked => Closed::Kicked,
        CloseReason::Unanswered => Closed::Unanswered,
        CloseReason::Shutdown => Closed::Shutdown,
    };
    CLOSED.of(label).inc();
}

/// A session's part in the bytes that wait for sockets; none any more when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Queued(usize);

impl Queued {
    /// So many wait now.
    pub(super) fn set(&mut self, bytes: usize) {
        if bytes != self.0 {
            QUEUED.moved(self.0, bytes);
            self.0 = bytes;
        }
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.set(0);
    }
}
