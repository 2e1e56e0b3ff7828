//! Who a caller of the education service is: the short way for class rooms (token specification, section 8;
//! classroom specification, section 3).

use crate::verify::verify_007;
use crate::{
    Claims007, Error, Expectation, Fields, RoomClaim, ServiceType, Signature, privilege, verify,
};

/// What a genuine token grants in class rooms at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassGrant {
    /// As whom its holder may act.
    pub subject: ClassSubject,
    /// The token's identity, for revocation.
    pub signature: Signature,
    /// When it was issued, in Unix seconds; a 006 token does not say.
    pub issued_at: Option<u64>,
    /// When the grant ends, in Unix seconds. At that second it is over.
    pub expires_at: u64,
    /// The place of the certificate that signed it among those that were expected.
    pub signer: usize,
}

/// As whom the holder of a token may act in class rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClassSubject {
    /// As one user in one room in one role.
    RoomUser(RoomClaim),
    /// As one user with what is its own, in no room.
    User(String),
    /// As the app's administrator.
    App,
    /// As a user who can log into signaling, which says nothing of rooms and roles.
    Signaling(String),
}

/// Whether `token` is a genuine token that lets its holder use class rooms as `expect` says (app, time and
/// certificates; a requirement is not looked at), and as whom.
///
/// A token that names more than one of these acts as the lesser. `named` is the user whom the caller says to be:
/// a 006 token, which holds only a checksum of it, cannot be read without.
///
/// # Errors
/// As [`crate::verify()`]. `privilege_missing` when no entry grants anything here.
pub fn verify_class(
    token: &str,
    expect: &Expectation<'_>,
    named: Option<&str>,
) -> Result<ClassGrant, Error> {
    if token.starts_with("006") {
        let named = named.ok_or(Error::UserMismatch)?;
        let login = crate::Requirement {
            privilege: Some(privilege::RTM_LOGIN_006),
            ..crate::Requirement::rtm_login(named)
        };
        let verified = verify(token, &Expectation { require: Some(login), ..*expect })?;
        return Ok(ClassGrant {
            subject: ClassSubject::Signaling(named.to_owned()),
            signature: *verified.signature(),
            issued_at: None,
            expires_at: verified.granted_until(),
            signer: verified.signer(),
        });
    }
    let (claims, signer) = verify_007(token, expect)?;
    let (subject, expires_at) = subject(&claims, expect.now)?;
    let (signature, issued_at) = (claims.signature, Some(claims.issue_ts.into()));
    Ok(ClassGrant { subject, signature, issued_at, expires_at, signer })
}

/// The subject and the end of its grant.
fn subject(claims: &Claims007, now_s: u64) -> Result<(ClassSubject, u64), Error> {
    let mut refusal = Error::ServiceMissing;
    let mut found: Option<(u8, ClassSubject, u64)> = None;
    for service in &claims.services {
        let (rank, wanted, subject) = match &service.fields {
            Fields::Apaas { room_uuid, user_uuid, role } => {
                match (room_uuid.is_empty(), user_uuid.is_empty()) {
                    (false, false) => {
                        let (room_uuid, user_uuid) = (room_uuid.clone(), user_uuid.clone());
                        let claim = RoomClaim { room_uuid, user_uuid, role: *role };
                        (0, privilege::ROOM_USER, ClassSubject::RoomUser(claim))
                    }
                    (true, false) => {
                        (1, privilege::EDUCATION_USER, ClassSubject::User(user_uuid.clone()))
                    }
                    (true, true) => (3, privilege::EDUCATION_APP, ClassSubject::App),
                    (false, true) => continue,
                }
            }
            Fields::Rtm { user_id } if !user_id.is_empty() => {
                (2, privilege::LOGIN, ClassSubject::Signaling(user_id.clone()))
            }
            _ => continue,
        };
        debug_assert!(matches!(service.kind(), ServiceType::Apaas | ServiceType::Rtm));
        match claims.privilege_end(service, wanted) {
            Some(end) if now_s < end => {
                let is_less = found.as_ref().is_none_or(|(least, ..)| rank < *least);
                found = if is_less { Some((rank, subject, end)) } else { found };
            }
            Some(_) => refusal = Error::PrivilegeExpired,
            None if refusal == Error::ServiceMissing => refusal = Error::PrivilegeMissing,
            None => {}
        }
    }
    found.map(|(_, subject, end)| (subject, end)).ok_or(refusal)
}
