//! The values that the console stores, encoded as protobuf so that a later version can add fields.

use std::time::Duration;

use prost::Message;
use stoa_core::{
    App, AppKey, AppNumber, AuthPolicy, CLOCK_SKEW_S, Certificate, ChatSettings, ClassSettings,
    Country, HeldRetention, KeepMessages, Permit, PlaceSettings, REGISTRATIONS_PER_HOUR, Region,
    ReleaseAnchor, Secret, ServerCertificate, Timestamp, TokenPolicy, Uuid, limits,
};
use stoa_store::{StoreError, spaces};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Decodes a stored value.
pub(crate) fn decode<R: Message + Default>(
    value: &[u8],
    space: &'static str,
) -> Result<R, StoreError> {
    R::decode(value).map_err(|_| StoreError::Corrupt { space })
}

/// PLATFORM_META.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PlatformRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) format: u32,
    #[prost(string, tag = "2")]
    pub(crate) region: String,
    #[prost(uint64, tag = "3")]
    pub(crate) created_ms: u64,
    /// The number of the next app: numbers are never given twice.
    #[prost(uint32, tag = "4")]
    pub(crate) next_app: u32,
}

/// APP_KEYS and APP_IDS.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct AppNumberRecord {
    #[prost(uint32, tag = "1")]
    pub(crate) number: u32,
}

/// APPS. Holds the certificates as they are, so it is wiped when it is dropped.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct AppRecord {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    org: String,
    #[prost(string, tag = "3")]
    app: String,
    #[prost(bytes = "vec", tag = "4")]
    uuid: Vec<u8>,
    #[prost(string, tag = "5")]
    region: String,
    #[prost(uint64, tag = "6")]
    created_ms: u64,
    #[prost(string, tag = "7")]
    auth: String,
    #[prost(uint32, tag = "8")]
    token_cap_s: u32,
    #[prost(string, repeated, tag = "9")]
    certificates: Vec<String>,
    #[prost(string, tag = "10")]
    server_certificate: String,
    /// Empty: the default plan.
    #[prost(string, tag = "11")]
    plan: String,
    #[prost(bool, tag = "12")]
    friends_only: bool,
    /// 0: the default.
    #[prost(uint32, tag = "13")]
    recall_window_s: u32,
    /// 0: the default.
    #[prost(uint64, tag = "14")]
    attachment_bytes: u64,
    /// None: the default.
    #[prost(uint32, optional, tag = "15")]
    room_history: Option<u32>,
    #[prost(uint32, tag = "16")]
    room_rate: u32,
    /// When each certificate was made, in their order; 0 or none: with the app.
    #[prost(uint64, repeated, tag = "17")]
    certificates_created_ms: Vec<u64>,
    /// When each certificate ends; 0 or none: never by itself.
    #[prost(uint64, repeated, tag = "18")]
    certificates_retire_ms: Vec<u64>,
    /// None: the default.
    #[prost(uint32, optional, tag = "19")]
    clock_skew_s: Option<u32>,
    #[prost(bool, tag = "20")]
    accepts_006: bool,
    /// 0: the default.
    #[prost(uint32, tag = "21")]
    registrations_per_hour: u32,
    /// Tokens made up to then are revoked; 0: none.
    #[prost(uint64, tag = "22")]
    revoked_ms: u64,
    /// Its deletion was begun.
    #[prost(bool, tag = "23")]
    pub(crate) deleting: bool,
    /// The plan was chosen.
    #[prost(bool, tag = "24")]
    plan_chosen: bool,
    #[prost(bool, tag = "60")]
    keeps_erased_messages: bool,
    #[prost(bool, tag = "40")]
    geofence: bool,
    /// None: that of the region.
    #[prost(string, repeated, tag = "41")]
    service_area: Vec<String>,
    #[prost(message, repeated, tag = "42")]
    permits: Vec<PermitRecord>,
    /// How long messages are kept; empty: by the plan.
    #[prost(string, tag = "25")]
    keep_messages: String,
    /// Of a retention that was shortened: how long messages were kept before, and until when they still are.
    #[prost(uint64, tag = "26")]
    held_before_ms: u64,
    #[prost(uint64, tag = "27")]
    held_until_ms: u64,
    /// When the server certificate was made; 0: with the app.
    #[prost(uint64, tag = "50")]
    server_certificate_created_ms: u64,
    /// The server certificate before it, while tokens of it are taken.
    #[prost(message, optional, tag = "51")]
    former_server_certificate: Option<FormerCertificateRecord>,
    #[prost(bool, tag = "70")]
    accepts_rtm_token: bool,
    /// From when on the hour counts after which a class room is destroyed; empty: the default.
    #[prost(string, tag = "71")]
    release_anchor: String,
    /// Where events of class rooms are posted to; empty: nowhere.
    #[prost(string, tag = "72")]
    class_callback: String,
}

/// A certificate that ends by itself. Wiped when it is dropped.
#[derive(Clone, PartialEq, Message)]
struct FormerCertificateRecord {
    #[prost(string, tag = "1")]
    certificate: String,
    #[prost(uint64, tag = "2")]
    created_ms: u64,
    #[prost(uint64, tag = "3")]
    retires_ms: u64,
}

impl Drop for FormerCertificateRecord {
    fn drop(&mut self) {
        self.certificate.zeroize();
    }
}

impl ZeroizeOnDrop for FormerCertificateRecord {}

impl FormerCertificateRecord {
    /// None of one that never ends: it would be no former one.
    fn new(former: &ServerCertificate) -> Option<Self> {
        let former = former.certificate();
        Some(Self {
            certificate: former.expose().into(),
            created_ms: former.created.as_millis(),
            retires_ms: former.retires?.as_millis(),
        })
    }

    fn into_certificate(mut self) -> ServerCertificate {
        let text = Secret::new(std::mem::take(&mut self.certificate));
        let created = Timestamp::from_millis(self.created_ms);
        let retires = Timestamp::from_millis(self.retires_ms);
        ServerCertificate::new(Certificate::new(text, created)).ending(retires)
    }
}

/// What may cross regions.
#[derive(Clone, PartialEq, Message)]
struct PermitRecord {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "2")]
    from: String,
    #[prost(string, tag = "3")]
    to: String,
    #[prost(uint64, tag = "4")]
    until_ms: u64,
}

impl From<&Permit> for PermitRecord {
    fn from(permit: &Permit) -> Self {
        let Permit { kind, from, to, until } = permit;
        let (kind, from, to) = (kind.name().into(), from.name().into(), to.name().into());
        Self { kind, from, to, until_ms: until.as_millis() }
    }
}

impl PermitRecord {
    fn permit(&self) -> Option<Permit> {
        let (from, to) = (self.from.parse().ok()?, self.to.parse().ok()?);
        let until = Timestamp::from_millis(self.until_ms);
        Some(Permit { kind: self.kind.parse().ok()?, from, to, until })
    }
}

impl Drop for AppRecord {
    fn drop(&mut self) {
        self.certificates.zeroize();
        self.server_certificate.zeroize();
    }
}

impl ZeroizeOnDrop for AppRecord {}

impl AppRecord {
    pub(crate) fn new(app: &App) -> Self {
        Self {
            id: app.id.as_str().into(),
            org: app.key.org().into(),
            app: app.key.app().into(),
            uuid: app.uuid.as_bytes().to_vec(),
            region: app.region.name().into(),
            created_ms: app.created.as_millis(),
            auth: app.auth.name().into(),
            token_cap_s: app.tokens.cap_s,
            certificates: app.certificates.iter().map(|c| c.expose().into()).collect(),
            server_certificate: app.server_certificate.expose().into(),
            plan: app.chat.plan.name.into(),
            friends_only: app.chat.friends_only,
            recall_window_s: u32::try_from(app.chat.recall_window.as_secs()).unwrap_or(u32::MAX),
            attachment_bytes: app.chat.attachment_bytes,
            room_history: Some(app.chat.room_history),
            room_rate: app.chat.room_rate,
            certificates_created_ms: app
                .certificates
                .iter()
                .map(|certificate| certificate.created.as_millis())
                .collect(),
            certificates_retire_ms: app
                .certificates
                .iter()
                .map(|certificate| certificate.retires.map_or(0, Timestamp::as_millis))
                .collect(),
            clock_skew_s: Some(app.tokens.skew_s),
            accepts_006: app.tokens.accepts_006,
            registrations_per_hour: app.tokens.registrations_per_hour,
            revoked_ms: app.revoked.as_millis(),
            deleting: false,
            plan_chosen: app.plan_chosen,
            geofence: app.place.geofence,
            service_area: app.place.service_area.iter().flatten().map(Country::to_string).collect(),
            permits: app.place.permits.iter().map(PermitRecord::from).collect(),
            keeps_erased_messages: app.chat.keeps_erased_messages,
            keep_messages: match app.chat.keep_messages {
                KeepMessages::ByPlan => String::new(),
                keep => keep.to_string(),
            },
            held_before_ms: app
                .chat
                .held
                .map_or(0, |held| u64::try_from(held.before.as_millis()).unwrap_or(u64::MAX)),
            held_until_ms: app.chat.held.map_or(0, |held| held.until.as_millis()),
            server_certificate_created_ms: app.server_certificate.certificate().created.as_millis(),
            former_server_certificate: app
                .former_server_certificate
                .as_ref()
                .and_then(FormerCertificateRecord::new),
            accepts_rtm_token: app.class.accepts_rtm_token,
            release_anchor: app.class.release_anchor.name().into(),
            class_callback: app.class_callback.clone().unwrap_or_default(),
        }
    }

    /// As it is stored.
    pub(crate) fn encoded(&self) -> Zeroizing<Vec<u8>> {
        // Large enough from the start, so that growing leaves no copy behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.encoded_len()));
        self.encode(&mut *bytes).expect("a vector takes what it was made for");
        bytes
    }

    fn place(&self) -> Option<PlaceSettings> {
        let countries: Option<Vec<Country>> =
            self.service_area.iter().map(|country| country.parse().ok()).collect();
        let permits: Option<Vec<Permit>> = self.permits.iter().map(PermitRecord::permit).collect();
        Some(PlaceSettings {
            geofence: self.geofence,
            service_area: Some(countries?).filter(|countries| !countries.is_empty()),
            permits: permits?,
        })
    }

    pub(crate) fn into_app(mut self, number: AppNumber) -> Result<App, StoreError> {
        let corrupt = || StoreError::Corrupt { space: spaces::APPS.name };
        let default = ChatSettings::default();
        let chat = ChatSettings {
            plan: match &*self.plan {
                "" => default.plan,
                name => name.parse().map_err(|_| corrupt())?,
            },
            keep_messages: match &*self.keep_messages {
                "" => KeepMessages::ByPlan,
                text => text.parse().map_err(|_| corrupt())?,
            },
            held: (self.held_until_ms > 0).then(|| HeldRetention {
                before: Duration::from_millis(self.held_before_ms),
                until: Timestamp::from_millis(self.held_until_ms),
            }),
            friends_only: self.friends_only,
            recall_window: match self.recall_window_s {
                0 => default.recall_window,
                seconds => Duration::from_secs(seconds.into()),
            },
            attachment_bytes: match self.attachment_bytes {
                0 => default.attachment_bytes,
                bytes => bytes.min(limits::ATTACHMENT_BYTES_MOST),
            },
            room_history: self
                .room_history
                .unwrap_or(default.room_history)
                .min(limits::ROOM_HISTORY_MOST),
            room_rate: self.room_rate,
            keeps_erased_messages: self.keeps_erased_messages,
        };
        let class = ClassSettings {
            accepts_rtm_token: self.accepts_rtm_token,
            release_anchor: match &*self.release_anchor {
                "" => ReleaseAnchor::default(),
                name => name.parse().map_err(|_| corrupt())?,
            },
        };
        let place = self.place().ok_or_else(corrupt)?;
        let server_certificate = Certificate::new(
            Secret::new(std::mem::take(&mut self.server_certificate)),
            Timestamp::from_millis(match self.server_certificate_created_ms {
                0 => self.created_ms,
                at => at,
            }),
        );
        let former = self.former_server_certificate.take();
        Ok(App {
            number,
            id: self.id.parse().map_err(|_| corrupt())?,
            key: AppKey::new(&self.org, &self.app).map_err(|_| corrupt())?,
            uuid: Uuid::from_bytes(self.uuid.as_slice().try_into().map_err(|_| corrupt())?),
            region: self.region.parse::<Region>().map_err(|_| corrupt())?,
            created: Timestamp::from_millis(self.created_ms),
            auth: self.auth.parse::<AuthPolicy>().map_err(|_| corrupt())?,
            tokens: TokenPolicy {
                cap_s: self.token_cap_s,
                skew_s: self.clock_skew_s.unwrap_or(CLOCK_SKEW_S),
                accepts_006: self.accepts_006,
                registrations_per_hour: match self.registrations_per_hour {
                    0 => REGISTRATIONS_PER_HOUR,
                    users => users,
                },
            },
            revoked: Timestamp::from_millis(self.revoked_ms),
            chat,
            class,
            class_callback: Some(self.class_callback.clone()).filter(|url| !url.is_empty()),
            place,
            plan_chosen: self.plan_chosen,
            certificates: std::mem::take(&mut self.certificates)
                .into_iter()
                .enumerate()
                .map(|(place, text)| {
                    let noted = |list: &[u64]| list.get(place).copied().filter(|ms| *ms > 0);
                    let created = noted(&self.certificates_created_ms).unwrap_or(self.created_ms);
                    let retires = noted(&self.certificates_retire_ms).map(Timestamp::from_millis);
                    let created = Timestamp::from_millis(created);
                    let mut certificate = Certificate::new(Secret::new(text), created);
                    certificate.retires = retires;
                    certificate
                })
                .collect(),
            server_certificate: ServerCertificate::new(server_certificate),
            former_server_certificate: former.map(FormerCertificateRecord::into_certificate),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_earlier_release_the_server_certificate_is_as_old_as_the_app() {
        let (entropy, created) =
            (stoa_core::SeededEntropy::new(1), Timestamp::from_secs(1_800_000_000));
        let (key, auth) = ("acme#support".parse().unwrap(), AuthPolicy::Token);
        let app = App::new(AppNumber(7), key, Region::Eu, created, auth, &entropy);
        let mut record = AppRecord::new(&app);
        // It knew neither of the two.
        record.server_certificate_created_ms = 0;
        record.former_server_certificate = None;
        let bytes = record.encoded();
        let read: AppRecord = decode(&bytes, spaces::APPS.name).unwrap();
        let read = read.into_app(AppNumber(7)).unwrap();
        assert!(read.server_certificates().eq(app.server_certificates()));
        assert_eq!(read.server_certificate.certificate().created, created);
    }

    #[test]
    fn a_record_is_wiped_when_it_is_dropped_and_so_are_its_bytes() {
        fn wiped<T: ZeroizeOnDrop>(_: &T) {}
        let mut record = AppRecord::default();
        record.server_certificate = "secret".into();
        wiped(&record);
        let former = FormerCertificateRecord { certificate: "before".into(), ..Default::default() };
        wiped(&former);
        record.former_server_certificate = Some(former);
        let bytes = record.encoded();
        wiped(&bytes);
        assert_eq!(*bytes, record.encode_to_vec());
        assert_eq!(bytes.capacity(), bytes.len(), "it has not grown");
    }
}
