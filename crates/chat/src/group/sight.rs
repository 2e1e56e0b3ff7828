//! Who may look into a group, and who hears of what is done to somebody in it.

use std::collections::BTreeSet;

use stoa_core::{Caller, GroupId, UserId, limits};

use super::{Group, GroupActor, Standing};
use crate::entry::Audience;
use crate::event::{GroupAct, GroupEvent};
use crate::log::Batch;
use crate::{Chat, Error};

impl GroupActor {
    /// The user who acts.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] for the app's back end.
    pub(crate) fn must_be_user(&self) -> Result<&UserId, Error> {
        self.user.as_ref().ok_or(Error::NotAllowed)
    }
}

/// The users that a call names, each once; refuses more than a call may name.
pub(crate) fn named(users: Vec<UserId>) -> Result<Vec<UserId>, Error> {
    if users.is_empty() || users.len() > limits::GROUP_BATCH {
        let most = limits::GROUP_BATCH;
        return Err(Error::argument("usernames", format!("1 to {most} names")));
    }
    let mut seen = BTreeSet::new();
    Ok(users.into_iter().filter(|user| seen.insert(user.clone())).collect())
}

/// Tells `user`, the owner and the administrators what was done to `user`.
pub(crate) fn tell_managers(
    batch: &mut Batch<'_>,
    who: &GroupActor,
    act: GroupAct,
    user: &UserId,
    muted_until_ms: Option<i64>,
) -> Result<(), Error> {
    let actor = who.actor();
    let group = batch.group()?;
    let users = vec![user.as_str().into()];
    let event = GroupEvent { users, muted_until_ms, ..group.event(act, &actor.user) };
    let others = group.roster.managers().filter(|manager| *manager != user);
    let audience = Audience::only(others.chain([user]).cloned());
    batch.tell(&actor, &event, audience)
}

impl Batch<'_> {
    /// Takes `user`, who is not in the room, off the roster, if it is nothing there any more.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`], [`Error::Store`].
    pub(crate) async fn settle(&mut self, user: &UserId) -> Result<(), Error> {
        let (now, group) = (self.now, self.group()?);
        let line = group.roster.belonging(user).filter(|line| line.away);
        let is_nothing = line
            .is_some_and(|line| !(line.standing.manages() || line.allowed || line.is_muted(now)));
        if is_nothing { self.put_out(user).await } else { Ok(()) }
    }
}

impl Chat {
    /// A group, for one of its members or the app's back end.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`], [`Error::NotInGroup`], [`Error::Store`].
    pub(crate) async fn group_for_member(
        &self,
        caller: &Caller,
        id: &GroupId,
    ) -> Result<Group, Error> {
        let group = self.group_state(caller, id).await?;
        GroupActor::new(caller, None).standing(&group)?;
        Ok(group)
    }

    /// A group, for its owner, its administrators or the app's back end.
    ///
    /// # Errors
    /// As [`Self::group_for_member`], and [`Error::Forbidden`].
    pub(crate) async fn group_for_manager(
        &self,
        caller: &Caller,
        id: &GroupId,
    ) -> Result<Group, Error> {
        let group = self.group_state(caller, id).await?;
        match GroupActor::new(caller, None).standing(&group)? {
            Standing::Owner | Standing::Admin => Ok(group),
            _ => Err(Error::Forbidden),
        }
    }
}
