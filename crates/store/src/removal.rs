//! The end of all that an app has.

use stoa_core::{AppNumber, Operator};

use crate::engine::{CommitError, Direction, Span};
use crate::spaces::{Owner, SPACES};
use crate::{Store, StoreError};

/// Rows that are removed at once.
const STEP: usize = 2000;

impl Store {
    /// Destroys all keys of an app: what they sealed opens nowhere any more, in no copy of the data either. From
    /// now on nothing of the app can be written in this process. Answers how many keys there were.
    ///
    /// # Errors
    /// [`StoreError::Misuse`] for the platform itself, [`StoreError::Vault`] when it cannot be made durable.
    pub async fn destroy_app(&self, _: &Operator, app: AppNumber) -> Result<usize, StoreError> {
        if app == AppNumber::PLATFORM {
            return Err(StoreError::Misuse("the platform's own records are no app's"));
        }
        self.0.gone.write().insert(app);
        self.0.blind_keys.write().remove(&app);
        Ok(self.0.vault.destroy_app(app).await?.keys.len())
    }

    /// Removes the records of an app whose keys were destroyed. Answers how many there were.
    ///
    /// # Errors
    /// [`StoreError::Misuse`] when its keys were not destroyed before, [`StoreError::Engine`],
    /// [`StoreError::Unknown`].
    pub async fn purge_app(&self, _: &Operator, app: AppNumber) -> Result<usize, StoreError> {
        if !self.0.is_gone(app) {
            return Err(StoreError::Misuse("an app's keys are destroyed before its records go"));
        }
        let mut removed = 0;
        for space in SPACES.iter().filter(|space| space.owner != Owner::Platform) {
            let mut prefix = vec![space.code];
            prefix.extend_from_slice(&app.0.to_be_bytes());
            let mut span = Span::prefix(&prefix);
            loop {
                let view = self.0.engine.snapshot().await?;
                let rows = view.scan(&span, Direction::Forward, STEP).await?;
                drop(view);
                let Some((last, _)) = rows.last() else { break };
                let above = last.clone();
                let mut txn = self.0.engine.begin().await?;
                for (key, _) in &rows {
                    txn.delete(key.to_vec());
                }
                match txn.commit().await {
                    Ok(()) => {}
                    // What only writes meets no conflict (the engine's third promise).
                    Err(CommitError::Conflict { .. }) => return Err(StoreError::Contended),
                    Err(CommitError::Refused(error)) => return Err(error.into()),
                    Err(CommitError::Unknown(why)) => return Err(StoreError::Unknown(why)),
                }
                removed += rows.len();
                span = span.above(&above);
            }
        }
        Ok(removed)
    }
}
