//! The MSYNC protobuf types and their framing. No IO.
//!
//! One WebSocket binary message is one [`MSync`]; its command says what its payload is. The types
//! are written by hand after the published behaviour of the client (proto2: presence matters, and
//! repeated enumerations are not packed), so that no build step needs a protobuf compiler. Fields
//! that a type does not name are skipped on reading.
//!
//! What a user wrote, the [`MessageBody`], is never decoded and encoded again: it travels as the
//! bytes that came ([`bytes::Bytes`]), unknown fields included. [`content`] looks into those bytes
//! without building anything, [`delivery`] wraps them for a recipient and [`frame`] makes what
//! many recipients get alike only once.

pub mod content;
pub mod delivery;
mod fields;
pub mod frame;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod jid;
mod key_value;
mod message_body;
mod meta;
mod msync;
mod muc;
mod provision;
mod roster;
mod statistics;
mod status;
mod sync;

pub use fields::DecodeError;
pub use frame::{Frame, Limits, SharedFrame, decode_frame};
pub use jid::{GROUP_DOMAIN, Jid, USER_DOMAIN};
pub use key_value::{KeyValue, Value, ValueType};
pub use message_body::{
    Content, ContentSubType, ContentType, EditScope, MessageBody, MessageConfig, MessageType, Size,
};
pub use meta::{Meta, NameSpace, PRIORITY_TAG, RouteType};
pub use msync::{Command, EncryptType, MSync, Version};
pub use muc::{
    EventInfo, EventType, MucBody, MucErrorCode, MucOperation, MucSetting, MucStatus, MucType,
};
pub use prost::Message;
pub use provision::{CompressType, NetworkType, OsType, Provision};
pub use roster::{RosterBody, RosterErrorCode, RosterOperation, RosterStatus};
pub use statistics::{StatisticsBody, StatisticsOperation};
pub use status::{ErrorCode, RedirectInfo, Status};
pub use sync::{CommNotice, CommSyncDl, CommSyncUl, CommUnreadDl, CommUnreadUl, MetaQueue};
