//! Groups and chat rooms: both have members, an owner and administrators.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::Entropy;

/// What an id is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MucKind {
    /// A group: its members get everything, also later.
    Group,
    /// A chat room: who is there gets what is said.
    Room,
}

/// The id of a group or of a chat room, and which of the two: a decimal number that the server draws at
/// random, in its text form (chat-rest section 1.4). A room's id is never equal to a group's, so that
/// neither is met where the other is asked for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId {
    digits: Arc<str>,
    kind: MucKind,
}

impl GroupId {
    /// Digits of an id that is drawn. They fit into a signed 64-bit number, as which some clients
    /// keep ids.
    const DIGITS: u32 = 18;
    /// Class rooms have numbers below this.
    pub const CLASS_NUMBERS: u64 = 1_000_000_000_000_000_000;
    /// The id of the class room with the number 0.
    const CLASS_FIRST: u64 = 7 * Self::CLASS_NUMBERS;
    /// The longest id that is taken in, in bytes.
    pub const MAX: usize = 20;

    /// A new id.
    pub fn random(kind: MucKind, entropy: &dyn Entropy) -> Self {
        let first = 10_u128.pow(Self::DIGITS - 1);
        // Of 128 bits the remainder is even enough: no id is likelier than another by 2^-68.
        let drawn = first + u128::from_le_bytes(entropy.bytes()) % (9 * first);
        Self { digits: drawn.to_string().into(), kind }
    }

    /// The id that `text` is, of a group or a room.
    ///
    /// # Errors
    /// When it does not consist of 1 to 20 digits.
    pub fn parse(kind: MucKind, text: &str) -> Result<Self, GroupIdError> {
        let fits = (1..=Self::MAX).contains(&text.len());
        if fits && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self { digits: text.into(), kind })
        } else {
            Err(GroupIdError)
        }
    }

    /// The id of the chat room of the class room with that number, below [`Self::CLASS_NUMBERS`]. It has one digit
    /// more than those that are drawn, so that a class's room is known by its id alone.
    pub fn of_class(number: u64) -> Self {
        let digits = Self::CLASS_FIRST + number % Self::CLASS_NUMBERS;
        Self { digits: digits.to_string().into(), kind: MucKind::Room }
    }

    /// The number of the class room whose chat room it is; none of any other.
    pub fn class_number(&self) -> Option<u64> {
        let digits = self.digits.parse::<u64>().ok().filter(|_| self.is_room())?;
        let number = digits.checked_sub(Self::CLASS_FIRST)?;
        (number < Self::CLASS_NUMBERS).then_some(number)
    }

    /// The same digits as the id of the other kind, or of the same.
    #[must_use]
    pub fn with_kind(&self, kind: MucKind) -> Self {
        Self { digits: self.digits.clone(), kind }
    }

    /// Which of the two it is the id of.
    pub const fn kind(&self) -> MucKind {
        self.kind
    }

    /// Whether it is a chat room's.
    pub const fn is_room(&self) -> bool {
        matches!(self.kind, MucKind::Room)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.digits
    }
}

impl FromStr for GroupId {
    type Err = GroupIdError;

    /// The id of a group.
    fn from_str(text: &str) -> Result<Self, GroupIdError> {
        Self::parse(MucKind::Group, text)
    }
}

impl fmt::Debug for GroupId {
    /// Ids never reach a log by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GroupId(…)")
    }
}

/// A text that is no group's id.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
#[error("a group id consists of 1 to 20 digits")]
pub struct GroupIdError;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededEntropy;

    #[test]
    fn a_class_rooms_chat_is_known_by_its_id() {
        for number in [0, 1, 77, GroupId::CLASS_NUMBERS - 1] {
            let id = GroupId::of_class(number);
            assert_eq!((id.as_str().len(), id.class_number()), (19, Some(number)));
            assert!(id.as_str().parse::<i64>().is_ok(), "some clients keep ids so");
            assert_eq!(GroupId::parse(MucKind::Room, id.as_str()).unwrap(), id);
            assert_eq!(id.with_kind(MucKind::Group).class_number(), None);
        }
        let entropy = SeededEntropy::new(5);
        let drawn = (0..1000).map(|_| GroupId::random(MucKind::Room, &entropy));
        assert!(drawn.into_iter().all(|id| id.class_number().is_none()));
        let above = GroupId::parse(MucKind::Room, "8000000000000000000").unwrap();
        assert_eq!(above.class_number(), None);
    }

    #[test]
    fn ids_are_drawn_with_eighteen_digits() {
        let entropy = SeededEntropy::new(5);
        let ids: std::collections::HashSet<_> =
            (0..1000).map(|_| GroupId::random(MucKind::Group, &entropy)).collect();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            assert_eq!(id.as_str().len(), 18);
            assert!(id.as_str().parse::<i64>().is_ok());
            assert_eq!(id.as_str().parse(), Ok(id));
        }
    }

    #[test]
    fn a_rooms_id_is_never_a_groups() {
        let group: GroupId = "7".parse().unwrap();
        let room = GroupId::parse(MucKind::Room, "7").unwrap();
        assert_ne!(group, room);
        assert_eq!(group.with_kind(MucKind::Room), room);
        assert!(room.is_room() && !group.is_room());
    }

    #[test]
    fn only_digits_are_ids() {
        for text in ["", "0", "012", "12a", "-1", "１２", "123456789012345678901", "undefined"] {
            assert_eq!(text.parse::<GroupId>(), Err(GroupIdError), "{text}");
        }
        assert!("7".parse::<GroupId>().is_ok());
    }
}
