//! What of the calls stands in the audit log.
//!
//! An act of a back end is durable in the log before it is answered; those that are done all the time
//! wait for nobody ([`NOTED`]). What was refused is counted for each minute, so that whoever is refused
//! again and again fills no log. Reasons are words of the program: no token, password or name is one.
//!
//! | call | act |
//! | --- | --- |
//! | `POST …/token` with `inherit` or `client_credentials` | [`Act::TokenIssued`] |
//! | the same with a wrong proof, also a password | [`Act::PasswordRefused`] |
//! | `POST …/token/…/invalid` | [`Act::TokenRevoked`], [`Act::UserRevoked`], [`Act::DeviceRevoked`] |
//! | `POST …/edu/apps/…/users/{user}/token/invalid` | [`Act::UserRevoked`] |
//! | `POST …/users` | [`Act::UserCreated`]; without a token [`Act::RegistrationRefused`] |
//! | `DELETE …/users/{user}` | [`Act::UserDeleted`] |
//! | `PUT …/users/{user}/password` | [`Act::PasswordSet`] |
//! | `POST …/users/{user}/activate`, `deactivate` | [`Act::UserActivated`], [`Act::UserDeactivated`] |
//! | `…/users/{user}/disconnect` | [`Act::UserLoggedOut`] |
//! | `…/chatrooms/super_admin` | [`Act::SuperAdminAdded`], [`Act::SuperAdminRemoved`] |
//! | any with a token that admits nobody | [`Act::TokenRefused`] |
//! | any with a token that is good for something else, or of strangers too often | [`Act::CallRefused`] |

use std::borrow::Cow;
use std::net::IpAddr;

use stoa_audit::{Act, Actor, Entry, Outcome, Refused};
use stoa_chat::Error;
use stoa_core::{AppScope, Caller, ClassCaller, UserId, UserUuid, Visitor};

use crate::auth::AppCaller;
use crate::error::Failure;
use crate::{Shared, users};

/// Acts that are so frequent that nobody waits until they are written down.
const NOTED: &[Act] = &[Act::UserCreated, Act::TokenIssued];

/// Who does something, and from where.
#[derive(Clone, Copy)]
pub(crate) struct By<'a> {
    /// Who.
    pub(crate) caller: &'a Caller,
    /// From where, if that is known.
    pub(crate) address: Option<IpAddr>,
}

impl Shared {
    /// Writes down that `act` was done to `user`, or was refused, by its `outcome`, which is the answer. Of a
    /// fault of the server, by which nothing was done, the server's log tells, and this one does not. An
    /// act that was done is durable in the log when this returns; if it cannot be written it was done all
    /// the same.
    pub(crate) async fn acted<T>(
        &self,
        by: By<'_>,
        act: Act,
        user: Option<&UserId>,
        outcome: Result<T, Error>,
    ) -> Result<T, Failure> {
        let By { caller, address } = by;
        let error = match outcome {
            Ok(done) => {
                self.write(by, act, user, Outcome::Done).await;
                return Ok(done);
            }
            Err(error) => error,
        };
        if error.outcome_is_unknown() {
            self.write(by, act, user, Outcome::Unknown(error.class().into())).await;
        } else if !error.is_fault() {
            let refused = Refused::new(Actor::from(caller), act, error.class());
            self.audit.refused(caller, about(refused, user, address));
        }
        Err(error.into())
    }

    /// Writes down that an app's back end has revoked the tokens of a user of class rooms, who stands there by the name
    /// that it has in chat.
    pub(crate) async fn class_user_revoked(
        &self,
        caller: &ClassCaller,
        user: &UserUuid,
        address: Option<IpAddr>,
    ) {
        let entry = Entry::new(Actor::App, Act::UserRevoked).on(user.chat_user());
        self.record(caller, at(entry, address), Act::UserRevoked).await;
    }

    async fn write(&self, by: By<'_>, act: Act, user: Option<&UserId>, outcome: Outcome) {
        let By { caller, address } = by;
        let mut entry = Entry::new(Actor::from(caller), act).outcome(outcome);
        if let Some(user) = user {
            entry = entry.on(user.clone());
        }
        let entry = at(entry, address);
        if NOTED.contains(&act) {
            return self.audit.note(caller, entry);
        }
        self.record(caller, entry, act).await;
    }

    async fn record(&self, scope: &impl AppScope, entry: Entry, act: Act) {
        if let Err(error) = self.audit.record(scope, entry).await {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, %act, "an act could not be written into the audit log");
        }
    }

    /// The user that the path names, to whom a back end wants to do `act`.
    ///
    /// # Errors
    /// As [`users::named`].
    pub(crate) async fn object(
        &self,
        caller: &AppCaller,
        act: Act,
        named: &str,
    ) -> Result<UserId, Failure> {
        users::named(self, caller, named).await.inspect_err(|failure| {
            let actor = Actor::from(&**caller);
            let refused = Refused::new(actor, act, failure.refusal().rest().error);
            self.audit.refused(&**caller, about(refused, None, caller.by().address));
        })
    }

    /// Notes that a back end got a token for its client id and secret.
    pub(crate) fn issued_to_back_end(&self, visitor: &Visitor, address: Option<IpAddr>) {
        let entry = Entry::new(Actor::App, Act::TokenIssued);
        let entry = entry.detail("grant", "client_credentials");
        self.audit.note(visitor, at(entry, address));
    }

    /// Notes that a stranger registered as `user`.
    pub(crate) fn registered_openly(
        &self,
        visitor: &Visitor,
        user: &UserId,
        address: Option<IpAddr>,
    ) {
        let entry = Entry::new(Actor::Stranger, Act::UserCreated).on(user.clone());
        self.audit.note(visitor, at(entry, address));
    }

    /// Counts a refusal of a stranger at the door of an app.
    pub(crate) fn refused_stranger(
        &self,
        visitor: &Visitor,
        act: Act,
        reason: impl Into<Cow<'static, str>>,
        user: Option<&UserId>,
        address: Option<IpAddr>,
    ) {
        let refused = Refused::new(Actor::Stranger, act, reason);
        self.audit.refused(visitor, about(refused, user, address));
    }

    /// Counts a call that is not for whoever calls, though the token is good.
    pub(crate) fn refused_call(&self, by: By<'_>, reason: &'static str) {
        let refused = Refused::new(Actor::from(by.caller), Act::CallRefused, reason);
        self.audit.refused(by.caller, about(refused, None, by.address));
    }
}

fn at(entry: Entry, address: Option<IpAddr>) -> Entry {
    match address {
        Some(address) => entry.from(address),
        None => entry,
    }
}

fn about(mut refused: Refused, user: Option<&UserId>, address: Option<IpAddr>) -> Refused {
    if let Some(user) = user {
        refused = refused.on(user.clone());
    }
    match address {
        Some(address) => refused.from(address),
        None => refused,
    }
}
