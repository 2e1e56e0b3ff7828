//! What can be changed of an app: who may enter, how long its tokens live, what it may have.
//!
//! What was changed holds from the answer on, also for sessions that are open: they are told, and end if they
//! would not be let in any more.

use std::sync::Arc;
use std::time::Duration;

use stoa_core::{App, AppDirectory, AppKey, AuthPolicy, TOKEN_CAP_S, limits};
use stoa_store::{Bucket, spaces};

use crate::record::{self, AppRecord};
use crate::{AppChange, Console, ConsoleError, corrupt};

/// How far ahead the clock of whoever makes tokens may be at the most, in seconds.
pub const SKEW_MOST_S: u32 = 300;
/// How many users strangers may register from one address in an hour at the most.
pub const REGISTRATIONS_MOST: u32 = 100_000;
/// How long after it was sent a message can be taken back at the most, in seconds
/// (chat-rest section 3.2: 7 days).
pub(crate) const RECALL_WINDOW_S: u32 = 7 * 86_400;
/// Bytes of one attachment at the most (chat-rest section 1.8: 200 MB).
pub(crate) const ATTACHMENT_BYTES: u64 = limits::ATTACHMENT_BYTES_MOST;
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

    /// Sets the longest life of an app's tokens, in seconds from their issue: 60 to [`TOKEN_CAP_S`]. It holds
    /// for those that were made before, too.
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
            app.tokens.cap_s = seconds;
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

    /// Sets whether what a person said to others stays, under another name, when that person is erased.
    ///
    /// # Errors
    /// [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn set_erased_messages(
        &self,
        key: &AppKey,
        keep: bool,
    ) -> Result<Arc<App>, ConsoleError> {
        self.change(key, |app| {
            app.chat.keeps_erased_messages = keep;
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

    /// Sets how far ahead of ours the clock of whoever makes the app's tokens may be, in seconds: 0 to
    /// [`SKEW_MOST_S`].
    ///
    /// # Errors
    /// [`ConsoleError::Value`], [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn set_clock_skew(
        &self,
        key: &AppKey,
        seconds: u32,
    ) -> Result<Arc<App>, ConsoleError> {
        if seconds > SKEW_MOST_S {
            let problem = format!("{seconds} seconds; choose 0 to {SKEW_MOST_S}");
            return Err(ConsoleError::Value { field: "clock-skew", problem });
        }
        self.change(key, |app| {
            app.tokens.skew_s = seconds;
            Ok(())
        })
        .await
    }

    /// Sets whether tokens of the older format 006 are taken.
    ///
    /// # Errors
    /// [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn set_accepts_006(
        &self,
        key: &AppKey,
        accepts: bool,
    ) -> Result<Arc<App>, ConsoleError> {
        self.change(key, |app| {
            app.tokens.accepts_006 = accepts;
            Ok(())
        })
        .await
    }

    /// Sets how many users strangers may register from one address in an hour, where the app is open: 1 to
    /// [`REGISTRATIONS_MOST`].
    ///
    /// # Errors
    /// [`ConsoleError::Value`], [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn set_registrations_per_hour(
        &self,
        key: &AppKey,
        users: u32,
    ) -> Result<Arc<App>, ConsoleError> {
        if !(1..=REGISTRATIONS_MOST).contains(&users) {
            let problem = format!("{users} users; choose 1 to {REGISTRATIONS_MOST}");
            return Err(ConsoleError::Value { field: "registrations-per-hour", problem });
        }
        self.change(key, |app| {
            app.tokens.registrations_per_hour = users;
            Ok(())
        })
        .await
    }

    /// Revokes all tokens of an app that were made up to now: its sessions end, and whoever comes back needs
    /// a newer token.
    ///
    /// # Errors
    /// [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn revoke_app(&self, key: &AppKey) -> Result<Arc<App>, ConsoleError> {
        let now = self.clock.now();
        self.change(key, |app| {
            app.revoked = app.revoked.max(now);
            Ok(())
        })
        .await
    }

    /// Changes an app's record, and then the directory.
    pub(crate) async fn change(
        &self,
        key: &AppKey,
        change: impl Fn(&mut App) -> Result<(), ConsoleError> + Send + Sync,
    ) -> Result<Arc<App>, ConsoleError> {
        let _changing = self.changes.lock().await;
        let known = self.by_key(key).ok_or_else(|| ConsoleError::UnknownApp(key.clone()))?;
        let number = known.number;
        let (platform, change, now) = (&self.platform, &change, self.clock.now());
        let at = &platform.key(&spaces::APPS).number(u64::from(number.0)).done();
        let changed = platform.transact(|mut txn| async move {
            let value = txn.get(at).await?.ok_or(corrupt(&spaces::APPS))?;
            let record: AppRecord = record::decode(&value, spaces::APPS.name)?;
            let mut app = record.into_app(number)?;
            app.forget_ended_certificates(now);
            change(&mut app)?;
            txn.put(at, Bucket::Whole, &AppRecord::new(&app).encoded()).await?;
            Ok::<_, ConsoleError>(txn.done(app))
        });
        let app = Arc::new(changed.await?);
        self.publish(&app);
        if !known.admits_as(&app) {
            self.tell(AppChange::Changed(&app));
        }
        Ok(app)
    }
}

#[cfg(test)]
mod tests {
    use stoa_core::Plan;

    use super::*;
    use crate::testing::{open, with_app};

    #[tokio::test]
    async fn numbers_that_are_reserved_are_given_to_no_app() {
        let (store, entropy, console, _) = with_app().await;
        console.reserve_numbers(stoa_core::AppNumber(7)).await.unwrap();
        console.reserve_numbers(stoa_core::AppNumber(3)).await.unwrap();
        let again = open(&store, &entropy).await;
        let (key, auth) = ("acme#later".parse().unwrap(), AuthPolicy::Token);
        let new = crate::NewApp { key, region: stoa_core::Region::Eu, auth };
        assert_eq!(again.create_app(new).await.unwrap().number.0, 8);
    }

    #[tokio::test]
    async fn changes_are_seen_at_once_and_after_a_restart() {
        let (store, entropy, console, key) = with_app().await;
        console.set_auth(&key, AuthPolicy::Open).await.unwrap();
        console.set_attachment_bytes(&key, 200 << 20).await.unwrap();
        console.set_clock_skew(&key, 0).await.unwrap();
        console.set_accepts_006(&key, true).await.unwrap();
        console.set_registrations_per_hour(&key, 3).await.unwrap();
        let revoked = console.revoke_app(&key).await.unwrap().revoked;
        let changed = console.set_token_cap(&key, 600).await.unwrap();
        assert_eq!((changed.auth, changed.tokens.cap_s), (AuthPolicy::Open, 600));
        for console in [console, open(&store, &entropy).await] {
            assert_eq!(console.apps().len(), 2);
            let found = console.by_id(&changed.id).unwrap();
            assert_eq!((found.auth, found.tokens.cap_s), (AuthPolicy::Open, 600));
            assert_eq!(found.chat.attachment_bytes, 200 << 20);
            assert_eq!(found.certificates, changed.certificates);
            assert_eq!((found.tokens, found.revoked), (changed.tokens, revoked));
            assert_eq!((found.tokens.skew_s, found.tokens.registrations_per_hour), (0, 3));
            assert!(found.tokens.accepts_006);
            let other = console.by_key(&"acme#other".parse().unwrap()).unwrap();
            assert_eq!(other.auth, AuthPolicy::Token);
            assert_eq!(other.chat.attachment_bytes, limits::ATTACHMENT_BYTES);
        }
    }

    #[tokio::test]
    async fn settings_of_chat_are_seen_at_once_and_after_a_restart() {
        let (store, entropy, console, key) = with_app().await;
        let plan: Plan = "starter".parse().unwrap();
        console.set_plan(&key, plan, true).await.unwrap();
        console.set_friends_only(&key, true).await.unwrap();
        console.set_erased_messages(&key, true).await.unwrap();
        console.set_recall_window(&key, RECALL_WINDOW_S).await.unwrap();
        console.set_room_history(&key, limits::ROOM_HISTORY_MOST).await.unwrap();
        console.set_room_rate(&key, 7).await.unwrap();
        let changed = console.set_attachment_bytes(&key, ATTACHMENT_BYTES).await.unwrap().chat;
        assert_eq!((changed.room_history, changed.room_rate), (limits::ROOM_HISTORY_MOST, 7));
        assert_eq!((changed.plan, changed.friends_only), (plan, true));
        assert!(changed.keeps_erased_messages);
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
        let skewed = console.set_clock_skew(&key, SKEW_MOST_S + 1).await;
        assert!(matches!(skewed, Err(ConsoleError::Value { field: "clock-skew", .. })));
        for users in [0, REGISTRATIONS_MOST + 1] {
            let refused = console.set_registrations_per_hour(&key, users).await;
            assert!(matches!(refused, Err(ConsoleError::Value { .. })));
        }
    }
}
