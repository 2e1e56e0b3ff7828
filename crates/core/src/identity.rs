//! What makes an app's tokens good, and by what a token is known again: certificates, who issued it, when,
//! and its signature (token specification, sections 5 and 7; design, *Identity*).

use std::fmt;
use std::time::Duration;

use aws_lc_rs::digest;
use stoa_token::Signature;

use crate::{App, AppId, Entropy, Secret, ServerCertificate, Timestamp, TokenRefusal};

/// The longest life of a token, in seconds, unless an app says less (token specification, section 5).
pub const TOKEN_CAP_S: u32 = 86_400;
/// How far the clock of whoever makes tokens may be ahead, in seconds, unless an app says otherwise.
pub const CLOCK_SKEW_S: u32 = 60;
/// How many users strangers may register from one address in an hour, unless an app says otherwise.
pub const REGISTRATIONS_PER_HOUR: u32 = 20;

/// What an app's owner decided about tokens and registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenPolicy {
    /// The longest life of any token, in seconds from its issue: longer ones end sooner than they say.
    pub cap_s: u32,
    /// How many seconds ahead of ours the clock of whoever makes tokens may be.
    pub skew_s: u32,
    /// Whether tokens of the older format 006 are taken, whose weaknesses no verifier can repair (token
    /// specification, section 6).
    pub accepts_006: bool,
    /// How many users strangers may register from one address in an hour, where the app is open.
    pub registrations_per_hour: u32,
}

impl Default for TokenPolicy {
    fn default() -> Self {
        Self {
            cap_s: TOKEN_CAP_S,
            skew_s: CLOCK_SKEW_S,
            accepts_006: false,
            registrations_per_hour: REGISTRATIONS_PER_HOUR,
        }
    }
}

/// An App Certificate: the secret that an app's back end makes tokens with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    text: Secret,
    fingerprint: Fingerprint,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it makes no good tokens any more, if that was said.
    pub retires: Option<Timestamp>,
}

impl Certificate {
    /// A certificate with the text `text` (32 hexadecimal characters, which its maker sees to).
    pub fn new(text: Secret, created: Timestamp) -> Self {
        let fingerprint = Fingerprint::of(&text);
        Self { text, fingerprint, created, retires: None }
    }

    /// A new one, of 128 random bits.
    pub fn random(entropy: &dyn Entropy, created: Timestamp) -> Self {
        Self::new(Secret::new(AppId::from_bytes(entropy.bytes()).as_str()), created)
    }

    /// Its text, for the one place that needs it.
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// Its text, still hidden.
    pub const fn secret(&self) -> &Secret {
        &self.text
    }

    /// By what it is known without its text.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Whether tokens that it makes are taken at `now`.
    pub fn is_enabled(&self, now: Timestamp) -> bool {
        self.retires.is_none_or(|at| now < at)
    }
}

/// The first 8 bytes of the SHA-256 digest of a certificate. It tells nothing of 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 8]);

impl Fingerprint {
    fn of(text: &Secret) -> Self {
        let digest = digest::digest(&digest::SHA256, text.expose().as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&digest.as_ref()[..8]);
        Self(first)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Who made a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Issuer {
    /// The app's back end, with the App Certificate of this fingerprint.
    App(Fingerprint),
    /// Stoa, on behalf of the app's back end or of the operator, with the server certificate of this fingerprint.
    Server(Fingerprint),
    /// Stoa, for whoever proved itself at the door, with the door certificate that follows from the server
    /// certificate of this fingerprint.
    Door(Fingerprint),
}

impl Issuer {
    /// The App Certificate or server certificate behind the token.
    pub const fn certificate(self) -> Fingerprint {
        match self {
            Self::App(of) | Self::Server(of) | Self::Door(of) => of,
        }
    }
}

/// By what a token is known again after it was verified: not the token, which it does not make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenMark {
    /// The first half of its signature.
    pub id: TokenMarkId,
    /// When it was made: by an app's back end, to the second; by Stoa, to the millisecond. For format 006, which
    /// does not say, 24 hours before its end.
    pub issued: Timestamp,
    /// When it, or the privilege that admitted, ends by itself.
    pub ends: Timestamp,
    /// Who made it.
    pub issuer: Issuer,
}

/// The first 16 bytes of a token's signature, which identify the token whatever its spelling.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenMarkId(pub [u8; 16]);

impl TokenMarkId {
    /// That of a token with this signature.
    pub fn of(signature: &Signature) -> Self {
        let mut first = [0; 16];
        first.copy_from_slice(&signature.as_bytes()[..16]);
        Self(first)
    }
}

impl fmt::Debug for TokenMarkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenMarkId(..)")
    }
}

impl TokenMark {
    /// Whether a cut at `at` ends the token: what was made up to then. The clock of an app's back end may be
    /// ahead by `skew_s` seconds, and what such a clock dated is cut as well; the server's own clock is the
    /// one that the cut was dated by. No cut was made at the beginning of time.
    pub fn is_cut(&self, at: Timestamp, skew_s: u32) -> bool {
        let skew = Duration::from_secs(skew_s.into());
        at > Timestamp::default()
            && match self.issuer {
                Issuer::App(_) => self.issued.as_secs() <= at.plus(skew).as_secs(),
                Issuer::Server(_) | Issuer::Door(_) => self.issued <= at,
            }
    }
}

impl App {
    /// An app as it begins: with a random App ID, one certificate and a server certificate.
    pub fn new(
        number: crate::AppNumber,
        key: crate::AppKey,
        region: crate::Region,
        created: Timestamp,
        auth: crate::AuthPolicy,
        entropy: &dyn Entropy,
    ) -> Self {
        let id = AppId::from_bytes(entropy.bytes());
        let uuid = crate::Uuid::random(entropy);
        let certificates = vec![Certificate::random(entropy, created)];
        let server_certificate = ServerCertificate::random(entropy, created);
        Self {
            number,
            id,
            key,
            uuid,
            region,
            created,
            auth,
            tokens: TokenPolicy::default(),
            revoked: Timestamp::default(),
            chat: crate::ChatSettings::default(),
            class: crate::ClassSettings::default(),
            class_callback: None,
            place: crate::PlaceSettings::default(),
            plan_chosen: false,
            certificates,
            server_certificate,
            former_server_certificate: None,
        }
    }

    /// The certificates whose tokens are good at `now`, and whose tokens those are.
    pub(crate) fn signers(&self, now: Timestamp) -> impl Iterator<Item = (&str, Issuer)> {
        let own = self.certificates.iter().filter(move |one| one.is_enabled(now));
        let own = own.map(|one| (one.expose(), Issuer::App(one.fingerprint())));
        let servers = self.server_certificates().filter(move |one| one.is_enabled(now));
        let door_is_open = self.auth.allows_password();
        let issued = servers.flat_map(move |one| {
            let door = (one.door().expose(), Issuer::Door(one.fingerprint()));
            let server = (one.expose(), Issuer::Server(one.fingerprint()));
            std::iter::once(server).chain(door_is_open.then_some(door))
        });
        own.chain(issued)
    }

    /// Until when a token that was verified once is good, by what its owner has decided by now.
    ///
    /// # Errors
    /// [`TokenRefusal::Invalid`] when its certificate was retired, the app takes no proof of its kind any
    /// more, or all tokens of its time were revoked; [`TokenRefusal::Expired`].
    pub fn admits(&self, mark: &TokenMark, now: Timestamp) -> Result<Timestamp, TokenRefusal> {
        if matches!(mark.issuer, Issuer::Door(_)) && !self.auth.allows_password() {
            return Err(TokenRefusal::Invalid("door_closed"));
        }
        let own = self.certificates.iter();
        let mut known = own.chain(self.server_certificates().map(ServerCertificate::certificate));
        let behind = known.find(|one| one.fingerprint() == mark.issuer.certificate());
        let behind = behind.filter(|one| one.is_enabled(now));
        let retires = behind.ok_or(TokenRefusal::Invalid("certificate_retired"))?.retires;
        if mark.is_cut(self.revoked, self.tokens.skew_s) {
            return Err(TokenRefusal::Invalid("revoked"));
        }
        let capped = mark.issued.plus(Duration::from_secs(self.tokens.cap_s.into()));
        let end = mark.ends.min(capped);
        let end = retires.map_or(end, |at| end.min(at));
        if now < end { Ok(end) } else { Err(TokenRefusal::Expired) }
    }

    /// Whether this app admits whom `other`, the same app at another time, does.
    pub fn admits_as(&self, other: &Self) -> bool {
        (self.auth, self.tokens, self.revoked) == (other.auth, other.tokens, other.revoked)
            && self.certificates == other.certificates
            && self.server_certificates().eq(other.server_certificates())
            && (self.place == other.place && self.class == other.class)
    }

    /// The first moment from `now` on at which the server can issue a token that no cut of the whole app ends.
    pub fn next_issue(&self, now: Timestamp) -> Timestamp {
        now.max(self.revoked.plus(Duration::from_millis(1)))
    }
}
