//! Who is asking: made only by verifying a token, and the only way to an app's records.
//!
//! The chain of values is `token text → [VerifiedToken] → [Caller]`: a token that does not verify
//! yields nothing to go on with. Two further scopes exist, each for one purpose: a [`Visitor`] stands
//! at the door of an app and can only ask for a token or register where the app's settings allow it,
//! and an [`Operator`] is the process itself (command line, background work).

use std::sync::Arc;

use stoa_token::{Builder007, ChatGrant, ChatSubject, Error as TokenError, Expectation};

use crate::{App, ClassScope, Entropy, Issuer, Secret, Timestamp, TokenMark, TokenMarkId, UserId};

/// Something that belongs to one app, and may therefore reach that app's records and no others.
/// Implemented here and for the callers of class rooms alone.
pub trait AppScope: sealed::Sealed {
    /// The app.
    fn app(&self) -> &Arc<App>;
}

pub(crate) mod sealed {
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
    class: Option<Arc<ClassScope>>,
    mark: TokenMark,
    expires: Timestamp,
}

impl VerifiedToken {
    /// Verifies `token` (format 007, chat service) for `app` with each certificate that is good at `now`.
    ///
    /// # Errors
    /// [`TokenRefusal::Expired`] for a token or privilege that is over, otherwise
    /// [`TokenRefusal::Invalid`] with the error class, which is for logs only.
    pub fn verify(app: &Arc<App>, token: &str, now: Timestamp) -> Result<Self, TokenRefusal> {
        let (certificates, issuers): (Vec<&str>, Vec<Issuer>) = app.signers(now).unzip();
        let expect = Expectation {
            skew_s: app.tokens.skew_s.into(),
            ..Expectation::new(now.as_secs(), app.id.as_str(), &certificates)
        };
        match stoa_token::verify_chat(token, &expect) {
            Ok(grant) => {
                let issuer = issuers.get(grant.signer).copied();
                let issuer = issuer.ok_or(TokenRefusal::Invalid("bad_signature"))?;
                let mark = TokenMark {
                    id: TokenMarkId::of(&grant.signature),
                    issued: match issuer {
                        Issuer::App(_) => Timestamp::from_secs(grant.issued_at),
                        Issuer::Server(_) | Issuer::Door(_) => issued_by_server(&grant),
                    },
                    ends: Timestamp::from_secs(grant.expires_at),
                    issuer,
                };
                let user = match grant.subject {
                    ChatSubject::User(user) => Some(user),
                    ChatSubject::App => None,
                };
                // Its holder reaches that room and nothing else of the app: an app token it is not.
                let class = match (&grant.room, &user) {
                    (None, _) => None,
                    (Some(claim), Some(user)) => Some(Arc::new(ClassScope::of(claim, user)?)),
                    (Some(_), None) => return Err(TokenRefusal::Invalid("user_mismatch")),
                };
                Self::admitted(app, user, class, mark, now)
            }
            Err(error) => Err(token_refusal(error)),
        }
    }

    /// What the app's owner has decided about tokens such as `mark` holds for this one.
    fn admitted(
        app: &Arc<App>,
        user: Option<String>,
        class: Option<Arc<ClassScope>>,
        mark: TokenMark,
        now: Timestamp,
    ) -> Result<Self, TokenRefusal> {
        let expires = app.admits(&mark, now)?;
        Ok(Self { app: app.clone(), user, class, mark, expires })
    }

    /// The user name or uuid that the token names; none for an app token.
    pub fn named_user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The class room that the token is for; none for any other token.
    pub fn class(&self) -> Option<&ClassScope> {
        self.class.as_deref()
    }

    /// When the token ends.
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }

    /// By what the token is known again.
    pub const fn mark(&self) -> &TokenMark {
        &self.mark
    }

    /// The caller who administers the app; none if the token names a user.
    pub fn into_app_caller(self) -> Result<Caller, Self> {
        if self.user.is_some() {
            return Err(self);
        }
        let Self { app, mark, expires, .. } = self;
        Ok(Caller { app, principal: Principal::App, class: None, mark, expires })
    }

    /// The caller who acts as `user`: the one that [`Self::named_user`] resolved to in the app's
    /// records. None if this is an app token.
    pub fn into_user_caller(self, user: UserId) -> Result<Caller, Self> {
        if self.user.is_none() {
            return Err(self);
        }
        let Self { app, class, mark, expires, .. } = self;
        Ok(Caller { app, principal: Principal::User(user), class, mark, expires })
    }
}

impl AppScope for VerifiedToken {
    fn app(&self) -> &Arc<App> {
        &self.app
    }
}

/// How many bits of the salt of a token that Stoa issues are random: more than two million for each millisecond.
const SALT_BITS: u32 = 22;

/// When Stoa issued a token, to the millisecond.
fn issued_by_server(grant: &ChatGrant) -> Timestamp {
    let millis = u64::from(grant.salt >> SALT_BITS).min(999);
    Timestamp::from_millis(grant.issued_at.saturating_mul(1000).saturating_add(millis))
}

/// The refusal that an error class of the verifier comes to.
pub(crate) const fn token_refusal(error: TokenError) -> TokenRefusal {
    match error {
        TokenError::Expired | TokenError::PrivilegeExpired => TokenRefusal::Expired,
        other => TokenRefusal::Invalid(other.name()),
    }
}

/// Issues a token of Stoa's own, on behalf of the app's back end or the operator: format 007, signed with the
/// app's server certificate, for `user` or, without one, for the app's back end.
pub fn issue_token(
    app: &App,
    user: Option<&UserId>,
    now: Timestamp,
    expires_in_s: u32,
    entropy: &dyn Entropy,
) -> Secret {
    issue(app, app.server_certificate.expose(), user, now, expires_in_s, entropy)
}

/// As [`issue_token`], for whoever proved itself at the door: it ends when the app takes no such proof any more.
pub fn issue_token_at_the_door(
    app: &App,
    user: Option<&UserId>,
    now: Timestamp,
    expires_in_s: u32,
    entropy: &dyn Entropy,
) -> Secret {
    issue(app, app.server_certificate.door().expose(), user, now, expires_in_s, entropy)
}

/// Issues a token for a user of a class room, which reaches that room's chat and nothing else of the app.
pub fn issue_room_token(
    app: &App,
    class: &ClassScope,
    now: Timestamp,
    expires_in_s: u32,
    entropy: &dyn Entropy,
) -> Secret {
    let certificate = app.server_certificate.expose();
    let token = builder(app, certificate, now, expires_in_s, entropy);
    let role = class.role.number().into();
    built(&token.room_user(class.room.as_str(), class.user.as_str(), role))
}

fn issue(
    app: &App,
    certificate: &str,
    user: Option<&UserId>,
    now: Timestamp,
    expires_in_s: u32,
    entropy: &dyn Entropy,
) -> Secret {
    let token = builder(app, certificate, now, expires_in_s, entropy);
    built(&match user {
        Some(user) => token.chat_user(user.as_str()),
        None => token.chat_app(),
    })
}

fn builder<'a>(
    app: &'a App,
    certificate: &'a str,
    now: Timestamp,
    expires_in_s: u32,
    entropy: &dyn Entropy,
) -> Builder007<'a> {
    let issued = u32::try_from(now.as_secs()).unwrap_or(u32::MAX);
    // The salt says at which millisecond of the second, so that a revocation need not cut what is issued in
    // the same second after it.
    let millis = u32::try_from(now.as_millis() % 1000).unwrap_or_default();
    let salt = millis << SALT_BITS | u32::from_le_bytes(entropy.bytes()) >> (32 - SALT_BITS);
    Builder007::new(app.id.as_str(), certificate, issued, expires_in_s, salt)
}

fn built(token: &Builder007<'_>) -> Secret {
    Secret::new(token.build().expect("an app's ID and certificates are checked when it is loaded"))
}

/// Who is asking, and for which app.
#[derive(Debug, Clone)]
pub struct Caller {
    app: Arc<App>,
    principal: Principal,
    class: Option<Arc<ClassScope>>,
    mark: TokenMark,
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

    /// The class room that the caller's token is for, and beyond which it reaches nothing; none for any other token.
    pub fn class(&self) -> Option<&ClassScope> {
        self.class.as_deref()
    }

    /// Whether the caller administers the app.
    pub const fn is_app(&self) -> bool {
        matches!(self.principal, Principal::App)
    }

    /// Whether the caller may act for `user`: it is that user, or administers the app.
    pub fn may_act_for(&self, user: &UserId) -> bool {
        self.is_app() || self.user() == Some(user)
    }

    /// By what the token behind this caller is known again.
    pub const fn mark(&self) -> &TokenMark {
        &self.mark
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
    use crate::{AppNumber, AuthPolicy, Region, SeededEntropy};

    fn app(entropy: &SeededEntropy) -> Arc<App> {
        let key = "demo#stoa".parse().unwrap();
        let (number, created) = (AppNumber(1), Timestamp::default());
        Arc::new(App::new(number, key, Region::Eu, created, AuthPolicy::Token, entropy))
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

        let class = ClassScope {
            room: "room".parse().unwrap(),
            user: "Ann".parse().unwrap(),
            role: crate::ClassRole::Student,
        };
        let token = issue_room_token(&ours, &class, now, 60, &entropy);
        let verified = VerifiedToken::verify(&ours, token.expose(), now).unwrap();
        let verified = verified.into_app_caller().unwrap_err();
        let named = class.user.chat_user();
        assert_eq!(verified.named_user(), Some(named.as_str()));
        assert_eq!(verified.into_user_caller(named).unwrap().class(), Some(&class));
        let certificate = ours.certificates[0].expose();
        let forged = Builder007::new(ours.id.as_str(), certificate, 1_800_000_000, 60, 1);
        let forged = forged.chat_user("alice").room_user("room", "Ann", 2).build().unwrap();
        let refused = VerifiedToken::verify(&ours, &forged, now).unwrap_err();
        assert_eq!(refused, TokenRefusal::Invalid("user_mismatch"));

        let token = issue_token(&ours, None, now, 60, &entropy);
        let verified = VerifiedToken::verify(&ours, token.expose(), now).unwrap();
        let verified = verified.into_user_caller(alice).unwrap_err();
        assert!(verified.into_app_caller().unwrap().is_app());
    }
}
