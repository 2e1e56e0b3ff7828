//! What a certificate says of itself, as far as whoever runs the server needs to know.

use rustls::client::verify_server_name;
use rustls::server::ParsedCertificate;
use rustls_pki_types::{CertificateDer, ServerName};
use stoa_core::Timestamp;
use x509_parser::prelude::{FromDer, X509Certificate};

/// From when and until when a certificate counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first moment.
    pub from: Timestamp,
    /// The last.
    pub until: Timestamp,
}

impl Validity {
    /// Of `certificate`; none if it is none.
    pub fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        // A moment before 1970 is long over, whichever it is.
        let moment = |seconds: i64| Timestamp::from_secs(u64::try_from(seconds).unwrap_or(0));
        let validity = parsed.validity();
        Some(Self {
            from: moment(validity.not_before.timestamp()),
            until: moment(validity.not_after.timestamp()),
        })
    }

    /// Whether it counts at that moment.
    pub fn contains(self, at: Timestamp) -> bool {
        (self.from..=self.until).contains(&at)
    }
}

/// The `hosts` for which `certificate` is not.
pub fn not_covered(certificate: &CertificateDer<'_>, hosts: &[String]) -> Vec<String> {
    let Ok(parsed) = ParsedCertificate::try_from(certificate) else { return hosts.to_vec() };
    let covered = |host: &&String| {
        let name = ServerName::try_from(host.as_str());
        name.is_ok_and(|name| verify_server_name(&parsed, &name).is_ok())
    };
    hosts.iter().filter(|host| !covered(host)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_read() {
        let mut params = rcgen::CertificateParams::new(vec![
            "chat.example.org".into(),
            "*.apps.example.org".into(),
            "10.0.0.1".into(),
        ])
        .unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2026, 4, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        let validity = Validity::of(made.der()).unwrap();
        assert_eq!(validity.from, Timestamp::from_secs(1_767_225_600));
        assert_eq!(validity.until, Timestamp::from_secs(1_775_001_600));
        assert!(validity.contains(validity.from) && validity.contains(validity.until));
        assert!(!validity.contains(Timestamp::from_secs(1_775_001_601)));

        let hosts =
            ["chat.example.org", "a.apps.example.org", "10.0.0.1", "example.org", "10.0.0.2"];
        let hosts = hosts.map(str::to_owned);
        assert_eq!(not_covered(made.der(), &hosts), ["example.org", "10.0.0.2"]);

        let nothing = CertificateDer::from(vec![0x30, 0]);
        assert_eq!(Validity::of(&nothing), None);
        assert_eq!(not_covered(&nothing, &hosts).len(), hosts.len());
    }
}
