//! Administrators of a group or chat room (chat-rest R082 to R084 and R134 to R136). The owner names
//! them.

use stoa_core::{Caller, GroupId, Resource, UserId, limits};

use super::sight::tell_managers;
use super::{GroupActor, Standing};
use crate::event::GroupAct;
use crate::{Chat, Error};

impl Chat {
    /// The administrators of a group, by name. Of a public group, or a room,
    /// everybody may ask.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`], [`Error::NotInGroup`], [`Error::Store`].
    pub async fn group_admins(&self, caller: &Caller, id: &GroupId) -> Result<Vec<UserId>, Error> {
        let group = self.group_state(caller, id).await?;
        if !group.info.public {
            GroupActor::new(caller, None).standing(&group)?;
        }
        let lines = group.roster.all_belonging();
        let admins = lines.filter(|(_, line)| line.standing == Standing::Admin);
        Ok(admins.map(|(user, _)| user.clone()).collect())
    }

    /// Makes a member an administrator, at most 99 of them. Nothing happens if it is one.
    ///
    /// # Errors
    /// [`Error::Forbidden`] unless the caller owns the group; [`Error::NotInGroup`] for the caller or
    /// the user, [`Error::IsOwner`], [`Error::LimitReached`], [`Error::GroupDisabled`],
    /// [`Error::UnknownGroup`], [`Error::Store`].
    pub async fn add_group_admin(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        user: &UserId,
    ) -> Result<(), Error> {
        self.set_group_admin(caller, resource, id, user, true).await
    }

    /// Makes an administrator an ordinary member. Nothing happens if the member is one.
    ///
    /// # Errors
    /// As [`Self::add_group_admin`].
    pub async fn remove_group_admin(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        user: &UserId,
    ) -> Result<(), Error> {
        self.set_group_admin(caller, resource, id, user, false).await
    }

    async fn set_group_admin(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        user: &UserId,
        on: bool,
    ) -> Result<(), Error> {
        let (standing, act) = match on {
            true => (Standing::Admin, GroupAct::AdminAdded),
            false => (Standing::Member, GroupAct::AdminRemoved),
        };
        let what = (user.clone(), standing);
        self.act_as(caller, resource, id, what, move |batch, who, (user, standing)| {
            Box::pin(async move {
                let group = batch.group()?;
                who.must_own(group)?;
                who.must_be_on(group)?;
                batch.must_not_be_of_class()?;
                match &group.roster.belonging(user).ok_or(Error::NotInGroup)?.standing {
                    Standing::Owner => return Err(Error::IsOwner),
                    present if present == standing => return Ok(()),
                    _ => {}
                }
                if on && group.roster.admins() >= limits::GROUP_ADMINS {
                    let most = limits::GROUP_ADMINS;
                    let text = format!("a group has at most {most} administrators");
                    return Err(Error::LimitReached(text));
                }
                let now = batch.now;
                batch.group_mut()?.set(user, standing.clone(), now);
                tell_managers(batch, who, act, user, None)?;
                batch.settle(user).await
            })
        })
        .await
    }
}
