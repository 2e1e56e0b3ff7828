//! Names of files as they are kept: of a path the last part, without what is not to be seen.

use stoa_core::limits;

/// What a file is called that has no name.
const NAMELESS: &str = "file";

/// The name that is kept of `given`: without directories, control characters and marks that turn the
/// direction of writing (which make `exe.gpj` of a name look like `jpg.exe`), and cut to its bound.
pub(super) fn kept(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut name = String::with_capacity(last.len().min(limits::FILE_NAME_BYTES));
    for character in last.chars().filter(|c| is_seen(*c)) {
        if name.len() + character.len_utf8() > limits::FILE_NAME_BYTES {
            break;
        }
        name.push(character);
    }
    let name = name.trim();
    if name.trim_matches('.').is_empty() { NAMELESS.into() } else { name.into() }
}

fn is_seen(character: char) -> bool {
    let turns = matches!(character, '\u{200E}' | '\u{200F}' | '\u{061C}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    !character.is_control() && !turns && !matches!(character, '\u{2028}' | '\u{2029}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_could_do_harm_is_left_out() {
        for (given, name) in [
            ("photo.jpg", "photo.jpg"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Windows\\system.ini", "system.ini"),
            ("a\r\nSet-Cookie: x\0.txt", "aSet-Cookie: x.txt"),
            ("photo\u{202E}gpj.exe", "photogpj.exe"),
            ("  naïve Löwe 🦁.png ", "naïve Löwe 🦁.png"),
            ("", "file"),
            ("..", "file"),
            ("a/", "file"),
            ("...", "file"),
        ] {
            assert_eq!(kept(given), name, "{given:?}");
        }
        assert_eq!(kept(&"ä".repeat(400)).len(), 254);
    }

    proptest! {
        #[test]
        fn any_name_becomes_one_that_can_be_kept_again(given in ".{0,300}") {
            let name = kept(&given);
            prop_assert!(!name.is_empty() && name.len() <= limits::FILE_NAME_BYTES);
            prop_assert!(!name.contains(['/', '\\']) && !name.chars().any(char::is_control));
            prop_assert_eq!(kept(&name), name);
        }
    }
}
