//! An app's server certificate: the secret with which Stoa itself signs the tokens that it issues for the app.
//!
//! It never leaves the server. Tokens for whoever proved itself at the door are signed with a door certificate
//! that follows from it, so both are exchanged together. A rotation makes the present one the former one, whose
//! tokens go on until the overlap is over.

use aws_lc_rs::hmac;

use crate::{App, AppId, Certificate, Entropy, Fingerprint, Secret, Timestamp};

/// A server certificate with the door certificate that follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerCertificate {
    certificate: Certificate,
    door: Secret,
}

impl ServerCertificate {
    /// With the text, age and end of `certificate`.
    pub fn new(certificate: Certificate) -> Self {
        let door = door_certificate(certificate.secret());
        Self { certificate, door }
    }

    /// A new one, of 128 random bits.
    pub fn random(entropy: &dyn Entropy, created: Timestamp) -> Self {
        Self::new(Certificate::random(entropy, created))
    }

    /// The same as a former one, whose tokens are good until `at`.
    #[must_use]
    pub fn ending(mut self, at: Timestamp) -> Self {
        self.certificate.retires = Some(at);
        self
    }

    /// The certificate itself, which signs what is issued on behalf of the app's back end or of the operator.
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Its text, for the few places that sign or derive with it.
    pub fn expose(&self) -> &str {
        self.certificate.expose()
    }

    /// Signs what is issued to whoever proved itself at the door, by a password or as the app's back end. Apart
    /// from the certificate itself, so that such tokens end when the app takes no such proof any more.
    pub const fn door(&self) -> &Secret {
        &self.door
    }

    /// By what it is known without its text.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.certificate.fingerprint()
    }

    /// Whether tokens that it signed are taken at `now`.
    pub fn is_enabled(&self, now: Timestamp) -> bool {
        self.certificate.is_enabled(now)
    }
}

/// The certificate of the door. It follows from the server certificate, so that it needs no place of its own.
fn door_certificate(server_certificate: &Secret) -> Secret {
    let key = hmac::Key::new(hmac::HMAC_SHA256, server_certificate.expose().as_bytes());
    let tag = hmac::sign(&key, b"stoa: tokens issued at the door");
    let mut half = [0; 16];
    half.copy_from_slice(&tag.as_ref()[..16]);
    Secret::new(AppId::from_bytes(half).as_str())
}

impl App {
    /// The server certificates that the app has, the present one first.
    pub fn server_certificates(&self) -> impl Iterator<Item = &ServerCertificate> {
        std::iter::once(&self.server_certificate).chain(&self.former_server_certificate)
    }

    /// Issues with `made` from now on. The one before becomes the former one until `ends`; without an end it is
    /// gone at once, and with it the former one, if there was any.
    pub fn rotate_server_certificate(&mut self, made: ServerCertificate, ends: Option<Timestamp>) {
        let before = std::mem::replace(&mut self.server_certificate, made);
        self.former_server_certificate = ends.map(|at| before.ending(at));
    }

    /// Forgets the certificates, of the app's back end and of the server, that have ended by `now`.
    pub fn forget_ended_certificates(&mut self, now: Timestamp) {
        self.certificates.retain(|certificate| certificate.is_enabled(now));
        self.former_server_certificate.take_if(|former| !former.is_enabled(now));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::{
        AppNumber, AuthPolicy, Issuer, Region, SeededEntropy, TokenRefusal, UserId, VerifiedToken,
        issue_token, issue_token_at_the_door,
    };

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn later(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    fn app(auth: AuthPolicy) -> App {
        let key = "demo#stoa".parse().unwrap();
        App::new(AppNumber(1), key, Region::Eu, NOW, auth, &SeededEntropy::new(3))
    }

    /// What a rotation makes of `app`.
    fn rotated(app: &App, ends: Option<Timestamp>) -> Arc<App> {
        let mut app = app.clone();
        app.rotate_server_certificate(ServerCertificate::random(&SeededEntropy::new(4), NOW), ends);
        Arc::new(app)
    }

    /// One token of each kind that the server issues for an hour: on behalf of the back end, and at the door.
    fn issued(app: &App, seed: u64) -> [Secret; 2] {
        let (entropy, alice) = (SeededEntropy::new(seed), "alice".parse::<UserId>().unwrap());
        [
            issue_token(app, Some(&alice), NOW, 3600, &entropy),
            issue_token_at_the_door(app, Some(&alice), NOW, 3600, &entropy),
        ]
    }

    fn verify(
        app: &Arc<App>,
        token: &Secret,
        now: Timestamp,
    ) -> Result<VerifiedToken, TokenRefusal> {
        VerifiedToken::verify(app, token.expose(), now)
    }

    #[test]
    fn the_door_certificate_is_another_one_for_each_server_certificate() {
        let [one, two] =
            [1, 2].map(|seed| ServerCertificate::random(&SeededEntropy::new(seed), NOW));
        assert_ne!(one.door(), two.door());
        assert_ne!(one.door(), one.certificate().secret());
        let again =
            ServerCertificate::new(Certificate::new(one.certificate().secret().clone(), NOW));
        assert_eq!(again, one, "it follows from it");
    }

    #[test]
    fn tokens_of_the_former_one_end_with_the_overlap_and_those_of_the_new_one_go_on() {
        let before = app(AuthPolicy::TokenOrPassword);
        let after = rotated(&before, Some(later(600)));
        let (old, new) = (issued(&before, 5), issued(&after, 6));
        for token in old.iter().chain(&new) {
            assert!(verify(&after, token, NOW).is_ok());
        }
        for token in &old {
            let verified = verify(&after, token, later(599)).unwrap();
            assert_eq!(verified.expires(), later(600), "the overlap is shorter than the token");
            let refused = verify(&after, token, later(600));
            assert!(matches!(refused, Err(TokenRefusal::Invalid("bad_signature"))));
            // Whoever was let in by it is judged by its mark alone.
            let refused = after.admits(verified.mark(), later(600));
            assert_eq!(refused, Err(TokenRefusal::Invalid("certificate_retired")));
        }
        for token in &new {
            assert_eq!(verify(&after, token, later(600)).unwrap().expires(), later(3600));
        }
    }

    #[test]
    fn an_overlap_does_not_lengthen_a_token() {
        let before = app(AuthPolicy::Token);
        let [token, _] = issued(&before, 5);
        let after = rotated(&before, Some(later(86_400)));
        assert_eq!(verify(&after, &token, NOW).unwrap().expires(), later(3600));
        assert!(matches!(verify(&after, &token, later(3600)), Err(TokenRefusal::Expired)));
    }

    #[test]
    fn without_an_overlap_nothing_of_before_is_good() {
        let first = app(AuthPolicy::TokenOrPassword);
        let second = rotated(&first, Some(later(600)));
        let mut third = (*second).clone();
        third.rotate_server_certificate(
            ServerCertificate::random(&SeededEntropy::new(9), NOW),
            None,
        );
        let third = Arc::new(third);
        assert_eq!(third.server_certificates().count(), 1);
        for (app, seed) in [(&first, 5), (&*second, 6)] {
            for token in issued(app, seed) {
                let mark = verify(&Arc::new(app.clone()), &token, NOW).unwrap().mark().clone();
                assert!(verify(&third, &token, NOW).is_err());
                let refused = Err(TokenRefusal::Invalid("certificate_retired"));
                assert_eq!(third.admits(&mark, NOW), refused);
            }
        }
    }

    #[test]
    fn a_closed_door_is_closed_for_tokens_of_the_former_one_too() {
        let before = app(AuthPolicy::TokenOrPassword);
        let [by_server, at_the_door] = issued(&before, 5);
        let open = rotated(&before, Some(later(600)));
        let mark = verify(&open, &at_the_door, NOW).unwrap().mark().clone();
        assert!(
            matches!(mark.issuer, Issuer::Door(of) if of == before.server_certificate.fingerprint())
        );
        let closed = Arc::new(App { auth: AuthPolicy::Token, ..(*open).clone() });
        assert!(verify(&closed, &by_server, NOW).is_ok());
        assert!(verify(&closed, &at_the_door, NOW).is_err());
        assert_eq!(closed.admits(&mark, NOW), Err(TokenRefusal::Invalid("door_closed")));
    }

    #[test]
    fn a_rotation_is_something_that_sessions_are_told_of_and_an_ended_one_is_forgotten() {
        let before = app(AuthPolicy::Token);
        let mut after = (*rotated(&before, Some(later(600)))).clone();
        assert!(!before.admits_as(&after) && after.admits_as(&after.clone()));
        after.forget_ended_certificates(later(599));
        assert_eq!(after.server_certificates().count(), 2);
        after.forget_ended_certificates(later(600));
        assert_eq!((after.server_certificates().count(), after.certificates.len()), (1, 1));
    }
}
