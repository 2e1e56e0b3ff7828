//! Taking no messages of a group, and taking them again (msync section 9.5, `shield`).
//!
//! The user stays a member and learns of what happens to the group; only what members say does not
//! come. What was said meanwhile does not come later either, but stands in the history.

use std::sync::Arc;

use stoa_core::{Caller, GroupId, Resource};

use super::{GroupActor, Standing};
use crate::entry::Audience;
use crate::event::GroupAct;
use crate::{Chat, Error, member};

impl Chat {
    /// Lets the calling user take no messages of the group, or take them again.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] when the caller is no user; [`Error::IsOwner`], [`Error::NotInGroup`],
    /// [`Error::UnknownGroup`], [`Error::Store`].
    pub async fn shield_group(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        on: bool,
    ) -> Result<(), Error> {
        let who = Arc::new(GroupActor::new(caller, resource));
        who.must_be_user()?;
        self.act_on_group(caller, id, move |batch| {
            let who = who.clone();
            Box::pin(async move {
                let me = who.must_be_user()?;
                let group = batch.group()?;
                let line = group.roster.member(me).ok_or(Error::NotInGroup)?;
                if line.standing == Standing::Owner && on {
                    return Err(Error::IsOwner);
                }
                if line.shielded == on {
                    return Ok(());
                }
                let act = if on { GroupAct::Shielded } else { GroupAct::Unshielded };
                let (id, event) = (group.id().clone(), group.event(act, me));
                let end = batch.tail.end.seq;
                batch.written += 1;
                member::shield(batch.store, batch.txn, me, &id, end, on).await?;
                batch.group_mut()?.change(me, |line| line.shielded = on);
                batch.tell(&who.actor(), &event, Audience::only([me.clone()]))
            })
        })
        .await
    }
}
