//! A certificate is exchanged while the server runs: sessions stay, new handshakes see the new one, and
//! a bad one changes nothing.

use std::fs::{Permissions, set_permissions, write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::Value;

use crate::https::{address, connect};
use crate::metrics::{Figures, until};
use crate::msync::Client;
use crate::server::{Place, grant, text, user};

/// A self-signed pair; the certificate is its own authority.
struct Pair {
    certificate: String,
    key: String,
}

impl Pair {
    fn new() -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        Self { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }

    /// For clients that trust this one.
    fn trusted(&self, place: &Place, name: &str) -> PathBuf {
        let path = place.path(name);
        write(&path, &self.certificate).unwrap();
        path
    }
}

fn put(place: &Place, certificate: &str, key: &str) {
    let path = place.path("key.pem");
    write(place.path("certificate.pem"), certificate).unwrap();
    write(&path, key).unwrap();
    set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_renewal_counts_for_new_handshakes_and_leaves_sessions_alone() {
    let place = Place::new();
    let (first, second) = (Pair::new(), Pair::new());
    put(&place, &first.certificate, &first.key);
    let files = ["--tls-certificate", "certificate.pem", "--tls-key", "key.pem"];
    let metrics = ["--metrics-listen", "127.0.0.1:0", "--log-format", "json"];
    let server = place.serve_demo(&[files, metrics].concat());
    let mut demo = place.demo();
    demo["ca"] = Value::from(first.trusted(&place, "first.pem").to_str().unwrap());
    let ((name, password), to) = (user(&demo, 0), user(&demo, 1).0);
    let token = text(&grant(&demo, name, password).body, "access_token").to_owned();
    let mut session = Client::log_in(&demo, name, "web", &token).unwrap();
    let mut says = |number: u64| {
        session.send_text(to, number, "still there").unwrap();
        session.acknowledged().unwrap();
    };
    says(1);
    let sees = |trusted: &PathBuf| {
        connect(trusted, address(&demo), "localhost", &rustls::version::TLS13).is_ok()
    };
    let (old, new) = (place.path("first.pem"), second.trusted(&place, "second.pem"));
    assert!(sees(&old) && !sees(&new));

    put(&place, &second.certificate, &second.key);
    server.signal(Signal::HUP);
    until("new handshakes see the new certificate", || sees(&new));
    assert!(!sees(&old));
    says(2);

    // The key of another certificate: as if somebody had copied one file of two.
    put(&place, &Pair::new().certificate, &second.key);
    server.signal(Signal::HUP);
    until("the bad pair is refused", || {
        Figures::of(&server).get("stoa_tls_certificate_reloads_total{result=\"refused\"}") > 0.5
    });
    assert!(sees(&new));
    says(3);

    put(&place, &second.certificate, &second.key);
    server.signal(Signal::HUP);
    until("what is in use is read again", || {
        Figures::of(&server).get("stoa_tls_certificate_reloads_total{result=\"same\"}") > 0.5
    });
    let figures = Figures::of(&server);
    assert!(
        (figures.get("stoa_tls_certificate_reloads_total{result=\"changed\"}") - 1.0).abs() < 0.1
    );
    says(4);
    let log = server.end();
    assert!(log.contains("a new certificate is in use"), "{log}");
    assert!(log.contains("a new certificate is not accepted"), "{log}");
}
