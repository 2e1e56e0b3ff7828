//! An app: the tenant that everything else belongs to.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::{
    Certificate, ChatSettings, Elsewhere, PlaceSettings, Region, ServerCertificate, Timestamp,
    TokenPolicy, Uuid,
};

/// The number under which an app's records stand in the store. 0 is the platform itself (the
/// directory of apps); numbers are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppNumber(pub u32);

impl AppNumber {
    /// The platform's own records.
    pub const PLATFORM: Self = Self(0);
}

/// An App ID: 32 hexadecimal characters, used as their ASCII bytes, case kept
/// (token specification, section 1).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppId([u8; 32]);

impl AppId {
    /// The App ID of 16 random bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let mut text = [0; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        Self(text)
    }

    /// The 32 characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("an App ID is ASCII: its constructors see to it")
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

impl FromStr for AppId {
    type Err = CertificateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        hex32(text).map(Self)
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AppId({})", self.as_str())
    }
}

/// Why a text is no App ID or App Certificate.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("must be exactly 32 hexadecimal characters (0-9, a-f, A-F), got {got} characters{}", if *bad { " of which some are not hexadecimal" } else { "" })]
pub struct CertificateError {
    got: usize,
    bad: bool,
}

fn hex32(text: &str) -> Result<[u8; 32], CertificateError> {
    let bad = !text.bytes().all(|b| b.is_ascii_hexdigit());
    match text.as_bytes().try_into() {
        Ok(bytes) if !bad => Ok(bytes),
        _ => Err(CertificateError { got: text.chars().count(), bad }),
    }
}

/// An app key `org#app`: how clients and REST paths (`/org/app/…`) name an app.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppKey {
    org: String,
    app: String,
}

impl AppKey {
    /// The key of the app `app` of the organisation `org`.
    ///
    /// # Errors
    /// When a part is empty, longer than 64 bytes, or has a character outside
    /// `a-z A-Z 0-9 - _ .`.
    pub fn new(org: &str, app: &str) -> Result<Self, AppKeyError> {
        for part in [org, app] {
            if part.is_empty() || part.len() > 64 {
                return Err(AppKeyError::Length);
            }
            if !part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
                return Err(AppKeyError::Character);
            }
        }
        Ok(Self { org: org.into(), app: app.into() })
    }

    /// The organisation's name.
    pub fn org(&self) -> &str {
        &self.org
    }

    /// The app's name within the organisation.
    pub fn app(&self) -> &str {
        &self.app
    }
}

impl FromStr for AppKey {
    type Err = AppKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (org, app) = text.split_once('#').ok_or(AppKeyError::Separator)?;
        Self::new(org, app)
    }
}

impl fmt::Display for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.org, self.app)
    }
}

/// Why a text is no app key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AppKeyError {
    /// There is no `#`.
    #[error("an app key is written org#app, with exactly one '#'")]
    Separator,
    /// A part is empty or too long.
    #[error("organisation and app name of an app key have 1 to 64 characters each")]
    Length,
    /// A part has a character that is not allowed.
    #[error("organisation and app name consist of a-z, A-Z, 0-9, '-', '_' and '.'")]
    Character,
}

/// Who may enter an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuthPolicy {
    /// Only tokens made with the App Certificate. The default.
    #[default]
    Token,
    /// Also the password grant.
    TokenOrPassword,
    /// The vendor's *No certificate*: also registration without a token.
    Open,
}

impl AuthPolicy {
    /// The name in configuration and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::TokenOrPassword => "token_or_password",
            Self::Open => "open",
        }
    }

    /// Whether a user may log in with a password.
    pub const fn allows_password(self) -> bool {
        !matches!(self, Self::Token)
    }

    /// Whether anybody may register.
    pub const fn allows_open_registration(self) -> bool {
        matches!(self, Self::Open)
    }
}

impl FromStr for AuthPolicy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Token, Self::TokenOrPassword, Self::Open]
            .into_iter()
            .find(|policy| policy.name() == text)
            .ok_or_else(|| format!("'{text}' is none of token, token_or_password, open"))
    }
}

/// An app as the server holds it in memory: its public names and what verifies its tokens.
#[derive(Debug, Clone)]
pub struct App {
    /// The number under which its records stand.
    pub number: AppNumber,
    /// The App ID, public.
    pub id: AppId,
    /// The app key `org#app`, public.
    pub key: AppKey,
    /// The app's UUID, `application` in REST envelopes.
    pub uuid: Uuid,
    /// The data centre it lives in, for ever.
    pub region: Region,
    /// When it was created.
    pub created: Timestamp,
    /// Who may enter.
    pub auth: AuthPolicy,
    /// What its owner decided about tokens.
    pub tokens: TokenPolicy,
    /// Tokens that were made up to this moment are revoked; the beginning of time: none.
    pub revoked: Timestamp,
    /// What its owner decided about chat.
    pub chat: ChatSettings,
    /// What its owner decided about class rooms.
    pub class: crate::ClassSettings,
    /// Where events of class rooms are posted to, if anywhere.
    pub class_callback: Option<String>,
    /// What its owner decided about place.
    pub place: PlaceSettings,
    /// Its owner has chosen the plan, by which messages are kept.
    pub plan_chosen: bool,
    /// The primary certificate and, during a rotation, the secondary one.
    pub certificates: Vec<Certificate>,
    /// Signs the tokens that Stoa itself issues; never leaves the server.
    pub server_certificate: ServerCertificate,
    /// The one before it, as long as tokens that it signed are taken.
    pub former_server_certificate: Option<ServerCertificate>,
}

/// Knows the apps of this data centre, by the names that clients use.
pub trait AppDirectory: Send + Sync + 'static {
    /// The app with that key.
    fn by_key(&self, key: &AppKey) -> Option<Arc<App>>;
    /// The app with that App ID.
    fn by_id(&self, id: &AppId) -> Option<Arc<App>>;
    /// Where the app with that key lives, if it is known to live in another data centre.
    fn elsewhere_by_key(&self, _key: &AppKey) -> Option<Elsewhere> {
        None
    }
    /// Where the app with that App ID lives, if it is known to live in another data centre.
    fn elsewhere_by_id(&self, _id: &AppId) -> Option<Elsewhere> {
        None
    }
}

/// An app alone: it knows itself.
impl AppDirectory for Arc<App> {
    fn by_key(&self, key: &AppKey) -> Option<Arc<App>> {
        (*key == self.key).then(|| self.clone())
    }

    fn by_id(&self, id: &AppId) -> Option<Arc<App>> {
        (*id == self.id).then(|| self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn app_keys_are_checked_where_they_come_in() {
        assert_eq!("demo#stoa".parse::<AppKey>().unwrap().to_string(), "demo#stoa");
        assert_eq!("demo".parse::<AppKey>(), Err(AppKeyError::Separator));
        assert_eq!("demo#".parse::<AppKey>(), Err(AppKeyError::Length));
        assert_eq!("a#b#c".parse::<AppKey>(), Err(AppKeyError::Character));
    }

    #[test]
    fn an_app_id_says_what_is_wrong() {
        assert_eq!(AppId::from_bytes([0xAB; 16]).as_str(), "ab".repeat(16));
        assert_eq!(
            "xyz".parse::<AppId>().unwrap_err().to_string(),
            "must be exactly 32 hexadecimal characters (0-9, a-f, A-F), got 3 characters of which some are not hexadecimal"
        );
    }
}
