//! Who may use the page: whoever has the code of `demo.json`, once; then the browser that it let in.
//!
//! The code is exchanged for a cookie that says until when it holds and is authenticated with a key
//! derived from the app's server certificate. That one is sealed in the store and survives a
//! restart, so a page that is open goes on when the server comes back, and nothing further is kept.
//! When the server certificate is exchanged, cookies of the former one hold as long as its tokens do.

use std::time::Duration;

use aws_lc_rs::hmac;
use parking_lot::Mutex;
use stoa_core::{App, Entropy, Secret, ServerCertificate, Timestamp, same_secret};

use super::random_text;

/// How long a browser that was let in may come back.
const SESSION: Duration = Duration::from_secs(30 * 86_400);
/// Keeps the key apart from whatever else is derived from the certificate.
const PURPOSE: &[u8] = b"stoa demo page session 1";

/// The code of the moment, and the name of cookies.
pub(super) struct Admission {
    code: Mutex<Secret>,
    cookie: String,
}

impl Admission {
    /// With a new code. Cookies are kept apart from those of demo pages on other ports, to which a
    /// browser sends them too.
    pub(super) fn new(port: u16, entropy: &dyn Entropy) -> Self {
        Self { code: Mutex::new(new_code(entropy)), cookie: format!("stoa-demo-{port}") }
    }

    /// The code that opens the page once.
    pub(super) fn code(&self) -> Secret {
        self.code.lock().clone()
    }

    /// Exchanges `given` for the value of the header `Set-Cookie`, if it is the code. From then on
    /// another code counts.
    pub(super) fn redeem(
        &self,
        given: &str,
        app: &App,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Option<String> {
        let mut code = self.code.lock();
        if !same_secret(code.expose(), given) {
            return None;
        }
        *code = new_code(entropy);
        drop(code);
        let until = now.plus(SESSION).as_secs();
        let (name, proof) = (&self.cookie, hex(proof(&app.server_certificate, until).as_ref()));
        let seconds = SESSION.as_secs();
        Some(format!(
            "{name}={until}.{proof}; Path=/demo; Max-Age={seconds}; HttpOnly; SameSite=Strict"
        ))
    }

    /// Whether one of the cookies in `header`, the value of `Cookie`, is one that we gave and that
    /// still holds.
    pub(super) fn admits(&self, header: &str, app: &App, now: Timestamp) -> bool {
        header.split(';').any(|pair| {
            let Some((name, value)) = pair.trim().split_once('=') else { return false };
            name == self.cookie && is_ours(value, app, now)
        })
    }
}

fn is_ours(value: &str, app: &App, now: Timestamp) -> bool {
    let Some((until, shown)) = value.split_once('.') else { return false };
    let Ok(until) = until.parse::<u64>() else { return false };
    let mut certificates = app.server_certificates().filter(|one| one.is_enabled(now));
    let right = |one| same_secret(&hex(proof(one, until).as_ref()), shown);
    now.as_secs() < until && certificates.any(right)
}

/// What only the server can say of a cookie that holds until then, in seconds since 1970.
fn proof(certificate: &ServerCertificate, until: u64) -> hmac::Tag {
    let key = hmac::Key::new(hmac::HMAC_SHA256, certificate.expose().as_bytes());
    let derived = hmac::sign(&key, PURPOSE);
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()), &until.to_be_bytes())
}

fn new_code(entropy: &dyn Entropy) -> Secret {
    Secret::new(random_text(entropy))
}

/// In lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use stoa_core::{AppNumber, AuthPolicy, Region, SeededEntropy};

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn app(seed: u64) -> App {
        let key = "demo#stoa".parse().unwrap();
        let entropy = SeededEntropy::new(seed);
        App::new(AppNumber(1), key, Region::Eu, NOW, AuthPolicy::Token, &entropy)
    }

    fn cookie(set: &str) -> String {
        set.split(';').next().unwrap().to_owned()
    }

    #[test]
    fn a_code_opens_once_and_then_another_one_does() {
        let entropy = SeededEntropy::new(1);
        let admission = Admission::new(8480, &entropy);
        let code = admission.code();
        assert!(admission.redeem("", &app(3), NOW, &entropy).is_none());
        assert!(admission.redeem("wrong", &app(3), NOW, &entropy).is_none());
        let set = admission.redeem(code.expose(), &app(3), NOW, &entropy).unwrap();
        for attribute in ["; Path=/demo;", "; HttpOnly", "; SameSite=Strict"] {
            assert!(set.contains(attribute), "{set}");
        }
        assert!(admission.redeem(code.expose(), &app(3), NOW, &entropy).is_none());
        let next = admission.code();
        assert!(admission.redeem(next.expose(), &app(3), NOW, &entropy).is_some());
    }

    #[test]
    fn a_cookie_holds_over_a_restart_until_its_time_is_over() {
        let entropy = SeededEntropy::new(1);
        let before = Admission::new(8480, &entropy);
        let set = before.redeem(before.code().expose(), &app(3), NOW, &entropy).unwrap();
        let cookie = cookie(&set);
        let after = Admission::new(8480, &SeededEntropy::new(2));
        assert!(after.admits(&cookie, &app(3), NOW));
        assert!(after.admits(&format!("a=b; {cookie}; c"), &app(3), NOW));
        assert!(after.admits(&cookie, &app(3), NOW.plus(SESSION).minus(Duration::from_secs(1))));
        assert!(!after.admits(&cookie, &app(3), NOW.plus(SESSION)));
    }

    #[test]
    fn nobody_makes_or_lengthens_a_cookie() {
        let entropy = SeededEntropy::new(1);
        let admission = Admission::new(8480, &entropy);
        let set = admission.redeem(admission.code().expose(), &app(3), NOW, &entropy).unwrap();
        let cookie = cookie(&set);
        let until = NOW.plus(SESSION).as_secs();
        let longer = cookie.replace(&until.to_string(), &(until + 1).to_string());
        assert_ne!(longer, cookie);
        let cut = &cookie[..cookie.len() - 1];
        for foreign in ["", "stoa-demo-8480", "stoa-demo-8480=", "stoa-demo-8480=1.2", &longer, cut]
        {
            assert!(!admission.admits(foreign, &app(3), NOW), "{foreign}");
        }
        let elsewhere = cookie.replace("8480", "8481");
        assert!(!admission.admits(&elsewhere, &app(3), NOW));
        assert!(!admission.admits(&cookie, &app(4), NOW), "another app");
    }

    #[test]
    fn a_rotation_of_the_server_certificate_leaves_cookies_for_the_overlap_or_ends_them() {
        let entropy = SeededEntropy::new(1);
        let admission = Admission::new(8480, &entropy);
        let mut app = app(3);
        let enter = |app: &App| {
            let set = admission.redeem(admission.code().expose(), app, NOW, &entropy);
            cookie(&set.unwrap())
        };
        let before = enter(&app);
        let ends = NOW.plus(Duration::from_secs(600));
        let made = || ServerCertificate::random(&entropy, NOW);
        app.rotate_server_certificate(made(), Some(ends));
        let after = enter(&app);
        assert_ne!(before, after);
        assert!(admission.admits(&before, &app, NOW) && admission.admits(&after, &app, NOW));
        assert!(!admission.admits(&before, &app, ends) && admission.admits(&after, &app, ends));
        app.rotate_server_certificate(made(), None);
        for cookie in [&before, &after] {
            assert!(!admission.admits(cookie, &app, NOW));
        }
    }
}
