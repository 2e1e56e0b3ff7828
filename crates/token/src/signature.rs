//! Signatures and the keys they are made with (token specification, sections 3 and 6).

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

/// A token's 32-byte signature: what identifies the token, for revocation or counting.
///
/// One token has many spellings (compression may differ), but one signature. With the token's
/// other fields, which can be guessed, it makes the token: [`fmt::Debug`] does not show it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature([u8; 32]);

impl Signature {
    pub(crate) const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The same in lower-case hexadecimal.
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(..)")
    }
}

/// `bytes` in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).expect("four bits are one digit");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// `bytes` as text if they have the form of an App ID or App Certificate: 32 hexadecimal
/// characters.
pub(crate) fn hex32(bytes: &[u8]) -> Option<&str> {
    let hexadecimal = bytes.len() == 32 && bytes.iter().all(u8::is_ascii_hexdigit);
    if hexadecimal { std::str::from_utf8(bytes).ok() } else { None }
}

fn hmac_key(key: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, key)
}

/// HMAC-SHA-256, written where it can be wiped.
fn hmac_sha256(key: &hmac::Key, message: &[u8], out: &mut [u8; 32]) {
    hmac::sign_to_buffer(key, message, out).expect("the buffer holds a SHA-256 digest");
}

/// Signs 007 tokens of one time and salt. These two are the *keys* of the derivation, and the
/// certificate, as its ASCII bytes, is its message: setting up half of the derivation serves all
/// certificates that are tried.
pub(crate) struct Signer007 {
    time: hmac::Key,
    salt: hmac::Key,
}

impl Signer007 {
    pub(crate) fn new(issue_ts: u32, salt: u32) -> Self {
        Self { time: hmac_key(&issue_ts.to_le_bytes()), salt: hmac_key(&salt.to_le_bytes()) }
    }

    pub(crate) fn sign(&self, certificate: &str, signed: &[u8]) -> [u8; 32] {
        let mut step = Zeroizing::new([0; 32]);
        let mut key = Zeroizing::new([0; 32]);
        let mut signature = [0; 32];
        hmac_sha256(&self.time, certificate.as_bytes(), &mut step);
        hmac_sha256(&self.salt, &step[..], &mut key);
        hmac_sha256(&hmac_key(&key[..]), signed, &mut signature);
        signature
    }
}

/// The signature of a 006 token: over App ID, channel, user and message as they stand, without
/// separators.
pub(crate) fn sign_006(certificate: &str, parts: [&[u8]; 4]) -> [u8; 32] {
    let mut signature = [0; 32];
    hmac_sha256(&hmac_key(certificate.as_bytes()), &parts.concat(), &mut signature);
    signature
}

/// Which of `certificates` makes `signature`, by its place. Tries them all and compares in constant time,
/// so the time tells nothing of which one it was. What is no certificate (32 hexadecimal
/// characters) is passed over: an empty one in the settings must not let anybody sign.
pub(crate) fn which_signs(
    certificates: &[&str],
    signature: &Signature,
    sign: impl Fn(&str) -> [u8; 32],
) -> Option<usize> {
    let mut found = None;
    for (place, certificate) in certificates.iter().enumerate() {
        if hex32(certificate.as_bytes()).is_some() {
            let same = verify_slices_are_equal(&sign(certificate), signature.as_bytes()).is_ok();
            found = if same { Some(place) } else { found };
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_signs_nothing() {
        let good = "00112233445566778899aabbccddeeff";
        for bad in ["", "0", &good[1..], &good.replace('0', "g"), "é".repeat(16).as_str()] {
            let signer = Signer007::new(1, 2);
            let signature = Signature::new(signer.sign(bad, b"signed"));
            let signs = |certificates: &[&str]| {
                which_signs(certificates, &signature, |key| signer.sign(key, b"signed")).is_some()
            };
            assert!(!signs(&[bad]), "{bad}");
            assert!(!signs(&[bad, good]), "{bad}");
        }
    }

    #[test]
    fn the_worked_example_of_the_specification() {
        let signed = "2000643434343131343938353233363436336565383031316134623131663563643\
            7be986969100e000067b2cb030100020001000100100e00000a0072746d2d757365722d31";
        let byte = |pair: &[u8]| {
            let text = std::str::from_utf8(pair).expect("the text is ASCII");
            u8::from_str_radix(text, 16).expect("the text is hexadecimal")
        };
        let signed: Vec<u8> = signed.as_bytes().chunks(2).map(byte).collect();
        let certificate = "2e88379471be8772268e413c5873cc98";
        let signature = Signer007::new(1_768_528_062, 63_681_127).sign(certificate, &signed);
        assert_eq!(
            hex(&signature),
            "8b8fb487437d10307324a3892f63d7b6c37af4b4c2e4a1f13b69e38faeacc83a"
        );
    }
}
