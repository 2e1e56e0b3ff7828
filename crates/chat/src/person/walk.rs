//! Walking through a whole space, in steps of bounded size.

use bytes::Bytes;
use stoa_store::{Direction, Key, KeyRange, ReadTxn};

use crate::Error;

/// Rows that one step reads.
const STEP: usize = 500;

/// What is left of a range.
pub(super) struct Walk(Option<KeyRange>);

impl Walk {
    /// Through all of `range`, in the order of its keys.
    pub(super) const fn new(range: KeyRange) -> Self {
        Self(Some(range))
    }

    /// The next rows; none when there are no more.
    pub(super) async fn next(
        &mut self,
        read: &ReadTxn,
    ) -> Result<Option<Vec<(Key, Bytes)>>, Error> {
        let Some(rest) = self.0.take() else { return Ok(None) };
        let rows = read.scan(&rest, Direction::Forward, STEP).await?;
        if rows.len() == STEP {
            self.0 = rows.last().map(|(key, _)| rest.above(key));
        }
        Ok(Some(rows).filter(|rows| !rows.is_empty()))
    }
}
