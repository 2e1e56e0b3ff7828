//! Which messages of a conversation a user has deleted for itself.
//!
//! Everything up to a place is one number in the membership; single messages lie as ranges in parts of
//! [`PART`] sequences, so that one more of them writes a small record again.

use std::collections::BTreeMap;

use prost::Message;
use stoa_core::Seq;
use stoa_store::{AppStore, Blind, Bucket, Direction, KeyBuilder, ReadTxn, Txn, spaces};

use crate::Error;
use crate::records::{self, Deleted, DeletedRange, Membership};

/// Sequences of one part.
const PART: u64 = 1024;
/// Parts that one step of a walk reads.
const STEP: usize = 500;

/// What a user deleted of one conversation.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeletedMessages {
    up_to: u64,
    ranges: BTreeMap<u64, u64>,
}

fn parts(store: &AppStore, user: Blind, conversation: Blind) -> KeyBuilder {
    store.key(&spaces::DELETED_MESSAGES).blind(user).blind(conversation)
}

impl DeletedMessages {
    /// Loads what `user` deleted, as `membership` has it.
    pub(crate) async fn load(
        store: &AppStore,
        read: &ReadTxn,
        user: Blind,
        conversation: Blind,
        membership: &Membership,
    ) -> Result<Self, Error> {
        let mut deleted = Self { up_to: membership.cleared_seq, ranges: BTreeMap::new() };
        if !membership.has_deleted {
            return Ok(deleted);
        }
        let first = membership.cleared_seq / PART;
        let mut rest = parts(store, user, conversation).numbers(first..);
        loop {
            let rows = read.scan(&rest, Direction::Forward, STEP).await?;
            let full = rows.len() == STEP;
            for (key, value) in rows {
                let part: Deleted = records::decode(&value, spaces::DELETED_MESSAGES.name)?;
                deleted.ranges.extend(part.ranges.iter().map(|range| (range.first, range.last)));
                rest = rest.above(&key);
            }
            if !full {
                return Ok(deleted);
            }
        }
    }

    /// Whether the user deleted the message at `seq`.
    pub(crate) fn has(&self, seq: Seq) -> bool {
        seq.0 <= self.up_to
            || self.ranges.range(..=seq.0).next_back().is_some_and(|(_, last)| *last >= seq.0)
    }

    /// Adds the messages at `seqs`.
    pub(crate) async fn add(
        store: &AppStore,
        txn: &mut Txn,
        user: Blind,
        conversation: Blind,
        seqs: &[Seq],
    ) -> Result<(), Error> {
        let mut by_part: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for seq in seqs {
            by_part.entry(seq.0 / PART).or_default().push(seq.0);
        }
        for (part, seqs) in by_part {
            let key = parts(store, user, conversation).number(part).done();
            let mut row = match txn.get(&key).await? {
                Some(value) => records::decode::<Deleted>(&value, spaces::DELETED_MESSAGES.name)?,
                None => Deleted::default(),
            };
            seqs.into_iter().for_each(|seq| insert(&mut row.ranges, seq));
            txn.put(&key, Bucket::Object(user.0), &row.encode_to_vec()).await?;
        }
        Ok(())
    }
}

/// Adds one number to ranges that rise and do not touch.
fn insert(ranges: &mut Vec<DeletedRange>, seq: u64) {
    let at = ranges.partition_point(|range| range.first <= seq);
    let before = at.checked_sub(1).filter(|index| ranges[*index].last + 1 >= seq);
    let joins_next = ranges.get(at).is_some_and(|next| next.first == seq + 1);
    match (before, joins_next) {
        (Some(before), true) if ranges[before].last < seq => {
            ranges[before].last = ranges[at].last;
            ranges.remove(at);
        }
        (Some(before), _) => ranges[before].last = ranges[before].last.max(seq),
        (None, true) => ranges[at].first = seq,
        (None, false) => ranges.insert(at, DeletedRange { first: seq, last: seq }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ranges_hold_what_was_put_in_and_stay_apart() {
        let mut state = 12_345_u64;
        for _ in 0..200 {
            let (mut ranges, mut model) = (Vec::new(), BTreeSet::new());
            for _ in 0..60 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let seq = (state >> 33) % 50;
                insert(&mut ranges, seq);
                model.insert(seq);
                let held: BTreeSet<u64> =
                    ranges.iter().flat_map(|range| range.first..=range.last).collect();
                assert_eq!(held, model);
                assert!(ranges.windows(2).all(|pair| pair[0].last + 1 < pair[1].first));
            }
        }
    }
}
