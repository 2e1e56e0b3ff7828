//! The domain's vocabulary: identifiers, time, callers, limits and refusals.
//!
//! Everything that more than one crate must agree on stands here, each identifier as a type of its
//! own that can only be made from valid text (`docs/architecture.md`). Nothing here does IO except
//! [`SystemClock`] and [`SystemEntropy`], which the binary passes in; tests pass a [`ManualClock`]
//! and a [`SeededEntropy`] instead.

mod address;
mod app;
mod caller;
mod class;
mod conversation;
mod entropy;
mod group;
mod id_quality;
mod identity;
mod ids;
pub mod limits;
mod network;
mod permit;
mod plan;
mod rate;
mod refusal;
mod region;
mod retention;
mod secret;
mod server_certificate;
mod service_area;
mod site;
mod special_address;
mod time;
mod user;

pub use address::{Address, AddressError};
pub use app::{
    App, AppDirectory, AppId, AppKey, AppKeyError, AppNumber, AuthPolicy, CertificateError,
};
pub use caller::{
    AppScope, Caller, Operator, OperatorOf, Principal, TokenRefusal, VerifiedToken, Visitor,
    issue_room_token, issue_token, issue_token_at_the_door,
};
pub use class::{
    ClassCaller, ClassName, ClassNameError, ClassPrincipal, ClassRole, ClassScope, ClassSettings,
    ReleaseAnchor, RoomType, RoomUuid, UserUuid, issue_media_token,
};
pub use conversation::{ConversationId, Target};
pub use entropy::{Entropy, SeededEntropy, SystemEntropy};
pub use group::{GroupId, GroupIdError, MucKind};
pub use id_quality::{IdFlaws, Names};
pub use identity::{
    CLOCK_SKEW_S, Certificate, Fingerprint, Issuer, REGISTRATIONS_PER_HOUR, TOKEN_CAP_S, TokenMark,
    TokenMarkId, TokenPolicy,
};
pub use ids::{IdGenerator, MessageId, Seq, Uuid};
pub use network::{AddressRange, AddressRangeError, Reach};
pub use permit::{Crossing, Permit, PlaceSettings, UnknownCrossing};
pub use plan::{ChatSettings, Plan};
pub use rate::{Buckets, Quota};
pub use refusal::{MsyncStatus, Refusal, RestRefusal};
pub use region::{Elsewhere, PublicHosts, Region, UnknownRegion};
pub use retention::{
    HeldRetention, KeepMessages, RETENTION_MOST_DAYS, SHORTER_AFTER, is_day_over, is_over,
    last_day_over,
};
pub use secret::{Secret, same_secret};
pub use server_certificate::ServerCertificate;
pub use service_area::{Countries, Country, CountryError};
pub use site::site;
pub use special_address::Special;
pub use time::{Clock, Day, ManualClock, SystemClock, Timestamp};
pub use user::{Resource, ResourceError, UserId, UserIdError};
