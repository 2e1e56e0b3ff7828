//! TLS handshakes, and the certificate.

use crate::define::group;
use crate::label::label;
use crate::{Counters, Gauge, Held};

label! {
    /// What a handshake came to.
    Outcome("result") {
        /// It was completed.
        Done = "done",
        /// The client broke TLS, has nothing in common with the server, or does not trust its certificate.
        Refused = "refused",
        /// The client went away, or its socket failed.
        Gone = "gone",
        /// It was not complete in time, or the server ended.
        Abandoned = "abandoned",
    }
}

label! {
    /// What reading the certificate anew came to.
    Reload("result") {
        /// Another certificate is in use now.
        Changed = "changed",
        /// It is the one in use.
        Same = "same",
        /// It cannot be used; the one before stays in use.
        Refused = "refused",
    }
}

group! {
    /// TLS handshakes that are under way now.
    HANDSHAKES_NOW: Gauge = Gauge::new(), "stoa_tls_handshakes_in_progress", none,
        "It stays in the hundreds: half-open connections are being held.";
    /// TLS handshakes that are over.
    HANDSHAKES: Counters<Outcome, { Outcome::COUNT }> = Counters::new(),
        "stoa_tls_handshakes", none,
        "`refused` rises after a change of certificate: clients do not trust it. `abandoned` rises: a network that loses packets, or an attack.";
    /// When the certificate in use ends, in seconds since 1970.
    EXPIRES: Gauge = Gauge::new(), "stoa_tls_certificate_expires_seconds", seconds,
        "It is less than 14 days ahead of `stoa_clock_seconds`: a renewal failed.";
    /// How often the certificate was read or made anew while the server ran.
    RELOADS: Counters<Reload, { Reload::COUNT }> = Counters::new(),
        "stoa_tls_certificate_reloads", none, "`refused` rises: the log says what is wrong with the files.";
    /// When the certificate in use was taken into use, in seconds since 1970.
    LOADED: Gauge = Gauge::new(), "stoa_tls_certificate_loaded_seconds", seconds,
        "A renewal does not show here within a few minutes.";
}

/// One handshake: counted as under way until it is dropped, and then by what it came to.
#[derive(Debug)]
pub struct Handshake {
    outcome: Outcome,
    _now: Held,
}

impl Handshake {
    /// Begins one.
    pub fn begin() -> Self {
        Self { outcome: Outcome::Abandoned, _now: HANDSHAKES_NOW.hold() }
    }

    /// It is over.
    pub fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        HANDSHAKES.of(self.outcome).inc();
    }
}
