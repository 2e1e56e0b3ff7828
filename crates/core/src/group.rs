//! Groups.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::Entropy;

/// A group's id: a decimal number that the server draws at random, in its text form
/// (chat-rest section 1.4).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(Arc<str>);

impl GroupId {
    /// Digits of an id that is drawn. They fit into a signed 64-bit number, as which some clients
    /// keep ids.
    const DIGITS: u32 = 18;
    /// The longest id that is taken in, in bytes.
    pub const MAX: usize = 20;

    /// A new id.
    pub fn random(entropy: &dyn Entropy) -> Self {
        let first = 10_u128.pow(Self::DIGITS - 1);
        // Of 128 bits the remainder is even enough: no id is likelier than another by 2^-68.
        let drawn = first + u128::from_le_bytes(entropy.bytes()) % (9 * first);
        Self(drawn.to_string().into())
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for GroupId {
    type Err = GroupIdError;

    fn from_str(text: &str) -> Result<Self, GroupIdError> {
        let fits = (1..=Self::MAX).contains(&text.len());
        if fits && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.into()))
        } else {
            Err(GroupIdError)
        }
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
    fn ids_are_drawn_with_eighteen_digits() {
        let entropy = SeededEntropy::new(5);
        let ids: std::collections::HashSet<_> =
            (0..1000).map(|_| GroupId::random(&entropy)).collect();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            assert_eq!(id.as_str().len(), 18);
            assert!(id.as_str().parse::<i64>().is_ok());
            assert_eq!(id.as_str().parse(), Ok(id));
        }
    }

    #[test]
    fn only_digits_are_ids() {
        for text in ["", "0", "012", "12a", "-1", "１２", "123456789012345678901", "undefined"] {
            assert_eq!(text.parse::<GroupId>(), Err(GroupIdError), "{text}");
        }
        assert!("7".parse::<GroupId>().is_ok());
    }
}
