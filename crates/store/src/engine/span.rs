//! A stretch of keys.

use std::ops::Bound;

use bytes::Bytes;

/// In which order a scan goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the lowest key up.
    Forward,
    /// From the highest key down.
    Backward,
}

/// The keys from `start` (included) to `end` (excluded), in byte order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    start: Bytes,
    end: Bytes,
}

impl Span {
    /// The keys from `start` up to, but without, `end`. Empty if `end` is not above `start`.
    pub fn new(start: impl Into<Bytes>, end: impl Into<Bytes>) -> Self {
        let (start, end) = (start.into(), end.into());
        Self { end: end.max(start.clone()), start }
    }

    /// Every key that an engine may hold.
    pub fn all() -> Self {
        Self { start: Bytes::new(), end: Bytes::from_static(&[0xFF]) }
    }

    /// The keys that start with `prefix`.
    pub fn prefix(prefix: &[u8]) -> Self {
        let mut end = prefix.to_vec();
        while let Some(last) = end.pop() {
            if let Some(next) = last.checked_add(1) {
                end.push(next);
                return Self { start: Bytes::copy_from_slice(prefix), end: end.into() };
            }
        }
        Self { start: Bytes::copy_from_slice(prefix), end: Bytes::from_static(&[0xFF]) }
    }

    /// The first key of the span, if it holds that key.
    pub fn start(&self) -> &[u8] {
        &self.start
    }

    pub(crate) fn first(&self) -> Bytes {
        self.start.clone()
    }

    /// The first key above the span.
    pub fn end(&self) -> &[u8] {
        &self.end
    }

    /// Whether no key lies in the span.
    pub fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// Whether `key` lies in the span.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.start() <= key && key < self.end()
    }

    /// The part of the span above `key`.
    #[must_use]
    pub fn above(self, key: &[u8]) -> Self {
        let after = successor(key);
        Self::new(after.max(self.start), self.end)
    }

    /// The part of the span below `key`.
    #[must_use]
    pub fn below(self, key: &[u8]) -> Self {
        let end = if key < self.end() { Bytes::copy_from_slice(key) } else { self.end };
        Self::new(self.start, end)
    }

    /// The part of the span that a scan in `direction` has seen when it stopped at `key`.
    #[must_use]
    pub(crate) fn through(self, key: &[u8], direction: Direction) -> Self {
        match direction {
            Direction::Forward => Self::new(self.start, successor(key)),
            Direction::Backward => Self::new(Bytes::copy_from_slice(key), self.end),
        }
    }

    pub(crate) fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        (Bound::Included(self.start()), Bound::Excluded(self.end()))
    }
}

/// The lowest key above `key`.
fn successor(key: &[u8]) -> Bytes {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_spans_what_starts_with_it() {
        let span = Span::prefix(b"a\xFF");
        assert!(span.contains(b"a\xFF") && span.contains(b"a\xFF\xFF\xFF"));
        assert!(!span.contains(b"a\xFE\xFF") && !span.contains(b"b"));
        assert_eq!(Span::prefix(b""), Span::all());
    }

    #[test]
    fn cutting_keeps_the_rest() {
        let span = Span::new(&b"b"[..], &b"f"[..]);
        assert!(!span.clone().above(b"c").contains(b"c"));
        assert!(span.clone().above(b"c").contains(b"c\0"));
        assert_eq!(span.clone().above(b"a"), span);
        assert!(span.clone().above(b"x").is_empty());
        assert!(!span.clone().below(b"c").contains(b"c"));
        assert_eq!(span.clone().below(b"x"), span);
        assert!(span.below(b"a").is_empty());
        assert!(Span::new(&b"f"[..], &b"b"[..]).is_empty());
    }
}
