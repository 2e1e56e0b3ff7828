//! Who a chat caller is: the short way for chat logins and the chat REST interface (token
//! specification, section 8).

use crate::verify::verify_007;
use crate::{Claims007, Error, Expectation, Fields, Signature, privilege};

/// What a genuine chat token grants at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatGrant {
    /// As whom its holder may act.
    pub subject: ChatSubject,
    /// The class room that the token is for, if it is one for a user of a class room. Its holder
    /// may act in that room only.
    pub room: Option<RoomClaim>,
    /// The token's identity, for revocation: a token has many spellings but one signature.
    pub signature: Signature,
    /// When it was issued, in Unix seconds.
    pub issued_at: u64,
    /// Its salt: who issues tokens chooses it.
    pub salt: u32,
    /// When the grant ends, in Unix seconds: with the token or with the privilege, whichever is
    /// sooner, and at most 24 hours after the issue. At that second it is over.
    pub expires_at: u64,
    /// The place of the certificate that signed it among those that were expected.
    pub signer: usize,
}

impl ChatGrant {
    /// The user that the holder acts as; `None` for a token for the whole app.
    pub fn user(&self) -> Option<&str> {
        match &self.subject {
            ChatSubject::User(name) => Some(name),
            ChatSubject::App => None,
        }
    }

    /// Whether it is a token for the whole app. Never accept one from an end user's client.
    pub const fn is_app(&self) -> bool {
        matches!(self.subject, ChatSubject::App)
    }
}

/// As whom the holder of a chat token may act.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ChatSubject {
    /// As one user. The text is as it stands in the token, never empty: the user's name, or the
    /// user's UUID as older guides have it. In a token for a class room it is the lower-case
    /// hexadecimal MD5 of the user's UUID there.
    User(String),
    /// As the app's administrator.
    App,
}

/// The user and the room of a class room token, both never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomClaim {
    /// The room.
    pub room_uuid: String,
    /// The user's name in the education service.
    pub user_uuid: String,
    /// 0 invisible, 1 teacher, 2 student, 3 assistant, 4 observer, or the app's own.
    pub role: i16,
}

/// Whether `token` is a genuine 007 token that lets its holder use chat as `expect` says (app, time and
/// certificates; a requirement is not looked at), and as whom.
///
/// All certificates that are enabled are tried. A token that names both a user and the whole
/// app acts as the user, the lesser right.
///
/// # Errors
/// As [`crate::verify()`]. `privilege_missing` when no chat entry names a user together with the
/// user privilege, or nobody together with the app privilege.
pub fn verify_chat(token: &str, expect: &Expectation<'_>) -> Result<ChatGrant, Error> {
    let (claims, signer) = verify_007(token, expect)?;
    let (subject, expires_at) = subject(&claims, expect.now)?;
    let room = claims.room_user().map(|(room_uuid, user_uuid, role)| RoomClaim {
        room_uuid: room_uuid.to_owned(),
        user_uuid: user_uuid.to_owned(),
        role,
    });
    let (signature, issued_at, salt) = (claims.signature, claims.issue_ts.into(), claims.salt);
    Ok(ChatGrant { subject, room, signature, issued_at, salt, expires_at, signer })
}

/// The subject and the end of its grant.
fn subject(claims: &Claims007, now_s: u64) -> Result<(ChatSubject, u64), Error> {
    let mut refusal = Error::ServiceMissing;
    let mut app = None;
    for service in &claims.services {
        let Fields::Chat { user_id } = &service.fields else { continue };
        let of_user = !user_id.is_empty();
        let wanted = if of_user { privilege::CHAT_USER } else { privilege::CHAT_APP };
        match claims.privilege_end(service, wanted) {
            Some(end) if now_s < end && of_user => {
                return Ok((ChatSubject::User(user_id.clone()), end));
            }
            Some(end) if now_s < end => app = app.or(Some((ChatSubject::App, end))),
            Some(_) => refusal = Error::PrivilegeExpired,
            None if refusal == Error::ServiceMissing => refusal = Error::PrivilegeMissing,
            None => {}
        }
    }
    app.ok_or(refusal)
}
