//! What a user decides about a conversation in its list: pinned, marked, taken off (msync
//! section 9.11). The user's other devices are told by a notice in its own log.

use std::collections::BTreeSet;

use stoa_core::{Caller, Resource, Target, Timestamp, UserId, limits};
use stoa_store::{AppStore, spaces};

use super::view::Head;
use super::{By, View, conversation_notice, to_own_devices};
use crate::records::{self, Membership, ReadMark};
use crate::{Chat, Error, member};

impl Membership {
    /// Everything up to `head` is read.
    pub(super) fn mark_read(&mut self, head: Head) {
        if self.read.as_ref().is_none_or(|read| read.seq < head.seq.0) {
            self.read = Some(ReadMark { seq: head.seq.0, countable: head.countable });
        }
    }
}

impl Chat {
    /// The end of the conversation with `target` as `me` may see it; none if there is no such
    /// conversation.
    async fn head_of(
        &self,
        caller: &Caller,
        store: &AppStore,
        me: &UserId,
        target: &Target,
    ) -> Result<Option<Head>, Error> {
        let Some(membership) = self.membership(caller, me, target).await? else { return Ok(None) };
        let kept = self.kept_since(caller);
        let read = store.read().await?;
        View::new(store, &read, me, target, membership, kept).await?.head().await.map(Some)
    }

    /// Changes the part of `me` in the conversation with `target` and tells the user's other devices that `op` was done. Answers false, and does nothing, if there is no such conversation.
    async fn change_part(
        &self,
        caller: &Caller,
        (me, resource): By<'_>,
        target: &Target,
        (op, ext): (&str, &str),
        change: impl Fn(&mut Membership),
    ) -> Result<bool, Error> {
        let store = &self.store.app(caller).await?;
        let key = &member::key_of(store, me, target);
        let now = self.shared.clock.now();
        let change = &change;
        let changed =
            self.posting(stoa_core::AppScope::app(caller), store, |mut posting| async move {
                let Some(value) = posting.txn.get(key).await? else {
                    return Ok(posting.done(false));
                };
                let mut row: Membership = records::decode(&value, spaces::MEMBERSHIPS.name)?;
                let before = row.clone();
                change(&mut row);
                if row != before {
                    member::save(store, &mut posting.txn, me, key, &row).await?;
                    let notice = conversation_notice(op, (me, resource), target, now, ext);
                    posting.post(me, to_own_devices((me, resource), &notice));
                }
                Ok::<_, Error>(posting.done(true))
            });
        Ok(changed.await?.0)
    }

    /// Pins the conversation with `target` at the head of the calling user's list, or takes it down.
    /// Answers since when it is pinned, or when it was taken down.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller is a user; [`Error::Argument`] for `to` if there is no
    /// such conversation; [`Error::LimitReached`]; [`Error::Store`].
    pub async fn pin_conversation(
        &self,
        caller: &Caller,
        resource: &Resource,
        target: &Target,
        pinned: bool,
    ) -> Result<Timestamp, Error> {
        let me = caller.user().ok_or(Error::NotAllowed)?;
        let now = self.shared.clock.now();
        if pinned {
            let others = self.memberships(caller, me).await?;
            let others =
                others.iter().filter(|(other, row)| row.pinned_ms.is_some() && other != target);
            if others.count() >= limits::PINNED_CONVERSATIONS {
                let most = limits::PINNED_CONVERSATIONS;
                return Err(Error::LimitReached(format!("{most} conversations can be pinned")));
            }
        }
        let op = if pinned { "top" } else { "not_top" };
        let pin = |row: &mut Membership| row.pinned_ms = pinned.then(|| now.as_millis());
        let found = self.change_part(caller, (me, resource), target, (op, ""), pin).await?;
        let problem = "there is no conversation with it";
        if found { Ok(now) } else { Err(Error::argument("to", problem)) }
    }

    /// Puts the mark `mark` on conversations of the calling user, or takes it off. Answers those that
    /// do not exist.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller is a user; [`Error::Argument`] for `mark` and `targets`;
    /// [`Error::Store`].
    pub async fn mark_conversations(
        &self,
        caller: &Caller,
        resource: &Resource,
        targets: &[Target],
        mark: u32,
        marked: bool,
    ) -> Result<Vec<Target>, Error> {
        if mark >= limits::CONVERSATION_MARKS {
            return Err(Error::argument("mark", "param mark illegal, please check it!"));
        }
        if targets.is_empty() || targets.len() > limits::MARKED_AT_ONCE {
            let most = limits::MARKED_AT_ONCE;
            return Err(Error::argument("targets", format!("must be 1 to {most} conversations")));
        }
        let me = caller.user().ok_or(Error::NotAllowed)?;
        let op = if marked { "mark" } else { "mark_delete" };
        let name = format!("mark_{mark}");
        let mut missing = Vec::new();
        for target in targets {
            let change = |row: &mut Membership| {
                let mut marks: BTreeSet<u32> = row.marks.iter().copied().collect();
                if marked {
                    marks.insert(mark)
                } else {
                    marks.remove(&mark)
                };
                row.marks = marks.into_iter().collect();
            };
            if !self.change_part(caller, (me, resource), target, (op, &name), change).await? {
                missing.push(target.clone());
            }
        }
        Ok(missing)
    }

    /// Takes the conversation with `target` off the list of `me` until there is a new message; with
    /// `messages` the user's history of it is deleted, too. The other side keeps everything.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller may act for that user; [`Error::Store`].
    pub async fn delete_conversation(
        &self,
        caller: &Caller,
        me: &UserId,
        resource: &Resource,
        target: &Target,
        messages: bool,
    ) -> Result<(), Error> {
        if !caller.may_act_for(me) {
            return Err(Error::NotAllowed);
        }
        let store = self.store.app(caller).await?;
        let Some(head) = self.head_of(caller, &store, me, target).await? else { return Ok(()) };
        let delete = |row: &mut Membership| {
            row.pinned_ms = None;
            row.marks.clear();
            row.unlisted_seq = row.unlisted_seq.max(head.seq.0);
            row.mark_read(head);
            if messages {
                row.cleared_seq = row.cleared_seq.max(head.seq.0);
            }
        };
        self.change_part(caller, (me, resource), target, ("del", ""), delete).await?;
        Ok(())
    }
}
