//! Logins of sessions, and the password pool.

use crate::define::group;
use crate::label::label;
use crate::{Counter, Counters, Gauge, Histogram};

label! {
    /// What a login came to.
    Login("result") {
        /// The session is open.
        Done = "done",
        /// The token's life is over.
        TokenExpired = "token_expired",
        /// The token does not admit this user: damaged, of another app, user or certificate, or void.
        TokenRefused = "token_refused",
        /// There is no such app.
        UnknownApp = "unknown_app",
        /// The app lives in another data centre.
        Elsewhere = "elsewhere",
        /// The token names a user that does not exist.
        UnknownUser = "unknown_user",
        /// The user is deactivated.
        Deactivated = "deactivated",
        /// Anything else that is the client's doing.
        Refused = "refused",
        /// The server could not do it.
        Failed = "failed",
    }
}

label! {
    /// Why a password was not looked at.
    Refused("reason") {
        /// The line before the pool was full, or did not move for 15 seconds.
        Full = "full",
        /// Too many wrong passwords before, for this user or from this address.
        BackOff = "back_off",
    }
}

/// How long checks wait and take, in microseconds.
const TIMES: &[u64] = &[
    10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000,
];

group! {
    /// Logins of sessions that were answered.
    LOGINS: Counters<Login, { Login::COUNT }> = Counters::new(), "stoa_logins", none,
        "`token_refused` or `unknown_app` rise: a back end with the wrong certificate, or an attack. `failed` rises at all.";
    /// Passwords that are being hashed now. At most half as many as there are cores.
    PASSWORDS_RUNNING: Gauge = Gauge::new(), "stoa_passwords_running", none,
        "It never falls to zero: see `stoa_passwords_waiting`.";
    /// Passwords that wait for their turn.
    PASSWORDS_WAITING: Gauge = Gauge::new(), "stoa_passwords_waiting", none,
        "It stays above 100: logins take seconds, and are about to be refused.";
    /// Passwords that were hashed, to be compared or to be stored.
    PASSWORDS: Counter = Counter::new(), "stoa_passwords_hashed", none,
        "It rises far beyond what is usual: passwords are being tried.";
    /// Passwords that did not match, those for users that do not exist among them.
    PASSWORDS_WRONG: Counter = Counter::new(), "stoa_passwords_wrong", none,
        "It rises as fast as `stoa_passwords_hashed_total`: passwords are being tried.";
    /// Passwords that were refused without having been looked at.
    PASSWORDS_REFUSED: Counters<Refused, { Refused::COUNT }> = Counters::new(),
        "stoa_passwords_refused", none, "`full` rises: users wait for their login. `back_off` rises: passwords are being tried, and that is kept slow.";
    /// From asking for a password to be hashed until it was, waiting included.
    PASSWORD_TIME: Histogram = Histogram::new(TIMES), "stoa_password_seconds", micros,
        "Most take longer than 2 seconds.";
}
