//! How long an app's messages are kept: by its plan, or as its owner says.
//!
//! What is longer holds at once. What is shorter destroys something in the end, so it has to be confirmed, and waits
//! for a day in which it can be taken back.

use std::sync::Arc;

use stoa_core::{App, AppKey, KeepMessages, Plan};

use crate::{Console, ConsoleError};

impl Console {
    /// Sets the plan of an app: how much it may have. What it has already stays; but where messages are kept by the
    /// plan and this one keeps them for a shorter time, that has to be `confirmed`.
    ///
    /// # Errors
    /// [`ConsoleError::Shortens`], [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn set_plan(
        &self,
        key: &AppKey,
        plan: Plan,
        confirmed: bool,
    ) -> Result<Arc<App>, ConsoleError> {
        self.keep(key, |app| (plan, app.chat.keep_messages), confirmed).await
    }

    /// Sets how long an app's messages are kept. A shorter time has to be `confirmed`, and holds from
    /// [`SHORTER_AFTER`](stoa_core::SHORTER_AFTER) on.
    ///
    /// # Errors
    /// [`ConsoleError::Shortens`], [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn keep_messages(
        &self,
        key: &AppKey,
        keep: KeepMessages,
        confirmed: bool,
    ) -> Result<Arc<App>, ConsoleError> {
        self.keep(key, |app| (app.chat.plan, keep), confirmed).await
    }

    async fn keep(
        &self,
        key: &AppKey,
        wanted: impl Fn(&App) -> (Plan, KeepMessages) + Send + Sync,
        confirmed: bool,
    ) -> Result<Arc<App>, ConsoleError> {
        let now = self.clock.now();
        self.change(key, |app| {
            let (plan, keep) = wanted(app);
            let (kept, waiting) = (app.chat.messages_kept(now), app.chat.messages_pending(now));
            let chat = app.chat.keeping(plan, keep, now);
            // What waits already was confirmed.
            if let Some((shorter, from)) = chat.messages_pending(now)
                && chat.messages_pending(now) != waiting
                && !confirmed
            {
                return Err(ConsoleError::Shortens { app: key.clone(), kept, shorter, from });
            }
            app.chat = chat;
            app.plan_chosen = true;
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use stoa_core::{AppDirectory, SHORTER_AFTER, Timestamp};

    use super::*;
    use crate::testing::{open, with_app};

    const DAY: Duration = Duration::from_secs(86_400);

    #[tokio::test]
    async fn what_is_kept_for_a_shorter_time_is_confirmed_and_waits_also_over_a_restart() {
        let (store, entropy, console, key) = with_app().await;
        let now = Timestamp::from_secs(1_800_000_000);
        let week = KeepMessages::Days(7);
        let refused = console.keep_messages(&key, week, false).await.unwrap_err();
        let from = now.plus(SHORTER_AFTER);
        assert!(
            matches!(&refused, ConsoleError::Shortens { kept, shorter, from: at, .. }
                if (*kept, *shorter, *at) == (180 * DAY, 7 * DAY, from)),
            "{refused}"
        );
        let unchanged = console.by_key(&key).unwrap();
        assert_eq!((unchanged.chat.held, unchanged.plan_chosen), (None, false));

        console.keep_messages(&key, week, true).await.unwrap();
        console.keep_messages(&key, week, false).await.unwrap();
        for console in [&console, &open(&store, &entropy).await] {
            let chat = console.by_key(&key).unwrap().chat;
            assert_eq!(chat.messages_pending(now), Some((7 * DAY, from)));
            assert_eq!(chat.messages_kept(now), 180 * DAY);
            assert_eq!(chat.messages_kept(from), 7 * DAY);
        }
        let chat = console.keep_messages(&key, KeepMessages::Days(400), false).await.unwrap().chat;
        assert_eq!((chat.messages_kept(now), chat.held), (400 * DAY, None));
    }

    #[tokio::test]
    async fn a_plan_that_keeps_for_a_shorter_time_is_confirmed_too() {
        let (.., console, key) = with_app().await;
        let free: Plan = "free".parse().unwrap();
        let refused = console.set_plan(&key, free, false).await;
        assert!(matches!(refused, Err(ConsoleError::Shortens { .. })));
        assert_eq!(console.by_key(&key).unwrap().chat.plan, Plan::SELF_HOSTED);
        // Where the plan does not decide, it changes nothing.
        console.keep_messages(&key, KeepMessages::Days(180), false).await.unwrap();
        let chat = console.set_plan(&key, free, false).await.unwrap().chat;
        assert_eq!((chat.plan, chat.held), (free, None));
        // And back to what the plan says is shorter again.
        let refused = console.keep_messages(&key, KeepMessages::ByPlan, false).await;
        assert!(matches!(refused, Err(ConsoleError::Shortens { .. })));
    }
}
