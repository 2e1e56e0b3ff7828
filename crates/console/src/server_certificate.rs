//! The exchange of an app's server certificate, with which Stoa itself signs tokens.
//!
//! Nobody outside has it, so nobody has to be told: the server issues with the new one from the answer on. What the
//! former one signed stays good for an overlap, and then ends by itself, at the latest when the last of its tokens
//! would. Without an overlap its tokens end at once, and with them the sessions that no other token has renewed; if
//! it has leaked, all sessions that a token of it ever let in or renewed.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use stoa_core::{App, AppKey, ServerCertificate, TOKEN_CAP_S};

use crate::{AppChange, Console, ConsoleError};

/// What becomes of the tokens that the server certificate before a rotation has signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerOverlap {
    /// They are good as long as the app's tokens live at most, so that none ends sooner than it says.
    Tokens,
    /// They are good for so many seconds, at most [`TOKEN_CAP_S`]: none lives longer. 0: they end at once.
    Seconds(u32),
    /// They end at once, and so do all sessions that one of them ever let in or renewed: somebody else knows
    /// the certificate.
    Leaked,
}

impl Console {
    /// Gives an app a new server certificate, with which tokens are issued from now on.
    ///
    /// An app has one former server certificate at most. Without an overlap it ends with the one that is replaced.
    ///
    /// # Errors
    /// [`ConsoleError::FormerServerCertificate`] when there is to be an overlap and the last one is not over,
    /// [`ConsoleError::Value`], [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn rotate_server_certificate(
        &self,
        key: &AppKey,
        overlap: ServerOverlap,
    ) -> Result<Arc<App>, ConsoleError> {
        if let ServerOverlap::Seconds(seconds) = overlap
            && seconds > TOKEN_CAP_S
        {
            let problem = format!(
                "{seconds} seconds; choose 0 to {TOKEN_CAP_S}: no token that the server issues lives longer"
            );
            return Err(ConsoleError::Value { field: "overlap", problem });
        }
        let now = self.clock.now();
        let made = ServerCertificate::random(&*self.entropy, now);
        let gone = Mutex::new(Vec::new());
        let app = self.change(key, |app| {
            let seconds = match overlap {
                ServerOverlap::Tokens => app.tokens.cap_s,
                ServerOverlap::Seconds(seconds) => seconds,
                ServerOverlap::Leaked => 0,
            };
            let ends = (seconds > 0).then(|| now.plus(Duration::from_secs(seconds.into())));
            let former = app.former_server_certificate.as_ref();
            if let Some(until) = former.and_then(|one| one.certificate().retires)
                && ends.is_some()
            {
                let left_s = until.since(now).as_millis().div_ceil(1000);
                let left_s = u64::try_from(left_s).unwrap_or(u64::MAX);
                return Err(ConsoleError::FormerServerCertificate { app: app.key.clone(), left_s });
            }
            *gone.lock() = app.server_certificates().map(ServerCertificate::fingerprint).collect();
            app.rotate_server_certificate(made.clone(), ends);
            Ok(())
        });
        let app = app.await?;
        if overlap == ServerOverlap::Leaked {
            for fingerprint in gone.into_inner() {
                self.tell(AppChange::Leaked(&app, fingerprint));
            }
        }
        Ok(app)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_core::{AppDirectory, AuthPolicy, ManualClock, Operator, Region, Timestamp};

    use crate::testing::{open, with_app};

    fn later(seconds: u64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000).plus(Duration::from_secs(seconds))
    }

    #[tokio::test]
    async fn the_former_one_is_kept_as_long_as_tokens_live_and_over_a_restart() {
        let (store, entropy, console, key) = with_app().await;
        console.set_token_cap(&key, 7200).await.unwrap();
        let before = console.by_key(&key).unwrap();
        let app = console.rotate_server_certificate(&key, ServerOverlap::Tokens).await.unwrap();
        let former = before.server_certificate.clone().ending(later(7200));
        assert_ne!(app.server_certificate, before.server_certificate);
        assert_eq!(app.former_server_certificate, Some(former));
        assert_eq!(app.server_certificate.certificate().created, later(0));
        assert_eq!(app.certificates, before.certificates, "those of the back end stay");
        let again = open(&store, &entropy).await.by_key(&key).unwrap();
        assert!(again.server_certificates().eq(app.server_certificates()));
        let other = console.by_key(&"acme#other".parse().unwrap()).unwrap();
        assert_eq!(other.former_server_certificate, None, "another app has its own");
    }

    #[tokio::test]
    async fn one_former_one_at_a_time_which_a_rotation_without_overlap_ends_as_well() {
        let (.., console, key) = with_app().await;
        let first = console.by_key(&key).unwrap().server_certificate.clone();
        let rotate = |overlap| console.rotate_server_certificate(&key, overlap);
        let second = rotate(ServerOverlap::Seconds(600)).await.unwrap();
        for overlap in [ServerOverlap::Tokens, ServerOverlap::Seconds(1)] {
            let refused = rotate(overlap).await.unwrap_err();
            assert!(
                matches!(refused, ConsoleError::FormerServerCertificate { left_s: 600, .. }),
                "{refused}"
            );
        }
        let kept = console.by_key(&key).unwrap();
        assert!(kept.server_certificates().eq(second.server_certificates()), "as it was");
        let third = rotate(ServerOverlap::Seconds(0)).await.unwrap();
        assert_eq!(third.former_server_certificate, None);
        for gone in [&first, &second.server_certificate] {
            assert_ne!(third.server_certificate.fingerprint(), gone.fingerprint());
        }
        assert!(rotate(ServerOverlap::Seconds(600)).await.is_ok(), "and then there is room again");
    }

    #[tokio::test]
    async fn when_the_overlap_is_over_the_former_one_goes_with_the_next_change() {
        let (store, entropy, console, key) = with_app().await;
        console.rotate_server_certificate(&key, ServerOverlap::Seconds(600)).await.unwrap();
        drop(console);
        let open_at = async |seconds| {
            let clock = Arc::new(ManualClock::new(later(seconds)));
            let operator = Operator::of_this_process();
            Console::open(&store, &operator, Region::Eu, clock, entropy.clone()).await.unwrap()
        };
        let console = open_at(599).await;
        let app = console.set_auth(&key, AuthPolicy::Open).await.unwrap();
        assert!(app.former_server_certificate.is_some());
        let console = open_at(600).await;
        let former = console.by_key(&key).unwrap().former_server_certificate.clone().unwrap();
        assert!(!former.is_enabled(later(600)));
        let app = console.rotate_server_certificate(&key, ServerOverlap::Tokens).await.unwrap();
        assert_ne!(
            app.former_server_certificate.as_ref().unwrap().fingerprint(),
            former.fingerprint()
        );
    }

    #[tokio::test]
    async fn who_holds_sessions_is_told_of_a_leak_and_of_each_certificate_that_goes() {
        let (.., console, key) = with_app().await;
        let told = Arc::new(Mutex::new(Vec::new()));
        let log = told.clone();
        console.observe(Box::new(move |change| {
            log.lock().push(match change {
                AppChange::Changed(_) => None,
                AppChange::Leaked(_, fingerprint) => Some(fingerprint),
                AppChange::Deleted(_) => panic!("nothing was deleted"),
            });
        }));
        let rotate = |overlap| console.rotate_server_certificate(&key, overlap);
        let first = console.by_key(&key).unwrap().server_certificate.fingerprint();
        let second = rotate(ServerOverlap::Tokens).await.unwrap().server_certificate.fingerprint();
        assert_eq!(std::mem::take(&mut *told.lock()), [None]);
        rotate(ServerOverlap::Leaked).await.unwrap();
        assert_eq!(std::mem::take(&mut *told.lock()), [None, Some(second), Some(first)]);
        rotate(ServerOverlap::Seconds(0)).await.unwrap();
        assert_eq!(*told.lock(), [None], "nobody else knows it");
    }

    #[tokio::test]
    async fn what_makes_no_sense_is_refused() {
        let (.., console, key) = with_app().await;
        let long = ServerOverlap::Seconds(TOKEN_CAP_S + 1);
        let refused = console.rotate_server_certificate(&key, long).await;
        assert!(matches!(refused, Err(ConsoleError::Value { field: "overlap", .. })));
        let unknown = "acme#none".parse().unwrap();
        let refused = console.rotate_server_certificate(&unknown, ServerOverlap::Tokens).await;
        assert!(matches!(refused, Err(ConsoleError::UnknownApp(_))));
    }
}
