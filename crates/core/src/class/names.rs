//! How rooms, users and groups of class rooms are named (classroom specification, section 1.2).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::UserId;

/// A name that an app gives: 1 to 63 bytes of 89 printable characters, case kept.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassName(Arc<str>);

/// The name of a room, unique in its app while the room exists.
pub type RoomUuid = ClassName;
/// The name of a user in class rooms, unique in its app.
pub type UserUuid = ClassName;

impl ClassName {
    /// The longest name, in bytes.
    pub const MAX: usize = 63;
    /// What a name may hold besides letters and digits.
    pub const PUNCTUATION: &'static str = " !#$%&()+-:;<=.>?@[]^_{}|~,";

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name that a user of class rooms has in chat: the MD5 of this one, in lower-case hexadecimal.
    pub fn chat_user(&self) -> UserId {
        let name = stoa_token::classroom_chat_user(&self.0);
        name.parse().expect("32 hexadecimal digits are a user name")
    }
}

impl FromStr for ClassName {
    type Err = ClassNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.len() > Self::MAX {
            return Err(ClassNameError::Length);
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || Self::PUNCTUATION.contains(c);
        if !text.chars().all(allowed) {
            return Err(ClassNameError::Character);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Debug for ClassName {
    /// Names never reach a log by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClassName(…)")
    }
}

/// Why a text is no name in class rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClassNameError {
    /// Empty or too long.
    #[error("has 1 to 63 bytes")]
    Length,
    /// A character outside the allowed ones.
    #[error("consists of a-z, A-Z, 0-9, space and {}", ClassName::PUNCTUATION.trim_start())]
    Character,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eighty_nine_characters_are_allowed_and_no_other() {
        let allowed = (0..=0x10FFFF_u32).filter_map(char::from_u32);
        let allowed = allowed.filter(|c| c.to_string().parse::<ClassName>().is_ok());
        assert_eq!(allowed.count(), 89);
        assert_eq!("".parse::<ClassName>(), Err(ClassNameError::Length));
        assert!("x".repeat(63).parse::<ClassName>().is_ok());
        assert_eq!("x".repeat(64).parse::<ClassName>(), Err(ClassNameError::Length));
        let room: ClassName = "Room".parse().unwrap();
        assert_eq!(room.as_str(), "Room");
        assert!(room.chat_user().is_of_classes());
        assert_eq!(room.chat_user().as_str(), "cc3abcf4426bff80257d22999d0eda8f");
        assert_eq!(format!("{:?}", "Room".parse::<ClassName>().unwrap()), "ClassName(…)");
    }
}
