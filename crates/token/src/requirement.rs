//! What a token must grant, and which of its entries grants it (token specification, section 7,
//! step 10, and section 8).

use crate::{Claims006, Claims007, Error, Fields, Service, ServiceType, privilege};

/// What a token must grant. One and the same entry of the token must satisfy all of it. What is
/// `None` is not checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requirement<'a> {
    /// The kind of service.
    pub service: ServiceType,
    /// The channel (RTC, streaming, FCDN).
    pub channel: Option<&'a str>,
    /// The class room (education).
    pub room: Option<&'a str>,
    /// The user: uid, account or name. An empty one is nobody.
    pub user: Option<&'a str>,
    /// The privilege, whose own time must not be over.
    pub privilege: Option<u16>,
    /// The resource (RTM2).
    pub resource: Option<Resource<'a>>,
}

/// A resource of RTM2 and what is to be done with it; the numbers are those of
/// [`crate::Permissions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the type's documentation says it")]
pub struct Resource<'a> {
    pub resource_type: u16,
    pub permission: u16,
    pub name: &'a str,
}

impl<'a> Requirement<'a> {
    /// The mere presence of a service.
    pub const fn service(service: ServiceType) -> Self {
        let (channel, room, user) = (None, None, None);
        Self { service, channel, room, user, privilege: None, resource: None }
    }

    /// To do `privilege` in a channel as `user`.
    pub const fn rtc(channel: &'a str, user: &'a str, privilege: u16) -> Self {
        let (channel, user, privilege) = (Some(channel), Some(user), Some(privilege));
        Self { channel, user, privilege, ..Self::service(ServiceType::Rtc) }
    }

    /// To log into signaling as `user`.
    pub const fn rtm_login(user: &'a str) -> Self {
        let (user, privilege) = (Some(user), Some(privilege::LOGIN));
        Self { user, privilege, ..Self::service(ServiceType::Rtm) }
    }

    /// To be `user` in the class room `room`.
    pub const fn room_user(room: &'a str, user: &'a str) -> Self {
        let (room, user, privilege) = (Some(room), Some(user), Some(privilege::ROOM_USER));
        Self { room, user, privilege, ..Self::service(ServiceType::Apaas) }
    }

    /// To call the education service as `user`.
    pub const fn education_user(user: &'a str) -> Self {
        let (user, privilege) = (Some(user), Some(privilege::EDUCATION_USER));
        Self { user, privilege, ..Self::service(ServiceType::Apaas) }
    }

    /// To administer the education service of the whole app.
    pub const fn education_app() -> Self {
        let privilege = Some(privilege::EDUCATION_APP);
        Self { privilege, ..Self::service(ServiceType::Apaas) }
    }
}

impl Requirement<'_> {
    /// The place of the service of `claims` that grants all of this, and when the grant ends.
    ///
    /// Starts with all services and narrows; what leaves none names the error.
    pub(crate) fn authorise(&self, claims: &Claims007, now: u64) -> Result<(usize, u64), Error> {
        let mut left = Candidates(claims.services.iter().enumerate().collect());
        left.narrow(Error::ServiceMissing, |service| service.kind() == self.service)?;
        if let Some(channel) = self.channel {
            left.narrow(Error::ChannelMismatch, |service| service.is_for_channel(channel))?;
        }
        if let Some(room) = self.room {
            left.narrow(Error::RoomMismatch, |service| service.is_for_room(room))?;
        }
        if let Some(user) = self.user {
            left.narrow(Error::UserMismatch, |service| service.is_for_user(user))?;
        }
        let end = |service: &Service| match self.privilege {
            Some(privilege) => claims.privilege_end(service, privilege),
            None => Some(claims.ends_at()),
        };
        left.narrow(Error::PrivilegeMissing, |service| end(service).is_some())?;
        left.narrow(Error::PrivilegeExpired, |service| end(service).is_some_and(|at| now < at))?;
        if let Some(resource) = self.resource {
            left.narrow(Error::PermissionMissing, |service| service.allows(resource))?;
        }
        let first = left.0.first().and_then(|(index, service)| Some((*index, end(service)?)));
        first.ok_or(Error::ServiceMissing)
    }
}

/// The services that satisfy all that was asked so far, with their places.
struct Candidates<'c>(Vec<(usize, &'c Service)>);

impl Candidates<'_> {
    fn narrow(&mut self, error: Error, keep: impl Fn(&Service) -> bool) -> Result<(), Error> {
        self.0.retain(|(_, service)| keep(service));
        if self.0.is_empty() { Err(error) } else { Ok(()) }
    }
}

impl Claims007 {
    /// When `privilege` of `service` ends; `None` when the service does not hold it.
    pub(crate) fn privilege_end(&self, service: &Service, privilege: u16) -> Option<u64> {
        if service.is_for_whole_app(privilege) == Some(false) {
            return None;
        }
        let implied = || (self.implies(service) && privilege == 1).then_some(0);
        let value = service.privileges.get(privilege).or_else(implied)?;
        Some(self.privilege_ends_at(value))
    }

    /// Whether `service` holds privilege 1 although it lists none: some official builders leave it
    /// out of the tokens for a user of a class room, and only there it is supplied.
    fn implies(&self, service: &Service) -> bool {
        matches!(service.kind(), ServiceType::Apaas | ServiceType::Chat)
            && service.privileges.is_empty()
            && self.room_user().is_some()
    }

    /// The entry that names a user in a class room.
    pub(crate) fn room_user(&self) -> Option<(&str, &str, i16)> {
        self.services.iter().find_map(|service| match &service.fields {
            Fields::Apaas { room_uuid, user_uuid, role }
                if !room_uuid.is_empty() && !user_uuid.is_empty() =>
            {
                Some((room_uuid.as_str(), user_uuid.as_str(), *role))
            }
            _ => None,
        })
    }
}

impl Service {
    fn is_for_channel(&self, wanted: &str) -> bool {
        match &self.fields {
            Fields::Rtc { channel, .. }
            | Fields::Streaming { channel, .. }
            | Fields::Fcdn { channel, .. } => channel == wanted,
            _ => false,
        }
    }

    fn is_for_room(&self, wanted: &str) -> bool {
        matches!(&self.fields, Fields::Apaas { room_uuid, .. }
            if !room_uuid.is_empty() && room_uuid == wanted)
    }

    fn is_for_user(&self, wanted: &str) -> bool {
        match &self.fields {
            Fields::Rtc { uid: user, .. }
            | Fields::Streaming { account: user, .. }
            | Fields::Fcdn { account: user, .. } => user.is_empty() || user == wanted,
            Fields::Rtm { user_id: user }
            | Fields::Rtm2 { user_id: user, .. }
            | Fields::Chat { user_id: user }
            | Fields::Apaas { user_uuid: user, .. } => !user.is_empty() && user == wanted,
            Fields::Fpa | Fields::ConvoAi | Fields::Stt => false,
        }
    }

    /// For a privilege over the whole app: whether the entry names nobody, as it must.
    fn is_for_whole_app(&self, privilege: u16) -> Option<bool> {
        match &self.fields {
            Fields::Chat { user_id } if privilege == privilege::CHAT_APP => {
                Some(user_id.is_empty())
            }
            Fields::Apaas { room_uuid, user_uuid, .. } if privilege == privilege::EDUCATION_APP => {
                Some(room_uuid.is_empty() && user_uuid.is_empty())
            }
            _ => None,
        }
    }

    fn allows(&self, Resource { resource_type, permission, name }: Resource<'_>) -> bool {
        matches!(&self.fields, Fields::Rtm2 { permissions, .. }
            if permissions.allows(resource_type, permission, name))
    }
}

/// What the verifier of a 006 token must know beforehand, since the token holds only checksums.
#[derive(Clone, Copy)]
pub(crate) struct Scope006<'a> {
    channel: &'a str,
    uid: &'a str,
    /// What a wrong channel means: RTM tokens carry their user there.
    wrong_channel: Error,
    privilege: Option<u16>,
}

impl<'a> Scope006<'a> {
    pub(crate) fn of(require: &Requirement<'a>) -> Result<Self, Error> {
        let privilege = require.privilege;
        let scope = match require.service {
            ServiceType::Rtc => Self {
                channel: require.channel.ok_or(Error::ChannelMismatch)?,
                uid: require.user.ok_or(Error::UserMismatch)?,
                wrong_channel: Error::ChannelMismatch,
                privilege,
            },
            ServiceType::Rtm => Self {
                channel: require.user.filter(|user| !user.is_empty()).ok_or(Error::UserMismatch)?,
                uid: "",
                wrong_channel: Error::UserMismatch,
                privilege,
            },
            _ => return Err(Error::ServiceMissing),
        };
        if require.room.is_some() {
            return Err(Error::RoomMismatch);
        }
        if require.resource.is_some() {
            return Err(Error::PermissionMissing);
        }
        Ok(scope)
    }

    /// The channel and the user with which the signature must have been made.
    pub(crate) fn check(&self, claims: &Claims006) -> Result<(&'a str, &'a str), Error> {
        if claims.crc_channel != crc32fast::hash(self.channel.as_bytes()) {
            return Err(self.wrong_channel);
        }
        // Any user: only if the signature is one over the empty user. A user whose name happens
        // to have the checksum 0 gains nothing.
        if claims.crc_uid == 0 {
            return Ok((self.channel, ""));
        }
        // The signed text has no separators: what looks like the end of a user's name could be
        // the start of the message, which begins with a number and so mostly with control
        // characters. Names with such characters are refused.
        let strange = self.uid.chars().any(char::is_control);
        if strange || claims.crc_uid != crc32fast::hash(self.uid.as_bytes()) {
            return Err(Error::UserMismatch);
        }
        Ok((self.channel, self.uid))
    }

    /// When the privilege ends.
    pub(crate) fn privilege_end(&self, claims: &Claims006, now: u64) -> Result<u64, Error> {
        let end = u64::from(claims.ts);
        let Some(privilege) = self.privilege else { return Ok(end) };
        match claims.privileges.get(privilege).ok_or(Error::PrivilegeMissing)? {
            0 => Ok(end),
            until if now < u64::from(until) => Ok(end.min(until.into())),
            _ => Err(Error::PrivilegeExpired),
        }
    }
}
