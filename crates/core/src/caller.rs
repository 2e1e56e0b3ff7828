//! Who is asking: made only by verifying a token, and the only way to an app's records.
//!
//! The chain of values is `token text → [VerifiedToken] → [Caller]`: a token that does not verify
//! yields nothing to go on with. Two further scopes exist, each for one purpose: a [`Visitor`] stands
//! at the door of an app and can only ask for a token or register where the app's settings allow it,
//! and an [`Operator`] is the process itself (command line, background work).

use std::sync::Arc;

use stoa_token::{Builder007, ChatSubject, Error as TokenError, Signature};

use crate::{App, Entropy, Secret, Timestamp, UserId};

/// Something that belongs to one app, and may therefore reach that app's records and no others.
/// Implemented in this module alone.
pub trait AppScope: sealed::Sealed {
    /// The app.
    fn app(&self) -> &Arc<App>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::VerifiedToken {}
    impl Sealed for super::Caller {}
    impl Sealed for super::Visitor {}
    impl Sealed for super::OperatorOf {}
}

/// Why a token admits nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// It was good once.
    #[error("the token has expired")]
    Expired,
    /// It is no token, is not for this app, is not signed with one of its certificates, or grants
    /// no chat privilege. Not told apart, as a stranger need not know which.
    #[error("the token is invalid")]
    Invalid(&'static str),
}

/// A token that was verified for an app, before it is known which of the app's users it names.
#[derive(Debug, Clone)]
pub struct VerifiedToken {
    app: Arc<App>,
    user: Option<String>,
    signature: Signature,
    issued: Timestamp,
    expires: Timestamp,
}

impl VerifiedToken {
    /// Verifies `token` (format 007, chat service) for `app` with each of its certificates and its
    /// server certificate.
    ///
    /// # Errors
    /// [`TokenRefusal::Expired`] for a token or privilege that is over, otherwise
    /// [`TokenRefusal::Invalid`] with the error class, which is for logs only.
    pub fn verify(app: &Arc<App>, token: &str, now: Timestamp) -> Result<Self, TokenRefusal> {
        let mut certificates: Vec<&str> = app.certificates.iter().map(|c| c.expose()).collect();
        certificates.push(app.server_certificate.expose());
        match stoa_token::verify_chat(token, now.as_secs(), app.id.as_str(), &certificates) {
            // A class room's token reaches that room and nothing else of the app.
            Ok(grant) if grant.room.is_some() => Err(TokenRefusal::Invalid("room_token")),
            Ok(grant) => Ok(Self {
                app: app.clone(),
                user: match grant.subject {
                    ChatSubject::User(user) => Some(user),
                    ChatSubject::App => None,
                },
                signature: grant.signature,
                issued: Timestamp::from_secs(grant.issued_at),
                expires: Timestamp::from_secs(grant.expires_at),
            }),
            Err(TokenError::Expired | TokenError::PrivilegeExpired) => Err(TokenRefusal::Expired),
            Err(error) => Err(TokenRefusal::Invalid(error.name())),
        }
    }

    /// The user name or uuid that the token names; none for an app token.
    pub fn named_user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// When the token ends.
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }

    /// When the token was made.
    pub const fn issued(&self) -> Timestamp {
        self.issued
    }

    /// What identifies the token whatever its spelling.
    pub const fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The caller who administers the app; none if the token names a user.
    pub fn into_app_caller(self) -> Result<Caller, Self> {
        if self.user.is_some() {
            return Err(self);
        }
        let expires = self.expires;
        Ok(Caller { app: self.app, principal: Principal::App, expires })
    }

    /// The caller who acts as `user`: the one that [`Self::named_user`] resolved to in the app's
    /// records. None if this is an app token.
    pub fn into_user_caller(self, user: UserId) -> Result<Caller, Self> {
        if self.user.is_none() {
            return Err(self);
        }
        let expires = self.expires;
        Ok(Caller { app: self.app, principal: Principal::User(user), expires })
    }
}

impl AppScope for VerifiedToken {
    fn app(&self) -> &Arc<App> {
        &self.app
    }
}

/// Issues a token of Stoa's own: format 007, signed with the app's server certificate, for `user` or,
/// without one, for the app's back end.
pub fn issue_token(
    app: &App,
    user: Option<&UserId>,
    now: Timestamp,
    expires_in_s: u32,
    entropy: &dyn Entropy,
) -> Secret {
    let issued = u32::try_from(now.as_secs()).unwrap_or(u32::MAX);
    let salt = u32::from_le_bytes(entropy.bytes());
    let certificate = app.server_certificate.expose();
    let token = Builder007::new(app.id.as_str(), certificate, issued, expires_in_s, salt);
    let token = match user {
        Some(user) => token.chat_user(user.as_str()),
        None => token.chat_app(),
    };
    Secret::new(token.build().expect("an app's ID and certificates are checked when it is loaded"))
}

/// Who is asking, and for which app.
#[derive(Debug, Clone)]
pub struct Caller {
    app: Arc<App>,
    principal: Principal,
    expires: Timestamp,
}

/// As whom a caller acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// The app's own back end: administers the whole app.
    App,
    /// One user.
    User(UserId),
}

impl Caller {
    /// As whom the caller acts.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The user, if the caller is one.
    pub const fn user(&self) -> Option<&UserId> {
        match &self.principal {
            Principal::User(user) => Some(user),
            Principal::App => None,
        }
    }

    /// Whether the caller administers the app.
    pub const fn is_app(&self) -> bool {
        matches!(self.principal, Principal::App)
    }

    /// Whether the caller may act for `user`: it is that user, or administers the app.
    pub fn may_act_for(&self, user: &UserId) -> bool {
        self.is_app() || self.user() == Some(user)
    }

    /// When the token behind this caller ends.
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }
}

impl AppScope for Caller {
    fn app(&self) -> &Arc<App> {
        &self.app
    }
}

/// Somebody at the door of an app, not known yet: may ask for a token by password and, where the
/// app is open, register. No other operation takes a visitor.
#[derive(Debug, Clone)]
pub struct Visitor {
    app: Arc<App>,
}

impl Visitor {
    /// A visitor of `app`.
    pub const fn of(app: Arc<App>) -> Self {
        Self { app }
    }
}

impl AppScope for Visitor {
    fn app(&self) -> &Arc<App> {
        &self.app
    }
}

/// The process itself: the command line of whoever holds the machine, and background work. Only the
/// binary makes one, and hands it to what needs it.
#[derive(Debug)]
pub struct Operator(());

impl Operator {
    /// The operator of this process. Called by the binary (and tests), never by a door.
    pub const fn of_this_process() -> Self {
        Self(())
    }

    /// The operator acting in one app.
    pub const fn in_app(&self, app: Arc<App>) -> OperatorOf {
        OperatorOf { app }
    }
}

/// The operator acting in one app.
#[derive(Debug, Clone)]
pub struct OperatorOf {
    app: Arc<App>,
}

impl AppScope for OperatorOf {
    fn app(&self) -> &Arc<App> {
        &self.app
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AppId, AppNumber, AuthPolicy, Region, SeededEntropy, Uuid};

    fn app(entropy: &SeededEntropy) -> Arc<App> {
        let entropy: &dyn Entropy = entropy;
        let certificate = || Secret::new(AppId::from_bytes(entropy.bytes()).as_str());
        Arc::new(App {
            number: AppNumber(1),
            id: AppId::from_bytes(entropy.bytes()),
            key: "demo#stoa".parse().unwrap(),
            uuid: Uuid::random(entropy),
            region: Region::Eu,
            created: Timestamp::default(),
            auth: AuthPolicy::Token,
            token_cap_s: 86_400,
            chat: crate::ChatSettings::default(),
            certificates: vec![certificate()],
            server_certificate: certificate(),
        })
    }

    #[test]
    fn only_a_token_for_this_app_makes_a_caller_and_only_of_its_kind() {
        let entropy = SeededEntropy::new(3);
        let (ours, other) = (app(&entropy), app(&entropy));
        let now = Timestamp::from_secs(1_800_000_000);
        let alice: UserId = "alice".parse().unwrap();
        let token = issue_token(&ours, Some(&alice), now, 60, &entropy);

        let verified = VerifiedToken::verify(&ours, token.expose(), now).unwrap();
        assert_eq!(verified.named_user(), Some("alice"));
        assert_eq!(verified.expires(), Timestamp::from_secs(1_800_000_060));
        let verified = verified.into_app_caller().unwrap_err();
        let caller = verified.into_user_caller(alice.clone()).unwrap();
        assert!(caller.may_act_for(&alice) && !caller.may_act_for(&"bob".parse().unwrap()));

        let foreign = VerifiedToken::verify(&other, token.expose(), now);
        assert!(matches!(foreign, Err(TokenRefusal::Invalid("app_id_mismatch"))));
        let late =
            VerifiedToken::verify(&ours, token.expose(), Timestamp::from_secs(1_800_000_060));
        assert!(matches!(late, Err(TokenRefusal::Expired)));

        let token = issue_token(&ours, None, now, 60, &entropy);
        let verified = VerifiedToken::verify(&ours, token.expose(), now).unwrap();
        let verified = verified.into_user_caller(alice).unwrap_err();
        assert!(verified.into_app_caller().unwrap().is_app());
    }
}
