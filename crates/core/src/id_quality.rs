//! How well a name hides whom it names: whether it can be guessed, or is itself something about a person.
//!
//! Only the form is looked at, so a good mark is not a proof: what is counted as bits is the most that a name of
//! this length and these characters can hold.

/// What is wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IdFlaws {
    /// It follows the one that was made before it, as counters do.
    pub sequential: bool,
    /// It has no other characters than digits.
    pub digits_only: bool,
    /// It looks like an address for e-mail.
    pub email: bool,
    /// It looks like a telephone number.
    pub phone: bool,
    /// It holds less than 64 bits.
    pub short: bool,
}

/// Names that were made of late, and how many of them have which flaw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Names {
    /// How many.
    pub made: u64,
    /// Followed the one before.
    pub sequential: u64,
    /// Digits alone.
    pub digits_only: u64,
    /// Look like e-mail addresses.
    pub email: u64,
    /// Look like telephone numbers.
    pub phone: u64,
    /// Hold less than 64 bits.
    pub short: u64,
    /// Of the last ones, at most 32, which count for how they are at present: how many they are.
    pub recent: u32,
    /// How many of those have any of it.
    pub recent_flawed: u32,
}

/// Bits below which a name can be found by trying.
const BITS: f64 = 64.0;
/// How far two numbers lie apart at the most that a counter made one after the other.
const STEP: u128 = 16;

impl IdFlaws {
    /// Those of `name`, which was made after `previous`.
    pub fn of(name: &str, previous: Option<&str>) -> Self {
        Self {
            sequential: previous.is_some_and(|previous| follows(name, previous)),
            digits_only: !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()),
            email: is_email(name),
            phone: is_phone(name),
            short: bits(name) < BITS,
        }
    }

    /// Whether there is any.
    pub const fn any(self) -> bool {
        self.sequential || self.digits_only || self.email || self.phone || self.short
    }
}

/// The most bits that a name of this form can hold.
fn bits(name: &str) -> f64 {
    let has = |is: fn(&char) -> bool| name.chars().any(|c| is(&c));
    let hexadecimal = name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let mut alphabet = 0;
    if has(char::is_ascii_digit) {
        alphabet += 10;
    }
    if has(char::is_ascii_lowercase) {
        alphabet += if hexadecimal { 6 } else { 26 };
    }
    if has(char::is_ascii_uppercase) {
        alphabet += if hexadecimal { 6 } else { 26 };
    }
    // Punctuation stands between words; it is not drawn.
    let drawn = name.chars().filter(|c| c.is_alphanumeric()).count();
    let beyond = name.chars().filter(|c| c.is_alphanumeric() && !c.is_ascii()).count();
    let alphabet = f64::from(alphabet.max(if beyond > 0 { 64 } else { 1 }));
    f64::from(u32::try_from(drawn).unwrap_or(u32::MAX)) * alphabet.log2()
}

/// Whether the two have the same text before numbers that a counter can have made.
fn follows(name: &str, previous: &str) -> bool {
    let (Some((head, number)), Some((other, before))) = (counted(name), counted(previous)) else {
        return false;
    };
    head == other && number.abs_diff(before) <= STEP && number != before
}

/// The number at the end of a name, and what stands before it.
fn counted(name: &str) -> Option<(&str, u128)> {
    let digits = name.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (head, number) = name.split_at_checked(name.len() - digits)?;
    Some((head, number.parse().ok()?))
}

/// Domains in which many addresses end. User names have no `@`, so whoever takes addresses for names writes
/// something else in its place.
const DOMAINS: &[&str] = &[
    "com", "net", "org", "edu", "gov", "info", "io", "cn", "de", "fr", "in", "jp", "ru", "uk", "us",
];
/// What stands for `@` where that is not allowed.
const AT: &[&str] = &["@", "_at_", "-at-", ".at."];

fn is_email(name: &str) -> bool {
    let is_host = |host: &str| host.split('.').count() > 1 && !host.split('.').any(str::is_empty);
    let divided = AT.iter().filter_map(|at| name.split_once(at));
    if divided.into_iter().any(|(user, host)| !user.is_empty() && is_host(host)) {
        return true;
    }
    let domain = name.rsplit_once('.').map_or("", |(_, domain)| domain);
    DOMAINS.iter().any(|known| domain.eq_ignore_ascii_case(known))
}

/// 7 to 15 digits (ITU-T E.164), with what people write between them.
fn is_phone(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let plain = name.bytes().all(|byte| byte.is_ascii_digit() || b"+-. ()".contains(&byte));
    plain && (7..=15).contains(&digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flaws(name: &str) -> Vec<&'static str> {
        flaws_after(name, None)
    }

    fn flaws_after(name: &str, previous: Option<&str>) -> Vec<&'static str> {
        let found = IdFlaws::of(name, previous);
        let all = [
            (found.sequential, "sequential"),
            (found.digits_only, "digits"),
            (found.email, "email"),
            (found.phone, "phone"),
            (found.short, "short"),
        ];
        let named = all.into_iter().filter_map(|(is, name)| is.then_some(name));
        let named: Vec<_> = named.collect();
        assert_eq!(found.any(), !named.is_empty());
        named
    }

    #[test]
    fn what_can_be_guessed_or_names_a_person_is_found() {
        assert_eq!(flaws("alice"), ["short"]);
        assert_eq!(flaws("1000042"), ["digits", "phone", "short"]);
        assert_eq!(flaws("15550100200300400500"), ["digits"]);
        assert_eq!(flaws("alexander.humboldt@example.org"), ["email"]);
        assert_eq!(flaws("alexander.humboldt_example.org"), ["email"]);
        assert_eq!(flaws("alexander_at_berlin.example"), ["email"]);
        assert_eq!(flaws("+49-30-901820"), ["phone", "short"]);
        assert_eq!(
            flaws_after("customer-number-of-ours-00018", Some("customer-number-of-ours-00017")),
            ["sequential"]
        );
        assert_eq!(flaws_after("user18", Some("guest17")), ["short"]);
        // 16 hexadecimal characters are exactly 64 bits, 15 are not.
        assert_eq!(flaws("0123456789abcdef"), Vec::<&str>::new());
        assert_eq!(flaws("0123456789abcde"), ["short"]);
    }

    #[test]
    fn random_names_have_none() {
        let uuid = "0b5f3f5e-6f0e-4c0a-9f5b-2f3c1b1f8a77";
        for name in ["uk7f3q2mzp6w4h5d2ryx8n3vbta", uuid, "9f86d081884c7d659a2feaa0c55ad015"] {
            assert_eq!(flaws_after(name, Some(uuid)), Vec::<&str>::new(), "{name}");
        }
        assert_eq!(flaws(""), ["short"]);
    }
}
