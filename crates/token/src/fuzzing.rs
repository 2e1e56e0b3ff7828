//! What the fuzz target runs, shared with a test that needs no fuzzer.

use crate::build::Builder007;
use crate::{
    Claims, Claims007, Error, Expectation, RtcRole, Verified, envelope, parse, verify, verify_chat,
};

/// The app for which [`exercise`] verifies. Made up.
pub const APP_ID: &str = "0123456789abcdef0123456789ABCDEF";
/// Its certificate. Made up.
pub const CERTIFICATE: &str = "00112233445566778899aabbccddeeff";
/// The time at which [`exercise`] verifies, in Unix seconds.
pub const NOW: u32 = 1_800_000_000;

/// A token that [`exercise`] finds genuine, to start from.
pub fn seed() -> Builder007<'static> {
    Builder007::new(APP_ID, CERTIFICATE, NOW, 3600, 7).room_user("room", "pupil", 2).rtc(
        "room",
        "1",
        RtcRole::Publisher,
        0,
    )
}

/// The 007 token with this content, whatever it is.
pub fn seal_007(content: &[u8]) -> String {
    envelope::seal_007(content)
}

/// The 006 token with this content, whatever it is.
pub fn seal_006(content: &[u8]) -> String {
    envelope::seal_006(APP_ID, content)
}

/// Takes `data` for a token, for what is behind each layer of one, and for the services of a
/// genuine one.
///
/// # Panics
/// When the library contradicts itself.
pub fn exercise(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        check(text);
    }
    check(&envelope::seal_006(APP_ID, data));
    check(&envelope::encode("007", data));
    check(&envelope::seal_007(data));
    if let Ok(content) = seed().content_around(data) {
        let token = envelope::seal_007(&content);
        check(&token);
        let genuine = verify(&token, &expectation());
        assert!(!matches!(genuine, Err(Error::BadSignature | Error::AppIdMismatch)), "{genuine:?}");
    }
}

const fn expectation() -> Expectation<'static> {
    let mut expect = Expectation::new(NOW as u64, APP_ID, &[CERTIFICATE]);
    expect.accept_006 = true;
    expect
}

fn check(token: &str) {
    let parsed = parse(token);
    let verified = verify(token, &expectation());
    match (&parsed, &verified) {
        (Ok(parsed), Ok(verified)) => {
            assert_eq!(&parsed.unauthenticated, verified.claims());
            check_verified(verified);
        }
        // What cannot be read is not reached behind a wrong App ID or signature.
        (Err(form), Err(refusal)) => assert!(
            form == refusal || matches!(refusal, Error::AppIdMismatch | Error::BadSignature),
            "{form:?}, {refusal:?}"
        ),
        (Ok(_), Err(_)) => {}
        (Err(form), Ok(_)) => panic!("verifies but does not parse: {form:?}"),
    }
    let chat = verify_chat(token, &Expectation::new(NOW.into(), APP_ID, &[CERTIFICATE]));
    assert!(chat.is_err() || verified.is_ok(), "chat takes what is refused: {verified:?}");
}

/// What is genuine can be written again and says the same.
fn check_verified(verified: &Verified) {
    assert!(verified.granted_until() > u64::from(NOW));
    let Claims::V007(claims) = verified.claims() else { return };
    let (issue_ts, expire, salt) = (claims.issue_ts, claims.expire, claims.salt);
    let empty = Builder007::new(APP_ID, CERTIFICATE, issue_ts, expire, salt);
    let Ok(again) = claims.services.iter().cloned().fold(empty, Builder007::service).build() else {
        return; // No service was read, or another compressor had made it smaller.
    };
    let again = parse(&again).expect("what is built can be parsed");
    let Claims::V007(again) = again.unauthenticated else { panic!("the version changed") };
    assert_eq!(again.services, sorted(claims));
}

fn sorted(claims: &Claims007) -> Vec<crate::Service> {
    let mut services = claims.services.clone();
    services.sort_by_key(|service| service.kind().number());
    services
}
