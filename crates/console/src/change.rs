//! What can be changed of an app: who may enter, how long its tokens live, its certificates.
//!
//! Certificates are exchanged without an outage: a second one is added, the app's back ends are given
//! it, and the first is retired. Both are good in between. A retired one admits nobody from then on;
//! a session that it admitted lives until its token ends.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use stoa_core::{App, AppDirectory, AppId, AppKey, AuthPolicy, Plan, Secret, limits};
use stoa_store::{Bucket, spaces};

use crate::record::{self, AppRecord};
use crate::{Console, ConsoleError, corrupt};

/// The longest life of a token that Stoa issues, in seconds, unless an app says less.
pub const TOKEN_CAP_S: u32 = 86_400;
/// How long after it was sent a message can be taken back at the most, in seconds
/// (chat-rest section 3.2: 7 days).
pub(crate) const RECALL_WINDOW_S: u32 = 7 * 86_400;
/// Bytes of one attachment at the most (chat-rest section 1.8: 200 MB).
pub(crate) const ATTACHMENT_BYTES: u64 = limits::ATTACHMENT_BYTES_MOST;
/// How many certificates an app has at most.
pub const CERTIFICATES: usize = 2;

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
    /// Sets who may enter an app.
    ///
    /// # Errors
    /// [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn set_auth(&self, key: &AppKey, auth: AuthPolicy) -> Result<Arc<App>, ConsoleError> {
        self.change(key, |app| {
            app.auth = auth;
            Ok(())
        })
        .await
    }

    /// Sets the longest life of the tokens that Stoa issues for an app, in seconds: 60 to
    /// [`TOKEN_CAP_S`]. Tokens that were issued keep theirs.
    ///
    /// # Errors
    /// [`ConsoleError::Value`], [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn set_token_cap(
        &self,
        key: &AppKey,
        seconds: u32,
    ) -> Result<Arc<App>, ConsoleError> {
        if !(60..=TOKEN_CAP_S).contains(&seconds) {
            let problem = format!("{seconds} seconds; choose 60 to {TOKEN_CAP_S}");
            return Err(ConsoleError::Value { field: "token-cap", problem });
        }
        self.change(key, |app| {
            app.token_cap_s = seconds;
            Ok(())
        })
        .await
    }

    /// Sets the plan of an app: how much it may have. What it has already stays.
    ///
    /// # Errors
    /// [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn set_plan(&self, key: &AppKey, plan: Plan) -> Result<Arc<App>, ConsoleError> {
        self.change(key, |app| {
            app.chat.plan = plan;
            Ok(())
        })
        .await
    }

    /// Sets whether only contacts may write to each other.
    ///
    /// # Errors
    /// [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn set_friends_only(
        &self,
        key: &AppKey,
        friends_only: bool,
    ) -> Result<Arc<App>, ConsoleError> {
        self.change(key, |app| {
            app.chat.friends_only = friends_only;
            Ok(())
        })
        .await
    }

    /// Sets how long after it was sent a message can be taken back, in seconds: 1 to
    /// 604,800 (7 days).
    ///
    /// # Errors
    /// [`ConsoleError::Value`], [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn set_recall_window(
        &self,
        key: &AppKey,
        seconds: u32,
    ) -> Result<Arc<App>, ConsoleError> {
        if !(1..=RECALL_WINDOW_S).contains(&seconds) {
            let problem = format!("{seconds} seconds; choose 1 to {RECALL_WINDOW_S}");
            return Err(ConsoleError::Value { field: "recall-window", problem });
        }
        self.change(key, |app| {
            app.chat.recall_window = Duration::from_secs(seconds.into());
            Ok(())
        })
        .await
    }

    /// Sets how large one attachment may be, in bytes: 1 to 209,715,200 (200 MiB). Those that are stored
    /// stay.
    ///
    /// # Errors
    /// [`ConsoleError::Value`], [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn set_attachment_bytes(
        &self,
        key: &AppKey,
        bytes: u64,
    ) -> Result<Arc<App>, ConsoleError> {
        if !(1..=ATTACHMENT_BYTES).contains(&bytes) {
            let problem = format!("{bytes} bytes; choose 1 to {ATTACHMENT_BYTES}");
            return Err(ConsoleError::Value { field: "max-attachment-bytes", problem });
        }
        self.change(key, |app| {
            app.chat.attachment_bytes = bytes;
            Ok(())
        })
        .await
    }

    /// Sets how many of a chat room's last messages whoever joins is sent: 0 to 200.
    ///
    /// # Errors
    /// [`ConsoleError::Value`], [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn set_room_history(
        &self,
        key: &AppKey,
        messages: u32,
    ) -> Result<Arc<App>, ConsoleError> {
        if messages > limits::ROOM_HISTORY_MOST {
            let problem = format!("{messages} messages; choose 0 to {}", limits::ROOM_HISTORY_MOST);
            return Err(ConsoleError::Value { field: "room-history", problem });
        }
        self.change(key, |app| {
            app.chat.room_history = messages;
            Ok(())
        })
        .await
    }

    /// Sets how many messages a chat room passes on in a second before it drops those of low and normal
    /// priority; 0 for no bound.
    ///
    /// # Errors
    /// [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn set_room_rate(
        &self,
        key: &AppKey,
        messages: u32,
    ) -> Result<Arc<App>, ConsoleError> {
        self.change(key, |app| {
            app.chat.room_rate = messages;
            Ok(())
        })
        .await
    }

    /// Gives an app a secondary certificate.
    ///
    /// # Errors
    /// [`ConsoleError::TwoCertificates`] when it has one, [`ConsoleError::UnknownApp`],
    /// [`ConsoleError::Store`].
    pub async fn add_certificate(&self, key: &AppKey) -> Result<(Arc<App>, Secret), ConsoleError> {
        let made = Secret::new(AppId::from_bytes(self.entropy.bytes()).as_str());
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
    /// [`ConsoleError::OneCertificate`] when there is no secondary one, [`ConsoleError::UnknownApp`],
    /// [`ConsoleError::Store`].
    pub async fn swap_certificates(&self, key: &AppKey) -> Result<Arc<App>, ConsoleError> {
        self.change(key, |app| {
            if app.certificates.len() < CERTIFICATES {
                return Err(ConsoleError::OneCertificate(app.key.clone()));
            }
            app.certificates.swap(0, 1);
            Ok(())
        })
        .await
    }

    /// Takes a certificate from an app: from now on no token made with it is accepted. A secondary
    /// one takes the place of the primary.
    ///
    /// # Errors
    /// [`ConsoleError::OneCertificate`] when it is the only one or not there,
    /// [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn retire_certificate(
        &self,
        key: &AppKey,
        slot: CertificateSlot,
    ) -> Result<Arc<App>, ConsoleError> {
        self.change(key, |app| {
            if app.certificates.len() < CERTIFICATES {
                return Err(ConsoleError::OneCertificate(app.key.clone()));
            }
            app.certificates.remove(slot.place());
            Ok(())
        })
        .await
    }

    /// Changes an app's record, and then the directory.
    async fn change(
        &self,
        key: &AppKey,
        change: impl Fn(&mut App) -> Result<(), ConsoleError> + Send + Sync,
    ) -> Result<Arc<App>, ConsoleError> {
        let _changing = self.changes.lock().await;
        let known = self.by_key(key).ok_or_else(|| ConsoleError::UnknownApp(key.clone()))?;
        let number = known.number;
        let (platform, change) = (&self.platform, &change);
        let at = &platform.key(&spaces::APPS).number(u64::from(number.0)).done();
        let changed = platform.transact(|mut txn| async move {
            let value = txn.get(at).await?.ok_or(corrupt(&spaces::APPS))?;
            let record: AppRecord = record::decode(&value, spaces::APPS.name)?;
            let mut app = record.into_app(number)?;
            change(&mut app)?;
            txn.put(at, Bucket::Whole, &AppRecord::new(&app).encode_to_vec()).await?;
            Ok::<_, ConsoleError>(txn.done(app))
        });
        let app = Arc::new(changed.await?);
        self.publish(&app);
        Ok(app)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_core::{ManualClock, Operator, Region, SeededEntropy, Timestamp};
    use stoa_store::Store;

    use crate::NewApp;

    async fn open(store: &Store, entropy: &Arc<SeededEntropy>) -> Console {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let operator = Operator::of_this_process();
        Console::open(store, &operator, Region::Eu, clock, entropy.clone()).await.unwrap()
    }

    async fn with_app() -> (Store, Arc<SeededEntropy>, Console, AppKey) {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_800_000_000)));
        let entropy = Arc::new(SeededEntropy::new(1));
        let store = Store::in_memory(clock, entropy.clone());
        let console = open(&store, &entropy).await;
        for key in ["acme#other", "acme#support"] {
            let (key, auth) = (key.parse().unwrap(), AuthPolicy::Token);
            console.create_app(NewApp { key, region: Region::Eu, auth }).await.unwrap();
        }
        (store, entropy, console, "acme#support".parse().unwrap())
    }

    #[tokio::test]
    async fn changes_are_seen_at_once_and_after_a_restart() {
        let (store, entropy, console, key) = with_app().await;
        console.set_auth(&key, AuthPolicy::Open).await.unwrap();
        console.set_attachment_bytes(&key, 200 << 20).await.unwrap();
        let changed = console.set_token_cap(&key, 600).await.unwrap();
        assert_eq!((changed.auth, changed.token_cap_s), (AuthPolicy::Open, 600));
        for console in [console, open(&store, &entropy).await] {
            assert_eq!(console.apps().len(), 2);
            let found = console.by_id(&changed.id).unwrap();
            assert_eq!((found.auth, found.token_cap_s), (AuthPolicy::Open, 600));
            assert_eq!(found.chat.attachment_bytes, 200 << 20);
            assert_eq!(found.certificates, changed.certificates);
            let other = console.by_key(&"acme#other".parse().unwrap()).unwrap();
            assert_eq!(other.auth, AuthPolicy::Token);
            assert_eq!(other.chat.attachment_bytes, limits::ATTACHMENT_BYTES);
        }
    }

    #[tokio::test]
    async fn settings_of_chat_are_seen_at_once_and_after_a_restart() {
        let (store, entropy, console, key) = with_app().await;
        let plan: Plan = "starter".parse().unwrap();
        console.set_plan(&key, plan).await.unwrap();
        console.set_friends_only(&key, true).await.unwrap();
        console.set_recall_window(&key, RECALL_WINDOW_S).await.unwrap();
        console.set_room_history(&key, limits::ROOM_HISTORY_MOST).await.unwrap();
        console.set_room_rate(&key, 7).await.unwrap();
        let changed = console.set_attachment_bytes(&key, ATTACHMENT_BYTES).await.unwrap().chat;
        assert_eq!((changed.room_history, changed.room_rate), (limits::ROOM_HISTORY_MOST, 7));
        assert_eq!((changed.plan, changed.friends_only), (plan, true));
        assert_eq!(changed.recall_window, Duration::from_secs(RECALL_WINDOW_S.into()));
        assert_eq!(changed.attachment_bytes, ATTACHMENT_BYTES);
        for seconds in [0, RECALL_WINDOW_S + 1] {
            let refused = console.set_recall_window(&key, seconds).await;
            assert!(matches!(refused, Err(ConsoleError::Value { field: "recall-window", .. })));
        }
        for bytes in [0, ATTACHMENT_BYTES + 1] {
            let refused = console.set_attachment_bytes(&key, bytes).await;
            assert!(matches!(refused, Err(ConsoleError::Value { .. })));
        }
        let refused = console.set_room_history(&key, limits::ROOM_HISTORY_MOST + 1).await;
        assert!(matches!(refused, Err(ConsoleError::Value { field: "room-history", .. })));
        let other = &"acme#other".parse().unwrap();
        for console in [console, open(&store, &entropy).await] {
            assert_eq!(console.by_key(&key).unwrap().chat, changed);
            assert_eq!(console.by_key(other).unwrap().chat, stoa_core::ChatSettings::default());
        }
    }

    #[tokio::test]
    async fn what_makes_no_sense_is_refused() {
        let (.., console, key) = with_app().await;
        for seconds in [0, 59, TOKEN_CAP_S + 1] {
            let refused = console.set_token_cap(&key, seconds).await.unwrap_err();
            assert!(matches!(refused, ConsoleError::Value { .. }), "{refused}");
        }
        let unknown = console.set_auth(&"acme#none".parse().unwrap(), AuthPolicy::Open).await;
        assert!(matches!(unknown, Err(ConsoleError::UnknownApp(_))));
        let retired = console.retire_certificate(&key, CertificateSlot::Primary).await;
        assert!(matches!(retired, Err(ConsoleError::OneCertificate(_))), "never without any");
        assert!(console.swap_certificates(&key).await.is_err());
    }

    #[tokio::test]
    async fn a_certificate_is_exchanged_without_a_moment_without_one() {
        let (store, entropy, console, key) = with_app().await;
        let first = console.by_key(&key).unwrap().certificates[0].clone();
        let (app, second) = console.add_certificate(&key).await.unwrap();
        assert_eq!(app.certificates, [first.clone(), second.clone()]);
        assert_ne!(first, second);
        let third = console.add_certificate(&key).await;
        assert!(matches!(third, Err(ConsoleError::TwoCertificates(_))));
        let app = console.swap_certificates(&key).await.unwrap();
        assert_eq!(app.certificates, [second.clone(), first]);
        console.retire_certificate(&key, CertificateSlot::Secondary).await.unwrap();
        let app = open(&store, &entropy).await.by_key(&key).unwrap();
        assert_eq!(app.certificates, [second]);
    }
}
