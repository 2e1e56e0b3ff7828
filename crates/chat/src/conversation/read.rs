//! That a user has read a conversation.

use stoa_core::{Caller, Target};
use stoa_store::spaces;

use super::View;
use crate::log::Appended;
use crate::records::{self, Membership, ReadMark};
use crate::{Chat, Error, member};

impl Chat {
    /// Notes that the calling user has read everything in the conversation with `target`: no message
    /// in it is unread any more. Nobody is told.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] unless the caller is a user; [`Error::NotInGroup`] for a group that it
    /// never was in; [`Error::Store`].
    pub async fn read_conversation(
        &self,
        caller: &Caller,
        target: &Target,
    ) -> Result<Appended, Error> {
        let me = caller.user().ok_or(Error::NotAllowed)?;
        let now = self.shared.clock.now();
        let kept = self.kept_since(caller);
        let answer = Appended { id: self.shared.ids.next(now, None), at: now };
        let Some(membership) = self.membership(caller, me, target).await? else {
            return match target {
                Target::Group(_) => Err(Error::NotInGroup),
                Target::User(_) => Ok(answer),
            };
        };
        let store = &self.store.app(caller).await?;
        let read_up_to = membership.read.as_ref().map_or(0, |read| read.seq);
        let read = store.read().await?;
        let head = View::new(store, &read, me, target, membership, kept).await?.head().await?;
        drop(read);
        if head.seq.0 <= read_up_to {
            return Ok(answer);
        }
        let key = &member::key_of(store, me, target);
        store
            .transact(|mut txn| async move {
                let Some(value) = txn.get(key).await? else { return Ok(txn.done(())) };
                let mut row: Membership = records::decode(&value, spaces::MEMBERSHIPS.name)?;
                if row.read.as_ref().is_none_or(|read| read.seq < head.seq.0) {
                    row.read = Some(ReadMark { seq: head.seq.0, countable: head.countable });
                    member::save(store, &mut txn, me, key, &row).await?;
                }
                Ok::<_, Error>(txn.done(()))
            })
            .await?;
        Ok(answer)
    }
}
