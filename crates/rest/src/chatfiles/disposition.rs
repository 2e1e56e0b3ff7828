//! What a browser does with a file, and under which name it saves it (RFC 6266, RFC 8187).

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What is not an `attr-char` of RFC 8187.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The header's value: shown in place or saved, under `name` in both spellings.
pub(crate) fn disposition(name: &str, shown: bool) -> HeaderValue {
    let kind = if shown { "inline" } else { "attachment" };
    let plain =
        |c: char| if c.is_ascii_alphanumeric() || " !#$&+-.^_`|~()".contains(c) { c } else { '_' };
    let ascii: String = name.chars().map(plain).collect();
    let encoded = utf8_percent_encode(name, ENCODED);
    let value = format!("{kind}; filename=\"{ascii}\"; filename*=UTF-8''{encoded}");
    // It is visible ASCII, whatever the name.
    HeaderValue::try_from(value).unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_told_in_both_spellings() {
        for (name, shown, value) in [
            ("a b.png", true, "inline; filename=\"a b.png\"; filename*=UTF-8''a%20b.png"),
            (
                "Löwe.txt",
                false,
                "attachment; filename=\"L_we.txt\"; filename*=UTF-8''L%C3%B6we.txt",
            ),
            (
                "a\"; x=\"",
                false,
                "attachment; filename=\"a__ x__\"; filename*=UTF-8''a%22%3B%20x%3D%22",
            ),
            ("a\r\nb", false, "attachment; filename=\"a__b\"; filename*=UTF-8''a%0D%0Ab"),
        ] {
            assert_eq!(disposition(name, shown), value);
        }
    }

    proptest! {
        #[test]
        fn any_name_gives_one_header_of_two_names(name in ".{0,80}") {
            let value = disposition(&name, false);
            let text = value.to_str().unwrap();
            prop_assert!(text.starts_with("attachment; filename=\""));
            prop_assert_eq!((text.matches('"').count(), text.matches(';').count()), (2, 2));
        }
    }
}
