//! Everything that is stored, as it lies there: for backups.
//!
//! Nothing is opened: rows are copied sealed, so that what they say is as dead in a copy as it is here when
//! its key is destroyed.

use bytes::Bytes;
use stoa_core::Operator;

use crate::engine::{CommitError, Direction, EngineRead, Span};
use crate::{Store, StoreError};

/// All rows of one moment, in the order of their keys.
pub struct Dump {
    view: Box<dyn EngineRead>,
    rest: Option<Span>,
}

impl Store {
    /// All rows of this moment. As long as it lives, what it sees is kept for it.
    ///
    /// # Errors
    /// [`StoreError::Engine`].
    pub async fn dump(&self, _: &Operator) -> Result<Dump, StoreError> {
        Ok(Dump { view: self.0.engine.snapshot().await?, rest: Some(Span::all()) })
    }

    /// Writes rows as an earlier dump of a store with this vault gave them, all or none.
    ///
    /// # Errors
    /// [`StoreError::Engine`], [`StoreError::Unknown`].
    pub async fn fill(
        &self,
        _: &Operator,
        rows: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)> + Send,
    ) -> Result<(), StoreError> {
        let mut txn = self.0.engine.begin().await?;
        rows.into_iter().for_each(|(key, value)| txn.put(key, value));
        match txn.commit().await {
            Ok(()) => Ok(()),
            // What only writes meets no conflict (the engine's third promise).
            Err(CommitError::Conflict { .. }) => Err(StoreError::Contended),
            Err(CommitError::Refused(error)) => Err(error.into()),
            Err(CommitError::Unknown(why)) => Err(StoreError::Unknown(why)),
        }
    }

    /// Whether nothing is stored.
    ///
    /// # Errors
    /// [`StoreError::Engine`].
    pub async fn is_empty(&self, _: &Operator) -> Result<bool, StoreError> {
        let view = self.0.engine.snapshot().await?;
        Ok(view.scan(&Span::all(), Direction::Forward, 1).await?.is_empty())
    }
}

impl Dump {
    /// The next rows, at most `limit`; none when there are no more.
    ///
    /// # Errors
    /// [`StoreError::Engine`].
    pub async fn next(&mut self, limit: usize) -> Result<Option<Vec<(Bytes, Bytes)>>, StoreError> {
        let Some(rest) = self.rest.take() else { return Ok(None) };
        let rows = self.view.scan(&rest, Direction::Forward, limit).await?;
        self.rest = rows.last().map(|(key, _)| rest.above(key));
        Ok(Some(rows).filter(|rows| !rows.is_empty()))
    }
}
