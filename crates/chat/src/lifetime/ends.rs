//! Groups, rooms and users that have ended: their keys go.
//!
//! The transaction that dismisses a group or deletes a user notes that it has ended; whoever did it then has the key
//! destroyed here. If something comes in between, the next sweep does it, or the next start.

use stoa_core::AppScope;

use crate::{Chat, Error};

impl Chat {
    /// Destroys the keys of whatever has ended in the app of `scope`, whoever ended it.
    ///
    /// # Errors
    /// [`Error::Store`]; what is left is done by the next call.
    pub(crate) async fn end_objects(&self, scope: &impl AppScope) -> Result<(), Error> {
        let store = self.store.app(scope).await?;
        let now = self.shared.clock.now();
        self.store.end_objects(&[(store, self.settings(scope))], now).await?;
        Ok(())
    }

    /// As [`Self::end_objects`], for whoever has dismissed a group or room: that is done, and if the key cannot be
    /// destroyed now, the sweep does it.
    pub(crate) async fn end_dismissed(&self, scope: &impl AppScope) {
        if let Err(error) = self.end_objects(scope).await {
            let error: &dyn std::error::Error = &error;
            tracing::error!(
                error,
                "the key of a group that was dismissed could not be destroyed; it is tried again in a minute"
            );
        }
    }
}
