//! Keys of records, formed only by an app's handle ([`AppStore::key`](crate::AppStore::key)).
//!
//! A stored key is `space u8 ‖ app number u32 ‖ parts`. It is also what a record is sealed for (its
//! associated data), so a record that was copied to another key does not open there.

use std::fmt;
use std::ops::{Bound, RangeBounds};

use stoa_core::AppNumber;
use stoa_seal::Blind;

use crate::engine::Span;
use crate::spaces::{Part, Space};

/// Space and app number.
const HEAD: usize = 1 + 4;

/// The key of one record.
#[derive(Clone)]
pub struct Key {
    space: &'static Space,
    bytes: Vec<u8>,
}

impl Key {
    /// The space of the record.
    pub const fn space(&self) -> &'static Space {
        self.space
    }

    /// The number at the place `index` of the space's layout.
    ///
    /// # Panics
    /// When the layout has no number there.
    pub fn number(&self, index: usize) -> u64 {
        assert!(matches!(self.space.layout.get(index), Some(Part::Number(_))), "no number there");
        let part = self.part(index).first_chunk().expect("a whole key has all its parts");
        u64::from_be_bytes(*part)
    }

    /// The blinded identifier at the place `index` of the space's layout.
    ///
    /// # Panics
    /// When the layout has no blinded identifier there.
    pub fn blind(&self, index: usize) -> Blind {
        assert!(
            matches!(self.space.layout.get(index), Some(Part::Blind(_))),
            "no blinded id there"
        );
        Blind(*self.part(index).first_chunk().expect("a whole key has all its parts"))
    }

    fn part(&self, index: usize) -> &[u8] {
        let before: usize = self.space.layout.iter().take(index).map(|part| part.size()).sum();
        &self.bytes[HEAD + before..]
    }

    /// The key as it is stored.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The app it lies under.
    pub(crate) fn app(&self) -> AppNumber {
        app_of(&self.bytes)
    }

    /// The stored key `bytes` of `space`, if it has the right length.
    pub(crate) fn stored(space: &'static Space, bytes: &[u8]) -> Option<Self> {
        let parts: usize = space.layout.iter().map(|part| part.size()).sum();
        (bytes.len() == HEAD + parts).then(|| Self { space, bytes: bytes.to_vec() })
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes // the space's code is in them
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.space.name, self.app().0)?;
        for (index, part) in self.space.layout.iter().enumerate() {
            match part {
                Part::Number(_) => write!(f, "/{}", self.number(index))?,
                Part::Blind(_) => write!(f, "/{:?}", self.blind(index))?,
            }
        }
        Ok(())
    }
}

/// A stretch of keys of one space of one app.
#[derive(Clone)]
pub struct KeyRange {
    space: &'static Space,
    app: AppNumber,
    span: Span,
}

impl KeyRange {
    /// The space of the records.
    pub const fn space(&self) -> &'static Space {
        self.space
    }

    /// The part of the range above `key`: what a forward scan that ended with it goes on with.
    #[must_use]
    pub fn above(self, key: &Key) -> Self {
        Self { span: self.span.above(key.as_bytes()), ..self }
    }

    /// The part of the range below `key`: what a backward scan that ended with it goes on with.
    #[must_use]
    pub fn below(self, key: &Key) -> Self {
        Self { span: self.span.below(key.as_bytes()), ..self }
    }

    pub(crate) const fn app(&self) -> AppNumber {
        self.app
    }

    pub(crate) const fn span(&self) -> &Span {
        &self.span
    }
}

/// A key in the making: its parts are given in the order of the space's layout.
#[derive(Clone)]
pub struct KeyBuilder {
    space: &'static Space,
    bytes: Vec<u8>,
    parts: usize,
}

impl KeyBuilder {
    pub(crate) fn new(space: &'static Space, app: AppNumber) -> Self {
        let owned = space.owner.includes(app == AppNumber::PLATFORM);
        assert!(owned, "{} is a space of another kind of owner", space.name);
        let mut bytes = Vec::with_capacity(HEAD + 32);
        bytes.push(space.code);
        bytes.extend_from_slice(&app.0.to_be_bytes());
        Self { space, bytes, parts: 0 }
    }

    /// Adds a blinded identifier.
    ///
    /// # Panics
    /// When the space's layout has something else here.
    #[must_use]
    pub fn blind(mut self, blind: Blind) -> Self {
        assert!(matches!(self.next(), Some(Part::Blind(_))), "{}", self.misplaced("blinded id"));
        self.bytes.extend_from_slice(&blind.0);
        self.parts += 1;
        self
    }

    /// Adds a number.
    ///
    /// # Panics
    /// When the space's layout has something else here.
    #[must_use]
    pub fn number(mut self, number: u64) -> Self {
        assert!(matches!(self.next(), Some(Part::Number(_))), "{}", self.misplaced("number"));
        self.bytes.extend_from_slice(&number.to_be_bytes());
        self.parts += 1;
        self
    }

    /// The whole key.
    ///
    /// # Panics
    /// When parts of the space's layout are missing.
    pub fn done(self) -> Key {
        assert!(self.next().is_none(), "a key of {} has more parts", self.space.name);
        Key { space: self.space, bytes: self.bytes }
    }

    /// All keys that begin with the parts given so far.
    pub fn all(self) -> KeyRange {
        KeyRange { space: self.space, app: app_of(&self.bytes), span: Span::prefix(&self.bytes) }
    }

    /// All keys that begin with the parts given so far, followed by a number of `range`.
    ///
    /// # Panics
    /// When the space's layout has something else here.
    pub fn numbers(self, range: impl RangeBounds<u64>) -> KeyRange {
        assert!(matches!(self.next(), Some(Part::Number(_))), "{}", self.misplaced("number"));
        let first = match range.start_bound() {
            Bound::Unbounded => Some(0),
            Bound::Included(&n) => Some(n),
            Bound::Excluded(&n) => n.checked_add(1),
        };
        let last = match range.end_bound() {
            Bound::Unbounded => Some(u64::MAX),
            Bound::Included(&n) => Some(n),
            Bound::Excluded(&n) => n.checked_sub(1),
        };
        let whole = self.clone().all();
        let with = |number: u64| [&self.bytes[..], &number.to_be_bytes()].concat();
        let span = match (first, last) {
            (Some(first), Some(last)) if first <= last => {
                let end = last.checked_add(1).map_or(whole.span.end().to_vec(), with);
                Span::new(with(first), end)
            }
            _ => Span::new(self.bytes.clone(), self.bytes.clone()),
        };
        KeyRange { span, ..whole }
    }

    fn next(&self) -> Option<&Part> {
        self.space.layout.get(self.parts)
    }

    fn misplaced(&self, what: &str) -> String {
        format!("a key of {} has no {what} at place {}", self.space.name, self.parts)
    }
}

fn app_of(bytes: &[u8]) -> AppNumber {
    let number = bytes.get(1..).and_then(|rest| rest.first_chunk()).expect("keys have a head");
    AppNumber(u32::from_be_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spaces::{APPS, MESSAGES, USERS, USERS_BY_TIME};

    const APP: AppNumber = AppNumber(7);

    fn message(n: u64) -> Key {
        KeyBuilder::new(&MESSAGES, APP).blind(Blind([9; 16])).number(n).done()
    }

    fn messages(range: impl RangeBounds<u64>) -> KeyRange {
        KeyBuilder::new(&MESSAGES, APP).blind(Blind([9; 16])).numbers(range)
    }

    #[test]
    fn the_layout_is_space_app_parts() {
        let key = KeyBuilder::new(&USERS_BY_TIME, APP).number(1).blind(Blind([2; 16])).done();
        let parts = [&[13][..], &[0, 0, 0, 7], &[0, 0, 0, 0, 0, 0, 0, 1], &[2; 16]];
        assert_eq!(key.as_bytes(), parts.concat());
        assert_eq!((key.number(0), key.blind(1), key.app()), (1, Blind([2; 16]), APP));
        assert_eq!(Key::stored(&USERS_BY_TIME, key.as_bytes()), Some(key.clone()));
        assert_eq!(Key::stored(&MESSAGES, &key.as_bytes()[1..]), None);
    }

    #[test]
    fn ranges_hold_what_they_say() {
        let holds = |range: &KeyRange, n| range.span().contains(message(n).as_bytes());
        for n in [0, 1, 2, 3, u64::MAX - 1, u64::MAX] {
            assert!(holds(&messages(..), n));
            assert_eq!(holds(&messages(1..=2), n), (1..=2).contains(&n), "{n}");
            assert_eq!(holds(&messages(1..2), n), n == 1, "{n}");
            assert_eq!(holds(&messages(2..), n), n >= 2, "{n}");
            assert_eq!(holds(&messages(..).above(&message(2)), n), n > 2, "{n}");
            assert_eq!(holds(&messages(..).below(&message(2)), n), n < 2, "{n}");
            assert_eq!(holds(&messages(u64::MAX..), n), n == u64::MAX);
        }
        #[expect(clippy::reversed_empty_ranges, reason = "that is the case to test")]
        let reversed = messages(3..1);
        for empty in
            [messages(0..0), reversed, messages((Bound::Excluded(u64::MAX), Bound::Unbounded))]
        {
            assert!(empty.span().is_empty());
        }
    }

    #[test]
    fn a_range_stays_below_its_prefix() {
        let others = [
            KeyBuilder::new(&MESSAGES, AppNumber(8)).blind(Blind([9; 16])).number(1).done(),
            KeyBuilder::new(&MESSAGES, APP).blind(Blind([10; 16])).number(1).done(),
            KeyBuilder::new(&USERS, APP).blind(Blind([9; 16])).done(),
        ];
        for other in others {
            assert!(!messages(..).above(&message(5)).span().contains(other.as_bytes()));
            assert!(!messages(..).below(&other).span().contains(other.as_bytes()));
            assert!(!messages(..).above(&other).span().contains(other.as_bytes()));
        }
    }

    #[test]
    #[should_panic(expected = "another kind of owner")]
    fn platform_spaces_hold_no_records_of_apps() {
        KeyBuilder::new(&APPS, APP);
    }

    #[test]
    #[should_panic(expected = "has more parts")]
    fn a_key_has_all_its_parts() {
        KeyBuilder::new(&MESSAGES, APP).blind(Blind([9; 16])).done();
    }
}
