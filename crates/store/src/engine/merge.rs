//! A transaction's scan: what the snapshot holds, with the transaction's own writes laid over it.

use std::cmp::Ordering;

use bytes::Bytes;

use super::{Direction, EngineError};

/// A pair that a snapshot yields.
pub(crate) type Row = Result<(Bytes, Bytes), EngineError>;

/// The first `limit` pairs of `base` with `own` laid over it, where an own write of nothing removes.
/// Both come in the order of `direction`.
pub(crate) fn merge<'a>(
    base: impl Iterator<Item = Row>,
    own: impl Iterator<Item = (&'a Bytes, &'a Option<Bytes>)>,
    direction: Direction,
    limit: usize,
) -> Result<Vec<(Bytes, Bytes)>, EngineError> {
    let (mut base, mut own) = (base.peekable(), own.peekable());
    let mut rows = Vec::new();
    while rows.len() < limit {
        let order = match (base.peek(), own.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(Err(error)), Some(_)) => return Err(error.clone()),
            (Some(Ok((stored, _))), Some((written, _))) => match direction {
                Direction::Forward => stored.cmp(written),
                Direction::Backward => (*written).cmp(stored),
            },
        };
        if order.is_le() {
            let row = base.next().transpose()?;
            if order.is_lt() {
                rows.extend(row);
                continue;
            }
        }
        if let Some((key, Some(value))) = own.next() {
            rows.push((key.clone(), value.clone()));
        }
    }
    Ok(rows)
}
