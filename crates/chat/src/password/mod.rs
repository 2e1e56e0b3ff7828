//! Passwords: argon2id in a small bounded pool, at the same cost and with the same answer whether the
//! user exists or not.
//!
//! Three bounds keep a flood of logins from what matters: `pool` keeps hashing away from the threads
//! that deliver messages and from their cores, its line is bounded, and `backoff` makes whoever tries
//! passwords wait without locking anybody out.

mod backoff;
mod hashing;
mod pool;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;

use stoa_core::{AppNumber, Entropy, Secret, Timestamp, limits};
use stoa_metrics::logins::{PASSWORDS_REFUSED, PASSWORDS_WRONG, Refused};

use crate::Error;
use backoff::BackOff;
use pool::Pool;

/// Everything about passwords.
pub(crate) struct Passwords {
    pool: Pool,
    back_off: BackOff,
    /// What an unknown user's password is compared with: well formed, and the hash of nothing known.
    nobody: Arc<str>,
}

/// Who presents a password.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claimant<'a> {
    pub(crate) app: AppNumber,
    /// The name as it was given, whether it can be one or not.
    pub(crate) name: &'a str,
    /// Where it comes from, if that tells clients apart.
    pub(crate) place: Option<IpAddr>,
    pub(crate) now: Timestamp,
}

impl Passwords {
    pub(crate) fn new(entropy: &dyn Entropy) -> Self {
        Self {
            pool: Pool::for_this_machine(),
            back_off: BackOff::default(),
            nobody: hashing::of_nothing(entropy.bytes(), entropy.bytes()).into(),
        }
    }

    /// The PHC string of `password`.
    ///
    /// # Errors
    /// [`Error::Argument`] for a password that is empty or too long, [`Error::Busy`] when too many
    /// wait.
    pub(crate) async fn hash(
        &self,
        field: &'static str,
        password: &Secret,
        entropy: &dyn Entropy,
    ) -> Result<String, Error> {
        if !can_be(password) {
            let problem = format!("a password has 1 to {} bytes", limits::PASSWORD_BYTES);
            return Err(Error::argument(field, problem));
        }
        let (password, salt) = (password.clone(), entropy.bytes());
        let work = move |memory: &mut pool::Memory| {
            hashing::hash(password.expose().as_bytes(), salt, memory)
        };
        self.pool.run(work).await
    }

    /// Whether `password` is the one that `hash` was made of. Without a hash the answer is no, after
    /// the same work.
    ///
    /// # Errors
    /// [`Error::TooManyTries`] for whoever was wrong too often, [`Error::Busy`] when too many wait.
    pub(crate) async fn verify(
        &self,
        claimant: Claimant<'_>,
        password: &Secret,
        hash: Option<&str>,
    ) -> Result<bool, Error> {
        let Claimant { app, name, place, now } = claimant;
        let of = self.back_off.naming(app, name, place);
        if let Err(wait) = self.back_off.admit(of, now) {
            PASSWORDS_REFUSED.of(Refused::BackOff).inc();
            return Err(Error::TooManyTries { wait });
        }
        let matches = self.matches(password, hash).await?;
        if matches {
            self.back_off.right(of, now);
        } else {
            PASSWORDS_WRONG.inc();
            self.back_off.wrong(of, now);
        }
        Ok(matches)
    }

    async fn matches(&self, password: &Secret, hash: Option<&str>) -> Result<bool, Error> {
        // Nobody has such a one, so that it says nothing about anybody.
        if !can_be(password) {
            return Ok(false);
        }
        let known = hash.is_some();
        let hash: Arc<str> = hash.map_or_else(|| self.nobody.clone(), Arc::from);
        let password = password.clone();
        let work = move |memory: &mut pool::Memory| {
            hashing::matches(password.expose().as_bytes(), &hash, memory)
        };
        Ok(self.pool.run(work).await? && known)
    }
}

/// Whether it can be anybody's password.
fn can_be(password: &Secret) -> bool {
    (1..=limits::PASSWORD_BYTES).contains(&password.expose().len())
}
