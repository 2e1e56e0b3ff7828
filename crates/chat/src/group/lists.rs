//! The block list and the allow list of a group or chat room (chat-rest sections 2.14, 2.15 and 2.18).
//!
//! Who is blocked is out of the group and cannot come back; who is on the allow list may speak while
//! all are muted. Calls name several users, and each has an outcome of its own.

use stoa_core::{Caller, GroupId, Resource, UserId, limits};

use super::sight::{named, tell_managers};
use super::{Group, GroupActor, Standing};
use crate::event::{GroupAct, GroupEvent};
use crate::log::Batch;
use crate::{Chat, Error};

/// What became of each of the users that a call names.
pub type PerUser = Vec<(UserId, Result<(), Error>)>;

/// A part of a group's block list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedPage {
    /// Who is blocked, the last blocked first.
    pub users: Vec<UserId>,
    /// Where the next page begins; none on the last.
    pub cursor: Option<String>,
}

/// Whether `user` can be blocked: `true` if it is not yet.
fn may_block(who: &GroupActor, group: &Group, user: &UserId) -> Result<bool, Error> {
    match group.roster.get(user).map(|line| &line.standing) {
        Some(Standing::Blocked) => Ok(false),
        Some(standing) if standing.is_member() => who.must_outrank(group, user).map(|()| true),
        _ => Err(Error::NotInGroup),
    }
}

/// Takes `users`, who are members, out of the group and onto its block list. Of who is not in the room
/// nobody is told.
async fn block(batch: &mut Batch<'_>, who: &GroupActor, users: &[UserId]) -> Result<(), Error> {
    let (actor, now) = (who.actor(), batch.now);
    let roster = batch.group()?.roster.clone();
    let here: Vec<UserId> = users.iter().filter(|user| roster.has(user)).cloned().collect();
    batch.expel(&actor, &here).await?;
    for user in users {
        // What it is in a room while it is not there, it is no more.
        if batch.group()?.roster.belonging(user).is_some() {
            batch.put_out(user).await?;
        }
        batch.group_mut()?.set(user, Standing::Blocked, now);
    }
    Ok(())
}

impl Chat {
    /// Blocks up to 60 members: they are removed, and cannot come back. Nothing happens to those who
    /// are blocked already.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for an ordinary member; [`Error::NotInGroup`], [`Error::GroupDisabled`],
    /// [`Error::LimitReached`], [`Error::Argument`], [`Error::UnknownGroup`], [`Error::Store`]. Of one
    /// user [`Error::NotInGroup`], [`Error::IsOwner`], and [`Error::Forbidden`] for an administrator
    /// who blocks another.
    pub async fn block_in_group(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        users: Vec<UserId>,
    ) -> Result<PerUser, Error> {
        self.act_as(caller, resource, id, named(users)?, move |batch, who, users| {
            Box::pin(async move {
                let group = batch.group()?;
                who.must_manage(group)?;
                batch.must_not_be_of_class()?;
                let (mut outcomes, mut gone) = (PerUser::new(), Vec::new());
                for user in users {
                    let outcome = may_block(who, group, user);
                    gone.extend(matches!(outcome, Ok(true)).then(|| user.clone()));
                    outcomes.push((user.clone(), outcome.map(drop)));
                }
                if group.roster.blocked() + gone.len() > limits::GROUP_BLOCKED {
                    let text = format!("a group blocks at most {} users", limits::GROUP_BLOCKED);
                    return Err(Error::LimitReached(text));
                }
                block(batch, who, &gone).await?;
                Ok(outcomes)
            })
        })
        .await
    }

    /// Takes up to 60 users off the block list; they are not members by that. Nothing happens to those
    /// who are not on it.
    ///
    /// # Errors
    /// As [`Self::block_in_group`], but none of a single user.
    pub async fn unblock_in_group(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        users: Vec<UserId>,
    ) -> Result<PerUser, Error> {
        self.act_as(caller, resource, id, named(users)?, move |batch, who, users| {
            Box::pin(async move {
                who.must_manage(batch.group()?)?;
                let actor = who.actor();
                for user in users {
                    let group = batch.group_mut()?;
                    let standing = group.roster.get(user).map(|line| &line.standing);
                    if standing != Some(&Standing::Blocked) {
                        continue;
                    }
                    group.remove(user);
                    let event = group.event(GroupAct::Unblocked, &actor.user);
                    let event = GroupEvent { users: vec![user.as_str().into()], ..event };
                    batch.post(&actor, user, &event);
                }
                Ok(users.iter().map(|user| (user.clone(), Ok(()))).collect())
            })
        })
        .await
    }

    /// Who is blocked, the last blocked first: with a page's size or a cursor at most 50, otherwise the
    /// first 500.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for an ordinary member; [`Error::Argument`] for a cursor that is none;
    /// [`Error::NotInGroup`], [`Error::UnknownGroup`], [`Error::Store`].
    pub async fn blocked_in_group(
        &self,
        caller: &Caller,
        id: &GroupId,
        size: Option<usize>,
        cursor: Option<&str>,
    ) -> Result<BlockedPage, Error> {
        let below = match cursor.map(str::parse::<u64>) {
            None => u64::MAX,
            Some(Ok(below)) => below,
            Some(Err(_)) => return Err(Error::argument("cursor", "must be one of an answer")),
        };
        let most = match (size, cursor) {
            (None, None) => limits::GROUP_BLOCKED_LIST,
            (size, _) => size.unwrap_or(limits::GROUP_BLOCKED_PAGE),
        };
        if size.is_some_and(|size| size == 0 || size > limits::GROUP_BLOCKED_PAGE) {
            let most = limits::GROUP_BLOCKED_PAGE;
            return Err(Error::argument("pageSize", format!("a whole number from 1 to {most}")));
        }
        let group = self.group_for_manager(caller, id).await?;
        let mut blocked: Vec<_> = group
            .roster
            .all()
            .filter(|(_, line)| line.standing == Standing::Blocked && line.number < below)
            .map(|(user, line)| (line.number, user))
            .collect();
        blocked.sort_unstable_by(|a, b| b.cmp(a));
        let more = blocked.len() > most;
        blocked.truncate(most);
        let last = blocked.last().filter(|_| more);
        Ok(BlockedPage {
            cursor: last.map(|(number, _)| number.to_string()),
            users: blocked.into_iter().map(|(_, user)| user.clone()).collect(),
        })
    }

    /// Puts up to 60 members on the allow list, or takes them off it. Nothing happens to those who are
    /// as wanted already.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for an ordinary member; [`Error::NotInGroup`], [`Error::GroupDisabled`],
    /// [`Error::Argument`], [`Error::UnknownGroup`], [`Error::Store`]. Of one user
    /// [`Error::NotInGroup`].
    pub async fn allow_in_group(
        &self,
        caller: &Caller,
        resource: Option<&Resource>,
        id: &GroupId,
        users: Vec<UserId>,
        on: bool,
    ) -> Result<PerUser, Error> {
        self.act_as(caller, resource, id, named(users)?, move |batch, who, users| {
            Box::pin(async move {
                who.must_manage(batch.group()?)?;
                let act = if on { GroupAct::Allowed } else { GroupAct::Disallowed };
                let mut outcomes = PerUser::new();
                for user in users {
                    let line = batch.group()?.roster.belonging(user);
                    let allowed = line.map(|line| line.allowed);
                    if allowed.is_some_and(|allowed| allowed != on) {
                        batch.group_mut()?.change(user, |line| line.allowed = on);
                        tell_managers(batch, who, act, user, None)?;
                        batch.settle(user).await?;
                    }
                    outcomes.push((user.clone(), allowed.map(drop).ok_or(Error::NotInGroup)));
                }
                Ok(outcomes)
            })
        })
        .await
    }

    /// Who is on the allow list, by name.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for an ordinary member; [`Error::NotInGroup`], [`Error::UnknownGroup`],
    /// [`Error::Store`].
    pub async fn allowed_in_group(
        &self,
        caller: &Caller,
        id: &GroupId,
    ) -> Result<Vec<UserId>, Error> {
        let group = self.group_for_manager(caller, id).await?;
        let allowed = group.roster.all_belonging().filter(|(_, line)| line.allowed);
        Ok(allowed.map(|(user, _)| user.clone()).collect())
    }

    /// Whether `user`, a member, is on the allow list. A member may ask that of itself, owner and
    /// administrators of anybody.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotInGroup`], [`Error::UnknownGroup`], [`Error::Store`].
    pub async fn is_allowed_in_group(
        &self,
        caller: &Caller,
        id: &GroupId,
        user: &UserId,
    ) -> Result<bool, Error> {
        let group = match caller.may_act_for(user) {
            true => self.group_for_member(caller, id).await?,
            false => self.group_for_manager(caller, id).await?,
        };
        Ok(group.roster.belonging(user).ok_or(Error::NotInGroup)?.allowed)
    }
}
