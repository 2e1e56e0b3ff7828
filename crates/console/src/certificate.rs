//! An app's certificates, and how they are exchanged without an outage.
//!
//! `rotate` makes a new primary certificate; the former one stays good for an overlap, in which the app's back
//! ends are given the new one and the clients renew their tokens, and then ends by itself. Whoever wants to
//! say each step adds one, lets the two change places, and retires one. A retired certificate admits nobody
//! from then on, and sessions end that no token of another one has renewed; if it is said to have leaked, all
//! sessions end that a token of it ever admitted or renewed.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use stoa_core::{App, AppKey, Certificate};

use crate::{AppChange, Console, ConsoleError};

/// How many certificates an app has at most.
pub const CERTIFICATES: usize = 2;
/// How long both certificates are good after a rotation, in seconds, unless it is said: as long as the longest
/// token lives that the former one can have made.
pub const OVERLAP_S: u32 = 86_400;
/// The longest overlap, in seconds: 30 days.
pub const OVERLAP_MOST_S: u32 = 30 * 86_400;

/// Which of an app's certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateSlot {
    /// The one that is shown when the app's certificate is asked for.
    Primary,
    /// The other one, if there is one.
    Secondary,
}

impl CertificateSlot {
    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
        }
    }

    /// The slot of the certificate at this place of an app's list.
    pub const fn at(place: usize) -> Self {
        if place == 0 { Self::Primary } else { Self::Secondary }
    }

    const fn place(self) -> usize {
        match self {
            Self::Primary => 0,
            Self::Secondary => 1,
        }
    }
}

impl FromStr for CertificateSlot {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let both = [Self::Primary, Self::Secondary];
        let found = both.into_iter().find(|slot| slot.name() == text);
        found.ok_or_else(|| format!("'{text}' is none of primary, secondary"))
    }
}

impl Console {
    /// Gives an app a new primary certificate. The former one becomes the secondary and ends by itself
    /// `overlap_s` seconds (at most [`OVERLAP_MOST_S`]) from now.
    ///
    /// # Errors
    /// [`ConsoleError::TwoCertificates`] when it has a secondary one, [`ConsoleError::Value`],
    /// [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn rotate_certificate(
        &self,
        key: &AppKey,
        overlap_s: u32,
    ) -> Result<(Arc<App>, Certificate), ConsoleError> {
        if overlap_s > OVERLAP_MOST_S {
            let problem = format!("{overlap_s} seconds; choose 0 to {OVERLAP_MOST_S}");
            return Err(ConsoleError::Value { field: "overlap", problem });
        }
        let now = self.clock.now();
        let made = Certificate::random(&*self.entropy, now);
        let retires = now.plus(Duration::from_secs(overlap_s.into()));
        let app = self.change(key, |app| {
            if app.certificates.len() >= CERTIFICATES {
                return Err(ConsoleError::TwoCertificates(app.key.clone()));
            }
            for former in &mut app.certificates {
                former.retires = Some(retires);
            }
            app.certificates.insert(0, made.clone());
            app.certificates.retain(|certificate| certificate.is_enabled(now));
            Ok(())
        });
        Ok((app.await?, made))
    }

    /// Gives an app a secondary certificate.
    ///
    /// # Errors
    /// [`ConsoleError::TwoCertificates`] when it has one, [`ConsoleError::UnknownApp`],
    /// [`ConsoleError::Store`].
    pub async fn add_certificate(
        &self,
        key: &AppKey,
    ) -> Result<(Arc<App>, Certificate), ConsoleError> {
        let made = Certificate::random(&*self.entropy, self.clock.now());
        let app = self.change(key, |app| {
            if app.certificates.len() >= CERTIFICATES {
                return Err(ConsoleError::TwoCertificates(app.key.clone()));
            }
            app.certificates.push(made.clone());
            Ok(())
        });
        Ok((app.await?, made))
    }

    /// Makes an app's secondary certificate the primary one, and the other way round. Both stay good.
    ///
    /// # Errors
    /// [`ConsoleError::OneCertificate`] when there is no secondary one, or when the one that would become
    /// the primary ends by itself; [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn swap_certificates(&self, key: &AppKey) -> Result<Arc<App>, ConsoleError> {
        self.change(key, |app| {
            let lasts = |certificate: &Certificate| certificate.retires.is_none();
            if !app.certificates.get(1).is_some_and(lasts) {
                return Err(ConsoleError::OneCertificate(app.key.clone()));
            }
            app.certificates.swap(0, 1);
            Ok(())
        })
        .await
    }

    /// Takes a certificate from an app: from now on no token made with it is accepted, and sessions end that
    /// no other token has renewed; if it `leaked`, all that it ever admitted or renewed. A secondary one takes
    /// the place of the primary.
    ///
    /// # Errors
    /// [`ConsoleError::OneCertificate`] when it is not there, or would leave the app without one that lasts;
    /// [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn retire_certificate(
        &self,
        key: &AppKey,
        slot: CertificateSlot,
        leaked: bool,
    ) -> Result<Arc<App>, ConsoleError> {
        let taken = parking_lot::Mutex::new(None);
        let app = self.change(key, |app| {
            let lasts = |place: usize| app.certificates[place].retires.is_none();
            let others = (0..app.certificates.len()).filter(|place| *place != slot.place());
            if slot.place() >= app.certificates.len() || !others.into_iter().any(lasts) {
                return Err(ConsoleError::OneCertificate(app.key.clone()));
            }
            let certificate = app.certificates.remove(slot.place());
            *taken.lock() = Some(certificate.fingerprint());
            Ok(())
        });
        let app = app.await?;
        if let Some(fingerprint) = taken.into_inner().filter(|_| leaked) {
            self.tell(AppChange::Leaked(&app, fingerprint));
        }
        Ok(app)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_core::AppDirectory;

    use crate::testing::{open, with_app};

    #[tokio::test]
    async fn a_certificate_is_exchanged_without_a_moment_without_one() {
        let (store, entropy, console, key) = with_app().await;
        let first = console.by_key(&key).unwrap().certificates[0].clone();
        let (app, second) = console.add_certificate(&key).await.unwrap();
        assert_eq!(app.certificates, [first.clone(), second.clone()]);
        assert_ne!(first, second);
        let third = console.add_certificate(&key).await;
        assert!(matches!(third, Err(ConsoleError::TwoCertificates(_))));
        assert!(console.rotate_certificate(&key, 0).await.is_err(), "there are two");
        let app = console.swap_certificates(&key).await.unwrap();
        assert_eq!(app.certificates, [second.clone(), first]);
        console.retire_certificate(&key, CertificateSlot::Secondary, false).await.unwrap();
        let app = open(&store, &entropy).await.by_key(&key).unwrap();
        assert_eq!(app.certificates, [second]);
    }

    #[tokio::test]
    async fn a_rotation_leaves_the_former_one_for_the_overlap() {
        let (store, entropy, console, key) = with_app().await;
        let first = console.by_key(&key).unwrap().certificates[0].clone();
        let (app, second) = console.rotate_certificate(&key, 600).await.unwrap();
        let now = console.clock.now();
        let ends = now.plus(Duration::from_secs(600));
        assert_eq!(app.certificates[0], second);
        assert_eq!(app.certificates[1].retires, Some(ends));
        assert_eq!(app.certificates[1].fingerprint(), first.fingerprint());
        assert!(app.certificates[1].is_enabled(now) && !app.certificates[1].is_enabled(ends));
        let app = open(&store, &entropy).await.by_key(&key).unwrap();
        assert_eq!(app.certificates[1].retires, Some(ends), "also after a restart");

        for refused in [
            console.retire_certificate(&key, CertificateSlot::Primary, false).await,
            console.swap_certificates(&key).await,
        ] {
            assert!(matches!(refused, Err(ConsoleError::OneCertificate(_))), "one has to last");
        }
        let (app, _) = console.rotate_certificate(&"acme#other".parse().unwrap(), 0).await.unwrap();
        assert_eq!(app.certificates.len(), 1, "no overlap, no second one");
        let long = console.rotate_certificate(&key, OVERLAP_MOST_S + 1).await;
        assert!(matches!(long, Err(ConsoleError::Value { field: "overlap", .. })));
    }

    #[tokio::test]
    async fn an_app_is_never_left_without_one() {
        let (.., console, key) = with_app().await;
        for slot in [CertificateSlot::Primary, CertificateSlot::Secondary] {
            let retired = console.retire_certificate(&key, slot, false).await;
            assert!(matches!(retired, Err(ConsoleError::OneCertificate(_))));
        }
        assert!(console.swap_certificates(&key).await.is_err());
    }
}
