//! Who is asking in class rooms: made only by verifying a token (classroom specification, section 3).

use std::sync::Arc;

use stoa_token::{
    Builder007, ClassSubject, Expectation, MAX_LIFETIME_S, RtcRole, rtc_uid, verify_class,
};

use super::{ClassRole, RoomUuid, UserUuid};
use crate::caller::{sealed, token_refusal};
use crate::{
    App, AppScope, AuthPolicy, Entropy, Issuer, Secret, Timestamp, TokenMark, TokenMarkId,
    TokenRefusal,
};

/// As whom a caller acts in class rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClassPrincipal {
    /// The app's own back end: administers all rooms of the app.
    App,
    /// One user with what is its own, in no room.
    User(UserUuid),
    /// One user in one room.
    RoomUser {
        /// The room.
        room: RoomUuid,
        /// The user.
        user: UserUuid,
        /// The role. None: the token says none, and only [`ClassRole::Invisible`] may be asked for.
        role: Option<ClassRole>,
    },
    /// A user whose token says nothing of rooms and roles.
    Signaling(UserUuid),
    /// Nobody in particular: the app is open to whoever knows its App ID.
    Anyone,
}

/// Who is asking in the class rooms of an app.
#[derive(Debug, Clone)]
pub struct ClassCaller {
    app: Arc<App>,
    principal: ClassPrincipal,
    mark: Option<TokenMark>,
    expires: Timestamp,
    /// Of one whose token says nothing of rooms and roles: what it may be there.
    guest: Option<Guest>,
}

/// Whom a room lets be what, without a token that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Guest {
    /// The role that the app's back end has given the user there, if it did.
    stated: Option<ClassRole>,
}

impl ClassCaller {
    /// Verifies `token` for `app` at `now`. `named` is the user whom the caller says to be, if it says so: it has
    /// to be the token's, and a 006 token cannot be read without.
    ///
    /// # Errors
    /// [`TokenRefusal::Expired`] for a token or privilege that is over, otherwise [`TokenRefusal::Invalid`]: also
    /// for a token of another user than `named`, and for a signaling token where the app takes none.
    pub fn verify(
        app: &Arc<App>,
        token: &str,
        named: Option<&UserUuid>,
        now: Timestamp,
    ) -> Result<Self, TokenRefusal> {
        let (certificates, issuers): (Vec<&str>, Vec<Issuer>) = app.signers(now).unzip();
        let expect = Expectation {
            skew_s: app.tokens.skew_s.into(),
            accept_006: app.tokens.accepts_006 && app.class.accepts_rtm_token,
            ..Expectation::new(now.as_secs(), app.id.as_str(), &certificates)
        };
        let grant = verify_class(token, &expect, named.map(UserUuid::as_str));
        let grant = grant.map_err(token_refusal)?;
        let issuer = issuers.get(grant.signer).copied();
        let mark = TokenMark {
            id: TokenMarkId::of(&grant.signature),
            issued: Timestamp::from_secs(
                grant.issued_at.unwrap_or(grant.expires_at.saturating_sub(MAX_LIFETIME_S)),
            ),
            ends: Timestamp::from_secs(grant.expires_at),
            issuer: issuer.ok_or(TokenRefusal::Invalid("bad_signature"))?,
        };
        let name = |text: &str| text.parse().map_err(|_| TokenRefusal::Invalid("invalid_field"));
        let principal = match grant.subject {
            ClassSubject::App => ClassPrincipal::App,
            ClassSubject::User(user) => ClassPrincipal::User(name(&user)?),
            ClassSubject::Signaling(user) if app.class.accepts_rtm_token => {
                ClassPrincipal::Signaling(name(&user)?)
            }
            ClassSubject::Signaling(_) => return Err(TokenRefusal::Invalid("rtm_token")),
            ClassSubject::RoomUser(claim) => {
                let role = match claim.role {
                    -1 => None,
                    role => {
                        let role = ClassRole::of_number(role.into());
                        Some(role.ok_or(TokenRefusal::Invalid("unknown_role"))?)
                    }
                };
                let (room, user) = (name(&claim.room_uuid)?, name(&claim.user_uuid)?);
                ClassPrincipal::RoomUser { room, user, role }
            }
        };
        let expires = app.admits(&mark, now)?;
        let caller = Self { app: app.clone(), principal, mark: Some(mark), expires, guest: None };
        match (named, caller.user()) {
            (Some(named), Some(user)) if named != user => {
                Err(TokenRefusal::Invalid("user_mismatch"))
            }
            _ => Ok(caller),
        }
    }

    /// Whoever knows the App ID of an open app; none if the app is not open.
    pub fn without_token(app: &Arc<App>) -> Option<Self> {
        (app.auth == AuthPolicy::Open).then(|| Self {
            app: app.clone(),
            principal: ClassPrincipal::Anyone,
            mark: None,
            expires: Timestamp::from_millis(u64::MAX),
            guest: None,
        })
    }

    /// Whoever came without a token that names room and role, as `user` in a room: in `role`, which the user has there,
    /// and with what the app's back end has `stated` of it. Whoever came without any token at all is never more than a
    /// student, since it could be anybody. Every other caller stays what it is.
    #[must_use]
    pub fn seated(
        self,
        room: &RoomUuid,
        user: &UserUuid,
        role: Option<ClassRole>,
        stated: Option<ClassRole>,
    ) -> Self {
        let proven = match &self.principal {
            ClassPrincipal::Signaling(named) if named == user => true,
            ClassPrincipal::Anyone => false,
            _ => return self,
        };
        let admitted = |role: &ClassRole| proven || !role.is_teaching();
        let (role, stated) = (role.filter(admitted), stated.filter(admitted));
        let role = Some(role.or(stated).unwrap_or(ClassRole::Student));
        let principal = ClassPrincipal::RoomUser { room: room.clone(), user: user.clone(), role };
        Self { principal, guest: Some(Guest { stated }), ..self }
    }

    /// Whether the caller may come into its room as that: what its token says, or without such a token a student, an
    /// observer, invisible, and what the app's back end has said.
    pub fn may_enter_as(&self, role: ClassRole) -> bool {
        match (&self.principal, self.guest) {
            (_, Some(guest)) => !role.is_teaching() || guest.stated == Some(role),
            (ClassPrincipal::RoomUser { role: signed, .. }, None) => {
                signed.unwrap_or(ClassRole::Invisible) == role
            }
            _ => false,
        }
    }

    /// Whether the caller came without a token that names room and role.
    pub const fn is_guest(&self) -> bool {
        self.guest.is_some()
    }

    /// As whom the caller acts.
    pub const fn principal(&self) -> &ClassPrincipal {
        &self.principal
    }

    /// The user whom the token names, if it names one.
    pub const fn user(&self) -> Option<&UserUuid> {
        match &self.principal {
            ClassPrincipal::User(user)
            | ClassPrincipal::RoomUser { user, .. }
            | ClassPrincipal::Signaling(user) => Some(user),
            ClassPrincipal::App | ClassPrincipal::Anyone => None,
        }
    }

    /// By what the token behind this caller is known again; none if there is none.
    pub const fn mark(&self) -> Option<&TokenMark> {
        self.mark.as_ref()
    }

    /// When the token behind this caller ends.
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }
}

/// A token for the media of a room under a stream's number, until `ends` and for a day at the most. What may be
/// published the room decides, whatever the token grants.
pub fn issue_media_token(
    app: &App,
    room: &RoomUuid,
    stream: u32,
    now: Timestamp,
    ends: Timestamp,
    entropy: &dyn Entropy,
) -> Secret {
    let seconds = ends.as_secs().saturating_sub(now.as_secs()).clamp(1, MAX_LIFETIME_S);
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
    let issued = u32::try_from(now.as_secs()).unwrap_or(u32::MAX);
    let salt = u32::from_le_bytes(entropy.bytes());
    let certificate = app.server_certificate.expose();
    let token = Builder007::new(app.id.as_str(), certificate, issued, seconds, salt);
    let token = token.rtc(room.as_str(), &rtc_uid(stream), RtcRole::Publisher, seconds);
    Secret::new(token.build().expect("an app's ID and certificates are checked when it is loaded"))
}

impl sealed::Sealed for ClassCaller {}

impl AppScope for ClassCaller {
    fn app(&self) -> &Arc<App> {
        &self.app
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AppNumber, Region, SeededEntropy};

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn app(accepts_rtm_token: bool) -> Arc<App> {
        let key = "demo#stoa".parse().unwrap();
        let entropy = SeededEntropy::new(3);
        let made = App::new(AppNumber(1), key, Region::Eu, NOW, AuthPolicy::Token, &entropy);
        let class = super::super::ClassSettings { accepts_rtm_token, ..made.class };
        Arc::new(App { class, ..made })
    }

    fn builder(app: &App) -> Builder007<'_> {
        let issued = u32::try_from(NOW.as_secs()).unwrap();
        Builder007::new(app.id.as_str(), app.certificates[0].expose(), issued, 3600, 7)
    }

    fn name(text: &str) -> UserUuid {
        text.parse().unwrap()
    }

    #[test]
    fn a_room_token_is_its_user_in_its_room_in_its_role() {
        let app = app(false);
        let token = builder(&app).room_user("room", "Ann", 1).build().unwrap();
        let caller = ClassCaller::verify(&app, &token, None, NOW).unwrap();
        let (room, user, role) = (name("room"), name("Ann"), Some(ClassRole::Teacher));
        assert_eq!(caller.principal(), &ClassPrincipal::RoomUser { room, user, role });
        assert!(ClassCaller::verify(&app, &token, Some(&name("Ann")), NOW).is_ok());
        let other = ClassCaller::verify(&app, &token, Some(&name("Bob")), NOW);
        assert_eq!(other.unwrap_err(), TokenRefusal::Invalid("user_mismatch"));
        let forged = builder(&app).room_user("room", "Ann", 9).build().unwrap();
        assert!(ClassCaller::verify(&app, &forged, None, NOW).is_err());
        let over = ClassCaller::verify(&app, &token, None, Timestamp::from_secs(1_800_003_600));
        assert_eq!(over.unwrap_err(), TokenRefusal::Expired);
    }

    #[test]
    fn signaling_tokens_are_taken_where_the_app_takes_them() {
        let strict = app(false);
        let token = builder(&strict).rtm("Ann").build().unwrap();
        let refused = ClassCaller::verify(&strict, &token, None, NOW).unwrap_err();
        assert_eq!(refused, TokenRefusal::Invalid("rtm_token"));
        let lax = app(true);
        let caller = ClassCaller::verify(&lax, &token, None, NOW).unwrap();
        assert_eq!(caller.principal(), &ClassPrincipal::Signaling(name("Ann")));
    }

    #[test]
    fn who_has_no_room_token_is_a_student_unless_the_app_says_otherwise() {
        let app = app(true);
        let (room, ann) = (name("room"), name("Ann"));
        let token = builder(&app).rtm("Ann").build().unwrap();
        let caller = ClassCaller::verify(&app, &token, None, NOW).unwrap();
        let may = |caller: &ClassCaller, roles: [bool; 5]| {
            let all = ClassRole::ALL.map(|role| caller.may_enter_as(role));
            assert_eq!(all, roles);
        };
        may(&caller, [false; 5]);
        let student = caller.clone().seated(&room, &ann, None, None);
        assert_eq!(student.user(), Some(&ann));
        may(&student, [true, false, true, false, true]);
        let teacher = caller.clone().seated(&room, &ann, None, Some(ClassRole::Teacher));
        may(&teacher, [true, true, true, false, true]);
        // Somebody else's name, and nobody's token.
        may(&caller.seated(&room, &name("Bob"), None, None), [false; 5]);
        let open = Arc::new(App { auth: AuthPolicy::Open, ..(*app).clone() });
        let anyone = ClassCaller::without_token(&open).unwrap();
        let anyone = anyone.seated(&room, &ann, Some(ClassRole::Teacher), Some(ClassRole::Teacher));
        may(&anyone, [true, false, true, false, true]);
        let role = Some(ClassRole::Student);
        assert_eq!(
            anyone.principal(),
            &ClassPrincipal::RoomUser { room: room.clone(), user: ann.clone(), role }
        );
        // A token that names them stays what it is.
        let signed = builder(&app).room_user("room", "Ann", 2).build().unwrap();
        let signed = ClassCaller::verify(&app, &signed, None, NOW).unwrap();
        let signed = signed.seated(&room, &ann, Some(ClassRole::Teacher), Some(ClassRole::Teacher));
        may(&signed, [false, false, true, false, false]);
    }

    #[test]
    fn chat_tokens_open_no_room_and_nobody_comes_without_a_token() {
        let app = app(false);
        for token in [builder(&app).chat_user("ann"), builder(&app).chat_app()] {
            assert!(ClassCaller::verify(&app, &token.build().unwrap(), None, NOW).is_err());
        }
        assert!(ClassCaller::without_token(&app).is_none());
        let token = builder(&app).education_app().build().unwrap();
        let caller = ClassCaller::verify(&app, &token, None, NOW).unwrap();
        assert_eq!((caller.principal(), caller.user()), (&ClassPrincipal::App, None));
    }
}
