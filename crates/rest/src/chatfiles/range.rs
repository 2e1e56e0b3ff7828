//! Which bytes of a file are asked for (RFC 9110, section 14).

use std::ops::Range;

use http::HeaderMap;
use http::header::{IF_NONE_MATCH, IF_RANGE, RANGE};

/// What a request asks of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// All of it.
    Whole,
    /// Some of it; at least one byte.
    Part(Range<u64>),
    /// Bytes behind its end.
    Beyond,
    /// Nothing: the asker has it.
    Known,
}

/// What `headers` ask of a file of `size` bytes, whose present form is `tag`. Several ranges, other
/// units and what makes no sense ask for all of it, as the standard allows.
pub(crate) fn asked(headers: &HeaderMap, size: u64, tag: &str) -> Asked {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let weak = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    if let Some(known) = text(IF_NONE_MATCH)
        && known.split(',').any(|one| one.trim() == "*" || weak(one) == tag)
    {
        return Asked::Known;
    }
    let Some(range) = text(RANGE) else { return Asked::Whole };
    if text(IF_RANGE).is_some_and(|condition| condition.trim() != tag) {
        return Asked::Whole;
    }
    part(range, size).unwrap_or(Asked::Whole)
}

/// What one range asks for; none if it is none.
fn part(text: &str, size: u64) -> Option<Asked> {
    let (unit, range) = text.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let range = match (number(first)?, number(last)?) {
        (Some(first), last) => {
            let last = last.unwrap_or(u64::MAX);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(size)
        }
        (None, Some(count)) => size.saturating_sub(count)..size,
        (None, None) => return None,
    };
    Some(if range.is_empty() { Asked::Beyond } else { Asked::Part(range) })
}

/// The number that a text is; none inside for an empty one, none for another text. Numbers that do not
/// fit are as good as the largest.
#[expect(clippy::option_option, reason = "no number and no sense are two things")]
fn number(text: &str) -> Option<Option<u64>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(None);
    }
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| Some(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ask(headers: &[(http::HeaderName, &str)], size: u64) -> Asked {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(name, value.parse().unwrap());
        }
        asked(&map, size, "\"x\"")
    }

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        for (range, size, expected) in [
            ("bytes=0-0", 10, Asked::Part(0..1)),
            ("bytes=2-4", 10, Asked::Part(2..5)),
            ("bytes=2-", 10, Asked::Part(2..10)),
            ("bytes=-3", 10, Asked::Part(7..10)),
            ("bytes=-99", 10, Asked::Part(0..10)),
            ("bytes=5-99", 10, Asked::Part(5..10)),
            ("Bytes = 5 - 6", 10, Asked::Part(5..7)),
            ("bytes=0-18446744073709551615", 10, Asked::Part(0..10)),
            ("bytes=0-99999999999999999999999", 10, Asked::Part(0..10)),
            ("bytes=10-", 10, Asked::Beyond),
            ("bytes=99999999999999999999999-", 10, Asked::Beyond),
            ("bytes=-0", 10, Asked::Beyond),
            ("bytes=0-", 0, Asked::Beyond),
            ("bytes=-1", 0, Asked::Beyond),
            ("bytes=4-2", 10, Asked::Whole),
            ("bytes=0-1,3-4", 10, Asked::Whole),
            ("bytes=-", 10, Asked::Whole),
            ("bytes=a-b", 10, Asked::Whole),
            ("bytes=+1-2", 10, Asked::Whole),
            ("chunks=0-1", 10, Asked::Whole),
            ("", 10, Asked::Whole),
        ] {
            assert_eq!(ask(&[(RANGE, range)], size), expected, "{range} of {size}");
        }
    }

    #[test]
    fn what_one_has_is_not_sent_again() {
        let range = (RANGE, "bytes=0-0");
        assert_eq!(ask(&[(IF_NONE_MATCH, "\"a\", W/\"x\"")], 9), Asked::Known);
        assert_eq!(ask(&[(IF_NONE_MATCH, "*")], 9), Asked::Known);
        assert_eq!(ask(&[(IF_NONE_MATCH, "\"y\"")], 9), Asked::Whole);
        assert_eq!(ask(&[range.clone(), (IF_RANGE, "\"x\"")], 9), Asked::Part(0..1));
        assert_eq!(ask(&[range.clone(), (IF_RANGE, "\"y\"")], 9), Asked::Whole);
        assert_eq!(ask(&[range, (IF_RANGE, "Sat, 29 Oct 1994 19:43:31 GMT")], 9), Asked::Whole);
    }

    proptest! {
        #[test]
        fn a_part_lies_in_the_file(text in "(bytes=)?[0-9 ,=-]{0,24}", size in 0..300_u64) {
            match ask(&[(RANGE, text.as_str())], size) {
                Asked::Part(range) => prop_assert!(!range.is_empty() && range.end <= size),
                other => prop_assert!(matches!(other, Asked::Whole | Asked::Beyond)),
            }
        }
    }
}
