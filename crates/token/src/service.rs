//! What a token grants: services, their privileges and their own fields (token specification,
//! section 4).

use std::collections::BTreeMap;
use std::collections::btree_map::{Entry, VacantEntry};
use std::fmt;

use crate::Error;
use crate::reader::Reader;

/// Numbers of privileges, by service.
pub mod privilege {
    /// RTC: enter the channel. When it ends the user leaves, whatever else is still granted.
    pub const RTC_JOIN: u16 = 1;
    /// RTC: publish audio.
    pub const RTC_PUBLISH_AUDIO: u16 = 2;
    /// RTC: publish video.
    pub const RTC_PUBLISH_VIDEO: u16 = 3;
    /// RTC: publish a data stream.
    pub const RTC_PUBLISH_DATA: u16 = 4;
    /// RTM, RTM2, FPA: log in.
    pub const LOGIN: u16 = 1;
    /// RTM in format 006: log in.
    pub const RTM_LOGIN_006: u16 = 1000;
    /// Chat: act as the one user named.
    pub const CHAT_USER: u16 = 1;
    /// Chat: administer the whole app.
    pub const CHAT_APP: u16 = 2;
    /// Classroom: be the one user named in the one room named.
    pub const ROOM_USER: u16 = 1;
    /// Classroom: call the service as the one user named.
    pub const EDUCATION_USER: u16 = 2;
    /// Classroom: administer the whole app.
    pub const EDUCATION_APP: u16 = 3;
}

macro_rules! service_types {
    ($($(#[$doc:meta])* $variant:ident = $number:literal $name:literal;)*) => {
        /// The kinds of service that a token can name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ServiceType { $($(#[$doc])* $variant,)* }

        impl ServiceType {
            /// All kinds, by number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The number in the token.
            pub const fn number(self) -> u16 {
                match self { $(Self::$variant => $number,)* }
            }

            /// The name on the command line and in test vectors.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

service_types! {
    /// Audio and video in a channel.
    Rtc = 1 "rtc";
    /// Signaling.
    Rtm = 2 "rtm";
    /// Streaming a channel to elsewhere.
    Streaming = 3 "streaming";
    /// Accelerated connections.
    Fpa = 4 "fpa";
    /// Chat.
    Chat = 5 "chat";
    /// Distribution of streams.
    Fcdn = 6 "fcdn";
    /// Education and classrooms.
    Apaas = 7 "apaas";
    /// Signaling with permissions for each resource.
    Rtm2 = 8 "rtm2";
    /// Conversational agents.
    ConvoAi = 9 "convoai";
    /// Speech to text.
    Stt = 10 "stt";
}

impl ServiceType {
    fn from_number(number: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.number() == number)
    }

    /// The kind called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for ServiceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One entry of a 007 token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// What the holder may do.
    pub privileges: Privileges,
    /// Where, and as whom.
    pub fields: Fields,
}

/// The fields of a service beside its privileges; the variant is the kind of service.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are named as in the specification")]
pub enum Fields {
    /// An empty `uid` stands for any user.
    Rtc { channel: String, uid: String },
    /// An empty `user_id` stands for nobody.
    Rtm { user_id: String },
    /// An empty `account` stands for any user.
    Streaming { channel: String, account: String },
    /// The whole app.
    Fpa,
    /// `user_id` is empty in a token for the whole app.
    Chat { user_id: String },
    /// An empty `account` stands for any user.
    Fcdn { channel: String, account: String },
    /// Both names are empty in a token for the whole app. `role` is 0 invisible, 1 teacher,
    /// 2 student, 3 assistant, 4 observer, -1 not applicable, or the app's own.
    Apaas { room_uuid: String, user_uuid: String, role: i16 },
    /// As RTM; a resource must be listed in `permissions`.
    Rtm2 { user_id: String, permissions: Permissions },
    /// Its presence is the grant.
    ConvoAi,
    /// Its presence is the grant.
    Stt,
}

impl Service {
    /// A service with these privileges.
    pub fn new(fields: Fields, privileges: impl Into<Privileges>) -> Self {
        Self { privileges: privileges.into(), fields }
    }

    /// The kind of service.
    pub const fn kind(&self) -> ServiceType {
        match self.fields {
            Fields::Rtc { .. } => ServiceType::Rtc,
            Fields::Rtm { .. } => ServiceType::Rtm,
            Fields::Streaming { .. } => ServiceType::Streaming,
            Fields::Fpa => ServiceType::Fpa,
            Fields::Chat { .. } => ServiceType::Chat,
            Fields::Fcdn { .. } => ServiceType::Fcdn,
            Fields::Apaas { .. } => ServiceType::Apaas,
            Fields::Rtm2 { .. } => ServiceType::Rtm2,
            Fields::ConvoAi => ServiceType::ConvoAi,
            Fields::Stt => ServiceType::Stt,
        }
    }

    /// Reads one entry: `Err(type)` inside when its type is unknown, so that its end cannot be
    /// found.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Result<Self, u16>, Error> {
        let number = reader.u16()?;
        let Some(kind) = ServiceType::from_number(number) else { return Ok(Err(number)) };
        let privileges = Privileges::read(reader)?;
        let mut text = || reader.text().map(str::to_owned);
        let fields = match kind {
            ServiceType::Rtc => Fields::Rtc { channel: text()?, uid: text()? },
            ServiceType::Rtm => Fields::Rtm { user_id: text()? },
            ServiceType::Streaming => Fields::Streaming { channel: text()?, account: text()? },
            ServiceType::Fpa => Fields::Fpa,
            ServiceType::Chat => Fields::Chat { user_id: text()? },
            ServiceType::Fcdn => Fields::Fcdn { channel: text()?, account: text()? },
            ServiceType::Apaas => {
                Fields::Apaas { room_uuid: text()?, user_uuid: text()?, role: reader.i16()? }
            }
            ServiceType::Rtm2 => {
                Fields::Rtm2 { user_id: text()?, permissions: Permissions::read(reader)? }
            }
            ServiceType::ConvoAi => Fields::ConvoAi,
            ServiceType::Stt => Fields::Stt,
        };
        Ok(Ok(Self { privileges, fields }))
    }
}

/// Privileges and their values, each privilege once, ascending.
///
/// In a 007 service a value is a duration in seconds from the token's issue, in a 006 token Unix
/// seconds; 0 is no end of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Privileges(BTreeMap<u16, u32>);

impl Privileges {
    /// No privilege at all.
    pub const NONE: Self = Self(BTreeMap::new());

    /// The value of `privilege`, if it is listed.
    pub fn get(&self, privilege: u16) -> Option<u32> {
        self.0.get(&privilege).copied()
    }

    /// Lists `privilege` with `value`, in place of an earlier value.
    pub fn set(&mut self, privilege: u16, value: u32) {
        self.0.insert(privilege, value);
    }

    /// Whether none is listed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, ascending.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u16, u32)> + '_ {
        self.0.iter().map(|(number, value)| (*number, *value))
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let mut entries = BTreeMap::new();
        for _ in 0..reader.u16()? {
            let entry = vacant(&mut entries, reader.u16()?)?;
            entry.insert(reader.u32()?);
        }
        Ok(Self(entries))
    }
}

/// The place of `key` in a map that may list it only once.
fn vacant<V>(map: &mut BTreeMap<u16, V>, key: u16) -> Result<VacantEntry<'_, u16, V>, Error> {
    match map.entry(key) {
        Entry::Vacant(entry) => Ok(entry),
        Entry::Occupied(_) => Err(Error::InvalidField),
    }
}

impl<const N: usize> From<[(u16, u32); N]> for Privileges {
    /// Of a privilege given twice the last value stands.
    fn from(entries: [(u16, u32); N]) -> Self {
        Self(entries.into())
    }
}

impl FromIterator<(u16, u32)> for Privileges {
    /// Of a privilege given twice the last value stands.
    fn from_iter<I: IntoIterator<Item = (u16, u32)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

/// What an RTM2 user may do with which resources: resource type, permission, names.
///
/// Resource types: 0 message channels, 1 stream channels, 2 group channels, 3 server groups,
/// 4 users. Permissions: 0 read, 1 write. Names keep their order and may repeat.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permissions(BTreeMap<u16, BTreeMap<u16, Vec<String>>>);

impl Permissions {
    /// Lists `names` under `resource_type` and `permission`, after those already there.
    pub fn allow(
        &mut self,
        resource_type: u16,
        permission: u16,
        names: impl IntoIterator<Item = impl Into<String>>,
    ) {
        let list = self.0.entry(resource_type).or_default().entry(permission).or_default();
        list.extend(names.into_iter().map(Into::into));
    }

    /// Whether exactly `name` is listed under `resource_type` and `permission`.
    pub fn allows(&self, resource_type: u16, permission: u16, name: &str) -> bool {
        self.0
            .get(&resource_type)
            .and_then(|permissions| permissions.get(&permission))
            .is_some_and(|names| names.iter().any(|listed| listed == name))
    }

    /// The lists: resource type, then permission, then names.
    pub const fn lists(&self) -> &BTreeMap<u16, BTreeMap<u16, Vec<String>>> {
        &self.0
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let mut resource_types = BTreeMap::new();
        for _ in 0..reader.u16()? {
            let resource_type = vacant(&mut resource_types, reader.u16()?)?;
            let mut permissions = BTreeMap::new();
            for _ in 0..reader.u16()? {
                let permission = vacant(&mut permissions, reader.u16()?)?;
                let mut names = Vec::new();
                for _ in 0..reader.u16()? {
                    names.push(reader.text()?.to_owned());
                }
                permission.insert(names);
            }
            resource_type.insert(permissions);
        }
        Ok(Self(resource_types))
    }
}
