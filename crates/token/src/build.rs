//! Building tokens (token specification, sections 3, 6 and 10).
//!
//! Salt and time are given by the caller: the salt from a secure generator, any 32-bit number.

use md5::{Digest as _, Md5};

use crate::signature::{Signer007, hex, hex32, sign_006};
use crate::write::{put_bytes, put_privileges, put_services};
use crate::{
    Fields, MAX_CONTENT_BYTES, MAX_TOKEN_BYTES, Permissions, Privileges, Service, envelope,
    privilege,
};

/// Why a token cannot be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The App ID is none.
    #[error("the App ID must be exactly 32 hexadecimal characters")]
    AppId,
    /// The certificate is none.
    #[error("the App Certificate must be exactly 32 hexadecimal characters")]
    Certificate,
    /// Nothing would be granted.
    #[error("a token must name at least one service")]
    NoService,
    /// A token for one user names nobody.
    #[error("a token for a user must name the user, and one for a class room the room")]
    NoUser,
    /// A verifier would refuse the token for its size.
    #[error(
        "the token would be longer than {MAX_TOKEN_BYTES} characters or hold more than \
         {MAX_CONTENT_BYTES} bytes"
    )]
    TooLarge,
}

/// The text that stands for the user number `uid` in a token: 0 is any user, written as nothing.
pub fn rtc_uid(uid: u32) -> String {
    if uid == 0 { String::new() } else { uid.to_string() }
}

/// The chat user name of the class room user `user_uuid`: its MD5 in lower-case hexadecimal. A
/// name, not a protection.
pub fn classroom_chat_user(user_uuid: &str) -> String {
    hex(&Md5::digest(user_uuid.as_bytes()))
}

/// What an RTC user may do in the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RtcRole {
    /// Join and publish audio, video and data.
    Publisher,
    /// Join only.
    Subscriber,
}

impl RtcRole {
    fn privileges(self, value: u32) -> Privileges {
        let last = match self {
            Self::Publisher => privilege::RTC_PUBLISH_DATA,
            Self::Subscriber => privilege::RTC_JOIN,
        };
        (privilege::RTC_JOIN..=last).map(|number| (number, value)).collect()
    }
}

/// Builds a 007 token. The methods named after services do what the official builder calls of
/// that name do, with each privilege as long as the token unless they take a time.
///
/// ```
/// # fn main() -> Result<(), stoa_token::BuildError> {
/// # let (app_id, certificate) = ("0123456789abcdef0123456789abcdef", "fedcba98765432100123456789abcdef");
/// let token = stoa_token::Builder007::new(app_id, certificate, 1_800_000_000, 3600, 42)
///     .chat_user("alice")
///     .build()?;
/// # assert!(token.starts_with("007"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Builder007<'a> {
    app_id: &'a str,
    certificate: &'a str,
    issue_ts: u32,
    expire: u32,
    salt: u32,
    services: Vec<Service>,
    names_nobody: bool,
}

impl<'a> Builder007<'a> {
    /// A token of the app `app_id` signed with `certificate`, issued at `issue_ts` (Unix seconds),
    /// living for `expire` seconds. A verifier cuts its life to [`crate::MAX_LIFETIME_S`].
    pub const fn new(
        app_id: &'a str,
        certificate: &'a str,
        issue_ts: u32,
        expire: u32,
        salt: u32,
    ) -> Self {
        let services = Vec::new();
        Self { app_id, certificate, issue_ts, expire, salt, services, names_nobody: false }
    }

    /// Adds any service. Values of privileges are seconds from the issue; 0 is as long as the
    /// token.
    #[must_use]
    pub fn service(mut self, service: Service) -> Self {
        self.services.push(service);
        self
    }

    /// Like [`Self::service`], for a service that names whom it is for.
    fn named(mut self, names: &[&str], fields: Fields, privilege: (u16, u32)) -> Self {
        self.names_nobody |= names.iter().any(|name| name.is_empty());
        self.service(Service::new(fields, [privilege]))
    }

    /// RTC in `channel` for `user` (see [`rtc_uid`]; empty is any user), by role.
    #[must_use]
    pub fn rtc(self, channel: &str, user: &str, role: RtcRole, privilege_expire: u32) -> Self {
        self.rtc_with(channel, user, role.privileges(privilege_expire))
    }

    /// RTC in `channel` for `user`, with these privileges ([`privilege`]).
    #[must_use]
    pub fn rtc_with(self, channel: &str, user: &str, privileges: impl Into<Privileges>) -> Self {
        let fields = Fields::Rtc { channel: channel.to_owned(), uid: user.to_owned() };
        self.service(Service::new(fields, privileges))
    }

    /// Signaling login of `user`.
    #[must_use]
    pub fn rtm(self, user: &str) -> Self {
        let expire = self.expire;
        self.rtm_for(user, expire)
    }

    /// Signaling login of `user`, for a time of its own.
    #[must_use]
    pub fn rtm_for(self, user: &str, privilege_expire: u32) -> Self {
        let fields = Fields::Rtm { user_id: user.to_owned() };
        self.named(&[user], fields, (privilege::LOGIN, privilege_expire))
    }

    /// Signaling login of `user` with permissions on resources.
    #[must_use]
    pub fn rtm_with_permissions(self, user: &str, permissions: Permissions) -> Self {
        let expire = self.expire;
        let fields = Fields::Rtm2 { user_id: user.to_owned(), permissions };
        self.named(&[user], fields, (privilege::LOGIN, expire))
    }

    /// Accelerated connections. Official builders let such tokens live for 86400 seconds.
    #[must_use]
    pub fn fpa(self) -> Self {
        self.service(Service::new(Fields::Fpa, [(privilege::LOGIN, 0)]))
    }

    /// Chat as `user`.
    #[must_use]
    pub fn chat_user(self, user: &str) -> Self {
        let expire = self.expire;
        let fields = Fields::Chat { user_id: user.to_owned() };
        self.named(&[user], fields, (privilege::CHAT_USER, expire))
    }

    /// Administration of chat in the whole app.
    #[must_use]
    pub fn chat_app(self) -> Self {
        let expire = self.expire;
        self.named(&[], Fields::Chat { user_id: String::new() }, (privilege::CHAT_APP, expire))
    }

    /// The user `user` of the class room `room`: class room, signaling and chat
    /// ([`classroom_chat_user`]). Roles: 0 invisible, 1 teacher, 2 student, 3 assistant,
    /// 4 observer, others as the app defines them.
    #[must_use]
    pub fn room_user(self, room: &str, user: &str, role: i16) -> Self {
        let expire = self.expire;
        let fields = Fields::Apaas { room_uuid: room.to_owned(), user_uuid: user.to_owned(), role };
        self.rtm(user).chat_user(&classroom_chat_user(user)).named(
            &[room, user],
            fields,
            (privilege::ROOM_USER, expire),
        )
    }

    /// The education service as `user`.
    #[must_use]
    pub fn education_user(self, user: &str) -> Self {
        let expire = self.expire;
        let fields = apaas_outside_rooms(user);
        self.named(&[user], fields, (privilege::EDUCATION_USER, expire))
    }

    /// Administration of the education service in the whole app.
    #[must_use]
    pub fn education_app(self) -> Self {
        let expire = self.expire;
        self.named(&[], apaas_outside_rooms(""), (privilege::EDUCATION_APP, expire))
    }

    /// Conversational agents. Official builders add RTC and RTM to it.
    #[must_use]
    pub fn convo_ai(self) -> Self {
        self.service(Service::new(Fields::ConvoAi, []))
    }

    /// Speech to text. Official builders add RTC and RTM to it.
    #[must_use]
    pub fn stt(self) -> Self {
        self.service(Service::new(Fields::Stt, []))
    }

    /// The content, signed but neither compressed nor in base64.
    ///
    /// # Errors
    /// When App ID or certificate is none, nothing is granted, a token for a user names nobody,
    /// or the token would be too large.
    pub fn content(&self) -> Result<Vec<u8>, BuildError> {
        if self.services.is_empty() {
            return Err(BuildError::NoService);
        }
        if self.names_nobody {
            return Err(BuildError::NoUser);
        }
        let mut services = Vec::new();
        put_services(&mut services, &self.services)?;
        self.content_around(&services)
    }

    /// The content with these bytes as count and services, whatever they are.
    pub(crate) fn content_around(&self, services: &[u8]) -> Result<Vec<u8>, BuildError> {
        check_keys(self.app_id, self.certificate)?;
        let mut signed = Vec::new();
        put_bytes(&mut signed, self.app_id.as_bytes())?;
        for number in [self.issue_ts, self.expire, self.salt] {
            signed.extend(number.to_le_bytes());
        }
        signed.extend(services);

        let signature = Signer007::new(self.issue_ts, self.salt).sign(self.certificate, &signed);
        let mut content = Vec::with_capacity(34 + signed.len());
        put_bytes(&mut content, &signature)?;
        content.extend(signed);
        if content.len() > MAX_CONTENT_BYTES { Err(BuildError::TooLarge) } else { Ok(content) }
    }

    /// The token.
    ///
    /// # Errors
    /// As [`Self::content`].
    pub fn build(&self) -> Result<String, BuildError> {
        bounded(envelope::seal_007(&self.content()?))
    }
}

fn apaas_outside_rooms(user: &str) -> Fields {
    const NO_ROLE: i16 = -1;
    Fields::Apaas { room_uuid: String::new(), user_uuid: user.to_owned(), role: NO_ROLE }
}

/// Builds a 006 token. Prefer 007: whoever holds a 006 token can turn it into one for another
/// channel in some cases (token specification, section 6).
#[derive(Clone)]
pub struct Builder006<'a> {
    app_id: &'a str,
    certificate: &'a str,
    channel: &'a str,
    uid: &'a str,
    salt: u32,
    ts: u32,
    privileges: Privileges,
}

impl<'a> Builder006<'a> {
    /// An RTC token for `uid` (see [`rtc_uid`]; empty is any user) in `channel`, that ends at `ts`
    /// (Unix seconds; official builders give it 86400 seconds from now).
    pub const fn rtc(
        app_id: &'a str,
        certificate: &'a str,
        channel: &'a str,
        uid: &'a str,
        salt: u32,
        ts: u32,
    ) -> Self {
        Self { app_id, certificate, channel, uid, salt, ts, privileges: Privileges::NONE }
    }

    /// A signaling token for `user` that ends at `ts`; the login privilege ends at `until`.
    pub fn rtm(
        app_id: &'a str,
        certificate: &'a str,
        user: &'a str,
        salt: u32,
        ts: u32,
        until: u32,
    ) -> Self {
        Self::rtc(app_id, certificate, user, "", salt, ts)
            .privilege(privilege::RTM_LOGIN_006, until)
    }

    /// Grants the privileges of an RTC role until `until` (Unix seconds; 0 is as long as the
    /// token).
    #[must_use]
    pub fn role(mut self, role: RtcRole, until: u32) -> Self {
        self.privileges = role.privileges(until);
        self
    }

    /// Grants a privilege until `until` (Unix seconds; 0 is as long as the token).
    #[must_use]
    pub fn privilege(mut self, privilege: u16, until: u32) -> Self {
        self.privileges.set(privilege, until);
        self
    }

    /// The token.
    ///
    /// # Errors
    /// When App ID or certificate is none, nothing is granted, or the token would be too large.
    pub fn build(&self) -> Result<String, BuildError> {
        check_keys(self.app_id, self.certificate)?;
        if self.privileges.is_empty() {
            return Err(BuildError::NoService);
        }
        let mut message = Vec::new();
        message.extend(self.salt.to_le_bytes());
        message.extend(self.ts.to_le_bytes());
        put_privileges(&mut message, &self.privileges)?;

        let (channel, uid) = (self.channel.as_bytes(), self.uid.as_bytes());
        let signed = [self.app_id.as_bytes(), channel, uid, &message];
        let mut content = Vec::new();
        put_bytes(&mut content, &sign_006(self.certificate, signed))?;
        content.extend(crc32fast::hash(channel).to_le_bytes());
        content.extend(crc32fast::hash(uid).to_le_bytes());
        put_bytes(&mut content, &message)?;
        bounded(envelope::seal_006(self.app_id, &content))
    }
}

fn check_keys(app_id: &str, certificate: &str) -> Result<(), BuildError> {
    hex32(app_id.as_bytes()).ok_or(BuildError::AppId)?;
    hex32(certificate.as_bytes()).ok_or(BuildError::Certificate)?;
    Ok(())
}

fn bounded(token: String) -> Result<String, BuildError> {
    if token.len() > MAX_TOKEN_BYTES { Err(BuildError::TooLarge) } else { Ok(token) }
}
