//! Passwords: argon2id in a small bounded pool, at the same cost whether the user exists or not.
//!
//! One check takes some 20 ms of a core and 19 MiB. The pool keeps a flood of logins from taking the
//! cores away from messages: two run, a bounded number wait, the rest is told to come again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use stoa_core::{Entropy, Secret, limits};
use tokio::sync::Semaphore;

use crate::Error;

/// Checks that run at once.
const RUNNING: usize = 2;
/// Checks that may wait for their turn.
const WAITING: usize = 128;

/// The pool.
pub(crate) struct Passwords {
    permits: Arc<Semaphore>,
    inside: AtomicUsize,
    /// The hash of a password that nobody has: what an unknown user's password is compared with.
    nobody: Arc<str>,
}

impl Passwords {
    pub(crate) fn new(entropy: &dyn Entropy) -> Self {
        let password = entropy.bytes::<32>();
        let nobody = hash_now(&password, entropy.bytes()).into();
        Self { permits: Arc::new(Semaphore::new(RUNNING)), inside: AtomicUsize::new(0), nobody }
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
        let length = password.expose().len();
        if length == 0 || length > limits::PASSWORD_BYTES {
            let problem = format!("a password has 1 to {} bytes", limits::PASSWORD_BYTES);
            return Err(Error::argument(field, problem));
        }
        let (password, salt) = (password.clone(), entropy.bytes());
        self.run(move || hash_now(password.expose().as_bytes(), salt)).await
    }

    /// Whether `password` is the one that `hash` was made of. Without a hash the answer is no, after
    /// the same work.
    ///
    /// # Errors
    /// [`Error::Busy`] when too many wait.
    pub(crate) async fn verify(
        &self,
        password: &Secret,
        hash: Option<&str>,
    ) -> Result<bool, Error> {
        let known = hash.is_some();
        let hash: Arc<str> = hash.map_or_else(|| self.nobody.clone(), Arc::from);
        let password = password.clone();
        let matches = move || {
            let parsed = PasswordHash::new(&hash);
            parsed.is_ok_and(|parsed| {
                Argon2::default().verify_password(password.expose().as_bytes(), &parsed).is_ok()
            })
        };
        Ok(self.run(matches).await? && known)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let _place = self.place()?;
        let _permit = self.permits.acquire().await.map_err(|_| Error::Busy)?;
        tokio::task::spawn_blocking(work).await.map_err(|_| Error::Internal)
    }

    /// A place in the pool's queue, given back on every way out.
    fn place(&self) -> Result<Place<'_>, Error> {
        let place = Place(&self.inside);
        if self.inside.fetch_add(1, Ordering::AcqRel) >= RUNNING + WAITING {
            return Err(Error::Busy);
        }
        Ok(place)
    }
}

struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn hash_now(password: &[u8], salt: [u8; 16]) -> String {
    Argon2::default()
        .hash_password_with_salt(password, &salt)
        .expect("argon2's default parameters take any password and a salt of 16 bytes")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_core::SeededEntropy;

    #[tokio::test]
    async fn only_the_right_password_matches_and_nobody_has_one() {
        let entropy = SeededEntropy::new(1);
        let passwords = Passwords::new(&entropy);
        let right = Secret::new("correct horse");
        let hash = passwords.hash("password", &right, &entropy).await.unwrap();
        assert!(!hash.contains("correct"));
        assert!(passwords.verify(&right, Some(&hash)).await.unwrap());
        assert!(!passwords.verify(&Secret::new("wrong"), Some(&hash)).await.unwrap());
        assert!(!passwords.verify(&right, None).await.unwrap());
        assert!(!passwords.verify(&right, Some("damaged")).await.unwrap());
        assert_eq!(passwords.inside.load(Ordering::SeqCst), 0, "places are given back");
    }

    #[tokio::test]
    async fn a_flood_is_told_to_come_again() {
        let passwords = Passwords::new(&SeededEntropy::new(1));
        let held: Vec<_> = (0..RUNNING + WAITING).map(|_| passwords.place().unwrap()).collect();
        let refused = passwords.verify(&Secret::new("x"), None).await;
        assert!(matches!(refused, Err(Error::Busy)));
        drop(held);
        assert_eq!(passwords.inside.load(Ordering::SeqCst), 0);
    }
}
