//! Users and their devices.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A chat user name: 1 to 64 characters of `a-z 0-9 _ - .`, unique in its app
/// (chat-rest section 1.4). Upper case is folded to lower case on the way in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(Arc<str>);

impl UserId {
    /// The longest user name, in bytes.
    pub const MAX: usize = 64;

    /// The folded name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it has the form of the names that users of class rooms have in chat: 32 hexadecimal digits. Only
    /// whoever comes into a class room is given one.
    pub fn is_of_classes(&self) -> bool {
        self.0.len() == 32
            && self.0.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    }
}

impl FromStr for UserId {
    type Err = UserIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.len() > Self::MAX {
            return Err(UserIdError::Length);
        }
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
        if !text.bytes().all(allowed) {
            return Err(UserIdError::Character);
        }
        // A name of UUID form could not be told from another user's uuid in a token.
        if text.len() == 36 && crate::Uuid::from_str(text).is_ok() {
            return Err(UserIdError::LooksLikeUuid);
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }
}

impl fmt::Debug for UserId {
    /// Names never reach a log by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserId(…)")
    }
}

/// Why a text is no user name.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum UserIdError {
    /// Empty or too long.
    #[error("a username has 1 to 64 characters")]
    Length,
    /// A character outside the allowed ones.
    #[error("a username consists of a-z, 0-9, '_', '-' and '.'")]
    Character,
    /// Would be mistaken for a user's uuid.
    #[error("a username must not have the form of a UUID")]
    LooksLikeUuid,
}

/// A device of a user, as the client names it (`webim_web_1718…`): 1 to 256 bytes of visible
/// characters without `/`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource(Arc<str>);

impl Resource {
    /// The longest resource, in bytes.
    pub const MAX: usize = 256;

    /// What stands for the device of what was not done on one, but by a call of a back end.
    pub fn none() -> Self {
        Self("rest".into())
    }

    /// The name as the client gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Resource {
    type Err = ResourceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = !text.is_empty() && text.len() <= Self::MAX;
        if fits && !text.chars().any(|c| c == '/' || c.is_control() || c.is_whitespace()) {
            Ok(Self(text.into()))
        } else {
            Err(ResourceError)
        }
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resource(…)")
    }
}

/// A text that names no device.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
#[error("a device resource has 1 to 256 bytes without '/', white space or control characters")]
pub struct ResourceError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_and_checked() {
        assert_eq!("Alice-1".parse::<UserId>().unwrap().as_str(), "alice-1");
        assert_eq!("".parse::<UserId>(), Err(UserIdError::Length));
        assert_eq!("a".repeat(65).parse::<UserId>(), Err(UserIdError::Length));
        assert_eq!("a b".parse::<UserId>(), Err(UserIdError::Character));
        assert_eq!("@log".parse::<UserId>(), Err(UserIdError::Character));
        assert_eq!(
            "123e4567-e89b-12d3-a456-426614174000".parse::<UserId>(),
            Err(UserIdError::LooksLikeUuid)
        );
    }

    #[test]
    fn debug_output_hides_who_it_is() {
        assert_eq!(format!("{:?}", "alice".parse::<UserId>().unwrap()), "UserId(…)");
    }
}
