//! The end of all that an app has.

use std::collections::BTreeMap;

use stoa_core::{AppNumber, Day, Operator};
use stoa_vault::{Bucket, KeyClass, KeyScope};

use crate::classes::DataClass;
use crate::engine::{CommitError, Direction, Span};
use crate::spaces::{Owner, SPACES};
use crate::{Store, StoreError};

/// Rows that are removed at once.
const STEP: usize = 2000;

impl Store {
    /// The days of which there are keys, by app and number of class.
    pub fn days_with_keys(&self, _: &Operator) -> BTreeMap<(AppNumber, u8), Vec<Day>> {
        let mut all: BTreeMap<_, Vec<Day>> = BTreeMap::new();
        for scope in self.0.vault.scopes_where(|of| matches!(of.bucket, Bucket::Day(_))) {
            if let Bucket::Day(day) = scope.bucket {
                all.entry((scope.app, scope.class.0)).or_default().push(day);
            }
        }
        all
    }

    /// Destroys the keys of these days in one step of the vault, whatever they sealed; a receipt is left for each.
    /// Answers how many there were.
    ///
    /// # Errors
    /// [`StoreError::Vault`] when it cannot be made durable; [`StoreError`] of the receipts, which the next start then
    /// completes.
    pub async fn destroy_days(
        &self,
        _: &Operator,
        days: &[(AppNumber, &'static DataClass, Day)],
    ) -> Result<usize, StoreError> {
        let scope = |&(app, class, day): &(AppNumber, &DataClass, Day)| KeyScope {
            app,
            class: KeyClass(class.number),
            bucket: Bucket::Day(day),
        };
        let scopes: Vec<_> = days.iter().map(scope).collect();
        self.destroy_scopes(&scopes).await
    }

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
        self.destroy_all_of(app).await
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
