//! Deleting messages for oneself (msync section 9.10, chat-rest R063 to R067).

use stoa_core::{AppScope, Caller, MessageId, Resource, Seq, Target, Timestamp, UserId, limits};
use stoa_store::{Direction, KeyBuilder, ReadTxn, spaces};

use super::{DeletedMessages, View, deletion_notice, to_own_devices};
use crate::entry::Log;
use crate::log::{log_blind, log_space};
use crate::records::{self, Membership, StoredEntry};
use crate::{Chat, Error, account, history, member};

/// What is deleted of one conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deletion {
    /// These messages; ids that are none of the user's are passed over.
    Messages(Vec<MessageId>),
    /// Everything that was sent before this moment.
    Before(Timestamp),
    /// Everything.
    All,
}

/// What a deletion comes to.
enum Place {
    UpTo(Seq),
    At(Vec<Seq>),
}

impl Chat {
    /// Deletes messages of the conversation with `target` for `user` alone, and tells the user's other
    /// devices than `resource` unless that is not wanted.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for that user; [`Error::Argument`] for too many
    /// ids; [`Error::Store`].
    pub async fn delete_messages(
        &self,
        caller: &Caller,
        user: &UserId,
        resource: &Resource,
        target: &Target,
        deletion: &Deletion,
        notify: bool,
    ) -> Result<(), Error> {
        if !caller.may_act_for(user) {
            return Err(Error::NotAllowed);
        }
        if let Deletion::Messages(ids) = deletion
            && (ids.is_empty() || ids.len() > limits::DELETED_AT_ONCE)
        {
            let most = limits::DELETED_AT_ONCE;
            return Err(Error::argument("msgIdList", format!("must be 1 to {most} message ids")));
        }
        let Some(membership) = self.membership(caller, user, target).await? else { return Ok(()) };
        let store = &self.store.app(caller).await?;
        let read = store.read().await?;
        let log = Log::Conversation(target.conversation(user));
        let blind = log_blind(store, &log);
        let kept = self.shared.kept_in(caller.app(), &log);
        let log = store.key(log_space(&log)).blind(blind);
        let first = membership.first().next();
        let place = match deletion {
            Deletion::Messages(ids) => {
                let mut seqs = Vec::new();
                for id in ids {
                    let found = history::find(&read, &log, first, *id).await?;
                    seqs.extend(found.filter(|seq| membership.sees(*seq)));
                }
                Place::At(seqs)
            }
            Deletion::Before(time) => Place::UpTo(before(&read, &log, first, *time).await?),
            Deletion::All => {
                let view = View::new(store, &read, user, target, membership, kept).await?;
                Place::UpTo(view.head().await?.seq)
            }
        };
        drop(read);
        if matches!(&place, Place::At(seqs) if seqs.is_empty()) {
            return Ok(());
        }
        let place = &place;
        let key = &member::key_of(store, user, target);
        let posting = self.posting(caller.app(), store, |mut posting| async move {
            let Some(value) = posting.txn.get(key).await? else { return Ok(posting.done(())) };
            let mut row: Membership = records::decode(&value, spaces::MEMBERSHIPS.name)?;
            let before = row.clone();
            match place {
                Place::UpTo(seq) => row.cleared_seq = row.cleared_seq.max(seq.0),
                Place::At(seqs) => {
                    row.has_deleted = true;
                    let user = account::user_blind(store, user);
                    DeletedMessages::add(store, &mut posting.txn, user, blind, seqs).await?;
                }
            }
            let changed = row != before;
            if changed {
                member::save(store, &mut posting.txn, user, key, &row).await?;
            }
            if notify && (changed || matches!(place, Place::At(_))) {
                let notice = deletion_notice(resource, target);
                posting.post(user, to_own_devices((user, resource), &notice));
            }
            Ok::<_, Error>(posting.done(()))
        });
        posting.await?;
        Ok(())
    }

    /// Deletes all messages of all conversations for `user` alone. Done conversation by conversation;
    /// made again, it deletes what is left.
    ///
    /// # Errors
    /// As [`Self::delete_messages`].
    pub async fn delete_all_messages(
        &self,
        caller: &Caller,
        user: &UserId,
        resource: &Resource,
        notify: bool,
    ) -> Result<(), Error> {
        if !caller.may_act_for(user) {
            return Err(Error::NotAllowed);
        }
        for (target, _) in self.memberships(caller, user).await? {
            let all = &Deletion::All;
            self.delete_messages(caller, user, resource, &target, all, notify).await?;
        }
        Ok(())
    }
}

/// The last entry that was sent before `time`, not before `first`; [`Seq::START`] if there is none.
/// Times rise with the sequence, so halving finds it.
async fn before(
    read: &ReadTxn,
    log: &KeyBuilder,
    first: Seq,
    time: Timestamp,
) -> Result<Seq, Error> {
    let space = spaces::MESSAGES.name;
    let whole = log.clone().numbers(first.0..);
    let last = read.scan(&whole, Direction::Backward, 1).await?;
    let Some((key, _)) = last.first() else { return Ok(Seq::START) };
    let (mut low, mut high, mut found) = (first.0, key.number(1), Seq::START);
    while low <= high {
        let middle = low + (high - low) / 2;
        let range = log.clone().numbers(middle..=high);
        // Entries may be missing.
        if let Some((key, value)) = read.scan(&range, Direction::Forward, 1).await?.first() {
            let at = records::decode::<StoredEntry>(value, space)?.at_ms;
            if at < time.as_millis() {
                found = Seq(key.number(1));
                low = found.0 + 1;
                continue;
            }
        }
        if middle == 0 {
            break;
        }
        high = middle - 1;
    }
    Ok(found)
}
