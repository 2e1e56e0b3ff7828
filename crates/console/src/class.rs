//! What can be changed of an app's class rooms.

use std::sync::Arc;

use stoa_core::{App, AppKey, ReleaseAnchor};

use crate::{Console, ConsoleError};

impl Console {
    /// Sets whether a signaling token, which says nothing of rooms and roles, lets its user into class rooms.
    ///
    /// # Errors
    /// [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn set_accepts_rtm_token(
        &self,
        key: &AppKey,
        accepts: bool,
    ) -> Result<Arc<App>, ConsoleError> {
        self.change(key, |app| {
            app.class.accepts_rtm_token = accepts;
            Ok(())
        })
        .await
    }

    /// Sets from when on the hour counts after which a class room is destroyed. It holds for the rooms that there
    /// are, too.
    ///
    /// # Errors
    /// [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn set_release_anchor(
        &self,
        key: &AppKey,
        anchor: ReleaseAnchor,
    ) -> Result<Arc<App>, ConsoleError> {
        self.change(key, |app| {
            app.class.release_anchor = anchor;
            Ok(())
        })
        .await
    }

    /// Sets where events of class rooms are posted to; none: nowhere.
    ///
    /// # Errors
    /// [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn set_class_callback(
        &self,
        key: &AppKey,
        url: Option<String>,
    ) -> Result<Arc<App>, ConsoleError> {
        self.change(key, |app| {
            app.class_callback.clone_from(&url);
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use stoa_core::ClassSettings;

    use super::*;
    use crate::testing::{open, with_app};

    #[tokio::test]
    async fn settings_of_class_rooms_are_seen_at_once_and_after_a_restart() {
        let (store, entropy, console, key) = with_app().await;
        assert_eq!(
            console.set_accepts_rtm_token(&key, false).await.unwrap().class,
            ClassSettings::default()
        );
        console.set_accepts_rtm_token(&key, true).await.unwrap();
        let changed = console.set_release_anchor(&key, ReleaseAnchor::End).await.unwrap().class;
        let wanted = ClassSettings { accepts_rtm_token: true, release_anchor: ReleaseAnchor::End };
        assert_eq!(changed, wanted);
        let url = Some("https://school.example/events".to_owned());
        console.set_class_callback(&key, url.clone()).await.unwrap();
        let other = &"acme#other".parse().unwrap();
        for console in [console, open(&store, &entropy).await] {
            let app = stoa_core::AppDirectory::by_key(&console, &key).unwrap();
            assert_eq!((app.class, &app.class_callback), (wanted, &url));
            let other = stoa_core::AppDirectory::by_key(&console, other).unwrap();
            assert_eq!(other.class, ClassSettings::default());
        }
    }
}
