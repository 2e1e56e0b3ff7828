//! Access tokens 007 and 006: build, parse, verify. No IO, no clock, no randomness.
//!
//! A token is a text that an app's own server makes with its App Certificate and that names what
//! its holder may do. [`verify()`] answers whether it is genuine and grants what is asked;
//! [`verify_chat`] is the short way to who a chat caller is; [`parse`] only takes a token apart,
//! and what it yields is not authenticated. [`Builder007`] and [`Builder006`] make tokens.
//!
//! Whatever bytes come in, the answer is a token or exactly one [`Error`]: lengths are bounded
//! before anything is decoded, inflating stops at [`MAX_CONTENT_BYTES`], and up to the check of
//! the signature only base64, zlib and a fixed header are read.

mod build;
mod chat;
mod class;
mod envelope;
mod error;
mod format006;
mod format007;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
#[cfg(feature = "vectors")]
pub mod json;
mod reader;
mod requirement;
mod service;
mod signature;
#[cfg(feature = "vectors")]
pub mod vectors;
mod verify;
mod write;

pub use build::{BuildError, Builder006, Builder007, RtcRole, classroom_chat_user, rtc_uid};
pub use chat::{ChatGrant, ChatSubject, RoomClaim, verify_chat};
pub use class::{ClassGrant, ClassSubject, verify_class};
pub use error::Error;
pub use format006::Claims006;
pub use format007::Claims007;
pub use requirement::{Requirement, Resource};
pub use service::{Fields, Permissions, Privileges, Service, ServiceType, privilege};
pub use signature::Signature;
pub use verify::{Claims, Expectation, Parsed, Verified, parse, verify};

/// The longest token text, in bytes.
pub const MAX_TOKEN_BYTES: usize = 16_384;
/// The longest content that a token may inflate to, in bytes.
pub const MAX_CONTENT_BYTES: usize = 65_536;
/// The longest life of a token, in seconds from its issue, whatever it says.
pub const MAX_LIFETIME_S: u64 = 86_400;
/// How far an issuer's clock may run ahead of ours, in seconds.
pub const CLOCK_SKEW_S: u64 = 60;
