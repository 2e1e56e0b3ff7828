//! How long a certificate is still good, and for which names.

use rustls_pki_types::CertificateDer;
use stoa_core::{Clock as _, SystemClock, Timestamp};

use crate::admin::Check;
use crate::config::{Config, Tls};
use crate::failure::explain;
use crate::serve::public_hosts;
use crate::tls::{Validity, not_covered, read_files};

const NAME: &str = "certificate";
/// So long before its end a certificate should have been renewed.
const SOON_DAYS: u64 = 14;

/// The certificate that the configuration names.
pub(super) fn of_config(config: &Config) -> Check {
    let Tls::Files { certificate, key } = &config.tls else {
        return Check::ok(NAME, "the server's own authority issues and renews it".into());
    };
    let pair = match read_files(certificate, key) {
        Ok(pair) => pair,
        Err(error) => {
            let advice = "give tls-certificate and tls-key a good pair";
            return Check::failure(NAME, explain(&error), advice);
        }
    };
    let shown = certificate.display().to_string();
    let Some(first) = pair.cert.first() else {
        return Check::failure(NAME, format!("{shown} is empty"), "put the certificate there");
    };
    let now = SystemClock.now();
    judge(&shown, first, now).unwrap_or_else(|| names(&shown, first, config, now))
}

/// What is wrong with the times of a certificate; nothing if they are good for a while.
pub(super) fn judge(
    shown: &str,
    certificate: &CertificateDer<'_>,
    now: Timestamp,
) -> Option<Check> {
    let Some(Validity { from, until }) = Validity::of(certificate) else {
        let found = format!("{shown} is malformed");
        return Some(Check::failure(NAME, found, "use another one"));
    };
    if now < from {
        let found = format!("{shown} is not good before {}", date(from));
        return Some(Check::failure(NAME, found, "set the clock, or use another certificate"));
    }
    if now > until {
        let found = format!("{shown} has been over since {}", date(until));
        return Some(Check::failure(NAME, found, "renew it: nobody can connect"));
    }
    let days = days(until, now);
    let found = format!("{shown} is good for {days} more days");
    (days < SOON_DAYS).then(|| Check::warning(NAME, found, "renew it"))
}

fn days(until: Timestamp, now: Timestamp) -> u64 {
    until.since(now).as_secs() / 86_400
}

/// Whether it is for the names under which clients are told to come.
fn names(shown: &str, certificate: &CertificateDer<'_>, config: &Config, now: Timestamp) -> Check {
    let named = [&config.public_rest, &config.public_ws].into_iter().flatten();
    let mut hosts: Vec<_> = named.map(|address| address.host.clone()).collect();
    hosts.dedup();
    let foreign = not_covered(certificate, &hosts);
    if !foreign.is_empty() {
        let foreign = foreign.join(", ");
        let found = format!("{shown} is not for {foreign}, under which clients are told to come");
        return Check::failure(NAME, found, "use one for that name, or set public-rest, public-ws");
    }
    let days = Validity::of(certificate).map_or(0, |validity| days(validity.until, now));
    if hosts.is_empty() {
        let found = format!("{shown} is good for {days} more days");
        let advice = format!(
            "say under which name clients come (public-rest, public-ws); they are told {}",
            public_hosts(config).join(", ")
        );
        return Check::warning(NAME, found, advice);
    }
    Check::ok(NAME, format!("{shown} is good for {days} more days, for {}", hosts.join(", ")))
}

fn date(at: Timestamp) -> String {
    let millis = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis).map_or_else(|_| "?".into(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::Level;
    use crate::config::{Environment, Settings, load};

    fn certificate() -> CertificateDer<'static> {
        let mut params = rcgen::CertificateParams::new(["chat.example.org".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    #[test]
    fn times_are_judged() {
        let good = certificate();
        let until = Validity::of(&good).unwrap().until.as_secs();
        let at =
            |seconds| judge("c", &good, Timestamp::from_secs(seconds)).map(|check| check.level);
        assert_eq!(at(until - 30 * 86_400), None);
        assert_eq!(at(until - 13 * 86_400), Some(Level::Warning));
        assert_eq!(at(until + 1), Some(Level::Failure));
        assert_eq!(at(1_000_000_000), Some(Level::Failure), "not yet");
        let nothing = CertificateDer::from(vec![0x30, 0]);
        let now = Timestamp::from_secs(until - 30 * 86_400);
        assert_eq!(judge("c", &nothing, now).map(|check| check.level), Some(Level::Failure));
    }

    #[test]
    fn names_that_clients_are_told_must_be_in_it() {
        let good = certificate();
        let now = Timestamp::from_secs(Validity::of(&good).unwrap().until.as_secs() - 86_400 * 30);
        let level = |host: Option<&str>| {
            let public_rest = host.map(|host| host.parse().unwrap());
            let settings = Settings { public_rest, ..Settings::default() };
            let config = load(settings, None, &Environment::default()).unwrap();
            names("c", &good, &config, now).level
        };
        assert_eq!(level(Some("chat.example.org")), Level::Ok);
        assert_eq!(level(Some("other.example.org")), Level::Failure);
        assert_eq!(level(None), Level::Warning);
    }
}
